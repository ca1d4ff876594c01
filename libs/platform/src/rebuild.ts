/** Empties the read models and folds the whole log into them again, with progress. No projector may follow the same database meanwhile. */
import type { Progress } from '#mutuel/runtime';
import { rebuild } from '#mutuel/services';
import type { Config } from './config.js';
import { openSeams } from './seams.js';

export async function rebuildReadModels(
  config: Config,
  onProgress: (progress: Progress) => void,
  onWarning: (line: string) => void,
): Promise<Progress> {
  const seams = await openSeams(config, 'mutuel-rebuild', onWarning);
  try {
    const onAlarm = (code: string, detail: string): void => onWarning(`${code}: ${detail}`);
    return await rebuild({ ...seams, db: await seams.database(), onAlarm }, onProgress);
  } finally {
    await seams.close();
  }
}

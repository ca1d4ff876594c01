/** The read models made anew from the whole log, with progress: beside the live ones where those are on a server of their own. */
import { migrate } from '#mutuel/adapters';
import type { Progress } from '#mutuel/runtime';
import { rebuild } from '#mutuel/services';
import { schema } from '#mutuel/views';
import { type Config, isDistributed } from './config.js';
import { openSeams } from './seams.js';
import { asStartFault } from './start-fault.js';

export async function rebuildReadModels(
  config: Config,
  onProgress: (progress: Progress) => void,
  onWarning: (line: string) => void,
): Promise<Progress> {
  const seams = await openSeams(config, 'mutuel-rebuild', onWarning);
  try {
    const onAlarm = (code: string, detail: string): void => onWarning(`${code}: ${detail}`);
    const db = await seams.database();
    const prepare = (into: typeof db) => migrate(into, schema);
    return await rebuild({ ...seams, db, onAlarm, prepare, live: isDistributed(config) }, onProgress);
  } catch (fault) {
    return asStartFault(fault);
  } finally {
    await seams.close();
  }
}

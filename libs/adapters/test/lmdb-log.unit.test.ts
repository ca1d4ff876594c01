/** The embedded log on LMDB files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '#mutuel/adapters';
import type { EventLog } from '#mutuel/runtime';
import { describeLog } from './log-features.js';

describeLog('LMDB', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mutuel-log-'));
  const open = (): Promise<EventLog> =>
    openLmdbLog({ dir, topics: { bets: 3 }, clock: Date, onWarning: (sentence) => console.warn(sentence) });
  const log = await open();
  return {
    log,
    topic: 'bets',
    reopen: async () => {
      await log.close();
      return open();
    },
    dispose: async () => {
      await log.close();
      rmSync(dir, { recursive: true });
    },
  };
});

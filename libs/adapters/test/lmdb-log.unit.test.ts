/** The embedded log on LMDB files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog, seededRandom, steppingClock } from '#mutuel/adapters';
import type { EventLog } from '#mutuel/runtime';
import { describeFaultyLog } from './log-fault-features.js';
import { describeLog, type LogFixture } from './log-features.js';

const openFixture = async (): Promise<LogFixture> => {
  const dir = mkdtempSync(join(tmpdir(), 'mutuel-log-'));
  const open = (): Promise<EventLog> =>
    openLmdbLog({
      dir,
      topics: { bets: 3 },
      clock: steppingClock(Date, seededRandom(7), 60_000),
      onWarning: (sentence) => console.warn(sentence),
    });
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
};

describeLog('LMDB', openFixture);
describeFaultyLog('LMDB', openFixture, [1, 2, 3], 60);

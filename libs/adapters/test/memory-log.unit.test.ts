/** The embedded log on a simulated disk. */
import { MemoryDisk, openMemoryLog } from '#mutuel/adapters';
import { describeFaultyLog } from './log-fault-features.js';
import { describeLog, type LogFixture } from './log-features.js';

const open = async (): Promise<LogFixture> => {
  const disk = new MemoryDisk();
  const openLog = () => openMemoryLog({ disk, topics: { bets: 3 }, clock: Date });
  const log = await openLog();
  return { log, topic: 'bets', reopen: openLog, dispose: () => log.close() };
};

describeLog('The memory log', open);
describeFaultyLog('The memory log', open, [1, 2, 3, 4, 5], 60);

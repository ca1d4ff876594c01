/** The embedded log on a simulated disk. */
import { MemoryDisk, openMemoryLog } from '#mutuel/adapters';
import { describeLog } from './log-features.js';

describeLog('The memory log', async () => {
  const disk = new MemoryDisk();
  const open = () => openMemoryLog({ disk, topics: { bets: 3 }, clock: Date });
  const log = await open();
  return { log, topic: 'bets', reopen: open, dispose: () => log.close() };
});

/** The embedded log on a simulated disk. */
import { expect, it } from 'vitest';
import { MemoryDisk, openMemoryLog } from '#mutuel/adapters';
import { describeFaultyLog } from './log-fault-features.js';
import { describeLog, type LogFixture } from './log-features.js';
import { bytesOf, Collector } from './support/log-helpers.js';

const open = async (): Promise<LogFixture> => {
  const disk = new MemoryDisk();
  const openLog = () => openMemoryLog({ disk, topics: { bets: 3 }, clock: Date });
  const log = await openLog();
  return { log, topic: 'bets', reopen: openLog, dispose: () => log.close() };
};

describeLog('The memory log', open);
describeFaultyLog('The memory log', open, [1, 2, 3, 4, 5], 60);

it('never sleeps through an append, whichever moment of the reader it meets', async () => {
  for (let microtasks = 0; microtasks < 30; microtasks++) {
    const log = await openMemoryLog({ topics: { bets: 1 }, clock: Date });
    const at = { topic: 'bets', partition: 0 };
    const appender = await log.appender();
    const seen = new Collector();
    await seen.tail(log, [{ ...at, from: 0 }]);
    await appender.append(at, bytesOf('a'));
    for (let i = 0; i < microtasks; i++) await Promise.resolve();
    await appender.append(at, bytesOf('b'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen.texts(at)).toEqual(['a', 'b']);
    await log.close();
  }
});

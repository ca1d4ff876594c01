/**
 * What an acknowledged append is worth: the disk forgets everything it was not told to flush, at moments drawn from a seed, and
 * nothing that was acknowledged may be missing afterwards. A disk that lies about its flush shows that the test can fail.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryDisk, openLmdbLog, openMemoryLog } from '#mutuel/adapters';
import type { AppendFault, EventLog, TopicPartition } from '#mutuel/runtime';
import { type LmdbEnvironment, openLmdbEnvironment } from '../src/embedded/lmdb-store.js';
import { bytesOf, textsOf, until } from './support/log-helpers.js';

const topics = { bets: 2 };
const at = { topic: 'bets', partition: 0 };
const silent = (): void => undefined;

/** Appends from several writers until told to stop, and keeps what was acknowledged. */
class Writers {
  readonly acknowledged: [TopicPartition, number, string][] = [];
  private stopped = false;

  constructor(log: EventLog, count: number) {
    for (let writer = 0; writer < count; writer++) void this.run(log, writer).catch(silent);
  }

  stop(): void {
    this.stopped = true;
  }

  private async run(log: EventLog, writer: number): Promise<void> {
    const appender = await log.appender();
    const to = { topic: 'bets', partition: writer % 2 };
    for (let i = 0; !this.stopped; i++) {
      const text = `${writer}-${i}`;
      const { base } = await appender.append(to, bytesOf(text));
      if (!this.stopped) this.acknowledged.push([to, base, text]);
    }
  }
}

async function missing(log: EventLog, acknowledged: Writers['acknowledged']): Promise<string[]> {
  const kept = new Map<number, string[]>();
  for (const partition of [0, 1]) {
    kept.set(partition, textsOf(await log.read({ topic: 'bets', partition, from: 0 }, 1_000_000)));
  }
  return acknowledged
    .filter(([{ partition }, base, text]) => kept.get(partition)?.[base] !== text)
    .map(([, , text]) => text);
}

describe('A crash of the simulated disk', () => {
  it('loses no acknowledged append, whenever it comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), async (turns) => {
        const disk = new MemoryDisk();
        disk.autoFlush = false;
        const writers = new Writers(await openMemoryLog({ disk, topics, clock: { now: () => 1 } }), 4);
        for (const flush of turns) {
          if (flush) disk.flush();
          await new Promise((resolve) => setImmediate(resolve));
        }
        disk.crash();
        writers.stop();
        const after = await openMemoryLog({ disk, topics, clock: { now: () => 2 } });
        expect(await missing(after, writers.acknowledged)).toEqual([]);
      }),
      { seed: 20_260_301, numRuns: 200 },
    );
  });

  it('shows no reader a record that is not flushed', async () => {
    const disk = new MemoryDisk();
    disk.autoFlush = false;
    const log = await openMemoryLog({ disk, topics, clock: { now: () => 1 } });
    const append = (await log.appender()).append(at, bytesOf('a'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await log.bounds(at)).toEqual({ start: 0, end: 0 });
    expect(await log.read({ ...at, from: 0 }, 1)).toEqual([]);
    disk.flush();
    expect(await append).toEqual({ base: 0 });
    expect(textsOf(await log.read({ ...at, from: 0 }, 1))).toEqual(['a']);
  });
});

/** LMDB over two folders: `live` is what the operating system caches, `disk` what a flush has copied away for good. */
class ForgetfulDisk {
  readonly root = mkdtempSync(join(tmpdir(), 'mutuel-crash-'));
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly lies: boolean) {
    mkdirSync(join(this.root, 'live'));
  }

  open = (dir: string, tables: number): LmdbEnvironment => {
    const real = openLmdbEnvironment(dir, tables);
    const flush = (): Promise<void> => (this.lies ? Promise.resolve() : this.untilFlushed());
    return {
      openDB: (name, options) => real.openDB(name, options),
      batch: (puts) => real.batch(puts),
      get flushed() {
        return flush();
      },
      close: () => real.close(),
    };
  };

  /** The copy is taken between writes: this test's writers stand still until their flush is reported. */
  flush(): void {
    rmSync(join(this.root, 'disk'), { recursive: true, force: true });
    cpSync(join(this.root, 'live'), join(this.root, 'disk'), {
      recursive: true,
      filter: (file) => !file.endsWith('lock'),
    });
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private untilFlushed(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  get pending(): boolean {
    return this.waiting.length > 0;
  }
}

describe('A crash under LMDB', () => {
  const disks: ForgetfulDisk[] = [];
  afterEach(() => {
    for (const disk of disks.splice(0)) rmSync(disk.root, { recursive: true, force: true });
  });

  async function lostAfterCrash(lies: boolean): Promise<{ lost: number; acknowledged: number }> {
    const disk = new ForgetfulDisk(lies);
    disks.push(disk);
    const opening = openLmdbLog({
      dir: join(disk.root, 'live'),
      topics,
      clock: Date,
      onWarning: silent,
      openEnvironment: disk.open,
    });
    await until(() => lies || disk.pending);
    disk.flush();
    const log = await opening;
    const writers = new Writers(log, 4);
    for (let flush = 0; flush < 20; flush++) {
      await until(() => disk.pending || lies);
      if (lies) await new Promise((resolve) => setTimeout(resolve, 2));
      else disk.flush();
    }
    await until(() => disk.pending || writers.acknowledged.length > 50);
    writers.stop();
    const after = await openLmdbLog({ dir: join(disk.root, 'disk'), topics, clock: Date, onWarning: silent });
    const lost = (await missing(after, writers.acknowledged)).length;
    await after.close();
    return { lost, acknowledged: writers.acknowledged.length };
  }

  it('loses no acknowledged append although every write of the last flush is gone', async () => {
    const { lost, acknowledged } = await lostAfterCrash(false);
    expect(acknowledged).toBeGreaterThan(20);
    expect(lost).toBe(0);
  });

  it('would lose some if answers did not wait for the flush', async () => {
    const { lost } = await lostAfterCrash(true);
    expect(lost).toBeGreaterThan(0);
  });
});

describe('A failing disk', () => {
  const faultOf = (append: Promise<unknown>): Promise<AppendFault> =>
    append.then(
      () => expect.fail(),
      (e: AppendFault) => e,
    );

  it('says NOT_APPENDED when the write was refused, and the log goes on', async () => {
    const disk = new MemoryDisk();
    const log = await openMemoryLog({ disk, topics, clock: { now: () => 1 } });
    disk.failNext('BEFORE');
    expect(await faultOf((await log.appender()).append(at, bytesOf('a')))).toMatchObject({ outcome: 'NOT_APPENDED' });
    expect(await (await log.appender()).append(at, bytesOf('b'))).toEqual({ base: 0 });
    expect(textsOf(await log.read({ ...at, from: 0 }, 9))).toEqual(['b']);
  });

  it('says UNKNOWN when the bytes are there but not confirmed, and shows them with the next flush', async () => {
    const disk = new MemoryDisk();
    const log = await openMemoryLog({ disk, topics, clock: { now: () => 1 } });
    disk.failNext('AFTER');
    expect(await faultOf((await log.appender()).append(at, bytesOf('a')))).toMatchObject({ outcome: 'UNKNOWN' });
    expect(await log.bounds(at)).toEqual({ start: 0, end: 0 });
    expect(await (await log.appender()).append(at, bytesOf('b'))).toEqual({ base: 1 });
    expect(textsOf(await log.read({ ...at, from: 0 }, 9))).toEqual(['a', 'b']);
  });

  it('answers every append of a failed group, and never lets time go back', async () => {
    const disk = new MemoryDisk();
    const times = [100, 90, 80];
    const log = await openMemoryLog({ disk, topics, clock: { now: () => times.shift() ?? 70 } });
    const appenders = await Promise.all([log.appender(), log.appender(), log.appender()]);
    disk.failNext('BEFORE');
    const faults = await Promise.all(appenders.map((appender) => faultOf(appender.append(at, bytesOf('x')))));
    expect(faults.map(({ outcome }) => outcome)).toEqual(['NOT_APPENDED', 'NOT_APPENDED', 'NOT_APPENDED']);
    await (await log.appender()).append(at, bytesOf('a'));
    await (await log.appender()).append(at, bytesOf('b'));
    expect((await log.read({ ...at, from: 0 }, 9)).map(({ time }) => time)).toEqual([100, 100]);
  });
});

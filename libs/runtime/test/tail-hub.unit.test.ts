import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EventLog, LogRecord } from '../src/ports.js';
import { TailHub } from '../src/tail-hub.js';
import { appendTo, memoryLog, SHARD_COMMANDS, SHARD_DECISIONS, settle, VirtualClock } from './support/world.js';

let clock: VirtualClock;
let log: EventLog;
let tails: number;
let hub: TailHub;

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock);
  tails = 0;
  const open = log.tail.bind(log);
  log.tail = (...args) => {
    tails++;
    return open(...args);
  };
  hub = new TailHub(log, clock);
});

const put = async (count: number) => {
  for (let left = count; left > 0; left -= 100) {
    await appendTo(log, SHARD_DECISIONS, ...Array.from({ length: Math.min(left, 100) }, () => Uint8Array.of(1)));
  }
};

function collector(): { offsets: number[]; take: (records: readonly LogRecord[]) => void } {
  const offsets: number[] = [];
  return { offsets, take: (records) => offsets.push(...records.map((r) => r.offset)) };
}

const from = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);
const never = (fault: Error): void => {
  throw fault;
};

async function subscribed(start: number, take: (records: readonly LogRecord[]) => void | Promise<void>) {
  let done = false;
  const subscription = hub.subscribe({ ...SHARD_DECISIONS, from: start }, take, never).finally(() => {
    done = true;
  });
  await clock.until(() => done, 'the subscription');
  return subscription;
}

describe('a tail hub', () => {
  test('gives readers that come together one tail, each from its own offset', async () => {
    await put(10);
    const [a, b] = [collector(), collector()];
    void hub.subscribe({ ...SHARD_DECISIONS, from: 0 }, a.take, never);
    void hub.subscribe({ ...SHARD_DECISIONS, from: 7 }, b.take, never);
    await clock.until(() => a.offsets.length === 10);
    await put(5);
    await settle();
    expect([a.offsets, b.offsets, tails]).toEqual([from(0, 15), from(7, 15), 1]);
  });

  test('lets a late reader catch up on a tail of its own and then join, without a gap or a repetition', async () => {
    await put(1_200);
    const [a, b] = [collector(), collector()];
    await subscribed(0, a.take);
    await clock.until(() => a.offsets.length === 1_200);
    await subscribed(100, b.take);
    await clock.until(() => b.offsets.length === 1_100);
    await put(300);
    await settle();
    expect(a.offsets).toEqual(from(0, 1_500));
    expect(b.offsets).toEqual(from(100, 1_500));
    expect(tails).toBe(2);
  });

  test('goes on for one who was still catching up when the last of the others left', async () => {
    await put(1_200);
    const [a, b] = [collector(), collector()];
    let release: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = await subscribed(0, a.take);
    await clock.until(() => a.offsets.length === 1_200);
    const joining = subscribed(100, async (records) => {
      await blocked;
      b.take(records);
    });
    await settle();
    await first.close();
    // Nobody is there to take these from the shared tail.
    await put(50);
    await settle();
    release();
    await joining;
    await clock.until(() => b.offsets.length === 1_150);
    await put(50);
    await clock.until(() => b.offsets.length === 1_200, 'what came after it had joined');
    expect(b.offsets).toEqual(from(100, 1_300));
  });

  test('does not let a reader that hangs hold up another one', async () => {
    const a = collector();
    await subscribed(0, a.take);
    await subscribed(0, () => new Promise<void>(() => undefined));
    await put(30_000);
    await clock.until(() => a.offsets.length === 30_000);
  });

  test('brings a reader back that fell behind and recovered', async () => {
    const [a, b] = [collector(), collector()];
    let release: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    await subscribed(0, a.take);
    await subscribed(0, async (records) => {
      await blocked;
      b.take(records);
    });
    await put(25_000);
    await clock.until(() => a.offsets.length === 25_000);
    release();
    await clock.until(() => b.offsets.length === 25_000);
    await put(10);
    await clock.until(() => b.offsets.length === 25_010);
    expect(b.offsets).toEqual(from(0, 25_010));
  });

  test('refuses to start beyond the end of the log', async () => {
    await expect(hub.subscribe({ ...SHARD_DECISIONS, from: 3 }, () => undefined, never)).rejects.toThrow(
      /holds offsets 0 to 0; a reader wants to go on from 3/,
    );
  });

  test('tells only the reader whose handler threw, and stops feeding it', async () => {
    const a = collector();
    const faults: string[] = [];
    await subscribed(0, a.take);
    void hub.subscribe(
      { ...SHARD_DECISIONS, from: 0 },
      () => {
        throw new Error('no');
      },
      (fault) => faults.push(fault.message),
    );
    await clock.pass(100);
    await put(2);
    await settle();
    await put(2);
    await settle();
    expect([a.offsets, faults]).toEqual([from(0, 4), ['no']]);
  });

  test('tells every reader when the shared tail is lost, and serves the next ones with a new one', async () => {
    let lose: (fault: Error) => void = () => undefined;
    const open = log.tail.bind(log);
    log.tail = (starts, onBatch, onFault) => {
      lose = onFault;
      return open(starts, onBatch, onFault);
    };
    const faults: string[] = [];
    void hub.subscribe(
      { ...SHARD_DECISIONS, from: 0 },
      () => undefined,
      (fault) => faults.push(fault.message),
    );
    void hub.subscribe(
      { ...SHARD_DECISIONS, from: 0 },
      () => undefined,
      (fault) => faults.push(fault.message),
    );
    await clock.pass(100);
    lose(new Error('the server is gone'));
    const a = collector();
    await subscribed(0, a.take);
    await put(3);
    await settle();
    expect(faults).toEqual(['the server is gone', 'the server is gone']);
    expect(a.offsets).toEqual(from(0, 3));
  });

  test('serves the next ones also where the tail was lost while others waited for theirs', async () => {
    let lose: (fault: Error) => void = () => undefined;
    const asked: number[] = [];
    const open = log.tail.bind(log);
    log.tail = (starts, onBatch, onFault) => {
      lose = onFault;
      asked.push(...starts.map((start) => start.from));
      return open(starts, onBatch, onFault);
    };
    await put(3);
    const faults: string[] = [];
    const note = (fault: Error): void => void faults.push(fault.message);
    void hub.subscribe({ ...SHARD_DECISIONS, from: 0 }, () => undefined, note);
    await clock.pass(100);
    void hub.subscribe({ ...SHARD_COMMANDS, from: 0 }, () => undefined, note);
    await settle();
    lose(new Error('the server is gone'));
    const next = collector();
    void hub.subscribe({ ...SHARD_DECISIONS, from: 0 }, next.take, never);
    await clock.until(() => next.offsets.length === 3);
    expect(faults).toEqual(['the server is gone', 'the server is gone']);
    expect(asked).toEqual([0, 0]);
  });

  test('tells each reader once when the tail cannot be opened, those who joined meanwhile too', async () => {
    let refuse: (fault: Error) => void = () => undefined;
    log.tail = () =>
      new Promise((_, reject) => {
        refuse = reject;
      });
    const told: string[] = [];
    const subscribe = (name: string): Promise<unknown> =>
      hub
        .subscribe(
          { ...SHARD_DECISIONS, from: 0 },
          () => undefined,
          () => told.push(`${name} lost`),
        )
        .catch(() => told.push(`${name} refused`));
    void subscribe('first');
    await clock.pass(100);
    void subscribe('second');
    await settle();
    refuse(new Error('the server is gone'));
    await settle();
    expect(told.sort()).toEqual(['first refused', 'second lost']);
  });

  test('opens anew for who comes after a failed opening, though one who joined it meanwhile reads on a tail of his own', async () => {
    await put(20);
    const open = log.tail.bind(log);
    let refuse: (fault: Error) => void = () => undefined;
    const back = new Promise<never>((_, reject) => {
      refuse = reject;
    });
    let asked = 0;
    // The shared one fails; the reader's own, begun later, comes when the server is back.
    log.tail = (...args) => (++asked === 1 ? back : back.catch(() => open(...args)));
    const [first, early] = [collector(), collector()];
    const refused = hub.subscribe({ ...SHARD_DECISIONS, from: 10 }, first.take, never).catch(() => 'refused');
    await clock.pass(100);
    void hub.subscribe({ ...SHARD_DECISIONS, from: 0 }, early.take, never);
    await settle();
    refuse(new Error('the server is gone'));
    expect(await refused).toBe('refused');
    await subscribed(10, first.take);
    await put(5);
    await clock.until(() => first.offsets.length === 15 && early.offsets.length === 25);
    expect([first.offsets, early.offsets]).toEqual([from(10, 25), from(0, 25)]);
  });

  test('hands on as soon as anybody is free, also one who came after the batch was offered', async () => {
    await put(10);
    await subscribed(0, () => new Promise<void>(() => undefined));
    const late = collector();
    await subscribed(10, late.take);
    await put(10);
    await clock.until(() => late.offsets.length === 10);
  });

  test('feeds every reader each record once and in order, whenever it comes, goes and dawdles', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ put: fc.integer({ min: 0, max: 700 }), slow: fc.boolean() }), { maxLength: 6 }),
        async (steps) => {
          clock = new VirtualClock();
          log = await memoryLog(clock);
          hub = new TailHub(log, clock);
          const readers: { start: number; offsets: number[] }[] = [];
          let end = 0;
          for (const [i, step] of steps.entries()) {
            await put(step.put);
            end += step.put;
            const { offsets, take } = collector();
            const start = Math.floor((end * i) / steps.length);
            readers.push({ start, offsets });
            await subscribed(start, step.slow ? (r) => clock.sleep(5).then(() => take(r)) : take);
          }
          await put(50);
          end += 50;
          await clock.until(() => readers.every((r) => r.offsets.length >= end - r.start));
          for (const { start, offsets } of readers) expect(offsets).toEqual(from(start, end));
          await hub.close();
        },
      ),
      { numRuns: 40 },
    );
  });
});

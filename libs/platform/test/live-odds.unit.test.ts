/** The odds that a process shows: of running pools from the topic, of pools that were over long before it started from the read models. */
import { describe, expect, test } from 'vitest';
import { LogFault, type LogRecord, type OnRecords, type TailSource } from '#mutuel/runtime';
import { CYCLE_MS, encodeTick, type Tick, type TickPool } from '#mutuel/views';
import { LiveOdds } from '../src/live-odds.js';

const pool = (id: string, gross: number, price: string): TickPool => ({
  ...{ id, v: 1, gross, net: gross - 100, carryIn: 0, final: true },
  rows: [['4', gross, price]],
});

function tickOf(cycle: number, ...pools: TickPool[]): Tick {
  const at = cycle * CYCLE_MS + 140;
  const cut = { shards: [0], market: 0 };
  return { v: 1, cycle, prevCycle: cycle - 1, at, late: false, full: false, cut, pools };
}

/** As it stands in the topic, each at the offset of its cycle. */
function record(cycle: number, ...pools: TickPool[]): LogRecord {
  const tick = tickOf(cycle, ...pools);
  const [value] = encodeTick(tick, 'node');
  return { offset: cycle, time: tick.at, value: value as Uint8Array };
}

describe('the live odds', () => {
  test('know of a pool that was over before what is read back what the read models know', () => {
    const odds = new LiveOdds();
    odds.begin([{ cycle: 7, at: 35_200, pool: pool('old', 5_000, '1.10') }]);
    odds.take([tickOf(900, pool('new', 700, '2.00'))]);
    expect(odds.latest('old')).toMatchObject({ cycle: 7, computedAt: 35_200, gross: 5_000, final: true });
    expect(odds.latest('old')?.of('4')?.price).toBe('1.10');
    expect(odds.cycle).toBe(900);
  });

  test('take what the topic tells of such a pool all the same', () => {
    const odds = new LiveOdds();
    odds.begin([{ cycle: 7, at: 35_200, pool: pool('old', 5_000, '1.10') }]);
    odds.take([tickOf(900, pool('old', 6_000, '1.20'))]);
    expect(odds.latest('old')).toMatchObject({ cycle: 900, gross: 6_000 });
  });

  test('say when a tick was computed, not which moment it is of', () => {
    const odds = new LiveOdds();
    odds.take([tickOf(900, pool('new', 700, '2.00'))]);
    expect(odds.latest('new')?.computedAt).toBe(900 * CYCLE_MS + 140);
  });

  test('go on where they were when the log comes back, however often it is lost', async () => {
    const froms: number[] = [];
    const readers: { take: OnRecords; lose: (fault: Error) => void }[] = [];
    const fatal: Error[] = [];
    const tails: TailSource = {
      subscribe: async ({ from }, take, lose) => {
        froms.push(from);
        if (froms.length === 2) throw new Error('no broker answers');
        readers.push({ take, lose });
        return { close: async () => undefined };
      },
    };
    const odds = new LiveOdds();
    const log = { bounds: async () => ({ start: 0, end: 900 }) };
    const clock = { now: Date.now, sleep: async () => undefined };
    await odds.start({ log, tails, clock, onFatal: (fault) => fatal.push(fault) });
    await readers[0]?.take([record(899, pool('a', 700, '2.00')), record(900, pool('a', 800, '2.00'))]);
    readers[0]?.lose(new Error('kafkajs has given up'));
    await expect.poll(() => readers.length).toBe(2);
    expect(froms.slice(1)).toEqual([901, 901]);
    await readers[1]?.take([record(901, pool('a', 900, '2.00'))]);
    expect(odds.latest('a')).toMatchObject({ cycle: 901, gross: 900 });
    expect(fatal).toEqual([]);
    readers[1]?.lose(new LogFault('a hole'));
    expect(fatal).toEqual([new LogFault('a hole')]);
  });

  test('end with what they cannot read, instead of asking for it again for ever', async () => {
    const fatal: Error[] = [];
    const tails: TailSource = {
      subscribe: async (_, take) => {
        await take([{ offset: 0, time: 0, value: new TextEncoder().encode('{"v":99}') }]);
        return { close: async () => undefined };
      },
    };
    const log = { bounds: async () => ({ start: 0, end: 1 }) };
    const clock = { now: Date.now, sleep: async () => undefined };
    await new LiveOdds().start({ log, tails, clock, onFatal: (fault) => fatal.push(fault) });
    expect(fatal).toHaveLength(1);
  });
});

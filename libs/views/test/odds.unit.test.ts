/** The odds book and its ticks: sums worked out by hand, and a tick that is a function of its cut alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandLines, isRefusal, probables, type RuleSet, readSelection, ruleSetFor, shapeOf } from '#mutuel/tote';
import {
  CYCLE_MS,
  computeTick,
  encodeTick,
  MAX_SPREAD_LINES,
  OddsBook,
  oddsValue,
  type PlacedDecision,
  type Source,
  type Tick,
  TickReader,
} from '../src/index.js';
import {
  marketFact,
  marketLog,
  meeting,
  poolId,
  RACE,
  refunded,
  seal,
  shardFact,
  shardLog,
  ticket,
} from './support/decisions.js';

const WIN = poolId('WIN');
const at = (cycle: number, ms = 0): number => (cycle - 1) * CYCLE_MS + 1 + ms;

function market(types: Parameters<typeof meeting>[0], runners = 4, shards = 2) {
  const log = marketLog();
  const logs = Array.from({ length: shards }, (_, i) => shardLog(i));
  const book = new OddsBook(shards);
  const published = { t: 'MeetingPublished', meeting: meeting(types, runners) } as const;
  marketFact(log, 1, published);
  for (const shard of logs) shardFact(shard, 2, published);
  const offered = new Map<unknown, number>();
  const tick = (cycle: number, prevCycle: number | null = cycle - 1): Tick => {
    for (const [source, list] of [['market', log.placed], ...logs.map((l, i) => [i, l.placed] as const)] as const) {
      for (const placed of list.slice(offered.get(source) ?? 0)) book.offer(source as Source, placed);
      offered.set(source, list.length);
    }
    return computeTick(book, { cycle, prevCycle, at: cycle * CYCLE_MS + 120, late: false });
  };
  return { log, logs, book, tick };
}

const pool = (tick: Tick, id: string) => {
  const found = tick.pools.find((one) => one.id === id);
  if (!found) throw new Error(`${id} is not in the tick`);
  return { ...found, odds: Object.fromEntries(found.rows.map(oddsValue).map((row) => [row.c, row])) };
};

describe('odds of a win pool', () => {
  it('are the net pool over the stake, cut to the display step, over all shards', () => {
    const { logs, tick } = market(['WIN']);
    const [a, b] = logs;
    if (!a || !b) throw new Error('two shards');
    ticket(a, at(2), [{ pool: WIN, sel: '1', unit: 30_000 }]);
    ticket(b, at(2), [
      { pool: WIN, sel: '1', unit: 10_000 },
      { pool: WIN, sel: '2', unit: 60_000 },
    ]);
    const win = pool(tick(2), WIN);
    // gross 100,000; takeout 0.139 x 100,000 = 13,900; net 86,100
    expect([win.gross, win.net]).toEqual([100_000, 86_100]);
    // runner 1: 86,100 / 40,000 = 2.1525, shown 2.1; runner 2: 86,100 / 60,000 = 1.435, shown 1.4
    expect(win.odds['1']).toMatchObject({ stake: 40_000, price: '2.10' });
    expect(win.odds['2']).toMatchObject({ stake: 60_000, price: '1.40' });
    expect(win.odds['3']).toEqual({ c: '3', stake: 0, price: null, low: null, high: null });
  });

  it('lose what is cancelled, voided at the marker and refunded for a scratch', () => {
    const { log, logs, tick } = market(['WIN']);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    ticket(a, at(2), [{ pool: WIN, sel: '1', unit: 100 }]);
    ticket(a, at(2), [{ pool: WIN, sel: '1', unit: 200 }]);
    ticket(a, at(2), [{ pool: WIN, sel: '2', unit: 400 }]);
    ticket(a, at(2), [{ pool: WIN, sel: '3', unit: 800 }]);
    expect(pool(tick(2), WIN).gross).toBe(1_500);
    a.decide(at(3), {
      t: 'TicketCancelled',
      ticket: 't0-2-x',
      account: 'acc-1',
      reason: '',
      by: '',
      balance: 0,
      bets: [{ pool: WIN, i: 0, no: 0, amount: 100 }],
    });
    refunded(a, at(3), WIN, 'AFTER_STOP', [{ i: 1, amount: 200 }]);
    const scratched = { t: 'RunnerScratched', race: RACE, runner: '3' } as const;
    marketFact(log, at(3), scratched);
    shardFact(a, at(3), scratched);
    refunded(a, at(3), WIN, 'SCRATCHED', [{ i: 3, amount: 800 }]);
    const win = pool(tick(3), WIN);
    // 1,500 - 100 - 200 - 800
    expect(win.gross).toBe(400);
    expect(win.rows.map(([c, stake]) => [c, stake])).toEqual([
      ['1', 0],
      ['2', 400],
      ['4', 0],
    ]);
  });

  it('stand as they closed when the pool is paid back at its settlement', () => {
    const { logs, tick } = market(['WIN']);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    ticket(a, at(2), [{ pool: WIN, sel: '1', unit: 100 }]);
    tick(2);
    refunded(a, at(3), WIN, 'POOL_REFUNDED', [{ i: 0, amount: 100 }]);
    expect(tick(3).pools).toEqual([]);
  });
});

describe('odds of larger pools', () => {
  it('give a place range: least with the most backed beside it, most with the least backed', () => {
    const { logs, tick } = market(['PLACE'], 4);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    const stakes = { 1: 50_000, 2: 30_000, 3: 15_000, 4: 5_000 };
    for (const [sel, unit] of Object.entries(stakes)) ticket(a, at(2), [{ pool: poolId('PLACE'), sel, unit }]);
    const place = pool(tick(2), poolId('PLACE'));
    // net 86,100, 2 places: runner 1 with 2: 1 + (86,100 - 80,000) / 2 / 50,000 = 1.061, raised to 1.10;
    // with 4: 1 + (86,100 - 55,000) / 2 / 50,000 = 1.311, shown 1.3
    expect(place.odds['1']).toMatchObject({ price: null, low: '1.10', high: '1.30' });
    // runner 4 with 1: 1 + (86,100 - 55,000) / 2 / 5,000 = 4.11; with 3: 1 + (86,100 - 20,000) / 2 / 5,000 = 7.61
    expect(place.odds['4']).toMatchObject({ price: null, low: '4.10', high: '7.60' });
  });

  it('spread a box over its pairs and take off exactly the lines a scratch touched', () => {
    const EXACTA = poolId('EXACTA');
    const { log, logs, tick } = market(['EXACTA']);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    ticket(a, at(2), [{ pool: EXACTA, sel: 'BOX:1,2,3', unit: 100, lines: 6 }]);
    ticket(a, at(2), [{ pool: EXACTA, sel: '1>2', unit: 1_000 }]);
    expect(pool(tick(2), EXACTA).rows.map(([c, stake]) => [c, stake])).toEqual([
      ['1>2', 1_100],
      ['2>1', 100],
      ['1>3', 100],
      ['3>1', 100],
      ['2>3', 100],
      ['3>2', 100],
    ]);
    const scratched = { t: 'RunnerScratched', race: RACE, runner: '3' } as const;
    marketFact(log, at(3), scratched);
    shardFact(a, at(3), scratched);
    // Of the box 1>2 and 2>1 are left: 4 of 6 lines go back.
    refunded(a, at(3), EXACTA, 'SCRATCHED', [{ i: 0, amount: 400 }]);
    const left = pool(tick(3), EXACTA);
    expect(left.gross).toBe(1_200);
    expect(left.rows.map(([c, stake]) => [c, stake])).toEqual([
      ['1>2', 1_100],
      ['2>1', 100],
    ]);
    // What is left of the box is withdrawn whole: its two lines and no more.
    a.decide(at(4), {
      t: 'TicketCancelled',
      ticket: 't0-2-x',
      account: 'acc-1',
      reason: '',
      by: '',
      balance: 0,
      bets: [{ pool: EXACTA, i: 0, no: 0, amount: 200 }],
    });
    const last = pool(tick(4), EXACTA);
    expect([last.gross, last.rows.map(([c, stake]) => [c, stake])]).toEqual([1_000, [['1>2', 1_000]]]);
  });

  it('count a bet too wide to list on every shown combination', () => {
    const TRIFECTA = poolId('TRIFECTA');
    const { logs, tick } = market(['TRIFECTA'], 20);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    const all = Array.from({ length: 20 }, (_, i) => i + 1).join(',');
    const lines = 20 * 19 * 18;
    expect(lines).toBeGreaterThan(MAX_SPREAD_LINES);
    ticket(a, at(2), [{ pool: TRIFECTA, sel: `BOX:${all}`, unit: 2, lines }]);
    ticket(a, at(2), [{ pool: TRIFECTA, sel: '4>7>1', unit: 500 }]);
    const tierce = pool(tick(2), TRIFECTA);
    expect(tierce.gross).toBe(lines * 2 + 500);
    expect(tierce.rows.map(([c, stake]) => [c, stake])).toEqual([['4>7>1', 502]]);
  });
});

describe('odds of pools with tiers', () => {
  const TIERCE = poolId('TIERCE');

  it('count the lines that are not shown: who would share is paid too', () => {
    const { logs, tick } = market(['TIERCE'], 10);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    // The twenty that are shown, none of them another order of the first; then one.
    const others = ['4>5>6', '4>5>7', '4>5>8', '4>5>9', '4>6>7', '4>6>8', '4>6>9', '4>7>8', '4>7>9', '4>8>9'];
    const more = ['5>6>7', '5>6>8', '5>6>9', '5>7>8', '5>7>9', '5>8>9', '6>7>8', '6>7>9', '6>8>9'];
    const bets = ['1>2>3', ...others, ...more].map((sel) => ({ pool: TIERCE, sel, unit: 1_000 }));
    ticket(a, at(2), bets);
    ticket(a, at(2), [{ pool: TIERCE, sel: '1>3>2', unit: 500 }]);
    const { rows, net, odds } = pool(tick(2), TIERCE);
    expect([rows.length, odds['1>3>2']]).toEqual([20, undefined]);
    // 20,500 less 26 %: 15,170. A half over 1,000 is no five times a half over 500, so both share all of it, five to one:
    // 15,170 / (5 x 1,000 + 500) = 2.758..., cut to 2.70, and five times that. Without 1>3>2 it would be 15.10.
    expect(net).toBe(15_170);
    expect(odds['1>2>3']?.price).toBe('13.50');
  });

  const types = (['TIERCE', 'QUARTE', 'QUINTE', 'PICK5_FR', 'MULTI'] as const).filter((type) => ruleSetFor('FR', type));
  it.each(types)('are those of all lines of a %s, whatever was given back and however wide a bet', (type) => {
    const id = poolId(type);
    const { log, logs, tick } = market([type], 9);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    const rules = ruleSetFor('FR', type) as RuleSet;
    const declared = Array.from({ length: 9 }, (_, i) => String(i + 1));
    const stakes = new Map<string, number>();
    const [picks, given] = [shapeOf(type).picks, [] as { i: number; amount: number }[]];
    const name = (i: number, k: number): string => String(((i * 7 + k * (1 + (i % 2))) % 9) + 1);
    let gross = 0;
    for (let i = 0; i < 80; i++) {
      const wide = type === 'TIERCE' && i === 40;
      const size = type === 'MULTI' ? 4 + (i % 4) : picks;
      const boxed = i % 3 === 0 && type !== 'MULTI' ? size + 1 : size;
      const named = wide ? declared : [...new Set(Array.from({ length: boxed }, (_, k) => name(i, k)))];
      if (named.length < size) continue;
      const sel =
        named.length > size ? `BOX:${named.join()}` : named.join(shapeOf(type).arrangement === 'ORDERED' ? '>' : '-');
      const read = readSelection(type, sel, { declared }, rules);
      if (isRefusal(read)) throw new Error(read.message);
      const unit = 100 * (1 + (i % 5));
      ticket(a, at(2), [{ pool: id, sel: read.text, unit, lines: read.lines }]);
      const lines = [...expandLines(read)];
      const out = lines.filter((c) => c.split(/[>-]/).includes('9'));
      given.push({ i: given.length, amount: out.length * unit });
      for (const c of lines) if (!out.includes(c)) stakes.set(c, (stakes.get(c) ?? 0) + unit);
      gross += (lines.length - out.length) * unit;
    }
    tick(2);
    const scratched = { t: 'RunnerScratched', race: RACE, runner: '9' } as const;
    marketFact(log, at(3), scratched);
    shardFact(a, at(3), scratched);
    const items = given.filter(({ amount }) => amount > 0);
    refunded(a, at(3), id, 'SCRATCHED', items);
    const shown = pool(tick(3), id);
    expect(shown.gross).toBe(gross);
    const field = { declared, scratched: ['9'] };
    const { odds } = probables({ ruleSet: rules, field, stakes, grossMinor: gross, carryInMinor: 0 });
    const all = new Map(odds.map((line) => [line.c, line]));
    expect(shown.rows.length).toBeGreaterThan(5);
    for (const row of shown.rows.map(oddsValue)) expect(row).toEqual({ ...all.get(row.c), stake: stakes.get(row.c) });
  });
});

describe('a tick', () => {
  it('names its cut, lists what moved, and exists when nothing did', () => {
    const { logs, tick } = market(['WIN', 'PLACE']);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    const first = tick(1, null);
    expect([first.full, first.pools.length, first.prevCycle]).toEqual([true, 2, null]);
    ticket(a, at(2), [{ pool: WIN, sel: '1', unit: 100 }]);
    ticket(a, at(3), [{ pool: WIN, sel: '1', unit: 100 }]);
    const second = tick(2);
    expect(second.cut).toEqual({ shards: [2, 1], market: 1 });
    expect(second.pools.map((one) => [one.id, one.gross])).toEqual([[WIN, 100]]);
    expect(tick(3).cut).toEqual({ shards: [3, 1], market: 1 });
    expect(tick(4).pools).toEqual([]);
  });

  it('takes a decision appended exactly on the moment, and none a millisecond later', () => {
    const { logs, tick } = market(['WIN']);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    ticket(a, 2 * CYCLE_MS, [{ pool: WIN, sel: '1', unit: 100 }]);
    ticket(a, 2 * CYCLE_MS + 1, [{ pool: WIN, sel: '1', unit: 100 }]);
    expect(pool(tick(2), WIN).gross).toBe(100);
  });

  it('ends its cut at the first later append, even if an earlier time follows', () => {
    const { logs, tick } = market(['WIN']);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    ticket(a, 2 * CYCLE_MS + 5, [{ pool: WIN, sel: '1', unit: 100 }]);
    ticket(a, 2 * CYCLE_MS - 5, [{ pool: WIN, sel: '1', unit: 100 }]);
    expect(tick(2).pools.map((one) => one.gross)).toEqual([0]);
    expect(pool(tick(3), WIN).gross).toBe(200);
  });

  it('is final once the market and every shard have sealed', () => {
    const { log, logs, tick } = market(['WIN']);
    const [a, b] = logs;
    if (!a || !b) throw new Error('two shards');
    ticket(a, at(2), [{ pool: WIN, sel: '1', unit: 100 }]);
    seal(a, at(2), WIN, 100);
    expect(pool(tick(2), WIN).final).toBe(false);
    seal(b, at(3), WIN, 0);
    log.decide(at(3), {
      t: 'PoolSealed',
      race: RACE,
      pool: WIN,
      closeNo: 1,
      bets: 1,
      stake: 100,
      voidedBets: 0,
      voidedStake: 0,
      root: '',
      spreadMs: 0,
    });
    expect(pool(tick(3), WIN)).toMatchObject({ final: true, gross: 100 });
  });

  it('drops a race after the tick in which it was settled', () => {
    const { log, logs, book, tick } = market(['WIN']);
    const [a] = logs;
    if (!a) throw new Error('a shard');
    ticket(a, at(2), [{ pool: WIN, sel: '1', unit: 100 }]);
    log.decide(at(2), { t: 'RaceSettled', race: RACE, roundings: [] });
    expect(tick(2).pools).toHaveLength(1);
    tick(3);
    expect(book.pools.size).toBe(0);
  });

  it('has the same bytes in whatever order the logs arrive', () => {
    const bet = fc.record({
      shard: fc.nat(2),
      ms: fc.nat(4 * CYCLE_MS),
      sel: fc.constantFrom('1', '2', 'BOX:1,2,3', '1>2', '3>1'),
      unit: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(bet, { maxLength: 40 }), fc.array(fc.nat(3), { maxLength: 60 }), (bets, order) => {
        const ticks = (interleave: readonly number[]): string[] => {
          const log = marketLog();
          const logs = [0, 1, 2].map(shardLog);
          const published = { t: 'MeetingPublished', meeting: meeting(['WIN', 'EXACTA'], 5) } as const;
          marketFact(log, 1, published);
          for (const { shard, ms, sel, unit } of [...bets].sort((x, y) => x.ms - y.ms)) {
            const lines = sel.startsWith('BOX') ? 6 : 1;
            const type = sel.length === 1 ? 'WIN' : 'EXACTA';
            ticket(logs[shard] as ReturnType<typeof shardLog>, ms, [{ pool: poolId(type), sel, unit, lines }]);
          }
          const queues: [Source, PlacedDecision[]][] = [
            ['market', [...log.placed]],
            ...logs.map((l, i): [Source, PlacedDecision[]] => [i, [...l.placed]]),
          ];
          const book = new OddsBook(3);
          const rest = queues.flatMap(([, list], i) => list.map(() => i));
          for (const i of [...interleave, ...rest]) {
            const [source, list] = queues[i] as readonly [Source, PlacedDecision[]];
            const next = list.shift();
            if (next) book.offer(source, next);
          }
          return [1, 2, 3, 4].map((cycle) =>
            encodeTick(computeTick(book, { cycle, prevCycle: cycle - 1, at: 0, late: false }), 'w')
              .map((bytes) => Buffer.from(bytes).toString())
              .join(),
          );
        };
        expect(ticks(order)).toEqual(ticks([]));
      }),
      { seed: 20261122, numRuns: 60 },
    );
  });
});

describe('the topic', () => {
  const tick: Tick = {
    v: 1,
    cycle: 7,
    prevCycle: 6,
    at: 1,
    late: false,
    full: false,
    cut: { shards: [1], market: 1 },
    pools: Array.from({ length: 4_000 }, (_, i) => ({
      id: `pool-${i}`,
      v: 1,
      gross: 1,
      net: 1,
      carryIn: 0,
      final: false,
      rows: Array.from({ length: 20 }, (_, c) => [String(c), 12_345_678, '123.40'] as const),
    })),
  };

  it('gives back a tick that did not fit one record', () => {
    const parts = encodeTick(tick, 'w');
    expect(parts.length).toBeGreaterThan(1);
    const reader = new TickReader();
    const read = parts.map((part) => reader.accept(part));
    expect(read.at(-1)).toEqual(tick);
    expect(read.slice(0, -1).every((one) => one === undefined)).toBe(true);
  });

  it('counts the first whole tick of a cycle, whoever else writes between its parts', () => {
    const reader = new TickReader();
    const mine = encodeTick(tick, 'a');
    const other = encodeTick({ ...tick, at: 2 }, 'b');
    const seen: (Tick | undefined)[] = [];
    // b stops before its last part; a completes the cycle; a second writer's whole tick comes too late.
    for (const part of other.slice(0, -1)) seen.push(reader.accept(part));
    for (const part of [...mine, ...encodeTick({ ...tick, at: 3 }, 'c')]) seen.push(reader.accept(part));
    expect(seen.filter((one) => one !== undefined).map((one) => one.at)).toEqual([1]);
  });
});

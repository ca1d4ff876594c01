/**
 * A race from first bet to payment, told as log bytes, honest and then altered by an insider who can rewrite the whole log and chain it
 * again: every alteration must be named at its record.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openLmdbRestorer } from '#mutuel/adapters';
import { type PoolType, poolTypes, ruleSetFor, shapeOf } from '#mutuel/tote';
import { type ExportedRecord, LogUnreadable, verifyExport } from '#mutuel/verify';
import { CYCLE_MS, computeTick, cycleAt, encodeTick, OddsBook, type Tick } from '#mutuel/views';
import { mutuelProgram } from '../../apps/cli/src/program.js';
import { LegsWorld } from '../../libs/engine/test/legs-world.js';
import { poolId, RACE, steward, World } from '../../libs/engine/test/world.js';
import { Random } from '../simulation/random.js';
import { type Event, find, type Json, type Log, logsOf, recordsOf, topicsOf, verify } from './world-log.js';

const WIN = poolId('WIN');
/** Twenty bets, a late one, a cancelled race day's worth of reports: everything the verifier looks at. */
function raceDay(): Log[] {
  const world = World.open({ types: ['WIN', 'EXACTA'] });
  for (let i = 0; i < 20; i++) {
    world.bet(`acc-${i % 4}`, WIN, String((i % 6) + 1), 200 + 10 * i);
    world.bet(`acc-${i % 4}`, poolId('EXACTA'), `BOX:${(i % 6) + 1},${((i + 1) % 6) + 1}`, 100, 2);
  }
  world.ask({ type: 'ScratchRunner', race: RACE, runner: '6', reason: 'lame', by: steward });
  world.settleRace([['2'], ['3'], ['1']]);
  return logsOf(world);
}

const isSeal = ({ report }: Event): boolean => (report as Event).t === 'Seal' && (report as Json)['stake'] !== 0;
/** The way to every part of a value, outer ones first. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsOf(inner, [...path, key])]);
}

const reportOf =
  (t: string) =>
  ({ report }: Event): boolean =>
    (report as Event).t === t;
/** A figure of the first report of a kind, one more than it was. */
const oneMore =
  (t: string, figure: string, src = 'shard') =>
  (logs: Log[]): void => {
    const kind = src === 'shard' ? 'Report' : 'ReportReceived';
    const fits = (event: Event): boolean => reportOf(t)(event) && Number((event['report'] as Json)[figure]) > 0;
    const report = find(logs, kind, src, fits).event['report'] as Json;
    report[figure] = Number(report[figure]) + 1;
  };
const postsOf = (decision: Json): [string, number][] => decision['posts'] as [string, number][];
const itemsOf = (event: Event): Json[] => event['items'] as Json[];

const bets = (event: Event): Json[] => event['bets'] as Json[];

/** What the insider changes, and words of the finding that must name it. */
const TAMPERINGS: readonly (readonly [string, (logs: Log[]) => void, RegExp])[] = [
  [
    'the selection of a bet',
    (logs) => Object.assign(bets(find(logs, 'TicketAccepted', 'shard').event)[0] as Json, { sel: '5' }),
    /leaf of bet 1 .* is not the hash/,
  ],
  [
    'the stake of a bet',
    (logs) => Object.assign(bets(find(logs, 'TicketAccepted', 'shard').event)[0] as Json, { stake: 1 }),
    /leaf of bet 1 .* is not the hash/,
  ],
  [
    'a posting, one side only',
    (logs) =>
      ((find(logs, 'TicketAccepted', 'shard').decision['posts'] as [string, number][])[0] as [string, number])[1]--,
    /postings sum to -1/,
  ],
  [
    'a posting, on both sides',
    (logs) => {
      const posts = find(logs, 'TicketAccepted', 'shard').decision['posts'] as [string, number][];
      (posts[0] as [string, number])[1] += 100;
      (posts[1] as [string, number])[1] -= 100;
    },
    /tells acc-\d a balance of/,
  ],
  [
    'a reference, used again',
    (logs) => {
      const { log, event } = find(logs, 'TicketAccepted', 'shard');
      const other = find(
        [log],
        'TicketAccepted',
        'shard',
        (one) => one['account'] === event['account'] && one !== event,
      );
      other.event['ref'] = event['ref'];
    },
    /is accepted a second time/,
  ],
  [
    'a bet taken out',
    (logs) => {
      const { log, decision } = find(logs, 'TicketAccepted', 'shard');
      decision['events'] = [];
      decision['posts'] = [];
      expect(log.decisions).toContain(decision);
    },
    /the seal of .* says root/,
  ],
  [
    'the count in a seal',
    (logs) => ((find(logs, 'Report', 'shard', isSeal).event['report'] as { bets: number }).bets += 1),
    /says bets \d+, its bets make/,
  ],
  [
    'the stake in a seal',
    (logs) => ((find(logs, 'Report', 'shard', isSeal).event['report'] as { stake: number }).stake += 1),
    /says stake \d+, its bets make/,
  ],
  [
    'the root that the market sealed',
    (logs) => (find(logs, 'PoolSealed', 'market').event['root'] = 'f'.repeat(64)),
    /is not made of its shards' roots/,
  ],
  [
    'the bets that the market sealed',
    (logs) => ((find(logs, 'PoolSealed', 'market').event as unknown as { bets: number }).bets += 1),
    /is sealed with \d+ bets/,
  ],
  [
    'the stop, put earlier',
    (logs) => {
      const closed = find(logs, 'Fact', 'market', ({ fact }) => (fact as Event).t === 'BettingClosed');
      (closed.event['fact'] as { stopAt: number }).stopAt -= 10_000;
    },
    /stands at the seal and came after the stop/,
  ],
  [
    'a dividend',
    (logs) => {
      const declared = find(logs, 'Fact', 'market', ({ fact }) => (fact as Event).t === 'DividendsDeclared');
      const [pool] = (declared.event['fact'] as { pools: { prices: { price: string }[] }[] }).pools;
      (pool?.prices[0] as { price: string }).price = '99.00';
    },
    /pays .*99\.00.*, priced again/,
  ],
  [
    'a payment, doubled',
    (logs) => {
      const posts = find(logs, 'BetsPaid', 'shard', (event) => (event['items'] as Json[]).length > 0).decision[
        'posts'
      ] as [string, number][];
      for (const post of posts) post[1] *= 2;
    },
    /is left on the clearing account/,
  ],
  [
    'a refund, larger than the bet',
    (logs) => {
      const refund = find(logs, 'BetsRefunded', 'shard', (event) => (event['items'] as Json[]).length > 0).event;
      ((refund['items'] as { amount: number }[])[0] as { amount: number }).amount += 1_000;
    },
    /gives \d+ back on bet/,
  ],
  ['the withdrawn stakes in a seal', oneMore('Seal', 'withdrawnStake'), /seal of .* says withdrawnStake/],
  ['the stakes counted before a payment', oneMore('Stakes', 'stake'), /count of .* says stake \d+, its bets make/],
  ['what a shard reports as paid', oneMore('Paid', 'paid'), /report of payment of .* says paid \d+, its bets make/],
  ['how many a shard reports as winners', oneMore('Paid', 'winners'), /says winners \d+, its bets make/],
  ['what a shard reports as left', oneMore('Paid', 'clearing'), /says clearing \d+, its bets make/],
  [
    'a report, on its way to the market',
    oneMore('Paid', 'paid', 'market'),
    /the market heard another report \d+ of shard \d than this one \(market\.decisions/,
  ],
  [
    'a report that no shard made',
    (logs) => {
      const { event, decision } = find(logs, 'ReportReceived', 'market');
      (decision['events'] as Event[]).push({ ...event, n: 900 });
    },
    /the market heard report 900 of shard \d, which that shard never made/,
  ],
  [
    'a report left out',
    (logs) => {
      const { decision } = find(logs, 'Report', 'shard', reportOf('Stakes'));
      decision['events'] = (decision['events'] as Event[]).filter(({ t }) => t !== 'Report');
    },
    /report \d+ of shard \d was to come/,
  ],
  [
    'the refunds of a non-runner, whose statement stands',
    (logs) => {
      const refund = find(logs, 'BetsRefunded', 'shard', (event) => itemsOf(event).length > 0).event;
      refund['root'] = 'e'.repeat(64);
    },
    /chained hash over the refunds of job \d+/,
  ],
  [
    'a payment, to another account as well',
    (logs) => {
      const { decision } = find(logs, 'BetsPaid', 'shard', (event) => itemsOf(event).length > 0);
      postsOf(decision).push(['acc:acc-9', 50], ['house:correction', -50]);
    },
    /its bets move \d+ on accounts, its postings sum to \d+/,
  ],
  [
    'a payment that is told to the bettor otherwise',
    (logs) => {
      const paid = find(logs, 'BetsPaid', 'shard', (event) => itemsOf(event).length > 0).event;
      const item = itemsOf(paid).at(-1) as { balance: number };
      item.balance += 1;
    },
    /tells acc-\d a balance of/,
  ],
  [
    'a bet that is paid again',
    (logs) => {
      const paid = find(logs, 'BetsPaid', 'shard', (event) => itemsOf(event).length > 0).event;
      itemsOf(paid).push(itemsOf(paid)[0] as Json);
    },
    /bet \d+ of .* is settled a second time/,
  ],
  [
    'the takeout, on both sides',
    (logs) => {
      const { decision } = find(
        logs,
        'Fact',
        'market',
        ({ fact }) => (fact as { t: string }).t === 'DividendsDeclared',
      );
      const posts = postsOf(decision);
      const takeout = posts.find(([account]) => account === 'house:takeout') as [string, number];
      const pool = posts.find(([account]) => account.startsWith('pool:')) as [string, number];
      takeout[1] += 7;
      pool[1] -= 7;
    },
    /of takeout are booked for .*, priced again \d+/,
  ],
  [
    'the pool of a bet',
    (logs) => Object.assign(bets(find(logs, 'TicketAccepted', 'shard').event)[0] as Json, { pool: 'nowhere' }),
    /pool nowhere was never published/,
  ],
];

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the verifier of exported logs', () => {
  it('finds nothing wrong with an honest race day, and says what it checked', () => {
    const report = verify(recordsOf(raceDay()));
    expect(report.findings).toEqual([]);
    expect(report.notChecked).toEqual([]);
    // Of two pools in two shards a seal, a count and a payment each.
    expect(report).toMatchObject({ bets: 40, seals: 4, racesSettled: 1, dividends: 2, passedOver: 3, reports: 12 });
    // 20 win bets of 200 + 10 i: 5,900; 20 boxes of two lines of 100: 4,000.
    expect(report.stakes).toBe(9_900);
  });

  it('finds nothing wrong with a pool over several races while a leg of it is taken up, nor afterwards', () => {
    const world = LegsWorld.over('DAILY_DOUBLE', 'HK');
    world.bet('acc-0', 'DAILY_DOUBLE', '1/2', 1_000);
    world.bet('acc-1', 'DAILY_DOUBLE', '5/3', 1_000);
    for (const leg of [1, 2]) world.run(leg, [[String(leg)]]);
    const found = (): unknown[] => verify(recordsOf(logsOf(world))).findings.map(({ what }) => what);
    expect(found()).toEqual([]);
    // The stakes on 5/3 are given back; the pool is settled again with the second leg.
    world.scratchIn(1, '5');
    expect(found()).toEqual([]);
    world.enter(1, [['1']], 'as it was');
    world.makeOfficial(1);
    expect(found()).toEqual([]);
    world.makeOfficial(2);
    expect(world.raceAt(2).status).toBe('SETTLED');
    expect(found()).toEqual([]);
  });

  it.each(TAMPERINGS)('names %s, altered and chained again', (_, tamper, words) => {
    const logs = raceDay();
    tamper(logs);
    const whats = verify(recordsOf(logs)).findings.map(({ what }) => what);
    expect(whats.filter((what) => words.test(what))).not.toEqual([]);
  });

  it('names a bet whose append time is not the one of its command', () => {
    const logs = raceDay();
    const honest = structuredClone(logs);
    const { decision, log } = find(logs, 'TicketAccepted', 'shard');
    const offset = log.decisions.indexOf(decision);
    (decision as { at: number }).at -= 5;
    const findings = verify(recordsOf(logs, honest)).findings;
    expect(findings[0]).toMatchObject({ at: `shard.decisions/${log.partition} #${offset + 1}` });
    expect(findings[0]?.what).toMatch(/the command log says/);
  });

  it('stops at the first record that breaks the chain and names it', () => {
    const records = recordsOf(raceDay());
    const at = records.findIndex(({ topic, offset }) => topic === 'shard.decisions' && offset === 3);
    const bad = { ...(records[at] as ExportedRecord), value: Buffer.from('{"v":1,"src":') };
    expect(() => verify(records.with(at, bad))).toThrow(LogUnreadable);
    expect(() => verify(records.with(at, bad))).toThrow(/shard\.decisions\/0 #3: .*not UTF-8 JSON/);
  });

  it('names the first record behind one that was altered and not chained again, whether somebody starts afterwards or not', () => {
    const records = recordsOf(raceDay());
    const at = records.findIndex(
      ({ topic, partition, offset }) => topic === 'shard.decisions' && partition === 0 && offset === 3,
    );
    const record = records[at] as ExportedRecord;
    const bad = { ...record, value: Buffer.from(Buffer.from(record.value).toString().replace('"time":', '"time": ')) };
    const place = 'shard.decisions/0 #4 (byte 77)';
    const altered = records.with(at, bad).map((one, i) => (i === at + 1 ? { ...one, byte: 77 } : one));
    expect(verify(altered).findings[0]).toMatchObject({
      at: place,
      what: expect.stringMatching(/altered or is missing/),
    });

    const last = altered.findLastIndex(({ topic, partition }) => topic === 'shard.decisions' && partition === 0);
    const { offset } = altered[last] as ExportedRecord;
    const next = Buffer.from((altered[last] as ExportedRecord).value)
      .toString()
      .replaceAll('a'.repeat(32), 'b'.repeat(32));
    const start = JSON.stringify({ v: 1, src: 'shard-0', epoch: 1, inc: 'b'.repeat(32), kind: 'started' });
    const taken = [start, next].map((text, i) => ({ ...record, offset: offset + 1 + i, value: Buffer.from(text) }));
    expect(() => verify(altered.toSpliced(last + 1, 0, ...taken))).toThrow(
      `contradicts itself since ${place}: look there first`,
    );
  });

  it('counts for nothing what a writer says after it contradicted itself, and what a foreign writer says', () => {
    const records = recordsOf(raceDay());
    const last = records.findLast(({ topic }) => topic === 'market.decisions') as ExportedRecord;
    const foreign = Buffer.from(last.value.toString().replaceAll('a'.repeat(32), 'b'.repeat(32)));
    const after = records.indexOf(last) + 1;
    const more = { ...last, offset: last.offset + 1, value: foreign };
    const report = verify(records.toSpliced(after, 0, more));
    expect(report.findings).toEqual([]);
    expect(report.passedOver).toBe(4);
  });

  it('has a word for whatever stands in a record that is chained again', () => {
    const honest = raceDay();
    const [ticks, odd] = [written(ticksOf(honest)), [null, -1.5, [null], 'x']];
    const places = honest.flatMap(({ decisions }, log) =>
      decisions.flatMap((decision, i) => pathsOf(decision).map((path) => [log, i, ...path])),
    );
    const random = new Random(7);
    for (let n = 0; n < 150; n++) {
      const [log = 0, i = 0, ...path] = places[random.below(places.length)] as number[];
      const logs = structuredClone(honest);
      let at = logs[log]?.decisions[i] as Record<PropertyKey, unknown>;
      for (const part of path.slice(0, -1)) at = at[part] as Record<PropertyKey, unknown>;
      at[path.at(-1) as PropertyKey] = odd[n % odd.length];
      try {
        verify(withTicks(logs, ticks));
      } catch (fault) {
        expect(fault, `${log} ${i} ${path.join('.')}`).toBeInstanceOf(LogUnreadable);
      }
    }
  });

  it('accuses no honest export of brokers whose clocks differ', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mutuel-skewed-'));
    const restorer = await openLmdbRestorer({ dir, topics: topicsOf(2) });
    const records = recordsOf(raceDay());
    // The broker that leads the market's decisions is an hour ahead of those that lead what rests on them.
    const ahead = Date.now() + 3_600_000;
    for (const record of records)
      await restorer.write(record, [{ ...record, time: record.topic === 'market.decisions' ? ahead : record.time }]);
    await restorer.close();
    const file = join(dir, 'export.log');
    // Where servers are named, a log is read from them.
    for (const name of ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL']) vi.stubEnv(name, '');
    const program = await mutuelProgram(['log']);
    await program.parseAsync(['log', 'export', file, '--data', dir], { from: 'user' });
    const report = await verifyExport(file, { onProgress: () => undefined });
    expect(report.findings).toEqual([]);
    expect(report.records).toBe(records.length);
    rmSync(dir, { recursive: true });
  });

  it('says what it could not check where the export holds no commands', () => {
    const report = verify(recordsOf(raceDay()).filter(({ topic }) => topic.endsWith('decisions')));
    expect(report.notChecked).toContain('times of commands of shard-0: the export holds no command log');
  });
});

// Odds.

const TYPES = ['WIN', 'PLACE', 'SHOW', 'QUINELLA', 'EXACTA', 'TRIFECTA'] as const;

/** Three cycles of betting (two coupled runners, a cancelled ticket, a non-runner), then the end: a tick for each. */
function oddsDay(rules = 'US', types: readonly string[] = TYPES): Log[] {
  const world = World.open({ types, rules, runners: 9, balance: 100_000_000, entries: { 1: 'A', 5: 'A' } });
  const runner = (i: number): string => String(((i * 7) % 9) + 1);
  const lines: Readonly<Record<string, (i: number) => readonly [sel: string, lines: number]>> = {
    one: (i) => [runner(i), 1],
    pair: (i) => [`BOX:${runner(i)},${runner(i + 1)}`, 1],
    order: (i) => [`BOX:${runner(i)},${runner(i + 1)}`, 2],
    three: (i) => [`BOX:${runner(i)},${runner(i + 1)},${runner(i + 3)}`, 6],
  };
  const formOf = (type: string): keyof typeof lines =>
    type === 'EXACTA' ? 'order' : type === 'TRIFECTA' ? 'three' : /QUINELLA|DEUX/.test(type) ? 'pair' : 'one';
  for (let cycle = 0; cycle < 3; cycle++) {
    for (const type of types)
      for (let i = 0; i < 24; i++) {
        const [sel, many] = (lines[formOf(type)] as (typeof lines)[string])(i + cycle);
        // Under ENTRY a pair of coupled runners is no line: such a bet is refused, and never in a log.
        world.bet(`acc-${i % 4}`, poolId(type), sel, 1_000 * (1 + ((i * i + cycle) % 7)), many);
      }
    if (cycle === 1) {
      const ticket = world.shards
        .flatMap(({ decisions }) => decisions.flatMap(({ events }) => events))
        .findLast(({ t }) => t === 'TicketAccepted');
      const { account, ticket: id } = ticket as unknown as { account: string; ticket: string };
      world.send(account, { type: 'CancelTicket', account, ticket: id, reason: 'mine', by: account });
      world.ask({ type: 'ScratchRunner', race: RACE, runner: '4', reason: 'lame', by: steward });
    }
    world.now = (cycleAt(world.now) + 1) * CYCLE_MS;
    world.renewLease();
  }
  world.settleRace([['2'], ['3'], ['1'], ['6']]);
  return logsOf(world);
}

/** The ticks of a day, as the odds role computes them. */
function ticksOf(logs: readonly Log[]): Tick[] {
  const book = new OddsBook(2);
  const times = logs.flatMap(({ src, partition, decisions }) =>
    decisions.map((decided, i) => {
      const time = Number(decided['at']);
      const decision = decided as unknown as Parameters<OddsBook['offer']>[1]['decision'];
      book.offer(src === 'market' ? 'market' : partition, { decision, offset: i + 1, time });
      return time;
    }),
  );
  const ticks: Tick[] = [];
  for (let cycle = cycleAt(Math.min(...times)) + 1; (cycle - 1) * CYCLE_MS < Math.max(...times); cycle++)
    ticks.push(computeTick(book, { cycle, prevCycle: ticks.at(-1)?.cycle ?? null, at: cycle * CYCLE_MS, late: false }));
  return structuredClone(ticks);
}

/** One of each law that has pools over several races. */
const LAWS = ['UK', 'US', 'HK', 'JP', 'SE', 'AU'] as const;

/**
 * 16 bets, a non-runner while it sells, a tie (or no first leg at all), a leg that is void, two out of the last leg when all others are
 * run, of which one while its own pool still sells; its end.
 */
function legsDay(law: string, type: PoolType, isFirstVoid = false) {
  const legs = shapeOf(type).picks;
  const { scratch } = ruleSetFor(law, type)?.legs ?? {};
  const world = LegsWorld.over(type, law, { runners: 8 });
  for (let i = 0; i < 6; i++) world.fund(`rich-${i}`, 100_000_000);
  const nextCycle = (): void => {
    world.now = (cycleAt(world.now) + 1) * CYCLE_MS;
    world.renewLease();
  };
  const runner = (i: number, leg: number): string => String(((i * (leg + 3) + leg) % 5) + 1);
  for (let i = 0; i < 16; i++) {
    const columns = Array.from({ length: legs }, (_, leg) => [
      ...new Set([runner(i, leg), i % 2 === 0 && leg < legs - 1 ? String(leg + 1) : runner(i + leg, leg)]),
    ]);
    const reserve = scratch === 'FAVOURITE' && i % 3 === 0 ? '+8' : '';
    const lines = columns.reduce((product, column) => product * column.length, 1);
    const sel = columns.map((column) => column.join() + reserve).join('/');
    expect(world.bet(`rich-${i % 6}`, type, sel, 1_000 * (1 + (i % 4)), lines).code).toBeUndefined();
    for (let leg = 1; leg <= legs; leg++) world.bet(`rich-${i % 6}`, `R${leg}-WIN`, runner(i, leg), 1_000);
  }
  nextCycle();
  world.scratchIn(1, '2');
  if (isFirstVoid) {
    world.stopRace(1);
    world.voidLeg(1);
  } else world.run(1, [['1', '3'], ['4']]);
  for (let leg = 2; leg < legs; leg++) {
    if (leg === 3) world.voidLeg(leg);
    else world.run(leg, [[String(leg)], ['1'], ['8']]);
  }
  nextCycle();
  world.scratchIn(legs, '4');
  nextCycle();
  world.stopRace(legs);
  world.scratchIn(legs, '3');
  nextCycle();
  world.run(legs, [['1'], ['2'], ['5']]);
  const logs = logsOf(world);
  return { type, logs, shown: ticksOf(logs) };
}

const oddsRecords = (values: readonly Uint8Array[]): ExportedRecord[] =>
  values.map((value, offset) => ({ topic: 'odds', partition: 0, offset, time: 0, value }));
const written = (ticks: readonly Tick[]): ExportedRecord[] =>
  oddsRecords(ticks.flatMap((tick) => encodeTick(tick, 'w')));

/** As in a file: the ticks behind the market, before the shards. */
function withTicks(logs: readonly Log[], ticks: readonly ExportedRecord[]): ExportedRecord[] {
  const isOfShards = ({ topic }: ExportedRecord): boolean => topic === 'shard.decisions';
  const records = recordsOf(logs);
  return [...records.filter((one) => !isOfShards(one)), ...ticks, ...records.filter(isOfShards)];
}

type Loose<T> = { -readonly [K in keyof T]: T[K] };
type LoosePool = Omit<Loose<Tick['pools'][number]>, 'rows'> & { rows: [string, number, ...(string | null)[]][] };
type LooseTick = Omit<Loose<Tick>, 'pools' | 'cut'> & {
  pools: LoosePool[];
  cut: { market: number; shards: number[] };
};
const poolIn = ({ pools }: LooseTick, type: string): LoosePool =>
  pools.find(({ id }) => id === poolId(type)) as LoosePool;
const rowIn = (tick: LooseTick, type: string, no = 0): LoosePool['rows'][number] =>
  poolIn(tick, type).rows.filter(([, stake]) => stake > 0)[no] as LoosePool['rows'][number];

/** The last tick, of 50 s later and with a part of the cut of the one before it. */
function withCutOf(all: LooseTick[], change: (last: LooseTick, before: LooseTick) => void): void {
  const [before, last] = all.slice(-2) as [LooseTick, LooseTick];
  last.cycle += 10;
  change(last, before);
}

/** What the second of the four ticks is made to show, and words of the finding that must name it. */
const SHOWN_OTHERWISE: readonly (readonly [string, (tick: LooseTick, all: LooseTick[]) => void, RegExp])[] = [
  [
    'the price of a winner',
    (tick) => (rowIn(tick, 'WIN')[2] = '99.00'),
    /shows 99\.00 for \d in .*-WIN, .* priced again/,
  ],
  [
    'a place price, the lower',
    (tick) => (rowIn(tick, 'PLACE')[3] = '1.00'),
    /shows 1\.00 to .*-PLACE, .* priced again/,
  ],
  ['a show price, the higher', (tick) => (rowIn(tick, 'SHOW')[4] = '9.90'), /to 9\.90 for .*-SHOW, .* priced again/],
  ['the price of a pair', (tick) => (rowIn(tick, 'QUINELLA')[2] = '7.77'), /shows 7\.77 .*-QUINELLA, .* priced again/],
  ['the price of an order', (tick) => (rowIn(tick, 'EXACTA')[2] = '7.77'), /shows 7\.77 .*-EXACTA, .* priced again/],
  ['a price of three', (tick) => (rowIn(tick, 'TRIFECTA')[2] = '7.77'), /shows 7\.77 .*-TRIFECTA, .* priced again/],
  ['a runner without its odds', (tick) => rowIn(tick, 'WIN').splice(2), /shows no odds for \d in .* priced again/],
  ['a stake, and not its price', (tick) => (rowIn(tick, 'TRIFECTA')[1] -= 100), /priced again/],
  [
    'two runners, each with the stake and the price of the other',
    (tick) => {
      const [a, b] = [rowIn(tick, 'WIN', 0), rowIn(tick, 'WIN', 1)];
      [a[0], b[0]] = [b[0], a[0]];
    },
    /(?:more|less) on \d in .*-WIN than its cut holds/,
  ],
  [
    'two orders, each with the stake and the price of the other',
    (tick) => {
      const rows = poolIn(tick, 'TRIFECTA').rows;
      const [a, b] = [rows[0], rows.find(([, stake]) => stake !== rows[0]?.[1])] as [
        LoosePool['rows'][number],
        LoosePool['rows'][number],
      ];
      [a[0], b[0]] = [b[0], a[0]];
    },
    /(?:more|less) on \d>\d>\d in .*-TRIFECTA than its cut holds/,
  ],
  [
    'a gross pool, and the stakes on large combinations as they are',
    (tick) => {
      const pool = poolIn(tick, 'TRIFECTA');
      Object.assign(pool, { gross: pool.gross + 10_000, rows: [] });
      pool.net = pool.gross - Math.floor((pool.gross * 25) / 100);
    },
    /shows \d+ (?:in .*-TRIFECTA, its cut makes|after takeout)/,
  ],
  ['the net pool', (tick) => (poolIn(tick, 'WIN').net += 1), /after takeout in .*-WIN/],
  ['a carry-in', (tick) => (poolIn(tick, 'WIN').carryIn += 1), /carried into .*-WIN, its card says 0/],
  ['a runner less', (tick) => poolIn(tick, 'WIN').rows.pop(), /shows 6 of 7 runners in .*-WIN/],
  [
    'a pair less',
    (tick) => poolIn(tick, 'QUINELLA').rows.pop(),
    /shows \d+ less on .* in .*-QUINELLA than its cut holds/,
  ],
  ['a runner twice', (tick) => poolIn(tick, 'WIN').rows.push(rowIn(tick, 'WIN')), /a combination of .*-WIN twice/],
  [
    'a runner that is not on the card',
    (tick) => (rowIn(tick, 'WIN')[0] = '17'),
    /shows 17 in .*-WIN, which is no comb/,
  ],
  [
    'a pool that sells as final',
    (tick) => (poolIn(tick, 'WIN').final = true),
    /-WIN as final, at its cut it was not sealed/,
  ],
  [
    'a pool that is sealed as open',
    (_, all) => (poolIn(all.at(-1) as LooseTick, 'WIN').final = false),
    /as open, at its cut/,
  ],
  [
    'a pool that nobody published',
    (tick) => (poolIn(tick, 'WIN').id = 'R9-WIN'),
    /shows R9-WIN, which was never published/,
  ],
  ['a cut that ends earlier', (tick) => (tick.cut.shards[0] = Number(tick.cut.shards[0]) - 1), /its cut makes \d+/],
  [
    'a cut that ends later',
    (tick) => (tick.cut.shards[0] = Number(tick.cut.shards[0]) + 2),
    /counts it, though it came \d+ ms/,
  ],
  ['a cut before the last one', (tick) => (tick.cut.shards[0] = 1), /the cut of cycle \d+ lies before that of cycle/],
  [
    'a cut that leaves out for long what a shard had decided',
    (_, all) => withCutOf(all, (last, before) => (last.cut.shards = before.cut.shards)),
    /^cycle \d+ leaves it out, though it came \d{5} ms before$/,
  ],
  [
    'a cut that leaves out for long what the market had decided',
    (_, all) => withCutOf(all, (last, before) => (last.cut.market = before.cut.market)),
    /leaves out decision #\d+ of the market, which came \d{5} ms before$/,
  ],
  [
    'a cut that knows what the market decided afterwards',
    (tick) => (tick.cut.market += 1),
    /counts decision #\d+ of the market, though it came \d+ ms later/,
  ],
  [
    'a cut of the market before the last one',
    (tick) => (tick.cut.market = 1),
    /the cut of cycle \d+ lies before that of cycle/,
  ],
  [
    'a cut behind the end of the market’s log',
    (_, all) => ((all.at(-1) as LooseTick).cut.market += 1),
    /the cut of cycle \d+ names #\d+ of the market, which holds nothing there/,
  ],
  ['nothing: it is left out', (tick, all) => all.splice(all.indexOf(tick), 1), /names cycle \d+ as the one before it/],
];

const MOST_BACKED = 'whether ticks show the most backed combinations of large pools';

describe('odds ticks, against the cuts that they name', () => {
  const day = oddsDay();
  const ticks = ticksOf(day);

  it('are compared whole: gross pools, stakes on combinations, and odds priced again', () => {
    const report = verify(withTicks(day, written(ticks)));
    expect(report.findings).toEqual([]);
    // Of trifectas a tick shows the twenty most backed; which these are, it alone says.
    expect(report.notChecked).toEqual([`${MOST_BACKED} (4)`]);
    expect(report.ticks).toBe(4);
    expect(report.tickFigures).toBe(ticks.flatMap(({ pools }) => pools).length);
    expect(report.tickRows).toBe(ticks.flatMap(({ pools }) => pools.flatMap(({ rows }) => rows)).length);
    expect(ticks.at(-1)?.pools.every(({ final }) => final)).toBe(true);
  });

  it.each([
    ['FR', ['WIN', 'PLACE', 'QUINELLA', 'QUINELLA_PLACE', 'DEUX_SUR_QUATRE']],
    ['UK', ['WIN', 'PLACE', 'EXACTA', 'QUINELLA_PLACE', 'TRIFECTA']],
    ['HK', ['WIN', 'PLACE', 'QUINELLA', 'QUINELLA_PLACE']],
    ['JP', ['WIN', 'PLACE', 'QUINELLA', 'QUINELLA_PLACE', 'EXACTA']],
  ] as const)('hold by the rules of %s too', (rules, types) => {
    const other = oddsDay(rules, types);
    const report = verify(withTicks(other, written(ticksOf(other))));
    expect(report.findings).toEqual([]);
    expect(report.notChecked.filter((what) => !what.startsWith(MOST_BACKED))).toEqual([]);
    expect(report.tickRows).toBeGreaterThan(100);
  });

  it.each(SHOWN_OTHERWISE)('are named where one shows otherwise %s', (_, tamper, words) => {
    const altered = structuredClone(ticks) as unknown as LooseTick[];
    tamper(altered[1] as LooseTick, altered);
    const { findings } = verify(withTicks(day, written(altered as unknown as Tick[])));
    expect(findings.filter(({ what }) => words.test(what))).not.toEqual([]);
    expect(findings[0]?.at).toMatch(/^(?:odds\/0|shard\.decisions\/0) #\d+$/);
  });

  /** Each pool of a tick a record of its own. */
  const parted = (tick: Tick): Uint8Array[] =>
    tick.pools.map((pool, part) => {
      const head = { ...tick, by: 'w', part, parts: tick.pools.length, pools: [pool] };
      return Buffer.from(JSON.stringify(head));
    });

  it('in several parts are joined, and altered in one of them are named at that part', () => {
    const parts = ticks.flatMap(parted);
    const whole = verify(withTicks(day, written(ticks)));
    expect(verify(withTicks(day, oddsRecords(parts)))).toEqual({ ...whole, records: whole.records + parts.length - 4 });
    const altered = structuredClone(ticks) as unknown as LooseTick[];
    rowIn(altered[1] as LooseTick, 'PLACE')[3] = '1.00';
    const { findings } = verify(withTicks(day, oddsRecords((altered as unknown as Tick[]).flatMap(parted))));
    const at = (ticks[0]?.pools.length ?? 0) + (ticks[1]?.pools.findIndex(({ id }) => id === poolId('PLACE')) ?? 0);
    expect(findings).toEqual([{ at: `odds/0 #${at}`, what: expect.stringMatching(/-PLACE, .* priced again/) }]);
  });

  it('that are not whole are named as not checked, and the first whole one of a cycle counts', () => {
    const last = parted(ticks.at(-1) as Tick);
    const torn = verify(withTicks(day, oddsRecords([...ticks.slice(0, -1).flatMap(parted), ...last.slice(0, -1)])));
    expect(torn.notChecked).toContain('ticks of which parts are missing (1)');
    const second = structuredClone(ticks) as unknown as LooseTick[];
    rowIn(second[1] as LooseTick, 'WIN')[2] = '99.00';
    const twice = [...ticks.slice(0, 2), second[1] as unknown as Tick, ...ticks.slice(2)];
    expect(verify(withTicks(day, written(twice))).findings).toEqual([]);
  });

  it('are named as not checked where a cut leaves out what came a moment before: of clocks that differ it does', () => {
    const altered = structuredClone(ticks) as unknown as LooseTick[];
    // The market had renewed the lease, which no tick shows.
    (altered[0] as LooseTick).cut.market -= 1;
    const report = verify(withTicks(day, written(altered as unknown as Tick[])));
    expect(report.findings).toEqual([]);
    expect(report.notChecked).toContain(
      'decisions that ticks leave out, of the moment before, or of a clock that went back (1)',
    );
  });

  it('are named where they cannot be read', () => {
    const bad = [...written(ticks), { ...(written(ticks)[0] as ExportedRecord), offset: 4, value: Buffer.from('{}') }];
    expect(verify(withTicks(day, bad)).findings).toEqual([
      { at: 'odds/0 #4', what: 'the tick is not readable JSON of its form' },
    ]);
  });

  describe('of pools over several races', () => {
    const overRaces = poolTypes
      .filter((type) => shapeOf(type).arrangement === 'LEGS')
      .flatMap((type) => LAWS.filter((law) => ruleSetFor(law, type)).map((law) => [law, type] as const));

    it.each(overRaces)(
      'hold by the rules of %s for a %s, with non-runners, a tie and a leg that is void',
      (law, type) => {
        const { logs, shown } = legsDay(law, type);
        const report = verify(withTicks(logs, written(shown)));
        expect(report.findings).toEqual([]);
        expect(report.notChecked.filter((what) => what.includes('tick'))).toEqual([]);
        const rows = shown.flatMap(({ pools }) => pools.filter(({ id }) => id === type).flatMap((pool) => pool.rows));
        expect(rows.filter(([, stake]) => stake > 0).length).toBeGreaterThan(1);
      },
    );

    const mustRun = overRaces.filter(([, type]) => shapeOf(type).picks < 4);
    it.each(mustRun)('hold by the rules of %s for a %s whose first leg is void', (law, type) => {
      const { logs, shown } = legsDay(law, type, true);
      const report = verify(withTicks(logs, written(shown)));
      expect(report.findings).toEqual([]);
      expect(report.notChecked.filter((what) => what.includes('tick'))).toEqual([]);
    });

    const [usual, late] = [legsDay('US', 'PICK3'), legsDay('US', 'DAILY_DOUBLE')];
    type Rows = LoosePool['rows'];
    const priced = (rows: Rows): Rows[number] => rows.find(([, , price]) => price !== undefined) as Rows[number];
    const otherwise: readonly (readonly [string, ReturnType<typeof legsDay>, (rows: Rows) => void, RegExp])[] = [
      ['a price', usual, (rows) => (priced(rows)[2] = '7.77'), /shows 7\.77 .* priced again/],
      ['a stake', usual, (rows) => (priced(rows)[1] += 1), /priced again/],
      ['no price', usual, (rows) => priced(rows).splice(2), /shows no odds .* priced again/],
      ['a runner less', usual, (rows) => rows.splice(1, 1), /shows nothing for \S+ in the last leg/],
      ['a runner twice', usual, (rows) => rows.push(priced(rows)), /a combination of PICK3 twice/],
      ['who cannot win', usual, (rows) => (priced(rows)[0] = '8/8/8'), /8\/8\/8 in PICK3, which cannot/],
      ['no consolation', late, (rows) => rows.pop(), /shows nothing for \S+ in the last leg/],
    ];

    it.each(otherwise)('are named where they show %s', (_, { logs, shown, type }, tamper, words) => {
      const altered = structuredClone(shown) as unknown as LooseTick[];
      const pool = altered.flatMap(({ pools }) => pools).findLast(({ id, rows }) => id === type && rows.length > 0);
      tamper((pool as LoosePool).rows);
      const { findings } = verify(withTicks(logs, written(altered as unknown as Tick[])));
      expect(findings.map(({ what }) => what)).toEqual([expect.stringMatching(words)]);
    });

    it('are named where they are shown before the market had its answers', () => {
      const altered = structuredClone(usual.shown) as unknown as LooseTick[];
      const pools = altered.flatMap(({ pools: all }) => all.filter(({ id }) => id === 'PICK3'));
      (pools[0] as LoosePool).rows = (pools.at(-1) as LoosePool).rows;
      const { findings } = verify(withTicks(usual.logs, written(altered as unknown as Tick[])));
      expect(findings.map(({ what }) => what)).toEqual([expect.stringMatching(/odds of PICK3, .* had no answers/)]);
    });
  });

  it('are named as not checked where nothing can be said: prices of tiers, and stakes beside bets on very many lines', () => {
    const open = (rules: string, type: string): World =>
      World.open({ types: [type], rules, runners: 12, balance: 100_000_000 });
    const wide = open('US', 'SUPERFECTA');
    const all = Array.from({ length: 12 }, (_, i) => i + 1).join();
    expect(wide.bet('acc-0', poolId('SUPERFECTA'), `BOX:${all}`, 100, 11_880).code).toBeUndefined();
    wide.bet('acc-1', poolId('SUPERFECTA'), '4>7>1>2', 100);
    const tiers = open('FR', 'TIERCE');
    expect(tiers.bet('acc-0', poolId('TIERCE'), '4>7>1', 100).code).toBeUndefined();
    const [ofWide, ofTiers] = [wide, tiers].map((world) => {
      const logs = logsOf(world);
      return verify(withTicks(logs, written(ticksOf(logs))));
    });
    expect(ofWide?.findings).toEqual([]);
    expect(ofTiers?.findings).toEqual([]);
    expect(ofTiers?.notChecked.join()).toMatch(/^prices of TIERCE pools in ticks: .* \(1\)$/);
    expect(ofWide?.notChecked.join()).toMatch(/stakes on combinations of pools with bets on over 5000 lines/);
  });
});

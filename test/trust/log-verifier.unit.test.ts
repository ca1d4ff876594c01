/**
 * A race from first bet to payment, told as log bytes, honest and then altered by an insider who can rewrite the whole log and chain it
 * again: every alteration must be named at its record.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ExportedRecord, type LogReport, LogUnreadable, LogVerifier } from '#mutuel/verify';
import { poolId, RACE, steward, World } from '../../libs/engine/test/world.js';

type Json = Record<string, unknown>;
type Log = { readonly src: string; readonly topic: string; readonly partition: number; readonly decisions: Json[] };
type Event = Json & { t: string };

const WIN = poolId('WIN');
const HEAD = {
  shards: 2,
  topics: { 'market.decisions': 1, 'shard.decisions': 2, 'shard.commands': 2, 'market.commands': 1 },
};

/** Twenty bets, a late one, a cancelled race day's worth of reports: everything the verifier looks at. */
function raceDay(): Log[] {
  const world = World.open({ types: ['WIN', 'EXACTA'] });
  for (let i = 0; i < 20; i++) {
    world.bet(`acc-${i % 4}`, WIN, String((i % 6) + 1), 200 + 10 * i);
    world.bet(`acc-${i % 4}`, poolId('EXACTA'), `BOX:${(i % 6) + 1},${((i + 1) % 6) + 1}`, 100, 2);
  }
  world.ask({ type: 'ScratchRunner', race: RACE, runner: '6', reason: 'lame', by: steward });
  world.settleRace([['2'], ['3'], ['1']]);
  return [world.market, ...world.shards].map((host, i) => ({
    src: host.name,
    topic: i === 0 ? 'market.decisions' : 'shard.decisions',
    partition: Math.max(0, i - 1),
    decisions: host.decisions.map((decided) => structuredClone(decided) as unknown as Json),
  }));
}

/** The log's bytes with commands beside them, chained from the first record on. */
function recordsOf(logs: readonly Log[], commandTimes = logs): ExportedRecord[] {
  const commands = commandTimes.flatMap(({ topic, partition, decisions }) =>
    decisions.map(({ at }, offset) => ({
      topic: topic.replace('decisions', 'commands'),
      ...{ partition, offset, time: Number(at), value: Buffer.from('{}') },
    })),
  );
  const decisions = logs.flatMap(({ src, topic, partition, decisions: all }) => {
    const head = { v: 1, src, epoch: 1, inc: 'a'.repeat(32) };
    let prev = '0'.repeat(64);
    const lines = all.map((decided, i) => {
      const record = {
        ...head,
        kind: 'decision',
        in: [1, i, 0],
        cid: String(i),
        prev,
        time: decided['at'],
        ...decided,
        seq: i + 1,
      };
      const text = JSON.stringify(record);
      prev = createHash('sha256').update(text).digest('hex');
      return text;
    });
    return [JSON.stringify({ ...head, kind: 'started' }), ...lines].map((text, offset) => ({
      ...{ topic, partition, offset, time: 0, value: Buffer.from(text) },
    }));
  });
  return [...commands, ...decisions];
}

function verify(records: readonly ExportedRecord[]): LogReport {
  const verifier = new LogVerifier(HEAD);
  for (const record of records) verifier.take(record);
  return verifier.finish();
}

/** The first event of a kind in the logs of the shards or of the market, with its decision. */
function find(logs: readonly Log[], t: string, among: string, fits: (event: Event) => boolean = () => true) {
  for (const log of logs.filter(({ src }) => src.startsWith(among)))
    for (const decision of log.decisions)
      for (const event of decision['events'] as Event[])
        if (event.t === t && fits(event)) return { log, decision, event };
  throw new Error(`no ${t}`);
}

const isSeal = ({ report }: Event): boolean => (report as Event).t === 'Seal' && (report as Json)['stake'] !== 0;
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

  it('says what it could not check where the export holds no commands', () => {
    const report = verify(recordsOf(raceDay()).filter(({ topic }) => topic.endsWith('decisions')));
    expect(report.notChecked).toContain('times of commands of shard-0: the export holds no command log');
  });
});

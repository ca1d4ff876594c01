/** An evidence pack beside the log: what the house signed is what its log says, and each lie that it signed is named by its field. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import {
  EvidenceLog,
  type EvidenceStatement,
  type ExportedRecord,
  ExportWriter,
  leafOf,
  type Signed,
  trustedKeys,
  verifyEvidence,
} from '#mutuel/verify';
import { addVerify } from '../../apps/cli/src/verify-command.js';
import { poolId, RACE, World } from '../../libs/engine/test/world.js';
import { type Event, type Json, logsOf, recordsOf } from './world-log.js';

const WIN = poolId('WIN');
const house = generateKeyPairSync('ed25519');
const PUBLISHED = [
  { keyId: 'house', publicKey: house.publicKey.export({ format: 'der', type: 'spki' }).toString('base64') },
];
const KEYS = trustedKeys(PUBLISHED);
const signed = (said: object): Signed => {
  const statement = JSON.stringify(said);
  const signature = sign(null, Buffer.from(statement), house.privateKey).toString('base64');
  return { statement, keyId: 'house', signature };
};

/** Accounts bet on 2, which wins; another result takes it back, of an account that holds nothing any more; a third gives it again. */
function day(): World {
  const world = World.open({ types: ['WIN'] });
  for (let i = 0; i < 8; i++) world.bet(`acc-${i % 4}`, WIN, String((i % 4) + 1), 200 + 10 * i);
  world.settleRace([['2'], ['3']]);
  world.send('acc-1', { type: 'Withdraw', account: 'acc-1', ref: 'out', amount: world.balance('acc-1') });
  world.correct([['3'], ['2']]);
  world.correct([['2'], ['3']]);
  return world;
}

const logs = logsOf(day());
const withLeaves = (): void => {
  for (const { decisions } of logs)
    for (const { events, at } of decisions)
      for (const event of events as Event[])
        for (const bet of event.t === 'TicketAccepted' ? (event['bets'] as Json[]) : [])
          bet['leaf'] = leafOf({
            ...{ blind: String(event['blind']), ticketId: String(event['ticket']), no: Number(bet['no']), poolId: WIN },
            ...{ selection: String(bet['sel']), unitStake: Number(bet['unit']), stake: Number(bet['stake']) },
            acceptedAt: Number(at),
          });
};
withLeaves();

const accepted = recordsOf(logs)
  .filter(({ topic }) => topic === 'shard.decisions')
  .map((record) => ({ record, said: JSON.parse(Buffer.from(record.value).toString()) as Json }))
  .find(({ said }) =>
    ((said['events'] ?? []) as Event[]).some(
      (event) => event.t === 'TicketAccepted' && (event['bets'] as Json[])[0]?.['sel'] === '2',
    ),
  ) as { record: ExportedRecord; said: Json };
const SHARD = accepted.record.partition;
const AT = Number(accepted.said['at']);
const ticket = (accepted.said['events'] as Event[])[0] as Event;
const BET = `${ticket['ticket']}-1`;

/** Two ticks before the bet, one after it; the first of two parts. */
const tickOf = (cycle: number, at: number, gross: number, more: object = {}) => ({
  ...{ by: 'w', part: 0, parts: 1, v: 1, cycle, prevCycle: cycle - 1, at, late: false, full: false },
  ...{
    cut: { shards: [1, 1], market: 2 },
    pools: [{ id: WIN, v: 1, gross, net: gross, rows: [['2', gross]] }],
    ...more,
  },
});
const CYCLE = Math.floor(AT / 5_000) - 1;
const cycleAt = (n: number): number => (CYCLE + n) * 5_000;
const TICKS = [
  tickOf(CYCLE - 1, cycleAt(-1) + 9, 100, { parts: 2 }),
  { ...tickOf(CYCLE - 1, cycleAt(-1) + 9, 100, { part: 1, parts: 2 }), pools: [] },
  tickOf(CYCLE, cycleAt(0) + 9, 300),
  tickOf(CYCLE + 9, AT + 50_000, 900),
];
const odds = TICKS.map((tick, offset) => ({
  ...{ topic: 'odds', partition: 0, offset, time: tick.at + 1, value: Buffer.from(JSON.stringify(tick)) },
}));
const LOG: readonly ExportedRecord[] = [...recordsOf(logs), ...odds];

/** What an honest house says of the bet: by the log, read here a third time. */
function honest(): EvidenceStatement {
  const decisions = (src: string) =>
    (logs.find((log) => log.src === src)?.decisions ?? []).flatMap(({ events, at, code }, i) =>
      (events as Event[]).map((event) => ({ event, at: Number(at), seq: i + 1, code })),
    );
  const own = { source: `shard-${SHARD}`, outcome: 'ACCEPTED', betId: BET } as const;
  const account = String(ticket['account']);
  const movements = decisions(`shard-${SHARD}`).flatMap(({ event, at, seq }) => {
    if (event.t === 'TicketAccepted' && event['ticket'] === ticket['ticket'])
      return [{ ...own, at, seq, actor: account, action: 'STAKE', amount: -Number(event['total']), reason: null }];
    const items = (event['items'] ?? []) as Json[];
    return items
      .filter((item) => item['ticket'] === ticket['ticket'])
      .flatMap((item) => {
        const [amount, net] = [Number(item['amount']), Number(item['net'] ?? 0)];
        const reason = event.t === 'BetsCorrected' ? `RESULT ${event['version']}` : null;
        const moved = { ...own, at, seq, actor: 'rules', reason };
        const action = event.t === 'BetsCorrected' ? 'CORRECTION' : 'PAYOUT';
        if (net < 0) return [{ ...moved, action, amount: amount - net, owed: -net }];
        const given = { ...moved, action, amount };
        return net > 0 ? [given, { ...moved, action: 'RECOVERY', amount: -net, owed: -net }] : [given];
      });
  });
  const acts = decisions('market')
    .filter(({ event }) => event.t === 'Acted' && event['race'] === RACE)
    .map(({ event, at, seq, code }) => {
      const by = event['by'] as { user: string; device: string };
      const outcome = code === undefined ? ('ACCEPTED' as const) : ('REFUSED' as const);
      return {
        ...{ at, source: 'market', seq, actor: by.user, device: by.device, action: String(event['action']), outcome },
        ...{ betId: null, amount: null, reason: (event['reason'] as string | undefined) ?? null },
      };
    });
  const events = [...movements, ...acts].sort(
    (a, b) => a.at - b.at || a.source.localeCompare(b.source) || a.seq - b.seq,
  );
  const back = movements.filter(({ action }) => action === 'PAYOUT' || action === 'CORRECTION');
  const bet = (ticket['bets'] as Json[])[0] as Json;
  const receipt = {
    ...{ kind: 'mutuel-receipt', v: 1, ticketId: ticket['ticket'], ticketRef: ticket['ref'], accountId: account },
    ...{ acceptedAt: AT, currency: 'USD', totalStake: ticket['total'], blind: ticket['blind'], shard: SHARD },
    ...{ seq: accepted.said['seq'], hash: createHash('sha256').update(accepted.record.value).digest('hex') },
    bets: [
      {
        ...{ betId: BET, no: bet['no'], poolId: WIN, selection: bet['sel'], lines: bet['lines'] },
        ...{ unitStake: bet['unit'], stake: bet['stake'], leaf: bet['leaf'] },
      },
    ],
  };
  const { topic, partition, offset, value } = accepted.record;
  return {
    ...{ kind: 'mutuel-evidence', v: 1, madeAt: AT + 3_600_000, ticketId: String(ticket['ticket']), betId: null },
    decision: { topic, partition, offset, record: Buffer.from(value).toString('utf8') },
    odds: [
      {
        ...{ poolId: WIN, cycle: CYCLE, at: cycleAt(0) + 9, offset: 2, gross: 300 },
        ...{ cut: { shards: [1, 1], market: 2 }, rows: [['2', 300]] },
      },
    ],
    events,
    bets: [
      {
        ...{ betId: BET, placement: 'ACCEPTED', resulting: 'WON', settlement: 'SETTLED', refund: 0 },
        payout: back.reduce((sum, { amount, ...one }) => sum + amount - (('owed' in one && one.owed) || 0), 0),
      },
    ],
    receipt: { kind: 'mutuel-receipt-file', v: 1, receipt: signed(receipt), proofs: [] },
  };
}

type Change = (said: EvidenceStatement) => Partial<EvidenceStatement>;
const packOf = (change: Change = () => ({})): Signed => signed({ ...honest(), ...change(honest()) });
function beside(pack: Signed, log: readonly ExportedRecord[] = LOG) {
  const read = new EvidenceLog(pack);
  for (const record of log) read.take(record);
  return verifyEvidence(pack, KEYS, read);
}
const altered =
  (fits: (event: EvidenceStatement['events'][number]) => boolean, to: object): Change =>
  ({ events }) => ({ events: events.map((event) => (fits(event) ? { ...event, ...to } : event)) });
const without =
  (fits: (event: EvidenceStatement['events'][number]) => boolean): Change =>
  ({ events }) => ({ events: events.filter((event) => !fits(event)) });
const isStop = ({ action }: { action: string }): boolean => action === 'StopBetting';

/** Those of the tick before, which is in two parts. */
const older: Change = ({ odds: [one] }) => {
  const said = { cycle: CYCLE - 1, at: cycleAt(-1) + 9, offset: 1, gross: 100, rows: [['2', 100]] };
  return { odds: [{ ...(one as EvidenceStatement['odds'][number]), ...said }] };
};

describe('an evidence pack beside the log', () => {
  it('holds where the log says the same: record, movements, debts, acts and odds', () => {
    const { held, missing, faults } = beside(packOf());
    expect(faults).toEqual([]);
    expect(missing).toEqual([expect.stringMatching(/no proof yet/)]);
    const { events } = honest();
    expect(held).toContain(`${events.length} of ${events.length} events stand in the log as in the pack`);
    expect(held).toContain(`the odds of ${WIN} stand in the log as in the pack (odds #2)`);
    expect(events.map(({ action }) => action)).toEqual(expect.arrayContaining(['PAYOUT', 'CORRECTION', 'StopBetting']));
    expect(events.some(({ owed = 0 }) => owed > 0)).toBe(true);
  });

  it.each<readonly [string, Change, RegExp]>([
    [
      'another device',
      altered(isStop, { device: 'desk-9' }),
      /^market #\d+, StopBetting: the pack says device desk-9, the log tower$/,
    ],
    [
      'another reason',
      altered(isStop, { reason: 'fog' }),
      /^market #\d+, StopBetting: the pack says reason fog, the log off$/,
    ],
    [
      'another official',
      altered(isStop, { actor: 'anna' }),
      /^market #\d+, StopBetting: the pack says actor anna, the log stella$/,
    ],
    ['an act as refused', altered(isStop, { outcome: 'REFUSED' }), /says outcome REFUSED, the log ACCEPTED$/],
    ['no act that there was', without(isStop), /^market #\d+, StopBetting stands in the log and not in the pack$/],
    [
      'no correction that there was',
      without(({ reason }) => reason === 'RESULT 2'),
      /^shard-\d #\d+, CORRECTION of t\S+-1 stands in the log and not in the pack$/,
    ],
    [
      'an act that there was not',
      ({ events }) => ({ events: events.map((one) => (isStop(one) ? { ...one, action: 'SuspendRace' } : one)) }),
      /^market #\d+, SuspendRace stands in the pack and not in the log$/,
    ],
    [
      'another source',
      altered(({ action }) => action === 'PAYOUT', { source: 'shard-7' }),
      /^shard-7 #\d+, PAYOUT of t\S+-1 stands in the pack and not in the log$/,
    ],
    [
      'other odds',
      ({ odds: [one] }) => ({ odds: [{ ...(one as EvidenceStatement['odds'][number]), rows: [['2', 1]] }] }),
      /^the odds of \S+: the pack says rows \[\["2",1\]\], the log \[\["2",300\]\]$/,
    ],
    [
      'another debt, and as much more given',
      ({ events }) => ({
        events: events.map((one) =>
          one.action === 'CORRECTION' && one.owed
            ? { ...one, amount: Number(one.amount) + 1, owed: one.owed + 1 }
            : one,
        ),
      }),
      /^shard-\d #\d+, CORRECTION of t\S+-1: the pack says owed \d+, the log \d+$/,
    ],
    [
      'older odds than there were',
      older,
      /^the log has odds of \S+ of cycle \d+ before the bet \(odds #2\), later ones/,
    ],
    ['no odds where there were some', () => ({ odds: [] }), /\(odds #2\), the pack has none$/],
    [
      'odds from a place that has none',
      ({ odds: [one] }) => ({ odds: [{ ...(one as EvidenceStatement['odds'][number]), offset: 0 }] }),
      /^the log has no odds of \S+ at odds #0, where the pack has them from$/,
    ],
    [
      'another place of its record',
      ({ decision }) => ({ decision: { ...decision, offset: decision.offset + 1 } }),
      /^the log has another record at shard\.decisions\/\d #\d+ than the pack$/,
    ],
  ])('that says %s is named', (_, change, words) => {
    expect(verifyEvidence(packOf(change), KEYS).faults.filter((fault) => words.test(fault))).toEqual([]);
    expect(beside(packOf(change)).faults).toContainEqual(expect.stringMatching(words));
  });

  it('reads ticks of several parts as one: of odds that are older, and else true, this alone is said', () => {
    const { faults, held } = beside(packOf(older));
    expect(faults).toHaveLength(1);
    expect(held).toContain(`the odds of ${WIN} stand in the log as in the pack (odds #1)`);
  });

  it('names a record of the right bytes at a place where it counts for nothing', () => {
    const shard = LOG.filter(({ topic, partition }) => topic === 'shard.decisions' && partition === SHARD);
    const again = { ...accepted.record, offset: (shard.at(-1)?.offset ?? 0) + 1 };
    const pack = packOf(({ decision }) => ({ decision: { ...decision, offset: again.offset } }));
    expect(verifyEvidence(pack, KEYS).faults).toEqual([]);
    expect(beside(pack, [...LOG, again]).faults).toContainEqual(
      expect.stringMatching(/^the record at shard\.decisions\/\d #\d+ counts for nothing in the log$/),
    );
  });

  it('accuses nobody of what came after it was made, nor of what read models could not have yet', () => {
    const last = honest().events.at(-1) as EvidenceStatement['events'][number];
    const cut = without((event) => event.seq === last.seq && event.source === last.source);
    const made = (madeAt: number) => beside(packOf((said) => ({ ...cut(said), madeAt })));
    const words = expect.stringMatching(/stands in the log and not in the pack/);
    expect(made(last.at - 1).faults).not.toContainEqual(words);
    expect(made(last.at - 1).missing).not.toContainEqual(words);
    expect(made(last.at + 1_000).faults).not.toContainEqual(words);
    expect(made(last.at + 1_000).missing).toContainEqual(words);
    expect(made(last.at + 90_000).faults).toContainEqual(words);
  });

  it('says of a log that ends before it, or holds no odds, what is missing', () => {
    const shard = LOG.filter(({ topic, partition }) => topic === 'shard.decisions' && partition === SHARD);
    const cut = (shard.at(-1)?.offset ?? 0) - 4;
    const short = LOG.filter(
      ({ topic, partition, offset }) =>
        topic !== 'odds' && !(topic === 'shard.decisions' && partition === SHARD && offset > cut),
    );
    const { faults, missing } = beside(packOf(), short);
    expect(faults).toEqual([]);
    expect(missing).toContainEqual(
      expect.stringMatching(/^the log of shard-\d does not reach decision \d+ \(CORRECTION\)$/),
    );
    const expired = `the log holds no odds of ${WIN} at odds #2: it does not reach them, or holds them no more`;
    expect(missing).toContain(expired);
    const since = beside(packOf(), [...recordsOf(logs), ...odds.slice(3)]);
    expect(since).toMatchObject({ faults: [], missing: expect.arrayContaining([expired]) });
  });

  it('takes nothing from a log whose chain is broken there', () => {
    const place = LOG.findIndex(({ topic, offset }) => topic === 'market.decisions' && offset === 3);
    const { faults } = beside(packOf(), LOG.toSpliced(place, 1));
    expect(faults).toContainEqual(expect.stringMatching(/^market\.decisions\/0 #4: /));
  });
});

describe('mutuel verify evidence --log', () => {
  const dir = mkdtempSync(join(tmpdir(), 'mutuel-evidence-'));
  const path = (name: string): string => join(dir, name);
  const writer = new ExportWriter();
  const order = ['market.decisions', 'odds', 'shard.decisions'];
  const whole = Buffer.concat([
    writer.head({ shards: 2, topics: { 'market.decisions': 1, 'shard.decisions': 2, odds: 1 } }),
    ...LOG.filter(({ topic }) => !topic.endsWith('commands'))
      .toSorted((a, b) => order.indexOf(a.topic) - order.indexOf(b.topic))
      .map((record) => writer.record(record)),
    writer.end(),
  ]);
  const files: Readonly<Record<string, string | Buffer>> = {
    'pack.json': JSON.stringify(packOf()),
    'lie.json': JSON.stringify(packOf(altered(isStop, { device: 'desk-9' }))),
    'null.json': 'null',
    'keys.json': JSON.stringify({ keys: PUBLISHED }),
    'good.log': whole,
    'cut.log': whole.subarray(0, -3),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(path(name), content);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  it.each([
    ['pack.json', 'good.log', 0, /The evidence holds\./],
    ['lie.json', 'good.log', 1, /FAILS {4}market #\d+, StopBetting: the pack says device desk-9, the log tower/],
    [
      'pack.json',
      'cut.log',
      2,
      /cut\.log, byte \d+, line \d+: the file ends in the middle of a line: it is truncated$/,
    ],
    ['pack.json', 'keys.json', 2, /keys\.json, byte 0, line 1: the file ends in the middle of a line/],
    ['null.json', 'good.log', 1, /FAILS {4}the pack: this is no evidence pack/],
  ])('of %s beside %s answers %i', async (pack, log, code, words) => {
    const said: string[] = [];
    vi.spyOn(console, 'error').mockImplementation((line: string) => void said.push(line));
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    const program = new Command().exitOverride();
    addVerify(program);
    const args = ['evidence', path(pack), '--keys', path('keys.json'), '--log', path(log)];
    await program.parseAsync(['node', 'mutuel', 'verify', ...args]);
    expect(said.join('\n')).toMatch(words);
    expect(process.exitCode ?? 0).toBe(code);
  });
});

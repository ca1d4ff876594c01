import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeCommand, sha256, signCommand, TOPICS } from '#mutuel/contracts';
import {
  type DividendProposal,
  type MarketEvent,
  type MeetingCard,
  marketDecider,
  PROPOSAL_SOURCES,
  type ShardEvent,
  shardDecider,
  shardOf,
} from '#mutuel/engine';
import { type Field, pricePool, ruleSetFor } from '#mutuel/tote';
import { CommandGateway, type GatewayAnswer } from '../src/command-gateway.js';
import { foldDecisions } from '../src/decider-runner.js';
import { EngineHost, type EngineHostOptions, MARKET_SOURCE, shardSource } from '../src/engine-host.js';
import { AppendFault, type EventLog } from '../src/ports.js';
import { TailHub } from '../src/tail-hub.js';
import { countedEntropy, hooked, KEY, memoryLog, VirtualClock } from './support/world.js';

const SHARDS = 2;
const RACE = '2026-11-22-R1-C1';
const POOL = `${RACE}-WIN`;
const tote = { user: 'tess', roles: ['TOTE_OPERATOR'], device: 'desk-1' };
const steward = { user: 'stella', roles: ['STEWARD'], device: 'tower' };
const second = { user: 'sam', roles: ['STEWARD'], device: 'office' };

let clock: VirtualClock;
let log: EventLog;
let hosts: EngineHost[];
let alarms: string[];
let seed = 0;
let ids = 0;
let bets: CommandGateway<ShardEvent>;
let desk: CommandGateway<MarketEvent>;

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock, SHARDS);
  hosts = [];
  alarms = [];
});

afterEach(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await Promise.all([bets?.stop(), desk?.stop()]);
});

const id = () => (++ids).toString(16).padStart(32, '0');

function host(over: EventLog = log, more: Partial<EngineHostOptions> = {}): EngineHost {
  const made = new EngineHost({
    ...{ log: over, clock, tails: new TailHub(over, clock), entropy: countedEntropy(++seed * 100_000) },
    ...{ shards: SHARDS, epoch: 1, serviceKey: KEY, onAlarm: (code, detail) => alarms.push(`${code} ${detail}`) },
    ...more,
  });
  hosts.push(made);
  made.start();
  return made;
}

async function up(over?: EventLog, more?: Partial<EngineHostOptions>): Promise<EngineHost> {
  const made = host(over, more);
  await soon(made.ready);
  return made;
}

/** Lets time pass until the promise has settled. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  await clock.until(() => done);
  return watched;
}

async function gateways(): Promise<void> {
  const seams = { log, clock, tails: new TailHub(log, clock), entropy: countedEntropy(++seed * 100_000), windowMs: 0 };
  bets = new CommandGateway({
    ...seams,
    commandsTopic: TOPICS.shardCommands,
    decisionsTopic: TOPICS.shardDecisions,
    partitions: SHARDS,
    srcOf: (partition) => `shard-${partition}`,
  });
  desk = new CommandGateway({
    ...seams,
    commandsTopic: TOPICS.marketCommands,
    decisionsTopic: TOPICS.marketDecisions,
    partitions: 1,
    srcOf: () => 'market',
  });
  await soon(Promise.all([bets.start(), desk.start()]));
}

async function decision<E>(answer: Promise<GatewayAnswer<E>>) {
  const given = await soon(answer);
  if (given.kind !== 'DECIDED') throw new Error('pending');
  return given.valid.decision;
}

function ask(command: object) {
  const cid = id();
  return decision(desk.submit(0, signCommand(cid, command, KEY), cid));
}

function service(account: string, command: object) {
  const cid = id();
  return decision(bets.submit(shardOf(account, SHARDS), signCommand(cid, command, KEY), cid));
}

function place(account: string, sel: string, stake: number) {
  const cid = id();
  const time = clock.now().toString(16).padStart(12, '0');
  const ticket = {
    ...{ type: 'PlaceTicket', account, currency: 'USD', atomic: true, channel: 'web', blind: 'ab'.repeat(16) },
    ref: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${cid.slice(-12)}`,
    body: cid,
    bets: [{ ref: 'a', pool: POOL, sel, unit: stake, stake }],
  };
  return decision(bets.submit(shardOf(account, SHARDS), encodeCommand(cid, ticket), cid, { channel: 'web' }));
}

function card(): MeetingCard {
  const ruleSet = ruleSetFor('US', 'WIN');
  if (!ruleSet) throw new Error('no rule set');
  const runners = Array.from({ length: 6 }, (_, i) => ({ number: `${i + 1}`, name: `Horse ${i + 1}` }));
  const pools = [{ poolId: POOL, type: 'WIN', ruleSet, carryInMinor: 0 } as const];
  const race = { raceId: RACE, number: 1, name: 'Prix Premier', postTime: clock.now() + 600_000, runners, pools };
  const where = { meetingId: '2026-11-22-R1', course: 'Longueville', date: '2026-11-22', country: 'US' };
  return { ...where, currency: 'USD', exponent: 2, races: [race] };
}

/** Two accounts on different shards, funded with 100.00 each. */
async function openRace(running: EngineHost): Promise<{ readonly a: string; readonly b: string }> {
  const names = Array.from({ length: 20 }, (_, i) => `acc-${i}`);
  const of = (shard: number) => names.find((name) => shardOf(name, SHARDS) === shard) as string;
  const accounts = { a: of(0), b: of(1) };
  await ask({ type: 'PublishMeeting', meeting: card(), by: tote });
  await ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
  for (const account of Object.values(accounts)) {
    await service(account, { type: 'OpenAccount', account, currency: 'USD' });
    await service(account, { type: 'Deposit', account, ref: 'opening', amount: 10_000 });
  }
  const shards = [...running.shards.values()];
  await clock.until(() => shards.every(({ state }) => state?.races.get(RACE)?.status === 'OPEN'), 'the race open');
  await clock.until(() => shards.every(({ state }) => (state?.lease.issuedAt ?? 0) > 0), 'a lease');
  return accounts;
}

/** What each calculator would say of the standing stakes; all of them agree here. */
function proposal(running: EngineHost, source: DividendProposal['source']): DividendProposal {
  const state = running.market?.state;
  const [pool, race] = [state?.pools.get(POOL), state?.races.get(RACE)];
  if (!pool || !race) throw new Error('no such pool');
  const field: Field = { declared: race.card.runners.map((r) => r.number), scratched: race.scratched };
  const grossMinor = pool.stakes.reduce((sum, report) => sum + (report?.stake ?? 0), 0);
  const stakeOn = (c: string) =>
    pool.stakes.reduce((sum, report) => sum + (report?.keys.find((key) => key.c === c)?.stake ?? 0), 0);
  const money = { grossMinor, refundsMinor: 0, carryInMinor: 0, stakeOn };
  const sheet = pricePool({ ruleSet: pool.card.ruleSet, field, finish: race.finish, ...money });
  const { outcome, takeoutMinor, netMinor, paidMinor, refundedMinor, breakageMinor, topUpMinor, carryOutMinor } = sheet;
  const dividends = sheet.dividends.map(({ tier, c, price, stakeMinor, paidMinor: paid }) => ({
    ...{ tier, c, price, stakeMinor, paidMinor: paid },
  }));
  return {
    ...{ pool: POOL, version: race.version, source, inputHash: 'x', outcome, grossMinor, takeoutMinor, netMinor },
    ...{ carryInMinor: 0, dividends, paidMinor, refundedMinor, breakageMinor, topUpMinor, carryOutMinor, steps: [] },
  };
}

const race = (running: EngineHost) => running.market?.state?.races.get(RACE);

async function settleRace(running: EngineHost, winner: string): Promise<void> {
  await ask({ type: 'StopBetting', race: RACE, reason: 'off', by: steward });
  await ask({ type: 'EnterResult', race: RACE, finish: [[winner]], disqualified: [], reason: '', by: steward });
  const counted = () =>
    running.market?.status === 'LEADING' && running.market.state?.pools.get(POOL)?.stakes.includes(null) === false;
  for (const source of PROPOSAL_SOURCES) {
    await clock.until(counted, 'the counts');
    await ask({ type: 'SubmitProposal', proposal: proposal(running, source) });
  }
  await clock.until(() => typeof race(running)?.previewHash === 'string', 'the preview');
  const previewHash = race(running)?.previewHash;
  expect((await ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second })).code).toBeUndefined();
  await clock.until(() => race(running)?.status === 'SETTLED', 'the race settled');
}

const balance = (running: EngineHost, account: string) =>
  running.shards.get(shardOf(account, SHARDS))?.state?.accounts.get(account)?.balance;

describe('an engine host', () => {
  test('takes a race from card to cash over two shards', async () => {
    const running = await up();
    await gateways();
    const { a, b } = await openRace(running);
    expect((await place(a, '1', 6_000)).code).toBeUndefined();
    expect((await place(b, '2', 4_000)).code).toBeUndefined();
    await settleRace(running, '2');
    // Net of the US takeout (17 %): 8,300 for 4,000 on the winner is 2.075, broken to the dime: 2.00 per unit.
    expect([balance(running, a), balance(running, b)]).toEqual([4_000, 14_000]);
    expect(alarms).toEqual([]);
  });

  test('replays every log to the state its decider has', async () => {
    const running = await up();
    await gateways();
    const { a } = await openRace(running);
    await place(a, '1', 500);
    await settleRace(running, '1');
    await running.stop();
    for (let shard = 0; shard < SHARDS; shard++) {
      const decider = shardDecider({ shard, shards: SHARDS, hash: sha256 });
      const [once, again] = [
        await foldDecisions(log, shardSource(shard), decider),
        await foldDecisions(log, shardSource(shard), decider),
      ];
      expect(once.stateHash).toBe(again.stateHash);
      expect(once.state.accounts.size).toBe(1);
    }
    const market = await foldDecisions(log, MARKET_SOURCE, marketDecider({ shards: SHARDS, hash: sha256 }));
    expect(market.state.races.get(RACE)?.status).toBe('SETTLED');
  });

  test('keeps selling by renewing the lease, and a dead market closes betting', async () => {
    const running = await up();
    await gateways();
    const { a } = await openRace(running);
    await clock.pass(60_000);
    expect((await place(a, '1', 500)).code).toBeUndefined();
    expect(running.leasesRenewed).toBeGreaterThanOrEqual(30);
    await running.stop();
    const shardsOnly = await up(log, { market: false });
    await clock.pass(7_000);
    expect((await place(a, '1', 500)).code).toBe('CHANNEL_LEASE_EXPIRED');
    expect(shardsOnly.market).toBeUndefined();
  });

  test('leaves the lease to the market that leads', async () => {
    const leader = await up();
    const standby = host(log, { campaign: 'WHEN_QUIET' });
    await clock.pass(30_000);
    expect([leader.market?.status, standby.market?.status]).toEqual(['LEADING', 'STANDBY']);
    expect(leader.leasesRenewed).toBeGreaterThanOrEqual(15);
    expect(standby.leasesRenewed).toBe(0);
  });

  test('lets a standby take the market over, and the lease with it, when the leader falls silent', async () => {
    const leader = await up();
    const standby = host(log, { campaign: 'WHEN_QUIET' });
    await clock.pass(10_000);
    await leader.stop();
    await clock.until(() => standby.leasesRenewed > 0, 'the lease renewed');
    await clock.until(() => [...standby.shards.values()].every(({ status }) => status === 'LEADING'), 'the shards');
  });

  test('settles although many an append of the whole engine fails one way or another', async () => {
    let appends = 0;
    const broken = hooked(log, async (_at, values, append) => {
      const turn = ++appends % 30;
      if (turn === 0) throw new AppendFault('lost on the way', 'NOT_APPENDED');
      const done = await append(values);
      if (turn === 10) throw new AppendFault('no answer came', 'UNKNOWN');
      if (turn === 20) await append(values);
      return done;
    });
    const running = await up(broken);
    await gateways();
    const { a, b } = await openRace(running);
    let taken = 0;
    for (let i = 0; i < 40; i++) {
      const decided = await place(i % 2 ? a : b, i % 4 < 2 ? '1' : '2', 200);
      if (decided.code === undefined) taken += 200;
    }
    await settleRace(running, '2');
    await clock.until(() => running.shards.get(0)?.status === 'LEADING' && running.shards.get(1)?.status === 'LEADING');
    expect(taken).toBe(8_000);
    // 4,000 stand on the winner of a pool of 8,000: 83 % of it is 6,640, 1.66 a unit, broken to 1.60.
    expect((balance(running, a) ?? 0) + (balance(running, b) ?? 0)).toBe(20_000 - 8_000 + 6_400);
    expect(alarms.length).toBeGreaterThan(0);
  });

  test('says when a decider has stopped for good', async () => {
    const halted: string[] = [];
    await up(log, { onHalted: (fault) => halted.push(fault.message) });
    const appender = await log.appender();
    await appender.append({ topic: TOPICS.shardCommands, partition: 1 }, [
      signCommand(id(), { type: 'MarketFact', n: 1, fact: { t: 'FromTheFuture' } }, KEY),
    ]);
    await clock.until(() => halted.length > 0);
    expect(halted[0]).toMatch(/shard-1 stops at shard\.commands\[1\] offset \d+: market fact 1 of kind FromTheFuture/);
  });
});

describe('record formats', () => {
  const formatsIn = async (topic: string, partition: number) => {
    const { end } = await log.bounds({ topic, partition });
    const records = await log.read({ topic, partition, from: 0 }, end);
    return records.map(({ value }) => JSON.parse(new TextDecoder().decode(value)) as { v: number; kind: string });
  };
  const raise = (format: number) => ask({ type: 'ProposeRecordFormat', format, reason: 'release 2', by: tote });
  const confirm = (by: object) => ask({ type: 'ConfirmRecordFormat', format: 2, by });

  test('a newer one is written by market and shards from the fact on that two people made, and not before', async () => {
    const running = await up(log, { release: '9.9.9' });
    await gateways();
    const { a, b } = await openRace(running);
    expect((await confirm(steward)).code).toBe('FORMAT_NOT_PROPOSED');
    expect((await raise(3)).code).toBe('FORMAT_INVALID');
    expect((await raise(2)).code).toBeUndefined();
    expect((await confirm(tote)).code).toBe('SAME_PERSON');
    expect((await confirm({ ...tote, user: 'sam', roles: ['ACCOUNTANT'] })).code).toBe('NOT_AUTHORIZED');
    expect((await confirm(steward)).code).toBeUndefined();
    expect((await raise(3)).detail).toBe('This release writes record formats up to 2.');
    await clock.until(() => [...running.shards.values()].every(({ state }) => state?.upkeep.recordFormat === 2));
    expect((await place(a, '1', 6_000)).code).toBeUndefined();
    expect((await place(b, '2', 4_000)).code).toBeUndefined();
    await settleRace(running, '2');
    expect([balance(running, a), balance(running, b)]).toEqual([4_000, 14_000]);
    for (const [topic, partition] of [
      [TOPICS.marketDecisions, 0],
      [TOPICS.shardDecisions, 0],
      [TOPICS.shardDecisions, 1],
    ] as const) {
      const formats = (await formatsIn(topic, partition)).map(({ v }) => v);
      const first = formats.indexOf(2);
      expect(first).toBeGreaterThan(1);
      expect(formats.slice(first).every((v) => v === 2)).toBe(true);
    }
    // The engine that comes after says which release it is, and folds both formats to the state of the one before.
    const state = running.shards.get(0)?.position;
    await running.stop();
    const next = await up(log, { release: '9.9.10' });
    expect(next.shards.get(0)?.position?.seq).toBeGreaterThanOrEqual(state?.seq ?? 0);
    const started = (await formatsIn(TOPICS.shardDecisions, 0)).filter(({ kind }) => kind === 'started');
    expect(started).toMatchObject([{ v: 1 }, { v: 2, release: '9.9.10' }]);
    expect(alarms).toEqual([]);
  });

  test('an older release that only reads the newer one stands by, leads, and goes on in its own', async () => {
    const newer = await up();
    await gateways();
    const { a } = await openRace(newer);
    const older = host(log, { newestFormat: 1, campaign: 'WHEN_QUIET' });
    await raise(2);
    expect((await confirm(steward)).code).toBeUndefined();
    await clock.until(() => [...newer.shards.values()].every(({ state }) => state?.upkeep.recordFormat === 2));
    expect((await place(a, '1', 500)).code).toBeUndefined();
    await newer.stop();
    await clock.until(() => [...older.shards.values(), older.market].every((one) => one?.status === 'LEADING'));
    await clock.until(() => older.leasesRenewed > 0);
    await clock.pass(100);
    expect((await place(a, '2', 500)).code).toBeUndefined();
    const shard = (await formatsIn(TOPICS.shardDecisions, shardOf(a, SHARDS))).map(({ v }) => v);
    expect([shard.includes(2), shard.at(-1)]).toEqual([true, 1]);
    expect(balance(older, a)).toBe(9_000);
  });

  test('one that this release does not know stops the engine in one line', async () => {
    const halted: string[] = [];
    const running = await up(log, { onHalted: (fault) => halted.push(fault.message) });
    await running.stop();
    const appender = await log.appender();
    const bytes = new TextEncoder().encode('{"v":3,"kind":"decision","src":"shard-1"}');
    await appender.append(shardSource(1).at, [bytes]);
    const next = host(log, { onHalted: (fault) => halted.push(fault.message) });
    await clock.until(() => halted.length > 0);
    expect(halted[0]).toMatch(/^shard\.decisions\[1\] offset \d+: its format 3 is newer .* Start the later release$/);
    expect(next.shards.get(1)?.fault).toMatchObject({ laterRelease: true });
    await clock.until(() => [next.shards.get(0), next.market].every((one) => one?.status === 'LEADING'));
  });
});

describe('the daily checkpoint', () => {
  test('stands in every log once a day, and says what the logs fold to', async () => {
    clock.time = Date.UTC(2027, 0, 15, 23, 58);
    const running = await up(log, { checkpointHour: 0 });
    await gateways();
    const { a } = await openRace(running);
    await place(a, '1', 500);
    await clock.pass(240_000);
    expect((await ask({ type: 'Checkpoint', day: '2027-01-16' })).code).toBe('ALREADY_APPLIED');
    await running.stop();
    const folded = await foldDecisions(log, MARKET_SOURCE, marketDecider({ shards: SHARDS, hash: sha256 }));
    expect(folded.state.upkeep.checkpointDay).toBe('2027-01-16');
    for (let shard = 0; shard < SHARDS; shard++) {
      const found: string[] = [];
      const { at } = shardSource(shard);
      for (const { value } of await log.read({ ...at, from: 0 }, 1_000_000)) {
        const { events = [] } = JSON.parse(new TextDecoder().decode(value)) as {
          events?: { t: string; day: string }[];
        };
        for (const { t, day } of events) if (t === 'Checkpoint') found.push(day);
      }
      expect(found).toEqual(['2027-01-15', '2027-01-16']);
      // Folding compares: it would throw.
      await foldDecisions(log, shardSource(shard), shardDecider({ shard, shards: SHARDS, hash: sha256 }));
    }
  });

  test('is taken at once where it is asked for, under the next day that has none, and is the last word of each log', async () => {
    clock.time = Date.UTC(2027, 0, 15, 12);
    const running = await up(log);
    await gateways();
    const { a } = await openRace(running);
    await place(a, '1', 500);
    await running.askCheckpointsNow();
    await place(a, '2', 500);
    await clock.until(() => running.market?.state?.upkeep.checkpointDay === '2027-01-15');
    void running.askCheckpointsNow();
    await running.stop();
    for (let shard = 0; shard < SHARDS; shard++) {
      const decider = shardDecider({ shard, shards: SHARDS, hash: sha256 });
      const { state, seq } = await foldDecisions(log, shardSource(shard), decider);
      expect(state.upkeep.checkpointDay).toBe('2027-01-16');
      const before = await foldDecisions(log, { ...shardSource(shard), to: seq - 1 }, decider);
      expect(before.state.upkeep.checkpointDay).toBe('2027-01-15');
    }
  });

  test('stops a standby whose release folds to another state, and names the day', async () => {
    const leader = await up();
    await gateways();
    const halted: string[] = [];
    const standby = host(log, { campaign: 'WHEN_QUIET', onHalted: (fault) => halted.push(fault.message) });
    await clock.until(() => standby.market?.status === 'STANDBY');
    // What another machine, or another release, might have made of the log.
    (standby.market?.state as { factNo: number }).factNo += 1;
    expect((await ask({ type: 'Checkpoint', day: '2027-01-15' })).code).toBeUndefined();
    await clock.until(() => halted.length > 0);
    expect(halted[0]).toMatch(/^market does not fold to its checkpoint of 2027-01-15 \(seq \d+\): the log says state/);
    expect(alarms.filter((one) => one.startsWith('STATE_DIFFERS'))).toHaveLength(1);
    expect(leader.market?.status).toBe('LEADING');
  });
});

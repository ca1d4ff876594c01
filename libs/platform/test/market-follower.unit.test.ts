/** The market view after a restart: from a snapshot it is what a read from the beginning makes, whatever lies in the folder. */
import { beforeEach, describe, expect, it } from 'vitest';
import { openMemoryLog, openMemorySnapshots } from '#mutuel/adapters';
import { type DecisionRecord, encodeRecord, GENESIS, sha256, topicsOf } from '#mutuel/contracts';
import { type Actor, type MarketCommand, type MarketEvent, type MeetingCard, marketDecider } from '#mutuel/engine';
import { type EventLog, type LogAppender, MARKET_SOURCE, type SnapshotStore, TailHub } from '#mutuel/runtime';
import { ruleSetFor } from '#mutuel/tote';
import { type FeedPool, FeedState } from '#mutuel/views';
import { MarketFollower } from '../src/market-follower.js';

const SHARDS = 2;
const START = 1_795_300_000_000;
const HOUR = 3_600_000;
const operator: Actor = { user: 'tess', roles: ['TOTE_OPERATOR'], device: 'desk' };
const steward: Actor = { user: 'stella', roles: ['STEWARD'], device: 'tower' };
const WIN = ruleSetFor('FR', 'WIN');

/** A market that decides what it is told, on a log in memory. */
class Market {
  time = START;
  readonly clock = {
    now: () => this.time,
    sleep: (ms: number) => new Promise<void>((end) => setTimeout(end, ms && 1)),
  };
  log!: EventLog;
  readonly #decider = marketDecider({ shards: SHARDS, hash: sha256 });
  readonly #state = this.#decider.initialState();
  readonly #inc = sha256('market').slice(0, 32);
  #appender!: LogAppender;
  #seq = 0;
  #head = GENESIS;

  static async open(): Promise<Market> {
    const market = new Market();
    market.log = await openMemoryLog({ topics: topicsOf(SHARDS), clock: market.clock });
    market.#appender = await market.log.appender();
    const started = { v: 1, kind: 'started', src: MARKET_SOURCE.src, epoch: 1, inc: market.#inc } as const;
    await market.#appender.append(MARKET_SOURCE.at, [encodeRecord(started)]);
    return market;
  }

  async act(command: MarketCommand): Promise<void> {
    const { time: at } = this;
    const seq = ++this.#seq;
    const cid = sha256(String(seq)).slice(0, 32);
    const decision = this.#decider.decide(this.#state, command, { seq, at, decidedAt: at, cid, trusted: true });
    const record: DecisionRecord<MarketEvent> = {
      ...{ v: 1, kind: 'decision', src: MARKET_SOURCE.src, epoch: 1, seq, in: [1, seq - 1, 0], cid, inc: this.#inc },
      ...{ prev: this.#head, at, time: at, ...decision },
    };
    const bytes = encodeRecord(record);
    this.#head = sha256(bytes);
    this.#decider.evolve(this.#state, record);
    await this.#appender.append(MARKET_SOURCE.at, [bytes]);
  }

  async meeting(name: string): Promise<void> {
    await this.act({ type: 'PublishMeeting', meeting: cardOf(name, this.time), by: operator });
    await this.act({ type: 'OpenRace', race: `${name}-1`, reason: 'on time', by: operator });
  }

  async renewals(many: number): Promise<void> {
    for (let i = 0; i < many; i++) {
      this.time += 2_000;
      await this.act({ type: 'RenewLease', ttlMs: 6_000 });
    }
  }
}

function cardOf(name: string, now: number): MeetingCard {
  if (!WIN) throw new Error('no rules for a win pool');
  const runners = ['1', '2', '3', '4'].map((number) => ({ number, name: `Horse ${number}` }));
  const races = [1, 2].map((number) => ({
    ...{ raceId: `${name}-${number}`, number, name: 'Prix du Test', postTime: now + HOUR, runners },
    pools: [{ poolId: `${name}-${number}-WIN`, type: 'WIN' as const, ruleSet: WIN, carryInMinor: 0 }],
  }));
  const place = { course: 'Vincennes', date: '2026-11-22', country: 'FR', currency: 'EUR', exponent: 2 };
  return { meetingId: name, ...place, races };
}

const ALL = { key: 'all', def: true, tot: true, singles: true, exotics: true, late: true };
/** What each shows to clients, made as soon as it could be. */
const feeds = new WeakMap<MarketFollower, FeedState>();

let market: Market;
let store: SnapshotStore;
let alarms: string[];
let fatal: string[];
let handedOut = 0;

beforeEach(async () => {
  market = await Market.open();
  store = openMemorySnapshots();
  alarms = [];
  fatal = [];
});

async function opened(from: SnapshotStore, log = market.log): Promise<MarketFollower> {
  const hub = new TailHub(log, market.clock);
  handedOut = 0;
  const follower = await MarketFollower.open({
    ...{ log, clock: market.clock, shards: SHARDS, store: from },
    tails: {
      subscribe: (start, onRecords, onFault) =>
        hub.subscribe(
          start,
          (records) => {
            handedOut += records.length;
            return onRecords(records);
          },
          onFault,
        ),
    },
    onAlarm: (code) => alarms.push(code),
    onFatal: (fault) => fatal.push(fault.message),
  });
  const feed = new FeedState(follower.view);
  follower.view.onDecision((record) => feed.decided(record));
  feeds.set(follower, feed);
  await follower.start();
  return follower;
}

const fromTheBeginning = (): Promise<MarketFollower> => opened(openMemorySnapshots());

/** Everything that somebody can see by the view. */
function seen(follower: MarketFollower) {
  const { view } = follower;
  const { text, parts } = view.image();
  const pools = feeds.get(follower)?.pools ?? new Map<string, FeedPool>();
  return {
    ...{ seq: view.seq, beside: JSON.parse(text), state: parts.map((part) => Buffer.from(part).toString('utf8')) },
    audit: view.auditPage(100),
    feed: [...pools.values()].map((pool) => [pool.id, pool.image(ALL), pool.hash(ALL)]),
    races: [...view.state.races.keys()].map((id) => view.race(id)?.status),
    pools: [...view.state.pools.keys()].map((id) => view.pool(id)?.meeting.meetingId),
  };
}

/** Two meetings and an hour, a snapshot of them, and what came after it. */
async function anHourWithASnapshot(): Promise<void> {
  await market.meeting('m-1');
  await market.act({ type: 'ScratchRunner', race: 'm-1-1', runner: '2', reason: 'lame', by: steward });
  await market.act({ type: 'VoidRace', race: 'm-1-2', reason: 'fog', by: steward });
  await market.renewals(1_100);
  await (await opened(store)).stop();
  expect(await store.list('market')).toHaveLength(1);
  market.time += HOUR;
  await market.meeting('m-2');
  await market.act({ type: 'ScratchRunner', race: 'm-1-1', runner: '3', reason: 'lame', by: steward });
  await market.renewals(50);
}

describe('the market view', () => {
  it('is from a snapshot what it is from the beginning, and goes on alike', async () => {
    await anHourWithASnapshot();
    const bounded = await opened(store);
    expect(handedOut).toBeLessThan(100);
    const whole = await fromTheBeginning();
    expect(handedOut).toBeGreaterThan(1_100);
    expect(seen(bounded)).toEqual(seen(whole));
    await market.act({ type: 'StopBetting', race: 'm-1-1', reason: 'off', by: operator });
    await market.meeting('m-3');
    for (const { view } of [bounded, whole]) while (view.cards.size < 3) await market.clock.sleep(1);
    expect(seen(bounded)).toEqual(seen(whole));
    expect(seen(bounded).audit.entries.map(({ action }) => action)).toContain('ScratchRunner');
    await Promise.all([bounded.stop(), whole.stop()]);
    expect([...alarms, ...fatal]).toEqual([]);
  });

  it('keeps two snapshots, and begins at one that is older than the clocks of the feed', async () => {
    await anHourWithASnapshot();
    const running = await opened(store);
    await market.renewals(1_000);
    while ((await store.list('market')).length < 2) await market.clock.sleep(1);
    await running.stop();
    const between = await opened(store);
    // The newer snapshot is a moment old: a client that was here a minute ago is before it.
    expect(handedOut).toBeGreaterThan(1_000);
    await between.stop();
    market.time += HOUR;
    await (await opened(store)).stop();
    expect(handedOut).toBeLessThan(100);
  });

  it.each([
    ['is damaged', (bytes: Buffer) => bytes.fill(0, bytes.length - 1)],
    ['has lost its end', (bytes: Buffer) => bytes.subarray(0, bytes.length - 10)],
    ['is none', () => Buffer.from('hello')],
  ])('is read from the beginning where the snapshot %s, and that is said', async (_why, spoil) => {
    await anHourWithASnapshot();
    const spoilt = {
      ...store,
      read: async (src: string, seq: number) => spoil(Buffer.from(await store.read(src, seq))),
    };
    const follower = await opened(spoilt);
    expect(handedOut).toBeGreaterThan(1_100);
    expect(seen(follower)).toEqual(seen(await fromTheBeginning()));
    await follower.stop();
    expect(alarms).toEqual(['SNAPSHOT_IGNORED']);
  });

  it('does not begin where the log has lost what the snapshot was made of', async () => {
    await anHourWithASnapshot();
    market = await Market.open();
    await market.renewals(3);
    await expect(opened(store)).rejects.toThrow(/acknowledged decisions are missing, or the log is another one/);
  });

  it('does not begin where the log no longer keeps what it needs, and says so', async () => {
    await anHourWithASnapshot();
    const { log } = market;
    const shortened: EventLog = Object.assign(Object.create(log) as EventLog, {
      bounds: async (at: Parameters<EventLog['bounds']>[0]) => ({ ...(await log.bounds(at)), start: 1_140 }),
    });
    for (const from of [store, openMemorySnapshots()]) {
      fatal = [];
      await (await opened(from, shortened)).stop();
      expect(fatal).toHaveLength(1);
      expect(fatal[0]).toMatch(/older than the log keeps: restore/);
    }
  });
});

/**
 * Starting the readers of an embedded log of 500,000 decisions (one shard and the market, seventy-two meetings one after the other of
 * which the last one sells): the second calculator with its fold of every bet, the engine's calculator, and the market view; each from
 * the logs' beginnings, and from where it noted that it may begin. Leaves out: HTTP, the other roles.
 * Run: `npm run bench -- reader-start` (`--small` for the smoke mode).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLmdbLog, openMemorySnapshots, openNoteFiles, openSnapshotFiles } from '#mutuel/adapters';
import { encodeRecord, GENESIS, MAX_APPEND_RECORDS, sha256, topicsOf } from '#mutuel/contracts';
import {
  type Actor,
  type Decider,
  type MarketCommand,
  type MarketEvent,
  type MarketState,
  type MeetingCard,
  marketDecider,
  type ShardCommand,
  type ShardEvent,
  type ShardState,
  shardDecider,
} from '#mutuel/engine';
import {
  type DecisionSource,
  type LogAppender,
  MARKET_SOURCE,
  type OnRecords,
  shardSource,
  TailHub,
  type TailSource,
} from '#mutuel/runtime';
import { auditCalculator, engineCalculator } from '#mutuel/services';
import { ruleSetFor } from '#mutuel/tote';
import { MarketFollower } from '../libs/platform/src/market-follower.js';

const small = process.argv.includes('--small');
const MEETINGS = small ? 5 : 72;
const TICKETS = small ? 100 : 4_000;
const RENEWALS = small ? 300 : 980;
const ACCOUNTS = 1_000;
const SHARD = shardSource(0);
const FROM = [
  ['from the beginning', false],
  ['from where it noted', true],
] as const;
const READERS = [
  { name: 'second calculator', open: calculator(auditCalculator, [MARKET_SOURCE, SHARD]) },
  { name: 'calculator of the engine', open: calculator(engineCalculator, [MARKET_SOURCE]) },
  { name: 'market view', open: view },
] as const;
const official: Actor = { user: 'stella', roles: ['STEWARD', 'TOTE_OPERATOR'], device: 'tower' };

let time = 1_795_300_000_000;
const clock = { now: () => time, sleep: (ms: number) => sleep(Math.min(ms, 1)) };

/** A decider with its chain, whose records are appended in large batches. */
class Chain<S, C, E> {
  readonly state: S;
  seq = 0;
  #head = GENESIS;
  #waiting: Uint8Array[] = [];
  readonly #inc: string;

  constructor(
    readonly decider: Decider<S, C, E>,
    readonly source: DecisionSource,
    readonly appender: LogAppender,
  ) {
    this.state = decider.initialState();
    this.#inc = sha256(source.src).slice(0, 32);
    const { src } = source;
    this.#waiting.push(encodeRecord({ v: 1, kind: 'started', src, epoch: 1, inc: this.#inc }));
  }

  decide(command: C): readonly E[] {
    const seq = ++this.seq;
    const cid = sha256(`${this.source.src}${seq}`).slice(0, 32);
    const decision = this.decider.decide(this.state, command, { seq, at: time, decidedAt: time, cid, trusted: true });
    const decided = { ...decision, seq, at: time };
    this.decider.evolve(this.state, decided);
    const head = { v: 1, kind: 'decision', src: this.source.src, epoch: 1, inc: this.#inc } as const;
    const bytes = encodeRecord({ ...head, in: [1, seq - 1, 0], cid, prev: this.#head, time, ...decided });
    this.#head = sha256(bytes);
    this.#waiting.push(bytes);
    return decision.events;
  }

  async flush(): Promise<void> {
    for (let i = 0; i < this.#waiting.length; i += MAX_APPEND_RECORDS)
      await this.appender.append(this.source.at, this.#waiting.slice(i, i + MAX_APPEND_RECORDS));
    this.#waiting = [];
  }
}

/** Market and shard, what follows from a command included. */
class House {
  readonly market: Chain<MarketState, MarketCommand, MarketEvent>;
  readonly shard: Chain<ShardState, ShardCommand, ShardEvent>;
  #refs = 0;

  constructor(appender: LogAppender) {
    this.market = new Chain(marketDecider({ shards: 1, hash: sha256 }), MARKET_SOURCE, appender);
    this.shard = new Chain(shardDecider({ shard: 0, shards: 1, hash: sha256 }), SHARD, appender);
    for (let i = 0; i < ACCOUNTS; i++) {
      this.shard.decide({ type: 'OpenAccount', account: `acc-${i}`, currency: 'EUR' });
      this.shard.decide({ type: 'Deposit', account: `acc-${i}`, ref: 'opening', amount: 1_000_000_000 });
    }
  }

  act(command: MarketCommand): void {
    for (const event of this.market.decide(command))
      if (event.t === 'Fact') this.#hear({ type: 'MarketFact', n: event.n, fact: event.fact });
    const { decider, state } = this.shard;
    for (let next = decider.pending(state); next; next = decider.pending(state)) this.#hear(next);
  }

  /** A meeting of one race on sale. */
  sell(no: number): void {
    const meeting = meetingOf(no);
    this.act({ type: 'PublishMeeting', meeting, by: official });
    this.act({ type: 'OpenRace', race: `M${no}-R`, reason: 'bench', by: official });
    for (let i = 0; i < RENEWALS; i++) {
      time += 2_000;
      this.act({ type: 'RenewLease', ttlMs: 6_000 });
      for (let k = 0; k < TICKETS / RENEWALS; k++) this.#ticket(no);
    }
  }

  async flush(): Promise<void> {
    await this.market.flush();
    await this.shard.flush();
  }

  #hear(command: ShardCommand): void {
    for (const event of this.shard.decide(command))
      if (event.t === 'Report') this.act({ type: 'ShardReport', shard: 0, n: event.n, report: event.report });
  }

  #ticket(no: number): void {
    const hex = time.toString(16).padStart(12, '0');
    const n = ++this.#refs;
    const ref = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(n).padStart(12, '0')}`;
    const bet = { ref: 'a', pool: `M${no}-R-WIN`, sel: String((n % 8) + 1), unit: 100, stake: 100 };
    this.shard.decide({
      ...{ type: 'PlaceTicket', account: `acc-${n % ACCOUNTS}`, ref, body: sha256(ref), currency: 'EUR' },
      ...{ atomic: true, channel: 'web', blind: sha256(ref).slice(0, 32), bets: [bet] },
    });
  }
}

const dir = mkdtempSync(join(tmpdir(), 'mutuel-bench-'));
const log = await openLmdbLog({ dir, topics: topicsOf(1), clock, onWarning: (line) => console.warn(line) });
try {
  await main();
} finally {
  await log.close();
  rmSync(dir, { recursive: true });
}

async function main(): Promise<void> {
  const appender = await log.appender();
  const house = new House(appender);
  const running = READERS.map(({ open }) => open(true));
  await Promise.all(running.map((reader) => reader.start()));
  for (let no = 0; no < MEETINGS; no++) {
    if (no > 0) house.act({ type: 'VoidRace', race: `M${no - 1}-R`, reason: 'bench', by: official });
    house.sell(no);
    await house.flush();
    await Promise.all(running.map((reader) => reader.hasRead()));
    // A calculator notes where it stands once a minute, by the clock of the log.
    await sleep(20);
  }
  await Promise.all(running.map((reader) => reader.stop()));
  const all = house.market.seq + house.shard.seq;
  console.log(`${all.toLocaleString('en')} decisions, ${house.market.seq} of the market; ${MEETINGS} meetings`);
  time += 3_600_000;
  for (const { name, open } of READERS) {
    for (const [from, bounded] of FROM) {
      const reader = open(bounded);
      const began = performance.now();
      await reader.start();
      await reader.hasRead();
      const took = ((performance.now() - began) / 1_000).toFixed(2);
      console.log(`${`${name}, ${from}`.padEnd(46)}${took.padStart(8)} s  ${reader.read()} records`);
      await reader.stop();
    }
  }
  await appender.close();
}

/** One reader, which counts what it was given. */
function counted(sources: readonly DecisionSource[], make: (tails: TailSource) => Promise<() => Promise<unknown>>) {
  const hub = new TailHub(log, clock);
  const next = new Map<string, number>();
  let records = 0;
  let stop: () => Promise<unknown> = () => Promise.resolve();
  const tails: TailSource = {
    subscribe: (start, onRecords, onFault) => {
      const take: OnRecords = async (batch) => {
        await onRecords(batch);
        records += batch.length;
        next.set(start.topic, (batch.at(-1)?.offset ?? 0) + 1);
      };
      return hub.subscribe(start, take, onFault);
    },
  };
  return {
    read: () => records,
    start: async () => {
      stop = await make(tails);
    },
    hasRead: async () => {
      for (const { at } of sources) {
        const { end } = await log.bounds(at);
        while ((next.get(at.topic) ?? 0) < end) await sleep(1);
      }
    },
    stop: async () => {
      await stop();
      await hub.close();
    },
  };
}

function calculator(make: typeof auditCalculator | typeof engineCalculator, sources: readonly DecisionSource[]) {
  const entropy = { bytes: (count: number) => new Uint8Array(count) };
  const onAlarm = (code: string, detail: string): void => console.warn(`${code}: ${detail}`);
  return (bounded: boolean) =>
    counted(sources, async (tails) => {
      const notes = bounded ? openNoteFiles({ dir }) : undefined;
      const one = make({ log, tails, clock, entropy, serviceKey: new Uint8Array(32), shards: 1, notes, onAlarm });
      await one.start();
      return () => one.stop();
    });
}

function view(bounded: boolean) {
  return counted([MARKET_SOURCE], async (tails) => {
    const store = bounded ? openSnapshotFiles({ dir }) : openMemorySnapshots();
    const onAlarm = (code: string, detail: string): void => console.warn(`${code}: ${detail}`);
    const onFatal = (fault: Error): void => console.warn(fault.message);
    const follower = await MarketFollower.open({ log, tails, clock, shards: 1, store, onAlarm, onFatal });
    await follower.start();
    return () => follower.stop();
  });
}

function meetingOf(no: number): MeetingCard {
  const ruleSet = ruleSetFor('FR', 'WIN');
  if (!ruleSet) throw new Error('the French win rule set is missing');
  const runners = Array.from({ length: 8 }, (_, i) => ({ number: String(i + 1), name: `Runner ${i + 1}` }));
  const pools = [{ poolId: `M${no}-R-WIN`, type: 'WIN' as const, ruleSet, carryInMinor: 0 }];
  const postTime = time + RENEWALS * 2_000 + 60_000;
  const races = [{ raceId: `M${no}-R`, number: 1, name: 'Bench', postTime, runners, pools }];
  const date = new Date(time).toISOString().slice(0, 10);
  return { meetingId: `M${no}`, course: 'Bench', date, country: 'FR', currency: 'EUR', exponent: 2, races };
}

/**
 * The odds' own fold of the log: every pool that still sells or waits to be settled, from valid decisions of the market and of all
 * shards. Decisions are applied up to a cycle's cut and no further, so that the tick of a cycle is a function of the log alone,
 * however late it is computed and in whatever order the partitions arrived.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import { entriesOf, type MarketEvent, type MarketFact, type MeetingCard, type ShardEvent } from '#mutuel/engine';
import { LegsBook } from './legs-book.js';
import { PoolBook } from './pool-book.js';

/** Length of a cycle: odds are computed on the clock's multiples of five seconds. */
export const CYCLE_MS = 5_000;

export const cycleAt = (time: number): number => Math.floor(time / CYCLE_MS);

/** `market`, or a shard's number. */
export type Source = 'market' | number;

/** A valid decision with its place in its decision log; `time` is its append time there. */
export interface PlacedDecision {
  readonly decision: DecisionRecord;
  readonly offset: number;
  readonly time: number;
}

/** Where a cycle's figures end: per log, the offset after the last valid decision that counts. */
export interface Cut {
  readonly shards: readonly number[];
  readonly market: number;
}

/** A pool of one race, or over several. */
export type OddsPool = PoolBook | LegsBook;

export class OddsBook {
  readonly pools = new Map<string, OddsPool>();
  /** Pools changed since they were last taken. */
  #moved = new Set<OddsPool>();
  /** Pools by the race they are settled with. */
  readonly #racePools = new Map<string, OddsPool[]>();
  readonly #meetings = new Set<string>();
  /** By meeting the races not settled yet. */
  readonly #open = new Map<string, Set<string>>();
  readonly #over: string[] = [];
  readonly #settled: string[] = [];
  /** Scratched runners by race as each shard sees them. */
  readonly #scratched: Map<string, string[]>[];
  readonly #waiting: PlacedDecision[][];
  readonly #waitingMarket: PlacedDecision[] = [];
  readonly #cut: { shards: number[]; market: number };

  /** `begun`: where the logs are read from, where that is not their beginning. */
  constructor(
    readonly shards: number,
    begun?: Cut,
  ) {
    this.#scratched = Array.from({ length: shards }, () => new Map());
    this.#waiting = Array.from({ length: shards }, () => []);
    this.#cut = { shards: [...(begun?.shards ?? new Array<number>(shards).fill(0))], market: begun?.market ?? 0 };
  }

  /** Keeps a valid decision until a cycle's cut reaches it. Each log's decisions come in its own order. */
  offer(source: Source, placed: PlacedDecision): void {
    if (source === 'market') this.#waitingMarket.push(placed);
    else (this.#waiting[source] as PlacedDecision[]).push(placed);
  }

  /** Decisions kept that no cut has reached yet. */
  get waiting(): number {
    return this.#waiting.reduce((sum, list) => sum + list.length, this.#waitingMarket.length);
  }

  /**
   * Applies, of each log, the longest prefix with append times up to the cycle's moment. The caller has made sure that every log
   * was read past that moment.
   */
  advanceTo(cycle: number): Cut {
    const until = cycle * CYCLE_MS;
    this.#forgetSettled();
    // The market first: a shard knows only pools that the market published before.
    this.#cut.market = drain(this.#waitingMarket, until, this.#cut.market, (d) => this.#market(d));
    for (let shard = 0; shard < this.shards; shard++) {
      const apply = (d: DecisionRecord): void => this.#shard(shard, d);
      const cut = this.#cut.shards[shard] as number;
      this.#cut.shards[shard] = drain(this.#waiting[shard] as PlacedDecision[], until, cut, apply);
    }
    return { shards: [...this.#cut.shards], market: this.#cut.market };
  }

  /** The pools that changed since the last call, in the order of their ids. */
  takeMoved(): readonly OddsPool[] {
    const moved = [...this.#moved].sort(byId);
    this.#moved = new Set();
    return moved;
  }

  /** Meetings of which the last pools were let go since the last call. */
  takeOver(): readonly string[] {
    return this.#over.splice(0);
  }

  /** All pools not settled yet, in the order of their ids. */
  all(): readonly OddsPool[] {
    return [...this.pools.values()].sort(byId);
  }

  #market(decision: DecisionRecord): void {
    for (const event of decision.events as readonly MarketEvent[]) {
      if (event.t === 'Fact') this.#fact(event.fact);
      else if (event.t === 'PoolSealed') this.#touch(event.pool)?.seal(event.closeNo);
      else if (event.t === 'ReportReceived') this.#reported(event);
      else if (event.t === 'RaceSettled') this.#settled.push(event.race);
    }
  }

  #reported({ shard, report }: Extract<MarketEvent, { t: 'ReportReceived' }>): void {
    if (report.t !== 'WillPay') return;
    const pool = this.#touch(report.pool);
    if (pool instanceof LegsBook) pool.counted(shard, report);
  }

  #fact(fact: MarketFact): void {
    if (fact.t === 'MeetingPublished') this.#publish(fact.meeting);
    else if (fact.t === 'WillPaysAsked') {
      const asked = this.#touch(fact.pool);
      if (asked instanceof LegsBook) asked.asked(fact);
    } else if (fact.t === 'RunnerScratched') {
      for (const pool of this.#racePools.get(fact.race) ?? []) {
        pool.scratch(fact.runner);
        this.#moved.add(pool);
      }
    }
  }

  /** From whichever log comes first: clocks of two brokers may differ. */
  #publish(meeting: MeetingCard): void {
    if (this.#meetings.has(meeting.meetingId)) return;
    this.#meetings.add(meeting.meetingId);
    this.#open.set(meeting.meetingId, new Set(meeting.races.map(({ raceId }) => raceId)));
    for (const race of meeting.races) {
      const pools = race.pools.map((card) =>
        card.legs ? new LegsBook(card, this.shards) : new PoolBook(card, race, entriesOf(race), this.shards),
      );
      this.#racePools.set(race.raceId, pools);
      for (const pool of pools) {
        this.pools.set(pool.id, pool);
        this.#moved.add(pool);
      }
    }
  }

  #shard(shard: number, decision: DecisionRecord): void {
    for (const event of decision.events as readonly ShardEvent[]) this.#shardEvent(shard, event);
  }

  #shardEvent(shard: number, event: ShardEvent): void {
    switch (event.t) {
      case 'TicketAccepted':
        for (const bet of event.bets) this.#touch(bet.pool)?.add(shard, bet);
        return;
      case 'TicketCancelled':
        for (const { pool, i, amount } of event.bets) this.#touch(pool)?.withdraw(shard, i, amount);
        return;
      case 'BetsRefunded':
        this.#refunded(shard, event);
        return;
      case 'FactApplied':
        this.#factIn(shard, event.fact);
        return;
      case 'Report':
        if (event.report.t === 'Seal') this.#touch(event.report.pool)?.sealedIn(shard, event.report.closeNo);
        return;
      default:
    }
  }

  #refunded(shard: number, event: Extract<ShardEvent, { t: 'BetsRefunded' }>): void {
    // Paying back a pool that nobody won is its settlement: the odds it closed at stand.
    if (event.cause === 'POOL_REFUNDED' || event.items.length === 0) return;
    const pool = this.#touch(event.pool);
    for (const { i, amount } of event.items) {
      if (event.cause === 'SCRATCHED') pool?.relieve(shard, i, amount);
      else pool?.withdraw(shard, i, amount);
    }
  }

  #factIn(shard: number, fact: MarketFact): void {
    if (fact.t === 'MeetingPublished') this.#publish(fact.meeting);
    else if (fact.t === 'RunnerScratched') {
      const known = this.#scratched[shard] as Map<string, string[]>;
      const scratched = [...(known.get(fact.race) ?? []), fact.runner];
      known.set(fact.race, scratched);
      for (const pool of this.#racePools.get(fact.race) ?? []) pool.scratchedIn(shard, scratched);
    }
  }

  /** The pool of an event that changes it; undefined once its race is settled. */
  #touch(id: string): OddsPool | undefined {
    const pool = this.pools.get(id);
    if (pool) this.#moved.add(pool);
    return pool;
  }

  /** Races settled in an earlier cut: their pools were in a tick as they ended. */
  #forgetSettled(): void {
    for (const race of this.#settled.splice(0)) {
      for (const pool of this.#racePools.get(race) ?? []) this.pools.delete(pool.id);
      this.#racePools.delete(race);
      for (const scratched of this.#scratched) scratched.delete(race);
      for (const [meeting, races] of this.#open) {
        if (!races.delete(race) || races.size > 0) continue;
        this.#open.delete(meeting);
        this.#over.push(meeting);
      }
    }
  }
}

const byId = (a: OddsPool, b: OddsPool): number => (a.id < b.id ? -1 : 1);

/** Applies and removes the longest prefix with times up to `until`; returns the cut. */
function drain(list: PlacedDecision[], until: number, cut: number, apply: (decision: DecisionRecord) => void): number {
  let count = 0;
  let next = cut;
  for (const placed of list) {
    if (placed.time > until) break;
    apply(placed.decision);
    next = placed.offset + 1;
    count++;
  }
  list.splice(0, count);
  return next;
}

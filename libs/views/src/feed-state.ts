/**
 * All pools of the feed, folded from ticks and market decisions, and the places in the two logs up to which they are. It must never
 * claim to know what changed since a place that it has not followed from.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import {
  type MarketEvent,
  type MarketPool,
  type MarketRace,
  type MeetingCard,
  type PoolCard,
  type ShardReport,
  standingOf,
} from '#mutuel/engine';
import { FeedPool, type FeedPosition, type FeedSeal } from './feed-pool.js';
import { cycleAt } from './odds-book.js';
import type { LastOdds, Tick, TickPool } from './tick.js';

/** The market as somebody else folds it: `apply` there comes before `market` here. */
export interface FeedMarket {
  readonly state: { readonly races: Map<string, MarketRace>; readonly pools: Map<string, MarketPool> };
  readonly cards: ReadonlyMap<string, MeetingCard>;
  /** The last decision folded. */
  readonly seq: number;
}

/** Clocks are good for this many cycles: twenty minutes, twice what is promised. */
export const RESUME_CYCLES = 240;
/** Pools of races over for this long leave the feed at the next full tick: two hours. */
const FORGET_CYCLES = 1_440;

export class FeedState {
  readonly pools = new Map<string, FeedPool>();
  /** When the newest figures were computed, milliseconds UTC; 0 before the first tick. */
  pt = 0;
  /** Grows whenever a pool appears or leaves. */
  listing = 0;
  #cycle = 0;
  #seals = 0;
  #seq: number;
  /** The last decision read, whether or not it changed what is shown. */
  #seen: number;
  /** From here on every change was seen. */
  #since: FeedPosition;
  #isWhole = false;
  readonly #market: FeedMarket;
  /** The last two ticks of pools whose card was not read yet: marks of late money compare two. */
  readonly #early = new Map<string, readonly { readonly cycle: number; readonly pool: TickPool }[]>();
  readonly #marked = new Set<FeedPool>();
  readonly #races = new Map<string, FeedPool[]>();
  /** Cycle in which a race was over. */
  readonly #over = new Map<string, number>();

  constructor(market: FeedMarket) {
    this.#market = market;
    this.#seq = market.seq;
    this.#seen = market.seq;
    this.#since = { cycle: Number.POSITIVE_INFINITY, seq: market.seq };
    for (const meeting of market.cards.values()) this.#publish(meeting, market.seq);
  }

  get position(): FeedPosition {
    return { cycle: this.#cycle, seq: this.#seq, seals: this.#seals };
  }

  /** Whether the changes since a place are known, so that a client there can go on from it. */
  covers({ cycle, seq }: FeedPosition): boolean {
    const isKnown = cycle >= this.#since.cycle && seq >= this.#since.seq;
    return isKnown && cycle <= this.#cycle && seq <= this.#seen && cycle > this.#cycle - RESUME_CYCLES;
  }

  /**
   * The last figures of pools that no tick will tell again, before the first tick: their races were over before the oldest one that
   * is read.
   */
  begin(known: readonly LastOdds[]): void {
    for (const { cycle, pool } of known) this.pools.get(pool.id)?.tick(pool, cycle);
  }

  /** The pools that may show something new. */
  tick(tick: Tick): readonly FeedPool[] {
    if (tick.cycle <= this.#cycle) return [];
    this.#follow(tick);
    const touched = new Set<FeedPool>();
    const calmed = new Set(this.#marked);
    this.#marked.clear();
    for (const one of tick.pools) {
      const pool = this.pools.get(one.id);
      if (!pool) {
        const known = this.#early.get(one.id)?.slice(-1) ?? [];
        this.#early.set(one.id, [...known, { cycle: tick.cycle, pool: one }]);
        continue;
      }
      calmed.delete(pool);
      if (pool.tick(one, tick.cycle)) this.#marked.add(pool);
      touched.add(pool);
    }
    for (const pool of calmed) {
      pool.calm(tick.cycle);
      touched.add(pool);
    }
    if (tick.full) this.#forget(tick);
    return [...touched];
  }

  /** The pools that show something new. */
  decided(decision: DecisionRecord<MarketEvent>): readonly FeedPool[] {
    const { seq } = decision;
    this.#seen = seq;
    const touched = new Set<FeedPool>();
    for (const event of decision.events) {
      if (event.t === 'Fact' && event.fact.t === 'MeetingPublished')
        for (const pool of this.#publish(event.fact.meeting, seq)) touched.add(pool);
      const raceId = event.t === 'ReportReceived' ? this.#sealedRace(event.report) : raceOf(event);
      const race = raceId === undefined ? undefined : this.#market.state.races.get(raceId);
      if (!race) continue;
      this.#note(race, decision.at);
      for (const pool of this.#races.get(race.card.raceId) ?? []) if (pool.market(race, seq)) touched.add(pool);
    }
    if (touched.size > 0) this.#seq = seq;
    return [...touched];
  }

  /** The pools of which a signature is news. */
  signed(seals: readonly FeedSeal[]): readonly FeedPool[] {
    const count = this.#seals + 1;
    const touched = seals.flatMap((seal) => {
      const pool = this.pools.get(seal.poolId);
      return pool?.signed(seal, count, this.#cycle) ? [pool] : [];
    });
    if (touched.length > 0) this.#seals = count;
    return touched;
  }

  /** Pools whose last close is sealed and not signed as far as is known here. */
  unsigned(): readonly string[] {
    return [...this.pools.values()].filter(({ isUnsigned }) => isUnsigned).map(({ id }) => id);
  }

  /** After a gap the next full tick sets all right; marks of late money are the same everywhere from the one after it. */
  #follow({ cycle, prevCycle, full, at }: Tick): void {
    const { seq } = this.#since;
    if (prevCycle === null) {
      this.#since = { cycle, seq };
      this.#isWhole = true;
    } else if (prevCycle !== this.#cycle) {
      this.#since = { cycle: Number.POSITIVE_INFINITY, seq };
      this.#isWhole = full;
    } else if (this.#isWhole) this.#since = { cycle: Math.min(this.#since.cycle, cycle), seq };
    else this.#isWhole = full;
    this.#cycle = cycle;
    this.pt = at;
  }

  #publish(meeting: MeetingCard, seq: number): readonly FeedPool[] {
    const added: FeedPool[] = [];
    for (const { raceId } of meeting.races) {
      const race = this.#market.state.races.get(raceId);
      if (!race || this.#races.has(raceId)) continue;
      this.#note(race, race.stopAt ?? race.card.postTime);
      this.#races.set(
        raceId,
        race.card.pools.map((card) => this.#add(this.#poolOf(card, race, meeting, seq))),
      );
      added.push(...(this.#races.get(raceId) ?? []));
    }
    this.#tieLegs(added);
    return added;
  }

  #poolOf(card: PoolCard, race: MarketRace, meeting: MeetingCard, seq: number): FeedPool {
    const { state } = this.#market;
    const standing = card.legs ? () => standingOf(state, card.poolId) : null;
    return new FeedPool(card, race, meeting, seq, standing, () => state.pools.get(card.poolId)?.seals ?? []);
  }

  /** What happens to any leg may show in a pool over several races. */
  #tieLegs(pools: readonly FeedPool[]): void {
    for (const pool of pools) for (const leg of pool.races) if (leg !== pool.raceId) this.#races.get(leg)?.push(pool);
  }

  #add(pool: FeedPool): FeedPool {
    this.pools.set(pool.id, pool);
    this.listing++;
    for (const early of this.#early.get(pool.id) ?? []) {
      if (!pool.tick(early.pool, early.cycle)) continue;
      if (early.cycle === this.#cycle) this.#marked.add(pool);
      else pool.calm(this.#cycle);
    }
    this.#early.delete(pool.id);
    return pool;
  }

  /** The race of a pool that a shard has sealed; other reports show nothing. */
  #sealedRace(report: ShardReport): string | undefined {
    return report.t === 'Seal' ? this.#market.state.pools.get(report.pool)?.race : undefined;
  }

  #note({ card, status }: MarketRace, at: number): void {
    if (status === 'SETTLED' || status === 'VOID') this.#over.set(card.raceId, cycleAt(at));
    else this.#over.delete(card.raceId);
  }

  #forget({ cycle, pools }: Tick): void {
    const standing = new Set(pools.map(({ id }) => id));
    for (const id of this.#early.keys()) if (!standing.has(id)) this.#early.delete(id);
    for (const [raceId, over] of this.#over) {
      if (cycle - over < FORGET_CYCLES) continue;
      for (const pool of this.#races.get(raceId) ?? []) if (pool.raceId === raceId) this.pools.delete(pool.id);
      this.#races.delete(raceId);
      this.#over.delete(raceId);
      this.listing++;
    }
  }
}

function raceOf(event: MarketEvent): string | undefined {
  if (event.t === 'RaceSettled') return event.race;
  return event.t === 'Fact' && 'race' in event.fact ? event.fact.race : undefined;
}

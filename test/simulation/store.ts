/**
 * The read models as a projection in memory: it outlives the process that fills it, as a database does, and takes a batch whole or
 * not at all. Folded without the views on purpose: it is the third calculator's own count. It must never apply a decision twice.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import type { MarketEvent, PoolCard, ShardEvent } from '#mutuel/engine';
import type { Projection, ProjectionBatch, SourcedDecision } from '#mutuel/runtime';
import { type Crashes, nothing } from './crashes.js';
import type { SimProcess } from './kernel.js';
import type { Strikes } from './strikes.js';

/** What became of a reference, for ever. */
export interface RefRow {
  readonly seq: number;
  readonly hash: string;
  readonly decision: DecisionRecord<ShardEvent>;
}

interface Bet {
  readonly sel: string;
  readonly unit: number;
  left: number;
}

export interface StoredPool {
  readonly card: PoolCard;
  readonly bets: Map<string, Bet>;
  gross: number;
  /** What settling the pool has given on its bets. */
  settled: number;
  /** Shards whose count was folded, with the result version. */
  readonly counted: Map<number, number>;
}

export class Store {
  readonly refs = new Map<string, RefRow>();
  readonly pools = new Map<string, StoredPool>();
  readonly #seqs = new Map<string, number>();
  #checkpoints = new Map<string, string>();

  /** The store as one projector process reaches it. */
  seenBy(process: SimProcess, strikes: Strikes, crashes: Crashes): Projection<unknown> {
    return {
      load: async () => new Map(this.#checkpoints),
      apply: async (batch) => {
        await process.clock.sleep(strikes.happens('projector-slow') ? 700 : 1);
        if (crashes.strike('before', 'checkpoint', process)) return nothing();
        this.#commit(batch);
        if (crashes.strike('after', 'checkpoint', process)) return nothing();
      },
    };
  }

  #commit({ decisions, checkpoints }: ProjectionBatch<unknown>): void {
    for (const sourced of decisions) {
      const { seq } = sourced.valid.decision;
      const last = this.#seqs.get(sourced.src) ?? 0;
      if (seq <= last) continue;
      if (seq !== last + 1) throw new Error(`the read models hold ${sourced.src} up to ${last}, and ${seq} comes next`);
      this.#seqs.set(sourced.src, seq);
      if (sourced.src === 'market') this.#market(sourced);
      else this.#shard(sourced);
    }
    for (const { src, text } of checkpoints) this.#checkpoints.set(src, text);
  }

  #market({ valid }: SourcedDecision<unknown>): void {
    for (const event of valid.decision.events as readonly MarketEvent[]) {
      if (event.t !== 'Fact' || event.fact.t !== 'MeetingPublished') continue;
      for (const race of event.fact.meeting.races) for (const card of race.pools) this.#pool(card);
    }
  }

  #pool(card: PoolCard): void {
    if (this.pools.has(card.poolId)) return;
    this.pools.set(card.poolId, { card, bets: new Map(), gross: 0, settled: 0, counted: new Map() });
  }

  #shard({ at, valid }: SourcedDecision<unknown>): void {
    const decision = valid.decision as DecisionRecord<ShardEvent>;
    for (const event of decision.events)
      this.#event(at.partition, event, { seq: decision.seq, hash: valid.hash, decision });
  }

  #event(shard: number, event: ShardEvent, row: RefRow): void {
    switch (event.t) {
      case 'TicketAccepted':
        this.refs.set(`${event.account} ${event.ref}`, row);
        for (const { no, pool: id, sel, unit, stake } of event.bets) {
          const pool = this.pools.get(id) as StoredPool;
          pool.bets.set(`${event.ticket} ${no}`, { sel, unit, left: stake });
          pool.gross += stake;
        }
        return;
      case 'RefTaken':
      case 'RefBurnt':
      case 'MoneyMoved':
        this.refs.set(`${event.account} ${event.ref}`, row);
        return;
      case 'FactApplied':
        if (event.fact.t === 'MeetingPublished')
          for (const race of event.fact.meeting.races) for (const card of race.pools) this.#pool(card);
        return;
      case 'TicketCancelled':
        for (const { pool, no, amount } of event.bets) this.#takeOff(pool, `${event.ticket} ${no}`, amount);
        return;
      case 'BetsRefunded':
        for (const { ticket, no, amount } of event.items)
          if (event.cause === 'POOL_REFUNDED') this.#settle(event.pool, amount);
          else this.#takeOff(event.pool, `${ticket} ${no}`, amount);
        return;
      case 'BetsPaid':
        for (const { amount } of event.items) this.#settle(event.pool, amount);
        return;
      case 'BetsCorrected':
        for (const { due, was } of event.items) this.#settle(event.pool, due - was);
        return;
      case 'Report':
        if (event.report.t === 'Stakes') this.pools.get(event.report.pool)?.counted.set(shard, event.report.version);
        return;
      default:
    }
  }

  #settle(id: string, amount: number): void {
    (this.pools.get(id) as StoredPool).settled += amount;
  }

  #takeOff(id: string, key: string, amount: number): void {
    const pool = this.pools.get(id) as StoredPool;
    const bet = pool.bets.get(key);
    if (!bet) throw new Error(`${id} holds no bet ${key}`);
    bet.left -= amount;
    pool.gross -= amount;
  }
}

/**
 * What the handlers need of the system behind them, as small interfaces: the composition root fills them, a test may too. They must
 * name no driver, no topic and no framework.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import type { MarketEvent, ShardEvent } from '#mutuel/engine';
import type { ReadModel } from '#mutuel/services';

/** A valid decision, read back from the log. */
export interface Answered<E> {
  readonly decision: DecisionRecord<E>;
  /** SHA-256 of the record's bytes, hex. */
  readonly hash: string;
  readonly shard: number;
}

/**
 * `DECIDED`: the decision, durable. `PENDING`: bytes may have left and nothing is known. `BUSY`: nothing was appended, by local
 * admission, or because the log cannot be reached or has no room.
 */
export type Submitted<E> =
  | ({ readonly kind: 'DECIDED' } & Answered<E>)
  | { readonly kind: 'PENDING' }
  | { readonly kind: 'BUSY'; readonly retryAfterMs: number; readonly why: string };

export interface ShardDoor {
  /** Appends a command to the shard of its account and waits, for a bounded time, for the decision on it. */
  submit(account: string, cid: string, bytes: Uint8Array, channel?: string): Promise<Submitted<ShardEvent>>;
  /** `BUSY` when any command would be turned away at this moment: asked before a request is even read. */
  turnAway(): Extract<Submitted<ShardEvent>, { kind: 'BUSY' }> | undefined;
  /** A recent decision of this account's shard, from memory. */
  recent(account: string, seq: number): Answered<ShardEvent> | undefined;
}

export interface MarketDoor {
  submit(cid: string, bytes: Uint8Array): Promise<Submitted<MarketEvent>>;
}

/** The projections of accounts and tickets; they may lag the log by some hundred milliseconds. */
export type AccountReads = Pick<
  ReadModel,
  'ticket' | 'ticketByRef' | 'tickets' | 'projectedSeq' | 'carriedAt' | 'account' | 'statement' | 'moneyRef'
>;

/** The projections of the racing day: what is too large, or too old, to be kept in memory. */
export type PoolReads = Pick<
  ReadModel,
  'history' | 'dividends' | 'probable' | 'published' | 'meetings' | 'meeting' | 'race' | 'pool'
>;

/** The odds as last published. Minor units and decimal strings as on the wire. */
export interface OddsRow {
  readonly c: string;
  readonly stake: number;
  readonly price: string | null;
  readonly low: string | null;
  readonly high: string | null;
}

export interface PoolOdds {
  readonly cycle: number;
  /** When its tick was computed, milliseconds UTC; the moment that it is of is the cycle's. */
  readonly computedAt: number;
  readonly final: boolean;
  readonly gross: number;
  readonly net: number;
  readonly carryIn: number;
  readonly odds: readonly OddsRow[];
  /** One combination's row. */
  readonly of: (c: string) => OddsRow | undefined;
  readonly bigBets: readonly { readonly c: string; readonly stake: number; readonly price: string | null }[];
}

export interface OddsReads {
  /** At once, from memory; undefined before the pool's first tick. */
  latest(poolId: string): PoolOdds | undefined;
}

/**
 * What the market tells the shards and what the shards tell the market. Both travel as numbered facts (gap-free per sender), so
 * that a relay may repeat them but can never lose or reorder one unnoticed.
 */
import type { PoolType, RuleSet } from '#mutuel/tote';

export interface RunnerCard {
  readonly number: string;
  readonly name: string;
  /** Coupled runners share one entry name. */
  readonly entry?: string;
}

export interface PoolCard {
  readonly poolId: string;
  readonly type: PoolType;
  /** Pinned whole when the card is published: the past is priced by the rules it was sold under. */
  readonly ruleSet: RuleSet;
  readonly carryInMinor: number;
}

export interface RaceCard {
  readonly raceId: string;
  readonly number: number;
  readonly name: string;
  /** Announced post time, milliseconds UTC. */
  readonly postTime: number;
  /** Sales never go past this append time, whatever the lease says. */
  readonly scheduledStop?: number;
  readonly runners: readonly RunnerCard[];
  readonly pools: readonly PoolCard[];
}

export interface MeetingCard {
  readonly meetingId: string;
  readonly course: string;
  /** The racing day, `YYYY-MM-DD`. */
  readonly date: string;
  readonly country: string;
  readonly currency: string;
  readonly exponent: number;
  readonly races: readonly RaceCard[];
}

/** One price of a declared dividend: what one currency unit is paid on combination `c`, as an exact decimal string. */
export interface DeclaredPrice {
  readonly tier: string;
  readonly c: string;
  readonly price: string;
}

export type PoolOutcome = 'PAID' | 'REFUND' | 'CARRIED';

export type MarketFact =
  | { readonly t: 'MeetingPublished'; readonly meeting: MeetingCard }
  | { readonly t: 'RaceOpened'; readonly race: string }
  | { readonly t: 'RaceSuspended'; readonly race: string }
  | { readonly t: 'RaceResumed'; readonly race: string }
  | { readonly t: 'BettingClosed'; readonly race: string; readonly closeNo: number; readonly stopAt: number }
  | { readonly t: 'LateOffDeclared'; readonly race: string; readonly closeNo: number; readonly offAt: number }
  | { readonly t: 'RunnerScratched'; readonly race: string; readonly runner: string }
  | {
      readonly t: 'ResultEntered';
      readonly race: string;
      readonly version: number;
      readonly finish: readonly (readonly string[])[];
      readonly disqualified: readonly string[];
      /** Every combination whose stake the pricing may need, for all rungs of the no-winner ladder. */
      readonly pools: readonly { readonly pool: string; readonly keys: readonly string[] }[];
    }
  | {
      readonly t: 'DividendsDeclared';
      readonly race: string;
      readonly version: number;
      readonly pools: readonly {
        readonly pool: string;
        readonly outcome: PoolOutcome;
        readonly prices: readonly DeclaredPrice[];
      }[];
    }
  | { readonly t: 'RaceVoided'; readonly race: string; readonly closeNo: number; readonly stopAt: number }
  | { readonly t: 'LeaseRenewed'; readonly issuedAt: number; readonly ttlMs: number }
  /** From the next decision on records are written in this format. */
  | { readonly t: 'RecordFormatRaised'; readonly format: number };

export type RefundCause = 'AFTER_STOP' | 'AFTER_OFF' | 'SCRATCHED' | 'RACE_VOID' | 'POOL_REFUNDED';

/** A shard's word on one pool; immutable once sent. */
export type ShardReport =
  | {
      readonly t: 'Seal';
      readonly pool: string;
      readonly closeNo: number;
      /** The last decision before the seal, and the append time of the close marker in this shard. */
      readonly lastSeq: number;
      readonly markerAt: number;
      /** Standing bets: accepted and not withdrawn. */
      readonly bets: number;
      readonly stake: number;
      readonly withdrawnBets: number;
      readonly withdrawnStake: number;
      /** Of those withdrawn: bets acknowledged after the stop and voided at the marker. */
      readonly voidedBets: number;
      readonly voidedStake: number;
      /** Merkle root over every accepted bet, withdrawn ones included. */
      readonly leaves: number;
      readonly root: string;
    }
  | {
      readonly t: 'Refund';
      readonly pool: string;
      readonly closeNo: number;
      readonly cause: RefundCause;
      readonly bets: number;
      readonly amount: number;
      /** Chained hash over the refunded bets in order. */
      readonly root: string;
    }
  | {
      readonly t: 'Stakes';
      readonly pool: string;
      readonly version: number;
      /** Standing stake now: the seal's less the refund statements'. */
      readonly stake: number;
      readonly keys: readonly { readonly c: string; readonly stake: number; readonly bets: number }[];
    }
  | {
      readonly t: 'Paid';
      readonly pool: string;
      readonly version: number;
      /** Winning stakes paid, a stake once for each price it was paid: what was counted before, or a bet was missed. */
      readonly wonStake: number;
      readonly paid: number;
      readonly refunded: number;
      readonly winners: number;
      /** What is left on this shard's clearing account of the pool; may be negative. */
      readonly clearing: number;
    };

/** Coupled runners of a card, grouped by their entry name. */
export function entriesOf(card: RaceCard): string[][] {
  const entries = new Map<string, string[]>();
  for (const { entry, number } of card.runners)
    if (entry !== undefined) entries.set(entry, [...(entries.get(entry) ?? []), number]);
  return [...entries.values()].filter((entry) => entry.length > 1);
}

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

/** What a pool is played for beside its bets on the day: in addition to its rules. Amounts in minor units. */
export interface PoolTerms {
  /** The gross pool, a gross carry-in included, that the operator stands for: what is missing when it is won, the operator adds. */
  readonly guaranteeMinor?: number;
  /** Jackpot or reserve money put up for the winner that the rules name; what nobody wins goes back to the fund of the rules. */
  readonly jackpotInMinor?: number;
  /** Over several races: the last day, on which carry-in and jackpot go to the most right if nobody is right everywhere. */
  readonly mandatory?: true;
}

export interface PoolCard extends PoolTerms {
  readonly poolId: string;
  readonly type: PoolType;
  /** Pinned whole when the card is published: the past is priced by the rules it was sold under. */
  readonly ruleSet: RuleSet;
  readonly carryInMinor: number;
  /** The carry-overs, by id, that the carry-in comes from; absent: the operator brings it in. */
  readonly carryFrom?: readonly string[];
  /** The same of the jackpot money. */
  readonly jackpotFrom?: readonly string[];
  /** A pool over several races: its legs in order. It stands on the card of the last one, with which it is settled. */
  readonly legs?: readonly string[];
}

export interface RaceCard {
  readonly raceId: string;
  readonly number: number;
  readonly name: string;
  /** Announced post time, milliseconds UTC. */
  readonly postTime: number;
  /** Sales never go past this append time, whatever the lease says. */
  readonly scheduledStop?: number;
  /** Some rules pay more places in a handicap. */
  readonly handicap?: true;
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

/** What stands on a runner in the win pool at the close, minor units. */
export interface BackedRunner {
  readonly c: string;
  readonly stake: number;
}

/**
 * What a leg has come to. `finish` is null where the race was void; `scratched` were out before the pool closed,
 * `scratchedAfterClose` later; `favourite` stands in for them, null where nobody has to or it is not known yet.
 */
export interface LegOutcome {
  readonly raceId: string;
  readonly handicap?: true;
  readonly declared: readonly string[];
  readonly entries: readonly (readonly string[])[];
  readonly scratched: readonly string[];
  readonly scratchedAfterClose: readonly string[];
  readonly finish: readonly (readonly string[])[] | null;
  readonly favourite: string | null;
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
      /** Of a correction: the race is void after all, every stake is given back. */
      readonly voided?: true;
      /** Every combination whose stake the pricing may need, for all rungs of the no-winner ladder. */
      readonly pools: readonly {
        readonly pool: string;
        readonly keys: readonly string[];
        /** Pools over several races: what each leg has come to. */
        readonly legs?: readonly LegOutcome[];
      }[];
    }
  /** What stands on each runner of a leg at the close of its win pool: who the favourite is. */
  | { readonly t: 'FavouritesSet'; readonly race: string; readonly stakes: readonly BackedRunner[] }
  /** All legs but the last are over: the shards count what each runner of the last would win. */
  | {
      readonly t: 'WillPaysAsked';
      readonly race: string;
      readonly pool: string;
      /** Counts what was asked about this pool; a report names it. */
      readonly no: number;
      readonly keys: readonly string[];
      readonly legs: readonly LegOutcome[];
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
  /** An official result is withdrawn: what was paid on it stands until another one is declared. */
  | { readonly t: 'RaceReopened'; readonly race: string }
  /** What a correction would pay, before anybody confirms it: the shards answer with what would move. */
  | {
      readonly t: 'CorrectionPriced';
      readonly race: string;
      readonly version: number;
      readonly pools: readonly {
        readonly pool: string;
        readonly outcome: PoolOutcome;
        readonly prices: readonly DeclaredPrice[];
      }[];
    }
  /**
   * Of pools that this race did not close, or that were paid: what was bet on them after its off, or names a runner that it has lost
   * since, is given back.
   */
  | {
      readonly t: 'RefundsAsked';
      readonly race: string;
      readonly cause: 'AFTER_OFF' | 'SCRATCHED';
      readonly pools: readonly string[];
    }
  /** No correction is taken any more: the shards let go of the race's bets. */
  | { readonly t: 'CorrectionsClosed'; readonly race: string }
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
      /** What the pool has given on its bets so far, of a correction only. */
      readonly settled?: number;
      readonly keys: readonly { readonly c: string; readonly stake: number; readonly bets: number }[];
    }
  /** What stands on each runner of a win pool at its close. */
  | {
      readonly t: 'Backing';
      readonly pool: string;
      readonly closeNo: number;
      readonly stakes: readonly BackedRunner[];
    }
  | {
      readonly t: 'WillPay';
      readonly pool: string;
      readonly no: number;
      readonly stake: number;
      readonly keys: readonly { readonly c: string; readonly stake: number; readonly bets: number }[];
    }
  /** What a correction would move in this shard, as balances stand. */
  | (Weighed & {
      readonly t: 'Weighed';
      readonly pool: string;
      /** Number of the fact that asked. */
      readonly ask: number;
    })
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

/** The differences of a correction: minor units, and how many bets they are about. */
export interface Weighed {
  readonly bets: number;
  readonly toPay: number;
  readonly toTakeBack: number;
  /** Of what is to be taken back: what balances do not hold, and what is owed afterwards. */
  readonly short: number;
  /** What bettors keep by the pool's policy, at the operator's cost: the change of it. */
  readonly kept: number;
}

/** The terms of a pool alone, for those who price it. */
export const termsOf = ({ guaranteeMinor, jackpotInMinor, mandatory }: PoolTerms): PoolTerms => ({
  ...(guaranteeMinor === undefined ? {} : { guaranteeMinor }),
  ...(jackpotInMinor === undefined ? {} : { jackpotInMinor }),
  ...(mandatory === undefined ? {} : { mandatory }),
});

/** The gross pool that odds are shown for: the stakes, or what the operator stands for. */
export const oddsGross = (
  grossMinor: number,
  { guaranteeMinor = 0, carryInMinor, ruleSet }: Pick<PoolCard, 'guaranteeMinor' | 'carryInMinor' | 'ruleSet'>,
): number => Math.max(grossMinor, guaranteeMinor - (ruleSet.carry === 'GROSS' ? carryInMinor : 0));

/** Coupled runners of a card, grouped by their entry name. */
export function entriesOf(card: RaceCard): string[][] {
  const entries = new Map<string, string[]>();
  for (const { entry, number } of card.runners)
    if (entry !== undefined) entries.set(entry, [...(entries.get(entry) ?? []), number]);
  return [...entries.values()].filter((entry) => entry.length > 1);
}

/**
 * What a shard decides, as it stands in the log for ever: the words of its decisions. A field may be added, never changed or given
 * another meaning (see `docs/RECORDS.md`).
 */
import type { AccountCarried, Limits, RefsCarried } from './carry.js';
import type { MarketFact, PoolOutcome, RefundCause, ShardReport, Weighed } from './facts.js';
import type { ReportStep } from './shard-commands.js';
import type { UpkeepEvent } from './upkeep.js';

export interface AcceptedBet {
  /** The bet's number inside the ticket, from 0; its id is `<ticket>-<no + 1>`. */
  readonly no: number;
  readonly ref: string;
  readonly pool: string;
  readonly sel: string;
  readonly lines: number;
  readonly unit: number;
  readonly stake: number;
  /** Merkle leaf over blind, ticket, bet and append time. */
  readonly leaf: string;
  /** A report: the bets still to come. What is rolled on is accepted as a ticket of its own, of channel `report`. */
  readonly next?: readonly ReportStep[];
}

export interface RefusedBet {
  readonly no: number;
  readonly ref: string;
  readonly code: string;
  readonly detail: string;
  readonly pointer: string;
}

export interface TicketAccepted {
  readonly t: 'TicketAccepted';
  readonly ticket: string;
  readonly account: string;
  readonly ref: string;
  readonly body: string;
  readonly blind: string;
  readonly channel: string;
  readonly currency: string;
  readonly total: number;
  /** Balance after the stakes were taken. */
  readonly balance: number;
  readonly bets: readonly AcceptedBet[];
  readonly refused: readonly RefusedBet[];
}

/** One bet's movement of money inside a bulk step; `i` is its index in the pool's book, `balance` the account's after it. */
export interface BetMovement {
  readonly i: number;
  readonly ticket: string;
  readonly no: number;
  readonly account: string;
  readonly amount: number;
  readonly balance: number;
  /** How much less the account owes for it (negative: more); absent: nothing. The balance moves by `amount - net`. */
  readonly net?: number;
}

/** A bet's difference after a correction; `due` is what the pool now gives on it in all, `was` what it gave before. */
export interface BetCorrection extends BetMovement {
  readonly was: number;
  readonly due: number;
}

export type ShardEvent =
  | { readonly t: 'AccountOpened'; readonly account: string; readonly currency: string }
  | {
      readonly t: 'MoneyMoved';
      readonly kind: 'DEPOSIT' | 'WITHDRAWAL';
      readonly account: string;
      readonly ref: string;
      readonly amount: number;
      readonly balance: number;
    }
  | { readonly t: 'LimitsSet'; readonly account: string; readonly limits: Limits; readonly version: number }
  | TicketAccepted
  | { readonly t: 'RefTaken'; readonly account: string; readonly ref: string; readonly body: string }
  | { readonly t: 'RefBurnt'; readonly account: string; readonly ref: string }
  | {
      readonly t: 'TicketCancelled';
      readonly ticket: string;
      readonly account: string;
      readonly reason: string;
      readonly by: string;
      readonly balance: number;
      readonly bets: readonly {
        readonly pool: string;
        readonly i: number;
        readonly no: number;
        readonly amount: number;
      }[];
    }
  | { readonly t: 'FactApplied'; readonly n: number; readonly fact: MarketFact }
  | {
      readonly t: 'BetsRefunded';
      readonly job: number;
      readonly pool: string;
      readonly cause: RefundCause;
      readonly cursor: number;
      readonly items: readonly BetMovement[];
      /** Chained hash over the items so far. */
      readonly root: string;
    }
  | {
      readonly t: 'StakesCounted';
      readonly job: number;
      readonly cursor: number;
      readonly stakes: readonly number[];
      readonly bets: readonly number[];
    }
  | {
      readonly t: 'BetsPaid';
      readonly job: number;
      readonly pool: string;
      readonly version: number;
      readonly cursor: number;
      /** Winning stakes paid in this step, a stake once for each price it is paid. */
      readonly wonStake: number;
      readonly items: readonly BetMovement[];
    }
  | {
      readonly t: 'BetsWeighed';
      readonly job: number;
      readonly cursor: number;
      /** Sums of all steps so far. */
      readonly sums: Weighed;
    }
  | {
      readonly t: 'BetsCorrected';
      readonly job: number;
      readonly pool: string;
      readonly version: number;
      readonly outcome: PoolOutcome;
      readonly cursor: number;
      /** Of this step, over all its bets, changed or not: winning stakes, what is due on them, how many are paid. */
      readonly wonStake: number;
      readonly due: number;
      readonly winners: number;
      readonly items: readonly BetCorrection[];
    }
  | { readonly t: 'JobEnded'; readonly job: number }
  | { readonly t: 'Report'; readonly n: number; readonly report: ShardReport }
  | AccountCarried
  | RefsCarried
  | UpkeepEvent;

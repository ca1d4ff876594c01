/**
 * What a shard knows: accounts, races, pools with their books, and the bulk work to be done; and how it is looked up. Only `evolve`
 * may change it; nothing here decides.
 */
import { type Field, type PoolType, type RuleSet, scratchedInterests } from '#mutuel/tote';
import { type Book, betSeq, betSuffix } from './book.js';
import type { Limits } from './carry.js';
import { assert, type Decision, refuse } from './decider.js';
import type { DeclaredPrice, PoolOutcome, RefundCause, Weighed } from './facts.js';
import { givenBack } from './legs.js';
import type { RefTable } from './refs.js';
import type { Settled } from './settled.js';
import type { ReportStep } from './shard-commands.js';
import type { ShardEvent } from './shard-events.js';
import { shardOf } from './slots.js';
import type { Upkeep } from './upkeep.js';

export interface Account {
  readonly id: string;
  readonly index: number;
  readonly currency: string;
  balance: number;
  /** What a correction could not take back: kept back from later payouts. */
  owed: number;
  limits: Limits;
  limitsVersion: number;
  /** UTC day number of `dayStaked`. */
  day: number;
  dayStaked: number;
  /** Hour number (since 1970) of `hourRefs`: ticket references taken in it. */
  hour: number;
  hourRefs: number;
  /** How many deposits and withdrawals are remembered. */
  moneyRefs: number;
}

export interface ShardPool {
  readonly id: string;
  /** The race whose close ends the sale: over several races the first leg, or whichever leg closes before it. */
  race: ShardRace;
  /** A pool over several races: its legs in order. */
  readonly legs: readonly ShardRace[] | null;
  /** How many runners of each leg were out when the pool closed; null while it sells, and in a pool of one race. */
  outAtClose: readonly number[] | null;
  /** Everybody on the card: a bet reads against it. */
  readonly field: Field;
  readonly currency: string;
  readonly type: PoolType;
  readonly ruleSet: RuleSet;
  /** True between the seal and the last payment. */
  sealed: boolean;
  done: boolean;
  book: Book;
  /** Bets that are the first of a report, by their index in the book, with those to come. */
  readonly reports: Map<number, readonly ReportStep[]>;
  /** What settlement has given so far; null before the first payment and after the time for corrections. */
  settled: Settled | null;
}

export interface ShardRace {
  readonly id: string;
  status: 'DRAFT' | 'OPEN' | 'SUSPENDED' | 'CLOSED';
  readonly scheduledStop: number;
  readonly field: { readonly declared: readonly string[]; readonly entries: readonly (readonly string[])[] };
  readonly scratched: string[];
  closeNo: number;
  stopAt: number;
  offAt: number;
  /** Its own, and those over several races of which it is a leg. */
  readonly pools: string[];
  /** Append time at which the last of its pools was done; null until then. */
  endedAt: number | null;
}

/** Bulk work over one pool's book, done in steps between bets; `cursor` is the next book index. */
export type Job = { readonly id: number; readonly pool: string; cursor: number } & (
  | { readonly kind: 'CLOSE'; readonly markerAt: number; readonly markerSeq: number }
  | { readonly kind: 'REFUND'; readonly cause: RefundCause; bets: number; amount: number; root: string }
  | {
      readonly kind: 'COUNT';
      /** What the figures are for: a result, the favourite of a leg, or what runners of the last leg would pay. */
      readonly ask: 'RESULT' | 'FAVOURITE' | 'WILL_PAY';
      readonly version: number;
      readonly keys: readonly string[];
      stakes: number[];
      bets: number[];
    }
  | {
      readonly kind: 'PAY';
      readonly version: number;
      readonly prices: readonly DeclaredPrice[];
      wonStake: number;
      paid: number;
      winners: number;
    }
  | { readonly kind: 'RETURN'; readonly version: number; readonly cause: RefundCause; refunded: number }
  | (Difference & { readonly kind: 'WEIGH'; readonly ask: number; sums: Weighed })
  | (Difference & {
      readonly kind: 'CORRECT';
      readonly version: number;
      wonStake: number;
      due: number;
      winners: number;
    })
  /** What a bet of a report won goes on; `account` is its index, the pool that of the first step. */
  | { readonly kind: 'ROLL'; readonly account: number; readonly won: number; readonly steps: readonly ReportStep[] }
);

/** What a corrected pool comes to. */
interface Difference {
  readonly outcome: PoolOutcome;
  readonly prices: readonly DeclaredPrice[];
}

export interface ShardState {
  readonly shard: number;
  readonly shards: number;
  /** The last market fact applied; the next must be this plus one. */
  factNo: number;
  reportNo: number;
  jobNo: number;
  readonly lease: { issuedAt: number; at: number; ttlMs: number };
  readonly accounts: Map<string, Account>;
  readonly accountAt: Account[];
  /** Deposits and withdrawals by account and reference: their decision and signed amount. One map: a map an account is a heap of maps. */
  readonly moneyRefs: Map<string, { readonly seq: number; readonly amount: number }>;
  readonly races: Map<string, ShardRace>;
  readonly pools: Map<string, ShardPool>;
  readonly refs: RefTable;
  readonly jobs: Job[];
  readonly upkeep: Upkeep;
}

/** Hex digits of the command's random id that end a ticket id, so that it cannot be guessed (requirement 4). */
export const SUFFIX_DIGITS = 12;
export type ShardDecision = Decision<ShardEvent>;

export const ticketOf = (s: ShardState, book: Book, i: number): string =>
  `t${s.shard}-${betSeq(book, i)}-${betSuffix(book, i).toString(16).padStart(SUFFIX_DIGITS, '0')}`;

export const fieldOf = (race: ShardRace, legs: readonly ShardRace[] | null): Field =>
  legs === null ? race.field : { declared: [], legs: legs.map(({ field }) => field) };

/** What a scratch takes out of this pool: a coupled runner's bets stand while a part of its entry runs. */
export function outOf({ race, legs, outAtClose, ruleSet }: ShardPool): readonly string[] {
  if (legs !== null) return givenBack(ruleSet, legs, outAtClose);
  return scratchedInterests({ ...race.field, scratched: race.scratched }, ruleSet.coupling);
}

/** The latest append time of a bet that stands: the stop, or the off of whichever of its races was off first. */
export const lastInTime = ({ race, legs }: ShardPool): number =>
  Math.min(race.stopAt, ...(legs ?? [race]).map(({ offAt }) => offAt));

export const poolsOf = (s: ShardState, race: ShardRace): readonly ShardPool[] => race.pools.map((id) => poolOf(s, id));

export function accountOf(s: ShardState, id: string): Account {
  const account = s.accounts.get(id);
  assert(account !== undefined, () => `account ${id} is not in shard ${s.shard}`);
  return account;
}

export function poolOf(s: ShardState, id: string): ShardPool {
  const pool = s.pools.get(id);
  assert(pool !== undefined, () => `pool ${id} is not known to shard ${s.shard}`);
  return pool;
}

export function raceOf(s: ShardState, id: string): ShardRace {
  const race = s.races.get(id);
  assert(race !== undefined, () => `race ${id} is not known to shard ${s.shard}`);
  return race;
}

export function jobOf<K extends Job['kind']>(s: ShardState, id: number, kind: K): Extract<Job, { kind: K }> {
  const job = s.jobs.find((j) => j.id === id);
  assert(job !== undefined && job.kind === kind, () => `job ${id} is not a ${kind} job of shard ${s.shard}`);
  return job as Extract<Job, { kind: K }>;
}

export function unknownAccount(s: ShardState, id: string): ShardDecision {
  if (shardOf(id, s.shards) !== s.shard) return wrongShard(id);
  return refuse('ACCOUNT_UNKNOWN', `There is no account ${id}.`, '/accountId');
}

export const wrongShard = (id: string): ShardDecision =>
  refuse('WRONG_SHARD', `Account ${id} belongs to another shard; the same reference may be sent there.`);

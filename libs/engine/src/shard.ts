/**
 * The shard: one partition of accounts, their balances and their open bets. It decides every bet of its accounts alone and in order,
 * from its own log and nothing else. It must never let a balance fall below zero, accept a bet after the close marker, the stop, the
 * off or the end of the selling lease, or change what it once sealed. Read on in this order: events, state, evolve, decide.
 */
import {
  type Field,
  isRefusal,
  keptNonRunners,
  lineCounter,
  linesWithout,
  type PoolType,
  payoutMinor,
  type ReadSelection,
  type RuleSet,
  readSelection,
  runningInterests,
  scratchedInterests,
  type ToteRefusal,
} from '#mutuel/tote';
import {
  addBet,
  BET,
  type Book,
  type BookImage,
  betAccount,
  betAt,
  betNumber,
  betSelection,
  betSeq,
  betStake,
  betStatus,
  betSuffix,
  betUnit,
  bookImage,
  emptyBook,
  firstBetAfter,
  firstBetOf,
  packBook,
  reduceBet,
  restoreBook,
} from './book.js';
import { canonical } from './canonical.js';
import { type AccountCarried, type CarriedRef, carryAccount, type Limits, type RefsCarried } from './carry.js';
import {
  assert,
  type Context,
  type Decided,
  type Decider,
  type Decision,
  type Hash,
  type Posting,
  refuse,
  type StateImage,
} from './decider.js';
import {
  type DeclaredPrice,
  entriesOf,
  type MarketFact,
  type MeetingCard,
  type PoolOutcome,
  type RefundCause,
  type ShardReport,
  type Weighed,
} from './facts.js';
import { givenBack, needsFavourite, notRunning } from './legs.js';
import { growFrontier, leafHash, rootOf } from './merkle.js';
import {
  advanceHorizon,
  bodyNumber,
  emptyRefs,
  findRef,
  hexNumber,
  REF_AHEAD_MS,
  REF_WINDOW_MS,
  type Ref,
  type RefsImage,
  type RefTable,
  readRef,
  refsImage,
  restoreRefs,
  takeRef,
} from './refs.js';
import {
  differenceOf,
  emptySettled,
  heldOf,
  restoreSettled,
  type Settled,
  type SettledImage,
  settleAccount,
  settleBet,
  settledImage,
} from './settled.js';
import { type BetOrder, FLEXI, type PlaceTicket, type ShardCommand } from './shard-commands.js';
import { shardOf } from './slots.js';
import { newUpkeep, setAside, takeCheckpoint, type Upkeep, type UpkeepEvent } from './upkeep.js';

// ── Events ───────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── State ────────────────────────────────────────────────────────────────────────────────────────────────────────

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

/** A bet that waited longer than this between append and decision is refused: the off may be long past. */
export const STALE_MS = 30_000;
/** Bounds of one bulk step: what it writes (64 KB of items), what it scans, and what it matches (some milliseconds each). */
const STEP_ITEMS = 500;
const STEP_SCAN = 20_000;
const STEP_MATCHES = 5_000;
/** Deposits and withdrawals remembered per account. */
const MAX_MONEY_REFS = 10_000;
/** Ticket references that one account can take in an hour: with the horizon it bounds what the table holds. */
const MAX_HOUR_REFS = 100_000;
/** Standing stakes of one pool in one shard: the sum over 1,024 shards is still an exact integer. */
const MAX_POOL = 8_000_000_000_000;
/** A race whose pools are all done leaves the state this long after, when the next card is published. */
export const RETIRE_MS = 86_400_000;
/** Leaves room for every payout of a day below the largest exact integer. */
const MAX_BALANCE = 1_000_000_000_000_000;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Hex digits of the command's random id that end a ticket id, so that it cannot be guessed (requirement 4). */
const SUFFIX_DIGITS = 12;
const NO_LIMITS: Limits = {};
const SHARD_SCHEMA = 3;

export function shardDecider(options: {
  shard: number;
  shards: number;
  hash: Hash;
}): Decider<ShardState, ShardCommand, ShardEvent> {
  const { shard, shards, hash } = options;
  return {
    initialState: () => ({
      shard,
      shards,
      factNo: 0,
      reportNo: 0,
      jobNo: 0,
      lease: { issuedAt: 0, at: 0, ttlMs: 0 },
      accounts: new Map(),
      accountAt: [],
      moneyRefs: new Map(),
      races: new Map(),
      pools: new Map(),
      refs: emptyRefs(),
      jobs: [],
      upkeep: newUpkeep(),
    }),
    decide: (state, command, context) => decide(state, command, context, hash),
    evolve: (state, decided) => {
      for (const event of decided.events) evolve(state, event, decided, hash);
      advanceHorizon(state.refs, decided.at);
    },
    pending: (state) => {
      const job = jobAtWork(state);
      return job && { type: 'Continue', job: job.id, cursor: job.cursor };
    },
    schema: SHARD_SCHEMA,
    image: imageOf,
    restore,
    sent: (state) => state.reportNo,
    recordFormat: ({ upkeep }) => upkeep.recordFormat,
    setAside,
  };
}

// ── Evolve ───────────────────────────────────────────────────────────────────────────────────────────────────────

function evolve(s: ShardState, e: ShardEvent, d: Decided<ShardEvent>, hash: Hash): void {
  switch (e.t) {
    case 'TicketAccepted':
      ticketAccepted(s, e, d, hash);
      return;
    case 'AccountOpened':
      openAccount(s, e.account, e.currency);
      return;
    case 'MoneyMoved': {
      const account = accountOf(s, e.account);
      account.balance = e.balance;
      account.moneyRefs++;
      s.moneyRefs.set(moneyRef(account, e.ref), { seq: d.seq, amount: e.kind === 'DEPOSIT' ? e.amount : -e.amount });
      return;
    }
    case 'LimitsSet':
      Object.assign(accountOf(s, e.account), { limits: e.limits, limitsVersion: e.version });
      return;
    case 'RefTaken':
      rememberRef(s, accountOf(s, e.account), e.ref, bodyNumber(e.body), d);
      return;
    case 'RefBurnt':
      rememberRef(s, accountOf(s, e.account), e.ref, 0, d);
      return;
    case 'TicketCancelled':
      accountOf(s, e.account).balance = e.balance;
      for (const bet of e.bets) withdraw(poolOf(s, bet.pool), bet.i, bet.amount, BET.CANCELLED);
      return;
    case 'FactApplied':
      s.factNo = e.n;
      factApplied(s, e.fact, d, hash);
      return;
    case 'BetsRefunded':
      betsRefunded(s, e);
      return;
    case 'StakesCounted': {
      const job = jobOf(s, e.job, 'COUNT');
      job.cursor = e.cursor;
      job.stakes = [...e.stakes];
      job.bets = [...e.bets];
      return;
    }
    case 'BetsPaid':
      betsPaid(s, e);
      return;
    case 'BetsWeighed': {
      const job = jobOf(s, e.job, 'WEIGH');
      job.cursor = e.cursor;
      job.sums = e.sums;
      return;
    }
    case 'BetsCorrected':
      betsCorrected(s, e);
      return;
    case 'JobEnded':
      jobEnded(s, e.job, d.at);
      return;
    case 'Report':
      s.reportNo = e.n;
      if (e.report.t === 'Seal') poolOf(s, e.report.pool).sealed = true;
      return;
    case 'AccountCarried':
      accountCarried(s, e, d);
      return;
    case 'RefsCarried':
      rememberMoney(s, accountOf(s, e.account), e.refs, d);
      return;
    case 'Checkpoint':
      s.upkeep.checkpointDay = e.day;
      return;
    case 'SetAside':
      if (e.fact === s.factNo + 1) s.factNo = e.fact;
      return;
    default:
      e satisfies never;
  }
}

function ticketAccepted(s: ShardState, e: TicketAccepted, d: Decided<ShardEvent>, hash: Hash): void {
  const account = accountOf(s, e.account);
  account.balance = e.balance;
  const day = Math.floor(d.at / DAY_MS);
  account.dayStaked = e.total + (account.day === day ? account.dayStaked : 0);
  account.day = day;
  rememberRef(s, account, e.ref, bodyNumber(e.body), d);
  const suffix = hexNumber(e.ticket, e.ticket.length - SUFFIX_DIGITS, e.ticket.length);
  for (const bet of e.bets) {
    const pool = poolOf(s, bet.pool);
    const selection = internSelection(pool, bet.sel);
    const { no: betNo, unit, stake } = bet;
    addBet(pool.book, { seq: d.seq, betNo, account: account.index, selection, unit, stake, at: d.at, suffix });
    growFrontier(hash, pool.book.frontier, bet.leaf);
  }
}

function rememberRef(s: ShardState, account: Account, text: string, body: number, d: Decided<ShardEvent>): void {
  takeRef(s.refs, account.index, refOf(text), { seq: d.seq, body });
  const hour = Math.floor(d.at / HOUR_MS);
  account.hourRefs = account.hour === hour ? account.hourRefs + 1 : 1;
  account.hour = hour;
}

/** The index of a distinct selection in the pool's book; an accepted one always reads. */
function internSelection(pool: ShardPool, text: string): number {
  const known = pool.book.byText.get(text);
  if (known !== undefined) return known;
  const index = pool.book.selections.push(readAccepted(pool, text)) - 1;
  pool.book.byText.set(text, index);
  return index;
}

function readAccepted(pool: ShardPool, text: string): ReadSelection {
  const read = findSelection(pool, text);
  assert(!isRefusal(read), () => `an accepted selection no longer reads: ${text}`);
  return read;
}

function openAccount(s: ShardState, id: string, currency: string): void {
  const account: Account = {
    id,
    index: s.accountAt.length,
    currency,
    balance: 0,
    owed: 0,
    limits: NO_LIMITS,
    limitsVersion: 0,
    day: 0,
    dayStaked: 0,
    hour: 0,
    hourRefs: 0,
    moneyRefs: 0,
  };
  s.accounts.set(id, account);
  s.accountAt.push(account);
}

function accountCarried(s: ShardState, e: AccountCarried, d: Decided<ShardEvent>): void {
  openAccount(s, e.account, e.currency);
  const { balance, owed, limits, limitsVersion, day, dayStaked } = e;
  const account = accountOf(s, e.account);
  Object.assign(account, { balance, owed, limits, limitsVersion, day, dayStaked });
  rememberMoney(s, account, e.refs, d);
  advanceHorizon(s.refs, e.closedAt + REF_WINDOW_MS);
}

/** References of the epoch before; again they are answered as what they were, from the decision that carried them. */
function rememberMoney(s: ShardState, account: Account, refs: readonly CarriedRef[], d: Decided<ShardEvent>): void {
  for (const [ref, amount] of refs) {
    s.moneyRefs.set(moneyRef(account, ref), { seq: d.seq, amount });
    account.moneyRefs++;
  }
}

/** Before the seal money leaves the book as withdrawn; after it, only refund statements speak of it. */
function withdraw(
  pool: ShardPool,
  i: number,
  amount: number,
  status: typeof BET.CANCELLED | typeof BET.VOIDED | typeof BET.REFUNDED,
): void {
  const { book } = pool;
  const before = book.standingBets;
  reduceBet(book, i, amount, status);
  if (pool.sealed) return;
  const gone = before - book.standingBets;
  book.withdrawnBets += gone;
  book.withdrawnStake += amount;
  if (status !== BET.VOIDED) return;
  book.voidedBets += gone;
  book.voidedStake += amount;
}

function factApplied(s: ShardState, fact: MarketFact, d: Decided<ShardEvent>, hash: Hash): void {
  switch (fact.t) {
    case 'MeetingPublished':
      retireRaces(s, d.at);
      meetingPublished(s, fact.meeting);
      return;
    case 'RaceOpened':
    case 'RaceResumed':
      raceOf(s, fact.race).status = 'OPEN';
      return;
    case 'RaceSuspended':
      raceOf(s, fact.race).status = 'SUSPENDED';
      return;
    case 'BettingClosed':
      closeRace(s, raceOf(s, fact.race), fact, d, poolsEndedBy);
      return;
    case 'LateOffDeclared': {
      const race = raceOf(s, fact.race);
      race.offAt = Math.min(race.offAt, fact.offAt);
      closeFromTheOff(s, race);
      addRefundJobs(s, poolsSoldBy(s, race), 'AFTER_OFF', hash);
      if (race.status === 'CLOSED') countBacking(s, race);
      return;
    }
    case 'RunnerScratched': {
      const race = raceOf(s, fact.race);
      if (!race.scratched.includes(fact.runner)) race.scratched.push(fact.runner);
      const touched = poolsOf(s, race).filter((pool) => pool.legs === null || !needsFavourite(pool.ruleSet));
      addRefundJobs(s, touched, 'SCRATCHED', hash);
      return;
    }
    case 'ResultEntered':
      for (const { pool, keys } of fact.pools) addCount(s, 'RESULT', pool, fact.version, keys);
      return;
    case 'WillPaysAsked':
      addCount(s, 'WILL_PAY', fact.pool, fact.no, fact.keys);
      return;
    case 'FavouritesSet':
      return;
    case 'DividendsDeclared':
      for (const { pool, outcome, prices } of fact.pools) {
        if (poolOf(s, pool).settled !== null || s.jobs.some((job) => isPayment(job) && job.pool === pool))
          addJob(s, {
            ...{ kind: 'CORRECT', pool, version: fact.version, outcome, prices },
            ...{ wonStake: 0, due: 0, winners: 0 },
          });
        else if (outcome === 'REFUND')
          addJob(s, { kind: 'RETURN', pool, version: fact.version, cause: 'POOL_REFUNDED', refunded: 0 });
        else addJob(s, { kind: 'PAY', pool, version: fact.version, prices, wonStake: 0, paid: 0, winners: 0 });
      }
      return;
    case 'RaceVoided': {
      const race = raceOf(s, fact.race);
      if (race.status !== 'CLOSED') closeRace(s, race, fact, d, poolsSoldBy);
      for (const { id: pool, legs } of poolsOf(s, race))
        if (legs === null) addJob(s, { kind: 'RETURN', pool, version: 0, cause: 'RACE_VOID', refunded: 0 });
      return;
    }
    case 'RaceReopened': {
      const race = raceOf(s, fact.race);
      for (const pool of settledWith(s, race)) {
        if (pool.ruleSet.corrections === 'NONE') continue;
        pool.done = false;
        for (const leg of pool.legs ?? [race]) leg.endedAt = null;
      }
      return;
    }
    case 'CorrectionPriced':
      for (const { pool, outcome, prices } of fact.pools)
        addJob(s, { kind: 'WEIGH', pool, outcome, prices, ask: s.factNo, sums: NOTHING_WEIGHED });
      return;
    case 'CorrectionsClosed':
      for (const pool of settledWith(s, raceOf(s, fact.race))) letGo(pool);
      return;
    case 'LeaseRenewed':
      s.lease.issuedAt = fact.issuedAt;
      s.lease.ttlMs = fact.ttlMs;
      s.lease.at = d.at;
      return;
    case 'RecordFormatRaised':
      s.upkeep.recordFormat = fact.format;
      return;
    default:
      fact satisfies never;
  }
}

/** Races long done leave the state, or a running system would grow for ever; the log and the read models keep them. */
function retireRaces(s: ShardState, at: number): void {
  for (const race of s.races.values()) {
    if (race.endedAt === null || at - race.endedAt < RETIRE_MS) continue;
    s.races.delete(race.id);
    for (const pool of race.pools) s.pools.delete(pool);
  }
  for (const race of s.races.values()) race.pools.splice(0, Infinity, ...race.pools.filter((id) => s.pools.has(id)));
}

function meetingPublished(s: ShardState, meeting: MeetingCard): void {
  const races = meeting.races.map((card) => {
    const race: ShardRace = {
      id: card.raceId,
      status: 'DRAFT',
      scheduledStop: card.scheduledStop ?? Number.MAX_SAFE_INTEGER,
      field: {
        declared: card.runners.map((r) => r.number),
        entries: entriesOf(card),
      },
      scratched: [],
      closeNo: 0,
      stopAt: Number.MAX_SAFE_INTEGER,
      offAt: Number.MAX_SAFE_INTEGER,
      pools: [],
      endedAt: null,
    };
    s.races.set(race.id, race);
    return race;
  });
  for (const [i, card] of meeting.races.entries()) {
    for (const { poolId: id, type, ruleSet, legs: named } of card.pools) {
      const legs = named?.map((leg) => raceOf(s, leg)) ?? null;
      const of = legs ?? [races[i] as ShardRace];
      for (const race of of) race.pools.push(id);
      s.pools.set(id, {
        id,
        race: of[0] as ShardRace,
        legs,
        outAtClose: null,
        field: fieldOf(of[0] as ShardRace, legs),
        currency: meeting.currency,
        type,
        ruleSet,
        sealed: false,
        done: false,
        settled: null,
        book: emptyBook(),
      });
    }
  }
}

const fieldOf = (race: ShardRace, legs: readonly ShardRace[] | null): Field =>
  legs === null ? race.field : { declared: [], legs: legs.map(({ field }) => field) };

/** The pools that end with a race's close: what it sells, and pools over several races that would go on past this leg's off. */
const poolsEndedBy = (s: ShardState, race: ShardRace): readonly ShardPool[] =>
  poolsOf(s, race).filter((pool) => pool.legs === null || pool.outAtClose === null);

/** The pools that were or are on sale until this race's close. */
const poolsSoldBy = (s: ShardState, race: ShardRace): readonly ShardPool[] =>
  poolsOf(s, race).filter((pool) => pool.race === race);

/** The pools that a race's result settles: over several races it is the last leg's. */
const settledWith = (s: ShardState, race: ShardRace): readonly ShardPool[] =>
  poolsOf(s, race).filter(({ legs }) => legs === null || legs.at(-1) === race);

const poolsOf = (s: ShardState, race: ShardRace): readonly ShardPool[] => race.pools.map((id) => poolOf(s, id));

function closeRace(
  s: ShardState,
  race: ShardRace,
  close: { closeNo: number; stopAt: number },
  d: Decided<ShardEvent>,
  ended: (s: ShardState, race: ShardRace) => readonly ShardPool[],
): void {
  const pools = ended(s, race);
  race.status = 'CLOSED';
  race.closeNo = close.closeNo;
  race.stopAt = close.stopAt;
  const late = Math.min(race.stopAt, race.offAt);
  for (const pool of pools) {
    pool.race = race;
    pool.outAtClose = pool.legs?.map(({ scratched }) => scratched.length) ?? null;
    const id = addJob(s, { kind: 'CLOSE', pool: pool.id, markerAt: d.at, markerSeq: d.seq });
    // Only bets later than the stop or the off need voiding: as a rule they are the end of the book.
    jobOf(s, id, 'CLOSE').cursor = firstBetAfter(pool.book, late);
  }
  countBacking(s, race);
}

/** What stands on each runner of a leg's win pool once it is closed: who stands in for non-runners. */
function countBacking(s: ShardState, race: ShardRace): void {
  const pools = poolsOf(s, race);
  const win = pools.find((pool) => pool.type === 'WIN');
  if (!win || !pools.some((pool) => pool.legs !== null && needsFavourite(pool.ruleSet))) return;
  addCount(s, 'FAVOURITE', win.id, race.closeNo, runningInterests(race.field, win.ruleSet.coupling));
}

/** No bet later than the off stands at a seal: where the off becomes known after the marker, a close under way starts over from it. */
function closeFromTheOff(s: ShardState, race: ShardRace): void {
  for (const job of s.jobs) {
    if (job.kind !== 'CLOSE' || poolOf(s, job.pool).race !== race) continue;
    job.cursor = Math.min(job.cursor, firstBetAfter(poolOf(s, job.pool).book, race.offAt));
  }
}

function addRefundJobs(s: ShardState, pools: readonly ShardPool[], cause: RefundCause, hash: Hash): void {
  for (const { id: pool, done } of pools) {
    if (!done) addJob(s, { kind: 'REFUND', pool, cause, bets: 0, amount: 0, root: hash('refunds') });
  }
}

type CountJob = Extract<Job, { kind: 'COUNT' }>;

function addCount(s: ShardState, ask: CountJob['ask'], pool: string, version: number, keys: readonly string[]): void {
  const zeros = (): number[] => keys.map(() => 0);
  addJob(s, { kind: 'COUNT', ask, pool, version, keys, stakes: zeros(), bets: zeros() });
}

const isPayment = (job: Job): boolean => job.kind === 'PAY' || job.kind === 'RETURN' || job.kind === 'CORRECT';

const NOTHING_WEIGHED: Weighed = { bets: 0, toPay: 0, toTakeBack: 0, short: 0, kept: 0 };

type NewJob = Job extends infer J ? (J extends Job ? Omit<J, 'id' | 'cursor'> : never) : never;

function addJob(s: ShardState, job: NewJob): number {
  const id = ++s.jobNo;
  s.jobs.push({ ...job, id, cursor: 0 } as Job);
  return id;
}

function betsRefunded(s: ShardState, e: Extract<ShardEvent, { t: 'BetsRefunded' }>): void {
  const pool = poolOf(s, e.pool);
  const job = s.jobs.find(({ id }) => id === e.job);
  assert(job !== undefined, () => `there is no job ${e.job} in shard ${s.shard}`);
  const status = e.cause === 'AFTER_STOP' ? BET.VOIDED : BET.REFUNDED;
  for (const item of e.items) {
    accountOf(s, item.account).balance = item.balance;
    if (job.kind === 'RETURN') {
      // A pool given back is a settlement like a payment: what stood still stands, should the result be corrected.
      settleBet(settledOf(pool), item.i, item.amount, item.amount);
      job.refunded += item.amount;
      continue;
    }
    const before = pool.book.standingBets;
    withdraw(pool, item.i, item.amount, status);
    if (job.kind !== 'REFUND') continue;
    job.bets += before - pool.book.standingBets;
    job.amount += item.amount;
  }
  if (job.kind === 'REFUND') job.root = e.root;
  job.cursor = e.cursor;
}

function betsPaid(s: ShardState, e: Extract<ShardEvent, { t: 'BetsPaid' }>): void {
  const job = jobOf(s, e.job, 'PAY');
  const settled = settledOf(poolOf(s, e.pool));
  for (const item of e.items) {
    settleBet(settled, item.i, item.amount, item.amount);
    moveAccount(s, item);
    job.paid += item.amount;
    job.winners++;
  }
  job.wonStake += e.wonStake;
  job.cursor = e.cursor;
}

function betsCorrected(s: ShardState, e: Extract<ShardEvent, { t: 'BetsCorrected' }>): void {
  const job = jobOf(s, e.job, 'CORRECT');
  const settled = settledOf(poolOf(s, e.pool));
  for (const item of e.items) {
    settleBet(settled, item.i, item.due, item.amount);
    moveAccount(s, item);
  }
  job.wonStake += e.wonStake;
  job.due += e.due;
  job.winners += e.winners;
  job.cursor = e.cursor;
}

function moveAccount(s: ShardState, item: BetMovement): void {
  const account = accountOf(s, item.account);
  account.balance = item.balance;
  account.owed -= item.net ?? 0;
}

/** The pool's settlement so far, begun with its first payment. */
function settledOf(pool: ShardPool): Settled {
  pool.settled ??= emptySettled(pool.book.size);
  return pool.settled;
}

function letGo(pool: ShardPool): void {
  pool.book = emptyBook();
  pool.settled = null;
}

function jobEnded(s: ShardState, id: number, at: number): void {
  const [job] = s.jobs.splice(
    s.jobs.findIndex((j) => j.id === id),
    1,
  );
  assert(job?.id === id, () => `job ${id} ended and is not in shard ${s.shard}`);
  if (!isPayment(job)) return;
  const pool = poolOf(s, job.pool);
  pool.done = true;
  // Bets leave the state with the time for corrections; those of a race that never became official have none.
  if (job.kind === 'RETURN' && job.cause === 'RACE_VOID') letGo(pool);
  else {
    packBook(pool.book);
    settledOf(pool);
  }
  for (const race of pool.legs ?? [pool.race]) if (poolsOf(s, race).every(({ done }) => done)) race.endedAt = at;
}

// ── Decide ───────────────────────────────────────────────────────────────────────────────────────────────────────

type ShardDecision = Decision<ShardEvent>;

function decide(s: ShardState, c: ShardCommand, x: Context, hash: Hash): ShardDecision {
  switch (c.type) {
    case 'PlaceTicket':
      return placeTicket(s, c, x, hash);
    case 'Continue':
      return step(s, c.job, c.cursor, hash);
    case 'MarketFact':
      return applyFact(s, c.n, c.fact);
    case 'CancelTicket':
      return cancelTicket(s, c, x);
    case 'AbandonRef':
      return abandonRef(s, c, x);
    case 'OpenAccount':
      if (shardOf(c.account, s.shards) !== s.shard) return wrongShard(c.account);
      if (s.accounts.has(c.account)) return refuse('ACCOUNT_EXISTS', `Account ${c.account} is open already.`);
      return { events: [{ t: 'AccountOpened', account: c.account, currency: c.currency }], posts: [] };
    case 'Deposit':
    case 'Withdraw':
      return moveMoney(s, c);
    case 'SetLimits':
      return setLimits(s, c);
    case 'CarryAccount': {
      const { type: _, ...carried } = c;
      if (shardOf(c.account, s.shards) !== s.shard) return wrongShard(c.account);
      if (s.accounts.has(c.account)) return refuse('ACCOUNT_EXISTS', `Account ${c.account} is open already.`);
      return carryAccount(carried);
    }
    case 'CarryRefs':
      if (!s.accounts.has(c.account)) return unknownAccount(s, c.account);
      return { events: [{ t: 'RefsCarried', account: c.account, refs: c.refs }], posts: [] };
    case 'Checkpoint':
      return takeCheckpoint(s.upkeep, c.day, SHARD_SCHEMA, x);
    case 'Malformed':
      return refuse('MALFORMED', `The command could not be read: ${c.cause}.`);
    default:
      return c satisfies never;
  }
}

function placeTicket(s: ShardState, c: PlaceTicket, x: Context, hash: Hash): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  if (Number.isNaN(hexNumber(x.cid, x.cid.length - SUFFIX_DIGITS, x.cid.length)))
    return refuse('MALFORMED', "The command's id does not end in twelve lower-case hex digits.");
  const ref = readRef(c.ref);
  const answered = answerRef(s, account, ref, x, bodyNumber(c.body));
  if (answered) return answered;
  const taken: ShardEvent = { t: 'RefTaken', account: c.account, ref: c.ref, body: c.body };
  if (hasTooManyRefs(account, x.at)) return tooManyRefs();
  const no = refuseTicket(s, account, c, x);
  if (no) return { ...no, events: [taken] };

  const ticket = `t${s.shard}-${x.seq}-${x.cid.slice(-SUFFIX_DIGITS)}`;
  const accepted: AcceptedBet[] = [];
  const refused: RefusedBet[] = [];
  let total = 0;
  for (let no = 0; no < c.bets.length; no++) {
    const order = c.bets[no] as BetOrder;
    const checked = checkBet(s, account, order, x);
    if ('code' in checked) {
      const pointer = `/bets/${no}${checked.field}`;
      if (c.atomic) return { code: checked.code, detail: checked.detail, pointer, events: [taken], posts: [] };
      refused.push({ no, ref: order.ref, code: checked.code, detail: checked.detail, pointer });
      continue;
    }
    const { ref: betRef, pool } = order;
    const { text: sel, unit, stake } = checked;
    const leaf = leafHash(hash, `${c.blind}|${ticket}|${no}|${pool}|${sel}|${unit}|${stake}|${x.at}`);
    accepted.push({ no, ref: betRef, pool, sel, lines: checked.lines, unit, stake, leaf });
    total += stake;
  }
  const first = refused[0];
  if (accepted.length === 0 && first)
    return { code: first.code, detail: first.detail, pointer: first.pointer, events: [taken], posts: [] };
  const money = checkMoney(account, total, x.at);
  if (money) return { ...money, events: [taken] };

  const posts: Posting[] = [[`acc:${c.account}`, -total]];
  for (const bet of accepted) posts.push([`pool:${bet.pool}`, bet.stake]);
  const balance = account.balance - total;
  const { account: id, ref: ticketRef, body, blind, channel, currency } = c;
  return {
    events: [
      {
        t: 'TicketAccepted',
        ticket,
        account: id,
        ref: ticketRef,
        body,
        blind,
        channel,
        currency,
        total,
        balance,
        bets: accepted,
        refused,
      },
    ],
    posts,
  };
}

/** What a reference alone already settles: unreadable, outside its window, answered before, or burnt. */
function answerRef(
  s: ShardState,
  account: Account,
  ref: Ref | undefined,
  x: Context,
  body: number,
): ShardDecision | undefined {
  if (!ref) return refuse('REF_INVALID', 'ticketRef is not a lower-case UUIDv7.', '/ticketRef');
  if (ref.time > x.at + REF_AHEAD_MS)
    return refuse(
      'REF_INVALID',
      `ticketRef lies more than two minutes ahead of the server's time (${x.at} ms UTC).`,
      '/ticketRef',
    );
  if (ref.time < s.refs.horizon)
    return refuse('REF_OUTSIDE_WINDOW', 'ticketRef is older than the window; look its outcome up.', '/ticketRef');
  const taken = findRef(s.refs, account.index, ref);
  if (!taken) return undefined;
  if (taken.body === 0)
    return { ...refuse<ShardEvent>('REF_BURNT', 'This ticketRef was abandoned.', '/ticketRef'), of: taken.seq };
  if (taken.body !== body)
    return refuse('IDEMPOTENCY_BODY_MISMATCH', 'This ticketRef was used with another body.', '/ticketRef');
  return { ...refuse<ShardEvent>('REPLAY', 'This ticketRef was answered before.'), of: taken.seq };
}

function refuseTicket(s: ShardState, account: Account, c: PlaceTicket, x: Context): ShardDecision | undefined {
  if (x.decidedAt - x.at > STALE_MS) return refuse('STALE', 'The ticket waited more than 30 seconds to be decided.');
  if (c.currency !== account.currency)
    return refuse('CURRENCY_MISMATCH', `The account is in ${account.currency}.`, '/currency');
  const { limits } = account;
  if (limits.blocked) return refuse('ACCOUNT_BLOCKED', 'The account is blocked.', '/accountId');
  if (limits.excludedUntil !== undefined && x.at < limits.excludedUntil)
    return refuse('SELF_EXCLUDED', 'The account holder has excluded themself from betting.', '/accountId');
  if (x.at > Math.min(s.lease.issuedAt, s.lease.at) + s.lease.ttlMs)
    return refuse('CHANNEL_LEASE_EXPIRED', 'The selling lease has run out: no bet is sold until the market renews it.');
  return undefined;
}

interface BetFault {
  readonly code: string;
  readonly detail: string;
  readonly field: string;
}

/** A selection at the price it is sold: of a flexi bet as much a line as the stake buys, the rest is not taken. */
type SoldBet = Pick<ReadSelection, 'text' | 'lines'> & Pick<BetOrder, 'unit' | 'stake'>;

function soldAs(rules: RuleSet, { unit, stake }: BetOrder, { text, lines }: ReadSelection): SoldBet {
  if (unit !== FLEXI) return { text, lines, unit, stake };
  const multiple = rules.unitMultipleMinor ?? 1;
  const fraction = Math.floor(stake / (lines * multiple)) * multiple;
  return { text, lines, unit: fraction, stake: fraction * lines };
}

function checkBet(s: ShardState, account: Account, order: BetOrder, x: Context): SoldBet | BetFault {
  const pool = s.pools.get(order.pool);
  if (!pool) return { code: 'POOL_UNKNOWN', detail: `There is no pool ${order.pool}.`, field: '/poolId' };
  const { race } = pool;
  if (race.status === 'CLOSED' || x.at > race.scheduledStop)
    return { code: 'POOL_CLOSED', detail: `Betting on ${pool.id} has stopped.`, field: '/poolId' };
  if (race.status !== 'OPEN')
    return {
      code: 'POOL_NOT_OPEN',
      detail: `${pool.id} is ${race.status === 'DRAFT' ? 'not open yet' : 'suspended'}.`,
      field: '/poolId',
    };
  if (pool.currency !== account.currency)
    return { code: 'CURRENCY_MISMATCH', detail: `${pool.id} is in ${pool.currency}.`, field: '/poolId' };
  const selection = readOrder(pool, order.sel);
  if (isRefusal(selection)) return { code: selection.code, detail: selection.message, field: selection.at };
  const out = hasNonRunners(pool) ? refusedOf(pool) : [];
  if (out.length > 0 && (linesWithout(selection, out) !== selection.lines || hasReserveIn(selection, out)))
    return {
      code: 'RUNNER_SCRATCHED',
      detail: `The bet names a scratched runner (${out.join(', ')}).`,
      field: '',
    };
  if (pool.book.standingStake + order.stake > MAX_POOL)
    return { code: 'ABOVE_MAX', detail: `${pool.id} takes ${MAX_POOL} a shard at the most.`, field: '/stake' };
  const sold = soldAs(pool.ruleSet, order, selection);
  return checkStake(pool.ruleSet, sold) ?? sold;
}

function checkStake(rules: RuleSet, { lines, unit, stake }: SoldBet): BetFault | undefined {
  if (lines * unit !== stake)
    return {
      code: 'LINES_MISMATCH',
      detail: `${lines} lines at ${unit} cost ${lines * unit}, not ${stake}.`,
      field: '/stake',
    };
  const min = rules.minStakeMinor ?? 1;
  if (unit < min) return { code: 'BELOW_MIN', detail: `The lowest stake a line is ${min}.`, field: '/unitStake' };
  const multiple = rules.unitMultipleMinor ?? 1;
  if (unit % multiple !== 0)
    return { code: 'STAKE_NOT_MULTIPLE', detail: `Stakes a line are multiples of ${multiple}.`, field: '/unitStake' };
  return undefined;
}

function checkMoney(account: Account, total: number, at: number): ShardDecision | undefined {
  const { limits } = account;
  if (limits.ticketMax !== undefined && total > limits.ticketMax)
    return refuse('PLAYER_LIMIT_STAKE', `The account's limit a ticket is ${limits.ticketMax}.`, '/bets');
  const staked = account.day === Math.floor(at / DAY_MS) ? account.dayStaked : 0;
  if (limits.dayStake !== undefined && staked + total > limits.dayStake)
    return refuse(
      'PLAYER_LIMIT_STAKE',
      `The account's limit a day is ${limits.dayStake}; ${staked} is staked today.`,
      '/bets',
    );
  if (total > account.balance)
    return refuse('INSUFFICIENT_FUNDS', `The ticket costs ${total}; ${account.balance} is available.`, '/bets');
  return undefined;
}

/** ALL is everybody who still runs; the canonical text spells them out. */
function readOrder(pool: ShardPool, text: string): ReadSelection | ToteRefusal {
  if (!text.includes('ALL')) return findSelection(pool, text);
  const running = ({ field, scratched }: ShardRace): Field => ({ ...field, scratched });
  const field = pool.legs === null ? running(pool.race) : { declared: [], legs: pool.legs.map(running) };
  return readSelection(pool.type, text, field, pool.ruleSet);
}

/** The selection as the pool's book knows it, or read afresh; deciding must not touch the book. */
function findSelection(pool: ShardPool, text: string): ReadSelection | ToteRefusal {
  const known = pool.book.byText.get(text);
  if (known !== undefined) return pool.book.selections[known] as ReadSelection;
  return readSelection(pool.type, text, pool.field, pool.ruleSet);
}

function cancelTicket(s: ShardState, c: Extract<ShardCommand, { type: 'CancelTicket' }>, x: Context): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  const seq = Number(c.ticket.split('-')[1]);
  const bets: { pool: string; i: number; no: number; amount: number }[] = [];
  let refund = 0;
  for (const pool of s.pools.values()) {
    if (pool.done) continue;
    for (const i of betsOfTicket(s, pool.book, seq, c.ticket)) {
      if (betAccount(pool.book, i) !== account.index)
        return refuse('TICKET_UNKNOWN', `There is no ticket ${c.ticket} of this account.`);
      const no = refuseCancel(pool, i, x);
      if (no) return no;
      const amount = betStake(pool.book, i);
      bets.push({ pool: pool.id, i, no: betNumber(pool.book, i), amount });
      refund += amount;
    }
  }
  if (bets.length === 0) return refuse('TICKET_UNKNOWN', `There is no open ticket ${c.ticket} of this account.`);
  const posts: Posting[] = [[`acc:${c.account}`, refund]];
  for (const bet of bets) posts.push([`pool:${bet.pool}`, -bet.amount]);
  const { ticket, account: id, reason, by } = c;
  return {
    events: [{ t: 'TicketCancelled', ticket, account: id, reason, by, balance: account.balance + refund, bets }],
    posts,
  };
}

function betsOfTicket(s: ShardState, book: Book, seq: number, ticket: string): number[] {
  const found: number[] = [];
  for (let i = firstBetOf(book, seq); i >= 0 && i < book.size && betSeq(book, i) === seq; i++) {
    if (ticketOf(s, book, i) === ticket) found.push(i);
  }
  return found;
}

function refuseCancel(pool: ShardPool, i: number, x: Context): ShardDecision | undefined {
  const { race } = pool;
  if (race.status === 'CLOSED' || x.at > race.scheduledStop)
    return refuse('CANCEL_TOO_LATE', `Betting on ${pool.id} has stopped: its bets stand.`);
  const windowMs = pool.ruleSet.cancelWindowMs ?? 0;
  if (x.at - betAt(pool.book, i) > windowMs)
    return refuse('CANCEL_TOO_LATE', `Bets on ${pool.id} may be cancelled for ${windowMs / 1000} s after the sale.`);
  if (betStatus(pool.book, i) !== BET.ACTIVE)
    return refuse('TICKET_NOT_OPEN', 'A bet of the ticket was cancelled or refunded before.');
  return undefined;
}

function abandonRef(s: ShardState, c: { account: string; ref: string }, x: Context): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  const answered = answerRef(s, account, readRef(c.ref), x, Number.NaN);
  if (!answered && hasTooManyRefs(account, x.at)) return tooManyRefs();
  if (!answered) return { events: [{ t: 'RefBurnt', account: c.account, ref: c.ref }], posts: [] };
  if (answered.code !== 'IDEMPOTENCY_BODY_MISMATCH') return answered;
  const taken = findRef(s.refs, account.index, refOf(c.ref));
  return { ...refuse<ShardEvent>('REPLAY', 'This ticketRef was answered before.'), of: taken?.seq ?? 0 };
}

const hasTooManyRefs = (account: Account, at: number): boolean =>
  account.hourRefs >= MAX_HOUR_REFS && account.hour === Math.floor(at / HOUR_MS);

/** Takes no reference, so that it may be sent again in the next hour. */
const tooManyRefs = (): ShardDecision =>
  refuse('TOO_MANY_REFS', `An account may use ${MAX_HOUR_REFS} references an hour.`, '/ticketRef');

/** Versions only rise: limits sent again later, by whoever can write to the log, would lift newer ones. */
function setLimits(s: ShardState, c: Extract<ShardCommand, { type: 'SetLimits' }>): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  if (c.version <= account.limitsVersion)
    return refuse('LIMITS_OUTDATED', `The account has limits of version ${account.limitsVersion}.`, '/version');
  return { events: [{ t: 'LimitsSet', account: c.account, limits: c.limits, version: c.version }], posts: [] };
}

function moveMoney(s: ShardState, c: Extract<ShardCommand, { type: 'Deposit' | 'Withdraw' }>): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  const signed = c.type === 'Deposit' ? c.amount : -c.amount;
  const known = s.moneyRefs.get(moneyRef(account, c.ref));
  if (known) {
    if (known.amount !== signed)
      return refuse('IDEMPOTENCY_BODY_MISMATCH', 'This ref was used with another amount.', '/ref');
    return { ...refuse<ShardEvent>('REPLAY', 'This ref was answered before.'), of: known.seq };
  }
  if (account.moneyRefs >= MAX_MONEY_REFS)
    return refuse('TOO_MANY_REFS', 'The account has too many deposits and withdrawals.');
  const balance = account.balance + signed;
  if (balance < 0) return refuse('INSUFFICIENT_FUNDS', `${account.balance} is available.`, '/amount');
  if (balance > MAX_BALANCE) return refuse('ABOVE_MAX', `An account holds ${MAX_BALANCE} at the most.`, '/amount');
  const kind = c.type === 'Deposit' ? 'DEPOSIT' : 'WITHDRAWAL';
  return {
    events: [{ t: 'MoneyMoved', kind, account: c.account, ref: c.ref, amount: c.amount, balance }],
    posts: [
      [`acc:${c.account}`, signed],
      ['cash', -signed],
    ],
  };
}

function applyFact(s: ShardState, n: number, fact: MarketFact): ShardDecision {
  if (n <= s.factNo) return refuse('ALREADY_APPLIED', `Market fact ${n} was applied before.`);
  if (n > s.factNo + 1) return refuse('RELAY_GAP', `Market fact ${s.factNo + 1} is missing before ${n}.`);
  return { events: [{ t: 'FactApplied', n, fact }], posts: [] };
}

// ── Bulk work ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Closes go first, or a seal would wait for another race's payments; within one pool the order stands. */
function jobAtWork(s: ShardState): Job | undefined {
  const close = s.jobs.find((job) => job.kind === 'CLOSE');
  return close ? s.jobs.find((job) => job.pool === close.pool) : s.jobs[0];
}

function step(s: ShardState, id: number, cursor: number, hash: Hash): ShardDecision {
  const job = jobAtWork(s);
  if (!job || job.id !== id || job.cursor !== cursor) return refuse('CURSOR_STALE', 'That step was done before.');
  const pool = poolOf(s, job.pool);
  switch (job.kind) {
    case 'CLOSE':
    case 'RETURN':
    case 'REFUND':
      return refundStep(s, pool, job, hash);
    case 'COUNT':
      return countStep(s, pool, job);
    case 'PAY':
      return payStep(s, pool, job);
    case 'WEIGH':
      return weighStep(s, pool, job);
    case 'CORRECT':
      return correctStep(s, pool, job);
    default:
      return job satisfies never;
  }
}

type RefundJob = Extract<Job, { kind: 'CLOSE' | 'RETURN' | 'REFUND' }>;

function refundStep(s: ShardState, pool: ShardPool, job: RefundJob, hash: Hash): ShardDecision {
  const cause = job.kind === 'CLOSE' ? 'AFTER_STOP' : job.cause;
  let root = job.kind === 'REFUND' ? job.root : '';
  const { items, cursor, posts } = sweep(s, pool, job, refunds(pool, cause));
  if (job.kind === 'REFUND') for (const item of items) root = hash(`${root}|${item.ticket}|${item.no}|${item.amount}`);
  const events: ShardEvent[] = [];
  if (items.length > 0 || cursor < pool.book.size)
    events.push({ t: 'BetsRefunded', job: job.id, pool: pool.id, cause, cursor, items, root });
  if (cursor < pool.book.size) return { events, posts };
  const report = refundReport(pool, job, items, root, hash);
  if (report) events.push({ t: 'Report', n: s.reportNo + 1, report });
  events.push({ t: 'JobEnded', job: job.id });
  return { events, posts };
}

/** What each bet gets back for this cause. */
function refunds(pool: ShardPool, cause: RefundCause): AmountOf {
  const { book, race } = pool;
  const stakeOf = (i: number): number => betStake(book, i);
  switch (cause) {
    case 'AFTER_STOP':
    case 'AFTER_OFF': {
      const late = Math.min(race.stopAt, race.offAt);
      return { of: (i) => (betAt(book, i) > late ? stakeOf(i) : 0) };
    }
    case 'SCRATCHED': {
      const out = outOf(pool);
      const kept = keptNonRunners(pool.ruleSet);
      const left = perSelection(book, 1, (selection) => linesWithout(selection, out, kept));
      return {
        of: (i) => stakeOf(i) - Math.min(stakeOf(i), left.of(betSelection(book, i)) * betUnit(book, i)),
        work: () => left.work,
      };
    }
    case 'RACE_VOID':
    case 'POOL_REFUNDED':
      return { of: stakeOf };
    default:
      return cause satisfies never;
  }
}

function refundReport(
  pool: ShardPool,
  job: RefundJob,
  items: readonly BetMovement[],
  root: string,
  hash: Hash,
): ShardReport | undefined {
  const { book, race } = pool;
  let gone = 0;
  let amount = 0;
  for (const item of items) {
    amount += item.amount;
    if (item.amount === betStake(book, item.i)) gone++;
  }
  if (job.kind === 'CLOSE') {
    return {
      t: 'Seal',
      pool: pool.id,
      closeNo: race.closeNo,
      lastSeq: job.markerSeq - 1,
      markerAt: job.markerAt,
      bets: book.standingBets - gone,
      stake: book.standingStake - amount,
      withdrawnBets: book.withdrawnBets + gone,
      withdrawnStake: book.withdrawnStake + amount,
      voidedBets: book.voidedBets + gone,
      voidedStake: book.voidedStake + amount,
      leaves: book.frontier.count,
      root: rootOf(hash, book.frontier),
    };
  }
  if (job.kind === 'RETURN') {
    const refunded = job.refunded + amount;
    return {
      t: 'Paid',
      pool: pool.id,
      version: job.version,
      wonStake: 0,
      paid: 0,
      refunded,
      winners: 0,
      clearing: book.standingStake - refunded,
    };
  }
  if (!pool.sealed) return undefined;
  return {
    t: 'Refund',
    pool: pool.id,
    closeNo: race.closeNo,
    cause: job.cause,
    bets: job.bets + gone,
    amount: job.amount + amount,
    root,
  };
}

function countStep(s: ShardState, pool: ShardPool, job: Extract<Job, { kind: 'COUNT' }>): ShardDecision {
  const { book } = pool;
  const stakes = [...job.stakes];
  const bets = [...job.bets];
  const end = Math.min(book.size, job.cursor + STEP_SCAN);
  const matched = matcher(pool, job.keys);
  let i = job.cursor;
  for (; i < end && matched.work < STEP_MATCHES; i++) {
    if (betStatus(book, i) !== BET.ACTIVE) continue;
    const lines = matched.of(betSelection(book, i));
    for (let k = 0; k < lines.length; k++) {
      const won = lines[k] as number;
      if (won === 0) continue;
      stakes[k] = (stakes[k] as number) + won * betUnit(book, i);
      bets[k] = (bets[k] as number) + 1;
    }
  }
  const counted: ShardEvent = { t: 'StakesCounted', job: job.id, cursor: i, stakes, bets };
  if (i < book.size) return { events: [counted], posts: [] };
  const keys = job.keys.map((c, k) => ({ c, stake: stakes[k] as number, bets: bets[k] as number }));
  const report = countReport(pool, job, keys);
  return {
    events: [counted, { t: 'Report', n: s.reportNo + 1, report }, { t: 'JobEnded', job: job.id }],
    posts: [],
  };
}

function countReport(
  { id, book, settled }: ShardPool,
  { ask, version }: CountJob,
  keys: readonly { readonly c: string; readonly stake: number; readonly bets: number }[],
): ShardReport {
  const stake = book.standingStake;
  if (ask === 'RESULT')
    return { t: 'Stakes', pool: id, version, stake, ...(settled === null ? {} : { settled: settled.total }), keys };
  if (ask === 'WILL_PAY') return { t: 'WillPay', pool: id, no: version, stake, keys };
  return { t: 'Backing', pool: id, closeNo: version, stakes: keys.map((key) => ({ c: key.c, stake: key.stake })) };
}

function payStep(s: ShardState, pool: ShardPool, job: Extract<Job, { kind: 'PAY' }>): ShardDecision {
  const { book } = pool;
  const payouts = payoutsOf(pool, job.prices);
  const { items, cursor, posts } = sweep(s, pool, job, payouts);
  const paidNow = items.reduce((sum, item) => sum + item.amount, 0);
  const { id, version } = job;
  const { wonStake } = payouts;
  const events: ShardEvent[] = [{ t: 'BetsPaid', job: id, pool: pool.id, version, cursor, wonStake, items }];
  if (cursor < book.size) return { events, posts };
  const paid = job.paid + paidNow;
  const report: ShardReport = {
    t: 'Paid',
    pool: pool.id,
    version,
    wonStake: job.wonStake + wonStake,
    paid,
    refunded: 0,
    winners: job.winners + items.length,
    clearing: book.standingStake - paid,
  };
  events.push({ t: 'Report', n: s.reportNo + 1, report }, { t: 'JobEnded', job: job.id });
  return { events, posts };
}

/** What each bet is paid at these prices; `wonStake` is the winning stake of those asked for, once for each price it is paid. */
function payoutsOf(
  pool: ShardPool,
  prices: readonly DeclaredPrice[],
): Required<AmountOf> & { readonly wonStake: number } {
  const { book, ruleSet } = pool;
  const matched = matcher(
    pool,
    prices.map((p) => p.c),
  );
  const payouts = {
    wonStake: 0,
    work: () => matched.work,
    of: (i: number): number => {
      const lines = matched.of(betSelection(book, i));
      let amount = 0;
      for (let k = 0; k < lines.length; k++) {
        const won = (lines[k] as number) * betUnit(book, i);
        if (won === 0) continue;
        payouts.wonStake += won;
        amount += payoutMinor(ruleSet, (prices[k] as DeclaredPrice).price, won);
      }
      return amount;
    },
  };
  return payouts;
}

function weighStep(s: ShardState, pool: ShardPool, job: Extract<Job, { kind: 'WEIGH' }>): ShardDecision {
  const found = differences(s, pool, job);
  const sums = { ...job.sums };
  for (const { amount, net = 0, was, due } of found.items) {
    sums.bets += 1;
    sums.toPay += Math.max(0, amount);
    sums.toTakeBack += Math.max(0, -amount);
    sums.short += Math.max(0, -net);
    sums.kept += amount - (due - was);
  }
  const { cursor } = found;
  const weighed: ShardEvent = { t: 'BetsWeighed', job: job.id, cursor, sums };
  if (cursor < pool.book.size) return { events: [weighed], posts: [] };
  const report: ShardReport = { t: 'Weighed', pool: pool.id, ask: job.ask, ...sums };
  return {
    events: [weighed, { t: 'Report', n: s.reportNo + 1, report }, { t: 'JobEnded', job: job.id }],
    posts: [],
  };
}

function correctStep(s: ShardState, pool: ShardPool, job: Extract<Job, { kind: 'CORRECT' }>): ShardDecision {
  const { book } = pool;
  const { id, version, outcome } = job;
  const { items, cursor, posts, ...sums } = differences(s, pool, job);
  const step = { job: id, pool: pool.id, version, outcome, cursor };
  const events: ShardEvent[] = [{ t: 'BetsCorrected', ...step, ...sums, items }];
  if (cursor < book.size) return { events, posts };
  const due = job.due + sums.due;
  const refunds = outcome === 'REFUND';
  const report: ShardReport = {
    ...{ t: 'Paid', pool: pool.id, version, wonStake: job.wonStake + sums.wonStake },
    ...{ paid: refunds ? 0 : due, refunded: refunds ? due : 0, winners: job.winners + sums.winners },
    clearing: book.standingStake - due,
  };
  events.push({ t: 'Report', n: s.reportNo + 1, report }, { t: 'JobEnded', job: id });
  return { events, posts };
}

/**
 * Goes over the book from the job's cursor on: every bet whose due changes, with what its account gets or gives back for it. A bet
 * that no longer stands, as its runner was scratched after it was paid, is due nothing.
 */
function differences(
  s: ShardState,
  pool: ShardPool,
  job: Extract<Job, { kind: 'WEIGH' | 'CORRECT' }>,
): { items: BetCorrection[]; cursor: number; posts: Posting[]; wonStake: number; due: number; winners: number } {
  const { book, settled, ruleSet } = pool;
  const refunds = job.outcome === 'REFUND';
  const payouts = payoutsOf(pool, refunds ? [] : job.prices);
  const purse = new Purse(s, pool.id);
  const items: BetCorrection[] = [];
  const end = Math.min(book.size, job.cursor + STEP_SCAN);
  let [dueNow, winners, i] = [0, 0, job.cursor];
  for (; i < end && items.length < STEP_ITEMS && payouts.work() < STEP_MATCHES; i++) {
    const stands = betStatus(book, i) === BET.ACTIVE;
    const held = heldOf(settled, i);
    const due = !stands ? 0 : refunds ? betStake(book, i) : payouts.of(i);
    dueNow += due;
    if (due > 0) winners++;
    const { amount, over } = differenceOf(ruleSet.corrections ?? 'CLAWBACK', held.due + held.over, due);
    if (due === held.due && over === held.over) continue;
    const moved = purse.settle(betAccount(book, i), amount, held.due - due);
    items.push({ i, ticket: ticketOf(s, book, i), no: betNumber(book, i), amount, ...moved, was: held.due, due });
  }
  const sums = { wonStake: payouts.wonStake, due: dueNow, winners: refunds ? 0 : winners };
  return { items, cursor: i, posts: purse.postings(), ...sums };
}

/** The accounts that a step pays or takes back from, each as it is after the movements before. */
class Purse {
  readonly #accounts = new Map<number, { readonly balance: number; readonly owed: number }>();
  readonly #posts: Posting[] = [];
  #pool = 0;
  #house = 0;

  constructor(
    private readonly s: ShardState,
    private readonly pool: string,
  ) {}

  /** The pool gives `-poolSide`; the bettor gets `amount` of it, and the operator's account of corrections takes or bears the rest. */
  settle(index: number, amount: number, poolSide = -amount): Pick<BetMovement, 'account' | 'balance' | 'net'> {
    const { id, ...known } = this.s.accountAt[index] as Account;
    const { balance, owed, net } = settleAccount(this.#accounts.get(index) ?? known, amount);
    this.#accounts.set(index, { balance, owed });
    this.#pool += poolSide;
    this.#house -= poolSide + amount;
    if (amount !== net) this.#posts.push([`acc:${id}`, amount - net]);
    if (net !== 0) this.#posts.push([`owed:${id}`, net]);
    return { account: id, balance, ...(net === 0 ? {} : { net }) };
  }

  refund(index: number, amount: number): Pick<BetMovement, 'account' | 'balance'> {
    const { id, ...known } = this.s.accountAt[index] as Account;
    const { balance, owed } = this.#accounts.get(index) ?? known;
    this.#accounts.set(index, { balance: balance + amount, owed });
    this.#pool -= amount;
    this.#posts.push([`acc:${id}`, amount]);
    return { account: id, balance: balance + amount };
  }

  postings(): Posting[] {
    const posts: Posting[] = [
      [`pool:${this.pool}`, this.#pool],
      ['house:correction', this.#house],
    ];
    return [...posts.filter(([, amount]) => amount !== 0), ...this.#posts];
  }
}

/** What a step moves for the bet at an index of the book, and how much matching that has cost so far. */
interface AmountOf {
  of(i: number): number;
  work?(): number;
}

/** Goes over the standing bets from the job's cursor on and moves money from the pool to their accounts, within a step's bounds. */
function sweep(
  s: ShardState,
  pool: ShardPool,
  job: Job,
  amounts: AmountOf,
): { items: BetMovement[]; cursor: number; posts: Posting[] } {
  const { book } = pool;
  const purse = new Purse(s, pool.id);
  const items: BetMovement[] = [];
  const end = Math.min(book.size, job.cursor + STEP_SCAN);
  let i = job.cursor;
  for (; i < end && items.length < STEP_ITEMS && (amounts.work?.() ?? 0) < STEP_MATCHES; i++) {
    if (betStatus(book, i) !== BET.ACTIVE) continue;
    const amount = amounts.of(i);
    if (amount === 0) continue;
    const index = betAccount(book, i);
    // A stake given back is the bettor's own; what is owed is kept back from winnings alone.
    const { account, ...moved } = job.kind === 'PAY' ? purse.settle(index, amount) : purse.refund(index, amount);
    items.push({ i, ticket: ticketOf(s, book, i), no: betNumber(book, i), account, amount, ...moved });
  }
  return { items, cursor: i, posts: purse.postings() };
}

/** Lines of a selection on each key, those with a scratched runner left out where the pool has no rank for them. */
function matcher(pool: ShardPool, keys: readonly string[]): PerSelection<readonly number[]> {
  const kept = keptNonRunners(pool.ruleSet);
  const out = outOf(pool);
  const counters = keys.map((key) => lineCounter(pool.type, key, out, kept));
  return perSelection(pool.book, keys.length, (selection) => counters.map((count) => count(selection)));
}

interface PerSelection<T> {
  of(selection: number): T;
  /** What was worked out so far, in matches. */
  work: number;
}

/** Works something out once per distinct selection of a book: bets by the thousand share a few hundred of them. */
function perSelection<T>(book: Book, cost: number, workOut: (selection: ReadSelection) => T): PerSelection<T> {
  const known = new Map<number, T>();
  const memo: PerSelection<T> = {
    work: 0,
    of: (selection) => {
      const found = known.get(selection);
      if (found !== undefined) return found;
      const fresh = workOut(book.selections[selection] as ReadSelection);
      known.set(selection, fresh);
      memo.work += cost;
      return fresh;
    },
  };
  return memo;
}

// ── Look-ups ─────────────────────────────────────────────────────────────────────────────────────

const ticketOf = (s: ShardState, book: Book, i: number): string =>
  `t${s.shard}-${betSeq(book, i)}-${betSuffix(book, i).toString(16).padStart(SUFFIX_DIGITS, '0')}`;

/** What a scratch takes out of this pool: a coupled runner's bets stand while a part of its entry runs. */
function outOf({ race, legs, outAtClose, ruleSet }: ShardPool): readonly string[] {
  if (legs !== null) return givenBack(ruleSet, legs, outAtClose);
  return scratchedInterests({ ...race.field, scratched: race.scratched }, ruleSet.coupling);
}

/** Asked for every bet: most races have none. */
const hasNonRunners = ({ race, legs }: ShardPool): boolean =>
  legs === null ? race.scratched.length > 0 : legs.some(({ scratched }) => scratched.length > 0);

/** Who may not be named in a new bet, whatever becomes of those in earlier ones. */
const refusedOf = (pool: ShardPool): readonly string[] =>
  pool.legs === null ? outOf(pool) : notRunning(pool.ruleSet, pool.legs);

const hasReserveIn = ({ legs }: ReadSelection, out: readonly string[]): boolean =>
  legs?.alternates?.some((reserve, leg) => reserve !== null && out.includes(`${leg + 1}:${reserve}`)) ?? false;

/** By index, not by name: no two accounts can share a key whatever their names hold. */
const moneyRef = (account: Account, ref: string): string => `${account.index} ${ref}`;

function accountOf(s: ShardState, id: string): Account {
  const account = s.accounts.get(id);
  assert(account !== undefined, () => `account ${id} is not in shard ${s.shard}`);
  return account;
}

function poolOf(s: ShardState, id: string): ShardPool {
  const pool = s.pools.get(id);
  assert(pool !== undefined, () => `pool ${id} is not known to shard ${s.shard}`);
  return pool;
}

function raceOf(s: ShardState, id: string): ShardRace {
  const race = s.races.get(id);
  assert(race !== undefined, () => `race ${id} is not known to shard ${s.shard}`);
  return race;
}

function refOf(text: string): Ref {
  const ref = readRef(text);
  assert(ref !== undefined, () => `a recorded reference no longer reads: ${text}`);
  return ref;
}

function jobOf<K extends Job['kind']>(s: ShardState, id: number, kind: K): Extract<Job, { kind: K }> {
  const job = s.jobs.find((j) => j.id === id);
  assert(job !== undefined && job.kind === kind, () => `job ${id} is not a ${kind} job of shard ${s.shard}`);
  return job as Extract<Job, { kind: K }>;
}

function unknownAccount(s: ShardState, id: string): ShardDecision {
  if (shardOf(id, s.shards) !== s.shard) return wrongShard(id);
  return refuse('ACCOUNT_UNKNOWN', `There is no account ${id}.`, '/accountId');
}

const wrongShard = (id: string): ShardDecision =>
  refuse('WRONG_SHARD', `Account ${id} belongs to another shard; the same reference may be sent there.`);

// ── Image ────────────────────────────────────────────────────────────────────────────────────────────────────────

interface ShardImage extends Omit<ShardState, 'accounts' | 'accountAt' | 'moneyRefs' | 'races' | 'pools' | 'refs'> {
  readonly races: readonly ShardRace[];
  readonly pools: readonly (Omit<ShardPool, 'race' | 'legs' | 'field' | 'book' | 'settled'> & {
    readonly race: string;
    readonly legs: readonly string[] | null;
    readonly book: BookImage;
    readonly settled: SettledImage;
  })[];
  readonly refs: RefsImage;
}

type AccountRow = readonly [
  id: string,
  currency: string,
  limits: Limits,
  balance: number,
  owed: number,
  limitsVersion: number,
  day: number,
  dayStaked: number,
  hour: number,
  hourRefs: number,
  moneyRefs: number,
];
type MoneyRow = readonly [key: string, seq: number, amount: number];

/** The large tables as rows of plain JSON, everything else canonical; then the memory of books and references. */
function imageOf(s: ShardState): StateImage {
  const { accounts: _, accountAt, moneyRefs, races, pools, refs, ...rest } = s;
  const books = [...pools.values()].map(({ book }) => bookImage(book));
  const settlements = [...pools.values()].map(({ settled }) => settledImage(settled));
  const references = refsImage(refs);
  const small: ShardImage = {
    ...rest,
    races: [...races.values()],
    pools: [...pools.values()].map(({ field: _field, ...pool }, i) => ({
      ...pool,
      race: pool.race.id,
      legs: pool.legs?.map(({ id }) => id) ?? null,
      book: (books[i] as (typeof books)[number]).small,
      settled: (settlements[i] as (typeof settlements)[number]).small,
    })),
    refs: references.small,
  };
  const accountRows = accountAt.map(
    (a): AccountRow => [
      ...([a.id, a.currency, a.limits, a.balance, a.owed, a.limitsVersion] as const),
      ...([a.day, a.dayStaked, a.hour, a.hourRefs, a.moneyRefs] as const),
    ],
  );
  const moneyRows = [...moneyRefs].map(([key, { seq, amount }]): MoneyRow => [key, seq, amount]);
  return {
    text: `[${canonical(small)},${JSON.stringify(accountRows)},${JSON.stringify(moneyRows)}]`,
    parts: [...books.map(({ rows }) => rows), ...settlements.flatMap((one) => one.parts), ...references.rows],
  };
}

function restore({ text, parts }: StateImage): ShardState {
  const [small, accountRows, moneyRows] = JSON.parse(text) as [ShardImage, AccountRow[], MoneyRow[]];
  const { races, pools: poolRows, refs, ...rest } = small;
  const accountAt = accountRows.map(accountFrom);
  const raceOfId = new Map(races.map((race) => [race.id, race]));
  const others = parts.slice(poolRows.length);
  const pools = poolRows.map(({ race: raceId, legs: legIds, book, settled, ...row }, i): ShardPool => {
    const race = raceOfId.get(raceId) as ShardRace;
    const legs = legIds?.map((id) => raceOfId.get(id) as ShardRace) ?? null;
    const own = { race, legs, field: fieldOf(race, legs), settled: restoreSettled(settled, others) };
    const pool: ShardPool = { ...row, ...own, book: emptyBook() };
    pool.book = restoreBook(book, parts[i] as Uint8Array, (sel) => readAccepted(pool, sel));
    return pool;
  });
  return {
    ...rest,
    accounts: new Map(accountAt.map((account) => [account.id, account])),
    accountAt,
    moneyRefs: new Map(moneyRows.map(([key, seq, amount]) => [key, { seq, amount }])),
    races: raceOfId,
    pools: new Map(pools.map((pool) => [pool.id, pool])),
    refs: restoreRefs(refs, others),
  };
}

function accountFrom(row: AccountRow, index: number): Account {
  const [id, currency, limits, balance, owed, limitsVersion, day, dayStaked, hour, hourRefs, moneyRefs] = row;
  return { id, index, currency, balance, owed, limits, limitsVersion, day, dayStaked, hour, hourRefs, moneyRefs };
}

/**
 * The open bets of one pool in one shard, in packed columns: millions of small objects would make a major collection break the
 * p99. Bets stand in order of acceptance, so tickets are found by binary search. A bet never moves.
 */
import type { ReadSelection } from '#mutuel/tote';
import { emptyFrontier, type Frontier } from './merkle.js';

export const BET = { ACTIVE: 0, CANCELLED: 1, VOIDED: 2, REFUNDED: 3, PAID: 4 } as const;
export type BetStatus = (typeof BET)[keyof typeof BET];

export interface Book {
  size: number;
  /** Sequence number of the ticket's decision. */
  seq: Float64Array;
  /** The bet's number inside its ticket, from 0. */
  betNo: Uint16Array;
  /** Index into the shard's account list. */
  account: Uint32Array;
  /** Index into `selections`. */
  selection: Uint32Array;
  unit: Float64Array;
  /** What still stands of the stake, minor units. */
  stake: Float64Array;
  at: Float64Array;
  status: Uint8Array;
  /** Distinct selections in order of first use; `byText` is their index. */
  readonly selections: ReadSelection[];
  readonly byText: Map<string, number>;
  /** The random end of each bet's ticket id, 48 bits; beside `seq` it makes the id. */
  suffix: Float64Array;
  readonly frontier: Frontier;
  standingBets: number;
  standingStake: number;
  withdrawnBets: number;
  withdrawnStake: number;
  voidedBets: number;
  voidedStake: number;
}

const FIRST_CAPACITY = 64;

export function emptyBook(): Book {
  return {
    size: 0,
    seq: new Float64Array(FIRST_CAPACITY),
    betNo: new Uint16Array(FIRST_CAPACITY),
    account: new Uint32Array(FIRST_CAPACITY),
    selection: new Uint32Array(FIRST_CAPACITY),
    unit: new Float64Array(FIRST_CAPACITY),
    stake: new Float64Array(FIRST_CAPACITY),
    at: new Float64Array(FIRST_CAPACITY),
    status: new Uint8Array(FIRST_CAPACITY),
    selections: [],
    byText: new Map(),
    suffix: new Float64Array(FIRST_CAPACITY),
    frontier: emptyFrontier(),
    standingBets: 0,
    standingStake: 0,
    withdrawnBets: 0,
    withdrawnStake: 0,
    voidedBets: 0,
    voidedStake: 0,
  };
}

export interface NewBet {
  readonly seq: number;
  readonly betNo: number;
  readonly account: number;
  readonly selection: number;
  readonly unit: number;
  readonly stake: number;
  readonly at: number;
  readonly suffix: number;
}

export function addBet(book: Book, bet: NewBet): void {
  if (book.size === book.seq.length) grow(book);
  const i = book.size++;
  book.seq[i] = bet.seq;
  book.betNo[i] = bet.betNo;
  book.account[i] = bet.account;
  book.selection[i] = bet.selection;
  book.unit[i] = bet.unit;
  book.stake[i] = bet.stake;
  book.at[i] = bet.at;
  book.suffix[i] = bet.suffix;
  book.standingBets++;
  book.standingStake += bet.stake;
}

/** The index of the ticket's first bet in this book, or -1. */
export function firstBetOf(book: Book, seq: number): number {
  let low = 0;
  let high = book.size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((book.seq[middle] as number) < seq) low = middle + 1;
    else high = middle;
  }
  return low < book.size && book.seq[low] === seq ? low : -1;
}

/** The index of the first bet appended later than `at`. Looks at each: a log's clock may be set back, so times may fall. */
export function firstBetAfter(book: Book, at: number): number {
  let i = 0;
  while (i < book.size && (book.at[i] as number) <= at) i++;
  return i;
}

/** Takes `amount` off a bet's standing stake; a bet left with nothing gets `status`. */
export function reduceBet(book: Book, i: number, amount: number, status: BetStatus): void {
  const left = (book.stake[i] as number) - amount;
  book.stake[i] = left;
  book.standingStake -= amount;
  if (left === 0) {
    book.status[i] = status;
    book.standingBets--;
  }
}

export function describeBook(book: Book): unknown {
  const cut = <T extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(column: T): number[] =>
    Array.from(column.subarray(0, book.size));
  return {
    seq: cut(book.seq),
    betNo: cut(book.betNo),
    account: cut(book.account),
    selection: cut(book.selection),
    unit: cut(book.unit),
    stake: cut(book.stake),
    at: cut(book.at),
    status: cut(book.status),
    selections: book.selections.map((s) => s.text),
    suffix: cut(book.suffix),
    frontier: book.frontier,
    standing: [book.standingBets, book.standingStake],
    withdrawn: [book.withdrawnBets, book.withdrawnStake],
    voided: [book.voidedBets, book.voidedStake],
  };
}

function grow(book: Book): void {
  const capacity = book.seq.length * 2;
  const wider = <T extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(next: T, old: T): T => {
    next.set(old);
    return next;
  };
  book.seq = wider(new Float64Array(capacity), book.seq);
  book.betNo = wider(new Uint16Array(capacity), book.betNo);
  book.account = wider(new Uint32Array(capacity), book.account);
  book.selection = wider(new Uint32Array(capacity), book.selection);
  book.unit = wider(new Float64Array(capacity), book.unit);
  book.stake = wider(new Float64Array(capacity), book.stake);
  book.suffix = wider(new Float64Array(capacity), book.suffix);
  book.at = wider(new Float64Array(capacity), book.at);
  book.status = wider(new Uint8Array(capacity), book.status);
}

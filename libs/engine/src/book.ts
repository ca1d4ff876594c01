/**
 * The open bets of one pool in one shard, in packed rows: millions of small objects would make a major collection break the p99,
 * and a row of 56 bytes costs a bet one or two cache lines where columns cost nine. Bets stand in order of acceptance, so
 * tickets are found by binary search. A bet never moves.
 */
import type { ReadSelection } from '#mutuel/tote';
import { emptyFrontier, type Frontier } from './merkle.js';

export const BET = { ACTIVE: 0, CANCELLED: 1, VOIDED: 2, REFUNDED: 3 } as const;
export type BetStatus = (typeof BET)[keyof typeof BET];

export interface Book {
  size: number;
  /** The rows, seen as doubles and as 32-bit integers over the same memory. */
  doubles: Float64Array;
  words: Uint32Array;
  /** Distinct selections in order of first use; `byText` is their index. */
  readonly selections: ReadSelection[];
  readonly byText: Map<string, number>;
  readonly frontier: Frontier;
  standingBets: number;
  standingStake: number;
  withdrawnBets: number;
  withdrawnStake: number;
  voidedBets: number;
  voidedStake: number;
}

/** One row: five doubles, then four words. */
const ROW_DOUBLES = 7;
const ROW_WORDS = 14;
const SEQ = 0;
const UNIT = 1;
const STAKE = 2;
const AT = 3;
const SUFFIX = 4;
const ACCOUNT = 10;
const SELECTION = 11;
const BET_NO = 12;
const STATUS = 13;
const FIRST_CAPACITY = 32;

export function emptyBook(): Book {
  const doubles = new Float64Array(FIRST_CAPACITY * ROW_DOUBLES);
  return {
    size: 0,
    doubles,
    words: new Uint32Array(doubles.buffer),
    selections: [],
    byText: new Map(),
    frontier: emptyFrontier(),
    standingBets: 0,
    standingStake: 0,
    withdrawnBets: 0,
    withdrawnStake: 0,
    voidedBets: 0,
    voidedStake: 0,
  };
}

/** Sequence number of the ticket's decision. */
export const betSeq = (book: Book, i: number): number => book.doubles[i * ROW_DOUBLES + SEQ] as number;
export const betUnit = (book: Book, i: number): number => book.doubles[i * ROW_DOUBLES + UNIT] as number;
/** What still stands of the stake, minor units. */
export const betStake = (book: Book, i: number): number => book.doubles[i * ROW_DOUBLES + STAKE] as number;
export const betAt = (book: Book, i: number): number => book.doubles[i * ROW_DOUBLES + AT] as number;
/** The random end of the bet's ticket id, 48 bits; beside the sequence number it makes the id. */
export const betSuffix = (book: Book, i: number): number => book.doubles[i * ROW_DOUBLES + SUFFIX] as number;
/** Index into the shard's account list. */
export const betAccount = (book: Book, i: number): number => book.words[i * ROW_WORDS + ACCOUNT] as number;
/** Index into `selections`. */
export const betSelection = (book: Book, i: number): number => book.words[i * ROW_WORDS + SELECTION] as number;
/** The bet's number inside its ticket, from 0. */
export const betNumber = (book: Book, i: number): number => book.words[i * ROW_WORDS + BET_NO] as number;
export const betStatus = (book: Book, i: number): BetStatus => book.words[i * ROW_WORDS + STATUS] as BetStatus;

export function setBetStatus(book: Book, i: number, status: BetStatus): void {
  book.words[i * ROW_WORDS + STATUS] = status;
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
  if ((book.size + 1) * ROW_DOUBLES > book.doubles.length) grow(book);
  const i = book.size++;
  const { doubles, words } = book;
  const d = i * ROW_DOUBLES;
  doubles[d + SEQ] = bet.seq;
  doubles[d + UNIT] = bet.unit;
  doubles[d + STAKE] = bet.stake;
  doubles[d + AT] = bet.at;
  doubles[d + SUFFIX] = bet.suffix;
  const w = i * ROW_WORDS;
  words[w + ACCOUNT] = bet.account;
  words[w + SELECTION] = bet.selection;
  words[w + BET_NO] = bet.betNo;
  words[w + STATUS] = BET.ACTIVE;
  book.standingBets++;
  book.standingStake += bet.stake;
}

/** The index of the ticket's first bet in this book, or -1. */
export function firstBetOf(book: Book, seq: number): number {
  let low = 0;
  let high = book.size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (betSeq(book, middle) < seq) low = middle + 1;
    else high = middle;
  }
  return low < book.size && betSeq(book, low) === seq ? low : -1;
}

/** The index of the first bet appended later than `at`. Looks at each: a log's clock may be set back, so times may fall. */
export function firstBetAfter(book: Book, at: number): number {
  let i = 0;
  while (i < book.size && betAt(book, i) <= at) i++;
  return i;
}

/** Takes `amount` off a bet's standing stake; a bet left with nothing gets `status`. */
export function reduceBet(book: Book, i: number, amount: number, status: BetStatus): void {
  const left = betStake(book, i) - amount;
  book.doubles[i * ROW_DOUBLES + STAKE] = left;
  book.standingStake -= amount;
  if (left === 0) {
    setBetStatus(book, i, status);
    book.standingBets--;
  }
}

/** Gives back the room kept for bets to come: the book takes no more. */
export function packBook(book: Book): void {
  book.doubles = book.doubles.slice(0, book.size * ROW_DOUBLES);
  book.words = new Uint32Array(book.doubles.buffer);
}

/** What an image keeps of a book beside its rows. */
export type BookImage = Omit<Book, 'doubles' | 'words' | 'selections' | 'byText'> & {
  readonly selections: readonly string[];
};

/** The book without its rows, which are handed over as bytes of their own. */
export function bookImage(book: Book): { readonly small: BookImage; readonly rows: Uint8Array } {
  const { doubles, words: _, byText: __, selections, ...small } = book;
  const rows = new Uint8Array(doubles.slice(0, book.size * ROW_DOUBLES).buffer);
  return { small: { ...small, selections: selections.map(({ text }) => text) }, rows };
}

export function restoreBook(small: BookImage, rows: Uint8Array, read: (text: string) => ReadSelection): Book {
  const { selections: texts, ...rest } = small;
  let capacity = FIRST_CAPACITY;
  while (capacity < small.size) capacity *= 2;
  const doubles = new Float64Array(capacity * ROW_DOUBLES);
  new Uint8Array(doubles.buffer).set(rows);
  const byText = new Map(texts.map((text, i) => [text, i]));
  return { ...rest, doubles, words: new Uint32Array(doubles.buffer), selections: texts.map(read), byText };
}

function grow(book: Book): void {
  const wider = new Float64Array(book.doubles.length * 2);
  wider.set(book.doubles);
  book.doubles = wider;
  book.words = new Uint32Array(wider.buffer);
}

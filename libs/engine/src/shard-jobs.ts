/**
 * Bulk work over one pool's book, in steps between the bets: which job is next, how far a step goes, what it moves to whom, and what
 * is left when it ends. A step must stay within its bounds, or bets would wait for it.
 */
import { keptNonRunners, lineCounter, type ReadSelection } from '#mutuel/tote';
import { BET, type Book, betAccount, betNumber, betStatus, emptyBook, packBook } from './book.js';
import { assert, type Posting } from './decider.js';
import type { Weighed } from './facts.js';
import { emptySettled, type Settled, settleAccount } from './settled.js';
import type { BetMovement } from './shard-events.js';
import {
  type Account,
  type Job,
  outOf,
  poolOf,
  poolsOf,
  type ShardPool,
  type ShardState,
  ticketOf,
} from './shard-state.js';

/** Bounds of one bulk step: what it writes (64 KB of items), what it scans, and what it matches (some milliseconds each). */
export const STEP_ITEMS = 500;
export const STEP_SCAN = 20_000;
export const STEP_MATCHES = 5_000;
export const NOTHING_WEIGHED: Weighed = { bets: 0, toPay: 0, toTakeBack: 0, short: 0, kept: 0 };
export type CountJob = Extract<Job, { kind: 'COUNT' }>;
export const isPayment = (job: Job): boolean => job.kind === 'PAY' || job.kind === 'RETURN' || job.kind === 'CORRECT';
type NewJob = Job extends infer J ? (J extends Job ? Omit<J, 'id' | 'cursor'> : never) : never;

export function addJob(s: ShardState, job: NewJob): number {
  const id = ++s.jobNo;
  s.jobs.push({ ...job, id, cursor: 0 } as Job);
  return id;
}

/** Closes go first, or a seal would wait for another race's payments; within one pool the order stands. */
export function jobAtWork(s: ShardState): Job | undefined {
  const close = s.jobs.find((job) => job.kind === 'CLOSE');
  if (close) return s.jobs.find((job) => job.pool === close.pool);
  // What is rolled on has to be there before its race closes.
  return s.jobs.find((job) => job.kind === 'ROLL') ?? s.jobs[0];
}

export function jobEnded(s: ShardState, id: number, at: number): void {
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

/** The pool's settlement so far, begun with its first payment. */
export function settledOf(pool: ShardPool): Settled {
  pool.settled ??= emptySettled(pool.book.size);
  return pool.settled;
}

export function letGo(pool: ShardPool): void {
  pool.book = emptyBook();
  pool.reports.clear();
  pool.settled = null;
}

/** What a step moves for the bet at an index of the book, and how much matching that has cost so far. */
export interface AmountOf {
  of(i: number): number;
  work?(): number;
}

/** Goes over the standing bets from the job's cursor on and moves money from the pool to their accounts, within a step's bounds. */
export function sweep(
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

/** The accounts that a step pays or takes back from, each as it is after the movements before. */
export class Purse {
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

/** Lines of a selection on each key, those with a scratched runner left out where the pool has no rank for them. */
export function matcher(pool: ShardPool, keys: readonly string[]): PerSelection<readonly number[]> {
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
export function perSelection<T>(book: Book, cost: number, workOut: (selection: ReadSelection) => T): PerSelection<T> {
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

/**
 * Stakes given back: late bets at the close, with the seal behind them; scratched runners; void races and pools. What a seal has said
 * is never changed: later refunds are statements of their own.
 */
import { keptNonRunners, linesWithout } from '#mutuel/tote';
import { BET, betAt, betSelection, betStake, betStatus, betUnit, reduceBet } from './book.js';
import { assert, type Hash } from './decider.js';
import type { RefundCause, ShardReport } from './facts.js';
import { rootOf } from './merkle.js';
import { settleBet } from './settled.js';
import type { BetMovement, ShardEvent } from './shard-events.js';
import { type AmountOf, perSelection, settledOf, sweep } from './shard-jobs.js';
import { rollOn } from './shard-reports.js';
import {
  accountOf,
  type Job,
  lastInTime,
  outOf,
  poolOf,
  type ShardDecision,
  type ShardPool,
  type ShardState,
} from './shard-state.js';

type RefundJob = Extract<Job, { kind: 'CLOSE' | 'RETURN' | 'REFUND' }>;

export function refundStep(s: ShardState, pool: ShardPool, job: RefundJob, hash: Hash): ShardDecision {
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
export function refunds(pool: ShardPool, cause: RefundCause): AmountOf {
  const { book } = pool;
  const stakeOf = (i: number): number => betStake(book, i);
  switch (cause) {
    case 'AFTER_STOP':
    case 'AFTER_OFF': {
      const late = lastInTime(pool);
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

export function betsRefunded(s: ShardState, e: Extract<ShardEvent, { t: 'BetsRefunded' }>): void {
  const pool = poolOf(s, e.pool);
  const job = s.jobs.find(({ id }) => id === e.job);
  assert(job !== undefined, () => `there is no job ${e.job} in shard ${s.shard}`);
  const status = e.cause === 'AFTER_STOP' ? BET.VOIDED : BET.REFUNDED;
  for (const item of e.items) {
    accountOf(s, item.account).balance = item.balance;
    if (job.kind === 'RETURN') {
      // A pool given back is a settlement like a payment: what stood still stands, should the result be corrected.
      settleBet(settledOf(pool), item.i, item.amount, item.amount);
      rollOn(s, pool, item);
      job.refunded += item.amount;
      continue;
    }
    const before = pool.book.standingBets;
    withdraw(pool, item.i, item.amount, status);
    if (e.cause === 'SCRATCHED' && betStatus(pool.book, item.i) !== BET.ACTIVE) rollOn(s, pool, item);
    if (job.kind !== 'REFUND') continue;
    job.bets += before - pool.book.standingBets;
    job.amount += item.amount;
  }
  if (job.kind === 'REFUND') job.root = e.root;
  job.cursor = e.cursor;
}

/** Before the seal money leaves the book as withdrawn; after it, only refund statements speak of it. */
export function withdraw(
  pool: ShardPool,
  i: number,
  amount: number,
  status: typeof BET.CANCELLED | typeof BET.VOIDED | typeof BET.REFUNDED,
): void {
  const { book } = pool;
  const before = book.standingBets;
  reduceBet(book, i, amount, status);
  if (status !== BET.REFUNDED) pool.reports.delete(i);
  if (pool.sealed) return;
  const gone = before - book.standingBets;
  book.withdrawnBets += gone;
  book.withdrawnStake += amount;
  if (status !== BET.VOIDED) return;
  book.voidedBets += gone;
  book.voidedStake += amount;
}

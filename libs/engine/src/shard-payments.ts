/**
 * A result in a shard: stakes counted for the calculators, bets paid at the declared prices, and after a changed result the differences
 * weighed and moved. It must pay what was counted, each bet once, and take no balance below zero.
 */
import { payoutMinor } from '#mutuel/tote';
import { BET, betAccount, betNumber, betSelection, betStake, betStatus, betUnit } from './book.js';
import type { Posting } from './decider.js';
import type { DeclaredPrice, ShardReport } from './facts.js';
import { differenceOf, heldOf, settleBet } from './settled.js';
import type { BetCorrection, BetMovement, ShardEvent } from './shard-events.js';
import {
  type AmountOf,
  type CountJob,
  matcher,
  Purse,
  STEP_ITEMS,
  STEP_MATCHES,
  STEP_SCAN,
  settledOf,
  sweep,
} from './shard-jobs.js';
import { rollOn } from './shard-reports.js';
import {
  accountOf,
  type Job,
  jobOf,
  poolOf,
  type ShardDecision,
  type ShardPool,
  type ShardState,
  ticketOf,
} from './shard-state.js';

export function countStep(s: ShardState, pool: ShardPool, job: Extract<Job, { kind: 'COUNT' }>): ShardDecision {
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

export function payStep(s: ShardState, pool: ShardPool, job: Extract<Job, { kind: 'PAY' }>): ShardDecision {
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

export function weighStep(s: ShardState, pool: ShardPool, job: Extract<Job, { kind: 'WEIGH' }>): ShardDecision {
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

export function correctStep(s: ShardState, pool: ShardPool, job: Extract<Job, { kind: 'CORRECT' }>): ShardDecision {
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
    // Stakes too: one given back, taken back and given back again would else be had twice.
    const moved = purse.settle(betAccount(book, i), amount, held.due - due);
    items.push({ i, ticket: ticketOf(s, book, i), no: betNumber(book, i), amount, ...moved, was: held.due, due });
  }
  const sums = { wonStake: payouts.wonStake, due: dueNow, winners: refunds ? 0 : winners };
  return { items, cursor: i, posts: purse.postings(), ...sums };
}

export function betsPaid(s: ShardState, e: Extract<ShardEvent, { t: 'BetsPaid' }>): void {
  const job = jobOf(s, e.job, 'PAY');
  const settled = settledOf(poolOf(s, e.pool));
  for (const item of e.items) {
    settleBet(settled, item.i, item.amount, item.amount);
    moveAccount(s, item);
    rollOn(s, poolOf(s, e.pool), item);
    job.paid += item.amount;
    job.winners++;
  }
  job.wonStake += e.wonStake;
  job.cursor = e.cursor;
}

export function betsCorrected(s: ShardState, e: Extract<ShardEvent, { t: 'BetsCorrected' }>): void {
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

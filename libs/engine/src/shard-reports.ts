/**
 * Reports: a bet whose winnings are staked on the next one, by the bettor's order given with the first. What goes on is a ticket of its
 * own, decided when the bet before it is paid or given back; where the next pool no longer sells, or the part is below the least stake,
 * everything stays in hand. It must never stake more than what was won, nor in a pool that has closed.
 */
import { isRefusal, namesAnyOf, type ReadSelection, rolledUnit } from '#mutuel/tote';
import type { Context, Hash } from './decider.js';
import { leafHash } from './merkle.js';
import { refuseBarred } from './shard-accounts.js';
import type { ReportStep } from './shard-commands.js';
import type { BetMovement, TicketAccepted } from './shard-events.js';
import { addJob } from './shard-jobs.js';
import { findSelection, hasNonRunners, refusedOf, sellsAt } from './shard-sale.js';
import {
  type Account,
  accountOf,
  type Job,
  type ShardDecision,
  type ShardPool,
  type ShardState,
  SUFFIX_DIGITS,
} from './shard-state.js';

type RollJob = Extract<Job, { kind: 'ROLL' }>;

/** The bet was paid or given back in all: what its account got for it goes on. */
export function rollOn(s: ShardState, pool: ShardPool, { i, account, amount, net = 0 }: BetMovement): void {
  const steps = pool.reports.get(i);
  if (!steps) return;
  pool.reports.delete(i);
  const won = amount - net;
  addJob(s, { kind: 'ROLL', pool: (steps[0] as ReportStep).pool, account: accountOf(s, account).index, won, steps });
}

export function rollStep(s: ShardState, job: RollJob, x: Context, hash: Hash): ShardDecision {
  const account = s.accountAt[job.account] as Account;
  const ended = { t: 'JobEnded', job: job.id } as const;
  const bet = mayBet(s, account, x.at) ? nextBet(s, job, x.at) : undefined;
  if (!bet || bet.unit * bet.read.lines > account.balance) return { events: [ended], posts: [] };
  const { pool, read, unit, next } = bet;
  const stake = unit * read.lines;
  const ticket = `t${s.shard}-${x.seq}-${x.cid.slice(-SUFFIX_DIGITS)}`;
  const secret = hash(`report|${x.cid}|${job.id}|${ticket}`);
  const blind = secret.slice(0, 32);
  const leaf = leafHash(hash, `${blind}|${ticket}|0|${pool.id}|${read.text}|${unit}|${stake}|${x.at}`);
  const accepted: TicketAccepted = {
    ...{
      t: 'TicketAccepted',
      ticket,
      account: account.id,
      ref: refAt(x.at, secret.slice(32)),
      body: hash(ticket).slice(0, 32),
    },
    ...{
      blind,
      channel: 'report',
      currency: account.currency,
      total: stake,
      balance: account.balance - stake,
      refused: [],
    },
    bets: [
      {
        ...{ no: 0, ref: 'report', pool: pool.id, sel: read.text, lines: read.lines, unit, stake, leaf },
        ...(next.length > 0 ? { next } : {}),
      },
    ],
  };
  return {
    events: [accepted, ended],
    posts: [
      [`acc:${account.id}`, -stake],
      [`pool:${pool.id}`, stake],
    ],
  };
}

/** What may be staked a day or a ticket was asked when the report was sold; who may not bet at all any more is not made to. */
function mayBet({ lease }: ShardState, account: Account, at: number): boolean {
  if (refuseBarred(account, at)) return false;
  return at <= Math.min(lease.issuedAt, lease.at) + lease.ttlMs;
}

interface NextBet {
  readonly pool: ShardPool;
  readonly read: ReadSelection;
  readonly unit: number;
  readonly next: readonly ReportStep[];
}

/** The next bet that can be made: one with a non-runner is passed over, as if its stake had come back. */
function nextBet(s: ShardState, { won, steps }: RollJob, at: number): NextBet | undefined {
  for (const [no, step] of steps.entries()) {
    const pool = s.pools.get(step.pool);
    if (!pool || !sellsAt(pool, at)) return undefined;
    const read = findSelection(pool, step.sel);
    const { report, minStakeMinor = 1 } = pool.ruleSet;
    if (isRefusal(read) || !report) return undefined;
    if (hasNonRunners(pool) && namesAnyOf(read, refusedOf(pool))) continue;
    const rules = { leastMinor: minStakeMinor, mostTimes: report.mostTimes };
    const unit = rolledUnit(won, { quarters: step.quarters, lines: read.lines }, rules);
    return unit === 0 ? undefined : { pool, read, unit, next: steps.slice(no + 1) };
  }
  return undefined;
}

/** A reference of the shape that all have, its time that of the decision. */
function refAt(at: number, digits: string): string {
  const time = at.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits.slice(0, 3)}-8${digits.slice(3, 6)}-${digits.slice(6, 18)}`;
}

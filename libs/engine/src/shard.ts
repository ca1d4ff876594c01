/**
 * The shard: one partition of accounts, their balances and their open bets. It decides every bet of its accounts alone and in order,
 * from its own log and nothing else. It must never let a balance fall below zero, accept a bet after the close marker, the stop, the
 * off or the end of the selling lease, or change what it once sealed. Read on in this order: shard-events, shard-state, this file, then
 * shard-tickets and shard-accounts for what is asked, shard-races for what the market says, shard-jobs with shard-refunds and
 * shard-payments for what follows from it.
 */
import { BET } from './book.js';
import { carryAccount } from './carry.js';
import { type Context, type Decided, type Decider, type Hash, refuse } from './decider.js';
import type { MarketFact } from './facts.js';
import { advanceHorizon, bodyNumber, emptyRefs } from './refs.js';
import {
  abandonRef,
  accountCarried,
  moneyRef,
  moveMoney,
  openAccount,
  rememberMoney,
  rememberRef,
  setLimits,
} from './shard-accounts.js';
import type { ShardCommand } from './shard-commands.js';
import type { ShardEvent } from './shard-events.js';
import { imageOf, restore } from './shard-image.js';
import { jobAtWork, jobEnded } from './shard-jobs.js';
import { betsCorrected, betsPaid, correctStep, countStep, payStep, weighStep } from './shard-payments.js';
import { factApplied } from './shard-races.js';
import { betsRefunded, refundStep, withdraw } from './shard-refunds.js';
import { rollStep } from './shard-reports.js';
import {
  accountOf,
  jobOf,
  poolOf,
  type ShardDecision,
  type ShardState,
  unknownAccount,
  wrongShard,
} from './shard-state.js';
import { cancelTicket, placeTicket, ticketAccepted } from './shard-tickets.js';
import { shardOf } from './slots.js';
import { newUpkeep, setAside, takeCheckpoint } from './upkeep.js';

const SHARD_SCHEMA = 5;

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

function decide(s: ShardState, c: ShardCommand, x: Context, hash: Hash): ShardDecision {
  switch (c.type) {
    case 'PlaceTicket':
      return placeTicket(s, c, x, hash);
    case 'Continue':
      return step(s, c.job, c.cursor, x, hash);
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
      return moveMoney(s, c, x);
    case 'SetLimits':
      return setLimits(s, c, x);
    case 'CarryAccount': {
      const { type: _, ...carried } = c;
      if (shardOf(c.account, s.shards) !== s.shard) return wrongShard(c.account);
      if (s.accounts.has(c.account)) return refuse('ACCOUNT_EXISTS', `Account ${c.account} is open already.`);
      return carryAccount(carried);
    }
    case 'CarryRefs':
      return carryRefs(s, c);
    case 'Checkpoint':
      return takeCheckpoint(s.upkeep, c.day, SHARD_SCHEMA, x);
    case 'Malformed':
      return refuse('MALFORMED', `The command could not be read: ${c.cause}.`);
    default:
      return c satisfies never;
  }
}

/** References that are known already are not carried again: they would count twice against what an account may have. */
function carryRefs(s: ShardState, c: Extract<ShardCommand, { type: 'CarryRefs' }>): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  const refs = c.refs.filter(([ref]) => !s.moneyRefs.has(moneyRef(account, ref)));
  if (refs.length === 0 && c.refs.length > 0) return refuse('ALREADY_APPLIED', 'These references were carried before.');
  return { events: [{ t: 'RefsCarried', account: c.account, refs }], posts: [] };
}

function applyFact(s: ShardState, n: number, fact: MarketFact): ShardDecision {
  if (n <= s.factNo) return refuse('ALREADY_APPLIED', `Market fact ${n} was applied before.`);
  if (n > s.factNo + 1) return refuse('RELAY_GAP', `Market fact ${s.factNo + 1} is missing before ${n}.`);
  return { events: [{ t: 'FactApplied', n, fact }], posts: [] };
}

export function step(s: ShardState, id: number, cursor: number, x: Context, hash: Hash): ShardDecision {
  const job = jobAtWork(s);
  if (!job || job.id !== id || job.cursor !== cursor) return refuse('CURSOR_STALE', 'That step was done before.');
  if (job.kind === 'ROLL') return rollStep(s, job, x, hash);
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

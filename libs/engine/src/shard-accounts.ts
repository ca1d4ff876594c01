/**
 * Accounts: opening, money in and out, limits, and the references by which a repeated command is known. It must never let a balance
 * fall below zero, or answer one reference in two ways.
 */
import type { AccountCarried, CarriedRef, Limits } from './carry.js';
import { assert, type Context, type Decided, refuse } from './decider.js';
import { changeLimits } from './limits.js';
import { advanceHorizon, findRef, REF_AHEAD_MS, REF_WINDOW_MS, type Ref, readRef, takeRef } from './refs.js';
import type { ShardCommand } from './shard-commands.js';
import type { ShardEvent } from './shard-events.js';
import { type Account, accountOf, type ShardDecision, type ShardState, unknownAccount } from './shard-state.js';

/**
 * Deposits and withdrawals remembered per account, for ever: one forgotten could be booked again. Full, it takes no deposit; as many
 * again are kept for withdrawals, and whatever there is can always be taken out at once, which needs winnings or refunds between.
 */
const MAX_MONEY_REFS = 100_000;
/** Ticket references that one account can take in an hour: with the horizon it bounds what the table holds. */
const MAX_HOUR_REFS = 100_000;
/** Leaves room for every payout of a day below the largest exact integer. */
const MAX_BALANCE = 1_000_000_000_000_000;
const HOUR_MS = 3_600_000;
const NO_LIMITS: Limits = {};

export function moveMoney(
  s: ShardState,
  c: Extract<ShardCommand, { type: 'Deposit' | 'Withdraw' }>,
  x: Context,
): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  const signed = c.type === 'Deposit' ? c.amount : -c.amount;
  const known = s.moneyRefs.get(moneyRef(account, c.ref));
  if (known) {
    if (known.amount !== signed)
      return refuse('IDEMPOTENCY_BODY_MISMATCH', 'This ref was used for another movement.', '/ref');
    return { ...refuse<ShardEvent>('REPLAY', 'This ref was answered before.'), of: known.seq };
  }
  const full = fullOfRefs(account, signed);
  if (full) return full;
  const barred = c.type === 'Deposit' ? refuseBarred(account, x.at) : undefined;
  if (barred) return barred;
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

/** Who may neither bet nor pay in; what is theirs they may take out. */
export function refuseBarred({ limits }: Account, at: number): ShardDecision | undefined {
  if (limits.blocked) return refuse('ACCOUNT_BLOCKED', 'The account is blocked.', '/accountId');
  if (limits.excludedUntil !== undefined && at < limits.excludedUntil)
    return refuse('SELF_EXCLUDED', 'The account holder has excluded themself from betting.', '/accountId');
  return undefined;
}

function fullOfRefs({ moneyRefs, balance }: Account, signed: number): ShardDecision | undefined {
  if (moneyRefs < MAX_MONEY_REFS) return undefined;
  if (signed > 0)
    return refuse('TOO_MANY_REFS', `The account has had ${MAX_MONEY_REFS} movements: it takes no more deposits.`);
  if (moneyRefs < 2 * MAX_MONEY_REFS || balance + signed <= 0) return undefined;
  return refuse('TOO_MANY_REFS', `The account can only be emptied: withdraw all of it, ${balance}.`, '/amount');
}

/** Versions only rise: limits sent again later, by whoever can write to the log, would lift newer ones. */
export function setLimits(s: ShardState, c: Extract<ShardCommand, { type: 'SetLimits' }>, x: Context): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  if (c.version <= account.limitsVersion)
    return refuse('LIMITS_OUTDATED', `The account has limits of version ${account.limitsVersion}.`, '/version');
  const limits = changeLimits(account.limits, c.limits, x.at);
  return { events: [{ t: 'LimitsSet', account: c.account, limits, version: c.version }], posts: [] };
}

/** What a reference alone already settles: unreadable, outside its window, answered before, or burnt. */
export function answerRef(
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

export function abandonRef(s: ShardState, c: { account: string; ref: string }, x: Context): ShardDecision {
  const account = s.accounts.get(c.account);
  if (!account) return unknownAccount(s, c.account);
  const answered = answerRef(s, account, readRef(c.ref), x, Number.NaN);
  if (!answered && hasTooManyRefs(account, x.at)) return tooManyRefs();
  if (!answered) return { events: [{ t: 'RefBurnt', account: c.account, ref: c.ref }], posts: [] };
  if (answered.code !== 'IDEMPOTENCY_BODY_MISMATCH') return answered;
  const taken = findRef(s.refs, account.index, refOf(c.ref));
  return { ...refuse<ShardEvent>('REPLAY', 'This ticketRef was answered before.'), of: taken?.seq ?? 0 };
}

export const hasTooManyRefs = (account: Account, at: number): boolean =>
  account.hourRefs >= MAX_HOUR_REFS && account.hour === Math.floor(at / HOUR_MS);

/** Takes no reference, so that it may be sent again in the next hour. */
export const tooManyRefs = (): ShardDecision =>
  refuse('TOO_MANY_REFS', `An account may use ${MAX_HOUR_REFS} references an hour.`, '/ticketRef');

export function openAccount(s: ShardState, id: string, currency: string): void {
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

export function accountCarried(s: ShardState, e: AccountCarried, d: Decided<ShardEvent>): void {
  openAccount(s, e.account, e.currency);
  const { balance, owed, limits, limitsVersion, day, dayStaked } = e;
  const account = accountOf(s, e.account);
  Object.assign(account, { balance, owed, limits, limitsVersion, day, dayStaked });
  rememberMoney(s, account, e.refs, d);
  advanceHorizon(s.refs, e.closedAt + REF_WINDOW_MS);
}

/** References of the epoch before; again they are answered as what they were, from the decision that carried them. */
export function rememberMoney(
  s: ShardState,
  account: Account,
  refs: readonly CarriedRef[],
  d: Decided<ShardEvent>,
): void {
  for (const [ref, amount] of refs) {
    s.moneyRefs.set(moneyRef(account, ref), { seq: d.seq, amount });
    account.moneyRefs++;
  }
}

export function rememberRef(s: ShardState, account: Account, text: string, body: number, d: Decided<ShardEvent>): void {
  takeRef(s.refs, account.index, refOf(text), { seq: d.seq, body });
  const hour = Math.floor(d.at / HOUR_MS);
  account.hourRefs = account.hour === hour ? account.hourRefs + 1 : 1;
  account.hour = hour;
}

/**
 * By index, not by name: no two accounts can share a key whatever their names hold. Joined, since a string made with + or a template keeps
 * its parts: three objects for the collector as long as the account lives, instead of one.
 */
export const moneyRef = (account: Account, ref: string): string => [account.index, ref].join(' ');

function refOf(text: string): Ref {
  const ref = readRef(text);
  assert(ref !== undefined, () => `a recorded reference no longer reads: ${text}`);
  return ref;
}

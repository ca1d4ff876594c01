/**
 * Tickets: what is sold and at what price, what is refused and why, and the window in which a ticket is taken back. It must never
 * accept a bet after the close marker, the stop, the off or the end of the selling lease.
 */
import { isRefusal, type ReadSelection } from '#mutuel/tote';
import {
  addBet,
  BET,
  type Book,
  betAccount,
  betAt,
  betNumber,
  betSeq,
  betStake,
  betStatus,
  firstBetOf,
} from './book.js';
import { assert, type Context, type Decided, type Hash, type Posting, refuse } from './decider.js';
import { limitsAt } from './limits.js';
import { growFrontier, leafHash } from './merkle.js';
import { bodyNumber, hexNumber, readRef } from './refs.js';
import { answerRef, hasTooManyRefs, refuseBarred, rememberRef, tooManyRefs } from './shard-accounts.js';
import { type BetOrder, type PlaceTicket, type ShardCommand } from './shard-commands.js';
import type { AcceptedBet, RefusedBet, ShardEvent, TicketAccepted } from './shard-events.js';
import { checkBet, findSelection } from './shard-sale.js';
import {
  type Account,
  accountOf,
  poolOf,
  type ShardDecision,
  type ShardPool,
  type ShardState,
  SUFFIX_DIGITS,
  ticketOf,
  unknownAccount,
} from './shard-state.js';

/** A bet that waited longer than this between append and decision is refused: the off may be long past. */
export const STALE_MS = 30_000;
const DAY_MS = 86_400_000;

export function placeTicket(s: ShardState, c: PlaceTicket, x: Context, hash: Hash): ShardDecision {
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
    const { text: sel, unit, stake, next } = checked;
    const leaf = leafHash(hash, `${c.blind}|${ticket}|${no}|${pool}|${sel}|${unit}|${stake}|${x.at}`);
    accepted.push({ no, ref: betRef, pool, sel, lines: checked.lines, unit, stake, leaf, ...(next ? { next } : {}) });
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

function refuseTicket(s: ShardState, account: Account, c: PlaceTicket, x: Context): ShardDecision | undefined {
  if (x.decidedAt - x.at > STALE_MS) return refuse('STALE', 'The ticket waited more than 30 seconds to be decided.');
  if (c.currency !== account.currency)
    return refuse('CURRENCY_MISMATCH', `The account is in ${account.currency}.`, '/currency');
  return refuseBarred(account, x.at) ?? refuseWithoutLease(s, x);
}

/** A shard that no longer hears the market does not know of a stop: it neither sells nor takes back. */
function refuseWithoutLease({ lease }: ShardState, { at }: Context): ShardDecision | undefined {
  if (at <= Math.min(lease.issuedAt, lease.at) + lease.ttlMs) return undefined;
  const detail = 'The selling lease has run out: no bet is sold or cancelled until the market renews it.';
  return refuse('CHANNEL_LEASE_EXPIRED', detail);
}

function checkMoney(account: Account, total: number, at: number): ShardDecision | undefined {
  const limits = limitsAt(account.limits, at);
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

export function ticketAccepted(s: ShardState, e: TicketAccepted, d: Decided<ShardEvent>, hash: Hash): void {
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
    const { no: betNo, unit, stake, next } = bet;
    if (next) pool.reports.set(pool.book.size, next);
    addBet(pool.book, { seq: d.seq, betNo, account: account.index, selection, unit, stake, at: d.at, suffix });
    growFrontier(hash, pool.book.frontier, bet.leaf);
  }
}

/** The index of a distinct selection in the pool's book; an accepted one always reads. */
function internSelection(pool: ShardPool, text: string): number {
  const known = pool.book.byText.get(text);
  if (known !== undefined) return known;
  const index = pool.book.selections.push(readAccepted(pool, text)) - 1;
  pool.book.byText.set(text, index);
  return index;
}

export function readAccepted(pool: ShardPool, text: string): ReadSelection {
  const read = findSelection(pool, text);
  assert(!isRefusal(read), () => `an accepted selection no longer reads: ${text}`);
  return read;
}

export function cancelTicket(
  s: ShardState,
  c: Extract<ShardCommand, { type: 'CancelTicket' }>,
  x: Context,
): ShardDecision {
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
  const alone = refuseWithoutLease(s, x);
  if (alone) return alone;
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

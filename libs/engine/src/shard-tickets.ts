/**
 * Tickets: what is sold and at what price, what is refused and why, and the window in which a ticket is taken back. It must never
 * accept a bet after the close marker, the stop, the off or the end of the selling lease.
 */
import {
  type Field,
  isRefusal,
  type LineStakes,
  lineStakes,
  namesAnyOf,
  type ReadSelection,
  readSelection,
  type ToteRefusal,
} from '#mutuel/tote';
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
import { notRunning } from './legs.js';
import { growFrontier, leafHash } from './merkle.js';
import { bodyNumber, hexNumber, readRef } from './refs.js';
import { answerRef, hasTooManyRefs, rememberRef, tooManyRefs } from './shard-accounts.js';
import { type BetOrder, FLEXI, type PlaceTicket, type ShardCommand } from './shard-commands.js';
import type { AcceptedBet, RefusedBet, ShardEvent, TicketAccepted } from './shard-events.js';
import {
  type Account,
  accountOf,
  outOf,
  poolOf,
  type ShardDecision,
  type ShardPool,
  type ShardRace,
  type ShardState,
  SUFFIX_DIGITS,
  ticketOf,
  unknownAccount,
} from './shard-state.js';

/** A bet that waited longer than this between append and decision is refused: the off may be long past. */
export const STALE_MS = 30_000;
/** Standing stakes of one pool in one shard: the sum over 1,024 shards is still an exact integer. */
const MAX_POOL = 8_000_000_000_000;
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

function soldAs(allowed: LineStakes, { unit, stake }: BetOrder, { text, lines }: ReadSelection): SoldBet {
  if (unit !== FLEXI) return { text, lines, unit, stake };
  const multiple = allowed.multipleMinor;
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
  if (out.length > 0 && (namesAnyOf(selection, out) || hasReserveIn(selection, out)))
    return {
      code: 'RUNNER_SCRATCHED',
      detail: `The bet names a scratched runner (${out.join(', ')}).`,
      field: '',
    };
  if (pool.book.standingStake + order.stake > MAX_POOL)
    return { code: 'ABOVE_MAX', detail: `${pool.id} takes ${MAX_POOL} a shard at the most.`, field: '/stake' };
  const allowed = lineStakes(pool.ruleSet, order.unit === FLEXI);
  if (allowed === null)
    return {
      code: 'NOT_SUPPORTED',
      detail: `${pool.id} sells no flexi bets: name a stake a line.`,
      field: '/unitStake',
    };
  const sold = soldAs(allowed, order, selection);
  return checkStake(allowed, sold) ?? sold;
}

function checkStake(
  { leastMinor: min, multipleMinor: multiple }: LineStakes,
  { lines, unit, stake }: SoldBet,
): BetFault | undefined {
  if (lines * unit !== stake)
    return {
      code: 'LINES_MISMATCH',
      detail: `${lines} lines at ${unit} cost ${lines * unit}, not ${stake}.`,
      field: '/stake',
    };
  if (unit < min) return { code: 'BELOW_MIN', detail: `The lowest stake a line is ${min}.`, field: '/unitStake' };
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

/** Asked for every bet: most races have none. */
const hasNonRunners = ({ race, legs }: ShardPool): boolean =>
  legs === null ? race.scratched.length > 0 : legs.some(({ scratched }) => scratched.length > 0);

/** Who may not be named in a new bet, whatever becomes of those in earlier ones. */
const refusedOf = (pool: ShardPool): readonly string[] =>
  pool.legs === null ? outOf(pool) : notRunning(pool.ruleSet, pool.legs);

const hasReserveIn = ({ legs }: ReadSelection, out: readonly string[]): boolean =>
  legs?.alternates?.some((reserve, leg) => reserve !== null && out.includes(`${leg + 1}:${reserve}`)) ?? false;

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
    const { no: betNo, unit, stake } = bet;
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

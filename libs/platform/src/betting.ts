/**
 * What clients can do with their accounts: place, look up, cancel and abandon tickets, move money. Every answer about a bet comes
 * from its decision in the log or from the projections of it; a time-out is never told as a refusal.
 */
import { encodeCommand, type ServiceKey, signCommand } from '#mutuel/contracts';
import { REF_AHEAD_MS, readRef, type ShardEvent } from '#mutuel/engine';
import type { TicketBetView, TicketView } from '#mutuel/services';
import { type Principal, requireAccount, requireSightOf } from './auth.js';
import type { AccountReads, Answered, OddsReads, ShardDoor, Submitted } from './doors.js';
import type { TicketLimits } from './limits.js';
import { placeCommand } from './orders.js';
import { Problem, refusalOf } from './problem.js';
import { randomId } from './random-ids.js';
import type { RecentTicket, RecentTickets } from './recent-tickets.js';
import type { TicketBody } from './schemas.js';
import {
  type AskedBets,
  acceptedIn,
  type OddsOf,
  poolAskedFor,
  type Receipt,
  receiptOf,
  type TicketAnswer,
  ticketAnswer,
  ticketIdOf,
  ticketRefusal,
} from './ticket-answers.js';

export interface PendingAnswer {
  readonly ticketRef: string;
  readonly status: 'PENDING';
  readonly href: string;
}

export interface Answer<B> {
  readonly status: 200 | 201 | 202;
  readonly body: B;
  readonly replayed: boolean;
}

export interface MoneyAnswer {
  readonly ref: string;
  readonly kind: 'DEPOSIT' | 'WITHDRAWAL';
  readonly amount: number;
  readonly balance: { readonly available: number };
  readonly receipt: Receipt;
}

export interface CancelAnswer {
  readonly ticketId: string;
  readonly status: 'CANCELLED';
  readonly refunded: number;
  readonly balance: { readonly available: number };
  readonly receipt: Receipt;
}

export interface BettingParts {
  readonly door: ShardDoor;
  readonly reads: AccountReads;
  readonly odds: Pick<OddsReads, 'latest'>;
  readonly recent: RecentTickets;
  readonly serviceKey: ServiceKey;
  readonly limits?: Pick<TicketLimits, 'admit'>;
  readonly now: () => number;
}

/** Kept for those turned away at the door: a few reasons, a few seconds. */
const MAX_REFUSALS = 100;

export class Betting {
  readonly #p: BettingParts;
  readonly #oddsOf: OddsOf;
  readonly #refusals = new Map<string, Problem>();

  constructor(parts: BettingParts) {
    this.#p = parts;
    this.#oddsOf = (pool, c) => {
      const row = parts.odds.latest(pool)?.of(c);
      return row === undefined ? null : (row.price ?? row.low);
    };
  }

  /** Why no ticket can be taken at this moment; nothing of the request was looked at. */
  turnAway(): Problem | undefined {
    const submitted = this.#p.door.turnAway();
    if (submitted === undefined) return undefined;
    // One for all who are told the same: it says nothing of the request, and making it costs more than sending it.
    const key = `${secondsUntil(submitted)} ${submitted.why}`;
    const known = this.#refusals.get(key) ?? busy(submitted);
    if (this.#refusals.size < MAX_REFUSALS) this.#refusals.set(key, known);
    return known;
  }

  async place(principal: Principal, body: TicketBody): Promise<Answer<TicketAnswer | PendingAnswer>> {
    const { accountId, ticketRef } = body;
    requireAccount(principal, accountId);
    const asking = this.#p.limits?.admit(principal);
    if (asking !== undefined) await asking;
    refuseFuture(ticketRef, this.#p.now());
    const cid = randomId();
    const bytes = encodeCommand(cid, placeCommand(body, principal.channel));
    const submitted = await this.#p.door.submit(accountId, cid, bytes, principal.channel);
    switch (submitted.kind) {
      case 'DECIDED':
        return this.#decided(body, submitted);
      case 'PENDING':
        this.#p.recent.addPending(accountId, ticketRef, this.#p.now());
        return { status: 202, body: pendingAnswer(accountId, ticketRef), replayed: false };
      case 'BUSY':
        throw busy(submitted);
      default:
        return submitted satisfies never;
    }
  }

  #decided(body: TicketBody, answered: Answered<ShardEvent>): Answer<TicketAnswer> | Promise<Answer<TicketAnswer>> {
    const { code } = answered.decision;
    if (code === 'REPLAY' || code === 'REF_OUTSIDE_WINDOW') return this.#earlier(body, answered);
    const accepted = acceptedIn(answered);
    const answer = accepted && ticketAnswer(answered, accepted, this.#oddsOf, body.bets);
    if (answer !== undefined || takesRef(answered)) this.#remember(body, answered, answer);
    if (answer === undefined) throw ticketRefusal(answered, body.ticketRef);
    return { status: 201, body: answer, replayed: false };
  }

  /** The reference was settled before: the first answer again, from memory or from its permanent row. */
  async #earlier(body: TicketBody, now: Answered<ShardEvent>): Promise<Answer<TicketAnswer>> {
    const { accountId, ticketRef } = body;
    const recent = this.#recall(this.#p.recent.byRef(accountId, ticketRef)) ?? this.#fromLog(body, now);
    if (recent && isBurnt(recent.answered)) throw ticketRefusal(now, ticketRef);
    if (recent?.answer) return { status: 201, body: recent.answer, replayed: true };
    if (recent) throw ticketRefusal(recent.answered, ticketRef, true);
    const view = await this.#p.reads.ticketByRef(accountId, ticketRef);
    if (view === null || view.status === 'BURNT') {
      if (now.decision.code === 'REPLAY') return this.#notProjectedYet(accountId, ticketRef);
      throw ticketRefusal(now, ticketRef);
    }
    if (view.status === 'REJECTED') throw refusedView(view);
    return { status: 201, body: answerOf(view, body.bets), replayed: true };
  }

  #fromLog({ accountId, ticketRef, bets }: TicketBody, { decision }: Answered<ShardEvent>): KnownTicket | undefined {
    const answered = decision.of === undefined ? undefined : this.#p.door.recent(accountId, decision.of);
    return answered && knownTicket(accountId, ticketRef, answered, this.#oddsOf, bets);
  }

  #remember(
    ticket: Pick<TicketBody, 'accountId' | 'ticketRef'> & Partial<TicketBody>,
    answered: Answered<ShardEvent>,
    answer: TicketAnswer | undefined,
  ): void {
    const { accountId, ticketRef, bets = [] } = ticket;
    const odds = (answer?.bets ?? []).map((bet) => bet.indicativeOdds);
    const asked = answer?.status === 'PARTIAL' ? bets : [];
    const ticketId = ticketIdOf(answered);
    this.#p.recent.add({ accountId, ticketRef, ticketId, seq: answered.decision.seq, odds, asked });
  }

  /** The ticket as it was answered, while its decision is in memory. */
  #recall(recent: RecentTicket | undefined): KnownTicket | undefined {
    const answered = recent && this.#p.door.recent(recent.accountId, recent.seq);
    if (recent === undefined || answered === undefined) return undefined;
    const { accountId, ticketRef, asked } = recent;
    const odds = recent.odds.values();
    return knownTicket(accountId, ticketRef, answered, () => odds.next().value ?? null, asked);
  }

  /** Decided by another process a moment ago: its decision will be in the projections shortly. */
  #notProjectedYet(accountId: string, ticketRef: string): never {
    throw new Problem('SERVICE_UNAVAILABLE', 'The ticket was decided; its answer is not in the read models yet.', {
      retryAfterSeconds: 1,
      extra: { href: hrefOf(accountId, ticketRef) },
    });
  }

  async lookUp(principal: Principal, ticketId: string): Promise<TicketView> {
    const view = (await this.#p.reads.ticket(ticketId)) ?? viewOfKnown(this.#recall(this.#p.recent.byId(ticketId)));
    return view !== null && maySee(principal, view.accountId) ? view : unknownTicket(ticketId);
  }

  async lookUpByRef(
    principal: Principal,
    accountId: string,
    ticketRef: string,
  ): Promise<Answer<TicketView | PendingAnswer>> {
    requireSightOf(principal, accountId);
    const view =
      (await this.#p.reads.ticketByRef(accountId, ticketRef)) ??
      viewOfKnown(this.#recall(this.#p.recent.byRef(accountId, ticketRef)));
    if (view !== null) return { status: 200, body: view, replayed: false };
    if (this.#p.recent.isPending(accountId, ticketRef, this.#p.now()))
      return { status: 202, body: pendingAnswer(accountId, ticketRef), replayed: false };
    throw new Problem(
      'OUTCOME_UNKNOWN',
      'No decision on this reference is known here. It may still be on its way: look again, send it again, or abandon it.',
      { extra: { outcome: 'UNKNOWN' } },
    );
  }

  async cancel(principal: Principal, ticketId: string, reason: string): Promise<Answer<CancelAnswer>> {
    const account = await this.#accountOf(principal, ticketId);
    requireAccount(principal, account);
    const cid = randomId();
    const command = { type: 'CancelTicket', account, ticket: ticketId, reason, by: principal.subject };
    const answered = decidedOf(await this.#p.door.submit(account, cid, encodeCommand(cid, command)));
    const event = answered.decision.events[0];
    if (event?.t !== 'TicketCancelled') throw refusedAnswer(answered);
    const refunded = event.bets.reduce((sum, bet) => sum + bet.amount, 0);
    const balance = { available: event.balance };
    return {
      status: 200,
      body: { ticketId, status: 'CANCELLED', refunded, balance, receipt: receiptOf(answered) },
      replayed: false,
    };
  }

  /** Whose ticket it is; the shard checks it again. */
  async #accountOf(principal: Principal, ticketId: string): Promise<string> {
    const recent = this.#p.recent.byId(ticketId);
    if (recent) return maySee(principal, recent.accountId) ? recent.accountId : unknownTicket(ticketId);
    const [only] = principal.accounts;
    if (principal.accounts.length === 1 && only !== undefined) return only;
    return (await this.lookUp(principal, ticketId)).accountId;
  }

  /** Burns the reference, or tells what became of it. */
  async abandon(principal: Principal, account: string, ref: string): Promise<Answer<TicketView>> {
    requireAccount(principal, account);
    const cid = randomId();
    const submitted = await this.#p.door.submit(account, cid, encodeCommand(cid, { type: 'AbandonRef', account, ref }));
    const answered = decidedOf(submitted);
    const { code } = answered.decision;
    if (code === undefined || code === 'REF_BURNT') {
      if (isBurnt(answered)) this.#remember({ accountId: account, ticketRef: ref }, answered, undefined);
      return { status: 200, body: burntView(answered, account, ref), replayed: code !== undefined };
    }
    if (code !== 'REPLAY' && code !== 'REF_OUTSIDE_WINDOW') throw refusedAnswer(answered);
    const found = await this.lookUpByRef(principal, account, ref);
    if (found.status === 202)
      throw new Problem('OUTCOME_UNKNOWN', 'The decision on this reference is not known here yet.');
    return { status: 200, body: found.body as TicketView, replayed: false };
  }

  async moveMoney(
    principal: Principal,
    type: 'Deposit' | 'Withdraw',
    account: string,
    body: { readonly ref: string; readonly amount: number },
  ): Promise<Answer<MoneyAnswer>> {
    requireAccount(principal, account);
    const { ref, amount } = body;
    const cid = randomId();
    const bytes = signCommand(cid, { type, account, ref, amount }, this.#p.serviceKey);
    const answered = decidedOf(await this.#p.door.submit(account, cid, bytes));
    const replayed = answered.decision.code === 'REPLAY';
    const first = replayed ? this.#p.door.recent(account, answered.decision.of ?? 0) : answered;
    const event = first?.decision.events[0];
    if (first && event?.t === 'MoneyMoved') {
      const balance = { available: event.balance };
      return { status: 201, body: { ref, kind: event.kind, amount, balance, receipt: receiptOf(first) }, replayed };
    }
    if (!replayed) throw refusedAnswer(answered);
    const row = await this.#p.reads.moneyRef(account, ref);
    if (row === null)
      throw new Problem('SERVICE_UNAVAILABLE', 'It was decided; the answer is not in the read models yet.', {
        retryAfterSeconds: 1,
      });
    const { seq, balance: available } = row;
    const kind = type === 'Deposit' ? 'DEPOSIT' : 'WITHDRAWAL';
    // Of so old a decision the hash is in the log alone.
    const receipt = { shard: answered.shard, seq, hash: '' };
    return { status: 201, body: { ref, kind, amount, balance: { available }, receipt }, replayed };
  }
}

export const hrefOf = (accountId: string, ticketRef: string): string =>
  `/v1/tickets/by-ref/${encodeURIComponent(accountId)}/${encodeURIComponent(ticketRef)}`;

const pendingAnswer = (accountId: string, ticketRef: string): PendingAnswer => ({
  ticketRef,
  status: 'PENDING',
  href: hrefOf(accountId, ticketRef),
});

const maySee = ({ roles, accounts }: Principal, accountId: string): boolean =>
  roles.length > 0 || accounts.includes(accountId);

/** A ticket of somebody else is as unknown as one that was never sold. */
function unknownTicket(ticketId: string): never {
  throw new Problem('TICKET_UNKNOWN', `There is no ticket ${ticketId}, or it is not known here yet.`);
}

/** By this process's clock, which may refuse and never accept: the decider judges again by the time of the append. */
function refuseFuture(ticketRef: string, now: number): void {
  const ref = readRef(ticketRef);
  if (ref === undefined || ref.time <= now + REF_AHEAD_MS) return;
  const detail = `ticketRef lies more than two minutes ahead of the server's time (${now} ms UTC).`;
  throw new Problem('REF_INVALID', detail, { errors: [{ pointer: '/ticketRef', code: 'REF_INVALID', detail }] });
}

const isBurnt = ({ decision }: Answered<ShardEvent>): boolean => decision.events[0]?.t === 'RefBurnt';

const takesRef = ({ decision }: Answered<ShardEvent>): boolean => decision.events[0]?.t === 'RefTaken';

type Busy = Extract<Submitted<unknown>, { kind: 'BUSY' }>;

/** Whole seconds, at least one, spread so that clients do not come back all at once. */
const secondsUntil = ({ retryAfterMs }: Busy): number => Math.max(1, Math.ceil(retryAfterMs / 1000));

export function busy(submitted: Busy): Problem {
  return new Problem('SERVICE_UNAVAILABLE', `Nothing was written: ${submitted.why}.`, {
    retryAfterSeconds: secondsUntil(submitted),
  });
}

/** For commands other than tickets, where an unknown outcome is simply asked for again. */
export function decidedOf<E>(submitted: Submitted<E>): Answered<E> {
  if (submitted.kind === 'DECIDED') return submitted;
  if (submitted.kind === 'BUSY') throw busy(submitted);
  throw new Problem(
    'DEADLINE_EXCEEDED',
    'The command was sent; no decision is known yet. Send the same request again.',
  );
}

function refusedAnswer(answered: Answered<unknown>): Problem {
  const { decision } = answered;
  return refusalOf({ ...decision, code: decision.code ?? 'INTERNAL' }, { extra: { receipt: receiptOf(answered) } });
}

/** What a ticket's reference became, with the decision that says so; without an answer where it was refused or burnt. */
interface KnownTicket {
  readonly accountId: string;
  readonly ticketRef: string;
  readonly answered: Answered<ShardEvent>;
  readonly answer: TicketAnswer | undefined;
}

function knownTicket(
  accountId: string,
  ticketRef: string,
  answered: Answered<ShardEvent>,
  oddsOf: OddsOf,
  asked: AskedBets,
): KnownTicket {
  const accepted = acceptedIn(answered);
  return { accountId, ticketRef, answered, answer: accepted && ticketAnswer(answered, accepted, oddsOf, asked) };
}

function viewOfKnown(known: KnownTicket | undefined): TicketView | null {
  if (known === undefined) return null;
  const { answer, answered, accountId, ticketRef } = known;
  const ticketId = ticketIdOf(answered);
  if (isBurnt(answered)) return burntView(answered, accountId, ticketRef);
  const { decision } = answered;
  return {
    ticketId,
    ticketRef,
    accountId,
    status: answer?.status ?? 'REJECTED',
    acceptedAt: answer?.acceptedAt ?? null,
    decidedAt: new Date(decision.at).toISOString(),
    totalStake: answer?.totalStake ?? 0,
    currency: answer?.currency ?? null,
    channel: acceptedIn(answered)?.channel ?? null,
    code: decision.code ?? null,
    detail: decision.detail ?? null,
    pointer: decision.pointer ?? null,
    bets: (answer?.bets ?? []).map(viewOfBet),
    balance: answer?.balance ?? null,
    receipt: receiptOf(answered),
    bodyHash: acceptedIn(answered)?.body ?? null,
  };
}

/** A bet of which nothing is known but its decision. */
function viewOfBet(bet: TicketAnswer['bets'][number], index: number): TicketBetView {
  const { betRef, betId, poolId, selection, status, lines, unitStake, stake } = bet;
  return {
    ...{
      betRef,
      betId: betId ?? String(index),
      poolId,
      selection: selection ?? '',
      status,
      lines,
      unitStake: unitStake ?? 0,
      stake,
    },
    indicativeOdds: null,
    code: bet.code ?? null,
    detail: bet.detail ?? null,
    pointer: bet.pointer ?? null,
    placement: status,
    resulting: 'NONE',
    settlement: 'NONE',
    payout: 0,
    refund: 0,
    refundCause: null,
  };
}

function burntView(answered: Answered<ShardEvent>, accountId: string, ticketRef: string): TicketView {
  return {
    ...{ ticketId: ticketIdOf(answered), ticketRef, accountId, status: 'BURNT', acceptedAt: null },
    decidedAt: new Date(answered.decision.at).toISOString(),
    ...{
      totalStake: 0,
      currency: null,
      channel: null,
      code: 'REF_BURNT',
      detail: null,
      pointer: null,
      bets: [],
      balance: null,
    },
    receipt: receiptOf(answered),
    bodyHash: null,
  };
}

/** The first answer, rebuilt from the permanent row; the odds of that moment are not kept. */
function answerOf(view: TicketView, asked: TicketBody['bets']): TicketAnswer {
  const bets = view.bets.map((bet): TicketAnswer['bets'][number] => {
    const { betRef, poolId, lines, stake, code, detail, pointer } = bet;
    if (bet.placement !== 'REJECTED') {
      const { betId, selection, unitStake } = bet;
      return { betRef, betId, poolId, selection, status: 'ACCEPTED', lines, unitStake, stake, indicativeOdds: null };
    }
    const refused = {
      betId: null,
      poolId: poolAskedFor(asked, betRef),
      selection: null,
      status: 'REJECTED',
      unitStake: null,
    } as const;
    const why = { code: code ?? '', detail: detail ?? '', pointer: pointer ?? '' };
    return { betRef, ...refused, lines: 0, stake: 0, indicativeOdds: null, ...why };
  });
  const { ticketId, ticketRef, accountId, totalStake, currency, receipt } = view;
  return {
    ...{ ticketId, ticketRef, accountId },
    status: bets.some((bet) => bet.status === 'REJECTED') ? 'PARTIAL' : 'ACCEPTED',
    acceptedAt: view.acceptedAt ?? view.decidedAt,
    totalStake,
    currency: currency ?? '',
    bets,
    balance: view.balance ?? { available: 0 },
    receipt,
  };
}

function refusedView(view: TicketView): Problem {
  const { ticketId, ticketRef, receipt, code, detail, pointer } = view;
  const refused = { code: code ?? 'MALFORMED', detail: detail ?? undefined, pointer: pointer ?? undefined };
  return refusalOf(refused, { extra: { ticketId, ticketRef, receipt }, replayed: true });
}

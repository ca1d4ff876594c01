/**
 * What clients can do with their accounts: place, look up, cancel and abandon tickets. Every answer about a bet comes
 * from its decision in the log or from the projections of it; a time-out is never told as a refusal.
 */
import { encodeCommand } from '#mutuel/contracts';
import { REF_AHEAD_MS, readRef, type ShardEvent } from '#mutuel/engine';
import { isRetriable } from '#mutuel/runtime';
import type { TicketView } from '#mutuel/services';
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
  type Receipt,
  receiptOf,
  type TicketAnswer,
  ticketAnswer,
  ticketIdOf,
  ticketRefusal,
} from './ticket-answers.js';
import {
  answerOf,
  burntView,
  isBurnt,
  type KnownTicket,
  knownTicket,
  refusedView,
  viewOfKnown,
} from './ticket-views.js';

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
  readonly limits?: Pick<TicketLimits, 'admit'>;
  readonly now: () => number;
}

type Placed = Answer<TicketAnswer | PendingAnswer>;

/** How far behind the log the projections may be before an outcome is said to be unknown. */
const ROW_WAIT_MS = 3_000;
const ROW_LOOK_MS = 50;
const NEVER_USED = 'It was never decided, and is older than the window of two hours: it never will be.';

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
    const command = placeCommand(body, principal.channel);
    const submitted = await this.#p.door.submit(accountId, cid, encodeCommand(cid, command), principal.channel);
    switch (submitted.kind) {
      case 'DECIDED':
        return this.#decided(body, command.body, submitted);
      case 'PENDING':
        return this.#pending(body);
      case 'BUSY':
        throw busy(submitted);
      default:
        return submitted satisfies never;
    }
  }

  #decided(body: TicketBody, bodyHash: string, answered: Answered<ShardEvent>): Placed | Promise<Placed> {
    const { code } = answered.decision;
    if (code === 'REPLAY' || code === 'REF_OUTSIDE_WINDOW') return this.#earlier(body, bodyHash, answered);
    const accepted = acceptedIn(answered);
    const answer = accepted && ticketAnswer(answered, accepted, this.#oddsOf, body.bets);
    if (answer !== undefined || takesRef(answered)) this.#remember(body, answered, answer);
    if (answer === undefined) throw ticketRefusal(answered, body.ticketRef);
    return { status: 201, body: answer, replayed: false };
  }

  /** The reference was settled before: the first answer again, from memory or from its permanent row. */
  async #earlier(body: TicketBody, bodyHash: string, now: Answered<ShardEvent>): Promise<Placed> {
    const { accountId, ticketRef } = body;
    const recent =
      this.#recall(this.#p.recent.byRef(accountId, ticketRef)) ?? this.#fromLog(accountId, ticketRef, now, body.bets);
    const view = viewOfKnown(recent) ?? (await this.#rowOf(accountId, ticketRef, now));
    if (view === 'NOT_YET') return this.#pending(body);
    if (view === null || view.status === 'BURNT') throw ticketRefusal(now, ticketRef);
    // Of a reference that old the shard does not know the body any more.
    if (view.bodyHash !== null && view.bodyHash !== bodyHash) throw ticketRefusal(withOtherBody(now), ticketRef);
    if (recent?.answer) return { status: 201, body: recent.answer, replayed: true };
    if (recent) throw ticketRefusal(recent.answered, ticketRef, true);
    if (view.status === 'REJECTED') throw refusedView(view);
    return { status: 201, body: answerOf(view, body.bets), replayed: true };
  }

  /** The permanent row, null where none will ever be; something was appended, so that a database away is no refusal. */
  async #rowOf(account: string, ref: string, now: Answered<ShardEvent>): Promise<TicketView | 'NOT_YET' | null> {
    const { reads } = this.#p;
    try {
      const row = await reads.ticketByRef(account, ref);
      if (row !== null) return row;
      // What has no row once this decision is projected was never decided before it.
      const isProjected = (await reads.projectedSeq(now.shard)) >= now.decision.seq;
      return isProjected ? await reads.ticketByRef(account, ref) : 'NOT_YET';
    } catch (fault) {
      if (isRetriable(fault)) return 'NOT_YET';
      throw fault;
    }
  }

  #pending({ accountId, ticketRef }: TicketBody): Answer<PendingAnswer> {
    this.#p.recent.addPending(accountId, ticketRef, this.#p.now());
    return { status: 202, body: pendingAnswer(accountId, ticketRef), replayed: false };
  }

  /** The decision by which the shard says that the reference was taken, while it is in memory; which odds were shown is not in it. */
  #fromLog(
    account: string,
    ref: string,
    { decision }: Answered<ShardEvent>,
    asked: AskedBets = [],
  ): KnownTicket | undefined {
    const answered = decision.of === undefined ? undefined : this.#p.door.recent(account, decision.of);
    return answered && knownTicket(account, ref, answered, () => null, asked);
  }

  #remember(
    ticket: Pick<TicketBody, 'accountId' | 'ticketRef'> & Partial<TicketBody>,
    answered: Answered<ShardEvent>,
    answer: TicketAnswer | undefined,
  ): void {
    const { accountId, ticketRef, bets = [] } = ticket;
    const accepted = (answer?.bets ?? []).filter((bet) => bet.status === 'ACCEPTED');
    const odds = accepted.map((bet) => bet.indicativeOdds);
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
    const view = await this.#settledBy(answered, account, ref);
    if (view !== undefined) return { status: 200, body: view, replayed: false };
    throw new Problem('OUTCOME_UNKNOWN', 'The decision on this reference is not known here yet.');
  }

  /** What became of a reference that its shard will not decide on any more; the projections are waited for. */
  async #settledBy(now: Answered<ShardEvent>, account: string, ref: string): Promise<TicketView | undefined> {
    const recent = viewOfKnown(this.#recall(this.#p.recent.byRef(account, ref)) ?? this.#fromLog(account, ref, now));
    const waitUntil = this.#p.now() + ROW_WAIT_MS;
    for (;;) {
      const row = await this.#rowOf(account, ref, now);
      if (row === null)
        return (await this.#isUnused(account, ref)) ? burntView(now, account, ref, NEVER_USED) : undefined;
      if (row !== 'NOT_YET') return row;
      if (recent !== null || this.#p.now() > waitUntil) return recent ?? undefined;
      await new Promise((resolve) => setTimeout(resolve, ROW_LOOK_MS));
    }
  }

  /** Of an account from another epoch, what was decided there is not in these read models. */
  async #isUnused(account: string, ref: string): Promise<boolean> {
    const { time = 0 } = readRef(ref) ?? {};
    const carriedAt = await this.#p.reads.carriedAt(account);
    return carriedAt === null || time > carriedAt + REF_AHEAD_MS;
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

/** What the shard says itself of a younger reference. */
const withOtherBody = ({ decision, ...rest }: Answered<ShardEvent>): Answered<ShardEvent> => ({
  ...rest,
  decision: {
    ...decision,
    code: 'IDEMPOTENCY_BODY_MISMATCH',
    detail: 'This ticketRef was used with another body.',
    pointer: '/ticketRef',
  },
});

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

export function refusedAnswer(answered: Answered<unknown>): Problem {
  const { decision } = answered;
  return refusalOf({ ...decision, code: decision.code ?? 'INTERNAL' }, { extra: { receipt: receiptOf(answered) } });
}

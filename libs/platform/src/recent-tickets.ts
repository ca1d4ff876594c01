/**
 * Tickets that this process answered a short while ago, so that a look-up right after a bet does not depend on how far the
 * projections are. Bounded; it must never say that something does not exist.
 */
import { type ShardEvent, STALE_MS } from '#mutuel/engine';
import type { Answered } from './doors.js';
import { Generations } from './generations.js';
import type { TicketAnswer } from './ticket-answers.js';

export interface RecentTicket {
  readonly accountId: string;
  readonly ticketRef: string;
  readonly ticketId: string;
  readonly answered: Answered<ShardEvent>;
  /** Absent where the ticket was refused. */
  readonly answer: TicketAnswer | undefined;
}

const DEFAULT_KEPT = 10_000;
/** A command that waits longer is refused as stale when it is decided at all. */
const PENDING_MS = STALE_MS;

export class RecentTickets {
  readonly #byRef: Generations<RecentTicket>;
  readonly #byId: Generations<RecentTicket>;
  /** References whose decision is awaited. */
  readonly #pending: Generations<number>;

  constructor(kept = DEFAULT_KEPT) {
    this.#byRef = new Generations(kept);
    this.#byId = new Generations(kept);
    this.#pending = new Generations(kept);
  }

  add(ticket: RecentTicket): void {
    this.#byRef.set(keyOf(ticket.accountId, ticket.ticketRef), ticket);
    this.#byId.set(ticket.ticketId, ticket);
  }

  addPending(accountId: string, ticketRef: string, now: number): void {
    this.#pending.set(keyOf(accountId, ticketRef), now);
  }

  byRef(accountId: string, ticketRef: string): RecentTicket | undefined {
    return this.#byRef.get(keyOf(accountId, ticketRef));
  }

  byId(ticketId: string): RecentTicket | undefined {
    return this.#byId.get(ticketId);
  }

  /** Its command was sent lately and nothing else is known. What got lost on its way to the log is never decided, so this ends. */
  isPending(accountId: string, ticketRef: string, now: number): boolean {
    const since = this.#pending.get(keyOf(accountId, ticketRef));
    return since !== undefined && now - since <= PENDING_MS && this.byRef(accountId, ticketRef) === undefined;
  }
}

const keyOf = (accountId: string, ticketRef: string): string => `${accountId} ${ticketRef}`;

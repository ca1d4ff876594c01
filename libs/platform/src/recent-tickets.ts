/**
 * Tickets that this process answered a short while ago, so that a look-up right after a bet does not depend on how far the
 * projections are. Bounded; it must never say that something does not exist.
 */
import type { ShardEvent } from '#mutuel/engine';
import type { Answered } from './doors.js';
import type { TicketAnswer } from './ticket-answers.js';

export interface RecentTicket {
  readonly accountId: string;
  readonly ticketRef: string;
  readonly ticketId: string;
  readonly answered: Answered<ShardEvent>;
  /** Absent where the ticket was refused. */
  readonly answer: TicketAnswer | undefined;
}

const DEFAULT_KEPT = 20_000;

export class RecentTickets {
  readonly #byRef = new Map<string, RecentTicket>();
  readonly #byId = new Map<string, RecentTicket>();
  /** References whose decision is awaited. */
  readonly #pending = new Map<string, number>();

  constructor(private readonly kept = DEFAULT_KEPT) {}

  add(ticket: RecentTicket): void {
    this.#byRef.set(keyOf(ticket.accountId, ticket.ticketRef), ticket);
    this.#byId.set(ticket.ticketId, ticket);
    this.#pending.delete(keyOf(ticket.accountId, ticket.ticketRef));
    if (this.#byRef.size > this.kept) dropFirst(this.#byRef);
    if (this.#byId.size > this.kept) dropFirst(this.#byId);
  }

  addPending(accountId: string, ticketRef: string, now: number): void {
    this.#pending.set(keyOf(accountId, ticketRef), now);
    if (this.#pending.size > this.kept) dropFirst(this.#pending);
  }

  byRef(accountId: string, ticketRef: string): RecentTicket | undefined {
    return this.#byRef.get(keyOf(accountId, ticketRef));
  }

  byId(ticketId: string): RecentTicket | undefined {
    return this.#byId.get(ticketId);
  }

  /** When its command was sent, where nothing else is known. */
  pendingSince(accountId: string, ticketRef: string): number | undefined {
    return this.#pending.get(keyOf(accountId, ticketRef));
  }
}

const keyOf = (accountId: string, ticketRef: string): string => `${accountId} ${ticketRef}`;

function dropFirst(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

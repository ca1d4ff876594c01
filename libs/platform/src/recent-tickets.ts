/**
 * Tickets that this process answered a short while ago, so that a look-up right after a bet does not depend on how far the
 * projections are. Bounded; it must never say that something does not exist. The decision itself stays with whoever read it: what is kept
 * here outlives the youth of an object, and the collector goes through all of it.
 */
import { STALE_MS } from '#mutuel/engine';
import { Generations } from './generations.js';
import type { AskedBets } from './ticket-answers.js';

export interface RecentTicket {
  readonly accountId: string;
  readonly ticketRef: string;
  readonly ticketId: string;
  /** The decision in the log of the account's shard. */
  readonly seq: number;
  /** What the decision does not hold of the answer: the odds shown with accepted bets, in their order, */
  readonly odds: readonly (string | null)[];
  /** and where bets were refused, what was asked for. */
  readonly asked: AskedBets;
}

const DEFAULT_KEPT = 10_000;
/** A command that waits longer is refused as stale when it is decided at all. */
const PENDING_MS = STALE_MS;

export class RecentTickets {
  /** Of two accounts that use one reference, as they should not, the later is remembered. */
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
    this.#byRef.set(ticket.ticketRef, ticket);
    this.#byId.set(ticket.ticketId, ticket);
  }

  addPending(accountId: string, ticketRef: string, now: number): void {
    this.#pending.set(pendingKey(accountId, ticketRef), now);
  }

  byRef(accountId: string, ticketRef: string): RecentTicket | undefined {
    const found = this.#byRef.get(ticketRef);
    return found?.accountId === accountId ? found : undefined;
  }

  byId(ticketId: string): RecentTicket | undefined {
    return this.#byId.get(ticketId);
  }

  /** Its command was sent lately and nothing else is known. What got lost on its way to the log is never decided, so this ends. */
  isPending(accountId: string, ticketRef: string, now: number): boolean {
    const since = this.#pending.get(pendingKey(accountId, ticketRef));
    return since !== undefined && now - since <= PENDING_MS && this.byRef(accountId, ticketRef) === undefined;
  }
}

const pendingKey = (accountId: string, ticketRef: string): string => `${accountId} ${ticketRef}`;

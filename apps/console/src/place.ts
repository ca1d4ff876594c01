// Placing one ticket until its outcome is known: the same reference and body are sent again after a lost answer, a
// pending one is looked up, and only the tote's own decision ends it. It must never make a second reference for the same
// bet, and never call a time-out a refusal.
import { type Answer, LostAnswer, ProblemError } from './http.js';
import type { Problem, Ticket, TicketBody } from './wire.js';

export type Outcome =
  | { readonly kind: 'ACCEPTED'; readonly ticket: Ticket; readonly replayed: boolean }
  | { readonly kind: 'REFUSED'; readonly problem: Problem }
  /** Nothing is known yet: ask again with the same reference, or give the reference up. */
  | { readonly kind: 'UNKNOWN'; readonly href: string | null };

export type Progress = 'SENDING' | 'WAITING' | 'ASKING_AGAIN';

export interface PlacePorts {
  send(body: TicketBody): Promise<Answer<Ticket | Pending>>;
  look(href: string): Promise<Answer<Ticket | Pending>>;
  sleep(ms: number): Promise<void>;
}

export interface Pending {
  ticketRef: string;
  status: string;
  href?: string;
}

/** Tries and look-ups before a person is asked what to do; about twenty seconds in all. */
const TRIES = 5;
const LOOKS = 20;
const LOOK_EVERY_MS = 500;
const LONGEST_WAIT_MS = 5_000;

export async function place(body: TicketBody, ports: PlacePorts, tell: (now: Progress) => void): Promise<Outcome> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    tell(attempt === 0 ? 'SENDING' : 'ASKING_AGAIN');
    try {
      const answer = await ports.send(body);
      if (isTicket(answer.body)) return settled(answer.body, answer.replayed);
      tell('WAITING');
      return await follow(answer.body.href ?? refHref(body), ports);
    } catch (failure) {
      const wait = waitFor(failure, attempt);
      if (typeof wait !== 'number') return wait;
      await ports.sleep(wait);
    }
  }
  return { kind: 'UNKNOWN', href: refHref(body) };
}

/** Gives the reference up: what was decided before, or that it can never be used. A lost answer leaves it unknown. */
export async function abandon(
  body: TicketBody,
  ports: { burn(path: string): Promise<Answer<Ticket>> },
): Promise<Outcome> {
  const href = refHref(body);
  try {
    const answer = await ports.burn(`${href}/abandon`);
    return settled(answer.body, answer.replayed);
  } catch (failure) {
    if (!(failure instanceof ProblemError)) return { kind: 'UNKNOWN', href };
    const { problem } = failure;
    return problem.retry === 'SAME_KEY' ? { kind: 'UNKNOWN', href } : { kind: 'REFUSED', problem };
  }
}

/** Looks a pending ticket up until it is decided. */
export async function follow(href: string, ports: Pick<PlacePorts, 'look' | 'sleep'>): Promise<Outcome> {
  for (let look = 0; look < LOOKS; look += 1) {
    await ports.sleep(LOOK_EVERY_MS);
    try {
      const answer = await ports.look(href);
      if (isTicket(answer.body)) return settled(answer.body, answer.replayed);
    } catch (failure) {
      if (failure instanceof ProblemError && failure.problem.status === 422) {
        return { kind: 'REFUSED', problem: failure.problem };
      }
    }
  }
  return { kind: 'UNKNOWN', href };
}

export function refHref({ accountId, ticketRef }: Pick<TicketBody, 'accountId' | 'ticketRef'>): string {
  return `/v1/tickets/by-ref/${encodeURIComponent(accountId)}/${encodeURIComponent(ticketRef)}`;
}

function waitFor(failure: unknown, attempt: number): number | Outcome {
  const backoff = Math.min(LONGEST_WAIT_MS, 400 * 2 ** attempt);
  if (failure instanceof LostAnswer) return backoff;
  if (!(failure instanceof ProblemError)) throw failure;
  const { problem, retryAfterMs } = failure;
  // 503 and 429 come before anything was written; SAME_KEY says so in words.
  const again = problem.status === 503 || problem.status === 429 || problem.retry === 'SAME_KEY';
  return again ? Math.min(LONGEST_WAIT_MS, retryAfterMs ?? backoff) : { kind: 'REFUSED', problem };
}

function settled(ticket: Ticket, replayed: boolean): Outcome {
  if (ticket.status === 'BURNT') {
    const detail = 'The bet was given up before the tote had taken it. Nothing was staked.';
    return { kind: 'REFUSED', problem: { status: 422, code: 'REF_BURNT', detail, retry: 'NEW_KEY' } };
  }
  if (ticket.status !== 'REJECTED') return { kind: 'ACCEPTED', ticket, replayed };
  const said = ticket.bets.find((bet) => bet.code != null) ?? ticket;
  const detail = said.detail ?? 'The tote refused this ticket.';
  return { kind: 'REFUSED', problem: { status: 422, code: said.code ?? 'REJECTED', detail, retry: 'NEW_KEY' } };
}

function isTicket(body: Ticket | Pending): body is Ticket {
  return 'ticketId' in body && 'bets' in body && body.status !== 'PENDING' && body.status !== 'UNKNOWN';
}

/**
 * Between the messages of the proto and the shapes of the handlers. Absent and empty are one thing on the wire of proto3: both are
 * left out of the body, so that the same validation says the same about them as over HTTP.
 */
import type { TicketView } from '#mutuel/services';
import type { Answer, CancelAnswer, PendingAnswer } from '../betting.js';
import type { Problem } from '../problem.js';
import { PROBLEM_CODES } from '../problem-codes.js';
import type { QuoteAnswer } from '../quotes.js';
import type { Receipt, TicketAnswer } from '../ticket-answers.js';

type Message = Record<string, unknown>;

/** The JSON body that says the same as the message. */
export function ticketBody(request: Message): Message {
  const bets = (request['bets'] as Message[] | undefined) ?? [];
  return filled({ ...request, bets: bets.map(betBody) });
}

function betBody(bet: Message): Message {
  const parts = ((bet['parts'] as Message[] | undefined) ?? []).map((part) =>
    filled({ ...part, columns: listsOf(part['columns']) }),
  );
  return filled({ ...bet, columns: listsOf(bet['columns']), alternates: listsOf(bet['alternates']), parts });
}

/** Lists of lists need a message of their own in between. */
function listsOf(lists: unknown): string[][] {
  return ((lists as { runners?: string[] }[] | undefined) ?? []).map(({ runners = [] }) => runners);
}

/** Without the fields that are absent or empty, and without the names that proto-loader adds for optional ones. */
function filled(message: Message): Message {
  const entries = Object.entries(message).filter(([name, value]) => {
    const isEmpty =
      value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
    return !isEmpty && !name.startsWith('_');
  });
  return Object.fromEntries(entries);
}

export function placedMessage({ body, replayed }: Answer<TicketAnswer | PendingAnswer>): Message {
  if (body.status === 'PENDING') return { ticketRef: body.ticketRef, status: body.status, replayed };
  return { ...ticketMessage(body as TicketAnswer), replayed };
}

export function lookedUpMessage(view: TicketView | PendingAnswer): Message {
  if (!('receipt' in view)) return { ticketRef: view.ticketRef, status: view.status };
  return ticketMessage(view);
}

interface AnyTicket {
  readonly ticketId: string;
  readonly acceptedAt: string | null;
  readonly balance: { readonly available: number } | null;
  readonly receipt: Receipt;
  readonly bets: readonly object[];
}

function ticketMessage(ticket: AnyTicket): Message {
  const { balance, bets, ...rest } = ticket;
  return {
    ...present(rest),
    bets: bets.map(present),
    ...(balance === null ? {} : { available: balance.available }),
  };
}

export const cancelledMessage = ({ ticketId, refunded, balance, receipt }: CancelAnswer): Message => ({
  ...{ ticketId, refunded, available: balance.available, receipt },
});

export const quotedMessage = ({ lines, cost, currency, bets }: QuoteAnswer): Message => ({
  ...{ lines, cost, currency },
  bets: bets.map(({ poolId, selection, lines: count, cost: price, oddsBefore, oddsAfter, refusal }) =>
    present({
      ...{ poolId, selection, lines: count, cost: price, oddsBefore, oddsAfter },
      refusalCode: refusal?.code,
      refusalDetail: refusal?.detail,
    }),
  ),
});

export function problemMessage(problem: Problem, correlationId: string): Message {
  const { code, message: detail, errors, retryAfterSeconds, extra } = problem;
  const { ticketId, receipt } = extra;
  const { retry } = PROBLEM_CODES[code];
  return present({ code, retry, detail, correlationId, retryAfterSeconds, errors, ticketId, receipt });
}

/** Null is no value of proto3. */
const present = (object: object): Message =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value != null));

/**
 * Tickets as they are looked up, and the first answer once more: from the decision while it is in memory, from the permanent row later.
 * What neither holds, the odds that were shown, is left out and never put in anew.
 */
import type { ShardEvent } from '#mutuel/engine';
import type { TicketBetView, TicketView } from '#mutuel/services';
import type { Answered } from './doors.js';
import { type Problem, refusalOf } from './problem.js';
import {
  type AskedBets,
  acceptedIn,
  type OddsOf,
  poolAskedFor,
  REFUSED,
  receiptOf,
  type TicketAnswer,
  ticketAnswer,
  ticketIdOf,
} from './ticket-answers.js';

export const isBurnt = ({ decision }: Answered<ShardEvent>): boolean => decision.events[0]?.t === 'RefBurnt';

/** What a ticket's reference became, with the decision that says so; without an answer where it was refused or burnt. */
export interface KnownTicket {
  readonly accountId: string;
  readonly ticketRef: string;
  readonly answered: Answered<ShardEvent>;
  readonly answer: TicketAnswer | undefined;
}

export function knownTicket(
  accountId: string,
  ticketRef: string,
  answered: Answered<ShardEvent>,
  oddsOf: OddsOf,
  asked: AskedBets,
): KnownTicket {
  const accepted = acceptedIn(answered);
  return { accountId, ticketRef, answered, answer: accepted && ticketAnswer(answered, accepted, oddsOf, asked) };
}

export function viewOfKnown(known: KnownTicket | undefined): TicketView | null {
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
    bodyHash: bodyOf(answered),
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

export function burntView(
  answered: Answered<ShardEvent>,
  accountId: string,
  ticketRef: string,
  detail: string | null = null,
): TicketView {
  return {
    ...{ ticketId: ticketIdOf(answered), ticketRef, accountId, status: 'BURNT', acceptedAt: null },
    decidedAt: new Date(answered.decision.at).toISOString(),
    ...{
      totalStake: 0,
      currency: null,
      channel: null,
      code: 'REF_BURNT',
      detail,
      pointer: null,
      bets: [],
      balance: null,
    },
    receipt: receiptOf(answered),
    bodyHash: null,
  };
}

/** The first answer, rebuilt from the permanent row; the odds of that moment are not kept. */
export function answerOf(view: TicketView, asked: AskedBets): TicketAnswer {
  const bets = view.bets.map((bet): TicketAnswer['bets'][number] => {
    const { betRef, poolId, lines, stake, code, detail, pointer } = bet;
    if (bet.placement !== 'REJECTED') {
      const { betId, selection, unitStake } = bet;
      return { betRef, betId, poolId, selection, status: 'ACCEPTED', lines, unitStake, stake, indicativeOdds: null };
    }
    const why = { code: code ?? '', detail: detail ?? '', pointer: pointer ?? '' };
    return { betRef, poolId: poolAskedFor(asked, betRef), ...REFUSED, ...why };
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

export function refusedView(view: TicketView): Problem {
  const { ticketId, ticketRef, receipt, code, detail, pointer } = view;
  const refused = { code: code ?? 'MALFORMED', detail: detail ?? undefined, pointer: pointer ?? undefined };
  return refusalOf(refused, { extra: { ticketId, ticketRef, receipt }, replayed: true });
}

/** Hash of the body that took the reference. */
function bodyOf({ decision }: Answered<ShardEvent>): string | null {
  const [event] = decision.events;
  return event?.t === 'TicketAccepted' || event?.t === 'RefTaken' ? event.body : null;
}

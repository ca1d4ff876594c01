/**
 * From a decision on a ticket to what its client is told, at once or on a repetition: all but the odds shown is a function of the
 * decision record and of what was asked for, so that a replay is the first answer again.
 */
import type { ShardEvent, TicketAccepted } from '#mutuel/engine';
import type { Answered } from './doors.js';
import { type Problem, refusalOf } from './problem.js';

export interface Receipt {
  readonly shard: number;
  readonly seq: number;
  readonly hash: string;
}

export interface BetAnswer {
  readonly betRef: string;
  readonly betId: string | null;
  readonly poolId: string;
  readonly selection: string | null;
  readonly status: 'ACCEPTED' | 'REJECTED';
  readonly lines: number;
  readonly unitStake: number | null;
  readonly stake: number;
  readonly indicativeOdds: string | null;
  readonly code?: string;
  readonly detail?: string;
  readonly pointer?: string;
}

export interface TicketAnswer {
  readonly ticketId: string;
  readonly ticketRef: string;
  readonly accountId: string;
  readonly status: 'ACCEPTED' | 'PARTIAL';
  readonly acceptedAt: string;
  readonly totalStake: number;
  readonly currency: string;
  readonly bets: readonly BetAnswer[];
  readonly balance: { readonly available: number };
  readonly receipt: Receipt;
}

export type AskedBets = readonly {
  readonly betRef: string;
  readonly poolId?: string | undefined;
  readonly parts?: readonly { readonly poolId: string }[] | undefined;
}[];

/** The pool that a bet was sent for; of a report the first. */
export function poolAskedFor(asked: AskedBets, betRef: string): string {
  const bet = asked.find((one) => one.betRef === betRef);
  return bet?.poolId ?? bet?.parts?.[0]?.poolId ?? '';
}

export type OddsOf = (poolId: string, selection: string) => string | null;

export const receiptOf = ({ shard, decision, hash }: Answered<unknown>): Receipt => ({
  shard,
  seq: decision.seq,
  hash,
});

/** The id that a ticket has, or would have had. */
export const ticketIdOf = ({ shard, decision }: Answered<unknown>): string =>
  `t${shard}-${decision.seq}-${decision.cid.slice(-12)}`;

/** The acceptance in a decision, if it is one. */
export function acceptedIn(answered: Answered<ShardEvent>): TicketAccepted | undefined {
  const event = answered.decision.events[0];
  return event?.t === 'TicketAccepted' ? event : undefined;
}

/** What a refused bet has of all that an accepted one has. */
export const REFUSED = {
  betId: null,
  selection: null,
  status: 'REJECTED',
  lines: 0,
  unitStake: null,
  stake: 0,
  indicativeOdds: null,
} as const;

/** In the order of the ticket. `asked` are the bets as they were sent: of a refused one the decision keeps no pool. */
export function ticketAnswer(
  answered: Answered<ShardEvent>,
  accepted: TicketAccepted,
  oddsOf: OddsOf,
  asked: AskedBets,
): TicketAnswer {
  const taken = accepted.bets.map((bet): readonly [number, BetAnswer] => [
    bet.no,
    {
      betRef: bet.ref,
      betId: `${accepted.ticket}-${bet.no + 1}`,
      poolId: bet.pool,
      selection: bet.sel,
      status: 'ACCEPTED',
      lines: bet.lines,
      unitStake: bet.unit,
      stake: bet.stake,
      indicativeOdds: oddsOf(bet.pool, bet.sel),
    },
  ]);
  const refused = accepted.refused.map(({ no, ref, code, detail, pointer }): readonly [number, BetAnswer] => [
    no,
    { betRef: ref, poolId: poolAskedFor(asked, ref), ...REFUSED, code, detail, pointer },
  ]);
  const bets = [...taken, ...refused].sort(([a], [b]) => a - b).map(([, bet]) => bet);
  return {
    ticketId: accepted.ticket,
    ticketRef: accepted.ref,
    accountId: accepted.account,
    status: accepted.refused.length > 0 ? 'PARTIAL' : 'ACCEPTED',
    acceptedAt: new Date(answered.decision.at).toISOString(),
    totalStake: accepted.total,
    currency: accepted.currency,
    bets,
    balance: { available: accepted.balance },
    receipt: receiptOf(answered),
  };
}

/** A decided refusal, with its place in the log. */
export function ticketRefusal(answered: Answered<ShardEvent>, ticketRef: string, replayed = false): Problem {
  const { decision } = answered;
  const extra = { ticketId: ticketIdOf(answered), ticketRef, receipt: receiptOf(answered) };
  return refusalOf({ ...decision, code: decision.code ?? 'INTERNAL' }, { extra, replayed });
}

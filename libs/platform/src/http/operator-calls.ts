/**
 * Every call at the operators' door as one line for machines: who, from which device, for what, and what came of it. The market keeps
 * what was decided; here stands what never reached it, too: a role that is missing, a body that cannot be read, what was only looked at.
 * It must never name who holds an account.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../auth.js';
import type { ProblemCode } from '../problem-codes.js';

export interface OperatorCall {
  /** Null for whoever has no operator's role, or no token that holds. */
  readonly user: string | null;
  readonly roles: readonly string[];
  /** Id of the token. */
  readonly device: string | null;
  readonly method: string;
  /** As it is documented, without its values: `/v1/operator/races/:raceId/close`. */
  readonly route: string;
  readonly raceId?: string;
  readonly ticketId?: string;
  readonly status: number;
  /** Why not; null where it was done. */
  readonly code: ProblemCode | null;
}

/** What the guard and the filter leave on a request, for those behind them. */
export interface Asked extends FastifyRequest {
  principal?: Principal;
  refusedWith?: ProblemCode;
}

const DOOR = '/v1/operator';

/** Undefined where it was no call of an operator. */
export function operatorCall(request: Asked, { statusCode: status }: FastifyReply): OperatorCall | undefined {
  const route = request.routeOptions.url ?? '';
  if (!route.startsWith(DOOR)) return undefined;
  const { subject = null, roles = [], device = null } = request.principal ?? {};
  const { raceId, ticketId } = request.params as { readonly raceId?: string; readonly ticketId?: string };
  return {
    ...{ user: roles.length > 0 ? subject : null, roles, device, method: request.method, route },
    ...(raceId === undefined ? {} : { raceId }),
    ...(ticketId === undefined ? {} : { ticketId }),
    ...{ status, code: request.refusedWith ?? null },
  };
}

export const callText = ({ user, method, route, raceId, ticketId, status, code }: OperatorCall): string => {
  const about = raceId ?? ticketId;
  return `${user ?? 'Nobody known'}: ${method} ${route}${about === undefined ? '' : ` (${about})`}: ${code ?? status}`;
};

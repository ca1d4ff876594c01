// What both pages read over HTTP and how often; the feed says when to look sooner. It must never write.
import { queryOptions, type UseQueryResult, useQueries, useQuery } from '@tanstack/react-query';
import { get } from '../http.js';
import type { Account, Demo, Meeting, Pool, Race, Statement, Ticket } from '../wire.js';
import { isOver } from './race-face.js';

/** Demo accounts and operators; an error where this is no demo. */
export function useDemo(): UseQueryResult<Demo> {
  return useQuery({
    queryKey: ['demo'],
    queryFn: ({ signal }) => get<Demo>('/v1/demo', undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Around midnight, UTC, a card has races on either side of it. */
const NIGHT_HOURS = 1;

/** The meetings of the UTC day, and of the neighbouring one in the hour before and after midnight. */
export function useMeetings(): UseQueryResult<Meeting[]> {
  return useQuery({
    queryKey: ['meetings'],
    queryFn: async ({ signal }) => {
      const now = Date.now();
      const hour = NIGHT_HOURS * 3_600_000;
      const days = new Set([now - hour, now, now + hour].map((at) => new Date(at).toISOString().slice(0, 10)));
      const answers = await Promise.all([...days].map((day) => meetingsOn(day, signal)));
      return answers.flatMap((answer) => answer.meetings);
    },
    refetchInterval: 4_000,
  });
}

function meetingsOn(day: string, signal: AbortSignal): Promise<{ meetings: Meeting[] }> {
  return get<{ meetings: Meeting[] }>(`/v1/meetings?date=${day}`, undefined, signal);
}

export function useRace(raceId: string | null): UseQueryResult<Race> {
  return useQuery(raceQuery(raceId));
}

/** The races of a pool over several, in order; those not read yet are undefined. */
export function useLegs(raceIds: readonly string[]): (Race | undefined)[] {
  return useQueries({ queries: raceIds.map(raceQuery) }).map(({ data }) => data);
}

function raceQuery(raceId: string | null) {
  return queryOptions({
    queryKey: ['race', raceId],
    queryFn: ({ signal }) => get<Race>(`/v1/races/${encodeURIComponent(raceId ?? '')}`, undefined, signal),
    enabled: raceId !== null,
    refetchInterval: (query) => (query.state.data !== undefined && isOver(query.state.data.status) ? 15_000 : 3_000),
  });
}

/** A pool as the API tells it; nothing is asked for null. */
export function usePool(poolId: string | null): UseQueryResult<Pool> {
  return useQuery({
    queryKey: ['pool', poolId],
    queryFn: ({ signal }) => get<Pool>(`/v1/pools/${encodeURIComponent(poolId ?? '')}`, undefined, signal),
    enabled: poolId !== null,
    refetchInterval: 5_000,
  });
}

export function useAccount(session: { accountId: string; token: string } | null): UseQueryResult<Account> {
  return useQuery({
    queryKey: ['account', session?.accountId],
    queryFn: ({ signal }) =>
      get<Account>(`/v1/accounts/${encodeURIComponent(session?.accountId ?? '')}`, session?.token, signal),
    enabled: session !== null,
    refetchInterval: 4_000,
  });
}

/** Pages walked at one look; what is left is walked at the next. */
const PAGES_AT_ONCE = 25;

/** How far each account's statement was read in this tab, and the tickets found so far, oldest first. */
const read = new Map<string, { after: string | null; ids: Set<string> }>();

/** Ids of the account's tickets, newest first, as its statement tells them; only what is new is read each time. */
export function useTicketIds(session: { accountId: string; token: string } | null): UseQueryResult<string[]> {
  return useQuery({
    queryKey: ['ticket-ids', session?.accountId],
    queryFn: async ({ signal }) => {
      const accountId = session?.accountId ?? '';
      const found = read.get(accountId) ?? { after: null, ids: new Set<string>() };
      read.set(accountId, found);
      const path = `/v1/accounts/${encodeURIComponent(accountId)}/statement`;
      for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
        const query = found.after === null ? '' : `?after=${encodeURIComponent(found.after)}`;
        const { entries, next } = await get<Statement>(`${path}${query}`, session?.token, signal);
        for (const { kind, ticketId } of entries) if (kind === 'STAKE' && ticketId !== null) found.ids.add(ticketId);
        found.after = entries.at(-1)?.position ?? found.after;
        if (next === null) break;
      }
      return [...found.ids].reverse();
    },
    enabled: session !== null,
    refetchInterval: 5_000,
  });
}

export function useTicket(ticketId: string, token: string): UseQueryResult<Ticket> {
  return useQuery({
    queryKey: ['ticket', ticketId],
    queryFn: ({ signal }) => get<Ticket>(`/v1/tickets/${encodeURIComponent(ticketId)}`, token, signal),
    refetchInterval: (query) => (query.state.data !== undefined && isPaidOut(query.state.data) ? false : 4_000),
  });
}

export function isPaidOut(ticket: Ticket): boolean {
  return ticket.bets.every(
    (bet) => bet.settlement === 'SETTLED' || bet.settlement === 'RESETTLED' || bet.status !== 'ACCEPTED',
  );
}

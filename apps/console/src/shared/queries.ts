// What both pages read over HTTP and how often; the feed says when to look sooner. It must never write.
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { get } from '../http.js';
import type { Account, Demo, Meeting, Race, Statement, Ticket } from '../wire.js';
import { isOver } from './race-face.js';

/** Demo accounts and operators; an error where this is no demo. */
export function useDemo(): UseQueryResult<Demo> {
  return useQuery({
    queryKey: ['demo'],
    queryFn: ({ signal }) => get<Demo>('/v1/demo', undefined, signal),
    staleTime: 60_000,
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
  return useQuery({
    queryKey: ['race', raceId],
    queryFn: ({ signal }) => get<Race>(`/v1/races/${encodeURIComponent(raceId ?? '')}`, undefined, signal),
    enabled: raceId !== null,
    refetchInterval: (query) => (query.state.data !== undefined && isOver(query.state.data.status) ? 15_000 : 3_000),
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

/** At most this many pages of a statement are walked to find the newest tickets. */
const MOST_PAGES = 20;

/** Ids of the account's newest tickets, newest first, as its statement tells them. */
export function useTicketIds(session: { accountId: string; token: string } | null): UseQueryResult<string[]> {
  return useQuery({
    queryKey: ['ticket-ids', session?.accountId],
    queryFn: async ({ signal }) => {
      const path = `/v1/accounts/${encodeURIComponent(session?.accountId ?? '')}/statement`;
      const ids = new Set<string>();
      let after: string | null = null;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const query: string = after === null ? '' : `?after=${encodeURIComponent(after)}`;
        const statement: Statement = await get<Statement>(`${path}${query}`, session?.token, signal);
        for (const entry of statement.entries) {
          if (entry.kind === 'STAKE' && entry.ticketId !== null) ids.add(entry.ticketId);
        }
        if (statement.next === null || statement.next === after || statement.entries.length === 0) break;
        after = statement.next;
      }
      return [...ids].reverse();
    },
    enabled: session !== null,
    refetchInterval: 8_000,
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

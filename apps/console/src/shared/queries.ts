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

/** Today's meetings by the UTC date, with yesterday's while one of its races is still to be paid. */
export function useMeetings(): UseQueryResult<Meeting[]> {
  return useQuery({
    queryKey: ['meetings'],
    queryFn: async ({ signal }) => {
      const today = new Date();
      const { meetings } = await meetingsOn(today, signal);
      if (today.getUTCHours() > 0 && meetings.length > 0) return meetings;
      const before = await meetingsOn(new Date(today.getTime() - 86_400_000), signal);
      const open = before.meetings.filter((meeting) => meeting.races.some((race) => !isOver(race.status)));
      return [...open, ...meetings];
    },
    refetchInterval: 4_000,
  });
}

function meetingsOn(day: Date, signal: AbortSignal): Promise<{ meetings: Meeting[] }> {
  return get<{ meetings: Meeting[] }>(`/v1/meetings?date=${day.toISOString().slice(0, 10)}`, undefined, signal);
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

// What the operator's page reads and the one way it commands. Every command answers with the market's sequence number or a
// problem; nothing here assumes that a command was carried out before the overview says so.
import {
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import type { OperatorSession } from '../common/session.js';
import { get, post } from '../http.js';
import type { AuditEntry, Overview, Settlement } from '../wire.js';
import type { Action } from './roles.js';

export function useOverview(operator: OperatorSession): UseQueryResult<Overview> {
  return useQuery({
    queryKey: ['overview', operator.token],
    queryFn: ({ signal }) => get<Overview>('/v1/operator/overview', operator.token, signal),
    refetchInterval: 1_500,
  });
}

export function useSettlement(operator: OperatorSession, raceId: string, enabled: boolean): UseQueryResult<Settlement> {
  return useQuery({
    queryKey: ['settlement', raceId],
    queryFn: ({ signal }) =>
      get<Settlement>(`/v1/operator/races/${encodeURIComponent(raceId)}/settlement`, operator.token, signal),
    enabled,
    refetchInterval: 2_500,
  });
}

interface AuditPage {
  entries: AuditEntry[];
  next: string | number | null;
}

const PAGE = 30;

export function useAudit(operator: OperatorSession, raceId: string | null) {
  return useInfiniteQuery({
    queryKey: ['audit', raceId],
    initialPageParam: null as string | number | null,
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (raceId !== null) query.set('raceId', raceId);
      if (pageParam !== null) query.set('after', String(pageParam));
      return get<AuditPage>(`/v1/operator/audit?${query}`, operator.token, signal);
    },
    getNextPageParam: (page) => page.next,
    refetchInterval: 4_000,
  });
}

export interface Command {
  action: Action;
  body: Record<string, unknown>;
}

export interface Acknowledged {
  seq: number;
  status: string;
}

export function useCommand(operator: OperatorSession, raceId: string): UseMutationResult<Acknowledged, Error, Command> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ action, body }: Command) =>
      post<Acknowledged>(`/v1/operator/races/${encodeURIComponent(raceId)}/${action}`, body, operator.token),
    onSettled: () => queries.invalidateQueries(),
  });
}

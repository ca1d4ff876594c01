// What kind of installation this is, on every page, where one machine's loss can lose bets. It must say nothing where nothing is amiss.
import { useQuery } from '@tanstack/react-query';
import { get } from '../http.js';
import type { Health } from '../wire.js';

export function Durability() {
  const { data } = useQuery({
    queryKey: ['installation'],
    queryFn: ({ signal }) => get<Health>('/health/live', undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (data === undefined || data.durable) return null;
  return (
    <p className="durability" role="note" data-testid="durability">
      {data.label}. Bets are as safe as one machine’s disk.
    </p>
  );
}

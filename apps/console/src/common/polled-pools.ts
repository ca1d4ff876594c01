// The pools of a race by asking again, for where the feed cannot be reached (a proxy that lets no websocket through): the
// same figures in the feed's own shape, every five seconds. It must never run while the feed does.
import { useQuery } from '@tanstack/react-query';
import type { FeedSnapshot, PoolState } from '../feed.js';
import { get } from '../http.js';
import type { Pool, Race } from '../wire.js';

const CYCLE_MS = 5_000;

/** The feed's snapshot while it lives, else one made of the pools as the API last told them. */
export function usePolledPools(race: Race | undefined, feed: FeedSnapshot): FeedSnapshot {
  const lost = feed.phase === 'OFFLINE';
  const polled = useQuery({
    queryKey: ['pools', race?.raceId],
    queryFn: ({ signal }) => Promise.all((race?.pools ?? []).map(({ poolId }) => readPool(poolId, signal))),
    enabled: lost && race !== undefined,
    refetchInterval: CYCLE_MS,
  });
  if (!lost || polled.data === undefined || polled.error !== null) return feed;
  const computed = polled.data.map((pool) => Date.parse(pool.computedAt ?? '')).filter(Number.isFinite);
  const cycles = polled.data.flatMap((pool) => pool.cycle ?? []);
  return {
    phase: 'POLLED',
    pools: new Map(polled.data.map((pool) => [pool.poolId, stateOf(pool)])),
    cycle: cycles.length > 0 ? Math.max(...cycles) : null,
    pt: computed.length > 0 ? Math.max(...computed) : null,
    conflated: false,
    checked: 0,
  };
}

function readPool(poolId: string, signal: AbortSignal): Promise<Pool> {
  return get<Pool>(`/v1/pools/${encodeURIComponent(poolId)}`, undefined, signal);
}

function stateOf(pool: Pool): PoolState {
  const rows = pool.odds.map(
    ({ c, stake, price, low, high }) => [c, { c, amt: stake, odds: price, lo: low, hi: high }] as const,
  );
  return {
    id: pool.poolId,
    v: pool.cycle ?? 0,
    def: { status: pool.status },
    tot: { gross: pool.gross, net: pool.net, carryIn: pool.carryIn, final: pool.final },
    rc: new Map(rows),
  };
}

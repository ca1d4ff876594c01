// The odds of a race as the board draws them: rows read from the feed, the path of each runner's odds, what moved. Prices
// become floats here only to draw lines and compare; what is shown is always the server's own text.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Fields, Json, PoolState } from '../feed.js';
import { get } from '../http.js';
import type { HistoryTick } from '../wire.js';

/** Enough for ten minutes of five-second cycles. */
const KEPT = 120;
/** A movement is judged against this many cycles ago: half a minute. */
const LOOK_BACK = 6;

export interface OddsPoint {
  readonly cycle: number;
  readonly odds: ReadonlyMap<string, number>;
}

export interface Movement {
  readonly way: 'shorter' | 'longer';
  readonly from: string;
}

export function text(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

export function amount(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

/** The win or pair odds of a combination, as text; null without a stake on it. */
export function oddsOf(row: Fields | undefined): string | null {
  return text(row?.['odds']);
}

export function rangeOf(row: Fields | undefined): { low: string; high: string } | null {
  const low = text(row?.['lo']);
  const high = text(row?.['hi']);
  return low === null || high === null ? null : { low, high };
}

/** Points of the pool's past cycles, oldest first, growing with every cycle of the feed. */
export function useOddsPath(poolId: string | null, pool: PoolState | undefined, cycle: number | null): OddsPoint[] {
  const past = useQuery({
    queryKey: ['history', poolId],
    queryFn: ({ signal }) =>
      get<{ ticks: HistoryTick[] }>(`/v1/pools/${encodeURIComponent(poolId ?? '')}/history`, undefined, signal),
    enabled: poolId !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const [live, setLive] = useState<{ poolId: string | null; points: OddsPoint[] }>({ poolId: null, points: [] });
  useEffect(() => {
    if (pool === undefined || cycle === null) return;
    const odds = new Map<string, number>();
    for (const [c, row] of pool.rc) {
      const price = Number(oddsOf(row) ?? Number.NaN);
      if (Number.isFinite(price)) odds.set(c, price);
    }
    setLive((known) => {
      const points = known.poolId === pool.id ? known.points.filter((point) => point.cycle < cycle) : [];
      return { poolId: pool.id, points: [...points, { cycle, odds }].slice(-KEPT) };
    });
  }, [pool, cycle]);
  const points = live.poolId === poolId ? live.points : [];
  const firstLive = points[0]?.cycle ?? Number.POSITIVE_INFINITY;
  const before = (past.data?.ticks ?? []).filter((tick) => tick.cycle < firstLive).map(toPoint);
  return [...before, ...points].slice(-KEPT);
}

function toPoint(tick: HistoryTick): OddsPoint {
  const odds = new Map<string, number>();
  for (const row of tick.odds) {
    if (row.price !== null) odds.set(row.c, Number(row.price));
  }
  return { cycle: tick.cycle, odds };
}

/** How a runner's odds stand against half a minute ago; null when they stand still. */
export function movement(path: readonly OddsPoint[], runner: string): Movement | null {
  const now = path.at(-1)?.odds.get(runner);
  const then = path.at(-1 - LOOK_BACK) ?? path[0];
  const before = then?.odds.get(runner);
  if (now === undefined || before === undefined || now === before) return null;
  return { way: now < before ? 'shorter' : 'longer', from: before.toFixed(before < 100 ? 2 : 0) };
}

/**
 * How a pool stands, as people are told: a pool of one race as its race, one over several as the leg that sells it until it closes and
 * from then on as its own settlement. For reading only; nothing is decided by it.
 */
import type { Field } from '#mutuel/tote';
import type { PoolCard } from './facts.js';
import { fieldOf, type MarketPool, type MarketRace, type MarketState, type RaceStatus } from './market-state.js';

/** `card` is of the race whose close ends, or ended, the sale; `scratched` of a pool over several races are `2:7`. */
export interface PoolStanding extends Pick<MarketRace, 'card' | 'stopAt' | 'offAt' | 'scratched'> {
  readonly status: RaceStatus;
}

export function standingOf(s: Pick<MarketState, 'races' | 'pools'>, poolId: string): PoolStanding {
  const pool = s.pools.get(poolId) as MarketPool;
  const last = s.races.get(pool.race) as MarketRace;
  const { legs } = pool.card;
  if (!legs) return last;
  const seller = s.races.get(pool.soldBy) ?? last;
  const closed = pool.outAtClose !== null;
  return {
    card: seller.card,
    stopAt: closed ? seller.stopAt : null,
    offAt: closed ? seller.offAt : null,
    scratched: legs.flatMap((leg, i) => (s.races.get(leg)?.scratched ?? []).map((runner) => `${i + 1}:${runner}`)),
    status: closed ? statusOf(pool, last) : seller.status,
  };
}

function statusOf({ declared, isCalled }: MarketPool, { status, endedAt }: MarketRace): RaceStatus {
  if (declared !== null) return endedAt === null ? 'PAYING' : 'SETTLED';
  return isCalled ? (status === 'VOID' ? 'PROVISIONAL' : status) : 'CLOSED';
}

/** The runners that a bet on the pool names, with those that do not run: of its race, or of each of its legs. */
export function fieldOfPool(s: Pick<MarketState, 'races' | 'pools'>, poolId: string): Field {
  const pool = s.pools.get(poolId) as MarketPool;
  const fieldIn = (id: string): Field => fieldOf(s.races.get(id) as MarketRace);
  return pool.card.legs ? { declared: [], legs: pool.card.legs.map(fieldIn) } : fieldIn(pool.race);
}

/** The pools over several races of a meeting, each with how it stands, in the order of their first legs. */
export function poolsOverRaces(
  s: Pick<MarketState, 'races' | 'pools'>,
  raceIds: readonly string[],
): readonly PoolCard[] {
  return raceIds
    .flatMap((id) => s.races.get(id)?.card.pools ?? [])
    .filter(({ legs }) => legs !== undefined)
    .sort((a, b) => raceIds.indexOf(a.legs?.[0] ?? '') - raceIds.indexOf(b.legs?.[0] ?? ''));
}

/**
 * What the simulated crowd bets and when. Money grows towards the off as it does in life, and follows strength with the
 * favourite–long-shot pattern: long shots are overbet. Pure; it never sends anything.
 */

import type { Chance } from './chance.js';

/** Five minutes before the off a tote takes 1/27 of what it takes in the last seconds. */
const RAMP = 27;
const RAMP_MS = 300_000;

/** Bets per second at a time before the next off, for a ramp whose top is `top`. */
export const rateAt = (top: number, msToOff: number): number =>
  top * RAMP ** (-Math.min(Math.max(msToOff, 0), RAMP_MS) / RAMP_MS);

/**
 * Share of the money on each runner: strength to the power 0.84. In the French race of 2021-05-29 behind the growth figures (win
 * pool 26 % at ten minutes, 58 % at four, 88 % at two) the longest of ten prices was 185 and the favourite 3.0; the power keeps
 * invented books in that range.
 */
export const crowdShares = (strengths: readonly number[]): number[] => strengths.map((p) => p ** LONG_SHOT);

const LONG_SHOT = 0.84;

export interface BetBody {
  readonly betRef: string;
  readonly poolId: string;
  readonly form: 'STRAIGHT' | 'BOX' | 'MULTI_LEG';
  readonly columns?: readonly (readonly string[])[];
  readonly runners?: readonly string[];
  readonly unitStake: number;
  readonly stake: number;
}

/** A pool as `GET /v1/races/{raceId}` tells it. */
export interface OfferedPool {
  readonly poolId: string;
  readonly type: string;
  /** Minor units a line. */
  readonly minStake: number;
  /** Of a pool over several races: their ids, in order. */
  readonly legs?: readonly string[];
}

/** Who runs in a race, and how well. */
export interface Starters {
  readonly runners: readonly { readonly number: string }[];
  readonly strengths: readonly number[];
  readonly scratched: ReadonlySet<string>;
}

interface Habit {
  /** Its part of the turnover, roughly that of a national tote's single-race pools. */
  readonly weight: number;
  /** Runners that one line names. */
  readonly picks: number;
  /** Lines of a box of one runner more, where people buy boxes. */
  readonly boxLines?: number;
}

const HABITS: Readonly<Record<string, Habit>> = {
  WIN: { weight: 40, picks: 1 },
  PLACE: { weight: 22, picks: 1 },
  SHOW: { weight: 10, picks: 1 },
  QUINELLA: { weight: 12, picks: 2, boxLines: 3 },
  QUINELLA_PLACE: { weight: 10, picks: 2, boxLines: 3 },
  DEUX_SUR_QUATRE: { weight: 10, picks: 2, boxLines: 3 },
  EXACTA: { weight: 10, picks: 2, boxLines: 6 },
  TRIO: { weight: 8, picks: 3, boxLines: 4 },
  TRIFECTA: { weight: 12, picks: 3, boxLines: 24 },
  TIERCE: { weight: 10, picks: 3, boxLines: 24 },
  FIRST4: { weight: 6, picks: 4, boxLines: 5 },
  MULTI: { weight: 8, picks: 5 },
  SUPERFECTA: { weight: 6, picks: 4 },
  QUARTE: { weight: 8, picks: 4 },
  QUINTE: { weight: 30, picks: 5 },
};
/** Stakes a line, as multiples of the smallest, which counts as one unit of the currency at least. */
const TIMES = [1, 1, 2, 2, 3, 5, 5, 10, 20];
const ONE_UNIT = 100;

/** One bet of one bettor on a race, among the runners that still run; `others` are the races of its pools over several. */
export function crowdBet(
  chance: Chance,
  race: Starters,
  pools: readonly OfferedPool[],
  others: ReadonlyMap<string, Starters> = new Map(),
): BetBody | undefined {
  const known = pools.filter(({ type, legs }) => legs !== undefined || HABITS[type] !== undefined);
  const pool = known[chance.weighted(known.map(({ type }) => HABITS[type]?.weight ?? LEG_WEIGHT))];
  if (!pool) return undefined;
  if (pool.legs) return legsBet(chance, pool, pool.legs, others);
  const { picks, boxLines } = HABITS[pool.type] as Habit;
  const named = draw(chance, race, picks + 1);
  if (named.length <= picks) return undefined;
  const bet = { betRef: 'a', poolId: pool.poolId };
  const least = Math.max(pool.minStake, ONE_UNIT);
  if (boxLines === undefined || chance.next() < STRAIGHTS) {
    const unitStake = least * chance.pick(TIMES);
    return { ...bet, form: 'STRAIGHT', columns: named.slice(0, picks).map((n) => [n]), unitStake, stake: unitStake };
  }
  return { ...bet, form: 'BOX', runners: named, unitStake: least, stake: least * boxLines };
}

/** One to three runners in each race: few are sure of a race. */
function legsBet(
  chance: Chance,
  { poolId, minStake }: OfferedPool,
  legs: readonly string[],
  races: ReadonlyMap<string, Starters>,
): BetBody | undefined {
  const columns = legs.map((leg) => {
    const race = races.get(leg);
    return race ? draw(chance, race, chance.pick(MARKED)) : [];
  });
  const lines = columns.reduce((product, column) => product * column.length, 1);
  if (lines === 0) return undefined;
  return { betRef: 'a', poolId, form: 'MULTI_LEG', columns, unitStake: minStake, stake: minStake * lines };
}

const MARKED = [1, 1, 2, 2, 3];
/** Its part of the turnover, for any pool over several races. */
const LEG_WEIGHT = 14;

/** Bets of one line among those on pools where a box is usual. */
const STRAIGHTS = 0.6;

/** Up to `count` different runners that run, drawn by share. */
function draw(chance: Chance, { runners, strengths, scratched }: Starters, count: number): string[] {
  const left = runners.map(({ number }) => number).filter((number) => !scratched.has(number));
  const weights = crowdShares(strengths).filter((_, i) => !scratched.has((runners[i] as { number: string }).number));
  const drawn: string[] = [];
  while (drawn.length < count && left.length > 0) {
    const i = chance.weighted(weights);
    drawn.push(left[i] as string);
    left.splice(i, 1);
    weights.splice(i, 1);
  }
  return drawn;
}

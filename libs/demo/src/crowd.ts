/**
 * What the simulated crowd bets and when. Money grows towards the off as it does in life, and follows strength with the
 * favourite–long-shot pattern: long shots are overbet. Pure; it never sends anything.
 */

import type { RaceBody } from './card.js';
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
  readonly form: 'STRAIGHT' | 'BOX';
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

/** One bet of one bettor on a race, among the runners that still run. */
export function crowdBet(
  chance: Chance,
  race: Pick<RaceBody, 'runners'>,
  pools: readonly OfferedPool[],
  strengths: readonly number[],
  scratched: ReadonlySet<string>,
): BetBody | undefined {
  const running = race.runners.map((r) => r.number).filter((n) => !scratched.has(n));
  const shares = crowdShares(strengths).filter(
    (_, i) => !scratched.has((race.runners[i] as { number: string }).number),
  );
  const known = pools.filter(({ type }) => HABITS[type] !== undefined);
  const pool = known[chance.weighted(known.map(({ type }) => (HABITS[type] as Habit).weight))];
  const habit = pool && HABITS[pool.type];
  if (!pool || !habit || running.length <= habit.picks) return undefined;
  const { picks, boxLines } = habit;
  const bet = { betRef: 'a', poolId: pool.poolId };
  const least = Math.max(pool.minStake, ONE_UNIT);
  const named = draw(chance, running, shares, picks + 1);
  if (boxLines === undefined || chance.next() < STRAIGHTS) {
    const unitStake = least * chance.pick(TIMES);
    return { ...bet, form: 'STRAIGHT', columns: named.slice(0, picks).map((n) => [n]), unitStake, stake: unitStake };
  }
  return { ...bet, form: 'BOX', runners: named, unitStake: least, stake: least * boxLines };
}

/** Bets of one line among those on pools where a box is usual. */
const STRAIGHTS = 0.6;

/** `count` different runners, drawn by share. */
function draw(chance: Chance, runners: readonly string[], shares: readonly number[], count: number): string[] {
  const left = [...runners];
  const weights = [...shares];
  const drawn: string[] = [];
  while (drawn.length < count && left.length > 0) {
    const i = chance.weighted(weights);
    drawn.push(left[i] as string);
    left.splice(i, 1);
    weights.splice(i, 1);
  }
  return drawn;
}

/**
 * What wins in the tiers of a pool that has several, by the tier's name: ORDER and DISORDER, BONUS4 and BONUS3, ranks
 * with non-runners (1NP), M4 to M7, and the two bets of a merged quartet pool. Keys of one pool never overlap, so that
 * each line is paid at its own best rank only. Knows no shares and no prices.
 */

import { subsets } from './combinatorics.js';
import { combinationText } from './field.js';
import { type Finish, orderedPrefixes, prefixSets } from './finish.js';
import { STAR, shapeOf } from './pool-type.js';
import type { RuleSet } from './rule-set.js';
import { type Race, starred, type TierWinners } from './rung.js';

/** The names of a rule set's tiers, best first; none where the pool has a single one. */
export const tierNamesOf = ({ tiers, weights }: RuleSet): readonly string[] =>
  tiers?.map(({ name }) => name) ?? Object.keys(weights ?? {});

/** How many non-runners a line may name and still have a rank (`2NP`: two); other lines that name one are refunded. */
export const keptNonRunners = (rules: RuleSet): number =>
  Math.max(0, ...tierNamesOf(rules).map((name) => Number(NON_RUNNERS.exec(name)?.[1] ?? 0)));

const NON_RUNNERS = /^(\d)NP$/;
const BONUS = /^BONUS(\d)$/;
const MULTI = /^M(\d)$/;

/** The winning keys of one tier; null for a name that means the pool's own winners. */
export function tierWinners(race: Race, tier: string): TierWinners | null {
  const [, nonRunners] = NON_RUNNERS.exec(tier) ?? [];
  const [, named] = BONUS.exec(tier) ?? [];
  const [, size] = MULTI.exec(tier) ?? [];
  if (nonRunners) return { tier, groups: oneGroup(nonRunnerKeys(race, Number(nonRunners))) };
  if (named) return { tier, groups: oneGroup(bonusKeys(race, Number(named))) };
  if (size) return { tier, groups: oneGroup(multiKeys(race, Number(size))) };
  if (tier === 'ORDER') return { tier, groups: orderGroups(race).map(({ orders }) => orders) };
  if (tier === 'DISORDER') return { tier, groups: orderGroups(race).flatMap(disorderKey) };
  if (tier === 'FIRST4' && race.type === 'QUARTET')
    return { tier, groups: prefixSets(race.ranks, 4).map((set) => [setText(starred(set, 4))]) };
  return null;
}

const setText = (members: readonly string[]): string => combinationText(members, 'UNORDERED');
const oneGroup = (keys: readonly string[]): readonly (readonly string[])[] => (keys.length === 0 ? [] : [keys]);

// Order and disorder.

/** The orders of each winning set: in a dead heat of the first three all six of them are the order. */
interface OrderGroup {
  readonly set: string;
  readonly size: number;
  readonly orders: readonly string[];
}

function orderGroups({ ranks, type }: Race): readonly OrderGroup[] {
  const { picks } = shapeOf(type);
  const bySet = new Map<string, string[]>();
  for (const order of orderedPrefixes(ranks, picks)) {
    const set = setText(starred(order, picks));
    bySet.set(set, [...(bySet.get(set) ?? []), combinationText(starred(order, picks), 'ORDERED')]);
  }
  return [...bySet].map(([set, orders]) => ({ set, size: picks, orders }));
}

/** The other orders of the set, where there are any. */
function disorderKey({ set, size, orders }: OrderGroup): readonly (readonly string[])[] {
  let all = 1;
  for (let places = 2; places <= size; places++) all *= places;
  return !set.includes(STAR) && orders.length >= all ? [] : [[[set, ...orders].join('!')]];
}

// Bonuses.

/**
 * Lines with the first `count` that miss the next: whoever else could have been among the first `count` + 1 is left out,
 * so that a line is never paid at two ranks. Where nobody finished behind them there is no bonus: whoever named all that
 * finished has the disorder.
 */
function bonusKeys({ ranks, type }: Race, count: number): readonly string[] {
  const { picks } = shapeOf(type);
  return prefixSets(ranks, count).flatMap((set) => {
    const next = nextOf(ranks, set);
    return next.length === 0 ? [] : [withoutText(starred(set, picks), next)];
  });
}

/** Who stands at the first rank that the set does not exhaust. */
function nextOf(ranks: Finish, set: readonly string[]): readonly string[] {
  const rank = ranks.find((tied) => tied.some((runner) => !set.includes(runner))) ?? [];
  return rank.filter((runner) => !set.includes(runner));
}

const withoutText = (members: readonly string[], out: readonly string[]): string =>
  out.length === 0 ? setText(members) : `${setText(members)}!${setText(out)}`;

// Non-runners.

/** Lines of the first runners, as many as are left beside exactly `count` non-runners. */
function nonRunnerKeys({ ranks, type, field, interest }: Race, count: number): readonly string[] {
  const { picks } = shapeOf(type);
  const out = [...new Set((field.scratched ?? []).map(interest))];
  const absent = [...subsets(out, count)];
  return prefixSets(ranks, picks - count).flatMap((set) => absent.map((gone) => setText([...set, ...gone])));
}

// Multi.

/**
 * Lines of `size` runners that name the first four. Where more than four could be the first four, a line that names five
 * of them would match several sets: the set counts that takes its members in the order of the ranks.
 */
function multiKeys({ ranks }: Race, size: number): readonly string[] {
  return prefixSets(ranks, 4).map((set) => {
    const last = ranks.find((tied) => tied.some((runner) => set.includes(runner)) && nextIn(tied, set)) ?? [];
    const taken = last.filter((runner) => set.includes(runner));
    const before = last.slice(0, last.indexOf(taken.at(-1) ?? '')).filter((runner) => !set.includes(runner));
    return withoutText(starred(set, size), before);
  });
}

const nextIn = (tied: readonly string[], set: readonly string[]): boolean =>
  tied.some((runner) => !set.includes(runner));

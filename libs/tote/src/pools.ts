/**
 * What wins in each pool type, and the rungs of a rule set's ladder, as keys: the combinations whose stakes must be known
 * before the pool can be priced. A new pool type is one entry in `pools`, a new kind of rung one entry in `rungs`.
 * Knows no stakes: which rung is paid is decided in `price.ts`.
 */

import { subsets } from './combinatorics.js';
import { combinationText, type Field, interestMap, runningInterests, stablemates, starters } from './field.js';
import { type Finish, interestRanks, orderedPrefixes, prefixSets } from './finish.js';
import { type PoolType, STAR, shapeOf } from './pool-type.js';
import type { RuleSet, RungName, Split } from './rule-set.js';
import { type Race, type Rung, type RungKey, type RungPart, starred, type TierWinners } from './rung.js';
import { tierNamesOf, tierWinners } from './tier-keys.js';

export type { Rung, RungKey, RungPart } from './rung.js';

type Parts = readonly RungPart[];

/**
 * All rungs of the ladder for a finish, in order, always ending in REFUND or CARRY. Every key
 * here is what a shard reports its winning stakes for. Too few runners give the single rung TOO_FEW_RUNNERS, a refund.
 */
export function resultKeys(rules: RuleSet, field: Field, finish: Finish): readonly Rung[] {
  if (tooFewRunners(rules, field)) return [ending('TOO_FEW_RUNNERS', 'REFUND', 0)];
  const race = raceOf(rules, field, finish);
  const rungs: Rung[] = [resultRung(race)];
  const used = new Map<RungName, number>();
  for (const name of [...rules.noWinner, 'REFUND'] as const) {
    const times = used.get(name) ?? 0;
    used.set(name, times + 1);
    const number = rungs.length;
    if (name === 'REFUND' || name === 'CARRY') return [...rungs, ending(name, name, number)];
    rungs.push(rungOf(race, name, number, ladderParts(race, name, times)));
    // Every ticket is covered, unless there is none: an empty pool ends as a refund of nothing.
    if (name === 'PAY_NET_RATE') return [...rungs, ending('REFUND', 'REFUND', rungs.length)];
  }
  return rungs;
}

/** Places paid by the rule set for this field; null when it is too small for the pool. */
export function placesPaid(rules: RuleSet, field: Field): number | null {
  if (rules.places === undefined) return 1;
  if (typeof rules.places === 'number') return rules.places;
  const runners = (rules.placesBy === 'CARD' ? field.declared : starters(field)).length;
  const reached = rules.places.filter((step) => step.from <= runners && (!step.handicap || field.handicap === true));
  return reached.length === 0 ? null : Math.max(...reached.map((step) => step.places));
}

/** Whether the pool is refunded because too few interests run (or were ever on the card); legs are judged by themselves. */
export function tooFewRunners(rules: RuleSet, field: Field): boolean {
  const { minInterests, minDeclared = 0, coupling } = rules;
  if (rules.legs !== undefined) return false;
  const declared = (): number => runningInterests({ ...field, scratched: [] }, coupling).length;
  return (
    runningInterests(field, coupling).length < minInterests ||
    (minDeclared > 0 && declared() < minDeclared) ||
    placesPaid(rules, field) === null
  );
}

/** Pool types that can be priced. */
export const isPriced = (type: PoolType): boolean => Object.hasOwn(pools, type);

// What wins, by pool type.

const pools: Readonly<Partial<Record<PoolType, (race: Race) => Parts>>> = {
  WIN: ({ ranks }) => shared(ranks[0] ?? []),
  PLACE: placed,
  SHOW: placed,
  QUINELLA: (race) => shared(texts(race, prefixSets(race.ranks, 2))),
  EXACTA: (race) => shared(texts(race, orderedPrefixes(race.ranks, 2))),
  QUINELLA_PLACE: pairsPlaced,
  TRIO: (race) => shared(texts(race, prefixSets(race.ranks, 3))),
  TRIFECTA: (race) => shared(texts(race, orderedPrefixes(race.ranks, 3))),
  TIERCE: (race) => shared(texts(race, orderedPrefixes(race.ranks, 3))),
  SUPERFECTA: (race) => shared(texts(race, orderedPrefixes(race.ranks, 4))),
  QUARTET: (race) => shared(texts(race, orderedPrefixes(race.ranks, 4))),
  QUARTE: (race) => shared(texts(race, orderedPrefixes(race.ranks, 4))),
  FIRST4: (race) => shared(texts(race, prefixSets(race.ranks, 4))),
  SUPER_HIGH_5: (race) => shared(texts(race, orderedPrefixes(race.ranks, 5))),
  QUINTE: (race) => shared(texts(race, orderedPrefixes(race.ranks, 5))),
  PICK5_FR: (race) => shared(texts(race, prefixSets(race.ranks, 5))),
  DEUX_SUR_QUATRE: (race) => shared(pairs(prefixSets(race.ranks, 4))),
  MULTI: (race) => shared(texts(race, prefixSets(race.ranks, 4))),
};

const winners = (race: Race): Parts => pools[race.type]?.(race) ?? [];

/** The regular result: the pool's own winners, or those of each tier. */
function resultRung(race: Race): Rung {
  const tiers = tierNamesOf(race.rules);
  if (tiers.length === 0) return rungOf(race, 'RESULT', 0, winners(race));
  const won = tiers.map((tier) => tierWinners(race, tier) ?? ownTier(race, tier));
  const parts = won.flatMap(({ tier, groups, parts: own }) =>
    (own ?? shared(groups.map(([main = '']) => main))).map((part) => ({ ...part, tier })),
  );
  return { rung: 0, name: 'RESULT', how: race.rules.split, keys: won.flatMap(groupKeys), parts };
}

/** A tier of any other name is what wins in the pool itself: the first tier of a trio, 2 sur 4 or super high five. */
function ownTier(race: Race, tier: string): TierWinners {
  const parts = winners(race);
  return { tier, groups: [...new Set(parts.flatMap(({ keys }) => keys))].map((c) => [c]), parts };
}

const groupKeys = ({ tier, groups }: TierWinners): readonly RungKey[] =>
  groups.flatMap(([main = '', ...same]) => [{ tier, c: main }, ...same.map((c) => ({ tier, c, sameAs: main }))]);

/** Two of the paid places: each pair of places is one part, shared by the pairs that may hold it in a dead heat. */
function pairsPlaced(race: Race): Parts {
  const places = race.rules.places === undefined ? 3 : (placesPaid(race.rules, race.field) ?? 0);
  if (places < 3) return shared(texts(race, prefixSets(race.ranks, 2)));
  const orders = orderedPrefixes(race.ranks, 3);
  return PLACE_PAIRS.flatMap(([first, second]) =>
    shared(pairs(orders.flatMap((order) => twoOf(order[first], order[second])))),
  );
}

const PLACE_PAIRS = [
  [0, 1],
  [0, 2],
  [1, 2],
] as const;

const twoOf = (a: string | undefined, b: string | undefined): readonly (readonly string[])[] =>
  a === undefined || b === undefined ? [] : [[a, b]];

/** Every pair within each of the sets, once. */
const pairs = (sets: readonly (readonly string[])[]): readonly string[] => [
  ...new Set(sets.flatMap((set) => [...subsets(set, 2)].map((pair) => combinationText(pair, 'UNORDERED')))),
];

/**
 * The paid places as parts: a tie of m runners fills as many places as it has members and there is room for, and shares
 * them. Runners, not interests, fill places: an entry in two places holds two of them.
 */
function placed({ raw, interest, rules, field }: Race): Parts {
  const parts: RungPart[] = [];
  let room = placesPaid(rules, field) ?? 0;
  for (const tied of raw) {
    if (room === 0) break;
    const slots = Math.min(room, tied.length);
    parts.push({ slots, keys: tied.map(interest) });
    room -= slots;
  }
  return parts;
}

// The ladder.

const rungs: Readonly<Record<Exclude<RungName, 'REFUND' | 'CARRY'>, (race: Race, times: number) => Parts>> = {
  // Pools over several races have these in `leg-pools.ts`.
  SECONDS: () => [],
  MOST_RIGHT: () => [],
  NEXT: nextPlace,
  EITHER: eitherPlace,
  FIRST_1: (race) => firsts(race, 1),
  FIRST_2: (race) => firsts(race, 2),
  FIRST_3: (race) => firsts(race, 3),
  FIRST_4: (race) => firsts(race, 4),
  SET_124: (race) => setOf(race, [0, 1, 3]),
  SET_134: (race) => setOf(race, [0, 2, 3]),
  SET_234: (race) => setOf(race, [1, 2, 3]),
  PAY_NET_RATE: () => shared([STAR]),
};

/** The interests at the first finishing rank (`times` further down) behind the paid places that held none of them. */
function nextPlace({ raw, interest, rules, field }: Race, times: number): Parts {
  const places = placesPaid(rules, field) ?? 1;
  const seen = new Set<string>();
  const later: (readonly string[])[] = [];
  let before = 0;
  for (const rank of raw) {
    const fresh = [...new Set(rank.map(interest))].filter((member) => !seen.has(member));
    for (const member of fresh) seen.add(member);
    if (before >= places && fresh.length > 0) later.push(fresh);
    before += rank.length;
  }
  return shared(later[times] ?? []);
}

/**
 * As a place pool over the first two places: one share to those with the first in its place, one to those with the second
 * (a quinella has no places, so includes it). In a dead heat each share is divided among the runners that may hold it.
 */
function eitherPlace({ ranks, type }: Race): Parts {
  const pairs = orderedPrefixes(ranks, 2);
  const isOrdered = shapeOf(type).arrangement === 'ORDERED';
  const keyOf = (runner: string, place: number): string => {
    if (!isOrdered) return `${runner}-${STAR}`;
    return place === 0 ? `${runner}>${STAR}` : `${STAR}>${runner}`;
  };
  return [0, 1].flatMap((place) => {
    const holders = [...new Set(pairs.flatMap((pair) => pair[place] ?? []))];
    return shared(holders.map((runner) => keyOf(runner, place)));
  });
}

function ladderParts(race: Race, name: Exclude<RungName, 'REFUND' | 'CARRY'>, times: number): Parts {
  return rungs[name](race, times);
}

const firsts = (race: Race, places: number): Parts => shared(texts(race, orderedPrefixes(race.ranks, places)));

/** Three of the first four, in any order: the French ladder of the tierce. */
function setOf({ ranks }: Race, places: readonly number[]): Parts {
  const sets = orderedPrefixes(ranks, 4)
    .filter((order) => order.length === 4)
    .map((order) => places.flatMap((place) => order[place] ?? []));
  return shared([...new Set(sets.map((set) => combinationText(set, 'UNORDERED')))]);
}

// Helpers.

function raceOf(rules: RuleSet, field: Field, finish: Finish): Race {
  const interest = rules.coupling === 'STABLE' ? bestOfStable(field, finish) : interestMap(field, rules.coupling);
  const ranks = interestRanks(finish, interest);
  return { rules, type: rules.poolType, field, ranks, raw: finish, interest };
}

const shared = (keys: readonly string[]): Parts => (keys.length === 0 ? [] : [{ slots: 1, keys }]);

/** Combination texts in the pool's shape, filled up with stars where fewer finished than the pool names. */
function texts({ type }: Race, prefixes: readonly (readonly string[])[]): readonly string[] {
  const { arrangement, picks } = shapeOf(type);
  return [...new Set(prefixes.map((members) => combinationText(starred(members, picks), arrangement)))];
}

function rungOf(race: Race, name: Rung['name'], number: number, parts: Parts): Rung {
  const keys = [...new Set(parts.flatMap((part) => part.keys))];
  return {
    rung: number,
    name,
    how: splitOf(race.rules, keys.length),
    keys: keys.flatMap((c) => withMates(race, c)),
    parts,
  };
}

/** A single-price pool with several winning combinations is shared by the rule set's dead-heat split. */
const splitOf = (rules: RuleSet, count: number): Split =>
  rules.split === 'SINGLE_PRICE' && count > 1 ? rules.deadHeat : rules.split;

function withMates({ rules, field, type }: Race, c: string): RungKey[] {
  const mates = stablemates(field, rules.coupling, c);
  const names = tierNamesOf(rules);
  const tier = names.includes('DISORDER') ? 'DISORDER' : (names[0] ?? type);
  return [{ tier, c }, ...mates.map((mate) => ({ tier, c: mate, sameAs: c }))];
}

/** A stable wins once, by its best placed runner, also when two of its runners are in one dead heat. */
function bestOfStable(field: Field, finish: Finish): (runner: string) => string {
  const order = finish.flat();
  return (runner) => {
    const stable = [runner, ...stablemates(field, 'STABLE', runner)];
    return order.find((finisher) => stable.includes(finisher)) ?? runner;
  };
}

const ending = (name: Rung['name'], how: 'REFUND' | 'CARRY', number: number): Rung => ({
  rung: number,
  name,
  how,
  keys: [],
  parts: [],
});

/**
 * What wins in each pool type, and the rungs of a rule set's ladder, as keys: the combinations whose stakes must be known
 * before the pool can be priced. A new pool type is one entry in `pools`, a new kind of rung one entry in `rungs`.
 * Knows no stakes: which rung is paid is decided in `price.ts`.
 */
import { combinationText, type Field, interestMap, runningInterests, stablemates, starters } from './field.js';
import { type Finish, interestRanks, orderedPrefixes, prefixSets } from './finish.js';
import { STAR } from './lines.js';
import { type PoolType, shapeOf } from './pool-type.js';
import type { RuleSet, RungName, Split } from './rule-set.js';

/** A combination whose stake is asked for. `sameAs`: paid the price of that key, their stakes taken together. */
export interface RungKey {
  readonly tier: string;
  readonly c: string;
  readonly sameAs?: string;
}

/**
 * Keys that share `slots` places equally among those that are covered: the two second in a dead heat share one. `tier`
 * where the pool has several: parts share within their tier.
 */
export interface RungPart {
  readonly tier?: string;
  readonly slots: number;
  readonly keys: readonly string[];
}

/**
 * One rung: number 0 is the regular result, the others follow the ladder. `how` is the split by which it is shared;
 * REFUND and CARRY have no keys and end the ladder. A key may stand in two parts (an entry in two places).
 */
export interface Rung {
  readonly rung: number;
  readonly name: RungName | 'RESULT' | 'TOO_FEW_RUNNERS';
  readonly how: Split | 'REFUND' | 'CARRY';
  readonly keys: readonly RungKey[];
  readonly parts: readonly RungPart[];
}

/** Everything about a finished race that a rung looks at. `raw` ranks keep each runner, `ranks` betting interests. */
interface Race {
  readonly rules: RuleSet;
  readonly type: PoolType;
  readonly field: Field;
  readonly ranks: Finish;
  readonly raw: Finish;
  readonly interest: (runner: string) => string;
}

type Parts = readonly RungPart[];

/**
 * All rungs of the ladder for a finish, in order, always ending in REFUND or CARRY. Every key
 * here is what a shard reports its winning stakes for. Too few runners give the single rung TOO_FEW_RUNNERS, a refund.
 */
export function resultKeys(rules: RuleSet, field: Field, finish: Finish): readonly Rung[] {
  if (tooFewRunners(rules, field)) return [ending('TOO_FEW_RUNNERS', 'REFUND', 0)];
  const race = raceOf(rules, field, finish);
  const rungs: Rung[] = [rungOf(race, 'RESULT', 0, winners(race))];
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
  const reached = rules.places.filter((step) => step.from <= runners);
  return reached.length === 0 ? null : Math.max(...reached.map((step) => step.places));
}

/** Whether the pool is refunded because too few interests run (or were ever on the card). */
export function tooFewRunners(rules: RuleSet, field: Field): boolean {
  return runningInterests(field, rules.coupling).length < rules.minInterests || placesPaid(rules, field) === null;
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
  TRIO: (race) => shared(texts(race, prefixSets(race.ranks, 3))),
  TRIFECTA: (race) => shared(texts(race, orderedPrefixes(race.ranks, 3))),
  SUPERFECTA: (race) => shared(texts(race, orderedPrefixes(race.ranks, 4))),
};

const winners = (race: Race): Parts => pools[race.type]?.(race) ?? [];

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
  NEXT: nextPlace,
  EITHER: eitherPlace,
  FIRST_1: (race) => firsts(race, 1),
  FIRST_2: (race) => firsts(race, 2),
  FIRST_3: (race) => firsts(race, 3),
  FIRST_4: (race) => firsts(race, 4),
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
  const fill = (members: readonly string[]): string[] => [
    ...members,
    ...new Array<string>(Math.max(0, picks - members.length)).fill(STAR),
  ];
  return [...new Set(prefixes.map((members) => combinationText(fill(members), arrangement)))];
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
  return [{ tier: type, c }, ...mates.map((mate) => ({ tier: type, c: mate, sameAs: c }))];
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

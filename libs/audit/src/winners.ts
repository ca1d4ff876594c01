/**
 * Who wins a pool, rung by rung of its no-winner ladder: patterns of winning lines with their shares of the profit, found
 * by looking at every linear finishing order. Knows no stake but which lines are backed, and no price.
 */
import { byNumber, lineShapes, runsOf } from './expansion.js';
import { interestRanks, linearOrders, type Ranks } from './finish.js';
import { type Fraction, less, over, plus, sum, whole, ZERO } from './fraction.js';
import { type AuditField, type AuditPool, AuditRefused, type AuditRules, type LineStake } from './sheet.js';

/**
 * Lines that are paid alike. A member of `lines` is one place of the pool's line, `*` for any runner; several lines in one
 * winner share one price (a French stable). `share` is of the profit, summing to one over the covered winners of a rung.
 */
export interface Winner {
  readonly patterns: readonly (readonly string[])[];
  readonly share: Fraction;
  readonly stakeMinor: bigint;
  /** In a tie for the last of the money, so that its part was less than one place's before anybody dropped out. */
  readonly tied: boolean;
}

/** A rung before stakes are known: each money part goes in equal shares to those of its takers that are covered. */
interface Part {
  readonly weight: Fraction;
  readonly takers: readonly (readonly (readonly string[])[])[];
  /** Of each taker, how much of one place it would have if everybody were backed; absent: its part of this part. */
  readonly full?: readonly Fraction[];
}

const ANY = '*';

/** Whether a line is one of the pattern's. Without order the members may stand anywhere. */
export function matches(pattern: readonly string[], line: readonly string[], ordered: boolean): boolean {
  return ordered
    ? pattern.every((member, place) => member === ANY || member === line[place])
    : pattern.every((member) => member === ANY || line.includes(member));
}

export const patternText = (pattern: readonly string[], ordered: boolean): string =>
  ordered ? pattern.join('>') : [...pattern].sort(starsLast).join('-');

const starsLast = (a: string, b: string): number =>
  a === ANY || b === ANY ? Number(a === ANY) - Number(b === ANY) : byNumber(a, b);

/** The rungs of a pool in the order they are tried: its proper winners first, then the ladder up to its end. */
export function* rungs(pool: AuditPool, stakes: readonly LineStake[], places: number): Generator<readonly Winner[]> {
  const { ordered } = lineShapes[pool.poolType];
  const cover = (parts: readonly Part[]): readonly Winner[] => coveredOnly(parts, stakes, ordered);
  const backed = (interest: string): boolean => stakeOn(betsOn(pool, interest), stakes, ordered) > 0n;
  const [first, ...later] = isPlaceLike(pool) ? placeParts(pool, places, backed) : properParts(pool);
  yield cover(first ?? []);
  for (const name of pool.ruleSet.noWinner) {
    if (name === 'REFUND' || name === 'CARRY' || name === 'PAY_NET_RATE') return;
    yield cover(name === 'NEXT' ? (later.shift() ?? []) : ladderParts(name, pool));
  }
}

const isPlaceLike = (pool: AuditPool): boolean => pool.poolType === 'PLACE' || pool.poolType === 'SHOW';

/** The interest that a result speaks of: under STABLE a runner stands for all of its stable that ran. */
export function resultInterest(field: AuditField, coupling: string): (runner: string) => string {
  if (coupling === 'NONE') return (runner) => runner;
  return (runner) => field.entries.find((entry) => entry.includes(runner))?.[0] ?? runner;
}

/** The patterns by which an interest is bet on: itself, or under STABLE each stablemate (one that did not run has no stake left). */
function betsOn(pool: AuditPool, interest: string): readonly (readonly string[])[] {
  if (pool.ruleSet.coupling !== 'STABLE') return [[interest]];
  const stable = pool.field.entries.find((entry) => entry[0] === interest) ?? [interest];
  return stable.map((runner) => [runner]);
}

/**
 * Place and show: each of the paid places has an equal part, which the runners that may hold it share. So an entry that
 * holds two places has two parts, and those in a tie share the parts of the places they fill. A runner that nobody backed
 * drops out: in its tie the backed ones come before it, and no place of its own has a part.
 */
function placeParts(
  pool: AuditPool,
  places: number,
  backed: (interest: string) => boolean,
): readonly (readonly Part[])[] {
  const { field, finish, ruleSet } = pool;
  const interestOf = resultInterest(field, ruleSet.coupling);
  const isBacked = (runner: string): boolean => backed(interestOf(runner));
  const backedFirst = finish.flatMap((rank) => [rank.filter(isBacked), rank.filter((runner) => !isBacked(runner))]);
  const orders = linearOrders(backedFirst, places);
  const holders = Array.from({ length: places }, (_, place) => [
    ...new Set(orders.flatMap((order) => order[place] ?? [])),
  ]);
  const parts = holders
    .filter((runners) => runners.some(isBacked))
    .map((runners) => ({
      weight: whole(1),
      takers: runners.map((runner) => betsOn(pool, interestOf(runner))),
      full: runners.map((runner) => placesOf(finish, places, runner)),
    }));
  const paid = new Set(linearOrders(finish, places).flat().map(interestOf));
  const behind = interestRanks(finish, interestOf).filter((rank) => !rank.some((interest) => paid.has(interest)));
  return [parts, ...behind.map((rank) => equalParts(pool, beginnings([rank], 1)))];
}

/** How many places' money a runner has if everybody is backed: a half, tied for the last place with another. */
function placesOf(finish: Ranks, places: number, runner: string): Fraction {
  const orders = linearOrders(finish, places);
  const parts = Array.from({ length: places }, (_, place) => {
    const holders = new Set(orders.flatMap((order) => order[place] ?? []));
    return holders.has(runner) ? over(whole(1), whole(holders.size)) : ZERO;
  });
  return sum(parts);
}

/** The other pools: every beginning of a linear order is a winner, all with equal shares. Then, for NEXT of win, the ranks behind. */
function properParts(pool: AuditPool): readonly (readonly Part[])[] {
  const { picks } = lineShapes[pool.poolType];
  const ranks = ranksOfInterests(pool);
  const pairsAmong = PAIRS_AMONG[pool.poolType];
  if (pairsAmong !== undefined && pairsAmong(pool) > picks)
    return [pairParts(pool, beginnings(ranks, pairsAmong(pool)))];
  const proper = equalParts(pool, beginnings(ranks, picks));
  return picks === 1 ? [proper, ...ranks.slice(1).map((rank) => equalParts(pool, beginnings([rank], 1)))] : [proper];
}

/** Pools on any two of the first few. */
const PAIRS_AMONG: Partial<Record<string, (pool: AuditPool) => number>> = {
  QUINELLA_PLACE: ({ ruleSet, field }) => placesAmong(ruleSet, field, 3),
  DEUX_SUR_QUATRE: () => 4,
};

/** Any two of the first few: each two places have an equal part, which the pairs that may hold them share. */
function pairParts(pool: AuditPool, orders: readonly (readonly string[])[]): readonly Part[] {
  // With a single finisher nobody has two of the first few: there is no winner, and the ladder says what follows.
  const longest = Math.max(0, ...orders.map((order) => order.length));
  const places = Array.from({ length: longest }, (_, place) => place);
  const twoPlaces = places.flatMap((a) => places.slice(a + 1).map((b) => [a, b] as const));
  return twoPlaces.flatMap(([a, b]) =>
    equalParts(
      pool,
      orders.map((order) => [order[a] as string, order[b] as string]),
    ),
  );
}

const ranksOfInterests = ({ field, finish, ruleSet }: AuditPool): Ranks =>
  interestRanks(finish, resultInterest(field, ruleSet.coupling));

const beginnings = (ranks: Ranks, length: number): readonly (readonly string[])[] =>
  linearOrders(ranks, length).filter((order) => order.length > 0);

/** One part, shared equally by these beginnings; each is filled up with stars to the length of a line. */
function equalParts(pool: AuditPool, orders: readonly (readonly string[])[]): readonly Part[] {
  const { picks, ordered } = lineShapes[pool.poolType];
  const patterns = new Map<string, readonly string[]>();
  for (const order of orders) {
    const pattern = [...order, ...new Array<string>(picks - order.length).fill(ANY)];
    patterns.set(patternText(pattern, ordered), pattern);
  }
  const takers = [...patterns.values()].map((pattern) =>
    picks === 1 ? betsOn(pool, pattern[0] as string) : [pattern],
  );
  return takers.length === 0 ? [] : [{ weight: whole(1), takers }];
}

function ladderParts(name: string, pool: AuditPool): readonly Part[] {
  const ranks = ranksOfInterests(pool);
  if (name === 'EITHER') return eitherParts(pool, ranks);
  const places = /^SET_(\d)(\d)(\d)$/.exec(name)?.slice(1).map(Number);
  if (places) return setParts(ranks, places);
  const kept = /^FIRST_([1-4])$/.exec(name)?.[1];
  if (kept === undefined) throw new AuditRefused(`the no-winner ladder has an unknown rung ${name}`);
  return equalParts(pool, beginnings(ranks, Number(kept)));
}

/** The runners of these places, in any order, each set at one price. */
function setParts(ranks: Ranks, places: readonly number[]): readonly Part[] {
  const sets = new Map<string, readonly (readonly string[])[]>();
  for (const order of linearOrders(ranks, Math.max(...places))) {
    const members = places.map((place) => order[place - 1]);
    if (!members.every((member) => member !== undefined)) continue;
    sets.set(patternText(members, false), linearOrders([members], members.length));
  }
  const takers = [...sets.values()];
  return takers.length === 0 ? [] : [{ weight: whole(1), takers }];
}

/** As a place pool over the first two places: half to those with the first in its place, half to those with the second. */
function eitherParts(pool: AuditPool, ranks: Ranks): readonly Part[] {
  const { ordered } = lineShapes[pool.poolType];
  const orders = linearOrders(ranks, 2);
  return [0, 1].flatMap((place) => {
    const holders = [...new Set(orders.flatMap((order) => order[place] ?? []))];
    const takers = holders.map((holder) => [ordered && place === 1 ? [ANY, holder] : [holder, ANY]]);
    return takers.length === 0 ? [] : [{ weight: whole(1), takers }];
  });
}

/** Uncovered takers drop out of their part, empty parts drop out of the rung, and what is left is scaled to one. */
function coveredOnly(parts: readonly Part[], stakes: readonly LineStake[], ordered: boolean): readonly Winner[] {
  type Share = { patterns: readonly (readonly string[])[]; weight: Fraction; full: Fraction; stakeMinor: bigint };
  const shares = new Map<string, Share>();
  for (const { weight, takers, full: nominal } of parts) {
    const backed = takers.map((patterns, no) => ({ patterns, no, stakeMinor: stakeOn(patterns, stakes, ordered) }));
    const covered = backed.filter(({ stakeMinor }) => stakeMinor > 0n);
    for (const { patterns, no, stakeMinor } of covered) {
      const key = keyOf(patterns, ordered);
      const { weight: before, full } = shares.get(key) ?? { weight: ZERO, full: ZERO };
      const own = plus(before, over(weight, whole(covered.length)));
      shares.set(key, {
        patterns,
        stakeMinor,
        weight: own,
        full: nominal?.[no] ?? plus(full, over(weight, whole(takers.length))),
      });
    }
  }
  const total = sum([...shares.values()].map(({ weight }) => weight));
  return [...shares.values()].map(({ weight, full, ...rest }) => ({
    ...rest,
    share: over(weight, total),
    tied: less(full, whole(1)),
  }));
}

const keyOf = (patterns: readonly (readonly string[])[], ordered: boolean): string =>
  patterns.map((pattern) => patternText(pattern, ordered)).join(' ');

export function stakeOn(
  patterns: readonly (readonly string[])[],
  stakes: readonly LineStake[],
  ordered: boolean,
): bigint {
  let total = 0n;
  for (const { line, stakeMinor } of stakes) {
    if (patterns.some((pattern) => matches(pattern, line, ordered))) total += stakeMinor;
  }
  return total;
}

/** How many places are paid; 0 when too few runners are on the card for the pool to be run. */
export const placesPaid = (pool: AuditPool): number =>
  placesAmong(pool.ruleSet, pool.field, lineShapes[pool.poolType].picks);

/** The same for any race; `otherwise` where the rules say nothing of places. */
export function placesAmong({ places, placesBy }: AuditRules, field: AuditField, otherwise: number): number {
  if (places === undefined) return otherwise;
  if (typeof places === 'number') return places;
  const count = placesBy === 'CARD' ? field.declared.length : runsOf(field).length;
  const offered = places.filter(({ handicap }) => handicap !== true || field.handicap === true);
  const reached = offered.filter(({ from }) => from <= count).sort((a, b) => b.from - a.from);
  return reached[0]?.places ?? 0;
}

/**
 * Who wins a pool, rung by rung of its no-winner ladder: patterns of winning lines with their shares of the profit, found
 * by looking at every linear finishing order. Knows no stake but which lines are backed, and no price.
 */
import { byNumber, lineShapes, runsOf } from './expansion.js';
import { interestRanks, linearOrders, type Ranks } from './finish.js';
import { type Fraction, over, plus, sum, whole, ZERO } from './fraction.js';
import { type AuditField, type AuditPool, AuditRefused, type LineStake } from './sheet.js';

/**
 * Lines that are paid alike. A member of `lines` is one place of the pool's line, `*` for any runner; several lines in one
 * winner share one price (a French stable). `share` is of the profit, summing to one over the covered winners of a rung.
 */
export interface Winner {
  readonly patterns: readonly (readonly string[])[];
  readonly share: Fraction;
  readonly stakeMinor: bigint;
}

/** A rung before stakes are known: each money part goes in equal shares to those of its takers that are covered. */
interface Part {
  readonly weight: Fraction;
  readonly takers: readonly (readonly (readonly string[])[])[];
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
    }));
  const paid = new Set(linearOrders(finish, places).flat().map(interestOf));
  const behind = interestRanks(finish, interestOf).filter((rank) => !rank.some((interest) => paid.has(interest)));
  return [parts, ...behind.map((rank) => equalParts(pool, beginnings([rank], 1)))];
}

/** The other pools: every beginning of a linear order is a winner, all with equal shares. Then, for NEXT of win, the ranks behind. */
function properParts(pool: AuditPool): readonly (readonly Part[])[] {
  const { picks } = lineShapes[pool.poolType];
  const ranks = ranksOfInterests(pool);
  const proper = equalParts(pool, beginnings(ranks, picks));
  return picks === 1 ? [proper, ...ranks.slice(1).map((rank) => equalParts(pool, beginnings([rank], 1)))] : [proper];
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
  const kept = /^FIRST_([1-4])$/.exec(name)?.[1];
  if (kept === undefined) throw new AuditRefused(`the no-winner ladder has an unknown rung ${name}`);
  return equalParts(pool, beginnings(ranks, Number(kept)));
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
  const shares = new Map<string, { patterns: readonly (readonly string[])[]; weight: Fraction; stakeMinor: bigint }>();
  for (const { weight, takers } of parts) {
    const backed = takers.map((patterns) => ({ patterns, stakeMinor: stakeOn(patterns, stakes, ordered) }));
    const covered = backed.filter(({ stakeMinor }) => stakeMinor > 0n);
    for (const { patterns, stakeMinor } of covered) {
      const key = keyOf(patterns, ordered);
      const before = shares.get(key)?.weight ?? ZERO;
      shares.set(key, { patterns, stakeMinor, weight: plus(before, over(weight, whole(covered.length))) });
    }
  }
  const total = sum([...shares.values()].map(({ weight }) => weight));
  return [...shares.values()].map(({ weight, ...rest }) => ({ ...rest, share: over(weight, total) }));
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
export function placesPaid(pool: AuditPool): number {
  const { places, placesBy } = pool.ruleSet;
  if (places === undefined) return lineShapes[pool.poolType].picks;
  if (typeof places === 'number') return places;
  const count = placesBy === 'CARD' ? pool.field.declared.length : runsOf(pool.field).length;
  const reached = places.filter(({ from }) => from <= count).sort((a, b) => b.from - a.from);
  return reached[0]?.places ?? 0;
}

/**
 * Lines named by columns, a runner from each and all different, counted by closed forms: those with given runners in given
 * places, in any places, and the distinct sets. No line is listed but by `distinctTuples`, whose caller bounds it.
 */
import { choose } from './combinatorics.js';
import { STAR } from './pool-type.js';

/** The runners of some places given, the others any: those places drop out, and so do their runners. */
export function orderedColumns(columns: readonly (readonly string[])[], key: readonly string[]): number {
  let free = 0;
  for (let place = 0; place < columns.length; place++) {
    const wanted = key[place] ?? STAR;
    if (wanted === STAR) free |= 1 << place;
    else if (!columns[place]?.includes(wanted)) return 0;
  }
  return free === 0 ? 1 : tuplesOf(columns, key, free);
}

/** Some runners in any places: every way to seat them, times the tuples of the columns that are left. */
export function anyOrderColumns(columns: readonly (readonly string[])[], key: readonly string[]): number {
  const given = key.filter((member) => member !== STAR);
  const all = (1 << columns.length) - 1;
  let seated = new Map([[0, 1]]);
  for (const runner of given) {
    const next = new Map<number, number>();
    for (const [taken, ways] of seated) {
      for (let place = 0; place < columns.length; place++) {
        const bit = 1 << place;
        if (taken & bit || !columns[place]?.includes(runner)) continue;
        next.set(taken | bit, (next.get(taken | bit) ?? 0) + ways);
      }
    }
    if (next.size === 0) return 0;
    seated = next;
  }
  if (given.length === columns.length) return seated.get(all) ?? 0;
  let total = 0;
  for (const [taken, ways] of seated) total += ways * tuplesOf(columns, given, all & ~taken);
  return total;
}

/** Tuples of these columns (as bits): one and two columns, the rule when a result is looked for, without a table. */
function tuplesOf(columns: readonly (readonly string[])[], out: readonly string[], set: number): number {
  const first = columns[31 - Math.clz32(set & -set)] ?? [];
  const behind = set & (set - 1);
  if (behind === 0) return countIn(first, out);
  if (behind & (behind - 1)) return tupleCounts(columns, out)[set] ?? 0;
  const second = columns[31 - Math.clz32(behind)] ?? [];
  let common = 0;
  for (const runner of first) if (!out.includes(runner) && second.includes(runner)) common++;
  return countIn(first, out) * countIn(second, out) - common;
}

function countIn(column: readonly string[], out: readonly string[]): number {
  let count = 0;
  for (const runner of column) if (!out.includes(runner)) count++;
  return count;
}

/**
 * For every set of columns (as bits), the tuples with one runner from each, all different, none of them in `out`. By
 * inclusion and exclusion over partitions: a block of m columns that hold the same runner weighs (-1)^(m-1) (m-1)! times
 * the size of their intersection. Intersections come from how many runners stand in exactly which columns.
 */
function tupleCounts(columns: readonly (readonly string[])[], out: readonly string[]): readonly number[] {
  const size = 1 << columns.length;
  const inAll = new Array<number>(size).fill(0);
  for (const [runner, mask] of columnMasks(columns)) if (!out.includes(runner)) inAll[mask] = (inAll[mask] ?? 0) + 1;
  for (let bit = 1; bit < size; bit <<= 1) {
    for (let mask = 0; mask < size; mask++)
      if (!(mask & bit)) inAll[mask] = (inAll[mask] ?? 0) + (inAll[mask | bit] ?? 0);
  }
  const tuples = new Array<number>(size).fill(0);
  tuples[0] = 1;
  for (let set = 1; set < size; set++) {
    const lowest = set & -set;
    let total = 0;
    // Every block of the set that holds its lowest column.
    for (let block = set; block > 0; block = (block - 1) & set) {
      if (block & lowest) total += (BLOCK_WEIGHTS[block] ?? 0) * (inAll[block] ?? 0) * (tuples[set & ~block] ?? 0);
    }
    tuples[set] = total;
  }
  return tuples;
}

/** Seven columns at most: a multi of seven. */
const BLOCK_WEIGHTS: readonly number[] = Array.from({ length: 256 }, (_, block) => blockWeight(block));

function blockWeight(block: number): number {
  let weight = 1;
  let columns = 0;
  for (let rest = block; rest > 0; rest &= rest - 1) if (columns++ > 0) weight *= 1 - columns;
  return weight;
}

// Columns, unordered: distinct sets for which every member can be given a column of its own.

export function unorderedColumns(columns: readonly (readonly string[])[], key: readonly string[]): number {
  const given = key.filter((member) => member !== STAR);
  const masks = columnMasks(columns);
  let reach: readonly number[] = [0];
  for (const runner of given) reach = extend(reach, masks.get(runner) ?? 0);
  if (reach.length === 0) return 0;
  for (const runner of given) masks.delete(runner);
  const sizes = new Map<number, number>();
  for (const mask of masks.values()) sizes.set(mask, (sizes.get(mask) ?? 0) + 1);
  return setCount([...sizes], 0, columns.length - given.length, reach);
}

/** Which columns hold each runner, as bits. */
function columnMasks(columns: readonly (readonly string[])[]): Map<string, number> {
  const masks = new Map<string, number>();
  for (let place = 0; place < columns.length; place++) {
    const column = columns[place] ?? [];
    // Columns alike, as of a wheel over the whole field, are looked at once.
    let bits = 1 << place;
    let isFirst = true;
    for (let other = 0; other < columns.length; other++) {
      if (other === place || !sameRunners(column, columns[other] ?? [])) continue;
      if (other < place) isFirst = false;
      else bits |= 1 << other;
    }
    if (isFirst) for (const runner of column) masks.set(runner, (masks.get(runner) ?? 0) | bits);
  }
  return masks;
}

/** Whether two lists name the same runners in the same order. */
export function sameRunners(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Sets of taken columns that can be reached when one more runner takes a free column of its mask. */
function extend(reach: readonly number[], mask: number): readonly number[] {
  const next = new Set<number>();
  for (const taken of reach) {
    for (let bit = 1; bit <= mask; bit <<= 1) if (mask & bit && !(taken & bit)) next.add(taken | bit);
  }
  return [...next];
}

/** Choices of `wanted` runners, class by class of equal masks, such that all find a column. */
function setCount(
  classes: readonly (readonly [mask: number, size: number])[],
  index: number,
  wanted: number,
  reach: readonly number[],
): number {
  if (reach.length === 0) return 0;
  if (wanted === 0) return 1;
  const next = classes[index];
  if (next === undefined) return 0;
  const [mask, size] = next;
  let total = 0;
  let now = reach;
  for (let chosen = 0; chosen <= Math.min(size, wanted) && now.length > 0; chosen++) {
    total += choose(size, chosen) * setCount(classes, index + 1, wanted - chosen, now);
    now = extend(now, mask);
  }
  return total;
}

export function isOneLine(columns: readonly (readonly string[])[]): boolean {
  for (let place = 0; place < columns.length; place++) {
    if (columns[place]?.length !== 1) return false;
    for (let before = 0; before < place; before++) if (columns[before]?.[0] === columns[place]?.[0]) return false;
  }
  return true;
}

export const inPlaces = (columns: readonly (readonly string[])[], key: readonly string[]): number =>
  key.every((member, place) => member === STAR || columns[place]?.[0] === member) ? 1 : 0;

export function* distinctTuples(
  columns: readonly (readonly string[])[],
  taken: readonly string[],
): Generator<string[]> {
  const column = columns[taken.length];
  if (column === undefined) {
    yield [...taken];
    return;
  }
  for (const runner of column) if (!taken.includes(runner)) yield* distinctTuples(columns, [...taken, runner]);
}

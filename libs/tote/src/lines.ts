/**
 * What a bet covers, counted by closed forms: how many lines, how many of them match a result, how many are left when
 * runners are out. A bet is never expanded to be counted; only `expandCover` lists lines, and its caller bounds it.
 */
import { combinationText } from './field.js';
import type { PoolShape } from './pool-type.js';

/**
 * The lines of a bet.
 *
 * - COLUMNS: one runner from each column, all different. Unordered pools count each distinct set once.
 * - SETS: all the bases and, for the rest, every choice of the others; in every order where the pool is ordered.
 * - FIXED: the bases in the first places as listed, then the others in every order.
 * - RISING: the bases in the first places, then the others in the order they were listed.
 */
export type Cover = { readonly kind: 'COLUMNS'; readonly columns: readonly (readonly string[])[] } | BaseCover;

interface BaseCover {
  readonly kind: 'SETS' | 'FIXED' | 'RISING';
  readonly bases: readonly string[];
  readonly others: readonly string[];
}

export const STAR = '*';

/**
 * What lines are asked for: `members` one per place (ordered) or in any place, `*` for any runner; lines that name a
 * runner of `without`, or that match one of `except`, are left out.
 */
export interface LineKey {
  readonly ordered: boolean;
  readonly members: readonly string[];
  readonly without?: readonly string[];
  readonly except?: readonly LineKey[];
  /** Only lines without order match: the first-4 bets of a merged quartet pool. */
  readonly setsOnly?: boolean;
}

/** How many lines match a key. */
export function countKey(cover: Cover, shape: PoolShape, key: LineKey): number {
  if (key.members.length !== shape.picks || (key.setsOnly && shape.arrangement === 'ORDERED')) return 0;
  // Most tickets of a race do not name all of a key's runners: they cost no more than this.
  for (const member of key.members) if (member !== STAR && !names(cover, member)) return 0;
  const left = leftOf(cover, key.without);
  if (left === null) return 0;
  let count = countCover(left, shape, key);
  if (key.except && count > 0) for (const other of key.except) count -= countKey(left, shape, other);
  return count;
}

/** The cover itself where it names none of these runners, which is the rule. */
function leftOf(cover: Cover, without: readonly string[] | undefined): Cover | null {
  if (without === undefined) return cover;
  for (const runner of without) if (names(cover, runner)) return coverWithout(cover, new Set(without));
  return cover;
}

/** Whether the bet names this runner at all. */
export function names(cover: Cover, runner: string): boolean {
  if (cover.kind !== 'COLUMNS') return cover.bases.includes(runner) || cover.others.includes(runner);
  for (const column of cover.columns) if (column.includes(runner)) return true;
  return false;
}

/** A set asked of ordered lines counts every order; an order asked of sets is nowhere. */
function countCover(cover: Cover, shape: PoolShape, { ordered, members }: LineKey): number {
  const isOrdered = shape.arrangement === 'ORDERED';
  if (ordered && !isOrdered) return 0;
  switch (cover.kind) {
    case 'COLUMNS':
      if (!isOrdered) return unorderedColumns(cover.columns, members);
      // A single line: the key's runners are all among its own, so only their places are open.
      if (isOneLine(cover.columns)) return ordered ? inPlaces(cover.columns, members) : 1;
      return ordered ? orderedColumns(cover.columns, members) : anyOrderColumns(cover.columns, members);
    case 'SETS':
      return sets(cover.bases, cover.others, { key: members, ordered, isOrdered });
    case 'FIXED':
      return fixed(cover.bases, cover.others, { key: members, ordered, isOrdered });
    case 'RISING':
      if (ordered) return rising([...cover.bases, ...cover.others], cover.bases.length, members);
      return sets(cover.bases, cover.others, { key: members, ordered: false, isOrdered: false });
  }
}

function isOneLine(columns: readonly (readonly string[])[]): boolean {
  for (let place = 0; place < columns.length; place++) {
    if (columns[place]?.length !== 1) return false;
    for (let before = 0; before < place; before++) if (columns[before]?.[0] === columns[place]?.[0]) return false;
  }
  return true;
}

const inPlaces = (columns: readonly (readonly string[])[], key: readonly string[]): number =>
  key.every((member, place) => member === STAR || columns[place]?.[0] === member) ? 1 : 0;

/** The key every line matches. */
export const anyLine = (shape: PoolShape): LineKey => ({
  ordered: shape.arrangement === 'ORDERED',
  members: new Array<string>(shape.picks).fill(STAR),
});

/** The lines that name none of these runners; null when a base is among them and nothing is left. */
export function coverWithout(cover: Cover, out: ReadonlySet<string>): Cover | null {
  const keep = (runners: readonly string[]): readonly string[] => runners.filter((runner) => !out.has(runner));
  if (cover.kind === 'COLUMNS') return { kind: 'COLUMNS', columns: cover.columns.map(keep) };
  if (cover.bases.some((base) => out.has(base))) return null;
  return { ...cover, others: keep(cover.others) };
}

/** The texts of all lines, each once. */
export function* expandCover(cover: Cover, shape: PoolShape): Generator<string> {
  const seen = new Set<string>();
  for (const members of memberLists(cover, shape)) {
    const text = combinationText(members, shape.arrangement);
    if (seen.has(text)) continue;
    seen.add(text);
    yield text;
  }
}

function memberLists(cover: Cover, shape: PoolShape): Iterable<readonly string[]> {
  if (cover.kind === 'COLUMNS') return distinctTuples(cover.columns, []);
  const rest = subsets(cover.others, shape.picks - cover.bases.length, 0);
  if (cover.kind === 'FIXED') {
    const { bases } = cover;
    return mapEach(flatMapEach(rest, permutations), (others) => [...bases, ...others]);
  }
  const chosen = mapEach(rest, (others) => [...cover.bases, ...others]);
  return cover.kind === 'SETS' && shape.arrangement === 'ORDERED' ? flatMapEach(chosen, permutations) : chosen;
}

// Columns, ordered: tuples with all-different runners.

/** The runners of some places given, the others any: those places drop out, and so do their runners. */
function orderedColumns(columns: readonly (readonly string[])[], key: readonly string[]): number {
  let free = 0;
  for (let place = 0; place < columns.length; place++) {
    const wanted = key[place] ?? STAR;
    if (wanted === STAR) free |= 1 << place;
    else if (!columns[place]?.includes(wanted)) return 0;
  }
  return free === 0 ? 1 : tuplesOf(columns, key, free);
}

/** Some runners in any places: every way to seat them, times the tuples of the columns that are left. */
function anyOrderColumns(columns: readonly (readonly string[])[], key: readonly string[]): number {
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

function unorderedColumns(columns: readonly (readonly string[])[], key: readonly string[]): number {
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

// Bases and others.

interface SetQuery {
  readonly key: readonly string[];
  /** The key's members have places; else every order of the line counts where lines are ordered. */
  readonly ordered: boolean;
  readonly isOrdered: boolean;
}

function sets(bases: readonly string[], others: readonly string[], { key, ordered, isOrdered }: SetQuery): number {
  let [stars, fixedOthers, missingBases] = [0, 0, bases.length];
  for (const member of key) {
    if (member === STAR) stars++;
    else if (bases.includes(member)) missingBases--;
    else if (others.includes(member)) fixedOthers++;
    else return 0;
  }
  const choices = choose(others.length - fixedOthers, stars - missingBases);
  if (choices === 0 || !isOrdered) return choices;
  return choices * factorial(ordered ? stars : key.length);
}

/** Lines whose first places are the bases and whose others follow in every order. */
function fixed(bases: readonly string[], others: readonly string[], { key, ordered }: SetQuery): number {
  const behind = key.length - bases.length;
  if (!ordered) return sets(bases, others, { key, ordered: false, isOrdered: false }) * factorial(behind);
  let left = others.length;
  let stars = behind;
  for (let place = 0; place < key.length; place++) {
    const wanted = key[place] ?? STAR;
    if (wanted === STAR) continue;
    if (place < bases.length) {
      if (bases[place] !== wanted) return 0;
      continue;
    }
    if (!others.includes(wanted)) return 0;
    left--;
    stars--;
  }
  return choose(left, stars) * factorial(stars);
}

/** Lines whose first places are the bases and whose other runners follow in the listed order. */
function rising(listed: readonly string[], bases: number, key: readonly string[]): number {
  let total = 1;
  let from = 0;
  let gap = 0;
  for (let place = 0; place < key.length; place++) {
    const wanted = place < bases && key[place] === STAR ? (listed[place] ?? STAR) : (key[place] ?? STAR);
    if (wanted === STAR) {
      gap++;
      continue;
    }
    const at = listed.indexOf(wanted);
    if (at < from || place < bases !== at < bases || (place < bases && at !== place)) return 0;
    total *= choose(at - Math.max(from, place < bases ? 0 : bases), gap);
    from = at + 1;
    gap = 0;
  }
  return total * choose(listed.length - Math.max(from, bases), gap);
}

// Small combinatorics.

/** n over k; 0 outside 0 … n. Exact below 2^53. */
export function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let result = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * (n - Math.min(k, n - k) + i)) / i;
  return result;
}

function factorial(n: number): number {
  let result = 1;
  for (let i = 2; i <= n; i++) result *= i;
  return result;
}

function* distinctTuples(columns: readonly (readonly string[])[], taken: readonly string[]): Generator<string[]> {
  const column = columns[taken.length];
  if (column === undefined) {
    yield [...taken];
    return;
  }
  for (const runner of column) if (!taken.includes(runner)) yield* distinctTuples(columns, [...taken, runner]);
}

/** Every choice of k members, in the order they are listed. */
export function* subsets(members: readonly string[], k: number, from = 0): Generator<string[]> {
  if (k === 0) {
    yield [];
    return;
  }
  for (let i = from; i <= members.length - k; i++) {
    const member = members[i];
    if (member === undefined) continue;
    for (const rest of subsets(members, k - 1, i + 1)) yield [member, ...rest];
  }
}

/** Every order of the members. */
export function* permutations(members: readonly string[]): Generator<string[]> {
  if (members.length === 0) yield [];
  for (const member of members) {
    for (const rest of permutations(members.filter((other) => other !== member))) yield [member, ...rest];
  }
}

function* mapEach<A, B>(values: Iterable<A>, map: (value: A) => B): Generator<B> {
  for (const value of values) yield map(value);
}

function* flatMapEach<A, B>(values: Iterable<A>, map: (value: A) => Iterable<B>): Generator<B> {
  for (const value of values) yield* map(value);
}

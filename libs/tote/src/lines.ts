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
 * - RISING: the bases in the first places, then the others in the order they were listed.
 */
export type Cover =
  | { readonly kind: 'COLUMNS'; readonly columns: readonly (readonly string[])[] }
  | { readonly kind: 'SETS'; readonly bases: readonly string[]; readonly others: readonly string[] }
  | { readonly kind: 'RISING'; readonly bases: readonly string[]; readonly others: readonly string[] };

export const STAR = '*';

/** How many lines match a key: one member per place (ordered) or the members of a set, `*` for any runner. */
export function countCover(cover: Cover, shape: PoolShape, key: readonly string[]): number {
  const ordered = shape.arrangement === 'ORDERED';
  switch (cover.kind) {
    case 'COLUMNS':
      return ordered ? orderedColumns(cover.columns, key) : unorderedColumns(cover.columns, key);
    case 'SETS':
      return sets(cover.bases, cover.others, { key, ordered });
    case 'RISING':
      return rising([...cover.bases, ...cover.others], cover.bases.length, key);
  }
}

/** The key every line matches. */
export const anyLine = (shape: PoolShape): readonly string[] => new Array<string>(shape.picks).fill(STAR);

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
  const chosen = mapEach(rest, (others) => [...cover.bases, ...others]);
  return cover.kind === 'SETS' && shape.arrangement === 'ORDERED' ? flatMapEach(chosen, permutations) : chosen;
}

// Columns, ordered: tuples with all-different runners.

function orderedColumns(columns: readonly (readonly string[])[], key: readonly string[]): number {
  const narrowed: (readonly string[])[] = [];
  for (let place = 0; place < columns.length; place++) {
    const column = columns[place] ?? [];
    const wanted = key[place] ?? STAR;
    if (wanted === STAR) narrowed.push(column);
    else if (column.includes(wanted)) narrowed.push([wanted]);
    else return 0;
  }
  return distinctTupleCount(narrowed);
}

/**
 * Tuples with all-different members by inclusion and exclusion over the partitions of the columns: a block of m columns
 * that hold the same runner weighs (-1)^(m-1) (m-1)! times the size of their intersection. 52 partitions for five places.
 */
function distinctTupleCount(columns: readonly (readonly string[])[]): number {
  const [a = [], b = []] = columns;
  if (columns.length === 1) return a.length;
  if (columns.length === 2) return a.length * b.length - common(a, b).length;
  return partitionSum(columns, 0, []);
}

interface Block {
  readonly runners: readonly string[];
  readonly columns: number;
}

function partitionSum(columns: readonly (readonly string[])[], index: number, blocks: readonly Block[]): number {
  const column = columns[index];
  if (column === undefined) return blocks.reduce((product, block) => product * block.runners.length, 1);
  let total = partitionSum(columns, index + 1, [...blocks, { runners: column, columns: 1 }]);
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined) continue;
    const runners = common(block.runners, column);
    if (runners.length === 0) continue;
    const joined = blocks.with(i, { runners, columns: block.columns + 1 });
    total -= block.columns * partitionSum(columns, index + 1, joined);
  }
  return total;
}

const common = (a: readonly string[], b: readonly string[]): readonly string[] => a.filter((x) => b.includes(x));

// Columns, unordered: distinct sets for which every member can be given a column of its own.

function unorderedColumns(columns: readonly (readonly string[])[], key: readonly string[]): number {
  const fixed = key.filter((member) => member !== STAR);
  const masks = columnMasks(columns);
  let reach: readonly number[] = [0];
  for (const runner of fixed) reach = extend(reach, masks.get(runner) ?? 0);
  if (reach.length === 0) return 0;
  for (const runner of fixed) masks.delete(runner);
  const sizes = new Map<number, number>();
  for (const mask of masks.values()) sizes.set(mask, (sizes.get(mask) ?? 0) + 1);
  return setCount([...sizes], 0, columns.length - fixed.length, reach);
}

/** Which columns hold each runner, as bits. */
function columnMasks(columns: readonly (readonly string[])[]): Map<string, number> {
  const masks = new Map<string, number>();
  columns.forEach((column, place) => {
    for (const runner of column) masks.set(runner, (masks.get(runner) ?? 0) | (1 << place));
  });
  return masks;
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
  readonly ordered: boolean;
}

function sets(bases: readonly string[], others: readonly string[], { key, ordered }: SetQuery): number {
  const fixed = key.filter((member) => member !== STAR);
  const fixedBases = fixed.filter((member) => bases.includes(member)).length;
  const fixedOthers = fixed.filter((member) => others.includes(member)).length;
  if (fixedBases + fixedOthers < fixed.length) return 0;
  const stars = key.length - fixed.length;
  const missingBases = bases.length - fixedBases;
  const choices = choose(others.length - fixedOthers, stars - missingBases);
  return ordered ? choices * factorial(stars) : choices;
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

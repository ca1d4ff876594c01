/**
 * What a bet covers, counted by closed forms: how many lines, how many of them match a result, how many are left when
 * runners are out. A bet is never expanded to be counted; only `expandCover` lists lines, and its caller bounds it.
 */
import { fixed, rising, sets } from './base-lines.js';
import {
  anyOrderColumns,
  distinctTuples,
  inPlaces,
  isOneLine,
  orderedColumns,
  unorderedColumns,
} from './column-lines.js';
import { flatMapEach, mapEach, permutations, subsets } from './combinatorics.js';
import { combinationText } from './field.js';
import { type PoolShape, STAR } from './pool-type.js';

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
  for (const member of key.members) if (member !== STAR && !coverNames(cover, member)) return 0;
  const left = leftOf(cover, key.without);
  if (left === null) return 0;
  let count = countCover(left, shape, key);
  if (key.except && count > 0) for (const other of key.except) count -= countKey(left, shape, other);
  return count;
}

/** The cover itself where it names none of these runners, which is the rule. */
function leftOf(cover: Cover, without: readonly string[] | undefined): Cover | null {
  if (without === undefined) return cover;
  for (const runner of without) if (coverNames(cover, runner)) return coverWithout(cover, new Set(without));
  return cover;
}

/** Whether the bet names this runner at all. */
export function coverNames(cover: Cover, runner: string): boolean {
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

/**
 * Lines of bases and others, counted by closed forms: bases in any place, fixed in the first places, or followed in the
 * listed order. Nothing is listed.
 */
import { choose, factorial } from './combinatorics.js';
import { STAR } from './pool-type.js';

interface SetQuery {
  readonly key: readonly string[];
  /** The key's members have places; else every order of the line counts where lines are ordered. */
  readonly ordered: boolean;
  readonly isOrdered: boolean;
}

export function sets(
  bases: readonly string[],
  others: readonly string[],
  { key, ordered, isOrdered }: SetQuery,
): number {
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
export function fixed(bases: readonly string[], others: readonly string[], { key, ordered }: SetQuery): number {
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
export function rising(listed: readonly string[], bases: number, key: readonly string[]): number {
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

/**
 * The bettor's complement (cheval de complément): named free of charge, it joins a line that loses a runner. Whoever does not run is
 * struck out of the line, the others move up, and the complements that run are appended behind them in the order named. Lines that
 * lose more than that are given back. Counted on the bet as it was made, by asking for the lines that become what is asked.
 */

import { subsets } from './combinatorics.js';
import { type Cover, countKey, type LineKey } from './lines.js';
import type { PoolShape } from './pool-type.js';
import { STAR } from './pool-type.js';

interface Complemented {
  readonly key: LineKey;
  readonly scratched: readonly string[];
  /** The complements as named. */
  readonly by: readonly string[];
}

/** Complements that run themselves. */
export const runningOf = (complement: readonly string[] | undefined, scratched: readonly string[]): readonly string[] =>
  complement?.filter((runner) => !scratched.includes(runner)) ?? [];

/** How many lines match a key once complements stand where runners went out. */
export function countComplemented(cover: Cover, shape: PoolShape, { key, scratched, by }: Complemented): number {
  const running = runningOf(by, scratched);
  const { except = [], ...plain } = key;
  let lines = countKey(cover, shape, { ...plain, without: [...(plain.without ?? []), ...scratched] });
  for (let lost = 1; lost <= Math.min(running.length, scratched.length, shape.picks); lost++) {
    const stand = running.slice(0, lost);
    if (stand.some((runner) => plain.without?.includes(runner))) break;
    for (const out of subsets(scratched, lost))
      for (const asked of keysBefore(plain, stand, out)) {
        const without = [...(plain.without ?? []), ...scratched].filter((runner) => !out.includes(runner));
        lines += countKey(cover, shape, { ...plain, members: asked, without });
      }
  }
  for (const other of except)
    lines -= countComplemented(cover, shape, { key: { ...other, without: plain.without ?? [] }, scratched, by });
  return lines;
}

/** What a line must have been to become the one asked for, when `out` goes and `stand` is appended. */
function keysBefore(
  { ordered, members }: LineKey,
  stand: readonly string[],
  out: readonly string[],
): readonly string[][] {
  if (!ordered) {
    const left = [...members];
    for (const runner of stand) {
      const at = left.indexOf(left.includes(runner) ? runner : STAR);
      if (at < 0) return [];
      left.splice(at, 1);
    }
    return [[...left, ...out]];
  }
  const kept = members.length - stand.length;
  if (!stand.every((runner, i) => members[kept + i] === runner || members[kept + i] === STAR)) return [];
  return out.reduce<string[][]>(
    (lines, runner) => lines.flatMap((line) => insertions(line, runner)),
    [members.slice(0, kept)],
  );
}

/** The line with one more member, at every place. */
const insertions = (line: readonly string[], member: string): string[][] =>
  Array.from({ length: line.length + 1 }, (_, at) => [...line.slice(0, at), member, ...line.slice(at)]);

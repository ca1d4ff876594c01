import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '#mutuel/contracts';
import { emptyFrontier, growFrontier, rootOf } from '#mutuel/engine';
import { EMPTY_ROOT, RunningRoot, rootAlong } from '#mutuel/verify';
import { pathOf } from './support/paths.js';

const leaves = (count: number): string[] => Array.from({ length: count }, (_, i) => sha256(`leaf ${i}`));
const rootOfAll = (all: readonly string[]): string => {
  const tree = new RunningRoot();
  for (const leaf of all) tree.add(leaf);
  return tree.root;
};

describe('the tree of a sealed pool', () => {
  it('has the root that the engine seals, for every size up to 70', () => {
    const frontier = emptyFrontier();
    const tree = new RunningRoot();
    expect(tree.root).toBe(rootOf(sha256, frontier));
    expect(tree.root).toBe(EMPTY_ROOT);
    for (const leaf of leaves(70)) {
      tree.add(leaf);
      growFrontier(sha256, frontier, leaf);
      expect(tree.root).toBe(rootOf(sha256, frontier));
    }
  });

  it('leads from every leaf to the root, and from no other place, count or altered neighbour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (count, pick) => {
        const all = leaves(count);
        const index = pick % count;
        const path = pathOf(all, index);
        const root = rootOfAll(all);
        const leaf = all[index] as string;
        expect(rootAlong(leaf, index, count, path)).toEqual({ root });
        const elsewhere = rootAlong(leaf, (index + 1) % count, count, path);
        if (count > 1) expect(elsewhere).not.toEqual({ root });
        expect(rootAlong(sha256('another'), index, count, path)).not.toEqual({ root });
        for (const step of path.keys()) {
          const altered = path.map((hash, at) => (at === step ? sha256(hash) : hash));
          expect(rootAlong(leaf, index, count, altered)).not.toEqual({ root });
        }
      }),
      { seed: 20261122, numRuns: 150 },
    );
  });

  it('says what is wrong with a place or a path that cannot be', () => {
    expect(rootAlong('a', 3, 3, [])).toBe('leaf 3 is not one of 3');
    expect(rootAlong('a', -1, 3, [])).toBe('leaf -1 is not one of 3');
    expect(rootAlong('a', 0, 3, ['b'])).toBe('the path of leaf 0 of 3 has 2 steps, not 1');
  });
});

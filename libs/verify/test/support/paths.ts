/** Proofs made the obvious way, from all leaves: what the proofs of the system are held against. */
import { RunningRoot } from '#mutuel/verify';

/** The neighbours of a leaf, from the leaf up. */
export function pathOf(leaves: readonly string[], index: number): readonly string[] {
  if (leaves.length <= 1) return [];
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  const [first, second] = [leaves.slice(0, left), leaves.slice(left)];
  const rootOf = (part: readonly string[]): string => {
    const tree = new RunningRoot();
    for (const leaf of part) tree.add(leaf);
    return tree.root;
  };
  return index < left ? [...pathOf(first, index), rootOf(second)] : [...pathOf(second, index - left), rootOf(first)];
}

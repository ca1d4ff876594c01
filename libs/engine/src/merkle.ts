/**
 * An append-only Merkle tree kept as its frontier: the roots of the perfect subtrees, largest first. Leaves and nodes are hashed
 * as text under different prefixes, so that no node can pass for a leaf. It must never be rewound: a bet that is withdrawn keeps its leaf.
 */
import type { Hash } from './decider.js';

export interface Frontier {
  count: number;
  /** By level: the root of the perfect subtree of 2^level leaves, where the count has that bit. */
  readonly peaks: (string | null)[];
}

export const emptyFrontier = (): Frontier => ({ count: 0, peaks: [] });

export const leafHash = (hash: Hash, text: string): string => hash(`leaf:${text}`);

export const nodeHash = (hash: Hash, left: string, right: string): string => hash(`node:${left}${right}`);

export function growFrontier(hash: Hash, frontier: Frontier, leaf: string): void {
  let carry = leaf;
  let level = 0;
  for (let bits = frontier.count; bits & 1; bits = Math.floor(bits / 2), level++) {
    carry = nodeHash(hash, frontier.peaks[level] as string, carry);
    frontier.peaks[level] = null;
  }
  frontier.peaks[level] = carry;
  frontier.count++;
}

/** The root over all leaves so far: peaks folded from the smallest to the largest (the shape of RFC 6962). */
export function rootOf(hash: Hash, frontier: Frontier): string {
  let root: string | undefined;
  for (const peak of frontier.peaks) {
    if (peak === null || peak === undefined) continue;
    root = root === undefined ? peak : nodeHash(hash, peak, root);
  }
  return root ?? hash('empty');
}

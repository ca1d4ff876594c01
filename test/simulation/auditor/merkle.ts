/** The root over a pool's leaves, from its definition: split at the largest power of two below the count, hash both halves together. */
import { sha256 } from './chain.js';

export function merkleRoot(leaves: readonly string[]): string {
  if (leaves.length === 0) return sha256('empty');
  if (leaves.length === 1) return leaves[0] as string;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(`node:${merkleRoot(leaves.slice(0, half))}${merkleRoot(leaves.slice(half))}`);
}

/**
 * The Merkle tree of a pool's bets in one shard, as its seal names it: leaves in the order of acceptance, the shape of RFC 6962, nodes
 * and leaves hashed as text under different prefixes. A proof is the list of neighbours from the leaf to the root and shows nothing
 * of any other bet. It must never take a count of leaves on trust: the count decides the shape, so a wrong one fails.
 */
import { hash } from 'node:crypto';

/** What a leaf is hashed from: all of it stands on the receipt of the bet. */
export interface LeafInput {
  /** 128 random bits in hex, the same for all bets of a ticket. */
  readonly blind: string;
  readonly ticketId: string;
  /** The bet's number inside the ticket, from 0. */
  readonly no: number;
  readonly poolId: string;
  readonly selection: string;
  readonly unitStake: number;
  readonly stake: number;
  /** Append time of the command, milliseconds UTC. */
  readonly acceptedAt: number;
}

export const EMPTY_ROOT = sha256('empty');

export function leafOf(bet: LeafInput): string {
  const { blind, ticketId, no, poolId, selection, unitStake, stake, acceptedAt } = bet;
  return sha256(`leaf:${blind}|${ticketId}|${no}|${poolId}|${selection}|${unitStake}|${stake}|${acceptedAt}`);
}

export const nodeOf = (left: string, right: string): string => sha256(`node:${left}${right}`);

/** The root of the whole pool over the roots of its shards, in shard order. */
export const poolRoot = (shardRoots: readonly string[]): string => sha256(`pool:${shardRoots.join('')}`);

/** A growing tree that keeps only the roots of its perfect subtrees, so that millions of bets take the room of twenty hashes. */
export class RunningRoot {
  count = 0;
  readonly #peaks: (string | undefined)[] = [];

  add(leaf: string): void {
    let carry = leaf;
    let level = 0;
    for (let bits = this.count; bits % 2 === 1; bits = (bits - 1) / 2, level++) {
      carry = nodeOf(this.#peaks[level] as string, carry);
      this.#peaks[level] = undefined;
    }
    this.#peaks[level] = carry;
    this.count += 1;
  }

  get root(): string {
    let root: string | undefined;
    for (const peak of this.#peaks) if (peak !== undefined) root = root === undefined ? peak : nodeOf(peak, root);
    return root ?? EMPTY_ROOT;
  }
}

/** The root that leaf number `index` of `count` leads to along its neighbours, or a sentence where they do not fit the shape. */
export function rootAlong(
  leaf: string,
  index: number,
  count: number,
  path: readonly string[],
): { readonly root: string } | string {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(count) || index < 0 || index >= count)
    return `leaf ${index} is not one of ${count}`;
  const sides = sidesOf(index, count);
  if (sides.length !== path.length)
    return `the path of leaf ${index} of ${count} has ${sides.length} steps, not ${path.length}`;
  let hash = leaf;
  for (const [step, side] of sides.entries()) {
    const neighbour = path[step] as string;
    hash = side === 'LEFT' ? nodeOf(neighbour, hash) : nodeOf(hash, neighbour);
  }
  return { root: hash };
}

/** On which side the neighbour stands at each step from the leaf up. */
function sidesOf(index: number, count: number): readonly ('LEFT' | 'RIGHT')[] {
  if (count <= 1) return [];
  let left = 1;
  while (left * 2 < count) left *= 2;
  return index < left ? [...sidesOf(index, left), 'RIGHT'] : [...sidesOf(index - left, count - left), 'LEFT'];
}

function sha256(text: string): string {
  return hash('sha256', text);
}

/**
 * Inclusion proofs: where a bet stands in the sealed tree of its pool. The tree of a pool's shard is built once from the leaves in the
 * read models, a slice at a time so that nothing else waits: once the pool is sealed, or when it is asked for. It is kept for the pools
 * asked for last. It must never hand out a proof that does not lead to the sealed root.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { SqlDatabase } from '#mutuel/runtime';
import { EMPTY_ROOT, type InclusionProof, nodeOf, type SealStatement, type Signed } from '#mutuel/verify';

/** Of all trees that are kept, some 76 bytes each. */
const KEPT_LEAVES = 2_000_000;
const SLICE = 1_000;
const HASH_BYTES = 32;

export interface ProvenBet {
  readonly betId: string;
  readonly poolId: string;
  readonly shard: number;
  readonly seq: number;
  readonly no: number;
}

/** All levels of a tree, leaves first, packed; and by which number of decision and bet each leaf is found. */
interface Tree {
  readonly levels: readonly Buffer[];
  readonly seqs: Float64Array;
  readonly nos: Int32Array;
}

export class Proofs {
  readonly #trees = new Map<string, { readonly leaves: number; readonly tree: Promise<Tree> }>();
  #preparing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly db: SqlDatabase,
    private readonly keptLeaves = KEPT_LEAVES,
  ) {}

  /** Makes the trees of a pool's newest seal before anybody asks, one pool after the other; never rejects: asked for, they are made anew. */
  prepare(poolId: string): Promise<void> {
    const prepared = this.#preparing.then(async () => {
      const [seal] = (await this.#seals([poolId])).get(poolId) ?? [];
      if (!seal) return;
      const statement = JSON.parse(seal.statement) as SealStatement;
      for (const part of statement.shards) await this.#tree(statement, part);
    });
    const done = prepared.catch(() => undefined);
    this.#preparing = done;
    return done;
  }

  /** Of each bet the proof under the newest seal of its pool that holds it; none while there is no such seal. */
  async of(bets: readonly ProvenBet[]): Promise<readonly InclusionProof[]> {
    if (bets.length === 0) return [];
    const seals = await this.#seals([...new Set(bets.map(({ poolId }) => poolId))]);
    const proofs = await Promise.all(bets.map((bet) => this.#under(bet, seals.get(bet.poolId) ?? [])));
    return proofs.filter((proof) => proof !== undefined);
  }

  async #under(bet: ProvenBet, seals: readonly Signed[]): Promise<InclusionProof | undefined> {
    for (const seal of seals) {
      const statement = JSON.parse(seal.statement) as SealStatement;
      const part = statement.shards.find(({ shard }) => shard === bet.shard);
      if (!part || bet.seq > part.lastSeq) continue;
      const tree = await this.#tree(statement, part);
      const index = indexOf(tree, bet);
      if (index < 0) return undefined;
      const path = pathIn(tree.levels, index);
      return { betId: bet.betId, shard: bet.shard, index, leaves: part.leaves, path, seal };
    }
    return undefined;
  }

  /** By pool, the newest first. */
  async #seals(pools: readonly string[]): Promise<ReadonlyMap<string, readonly Signed[]>> {
    const rows = await this.db.query<{ pool_id: string; statement: string; key_id: string; signature: string }>(
      'select pool_id, statement, key_id, signature from signed_seals where pool_id = any($1) order by close_no desc',
      [pools],
    );
    const seals = new Map<string, Signed[]>(pools.map((pool) => [pool, []]));
    for (const { pool_id: pool, statement, key_id: keyId, signature } of rows)
      seals.get(pool)?.push({ statement, keyId, signature });
    return seals;
  }

  #tree({ poolId, closeNo }: SealStatement, part: SealStatement['shards'][number]): Promise<Tree> {
    const key = `${poolId} ${closeNo} ${part.shard}`;
    const known = this.#trees.get(key);
    this.#trees.delete(key);
    const kept = known ?? { leaves: part.leaves, tree: this.#build(poolId, part) };
    this.#trees.set(key, kept);
    // A tree that could not be built is built again when it is asked for again.
    if (!known) kept.tree.catch(() => this.#trees.delete(key));
    let leaves = [...this.#trees.values()].reduce((sum, one) => sum + one.leaves, 0);
    for (const [oldest, one] of this.#trees) {
      if (leaves <= this.keptLeaves || this.#trees.size === 1) break;
      this.#trees.delete(oldest);
      leaves -= one.leaves;
    }
    return kept.tree;
  }

  async #build(poolId: string, { shard, lastSeq, leaves, root }: SealStatement['shards'][number]): Promise<Tree> {
    const rows = await this.db.query<{ seq: number; no: number; leaf: string }>(
      `select seq, no, leaf from bets where pool_id = $1 and shard = $2 and seq <= $3 and placement <> 'REJECTED' order by seq, no`,
      [poolId, shard, lastSeq],
    );
    const seqs = new Float64Array(rows.length);
    const nos = new Int32Array(rows.length);
    const bottom = Buffer.alloc(rows.length * HASH_BYTES);
    for (const [i, row] of rows.entries()) {
      seqs[i] = row.seq;
      nos[i] = row.no;
      bottom.write(row.leaf, i * HASH_BYTES, 'hex');
      if (i % SLICE === SLICE - 1) await breathe();
    }
    const levels = await grow(bottom);
    const made = rows.length === 0 ? EMPTY_ROOT : hashAt(levels.at(-1) as Buffer, 0);
    if (rows.length !== leaves || made !== root)
      throw new Error(
        `the bets of ${poolId} in shard ${shard} do not make its sealed root: the read models are behind or wrong`,
      );
    return { levels, seqs, nos };
  }
}

const hashAt = (level: Buffer, index: number): string =>
  level.toString('hex', index * HASH_BYTES, (index + 1) * HASH_BYTES);

/** From the leaves up: a node over each pair; one left over goes up as it is. */
async function grow(bottom: Buffer): Promise<readonly Buffer[]> {
  const levels = [bottom];
  for (let level = bottom; level.length > HASH_BYTES; level = levels.at(-1) as Buffer) {
    const count = level.length / HASH_BYTES;
    const above = Buffer.alloc(Math.ceil(count / 2) * HASH_BYTES);
    for (let i = 0; i < count; i += 2) {
      const node = i + 1 < count ? nodeOf(hashAt(level, i), hashAt(level, i + 1)) : hashAt(level, i);
      above.write(node, (i / 2) * HASH_BYTES, 'hex');
      if (i % (2 * SLICE) === 2 * SLICE - 2) await breathe();
    }
    levels.push(above);
  }
  return levels;
}

function pathIn(levels: readonly Buffer[], leaf: number): readonly string[] {
  const path: string[] = [];
  let index = leaf;
  for (const level of levels.slice(0, -1)) {
    const neighbour = index % 2 === 0 ? index + 1 : index - 1;
    if (neighbour * HASH_BYTES < level.length) path.push(hashAt(level, neighbour));
    index = Math.floor(index / 2);
  }
  return path;
}

function indexOf({ seqs, nos }: Tree, { seq, no }: ProvenBet): number {
  let low = 0;
  let high = seqs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const isBefore = (seqs[middle] as number) < seq || (seqs[middle] === seq && (nos[middle] as number) < no);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return seqs[low] === seq && nos[low] === no ? low : -1;
}

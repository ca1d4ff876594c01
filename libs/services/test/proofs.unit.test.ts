/** Proofs of sealed bets: prepared or asked for, each leads to the sealed root, and no more trees are kept than there is room for. */
import { expect, it } from 'vitest';
import type { SqlDatabase } from '#mutuel/runtime';
import { poolRoot, RunningRoot, rootAlong, type SealStatement } from '#mutuel/verify';
import { Proofs } from '../src/index.js';

const LEAVES = 1_500;
const leafOf = (pool: string, i: number): string => Buffer.from(`${pool}/${i}`).toString('hex').padStart(64, '0');

/** Two shards a pool; bet `i` of a shard is decision `i + 1`. Counts how often leaves are read. */
class SealedPools {
  reads = 0;
  #isDown = 0;

  failOnce(): void {
    this.#isDown = 1;
  }

  readonly db = {
    query: async (sql: string, [pool, shard]: [string | string[], number]): Promise<unknown> => {
      if (sql.includes('signed_seals'))
        return [pool].flat().map((id) => ({ pool_id: id, statement: this.#statement(id), key_id: 'k', signature: '' }));
      this.reads += 1;
      if (this.#isDown-- > 0) throw new Error('the database is away');
      return Array.from({ length: LEAVES }, (_, i) => ({
        seq: i + 1,
        no: 0,
        leaf: leafOf(`${String(pool)}/${shard}`, i),
      }));
    },
  } as unknown as SqlDatabase;

  #statement(poolId: string): string {
    const shards = [0, 1].map((shard) => {
      const tree = new RunningRoot();
      for (let i = 0; i < LEAVES; i++) tree.add(leafOf(`${poolId}/${shard}`, i));
      return { shard, lastSeq: LEAVES, bets: LEAVES, stake: LEAVES, leaves: LEAVES, root: tree.root };
    });
    const statement: SealStatement = {
      ...{ kind: 'mutuel-seal', v: 1, poolId, raceId: 'R', closeNo: 1, sealedAt: 0 },
      ...{ bets: 2 * LEAVES, stake: 2 * LEAVES, voidedBets: 0, voidedStake: 0 },
      ...{ root: poolRoot(shards.map(({ root }) => root)), shards },
    };
    return JSON.stringify(statement);
  }
}

const bet = (poolId: string, shard: number, i: number) => ({ betId: 'b', poolId, shard, seq: i + 1, no: 0 });

async function holds(proofs: Proofs, pool: string, shard: number, i: number): Promise<void> {
  const [proof] = await proofs.of([bet(pool, shard, i)]);
  const { index = -1, leaves = 0, path = [], seal } = proof ?? {};
  expect(index).toBe(i);
  const { shards } = JSON.parse(String(seal?.statement)) as SealStatement;
  expect(rootAlong(leafOf(`${pool}/${shard}`, i), index, leaves, path)).toEqual({ root: shards[shard]?.root });
}

it('reads no leaf for the proofs of a pool that was prepared', async () => {
  const pools = new SealedPools();
  const proofs = new Proofs(pools.db);
  await proofs.prepare('A');
  expect(pools.reads).toBe(2);
  for (const i of [0, 1, 1_023, LEAVES - 1]) await holds(proofs, 'A', i % 2, i);
  expect(pools.reads).toBe(2);
});

it('makes what could not be prepared when it is asked for', async () => {
  const pools = new SealedPools();
  const proofs = new Proofs(pools.db);
  pools.failOnce();
  await proofs.prepare('A');
  await holds(proofs, 'A', 0, 7);
  await holds(proofs, 'A', 1, 8);
});

it('keeps the trees asked for last, within its bound of leaves', async () => {
  const pools = new SealedPools();
  const proofs = new Proofs(pools.db, 3 * LEAVES);
  await proofs.prepare('A');
  await proofs.prepare('B');
  expect(pools.reads).toBe(4);
  await holds(proofs, 'B', 0, 3);
  await holds(proofs, 'A', 1, 3);
  expect(pools.reads).toBe(4);
  await holds(proofs, 'A', 0, 3);
  expect(pools.reads).toBe(5);
});

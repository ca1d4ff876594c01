/** The daily anchor over a database of three tables held by hand, with an authority that comes and goes. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Clock, SqlDatabase } from '#mutuel/runtime';
import { AnchorPublisher, anchors } from '#mutuel/services';
import type { AnchorStatement } from '#mutuel/verify';

const DAY = 86_400_000;
const NOON = Date.UTC(2026, 10, 22, 12);

function house() {
  const rows: { day: string; statement: string; token: string }[] = [];
  const heads = [{ source: 'market', seq: 3, head: 'cd' }];
  const query = async (text: string, values: readonly unknown[] = []): Promise<unknown[]> => {
    if (text.startsWith('insert')) {
      const [day, statement, token] = values as [string, string, string];
      if (!rows.some((row) => row.day === day)) rows.push({ day, statement, token });
      return [];
    }
    if (text.includes('seal_keys')) return [{ key_id: 'k1', public_key: 'MCow', since: 7 }];
    return text.includes('checkpoints') ? heads : rows.slice(-1);
  };
  const db = { query } as unknown as SqlDatabase;
  const alarms: string[] = [];
  const stamped: Buffer[] = [];
  const world = { time: NOON, isAway: false, rows, heads, alarms, stamped, db };
  const publisher = new AnchorPublisher({
    db,
    clock: { now: () => world.time, sleep: async () => undefined } satisfies Clock,
    stamper: {
      stamp: async (digest) => {
        if (world.isAway) throw new Error('the authority does not answer');
        stamped.push(Buffer.from(digest));
        return Buffer.from('token');
      },
    },
    onAlarm: (code) => alarms.push(code),
  });
  return { world, publisher };
}

describe('the anchor of the log', () => {
  it('is stamped once a day, over the heads of all chains, the keys of seals and the anchor before', async () => {
    const { world, publisher } = house();
    await publisher.look();
    await publisher.look();
    world.time += DAY;
    world.heads.push({ source: 'shard-0', seq: 9, head: 'ab' });
    await publisher.look();
    expect(world.rows.map(({ day }) => day)).toEqual(['2026-11-22', '2026-11-23']);
    const [first, second] = world.rows.map(({ statement }) => statement) as [string, string];
    const digest = createHash('sha256').update(first).digest();
    expect(world.stamped[0]).toEqual(digest);
    const said = JSON.parse(second) as AnchorStatement;
    expect(said).toMatchObject({ kind: 'mutuel-anchor', v: 1, day: '2026-11-23', previous: digest.toString('hex') });
    expect(said.heads.map(({ source }) => source)).toEqual(['market', 'shard-0']);
    expect(said.keys).toEqual([{ keyId: 'k1', publicKey: 'MCow', since: 7 }]);
    expect((await anchors(world.db, 1))[0]?.day).toBe('2026-11-23');
  });

  it('is missed with one alarm while no authority answers, and follows when it is back', async () => {
    const { world, publisher } = house();
    world.isAway = true;
    for (let i = 0; i < 3; i++) await publisher.look();
    expect(world.alarms).toEqual(['LOG_NOT_ANCHORED']);
    world.isAway = false;
    await publisher.look();
    expect(world.alarms).toEqual(['LOG_NOT_ANCHORED', 'TSA_BACK']);
    expect(world.rows).toHaveLength(1);
  });

  it('waits for something to anchor', async () => {
    const { world, publisher } = house();
    world.heads.length = 0;
    await publisher.look();
    expect(world.rows).toEqual([]);
    expect(world.alarms).toEqual([]);
  });
});

/** What every relational database of ours must do: run on the embedded build and on PostgreSQL. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '#mutuel/adapters';
import type { SqlDatabase } from '#mutuel/runtime';

export interface SqlFixture {
  /** An empty schema of this suite's own. */
  readonly db: SqlDatabase;
  dispose(): Promise<void>;
}

export function describeSql(name: string, open: () => Promise<SqlFixture>): void {
  describe(`${name} as a database`, () => {
    let fixture: SqlFixture;
    let db: SqlDatabase;
    beforeAll(async () => {
      fixture = await open();
      db = fixture.db;
    }, 120_000);
    afterAll(() => fixture.dispose());
    beforeEach(async () => {
      await db.query('drop table if exists stakes; drop table if exists schema_migrations');
      await db.query('create table stakes (combination text primary key, amount bigint not null)');
    });

    it('gives counts, minor units and their sums as numbers', async () => {
      await db.query('insert into stakes values ($1, $2), ($3, $4)', ['1', 9_007_199_254_740_000, '2', 991]);
      const [row] = await db.query('select count(*) as bets, sum(amount) as total, 7 as one from stakes');
      expect(row).toEqual({ bets: 2, total: Number.MAX_SAFE_INTEGER, one: 7 });
    });

    it('never rounds an amount that a number cannot hold', async () => {
      const [row] = await db.query(
        'select 9007199254740993::bigint as a, 12345678901234567890::numeric as b, 0.10::numeric as c',
      );
      expect(row).toEqual({ a: 9_007_199_254_740_993n, b: 12_345_678_901_234_567_890n, c: '0.10' });
    });

    it('takes texts with quotes, bytes, nulls, arrays and JSON as values', async () => {
      const values = ["l'Étoile; drop table stakes", new Uint8Array([0, 255]), null, ['a', 'b'], { lines: 3 }];
      const [row] = await db.query(
        'select $1::text as text, $2::bytea as bytes, $3::text as nothing, $4::text[] as list, $5::jsonb as json',
        values,
      );
      expect(row).toEqual({
        text: values[0],
        bytes: Buffer.from([0, 255]),
        nothing: null,
        list: ['a', 'b'],
        json: { lines: 3 },
      });
    });

    it('keeps all of a transaction', async () => {
      const answer = await db.transaction(async (tx) => {
        await tx.query('insert into stakes values ($1, $2)', ['1', 200]);
        await tx.query('update stakes set amount = amount + $1', [100]);
        return 'done';
      });
      expect(answer).toBe('done');
      expect(await db.query('select * from stakes')).toEqual([{ combination: '1', amount: 300 }]);
    });

    it('keeps nothing of a transaction whose work throws, and passes the error on', async () => {
      const work = db.transaction(async (tx) => {
        await tx.query('insert into stakes values ($1, $2)', ['1', 200]);
        throw new Error('changed my mind');
      });
      await expect(work).rejects.toThrow('changed my mind');
      expect(await db.query('select * from stakes')).toEqual([]);
    });

    it('goes on after a statement that failed, alone or in a transaction, with its SQLSTATE', async () => {
      const fault = { name: 'DatabaseFault', code: '22P02', retriable: false };
      await expect(db.query('insert into stakes values ($1, $2)', ['1', 'x'])).rejects.toMatchObject(fault);
      await expect(
        db.transaction((tx) => tx.query('insert into stakes values ($1, $2)', ['1', 'x'])),
      ).rejects.toMatchObject(fault);
      expect(await db.query('select count(*) as rows from stakes')).toEqual([{ rows: 0 }]);
    });

    it('serves many callers at once without mixing their transactions', async () => {
      await db.query("insert into stakes values ('1', 0)");
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          i % 2
            ? db.query('select $1::int as i', [i])
            : db.transaction(async (tx) => {
                const [row] = await tx.query<{ amount: number }>(
                  "select amount from stakes where combination = '1' for update",
                );
                await tx.query("update stakes set amount = $1 where combination = '1'", [(row?.amount ?? 0) + 1]);
              }),
        ),
      );
      expect(await db.query('select amount from stakes')).toEqual([{ amount: 10 }]);
    });

    it('takes thousands of rows in one statement', async () => {
      const keys = Array.from({ length: 5000 }, (_, i) => `${i}`);
      const amounts = keys.map((_, i) => i);
      await db.query(
        'insert into stakes select * from unnest($1::text[], $2::bigint[]) on conflict (combination) do update set amount = excluded.amount',
        [keys, amounts],
      );
      expect(await db.query('select count(*) as rows, sum(amount) as total from stakes')).toEqual([
        { rows: 5000, total: (5000 * 4999) / 2 },
      ]);
    });

    describe('migrations', () => {
      const first = { id: '001-pools', sql: "create temporary table pools (id text); insert into pools values ('a')" };
      const second = { id: '002-notes', sql: 'alter table stakes add column note text' };

      it('are applied once each, in order', async () => {
        expect(await migrate(db, [first])).toEqual(['001-pools']);
        expect(await migrate(db, [first, second])).toEqual(['002-notes']);
        expect(await migrate(db, [first, second])).toEqual([]);
        await db.query('drop table if exists pools');
      });

      it('are applied by one of several starters', async () => {
        const results = await Promise.all([second, second, second].map((step) => migrate(db, [step])));
        expect(results.map((ids) => ids.length).sort()).toEqual([0, 0, 1]);
      });

      it('leave nothing behind when one fails', async () => {
        await expect(migrate(db, [second, { id: '003-broken', sql: 'create nonsense' }])).rejects.toThrow(
          'syntax error',
        );
        expect(await migrate(db, [second])).toEqual(['002-notes']);
      });

      it('refuse a schema that is newer than the code, or whose steps were changed', async () => {
        await migrate(db, [second]);
        await expect(migrate(db, [])).rejects.toThrow('newer than this release: it has step 002-notes');
        await expect(migrate(db, [{ ...second, sql: 'select 1' }])).rejects.toThrow('002-notes was changed');
        await expect(migrate(db, [first])).rejects.toThrow(
          'has schema step 002-notes where this release has 001-pools',
        );
      });
    });
  });
}

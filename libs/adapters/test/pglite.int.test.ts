/** The embedded build of PostgreSQL: the same suite as the server, and what only an embedded one can get wrong. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { openDatabase, startPglite } from '#mutuel/adapters';
import { describeSql } from './sql-features.js';

const newFolder = () => mkdtempSync(join(tmpdir(), 'mutuel-pglite-'));
const onWarning = (): void => undefined;

describeSql('PGlite', async () => {
  const dir = newFolder();
  const server = await startPglite({ dir, onWarning });
  const db = await openDatabase({ url: server.url, max: 1, onWarning });
  return {
    db,
    dispose: async () => {
      await db.close();
      await server.stop();
      rmSync(dir, { recursive: true });
    },
  };
});

it('answers from a relative folder, as the default data folder is, and says when it has died', async () => {
  const dir = newFolder();
  const deaths: string[] = [];
  const onDeath = (fault: Error): void => void deaths.push(fault.message);
  const made = new Promise<Worker>((resolve) => process.once('worker', resolve));
  const server = await startPglite({ dir: relative(process.cwd(), dir), onWarning, onDeath });
  const db = await openDatabase({ url: server.url, max: 1, onWarning });
  expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  await (await made).terminate();
  expect(deaths).toEqual(['The embedded database has died: its thread ended']);
  await db.close();
  await server.stop();
  rmSync(dir, { recursive: true });
});

it('keeps its rows over a restart, for one user a folder, and starts anew from one that no longer opens', async () => {
  const dir = newFolder();
  const warnings: string[] = [];
  const session = async (statements: string) => {
    const server = await startPglite({ dir, onWarning: (sentence) => warnings.push(sentence) });
    const db = await openDatabase({ url: server.url, max: 1, onWarning });
    try {
      await expect(startPglite({ dir, onWarning })).rejects.toThrow('already open in this process');
      return await db.query(statements);
    } finally {
      await db.close();
      await server.stop();
    }
  };
  await session('create table kept (n bigint); insert into kept values (42)');
  expect(await session('select n from kept')).toEqual([{ n: 42 }]);
  expect(warnings).toEqual([]);
  writeFileSync(join(dir, 'read-models', 'pgdata', 'global', 'pg_control'), 'nothing of use');
  expect(await session("select to_regclass('kept') as kept")).toEqual([{ kept: null }]);
  expect(warnings.join()).toContain('rebuilt from the log');
  expect(readdirSync(join(dir, 'read-models')).filter((name) => name.includes('damaged'))).toHaveLength(1);
  rmSync(dir, { recursive: true });
});

/**
 * Brings a schema forward by numbered steps, each once, in order, by one process at a time, beside others that read and write it. It
 * must never run against a schema that is newer than the code, nor accept a step that was changed after it was applied.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlDatabase } from '#mutuel/runtime';
import { ServerLost } from '../server-lost.js';
import { SetupFault } from '../setup-fault.js';
import { DatabaseFault } from './pg-database.js';

export interface Migration {
  /** Unique and in order, as `001-tickets`; never changed once released. */
  readonly id: string;
  /** One or more statements, without parameters. */
  readonly sql: string;
}

/** Any number will do, as long as nobody else of the same database uses it. */
const LOCK = 7_361_524;

/**
 * Whoever waits for a table of his own is waited for by all who come after him, readers too: a step gives way, and asks again a little
 * later. Sooner than the server looks for a deadlock (1 s), which would rather end the transaction of somebody who writes.
 */
const LOCK_WAIT_MS = 500;
const AGAIN_MS = 1_000;
/** Three to five minutes: a report comes to its end. Whatever starts the process starts it again. */
const ATTEMPTS = 200;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';

/** Applies what is missing in one transaction; resolves to the ids that it applied. */
export async function migrate(
  db: SqlDatabase,
  migrations: readonly Migration[],
  onWarning: (sentence: string) => void = () => undefined,
): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction((tx) => apply(tx, migrations));
    } catch (fault) {
      if (!(fault instanceof DatabaseFault && [LOCK_NOT_AVAILABLE, DEADLOCK].includes(fault.code))) throw fault;
      const held = 'The next step of the schema waits for tables that another session uses (pg_locks says which).';
      if (attempt === ATTEMPTS)
        throw new ServerLost(`${held} End that session, or start again when it is over.`, { cause: fault });
      if (attempt === 1) onWarning(held);
      await sleep(AGAIN_MS);
    }
  }
}

async function apply(tx: Pick<SqlDatabase, 'query'>, migrations: readonly Migration[]): Promise<readonly string[]> {
  await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
  await tx.query(
    'create table if not exists schema_migrations (position int primary key, id text not null unique, sha256 text not null)',
  );
  // A rebuild that changes the tables for others meanwhile looks here, too.
  await tx.query(`set local lock_timeout = ${LOCK_WAIT_MS}; lock table schema_migrations in exclusive mode`);
  const applied = await tx.query<{ id: string; sha256: string }>(
    'select id, sha256 from schema_migrations order by position',
  );
  applied.forEach(({ id, sha256 }, i) => {
    checkStep(id, sha256, migrations[i]);
  });
  const missing = migrations.slice(applied.length);
  for (const [i, { id, sql }] of missing.entries()) {
    await tx.query(sql);
    await tx.query('insert into schema_migrations values ($1, $2, $3)', [applied.length + i + 1, id, hashOf(sql)]);
  }
  return missing.map(({ id }) => id);
}

function checkStep(id: string, sha256: string, known: Migration | undefined): void {
  if (!known)
    throw new SetupFault(
      'SCHEMA',
      `The database schema is newer than this release: it has step ${id}; start the newer release`,
    );
  if (known.id !== id)
    throw new SetupFault(
      'SCHEMA',
      `The database has schema step ${id} where this release has ${known.id}: start the release it belongs to`,
    );
  if (sha256 !== hashOf(known.sql))
    throw new SetupFault(
      'SCHEMA',
      `Schema step ${id} was changed after it had been applied: start the release it belongs to`,
    );
}

const hashOf = (sql: string): string => createHash('sha256').update(sql).digest('hex');

/**
 * Brings a schema forward by numbered steps, each once, in order, by one process at a time. It must never run against a schema
 * that is newer than the code, nor accept a step that was changed after it was applied.
 */
import { createHash } from 'node:crypto';
import type { SqlDatabase } from '#mutuel/runtime';
import { SetupFault } from '../setup-fault.js';

export interface Migration {
  /** Unique and in order, as `001-tickets`; never changed once released. */
  readonly id: string;
  /** One or more statements, without parameters. */
  readonly sql: string;
}

/** Any number will do, as long as nobody else of the same database uses it. */
const LOCK = 7_361_524;

/** Applies what is missing in one transaction; resolves to the ids that it applied. */
export async function migrate(db: SqlDatabase, migrations: readonly Migration[]): Promise<readonly string[]> {
  return db.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await tx.query(
      'create table if not exists schema_migrations (position int primary key, id text not null unique, sha256 text not null)',
    );
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
  });
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

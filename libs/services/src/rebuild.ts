/**
 * The read models made anew from the log beside the live ones, in a schema of their own, and put in their place in one step. Until
 * that step nobody sees them, and nothing of a rebuild that breaks off remains; it must never empty a table that somebody reads.
 */
import type { Clock, Progress, ProjectionDriver, SqlDatabase } from '#mutuel/runtime';
import { TickReader } from '#mutuel/views';
import { OddsProjection } from './odds-projection.js';
import { CheckpointAhead, checkReadModels, ProjectorHost, type ProjectorHostOptions } from './projector-host.js';
import { ODDS_TOPIC } from './tick-tail.js';

export interface RebuildOptions extends ProjectorHostOptions {
  /** Makes the tables where the handle points. */
  readonly prepare: (db: SqlDatabase) => Promise<unknown>;
  /** Whether a projector may follow the same log into the same database meanwhile; needs three connections. */
  readonly live: boolean;
}

/** Somebody else rebuilds, or the new read models do not come level with the live ones. Nothing was changed. */
export class RebuildFault extends Error {
  override readonly name = 'RebuildFault';
  readonly retriable = true;
}

type Tx = Pick<SqlDatabase, 'query'>;

const NEXT = 'read_models_next';
const FORMER = 'read_models_former';
/** Any number will do, as long as nobody else of the same database uses it. */
const LOCK = 7_361_525;
/** Decisions of one transaction while rebuilding: nobody waits for a screen. */
const BATCH = 10_000;
const REPORT_EVERY_MS = 500;
/** Ticks in one transaction while rebuilding. */
const READ_AT_ONCE = 200;
/** The live projector waits while the new read models come level, so that none of them goes back in time. */
const LEVEL_WITHIN_MS = 10_000;
const LOOK_AGAIN_MS = 25;

/** Resolves when the new read models hold all that was in the log at the start and are the live ones. */
export async function rebuild(options: RebuildOptions, onProgress: (progress: Progress) => void): Promise<Progress> {
  const { db, live } = options;
  const progress = await alone(options, async () => {
    await db.query(
      `drop schema if exists ${FORMER} cascade; drop schema if exists ${NEXT} cascade; create schema ${NEXT}`,
    );
    const isAhead = await knowsTooMuch(options);
    const next = inSchema(db, NEXT);
    const host = new ProjectorHost({ ...options, db: next }, BATCH);
    try {
      await options.prepare(next);
      const done = await fold(host.driver, options.clock, onProgress);
      await foldOdds({ ...options, db: next });
      if (live) await host.start();
      else await host.stop();
      await switchOver(options, host, !isAhead);
      return done;
    } catch (fault) {
      await host.stop();
      await db.query(`drop schema if exists ${NEXT} cascade`);
      throw fault;
    }
  });
  // By now only who began to read before the switch still looks at them.
  await db.query(`drop schema if exists ${FORMER} cascade`);
  return progress;
}

/** One rebuild of a database at a time. An embedded one has a single user as it is, and a single connection. */
async function alone<T>({ db, live }: RebuildOptions, work: () => Promise<T>): Promise<T> {
  if (!live) return work();
  let enter: (free: boolean) => void = () => undefined;
  let leave: () => void = () => undefined;
  const entered = new Promise<boolean>((resolve) => {
    enter = resolve;
  });
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const guard = db.transaction(async (tx) => {
    const [row] = await tx.query<{ free: boolean }>('select pg_try_advisory_xact_lock($1) as free', [LOCK]);
    enter(row?.free === true);
    await left;
  });
  try {
    if (!(await Promise.race([entered, guard.then(() => false)])))
      throw new RebuildFault('Another rebuild of these read models is under way: wait for its end.');
    return await work();
  } finally {
    leave();
    await guard;
  }
}

async function fold(
  driver: ProjectionDriver,
  clock: Clock,
  onProgress: (progress: Progress) => void,
): Promise<Progress> {
  driver.start();
  const done = new AbortController();
  const reporting = report(driver, clock, done.signal, onProgress);
  await driver.caughtUp;
  done.abort();
  await reporting;
  if (driver.fault) throw driver.fault;
  return driver.progress();
}

async function report(
  driver: ProjectionDriver,
  clock: Clock,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(REPORT_EVERY_MS, signal);
    onProgress(driver.progress());
  }
}

/** The ticks that the topic holds, many at a time; those that come later are followed. */
async function foldOdds(options: ProjectorHostOptions): Promise<void> {
  const { log, onAlarm } = options;
  const warn = (sentence: string): void => onAlarm('ODDS_NOT_WRITTEN', sentence);
  const odds = new OddsProjection({ ...options, onWarning: warn, onFatal: (fault) => warn(fault.message) });
  const { start, end } = await log.bounds(ODDS_TOPIC);
  const reader = new TickReader();
  for (let from = start; from < end; ) {
    const records = await log.read({ ...ODDS_TOPIC, from }, READ_AT_ONCE);
    const last = records.at(-1);
    if (!last) return;
    from = last.offset + 1;
    const ticks = records.map((record) => reader.accept(record.value)).filter((tick) => tick !== undefined);
    if (ticks.length > 0) await odds.write(ticks, from);
  }
}

/**
 * Schemas change names, tables stay as they are: who reads goes on reading, what was parsed before the switch sees the old rows to
 * its end. Who writes waits for the lock, and finds the new tables by the old names.
 */
async function switchOver({ db, clock, live }: RebuildOptions, host: ProjectorHost, mustLevel: boolean): Promise<void> {
  await db.transaction(async (tx) => {
    if (live) {
      // First, as a release does that brings the live ones forward: it waits for the end of this, or this for it.
      await tx.query('lock table schema_migrations in share mode');
      await requireSameSteps(tx);
      // In the order in which writers take them.
      await tx.query('lock table odds, odds_history, checkpoints in exclusive mode');
      if (mustLevel) await level(tx, clock);
      await host.stop();
    }
    await tx.query(kept(mustLevel ? ['signed_seals', 'seal_keys', 'anchors'] : ['seal_keys']));
    const [row] = await tx.query<{ name: string }>('select current_schema() as name');
    const name = quoted(row?.name ?? 'public');
    await tx.query(GRANTS_ALIKE);
    await tx.query(`alter schema ${name} rename to ${FORMER}; alter schema ${NEXT} rename to ${name}`);
  });
}

/** Read models of a log that was taken back, or of another one: nobody follows it into them, and there is nothing to come level with. */
async function knowsTooMuch(options: RebuildOptions): Promise<boolean> {
  try {
    await checkReadModels(options);
    return false;
  } catch (fault) {
    if (fault instanceof CheckpointAhead) return true;
    throw fault;
  }
}

/** The live tables may have been brought forward since this began, by a later release that reads and writes them by now. */
async function requireSameSteps(tx: Tx): Promise<void> {
  const [later] = await tx.query<{ id: string }>(
    `select id from schema_migrations except select id from ${NEXT}.schema_migrations limit 1`,
  );
  if (later)
    throw new RebuildFault(
      `The live read models have got schema step ${later.id} meanwhile, the new ones are without it; those stay. Rebuild with the later release.`,
    );
}

/** Waits until the new read models are nowhere behind the live ones. */
async function level(tx: Tx, clock: Clock): Promise<void> {
  for (const until = clock.now() + LEVEL_WITHIN_MS; ; await clock.sleep(LOOK_AGAIN_MS)) {
    const behind = await tx.query<{ source: string }>(
      `select l.source from checkpoints l left join ${NEXT}.checkpoints n using (source)
       where coalesce(n.seq, 0) < l.seq`,
    );
    if (behind.length === 0) return;
    if (clock.now() > until)
      throw new RebuildFault(
        `The new read models do not come level with the live ones (${behind.map(({ source }) => source).join(', ')}); those stay.`,
      );
  }
}

/**
 * What was signed or stamped is no fold of the log and cannot be made again: keys that are gone, days that are over. The keys are kept
 * even where the log was taken back: whoever holds a receipt of theirs goes on checking it.
 */
const kept = (tables: readonly string[]): string => `
do $$
declare t text;
begin
  foreach t in array array[${tables.map((table) => `'${table}'`).join(', ')}] loop
    if to_regclass(t) is not null then
      execute format('insert into ${NEXT}.%I select * from %I on conflict do nothing', t, t);
    end if;
  end loop;
end $$`;

/** What others may do with the live tables they may do with the new ones. */
const GRANTS_ALIKE = `
do $$
declare g record;
begin
  for g in select distinct a.grantee::regrole::text as grantee from pg_namespace n, aclexplode(n.nspacl) a
    where n.nspname = current_schema() and a.grantee <> 0 and a.privilege_type = 'USAGE' loop
    execute format('grant usage on schema ${NEXT} to %s', g.grantee);
  end loop;
  for g in select t.table_name, t.privilege_type, t.grantee from information_schema.role_table_grants t
    where t.table_schema = current_schema() and t.grantee not in (current_user, 'PUBLIC') loop
    execute format('grant %s on ${NEXT}.%I to %I', g.privilege_type, g.table_name, g.grantee);
  end loop;
end $$`;

/** The same database seen through another schema: set for each transaction, since an embedded one shares its session. */
function inSchema(db: SqlDatabase, schema: string): SqlDatabase {
  const transaction = <T>(work: (tx: Tx) => Promise<T>): Promise<T> =>
    db.transaction(async (tx) => {
      await tx.query(`set local search_path to ${schema}`);
      return work(tx);
    });
  return {
    transaction,
    query: (text, values) => transaction((tx) => tx.query(text, values)),
    close: () => db.close(),
  };
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * The same past told again: decision logs folded to their state, and read models built anew from an empty database beside what the
 * running system had written. Both must come out equal, to the character.
 */
import { createHash } from 'node:crypto';
import { migrate, openDatabase, startPglite } from '#mutuel/adapters';
import { sha256, TOPICS } from '#mutuel/contracts';
import { marketDecider, shardDecider } from '#mutuel/engine';
import {
  type Clock,
  type EventLog,
  foldDecisions,
  MARKET_SOURCE,
  type SqlDatabase,
  shardSource,
  TailHub,
} from '#mutuel/runtime';
import { rebuild } from '#mutuel/services';
import { schema, tables } from '#mutuel/views';

export const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** What says when a row was written, not what happened, or is signed beside the fold: differs in every telling. */
const OF_THE_WRITING = new Set([
  'checkpoints',
  'odds',
  'odds_history',
  'rejects',
  'signed_seals',
  'seal_keys',
  'anchors',
]);

/** State hash of every source, shards first. */
export async function stateHashes(log: EventLog): Promise<string[]> {
  const shards = await log.partitions(TOPICS.shardDecisions);
  const hashes: string[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const folded = await foldDecisions(log, shardSource(shard), shardDecider({ shard, shards, hash: sha256 }));
    hashes.push(folded.stateHash);
  }
  const market = await foldDecisions(log, MARKET_SOURCE, marketDecider({ shards, hash: sha256 }));
  return [...hashes, market.stateHash];
}

/** Opens the read models of a stopped embedded system. */
export async function withReadModels<T>(dataDir: string, work: (db: SqlDatabase) => Promise<T>): Promise<T> {
  const onWarning = (line: string): void => console.warn(line);
  const server = await startPglite({ dir: dataDir, onWarning });
  const db = await openDatabase({ url: server.url, max: 1, onWarning });
  try {
    return await work(db);
  } finally {
    await db.close();
    await server.stop();
  }
}

/** Nothing on a combination is nothing, whether a row says so or not: a bet and its cancelling may meet in one batch. */
const SAYING_NOTHING: Readonly<Record<string, string>> = {
  pool_stakes: 'where stake <> 0',
  pool_wide: 'where unit <> 0',
};

/** A digest and a row count of every table. */
export async function tableDigests(db: SqlDatabase): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const table of tables.filter((name) => !OF_THE_WRITING.has(name))) {
    const rows = await db.query<{ row: string }>(
      `select t::text as row from ${table} t ${SAYING_NOTHING[table] ?? ''} order by 1`,
    );
    const digest = createHash('sha256');
    for (const { row } of rows) digest.update(`${row}\n`);
    digests[table] = `${rows.length} rows ${digest.digest('hex').slice(0, 16)}`;
  }
  return digests;
}

/** `live`: on a server of its own, where somebody may follow meanwhile. */
export async function rebuildReadModels(db: SqlDatabase, log: EventLog, live: boolean): Promise<void> {
  const tails = new TailHub(log, clock);
  const shards = await log.partitions(TOPICS.shardDecisions);
  const onAlarm = (code: string, detail: string): void => console.warn(`${code}: ${detail}`);
  const prepare = (into: SqlDatabase): Promise<unknown> => migrate(into, schema);
  await rebuild({ db, log, tails, clock, shards, onAlarm, prepare, live }, () => undefined);
  await tails.close();
}

/**
 * The same past told again: decision logs folded to their state, and read models built anew from an empty database beside what the
 * running system had written. Both must come out equal, to the character.
 */
import { createHash } from 'node:crypto';
import { migrate, openDatabase, startPglite } from '#mutuel/adapters';
import { AuditLogReader } from '#mutuel/audit';
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
  type TopicPartition,
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

const READ_AT_ONCE = 5_000;

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

/** What a decider that led said of its state, and what its log makes of it. */
export interface Retold {
  readonly src: string;
  /** State hash in its last checkpoint; undefined where it never took one. */
  readonly said: string | undefined;
  /** What the decisions before that checkpoint fold to. */
  readonly made: string | undefined;
  /** Tickets that it accepted after it. */
  readonly after: number;
}

/** Every log folded up to its last checkpoint, shards first. */
export async function retold(log: EventLog): Promise<Retold[]> {
  const shards = await log.partitions(TOPICS.shardDecisions);
  const sources = Array.from({ length: shards }, (_, shard) => shard).map((shard) => ({
    ...{ source: shardSource(shard), fold: (to: number) => foldShard(log, { shard, shards, to }) },
  }));
  const market = { source: MARKET_SOURCE, fold: (to: number) => foldMarket(log, { shards, to }) };
  const told: Retold[] = [];
  for (const { source, fold } of [...sources, market]) {
    const { seq, said, after } = await lastCheckpoint(log, source);
    told.push({ src: source.src, said, made: said === undefined ? undefined : await fold(seq - 1), after });
  }
  return told;
}

/** An earlier checkpoint that differs ends the fold: its sentence stands for the hash. */
const orWhy = async (folded: Promise<{ readonly stateHash: string }>): Promise<string> =>
  folded.then(
    ({ stateHash }) => stateHash,
    (fault: Error) => fault.message,
  );
const foldShard = (log: EventLog, { shard, shards, to }: { shard: number; shards: number; to: number }) =>
  orWhy(foldDecisions(log, { ...shardSource(shard), to }, shardDecider({ shard, shards, hash: sha256 })));
const foldMarket = (log: EventLog, { shards, to }: { shards: number; to: number }) =>
  orWhy(foldDecisions(log, { ...MARKET_SOURCE, to }, marketDecider({ shards, hash: sha256 })));

async function lastCheckpoint(log: EventLog, { src, at }: { readonly src: string; readonly at: TopicPartition }) {
  const reader = new AuditLogReader(src);
  const { start, end } = await log.bounds(at);
  let last: { seq: number; said: string | undefined; after: number } = { seq: 0, said: undefined, after: 0 };
  for (let from = start; from < end; ) {
    const records = await log.read({ ...at, from }, Math.min(READ_AT_ONCE, end - from));
    for (const record of records) {
      const { seq = 0, events = [] } = reader.take(record) ?? {};
      for (const event of events as readonly { readonly t: string; readonly state?: string }[]) {
        if (event.t === 'Checkpoint') last = { seq, said: event.state, after: 0 };
        else if (event.t === 'TicketAccepted') last.after += 1;
      }
    }
    from += records.length;
  }
  return last;
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

/** How many decisions are in the read models. */
export async function projected(db: SqlDatabase): Promise<number> {
  const text = `select coalesce(sum(seq), 0)::bigint as count from checkpoints where source = 'market' or source like 'shard-%'`;
  const [row] = await db.query<{ count: number }>(text);
  return Number(row?.count ?? 0);
}

const PROJECTED_WITHIN_MS = 180_000;
const LOOK_MS = 20;

/** Whoever wrote has stopped, the projector has not: resolves to whether so many decisions came to be in the read models. */
export async function becomeProjected(db: SqlDatabase, decisions: number): Promise<boolean> {
  for (const until = performance.now() + PROJECTED_WITHIN_MS; performance.now() < until; await clock.sleep(LOOK_MS))
    if ((await projected(db)) === decisions) return true;
  return false;
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

/**
 * The one place that picks adapters: embedded (LMDB, PGlite, memory) or distributed (Kafka, PostgreSQL, Redis) for the same ports.
 * What a role does not need is not opened. It must never go on with half of what was asked for.
 */
import { randomBytes } from 'node:crypto';
import {
  checkKafkaTopics,
  ensureKafkaTopics,
  migrate,
  openAdvisoryElection,
  openDatabase,
  openKafkaLog,
  openLmdbLog,
  openMemoryCache,
  openMemoryUseCounter,
  RedisVoice,
  redisAdapters,
  startPglite,
  type TopicFault,
} from '#mutuel/adapters';
import { topicsOf } from '#mutuel/contracts';
import {
  type Clock,
  type Election,
  type Entropy,
  type EventLog,
  type HotCache,
  type SqlDatabase,
  TailHub,
  type TailSource,
  type UseCounter,
} from '#mutuel/runtime';
import { schema } from '#mutuel/views';
import { type Config, isDistributed } from './config.js';
import { kafkaOf } from './kafka-connection.js';
import { LIMIT_WINDOW_S } from './limits.js';
import { asStartFault, EXIT, StartFault } from './start-fault.js';
import { shardsOf } from './topics.js';

export interface Seams {
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly shards: number;
  readonly label: string;
  /** False where one machine's loss can lose acknowledged bets. */
  readonly durable: boolean;
  /** Batching window of the command gateways, ms. */
  readonly windowMs: number;
  readonly database: () => Promise<SqlDatabase>;
  readonly cache: () => Promise<HotCache>;
  /** What clients use of their limits, over all nodes. */
  readonly uses: () => Promise<UseCounter>;
  /** Where several engines may run: who of them should lead. */
  readonly election?: Election | undefined;
  /** Resolves when a part that is inside this process has died for good. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  // Not the promises' own timer: it ends an aborted wait with an error and its stack, some hundred times a second under load.
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.max(0, ms));
      signal?.addEventListener('abort', end, { once: true });
    }),
};

export const systemEntropy: Entropy = { bytes: (count) => randomBytes(count) };

const EMBEDDED_SHARDS = 2;
const MAX_CONNECTIONS = 10;
/** Of a server that stands still nobody waits for longer; the switch of a rebuild holds tables for ten seconds. */
const QUERY_MS = 60_000;
/** Where nobody asks the database anything it is asked whether it is there: who needs it next should not be the first to find out. */
const DATABASE_LOOK_MS = 2_000;
const BYTES_OF_MB = 1_000_000;
/** Replicas that one node can hold. */
const SINGLE_NODE = 1;
const NOT_DURABLE = 'NOT DURABLE: single node';

export type OnWarning = (sentence: string) => void;

/** `fetch` is how the process reads the log: `bulk` where nobody waits for a decision. */
export function openSeams(
  config: Config,
  clientId: string,
  onWarning: OnWarning,
  fetch: 'prompt' | 'bulk' = 'prompt',
): Promise<Seams> {
  return isDistributed(config) ? distributed(config, clientId, onWarning, fetch) : embedded(config, onWarning);
}

async function embedded(config: Config, onWarning: OnWarning): Promise<Seams> {
  const { data: dir } = config;
  const shards = config.shards ?? EMBEDDED_SHARDS;
  const topics = topicsOf(shards);
  const reserveBytes = config.reserveMb * BYTES_OF_MB;
  const log = await openLmdbLog({ dir, topics, clock: systemClock, reserveBytes, onWarning }).catch(asStartFault);
  const cache = openMemoryCache();
  let onDeath: (fault: Error) => void = () => undefined;
  const failed = new Promise<Error>((resolve) => {
    onDeath = resolve;
  });
  const openEmbedded = async () => {
    const server = await startPglite({ dir, onWarning, onDeath });
    const database = await openDatabase({ url: server.url, max: 1, onWarning });
    await migrate(database, schema);
    const close = async () => {
      await database.close();
      await server.stop();
    };
    return { database, close };
  };
  return seams({
    config,
    log,
    shards,
    onWarning,
    cache: async () => cache,
    uses: async () => openMemoryUseCounter({ windowS: LIMIT_WINDOW_S }),
    open: openEmbedded,
    failed,
    durable: false,
    windowMs: 0,
    label: config.production ? NOT_DURABLE : 'EMBEDDED',
  });
}

async function distributed(
  config: Config,
  clientId: string,
  onWarning: OnWarning,
  fetch: 'prompt' | 'bulk',
): Promise<Seams> {
  const { databaseUrl = '', redisUrl = '' } = config;
  const kafka = kafkaOf(config, clientId, onWarning) ?? { brokers: [], clientId, onWarning };
  const { brokers } = kafka;
  const log = await openKafkaLog(kafka).catch(asStartFault);
  const shards = await shardsOf(log, config.shards);
  const topics = topicsOf(shards);
  const replication = config.replication ?? Math.min(3, brokers.length);
  await ensureKafkaTopics({ ...kafka, topics, replication, minInsync: replication > SINGLE_NODE ? 2 : 1 }).catch(
    asStartFault,
  );
  const unsafe = await checkKafkaTopics({ ...kafka, topics }).catch(asStartFault);
  requireSafe(config, unsafe);
  const open = async () => {
    // A step of the schema takes as long as it takes.
    const patient = await openDatabase({ url: databaseUrl, max: 1, onWarning });
    await migrate(patient, schema, onWarning).finally(() => patient.close());
    const database = await openDatabase({
      ...{ url: databaseUrl, max: MAX_CONNECTIONS, onWarning },
      queryTimeoutMs: QUERY_MS,
      lookEveryMs: DATABASE_LOOK_MS,
    });
    return { database, close: () => database.close() };
  };
  // Whatever uses it: that it is away is said once, and waited for once.
  const voice = new RedisVoice(onWarning);
  const durable = unsafe.length === 0;
  const label = durable ? 'DISTRIBUTED' : NOT_DURABLE;
  return seams({
    config,
    log,
    shards,
    onWarning,
    cache: async () => (await redisAdapters()).openRedisCache({ url: redisUrl, onWarning }, voice),
    uses: async () =>
      (await redisAdapters()).openRedisUseCounter({ url: redisUrl, onWarning, windowS: LIMIT_WINDOW_S }, voice),
    open,
    failed: new Promise(() => undefined),
    durable,
    windowMs: 5,
    fetch,
    label,
    election: openAdvisoryElection({ url: databaseUrl, onWarning }),
  });
}

/** What decisions rely on is asked of every installation; what outlives a machine only of one that takes other people's money. */
function requireSafe({ production, allowSingleNode }: Config, faults: readonly TopicFault[]): void {
  const refused = faults.filter(({ kind }) => kind === 'TRUTH' || (production && !allowSingleNode));
  if (refused.length === 0) return;
  const what = refused.map(({ sentence }) => sentence).join(' ');
  const advice = refused.some(({ kind }) => kind === 'TRUTH')
    ? 'Look at them with `mutuel topics check` and mend them.'
    : 'Mend them, or accept that the loss of one machine loses bets: --allow-single-node.';
  throw new StartFault([`The log's topics are not safe: ${what} ${advice}`], EXIT.TOPICS);
}

interface Opened {
  readonly database: SqlDatabase;
  readonly close: () => Promise<void>;
}

interface SeamParts {
  readonly config: Config;
  readonly log: EventLog;
  readonly shards: number;
  readonly onWarning: OnWarning;
  readonly cache: () => Promise<HotCache>;
  readonly uses: () => Promise<UseCounter>;
  readonly open: () => Promise<Opened>;
  readonly failed: Promise<Error>;
  readonly durable: boolean;
  readonly windowMs: number;
  readonly label: string;
  readonly election?: Election;
  readonly fetch?: 'prompt' | 'bulk';
}

/** Opens database and cache once, when the first role asks, and closes in the opposite order. */
function seams(parts: SeamParts): Seams {
  const {
    config,
    log,
    shards,
    cache,
    uses,
    open,
    failed,
    durable,
    windowMs,
    label,
    election,
    fetch = 'prompt',
  } = parts;
  const tails = new TailHub(log, systemClock, { fetch });
  let opened: Promise<Opened> | undefined;
  let cached: Promise<HotCache> | undefined;
  let counting: Promise<UseCounter> | undefined;
  return {
    ...{ log, tails, clock: systemClock, entropy: systemEntropy, shards, durable, windowMs, election, failed },
    label: config.label ?? label,
    async database() {
      opened ??= open().catch(asStartFault);
      return (await opened).database;
    },
    cache() {
      cached ??= cache().catch(asStartFault);
      return cached;
    },
    uses() {
      counting ??= uses().catch(asStartFault);
      return counting;
    },
    async close() {
      await tails.close();
      await election?.close();
      await (await cached?.catch(() => undefined))?.close();
      await (await counting?.catch(() => undefined))?.close();
      await (await opened?.catch(() => undefined))?.close();
      await log.close();
    },
  };
}

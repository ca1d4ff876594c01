/** The door of the adapters: the only place that knows the drivers of logs, databases and caches. */
export { MAX_APPEND_BYTES } from './append-limits.js';
export { makeDataFolder } from './embedded/data-folder.js';
export { type LmdbLogOptions, openLmdbLog } from './embedded/lmdb-log.js';
export { type LogReader, openLmdbReader } from './embedded/lmdb-reader.js';
export { openLmdbRestorer } from './embedded/lmdb-restorer.js';
export { openMemoryCache } from './embedded/memory-cache.js';
export { MemoryDisk, type MemoryLogOptions, openMemoryLog, type WriteFailure } from './embedded/memory-log.js';
export { openMemorySnapshots } from './embedded/memory-snapshots.js';
export { openMemoryUseCounter } from './embedded/memory-use-counter.js';
export { openNoteFiles } from './embedded/note-files.js';
export { type PgliteOptions, type PgliteServer, startPglite } from './embedded/pglite-server.js';
export { makeSecretFile } from './embedded/secret-file.js';
export { openSnapshotFiles, type SnapshotFilesOptions } from './embedded/snapshot-files.js';
export { type FaultPlan, type FaultyLogOptions, faultyLog, seededRandom, steppingClock } from './faulty-log.js';
export type { KafkaConnection } from './kafka/client.js';
export { type KafkaLogOptions, openKafkaLog } from './kafka/kafka-log.js';
export { openKafkaRestorer } from './kafka/kafka-restorer.js';
export {
  checkKafkaTopics,
  type EnsureTopicsOptions,
  ensureKafkaTopics,
  type TopicFault,
  type TopicsOptions,
} from './kafka/kafka-topics.js';
export type { LogRestorer, RestoredRecord } from './log-restorer.js';
export { Pkcs11Key, readPkcs11Uri } from './pkcs11/pkcs11-key.js';
export { type ElectionOptions, openAdvisoryElection } from './postgres/advisory-election.js';
export { type Migration, migrate } from './postgres/migrate.js';
export { DatabaseFault, type DatabaseOptions, openDatabase } from './postgres/pg-database.js';
export { RedisVoice } from './redis/redis-voice.js';
export { ServerLost } from './server-lost.js';
export { SetupFault } from './setup-fault.js';
export { TsaClient, TsaFault } from './tsa/tsa-client.js';

/** Its client is a quarter of all modules of a process: who uses no Redis starts without it. */
export const redisAdapters = () => import('./redis/redis-adapters.js');

/**
 * Opens the embedded event log in a folder: one process at a time, the partition counts fixed by the first start. It must never
 * start on a folder whose topics have other partition counts, since accounts would reach other shards.
 */
import { join } from 'node:path';
import type { Clock, EventLog } from '#mutuel/runtime';
import { SetupFault } from '../setup-fault.js';
import { EmbeddedLog } from './embedded-log.js';
import { lockFolder } from './folder-lock.js';
import {
  DEFAULT_RESERVE_BYTES,
  freeBytesOf,
  type LmdbEnvironment,
  LmdbStore,
  openLmdbEnvironment,
} from './lmdb-store.js';

export interface LmdbLogOptions {
  /** Created if needed; the log keeps to its sub-folder `log`. */
  readonly dir: string;
  /** Topic → partitions. */
  readonly topics: Readonly<Record<string, number>>;
  readonly clock: Pick<Clock, 'now'>;
  readonly onWarning: (sentence: string) => void;
  /** Appends are refused when less than this is free (64 MB). */
  readonly reserveBytes?: number;
  /** Seams for tests. */
  readonly freeBytes?: (dir: string) => Promise<number>;
  readonly openEnvironment?: (dir: string, tables: number) => LmdbEnvironment;
}

const FORMAT = 1;

export async function openLmdbLog(options: LmdbLogOptions): Promise<EventLog> {
  const { topics, clock, onWarning, reserveBytes = DEFAULT_RESERVE_BYTES, freeBytes = freeBytesOf } = options;
  const dir = join(options.dir, 'log');
  const lock = lockFolder(dir);
  let environment: LmdbEnvironment | undefined;
  try {
    environment = (options.openEnvironment ?? openLmdbEnvironment)(dir, sum(Object.values(topics)));
    const kept = await settleTopics(environment, dir, topics);
    const free = await freeBytes(dir);
    if (free < reserveBytes) onWarning(`The disk of ${dir} is nearly full; appends are refused until there is room`);
    const store = new LmdbStore({
      dir,
      topics: kept,
      environment,
      reserveBytes,
      freeBytes,
      onClosed: () => lock.release(),
    });
    return new EmbeddedLog(store, clock, onWarning);
  } catch (error) {
    await environment?.close();
    lock.release();
    throw error;
  }
}

/** Writes the partition counts at the first start and compares them at every other; new topics are added. */
export async function settleTopics(
  environment: LmdbEnvironment,
  dir: string,
  wanted: Readonly<Record<string, number>>,
): Promise<ReadonlyMap<string, number>> {
  const settings = environment.openDB('settings', { encoding: 'binary' });
  const bytes = settings.get(0);
  const kept = bytes
    ? (JSON.parse(bytes.toString('utf8')) as { format: number; topics: Record<string, number> })
    : { format: FORMAT, topics: {} };
  if (kept.format !== FORMAT) {
    throw new Error(`The log in ${dir} has format ${kept.format}; this release reads ${FORMAT}`);
  }
  for (const [topic, count] of Object.entries(wanted)) {
    const before = kept.topics[topic];
    if (before !== undefined && before !== count) {
      throw new SetupFault(
        'PARTITIONS',
        `The log in ${dir} has ${before} partitions of ${topic}, not ${count}: start with ${before}, or with another folder`,
      );
    }
  }
  const topics = { ...kept.topics, ...wanted };
  const text = JSON.stringify({ format: FORMAT, topics });
  if (text !== bytes?.toString('utf8')) {
    await settings.put(0, Buffer.from(text));
    await environment.flushed;
  }
  return new Map(Object.entries(topics));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

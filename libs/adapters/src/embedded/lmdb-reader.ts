/**
 * Reads the embedded log's files beside the process that owns them, for tools: no lock is taken, nothing can be written, and what is
 * not flushed by the owner is not seen. It must never be used to decide or to project.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { LogBounds, LogRecord, LogStart, TopicPartition } from '#mutuel/runtime';
import { type LmdbEnvironment, LmdbStore } from './lmdb-store.js';

export interface LogReader {
  /** Topic → partitions. */
  readonly topics: ReadonlyMap<string, number>;
  read(start: LogStart, limit: number): Promise<readonly LogRecord[]>;
  bounds(at: TopicPartition): Promise<LogBounds>;
  close(): Promise<void>;
}

/** Throws one clear line where there is no log. */
export function openLmdbReader(dataDir: string): LogReader {
  const dir = join(dataDir, 'log');
  if (!existsSync(join(dir, 'data.mdb'))) throw new Error(`There is no log in ${dir}`);
  const environment = open<Buffer, number>({ path: dir, encoding: 'binary', readOnly: true, maxDbs: 256 });
  const tables = environment as unknown as LmdbEnvironment;
  const settings = tables.openDB('settings', { encoding: 'binary' }).get(0);
  if (settings === undefined) throw new Error(`The log in ${dir} was never started`);
  const { topics } = JSON.parse(settings.toString('utf8')) as { topics: Record<string, number> };
  const store = new LmdbStore({
    ...{ dir, topics: new Map(Object.entries(topics)), environment: tables, reserveBytes: 0 },
    freeBytes: async () => 0,
    onClosed: () => undefined,
  });
  return {
    topics: store.topics,
    read: (start, limit) => store.read(start, start.from, limit),
    bounds: async (at) => ({ start: 0, end: store.end(at).end }),
    close: () => store.close(),
  };
}

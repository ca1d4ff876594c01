/** The decision logs of a stopped embedded system, whole, as the checker wants them. It must never write into the folder. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '#mutuel/adapters';
import { TOPICS } from '#mutuel/contracts';
import type { EventLog, TopicPartition } from '#mutuel/runtime';
import type { RawRecord } from './log-checker.js';

export interface DecisionLogs {
  readonly shards: readonly (readonly RawRecord[])[];
  readonly market: readonly RawRecord[];
}

const READ_AT_ONCE = 50_000;

/** Reads a copy: what is found there must not depend on what opening it would change. */
export async function readLogFolder(dataDir: string): Promise<DecisionLogs> {
  const copy = mkdtempSync(join(tmpdir(), 'mutuel-log-'));
  try {
    cpSync(join(dataDir, 'log'), join(copy, 'log'), { recursive: true });
    const log = await openEmbeddedLog(copy);
    try {
      return await readDecisionLogs(log);
    } finally {
      await log.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Opens the log with the partitions it has. */
export function openEmbeddedLog(dataDir: string): Promise<EventLog> {
  return openLmdbLog({ dir: dataDir, topics: {}, clock: Date, onWarning: (line) => console.warn(line) });
}

export async function readDecisionLogs(log: EventLog): Promise<DecisionLogs> {
  const count = await log.partitions(TOPICS.shardDecisions);
  const shards = await Promise.all(
    Array.from({ length: count }, (_, partition) => readAll(log, { topic: TOPICS.shardDecisions, partition })),
  );
  return { shards, market: await readAll(log, { topic: TOPICS.marketDecisions, partition: 0 }) };
}

async function readAll(log: EventLog, at: TopicPartition): Promise<RawRecord[]> {
  const { start, end } = await log.bounds(at);
  const records: RawRecord[] = [];
  for (let from = start; from < end; ) {
    const some = await log.read({ ...at, from }, Math.min(READ_AT_ONCE, end - from));
    if (some.length === 0) throw new Error(`${at.topic}[${at.partition}] ends at ${from}, not at ${end}`);
    records.push(...some);
    from += some.length;
  }
  return records;
}

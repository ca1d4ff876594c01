/**
 * The seam under the embedded log: what a disk must do. LMDB stands behind it, and a simulated disk that forgets everything not
 * flushed. A store keeps bytes where it is told; it must never number, time or acknowledge anything itself.
 */
import type { LogRecord, TopicPartition } from '#mutuel/runtime';

/** One append: consecutive records of one partition that share their append time. */
export interface StoredAppend {
  readonly at: TopicPartition;
  readonly base: number;
  readonly time: number;
  readonly values: readonly Uint8Array[];
}

/** `end` is the offset the next record gets, `time` the append time of the last record (0 when there is none). */
export interface StoredEnd {
  readonly end: number;
  readonly time: number;
}

export interface LogStore {
  /** Lets appends of the same moment join one write. */
  gather(): Promise<void>;
  /** All or nothing. Resolves when every byte is on the disk; a throw says nothing about what is there: ask `end`. */
  write(appends: readonly StoredAppend[]): Promise<void>;
  /** Records from `from` on, in order; at least one when there is one, and not many more than `limit`. */
  read(at: TopicPartition, from: number, limit: number): Promise<readonly LogRecord[]>;
  /** What is written, flushed or not. */
  end(at: TopicPartition): StoredEnd;
  /** The topics and their partition counts. */
  readonly topics: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export const nameOf = (at: TopicPartition): string => `${at.topic}/${at.partition}`;

export function appendToRecords(append: StoredAppend): LogRecord[] {
  return append.values.map((value, i) => ({ offset: append.base + i, time: append.time, value }));
}

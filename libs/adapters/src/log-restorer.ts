/** Records put back where they were: the same offsets, the same append times. It must never write into a log that holds anything. */
import type { LogRecord, TopicPartition } from '#mutuel/runtime';

export type RestoredRecord = LogRecord;

export interface LogRestorer {
  /** Before anything is written: the partition begins at this offset above 0, what was before has expired. */
  begin(at: TopicPartition, first: number): Promise<void>;
  /** The next records of a partition, from its first offset on without a hole. */
  write(at: TopicPartition, records: readonly RestoredRecord[]): Promise<void>;
  /** From here on the log is a log like any other. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

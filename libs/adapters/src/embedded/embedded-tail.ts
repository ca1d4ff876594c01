/**
 * Follows partitions of the embedded log: per partition one loop that hands out a batch, waits for its handler, and takes the
 * next. It must never skip an offset, hand one out twice, or run two handlers of one partition at once.
 */
import type { LogStart, LogTail, OnBatch, OnFault, TopicPartition } from '#mutuel/runtime';
import type { EmbeddedPartition } from './embedded-partition.js';
import { nameOf } from './log-store.js';

/** One batch: enough to spread the cost of a hand-over, little enough to keep a process responsive. */
const MAX_BATCH = 500;

interface Cursor {
  readonly partition: EmbeddedPartition;
  next: number;
  live: boolean;
  done: Promise<void>;
}

export class EmbeddedTail implements LogTail {
  private readonly cursors = new Map<string, Cursor>();
  private closed = false;

  constructor(
    private readonly find: (at: TopicPartition) => EmbeddedPartition,
    private readonly onBatch: OnBatch,
    private readonly onFault: OnFault,
    private readonly onClosed: () => void,
  ) {}

  async add(start: LogStart): Promise<void> {
    const partition = this.find(start);
    partition.checkStart(start.from);
    if (this.closed) return;
    const before = this.end(start);
    const cursor: Cursor = { partition, next: start.from, live: true, done: Promise.resolve() };
    this.cursors.set(nameOf(start), cursor);
    cursor.done = this.follow(cursor, before);
  }

  async remove(at: TopicPartition): Promise<void> {
    this.end(at);
    this.cursors.delete(nameOf(at));
  }

  /** No batch is handed out after this; a handler that still runs is not waited for (it may be the caller). */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const { partition } of this.cursors.values()) this.end(partition.at);
    this.onClosed();
  }

  private end(at: TopicPartition): Promise<void> {
    const cursor = this.cursors.get(nameOf(at));
    if (!cursor) return Promise.resolve();
    cursor.live = false;
    cursor.partition.wakeAll();
    return cursor.done;
  }

  private async follow(cursor: Cursor, before: Promise<void>): Promise<void> {
    await before;
    try {
      while (cursor.live) await this.step(cursor);
    } catch (error) {
      if (this.closed) return;
      await this.close();
      this.onFault(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private async step(cursor: Cursor): Promise<void> {
    const { partition } = cursor;
    const records = await partition.read(cursor.next, MAX_BATCH);
    if (!cursor.live) return;
    if (records.length === 0) {
      await partition.grownBeyond(cursor.next);
      return;
    }
    cursor.next += records.length;
    await this.onBatch(partition.at, records);
  }
}

/**
 * One partition of the embedded log: places and times its appends, and knows what readers may see. It must never show a record
 * before its flush, nor let time go back.
 */
import { LogFault, type LogRecord, type TopicPartition } from '#mutuel/runtime';
import { appendToRecords, type LogStore, nameOf, type StoredAppend } from './log-store.js';
import { RecentRecords } from './recent-records.js';

/** `end` counts what was handed to the store, `durableEnd` what readers may see. */
export class EmbeddedPartition {
  durableEnd: number;
  private end: number;
  private lastTime: number;
  private pending: StoredAppend[] = [];
  private readonly recent: RecentRecords;
  private wakers: (() => void)[] = [];

  constructor(
    readonly at: TopicPartition,
    private readonly store: LogStore,
  ) {
    const { end, time } = store.end(at);
    this.end = end;
    this.durableEnd = end;
    this.lastTime = time;
    this.recent = new RecentRecords(end);
  }

  /** Gives the append its place and its time: never earlier than the record before, whatever the clock does. */
  number(values: readonly Uint8Array[], now: number): StoredAppend {
    this.lastTime = Math.max(this.lastTime, now);
    const append = { at: this.at, base: this.end, time: this.lastTime, values };
    this.end += values.length;
    this.pending.push(append);
    return append;
  }

  publish(): void {
    if (this.durableEnd === this.end) return;
    for (const append of this.pending) this.recent.push(appendToRecords(append));
    this.pending = [];
    this.durableEnd = this.end;
    this.wakeAll();
  }

  writtenEnd(): number {
    return this.store.end(this.at).end;
  }

  /** After a failed write: keeps what the store holds after all (readable from the next flush on), drops the rest. */
  forgetUnwritten(): void {
    let written: number;
    try {
      written = this.writtenEnd();
    } catch {
      return;
    }
    this.pending = this.pending.filter(({ base }) => base < written);
    this.end = written;
  }

  checkStart(from: number): void {
    if (!Number.isSafeInteger(from) || from < 0 || from > this.durableEnd) {
      throw new LogFault(`${nameOf(this.at)} holds offsets 0 to ${this.durableEnd}; ${from} is out of range`);
    }
  }

  async read(from: number, limit: number): Promise<readonly LogRecord[]> {
    const end = this.durableEnd;
    if (from >= end || limit <= 0) return [];
    const recent = this.recent.from(from, limit);
    if (recent) return recent;
    const stored = await this.store.read(this.at, from, limit);
    if (stored[0]?.offset !== from) {
      throw new LogFault(`${nameOf(this.at)} has a hole: offset ${from} is missing, the log ends at ${end}`);
    }
    // What is written but not flushed yet must stay invisible.
    return stored.slice(0, Math.min(limit, end - from));
  }

  /** Resolves when the log may have grown beyond an offset. */
  async grownBeyond(offset: number): Promise<void> {
    if (this.durableEnd > offset) return;
    await new Promise<void>((resolve) => {
      this.wakers.push(resolve);
    });
  }

  wakeAll(): void {
    const wakers = this.wakers;
    this.wakers = [];
    for (const wake of wakers) wake();
  }
}

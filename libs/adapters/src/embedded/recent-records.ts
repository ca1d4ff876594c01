/**
 * The newest records of a partition, kept as the very objects that were appended, so that every reader of the process shares one
 * decoding of the same bytes. It must never grow without bound, and never invent a record: what it does not hold it leaves to the store.
 */
import type { LogRecord } from '#mutuel/runtime';

/** Some seconds of one partition at full rate: a reader further behind reads from the disk. */
const MAX_RECORDS = 16_384;
const MAX_BYTES = 8_000_000;

export class RecentRecords {
  private records: LogRecord[] = [];
  private bytes = 0;

  constructor(private first: number) {}

  push(records: readonly LogRecord[]): void {
    const next = records[0]?.offset ?? this.first + this.records.length;
    if (next !== this.first + this.records.length) this.restartAt(next);
    for (const record of records) {
      this.records.push(record);
      this.bytes += record.value.byteLength;
    }
    if (this.records.length > MAX_RECORDS || this.bytes > MAX_BYTES) this.dropOlderHalf();
  }

  /** Records from an offset on; undefined when they are older than what is kept. */
  from(offset: number, limit: number): readonly LogRecord[] | undefined {
    if (offset < this.first || offset >= this.first + this.records.length) return undefined;
    const index = offset - this.first;
    return this.records.slice(index, index + limit);
  }

  private restartAt(offset: number): void {
    this.records = [];
    this.bytes = 0;
    this.first = offset;
  }

  private dropOlderHalf(): void {
    const dropped = this.records.splice(0, Math.ceil(this.records.length / 2));
    this.first += dropped.length;
    for (const record of dropped) this.bytes -= record.value.byteLength;
  }
}

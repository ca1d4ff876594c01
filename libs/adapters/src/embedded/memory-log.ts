/**
 * The embedded log over a simulated disk: for tests and for the seeded simulation, where it is told when to flush, when to fail
 * and when to crash. It takes no time and no randomness of its own. It must never be offered to an operator: nothing survives the process.
 */
import type { Clock, EventLog, LogRecord, TopicPartition } from '#mutuel/runtime';
import { EmbeddedLog } from './embedded-log.js';
import { appendToRecords, type LogStore, nameOf, type StoredAppend, type StoredEnd } from './log-store.js';

/** What a failing write leaves behind: nothing, or everything although the writer hears an error. */
export type WriteFailure = 'BEFORE' | 'AFTER';

/** A disk with a cache: written appends reach it at a flush, and a crash forgets the others. */
export class MemoryDisk {
  /** False: writes wait for `flush()`. */
  autoFlush = true;
  private flushed: StoredAppend[] = [];
  private cached: StoredAppend[] = [];
  private waiting: (() => void)[] = [];
  private failures: WriteFailure[] = [];
  private generation = 0;

  /** The next writes fail, one for each. */
  failNext(...failures: WriteFailure[]): void {
    this.failures.push(...failures);
  }

  /** Everything written becomes durable, and the writes that waited resolve. */
  flush(): void {
    this.flushed.push(...this.cached);
    this.cached = [];
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** The power goes: what was not flushed is gone, and the logs that used this disk never hear from it again. */
  crash(): void {
    this.cached = [];
    this.waiting = [];
    this.generation++;
  }

  /** A way in for one log; dead after a crash. */
  mount(topics: Readonly<Record<string, number>>): LogStore {
    const generation = this.generation;
    const alive = () => this.generation === generation;
    return new MemoryStore(new Map(Object.entries(topics)), [...this.flushed, ...this.cached], {
      write: (appends) => (alive() ? this.write(appends) : new Promise<void>(() => undefined)),
      fail: () => this.failures.shift(),
    });
  }

  private write(appends: readonly StoredAppend[]): Promise<void> {
    this.cached.push(...appends);
    const done = new Promise<void>((resolve) => {
      this.waiting.push(resolve);
    });
    if (this.autoFlush) this.flush();
    return done;
  }
}

interface MemoryStoreDisk {
  write(appends: readonly StoredAppend[]): Promise<void>;
  fail(): WriteFailure | undefined;
}

class MemoryStore implements LogStore {
  private readonly records = new Map<string, LogRecord[]>();

  constructor(
    readonly topics: ReadonlyMap<string, number>,
    kept: readonly StoredAppend[],
    private readonly disk: MemoryStoreDisk,
  ) {
    for (const append of kept) this.keep(append);
  }

  async gather(): Promise<void> {}

  async write(appends: readonly StoredAppend[]): Promise<void> {
    const failure = this.disk.fail();
    if (failure === 'BEFORE') throw new Error('the disk refused the write');
    for (const append of appends) this.keep(append);
    await this.disk.write(appends);
    if (failure === 'AFTER') throw new Error('the disk did not confirm the write');
  }

  async read(at: TopicPartition, from: number, limit: number): Promise<readonly LogRecord[]> {
    return this.of(at).slice(from, from + limit);
  }

  end(at: TopicPartition): StoredEnd {
    const records = this.of(at);
    return { end: records.length, time: records.at(-1)?.time ?? 0 };
  }

  async close(): Promise<void> {}

  private keep(append: StoredAppend): void {
    this.of(append.at).push(...appendToRecords(append));
  }

  private of(at: TopicPartition): LogRecord[] {
    const name = nameOf(at);
    const known = this.records.get(name) ?? [];
    this.records.set(name, known);
    return known;
  }
}

export interface MemoryLogOptions {
  readonly topics: Readonly<Record<string, number>>;
  readonly clock: Pick<Clock, 'now'>;
  /** Keeps what was appended beyond this log's life; a new one by default. */
  readonly disk?: MemoryDisk;
}

export async function openMemoryLog({ topics, clock, disk = new MemoryDisk() }: MemoryLogOptions): Promise<EventLog> {
  return new EmbeddedLog(disk.mount(topics), clock);
}

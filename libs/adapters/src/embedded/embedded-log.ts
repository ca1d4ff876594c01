/**
 * The event log inside one process: numbers and times the appends, joins concurrent ones into one flush, and lets readers see
 * nothing that is not flushed. It must never answer an append before the store says that the bytes are on the disk.
 */
import {
  AppendFault,
  type Clock,
  type EventLog,
  type LogAppender,
  type LogBounds,
  LogFault,
  type LogRecord,
  type LogStart,
  type LogTail,
  type OnBatch,
  type OnFault,
  type TopicPartition,
} from '#mutuel/runtime';
import { checkAppend } from '../append-limits.js';
import { EmbeddedPartition } from './embedded-partition.js';
import { EmbeddedTail } from './embedded-tail.js';
import { type LogStore, nameOf, type StoredAppend } from './log-store.js';

/** One flush takes at most this much, so that a burst cannot build one giant transaction. */
const MAX_FLUSH_BYTES = 16_000_000;

interface Waiting {
  readonly partition: EmbeddedPartition;
  readonly values: readonly Uint8Array[];
  readonly resolve: (done: { readonly base: number }) => void;
  readonly reject: (fault: AppendFault) => void;
}

export class EmbeddedLog implements EventLog {
  private readonly byName = new Map<string, EmbeddedPartition>();
  private readonly tails = new Set<EmbeddedTail>();
  private queue: Waiting[] = [];
  private committing: Promise<void> | undefined;
  private closed = false;
  /** Set when the store could not even say what it holds: nothing more may be numbered. */
  private broken: string | undefined;
  /** Why the last flush failed; none since the last one that did not. */
  private failing: string | undefined;

  constructor(
    private readonly store: LogStore,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly onWarning: (sentence: string) => void = () => undefined,
  ) {
    for (const [topic, count] of store.topics) {
      for (let partition = 0; partition < count; partition++) {
        const at = { topic, partition };
        this.byName.set(nameOf(at), new EmbeddedPartition(at, store));
      }
    }
  }

  async appender(): Promise<LogAppender> {
    if (this.closed) throw notAppended('the log is closed');
    return new EmbeddedAppender((at, values) => this.enqueue(at, values));
  }

  async tail(starts: readonly LogStart[], onBatch: OnBatch, onFault: OnFault): Promise<LogTail> {
    const tail = new EmbeddedTail(
      (at) => this.at(at),
      onBatch,
      onFault,
      () => this.tails.delete(tail),
    );
    for (const start of starts) this.at(start).checkStart(start.from);
    this.tails.add(tail);
    for (const start of starts) await tail.add(start);
    return tail;
  }

  async read(start: LogStart, limit: number): Promise<readonly LogRecord[]> {
    const partition = this.at(start);
    partition.checkStart(start.from);
    const found: LogRecord[] = [];
    while (found.length < limit) {
      const more = await partition.read(start.from + found.length, limit - found.length);
      if (more.length === 0) break;
      for (const record of more) found.push(record);
    }
    return found;
  }

  async bounds(at: TopicPartition): Promise<LogBounds> {
    return { start: 0, end: this.at(at).durableEnd };
  }

  async partitions(topic: string): Promise<number> {
    const count = this.store.topics.get(topic);
    if (count === undefined) throw new LogFault(`The log has no topic ${topic}`);
    return count;
  }

  trouble(): string | undefined {
    return this.broken ?? this.failing;
  }

  /** Waits for the appends under way; later ones are refused. Handlers of tails that still run are not waited for. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const tail of this.tails) await tail.close();
    await this.committing;
    await this.store.close();
  }

  private at(at: TopicPartition): EmbeddedPartition {
    const partition = this.byName.get(nameOf(at));
    if (!partition) throw new LogFault(`The log has no partition ${nameOf(at)}`);
    return partition;
  }

  private enqueue(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    if (this.closed) throw notAppended('the log is closed');
    if (this.broken) throw notAppended(this.broken);
    const partition = this.byName.get(nameOf(at));
    if (!partition) throw notAppended(`the log has no partition ${nameOf(at)}`);
    checkAppend(values);
    return new Promise((resolve, reject) => {
      this.queue.push({ partition, values, resolve, reject });
      this.committing ??= this.commitAll();
    });
  }

  private async commitAll(): Promise<void> {
    await this.store.gather();
    while (this.queue.length > 0) await this.commit(this.takeGroup());
    this.committing = undefined;
  }

  private takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { values } of this.queue) {
      for (const value of values) bytes += value.byteLength;
      if (count > 0 && bytes > MAX_FLUSH_BYTES) break;
      count++;
    }
    return this.queue.splice(0, count);
  }

  private async commit(group: readonly Waiting[]): Promise<void> {
    if (this.broken) {
      for (const one of group) one.reject(notAppended(this.broken));
      return;
    }
    const now = this.clock.now();
    const appends = group.map(({ partition, values }) => partition.number(values, now));
    try {
      await this.store.write(appends);
    } catch (cause) {
      this.settleFailure(group, appends, cause);
      this.tell(cause instanceof Error ? cause.message : String(cause));
      return;
    }
    this.tell(undefined);
    // A flush covers everything written before it, so appends of an unknown outcome become readable here too.
    for (const partition of this.byName.values()) partition.publish();
    group.forEach((one, i) => {
      one.resolve({ base: (appends[i] as StoredAppend).base });
    });
  }

  /** The store failed: what it holds now decides between "certainly not" and "perhaps". */
  private settleFailure(group: readonly Waiting[], appends: readonly StoredAppend[], cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    group.forEach((one, i) => {
      const { at, base } = appends[i] as StoredAppend;
      one.reject(
        this.isAbsent(one.partition, base)
          ? new AppendFault(`Nothing was appended to ${nameOf(at)}: ${reason}`, 'NOT_APPENDED', { cause })
          : new AppendFault(`It is unknown whether ${nameOf(at)} got the append: ${reason}`, 'UNKNOWN', { cause }),
      );
    });
    for (const { partition } of group) partition.forgetUnwritten();
  }

  /** Once when it begins and once when it is over, however many appends are refused between. */
  private tell(failing: string | undefined): void {
    const was = this.failing;
    this.failing = failing;
    if (failing !== undefined && was === undefined) this.onWarning(`The log refuses appends: ${failing}`);
    if (failing === undefined && was !== undefined) this.onWarning('The log takes appends again');
  }

  private isAbsent(partition: EmbeddedPartition, base: number): boolean {
    try {
      return partition.writtenEnd() <= base;
    } catch (error) {
      this.broken = `the log's files cannot be read any more (${(error as Error).message}); restart`;
      return false;
    }
  }
}

class EmbeddedAppender implements LogAppender {
  private busy = false;
  private dead = false;

  constructor(
    private readonly enqueue: (at: TopicPartition, values: readonly Uint8Array[]) => Promise<{ base: number }>,
  ) {}

  async append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    if (this.busy) throw new Error('An appender takes one append at a time');
    if (this.dead) throw notAppended('this appender is closed or has failed; make a new one');
    this.busy = true;
    try {
      return await this.enqueue(at, values);
    } catch (error) {
      this.dead = true;
      throw error;
    } finally {
      this.busy = false;
    }
  }

  async close(): Promise<void> {
    this.dead = true;
  }
}

function notAppended(reason: string): AppendFault {
  return new AppendFault(`Nothing was appended: ${reason}`, 'NOT_APPENDED');
}

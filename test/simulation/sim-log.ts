/**
 * The simulated log behind the runtime's port: partitions on brokers with clocks of their own, appends that travel, are written,
 * flushed and answered in turn, each at a moment of its own, and readers who see only what is flushed. A power cut takes everything
 * that is not. Within that it keeps what every log promises: an acknowledged append is there at the offset named, and
 * NOT_APPENDED means what it says.
 */
import { MAX_APPEND_BYTES } from '#mutuel/adapters';
import { MAX_APPEND_RECORDS, MAX_RECORD_BYTES } from '#mutuel/contracts';
import {
  AppendFault,
  type AppendGroup,
  type EventLog,
  type LogAppender,
  LogFault,
  type LogRecord,
  type LogStart,
  type LogTail,
  type OnBatch,
  type OnFault,
  type TopicPartition,
} from '#mutuel/runtime';
import type { Crashes } from './crashes.js';
import type { Kernel, SimProcess } from './kernel.js';
import type { Plan } from './plan.js';
import type { Random } from './random.js';
import type { Strikes } from './strikes.js';

interface Waiting {
  readonly process: SimProcess;
  readonly acknowledge: () => void;
  readonly fail: (fault: AppendFault) => void;
}

interface Cursor {
  readonly process: SimProcess;
  readonly onBatch: OnBatch;
  readonly onFault: OnFault;
  next: number;
  live: boolean;
  busy: boolean;
  readonly tail: { close(): Promise<void>; dead: boolean };
}

class Partition {
  /** What is flushed: readers see it and nothing takes it away. */
  readonly records: LogRecord[] = [];
  /** Written, not flushed. */
  written: LogRecord[] = [];
  waiting: Waiting[] = [];
  isFlushing = false;
  lastTime = 0;
  clockOffset = 0;
  readonly cursors = new Set<Cursor>();

  constructor(readonly at: TopicPartition) {}

  get end(): number {
    return this.records.length + this.written.length;
  }
}

/** Hears each record once, in the order in which they became durable over all partitions. */
export type OnDurable = (at: TopicPartition, record: LogRecord) => void;

const MAX_BATCH = 500;

export class SimLog {
  readonly #partitions = new Map<string, Partition>();
  readonly #topics: Readonly<Record<string, number>>;
  /** Grows with every power cut: what travelled before it arrives nowhere. */
  #generation = 0;
  isDown = false;
  /** Until then the lease cannot be renewed, and nothing can be written of a shard, by its number. */
  #noLeaseUntil = 0;
  readonly #shardDownUntil = new Map<number, number>();
  /** A process that was handed a damaged record: a person has to look after it. */
  onRot: (process: SimProcess) => void = () => undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly plan: Plan,
    private readonly random: Random,
    private readonly strikes: Strikes,
    private readonly crashes: Crashes,
    topics: Readonly<Record<string, number>>,
    private readonly onDurable: OnDurable,
  ) {
    this.#topics = topics;
    for (const [topic, count] of Object.entries(topics))
      for (let partition = 0; partition < count; partition++)
        this.#partitions.set(nameOf({ topic, partition }), new Partition({ topic, partition }));
  }

  /** The log as one process sees it. */
  seenBy(process: SimProcess): EventLog {
    const embedded = this.plan.topology === 'EMBEDDED';
    const reach = (): void => {
      if (this.isDown) throw new Error('the log cannot be reached');
    };
    return {
      appender: async () => new SimAppender(this, process, !embedded),
      tail: async (starts, onBatch, onFault) => {
        reach();
        await process.clock.sleep(this.random.between(0, this.plan.slow.read));
        reach();
        return this.#tail(process, starts, onBatch, onFault);
      },
      read: async (start, limit) => {
        reach();
        return this.#at(start).records.slice(start.from, start.from + limit);
      },
      bounds: async (at) => {
        reach();
        return { start: 0, end: this.#at(at).records.length };
      },
      partitions: async (topic) => this.#topics[topic] ?? 0,
      close: async () => undefined,
    };
  }

  /** The log for those who fold it from outside: everything flushed at once, without time passing. */
  seenByObserver(): Pick<EventLog, 'tail' | 'bounds'> {
    return {
      bounds: async (at) => ({ start: 0, end: this.durable(at).length }),
      tail: async (starts, onBatch) => {
        for (const start of starts) await onBatch(start, this.durable(start).slice(start.from));
        return { add: async () => undefined, remove: async () => undefined, close: async () => undefined };
      },
    };
  }

  /** What is flushed, for those who stand outside the simulation. */
  durable(at: TopicPartition): readonly LogRecord[] {
    return this.#at(at).records;
  }

  // ── Appends ────────────────────────────────────────────────────────────────────────────────────────────────────

  append(process: SimProcess, at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    checkAppend(values);
    const { random, strikes } = this;
    if (this.isDown || this.#isKeptOut(at, values))
      return Promise.reject(new AppendFault('the log cannot be reached', 'NOT_APPENDED'));
    if (strikes.happens('append-refused')) return Promise.reject(new AppendFault('refused', 'NOT_APPENDED'));
    return new Promise((resolve, reject) => {
      const later = random.between(0, this.plan.slow.append) + this.#delay();
      const fail = (fault: AppendFault): void => process.enter(() => reject(fault));
      const generation = this.#generation;
      if (strikes.happens('append-lost')) {
        this.kernel.after(later, () => fail(new AppendFault('no answer', 'UNKNOWN')));
        return;
      }
      if (strikes.happens('append-late')) {
        this.kernel.after(later, () => fail(new AppendFault('no answer', 'UNKNOWN')));
        this.kernel.after(later + random.between(1, 3_000), () => {
          if (generation === this.#generation) this.#write(this.#at(at), values, undefined);
        });
        return;
      }
      if (strikes.has('relay-lost') && isRelayed(at, values) && strikes.happens('relay-lost')) {
        const { end: base } = this.#at(at);
        this.kernel.after(later, () => process.enter(() => resolve({ base })));
        return;
      }
      const isTwice = strikes.happens('append-doubled');
      const isUnanswered = strikes.happens('append-unanswered');
      this.kernel.after(later, () => {
        if (generation !== this.#generation) return fail(new AppendFault('the connection was lost', 'UNKNOWN'));
        // Of a process that died meanwhile the bytes may have left, or not.
        if (process.state === 'DEAD' && random.chance(0.5)) return;
        const operations = this.#operations(at, values);
        if (operations.some((operation) => this.crashes.strike('before', operation, process))) return;
        const partition = this.#at(at);
        const base = partition.end;
        const answer = (): void => {
          this.kernel.after(random.between(0, 1), () => process.enter(() => resolve({ base })));
        };
        const acknowledge = isUnanswered ? () => fail(new AppendFault('no answer', 'UNKNOWN')) : answer;
        this.#write(partition, values, { process, acknowledge, fail });
        if (isTwice) this.#write(partition, values, undefined);
        for (const operation of operations) this.crashes.strike('after', operation, process);
      });
    });
  }

  #isKeptOut({ topic, partition }: TopicPartition, values: readonly Uint8Array[]): boolean {
    const { now } = this.kernel;
    if (topic.startsWith('shard') && now < (this.#shardDownUntil.get(partition) ?? 0)) return true;
    return now < this.#noLeaseUntil && values.some((value) => Buffer.from(value).includes('RenewLease'));
  }

  /** What it is that a process may die before or after: a decision that holds the day's checkpoint is one as well. */
  #operations({ topic }: TopicPartition, values: readonly Uint8Array[]): readonly ('append' | 'checkpoint')[] {
    const mayStrike = this.strikes.has('killed-before-checkpoint') || this.strikes.has('killed-after-checkpoint');
    if (!mayStrike || !topic.endsWith('.decisions')) return ['append'];
    return values.some((value) => Buffer.from(value).includes('"t":"Checkpoint"'))
      ? ['append', 'checkpoint']
      : ['append'];
  }

  /** Bytes that come from nowhere: a zombie, a forger, a message delivered once more. */
  inject(at: TopicPartition, value: Uint8Array): void {
    this.#write(this.#at(at), [value], undefined);
  }

  #write(partition: Partition, values: readonly Uint8Array[], waiting: Waiting | undefined): void {
    const now = this.kernel.now + partition.clockOffset;
    partition.lastTime = this.plan.topology === 'EMBEDDED' ? Math.max(partition.lastTime, now) : now;
    for (const value of values) partition.written.push({ offset: partition.end, time: partition.lastTime, value });
    if (waiting) partition.waiting.push(waiting);
    if (partition.isFlushing) return;
    partition.isFlushing = true;
    const generation = this.#generation;
    this.kernel.after(this.random.between(0, this.plan.slow.flush), () => {
      if (generation === this.#generation) this.#flush(partition);
    });
  }

  #flush(partition: Partition): void {
    partition.isFlushing = false;
    const waiting = partition.waiting.map(({ process }) => process);
    if (this.crashes.strikeFlush('before', waiting)) return;
    const { written } = partition;
    partition.written = [];
    for (const record of written) {
      partition.records.push(record);
      this.onDurable(partition.at, record);
    }
    if (this.crashes.strikeFlush('after', waiting)) return;
    for (const { acknowledge } of partition.waiting.splice(0)) acknowledge();
    for (const cursor of partition.cursors) this.#handOut(partition, cursor);
  }

  #delay(): number {
    return this.strikes.happens('append-delayed') ? this.random.between(1, 600) : 0;
  }

  // ── Tails ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #tail(process: SimProcess, starts: readonly LogStart[], onBatch: OnBatch, onFault: OnFault): LogTail {
    const cursors = new Map<string, Cursor>();
    const remove = (at: TopicPartition): void => {
      const cursor = cursors.get(nameOf(at));
      if (!cursor) return;
      cursor.live = false;
      this.#at(at).cursors.delete(cursor);
      cursors.delete(nameOf(at));
    };
    const tail = {
      dead: false,
      async close(): Promise<void> {
        tail.dead = true;
        for (const name of [...cursors.keys()]) remove(atOf(name));
      },
    };
    const add = (start: LogStart): void => {
      if (tail.dead) return;
      remove(start);
      const partition = this.#at(start);
      if (start.from < 0 || start.from > partition.records.length)
        throw new LogFault(`${nameOf(start)} ends at ${partition.records.length}; ${start.from} is out of range`);
      const cursor = { process, onBatch, onFault, next: start.from, live: true, busy: false, tail };
      cursors.set(nameOf(start), cursor);
      partition.cursors.add(cursor);
      this.#handOut(partition, cursor);
    };
    for (const start of starts) add(start);
    return { add: async (start) => add(start), remove: async (at) => remove(at), close: () => tail.close() };
  }

  #handOut(partition: Partition, cursor: Cursor): void {
    if (cursor.busy || !cursor.live || cursor.next >= partition.records.length) return;
    cursor.busy = true;
    const { random } = this;
    const delay = this.strikes.happens('read-delayed') ? random.between(1, 800) : 0;
    this.kernel.after(random.between(0, this.plan.slow.read) + delay, () =>
      cursor.process.enter(() => void this.#hand(partition, cursor)),
    );
  }

  async #hand(partition: Partition, cursor: Cursor): Promise<void> {
    if (!cursor.live || cursor.process.state === 'DEAD') return;
    const limit = this.random.chance(0.2) ? this.random.between(1, 5) : MAX_BATCH;
    if (this.strikes.happens('log-rot')) {
      this.onRot(cursor.process);
      const what = `${nameOf(partition.at)} is damaged at offset ${cursor.next}: the checksum does not fit`;
      return this.#break(cursor, new LogFault(what));
    }
    const records = partition.records.slice(cursor.next, cursor.next + limit);
    cursor.next += records.length;
    try {
      await cursor.onBatch(partition.at, records);
    } catch (fault) {
      return this.#break(cursor, fault instanceof Error ? fault : new Error(String(fault)));
    }
    cursor.busy = false;
    this.#handOut(partition, cursor);
  }

  #break(cursor: Cursor, fault: Error): void {
    if (cursor.tail.dead) return;
    void cursor.tail.close();
    cursor.onFault(fault);
  }

  // ── Disasters ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything not flushed is lost, but for what the disk had taken by chance: a beginning of it, perhaps torn within an append. */
  powerCut(): void {
    this.#generation++;
    for (const partition of this.#partitions.values()) {
      const kept = this.random.chance(0.5) ? this.random.below(partition.written.length + 1) : 0;
      for (const record of partition.written.slice(0, kept)) {
        partition.records.push(record);
        this.onDurable(partition.at, record);
      }
      for (const { fail } of partition.waiting) fail(new AppendFault('the connection was lost', 'UNKNOWN'));
      partition.written = [];
      partition.waiting = [];
      partition.isFlushing = false;
    }
    this.breakTails();
  }

  /** Every tail, or those of one process, loses its server. */
  breakTails(process?: SimProcess): void {
    for (const partition of this.#partitions.values())
      for (const cursor of [...partition.cursors]) {
        if (process !== undefined && cursor.process !== process) continue;
        cursor.process.enter(() => this.#break(cursor, new Error('the connection was lost')));
      }
  }

  /** Nobody can renew the selling lease: it runs out. */
  withholdLease(ms: number): void {
    this.#noLeaseUntil = this.kernel.now + ms;
  }

  /** Nothing of one shard can be written: its log has no leader, its disk is full. */
  takeDown(shard: number, ms: number): void {
    this.#shardDownUntil.set(shard, this.kernel.now + ms);
  }

  /** Everything can be written again. */
  restore(): void {
    this.isDown = false;
    this.#noLeaseUntil = 0;
    this.#shardDownUntil.clear();
  }

  /** One broker's clock jumps; on one machine there is one clock. */
  moveClock(offset: number): void {
    const all = [...this.#partitions.values()];
    const moved = this.plan.topology === 'EMBEDDED' ? all : [this.random.pick(all)];
    for (const partition of moved) partition.clockOffset = offset;
  }

  #at(at: TopicPartition): Partition {
    const partition = this.#partitions.get(nameOf(at));
    if (!partition) throw new LogFault(`the log has no partition ${nameOf(at)}`);
    return partition;
  }
}

class SimAppender implements LogAppender {
  readonly appendAll?: (groups: readonly AppendGroup[]) => Promise<void>;
  #busy = false;
  #dead = false;

  constructor(
    private readonly log: SimLog,
    private readonly process: SimProcess,
    isGrouping: boolean,
  ) {
    if (isGrouping) this.appendAll = (groups) => this.#appendAll(groups);
  }

  append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    return this.#inTurn(() => this.log.append(this.process, at, values));
  }

  async close(): Promise<void> {
    this.#dead = true;
  }

  #appendAll(groups: readonly AppendGroup[]): Promise<void> {
    return this.#inTurn(async () => {
      const ends = await Promise.allSettled(groups.map(({ at, values }) => this.log.append(this.process, at, values)));
      const faults = ends.filter((end) => end.status === 'rejected').map((end) => end.reason as AppendFault);
      if (faults.length === 0) return;
      const isNowhere = faults.length === groups.length && faults.every((fault) => fault.outcome === 'NOT_APPENDED');
      throw new AppendFault('the append of several groups failed', isNowhere ? 'NOT_APPENDED' : 'UNKNOWN');
    });
  }

  async #inTurn<T>(append: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new OverlappingAppends('an appender takes one append at a time');
    if (this.#dead) throw new AppendFault('this appender is closed or has failed', 'NOT_APPENDED');
    this.#busy = true;
    try {
      return await append();
    } catch (fault) {
      this.#dead = true;
      throw fault;
    } finally {
      this.#busy = false;
    }
  }
}

/** The one rule of appenders that the runtime could break: on a real log it stores a batch twice and another never. */
class OverlappingAppends extends Error {
  override readonly name = 'OverlappingAppends';
}

function checkAppend(values: readonly Uint8Array[]): void {
  const total = values.reduce((bytes, value) => bytes + value.byteLength, 0);
  const fits =
    values.length > 0 &&
    values.length <= MAX_APPEND_RECORDS &&
    total <= MAX_APPEND_BYTES &&
    values.every((value) => value.byteLength <= MAX_RECORD_BYTES);
  if (!fits) throw new AppendFault(`${values.length} records of ${total} bytes do not fit one append`, 'NOT_APPENDED');
}

/** What only relays write: it may vanish though it was acknowledged, since they must not believe what they sent. */
const isRelayed = ({ topic }: TopicPartition, [value = new Uint8Array()]: readonly Uint8Array[]): boolean => {
  // A decision that names one is no relay's.
  if (!topic.endsWith('.commands')) return false;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return bytes.includes('MarketFact') || bytes.includes('ShardReport');
};

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

function atOf(name: string): TopicPartition {
  const [topic = '', partition] = name.split('/');
  return { topic, partition: Number(partition) };
}

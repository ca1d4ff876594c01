/**
 * One tail of the log per process, shared by all its readers: each subscribes to a partition from its own offset. It must never
 * let a slow reader hold up another one: who falls behind gets a tail of his own until he has caught up, and joins again.
 */
import {
  type Clock,
  type EventLog,
  LogFault,
  type LogRecord,
  type LogStart,
  type LogTail,
  type TailOptions,
  type TopicPartition,
} from './ports.js';
import type { OnRecords, Subscription, TailSource } from './tail-source.js';

/** Records handed to a reader and not yet taken beyond which it no longer belongs to the shared tail. */
const MAX_QUEUED = 20_000;
/** Readers of a partition that come within this time start on one tail, at the lowest of their offsets. */
const GATHER_MS = 20;

const TOO_OLD =
  'What it needs is older than the log keeps: restore the records from the archive, and let the log keep them longer';

const nameOf = ({ topic, partition }: { topic: string; partition: number }): string => `${topic}/${partition}`;

export class TailHub implements TailSource {
  readonly #log: EventLog;
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #options: TailOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #leaving = new Map<string, Promise<void>>();
  #tail: Promise<LogTail> | undefined;
  #asked: { readonly at: TopicPartition; readonly lowest: () => number | undefined }[] = [];
  #opening: Promise<void> | undefined;
  #closed = false;

  constructor(log: EventLog, clock: Pick<Clock, 'sleep'>, options: TailOptions = {}) {
    this.#log = log;
    this.#clock = clock;
    this.#options = options;
  }

  async subscribe(start: LogStart, onRecords: OnRecords, onFault: (fault: Error) => void): Promise<Subscription> {
    const bounds = await this.#log.bounds(start);
    if (start.from < bounds.start || start.from > bounds.end) {
      const what = `${nameOf(start)} holds offsets ${bounds.start} to ${bounds.end}; a reader wants to go on from ${start.from}`;
      throw new LogFault(start.from < bounds.start ? `${what}. ${TOO_OLD}` : what);
    }
    if (this.#closed) throw new Error('the tail hub is closed');
    const reader = new Reader(this.#log, this.#channel(start), start, onRecords, onFault);
    await reader.begin();
    return reader;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const tail = this.#tail;
    this.#tail = undefined;
    await (await tail?.catch(() => undefined))?.close();
    for (const channel of this.#channels.values()) for (const reader of channel.all) await reader.close();
  }

  #channel(start: LogStart): Channel {
    const name = nameOf(start);
    const known = this.#channels.get(name);
    if (known) return known;
    const { topic, partition } = start;
    const channel: Channel = new Channel(
      (lowest) => this.#open({ topic, partition }, lowest),
      () => this.#leave(start, channel),
    );
    this.#channels.set(name, channel);
    return channel;
  }

  /** Partitions that are asked for within a moment start together: changing a tail can cost the log a new consumer. */
  #open(at: TopicPartition, lowest: () => number | undefined): Promise<void> {
    this.#asked.push({ at, lowest });
    this.#opening ??= this.#openAsked();
    return this.#opening;
  }

  async #openAsked(): Promise<void> {
    await this.#clock.sleep(GATHER_MS);
    await Promise.all(this.#leaving.values());
    this.#opening = undefined;
    const asked = this.#asked;
    this.#asked = [];
    // Who asked may have gone again while others were waited for.
    const starts = asked.flatMap(({ at, lowest }) => {
      const from = lowest();
      return from === undefined ? [] : [{ ...at, from }];
    });
    if (starts.length === 0) return;
    try {
      await this.#read(starts);
    } catch (fault) {
      this.#failed(starts, fault as Error);
      throw fault;
    }
  }

  async #read(starts: readonly LogStart[]): Promise<void> {
    if (this.#tail) {
      const tail = await this.#tail;
      await Promise.all(starts.map((start) => tail.add(start)));
      return;
    }
    this.#tail = this.#log.tail(
      starts,
      (at, records) => this.#channels.get(nameOf(at))?.onBatch(records),
      (fault) => this.#lost(fault),
      this.#options,
    );
    await this.#tail.catch((fault: unknown) => {
      this.#tail = undefined;
      throw fault;
    });
  }

  /** Those who asked hear it themselves; those who joined a tail that never came would wait for ever. */
  #failed(starts: readonly LogStart[], fault: Error): void {
    for (const start of starts) {
      for (const reader of [...(this.#channels.get(nameOf(start))?.all ?? [])]) if (reader.hasBegun) reader.fail(fault);
    }
  }

  /** The last reader of a partition has gone; who comes next waits until the tail has let go of it. */
  async #leave(at: LogStart, channel: Channel): Promise<void> {
    const name = nameOf(at);
    if (this.#channels.get(name) !== channel) return;
    this.#channels.delete(name);
    const left = Promise.resolve(this.#tail)
      .then((tail) => tail?.remove(at))
      .catch(() => undefined)
      .finally(() => this.#leaving.delete(name));
    this.#leaving.set(name, left);
    await left;
  }

  /** The shared tail is gone: every reader on it must start over, and the next subscription makes a new one. */
  #lost(fault: Error): void {
    this.#tail = undefined;
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    for (const channel of channels) for (const reader of [...channel.all]) reader.fail(fault);
  }
}

/** One partition of the shared tail. */
class Channel {
  readonly all = new Set<Reader>();
  /** Those that get the shared tail's batches. */
  readonly live = new Set<Reader>();
  /** The offset that the shared tail hands out next; undefined while it is not reading this partition. */
  next: number | undefined;
  #opening: Promise<void> | undefined;
  #onFreed: (() => void) | undefined;

  constructor(
    private readonly open: (lowest: () => number | undefined) => Promise<void>,
    private readonly leave: () => Promise<void>,
  ) {}

  /** True once the reader belongs to the shared tail; false when that has gone past it already. */
  async join(reader: Reader): Promise<boolean> {
    this.all.add(reader);
    if (this.next !== undefined) return this.tryJoin(reader);
    this.live.add(reader);
    this.#opening ??= this.#open();
    await this.#opening;
    return true;
  }

  /** One that failed leaves nothing behind: who reads on a tail of his own keeps the channel, and must not meet one that never came. */
  async #open(): Promise<void> {
    try {
      await this.open(() => this.#lowest());
    } catch (fault) {
      this.next = undefined;
      this.#opening = undefined;
      throw fault;
    }
  }

  tryJoin(reader: Reader): boolean {
    if (this.next === undefined || reader.next < this.next) return false;
    this.live.add(reader);
    this.freed();
    return true;
  }

  /** A reader has taken all that it was offered, is new, or is gone. */
  freed(): void {
    this.#onFreed?.();
  }

  async drop(reader: Reader): Promise<void> {
    this.live.delete(reader);
    this.all.delete(reader);
    this.freed();
    if (this.all.size === 0) await this.leave();
  }

  /** Waits for the fastest reader only; the others keep a queue, up to a point. */
  async onBatch(records: readonly LogRecord[]): Promise<void> {
    const last = records.at(-1);
    if (!last) return;
    this.next = last.offset + 1;
    for (const reader of this.live) {
      reader.offer(records);
      if (reader.queued > MAX_QUEUED && this.live.size > 1) this.live.delete(reader);
    }
    while (this.#isBehind())
      await new Promise<void>((resolve) => {
        this.#onFreed = resolve;
      });
  }

  /** Those who still catch up on tails of their own will join; of nobody there is nothing to wait for. */
  #isBehind(): boolean {
    for (const reader of this.live) if (!reader.taking) return false;
    return this.live.size > 0;
  }

  /** Undefined when nobody wants to read any more. */
  #lowest(): number | undefined {
    if (this.live.size === 0) return undefined;
    const from = Math.min(...[...this.live].map((reader) => reader.next));
    this.next = from;
    return from;
  }
}

class Reader implements Subscription {
  /** The offset it wants next. */
  next: number;
  /** Records offered and not yet taken. */
  queued = 0;
  /** Whoever subscribed was told that it reads. */
  hasBegun = false;
  /** True until everything offered was taken. */
  taking = false;

  #queue: (readonly LogRecord[])[] = [];
  #own: LogTail | undefined;
  #closed = false;
  #hasFailed = false;

  constructor(
    private readonly log: EventLog,
    private readonly channel: Channel,
    private readonly start: LogStart,
    private readonly onRecords: OnRecords,
    private readonly onFault: (fault: Error) => void,
  ) {
    this.next = start.from;
  }

  async begin(): Promise<void> {
    try {
      if (!(await this.channel.join(this))) await this.#catchUp();
      this.hasBegun = true;
    } catch (fault) {
      // Told once is enough: who hears it twice would subscribe twice.
      if (this.#hasFailed) return;
      await this.close();
      throw fault;
    }
  }

  offer(records: readonly LogRecord[]): void {
    const wanted = this.#unseen(records);
    if (wanted.length === 0 || this.#closed) return;
    this.next = (wanted.at(-1) as LogRecord).offset + 1;
    this.queued += wanted.length;
    this.#queue.push(wanted);
    if (!this.taking) void this.#take();
  }

  fail(fault: Error): void {
    if (this.#closed) return;
    this.#hasFailed = true;
    void this.close();
    this.onFault(fault);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    await Promise.all([this.channel.drop(this), this.#own?.close()]);
  }

  async #take(): Promise<void> {
    this.taking = true;
    try {
      for (let records = this.#queue.shift(); records && !this.#closed; records = this.#queue.shift()) {
        await this.onRecords(records);
        this.queued -= records.length;
      }
      this.taking = false;
      this.channel.freed();
      if (!this.#closed && !this.channel.live.has(this)) await this.#catchUp();
    } catch (fault) {
      this.fail(fault instanceof Error ? fault : new Error(String(fault)));
    }
  }

  /** Reads on its own tail, at its own pace, until it meets the shared one. */
  async #catchUp(): Promise<void> {
    if (this.channel.tryJoin(this)) return;
    let met = false;
    const onBatch = async (_at: unknown, records: readonly LogRecord[]): Promise<void> => {
      if (met || this.#closed) return;
      await this.onRecords(this.#unseen(records));
      this.next = Math.max(this.next, (records.at(-1) as LogRecord).offset + 1);
      met = this.channel.tryJoin(this);
      if (!met) return;
      const own = this.#own;
      this.#own = undefined;
      void own?.close();
    };
    const start = { ...this.start, from: this.next };
    const own = await this.log.tail([start], onBatch, (fault) => this.fail(fault), { fetch: 'bulk' });
    if (met || this.#closed) await own.close();
    else this.#own = own;
  }

  #unseen(records: readonly LogRecord[]): readonly LogRecord[] {
    const first = records[0]?.offset ?? this.next;
    return first >= this.next ? records : records.slice(this.next - first);
  }
}

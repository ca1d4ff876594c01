/**
 * Every seam to the world. The runtime knows these interfaces and nothing behind them; time, randomness, disk and network come
 * in only here, so that a simulation can drive the same code from one seed.
 */

export interface LogRecord {
  readonly offset: number;
  /** Append time, milliseconds UTC, recorded once by the log (embedded: max(previous, clock)). */
  readonly time: number;
  readonly value: Uint8Array;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface LogStart extends TopicPartition {
  /** The first offset wanted. Below the log's start or beyond its end is fatal, never a silent reset. */
  readonly from: number;
}

export interface LogBounds {
  readonly start: number;
  /** The offset that the next record will get. */
  readonly end: number;
}

/**
 * Writes one append at a time, in order. After a throw the appender is dead: bytes may or may not be in the log (`UNKNOWN`), or
 * certainly are not (`NOT_APPENDED`); make a new one.
 */
export interface LogAppender {
  /** Resolves once the records are durable, with the offset of the first. Calls must not overlap. */
  append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }>;
  /**
   * Appends to several partitions in one round trip, at most one group each; only where that is cheaper than one after the other.
   * A throw speaks for all groups: any of them may or may not be in the log unless it says `NOT_APPENDED`.
   */
  appendAll?(groups: readonly AppendGroup[]): Promise<void>;
  close(): Promise<void>;
}

export interface AppendGroup {
  readonly at: TopicPartition;
  readonly values: readonly Uint8Array[];
}

export interface LogTail {
  /** Starts reading one more partition, or moves an existing one. */
  add(start: LogStart): Promise<void>;
  remove(at: TopicPartition): Promise<void>;
  close(): Promise<void>;
}

/** Gets each partition's records in offset order, a batch at a time; the next batch of that partition waits for the promise. */
export type OnBatch = (at: TopicPartition, records: readonly LogRecord[]) => void | Promise<void>;
/** The tail is dead after this: a hole in the offsets, an offset out of range, a handler that threw, or a lost server. */
export type OnFault = (fault: Error) => void;

/** `prompt` hands out each append at once; `bulk` lets records gather (about 200 ms or 1 MB), which costs the log far less. */
export interface TailOptions {
  readonly fetch?: 'prompt' | 'bulk';
}

export interface EventLog {
  appender(): Promise<LogAppender>;
  /** `close` of a tail stops the hand-outs; it does not wait for a handler that still runs (it may be the caller). */
  tail(starts: readonly LogStart[], onBatch: OnBatch, onFault: OnFault, options?: TailOptions): Promise<LogTail>;
  /** Reads up to `limit` durable records from an offset on, without following. */
  read(start: LogStart, limit: number): Promise<readonly LogRecord[]>;
  bounds(at: TopicPartition): Promise<LogBounds>;
  /** How many partitions the topic has; creates nothing. */
  partitions(topic: string): Promise<number>;
  /** Why it cannot be read or takes no appends, where the log itself knows: a full disk, or brokers that have not answered for a while. */
  trouble?(): string | undefined;
  close(): Promise<void>;
}

export type AppendOutcome = 'NOT_APPENDED' | 'UNKNOWN';

export class AppendFault extends Error {
  override readonly name = 'AppendFault';
  readonly retriable: boolean;
  constructor(
    message: string,
    readonly outcome: AppendOutcome,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.retriable = outcome === 'NOT_APPENDED';
  }
}

/** Whether a fault says of itself that it may pass: the same may be asked again. */
export const isRetriable = (fault: unknown): boolean => (fault as { retriable?: unknown } | null)?.retriable === true;

/** The log itself cannot be trusted or followed: a hole, an offset out of range, a fork. Never retried. */
export class LogFault extends Error {
  override readonly name = 'LogFault';
  readonly retriable = false;
  /** The log is sound: a later release wrote what this one cannot read. */
  laterRelease = false;
}

export interface Clock {
  /** Milliseconds UTC. May refuse a bet, never accept one. */
  now(): number;
  /** Resolves after `ms`, or early when the signal aborts (never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Entropy {
  bytes(count: number): Uint8Array;
}

/** Relational read models; one adapter serves PostgreSQL and its embedded build. */
export interface SqlDatabase {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>;
  /**
   * Runs the work in one transaction on one connection; rolls back when it throws. The work queries through its handle alone: any
   * other query may wait for this very connection, and is a fault when its time is over.
   */
  transaction<T>(work: (tx: Pick<SqlDatabase, 'query'>) => Promise<T>): Promise<T>;
  /** Why it has not answered for a while, where it knows. */
  trouble?(): string | undefined;
  close(): Promise<void>;
}

/** Hot absolute values with a sequence (never increments) and fan-out; losing it degrades, it never decides anything. */
export interface HotCache {
  /** Stores the value unless a newer or equal sequence is already there; tells whether it was stored. */
  put(key: string, sequence: number, value: string): Promise<boolean>;
  get(key: string): Promise<{ readonly sequence: number; readonly value: string } | undefined>;
  getMany(
    keys: readonly string[],
  ): Promise<readonly ({ readonly sequence: number; readonly value: string } | undefined)[]>;
  publish(channel: string, message: string): Promise<void>;
  subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>>;
  /** Why it cannot be used at the moment, where it knows. */
  trouble(): string | undefined;
  close(): Promise<void>;
}

/** Counts uses within windows of time, over all processes that share the counter. It says how many; what that allows others decide. */
export interface UseCounter {
  /** Adds to the uses of the key in its current window. Rejects, with `retriable`, when nobody can say how many there are. */
  add(key: string, uses: number): Promise<{ readonly used: number; readonly windowEndsInMs: number }>;
  close(): Promise<void>;
}

/** A world without wall-clock time, disk or network for the runtime's tests: a virtual clock, counted randomness, a log in memory. */
import { openMemoryLog } from '#mutuel/adapters';
import { type DecisionRecord, decodeRecord, TOPICS } from '#mutuel/contracts';
import type { Clock, Entropy, EventLog, LogAppender, TopicPartition } from '../../src/ports.js';

export const KEY = new Uint8Array(32).fill(9);
export const SHARD_COMMANDS = { topic: TOPICS.shardCommands, partition: 0 };
export const SHARD_DECISIONS = { topic: TOPICS.shardDecisions, partition: 0 };

/** Time passes only when nothing else can happen. */
export class VirtualClock implements Clock {
  time = 1_800_000_000_000;
  #sleepers: { readonly wakeAt: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.time;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { wakeAt: this.time + Math.ceil(ms), wake };
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
        wake();
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', abort);
    });
  }

  /** Lets everything run that can; then time jumps to the next sleeper, until the condition holds. */
  async until(condition: () => boolean, what = 'the condition'): Promise<void> {
    for (let jumps = 0; jumps < 20_000; jumps++) {
      await settle();
      if (condition()) return;
      this.#jump();
    }
    throw new Error(`${what} never came true`);
  }

  /** Lets this much time pass, waking sleepers in order. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    while (this.#sleepers.some((s) => s.wakeAt <= end)) {
      this.#jump();
      await settle();
    }
    this.time = end;
  }

  #jump(): void {
    const next = this.#sleepers.reduce<number>((least, s) => Math.min(least, s.wakeAt), Number.POSITIVE_INFINITY);
    if (next === Number.POSITIVE_INFINITY) return;
    this.time = Math.max(this.time, next);
    const due = this.#sleepers.filter((s) => s.wakeAt <= this.time);
    this.#sleepers = this.#sleepers.filter((s) => s.wakeAt > this.time);
    for (const { wake } of due) wake();
  }
}

export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Bytes that never repeat, counted so that a run can be repeated. */
export function countedEntropy(first = 1): Entropy {
  let n = first;
  return {
    bytes: (count) => {
      const bytes = new Uint8Array(count);
      new DataView(bytes.buffer).setUint8(0, (n * 37) & 255);
      if (count >= 8) new DataView(bytes.buffer).setUint32(count - 4, n);
      n++;
      return bytes;
    },
  };
}

export function memoryLog(clock: Clock, shards = 1): Promise<EventLog> {
  const topics = {
    [TOPICS.shardCommands]: shards,
    [TOPICS.shardDecisions]: shards,
    [TOPICS.marketCommands]: 1,
    [TOPICS.marketDecisions]: 1,
    [TOPICS.cluster]: 1,
  };
  return openMemoryLog({ topics, clock });
}

export type AppendHook = (
  at: TopicPartition,
  values: readonly Uint8Array[],
  append: (values: readonly Uint8Array[]) => Promise<{ readonly base: number }>,
) => Promise<{ readonly base: number }>;

/** The same log, every append of this process's view going through the hook. */
export function hooked(log: EventLog, hook: AppendHook): EventLog {
  const wrap = (inner: LogAppender): LogAppender => ({
    append: (at, values) => hook(at, values, (v) => inner.append(at, v)),
    close: () => inner.close(),
  });
  return Object.assign(Object.create(log) as EventLog, {
    appender: async () => wrap(await log.appender()),
    tail: log.tail.bind(log),
    read: log.read.bind(log),
    bounds: log.bounds.bind(log),
    partitions: log.partitions.bind(log),
    close: log.close.bind(log),
  });
}

export async function appendTo(log: EventLog, at: TopicPartition, ...values: Uint8Array[]): Promise<number> {
  const appender = await log.appender();
  const { base } = await appender.append(at, values);
  await appender.close();
  return base;
}

/** Every record of a decision partition as it lies in the log, valid or not. */
export async function decisionsIn<E>(log: EventLog, at: TopicPartition): Promise<DecisionRecord<E>[]> {
  const records = await log.read({ ...at, from: 0 }, 1_000_000);
  return records
    .map(({ value }) => decodeRecord<E>(value).record)
    .filter((record): record is DecisionRecord<E> => record.kind === 'decision');
}

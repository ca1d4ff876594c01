/**
 * A log that misbehaves as real ones do, from a seed: errors before and after the bytes are in, appends that arrive twice, in part or
 * long after their error (a zombie writer), delays, a clock that steps. For tests and simulation. It must never break what a
 * log promises: an acknowledged append is there, at the offset named, and NOT_APPENDED means what it says.
 */
import {
  AppendFault,
  type AppendGroup,
  appendGroups,
  type Clock,
  type EventLog,
  type LogAppender,
  type LogRecord,
  type OnBatch,
  type TopicPartition,
} from '#mutuel/runtime';

/** Each a probability per append (`delay` also per batch read); what is absent never happens. */
export interface FaultPlan {
  /** Nothing is appended, and the writer is told so. */
  readonly refused?: number;
  /** Nothing is appended, and the writer cannot know. */
  readonly lostBefore?: number;
  /** It is appended, and the writer cannot know. */
  readonly lostAfter?: number;
  /** The writer gets an error now, the log gets the bytes later. */
  readonly late?: number;
  /** Of an append to several partitions some get their part, others do not, and the writer cannot know. */
  readonly torn?: number;
  /** It is appended twice, acknowledged once. */
  readonly duplicate?: number;
  readonly delay?: number;
  /** The longest delay, milliseconds. */
  readonly delayMs?: number;
}

export interface FaultyLogOptions {
  /** Numbers in [0, 1), as of `seededRandom`. */
  readonly random: () => number;
  readonly sleep: Clock['sleep'];
  readonly plan: FaultPlan;
}

export function faultyLog(inner: EventLog, options: FaultyLogOptions): EventLog {
  const chaos = new Chaos(options);
  return {
    appender: async () => new FaultyAppender(inner, await inner.appender(), chaos),
    tail: (starts, onBatch, onFault, more) => inner.tail(starts, delayed(onBatch, chaos), onFault, more),
    read: (start, limit) => inner.read(start, limit),
    bounds: (at) => inner.bounds(at),
    partitions: (topic) => inner.partitions(topic),
    async close() {
      await chaos.settle();
      await inner.close();
    },
  };
}

/** A clock whose hands are moved now and then, forth and back, by up to `stepMs`. */
export function steppingClock(clock: Pick<Clock, 'now'>, random: () => number, stepMs: number): Pick<Clock, 'now'> {
  let offset = 0;
  return {
    now() {
      if (random() < 0.05) offset = Math.round((random() * 2 - 1) * stepMs);
      return clock.now() + offset;
    },
  };
}

/** The same numbers for the same seed on every machine: a Weyl sequence through a multiply-and-shift mixer. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000;
  };
}

class Chaos {
  private readonly late = new Set<Promise<unknown>>();

  constructor(private readonly options: FaultyLogOptions) {}

  happens(kind: Exclude<keyof FaultPlan, 'delayMs'>): boolean {
    return this.options.random() < (this.options.plan[kind] ?? 0);
  }

  async delay(): Promise<void> {
    if (this.happens('delay')) await this.pause();
  }

  pause(): Promise<void> {
    return this.options.sleep(Math.ceil(this.options.random() * (this.options.plan.delayMs ?? 5)));
  }

  /** Of several parts one or more, and never all. */
  some<T>(parts: readonly T[]): readonly T[] {
    const count = 1 + Math.floor(this.options.random() * (parts.length - 1));
    const first = Math.floor(this.options.random() * parts.length);
    return Array.from({ length: count }, (_, i) => parts[(first + i) % parts.length] as T);
  }

  later(work: () => Promise<unknown>): void {
    const running = this.pause()
      .then(work)
      .catch(() => undefined);
    this.late.add(running);
    void running.then(() => this.late.delete(running));
  }

  async settle(): Promise<void> {
    await Promise.all(this.late);
  }
}

class FaultyAppender implements LogAppender {
  private dead = false;

  constructor(
    private readonly log: EventLog,
    private readonly inner: LogAppender,
    private readonly chaos: Chaos,
  ) {}

  append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    return this.suffer([{ at, values }], (appender) => appender.append(at, values));
  }

  /** On any log, also on one that takes a group at a time: whoever appends to several partitions is tried there, too. */
  appendAll(groups: readonly AppendGroup[]): Promise<void> {
    return this.suffer(groups, (appender) => appendGroups(appender, groups));
  }

  private async suffer<T>(groups: readonly AppendGroup[], write: (appender: LogAppender) => Promise<T>): Promise<T> {
    if (this.dead) throw new AppendFault('This appender is closed or has failed; make a new one', 'NOT_APPENDED');
    await this.chaos.delay();
    if (this.chaos.happens('refused')) return this.die('NOT_APPENDED');
    if (this.chaos.happens('lostBefore')) return this.die('UNKNOWN');
    if (this.chaos.happens('late')) {
      this.chaos.later(async () => {
        const zombie = await this.log.appender();
        await write(zombie);
        await zombie.close();
      });
      return this.die('UNKNOWN');
    }
    if (groups.length > 1 && this.chaos.happens('torn')) {
      await appendGroups(this.inner, this.chaos.some(groups));
      return this.die('UNKNOWN');
    }
    const done = await write(this.inner);
    if (this.chaos.happens('duplicate')) await write(this.inner);
    if (this.chaos.happens('lostAfter')) return this.die('UNKNOWN');
    await this.chaos.delay();
    return done;
  }

  async close(): Promise<void> {
    this.dead = true;
    await this.inner.close();
  }

  private async die(outcome: AppendFault['outcome']): Promise<never> {
    await this.close();
    throw new AppendFault(`A fault of the plan: ${outcome}`, outcome);
  }
}

function delayed(onBatch: OnBatch, chaos: Chaos): OnBatch {
  return async (at: TopicPartition, records: readonly LogRecord[]) => {
    await chaos.delay();
    await onBatch(at, records);
  };
}

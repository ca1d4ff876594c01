/**
 * Follows one log from where its reader stands, over lost servers and restarts of the tail, and knows how far that is from where the log
 * ended when reading began. It knows nothing of what stands in a record: each reader of decisions is one of these, with a check of its
 * own. It must never go on when the log itself cannot be trusted or the reader could not take what it was given.
 */
import { type Clock, type EventLog, LogFault, type LogRecord, type TopicPartition } from './ports.js';
import type { Subscription, TailSource } from './tail-source.js';

export interface FollowedLog {
  readonly at: TopicPartition;
  readonly log: Pick<EventLog, 'bounds'>;
  readonly tails: TailSource;
  readonly clock: Clock;
  /** Reading has ended for good. */
  readonly onFatal: (fault: Error) => void;
}

/** How far somebody is on the way to where the log ended when reading began, in records. */
export interface HowFar {
  readonly done: number;
  readonly total: number;
}

/** Pause before a lost tail is opened again. */
const REOPEN_MS = 500;

export abstract class LogFollower {
  /** Where the log ended when reading began. */
  endAtStart = 0;
  /** Resolves when everything up to there was read, or when reading has ended for good. */
  readonly caughtUp: Promise<void>;

  /** The offset that it needs next. */
  protected abstract readonly next: number;

  #from: number | undefined;
  readonly #closing = new AbortController();
  #subscription: Subscription | undefined;
  #caughtUp: () => void = () => undefined;
  #isCaughtUp = false;

  constructor(private readonly followed: FollowedLog) {
    this.caughtUp = new Promise((resolve) => {
      this.#caughtUp = resolve;
    });
  }

  /** Undefined once it has caught up. */
  get reading(): HowFar | undefined {
    if (this.#isCaughtUp) return undefined;
    const from = this.#from ?? this.next;
    return { done: this.next - from, total: Math.max(0, this.endAtStart - from) };
  }

  /** Resolves when the tail is open; goes on trying for as long as the server is away. */
  async start(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#open();
        return;
      } catch (fault) {
        if (!this.#survives(fault)) return;
        await this.followed.clock.sleep(REOPEN_MS, this.#closing.signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#caughtUp();
    await this.#subscription?.close();
  }

  /** The next batch waits for the promise. Throws `LogFault` where reading on would be wrong. */
  protected abstract take(records: readonly LogRecord[]): void | Promise<void>;

  async #open(): Promise<void> {
    const { log, at, tails } = this.followed;
    this.#from ??= this.next;
    this.endAtStart = (await log.bounds(at)).end;
    this.#noteProgress();
    const subscription = await tails.subscribe(
      { ...at, from: this.next },
      (records) => this.#onRecords(records),
      (fault) => this.#lost(fault),
    );
    this.#subscription = subscription;
    if (this.#closing.signal.aborted) await subscription.close();
  }

  async #onRecords(records: readonly LogRecord[]): Promise<void> {
    await this.take(records);
    this.#noteProgress();
  }

  #noteProgress(): void {
    if (this.next < this.endAtStart) return;
    this.#isCaughtUp = true;
    this.#caughtUp();
  }

  #lost(fault: Error): void {
    if (this.#closing.signal.aborted || !this.#survives(fault)) return;
    void this.followed.clock.sleep(REOPEN_MS, this.#closing.signal).then(() => this.start());
  }

  /** False when reading on would be wrong: a fault of the log, not of the way to it. */
  #survives(fault: unknown): boolean {
    if (!(fault instanceof LogFault)) return true;
    this.#closing.abort();
    this.followed.onFatal(fault);
    this.#caughtUp();
    return false;
  }
}

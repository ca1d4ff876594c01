/**
 * Puts decided records into the decision log, one append in flight; what is decided meanwhile goes with the next. It must never
 * try again: after a fault it is silent, and the incarnation it belongs to is over.
 */
import { MAX_APPEND_RECORDS } from '#mutuel/contracts';
import type { Clock, LogAppender, TopicPartition } from './ports.js';
import type { RunnerMetrics } from './runner-options.js';

export interface WriterOptions {
  readonly appender: LogAppender;
  readonly decisions: TopicPartition;
  readonly clock: Clock;
  readonly metrics: RunnerMetrics;
  readonly onFault: (fault: unknown) => void;
}

/** Bytes decided but not appended beyond which deciding waits; with one largest record more it is still one append. */
const MAX_PENDING_BYTES = 3_000_000;

export class DecisionWriter {
  /** Whether anything got into the log. */
  wrote = false;
  readonly #o: WriterOptions;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #inFlight = false;
  #appending: Promise<void> = Promise.resolve();
  #roomWaiter: (() => void) | undefined;
  #dropped = false;

  constructor(options: WriterOptions) {
    this.#o = options;
  }

  get isFull(): boolean {
    return this.#pending.length >= MAX_APPEND_RECORDS || this.#pendingBytes > MAX_PENDING_BYTES;
  }

  push(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.byteLength;
  }

  flush(): void {
    if (this.#inFlight || this.#pending.length === 0 || this.#dropped) return;
    this.#inFlight = true;
    this.#appending = this.#appendAll();
  }

  /** Resolves when there is room for one more, or when nothing matters any more. */
  async room(): Promise<void> {
    this.flush();
    if (!this.isFull || this.#dropped) return;
    await new Promise<void>((resolve) => {
      this.#roomWaiter = resolve;
    });
  }

  /** Resolves when what was pushed is in the log, or when its append has failed. */
  async drain(): Promise<void> {
    this.flush();
    await this.#appending;
  }

  /** The incarnation is over: what is not on its way stays out of the log. */
  drop(): void {
    this.#dropped = true;
    this.#pending = [];
    this.#wakeRoom();
  }

  /** Resolves when nothing is on its way any more. */
  async close(): Promise<void> {
    await this.#appending;
    await this.#o.appender.close().catch(() => undefined);
  }

  async #appendAll(): Promise<void> {
    const { appender, decisions, clock, metrics, onFault } = this.#o;
    while (this.#pending.length > 0 && !this.#dropped) {
      const batch = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#wakeRoom();
      const began = clock.now();
      try {
        await appender.append(decisions, batch);
      } catch (fault) {
        this.drop();
        onFault(fault);
        break;
      }
      this.wrote = true;
      metrics.appends++;
      metrics.appended += batch.length;
      metrics.appendMs += clock.now() - began;
    }
    // In the same turn as the look at what is pending, or a decision made in between would wait for the next command.
    this.#inFlight = false;
  }

  #wakeRoom(): void {
    const waiter = this.#roomWaiter;
    this.#roomWaiter = undefined;
    waiter?.();
  }
}

/**
 * Follows the valid decisions of one source from a checkpoint on, over lost servers and restarts of the tail. It must never skip or
 * repeat a decision, and never go on when the log itself cannot be trusted or its owner could not take what it was given.
 */
import { type Clock, type EventLog, LogFault, type LogRecord, type TopicPartition } from './ports.js';
import type { Subscription, TailSource } from './tail-source.js';
import { type DropReason, type ValidDecision, type ValidRecords, validRecords } from './valid-records.js';

export interface DecisionSource {
  /** `shard-3` or `market`. */
  readonly src: string;
  readonly at: TopicPartition;
}

export interface ReaderOptions<E> extends DecisionSource {
  readonly log: Pick<EventLog, 'bounds'>;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly checkpoint?: string;
  /** Gets what is valid of a batch, perhaps nothing; the next batch waits for the promise. A throw is final. */
  readonly onDecisions: (decisions: readonly ValidDecision<E>[]) => void | Promise<void>;
  /** The reader has stopped for good. */
  readonly onFatal: (fault: Error) => void;
}

/** How far somebody is on the way to where the log ended when reading began, in records. */
export interface HowFar {
  readonly done: number;
  readonly total: number;
}

/** Pause before a lost tail is opened again. */
const REOPEN_MS = 500;

export class DecisionReader<E> {
  readonly valid: ValidRecords<E>;
  readonly dropped: Record<DropReason, number> = { ZOMBIE: 0, DUPLICATE: 0, DEAD: 0, REPEATED_START: 0, KILLED: 0 };
  /** Where the log ended when reading began. */
  endAtStart = 0;
  /** Resolves when everything up to there was read, or when reading has ended for good. */
  readonly caughtUp: Promise<void>;

  readonly #o: ReaderOptions<E>;
  readonly #from: number;
  readonly #closing = new AbortController();
  #subscription: Subscription | undefined;
  #caughtUp: () => void = () => undefined;
  #isCaughtUp = false;

  constructor(options: ReaderOptions<E>) {
    this.#o = options;
    this.valid = validRecords<E>(options.src, options.at, options.checkpoint);
    this.#from = this.valid.next;
    this.caughtUp = new Promise((resolve) => {
      this.#caughtUp = resolve;
    });
  }

  /** Undefined once it has caught up. */
  get reading(): HowFar | undefined {
    if (this.#isCaughtUp) return undefined;
    return { done: this.valid.next - this.#from, total: Math.max(0, this.endAtStart - this.#from) };
  }

  /** Resolves when the tail is open; goes on trying for as long as the server is away. */
  async start(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#open();
        return;
      } catch (fault) {
        if (!this.#survives(fault)) return;
        await this.#o.clock.sleep(REOPEN_MS, this.#closing.signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#caughtUp();
    await this.#subscription?.close();
  }

  async #open(): Promise<void> {
    const { log, at, tails } = this.#o;
    this.endAtStart = (await log.bounds(at)).end;
    this.#noteProgress();
    const start = { ...at, from: this.valid.next };
    const subscription = await tails.subscribe(
      start,
      (records) => this.#onRecords(records),
      (fault) => this.#lost(fault),
    );
    this.#subscription = subscription;
    if (this.#closing.signal.aborted) await subscription.close();
  }

  async #onRecords(records: readonly LogRecord[]): Promise<void> {
    const decisions: ValidDecision<E>[] = [];
    for (const record of records) {
      const accepted = this.valid.accept(record);
      if (accepted.kind === 'valid') decisions.push(accepted);
      else if (accepted.kind === 'dropped') this.dropped[accepted.reason]++;
    }
    try {
      await this.#o.onDecisions(decisions);
    } catch (cause) {
      throw new LogFault(`${this.#o.src}: what was read could not be taken: ${(cause as Error).message}`, { cause });
    }
    this.#noteProgress();
  }

  #noteProgress(): void {
    if (this.valid.next < this.endAtStart) return;
    this.#isCaughtUp = true;
    this.#caughtUp();
  }

  #lost(fault: Error): void {
    if (this.#closing.signal.aborted || !this.#survives(fault)) return;
    void this.#o.clock.sleep(REOPEN_MS, this.#closing.signal).then(() => this.start());
  }

  /** False when reading on would be wrong: a fault of the log, not of the way to it. */
  #survives(fault: unknown): boolean {
    if (!(fault instanceof LogFault)) return true;
    this.#closing.abort();
    this.#o.onFatal(fault);
    this.#caughtUp();
    return false;
  }
}

/**
 * Follows one decision log for the second calculator, by that calculator's own reader and not by the runtime's, over lost servers and
 * restarts of the tail. It reads from the beginning, or from where that reader wrote down what it remembered, and must never go on once
 * the log cannot be audited.
 */
import { AuditLogReader, type LoggedDecision } from '#mutuel/audit';
import {
  type Clock,
  type DecisionSource,
  type EventLog,
  type HowFar,
  LogFault,
  type LogRecord,
  type Subscription,
  type TailSource,
} from '#mutuel/runtime';

export interface FollowerOptions extends DecisionSource {
  readonly log: Pick<EventLog, 'bounds'>;
  /** Of another follower of this log; without it, the log's beginning. */
  readonly memory?: string | undefined;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly onDecisions: (decisions: readonly LoggedDecision[]) => void;
  /** The follower has stopped for good. */
  readonly onFatal: (fault: Error) => void;
}

/** How far back the last decision of a memory is looked for. */
const LOOK_BACK = 512;
/** Pause before a lost tail is opened again. */
const REOPEN_MS = 500;

export class AuditFollower {
  /** Resolves when everything that stood in the log at the start was read, or when reading has ended for good. */
  readonly caughtUp: Promise<void>;
  readonly #o: FollowerOptions;
  readonly #reader: AuditLogReader;
  readonly #from: number;
  readonly #closing = new AbortController();
  #endAtStart = 0;
  #subscription: Subscription | undefined;
  #caughtUp: () => void = () => undefined;
  #isCaughtUp = false;

  constructor(options: FollowerOptions) {
    this.#o = options;
    this.#reader = new AuditLogReader(options.src, options.memory);
    this.#from = this.#reader.nextOffset;
    this.caughtUp = new Promise((resolve) => {
      this.#caughtUp = resolve;
    });
  }

  /** Undefined once it has caught up. */
  get reading(): HowFar | undefined {
    if (this.#isCaughtUp) return undefined;
    return { done: this.#reader.nextOffset - this.#from, total: Math.max(0, this.#endAtStart - this.#from) };
  }

  /** What another follower needs to go on from here. */
  get place(): string {
    return this.#reader.memory;
  }

  /** Resolves when the tail is open; goes on trying for as long as the server is away. */
  async start(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#open();
        return;
      } catch (fault) {
        if (this.#ended(fault)) return;
        await this.#o.clock.sleep(REOPEN_MS, signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#caughtUp();
    await this.#subscription?.close();
  }

  async #open(): Promise<void> {
    const { log, at, tails, clock } = this.#o;
    const { signal } = this.#closing;
    this.#endAtStart = (await log.bounds(at)).end;
    this.#noteProgress();
    this.#subscription = await tails.subscribe(
      { ...at, from: this.#reader.nextOffset },
      (records) => this.#take(records),
      (fault) => {
        if (!signal.aborted && !this.#ended(fault)) void clock.sleep(REOPEN_MS, signal).then(() => this.start());
      },
    );
    if (signal.aborted) await this.#subscription.close();
  }

  #take(records: readonly LogRecord[]): void {
    try {
      this.#o.onDecisions(records.flatMap((record) => this.#reader.take(record) ?? []));
    } catch (cause) {
      throw new LogFault(`${this.#o.src}: ${(cause as Error).message}`, { cause });
    }
    this.#noteProgress();
  }

  #noteProgress(): void {
    if (this.#reader.nextOffset < this.#endAtStart) return;
    this.#isCaughtUp = true;
    this.#caughtUp();
  }

  /** True when reading on would be wrong: a fault of the log, not of the way to it. */
  #ended(fault: unknown): boolean {
    if (!(fault instanceof LogFault)) return false;
    this.#closing.abort();
    this.#o.onFatal(fault);
    this.#caughtUp();
    return true;
  }
}

/** Throws unless the log holds what the memory was made of, as far as its last records tell; what is gone by retention tells nothing. */
export async function checkMemory(
  log: Pick<EventLog, 'bounds' | 'read'>,
  { src, at }: DecisionSource,
  memory: string,
): Promise<void> {
  const reader = new AuditLogReader(src, memory);
  const { nextOffset } = reader;
  const { start, end } = await log.bounds(at);
  if (nextOffset > end) throw new Error(`${src} was read up to offset ${nextOffset} and ends at ${end}`);
  const from = Math.max(start, nextOffset - LOOK_BACK);
  if (from >= nextOffset) return;
  if (!reader.agreesWith(await log.read({ ...at, from }, nextOffset - from)))
    throw new Error(`${src} has another decision before offset ${nextOffset}`);
}

/**
 * Follows the odds topic and hands out whole ticks in order, over lost servers. It must never hand out a cycle twice or a tick of
 * which a part is missing.
 */
import { TOPICS } from '#mutuel/contracts';
import { type Clock, type EventLog, LogFault, type LogRecord, type TailSource } from '#mutuel/runtime';
import { type Tick, TickReader } from '#mutuel/views';

export interface TickTailOptions {
  readonly log: Pick<EventLog, 'bounds'>;
  readonly tails: TailSource;
  readonly clock: Clock;
  /** The offset to start from; what the topic no longer holds is passed over. */
  readonly from: number;
  /** `next` is the offset after the last of these. The next batch waits for the promise; a throw, or an unreadable tick, is final. */
  readonly onTicks: (ticks: readonly Tick[], next: number) => void | Promise<void>;
  readonly onFatal: (fault: Error) => void;
}

export const ODDS_TOPIC = { topic: TOPICS.odds, partition: 0 } as const;
const REOPEN_MS = 500;

export class TickTail {
  readonly #o: TickTailOptions;
  readonly #closing = new AbortController();
  readonly #reader = new TickReader();
  #next: number;
  #close: () => Promise<void> = async () => undefined;

  constructor(options: TickTailOptions) {
    this.#o = options;
    this.#next = options.from;
  }

  /** Resolves when the topic is being followed. */
  async start(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#open();
        return;
      } catch (fault) {
        if (fault instanceof LogFault) throw fault;
        await this.#o.clock.sleep(REOPEN_MS, this.#closing.signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#close();
  }

  async #open(): Promise<void> {
    const { log, tails } = this.#o;
    const { start } = await log.bounds(ODDS_TOPIC);
    this.#next = Math.max(this.#next, start);
    const subscription = await tails.subscribe(
      { ...ODDS_TOPIC, from: this.#next },
      (records) => this.#take(records),
      (fault) => this.#lost(fault),
    );
    this.#close = () => subscription.close();
    if (this.#closing.signal.aborted) await subscription.close();
  }

  async #take(records: readonly LogRecord[]): Promise<void> {
    const ticks: Tick[] = [];
    let whole = this.#next;
    try {
      for (const record of records) {
        const tick = this.#reader.accept(record.value);
        if (tick) ticks.push(tick);
        if (tick) whole = record.offset + 1;
        this.#next = record.offset + 1;
      }
      if (ticks.length === 0 || this.#closing.signal.aborted) return;
      await this.#o.onTicks(ticks, whole);
    } catch (fault) {
      this.#closing.abort();
      this.#o.onFatal(fault as Error);
    }
  }

  #lost(fault: Error): void {
    if (this.#closing.signal.aborted) return;
    if (fault instanceof LogFault) {
      this.#closing.abort();
      this.#o.onFatal(fault);
      return;
    }
    void this.#o.clock
      .sleep(REOPEN_MS, this.#closing.signal)
      .then(() => this.start())
      .catch((cause: unknown) => this.#o.onFatal(cause as Error));
  }
}

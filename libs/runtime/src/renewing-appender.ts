/**
 * An appender for many callers: one append in flight, the others wait their turn, and after a throw the next one gets a new
 * appender. It must never retry by itself: only its caller knows whether a repetition is harmless.
 */
import type { EventLog, LogAppender, TopicPartition } from './ports.js';

export class RenewingAppender {
  #appender: LogAppender | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly log: Pick<EventLog, 'appender'>) {}

  /** Throws what the appender throws: `AppendFault` with its outcome. */
  append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    const turn = this.#last.then(() => this.#append(at, values));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#discard();
  }

  async #append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    this.#appender ??= await this.log.appender();
    try {
      return await this.#appender.append(at, values);
    } catch (fault) {
      await this.#discard();
      throw fault;
    }
  }

  async #discard(): Promise<void> {
    const appender = this.#appender;
    this.#appender = undefined;
    await appender?.close().catch(() => undefined);
  }
}

/**
 * An appender for many callers: one append in flight, the others wait their turn, and after a throw the next one gets a new
 * appender. It must never retry by itself: only its caller knows whether a repetition is harmless.
 */
import type { AppendGroup, EventLog, LogAppender, TopicPartition } from './ports.js';

export class RenewingAppender {
  #appender: LogAppender | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly log: Pick<EventLog, 'appender'>) {}

  /** Throws what the appender throws: `AppendFault` with its outcome. */
  append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    return this.#inTurn((appender) => appender.append(at, values));
  }

  /** Several partitions at once where the log can; a caller with more than one group has made sure of that. */
  appendAll(groups: readonly AppendGroup[]): Promise<void> {
    return this.#inTurn(async (appender) => {
      if (groups.length > 1 && appender.appendAll) await appender.appendAll(groups);
      else for (const { at, values } of groups) await appender.append(at, values);
    });
  }

  /** Whether one append can go to several partitions. */
  groups(): Promise<boolean> {
    return this.#inTurn(async (appender) => appender.appendAll !== undefined);
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#discard();
  }

  #inTurn<T>(use: (appender: LogAppender) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#use(use));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #use<T>(use: (appender: LogAppender) => Promise<T>): Promise<T> {
    this.#appender ??= await this.log.appender();
    try {
      return await use(this.#appender);
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

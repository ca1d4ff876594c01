/**
 * An appender for many callers: one append in flight, the others wait their turn, and after a throw the next one gets a new
 * appender. It must never retry by itself: only its caller knows whether a repetition is harmless.
 */
import { AppendFault, type AppendGroup, type EventLog, type LogAppender, type TopicPartition } from './ports.js';

/**
 * Appends to several partitions, at once where the log can and one after the other where it cannot. A throw speaks for all groups:
 * `NOT_APPENDED` means that nothing of any is in the log, whichever way it was.
 */
export async function appendGroups(appender: LogAppender, groups: readonly AppendGroup[]): Promise<void> {
  if (groups.length > 1 && appender.appendAll) return appender.appendAll(groups);
  let isBegun = false;
  for (const { at, values } of groups) {
    await appender.append(at, values).catch((cause: unknown) => {
      if (!isBegun) throw cause;
      const { message } = cause as Error;
      throw new AppendFault(`Of an append to several partitions a part is in the log: ${message}`, 'UNKNOWN', {
        cause,
      });
    });
    isBegun = true;
  }
}

export class RenewingAppender {
  #appender: LogAppender | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly log: Pick<EventLog, 'appender'>) {}

  /** Throws what the appender throws: `AppendFault` with its outcome. */
  append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    return this.#inTurn((appender) => appender.append(at, values));
  }

  /** At most one group for a partition; throws as `appendGroups` does. */
  appendAll(groups: readonly AppendGroup[]): Promise<void> {
    return this.#inTurn((appender) => appendGroups(appender, groups));
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

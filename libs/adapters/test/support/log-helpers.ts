/** Small tools of the log suites: texts as bytes, a collector behind a tail, and waiting for a condition. */
import type { EventLog, LogRecord, LogStart, LogTail, TopicPartition } from '#mutuel/runtime';

export const bytesOf = (...texts: string[]): Uint8Array[] => texts.map((text) => new TextEncoder().encode(text));
export const textsOf = (records: readonly LogRecord[]): string[] =>
  records.map(({ value }) => new TextDecoder().decode(value));

/** Waits until the condition holds; the bound only keeps a broken log from hanging the suite. */
export async function until(condition: () => boolean | Promise<boolean>, boundMs = 120_000): Promise<void> {
  const end = performance.now() + boundMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Still waiting after ${boundMs} ms for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Keeps what a tail hands out, by partition; a fault of the tail fails the test that looks at it next. */
export class Collector {
  private readonly records = new Map<string, LogRecord[]>();
  private readonly gates = new Map<string, Promise<void>>();
  private follower: LogTail | undefined;
  private fault: Error | undefined;

  async tail(log: EventLog, starts: readonly LogStart[]): Promise<LogTail> {
    this.follower = await log.tail(
      starts,
      async (at, records) => {
        this.list(at).push(...records);
        await this.gates.get(key(at));
      },
      (fault) => {
        this.fault = fault;
      },
    );
    return this.follower;
  }

  /** The handler of this partition waits after each batch until the gate is opened. */
  holdNext(at: TopicPartition): { open(): void } {
    let open = (): void => undefined;
    this.gates.set(
      key(at),
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    return { open: () => open() };
  }

  of(at: TopicPartition): readonly LogRecord[] {
    if (this.fault) throw this.fault;
    return this.list(at);
  }

  texts(at: TopicPartition): string[] {
    return textsOf(this.of(at));
  }

  async close(): Promise<void> {
    await this.follower?.close();
  }

  private list(at: TopicPartition): LogRecord[] {
    const known = this.records.get(key(at)) ?? [];
    this.records.set(key(at), known);
    return known;
  }
}

const key = (at: TopicPartition): string => `${at.topic}/${at.partition}`;

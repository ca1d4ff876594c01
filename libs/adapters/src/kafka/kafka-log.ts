/**
 * The event log on Apache Kafka through kafkajs, with no transactions and no trust in idempotence: one append in flight per
 * producer, a producer destroyed after any throw, readers at offsets of their own. It must never commit an offset, and never
 * call an append refused when bytes may have left.
 */
import type { Admin, Kafka, Producer } from 'kafkajs';
import {
  type EventLog,
  type LogAppender,
  type LogBounds,
  LogFault,
  type LogRecord,
  type LogStart,
  type LogTail,
  type OnBatch,
  type OnFault,
  OUTAGE_MS,
  Outage,
  type TailOptions,
  type TopicPartition,
} from '#mutuel/runtime';
import { ServerLost } from '../server-lost.js';
import { DEFAULT_REQUEST_TIMEOUT_MS, type KafkaConnection, settled } from './client.js';
import { KafkaAppender, notAppended, SharedProducer, typeOf } from './kafka-appender.js';
import { connectAdmin } from './kafka-door.js';
import { KafkaTail } from './kafka-tail.js';

export type KafkaLogOptions = KafkaConnection;

/** So many timeouts of a request: who answers that long and does not hand out an offset has no record there. */
const HOLE_AFTER_TIMEOUTS = 6;

/** Connects once, so that whatever keeps this process out is one clear line at the start. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const { kafka, admin } = await connectAdmin(options);
  return new KafkaLog(options, kafka, admin);
}

class KafkaLog implements EventLog {
  private readonly counts = new Map<string, number>();
  private readonly tails = new Set<KafkaTail>();
  /** By the id of the broker that leads, and by partition who that was when it was asked for. */
  private readonly producers = new Map<number, SharedProducer>();
  private readonly leaders = new Map<string, number>();
  /** Consumers and producers on their way out. */
  private readonly leaving = new Set<Promise<unknown>>();
  private closed = false;
  /** By `performance.now()`: when any broker answered anything, and when one was asked in vain. */
  private heardAt = performance.now();
  private missedAt = 0;
  private readonly appends = new Outage(performance);

  constructor(
    private readonly options: KafkaLogOptions,
    private readonly kafka: Kafka,
    private readonly admin: Admin,
  ) {}

  async appender(): Promise<LogAppender> {
    if (this.closed) throw notAppended('the log is closed');
    return new KafkaAppender({
      partitions: (topic) => this.partitions(topic),
      producerOf: ({ topic, partition }) => this.producer(this.leaders.get(`${topic}/${partition}`) ?? 0),
    });
  }

  async tail(
    starts: readonly LogStart[],
    onBatch: OnBatch,
    onFault: OnFault,
    { fetch = 'prompt' }: TailOptions = {},
  ): Promise<LogTail> {
    const tail = new KafkaTail({
      connection: this.options,
      fetch,
      onBatch,
      onFault: (fault) => {
        this.missedAt = performance.now();
        onFault(fault);
      },
      checkStart: (start) => this.checkStart(start),
      onHeard: () => this.heard(),
      onClosed: () => this.tails.delete(tail),
      leave: (leaving) => this.leave(leaving),
    });
    this.tails.add(tail);
    try {
      await tail.start(starts);
    } catch (error) {
      await tail.close();
      throw error;
    }
    return tail;
  }

  async read(start: LogStart, limit: number): Promise<readonly LogRecord[]> {
    const { end } = await this.checkStart(start);
    const wanted = Math.min(limit, end - start.from);
    if (wanted <= 0) return [];
    const found: LogRecord[] = [];
    let tail: LogTail | undefined;
    let watch: NodeJS.Timeout | undefined;
    let isOver = false;
    try {
      await new Promise<void>((resolve, reject) => {
        let cameAt = 0;
        const collect: OnBatch = (_, records) => {
          cameAt = performance.now();
          found.push(...records);
          if (found.length >= wanted) resolve();
        };
        // A hole before another record is seen by the tail; behind the last one nothing ever comes.
        const look = (): void => {
          const silentMs = performance.now() - cameAt;
          if (silentMs < this.requestTimeoutMs * HOLE_AFTER_TIMEOUTS) return;
          const next = start.from + found.length;
          // Only who leads the partition and answers can be said to hold nothing there.
          this.checkStart({ ...start, from: next }).then(() => reject(missingAt(start, next, end, silentMs)), reject);
        };
        this.tail([start], collect, reject).then((opened) => {
          tail = opened;
          if (isOver) void opened.close();
          cameAt ||= performance.now();
          watch = isOver ? undefined : setInterval(look, this.requestTimeoutMs);
        }, reject);
      });
    } finally {
      isOver = true;
      clearInterval(watch);
      await tail?.close();
    }
    return found.slice(0, wanted);
  }

  async bounds({ topic, partition }: TopicPartition): Promise<LogBounds> {
    const offsets = await this.ask(`the offsets of ${topic}`, () => this.admin.fetchTopicOffsets(topic));
    const found = offsets.find((one) => one.partition === partition);
    if (!found) throw new LogFault(`The log has no partition ${topic}/${partition}`);
    return { start: Number(found.low), end: Number(found.high) };
  }

  async partitions(topic: string): Promise<number> {
    const known = this.counts.get(topic);
    if (known !== undefined) return known;
    const { topics } = await this.ask(`topic ${topic}`, () => this.admin.fetchTopicMetadata({ topics: [topic] }));
    const partitions = topics[0]?.partitions ?? [];
    const count = partitions.length;
    if (count === 0) throw new LogFault(`The log has no topic ${topic}`);
    for (const { partitionId, leader } of partitions) this.leaders.set(`${topic}/${partitionId}`, leader);
    this.counts.set(topic, count);
    return count;
  }

  /** Whoever follows the log hears from it several times a second, whether anything comes or not; one that is suspended says nothing. */
  trouble(): string | undefined {
    const silentMs = performance.now() - this.heardAt;
    const isListening = [...this.tails].some((tail) => tail.isReading);
    if (silentMs >= OUTAGE_MS && (isListening || this.missedAt > this.heardAt))
      return `Kafka has not answered for ${Math.floor(silentMs / 1_000)} s`;
    const { text } = this.appends;
    return text && `Kafka has taken no appends ${text}`;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const tail of this.tails) await tail.close();
    for (const producer of this.producers.values()) producer.close();
    await Promise.all(this.leaving);
    await this.admin.disconnect();
  }

  private get requestTimeoutMs(): number {
    return this.options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
  }

  private producer(leader: number): SharedProducer {
    const known = this.producers.get(leader);
    if (known) return known;
    const made = new SharedProducer({
      open: () => this.openProducer(),
      timeoutMs: this.requestTimeoutMs,
      onAnswer: (fault) => this.answered(fault),
      leave: (leaving) => this.leave(leaving),
    });
    this.producers.set(leader, made);
    return made;
  }

  private async openProducer(): Promise<Producer> {
    const producer = this.kafka.producer({
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      // A retry after a lost answer would append twice behind the writer's back: the writer decides.
      retry: { retries: 0 },
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    });
    await producer.connect();
    return producer;
  }

  private async checkStart(start: LogStart): Promise<LogBounds> {
    const bounds = await this.bounds(start);
    if (!Number.isSafeInteger(start.from) || start.from < bounds.start || start.from > bounds.end) {
      throw new LogFault(
        `${start.topic}/${start.partition} holds offsets ${bounds.start} to ${bounds.end}; ${start.from} is out of range`,
      );
    }
    return bounds;
  }

  private async ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    try {
      const answer = await settled(question);
      this.heard();
      return answer;
    } catch (cause) {
      this.missedAt = performance.now();
      if (typeOf(cause) === 'UNKNOWN_TOPIC_OR_PARTITION')
        throw new LogFault(`The log does not have ${what}`, { cause });
      throw new ServerLost(`Kafka does not tell ${what}: ${(cause as Error).message}`, { cause });
    }
  }

  private heard(): void {
    this.heardAt = performance.now();
  }

  private answered(fault?: Error): void {
    if (fault) {
      this.missedAt = performance.now();
      this.appends.failed(fault.message);
      return;
    }
    this.heard();
    this.appends.ended();
  }

  private leave(leaving: Promise<unknown>): void {
    const settled = leaving.catch((error: Error) => this.options.onWarning(`Leaving Kafka failed: ${error.message}`));
    this.leaving.add(settled);
    void settled.then(() => this.leaving.delete(settled));
  }
}

function missingAt({ topic, partition }: TopicPartition, next: number, end: number, silentMs: number): LogFault {
  const seconds = Math.floor(silentMs / 1_000);
  return new LogFault(
    `${topic}/${partition} ends before ${end}, but Kafka has not handed out offset ${next} for ${seconds} s, though it answers: ` +
      'it holds no record there. Look whether something else writes to this topic, in transactions for instance',
  );
}

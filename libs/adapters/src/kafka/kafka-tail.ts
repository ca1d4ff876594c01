/**
 * Follows partitions on Kafka with one consumer over all of them, at offsets of its own. kafkajs resets silently, hides holes
 * and lets one slow handler stop every partition; here every offset is compared with the one expected, and handlers run beside
 * the consumer. It must never skip an offset, hand one out twice, or go on after either.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, {
  type Consumer,
  type EachBatchPayload,
  type KafkaMessage,
  type LogEntry,
  type PartitionAssigner,
} from 'kafkajs';
import {
  carryContext,
  LogFault,
  type LogRecord,
  type LogStart,
  type LogTail,
  type OnBatch,
  type OnFault,
  type TopicPartition,
} from '#mutuel/runtime';
import { ServerLost } from '../server-lost.js';
import { type KafkaConnection, kafkaClient, TRACE_HEADER } from './client.js';

export interface KafkaTailOptions {
  readonly connection: KafkaConnection;
  readonly fetch: 'prompt' | 'bulk';
  readonly onBatch: OnBatch;
  readonly onFault: OnFault;
  /** Throws a LogFault when the log does not hold the offset. */
  readonly checkStart: (start: LogStart) => Promise<unknown>;
  /** The brokers have answered, with records or without. */
  readonly onHeard: () => void;
  readonly onClosed: () => void;
  /** Takes over the waiting for a consumer that goes. */
  readonly leave: (leaving: Promise<unknown>) => void;
}

/** `bulk` saves broker and client a fetch per append (measured: a quarter of a core at 2,000 bets/s). */
const FETCH = {
  prompt: { minBytes: 1, maxWaitTimeInMs: 250 },
  bulk: { minBytes: 1_000_000, maxWaitTimeInMs: 200 },
} as const;
/**
 * A prompt reader asks for more at most this often: under load each append would otherwise be a fetch of its own, and fetching would
 * cost more than reading. At a low rate nobody waits for it.
 */
const PROMPT_EVERY_MS = 4;
const MAX_BATCH = 500;
/** A partition whose handler lags this far behind is paused, and resumed at half of it. */
const MAX_WAITING_RECORDS = 4000;
/**
 * The group exists only for the consumer's sake; its member may be busy this long before it has to join again. A broker that stands still
 * while it is asked to let a member join is waited for five seconds longer.
 */
const SESSION_MS = 8_000;
/** Beside kafkajs's own retries: about half a minute without a working broker, then the tail is dead. */
const MAX_ATTEMPTS = 6;

/** One partition: `next` is the offset expected from Kafka, `waiting` what its handler has not seen yet. */
interface Cursor {
  readonly at: TopicPartition;
  next: number;
  /** Right after a seek Kafka may repeat what is known already; later that would be a log that lost its end. */
  repeats: boolean;
  live: boolean;
  paused: boolean;
  waiting: LogRecord[];
  pumping: Promise<void> | undefined;
}

/** One consumer's life: a change of the partitions starts another, and what the old one still says is ignored. */
interface Session {
  readonly consumer: Consumer;
  joined: boolean;
  crash: Error | undefined;
}

export class KafkaTail implements LogTail {
  private readonly cursors = new Map<string, Cursor>();
  private session: Session | undefined;
  private closed = false;
  /** By `performance.now()`; a prompt reader's. */
  private nextFetchAt = 0;
  private changing: Promise<void> = Promise.resolve();
  /** A restart that has not begun. */
  private coming: Promise<void> | undefined;

  constructor(private readonly options: KafkaTailOptions) {}

  get isReading(): boolean {
    return this.cursors.size > 0;
  }

  async start(starts: readonly LogStart[]): Promise<void> {
    for (const start of starts) await this.options.checkStart(start);
    for (const start of starts) this.place(start);
    await this.restart();
  }

  async add(start: LogStart): Promise<void> {
    await this.options.checkStart(start);
    if (this.closed) return;
    this.place(start);
    await this.restart().catch((error: Error) => {
      // The others have lost their consumer, too, and must hear of it.
      this.fail(error);
      throw error;
    });
  }

  async remove(at: TopicPartition): Promise<void> {
    const cursor = this.cursors.get(nameOf(at));
    if (!cursor) return;
    cursor.live = false;
    this.cursors.delete(nameOf(at));
    if (this.cursors.size === 0) await this.restart();
    else this.pause(at);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const cursor of this.cursors.values()) cursor.live = false;
    this.leaveSession();
    this.options.onClosed();
  }

  private place({ topic, partition, from }: LogStart): void {
    const at = { topic, partition };
    const before = this.cursors.get(nameOf(at));
    if (before) before.live = false;
    // A handler that still runs for the former place is waited for: two of one partition never run at once.
    const pumping = before?.pumping;
    const cursor: Cursor = { at, next: from, repeats: true, live: true, paused: false, waiting: [], pumping };
    this.cursors.set(nameOf(at), cursor);
    void pumping?.then(() => {
      cursor.pumping = undefined;
      this.pump(cursor);
    });
  }

  /** One restart at a time; changes that come before it begins are all in it: a new consumer takes a second where the broker is busy. */
  private restart(): Promise<void> {
    if (this.coming) return this.coming;
    const turn = this.changing.then(async () => {
      this.coming = undefined;
      this.leaveSession();
      if (!this.closed && this.cursors.size > 0) await this.openSession();
    });
    this.coming = turn;
    this.changing = turn.catch(() => undefined);
    return turn;
  }

  private leaveSession(): void {
    const { session } = this;
    this.session = undefined;
    if (session) this.options.leave(session.consumer.disconnect());
  }

  private async openSession(): Promise<void> {
    for (let attempt = 1; !this.closed; attempt++) {
      const crash = await this.tryOpen();
      if (!crash) return;
      this.leaveSession();
      if (attempt === MAX_ATTEMPTS) throw new ServerLost(`Kafka was lost: ${crash.message}`, { cause: crash });
      // A broker that has just started says for a while that its group coordinator is loading.
      await sleep(Math.min(100 * 2 ** attempt, 2000));
    }
  }

  /** Resolves to the error where the consumer could not join. */
  private async tryOpen(): Promise<Error | undefined> {
    const session: Session = { consumer: this.newConsumer(), joined: false, crash: undefined };
    const { consumer } = session;
    this.session = session;
    // Emitted before the first fetch, and again whenever the group made the consumer forget its offsets.
    consumer.on(consumer.events.GROUP_JOIN, () => this.seekAll(session));
    // A fetch from a broker that leads nothing of ours is over without a question; a heartbeat is not.
    consumer.on(consumer.events.HEARTBEAT, () => this.heard(session));
    if (this.options.fetch === 'prompt') consumer.on(consumer.events.FETCH, () => this.noteFetch());
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      session.crash = payload.error;
      if (session.joined) this.reopen(session);
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...new Set([...this.cursors.values()].map(({ at }) => at.topic))] });
      await consumer.run({
        autoCommit: false,
        // All partitions of a fetch at once: handlers run beside the consumer anyway.
        partitionsConsumedConcurrently: Math.max(1, this.cursors.size),
        eachBatch: (payload) => {
          this.take(session, payload);
          return this.untilNextFetch();
        },
      });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    if (session.crash) return session.crash;
    session.joined = true;
    return undefined;
  }

  /** The consumer gave up after its own retries: another one goes on at the same offsets, or the tail dies. */
  private reopen(session: Session): void {
    if (session !== this.session || this.closed) return;
    this.options.connection.onWarning(`Kafka: reading starts anew after: ${session.crash?.message ?? 'a crash'}`);
    this.restart().catch((error: Error) => this.fail(error));
  }

  private newConsumer(): Consumer {
    const { connection, fetch } = this.options;
    const kafka = kafkaClient(connection, (entry) => this.watch(entry));
    return kafka.consumer({
      groupId: `${connection.clientId}-tail-${randomUUID()}`,
      partitionAssigners: [this.assigner],
      ...FETCH[fetch],
      sessionTimeout: SESSION_MS,
      heartbeatInterval: SESSION_MS / 10,
      maxBytesPerPartition: 2_000_000,
      allowAutoTopicCreation: false,
      // No restart behind our back: a consumer that gave up is the tail's fault.
      retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 6, restartOnFailure: async () => false },
    });
  }

  /** The group's only member gets exactly our partitions. */
  private readonly assigner: PartitionAssigner = () => ({
    name: 'mutuel-own-partitions',
    version: 1,
    protocol: ({ topics }) => ({
      name: 'mutuel-own-partitions',
      metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }),
    }),
    assign: async ({ members }) =>
      members.map(({ memberId }) => ({
        memberId,
        memberAssignment: kafkajs.AssignerProtocol.MemberAssignment.encode({
          version: 1,
          assignment: this.assignment(),
          userData: Buffer.alloc(0),
        }),
      })),
  });

  private assignment(): Record<string, number[]> {
    const byTopic: Record<string, number[]> = {};
    for (const { at } of this.cursors.values()) {
      byTopic[at.topic] = [...(byTopic[at.topic] ?? []), at.partition];
    }
    return byTopic;
  }

  private seekAll(session: Session): void {
    if (session !== this.session) return;
    this.heard(session);
    for (const cursor of this.cursors.values()) {
      cursor.repeats = true;
      this.unpause(cursor); // A consumer that joins again still has paused what it had; a new one has nothing paused.
      session.consumer.seek({ ...cursor.at, offset: String(cursor.next) });
    }
  }

  /** The one sign kafkajs gives before it jumps to the newest record. */
  private watch({ log }: LogEntry): void {
    if (!log.message.startsWith('Offset out of range')) return;
    const at = { topic: String(log['topic']), partition: Number(log['partition']) };
    const next = this.cursors.get(nameOf(at))?.next;
    const what = `offset ${next}, which comes next, is out of range: records that were not read yet are gone, or the topic was made anew`;
    this.fail(new LogFault(`${nameOf(at)} was cut under its reader: ${what}`));
  }

  private take(session: Session, { batch }: EachBatchPayload): void {
    if (session !== this.session || this.closed) return;
    this.heard(session);
    const cursor = this.cursors.get(nameOf(batch));
    if (!cursor) return;
    for (const message of batch.messages) {
      const record = recordOf(message);
      if (record.offset < cursor.next && cursor.repeats) continue;
      if (record.offset !== cursor.next) {
        this.fail(discontinuity(cursor, record.offset));
        return;
      }
      cursor.repeats = false;
      cursor.next++;
      cursor.waiting.push(record);
    }
    if (cursor.waiting.length > MAX_WAITING_RECORDS && !cursor.paused) {
      cursor.paused = true;
      this.pause(cursor.at);
    }
    this.pump(cursor);
  }

  private heard(session: Session): void {
    if (session === this.session) this.options.onHeard();
  }

  /** No more fetches of it; what is on its way is ignored. The others read on. */
  private pause({ topic, partition }: TopicPartition): void {
    try {
      this.session?.consumer.pause([{ topic, partitions: [partition] }]);
    } catch {
      // The consumer has not joined yet, or has crashed: the one that does joins without it, or pauses it then.
    }
  }

  /** Every batch of a fetch waits for the same moment, and the next fetch for all of them. */
  private noteFetch(): void {
    const now = performance.now();
    this.nextFetchAt = Math.min(Math.max(now, this.nextFetchAt + PROMPT_EVERY_MS), now + PROMPT_EVERY_MS);
  }

  private async untilNextFetch(): Promise<void> {
    const wait = this.nextFetchAt - performance.now();
    if (wait > 0) await sleep(wait);
  }

  private pump(cursor: Cursor): void {
    if (cursor.pumping || !cursor.live || cursor.waiting.length === 0) return;
    cursor.pumping = this.handOut(cursor).finally(() => {
      cursor.pumping = undefined;
      this.pump(cursor); // What came right behind the last batch, and may have paused the partition.
    });
  }

  private async handOut(cursor: Cursor): Promise<void> {
    try {
      while (cursor.live && cursor.waiting.length > 0) {
        const records = cursor.waiting.splice(0, MAX_BATCH);
        this.resume(cursor);
        await this.options.onBatch(cursor.at, records);
      }
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private resume(cursor: Cursor): void {
    if (cursor.waiting.length <= MAX_WAITING_RECORDS / 2) this.unpause(cursor);
  }

  private unpause(cursor: Cursor): void {
    if (!cursor.paused) return;
    cursor.paused = false;
    try {
      this.session?.consumer.resume([{ topic: cursor.at.topic, partitions: [cursor.at.partition] }]);
    } catch {
      // The consumer has crashed or has not joined yet: the one that reads on starts with nothing paused.
    }
  }

  private fail(fault: Error): void {
    if (this.closed) return;
    void this.close();
    this.options.onFault(fault);
  }
}

function discontinuity({ at, next }: Cursor, offset: number): LogFault {
  return offset > next
    ? new LogFault(`${nameOf(at)} has a hole: offset ${offset} came where ${next} should be`)
    : new LogFault(`${nameOf(at)} went back: offset ${offset} came where ${next} should be; the log has lost its end`);
}

function recordOf({ offset, timestamp, value, headers }: KafkaMessage): LogRecord {
  const bytes = value ?? new Uint8Array(0);
  const context = headers?.[TRACE_HEADER];
  if (context !== undefined) carryContext(bytes, String(context));
  return { offset: Number(offset), time: Number(timestamp), value: bytes };
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

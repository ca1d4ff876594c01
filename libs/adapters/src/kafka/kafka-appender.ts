/**
 * Appends on Kafka. Whoever appends in the same moment shares one request, a producer for each leading broker: a producer of its own
 * for every writer costs both sides a request and an answer each. A producer has one request in flight and is destroyed after any
 * throw, whatever it was; then nobody in that request knows what became of his part. It must never send anything a second time.
 */
import type { Message, Producer, RecordMetadata } from 'kafkajs';
import { AppendFault, type AppendGroup, contextOf, type LogAppender, type TopicPartition } from '#mutuel/runtime';
import { checkAppend, MAX_APPEND_BYTES } from '../append-limits.js';
import { TRACE_HEADER } from './client.js';

export interface ProducerOptions {
  /** Connected, one request in flight, no retries. */
  readonly open: () => Promise<Producer>;
  readonly timeoutMs: number;
  /** After each request: what came of it. */
  readonly onAnswer: (fault?: AppendFault) => void;
  readonly leave: (leaving: Promise<unknown>) => void;
}

export interface AppenderOptions {
  readonly partitions: (topic: string) => Promise<number>;
  /** The producer for the broker that leads a partition, as far as is known: only who travels together depends on it. */
  readonly producerOf: (at: TopicPartition) => SharedProducer;
}

interface Passenger {
  readonly groups: readonly AppendGroup[];
  readonly bytes: number;
  readonly resolve: (bases: readonly number[]) => void;
  readonly reject: (fault: AppendFault) => void;
}

/** One producer's queue: what came while a request was on its way goes with the next one, one append to a partition in each. */
export class SharedProducer {
  readonly #o: ProducerOptions;
  #waiting: Passenger[] = [];
  #producer: Producer | undefined;
  #running = false;
  #closed = false;

  constructor(options: ProducerOptions) {
    this.#o = options;
  }

  /** Resolves to the first offset of each group. */
  append(groups: readonly AppendGroup[]): Promise<readonly number[]> {
    const bytes = groups.reduce((sum, { values }) => sum + sizeOf(values), 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ groups, bytes, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  close(): void {
    this.#closed = true;
    this.#discard();
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Writers that were woken by the same fetch have all spoken by then.
    await new Promise((next) => setImmediate(next));
    while (this.#waiting.length > 0) await this.#send(this.#board());
    this.#running = false;
  }

  async #send(passengers: readonly Passenger[]): Promise<void> {
    try {
      if (this.#closed) throw notAppended('the log is closed');
      this.#producer ??= await this.#o.open();
    } catch (cause) {
      const fault = notAppended(`Kafka cannot be reached (${(cause as Error).message})`, cause);
      this.#o.onAnswer(fault);
      for (const { reject } of passengers) reject(fault);
      return;
    }
    const groups = passengers.flatMap((passenger) => passenger.groups);
    try {
      const answers = await this.#produce(this.#producer, groups);
      this.#o.onAnswer();
      for (const passenger of passengers) arrive(passenger, answers);
    } catch (cause) {
      this.#discard();
      const fault = faultOf(groups, cause);
      this.#o.onAnswer(fault);
      for (const { reject } of passengers) reject(fault);
    }
  }

  #produce(producer: Producer, groups: readonly AppendGroup[]): Promise<RecordMetadata[]> {
    const byTopic = new Map<string, Message[]>();
    for (const { at, values } of groups) {
      const messages = byTopic.get(at.topic) ?? [];
      for (const value of values) messages.push(messageOf(at.partition, value));
      byTopic.set(at.topic, messages);
    }
    const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }));
    return producer.sendBatch({ acks: -1, timeout: this.#o.timeoutMs, topicMessages });
  }

  /** Those who go with the next request: in order, no two to one partition, no more bytes than one append may have. */
  #board(): Passenger[] {
    const taken = new Set<string>();
    const aboard: Passenger[] = [];
    const left: Passenger[] = [];
    let bytes = 0;
    for (const passenger of this.#waiting) {
      const places = passenger.groups.map(({ at }) => nameOf(at));
      const fits = aboard.length === 0 || bytes + passenger.bytes <= MAX_APPEND_BYTES;
      const goes = fits && !places.some((place) => taken.has(place));
      // Who stays behind keeps his place before later ones to the same partition.
      for (const place of places) taken.add(place);
      if (goes) bytes += passenger.bytes;
      (goes ? aboard : left).push(passenger);
    }
    this.#waiting = left;
    return aboard;
  }

  #discard(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer) this.#o.leave(producer.disconnect());
  }
}

export class KafkaAppender implements LogAppender {
  readonly #o: AppenderOptions;
  #busy = false;
  #dead = false;

  constructor(options: AppenderOptions) {
    this.#o = options;
  }

  async append(at: TopicPartition, values: readonly Uint8Array[]): Promise<{ readonly base: number }> {
    const [base = 0] = await this.#once([{ at, values }]);
    return { base };
  }

  async appendAll(groups: readonly AppendGroup[]): Promise<void> {
    await this.#once(groups);
  }

  async close(): Promise<void> {
    this.#dead = true;
  }

  /** One append at a time; after a throw, whatever it was, this appender is dead. */
  async #once(groups: readonly AppendGroup[]): Promise<readonly number[]> {
    if (this.#busy) throw new Error('An appender takes one append at a time');
    if (this.#dead) throw notAppended('this appender is closed or has failed; make a new one');
    this.#busy = true;
    try {
      for (const { values } of groups) checkAppend(values);
      for (const { at } of groups) await this.#checkPartition(at);
      return await this.#send(groups);
    } catch (fault) {
      this.#dead = true;
      throw fault;
    } finally {
      this.#busy = false;
    }
  }

  /** Over when every broker has answered or failed: what is still on its way would overlap with the next append. */
  async #send(groups: readonly AppendGroup[]): Promise<readonly number[]> {
    const byProducer = new Map<SharedProducer, AppendGroup[]>();
    for (const group of groups) {
      const producer = this.#o.producerOf(group.at);
      byProducer.set(producer, [...(byProducer.get(producer) ?? []), group]);
    }
    const parts = [...byProducer].map(([producer, part]) => producer.append(part));
    const [only] = parts;
    if (parts.length === 1 && only) return only;
    const ended = await Promise.allSettled(parts);
    const failed = ended.find((part) => part.status === 'rejected');
    if (failed) throw unknown(groups, failed.reason);
    return ended.flatMap((part) => (part.status === 'fulfilled' ? part.value : []));
  }

  async #checkPartition({ topic, partition }: TopicPartition): Promise<void> {
    const count = await this.#o.partitions(topic).catch((cause: Error) => {
      throw notAppended(cause.message, cause);
    });
    if (partition >= count) throw notAppended(`the log has no partition ${topic}/${partition}`);
  }
}

function arrive({ groups, resolve, reject }: Passenger, answers: readonly RecordMetadata[]): void {
  const bases = groups.map(({ at: { topic, partition } }) =>
    Number(answers.find((one) => one.topicName === topic && one.partition === partition)?.baseOffset ?? -1),
  );
  if (bases.every((base) => base >= 0)) resolve(bases);
  else reject(new AppendFault(`Kafka did not say where ${placesOf(groups)} got the append`, 'UNKNOWN'));
}

/**
 * Errors that only a produce answer carries, given before the broker appends. Nothing else is certain: a broker that loses its
 * leadership while it waits for the others says NOT_LEADER after it has appended, and when kafkajs cannot reconnect after a lost
 * answer, it shows the error of the reconnection (refused, leader not available, unknown topic) instead of the first one.
 */
const CERTAIN_REFUSALS = new Set([
  'NOT_ENOUGH_REPLICAS',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_REQUIRED_ACKS',
]);

/** The broker may have taken some partitions and refused another: such an answer speaks for a request of one alone. */
function faultOf(groups: readonly AppendGroup[], cause: unknown): AppendFault {
  if (groups.length > 1 || !CERTAIN_REFUSALS.has(typeOf(cause) ?? '')) return unknown(groups, cause);
  return notAppended(`${placesOf(groups)} refused it (${reasonOf(cause)})`, cause);
}

/** The protocol's error code, also when kafkajs wrapped it in "number of retries exceeded". */
export function typeOf(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { type } = one as { type?: unknown };
    if (typeof type === 'string') return type;
  }
  return undefined;
}

function unknown(groups: readonly AppendGroup[], cause: unknown): AppendFault {
  const what = `It is unknown whether ${placesOf(groups)} got the append: ${reasonOf(cause)}`;
  return new AppendFault(what, 'UNKNOWN', { cause });
}

export function notAppended(reason: string, cause?: unknown): AppendFault {
  return new AppendFault(`Nothing was appended: ${reason}`, 'NOT_APPENDED', { cause });
}

/** A trace's context goes into the headers, beside the bytes that are hashed; most records have none. */
function messageOf(partition: number, value: Uint8Array): Message {
  const context = contextOf(value);
  const message = { partition, value: asBuffer(value) };
  return context === undefined ? message : { ...message, headers: { [TRACE_HEADER]: context.split(',') } };
}

function asBuffer(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

const sizeOf = (values: readonly Uint8Array[]): number => values.reduce((sum, { byteLength }) => sum + byteLength, 0);

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

const placesOf = (groups: readonly AppendGroup[]): string => groups.map(({ at }) => nameOf(at)).join(', ');

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * Where tools read the log: the embedded files beside a running system, or Kafka where its brokers are named. Where it is cut, it is cut
 * by what rests on what: a clock must never say so, since brokers have one each.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type LogReader, openKafkaLog, openLmdbReader } from '#mutuel/adapters';
import { TOPICS, type Topic } from '#mutuel/contracts';
import type { TopicPartition } from '#mutuel/runtime';
import type { Config } from './config.js';
import { kafkaOf } from './kafka-connection.js';
import { asStartFault, EXIT, StartFault } from './start-fault.js';

export type { LogReader };

export async function openLogReader(config: Config, onWarning: (line: string) => void): Promise<LogReader> {
  try {
    const kafka = kafkaOf(config, 'mutuel-log', onWarning);
    if (kafka === undefined) return openLmdbReader(config.data);
    const log = await openKafkaLog(kafka);
    const counts = await Promise.all(
      Object.values(TOPICS).map(async (topic) => [topic, await log.partitions(topic)] as const),
    );
    return {
      topics: new Map<Topic, number>(counts),
      read: (start, limit) => log.read(start, limit),
      bounds: (at) => log.bounds(at),
      close: () => log.close(),
    };
  } catch (fault) {
    return asStartFault(fault);
  }
}

/**
 * Effects before their causes: who asks for their ends in this order never gets the end of a cause from before its effect. Only what the
 * market decided and what people said in `cluster` comes round again, into the shards' logs.
 */
const EFFECTS_FIRST: readonly Topic[] = [
  TOPICS.odds,
  TOPICS.cluster,
  TOPICS.marketDecisions,
  TOPICS.marketCommands,
  TOPICS.shardDecisions,
  TOPICS.shardCommands,
];
const COME_ROUND: readonly Topic[] = [TOPICS.cluster, TOPICS.marketDecisions];
/** The market decides some times a second at most, a burst of shards' reports aside: an attempt takes a few round trips. */
const ATTEMPTS = 500;
const PAUSE_MS = 20;

/** Where each partition of the log ends in one moment. */
export class LogEnds {
  readonly #ends = new Map<string, number>();

  of({ topic, partition }: TopicPartition): number {
    return this.#ends.get(`${topic}/${partition}`) ?? 0;
  }

  async ask(reader: LogEndsReader, topics: readonly Topic[]): Promise<this> {
    for (const topic of topics)
      await Promise.all(
        Array.from({ length: reader.topics.get(topic) ?? 0 }, async (_, partition) => {
          const { end } = await reader.bounds({ topic, partition });
          this.#ends.set(`${topic}/${partition}`, end);
        }),
      );
    return this;
  }

  isWhere(other: LogEnds): boolean {
    return [...this.#ends].every(([place, end]) => other.#ends.get(place) === end);
  }
}

type LogEndsReader = Pick<LogReader, 'topics' | 'bounds'>;

/** Ends up to which nothing in the log rests on anything that is not, beside a system that goes on. */
export async function endsOfMoment(reader: LogEndsReader): Promise<LogEnds> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const ends = await new LogEnds().ask(reader, EFFECTS_FIRST);
    // Nothing of these came in between: no shard can have heard of it.
    if ((await new LogEnds().ask(reader, COME_ROUND)).isWhere(ends)) return ends;
    await sleep(PAUSE_MS);
  }
  throw new StartFault(['The market decides too much at the moment for the log to be cut: try again.'], EXIT.SERVER);
}

/** Where tools read the log: the embedded files beside a running system, or Kafka where its brokers are named. */
import { type LogReader, openKafkaLog, openLmdbReader } from '#mutuel/adapters';
import { TOPICS, type Topic } from '#mutuel/contracts';
import type { Config } from './config.js';
import { kafkaOf } from './kafka-connection.js';
import { asStartFault } from './start-fault.js';

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

/** Appends under way, and clocks of several brokers, are behind the cut by then. */
const SETTLED_MS = 1_000;

/** Up to this append time the log says everything now, and will say nothing else later; milliseconds UTC. */
export const settledCut = (now: number): number => now - SETTLED_MS;

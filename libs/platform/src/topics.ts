/** The log's topics from the command line: made with the settings the log relies on, and looked at without changing anything. */
import { checkKafkaTopics, ensureKafkaTopics, openKafkaLog, type TopicFault } from '#mutuel/adapters';
import { TOPICS, topicsOf } from '#mutuel/contracts';
import type { EventLog } from '#mutuel/runtime';
import type { Config } from './config.js';
import { kafkaOf } from './kafka-connection.js';
import { asStartFault, EXIT, StartFault } from './start-fault.js';

/** Of a log that is not there yet. */
const DISTRIBUTED_SHARDS = 4;

type OnWarning = (line: string) => void;

/** As many as were asked for; else as many as the log was made with. */
export async function shardsOf(log: Pick<EventLog, 'partitions'>, asked: number | undefined): Promise<number> {
  return asked ?? ((await log.partitions(TOPICS.shardCommands).catch(() => 0)) || DISTRIBUTED_SHARDS);
}

/** Makes those that are missing; resolves to what makes them unfit for other people's money. */
export async function createTopics(config: Config, onWarning: OnWarning): Promise<readonly TopicFault[]> {
  const options = await optionsOf(config, onWarning);
  const replication = config.replication ?? Math.min(3, options.brokers.length);
  await ensureKafkaTopics({ ...options, replication, minInsync: replication > 1 ? 2 : 1 }).catch(asStartFault);
  return checkKafkaTopics(options).catch(asStartFault);
}

export async function checkTopics(config: Config, onWarning: OnWarning): Promise<readonly TopicFault[]> {
  return checkKafkaTopics(await optionsOf(config, onWarning)).catch(asStartFault);
}

async function optionsOf(config: Config, onWarning: OnWarning) {
  const connection = kafkaOf(config, 'mutuel-topics', onWarning);
  if (connection === undefined)
    throw new StartFault(
      ['KAFKA_BROKERS, DATABASE_URL and REDIS_URL must be set: only Kafka has topics.'],
      EXIT.SETTING,
    );
  const log = await openKafkaLog(connection).catch(asStartFault);
  try {
    return { ...connection, topics: topicsOf(await shardsOf(log, config.shards)) };
  } finally {
    await log.close();
  }
}

/** The log's topics from the command line: made with the settings the log relies on, and looked at without changing anything. */
import { checkKafkaTopics, ensureKafkaTopics, requireKafkaVersion, type TopicFault } from '#mutuel/adapters';
import { topicsOf } from '#mutuel/contracts';
import type { Config } from './config.js';
import { asStartFault, EXIT, StartFault } from './start-fault.js';

const DEFAULT_SHARDS = 4;

type OnWarning = (line: string) => void;

/** Makes those that are missing; resolves to what makes them unfit for other people's money. */
export async function createTopics(config: Config, onWarning: OnWarning): Promise<readonly TopicFault[]> {
  const options = optionsOf(config, onWarning);
  const replication = config.replication ?? Math.min(3, options.brokers.length);
  await requireKafkaVersion(options).catch(asStartFault);
  await ensureKafkaTopics({ ...options, replication, minInsync: replication > 1 ? 2 : 1 }).catch(asStartFault);
  return checkTopics(config, onWarning);
}

export async function checkTopics(config: Config, onWarning: OnWarning): Promise<readonly TopicFault[]> {
  return checkKafkaTopics(optionsOf(config, onWarning)).catch(asStartFault);
}

function optionsOf({ brokers, shards = DEFAULT_SHARDS }: Config, onWarning: OnWarning) {
  if (brokers === undefined)
    throw new StartFault(
      ['KAFKA_BROKERS, DATABASE_URL and REDIS_URL must be set: only Kafka has topics.'],
      EXIT.SETTING,
    );
  return { brokers, clientId: 'mutuel-topics', onWarning, topics: topicsOf(shards) };
}

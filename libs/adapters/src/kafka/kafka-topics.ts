/**
 * Creates the log's topics and says what is unsafe about those that exist. It must never change a topic that is there: partition
 * counts are fixed for a cluster epoch, and settings belong to the operator. Nor must it make one anew that the log has lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin, type DescribeConfigResponse } from 'kafkajs';
import { TOPICS } from '#mutuel/contracts';
import { isRetriable } from '#mutuel/runtime';
import { MAX_APPEND_BYTES } from '../append-limits.js';
import { ServerLost } from '../server-lost.js';
import { SetupFault } from '../setup-fault.js';
import { type KafkaConnection, settled } from './client.js';
import { connectAdmin } from './kafka-door.js';

export interface TopicsOptions extends KafkaConnection {
  /** Topic → partitions. */
  readonly topics: Readonly<Record<string, number>>;
}

export interface EnsureTopicsOptions extends TopicsOptions {
  readonly replication: number;
  readonly minInsync: number;
}

/** What every topic of the log is created with; the log is the truth, so nothing is compacted, expired or elected unclean. */
export const TOPIC_SETTINGS: Readonly<Record<string, string>> = {
  'message.timestamp.type': 'LogAppendTime',
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'unclean.leader.election.enable': 'false',
  'max.message.bytes': String(MAX_APPEND_BYTES * 2),
};

const EXPIRES = ['retention.ms', 'retention.bytes'] as const;

/**
 * What is wrong with a topic. `DURABILITY`: one machine's loss can lose acknowledged bets; somebody may choose to live with that and
 * say so. `TRUTH`: append times, order or completeness are not what decisions rely on; nobody may.
 */
export interface TopicFault {
  readonly kind: 'DURABILITY' | 'TRUTH';
  readonly sentence: string;
}

/** Creates what is missing; an existing topic with another number of partitions is an error, and so is a log that has lost one. */
export async function ensureKafkaTopics(options: EnsureTopicsOptions): Promise<void> {
  const { topics, replication, minInsync } = options;
  await withAdmin(options, async (admin) => {
    if (topics[TOPICS.cluster] !== undefined) await requireNothingLost(admin);
    const existing = await admin.listTopics();
    const missing = Object.entries(topics).filter(([topic]) => !existing.includes(topic));
    // Another process may be at it in this very moment; then nothing is created here, and not every broker knows them yet.
    if (missing.length > 0) await young(() => create(admin, missing, replication, minInsync));
    for (const { sentence } of await young(() => partitionFaults(admin, topics)))
      throw new SetupFault(
        'PARTITIONS',
        `${sentence} Accounts would be looked for in other shards: restore the topics, or set SHARDS to what they were made for.`,
      );
    // Made by us or a moment ago by another role: nobody goes on before every partition answers.
    await untilAnswered(admin, Object.keys(topics));
  });
}

/** One sentence for each thing that makes the topics unfit for other people's money; empty when all is well. */
export async function checkKafkaTopics(options: TopicsOptions): Promise<readonly TopicFault[]> {
  return withAdmin(options, async (admin) => {
    const names = Object.keys(options.topics);
    const existing = await admin.listTopics();
    const absent = names
      .filter((topic) => !existing.includes(topic))
      .map((topic) => untrue(`Topic ${topic} does not exist.`));
    if (absent.length > 0) return absent;
    const ask = { type: kafkajs.ConfigResourceTypes.TOPIC };
    const { resources } = await young(() =>
      admin.describeConfigs({ includeSynonyms: false, resources: names.map((name) => ({ ...ask, name })) }),
    );
    return [
      ...(await young(() => partitionFaults(admin, options.topics))),
      ...(await young(() => replicationFaults(admin, names))),
      ...resources.flatMap(settingFaults),
    ];
  });
}

/**
 * There before a log is founded, and none of its records before that. Ticks can be made from decisions again; a topic that a later
 * release adds is made on logs that were founded without it.
 */
const OF_EVERY_LOG = [
  TOPICS.shardCommands,
  TOPICS.shardDecisions,
  TOPICS.marketCommands,
  TOPICS.marketDecisions,
] as const;
/** Somebody may found the log while it is looked at, and a broker may hear of a topic later than the others. */
const LOST_FOR_MS = 5_000;
const LOOK_AGAIN_MS = 250;

async function requireNothingLost(admin: Admin): Promise<void> {
  for (const until = performance.now() + LOST_FOR_MS; ; await sleep(LOOK_AGAIN_MS)) {
    const lost = await lossOf(admin);
    if (lost === undefined) return;
    if (performance.now() > until) throw new SetupFault('TOPICS', lost);
  }
}

async function lossOf(admin: Admin): Promise<string | undefined> {
  const existing = await admin.listTopics();
  const holdsRecords = async (topic: string): Promise<boolean> =>
    existing.includes(topic) &&
    (await young(() => admin.fetchTopicOffsets(topic))).some(({ high }) => Number(high) > 0);
  const advice =
    'Restore the log from its archive (`mutuel restore`) into a cluster without its topics, or name the brokers that hold it.';
  if (await holdsRecords(TOPICS.cluster)) {
    const gone = OF_EVERY_LOG.filter((topic) => !existing.includes(topic)).join(', ');
    return gone === '' ? undefined : `The log was founded with ${gone}, gone by now, which is not made anew. ${advice}`;
  }
  for (const topic of OF_EVERY_LOG)
    if (await holdsRecords(topic))
      return `Topic ${topic} holds records, but ${TOPICS.cluster} none that say what the log was founded with. ${advice}`;
  return undefined;
}

/** Resolves when every partition of these topics has a leader that answers for it. */
export async function untilAnswered(admin: Admin, topics: readonly string[]): Promise<void> {
  for (const topic of topics) await young(() => admin.fetchTopicOffsets(topic));
}

/** A broker that has just started, with others that have just started, takes its time to know a topic. */
const YOUNG_MS = 20_000;

async function young<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await settled(question, YOUNG_MS);
  } catch (cause) {
    const isUnsettled = cause instanceof TypeError || isRetriable(cause);
    if (!isUnsettled) throw cause;
    throw new ServerLost(`Kafka's brokers do not agree on the log's topics yet: ${(cause as Error).message}`, {
      cause,
    });
  }
}

async function create(
  admin: Admin,
  missing: readonly (readonly [string, number])[],
  replication: number,
  minInsync: number,
): Promise<void> {
  const settings = { ...TOPIC_SETTINGS, 'min.insync.replicas': String(minInsync) };
  await admin.createTopics({
    waitForLeaders: true,
    topics: missing.map(([topic, numPartitions]) => ({
      topic,
      numPartitions,
      replicationFactor: replication,
      configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
    })),
  });
}

async function partitionFaults(admin: Admin, topics: Readonly<Record<string, number>>): Promise<TopicFault[]> {
  const metadata = await admin.fetchTopicMetadata({ topics: Object.keys(topics) });
  return metadata.topics
    .filter(({ name, partitions }) => partitions.length !== topics[name])
    .map(({ name, partitions }) => untrue(`Topic ${name} has ${partitions.length} partitions, not ${topics[name]}.`));
}

async function replicationFaults(admin: Admin, names: readonly string[]): Promise<TopicFault[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
  return topics.flatMap(({ name, partitions }) => {
    const least = Math.min(...partitions.map(({ replicas }) => replicas.length));
    return least >= 3 ? [] : [fragile(`Topic ${name} has ${least} replicas; 3 are needed to lose one broker safely.`)];
  });
}

function settingFaults({ resourceName, configEntries }: DescribeConfigResponse['resources'][number]): TopicFault[] {
  const value = (name: string) => configEntries.find(({ configName }) => configName === name)?.configValue ?? '';
  const checks: readonly (readonly [boolean, typeof fragile, string])[] = [
    [
      Number(value('min.insync.replicas')) >= 2,
      fragile,
      `min.insync.replicas is ${value('min.insync.replicas')}; 2 are needed`,
    ],
    [
      value('unclean.leader.election.enable') === 'false',
      fragile,
      'unclean leader election is on; it loses acknowledged bets',
    ],
    [
      value('message.timestamp.type') === 'LogAppendTime',
      untrue,
      'the time of a record is not its append time (LogAppendTime)',
    ],
    [
      value('cleanup.policy') === 'delete',
      untrue,
      `cleanup.policy is ${value('cleanup.policy')}; the log is never compacted`,
    ],
    // What expires is gone from the truth. Ticks are made from decisions: an installation may let old ones go.
    [
      resourceName === TOPICS.odds || EXPIRES.every((setting) => value(setting) === '-1'),
      untrue,
      `its records expire (${EXPIRES.map((setting) => `${setting} is ${value(setting)}`).join(', ')}; both must be -1)`,
    ],
    [
      Number(value('max.message.bytes')) >= MAX_APPEND_BYTES * 1.1,
      untrue,
      `max.message.bytes is below an append's ${MAX_APPEND_BYTES}`,
    ],
  ];
  return checks.filter(([fine]) => !fine).map(([, kind, fault]) => kind(`Topic ${resourceName}: ${fault}.`));
}

const fragile = (sentence: string): TopicFault => ({ kind: 'DURABILITY', sentence });
const untrue = (sentence: string): TopicFault => ({ kind: 'TRUTH', sentence });

async function withAdmin<T>(options: KafkaConnection, work: (admin: Admin) => Promise<T>): Promise<T> {
  const { admin } = await connectAdmin(options);
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/**
 * Puts an archive back into topics that do not exist yet: made with the writer's times, filled in order, and given the settings of
 * every other topic of the log at the end. Until then nobody can mistake them for a log, since their times are no append times.
 */
import kafkajs from 'kafkajs';
import type { LogRestorer } from '../log-restorer.js';
import { SetupFault } from '../setup-fault.js';
import type { KafkaConnection } from './client.js';
import { connectAdmin } from './kafka-door.js';
import { TOPIC_SETTINGS, untilAnswered } from './kafka-topics.js';

export interface KafkaRestorerOptions extends KafkaConnection {
  /** Topic → partitions. */
  readonly topics: Readonly<Record<string, number>>;
  readonly replication: number;
}

/** Records and bytes of one request. */
const SEND_RECORDS = 500;
const SEND_BYTES = 2_000_000;
/** Empty records of one request. */
const SEND_FILLERS = 10_000;

export async function openKafkaRestorer(options: KafkaRestorerOptions): Promise<LogRestorer> {
  const { topics, replication } = options;
  const { kafka, admin } = await connectAdmin(options);
  const there = new Set(await admin.listTopics());
  const known = Object.keys(topics).filter((topic) => there.has(topic));
  if (known.length > 0) {
    await admin.disconnect();
    throw new SetupFault('TOPICS', `Topics ${known.join(', ')} exist already: restore into a cluster without them.`);
  }
  const settings: Readonly<Record<string, string>> = {
    ...TOPIC_SETTINGS,
    'min.insync.replicas': String(replication > 1 ? 2 : 1),
  };
  const entries = (more: Readonly<Record<string, string>>) =>
    Object.entries({ ...settings, ...more }).map(([name, value]) => ({ name, value }));
  await admin.createTopics({
    // The client waits for leaders, not for brokers to know the topic: it would end where one does not yet.
    waitForLeaders: false,
    topics: Object.entries(topics).map(([topic, numPartitions]) => ({
      ...{ topic, numPartitions, replicationFactor: replication },
      configEntries: entries({ 'message.timestamp.type': 'CreateTime' }),
    })),
  });
  // On brokers that have just started a leader may be named before it knows that it is one; what is written is written once.
  await untilAnswered(admin, Object.keys(topics));
  const producer = kafka.producer({ maxInFlightRequests: 1, retry: { retries: 0 }, allowAutoTopicCreation: false });
  await producer.connect();
  return {
    /** Kafka gives offsets itself: those that are gone are taken by empty records, which are deleted before there are others. */
    async begin({ topic, partition }, first) {
      for (let next = 0; next < first; ) {
        const count = Math.min(SEND_FILLERS, first - next);
        const messages = Array.from({ length: count }, () => ({ partition, timestamp: '0', value: Buffer.alloc(0) }));
        const [answer] = await producer.send({ topic, acks: -1, messages });
        if (Number(answer?.baseOffset) !== next)
          throw new Error(
            `${topic}/${partition} took offset ${next} at ${answer?.baseOffset}: delete the topics and try again`,
          );
        next += count;
      }
      // The client knows who leads only those topics that it was asked about.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(first) }] });
    },
    async write({ topic, partition }, records) {
      for (let from = 0; from < records.length; ) {
        let to = from;
        for (let bytes = 0; to < records.length && to - from < SEND_RECORDS && bytes < SEND_BYTES; to++)
          bytes += records[to]?.value.byteLength ?? 0;
        const some = records.slice(from, to);
        const messages = some.map(({ time, value }) => ({
          partition,
          timestamp: String(time),
          value: Buffer.from(value),
        }));
        const [answer] = await producer.send({ topic, acks: -1, messages });
        if (Number(answer?.baseOffset) !== some[0]?.offset)
          throw new Error(
            `${topic}/${partition} took offset ${some[0]?.offset} at ${answer?.baseOffset}: delete the topics and try again`,
          );
        from = to;
      }
    },
    async finish() {
      await admin.alterConfigs({
        validateOnly: false,
        resources: Object.keys(topics).map((name) => ({
          ...{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries: entries({}) },
        })),
      });
    },
    async close() {
      await producer.disconnect();
      await admin.disconnect();
    },
  };
}

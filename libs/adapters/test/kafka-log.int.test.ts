/** The event log on a real Kafka: the shared suite, and what only a broker can do to a reader. */
import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import kafkajs from 'kafkajs';
import { afterEach, describe, expect, it } from 'vitest';
import { checkKafkaTopics, ensureKafkaTopics, openKafkaLog, openKafkaRestorer } from '#mutuel/adapters';
import { type EventLog, LogFault, type LogRecord, type TopicPartition } from '#mutuel/runtime';
import { describeFaultyLog } from './log-fault-features.js';
import { describeLog, type LogFixture } from './log-features.js';
import { bytesOf, Collector, textsOf, until } from './support/log-helpers.js';
import { servers } from './support/servers.js';

const onWarning = (): void => undefined;
const newTopic = () => `test-${randomBytes(6).toString('hex')}`;
const connection = async () => ({ brokers: (await servers()).brokers, clientId: 'test', onWarning });

async function logWith(topics: Record<string, number>): Promise<EventLog> {
  const to = await connection();
  await ensureKafkaTopics({ ...to, topics, replication: 1, minInsync: 1 });
  return openKafkaLog(to);
}

const admin = async () => {
  const client = new kafkajs.Kafka({
    brokers: [...(await servers()).brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await client.connect();
  return client;
};

/** More than a reader takes ahead of its handler. */
const HELD_RECORDS = 8_000;

/** A reader of so many records whose handler keeps its first batch until it is released. */
async function heldReader(log: EventLog, at: TopicPartition) {
  const appender = await log.appender();
  const values = Array.from({ length: 100 }, () => new Uint8Array(1_000));
  for (let i = 0; i < HELD_RECORDS; i += values.length) await appender.append(at, values);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const offsets: number[] = [];
  const faults: Error[] = [];
  const onBatch = async (_: unknown, records: readonly LogRecord[]): Promise<void> => {
    offsets.push(...records.map(({ offset }) => offset));
    await held;
  };
  const tail = await log.tail([{ ...at, from: 0 }], onBatch, (fault) => faults.push(fault), { fetch: 'bulk' });
  return { offsets, faults, tail, release };
}

const openFixture = async (): Promise<LogFixture> => {
  const topic = newTopic();
  const log = await logWith({ [topic]: 3 });
  return {
    log,
    topic,
    reopen: async () => openKafkaLog(await connection()),
    dispose: async () => {
      await log.close();
      const client = await admin();
      await client.deleteTopics({ topics: [topic] });
      await client.disconnect();
    },
  };
};

describeLog('Kafka', openFixture);
describeFaultyLog('Kafka', openFixture, [1, 2], 30);

describe('A log on Kafka', () => {
  let log: EventLog | undefined;
  afterEach(async () => {
    await log?.close();
    log = undefined;
  });

  it('stamps records with the time of the broker, not of the writer', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 1 });
    const at = { topic, partition: 0 };
    const producer = new kafkajs.Kafka({ brokers: [...(await servers()).brokers] }).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    await producer.send({ topic, messages: [{ partition: 0, value: 'a', timestamp: '1000' }] });
    await producer.disconnect();
    const [record] = await log.read({ ...at, from: 0 }, 1);
    expect(record?.time).toBeGreaterThan(Date.parse('2020-01-01'));
  });

  it('refuses a reader whose offset was deleted, and none that starts where the log begins now', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 1 });
    const at = { topic, partition: 0 };
    const appender = await log.appender();
    for (let i = 0; i < 6; i++) await appender.append(at, bytesOf(`${i}`));
    const client = await admin();
    // The client deletes only where it knows the leaders.
    await client.fetchTopicOffsets(topic);
    await client.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
    await client.disconnect();
    await expect(
      log.tail(
        [{ ...at, from: 3 }],
        () => undefined,
        () => undefined,
      ),
    ).rejects.toThrow(LogFault);
    expect(await log.bounds(at)).toEqual({ start: 4, end: 6 });
    const seen = new Collector();
    await seen.tail(log, [{ ...at, from: 4 }]);
    await until(() => seen.of(at).length === 2);
    await seen.close();
  });

  it('stops a reader that follows when records that it has not read yet are deleted', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 1 });
    const { offsets, faults, release } = await heldReader(log, { topic, partition: 0 });
    await until(() => offsets.length > 0);
    const client = await admin();
    await client.fetchTopicOffsets(topic);
    await client.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '7900' }] });
    await client.disconnect();
    release();
    await until(() => faults.length > 0);
    expect(faults).toEqual([expect.any(LogFault)]);
    expect(faults[0]?.message).toMatch(
      new RegExp(`^${topic}/0 was cut under its reader: offset \\d+, which comes next, is out of range: `),
    );
    expect(offsets).toEqual(offsets.map((_, i) => i));
    expect(offsets.length).toBeLessThan(7_900);
  });

  it('stops a reader that follows when its topic is made anew', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 1 });
    const at = { topic, partition: 0 };
    await (await log.appender()).append(at, bytesOf('a', 'b', 'c'));
    const texts: string[] = [];
    const faults: Error[] = [];
    const onBatch = (_: unknown, records: readonly LogRecord[]): void => void texts.push(...textsOf(records));
    await log.tail([{ ...at, from: 0 }], onBatch, (fault) => faults.push(fault));
    await until(() => texts.length === 3);
    const client = await admin();
    await client.deleteTopics({ topics: [topic] });
    await expect.poll(async () => (await client.listTopics()).includes(topic)).toBe(false);
    await client.disconnect();
    await (await logWith({ [topic]: 1 })).close();
    await until(() => faults.length > 0, 120_000);
    expect(faults[0]).toBeInstanceOf(LogFault);
    expect(faults[0]?.message).toContain(
      `${topic}/0 was cut under its reader: offset 3, which comes next, is out of range`,
    );
    expect(texts).toEqual(['a', 'b', 'c']);
  });

  it('lets many processes make the topics at once, and none goes on before every broker knows them', async () => {
    const to = await connection();
    const topics = Object.fromEntries(Array.from({ length: 6 }, () => [newTopic(), 3] as const));
    const start = async (): Promise<readonly unknown[]> => {
      await ensureKafkaTopics({ ...to, topics, replication: 1, minInsync: 1 });
      const faults = await checkKafkaTopics({ ...to, topics });
      return faults.filter(({ kind }) => kind === 'TRUTH');
    };
    const starts = await Promise.all(Array.from({ length: 8 }, start));
    expect(starts.flat()).toEqual([]);
  });

  it('makes one new consumer for all partitions that are asked for in one moment, and none for those let go', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 6 });
    await log.close();
    const clientId = `sessions-${topic}`;
    log = await openKafkaLog({ ...(await connection()), clientId });
    const at = (partition: number) => ({ topic, partition });
    const seen = new Collector();
    const tail = await seen.tail(log, [{ ...at(0), from: 0 }]);
    await Promise.all([1, 2, 3, 4, 5].map((partition) => tail.add({ ...at(partition), from: 0 })));
    for (const partition of [1, 2, 3]) await tail.remove(at(partition));
    const appender = await log.appender();
    for (const partition of [0, 1, 4]) await appender.append(at(partition), bytesOf('a'));
    await until(() => seen.of(at(0)).length === 1 && seen.of(at(4)).length === 1);
    expect(seen.of(at(1))).toEqual([]);
    const client = await admin();
    const { groups } = await client.listGroups();
    await client.disconnect();
    expect(groups.filter(({ groupId }) => groupId.startsWith(clientId)).length).toBeLessThanOrEqual(3);
    await seen.close();
  });

  it('opens, appends and reads where the first broker of the list stands still', async () => {
    const still = createServer(() => undefined);
    await new Promise<void>((resolve) => still.listen(0, '127.0.0.1', resolve));
    const to = await connection();
    const topic = newTopic();
    await ensureKafkaTopics({ ...to, topics: { [topic]: 1 }, replication: 1, minInsync: 1 });
    const { port } = still.address() as AddressInfo;
    log = await openKafkaLog({ ...to, brokers: [`127.0.0.1:${port}`, ...to.brokers] });
    const at = { topic, partition: 0 };
    for (const text of ['a', 'b']) await (await log.appender()).append(at, bytesOf(text));
    expect(textsOf(await log.read({ ...at, from: 0 }, 2))).toEqual(['a', 'b']);
    await log.close();
    log = undefined;
    still.close();
  });

  it('stops a reader at a hole in the offsets', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 1 });
    const at = { topic, partition: 0 };
    await (await log.appender()).append(at, bytesOf('a'));
    await commitForeign(log, topic);
    await (await log.appender()).append(at, bytesOf('c'));
    const faults: Error[] = [];
    await log.tail(
      [{ ...at, from: 0 }],
      () => undefined,
      (fault) => faults.push(fault),
    );
    await until(() => faults.length === 1);
    expect(faults[0]).toBeInstanceOf(LogFault);
    expect(faults[0]?.message).toBe(`${topic}/0 has a hole: offset 3 came where 2 should be`);
  });

  it('says what is missing where the log ends with an offset that holds no record', async () => {
    const topic = newTopic();
    await ensureKafkaTopics({ ...(await connection()), topics: { [topic]: 1 }, replication: 1, minInsync: 1 });
    log = await openKafkaLog({ ...(await connection()), requestTimeoutMs: 1_000 });
    await commitForeign(log, topic);
    const at = { topic, partition: 0 };
    expect(textsOf(await log.read({ ...at, from: 0 }, 1))).toEqual(['b']);
    const reading = log.read({ ...at, from: 0 }, 2);
    await expect(reading).rejects.toThrow(LogFault);
    await expect(reading).rejects.toThrow(
      new RegExp(`^${topic}/0 ends before 2, but Kafka has not handed out offset 1 for \\d+ s, though it answers`),
    );
  });

  it('hands out a backlog larger than one fetch to a slow handler, in order and complete', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 2 });
    const at = { topic, partition: 0 };
    const appender = await log.appender();
    const values = Array.from({ length: 100 }, () => new Uint8Array(1000));
    for (let i = 0; i < 100; i++) await appender.append(at, values);
    const offsets: number[] = [];
    const tail = await log.tail(
      [{ ...at, from: 0 }],
      async (_, records) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        offsets.push(...records.map(({ offset }) => offset));
      },
      (fault) => expect.fail(fault.message),
      { fetch: 'bulk' },
    );
    await until(() => offsets.length === 10_000);
    expect(offsets).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    await tail.close();
  });

  it('reads on after its group has joined again while a slow handler had the partition paused', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 1 });
    const { offsets, faults, release, tail } = await heldReader(log, { topic, partition: 0 });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    // The broker drops a member of which it hears nothing for eight seconds; it joins again when it is told so.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 9_000);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    release();
    await until(() => offsets.length === HELD_RECORDS || faults.length > 0);
    expect(faults).toEqual([]);
    expect(offsets).toEqual(Array.from({ length: HELD_RECORDS }, (_, i) => i));
    await tail.close();
  });

  it('carries what several writers append in the same moment together, and tells each his own first offset', async () => {
    const topic = newTopic();
    log = await logWith({ [topic]: 3 });
    const writers = await Promise.all([0, 0, 1, 2].map(() => (log as EventLog).appender()));
    const bases = await Promise.all(
      [0, 0, 1, 2].map((partition, i) => writers[i]?.append({ topic, partition }, bytesOf(`${i}a`, `${i}b`))),
    );
    expect(bases.map((one) => one?.base)).toEqual([0, 2, 0, 0]);
    const read = await log.read({ topic, partition: 0, from: 0 }, 4);
    expect(read.map(({ value }) => Buffer.from(value).toString())).toEqual(['0a', '0b', '1a', '1b']);
  });

  it('knows that nothing was appended when the broker says so, and cannot know when the topic is gone', async () => {
    const [narrow, gone] = [newTopic(), newTopic()];
    log = await logWith({ [gone]: 1 });
    const client = await admin();
    const configEntries = [{ name: 'max.message.bytes', value: '1000' }];
    await client.createTopics({ topics: [{ topic: narrow, configEntries }], waitForLeaders: true });
    const large = (await log.appender()).append({ topic: narrow, partition: 0 }, [new Uint8Array(5000)]);
    await expect(large).rejects.toMatchObject({ outcome: 'NOT_APPENDED' });
    const appender = await log.appender();
    await appender.append({ topic: gone, partition: 0 }, bytesOf('a'));
    await client.deleteTopics({ topics: [gone] });
    await client.disconnect();
    const lost = appender.append({ topic: gone, partition: 0 }, bytesOf('b'));
    await expect(lost).rejects.toMatchObject({ outcome: 'UNKNOWN' });
  });

  it('cannot call an append to several partitions refused of which the broker took one part and not the other', async () => {
    const [wide, narrow] = [newTopic(), newTopic()];
    log = await logWith({ [wide]: 1 });
    const client = await admin();
    const configEntries = [{ name: 'max.message.bytes', value: '1000' }];
    await client.createTopics({ topics: [{ topic: narrow, configEntries }], waitForLeaders: true });
    await client.disconnect();
    const appender = await log.appender();
    const torn = appender.appendAll?.([
      { at: { topic: wide, partition: 0 }, values: bytesOf('a') },
      { at: { topic: narrow, partition: 0 }, values: [new Uint8Array(5000)] },
    ]);
    await expect(torn).rejects.toMatchObject({ outcome: 'UNKNOWN' });
    expect(textsOf(await log.read({ topic: wide, partition: 0, from: 0 }, 9))).toEqual(['a']);
    await expect(appender.append({ topic: wide, partition: 0 }, bytesOf('b'))).rejects.toMatchObject({
      outcome: 'NOT_APPENDED',
    });
  });

  it('says in one line that no broker is there', async () => {
    const nowhere = { brokers: ['127.0.0.1:1'], clientId: 'test', onWarning };
    await expect(openKafkaLog(nowhere)).rejects.toThrow(/^Kafka cannot be reached at 127\.0\.0\.1:1: /);
  });
});

describe('The topics', () => {
  it('are created once, and other partition counts are refused', async () => {
    const topic = newTopic();
    const options = { ...(await connection()), replication: 1, minInsync: 1 };
    await ensureKafkaTopics({ ...options, topics: { [topic]: 2 } });
    await ensureKafkaTopics({ ...options, topics: { [topic]: 2 } });
    await expect(ensureKafkaTopics({ ...options, topics: { [topic]: 3 } })).rejects.toThrow(
      `Topic ${topic} has 2 partitions, not 3.`,
    );
  });

  it('are told what is unsafe about them, a sentence each', async () => {
    const [ours, foreign] = [newTopic(), newTopic()];
    const to = await connection();
    await ensureKafkaTopics({ ...to, topics: { [ours]: 1 }, replication: 1, minInsync: 1 });
    const client = await admin();
    await client.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic: foreign,
          numPartitions: 1,
          replicationFactor: 1,
          configEntries: [
            { name: 'cleanup.policy', value: 'compact' },
            { name: 'message.timestamp.type', value: 'CreateTime' },
            { name: 'unclean.leader.election.enable', value: 'true' },
          ],
        },
      ],
    });
    await client.disconnect();
    expect(await checkKafkaTopics({ ...to, topics: { [ours]: 1 } })).toEqual([
      { kind: 'DURABILITY', sentence: `Topic ${ours} has 1 replicas; 3 are needed to lose one broker safely.` },
      { kind: 'DURABILITY', sentence: `Topic ${ours}: min.insync.replicas is 1; 2 are needed.` },
    ]);
    const faults = await checkKafkaTopics({ ...to, topics: { [foreign]: 2 } });
    const sentences = (kind: string): string =>
      faults.flatMap((fault) => (fault.kind === kind ? [fault.sentence] : [])).join(' ');
    for (const part of ['1 partitions, not 2', 'append time', 'never compacted', 'max.message.bytes'])
      expect(sentences('TRUTH')).toContain(part);
    for (const part of ['1 replicas', 'unclean', 'min.insync']) expect(sentences('DURABILITY')).toContain(part);
    expect(await checkKafkaTopics({ ...to, topics: { 'no-such-topic': 1 } })).toEqual([
      { kind: 'TRUTH', sentence: 'Topic no-such-topic does not exist.' },
    ]);
  });

  it('are put back from an archive with their offsets and times, and are topics like any other from then on', async () => {
    const [topic, at] = [newTopic(), { partition: 1 }];
    const to = await connection();
    const restorer = await openKafkaRestorer({ ...to, topics: { [topic]: 2 }, replication: 1 });
    const records = bytesOf('a', 'b', 'c').map((value, offset) => ({ offset, time: 1_000_000 + offset, value }));
    await restorer.write({ topic, ...at }, records.slice(0, 2));
    await restorer.write({ topic, ...at }, records.slice(2));
    await restorer.finish();
    await restorer.close();
    const log = await openKafkaLog(to);
    const read = await log.read({ topic, ...at, from: 0 }, 9);
    expect(read.map(({ offset, time, value }) => [offset, time, new TextDecoder().decode(value)])).toEqual([
      [0, 1_000_000, 'a'],
      [1, 1_000_001, 'b'],
      [2, 1_000_002, 'c'],
    ]);
    expect(await (await log.appender()).append({ topic, ...at }, bytesOf('d'))).toEqual({ base: 3 });
    const [fresh] = await log.read({ topic, ...at, from: 3 }, 1);
    expect(fresh?.time).toBeGreaterThan(Date.parse('2020-01-01'));
    await log.close();
    const faults = await checkKafkaTopics({ ...to, topics: { [topic]: 2 } });
    expect(faults.filter(({ kind }) => kind === 'TRUTH')).toEqual([]);
    await expect(openKafkaRestorer({ ...to, topics: { [topic]: 2 }, replication: 1 })).rejects.toThrow('exist already');
  });
});

/** One record in a transaction: its end marker takes an offset of its own that no reader is shown. */
async function commitForeign(log: EventLog, topic: string): Promise<void> {
  const at = { topic, partition: 0 };
  const { end } = await log.bounds(at);
  const producer = new kafkajs.Kafka({ brokers: [...(await servers()).brokers] }).producer({
    transactionalId: topic,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ partition: 0, value: 'b' }] });
  await transaction.commit();
  await producer.disconnect();
  // The broker writes the marker after the client has its answer.
  while ((await log.bounds(at)).end < end + 2) await new Promise((resolve) => setTimeout(resolve, 10));
}

/**
 * An archive beside a Kafka that lets old odds go, as `mutuel topics check` permits: it begins and goes on where the odds do, and comes
 * back with every offset as it was. What decides never expires: there the same is a fault.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureKafkaTopics, openKafkaLog } from '#mutuel/adapters';
import { TOPICS, topicsOf } from '#mutuel/contracts';
import { backup, type Config, EXIT, exitCodeOf, readConfig, restore } from '#mutuel/platform';
import type { EventLog, LogRecord, TopicPartition } from '#mutuel/runtime';
import { up, wipe } from '../../infra/native/index.mjs';
import { openArchive } from '../../libs/platform/src/archive.js';

const INSTANCE = 'odds-expired';
const SHARDS = 2;
const ODDS = { topic: TOPICS.odds, partition: 0 };
const TRUTH = { topic: TOPICS.shardCommands, partition: 1 };

const folder = (name: string): string => mkdtempSync(join(tmpdir(), `mutuel-${name}-`));
const [archive, first, data] = [folder('archive'), folder('first'), folder('data')];
const onWarning = (): void => undefined;
let env: Record<string, string>;
let brokers: readonly string[];
let kafka: kafkajs.Kafka;
let admin: Admin;

const configOf = (servers: Record<string, string>): Config =>
  readConfig({ args: ['--data', data], env: servers, demoByDefault: true });

beforeAll(async () => {
  await wipe({ instance: INSTANCE });
  env = { ...(await up({ instance: INSTANCE })) };
  brokers = (env['KAFKA_BROKERS'] ?? '').split(',');
  kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  admin = kafka.admin();
  await admin.connect();
  await ensureKafkaTopics({
    ...{ brokers, clientId: 'test', onWarning, topics: topicsOf(SHARDS) },
    ...{ replication: 1, minInsync: 1 },
  });
});
afterAll(async () => {
  await admin?.disconnect();
  await wipe({ instance: INSTANCE });
  for (const one of [archive, first, data]) rmSync(one, { recursive: true });
});

it('begins where the odds begin, says so once, and goes on from there', async () => {
  await append(ODDS, 10);
  await append(TRUTH, 3);
  await expire(ODDS, 5);
  expect(await archived()).toEqual({
    records: 8,
    said: ['odds[0] begins at offset 5, and so does the archive: what was before has expired.'],
  });
  await append(ODDS, 3);
  // Of what is archived already some may have gone, too.
  await expire(ODDS, 8);
  expect(await archived()).toEqual({ records: 3, said: [] });
  cpSync(archive, first, { recursive: true });
});

it('says what had expired before it could be archived, and holds everything from there on', async () => {
  await append(ODDS, 4);
  await expire(ODDS, 15);
  expect(await archived()).toEqual({
    records: 2,
    said: [
      'odds[0] begins at offset 15: 13 to 14 expired before they were archived, and a restore will begin after them.',
    ],
  });
  const read = await openArchive(archive);
  expect(await read.bounds(ODDS)).toEqual({ start: 15, end: 17 });
  expect(await read.bounds(TRUTH)).toEqual({ start: 0, end: 3 });
});

it('gets its odds back at the offsets they had, and takes more behind them', async () => {
  const [odds, truth] = await withLog(async (log) => [await all(log, ODDS), await all(log, TRUTH)]);
  await admin.deleteTopics({ topics: Object.values(TOPICS) });
  const ours = new Set<string>(Object.values(TOPICS));
  await expect.poll(async () => (await admin.listTopics()).filter((one) => ours.has(one))).toEqual([]);
  expect(await restore(configOf(env), archive, onWarning)).toMatchObject({ records: 5 });
  await withLog(async (log) => {
    expect(await log.bounds(ODDS)).toEqual({ start: 15, end: 17 });
    expect(await all(log, ODDS)).toEqual(odds);
    expect(await all(log, TRUTH)).toEqual(truth);
  });
  await append(ODDS, 1);
  await append(TRUTH, 1);
  expect(await archived()).toEqual({ records: 2, said: [] });
});

it('does not go back into an embedded log, which begins at 0', async () => {
  await expect(restore(configOf({}), first, onWarning)).rejects.toMatchObject({
    ...{ lines: ['odds/0 begins at offset 5 in the archive, an embedded log begins at 0: restore into Kafka.'] },
    exitCode: EXIT.FOLDER,
  });
});

it('is refused where what decides no longer begins at its beginning, or lacks records', async () => {
  // A marker of a transaction takes an offset and is no record.
  const producer = kafka.producer({ transactionalId: 'foreign', maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: TRUTH.topic, messages: [{ partition: TRUTH.partition, value: 'foreign' }] });
  await transaction.commit();
  await producer.disconnect();
  // It is written a moment after the commit was answered; behind everything else it would be no hole yet.
  await expect.poll(() => withLog(async (log) => (await log.bounds(TRUTH)).end)).toBe(6);
  await append(TRUTH, 1);
  const holed = await archived().catch((fault: Error) => fault);
  expect(holed).toMatchObject({
    message: expect.stringMatching(/^shard\.commands\/1 has a hole: offset 6 came where 5/),
  });
  expect(exitCodeOf(holed)).toBe(EXIT.LOG);
  await expire(TRUTH, 2);
  rmSync(archive, { recursive: true });
  const cut = await archived().catch((fault: Error) => fault);
  expect(cut).toMatchObject({
    message: expect.stringMatching(
      /^shard\.commands\[1\] begins at offset 2, the archive goes on at 0: what is between/,
    ),
  });
  expect(exitCodeOf(cut)).toBe(EXIT.LOG);
});

async function archived() {
  const said: string[] = [];
  const { records } = await backup(configOf(env), archive, (line) => said.push(line));
  // Kafka's client may say something of young brokers, too.
  return { records, said: said.filter((line) => line.startsWith('odds')) };
}

async function append(at: TopicPartition, count: number): Promise<void> {
  await withLog(async (log) => {
    const appender = await log.appender();
    for (let i = 0; i < count; i++) await appender.append(at, [Buffer.from(`${at.topic} ${Math.random()}`)]);
    await appender.close();
  });
}

/** As retention does, which takes whole files and its time for it. */
async function expire({ topic, partition }: TopicPartition, to: number): Promise<void> {
  // The client knows who leads only those topics that it was asked about.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(to) }] });
}

async function withLog<T>(work: (log: EventLog) => Promise<T>): Promise<T> {
  const log = await openKafkaLog({ brokers, clientId: 'test', onWarning });
  return work(log).finally(() => log.close());
}

async function all(log: EventLog, at: TopicPartition): Promise<LogRecord[]> {
  const { start, end } = await log.bounds(at);
  return (await log.read({ ...at, from: start }, end - start)).map(({ offset, time, value }) => ({
    ...{ offset, time },
    value: Buffer.from(value),
  }));
}

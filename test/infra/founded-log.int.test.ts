/** A founded log that has lost a topic, on brokers of its own: no start and no command makes that topic anew. */
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TOPICS } from '#mutuel/contracts';
import { joinCluster } from '#mutuel/runtime';
import { up, wipe } from '../../infra/native/index.mjs';
import { type Config, createTopics, EXIT, readConfig } from '../../libs/platform/src/index.js';
import { openSeams } from '../../libs/platform/src/seams.js';

const INSTANCE = 'founded-log';
const onWarning = (): void => undefined;
let config: Config;
let admin: Admin;

beforeAll(async () => {
  await wipe({ instance: INSTANCE });
  const servers = await up({ instance: INSTANCE });
  config = readConfig({ args: ['--shards', '2'], env: { ...servers }, demoByDefault: false });
  admin = new kafkajs.Kafka({ brokers: [servers.KAFKA_BROKERS], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
});
afterAll(async () => {
  await admin?.disconnect();
  await wipe({ instance: INSTANCE });
});

/** As each role does before anything else. */
async function start(role: string): Promise<void> {
  const seams = await openSeams(config, role, onWarning);
  try {
    await joinCluster({ ...seams, role, epoch: 1 });
  } finally {
    await seams.close();
  }
}

async function lose(...topics: string[]): Promise<void> {
  await admin.deleteTopics({ topics });
  const left = async () => (await admin.listTopics()).filter((topic) => topics.includes(topic));
  await expect.poll(left).toEqual([]);
}

const refusal = (what: RegExp) => ({ lines: [expect.stringMatching(what) as string], exitCode: EXIT.TOPICS });

it('is founded by roles that start at the same moment, and its ticks may go', async () => {
  await Promise.all(['engine', 'projector', 'odds', 'bet-api'].map(start));
  await lose(TOPICS.odds);
  await start('odds');
  expect(await admin.listTopics()).toEqual(expect.arrayContaining(Object.values(TOPICS)));
});

it('is not started on without its decisions, which are named and stay away', async () => {
  await lose(TOPICS.shardDecisions);
  const gone = refusal(/^The log was founded with shard\.decisions, gone by now, .*`mutuel restore`/);
  await expect(start('engine')).rejects.toMatchObject(gone);
  await expect(createTopics(config, onWarning)).rejects.toMatchObject(gone);
  expect(await admin.listTopics()).not.toContain(TOPICS.shardDecisions);
});

it('is not founded a second time where it does not say any more what it was founded with', async () => {
  const ours = Object.values(TOPICS) as string[];
  await lose(...(await admin.listTopics()).filter((topic) => ours.includes(topic)));
  const seams = await openSeams(config, 'engine', onWarning);
  const appender = await seams.log.appender();
  await appender.append({ topic: TOPICS.marketCommands, partition: 0 }, [Buffer.from('{}')]);
  await seams.close();
  await lose(TOPICS.cluster);
  const gone = refusal(/^Topic market\.commands holds records, but cluster none .*`mutuel restore`/);
  await expect(start('projector')).rejects.toMatchObject(gone);
  expect(await admin.listTopics()).not.toContain(TOPICS.cluster);
});

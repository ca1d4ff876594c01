/** The same runner, gateway and hub on a real Kafka: decisions, a takeover under load, and what a restarted process makes of it. */
import { randomBytes } from 'node:crypto';
import { env } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureKafkaTopics, openKafkaLog } from '#mutuel/adapters';
import { encodeCommand, openCommand } from '#mutuel/contracts';
import { up } from '../../../infra/native/index.mjs';
import { CommandGateway, type GatewayAnswer } from '../src/command-gateway.js';
import { DeciderRunner, foldDecisions } from '../src/decider-runner.js';
import type { Clock, EventLog } from '../src/ports.js';
import { RenewingAppender } from '../src/renewing-appender.js';
import { TailHub } from '../src/tail-hub.js';
import {
  type CounterCommand,
  type CounterEvent,
  type CounterState,
  counter,
  readCounterCommand,
} from './support/counter.js';
import { KEY } from './support/world.js';

const SHARDS = 2;
const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
};
const entropy = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };

let stops: (() => Promise<void>)[];
let topics: { readonly commands: string; readonly decisions: string };

beforeEach(async () => {
  stops = [];
  const run = randomBytes(6).toString('hex');
  topics = { commands: `test-${run}.commands`, decisions: `test-${run}.decisions` };
  const counts = { [topics.commands]: SHARDS, [topics.decisions]: SHARDS };
  await ensureKafkaTopics({ ...(await connection()), topics: counts, replication: 1, minInsync: 1 });
});

afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
});

/** The brokers that the environment names, or our own, started on the spot. */
const connection = async () => ({
  brokers: (env['KAFKA_BROKERS'] ?? (await up()).KAFKA_BROKERS).split(','),
  clientId: 'runtime-test',
  onWarning: (): void => undefined,
});

/** A process of its own: its connection, its hub, its deciders. */
async function engine(): Promise<DeciderRunner<CounterState, CounterCommand, CounterEvent>[]> {
  const { log, tails } = await seams();
  const runners = Array.from({ length: SHARDS }, (_, partition) => {
    const work = new RenewingAppender(log);
    const runner = new DeciderRunner<CounterState, CounterCommand, CounterEvent>({
      ...{ log, tails, clock, entropy, decider: counter(), readCommand: readCounterCommand, epoch: 1, work },
      ...{ src: `shard-${partition}`, serviceKey: KEY },
      commands: { topic: topics.commands, partition },
      decisions: { topic: topics.decisions, partition },
    });
    stops.push(() => work.close());
    stops.push(() => runner.stop());
    runner.start();
    return runner;
  });
  await until(() => runners.every(({ status }) => status === 'LEADING'));
  return runners;
}

async function seams(): Promise<{ log: EventLog; tails: TailHub }> {
  const log = await openKafkaLog(await connection());
  const tails = new TailHub(log, clock);
  stops.push(async () => {
    await tails.close();
    await log.close();
  });
  return { log, tails };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !condition(); i++) await sleep(20);
  expect(condition()).toBe(true);
}

test('every answered command stands in the log under its number and hash, through a takeover under load', async () => {
  const first = await engine();
  const { log, tails } = await seams();
  const gateway = new CommandGateway<CounterEvent>({
    ...{ log, tails, clock, entropy, windowMs: 5, partitions: SHARDS, answerWithinMs: 30_000 },
    ...{ commandsTopic: topics.commands, decisionsTopic: topics.decisions, srcOf: (p: number) => `shard-${p}` },
  });
  stops.push(() => gateway.stop());
  await gateway.start();

  let takeover: Promise<unknown> | undefined;
  const answers: Promise<GatewayAnswer<CounterEvent>>[] = [];
  for (let i = 0; i < 600; i++) {
    const cid = i.toString(16).padStart(32, '0');
    answers.push(gateway.submit(i % SHARDS, encodeCommand(cid, { type: 'Add', n: i }), cid));
    if (i % 20 === 0) await sleep(10);
    if (i === 300) takeover = engine();
  }
  const all = await Promise.all(answers);
  expect(all.every(({ kind }) => kind === 'DECIDED')).toBe(true);
  await takeover;
  await until(() => first.every(({ status }) => status === 'STANDBY'));

  for (let partition = 0; partition < SHARDS; partition++) {
    const at = { topic: topics.decisions, partition };
    const source = { src: `shard-${partition}`, at };
    const folded = await foldDecisions(log, source, counter());
    const commands = await log.read({ topic: topics.commands, partition, from: 0 }, 100_000);
    expect(folded.seq).toBe(commands.length);
    expect(folded.seq).toBe(300);
    const cids = commands.map(({ value }) => openCommand(value, KEY).cid);
    for (const answer of all) {
      if (answer.kind !== 'DECIDED' || answer.partition !== partition) continue;
      expect(cids[answer.valid.decision.seq - 1]).toBe(answer.valid.decision.cid);
    }
    const sum = Array.from({ length: 300 }, (_, i) => i * SHARDS + partition).reduce((a, b) => a + b, 0);
    expect(folded.state.sum).toBe(sum);
    expect((await foldDecisions(log, source, counter())).stateHash).toBe(folded.stateHash);
  }
});

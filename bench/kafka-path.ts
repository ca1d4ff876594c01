/**
 * kafkajs alone against our command path, on one Kafka and in turns: the same commands at the same rate, gathered for the same five
 * milliseconds, appended by a bare producer; by our lane and adapter; and through gateway, log, decider and log back to an answer, all
 * in this process. Processor time of this process by command, and how long each took. Needs KAFKA_BROKERS; makes its own topics.
 * Run: `npm run infra:up -- --instance bench`, then with its addresses `npm run bench -- kafka-path [--rate=1000] [--small]`.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { ensureKafkaTopics, openKafkaLog } from '#mutuel/adapters';
import { encodeCommand, TOPICS } from '#mutuel/contracts';
import { CommandGateway, EngineHost, RenewingAppender, shardSource, TailHub } from '#mutuel/runtime';

const { KAFKA_BROKERS } = process.env;
if (!KAFKA_BROKERS) {
  console.log('left out: KAFKA_BROKERS names no brokers');
  process.exit(0);
}
const small = process.argv.includes('--small');
const rate = Number(process.argv.find((word) => word.startsWith('--rate='))?.split('=')[1] ?? (small ? 200 : 1_000));
const TURN_MS = small ? 500 : 4_000;
const TURNS = small ? 1 : 5;
const WINDOW_MS = 5;
const SHARDS = 4;
const BARE = `bare-${Date.now()}`;
const OURS = `lane-${Date.now()}`;
const onWarning = (): void => undefined;
const brokers = KAFKA_BROKERS.split(',');
const kafka = { brokers, clientId: 'bench', onWarning };
const topics = {
  ...{ [BARE]: SHARDS, [OURS]: SHARDS, [TOPICS.shardCommands]: SHARDS, [TOPICS.shardDecisions]: SHARDS },
  ...{ [TOPICS.marketCommands]: 1, [TOPICS.marketDecisions]: 1 },
};
await ensureKafkaTopics({ ...kafka, topics, replication: 1, minInsync: 1 });
const log = await openKafkaLog(kafka);
const clock = { now: () => Date.now(), sleep: (ms: number) => sleep(ms) };
const seams = { log, tails: new TailHub(log, clock), clock, entropy: { bytes: (n: number) => randomBytes(n) } };
const engine = new EngineHost({ ...seams, shards: SHARDS, epoch: 0, serviceKey: randomBytes(32) });
engine.start();
await engine.ready;
const gateway = new CommandGateway({
  ...{ ...seams, commandsTopic: TOPICS.shardCommands, decisionsTopic: TOPICS.shardDecisions, partitions: SHARDS },
  ...{ srcOf: (partition: number) => shardSource(partition).src, windowMs: WINDOW_MS },
});
await gateway.start();
const producer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
  createPartitioner:
    () =>
    ({ message }) =>
      message.partition ?? 0,
});
await producer.connect();
const appender = new RenewingAppender(log);

type Send = (partition: number, bytes: Uint8Array, cid: string) => Promise<unknown>;
const ways: Readonly<Record<string, Send>> = {
  'kafkajs alone': gathered((groups) =>
    producer.send({
      topic: BARE,
      acks: -1,
      messages: groups.flatMap(([partition, values]) =>
        values.map((value) => ({ partition, value: Buffer.from(value) })),
      ),
    }),
  ),
  'our adapter alone': gathered((groups) =>
    appender.appendAll(groups.map(([partition, values]) => ({ at: { topic: OURS, partition }, values }))),
  ),
  'the whole command path': (partition, bytes, cid) => gateway.submit(partition, bytes, cid),
};
const found = new Map(Object.keys(ways).map((name) => [name, { cpu: [] as number[], latencies: [] as number[] }]));
for (let turn = 0; turn <= TURNS; turn++) {
  for (const [name, send] of Object.entries(ways)) {
    const { cpu, latencies } = await oneTurn(send);
    // The first turn warms the code up.
    if (turn === 0 && !small) continue;
    found.get(name)?.cpu.push(cpu);
    found.get(name)?.latencies.push(...latencies);
  }
}
const bare = middle(found.get('kafkajs alone')?.cpu ?? []);
for (const [name, { cpu, latencies }] of found) {
  const each = middle(cpu);
  latencies.sort((a, b) => a - b);
  const at = (q: number): string => (latencies[Math.floor(q * latencies.length)] ?? 0).toFixed(1);
  console.log(
    `${name}: ${each.toFixed(0)} us of processor a command, ${(each / bare).toFixed(2)} of kafkajs alone; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
}
await gateway.stop();
await engine.stop();
await appender.close();
await producer.disconnect();
await seams.tails.close();
await log.close();
process.exit(0);

async function oneTurn(send: Send): Promise<{ cpu: number; latencies: number[] }> {
  const total = Math.round((rate * TURN_MS) / 1_000);
  const latencies: number[] = [];
  const waits: Promise<unknown>[] = [];
  const before = process.cpuUsage();
  const began = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * rate));
    for (; sent < due; sent++) {
      const intended = (sent / rate) * 1_000;
      const cid = randomBytes(16).toString('hex');
      const bytes = encodeCommand(cid, { type: 'AbandonRef', account: 'nobody', ref: cid, padding: 'x'.repeat(150) });
      waits.push(
        send(sent % SHARDS, bytes, cid).then(() => {
          latencies.push(performance.now() - began - intended);
        }),
      );
    }
    await sleep(1);
  }
  await Promise.all(waits);
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / total, latencies };
}

/** Five milliseconds' commands in one request, one request in flight. */
function gathered(append: (groups: [number, Uint8Array[]][]) => Promise<unknown>): Send {
  let next: { groups: Map<number, Uint8Array[]>; done: Promise<unknown> } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return (partition, bytes) => {
    if (!next) {
      const groups = new Map<number, Uint8Array[]>();
      const done = Promise.all([sleep(WINDOW_MS), last]).then(() => {
        next = undefined;
        return append([...groups]);
      });
      next = { groups, done };
      last = done;
    }
    const group = next.groups.get(partition) ?? [];
    group.push(bytes);
    next.groups.set(partition, group);
    return next.done;
  };
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

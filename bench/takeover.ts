/**
 * Two engines on real Kafka with one electing PostgreSQL, commands to every shard and to the market each 50 ms: the leading engine
 * is killed (kill -9), and stopped so that it stands still (SIGSTOP). Told is the longest any command waited for its decision: from
 * sending, through the takeover, to the decision read back. An engine that stood still is woken up at the end: what it then does
 * must not count. Needs KAFKA_BROKERS and DATABASE_URL; makes its topics itself, so the brokers must be for this alone.
 * Run: `npm run infra:up -- --instance bench`, then with what it prints in the environment `npm run bench -- takeover`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ensureKafkaTopics, openKafkaLog } from '#mutuel/adapters';
import { encodeCommand, TOPICS } from '#mutuel/contracts';
import { CommandGateway, type EventLog, MARKET_SOURCE, shardSource, TailHub } from '#mutuel/runtime';

const SHARDS = 4;
const EVERY_MS = 50;
const ROUNDS = process.argv.includes('--small') ? 1 : 5;
const { KAFKA_BROKERS, DATABASE_URL } = process.env;
if (!KAFKA_BROKERS || !DATABASE_URL) {
  console.log('left out: KAFKA_BROKERS and DATABASE_URL name no servers');
  process.exit(0);
}
const onWarning = (line: string): void => console.warn(line);
const brokers = KAFKA_BROKERS.split(',');
const kafka = { brokers, clientId: 'bench', onWarning };
const topics = {
  [TOPICS.shardCommands]: SHARDS,
  [TOPICS.shardDecisions]: SHARDS,
  [TOPICS.marketCommands]: 1,
  [TOPICS.marketDecisions]: 1,
};
await ensureKafkaTopics({ ...kafka, topics, replication: 1, minInsync: 1 });
const log = await openKafkaLog(kafka);
const program = fileURLToPath(new URL('./support/engine-process.ts', import.meta.url));
const env = { ...process.env, SERVICE_KEY: randomBytes(32).toString('hex'), SHARDS: String(SHARDS) };

interface Engine {
  readonly child: ChildProcess;
  /** By source. */
  status: Record<string, string>;
}

const engine = (): Engine => {
  const child = fork(program, { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const made: Engine = { child, status: {} };
  child.on('message', (status) => {
    made.status = status as Record<string, string>;
  });
  return made;
};
const leadsAll = ({ status }: Engine): boolean =>
  Object.values(status).filter((s) => s === 'LEADING').length === SHARDS + 1;
const standsBy = ({ status }: Engine): boolean =>
  Object.values(status).filter((s) => s === 'STANDBY').length === SHARDS + 1;
const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 3_000; i++) {
    if (condition()) return;
    await sleep(20);
  }
  throw new Error(`${what} never came true`);
};

const seams = {
  log,
  clock: clockOf(),
  entropy: { bytes: (count: number) => randomBytes(count) },
  windowMs: 0,
  answerWithinMs: 60_000,
};
const gateways = await openGateways(log);
let leader = engine();
await until('leading', () => leadsAll(leader));
let standby = engine();
await until('standing by', () => standsBy(standby));

const killed: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  killed.push(await longestWait(leader, 'SIGKILL'));
  await until('leading after a kill', () => leadsAll(standby));
  leader = standby;
  standby = engine();
  await until('standing by', () => standsBy(standby));
}
const frozen = leader;
const stood = await longestWait(frozen, 'SIGSTOP');
await until('leading by silence', () => leadsAll(standby));
frozen.child.kill('SIGCONT');
await until('the one that woke up standing by', () => standsBy(frozen));
killed.sort((a, b) => a - b);
console.log(
  `kill -9: longest wait of a command over ${ROUNDS} takeovers, median ${middle(killed)} ms, worst ${killed.at(-1)} ms`,
);
console.log(`SIGSTOP: longest wait of a command ${stood} ms; woken up, it stood by and took no lead back`);
for (const one of [leader, standby]) one.child.kill('SIGKILL');
for (const { gateway } of gateways) await gateway.stop();
await log.close();
process.exit(0);

/** Sends to every partition while the leader is struck down; milliseconds. Every command must be decided, and once. */
async function longestWait(victim: Engine, signal: 'SIGKILL' | 'SIGSTOP'): Promise<number> {
  const waits: Promise<number>[] = [];
  const send = (): void => {
    for (const { gateway, partitions } of gateways) {
      for (let partition = 0; partition < partitions; partition++) {
        const cid = randomBytes(16).toString('hex');
        const began = performance.now();
        const bytes = encodeCommand(cid, { type: 'AbandonRef', account: 'nobody', ref: cid });
        const answer = gateway.submit(partition, bytes, cid);
        waits.push(
          answer.then((given) => {
            if (given.kind !== 'DECIDED') throw new Error('a command was not decided');
            return performance.now() - began;
          }),
        );
      }
    }
  };
  const timer = setInterval(send, EVERY_MS);
  await sleep(1_000);
  victim.child.kill(signal);
  await sleep(6_000);
  clearInterval(timer);
  return Math.round(Math.max(...(await Promise.all(waits))));
}

async function openGateways(on: EventLog): Promise<{ gateway: CommandGateway; partitions: number }[]> {
  const tails = new TailHub(on, seams.clock);
  const shards = new CommandGateway({
    ...{ ...seams, tails, partitions: SHARDS, srcOf: (partition: number) => shardSource(partition).src },
    ...{ commandsTopic: TOPICS.shardCommands, decisionsTopic: TOPICS.shardDecisions },
  });
  const market = new CommandGateway({
    ...{ ...seams, tails, partitions: 1, srcOf: () => MARKET_SOURCE.src },
    ...{ commandsTopic: TOPICS.marketCommands, decisionsTopic: TOPICS.marketDecisions },
  });
  await Promise.all([shards.start(), market.start()]);
  return [
    { gateway: shards, partitions: SHARDS },
    { gateway: market, partitions: 1 },
  ];
}

function middle(sorted: readonly number[]): number | undefined {
  return sorted[Math.floor(sorted.length / 2)];
}

function clockOf() {
  return {
    now: () => Date.now(),
    sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
  };
}

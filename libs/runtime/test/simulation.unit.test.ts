/** Seeded: two runners fight over one log that errs, delays, doubles and writes late, while a client bets through a gateway. */

import { expect, test } from 'vitest';
import { faultyLog, seededRandom } from '#mutuel/adapters';
import { encodeCommand, openCommand, TOPICS } from '#mutuel/contracts';
import { CommandGateway, Unavailable } from '../src/command-gateway.js';
import { DeciderRunner, foldDecisions } from '../src/decider-runner.js';
import type { EventLog } from '../src/ports.js';
import { RenewingAppender } from '../src/renewing-appender.js';
import { TailHub } from '../src/tail-hub.js';
import { type Accepted, type ValidDecision, validRecords } from '../src/valid-records.js';
import {
  type CounterCommand,
  type CounterEvent,
  type CounterState,
  counter,
  readCounterCommand,
} from './support/counter.js';
import { countedEntropy, KEY, memoryLog, SHARD_COMMANDS, SHARD_DECISIONS, VirtualClock } from './support/world.js';

const PLAN = {
  refused: 0.02,
  lostBefore: 0.02,
  lostAfter: 0.03,
  late: 0.03,
  duplicate: 0.03,
  delay: 0.2,
  delayMs: 400,
};
const COMMANDS = 150;

interface Outcome {
  readonly answers: readonly ValidDecision<CounterEvent>[];
  readonly turnedAway: readonly string[];
}

async function simulate(seed: number, log: EventLog, clock: VirtualClock): Promise<Outcome> {
  const random = seededRandom(seed);
  const faulty = faultyLog(log, { random, sleep: (ms) => clock.sleep(ms), plan: PLAN });
  const runners = [0, 1].map((i) => runner(faulty, clock, 1 + i * 1_000_000));
  const gateway = new CommandGateway<CounterEvent>({
    ...{ log: faulty, clock, tails: new TailHub(faulty, clock), entropy: countedEntropy(9_000_000), windowMs: 5 },
    ...{ commandsTopic: TOPICS.shardCommands, decisionsTopic: TOPICS.shardDecisions, partitions: 1 },
    srcOf: () => 'shard-0',
  });
  const answers: ValidDecision<CounterEvent>[] = [];
  const turnedAway: string[] = [];
  let open = 0;
  const started = gateway.start();
  await clock.until(() => gateway.ready, 'the gateway');
  await started;
  runners[0]?.start();
  for (let i = 0; i < COMMANDS; i++) {
    if (i === COMMANDS / 3) runners[1]?.start();
    const cid = i.toString(16).padStart(32, '0');
    open++;
    gateway
      .submit(0, encodeCommand(cid, i % 40 === 39 ? { type: 'Job', steps: 3 } : { type: 'Add', n: i }), cid)
      .then(
        (answer) => answer.kind === 'DECIDED' && answers.push(answer.valid),
        (fault) => {
          if (!(fault instanceof Unavailable)) throw fault;
          turnedAway.push(cid);
        },
      )
      .finally(() => open--);
    await clock.pass(Math.floor(random() * 30));
  }
  await clock.until(() => open === 0, 'every answer');
  // What was delayed arrives, and the log is decided to its end.
  await clock.pass(5_000);
  await decidedToItsEnd(log, clock, runners);
  let stopped = false;
  void Promise.all([gateway.stop(), ...runners.map((r) => r.stop())]).then(() => {
    stopped = true;
  });
  await clock.until(() => stopped, 'the stop');
  return { answers, turnedAway };
}

type Runner = ReturnType<typeof runner>;

async function decidedToItsEnd(log: EventLog, clock: VirtualClock, runners: readonly Runner[]): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    const { end } = await log.bounds(SHARD_COMMANDS);
    if (runners.some((r) => (r.position?.seq ?? 0) >= end && r.state?.left === 0)) return;
    await clock.pass(500);
  }
  throw new Error('the log was never decided to its end');
}

function runner(log: EventLog, clock: VirtualClock, firstByte: number) {
  return new DeciderRunner<CounterState, CounterCommand, CounterEvent>({
    ...{ log, clock, tails: new TailHub(log, clock), entropy: countedEntropy(firstByte), epoch: 1 },
    ...{ decider: counter(), readCommand: readCounterCommand, src: 'shard-0', serviceKey: KEY },
    ...{ commands: SHARD_COMMANDS, decisions: SHARD_DECISIONS, work: new RenewingAppender(log) },
  });
}

test.each(Array.from({ length: 12 }, (_, i) => 1_000 + i))(
  'nothing is lost, doubled or answered wrongly (seed %i)',
  async (seed) => {
    const clock = new VirtualClock();
    const log = await memoryLog(clock);
    const { answers, turnedAway } = await simulate(seed, log, clock);

    const commands = await log.read({ ...SHARD_COMMANDS, from: 0 }, 1_000_000);
    const records = await log.read({ ...SHARD_DECISIONS, from: 0 }, 1_000_000);
    const reader = validRecords<CounterEvent>('shard-0', SHARD_DECISIONS);
    const valid = records
      .map((record): Accepted<CounterEvent> => reader.accept(record))
      .filter((accepted) => accepted.kind === 'valid');

    // Every command that is in the log is decided, once, in order, and nothing else is.
    const decided = valid.slice(0, commands.length).map(({ decision }) => [decision.in[1], decision.cid]);
    expect(decided).toEqual(commands.map(({ offset, value }) => [offset, openCommand(value, KEY).cid]));
    // Every answer is in the valid sequence, under the number and the hash that were answered.
    for (const answer of answers) expect(valid[answer.decision.seq - 1]?.hash).toBe(answer.hash);
    // What was turned away is nowhere.
    const known = new Set(valid.map(({ decision }) => decision.cid));
    expect(turnedAway.filter((cid) => known.has(cid))).toEqual([]);
    // And the money is what the decisions say.
    const { state } = await foldDecisions(log, { src: 'shard-0', at: SHARD_DECISIONS }, counter());
    const sum = valid.flatMap(({ decision }) => decision.events).reduce((s, e) => s + (e.t === 'Added' ? e.n : 0), 0);
    expect(state).toMatchObject({ sum, left: 0 });
    expect(answers.length).toBeGreaterThan(COMMANDS / 4);
  },
  20_000,
);

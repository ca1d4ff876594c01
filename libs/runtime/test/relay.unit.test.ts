import { afterEach, beforeEach, expect, test } from 'vitest';
import { TOPICS } from '#mutuel/contracts';
import { DeciderRunner } from '../src/decider-runner.js';
import { AppendFault, type EventLog } from '../src/ports.js';
import { Relay } from '../src/relay.js';
import { RenewingAppender } from '../src/renewing-appender.js';
import { directTails } from '../src/tail-source.js';
import {
  type CounterCommand,
  type CounterEvent,
  type CounterState,
  command,
  counter,
  readCounterCommand,
} from './support/counter.js';
import { appendTo, countedEntropy, decisionsIn, hooked, KEY, memoryLog, VirtualClock } from './support/world.js';

type Runner = DeciderRunner<CounterState, CounterCommand, CounterEvent>;

const at = (topic: string, partition: number) => ({ topic, partition });

let clock: VirtualClock;
let log: EventLog;
let source: Runner;
let target: Runner;
let stops: (() => Promise<void>)[];
let alarms: string[];
let runners = 0;

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock, 2);
  stops = [];
  alarms = [];
  source = runner(0);
  target = runner(1);
  source.start();
});

afterEach(async () => {
  for (const stop of stops) await stop();
});

function runner(partition: number): Runner {
  const made: Runner = new DeciderRunner({
    ...{ log, clock, tails: directTails(log), entropy: countedEntropy(++runners * 1_000) },
    ...{ decider: counter(), readCommand: readCounterCommand, src: `shard-${partition}`, epoch: 1 },
    commands: at(TOPICS.shardCommands, partition),
    decisions: at(TOPICS.shardDecisions, partition),
    serviceKey: KEY,
    work: new RenewingAppender(log),
  });
  stops.push(() => made.stop());
  return made;
}

function relay(over: EventLog = log): Relay<CounterEvent> {
  const made = new Relay<CounterEvent>({
    ...{ log, clock, tails: directTails(log), entropy: countedEntropy(7_000), serviceKey: KEY },
    source: { src: 'shard-0', at: at(TOPICS.shardDecisions, 0) },
    target: at(TOPICS.shardCommands, 1),
    pick: (event) =>
      event.t === 'Said' ? { n: event.n, command: { type: 'Fact', n: event.n, fact: event.text } } : undefined,
    taken: () => target.state?.factNo,
    leads: () => target.status === 'LEADING',
    appender: new RenewingAppender(over),
    onAlarm: (code, detail) => alarms.push(`${code} ${detail}`),
  });
  target.onDecision(({ decision }) => {
    if (decision.code === 'RELAY_GAP') made.gap();
  });
  stops.unshift(() => made.stop());
  made.start();
  return made;
}

/** Makes the source say this many numbered things. */
async function say(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await appendTo(log, at(TOPICS.shardCommands, 0), command({ type: 'Add', n: 100 }));
}

const taken = (count: number) => clock.until(() => target.state?.factNo === count, `fact ${count} taken`);

const answers = async () => (await decisionsIn(log, at(TOPICS.shardDecisions, 1))).map((d) => d.code ?? 'TAKEN');

test('every message of the source reaches the target once and in order', async () => {
  target.start();
  relay();
  await say(5);
  await taken(5);
  expect(await answers()).toEqual(Array.from({ length: 5 }, () => 'TAKEN'));
});

test('messages wait until the target leads, and only those it has not taken are sent', async () => {
  target.start();
  const first = relay();
  await say(3);
  await taken(3);
  await first.stop();
  await target.stop();
  await say(2);
  target = runner(1);
  relay();
  await clock.pass(5_000);
  expect(await answers()).toHaveLength(3);
  target.start();
  await taken(5);
  expect(await answers()).toEqual(Array.from({ length: 5 }, () => 'TAKEN'));
});

test('an append of unknown outcome neither loses nor doubles a message', async () => {
  let appends = 0;
  const over = hooked(log, async (_at, values, append) => {
    const done = await append(values);
    if (++appends === 1) throw new AppendFault('no answer came', 'UNKNOWN');
    return done;
  });
  target.start();
  relay(over);
  await say(3);
  await taken(3);
  expect((await answers()).filter((a) => a === 'TAKEN')).toHaveLength(3);
  expect(await answers()).not.toContain('RELAY_GAP');
});

test('a message that got lost leaves a gap, which the target reports and the relay fills', async () => {
  let appends = 0;
  const over = hooked(log, async (_at, values, append) => (++appends === 2 ? { base: 0 } : append(values)));
  target.start();
  const made = relay(over);
  await say(1);
  await taken(1);
  await say(1);
  await clock.until(() => made.metrics.relayed === 2);
  await say(1);
  const reportedAt = clock.time;
  await taken(3);
  expect(await answers()).toContain('RELAY_GAP');
  // At the report, not when the relay's own patience ends.
  expect(clock.time - reportedAt).toBeLessThan(1_000);
  expect(alarms.some((a) => a.startsWith('RELAY_GAP relay shard-0 → shard.commands[1]'))).toBe(true);
});

test('a lost message that nothing follows is sent again by itself', async () => {
  let appends = 0;
  const over = hooked(log, async (_at, values, append) => (++appends === 1 ? { base: 0 } : append(values)));
  target.start();
  const made = relay(over);
  await say(1);
  await taken(1);
  expect(made.metrics.resent).toBe(1);
});

test('a target that takes nothing is sent to ever less often, and at once again when it takes', async () => {
  let isLost = true;
  const over = hooked(log, async (_at, values, append) => (isLost ? { base: 0 } : append(values)));
  target.start();
  const made = relay(over);
  await say(1);
  await clock.until(() => made.metrics.relayed === 1);
  await clock.pass(60_000);
  // After 2, 6, 14, 30 and 46 s.
  expect(made.metrics.resent).toBe(5);
  isLost = false;
  await taken(1);
  isLost = true;
  await say(1);
  await clock.until(() => made.metrics.relayed === 8);
  await clock.pass(3_000);
  expect(made.metrics.resent).toBe(7);
});

test('nothing is kept once the target has taken it', async () => {
  target.start();
  const made = relay();
  await say(200);
  await taken(200);
  await clock.pass(500);
  expect(made.metrics).toMatchObject({ waiting: 0, relayed: 200, resent: 0 });
});

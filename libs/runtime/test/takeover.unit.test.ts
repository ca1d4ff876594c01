import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeciderRunner, foldDecisions } from '../src/decider-runner.js';
import type { EventLog } from '../src/ports.js';
import { RenewingAppender } from '../src/renewing-appender.js';
import type { Election } from '../src/runner-options.js';
import { directTails } from '../src/tail-source.js';
import {
  type CounterCommand,
  type CounterEvent,
  type CounterState,
  command,
  counter,
  readCounterCommand,
} from './support/counter.js';
import {
  appendTo,
  countedEntropy,
  decisionsIn,
  hooked,
  KEY,
  memoryLog,
  SHARD_COMMANDS,
  SHARD_DECISIONS,
  VirtualClock,
} from './support/world.js';

type Runner = DeciderRunner<CounterState, CounterCommand, CounterEvent>;

let clock: VirtualClock;
let log: EventLog;
let runners: Runner[];
let holder: number | undefined;

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock);
  runners = [];
  holder = undefined;
});

afterEach(async () => {
  for (const runner of runners) await runner.stop();
});

/** One lock, as its server sees it: whoever asks first, until he resigns or his session ends. */
const candidate = (me: number): Pick<Election, 'tryLead' | 'resign'> => ({
  async tryLead() {
    holder ??= me;
    return holder === me;
  },
  async resign() {
    if (holder === me) holder = undefined;
  },
});

function engine(over: EventLog = log): Runner {
  const me = runners.length;
  const made: Runner = new DeciderRunner({
    ...{ log: over, clock, tails: directTails(over), entropy: countedEntropy(1 + me * 1_000), decider: counter() },
    ...{ readCommand: readCounterCommand, src: 'shard-0', epoch: 1, serviceKey: KEY },
    ...{ commands: SHARD_COMMANDS, decisions: SHARD_DECISIONS, work: new RenewingAppender(over) },
    ...{ campaign: 'WHEN_QUIET' as const, election: candidate(me) },
  });
  runners.push(made);
  made.start();
  return made;
}

const add = (...numbers: number[]) => appendTo(log, SHARD_COMMANDS, ...numbers.map((n) => command({ type: 'Add', n })));
const folded = () => foldDecisions(log, { src: 'shard-0', at: SHARD_DECISIONS }, counter());

/** A process that stands still: nothing of it reaches the log, and it hears nothing, until it goes on. */
function freezable(): { readonly log: EventLog; freeze(): void; thaw(): void } {
  let going: Promise<void> = Promise.resolve();
  let thaw = (): void => undefined;
  const over = hooked(log, async (_at, values, append) => {
    await going;
    return append(values);
  });
  const tail = over.tail.bind(over);
  over.tail = (starts, onBatch, onFault, options) =>
    tail(
      starts,
      async (at, records) => {
        await going;
        await onBatch(at, records);
      },
      onFault,
      options,
    );
  const freeze = (): void => {
    going = new Promise((resolve) => {
      thaw = resolve;
    });
  };
  return { log: over, freeze, thaw: () => thaw() };
}

describe('of several engines', () => {
  test('one leads, and the others fold every decision as it comes', async () => {
    const [first, second] = [engine(), engine()];
    await clock.until(() => first.status === 'LEADING');
    await add(1, 2, 3);
    await clock.until(() => second.position?.seq === 3);
    await clock.pass(60_000);
    expect([first.status, second.status]).toEqual(['LEADING', 'STANDBY']);
    expect(second.state).toEqual(first.state);
    expect((await folded()).state.sum).toBe(6);
  });

  test('another one leads within half a second when the leader’s session ends', async () => {
    const frozen = freezable();
    const [first, second] = [engine(frozen.log), engine()];
    await clock.until(() => first.status === 'LEADING');
    await add(1, 2);
    await clock.until(() => second.position?.seq === 2);
    frozen.freeze();
    holder = undefined;
    const lostAt = clock.now();
    await clock.until(() => second.status === 'LEADING');
    expect(clock.now() - lostAt).toBeLessThanOrEqual(500);
    await add(3);
    await clock.until(() => second.position?.seq === 3);
    frozen.thaw();
  });

  test('the next one is called when the leader stops in good order', async () => {
    const [first, second] = [engine(), engine()];
    await clock.until(() => first.status === 'LEADING');
    await first.stop();
    await clock.until(() => second.status === 'LEADING');
    await add(4);
    await clock.until(() => second.position?.seq === 1);
  });

  test('a leader that stood still keeps its lock, is put down by silence, and does not take the lead back', async () => {
    const frozen = freezable();
    const [first, second] = [engine(frozen.log), engine()];
    await clock.until(() => first.status === 'LEADING');
    await add(1);
    await clock.until(() => second.position?.seq === 1);
    frozen.freeze();
    await add(2);
    await clock.until(() => second.status === 'LEADING', 'leading by silence');
    expect(holder).toBe(0);
    await clock.until(() => second.position?.seq === 2);
    frozen.thaw();
    await clock.until(() => first.status === 'STANDBY');
    await clock.until(() => holder === 1, 'the new leader elected');
    await clock.pass(30_000);
    expect([first.status, second.status]).toEqual(['STANDBY', 'LEADING']);
    expect((await folded()).state).toMatchObject({ sum: 3, seen: [1, 2] });
  });

  test('what a leader had on its way when it stood still is fenced: it arrives, and nothing of it counts', async () => {
    let arrive = (): void => undefined;
    let onItsWay: Promise<void> | undefined;
    const delayed = hooked(log, async (_at, values, append) => {
      await onItsWay;
      return append(values);
    });
    const zombie = engine(delayed);
    await clock.until(() => zombie.status === 'LEADING');
    await add(1);
    await clock.until(() => zombie.position?.seq === 1);
    onItsWay = new Promise((resolve) => {
      arrive = resolve;
    });
    await add(10);
    await clock.until(() => (zombie.state?.sum ?? 0) === 11, 'decided, and not in the log');
    holder = 1;
    const next = engine();
    await clock.until(() => next.status === 'LEADING');
    await add(100);
    await clock.until(() => next.position?.seq === 3);
    arrive();
    await clock.until(() => next.metrics.dropped.ZOMBIE === 1);
    const inLog = await decisionsIn<CounterEvent>(log, SHARD_DECISIONS);
    expect(inLog.map(({ seq }) => seq)).toEqual([1, 2, 3, 2]);
    await clock.until(() => zombie.status === 'STANDBY' && zombie.position?.seq === 3);
    expect(zombie.state).toEqual(next.state);
    expect((await folded()).state).toMatchObject({ sum: 111, seen: [1, 2, 3] });
  });
});

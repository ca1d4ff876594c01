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
  let stopped = false;
  void Promise.all(runners.map((runner) => runner.stop())).then(() => {
    stopped = true;
  });
  await clock.until(() => stopped, 'the stop');
});

type Candidate = Pick<Election, 'tryLead' | 'resign'>;

/** One lock, as its server sees it: whoever asks first, until he resigns or his session ends. */
const candidate = (me: number): Candidate => ({
  async tryLead() {
    holder ??= me;
    return holder === me;
  },
  async resign() {
    if (holder === me) holder = undefined;
  },
});

function engine(over: EventLog = log, election: Candidate | undefined = candidate(runners.length)): Runner {
  const me = runners.length;
  const made: Runner = new DeciderRunner({
    ...{ log: over, clock, tails: directTails(over), entropy: countedEntropy(1 + me * 1_000), decider: counter() },
    ...{ readCommand: readCounterCommand, src: 'shard-0', epoch: 1, serviceKey: KEY },
    ...{ commands: SHARD_COMMANDS, decisions: SHARD_DECISIONS, work: new RenewingAppender(over) },
    ...{ campaign: 'WHEN_QUIET' as const, election },
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

/** A server that gives nobody an answer. */
const NOBODY: Candidate = { tryLead: async () => false, resign: async () => undefined };

/** Brokers, or a machine, on which every append takes as long. */
const slow = (ms: number): EventLog =>
  hooked(log, async (_at, values, append) => {
    await clock.sleep(ms);
    return append(values);
  });

/** A command every so often, for as long. */
async function sell(forMs: number, everyMs: number): Promise<void> {
  for (let passed = 0; passed < forMs; passed += everyMs) {
    await add(1);
    await clock.pass(everyMs);
  }
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

  test('a leader whose session is lost goes on where another one wins its lock, for its decisions are heard', async () => {
    const [first, second] = [engine(), engine()];
    await clock.until(() => first.status === 'LEADING');
    await sell(5_000, 100);
    holder = 1;
    await sell(30_000, 100);
    expect([first.status, second.status, holder]).toEqual(['LEADING', 'STANDBY', 0]);
    expect([first.metrics.incarnations, second.metrics.incarnations]).toEqual([1, 1]);
  });

  test.each([
    { who: 'a lock', election: candidate },
    { who: 'silence alone', election: () => NOBODY },
  ])(
    'those that are slower than silence may last hardly ever put each other down, called by $who',
    async ({ election }) => {
      const over = slow(5_000);
      const [first, second] = [engine(over, election(0)), engine(over, election(1))];
      await sell(120_000, 500);
      const incarnations = () => first.metrics.incarnations + second.metrics.incarnations;
      const before = incarnations();
      await sell(600_000, 500);
      // Sixty-two, were each as impatient as at first.
      expect(incarnations() - before).toBeLessThanOrEqual(5);
      expect([first.status, second.status].sort()).toEqual(['LEADING', 'STANDBY']);
      await clock.pass(20_000);
      expect((await folded()).seq).toBe(720 * 2);
    },
  );

  test('a leader that has something to do only now and then is not silent while it has nothing', async () => {
    const over = slow(200);
    const [first, second] = [engine(over, NOBODY), engine(over, NOBODY)];
    await add(1);
    await clock.until(() => first.position?.seq === 1 && second.position?.seq === 1);
    const incarnations = () => first.metrics.incarnations + second.metrics.incarnations;
    const before = incarnations();
    // As the renewals of the lease come to a shard that sells nothing: just as often as silence may last.
    await sell(600_000, 2_050);
    await sell(60_000, 7_770);
    expect(incarnations() - before).toBe(0);
  });

  test('a leader that dies while it has nothing to do is replaced soon after something comes', async () => {
    const frozen = freezable();
    const first = engine(frozen.log, NOBODY);
    await add(1);
    await clock.until(() => first.position?.seq === 1);
    const second = engine(log, NOBODY);
    await clock.until(() => second.position?.seq === 1);
    frozen.freeze();
    await clock.pass(60_000);
    expect(second.status).toBe('STANDBY');
    await add(2);
    const cameAt = clock.now();
    await clock.until(() => second.position?.seq === 2);
    expect(clock.now() - cameAt).toBeLessThanOrEqual(2_000);
    frozen.thaw();
  });

  test.each([
    { when: 'a minute', later: 60_000, patience: 4_000 },
    { when: 'six quiet minutes', later: 360_000, patience: 2_000 },
  ])('$when after it was put down a living engine waits $patience ms of silence', async ({ later, patience }) => {
    const [one, other] = [freezable(), freezable()];
    const first = engine(one.log, NOBODY);
    await add(1);
    await clock.until(() => first.position?.seq === 1);
    const second = engine(other.log, NOBODY);
    await clock.until(() => second.position?.seq === 1);
    one.freeze();
    await add(2);
    await clock.until(() => second.position?.seq === 2);
    one.thaw();
    await clock.until(() => first.position?.seq === 2);
    await clock.pass(later);
    await add(3);
    await clock.until(() => first.position?.seq === 3);
    other.freeze();
    await add(4);
    const silentFrom = clock.now();
    await clock.until(() => first.status === 'LEADING');
    const waited = clock.now() - silentFrom;
    expect([waited >= patience, waited <= patience + 500]).toEqual([true, true]);
    other.thaw();
  });

  test('a claim is a sign of life: nobody else claims before its first decision can be there', async () => {
    const frozen = freezable();
    const first = engine(frozen.log, NOBODY);
    await add(1);
    await clock.until(() => first.position?.seq === 1, 'the first decision');
    const deciding = hooked(log, async (_at, values, append) => {
      if (Buffer.from(values[0] ?? []).includes('"kind":"decision"')) await clock.sleep(1_500);
      return append(values);
    });
    const second = engine(deciding, NOBODY);
    await clock.pass(200);
    const third = engine(deciding, NOBODY);
    await clock.until(() => third.status === 'STANDBY');
    frozen.freeze();
    await add(2);
    await clock.until(() => second.position?.seq === 2 && third.position?.seq === 2, 'the next decision');
    await clock.pass(10_000);
    expect([second, third].map(({ metrics }) => metrics.incarnations)).toEqual([1, 1]);
    frozen.thaw();
  });

  test('one that hears nothing more leaves a leader alone who decides', async () => {
    const deaf = freezable();
    const [first, second] = [engine(), engine(deaf.log, NOBODY)];
    await clock.until(() => first.status === 'LEADING' && second.status === 'STANDBY');
    deaf.freeze();
    await sell(30_000, 500);
    deaf.thaw();
    await sell(10_000, 500);
    expect([first.status, second.status]).toEqual(['LEADING', 'STANDBY']);
    expect(first.metrics.incarnations).toBe(1);
    expect(second.state).toEqual(first.state);
  });

  test('a standby outlives any number of lost readers, and lets the leader lead', async () => {
    const readers: ((fault: Error) => void)[] = [];
    const breaking: EventLog = {
      ...hooked(log, (_at, values, append) => append(values)),
      tail: (starts, onBatch, onFault, options) => {
        readers.push(onFault);
        return log.tail(starts, onBatch, onFault, options);
      },
    };
    const [first, second] = [engine(), engine(breaking)];
    await clock.until(() => first.status === 'LEADING');
    for (let i = 1; i <= 120; i++) {
      await clock.until(() => second.status === 'STANDBY' && readers.length === i);
      readers.at(-1)?.(new Error('the broker was lost'));
    }
    await clock.until(() => second.metrics.incarnations > 120);
    await clock.until(() => second.status === 'STANDBY');
    expect([first.status, first.metrics.incarnations]).toEqual(['LEADING', 1]);
  });
});

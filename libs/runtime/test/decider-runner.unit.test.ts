import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DecisionRecord, encodeRecord, sha256, signCommand, stateHash } from '#mutuel/contracts';
import { countDeaths, type Deaths } from '../src/deaths.js';
import { DeciderRunner, foldDecisions } from '../src/decider-runner.js';
import { AppendFault, type EventLog } from '../src/ports.js';
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
import {
  appendTo,
  countedEntropy,
  decisionsIn,
  hooked,
  KEY,
  memoryLog,
  SHARD_COMMANDS,
  SHARD_DECISIONS,
  settle,
  VirtualClock,
} from './support/world.js';

type Runner = DeciderRunner<CounterState, CounterCommand, CounterEvent>;

let clock: VirtualClock;
let log: EventLog;
let alarms: string[];
let runners: Runner[];

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock);
  alarms = [];
  runners = [];
});

afterEach(async () => {
  for (const runner of runners) await runner.stop();
});

function runner(
  over: EventLog = log,
  more: { campaign?: 'WHEN_QUIET'; decider?: ReturnType<typeof counter>; deaths?: Deaths } = {},
): Runner {
  const made: Runner = new DeciderRunner({
    log: over,
    tails: directTails(over),
    clock,
    entropy: countedEntropy(1 + runners.length * 1_000),
    decider: counter(),
    readCommand: readCounterCommand,
    src: 'shard-0',
    epoch: 1,
    commands: SHARD_COMMANDS,
    decisions: SHARD_DECISIONS,
    serviceKey: KEY,
    work: new RenewingAppender(over),
    onAlarm: (code, detail) => alarms.push(`${code} ${detail}`),
    ...more,
  });
  runners.push(made);
  return made;
}

const send = (...commands: CounterCommand[]) => appendTo(log, SHARD_COMMANDS, ...commands.map(command));
const add = (n: number): CounterCommand => ({ type: 'Add', n });

async function leading(made: Runner): Promise<Runner> {
  made.start();
  await clock.until(() => made.status === 'LEADING', 'leading');
  return made;
}

const decided = (made: Runner, count: number) =>
  clock.until(() => made.metrics.decisions >= count, `decision ${count}`);

/** The valid sequence as an outsider folds it. */
const folded = () => foldDecisions(log, { src: 'shard-0', at: SHARD_DECISIONS }, counter());

describe('a runner', () => {
  test('decides every command once, in order, and tells listeners what it read back', async () => {
    const made = runner();
    const heard: DecisionRecord<CounterEvent>[] = [];
    made.onDecision(({ decision }) => heard.push(decision));
    await send(add(1), add(2));
    await leading(made);
    await send(add(3));
    await decided(made, 3);
    expect(heard.map((d) => [d.seq, d.in, d.events])).toEqual([
      [1, [1, 0, 0], [{ t: 'Added', n: 1 }]],
      [2, [1, 1, 0], [{ t: 'Added', n: 2 }]],
      [3, [1, 2, 0], [{ t: 'Added', n: 3 }]],
    ]);
    expect(made.state).toMatchObject({ sum: 6, seq: 3 });
  });

  test('chains each decision to the bytes of the one before', async () => {
    await send(add(1), add(2), add(3));
    await decided(await leading(runner()), 3);
    const records = await log.read({ ...SHARD_DECISIONS, from: 1 }, 10);
    const prevs = (await decisionsIn(log, SHARD_DECISIONS)).map((d) => d.prev);
    expect(prevs).toEqual(['0'.repeat(64), ...records.slice(0, -1).map(({ value }) => sha256(value))]);
  });

  test('takes up where the decision log ends, whoever wrote it', async () => {
    const first = await leading(runner());
    await send(add(1), add(2));
    await decided(first, 2);
    await first.stop();
    await send(add(3));
    const second = await leading(runner());
    await decided(second, 3);
    expect((await folded()).state).toMatchObject({ sum: 6, seen: [1, 2, 3] });
  });

  test('goes on correctly through more commands than one append holds', async () => {
    const made = runner();
    const values = Array.from({ length: 1_000 }, () => command(add(1)));
    for (let i = 0; i < values.length; i += 100) await appendTo(log, SHARD_COMMANDS, ...values.slice(i, i + 100));
    await leading(made);
    await decided(made, 1_000);
    expect((await folded()).state.sum).toBe(1_000);
    expect(made.metrics.appends).toBeLessThan(100);
  });

  test('replays to the same state hash it had when it decided', async () => {
    const made = await leading(runner());
    await send(add(5), { type: 'Job', steps: 3 }, add(6));
    await decided(made, 6);
    const { stateHash: hash, head } = await folded();
    expect(hash).toBe(stateHash(counter().image(made.state as CounterState)));
    expect(head).toBe(made.position?.head);
    expect((await foldDecisions(log, { src: 'shard-0', at: SHARD_DECISIONS, to: 1 }, counter())).state.sum).toBe(5);
  });

  test('stops in order: what it decided is in the log, what came later is left to the next', async () => {
    const made = await leading(runner());
    await send(add(1));
    await settle();
    await made.stop();
    await send(add(2));
    await settle();
    expect((await folded()).state).toMatchObject({ sum: 1, seq: 1 });
    expect(made.status).toBe('STOPPED');
  });
});

describe('bad commands', () => {
  test('a broken record in the command log becomes a refusal and the shard goes on', async () => {
    await appendTo(
      log,
      SHARD_COMMANDS,
      new TextEncoder().encode('{"v":1'),
      command({ type: 'Nonsense' }),
      command(add(1)),
    );
    await decided(await leading(runner()), 3);
    const records = await decisionsIn(log, SHARD_DECISIONS);
    expect(records.map((d) => [d.code, d.detail])).toEqual([
      ['MALFORMED', 'the command is not valid JSON'],
      ['MALFORMED', 'Nonsense is no command'],
      [undefined, undefined],
    ]);
  });

  test.each(['Boom', 'Lopsided', 'Huge'] as const)(
    'a client command that breaks the decider (%s) is set aside after three incarnations died of it',
    async (type) => {
      const made = await leading(runner());
      await send(add(1), { type }, add(2));
      await decided(made, 3);
      const records = await decisionsIn(log, SHARD_DECISIONS);
      expect(records.map((d) => d.code)).toEqual([undefined, 'QUARANTINED', undefined]);
      expect(made.metrics.incarnations).toBe(4);
      expect((await folded()).state.sum).toBe(3);
    },
  );

  test('a signed command that this release does not know halts the runner, with the position', async () => {
    const made = await leading(runner());
    await appendTo(log, SHARD_COMMANDS, command(add(1)), signCommand('f'.repeat(32), { type: 'FutureFact' }, KEY));
    await clock.until(() => made.status === 'HALTED');
    expect(made.fault?.message).toMatch(
      /shard-0 stops at shard\.commands\[0\] offset 1: FutureFact is not known to this release/,
    );
  });

  test('a newer command format halts the runner instead of being skipped', async () => {
    const made = await leading(runner());
    await appendTo(log, SHARD_COMMANDS, new TextEncoder().encode('{"v":2,"zip":"…"}'));
    await clock.until(() => made.status === 'HALTED');
    expect(made.fault?.message).toMatch(/offset 0: its format 2 is newer than this release/);
  });

  test('a newer command format is not set aside by a release that cannot read it, however often the next one died of it', async () => {
    const deaths = countDeaths('shard-0');
    for (let died = 0; died < 3; died++) deaths.note(1, 0);
    const made = await leading(runner(log, { deaths }));
    await appendTo(log, SHARD_COMMANDS, new TextEncoder().encode('{"v":2,"zip":"…"}'));
    await clock.until(() => made.status === 'HALTED', 'halted');
    expect(await decisionsIn(log, SHARD_DECISIONS)).toEqual([]);
  });

  test('a signed command that keeps breaking the decider halts the runner: it is not the runner’s to skip', async () => {
    const made = await leading(runner());
    await appendTo(log, SHARD_COMMANDS, signCommand('f'.repeat(32), { type: 'Boom' }, KEY));
    await clock.until(() => made.status === 'HALTED');
    expect(made.fault?.message).toMatch(/deciding it ended 3 incarnations/);
    expect(await decisionsIn(log, SHARD_DECISIONS)).toEqual([]);
  });

  test('a corrupt decision log stops the start with the position and what to do', async () => {
    await appendTo(log, SHARD_DECISIONS, new TextEncoder().encode('garbage'));
    const made = runner();
    made.start();
    await clock.until(() => made.status === 'HALTED');
    expect(made.fault?.message).toMatch(
      /shard\.decisions\[0\] offset 0: the record is not valid JSON.*restore the log/,
    );
  });
});

describe('two runners on one log', () => {
  test('the second takes over and the first, still writing, is dropped by everyone', async () => {
    // The first one's appends are held back, so that they land after the takeover.
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let hold = false;
    const slow = hooked(log, async (at, values, append) => {
      if (hold && at.topic === SHARD_DECISIONS.topic) await held;
      return append(values);
    });
    const first = await leading(runner(slow));
    await send(add(1));
    await decided(first, 1);
    hold = true;
    await send(add(2));
    await settle();
    const second = await leading(runner());
    release();
    hold = false;
    await send(add(4));
    await decided(second, 3);
    await clock.until(() => first.status === 'STANDBY');
    expect((await folded()).state).toMatchObject({ sum: 7, seen: [1, 2, 3] });
    expect(second.metrics.dropped.ZOMBIE).toBe(1);
    expect(second.status).toBe('LEADING');
  });

  test('who lost stays a warm standby and takes over again when the log falls silent with work waiting', async () => {
    const first = await leading(runner());
    const second = await leading(runner());
    await clock.until(() => first.status === 'STANDBY');
    await send(add(1));
    await decided(second, 1);
    await clock.pass(60_000);
    expect([first.status, second.status]).toEqual(['STANDBY', 'LEADING']);
    await second.stop();
    await send(add(2));
    await clock.until(() => first.status === 'LEADING', 'the standby leads');
    await decided(first, 2);
    expect((await folded()).state).toMatchObject({ sum: 3, seen: [1, 2] });
  });

  test('a standby never disturbs a leader that has nothing to do', async () => {
    const first = await leading(runner());
    const second = runner(log, { campaign: 'WHEN_QUIET' });
    second.start();
    await clock.pass(600_000);
    expect([first.status, second.status]).toEqual(['LEADING', 'STANDBY']);
  });

  test('a standby that cannot ask the log for its end goes on standing by', async () => {
    let isAway = false;
    const bounds = log.bounds.bind(log);
    log.bounds = (at) => (isAway ? Promise.reject(new Error('the log cannot be reached')) : bounds(at));
    const standby = runner(log, { campaign: 'WHEN_QUIET' });
    standby.start();
    await clock.until(() => standby.status === 'STANDBY');
    isAway = true;
    await send(add(1));
    await clock.pass(10_000);
    expect(standby.status).toBe('STANDBY');
    isAway = false;
    await clock.until(() => standby.status === 'LEADING');
  });

  test('gives out as folded only what was read to its end, however often the log was lost before', async () => {
    const first = await leading(runner());
    await send(add(1), add(2));
    await decided(first, 2);
    await first.stop();
    let isAway = true;
    const bounds = log.bounds.bind(log);
    log.bounds = (at) => (isAway ? Promise.reject(new Error('the log cannot be reached')) : bounds(at));
    const next = runner();
    const sums: number[] = [];
    void next.folded.then(({ sum }) => sums.push(sum));
    next.start();
    await clock.pass(1_000);
    expect(sums).toEqual([]);
    await clock.until(() => next.trouble !== undefined, 'a word about it');
    expect(next.trouble).toMatch(/TAIL: the log cannot be reached$/);
    isAway = false;
    await clock.until(() => sums.length > 0);
    expect(sums).toEqual([3]);
    await clock.until(() => next.status === 'LEADING');
    expect(next.trouble).toBeUndefined();
  });
});

describe('a runner whose appends fail', () => {
  /** Every third append of decisions fails in the given way. */
  function faulty(way: 'BEFORE' | 'AFTER' | 'TWICE'): EventLog {
    let appends = 0;
    return hooked(log, async (at, values, append) => {
      if (at.topic !== SHARD_DECISIONS.topic || ++appends % 3 !== 0) return append(values);
      if (way === 'BEFORE') throw new AppendFault('lost on the way', 'NOT_APPENDED');
      const done = await append(values);
      if (way === 'AFTER') throw new AppendFault('no answer came', 'UNKNOWN');
      await append(values);
      return done;
    });
  }

  test.each(['BEFORE', 'AFTER', 'TWICE'] as const)(
    'starts over and neither loses nor doubles a decision (%s)',
    async (way) => {
      const made = await leading(runner(faulty(way)));
      for (let i = 1; i <= 20; i++) {
        await send(add(i));
        await decided(made, i);
      }
      const { state } = await folded();
      expect(state.sum).toBe(210);
      expect(state.seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(made.metrics.incarnations).toBeGreaterThan(2);
      expect(alarms.some((a) => a.startsWith('INCARNATION_ENDED'))).toBe(true);
    },
  );

  test('halts with a clear alarm when it never gets anything into the log', async () => {
    const made = runner(hooked(log, () => Promise.reject(new AppendFault('the disk is full', 'NOT_APPENDED'))));
    made.start();
    await clock.until(() => made.metrics.incarnations > 2);
    expect(made.trouble).toBeUndefined();
    await clock.until(() => made.trouble !== undefined, 'a word about it');
    expect(made.trouble).toMatch(/^it has ended again and again for \d+ s: APPEND: the disk is full$/);
    await clock.until(() => made.status === 'HALTED');
    expect(made.fault?.message).toMatch(/APPEND: the disk is full \(100 incarnations in a row wrote nothing\)/);
  });
});

describe('the state’s own work', () => {
  test('is asked for step by step through the command log, interleaved with other commands', async () => {
    const made = await leading(runner());
    await send({ type: 'Job', steps: 5 }, add(7));
    await decided(made, 7);
    const records = await decisionsIn<CounterEvent>(log, SHARD_DECISIONS);
    expect(records.flatMap((d) => d.events.map((e) => e.t))).toEqual([
      'JobStarted',
      'Added',
      ...Array.from({ length: 5 }, () => 'Stepped'),
    ]);
    await clock.pass(10_000);
    expect(made.metrics).toMatchObject({ stepsAsked: 5, decisions: 7 });
  });

  test('goes on after a restart from the state alone, and a step asked twice is a no-op', async () => {
    const first = await leading(runner());
    await send({ type: 'Job', steps: 4 });
    await decided(first, 2);
    await first.stop();
    const second = await leading(runner());
    await clock.until(() => (second.state as CounterState).left === 0);
    await settle();
    const { state } = await folded();
    expect(state).toMatchObject({ left: 0, cursor: 4 });
  });

  test('raises one alarm, and asks no more, when a step was decided and is wanted still', async () => {
    const pending = (state: CounterState): CounterCommand | undefined =>
      state.left > 0 ? { type: 'Continue', cursor: 999 } : undefined;
    const made = await leading(runner(log, { decider: { ...counter(), pending } }));
    await send({ type: 'Job', steps: 1 });
    await decided(made, 2);
    await send(add(1), add(2));
    await decided(made, 4);
    await clock.pass(10_000);
    expect(made.metrics.stepsAsked).toBe(1);
    expect(alarms).toEqual(['JOB_STUCK shard-0 decided the step {"type":"Continue","cursor":999} and still wants it']);
  });

  test('survives failing appends of its steps', async () => {
    let appends = 0;
    const over = hooked(log, async (at, values, append) => {
      if (at.topic === SHARD_COMMANDS.topic && ++appends % 2 === 1) throw new AppendFault('no answer came', 'UNKNOWN');
      return append(values);
    });
    const made = await leading(runner(over));
    await send({ type: 'Job', steps: 4 });
    await clock.until(() => made.state?.cursor === 4);
    expect(made.metrics.stepsAsked).toBe(4);
  });
});

test('a leader whose record is contradicted in the log stands down and starts over', async () => {
  const made = await leading(runner());
  await send(add(1));
  await decided(made, 1);
  const [own] = await decisionsIn(log, SHARD_DECISIONS);
  await appendTo(log, SHARD_DECISIONS, encodeRecord({ ...(own as DecisionRecord), seq: 7 }));
  await clock.until(() => made.metrics.incarnations === 2 && made.status === 'LEADING');
  await send(add(2));
  await decided(made, 2);
  expect(made.metrics.dropped.KILLED).toBeGreaterThan(0);
  expect((await folded()).state).toMatchObject({ sum: 3, seen: [1, 2] });
});

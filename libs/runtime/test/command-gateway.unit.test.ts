import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeCommand, MAX_APPEND_RECORDS, TOPICS } from '#mutuel/contracts';
import { CommandGateway, type GatewayAnswer, type GatewayOptions, Unavailable } from '../src/command-gateway.js';
import { DeciderRunner } from '../src/decider-runner.js';
import { AppendFault, type AppendGroup, type EventLog } from '../src/ports.js';
import { RenewingAppender } from '../src/renewing-appender.js';
import { directTails, type TailSource } from '../src/tail-source.js';
import {
  type CounterCommand,
  type CounterEvent,
  type CounterState,
  counter,
  readCounterCommand,
} from './support/counter.js';
import { appendTo, countedEntropy, hooked, KEY, memoryLog, settle, VirtualClock } from './support/world.js';

const SHARDS = 2;

let clock: VirtualClock;
let log: EventLog;
let stops: (() => Promise<void>)[];
let made = 0;

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock, SHARDS);
  stops = [];
});

afterEach(async () => {
  for (const stop of stops) await stop();
});

type Gateway = CommandGateway<CounterEvent>;

async function gateway(over?: EventLog, more?: Partial<GatewayOptions>): Promise<Gateway> {
  const built = build(over, more);
  await built.start();
  return built;
}

function build(over: EventLog = log, more: Partial<GatewayOptions> = {}): Gateway {
  const built: Gateway = new CommandGateway({
    ...{ log: over, clock, tails: directTails(over), entropy: countedEntropy(5_000) },
    commandsTopic: TOPICS.shardCommands,
    decisionsTopic: TOPICS.shardDecisions,
    partitions: SHARDS,
    srcOf: (partition) => `shard-${partition}`,
    windowMs: 5,
    ...more,
  });
  stops.unshift(() => built.stop());
  return built;
}

async function deciders(): Promise<void> {
  for (let partition = 0; partition < SHARDS; partition++) {
    const runner = new DeciderRunner<CounterState, CounterCommand, CounterEvent>({
      ...{ log, clock, tails: directTails(log), entropy: countedEntropy(++made * 10_000) },
      ...{ decider: counter(), readCommand: readCounterCommand, src: `shard-${partition}`, epoch: 1 },
      commands: { topic: TOPICS.shardCommands, partition },
      decisions: { topic: TOPICS.shardDecisions, partition },
      serviceKey: KEY,
      work: new RenewingAppender(log),
    });
    stops.push(() => runner.stop());
    runner.start();
    await clock.until(() => runner.status === 'LEADING');
  }
}

let ids = 0;

/** Submits an addition and keeps what came of it. */
function add(to: Gateway, n: number, partition = 0, channel = 'web') {
  const cid = (++ids).toString(16).padStart(32, '0');
  const outcome: { answer?: GatewayAnswer<CounterEvent>; refused?: Unavailable; cid: string } = { cid };
  to.submit(partition, encodeCommand(cid, { type: 'Add', n }), cid, { channel }).then(
    (answer) => {
      outcome.answer = answer;
    },
    (fault: Unavailable) => {
      outcome.refused = fault;
    },
  );
  return outcome;
}

const settled = (...outcomes: ReturnType<typeof add>[]) =>
  clock.until(() => outcomes.every((o) => o.answer ?? o.refused), 'every answer');

describe('the command gateway', () => {
  test('answers each command with its own decision, read as valid', async () => {
    await deciders();
    const to = await gateway();
    const outcomes = [add(to, 1), add(to, 2, 1), add(to, 3)];
    await settled(...outcomes);
    expect(
      outcomes.map(({ answer }) => answer?.kind === 'DECIDED' && [answer.partition, answer.valid.decision.seq]),
    ).toEqual([
      [0, 1],
      [1, 1],
      [0, 2],
    ]);
    expect(to.metrics).toMatchObject({ submitted: 3, decided: 3, pending: 0 });
    expect(to.recent(0, 2)?.decision.cid).toBe(outcomes[2]?.cid);
    expect(to.recent(0, 3)).toBeUndefined();
  });

  test('gathers what comes within its window into one append, up to what an append holds', async () => {
    const sizes: number[] = [];
    const over = hooked(log, async (_at, values, append) => {
      sizes.push(values.length);
      return append(values);
    });
    await deciders();
    const to = await gateway(over);
    await settled(...Array.from({ length: 10 }, () => add(to, 1)));
    await settled(...Array.from({ length: MAX_APPEND_RECORDS + 7 }, () => add(to, 1)));
    expect(sizes).toEqual([10, MAX_APPEND_RECORDS, 7]);
  });

  test('sends all partitions in one append where the log can', async () => {
    const appends: number[] = [];
    const over = hooked(log, (_at, values, append) => append(values));
    over.appender = async () => {
      const inner = await log.appender();
      const appendAll = async (groups: readonly AppendGroup[]) => {
        appends.push(groups.length);
        for (const { at, values } of groups) await inner.append(at, values);
      };
      return { append: inner.append.bind(inner), appendAll, close: () => inner.close() };
    };
    await deciders();
    const to = await gateway(over);
    await settled(add(to, 1, 0), add(to, 1, 1), add(to, 1, 0));
    expect(appends).toEqual([2]);
  });

  test('knows the valid head although it started late, and drops a zombie’s answer', async () => {
    await deciders();
    const first = await gateway();
    await settled(add(first, 1), add(first, 2));
    const late = await gateway();
    expect(late.recent(0, 2)?.decision.seq).toBe(2);
    const answered = add(late, 4);
    await settled(answered);
    expect(answered.answer?.kind === 'DECIDED' && answered.answer.valid.decision.seq).toBe(3);
  });
});

describe('without a decision in time', () => {
  test('a command is pending, never refused', async () => {
    const to = await gateway();
    const outcome = add(to, 1);
    await clock.pass(1_400);
    expect(outcome).not.toHaveProperty('answer');
    await clock.pass(200);
    expect(outcome.answer).toEqual({ kind: 'PENDING', cid: outcome.cid });
    expect(to.inFlight).toBe(1);
  });

  test('an append of unknown outcome is pending, and answered after all when the decision comes in time', async () => {
    const over = hooked(log, async (at, values, append) => {
      if (at.topic === TOPICS.shardCommands) {
        if (at.partition === 1) throw new AppendFault('no answer came', 'UNKNOWN');
        await append(values);
        throw new AppendFault('no answer came', 'UNKNOWN');
      }
      return append(values);
    });
    await deciders();
    const to = await gateway(over);
    const arrived = add(to, 1, 0);
    const lost = add(to, 1, 1);
    await settled(arrived, lost);
    expect([arrived.answer?.kind, lost.answer?.kind]).toEqual(['DECIDED', 'PENDING']);
    expect(to.metrics.unknown).toBe(2);
  });

  test('a command that certainly was not appended is turned away with a time to come back', async () => {
    let full = true;
    const over = hooked(log, async (at, values, append) => {
      if (full && at.topic === TOPICS.shardCommands) throw new AppendFault('the disk is full', 'NOT_APPENDED');
      return append(values);
    });
    await deciders();
    const to = await gateway(over);
    const refused = add(to, 1);
    await settled(refused);
    expect(refused.refused).toBeInstanceOf(Unavailable);
    expect(refused.refused?.message).toBe('the disk is full');
    expect(refused.refused?.retryAfterMs).toBeGreaterThanOrEqual(500);
    full = false;
    const accepted = add(to, 1);
    await settled(accepted);
    expect(accepted.answer?.kind).toBe('DECIDED');
    expect(to.inFlight).toBe(0);
  });

  test('a stopping gateway appends what it admitted and leaves nobody waiting', async () => {
    const to = await gateway();
    const outcome = add(to, 1);
    await to.stop();
    await settle();
    expect(outcome.answer?.kind).toBe('PENDING');
    expect((await log.bounds({ topic: TOPICS.shardCommands, partition: 0 })).end).toBe(1);
  });
});

describe('admission', () => {
  test('an envelope that is made when asked for is not made for who is turned away', async () => {
    const to = await gateway(log, { maxInFlightPerPartition: 1 });
    const made: string[] = [];
    const submit = (cid: string): Promise<string> => {
      const envelope = (): Uint8Array => {
        made.push(cid);
        return encodeCommand(cid, { type: 'Add', n: 1 });
      };
      return to.submit(0, envelope, cid).then(
        ({ kind }) => kind,
        (fault: Unavailable) => fault.message,
      );
    };
    const [letIn, turnedAway] = ['a', 'b'].map((digit) => submit(digit.repeat(32)));
    expect(await turnedAway).toBe('too many commands are on their way');
    await clock.pass(2_000);
    expect(await letIn).toBe('PENDING');
    expect(made).toEqual(['a'.repeat(32)]);
  });

  test('turns away before the append what exceeds the partition’s or the channel’s share', async () => {
    const to = await gateway(log, { maxInFlightPerPartition: 5, maxInFlightPerChannel: 3 });
    const web = Array.from({ length: 4 }, () => add(to, 1, 0, 'web'));
    const pos = Array.from({ length: 3 }, () => add(to, 1, 0, 'pos'));
    const other = add(to, 1, 1, 'pos');
    await clock.pass(20);
    expect(web.map((o) => o.refused?.message)).toEqual([
      undefined,
      undefined,
      undefined,
      'too many commands of channel web',
    ]);
    expect(pos[2]?.refused?.message).toBe('too many commands are on their way');
    expect(other.refused).toBeUndefined();
    expect((await log.bounds({ topic: TOPICS.shardCommands, partition: 0 })).end).toBe(5);
  });

  test('turns newcomers away while many wait and the oldest waits too long, and takes them again afterwards', async () => {
    const to = await gateway();
    const first = Array.from({ length: 200 }, () => add(to, 1));
    await clock.pass(300);
    const late = add(to, 1);
    await settle();
    expect(late.refused?.message).toBe('commands are being decided too slowly');
    await deciders();
    await settled(...first);
    const again = add(to, 1);
    await settled(again);
    expect(again.answer?.kind).toBe('DECIDED');
  });

  test('lets no more wait than are decided in a quarter of a second, so that a burst beyond the pace is turned away at once', async () => {
    await deciders();
    const to = await gateway();
    const burst = Array.from({ length: 1_000 }, () => add(to, 1));
    await settle();
    expect(burst.filter((o) => o.refused).length).toBe(800);
    await settled(...burst);
    expect(to.full).toBe(false);
    // 200 were decided a moment ago; with as many again the pace allows what it has shown, and no more.
    for (let round = 0; round < 3; round++) await settled(...Array.from({ length: 150 }, () => add(to, 1)));
    const faster = Array.from({ length: 1_000 }, () => add(to, 1));
    await settle();
    const admitted = faster.filter((o) => !o.refused).length;
    expect(admitted).toBeGreaterThan(400);
    expect(admitted).toBeLessThanOrEqual(650);
    await clock.pass(2_000);
    const later = Array.from({ length: 1_000 }, () => add(to, 1));
    await settle();
    expect(later.filter((o) => !o.refused).length).toBe(200);
    expect(to.metrics.turnedAway).toBe(800 + (1_000 - admitted) + 800);
  });

  test('waits through a stall shorter than half a second at the pace before it, and turns away what comes after', async () => {
    let gate: Promise<void> = Promise.resolve();
    let open: () => void = () => undefined;
    await deciders();
    const to = await gateway(hooked(log, async (_at, values, append) => gate.then(() => append(values))));
    const arrive = async (ms: number) => {
      const arrived: ReturnType<typeof add>[] = [];
      for (let passed = 0; passed < ms; passed += 10) {
        arrived.push(...Array.from({ length: 10 }, () => add(to, 1)));
        await clock.pass(10);
      }
      return arrived;
    };
    const usual = await arrive(3_000);
    gate = new Promise((resolve) => {
      open = resolve;
    });
    // A thousand a second: 200 may always wait, 250 by the pace of the last quarter of a second, of a short queue 500.
    const during = await arrive(440);
    expect(usual.filter(({ refused }) => refused).length).toBe(0);
    expect(during.filter(({ refused }) => refused).length).toBe(0);
    const after = await arrive(200);
    expect(after.filter(({ refused }) => refused).length).toBeGreaterThan(100);
    open();
    await settled(...during);
    expect((await arrive(300)).filter(({ refused }) => refused).length).toBe(0);
  });

  test('is full when nearly every partition is, and says when to come back', async () => {
    const to = await gateway();
    for (let i = 0; i < 200; i++) add(to, 1, 0);
    expect(to.full).toBe(false);
    for (let i = 0; i < 159; i++) add(to, 1, 1);
    expect(to.full).toBe(false);
    add(to, 1, 1);
    expect(to.full).toBe(true);
    const { message, retryAfterMs } = to.turnAway();
    expect([message, retryAfterMs >= 500 && retryAfterMs < 1_500]).toEqual([
      'commands are being decided too slowly',
      true,
    ]);
    expect(to.metrics.turnedAway).toBe(1);
  });

  test('is not stuck on commands of unknown outcome that never arrived', async () => {
    let lose = true;
    const over = hooked(log, async (at, values, append) => {
      if (lose && at.topic === TOPICS.shardCommands) throw new AppendFault('no answer came', 'UNKNOWN');
      return append(values);
    });
    await deciders();
    const to = await gateway(over);
    const lost = Array.from({ length: 200 }, () => add(to, 1));
    await settled(...lost);
    lose = false;
    const next = add(to, 1);
    await settled(next);
    expect(next.answer?.kind).toBe('DECIDED');
    await clock.pass(40_000);
    expect(to.inFlight).toBe(0);
  });

  test('says how far it has read before it can answer', async () => {
    await deciders();
    const first = await gateway();
    await settled(...Array.from({ length: 60 }, (_, i) => add(first, i)));
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tails: TailSource = {
      subscribe: (start, onRecords, onFault) =>
        directTails(log).subscribe(
          start,
          async (records) => {
            await onRecords(records.slice(0, 20));
            await held;
            await onRecords(records.slice(20));
          },
          onFault,
        ),
    };
    const next = build(log, { tails });
    expect(next.reading).toEqual(Array(SHARDS).fill({ done: 0, total: 0 }));
    const started = next.start();
    await clock.until(() => next.reading.some(({ done }) => done > 0));
    // The other partition holds one record, the start of its decider, and is read.
    expect(next.reading).toEqual([{ done: 20, total: 61 }]);
    expect(next.ready).toBe(false);
    release();
    await started;
    expect(next.reading).toEqual([]);
    expect(next.ready).toBe(true);
  });

  test('tells, once it has answered, that the decisions cannot be followed any more', async () => {
    const ends: Error[] = [];
    const to = await gateway(log, { onFatal: (fault) => void ends.push(fault) });
    expect(to.ready).toBe(true);
    await appendTo(log, { topic: TOPICS.shardDecisions, partition: 1 }, new TextEncoder().encode('garbage'));
    await clock.until(() => ends.length > 0, 'its end');
    expect(ends).toEqual([to.fault]);
    expect(ends[0]?.message).toMatch(/shard\.decisions\[1\] offset 0/);
  });

  test('admits nothing while the decisions cannot be followed', async () => {
    await appendTo(log, { topic: TOPICS.shardDecisions, partition: 1 }, new TextEncoder().encode('garbage'));
    const to = build();
    await expect(to.start()).rejects.toThrow(/shard\.decisions\[1\] offset 0/);
    const outcome = add(to, 1);
    await settle();
    expect(to.ready).toBe(false);
    expect(outcome.refused?.message).toMatch(/decisions cannot be followed: shard\.decisions\[1\] offset 0/);
  });
});

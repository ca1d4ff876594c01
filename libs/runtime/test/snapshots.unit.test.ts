import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openMemorySnapshots } from '#mutuel/adapters';
import { sha256 } from '#mutuel/contracts';
import { DeciderRunner, foldDecisions } from '../src/decider-runner.js';
import { EngineHost, MARKET_SOURCE } from '../src/engine-host.js';
import type { EventLog, LogStart } from '../src/ports.js';
import { RenewingAppender } from '../src/renewing-appender.js';
import { SnapshotKeeper } from '../src/snapshot-keeper.js';
import type { SnapshotStore } from '../src/snapshot-store.js';
import { snapshotHeads, takeSnapshot } from '../src/snapshots.js';
import { TailHub } from '../src/tail-hub.js';
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
  KEY,
  memoryLog,
  SHARD_COMMANDS,
  SHARD_DECISIONS,
  VirtualClock,
} from './support/world.js';

type Runner = DeciderRunner<CounterState, CounterCommand, CounterEvent>;
const SOURCE = { src: 'shard-0', at: SHARD_DECISIONS };

let clock: VirtualClock;
let log: EventLog;
let store: SnapshotStore;
let alarms: string[];
let stops: (() => Promise<void>)[];
/** Where tails of the decision log began. */
let begun: number[];

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock);
  store = openMemorySnapshots();
  alarms = [];
  stops = [];
  begun = [];
});

afterEach(async () => {
  for (const stop of stops) await stop();
});

const onAlarm = (code: string, detail: string): void => void alarms.push(`${code} ${detail}`);

function runner(
  over: EventLog = log,
  more: { campaign?: 'WHEN_QUIET'; schema?: number; commandsRead?: Promise<void> } = {},
): Runner {
  const { schema = 1, commandsRead, ...rest } = more;
  const tails = directTails(over);
  const made: Runner = new DeciderRunner({
    ...{ log: over, clock, entropy: countedEntropy(1 + stops.length * 1_000) },
    tails: {
      subscribe: async (start: LogStart, onRecords, onFault) => {
        if (start.topic === SHARD_DECISIONS.topic) begun.push(start.from);
        const subscription = await tails.subscribe(start, onRecords, onFault);
        if (start.topic === SHARD_COMMANDS.topic) await commandsRead;
        return subscription;
      },
    },
    decider: { ...counter(), schema },
    ...{ readCommand: readCounterCommand, src: 'shard-0', epoch: 1, serviceKey: KEY },
    ...{ commands: SHARD_COMMANDS, decisions: SHARD_DECISIONS, work: new RenewingAppender(over) },
    ...{ onAlarm, snapshots: store, ...rest },
  });
  stops.push(() => made.stop());
  return made;
}

async function leading(made: Runner): Promise<Runner> {
  made.start();
  await clock.until(() => made.status === 'LEADING', 'leading');
  return made;
}

/** A log of `count` decisions after one start record, and nobody who leads. */
async function decisions(count: number): Promise<void> {
  const made = await leading(runner());
  await add(...Array.from({ length: count }, (_, i) => i + 1));
  await clock.until(() => made.metrics.decisions >= count);
  await made.stop();
  begun = [];
}

const add = (...numbers: number[]) =>
  appendTo(log, SHARD_COMMANDS, ...numbers.map((n) => command({ type: 'Add', n }))).then(() => undefined);

/** Of everything before the offset. */
const take = (end: number, from: EventLog = log) =>
  takeSnapshot({ log: from, store, source: SOURCE, decider: counter(), end, now: () => clock.now(), onAlarm });

const damage = async (seq: number, at: (bytes: Uint8Array) => number): Promise<void> => {
  const bytes = (await store.read('shard-0', seq)).slice();
  const i = at(bytes);
  bytes[i] = (bytes[i] as number) ^ 1;
  await store.write('shard-0', seq, [bytes]);
};

describe('a decider that has a snapshot', () => {
  test('writes none once it decides, though its runner still says that it stands by', async () => {
    let release: () => void = () => undefined;
    const commandsRead = new Promise<void>((resolve) => {
      release = resolve;
    });
    const made = runner(log, { campaign: 'WHEN_QUIET', commandsRead });
    made.start();
    await add(1, 2, 3);
    await clock.until(() => made.state?.sum === 6);
    expect(made.status).toBe('STANDBY');
    expect(await made.saveSnapshot()).toBeUndefined();
    release();
    await clock.until(() => made.status === 'LEADING');
  });

  test('has none, and goes on, where the store cannot be listed', async () => {
    const broken = { ...store, list: () => Promise.reject(new Error('the folder is gone')) };
    expect(await snapshotHeads(broken, 'shard-0')).toEqual([]);
  });

  test('reads only what came after it, and is in the state that the whole log makes', async () => {
    await decisions(10);
    expect(await take(7)).toMatchObject({ src: 'shard-0', seq: 6, next: 7 });
    const made = await leading(runner());
    expect(begun).toEqual([7]);
    expect(made.state).toEqual((await foldDecisions(log, SOURCE, counter())).state);
    await add(11);
    await clock.until(() => made.position?.seq === 11);
    expect((await foldDecisions(log, SOURCE, counter())).state.sum).toBe(66);
  });

  test('takes the older one with an alarm when the newest is damaged', async () => {
    await decisions(10);
    await take(4);
    await take(9);
    await damage(8, (bytes) => bytes.length - 1);
    const made = await leading(runner());
    expect(begun).toEqual([4]);
    expect(made.state?.sum).toBe(55);
    expect(alarms).toEqual([expect.stringMatching(/SNAPSHOT_IGNORED shard-0 at seq 8: .*damaged; an older one/)]);
  });

  test('reads the whole log with an alarm when its layout is another release’s', async () => {
    await decisions(10);
    await take(9);
    await leading(runner(log, { schema: 2 }));
    expect(begun).toEqual([0]);
    expect(alarms).toEqual([expect.stringMatching(/its layout is number 1, this release has 2/)]);
  });

  test('stops for good, with a line that says why, when it is ahead of its log', async () => {
    await decisions(10);
    await take(11);
    const restored = await memoryLog(clock);
    for (const { value } of await log.read({ ...SHARD_DECISIONS, from: 0 }, 8)) {
      await appendTo(restored, SHARD_DECISIONS, value);
    }
    const made = runner(restored);
    made.start();
    await clock.until(() => made.status === 'HALTED');
    expect(made.fault?.message).toMatch(
      /snapshot of shard-0 at seq 10 was taken at offset 11 of shard.decisions\[0\], which ends at 8: acknowledged decisions are missing/,
    );
  });

  test('stops for good when it was taken of another log', async () => {
    await decisions(10);
    await take(11);
    const taken = store;
    log = await memoryLog(clock);
    store = openMemorySnapshots();
    await decisions(12);
    store = taken;
    const made = runner();
    made.start();
    await clock.until(() => made.status === 'HALTED');
    expect(made.fault?.message).toMatch(/does not fit shard.decisions\[0\], which has another decision there/);
  });

  test('goes on from any of its snapshots to the same state', async () => {
    await decisions(40);
    const whole = await foldDecisions(log, SOURCE, counter());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 41 }), { minLength: 1, maxLength: 4 }), async (ends) => {
        store = openMemorySnapshots();
        for (const end of ends.sort((a, b) => a - b)) await take(end);
        const made = runner(log, { campaign: 'WHEN_QUIET' });
        made.start();
        await clock.until(() => made.position?.next === 41);
        expect(made.state).toEqual(whole.state);
        expect(made.position).toMatchObject({ seq: whole.seq, head: whole.head });
        await made.stop();
      }),
      { numRuns: 25, seed: 20_261_122 },
    );
  });
});

describe('the keeper of snapshots', () => {
  const keep = (made: Runner, takeElsewhere?: ConstructorParameters<typeof SnapshotKeeper>[0]['takeElsewhere']) => {
    const every = { everyDecisions: 5, everyMs: 60_000 };
    const keeper = new SnapshotKeeper({ clock, store, runners: () => [made], takeElsewhere, ...every, onAlarm });
    stops.push(() => keeper.stop());
    keeper.start();
    return keeper;
  };

  test('lets a standby write what it has folded, again after so many decisions or so long', async () => {
    await decisions(6);
    const made = runner(log, { campaign: 'WHEN_QUIET' });
    made.start();
    keep(made);
    await clock.until(() => made.status === 'STANDBY');
    await clock.pass(1_500);
    expect(await store.list('shard-0')).toEqual([6]);
    await made.stop();
    await decisions(3);
    const next = runner(log, { campaign: 'WHEN_QUIET' });
    next.start();
    keep(next);
    await clock.pass(30_000);
    expect(await store.list('shard-0')).toEqual([6]);
    await clock.pass(40_000);
    expect(await store.list('shard-0')).toEqual([9, 6]);
  });

  test('has a leader’s taken elsewhere, up to what the leader has read back', async () => {
    const made = await leading(runner());
    const asked: unknown[] = [];
    const keeper = keep(made, async (wanted) => {
      asked.push(...wanted);
      for (const { end } of wanted) await take(end);
    });
    await add(1, 2, 3, 4, 5, 6);
    await clock.until(() => keeper.metrics.written > 0);
    expect(asked).toEqual([{ src: 'shard-0', end: made.position?.next }]);
    expect(await store.list('shard-0')).toEqual([made.position?.seq]);
    await clock.pass(30_000);
    expect(asked).toHaveLength(1);
  });

  test('lets go of one under way when it stops, and does not call that a failure', async () => {
    const made = await leading(runner());
    let isUnderWay = false;
    const keeper = keep(made, (_wanted, signal) => {
      isUnderWay = true;
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    await add(1, 2, 3, 4, 5, 6);
    await clock.until(() => isUnderWay);
    await keeper.stop();
    expect(alarms).toEqual([]);
  });

  test('says so when one cannot be written, and tries again later, not at once', async () => {
    const made = await leading(runner());
    let tries = 0;
    keep(made, async () => {
      tries++;
      throw new Error('the disk is full');
    });
    await add(1, 2, 3, 4, 5, 6);
    await clock.until(() => alarms.length > 0);
    expect(alarms).toEqual(['SNAPSHOT_FAILED the disk is full']);
    await clock.pass(20_000);
    expect(tries).toBe(1);
    await clock.pass(60_000);
    expect(tries).toBe(2);
  });
});

describe('a host that has snapshots', () => {
  test('relays what its deciders have not taken, and reads no log from the beginning', async () => {
    const seams = { log, clock, entropy: countedEntropy(9_000_000) };
    const reads: Record<string, number[]> = {};
    const watched = (): TailHub => {
      const hub = new TailHub(log, clock);
      const subscribe = hub.subscribe.bind(hub);
      hub.subscribe = (start, onRecords, onFault) => {
        reads[start.topic] = [...(reads[start.topic] ?? []), start.from];
        return subscribe(start, onRecords, onFault);
      };
      stops.push(() => hub.close());
      return hub;
    };
    const host = (): EngineHost => {
      const made = new EngineHost({
        ...{ ...seams, tails: watched(), shards: 1, epoch: 1, serviceKey: KEY, onAlarm, snapshots: store },
        snapshotEvery: { decisions: 10, ms: 600_000 },
        takeElsewhere: async (wanted) => {
          const { marketDecider, shardDecider } = await import('#mutuel/engine');
          const common = { log, store, now: () => clock.now(), onAlarm };
          for (const { src, end } of wanted) {
            if (src === 'market') {
              const decider = marketDecider({ shards: 1, hash: sha256 });
              await takeSnapshot({ ...common, source: MARKET_SOURCE, decider, end });
            } else {
              const decider = shardDecider({ shard: 0, shards: 1, hash: sha256 });
              await takeSnapshot({ ...common, source: SOURCE, decider, end });
            }
          }
        },
      });
      made.start();
      return made;
    };
    const first = host();
    await clock.until(() => (first.shards.get(0)?.state?.factNo ?? 0) >= 12);
    await clock.pass(3_000);
    const market = await store.list('market');
    expect(market.length).toBeGreaterThan(0);
    await first.stop();
    for (const topic of Object.keys(reads)) delete reads[topic];

    const again = host();
    await clock.until(() => again.shards.get(0)?.status === 'LEADING' && again.market?.status === 'LEADING');
    const facts = again.shards.get(0)?.state?.factNo ?? 0;
    await clock.until(() => (again.shards.get(0)?.state?.factNo ?? 0) > facts + 3);
    await again.stop();
    const starts = [...(reads['market.decisions'] ?? []), ...(reads['shard.decisions'] ?? [])];
    expect(starts).toHaveLength(4);
    expect(Math.min(...starts)).toBeGreaterThan(0);
    expect(alarms.filter((alarm) => alarm.startsWith('RELAY'))).toEqual([]);
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { signCommand, TOPICS } from '#mutuel/contracts';
import { countDeaths, type Deaths, type NoteStore, Turns } from '../src/deaths.js';
import { DeciderRunner } from '../src/decider-runner.js';
import { AppendFault, type EventLog } from '../src/ports.js';
import { RenewingAppender } from '../src/renewing-appender.js';
import type { SkipReader } from '../src/runner-options.js';
import { agreeSkip, askSkip, readSkips } from '../src/skips.js';
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
let disk: Map<string, string>;
let runners: Runner[];

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock);
  disk = new Map();
  runners = [];
});

afterEach(async () => {
  for (const runner of runners) await runner.stop();
});

/** A process of its own: what it has in memory is its own, and once it is dead nothing of it reaches the disk. */
function startProcess(
  over: EventLog = log,
  isDeadly = true,
  skips?: SkipReader,
): { readonly runner: Runner; readonly isDead: () => boolean } {
  let isDead = false;
  const notes: NoteStore = {
    read: async (name) => disk.get(name),
    write: async (name, text) => {
      if (!isDead) disk.set(name, text);
    },
  };
  const decider = counter();
  const dies = { ...decider };
  dies.decide = (state, cmd, context) => {
    if (cmd.type === 'Boom' && isDeadly) isDead = true;
    return decider.decide(state, cmd, context);
  };
  const deaths: Deaths = countDeaths('shard-0', notes);
  const runner: Runner = new DeciderRunner({
    ...{ log: over, clock, tails: directTails(over), entropy: countedEntropy(1 + runners.length * 1_000) },
    ...{ decider: dies, readCommand: readCounterCommand, src: 'shard-0', epoch: 1, serviceKey: KEY, deaths },
    ...{ commands: SHARD_COMMANDS, decisions: SHARD_DECISIONS, work: new RenewingAppender(over), skips },
  });
  runners.push(runner);
  runner.start();
  return { runner, isDead: () => isDead };
}

const send = (...commands: CounterCommand[]) => appendTo(log, SHARD_COMMANDS, ...commands.map(command));
const codes = async () => (await decisionsIn(log, SHARD_DECISIONS)).map(({ code }) => code);
const add: CounterCommand = { type: 'Add', n: 1 };

describe('a command that ends the process without a word', () => {
  test('is set aside by the process after the third death, and its neighbours are decided', async () => {
    // The first process dies in the middle of a batch, and nothing of the batch is in the log yet.
    await send(add, add, { type: 'Boom' }, add);
    let deaths = 0;
    for (; deaths < 10; deaths++) {
      const { runner, isDead } = startProcess();
      await clock.until(() => isDead() || runner.metrics.decisions >= 4);
      if (!isDead()) break;
      await runner.stop();
    }
    // One unexplained death before anything was noted, then three that are laid at its door.
    expect(deaths).toBe(4);
    expect(await codes()).toEqual([undefined, undefined, 'QUARANTINED', undefined]);
  });

  test('is not mistaken for the one before it in the same batch', async () => {
    await send(...Array.from({ length: 30 }, () => add), { type: 'Boom' });
    for (let i = 0; i < 10; i++) {
      const { runner, isDead } = startProcess();
      await clock.until(() => isDead() || runner.metrics.decisions >= 31);
      if (!isDead()) break;
      await runner.stop();
    }
    expect((await codes()).indexOf('QUARANTINED')).toBe(30);
    expect((await codes()).filter((code) => code !== undefined)).toHaveLength(1);
  });
});

describe('a process that is killed in the middle of its work', () => {
  const killedAfter = async (decided: number) => {
    const first = startProcess();
    for (let sent = 0; sent < decided; sent += 100) await send(...Array.from({ length: 100 }, () => add));
    await clock.until(() => first.runner.metrics.decisions >= decided);
    // Killed: what it wrote last about itself stays.
    const kept = disk.get('deaths-shard-0') as string;
    await first.runner.stop();
    disk.set('deaths-shard-0', kept);
  };

  test('is followed by one that goes on at full speed: nothing is noted of the commands that wait', async () => {
    await killedAfter(300);
    await send(...Array.from({ length: 100 }, () => add));
    const { runner } = startProcess();
    const notes: string[] = [];
    await clock.until(() => {
      notes.push(disk.get('deaths-shard-0') as string);
      return runner.metrics.decisions >= 400;
    });
    expect(notes.filter((note) => /\[\[/.test(note))).toEqual([]);
    expect(await codes()).toEqual(Array.from({ length: 400 }, () => undefined));
  });

  test('by a command, costs one life more than one that began with it', async () => {
    await killedAfter(300);
    await send(add, { type: 'Boom' }, add);
    let deaths = 0;
    for (; deaths < 10; deaths++) {
      const { runner, isDead } = startProcess();
      await clock.until(() => isDead() || runner.metrics.decisions >= 303);
      if (!isDead()) break;
      await runner.stop();
    }
    expect(deaths).toBe(4);
    expect((await codes()).slice(300)).toEqual([undefined, 'QUARANTINED', undefined]);
  });
});

describe('deaths by one command', () => {
  test('are counted on by the process that comes after', async () => {
    await send({ type: 'Boom' }, add);
    // Two deaths here, one there: the decider throws, and the process goes on.
    let starts = 0;
    const first = startProcess(log, false);
    first.runner.onStatus((status) => {
      if (status === 'LEADING') starts++;
    });
    await clock.until(() => starts === 2);
    await first.runner.stop();
    const second = startProcess(log, false);
    await clock.until(() => second.runner.metrics.decisions >= 2);
    expect(second.runner.metrics.incarnations).toBeLessThanOrEqual(2);
    expect(await codes()).toEqual(['QUARANTINED', undefined]);
  });

  test('are not those of a log that was away: no innocent command is set aside', async () => {
    let away = true;
    const over = hooked(log, async (at, values, append) => {
      const isDecision =
        at.topic === SHARD_DECISIONS.topic && new TextDecoder().decode(values[0]).includes('"decision"');
      if (away && isDecision) throw new AppendFault('the log is away', 'NOT_APPENDED');
      return append(values);
    });
    await send(add, add);
    const { runner } = startProcess(over, false);
    await clock.until(() => runner.metrics.incarnations >= 8);
    away = false;
    await clock.until(() => runner.metrics.decisions >= 2);
    expect(await codes()).toEqual([undefined, undefined]);
  });

  test('are not those of a process that was killed and started again, over and over', async () => {
    for (let i = 0; i < 6; i++) {
      const { runner } = startProcess(log, false);
      await send(add);
      await clock.until(() => runner.metrics.decisions > i);
      // Killed: its last word about itself is that it runs.
      disk.set('deaths-shard-0', JSON.stringify({ running: true, suspects: [] }));
      const kept = disk.get('deaths-shard-0') as string;
      await runner.stop();
      disk.set('deaths-shard-0', kept);
    }
    expect(await codes()).toEqual(Array.from({ length: 6 }, () => undefined));
  });

  test('are held against one command of a process at a time, whatever its other shards wait for', async () => {
    const turns = new Turns();
    const store: NoteStore = {
      read: async (name) => disk.get(name),
      write: async (name, text) => void disk.set(name, text),
    };
    const shards = [0, 1, 2].map((i) => countDeaths(`shard-${i}`, store, undefined, turns)) as [Deaths, Deaths, Deaths];
    for (const shard of shards) await shard.begin(1, 0);
    const suspects = (i: number): unknown => JSON.parse(disk.get(`deaths-shard-${i}`) ?? '{}').suspects;
    await shards[0].attempt(1, 5);
    const [next, last] = [shards[1].attempt(1, 7), shards[2].attempt(1, 9)];
    await new Promise((resolve) => setImmediate(resolve));
    expect([0, 1, 2].map(suspects)).toEqual([[[1, 5, 1]], [], []]);
    // Who ends while it waits has tried nothing, and gives its turn on.
    await shards[1].end(false);
    shards[0].acquit();
    await Promise.all([next, last]);
    expect([1, 2].map(suspects)).toEqual([[], [[1, 9, 1]]]);
  });

  test('are counted in memory alone, with an alarm, where nothing can be written down', async () => {
    const faults: string[] = [];
    const broken: NoteStore = {
      read: () => Promise.reject(new Error('the disk cannot be read')),
      write: () => Promise.reject(new Error('the disk is full')),
    };
    const deaths = countDeaths('shard-0', broken, ({ message }) => faults.push(message));
    expect(await deaths.begin(1, 7)).toBe(true);
    await deaths.attempt(1, 7);
    await deaths.end(true);
    await deaths.begin(1, 7);
    expect(deaths.count(1, 7)).toBe(1);
    expect(new Set(faults)).toEqual(new Set(['the disk cannot be read', 'the disk is full']));
  });
});

describe('two people', () => {
  const seams = () => ({ log, clock, serviceKey: KEY });
  const at = (offset: number) => ({ src: 'shard-0', epoch: 1, offset });

  test('have a fact set aside that no release can decide; one person alone, twice, does not', async () => {
    await send(add);
    await appendTo(log, SHARD_COMMANDS, signCommand('0'.repeat(32), { type: 'Unheard', n: 1 }, KEY));
    await send(add);
    const first = startProcess(log, false, () => readSkips(seams()));
    await clock.until(() => first.runner.status === 'HALTED');
    expect(first.runner.fault?.message).toMatch(/offset 1: Unheard is not known .*\(mutuel quarantine skip\)/);
    await expect(agreeSkip(seams(), at(1), 'ann')).rejects.toMatchObject({ code: 'NOT_ASKED' });
    await askSkip(seams(), at(1), 'ann', 'sent by a test');
    await expect(agreeSkip(seams(), at(1), 'ann')).rejects.toMatchObject({ code: 'SAME_PERSON' });
    expect(await readSkips(seams())).toEqual([]);
    const second = startProcess(log, false, () => readSkips(seams()));
    await clock.until(() => second.runner.status === 'HALTED');
    expect(await agreeSkip(seams(), at(1), 'bob')).toMatchObject({ by: ['ann', 'bob'], reason: 'sent by a test' });
    await expect(agreeSkip(seams(), at(1), 'cid')).rejects.toMatchObject({ code: 'ALREADY_AGREED' });
    const third = startProcess(log, false, () => readSkips(seams()));
    await clock.until(() => third.runner.metrics.decisions >= 3);
    const decided = await decisionsIn(log, SHARD_DECISIONS);
    expect(decided.map(({ code, detail }) => [code, detail])).toEqual([
      [undefined, undefined],
      ['QUARANTINED', 'set aside by ann and bob'],
      [undefined, undefined],
    ]);
    // Its number counts as taken: the next fact is no gap.
    expect(third.runner.state?.factNo).toBe(1);
  });

  test('must mean the same: a reason that was changed is agreed to anew', async () => {
    await askSkip(seams(), at(7), 'ann', 'one reason');
    await askSkip(seams(), at(7), 'cid', 'another reason');
    expect(await agreeSkip(seams(), at(7), 'ann')).toMatchObject({ by: ['cid', 'ann'], reason: 'another reason' });
  });

  test('are not counted where the service has not signed their words', async () => {
    await askSkip(seams(), at(7), 'ann', 'forged');
    await askSkip({ ...seams(), serviceKey: new Uint8Array(32) }, at(8), 'ann', 'forged');
    await expect(agreeSkip(seams(), at(8), 'bob')).rejects.toMatchObject({ code: 'NOT_ASKED' });
    const cluster = { topic: TOPICS.cluster, partition: 0 };
    const [word] = await log.read({ ...cluster, from: 0 }, 1);
    const text = new TextDecoder().decode(word?.value).replace('SKIP_ASKED\\"', 'SKIP_AGREED\\"').replace('ann', 'bob');
    await appendTo(log, cluster, new TextEncoder().encode(text));
    expect(await readSkips(seams())).toEqual([]);
  });
});

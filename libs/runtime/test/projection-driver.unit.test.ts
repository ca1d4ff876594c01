import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DecisionRecord, encodeRecord, GENESIS, sha256, TOPICS } from '#mutuel/contracts';
import { OUTAGE_MS } from '../src/outage.js';
import type { EventLog, LogRecord } from '../src/ports.js';
import {
  type DriverOptions,
  type Projection,
  type ProjectionBatch,
  ProjectionDriver,
} from '../src/projection-driver.js';
import { directTails, type TailSource } from '../src/tail-source.js';
import { appendTo, memoryLog, settle, VirtualClock } from './support/world.js';

const SOURCES = [0, 1].map((partition) => ({
  src: `shard-${partition}`,
  at: { topic: TOPICS.shardDecisions, partition },
}));

let clock: VirtualClock;
let log: EventLog;
let heads: { seq: number; head: string }[];
let stops: (() => Promise<void>)[];

beforeEach(async () => {
  clock = new VirtualClock();
  log = await memoryLog(clock, 2);
  heads = SOURCES.map(() => ({ seq: 0, head: GENESIS }));
  stops = [];
});

afterEach(async () => {
  for (const stop of stops) await stop();
});

const incOf = (partition: number) => `${partition}`.repeat(32);

async function decide(partition: number, count: number): Promise<void> {
  const { src, at } = SOURCES[partition] as (typeof SOURCES)[number];
  const chain = heads[partition] as { seq: number; head: string };
  const base = { v: 1, src, epoch: 1, inc: incOf(partition) } as const;
  if (chain.seq === 0) await appendTo(log, at, encodeRecord({ ...base, kind: 'started' }));
  const values = Array.from({ length: count }, () => {
    const now = clock.now();
    const place = { seq: chain.seq + 1, in: [1, chain.seq, 0], prev: chain.head, at: now, time: now } as const;
    const record: DecisionRecord = { ...base, ...place, kind: 'decision', cid: 'c'.repeat(32), events: [], posts: [] };
    const bytes = encodeRecord(record);
    chain.seq++;
    chain.head = sha256(bytes);
    return bytes;
  });
  for (let i = 0; i < count; i += 100) await appendTo(log, at, ...values.slice(i, i + 100));
}

/** A table with its checkpoints beside it, as one transaction writes them; fails in the given ways first. */
class Table implements Projection<unknown> {
  readonly rows: string[] = [];
  batches: number[] = [];
  failures: ('BEFORE' | 'AFTER')[] = [];
  readonly kept = new Map<string, string>();

  async load() {
    return new Map(this.kept);
  }

  async apply({ decisions, checkpoints }: ProjectionBatch<unknown>) {
    const failure = this.failures.shift();
    if (failure === 'BEFORE') throw new Error('the connection broke');
    this.batches.push(decisions.length);
    for (const { src, valid } of decisions) this.rows.push(`${src}/${valid.decision.seq}`);
    for (const { src, text } of checkpoints) this.kept.set(src, text);
    if (failure === 'AFTER') throw new Error('the answer to the commit was lost');
  }
}

function driver(projection: Table, more: Partial<DriverOptions<unknown>> = {}): ProjectionDriver {
  const made = new ProjectionDriver({
    ...{ log, clock, tails: directTails(log), sources: SOURCES, projection },
    ...more,
  });
  stops.push(() => made.stop());
  made.start();
  return made;
}

const expected = (...counts: number[]) =>
  counts.flatMap((count, partition) => Array.from({ length: count }, (_, i) => `shard-${partition}/${i + 1}`)).sort();

const holds = (table: Table, ...counts: number[]) =>
  clock
    .until(() => table.rows.length >= counts.reduce((a, b) => a + b, 0), 'the rows')
    .then(async () => {
      await clock.pass(1_000);
      expect([...table.rows].sort()).toEqual(expected(...counts));
    });

test('every valid decision of every source is applied once, many in a batch', async () => {
  const table = new Table();
  await decide(0, 300);
  await decide(1, 200);
  const made = driver(table);
  await holds(table, 300, 200);
  await decide(0, 5);
  await holds(table, 305, 200);
  expect(table.batches.length).toBeLessThan(5);
  expect(made.metrics.decisions).toBe(505);
});

function slowTable(): Table {
  const table = new Table();
  const apply = table.apply.bind(table);
  table.apply = async (batch) => {
    await clock.sleep(400);
    await apply(batch);
  };
  return table;
}

test('a batch stays within its bound while a slow projection is waited for', async () => {
  const table = slowTable();
  await decide(0, 3_000);
  driver(table, { maxDecisions: 100 });
  await holds(table, 3_000, 0);
  // A bound, and what one hand-over of the log may add to it.
  expect(Math.max(...table.batches)).toBeLessThanOrEqual(100 + 500);
});

test.each(['BEFORE', 'AFTER'] as const)(
  'a batch that fails (%s the commit) is neither lost nor doubled',
  async (way) => {
    const table = new Table();
    table.failures = [way, way, way];
    await decide(0, 50);
    const made = driver(table);
    await decide(1, 50);
    await holds(table, 50, 50);
    expect(made.metrics.failures).toBeGreaterThan(0);
  },
);

test('decisions that weigh more fill a batch sooner', async () => {
  const table = slowTable();
  await decide(0, 3_000);
  driver(table, { maxDecisions: 50_000, weightOf: () => 500 });
  await holds(table, 3_000, 0);
  // What one hand-over of the log brings fills it; by their number all three thousand would be one batch.
  expect(Math.max(...table.batches)).toBeLessThanOrEqual(500);
});

test('it goes on from the checkpoints that the projection kept', async () => {
  const table = new Table();
  await decide(0, 10);
  const first = driver(table);
  await holds(table, 10, 0);
  await first.stop();
  await decide(0, 10);
  await decide(1, 1);
  driver(table);
  await holds(table, 20, 1);
});

test('what was read is applied when it stops', async () => {
  const table = new Table();
  const made = driver(table);
  await clock.pass(10);
  await decide(0, 7);
  await settle();
  await made.stop();
  expect(table.rows).toHaveLength(7);
});

test('a rebuild knows how far it is and when it has caught up', async () => {
  const table = new Table();
  const apply = table.apply.bind(table);
  table.apply = async (batch) => {
    await clock.sleep(1_000);
    await apply(batch);
  };
  await decide(0, 999);
  const made = driver(table, { maxDecisions: 100 });
  let done = false;
  void made.caughtUp.then(() => {
    done = true;
  });
  await clock.until(() => made.progress().done > 0);
  const early = made.progress();
  expect(early.total).toBe(1_000);
  expect(early.secondsLeft).toBeGreaterThan(0);
  expect(early.lagMs).toBeGreaterThan(0);
  expect(done).toBe(false);
  expect(made.reading).toMatchObject({ done: early.done, total: 1_000 });
  await clock.until(() => done, 'caught up');
  expect(made.progress()).toMatchObject({ done: 1_000, total: 1_000, secondsLeft: 0, lagMs: 0 });
  expect(made.reading).toBeUndefined();
});

test('a decision that cannot be folded is never left out: it is tried again, and after some seconds told with its place', async () => {
  const table = new Table();
  const apply = table.apply.bind(table);
  const tries: number[] = [];
  let isPoisoned = true;
  table.apply = async (batch) => {
    if (isPoisoned && batch.decisions.some(({ src, valid }) => src === 'shard-0' && valid.decision.seq === 3)) {
      tries.push(clock.now());
      throw new Error('there is no pool W');
    }
    await apply(batch);
  };
  const alarms: string[] = [];
  await decide(0, 5);
  await decide(1, 1);
  const made = driver(table, { onAlarm: (code, detail) => void alarms.push(`${code}: ${detail}`) });
  await clock.until(() => tries.length === 2, 'the second attempt');
  expect([made.trouble, made.troubleMs]).toEqual([undefined, 0]);
  await clock.pass(4 * OUTAGE_MS);
  expect(made.trouble).toMatch(
    /^decisions have not been written for \d+ s: there is no pool W \(among shard-0 1 to 5, shard-1 1\)$/,
  );
  expect(made.troubleMs).toBeGreaterThanOrEqual(OUTAGE_MS);
  expect(alarms.at(-1)).toMatch(/^PROJECTION_FAILED: there is no pool W/);
  expect(table.rows).toEqual([]);
  // Neither in a rush nor more and more seldom.
  const pauses = tries.slice(1).map((at, i) => at - (tries[i] as number));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(6_000);
  expect(made.metrics.failures).toBe(tries.length);
  isPoisoned = false;
  await holds(table, 5, 1);
  expect([made.trouble, made.troubleMs]).toEqual([undefined, 0]);
});

test('it halts on a log it cannot trust', async () => {
  await decide(0, 2);
  await appendTo(log, (SOURCES[0] as (typeof SOURCES)[number]).at, new TextEncoder().encode('garbage'));
  const ends: Error[] = [];
  const made = driver(new Table(), { onFatal: (fault) => void ends.push(fault) });
  await clock.until(() => made.fault !== undefined);
  expect(made.fault?.message).toMatch(/shard\.decisions\[0\] offset 3/);
  expect(ends).toEqual([made.fault]);
});

/** As one that all readers share: it opens no second one before the first has taken what it was brought. */
function oneAfterTheOther(records: readonly LogRecord[]): TailSource {
  let turn = Promise.resolve();
  return {
    async subscribe({ partition, from }, onRecords) {
      turn = turn.then(async () => {
        const wanted = partition === 0 ? records.filter(({ offset }) => offset >= from) : [];
        for (let i = 0; i < wanted.length; i += 100) await onRecords(wanted.slice(i, i + 100));
      });
      await turn;
      return { close: async () => undefined };
    },
  };
}

test('a failed batch keeps nobody waiting who still brings decisions to it: the next attempt would wait for them', async () => {
  const table = slowTable();
  table.failures = ['BEFORE'];
  await decide(0, 3_000);
  const records: LogRecord[] = [];
  const all = await directTails(log).subscribe(
    { topic: TOPICS.shardDecisions, partition: 0, from: 0 },
    (batch) => void records.push(...batch),
    () => undefined,
  );
  await clock.until(() => records.length > 3_000, 'the records');
  await all.close();
  driver(table, { maxDecisions: 100, tails: oneAfterTheOther(records) });
  await holds(table, 3_000, 0);
});

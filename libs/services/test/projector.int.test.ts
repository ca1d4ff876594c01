/** The projector on the embedded database and on PostgreSQL: a race from card to cash, read back as the interface shows it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate, openDatabase, startPglite } from '#mutuel/adapters';
import type { DividendProposal, PoolCard } from '#mutuel/engine';
import { directTails, type ProjectionBatch, type SqlDatabase, validRecords } from '#mutuel/runtime';
import { ruleSetFor } from '#mutuel/tote';
import { schema, tables } from '#mutuel/views';
import { up } from '../../../infra/native/index.mjs';
import {
  allSources,
  auditCalculator,
  checkReadModels,
  engineCalculator,
  Projector,
  ProjectorHost,
  projectorCalculator,
  ReadModel,
  type RebuildOptions,
  rebuild,
} from '../src/index.js';
import { House, KEY, meeting, operator, poolOf, RACE, START, second, steward, until } from './support/house.js';

const onWarning = (): void => undefined;
const WIN = poolOf('WIN');
const EXACTA = poolOf('EXACTA');

async function embedded() {
  const dir = mkdtempSync(join(tmpdir(), 'mutuel-views-'));
  const server = await startPglite({ dir, onWarning });
  const db = await openDatabase({ url: server.url, max: 1, onWarning });
  const dispose = async (): Promise<void> => {
    await db.close();
    await server.stop();
    rmSync(dir, { recursive: true });
  };
  return { db, dispose };
}

async function postgres() {
  const url = new URL(env['DATABASE_URL'] ?? (await up()).DATABASE_URL);
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = await openDatabase({ url: url.href, max: 1, onWarning });
  await admin.query(`create database ${name}`);
  url.pathname = `/${name}`;
  const opened: SqlDatabase[] = [];
  const another = async (): Promise<SqlDatabase> => {
    const one = await openDatabase({ url: url.href, max: 4, onWarning });
    opened.push(one);
    return one;
  };
  const db = await another();
  const dispose = async (): Promise<void> => {
    for (const one of opened) await one.close();
    await admin.query(`drop database ${name} with (force)`);
    await admin.close();
  };
  return { db, another, dispose };
}

/** Two accounts on different shards bet, one bet is cancelled, one runner is scratched, the race is run and paid. */
async function day(): Promise<House> {
  const house = await House.open(2);
  const { clock } = house;
  await house.act({ type: 'PublishMeeting', meeting: meeting(['WIN', 'EXACTA']), by: operator });
  await house.act({ type: 'OpenRace', race: RACE, reason: 'on time', by: operator });
  await house.renewLease();
  for (const account of ['acc-1', 'acc-2', 'acc-3']) await house.fund(account, 100_000);
  clock.time += 1_000;
  await house.bet(
    'acc-1',
    { pool: WIN, sel: '1', unit: 1_000 },
    { pool: EXACTA, sel: 'BOX:1,2,3', unit: 100, stake: 600 },
  );
  const cancelled = await house.bet('acc-2', { pool: WIN, sel: '2', unit: 2_000 });
  await house.bet('acc-2', { pool: WIN, sel: '3', unit: 3_000 });
  await house.bet('acc-3', { pool: WIN, sel: '2', unit: 500 });
  await house.bet('acc-3', { pool: 'no-such-pool', sel: '2', unit: 500 });
  const [placed] = cancelled.events;
  if (placed?.t !== 'TicketAccepted') throw new Error('not accepted');
  const { ticket } = placed;
  await house.of('acc-2').decide({ type: 'CancelTicket', account: 'acc-2', ticket, reason: 'typo', by: 'acc-2' });
  clock.time += 1_000;
  await house.act({ type: 'ScratchRunner', race: RACE, runner: '3', reason: 'lame', by: steward });
  await house.act({ type: 'StopBetting', race: RACE, reason: 'they are off', by: operator });
  await house.act({
    type: 'EnterResult',
    race: RACE,
    finish: [['1'], ['2'], ['4']],
    disqualified: [],
    reason: '',
    by: steward,
  });
  return house;
}

describe.each([
  ['the embedded database', embedded, false],
  ['PostgreSQL', postgres, true],
])('the projector on %s', (_name, open, isServer) => {
  let db: SqlDatabase;
  let dispose: () => Promise<void>;
  const running: { start(): Promise<void>; stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    ({ db, dispose } = await open());
    await migrate(db, schema);
  });
  // A test that failed half-way must not go on writing into the next one's tables.
  afterEach(async () => {
    for (const service of running.splice(0)) await service.stop();
  });
  afterAll(() => dispose());
  beforeEach(async () => {
    await db.query(`truncate ${tables.join(', ')}`);
  });

  it('shows pools, tickets, statements and refusals as they were decided', async () => {
    const house = await day();
    await project(house, db);
    const read = new ReadModel(db);
    const race = await read.race(RACE);
    // Win: 1,000 + 2,000 + 3,000 + 500 less 2,000 cancelled and 3,000 scratched; exacta: 600 less 4 lines of 100 with runner 3.
    expect(race?.pools.map(({ poolId, gross }) => [poolId, gross])).toEqual([
      [EXACTA, 200],
      [WIN, 1_500],
    ]);
    expect(race).toMatchObject({ status: 'PROVISIONAL', result: { version: 1, status: 'PROVISIONAL', dividends: [] } });
    const statement = await read.statement('acc-2');
    expect(statement?.entries.map(({ kind, amount, before, after }) => [kind, amount, before, after])).toEqual([
      ['DEPOSIT', 100_000, 0, 100_000],
      ['STAKE', -2_000, 100_000, 98_000],
      ['STAKE', -3_000, 98_000, 95_000],
      ['CANCEL', 2_000, 95_000, 97_000],
      ['REFUND', 3_000, 97_000, 100_000],
    ]);
    const [, , third] = statement?.entries ?? [];
    expect((await read.statement('acc-2', third?.position))?.entries).toHaveLength(2);
    const ticket = await read.ticket(third?.ticketId ?? '');
    expect(ticket).toMatchObject({ status: 'ACCEPTED', totalStake: 3_000, balance: { available: 95_000 } });
    expect(ticket?.bets[0]).toMatchObject({
      resulting: 'REFUNDED',
      refund: 3_000,
      refundCause: 'SCRATCHED',
      payout: 0,
    });
    expect(await read.account('acc-3')).toMatchObject({ balance: { available: 99_500 }, status: 'ACTIVE' });
    const rejects = await db.query('select code, account from rejects');
    expect(rejects).toEqual([{ code: 'POOL_UNKNOWN', account: 'acc-3' }]);
    const refused = await db.query<{ ref: string }>(`select ref from tickets where status = 'REJECTED'`);
    expect(await read.ticketByRef('acc-3', refused[0]?.ref ?? '')).toMatchObject({
      status: 'REJECTED',
      code: 'POOL_UNKNOWN',
    });
  });

  it('shows a pool over several races with its first leg, and who runs in each', async () => {
    const house = await House.open(2);
    const card = meeting(['WIN']);
    const [race] = card.races;
    const ruleSet = ruleSetFor('US', 'DAILY_DOUBLE');
    if (!race || !ruleSet) throw new Error('no race or no rules');
    const double: PoolCard = { poolId: 'DD', type: 'DAILY_DOUBLE', ruleSet, carryInMinor: 500, legs: [RACE, 'last'] };
    const last = { ...race, raceId: 'last', number: 4, runners: race.runners.slice(0, 4), pools: [double] };
    await house.act({ type: 'PublishMeeting', meeting: { ...card, races: [race, last] }, by: operator });
    await project(house, db);
    const read = new ReadModel(db);
    expect((await read.race(RACE))?.pools).toMatchObject([
      { poolId: WIN, type: 'WIN' },
      { poolId: 'DD', type: 'DAILY_DOUBLE', raceId: null, legs: [RACE, 'last'], carryIn: 500, currency: 'EUR' },
    ]);
    expect((await read.race('last'))?.pools).toEqual([]);
    expect((await read.published('DD'))?.field.legs?.map(({ declared }) => declared.length)).toEqual([6, 4]);
    expect((await read.published(WIN))?.field.declared).toHaveLength(6);
  });

  it('keeps the stake of every combination, boxes line by line', async () => {
    const house = await day();
    await project(house, db);
    const stakes = await db.query<{ c: string; stake: number }>(
      'select c, stake from pool_stakes where pool_id = $1 and stake > 0 order by c',
      [EXACTA],
    );
    // Combinations of the scratched runner stay in the table and are left out by whoever reads it.
    expect(stakes.map(({ c, stake }) => `${c} ${stake}`)).toEqual([
      '1>2 100',
      '1>3 100',
      '2>1 100',
      '2>3 100',
      '3>1 100',
      '3>2 100',
    ]);
  });

  it('holds the audit trail, the lease, the seals of every shard, and no preview before the calculators have spoken', async () => {
    const house = await day();
    await house.act({ type: 'ScratchRunner', race: RACE, runner: '4', reason: '', by: operator });
    await project(house, db);
    expect(await db.query('select action, outcome, code from audit order by seq desc limit 3')).toEqual([
      { action: 'ScratchRunner', outcome: 'REFUSED', code: 'NOT_AUTHORIZED' },
      { action: 'EnterResult', outcome: 'ACCEPTED', code: null },
      { action: 'StopBetting', outcome: 'ACCEPTED', code: null },
    ]);
    const [lease] = await db.query<{ until: number }>('select issued_at + ttl_ms as until from lease');
    expect(lease?.until).toBeGreaterThan(START + 5_000);
    const seals = 'select count(distinct shard) as shards from seals where pool_id = $1';
    expect(await db.query(seals, [WIN])).toEqual([{ shards: 2 }]);
    expect(await db.query('select sum(gross) as gross from pool_totals')).toEqual([{ gross: 1_700 }]);
    expect(await db.query('select count(*) as made from proposals')).toEqual([{ made: 0 }]);
    expect(await db.query('select preview_hash from races')).toEqual([{ preview_hash: null }]);
  });

  it('proposes the same dividends as the engine and the audit, and shows the race paid', async () => {
    const house = await day();
    const { log, clock } = house;
    const alarms: string[] = [];
    const onAlarm = (code: string, detail: string): void => void alarms.push(`${code} ${detail}`);
    const tails = directTails(log);
    let n = 0;
    const entropy = { bytes: (count: number) => new Uint8Array(count).fill(++n) };
    const host = new ProjectorHost({ db, log, clock, tails, shards: 2, onAlarm });
    const options = { log, tails, clock, entropy, serviceKey: KEY, shards: 2, onAlarm };
    const calculators = [engineCalculator(options), auditCalculator(options), projectorCalculator({ ...options, db })];
    running.push(...calculators, host);
    for (const service of running) await service.start();
    const preview = async (): Promise<string | null> => {
      const [race] = await db.query<{ hash: string | null }>('select preview_hash as hash from races');
      return race?.hash ?? null;
    };
    await until(async () => {
      await house.pump();
      return (await preview()) !== null;
    }, 'the preview');
    const made = await db.query<{ pool_id: string; proposal: DividendProposal }>(
      'select pool_id, proposal from proposals order by pool_id, source',
    );
    // Win: net 1,500 x 0.861 = 1,291.5 over 1,000 = 1.2915, cut to 1.20. Exacta: net 148 over 100 on 1>2 = 1.48, cut to 1.40.
    const [win, exacta] = [['1 1.20'], ['1>2 1.40']];
    expect(
      made.map(({ pool_id: id, proposal: { source, dividends } }) => [
        ...[id, source, dividends.map(({ c, price }) => `${c} ${price}`)],
      ]),
    ).toEqual([
      ...['AUDIT', 'ENGINE', 'PROJECTOR'].map((source) => [EXACTA, source, exacta]),
      ...['AUDIT', 'ENGINE', 'PROJECTOR'].map((source) => [WIN, source, win]),
    ]);
    const previewHash = (await preview()) ?? '';
    await house.act({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second });
    const read = new ReadModel(db);
    await until(async () => (await read.race(RACE))?.status === 'SETTLED', 'the race settled');
    for (const service of running.splice(0)) await service.stop();
    expect((await read.race(RACE))?.result).toMatchObject({
      status: 'OFFICIAL',
      dividends: [{ c: '1>2' }, { c: '1' }],
    });
    expect((await read.dividends(WIN))?.sheet).toMatchObject({ gross: 1_500, takeout: 208, outcome: 'PAID' });
    const statement = await read.statement('acc-1');
    expect(
      statement?.entries
        .filter((entry) => entry.kind === 'PAYOUT')
        .map((entry) => entry.amount)
        .sort(),
    ).toEqual([1_200, 140]);
    const ticket = await read.ticket(statement?.entries.find((entry) => entry.kind === 'STAKE')?.ticketId ?? '');
    expect(
      ticket?.bets.map(({ resulting, settlement, payout, refund }) => [resulting, settlement, payout, refund]),
    ).toEqual([
      ['WON', 'SETTLED', 1_200, 0],
      ['WON', 'SETTLED', 140, 400],
    ]);
    expect(alarms).toEqual([]);
  });

  it('applies a batch that comes twice once', async () => {
    const house = await day();
    const batches = await batchesOf(house, 7);
    const projector = new Projector(db, house.clock);
    await projector.load();
    for (const batch of batches) {
      await projector.apply(batch);
      await projector.apply(batch);
    }
    const twice = await contents(db);
    await db.query(`truncate ${tables.join(', ')}`);
    await project(house, db);
    expect(twice).toEqual(await contents(db));
  });

  it('goes on where it was killed between two batches, and after one that was rolled back', async () => {
    const house = await day();
    const batches = await batchesOf(house, 5);
    for (const batch of batches) {
      // A new projector each time: nothing may rest on memory.
      const projector = new Projector(db, house.clock);
      await projector.load();
      const broken = {
        ...batch,
        checkpoints: batch.checkpoints.map((one) => ({ ...one, text: null as unknown as string })),
      };
      await expect(projector.apply(broken)).rejects.toThrow();
      await projector.load();
      await projector.apply(batch);
    }
    const killed = await contents(db);
    await db.query(`truncate ${tables.join(', ')}`);
    await project(house, db);
    expect(killed).toEqual(await contents(db));
  });

  it('reads a shard that lies far behind a market which has settled the race', async () => {
    const house = await day();
    const [whole] = await batchesOf(house, 1_000);
    const { decisions, checkpoints } = whole as ProjectionBatch<unknown>;
    const settled = { ...(decisions[0] as (typeof decisions)[number]) };
    const { decision } = settled.valid;
    const seq = decisions.filter(({ src }) => src === 'market').length + 1;
    const events = [{ t: 'RaceSettled', race: RACE, roundings: [] }];
    const end = { ...settled, valid: { ...settled.valid, decision: { ...decision, seq, events } } };
    const market = [...decisions.filter(({ src }) => src === 'market'), end];
    const early = decisions.filter(({ src, valid }) => src !== 'market' && valid.decision.seq <= 7);
    const late = decisions.filter(({ src, valid }) => src !== 'market' && valid.decision.seq > 7);
    const stands = (of: typeof decisions) =>
      checkpoints.map((one) => ({
        ...one,
        seq: of.filter(({ src }) => src === one.src).at(-1)?.valid.decision.seq ?? 0,
      }));
    const projector = new Projector(db, house.clock);
    await projector.load();
    await projector.apply({ decisions: [...market, ...early], checkpoints: stands([...market, ...early]) });
    const restarted = new Projector(db, house.clock);
    await restarted.load();
    await restarted.apply({ decisions: late, checkpoints: stands([...market, ...early, ...late]) });
    expect((await new ReadModel(db).race(RACE))?.pools.map((pool) => pool.gross)).toEqual([200, 1_500]);
  });

  it('refuses a gap instead of showing half a truth', async () => {
    const house = await day();
    const [first, , third] = await batchesOf(house, 4);
    const projector = new Projector(db, house.clock);
    await projector.load();
    await projector.apply(first as ProjectionBatch<unknown>);
    await expect(projector.apply(third as ProjectionBatch<unknown>)).rejects.toThrow('rebuild them from the log');
  });

  it('rebuilds the same contents from the log, whatever was in the tables', async () => {
    const house = await day();
    await project(house, db);
    const before = await contents(db);
    await db.query(`update accounts set balance = 1`);
    await db.query(`delete from bets`);
    const done = await rebuild(rebuilding(house), () => undefined);
    expect(done.done).toBe(done.total);
    expect(await contents(db)).toEqual(before);
    expect(await schemas()).toEqual([]);
  });

  it('rebuilds over the read models of another log, which know more than this one', async () => {
    const house = await day();
    await project(house, db);
    const before = await contents(db);
    await db.query(`update checkpoints set seq = seq + 500, checkpoint = replace(checkpoint, '"next":', '"next":9')`);
    await expect(checkReadModels({ ...house, db, shards: 2 })).rejects.toThrow(
      /up to offset 9\d+, its log ends at \d+/,
    );
    await rebuild(rebuilding(house), () => undefined);
    await checkReadModels({ ...house, db, shards: 2 });
    expect(await contents(db)).toEqual(before);
  });

  it('changes nothing when a rebuild breaks off', async () => {
    const house = await day();
    await project(house, db);
    const before = await contents(db);
    const prepare = async (into: SqlDatabase): Promise<void> => {
      await migrate(into, schema);
      throw new Error('no room');
    };
    await expect(rebuild({ ...rebuilding(house), prepare }, () => undefined)).rejects.toThrow('no room');
    expect(await contents(db)).toEqual(before);
    expect(await schemas()).toEqual([]);
  });

  const rebuilding = (house: House): RebuildOptions => rebuildOf(house, db, isServer);
  const schemas = () => db.query(`select nspname from pg_namespace where nspname like 'read_models_%'`);
});

describe('the projector on PostgreSQL, while it follows', () => {
  it('is served by the rebuilt read models as if nothing had happened, one rebuild at a time', async () => {
    const { db, dispose } = await postgres();
    await migrate(db, schema);
    const house = await day();
    const { log, clock } = house;
    const rebuildNow = () => rebuild(rebuildOf(house, db, true), () => undefined);
    const host = new ProjectorHost({ db, log, clock, tails: directTails(log), shards: 2, onAlarm: () => undefined });
    await host.start();
    await host.driver.caughtUp;
    const twice = await Promise.allSettled([rebuildNow(), rebuildNow()]);
    expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await house.fund('acc-9', 700);
    await until(async () => (await db.query(`select 1 from accounts where account = 'acc-9'`)).length === 1);
    await host.stop();
    const followed = await contents(db);
    await rebuildNow();
    expect(await contents(db)).toEqual(followed);
    await dispose();
  });
});

describe('a rebuild beside a later release', () => {
  it('leaves the live read models as they are where that has brought them forward meanwhile', async () => {
    const { db, dispose } = await postgres();
    await migrate(db, schema);
    const house = await day();
    await project(house, db);
    const before = await contents(db);
    const later = { id: '999-later', sql: 'create table later (a int)' };
    const prepare = async (into: SqlDatabase): Promise<void> => {
      await migrate(into, schema);
      await migrate(db, [...schema, later]);
    };
    await expect(rebuild({ ...rebuildOf(house, db, true), prepare }, () => undefined)).rejects.toThrow(
      'have got schema step 999-later meanwhile',
    );
    expect(await db.query('select * from later')).toEqual([]);
    expect(await contents(db)).toEqual(before);
    await rebuild(
      { ...rebuildOf(house, db, true), prepare: (into) => migrate(into, [...schema, later]) },
      () => undefined,
    );
    expect(await db.query('select * from later')).toEqual([]);
    await dispose();
  });
});

describe('two projectors of one PostgreSQL', () => {
  it('that begin at once in empty read models add a batch together once', async () => {
    const { db, another, dispose } = await postgres();
    await migrate(db, schema);
    const house = await day();
    const [first, ...later] = await batchesOf(house, 7);
    const pair = [new Projector(db, house.clock), new Projector(await another(), house.clock)];
    for (const projector of pair) await projector.load();
    const both = (batch: ProjectionBatch<unknown> | undefined) =>
      Promise.all(pair.map((projector) => projector.apply(batch as ProjectionBatch<unknown>)));
    // Neither ends before both have looked where the read models stand.
    const applied = await db.transaction(async (tx) => {
      await tx.query('lock table pool_totals in exclusive mode');
      const applying = both(first);
      await until(async () => (await db.query(WAITING)).length === 2, 'both projectors to wait');
      return { applying };
    });
    await applied.applying;
    for (const batch of later) await both(batch);
    const together = await contents(db);
    await db.query(`truncate ${tables.join(', ')}`);
    await project(house, db);
    expect(together).toEqual(await contents(db));
    await dispose();
  });

  const WAITING = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
});

const rebuildOf = (house: House, db: SqlDatabase, live: boolean): RebuildOptions => ({
  ...{ db, log: house.log, clock: house.clock, tails: directTails(house.log), shards: 2, onAlarm: () => undefined },
  prepare: (into) => migrate(into, schema),
  live,
});

async function project(house: House, db: SqlDatabase): Promise<void> {
  const { log, clock } = house;
  const alarms: string[] = [];
  const onAlarm = (code: string, detail: string): void => void alarms.push(`${code} ${detail}`);
  const host = new ProjectorHost({ db, log, clock, tails: directTails(log), shards: 2, onAlarm });
  await host.start();
  await host.driver.caughtUp;
  await host.stop();
  expect(alarms).toEqual([]);
}

/** The log as batches of so many decisions, taken from the sources in turn. */
async function batchesOf(house: House, size: number): Promise<ProjectionBatch<unknown>[]> {
  const lists = await Promise.all(
    allSources(2).map(async ({ src, at }) => {
      const valid = validRecords(src, at);
      const records = await house.log.read({ ...at, from: 0 }, 10_000);
      return { src, at, valid, records: [...records] };
    }),
  );
  const batches: ProjectionBatch<unknown>[] = [];
  while (lists.some(({ records }) => records.length > 0)) {
    const decisions: ProjectionBatch<unknown>['decisions'][number][] = [];
    for (const { src, at, valid, records } of lists) {
      for (const record of records.splice(0, size)) {
        const accepted = valid.accept(record);
        if (accepted.kind === 'valid') decisions.push({ src, at, valid: accepted });
      }
    }
    const checkpoints = lists.map(({ src, valid: { seq, next, toCheckpoint }, valid }) => ({
      ...{ src, seq, next, text: toCheckpoint.call(valid) },
    }));
    batches.push({ decisions, checkpoints });
  }
  return batches;
}

/** All rows of all tables, but for the figures of the moment. */
async function contents(db: SqlDatabase): Promise<Record<string, readonly string[]>> {
  const all: Record<string, readonly string[]> = {};
  for (const table of tables) {
    const rows = await db.query(`select * from ${table}`);
    all[table] = rows.map((row) => JSON.stringify({ ...row, lag_ms: 0 })).sort();
  }
  return all;
}

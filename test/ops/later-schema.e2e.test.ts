/**
 * A release with a step of the schema beside the one before it, under load: the new one brings the read models forward while the old
 * one takes bets, projects and pays, both go on, then the old one leaves. The later release is the built one with a step more, which
 * touches every table, in an order in which nobody else does.
 */
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, openKafkaLog, seededRandom } from '#mutuel/adapters';
import { EXIT } from '#mutuel/platform';
import type { EventLog, SqlDatabase } from '#mutuel/runtime';
import { schema, tables } from '#mutuel/views';
import { up, wipe } from '../../infra/native/index.mjs';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs } from '../trust/log-checker.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { readDecisionLogs } from '../trust/read-log.js';
import { tableDigests } from '../trust/retold.js';
import { QUIET, RunningSystem, runToEnd, STANDALONE } from '../trust/running-system.js';

const INSTANCE = 'later-schema';
const onWarning = (line: string): void => console.warn(line);

const STEP = {
  id: '999-rehearsed',
  sql: [
    ...tables.toReversed().map((table) => `alter table ${table} add column later text`),
    'alter table accounts add column later_count bigint not null default 0',
    'create index later_bets on bets (pool_id)',
    'create table later_rows (id text primary key)',
  ].join(';\n'),
};

describe('a release that brings the read models forward', () => {
  const data = mkdtempSync(join(tmpdir(), 'mutuel-steps-'));
  const later = laterRelease(STEP);
  const ofData = ['--port', '0', '--data', data];
  const args = [...ofData, '--accounts', '20', ...QUIET];
  const processes: RunningSystem[] = [];
  const races: string[] = [];
  let servers: Record<string, string>;
  let before: RunningSystem;
  let next: RunningSystem;
  let log: EventLog;
  let db: SqlDatabase;
  let cast: Cast;
  let client: JournalClient;

  const startLater = async (program: string): Promise<RunningSystem> => {
    const flags = program === STANDALONE ? args : ofData;
    const system = await RunningSystem.start({ program: join(later, program), args: flags, env: servers });
    processes.push(system);
    return system;
  };

  beforeAll(async () => {
    await wipe({ instance: INSTANCE });
    servers = { ...(await up({ instance: INSTANCE })) };
    const { KAFKA_BROKERS = '', DATABASE_URL = '' } = servers;
    before = await RunningSystem.start({ args, env: servers });
    log = await openKafkaLog({ brokers: KAFKA_BROKERS.split(','), clientId: 'rehearsal', onWarning });
    db = await openDatabase({ url: DATABASE_URL, max: 2, onWarning });
    cast = await castOf(before.url);
    client = new JournalClient(cast.accounts, seededRandom(31));
  });
  afterAll(async () => {
    for (const one of processes) await one.kill();
    await before?.kill();
    await db?.close();
    await log?.close();
    await wipe({ instance: INSTANCE });
    for (const folder of [data, later]) rmSync(folder, { recursive: true, force: true });
  });

  it('does so once, though two of its processes start at the same moment, and the one before it sells, projects and pays on', async () => {
    const { url } = before;
    const officials = new Officials(url, cast.operators);
    races.push(...(await officials.openMeeting('stepped')));
    const [first = ''] = races;
    await client.sellBeside(url, races, async () => {
      [next] = await Promise.all([startLater(STANDALONE), startLater('dist/apps/back-office/src/main.js')]);
      const steps = await db.query<{ id: string }>('select id from schema_migrations order by position');
      expect(steps.map(({ id }) => id)).toEqual([...schema.map(({ id }) => id), STEP.id]);
    });
    const failures = await metric(url, 'mutuel_projection_failures_total');
    const folded = await metric(url, 'mutuel_projection_decisions_total');
    await client.sellBeside(url, races);
    expect(await officials.bringHome(first)).toBe(true);
    await officials.close();
    expect(await metric(url, 'mutuel_projection_decisions_total')).toBeGreaterThan(folded);
    expect(await metric(url, 'mutuel_projection_failures_total')).toBe(failures);
    await expect.poll(ticketsShown).toBe(client.count(201));
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('goes on beside the one before it, and without it', async () => {
    const open = races.slice(1);
    await client.sellBeside(next.url, open);
    expect(await before.stop()).toBe(0);
    await client.sellBeside(next.url, open);
    const officials = new Officials(next.url, cast.operators);
    for (const race of races) expect(await officials.bringHome(race)).toBe(true);
    await officials.close();
  });

  it('keeps the one before it from being started again, which says so in a line', async () => {
    const { code, lines } = await runToEnd({ program: 'dist/apps/projector/src/main.js', args: ofData, env: servers });
    expect([code, lines.join('\n')]).toEqual([
      EXIT.SCHEMA,
      expect.stringMatching(/schema is newer than this release: it has step 999-rehearsed; start the/),
    ]);
  });

  it('leaves a log without a fault, and read models as they are made anew', async () => {
    const { shards, market } = await readDecisionLogs(log);
    const { findings, accepted } = checkLogs(shards, market, client.journal);
    expect([findings, accepted, client.contradictions]).toEqual([[], client.count(201), []]);
    await expect.poll(ticketsShown).toBe(accepted);
    for (const one of processes) expect(await one.stop()).toBe(0);
    const live = await tableDigests(db);
    const program = join(later, 'dist/apps/cli/src/main.js');
    expect((await runToEnd({ program, args: ['rebuild', '--data', data], env: servers })).code).toBe(0);
    // The last lease may have come after the projector's end.
    expect({ ...(await tableDigests(db)), lease: live['lease'] }).toEqual(live);
  });

  const ticketsShown = async (): Promise<number> => {
    const [row] = await db.query<{ count: number }>(
      `select count(*) as count from tickets where status in ('ACCEPTED', 'CANCELLED')`,
    );
    return Number(row?.count);
  };
});

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`${url}/metrics says nothing of ${name}`);
  return Number(value);
}

/** The built programs in a folder of their own, with one more step of the schema. */
function laterRelease(step: { readonly id: string; readonly sql: string }): string {
  const folder = mkdtempSync(join(tmpdir(), 'mutuel-later-'));
  for (const part of ['dist', 'package.json']) cpSync(part, join(folder, part), { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  appendFileSync(join(folder, 'dist/libs/views/src/schema.js'), `\nschema.push(${JSON.stringify(step)});\n`);
  return folder;
}

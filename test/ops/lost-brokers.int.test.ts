/**
 * The restore drill on real servers, all roles in one process: the brokers are lost with their disks while the read models live on,
 * and the log comes back from its archive onto new, empty ones.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase, openKafkaLog, seededRandom } from '#mutuel/adapters';
import { sha256, TOPICS } from '#mutuel/contracts';
import {
  backup,
  type Config,
  checkTopics,
  EXIT,
  ROLES,
  readConfig,
  rebuildReadModels,
  restore,
  type System,
  startSystem,
  takeSnapshots,
  verifySnapshots,
} from '#mutuel/platform';
import type { EventLog, SqlDatabase } from '#mutuel/runtime';
import { type ExportedRecord, exportOrder, type LogReport, LogVerifier } from '#mutuel/verify';
import { down, status, up, wipe } from '../../infra/native/index.mjs';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs, type Verdict } from '../trust/log-checker.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { readDecisionLogs } from '../trust/read-log.js';
import { projected, tableDigests } from '../trust/retold.js';
import { QUIET } from '../trust/running-system.js';

const INSTANCE = 'lost-brokers';
const READ_AT_ONCE = 5_000;

const folder = (name: string): string => mkdtempSync(join(tmpdir(), `mutuel-${name}-`));
const [data, other, archive] = [folder('lost'), folder('restored'), folder('kept')];
const warnings: string[] = [];
const onWarning = (line: string): void => void warnings.push(line);
let servers: Record<string, string>;
let system: System | undefined;
let cast: Cast;
let client: JournalClient;
/** Acknowledged, and later than the archive. */
let late: JournalClient;
let selling: readonly string[];
/** The whole log, with what came after the archive. */
let lost: readonly ExportedRecord[];
/** Of the read models, when all that was sold before the archive was in them. */
let digests: Record<string, string>;

const configOf = (dir: string): Config =>
  readConfig({ args: ['--port', '0', '--data', dir, '--accounts', '20', ...QUIET], env: servers, demoByDefault: true });

async function start(dir: string): Promise<string> {
  system = await startSystem(configOf(dir), ROLES, { say: () => undefined, warn: onWarning });
  return system.url;
}

async function stop(): Promise<void> {
  await system?.stop();
  system = undefined;
}

beforeAll(async () => {
  await wipe({ instance: INSTANCE });
  servers = { ...(await up({ instance: INSTANCE })) };
  cast = await castOf(await start(data));
  client = new JournalClient(cast.accounts, seededRandom(21));
  late = new JournalClient(cast.accounts, seededRandom(22));
});
afterAll(async () => {
  await system?.stop();
  await wipe({ instance: INSTANCE });
  for (const one of [data, other, archive]) rmSync(one, { recursive: true, force: true });
});

it('a system is archived beside its selling, with a race that is paid, bets that stand, and snapshots', async () => {
  const { url } = system as System;
  const officials = new Officials(url, cast.operators);
  const [paid = '', open = ''] = await officials.openMeeting('archived');
  selling = [open];
  await client.sellBeside(url, [paid, open]);
  expect(await officials.bringHome(paid)).toBe(true);
  await officials.close();
  await client.sellBeside(url, selling, async () => {
    await takeSnapshots(configOf(data), undefined, onWarning);
    expect((await backup(configOf(data), archive, onWarning)).records).toBeGreaterThan(100);
  });
  const told = await withLog(verdictOf);
  expect(told).toMatchObject({ findings: [], accepted: client.count(201) });
  digests = await withTables(async (db) => {
    await expect.poll(() => projected(db)).toBeGreaterThanOrEqual(told.decisions);
    return tableDigests(db);
  });
  await backup(configOf(data), archive, onWarning);
  await late.sellBeside(url, selling);
  await stop();
  lost = await withLog(recordsOf);
});

it('gets nothing back where its topics still are, and they stay as they are', async () => {
  const before = (await withLog(recordsOf)).map(lineOf);
  await expect(restore(configOf(other), archive, onWarning)).rejects.toMatchObject({
    ...{ lines: [expect.stringMatching(/^Topics .*shard\.decisions.* exist already: restore into a cluster without/)] },
    exitCode: EXIT.TOPICS,
  });
  expect((await withLog(recordsOf)).map(lineOf)).toEqual(before);
});

it('gets every record back on new brokers, where and when it was, and snapshots that fit', async () => {
  await down({ instance: INSTANCE });
  rmSync(join(status({ instance: INSTANCE }).folder, 'kafka'), { recursive: true });
  servers = { ...(await up({ instance: INSTANCE })) };
  const { records } = await restore(configOf(other), archive, onWarning);
  const back = (await withLog(recordsOf)).map(lineOf);
  const places = new Set(back.map(placeOf));
  expect(back).toEqual(lost.map(lineOf).filter((line) => places.has(placeOf(line))));
  expect(records).toBe(back.length);
  expect(records).toBeLessThan(lost.length);
  const faults = await checkTopics(configOf(other), onWarning);
  expect(faults.filter(({ kind }) => kind === 'TRUTH')).toEqual([]);
  expect((await withLog(verified)).findings).toEqual([]);
  const snapshots = await verifySnapshots(configOf(other), { replay: true }, onWarning);
  const found = snapshots.map(({ src, fault }) => `${src} ${fault ?? 'sound'}`);
  expect(new Set(found)).toEqual(
    new Set(['market', 'shard-0', 'shard-1', 'shard-2', 'shard-3'].map((src) => `${src} sound`)),
  );
});

it('does not start on read models that know what its log does not, and has equal ones made from the archive', async () => {
  // The keys are secrets and no part of an archive.
  cpSync(join(data, 'keys.json'), join(other, 'keys.json'));
  await expect(start(other)).rejects.toMatchObject({
    ...{ lines: [expect.stringMatching(/up to offset \d+, its log ends at \d+: .*mutuel rebuild/)] },
    exitCode: EXIT.CHECKPOINT,
  });
  await rebuildReadModels(configOf(other), () => undefined, onWarning);
  // Leases went on meanwhile.
  const { lease: _, ...kept } = digests;
  expect(await withTables(tableDigests)).toMatchObject(kept);
});

it('answers for every bet of the archive as before, for none after it, and sells and pays on', async () => {
  warnings.length = 0;
  const url = await start(other);
  expect(warnings.filter((line) => line.startsWith('SNAPSHOT_IGNORED'))).toEqual([]);
  for (const ticket of client.someAccepted(20)) expect(await statusOf(url, ticket)).toBe(200);
  for (const ticket of late.someAccepted(20)) expect(await statusOf(url, ticket)).toBe(404);
  // Twenty references again, each with the answer that it had.
  await client.resolve(url);
  await client.sellBeside(url, selling);
  expect(client.contradictions).toEqual([]);
  const officials = new Officials(url, cast.operators);
  for (const race of selling) expect(await officials.bringHome(race)).toBe(true);
  await officials.close();
  const told = await withLog(verdictOf);
  expect(told).toMatchObject({ findings: [], accepted: client.count(201) });
  await expect.poll(() => withTables(balancesOf)).toEqual(Object.fromEntries(told.balances));
  await stop();
  expect((await withLog(verified)).findings).toEqual([]);
});

async function withLog<T>(work: (log: EventLog) => Promise<T>): Promise<T> {
  const brokers = servers['KAFKA_BROKERS']?.split(',') ?? [];
  const log = await openKafkaLog({ brokers, clientId: 'drill', onWarning });
  return work(log).finally(() => log.close());
}

async function withTables<T>(work: (db: SqlDatabase) => Promise<T>): Promise<T> {
  const db = await openDatabase({ url: servers['DATABASE_URL'] ?? '', max: 1, onWarning });
  return work(db).finally(() => db.close());
}

async function verdictOf(log: EventLog): Promise<Verdict> {
  const { shards, market } = await readDecisionLogs(log);
  return checkLogs(shards, market, client.journal);
}

/** Chains, seals, ticks and payments, worked out again by the verifier, which shares no code with what wrote them. */
async function verified(log: EventLog): Promise<LogReport> {
  const head = { shards: await log.partitions(TOPICS.shardDecisions), topics: await partitionsOf(log) };
  const verifier = new LogVerifier(head);
  const records = await recordsOf(log);
  for (const [topic, partition] of exportOrder(head))
    for (const record of records.filter((one) => one.topic === topic && one.partition === partition))
      verifier.take(record);
  return verifier.finish();
}

/** Of every topic. */
async function recordsOf(log: EventLog): Promise<ExportedRecord[]> {
  const found: ExportedRecord[] = [];
  for (const [topic, partitions] of Object.entries(await partitionsOf(log)))
    for (let partition = 0; partition < partitions; partition++) {
      const { start, end } = await log.bounds({ topic, partition });
      for (let from = start; from < end; ) {
        const records = await log.read({ topic, partition, from }, Math.min(READ_AT_ONCE, end - from));
        for (const { offset, time, value } of records)
          found.push({ topic, partition, offset, time, value: Buffer.from(value) });
        from += records.length;
      }
    }
  return found;
}

async function partitionsOf(log: EventLog): Promise<Record<string, number>> {
  const counts = Object.values(TOPICS).map(async (topic) => [topic, await log.partitions(topic)] as const);
  return Object.fromEntries(await Promise.all(counts));
}

const lineOf = ({ topic, partition, offset, time, value }: ExportedRecord): string =>
  `${topic} ${partition} ${offset} ${time} ${sha256(value)}`;
const placeOf = (line: string): string => line.split(' ', 3).join(' ');

async function balancesOf(db: SqlDatabase): Promise<Record<string, number>> {
  const rows = await db.query<{ account: string; balance: number }>('select account, balance from accounts');
  return Object.fromEntries(rows.map(({ account, balance }) => [account, balance]));
}

interface Ticket {
  readonly ticketId: string;
  readonly token: string;
}

async function statusOf(url: string, { ticketId, token }: Ticket): Promise<number> {
  const answer = await fetch(`${url}/v1/tickets/${ticketId}`, { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  return answer.status;
}

/**
 * How many bets a second the projector writes into the read models: one-bet tickets of 100,000 accounts on 300 pools, 600 to a batch
 * (2,400 bets/s at 250 ms) and 10,000 (a rebuild), in turns with a bare multi-row upsert of as many rows of the same length into one
 * table: what the database itself takes for that. Embedded database, and the PostgreSQL that DATABASE_URL names.
 * `npm run bench -- projector [--bets=40000] [--small]`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openDatabase, startPglite } from '#mutuel/adapters';
import { type DecisionRecord, GENESIS } from '#mutuel/contracts';
import type { MeetingCard, ShardEvent } from '#mutuel/engine';
import { type SqlDatabase, shardSource } from '#mutuel/runtime';
import { Projector } from '#mutuel/services';
import { ruleSetFor } from '#mutuel/tote';
import { schema } from '#mutuel/views';

const small = process.argv.includes('--small');
const asked = process.argv.find((word) => word.startsWith('--bets='))?.split('=')[1];
const bets = Number(asked ?? (small ? 1_200 : 40_000));
const POOLS = 300;
const ACCOUNTS = small ? 1_000 : 100_000;
const BATCHES = small ? [600] : [600, 10_000];
/** About what a ticket, its bet and its movement take. */
const BARE_TEXT = 'x'.repeat(300);
/** The projector reads decisions, not their bytes. */
const NOTHING = new Uint8Array();
const source = shardSource(0);
let seq = 0;

await onEmbedded();
const { DATABASE_URL } = process.env;
if (DATABASE_URL) await onServer(DATABASE_URL);

async function onEmbedded(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'mutuel-bench-'));
  const server = await startPglite({ dir, onWarning: console.warn });
  const db = await openDatabase({ url: server.url, max: 1, onWarning: console.warn });
  await measure('embedded', db);
  await db.close();
  await server.stop();
  rmSync(dir, { recursive: true });
}

async function onServer(url: string): Promise<void> {
  const name = `bench_${randomBytes(6).toString('hex')}`;
  const admin = await openDatabase({ url, max: 1, onWarning: console.warn });
  await admin.query(`create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const db = await openDatabase({ url: own.href, max: 1, onWarning: console.warn });
  await measure('PostgreSQL', db);
  await db.close();
  await admin.query(`drop database ${name} with (force)`);
  await admin.close();
}

async function measure(name: string, db: SqlDatabase): Promise<void> {
  seq = 0;
  await migrate(db, schema);
  const projector = new Projector(db, Date);
  await projector.load();
  await write(projector, [[{ t: 'FactApplied', n: 1, fact: { t: 'MeetingPublished', meeting: meeting() } }]]);
  const opened = Array.from({ length: ACCOUNTS }, (_, i): ShardEvent[] => [
    { t: 'AccountOpened', account: `acc-${i}`, currency: 'EUR' },
  ]);
  for (let from = 0; from < ACCOUNTS; from += 10_000) await write(projector, opened.slice(from, from + 10_000));
  await db.query('create table bare (id bigint primary key, account text, text text)');
  let bareRows = 0;
  for (const size of BATCHES) {
    let ms = 0;
    let bareMs = 0;
    let user = 0;
    let system = 0;
    let slowest = 0;
    for (let done = 0; done < bets; done += size) {
      const batch = Array.from({ length: Math.min(size, bets - done) }, (_, i) => [ticket(done + i)]);
      const cpu = process.cpuUsage();
      const start = performance.now();
      await write(projector, batch);
      const took = performance.now() - start;
      const used = process.cpuUsage(cpu);
      ms += took;
      user += used.user;
      system += used.system;
      slowest = Math.max(slowest, took);
      const bare = performance.now();
      await upsert(db, bareRows, batch.length);
      bareMs += performance.now() - bare;
      bareRows += batch.length;
    }
    const rate = Math.round((bets / ms) * 1000);
    const perBet = ((user + system) / bets).toFixed(0);
    console.log(
      `${name}, ${size} a batch: ${rate} bets/s, slowest batch ${slowest.toFixed(0)} ms, ${perBet} us of this process's CPU a bet; a bare upsert ${Math.round((bets / bareMs) * 1000)} rows/s, ${(ms / bareMs).toFixed(1)} times as fast`,
    );
  }
}

async function upsert(db: SqlDatabase, from: number, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, i) => from + i);
  await db.transaction(async (tx) => {
    await tx.query('set local synchronous_commit = off');
    await tx.query(
      `insert into bare (id, account, text) select * from unnest($1::bigint[], $2::text[], $3::text[])
       on conflict (id) do update set account = excluded.account, text = excluded.text`,
      [ids, ids.map((id) => `acc-${id % ACCOUNTS}`), ids.map(() => BARE_TEXT)],
    );
  });
}

async function write(projector: Projector, batch: readonly (readonly ShardEvent[])[]): Promise<void> {
  const decisions = batch.map((events) => {
    const decision = record(events, ++seq);
    const place = { hash: 'ab'.repeat(32), bytes: NOTHING, offset: seq, time: decision.at };
    const valid = { kind: 'valid', decision, ...place } as const;
    return { ...source, valid };
  });
  await projector.apply({ decisions, checkpoints: [{ src: source.src, seq, next: seq + 1, text: '{}' }] });
}

function ticket(i: number): ShardEvent {
  const id = `t0-${seq + 1}-${i.toString(16).padStart(12, '0')}-${i}`;
  const pool = `R${i % POOLS}-WIN`;
  const stake = 200;
  const bet = { no: 0, ref: 'a', pool, sel: String((i % 16) + 1), lines: 1, unit: stake, stake, leaf: 'cd'.repeat(32) };
  return {
    ...{ t: 'TicketAccepted', ticket: id, account: `acc-${(i * 7_919) % ACCOUNTS}`, body: 'ab'.repeat(32) },
    ref: `0198f3c2-0000-7000-8000-${randomBytes(6).toString('hex')}`,
    ...{
      blind: 'ef'.repeat(16),
      channel: 'web',
      currency: 'EUR',
      total: stake,
      balance: 10_000,
      bets: [bet],
      refused: [],
    },
  };
}

function meeting(): MeetingCard {
  const ruleSet = ruleSetFor('FR', 'WIN');
  if (!ruleSet) throw new Error('no rule set');
  return {
    ...{ meetingId: 'M', course: 'Bench', date: '2026-11-22', country: 'FR', currency: 'EUR', exponent: 2 },
    races: Array.from({ length: POOLS }, (_, no) => ({
      ...{ raceId: `R${no}`, number: no, name: 'Bench', postTime: 0 },
      runners: Array.from({ length: 16 }, (_, i) => ({ number: String(i + 1), name: 'Horse' })),
      pools: [{ poolId: `R${no}-WIN`, type: 'WIN', ruleSet, carryInMinor: 0 }],
    })),
  };
}

function record(events: readonly ShardEvent[], n: number): DecisionRecord {
  return {
    ...{ v: 1, kind: 'decision', src: source.src, epoch: 0, seq: n, in: [0, n, 0], cid: '', inc: '', prev: GENESIS },
    ...{ at: 1, time: 1, events, posts: [] },
  };
}

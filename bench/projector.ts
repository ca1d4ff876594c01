/**
 * How many bets a second the projector writes into the read models: one-bet tickets of 100,000 accounts on 300 pools, 600 to a batch
 * (4,000 bets/s at 150 ms) and 10,000 (a rebuild). Embedded database, or the PostgreSQL that DATABASE_URL names; it needs an empty
 * one. `npx tsx --conditions=src bench/projector.ts [bets]`.
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

const bets = Number(process.argv[2] ?? 40_000);
const POOLS = 300;
const ACCOUNTS = 100_000;
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
  for (const size of [600, 10_000]) {
    const began = performance.now();
    const cpu = process.cpuUsage();
    let slowest = 0;
    for (let done = 0; done < bets; done += size) {
      const batch = Array.from({ length: Math.min(size, bets - done) }, (_, i) => [ticket(done + i)]);
      const start = performance.now();
      await write(projector, batch);
      slowest = Math.max(slowest, performance.now() - start);
    }
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    const rate = Math.round((bets / ms) * 1000);
    const perBet = ((user + system) / bets).toFixed(0);
    console.log(
      `${name}, ${size} a batch: ${rate} bets/s, slowest batch ${slowest.toFixed(0)} ms, ${perBet} us of this process's CPU a bet`,
    );
  }
}

async function write(projector: Projector, batch: readonly (readonly ShardEvent[])[]): Promise<void> {
  const decisions = batch.map((events) => {
    const decision = record(events, ++seq);
    const valid = { kind: 'valid', decision, hash: 'ab'.repeat(32), offset: seq, time: decision.at } as const;
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

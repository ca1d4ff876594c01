/**
 * Starting a shard's decider on an embedded log of 1,000,000 decisions (100,000 funded accounts, the rest one-bet tickets on 300
 * pools, all open): from the log's beginning, and from a snapshot with 10,000 decisions after it, until it leads. Beside it what
 * taking the snapshot costs: in a process of its own, and how long it makes this one wait; and what a checkpoint decision costs. Leaves
 * out: HTTP, relays, the other roles.
 * Run: `npm run bench -- snapshot` (`--small` for the smoke mode).
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openLmdbLog, openSnapshotFiles } from '#mutuel/adapters';
import {
  decodeSnapshot,
  encodeRecord,
  GENESIS,
  MAX_APPEND_RECORDS,
  sha256,
  stateHash,
  TOPICS,
} from '#mutuel/contracts';
import { readShardCommand, type ShardCommand, shardDecider } from '#mutuel/engine';
import {
  DeciderRunner,
  directTails,
  type EventLog,
  RenewingAppender,
  type SnapshotStore,
  shardSource,
} from '#mutuel/runtime';
import { LOAD_START, shardSetUp, shardTickets } from './support/shard-load.js';

const small = process.argv.includes('--small');
const SIZE = small ? { accounts: 1_000, pools: 30 } : { accounts: 100_000, pools: 300 };
const DECISIONS = small ? 10_000 : 1_000_000;
const AFTER = small ? 100 : 10_000;
const SOURCE = shardSource(0);
const COMMANDS = { topic: TOPICS.shardCommands, partition: 0 };
const clock = { now: () => Date.now(), sleep: (ms: number) => sleep(ms) };
const decider = () => shardDecider({ shard: 0, shards: 1, hash: sha256 });
const said = (what: string, figure: string): void => console.log(`${what.padEnd(66)}${figure}`);
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

const dir = mkdtempSync(join(tmpdir(), 'mutuel-bench-'));
const topics = Object.fromEntries(Object.values(TOPICS).map((topic) => [topic, 1]));
const log = await openLmdbLog({ dir, topics, clock, onWarning: (line) => console.warn(line) });
const store = openSnapshotFiles({ dir });
try {
  await fill(log);
  said(`start from the beginning of ${DECISIONS.toLocaleString('en')} decisions`, seconds(await start(log, undefined)));
  await take();
  said(`start from a snapshot and ${AFTER.toLocaleString('en')} decisions after it`, seconds(await start(log, store)));
} finally {
  await log.close();
  rmSync(dir, { recursive: true });
}

/** Decides in memory and appends the records, as a runner would. */
async function fill(to: EventLog): Promise<void> {
  const appender = await to.appender();
  const made = decider();
  const state = made.initialState();
  const head = { v: 1, src: SOURCE.src, epoch: 1, inc: randomBytes(16).toString('hex') } as const;
  await appender.append(SOURCE.at, [encodeRecord({ ...head, kind: 'started' })]);
  let seq = 0;
  let prev = GENESIS;
  let waiting: Uint8Array[] = [];
  const decide = (command: ShardCommand, at: number): void => {
    const cid = sha256(String(seq)).slice(0, 32);
    const decision = made.decide(state, command, { seq: ++seq, at, decidedAt: at, cid, trusted: true });
    const decided = { ...decision, seq, at };
    made.evolve(state, decided);
    const bytes = encodeRecord({ ...head, kind: 'decision', in: [1, seq - 1, 0], cid, prev, time: at, ...decided });
    prev = sha256(bytes);
    waiting.push(bytes);
  };
  const flush = async (): Promise<void> => {
    for (let i = 0; i < waiting.length; i += MAX_APPEND_RECORDS)
      await appender.append(SOURCE.at, waiting.slice(i, i + MAX_APPEND_RECORDS));
    waiting = [];
  };
  shardSetUp(SIZE, decide);
  await flush();
  const nextTicket = shardTickets(SIZE);
  for (let i = 0; seq < DECISIONS; i++) {
    decide(readShardCommand(JSON.parse(JSON.stringify(nextTicket(i))), false), LOAD_START + Math.floor(i / 100));
    if (waiting.length === 2_560) await flush();
  }
  await flush();
  // The commands themselves are never read again: only their places count.
  const blank = new Uint8Array(1);
  for (let left = seq; left > 0; left -= MAX_APPEND_RECORDS) {
    const count = Math.min(left, MAX_APPEND_RECORDS);
    await appender.append(
      COMMANDS,
      Array.from({ length: count }, () => blank),
    );
  }
  await appender.close();
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now();
    stateHash(made.image(state));
    return performance.now() - began;
  }).sort((a, b) => a - b);
  said('a checkpoint decision of that state: image and hash, median of 5', `${(times[2] ?? 0).toFixed(0)} ms`);
}

/** Milliseconds until the decider leads. */
async function start(from: EventLog, snapshots: SnapshotStore | undefined): Promise<number> {
  const began = performance.now();
  const runner = new DeciderRunner({
    ...{
      log: from,
      clock,
      tails: directTails(from),
      entropy: { bytes: (count) => randomBytes(count) },
      decider: decider(),
    },
    ...{ readCommand: readShardCommand, src: SOURCE.src, epoch: 1, serviceKey: randomBytes(32), snapshots },
    ...{
      commands: COMMANDS,
      decisions: SOURCE.at,
      work: new RenewingAppender(from),
    },
    onAlarm: (code, detail) => console.warn(code, detail),
  });
  const leads = new Promise<void>((resolve) => {
    runner.onStatus((status) => status === 'LEADING' && resolve());
  });
  runner.start();
  await leads;
  const took = performance.now() - began;
  if (runner.position?.seq !== DECISIONS) throw new Error(`it leads at seq ${runner.position?.seq}`);
  await runner.stop();
  return took;
}

async function take(): Promise<void> {
  const program = fileURLToPath(new URL('../apps/cli/src/main.ts', import.meta.url));
  const { end } = await log.bounds(SOURCE.at);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  const child = fork(program, ['snapshot', 'take', '--quiet', '--data', dir, `shard-0@${end - AFTER - 1}`]);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  delay.disable();
  if (code !== 0) throw new Error(`taking ended with ${code}`);
  const folder = join(dir, 'snapshots', 'shard-0');
  const [file = ''] = readdirSync(folder);
  said('taking it in a process of its own, from the beginning', seconds(performance.now() - began));
  said('its size', `${(statSync(join(folder, file)).size / 1e6).toFixed(1)} MB`);
  said(
    'longest wait of this process meanwhile',
    `${(delay.max / 1e6).toFixed(1)} ms (p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms)`,
  );
  const image = decider();
  const state = image.restore(decodeSnapshot(await store.read('shard-0', DECISIONS - AFTER)).state);
  const imaging = performance.now();
  image.image(state);
  said('what a standby waits while it writes one itself', `${(performance.now() - imaging).toFixed(0)} ms`);
}

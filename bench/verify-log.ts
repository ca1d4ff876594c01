/**
 * An exported log verified as an operator does it, by the built `mutuel verify log` in a process of its own: one-bet tickets with their
 * commands, decided, chained and written before the clock starts, and the odds ticks of their time (a thousand bets a second, every pool
 * in every tick); then the process with its start, lines, chain, times, postings, references, leaves, trees, odds priced again, the second
 * calculator's books and the end of the file. Median and best of rounds; records a second of the clock and of processor time (of all
 * threads). Run: `npm run bench -- verify-log` (`--small` for the smoke mode; `--program=FILE` for another build of the
 * command line tool).
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DecisionRecord, encodeRecord, GENESIS, sha256 } from '#mutuel/contracts';
import { type MarketFact, type ShardCommand, shardDecider } from '#mutuel/engine';
import { type ExportedRecord, ExportWriter, type LogReport } from '#mutuel/verify';
import { CYCLE_MS, computeTick, cycleAt, encodeTick, OddsBook, type Tick } from '#mutuel/views';
import { runToEnd } from '../test/trust/running-system.js';
import { processorSeconds } from './support/processor-time.js';
import { LOAD_START, shardSetUp, shardTickets } from './support/shard-load.js';

const small = process.argv.includes('--small');
const ACCOUNTS = small ? 500 : 20_000;
const POOLS = small ? 10 : 100;
const TICKETS = small ? 2_000 : 200_000;
const ROUNDS = small ? 2 : 5;
const LEASE_EVERY = 10_000;
const LEASE_MS = 60_000;
const PROGRAM = '--program=';
const program =
  process.argv.find((flag) => flag.startsWith(PROGRAM))?.slice(PROGRAM.length) ?? 'dist/apps/cli/src/main.js';

const folder = mkdtempSync(join(tmpdir(), 'mutuel-verify-log-'));
const file = join(folder, 'log.export');
writeFileSync(file, exportOf());
const rates: { readonly clock: number; readonly cpu: number }[] = [];
let records = 0;
for (let round = 0; round < ROUNDS; round++) {
  const began = performance.now();
  const used = processorSeconds(process.pid);
  records = await verify(file);
  const spent = processorSeconds(process.pid) - used;
  rates.push({ clock: (1e3 * records) / (performance.now() - began), cpu: records / spent });
}
const median = (of: 'clock' | 'cpu'): number =>
  rates.map((rate) => rate[of]).sort((a, b) => a - b)[rates.length >> 1] as number;
const best = (of: 'clock' | 'cpu'): number => Math.max(...rates.map((rate) => rate[of]));
const figure = (n: number): string => Math.round(n).toLocaleString('en').padStart(9);
console.log(`${records.toLocaleString('en')} records, ${(statSync(file).size / 1e6).toFixed(0)} MB`);
console.log(`records a second of the clock           ${figure(median('clock'))} (best ${figure(best('clock'))})`);
console.log(`records a second of processor time      ${figure(median('cpu'))} (best ${figure(best('cpu'))})`);
rmSync(folder, { recursive: true, force: true });

async function verify(path: string): Promise<number> {
  const { lines } = await runToEnd({ program, args: ['verify', 'log', path, '--json'] });
  const report = JSON.parse(lines.find((line) => line.startsWith('{')) ?? '{}') as Partial<LogReport>;
  const { records: read = 0, bets, findings = [] } = report;
  if (findings.length > 0 || bets !== TICKETS)
    throw new Error(`the honest log does not verify: ${bets} bets, ${lines.slice(0, 5).join(' ')}`);
  return read;
}

/** The market's word on the races, and one shard's commands and decisions. */
function exportOf(): Buffer {
  const decider = shardDecider({ shard: 0, shards: 1, hash: sha256 });
  const state = decider.initialState();
  const inc = 'a'.repeat(32);
  const facts: { readonly t: 'Fact'; readonly n: number; readonly fact: MarketFact }[] = [];
  const commands: ExportedRecord[] = [];
  const decisions: ExportedRecord[] = [startOf('shard.decisions', 'shard-0', inc)];
  let seq = 0;
  let prev = GENESIS;
  const place = { topic: 'shard.decisions', partition: 0 };
  const decide = (command: ShardCommand, at: number): void => {
    if (command.type === 'MarketFact') facts.push({ t: 'Fact', n: command.n, fact: command.fact });
    const offset = seq++;
    const cid = offset.toString(16).padStart(32, '0');
    const { code, events, posts } = decider.decide(state, command, { seq, at, decidedAt: at, cid, trusted: true });
    if (code !== undefined) throw new Error(`${command.type} was refused: ${code}`);
    decider.evolve(state, { seq, at, events, posts });
    commands.push({
      topic: 'shard.commands',
      partition: 0,
      offset,
      time: at,
      value: Buffer.from(JSON.stringify({ v: 1, cid, cmd: command })),
    });
    const head = { v: 1, kind: 'decision', src: 'shard-0', epoch: 1, seq, in: [1, offset, 0] } as const;
    const value = encodeRecord({ ...head, cid, inc, prev, at, time: at, events, posts });
    prev = sha256(value);
    decisions.push({ ...place, offset: decisions.length, time: at, value });
  };
  shardSetUp({ accounts: ACCOUNTS, pools: POOLS }, decide);
  const next = shardTickets({ accounts: ACCOUNTS, pools: POOLS });
  const began = LOAD_START + LEASE_MS;
  for (let i = 0; i < TICKETS; i++) {
    const issuedAt = began + i;
    if (i % LEASE_EVERY === 0)
      decide(
        { type: 'MarketFact', n: facts.length + 1, fact: { t: 'LeaseRenewed', issuedAt, ttlMs: LEASE_MS } },
        issuedAt,
      );
    decide(next(i), issuedAt);
  }
  const published = { v: 1, kind: 'decision', src: 'market', epoch: 1, seq: 1, in: [1, 0, 0] } as const;
  const fact = { cid: 'm', inc, prev: GENESIS, at: LOAD_START, time: LOAD_START, events: facts, posts: [] };
  const market = [
    startOf('market.decisions', 'market', inc),
    {
      topic: 'market.decisions',
      partition: 0,
      offset: 1,
      time: LOAD_START,
      value: encodeRecord({ ...published, ...fact }),
    },
  ];
  const ticks = ticksOf(market, decisions, began + TICKETS).flatMap((tick) => encodeTick(tick, 'bench'));
  const command = { topic: 'market.commands', partition: 0, offset: 0, time: LOAD_START, value: Buffer.from('{}') };
  const writer = new ExportWriter();
  const topics = { 'market.commands': 1, 'market.decisions': 1, odds: 1, 'shard.commands': 1, 'shard.decisions': 1 };
  const odds = ticks.map((value, offset) => ({ topic: 'odds', partition: 0, offset, time: LOAD_START, value }));
  const all = [command, ...market, ...odds, ...commands, ...decisions];
  return Buffer.concat([writer.head({ shards: 1, topics }), ...all.map((one) => writer.record(one)), writer.end()]);
}

/** As the odds role computes them. */
function ticksOf(market: readonly ExportedRecord[], shard: readonly ExportedRecord[], until: number): Tick[] {
  const book = new OddsBook(1);
  for (const [source, records] of [['market', market] as const, [0, shard] as const])
    for (const { offset, time, value } of records.slice(1))
      book.offer(source, { decision: JSON.parse(Buffer.from(value).toString('utf8')) as DecisionRecord, offset, time });
  const ticks: Tick[] = [];
  for (let cycle = cycleAt(LOAD_START + LEASE_MS) + 1; cycle * CYCLE_MS < until; cycle++)
    ticks.push(computeTick(book, { cycle, prevCycle: ticks.at(-1)?.cycle ?? null, at: cycle * CYCLE_MS, late: false }));
  return ticks;
}

function startOf(topic: string, src: string, inc: string): ExportedRecord {
  const value = Buffer.from(JSON.stringify({ v: 1, kind: 'started', src, epoch: 1, inc, time: LOAD_START }));
  return { topic, partition: 0, offset: 0, time: LOAD_START, value };
}

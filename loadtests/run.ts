/**
 * A load test from nothing to its verdict: the distributed system started on servers of its own and warmed, one of the loads by k6 or
 * by the light generator, then every role stopped and the log checked by what shares no code with the engine. Printed: accepted
 * bets from valid decisions, latencies, processor time of each process, lateness of the odds, what a million bets cost. Exit code 1
 * where the load misses its floor or the checker finds something.
 *
 *   npm run load -- sustain [--minutes 10] [--rate 2000] [--generator k6|light]      also peak, burst, soak, feed (by k6)
 *   … [--accounts 100000] [--warmup 30] [--engines 1] [--bet-apis 1] [--profiles DIR]
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, Option } from 'commander';
import { openKafkaLog } from '#mutuel/adapters';
import { above0, script, wholeFrom } from '../test/flags.js';
import { checkLogs, type JournalLine } from '../test/trust/log-checker.js';
import { readDecisionLogs } from '../test/trust/read-log.js';
import { bytesSoFar, costTable } from './cost.js';
import { generate } from './generator.js';
import { Slopes } from './slopes.js';
import { LoadedSystem } from './system.js';
import type { Report } from './tally.js';

const LOADS = ['sustain', 'peak', 'burst', 'soak', 'feed'] as const;
type Load = (typeof LOADS)[number];

interface Flags {
  readonly minutes: number;
  readonly rate?: number;
  readonly generator: 'k6' | 'light';
  readonly accounts: number;
  readonly warmup: number;
  readonly engines: number;
  readonly betApis: number;
  readonly profiles?: string;
  readonly instance: string;
}

const program = script(
  'npm run load --',
  'A load on the distributed system, on servers of its own, and the check of its log.',
)
  .addArgument(new Argument('<load>', 'which one').choices(LOADS))
  .option('--minutes <n>', 'how long sustain and soak hold', above0, 10)
  .option('--rate <n>', 'requests a second (default: 2000, 500 of soak)', above0)
  .addOption(new Option('--generator <name>', 'of sustain and burst').choices(['k6', 'light']).default('light'))
  .option('--accounts <n>', 'funded accounts', wholeFrom(1), 100_000)
  .option('--warmup <seconds>', 'at a quarter of the rate at most, and at the rate', above0, 30)
  .option('--engines <n>', 'processes', wholeFrom(1), 1)
  .option('--bet-apis <n>', 'processes', wholeFrom(1), 1)
  .option('--profiles <dir>', 'a processor profile of each role')
  .option('--instance <name>', 'of the servers', 'load')
  .parse();
const values = program.opts<Flags>();
const load = program.args[0] as Load;
const rate = values.rate ?? (load === 'soak' ? 500 : 2_000);
const byK6 = values.generator === 'k6' || load === 'peak' || load === 'feed' || load === 'soak';
/** What grows is told apart from what has to where races are paid and forgotten meanwhile. */
const isSoak = load === 'soak';
const SOAK_EVERY_SECONDS = 60;
const seconds = values.minutes * 60;
const folder = join('var', 'load');
const castFile = join(folder, 'cast.json');
const journalFile = join(folder, 'journal.jsonl');
/** What was decided last is projected and ticked meanwhile. */
const SETTLE_MS = 6_000;
const LOWEST_PART = 0.99;
/** The floor of the light generator; k6's own stand in its scripts. */
const FLOOR = { p50: 20, p99: 50 };
/** The peak's way up (loadtests/peak.js), in the time in which the readers come. */
const RISE = { from: 75, steps: 10, seconds: 30 };
const BURST = { calm: 500, calmSeconds: 15, rate: 5_000, seconds: 30, recoverySeconds: 5 };

const system = new LoadedSystem({
  instance: values.instance,
  accounts: values.accounts,
  engines: values.engines,
  betApis: values.betApis,
  profiles: values.profiles,
});
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
let failed = false;
// Sessions of their own hear no Ctrl-C.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void system.end().finally(() => process.exit(1)));
try {
  await system.start();
  if (isSoak) await system.runRaces(SOAK_EVERY_SECONDS);
  const cast = isSoak ? { accounts: await system.accounts() } : await system.openCard();
  writeFileSync(castFile, JSON.stringify(cast));
  console.log(`Warm-up: ${values.warmup} s`);
  await light(['--rate', String(Math.min(rate, 500)), '--seconds', String(values.warmup), '--warmup', '0']);
  await light(['--rate', String(Math.min(rate, 2_000)), '--seconds', String(values.warmup), '--warmup', '0']);
  system.settle();
  await settled();
  const bytes = await bytesSoFar(system);
  const from = Date.now();
  const processors = system.processors();
  const ended = endedChildrenSeconds();
  const machine = machineSeconds();
  const slopes = new Slopes(system.processes);
  failed = !(load === 'feed' ? await feedDuringPeak() : byK6 ? await runK6(load) : await runLight(load));
  const elapsed = (Date.now() - from) / 1_000;
  const generator = (endedChildrenSeconds() - ended) / elapsed;
  const spent = spentSince(processors);
  const all = tellProcessors(spent, elapsed, generator);
  const [busy, stolen] = machineSeconds().map((spent, i) => (spent - (machine[i] ?? 0)) / elapsed);
  console.log(
    `everything else on the machine: ${((busy ?? 0) - all).toFixed(2)} cores, and ${(stolen ?? 0).toFixed(2)} taken by its host`,
  );
  console.log(slopes.end());
  await tellOdds();
  await settled();
  const after = await bytesSoFar(system);
  await system.stopRoles();
  const { isClean, bets } = await checked(from);
  failed = !isClean || failed;
  console.log(`\n${costTable(bets, spent, bytes, after)}`);
} finally {
  await system.end();
}
process.exit(failed ? 1 : 0);

// ── Loads ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function runLight(name: Load): Promise<boolean> {
  if (name === 'burst') return burst();
  const text = await light(['--rate', String(rate), '--seconds', String(seconds), '--warmup', '0', '--json']);
  const report = JSON.parse(text) as Report;
  console.log(told(`light generator, ${rate}/s for ${seconds} s`, report));
  const kept = report.acceptedPerSecond >= rate * LOWEST_PART;
  return verdict([
    [kept, `${report.acceptedPerSecond}/s accepted of ${rate}/s`],
    [report.p50 <= FLOOR.p50, `p50 ${report.p50} ms, at most ${FLOOR.p50}`],
    [report.p99 <= FLOOR.p99, `p99 ${report.p99} ms, at most ${FLOOR.p99}`],
  ]);
}

async function burst(): Promise<boolean> {
  const { calm, calmSeconds, rate, recoverySeconds } = BURST;
  const steps = `${calm}x${calmSeconds},${rate}x${BURST.seconds},${calm}x${calmSeconds}`;
  const text = await light(['--steps', steps, '--connections', '4096', '--json']);
  type Stretch = Report & { readonly rate: number; readonly usualAfterSeconds?: number };
  const reports = JSON.parse(text) as [Stretch, Stretch, Stretch];
  for (const report of reports) console.log(told(`${report.rate}/s offered`, report));
  const [, during, after] = reports;
  const odd = Object.keys(during.byStatus).filter((status) => !/^(201|202|503 SERVICE_UNAVAILABLE)$/.test(status));
  return verdict([
    [odd.length === 0, `answers in the burst other than 201, 202 and 503: ${odd.join(', ') || 'none'}`],
    [during.acceptedPerSecond >= calm, `${during.acceptedPerSecond}/s accepted in the burst`],
    [during.p99 <= 2_000, `p99 of the accepted in the burst ${during.p99} ms, at most 2000`],
    [
      (after.usualAfterSeconds ?? 99) <= recoverySeconds,
      `as usual ${after.usualAfterSeconds ?? '–'} s after the burst`,
    ],
  ]);
}

/** Readers by k6 while the light generator bets as the peak does: odds that do not change are sent to nobody. */
async function feedDuringPeak(): Promise<boolean> {
  const rates = Array.from({ length: RISE.steps }, (_, i) =>
    Math.round(RISE.from + ((rate - RISE.from) * (i + 1)) / RISE.steps),
  );
  const steps = [...rates.map((each) => `${each}x${RISE.seconds / RISE.steps}`), `${rate}x${seconds}`];
  const [isInTime, text] = await Promise.all([
    runK6('feed'),
    light(['--steps', steps.join(','), '--connections', '1024', '--json']),
  ]);
  const held = (JSON.parse(text) as Report[]).at(-1) as Report;
  console.log(told(`light generator, ${rate}/s for ${seconds} s after the rise`, held));
  const kept = held.acceptedPerSecond >= rate * LOWEST_PART;
  return verdict([
    [isInTime, 'what the readers saw, by the thresholds above'],
    [kept, `${held.acceptedPerSecond}/s accepted of ${rate}/s`],
  ]);
}

/** k6's thresholds are the floor; it prints its own summary. */
async function runK6(name: Load): Promise<boolean> {
  const duration = name === 'peak' ? { HOLD: `${seconds}s` } : name === 'burst' ? {} : { DURATION: `${seconds}s` };
  const env = {
    BASE_URL: system.urls.join(','),
    CAST: join('..', castFile),
    ...(name === 'sustain' || isSoak ? { RATE: String(rate) } : {}),
    SUMMARY: join(folder, 'k6.json'),
    // It shares the machine with what it loads, and memory is there.
    GOGC: '400',
    ...duration,
  };
  return new Promise((resolve, reject) => {
    const args = ['run', '--quiet', '--no-usage-report', `loadtests/${name}.js`];
    const child = execFile(process.env['K6'] ?? 'k6', args, { env: { ...process.env, ...env }, maxBuffer: 1e8 });
    child.stdout?.pipe(process.stdout);
    child.stderr?.pipe(process.stderr);
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0));
  });
}

/** Resolves to what the generator prints; its journal goes with those before it. */
function light(flags: readonly string[]): Promise<string> {
  const files = [
    '--cast',
    castFile,
    '--journal',
    `${journalFile}.${performance.now()}`,
    '--url',
    system.urls.join(','),
  ];
  return generate([...files, ...flags]);
}

// ── What it comes to ─────────────────────────────────────────────────────────────────────────────────────────────

function told(title: string, r: Report): string {
  const answers = Object.entries(r.byStatus).map(([status, count]) => `${status}: ${count}`);
  return `${title}: ${r.acceptedPerSecond}/s accepted; p50 ${r.p50}, p99 ${r.p99}, p99.9 ${r.p999}, max ${r.max} ms (${answers.join(', ')})`;
}

function verdict(lines: readonly (readonly [boolean, string])[]): boolean {
  for (const [met, what] of lines) console.log(`${met ? 'met   ' : 'MISSED'} ${what}`);
  return lines.every(([met]) => met);
}

/** Processor seconds by process. */
function spentSince(before: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...system.processors()].map(([name, spent]) => [name, spent - (before.get(name) ?? 0)]));
}

function tellProcessors(spent: ReadonlyMap<string, number>, elapsed: number, generator: number): number {
  let all = generator;
  const lines = [...spent].map(([name, seconds]) => {
    all += seconds / elapsed;
    return `${name} ${(seconds / elapsed).toFixed(2)}`;
  });
  console.log(
    `cores over ${elapsed.toFixed(0)} s: ${lines.join(' · ')} · generator ${generator.toFixed(2)} = ${all.toFixed(2)}`,
  );
  return all;
}

function settled(): Promise<void> {
  return new Promise((wake) => setTimeout(wake, SETTLE_MS));
}

/** Busy and stolen, all processors together. */
function machineSeconds(): [busy: number, stolen: number] {
  const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n')[0]?.split(/\s+/).map(Number) ?? [];
  const [user = 0, nice = 0, kernel = 0, , , irq = 0, softIrq = 0, stolen = 0] = fields;
  return [(user + nice + kernel + irq + softIrq) / 100, stolen / 100];
}

/** Of children that have ended, as the kernel counts it: of these there are only generators. */
function endedChildrenSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** From the processes' own figures, since their start. */
async function tellOdds(): Promise<void> {
  for (const [name, stage] of [
    ['odds', 'COMPUTED'],
    ['bet-api', 'RECEIVED'],
  ] as const) {
    const text = await system.metrics(name);
    const pattern = new RegExp(
      `^mutuel_odds_tick_lateness_seconds_bucket\\{([^}]*stage="${stage}"[^}]*)\\} (\\S+)$`,
      'gm',
    );
    const buckets = [...text.matchAll(pattern)].map(([, labels = '', count]) => ({
      le: /le="([^"]+)"/.exec(labels)?.[1] ?? '+Inf',
      count: Number(count),
    }));
    const all = buckets.at(-1)?.count ?? 0;
    const worst = buckets.find(({ count }) => count === all)?.le ?? '–';
    const most = buckets.find(({ count }) => count >= 0.99 * all)?.le ?? '–';
    console.log(
      `odds ticks ${stage.toLowerCase()}: ${all} pools, 99 % at most ${most} s after their moment, all ${worst} s`,
    );
  }
}

async function checked(from: number): Promise<{ readonly isClean: boolean; readonly bets: number }> {
  const log = await openKafkaLog({ brokers: system.brokers, clientId: 'checker', onWarning: () => undefined });
  const { shards, market } = await readDecisionLogs(log);
  await log.close();
  const { accepted, acceptedAt, decisions, dropped, findings } = checkLogs(shards, market, journalOf());
  const within = acceptedAt.filter((at) => at >= from).sort((a, b) => a - b);
  const span = ((within.at(-1) ?? 0) - (within[0] ?? 0)) / 1_000;
  console.log(
    `valid decisions: ${within.length} bets accepted in ${span.toFixed(1)} s, ${Math.round(within.length / span)}/s; ${accepted} with the warm-up, ${decisions} decisions in all, ${dropped} records that do not count`,
  );
  for (const finding of findings.slice(0, 20)) console.log(finding);
  console.log(`checker: ${findings.length} findings`);
  return { isClean: findings.length === 0, bets: within.length };
}

/** Answers that say what became of a ticket; of the others nothing is claimed. */
function journalOf(): JournalLine[] {
  const lines: JournalLine[] = [];
  for (const name of readdirSync(folder).filter((file) => file.startsWith('journal'))) {
    for (const text of readFileSync(join(folder, name), 'utf8').split('\n')) {
      if (text === '') continue;
      const line = JSON.parse(text) as JournalLine;
      if (line.status === 201 || line.status === 422 || line.status === 503) lines.push(line);
    }
  }
  return lines;
}

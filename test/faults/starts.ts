/**
 * `npm run faults -- starts`: what only many tries show. All five roles started at the same moment on brokers, a database and a folder
 * that hold nothing, again and again; and one engine after the other killed a second after the one killed before it stands by again,
 * under load. It prints every try and the distribution; it must never mend or repeat a try that went wrong.
 *
 *   npm run faults -- starts [--starts 20] [--takeovers 10] [--rate 60] [--seed 1] [--instance faults-starts]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { openDatabase, openKafkaLog, seededRandom } from '#mutuel/adapters';
import { down, up, wipe } from '../../infra/native/index.mjs';
import { above0, script, wholeFrom } from '../flags.js';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs } from '../trust/log-checker.js';
import { castOf, Officials } from '../trust/officials.js';
import { readDecisionLogs } from '../trust/read-log.js';
import { RunningSystem } from '../trust/running-system.js';
import { pause } from './cluster.js';

interface Flags {
  readonly starts: number;
  readonly takeovers: number;
  readonly rate: number;
  readonly seed: number;
  readonly instance: string;
}

const { starts, takeovers, rate, seed, instance } = script('npm run faults -- starts', 'What only many tries show.')
  .option('--starts <n>', 'of all roles at once, on nothing', wholeFrom(0), 20)
  .option('--takeovers <n>', 'one leader killed after the other', wholeFrom(0), 10)
  .option('--rate <n>', 'tickets a second', above0, 60)
  .option('--seed <n>', 'of the bets', wholeFrom(0), 1)
  .option('--instance <name>', 'of the servers', 'faults-starts')
  .parse()
  .opts<Flags>();
const PROGRAMS = ['engine', 'projector', 'odds', 'back-office', 'bet-api'] as const;
const DEMO = ['--demo', '--no-crowd', '--accounts', '100'];
const flagsOf = (program: string): readonly string[] => (/api|office/.test(program) ? DEMO : []);
/** Between the moment that the killed one stands by again and the next kill. */
const BETWEEN_MS = 1_000;
const SELLS_WITHIN_MS = 60_000;
const onWarning = (): void => undefined;

await wipe({ instance });
let failed = 0;
try {
  const servers = await up({ instance, brokers: 1 });
  if (starts > 0) await startTogether(servers);
  if (takeovers > 0) await takeOver(servers);
} finally {
  await down({ instance });
  await wipe({ instance });
}
process.exit(failed === 0 ? 0 : 1);

type Servers = Awaited<ReturnType<typeof up>>;

function start(program: string, data: string, servers: Servers): Promise<RunningSystem> {
  const args = ['--port', '0', '--data', data, ...flagsOf(program)];
  return RunningSystem.start({ program: `dist/apps/${program}/src/main.js`, args, env: { ...servers } });
}

async function startTogether(servers: Servers): Promise<void> {
  const times: number[] = [];
  for (let i = 1; i <= starts; i++) {
    await empty(servers);
    const data = mkdtempSync(join(tmpdir(), 'mutuel-starts-'));
    const began = performance.now();
    const outcomes = await Promise.allSettled(PROGRAMS.map((program) => start(program, data, servers)));
    const took = performance.now() - began;
    const bad = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
    for (const why of bad) console.log(`start ${i}: ${why}`);
    if (bad.length > 0) failed++;
    else {
      times.push(took);
      console.log(`start ${i}: all ready after ${(took / 1_000).toFixed(2)} s`);
    }
    const running = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await Promise.all(running.map((system) => system.kill()));
    rmSync(data, { recursive: true, force: true });
  }
  console.log(`${times.length} of ${starts} starts of all roles at once; until all were ready, ${spread(times)}`);
}

/** As after a first installation. */
async function empty({ KAFKA_BROKERS, DATABASE_URL }: Servers): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ours = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
  if (ours.length > 0) await admin.deleteTopics({ topics: ours });
  while ((await admin.listTopics()).some((topic) => ours.includes(topic))) await pause(100);
  await admin.disconnect();
  const db = await openDatabase({ url: DATABASE_URL, max: 1, onWarning });
  await db.query('drop schema public cascade');
  await db.query('create schema public');
  await db.close();
}

async function takeOver(servers: Servers): Promise<void> {
  await empty(servers);
  const data = mkdtempSync(join(tmpdir(), 'mutuel-starts-'));
  const [first, ...others] = await Promise.all(PROGRAMS.map((program) => start(program, data, servers)));
  const [api, office] = [others.at(-1) as RunningSystem, others.at(-2) as RunningSystem];
  // The one that leads comes first.
  const engines = [first as RunningSystem, await start('engine', data, servers)];
  const cast = await castOf(api.url);
  const client = new JournalClient(cast.accounts, seededRandom(seed));
  const officials = new Officials(office.url, cast.operators);
  const races = await officials.openMeeting('takeovers');
  const stop = new AbortController();
  let killedAt = Number.POSITIVE_INFINITY;
  let againAt: number | undefined;
  let lastAt = 0;
  let gap = 0;
  client.onAnswer = (status, sentAt) => {
    if (status !== 201) return;
    const now = performance.now();
    if (now > killedAt) gap = Math.max(gap, now - Math.max(lastAt, killedAt));
    lastAt = now;
    if (sentAt > killedAt) againAt ??= now;
  };
  const selling = client.sell(api.url, races, rate, stop.signal);
  while (lastAt === 0) await pause(20);
  const [again, gaps]: [number[], number[]] = [[], []];
  for (let i = 1; i <= takeovers; i++) {
    await pause(BETWEEN_MS);
    const leader = engines.shift() as RunningSystem;
    [againAt, gap, killedAt] = [undefined, 0, performance.now()];
    await leader.kill();
    engines.push(await start('engine', data, servers));
    const until = performance.now() + SELLS_WITHIN_MS;
    while (againAt === undefined && performance.now() < until) await pause(20);
    if (againAt === undefined) failed++;
    else again.push(againAt - killedAt);
    gaps.push(Math.max(gap, performance.now() - Math.max(lastAt, killedAt)));
    console.log(
      `takeover ${i}: again ${Math.round(again.at(-1) ?? -1)} ms, longest gap ${Math.round(gaps.at(-1) ?? -1)} ms`,
    );
  }
  await pause(BETWEEN_MS);
  stop.abort();
  await selling;
  await client.resolve(api.url);
  const log = await openKafkaLog({ brokers: servers.KAFKA_BROKERS.split(','), clientId: 'checker', onWarning });
  const { shards, market } = await readDecisionLogs(log);
  const { findings } = checkLogs(shards, market, client.journal);
  await log.close();
  await officials.close();
  for (const finding of [...findings, ...client.contradictions]) console.log(finding);
  failed += findings.length + client.contradictions.length;
  console.log(
    `${again.length} of ${takeovers} takeovers at ${rate} tickets a second: accepts again after ${spread(again)}`,
  );
  console.log(`the longest gap of each: ${spread(gaps)}; ${client.count(201)} accepted, ${findings.length} findings`);
  await Promise.all([...engines, ...others].map((system) => system.kill()));
  rmSync(data, { recursive: true, force: true });
}

/** Seconds: least, median, and most. */
function spread(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b).map((ms) => (ms / 1_000).toFixed(2));
  return `${sorted[0]} s at least, ${sorted[Math.floor(sorted.length / 2)]} s in the middle, ${sorted.at(-1)} s at most`;
}

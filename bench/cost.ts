/**
 * What a million bets cost on Kafka, PostgreSQL and Redis with every role a process: processor seconds of each process, bytes of log and
 * of disk, bytes on the network. Everything stands on this machine, so the network is the loopback's. `docs/COST.md` rests on it.
 *
 *   npm run build && npm run bench -- cost [--rate=500] [--seconds=30] [--warmup=10]
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '#mutuel/adapters';
import { status, up, wipe } from '../infra/native/index.mjs';
import { castOf, Officials } from '../test/trust/officials.js';
import { RunningSystem } from '../test/trust/running-system.js';
import { processorSeconds } from './support/processor-time.js';

const small = process.argv.includes('--small');
const { values } = parseArgs({
  options: {
    small: { type: 'boolean' },
    rate: { type: 'string', default: small ? '50' : '500' },
    seconds: { type: 'string', default: small ? '2' : '30' },
    warmup: { type: 'string', default: small ? '1' : '10' },
  },
});
const INSTANCE = 'cost';
const ROLES = ['engine', 'projector', 'odds', 'back-office', 'bet-api'] as const;
const MILLION = 1e6;
/** Until what was decided last is projected and ticked. */
const SETTLE_MS = 6_000;

const data = mkdtempSync(join(tmpdir(), 'mutuel-cost-'));
const roles = new Map<string, RunningSystem>();
await wipe({ instance: INSTANCE });
try {
  const servers = await up({ instance: INSTANCE });
  const env = { ...servers };
  await Promise.all(
    ROLES.map(async (role) => {
      const flags = role === 'bet-api' || role === 'back-office' ? ['--demo', '--no-crowd', '--accounts', '2000'] : [];
      const args = ['--port', '0', '--data', data, ...flags];
      roles.set(role, await RunningSystem.start({ program: `dist/apps/${role}/src/main.js`, args, env }));
    }),
  );
  const url = String(roles.get('bet-api')?.url);
  const cast = await castOf(url);
  const officials = new Officials(url, cast.operators);
  for (const meeting of ['cost-a', 'cost-b']) await officials.openMeeting(meeting);
  await officials.close();
  await load(url, values.warmup);
  const database = await openDatabase({ url: servers.DATABASE_URL, max: 1, onWarning: () => undefined });
  const measure = async () => ({
    processors: processors(),
    topics: await topics(),
    kafka: sizeOf(join(status({ instance: INSTANCE }).folder, 'kafka')),
    ...(await postgres(database)),
    network: loopbackBytes(),
  });
  await settle();
  const before = await measure();
  const accepted = await load(url, values.seconds);
  await settle();
  const after = await measure();
  await database.close();
  print(accepted, before, after);
} finally {
  for (const role of roles.values()) await role.kill();
  await wipe({ instance: INSTANCE });
  rmSync(data, { recursive: true, force: true });
}

type Measured = Readonly<{
  processors: ReadonlyMap<string, number>;
  topics: ReadonlyMap<string, number>;
  kafka: number;
  tables: number;
  wal: number;
  network: number;
}>;

function print(bets: number, before: Measured, after: Measured): void {
  const perMillion = (was: number, is: number): number => ((is - was) / bets) * MILLION;
  const mega = (bytes: number): string => `${Math.round(bytes / MILLION).toLocaleString('en')} MB`;
  console.log(`${bets.toLocaleString('en')} bets accepted at ${values.rate}/s; of a million bets:\n`);
  console.log('| processor seconds | |\n|---|---|');
  let all = 0;
  for (const [name, seconds] of after.processors) {
    const used = perMillion(before.processors.get(name) ?? 0, seconds);
    all += used;
    console.log(`| ${name} | ${Math.round(used)} |`);
  }
  console.log(`| all | ${Math.round(all)} |\n\n| bytes | |\n|---|---|`);
  for (const [topic, bytes] of after.topics)
    console.log(`| appended to ${topic} | ${mega(perMillion(before.topics.get(topic) ?? 0, bytes))} |`);
  console.log(`| Kafka’s files, one replica | ${mega(perMillion(before.kafka, after.kafka))} |`);
  console.log(`| PostgreSQL’s tables and indexes | ${mega(perMillion(before.tables, after.tables))} |`);
  console.log(`| PostgreSQL’s write-ahead log | ${mega(perMillion(before.wal, after.wal))} |`);
  console.log(`| loopback, all processes and the generator | ${mega(perMillion(before.network, after.network))} |`);
}

function processors(): Map<string, number> {
  const { servers } = status({ instance: INSTANCE });
  const pids = [
    ...[...roles].map(([name, { pid }]) => [name, pid] as const),
    ...servers.map(({ name, pid }) => [name, pid] as const),
  ];
  return new Map(pids.map(([name, pid]) => [name, processorSeconds(pid)]));
}

/** What the roles say that they appended. */
async function topics(): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  for (const { url } of roles.values()) {
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const [, topic = '', value] of text.matchAll(/^mutuel_log_append_bytes_total\{topic="([^"]+)"\} (\S+)$/gm))
      bytes.set(topic, (bytes.get(topic) ?? 0) + Number(value));
  }
  return bytes;
}

async function postgres(db: Awaited<ReturnType<typeof openDatabase>>): Promise<{ tables: number; wal: number }> {
  const [row] = await db.query<{ tables: number; wal: number }>(
    `select pg_database_size(current_database())::float8 as tables, (pg_current_wal_lsn() - '0/0')::float8 as wal`,
  );
  return row ?? { tables: 0, wal: 0 };
}

/** Bytes that files take on the disk: Kafka lays out its indexes large and empty. */
function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).blocks * 512, 0);
}

function loopbackBytes(): number {
  const [, fields = ''] = /^\s*lo:\s*(.*)$/m.exec(readFileSync('/proc/net/dev', 'utf8')) ?? [];
  return Number(fields.split(/\s+/)[0]);
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

/** Resolves to the bets accepted. */
function load(url: string, seconds: string): Promise<number> {
  const flags = ['--url', url, '--rate', values.rate, '--seconds', seconds, '--warmup', '0', '--json'];
  const args = ['--conditions=src', '--import', 'tsx', 'loadtests/light.ts', ...flags];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, (fault, out) =>
      fault ? reject(fault) : resolve((JSON.parse(out) as { accepted: number }).accepted),
    );
  });
}

/**
 * What a million bets cost, from one run: processor seconds of each process, bytes of log and of disk, bytes on the network. Everything
 * stands on one machine, so the network is the loopback's. `docs/COST.md` rests on it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '#mutuel/adapters';
import { status } from '../infra/native/index.mjs';
import type { LoadedSystem } from './system.js';

export interface Bytes {
  /** What the roles say that they appended, by topic. */
  readonly topics: ReadonlyMap<string, number>;
  readonly kafka: number;
  readonly tables: number;
  readonly wal: number;
  readonly network: number;
}

const MILLION = 1e6;

export async function bytesSoFar(system: LoadedSystem): Promise<Bytes> {
  return {
    topics: await topics(system),
    kafka: sizeOf(join(status({ instance: system.instance }).folder, 'kafka')),
    ...(await postgres(system.database)),
    network: loopbackBytes(),
  };
}

/** As Markdown: `seconds` and `bytes` are what the bets took. */
export function costTable(bets: number, seconds: ReadonlyMap<string, number>, before: Bytes, after: Bytes): string {
  const perMillion = (amount: number): number => (amount / bets) * MILLION;
  const mega = (was: number, is: number): string =>
    `${Math.round(perMillion(is - was) / MILLION).toLocaleString('en')} MB`;
  const all = [...seconds.values()].reduce((sum, each) => sum + each, 0);
  return [
    '| processor seconds of a million bets | |\n|---|---|',
    ...[...seconds].map(([name, spent]) => `| ${name} | ${Math.round(perMillion(spent))} |`),
    `| all | ${Math.round(perMillion(all))} |`,
    '\n| bytes of a million bets | |\n|---|---|',
    ...[...after.topics].map(
      ([topic, bytes]) => `| appended to ${topic} | ${mega(before.topics.get(topic) ?? 0, bytes)} |`,
    ),
    `| Kafka’s files, one replica | ${mega(before.kafka, after.kafka)} |`,
    `| PostgreSQL’s tables and indexes | ${mega(before.tables, after.tables)} |`,
    `| PostgreSQL’s write-ahead log | ${mega(before.wal, after.wal)} |`,
    `| loopback, all processes and the generator | ${mega(before.network, after.network)} |`,
  ].join('\n');
}

async function topics(system: LoadedSystem): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  for (const name of system.roles) {
    const text = await system.metrics(name);
    for (const [, topic = '', value] of text.matchAll(/^mutuel_log_append_bytes_total\{topic="([^"]+)"\} (\S+)$/gm))
      bytes.set(topic, (bytes.get(topic) ?? 0) + Number(value));
  }
  return bytes;
}

async function postgres(url: string): Promise<{ tables: number; wal: number }> {
  const db = await openDatabase({ url, max: 1, onWarning: () => undefined });
  const [row] = await db.query<{ tables: number; wal: number }>(
    `select pg_database_size(current_database())::float8 as tables, (pg_current_wal_lsn() - '0/0')::float8 as wal`,
  );
  await db.close();
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

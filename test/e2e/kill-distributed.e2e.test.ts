/**
 * The distributed roles on real Kafka, PostgreSQL and Redis: each killed under load at a moment drawn from its seed and started
 * again, while the others go on. At the end the log is held against what the client was told, and told again from the beginning.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, openKafkaLog, seededRandom } from '#mutuel/adapters';
import { up, wipe } from '../../infra/native/index.mjs';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs } from '../trust/log-checker.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { readDecisionLogs } from '../trust/read-log.js';
import { becomeProjected, rebuildReadModels, retold, tableDigests } from '../trust/retold.js';
import { RunningSystem } from '../trust/running-system.js';

/** In the order of starting; the odds process holds the calculators, too. */
const ROLES = ['engine', 'projector', 'odds', 'back-office', 'bet-api'] as const;
type Role = (typeof ROLES)[number];
const DEMO = ['--demo', '--no-crowd', '--accounts', '20'];
const INSTANCE = 'kill';
const RATE = 60;
const OFF_AFTER_MS = 400;
const onWarning = (line: string): void => console.warn(line);

describe('the distributed roles, killed under load', () => {
  const data = mkdtempSync(join(tmpdir(), 'mutuel-kill-distributed-'));
  const roles = new Map<Role, RunningSystem>();
  const races: string[] = [];
  let servers: Record<string, string>;
  let cast: Cast;
  let client: JournalClient;

  const start = async (role: Role, port = '0'): Promise<RunningSystem> => {
    const flags = role === 'bet-api' || role === 'back-office' ? DEMO : [];
    const args = ['--port', port, '--data', data, ...flags];
    const system = await RunningSystem.start({ program: `dist/apps/${role}/src/main.js`, args, env: servers });
    roles.set(role, system);
    return system;
  };
  const url = (): string => roles.get('bet-api')?.url ?? '';

  beforeAll(async () => {
    await wipe({ instance: INSTANCE });
    servers = { ...(await up({ instance: INSTANCE })) };
    // Together: the doors are ready when what is behind them is.
    await Promise.all(ROLES.map((role) => start(role)));
    cast = await castOf(url());
    client = new JournalClient(cast.accounts, seededRandom(7));
  });

  afterAll(async () => {
    for (const system of roles.values()) await system.kill();
    await wipe({ instance: INSTANCE });
    rmSync(data, { recursive: true, force: true });
  });

  it.each(ROLES.map((role, i) => [role, 17 + i] as const))(
    'lose and double nothing when the %s dies (seed %i)',
    async (role, seed) => {
      const moment = 300 + Math.floor(seededRandom(seed)() * 1_500);
      const officials = new Officials(url(), cast.operators);
      const opened = await officials.openMeeting(`killed-${role}`);
      races.push(...opened);
      const stop = new AbortController();
      const selling = client.sell(url(), opened, RATE, stop.signal);
      const running = pause(OFF_AFTER_MS).then(() => officials.bringHome(opened[0] ?? ''));
      await pause(moment);
      const victim = roles.get(role) as RunningSystem;
      await victim.kill();
      await start(role, new URL(victim.url).port);
      await pause(500);
      stop.abort();
      await Promise.all([selling, running]);
      for (const race of opened) expect(await officials.bringHome(race)).toBe(true);
      await officials.close();
      await client.resolve(url());
      expect(client.contradictions).toEqual([]);
      expect(client.unknown).toBe(0);
    },
  );

  it('agree afterwards: journal, log, replay and read models', async () => {
    await roles.get('engine')?.askCheckpoints();
    for (const role of [...ROLES].reverse()) if (role !== 'projector') await roles.get(role)?.stop();
    const { KAFKA_BROKERS = '', DATABASE_URL = '' } = servers;
    const log = await openKafkaLog({ brokers: KAFKA_BROKERS.split(','), clientId: 'checker', onWarning });
    const db = await openDatabase({ url: DATABASE_URL, max: 4, onWarning });
    const { shards, market } = await readDecisionLogs(log);
    const verdict = checkLogs(shards, market, client.journal);
    expect(await becomeProjected(db, verdict.decisions)).toBe(true);
    await roles.get('projector')?.stop();
    expect(verdict.findings).toEqual([]);
    expect(verdict.accepted).toBe(client.count(201));
    expect(verdict.accepted).toBeGreaterThan(ROLES.length * 20);
    for (const race of races)
      for (const pool of ['WIN', 'EXACTA']) expect(verdict.clearing.get(`${race}-${pool}`) ?? 0).toBe(0);
    for (const { src, said, made, after } of await retold(log))
      expect({ src, made, after }).toEqual({ src, made: said ?? 'a state', after: 0 });
    const rows = await db.query<{ account: string; balance: number }>('select account, balance from accounts');
    expect(rows).toHaveLength(cast.accounts.length);
    for (const { account, balance } of rows)
      expect(`${account} ${verdict.balances.get(account)}`).toBe(`${account} ${balance}`);
    const live = await tableDigests(db);
    await rebuildReadModels(db, log, true);
    expect(await tableDigests(db)).toEqual(live);
    await db.close();
    await log.close();
  });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

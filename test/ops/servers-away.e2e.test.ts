/**
 * What a process says of itself: while it starts, while a server that it cannot work without is away, while something cannot be folded,
 * and at its end. One process that takes bets and plays every other role, too, and a projector of its own, which has nothing to do without
 * its servers, on real ones that are suspended and stopped under them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, openKafkaLog } from '#mutuel/adapters';
import { TOPICS } from '#mutuel/contracts';
import { EXIT } from '#mutuel/platform';
import type { SqlDatabase } from '#mutuel/runtime';
import { freePort, status, up, wipe } from '../../infra/native/index.mjs';
import { QUIET, RunningSystem, STANDALONE } from '../trust/running-system.js';

const INSTANCE = 'servers-away';
const PROJECTOR = 'dist/apps/projector/src/main.js';
const ENGINE = 'dist/apps/engine/src/main.js';
const PATIENCE = { interval: 200 };
const onWarning = (): void => undefined;

interface Health {
  readonly status: number;
  readonly reasons: readonly string[];
  readonly degraded: readonly string[];
}
type Is = (health: Health) => boolean;

describe('a door and a projector', () => {
  const data = mkdtempSync(join(tmpdir(), 'mutuel-away-'));
  let servers: Record<string, string>;
  let door: RunningSystem;
  let projector: RunningSystem;

  const begin = (program: string, ...more: readonly string[]): Promise<RunningSystem> =>
    RunningSystem.start({ program, args: ['--grpc-port', '0', '--data', data, ...more], env: servers });

  beforeAll(async () => {
    await wipe({ instance: INSTANCE });
    servers = { ...(await up({ instance: INSTANCE })) };
    door = await begin(STANDALONE, '--port', '0', '--accounts', '4', ...QUIET);
  });
  afterAll(async () => {
    signal('kafka', 'SIGCONT');
    for (const system of [door, projector]) await system?.kill();
    await wipe({ instance: INSTANCE });
    rmSync(data, { recursive: true, force: true });
  });

  const askedAt = async (url: string, what: 'ready' | 'live'): Promise<Health> => {
    const answer = await fetch(`${url}/health/${what}`);
    return { ...((await answer.json()) as Health), status: answer.status };
  };
  /** Shows, where it does not come to that, what is said instead. */
  const becomes = ({ url }: RunningSystem, is: Is): Promise<void> =>
    expect
      .poll(async () => {
        const health = await askedAt(url, 'ready');
        return is(health) || health;
      }, PATIENCE)
      .toBe(true);
  const isWell: Is = ({ status, reasons, degraded }) => status === 200 && reasons.length + degraded.length === 0;
  const isNotReady =
    (why: RegExp): Is =>
    ({ status, reasons }) =>
      status === 503 && reasons.some((one) => why.test(one));
  const isWorseOff =
    (why: RegExp): Is =>
    ({ status, degraded }) =>
      status === 200 && degraded.some((one) => why.test(one));
  const withDatabase = async (work: (db: SqlDatabase) => Promise<unknown>): Promise<void> => {
    const db = await openDatabase({ url: servers['DATABASE_URL'] ?? '', max: 1, onWarning });
    await work(db).finally(() => db.close());
  };

  it('say by what they are held up in their start, and take nothing before its end', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    let started: Promise<RunningSystem> | undefined;
    await withDatabase((db) =>
      db.transaction(async (tx) => {
        await tx.query('lock table schema_migrations in access exclusive mode');
        started = begin(PROJECTOR, '--port', String(port));
        const said = async () => (await askedAt(url, 'ready').catch(() => undefined))?.reasons;
        await expect.poll(said, PATIENCE).toEqual(['start: the read models are being opened']);
        expect((await askedAt(url, 'live')).status).toBe(200);
        expect((await fetch(`${url}/v1/races/r`)).status).toBe(503);
      }),
    );
    projector = (await started) as RunningSystem;
    await becomes(projector, isWell);
  });

  it('are not ready, and alive, while the log does not answer; and are ready again with it', async () => {
    signal('kafka', 'SIGSTOP');
    for (const one of [door, projector]) {
      await becomes(one, isNotReady(/^log: Kafka has not answered for \d+ s$/));
      expect((await askedAt(one.url, 'live')).status).toBe(200);
    }
    signal('kafka', 'SIGCONT');
    for (const one of [door, projector]) await becomes(one, isWell);
  });

  it('without PostgreSQL the projector is not ready; bets are taken, and the door says what is worse', async () => {
    signal('postgres', 'SIGINT');
    const away = /^read models: PostgreSQL has not answered for \d+ s: /;
    await becomes(projector, isNotReady(away));
    await becomes(door, isWorseOff(away));
    await becomes(
      door,
      isWorseOff(/^election: PostgreSQL has not answered for \d+ s: .*; silence of the log says who leads$/),
    );
    await up({ instance: INSTANCE });
    for (const one of [door, projector]) await becomes(one, isWell);
  });

  it('what cannot be folded is never left out: it is told aloud until it can be, and bets are taken meanwhile', async () => {
    await withDatabase((db) => db.query(`update checkpoints set seq = seq - 5 where source = 'shard-0'`));
    const stuck =
      /^projector: decisions have not been written for \d+ s: the read models hold shard-0 up to decision \d+, and \d+ comes next: rebuild them/;
    await becomes(projector, isNotReady(stuck));
    await becomes(door, isWorseOff(stuck));
    const figures = await (await fetch(`${projector.url}/metrics`)).text();
    expect(Number(/^mutuel_projection_failing_seconds (.*)$/m.exec(figures)?.[1])).toBeGreaterThan(0);
    expect(projector.said).toMatch(/PROJECTION_FAILED: the read models hold shard-0/);
    await withDatabase((db) => db.query(`update checkpoints set seq = seq + 5 where source = 'shard-0'`));
    for (const one of [door, projector]) await becomes(one, isWell);
  });

  it('a door that was killed while Redis is away comes back without it, and uses it once it is there', async () => {
    signal('redis', 'SIGKILL');
    await door.kill();
    door = await begin(STANDALONE, '--port', '0', '--accounts', '4', ...QUIET);
    await becomes(door, isWorseOff(/^cache: Redis is away: odds come from the log alone$/));
    const heard = async (from: string): Promise<number> => {
      const figures = await (await fetch(`${door.url}/metrics`)).text();
      return Number(new RegExp(`^mutuel_odds_ticks_heard_total\\{from="${from}"\\} (.*)$`, 'm').exec(figures)?.[1]);
    };
    await expect.poll(() => heard('LOG'), PATIENCE).toBeGreaterThan(0);
    expect(await heard('CACHE')).toBe(0);
    expect(door.said.split('\n').filter((line) => line.includes('Redis is'))).toEqual([
      expect.stringMatching(/Redis is away \(.*\); everything goes on without it until it is back$/),
    ]);
    await up({ instance: INSTANCE });
    await becomes(door, isWell);
    await expect.poll(() => heard('CACHE'), PATIENCE).toBeGreaterThan(0);
  });

  it('an engine that comes while PostgreSQL is away takes over from who dies then: who should decide is only its hint', async () => {
    signal('postgres', 'SIGINT');
    await becomes(projector, isNotReady(/^read models: PostgreSQL has not answered for \d+ s: /));
    const engine = await begin(ENGINE, '--port', '0');
    await becomes(
      engine,
      isWorseOff(/^election: PostgreSQL has not answered for \d+ s: .*; silence of the log says who/),
    );
    await door.kill();
    const leading = async (): Promise<number> => {
      const figures = await (await fetch(`${engine.url}/metrics`)).text();
      return figures.split('\n').filter((line) => /^mutuel_decider_leading\{.*\} 1$/.test(line)).length;
    };
    // The market and four shards.
    await expect.poll(leading, PATIENCE).toBe(5);
    await up({ instance: INSTANCE });
    await becomes(engine, isWell);
    expect(await engine.stop()).toBe(0);
    door = await begin(STANDALONE, '--port', '0', '--accounts', '4', ...QUIET);
    for (const one of [door, projector]) await becomes(one, isWell);
  });

  it('end with one line and the code of a damaged log once what they follow cannot be trusted', async () => {
    const brokers = (servers['KAFKA_BROKERS'] ?? '').split(',');
    const log = await openKafkaLog({ brokers, clientId: 'test', onWarning });
    const appender = await log.appender();
    await appender.append({ topic: TOPICS.shardDecisions, partition: 1 }, [Buffer.from('not a decision')]);
    await log.close();
    for (const one of [door, projector]) {
      expect(await one.ended).toBe(EXIT.LOG);
      const last = one.said.split('\n').filter((line) => line.startsWith('Stopped for good: '));
      // By whoever of its readers came to it first.
      expect(last).toEqual([expect.stringMatching(/shard(-|\.decisions\[)1.* offset \d+: .*JSON/)]);
    }
  });
});

function signal(server: string, what: 'SIGSTOP' | 'SIGCONT' | 'SIGINT' | 'SIGKILL'): void {
  for (const { name, pid, alive } of status({ instance: INSTANCE }).servers)
    if (alive && name.startsWith(server)) process.kill(pid, what);
}

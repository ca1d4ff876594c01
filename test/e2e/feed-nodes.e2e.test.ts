/**
 * Two nodes of the bet API side by side: a reader of the feed goes on at the other one from where it stood, and a node that loses
 * Redis says that it is worse off, takes bets all the same, and has its odds from the log.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { up, wipe } from '../../infra/native/index.mjs';
import { severableWay } from '../../libs/adapters/test/support/severable-way.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { RunningSystem } from '../trust/running-system.js';

const INSTANCE = 'feed-nodes';
const DEMO = ['--demo', '--no-crowd', '--accounts', '4'];
const PATIENCE = { interval: 100 };

interface Frame {
  readonly op: string;
  readonly ct?: string;
  readonly seg?: string;
  readonly clk?: string;
  readonly initialClk?: string;
  readonly pc?: readonly { readonly id: string; readonly h: string; readonly rc?: readonly object[] }[];
}

describe('two nodes of the bet API', () => {
  const data = mkdtempSync(join(tmpdir(), 'mutuel-feed-nodes-'));
  const running: RunningSystem[] = [];
  let nodes: readonly [RunningSystem, RunningSystem];
  let redis: Awaited<ReturnType<typeof severableWay>>;
  let cast: Cast;
  let race: string;

  const start = async (role: string, env: Record<string, string>): Promise<RunningSystem> => {
    const flags = role === 'bet-api' || role === 'back-office' ? DEMO : [];
    const args = ['--port', '0', '--grpc-port', '0', '--data', data, ...flags];
    const system = await RunningSystem.start({ program: `dist/apps/${role}/src/main.js`, args, env });
    running.push(system);
    return system;
  };

  beforeAll(async () => {
    await wipe({ instance: INSTANCE });
    const env = { ...(await up({ instance: INSTANCE })) };
    redis = await severableWay(env.REDIS_URL);
    // The first one makes the topics.
    await start('engine', env);
    const [one, other, office] = await Promise.all([
      start('bet-api', env),
      start('bet-api', { ...env, REDIS_URL: redis.url }),
      ...['back-office', 'projector', 'odds'].map((role) => start(role, env)),
    ]);
    nodes = [one, other];
    cast = await castOf(one.url);
    const officials = new Officials((office as RunningSystem).url, cast.operators);
    [race = ''] = await officials.openMeeting('feed-nodes');
    await officials.close();
  });

  afterAll(async () => {
    for (const system of running) await system.kill();
    redis.cut();
    await wipe({ instance: INSTANCE });
    rmSync(data, { recursive: true, force: true });
  });

  /** Bets until it is accepted: the race may not be known to every shard yet. */
  const bet = async (node: RunningSystem, runner: string): Promise<void> => {
    const { accountId = '', token = '' } = cast.accounts[0] ?? {};
    const bets = [
      {
        ...{ betRef: 'a', poolId: `${race}-WIN`, form: 'STRAIGHT', columns: [[runner]] },
        ...{ unitStake: 700, stake: 700 },
      },
    ];
    await expect
      .poll(async () => {
        const answer = await fetch(`${node.url}/v1/tickets`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ ticketRef: v7(), accountId, currency: 'EUR', bets }),
        });
        return answer.status;
      }, PATIENCE)
      .toBe(201);
  };

  const ready = async (node: RunningSystem) => {
    const answer = await fetch(`${node.url}/health/ready`);
    return { ...((await answer.json()) as { degraded: string[] }), status: answer.status };
  };
  const figure = async (node: RunningSystem, line: string): Promise<number> => {
    const text = await (await fetch(`${node.url}/metrics`)).text();
    const found = text.split('\n').find((one) => one.startsWith(line));
    return Number(found?.split(' ').at(-1) ?? 0);
  };

  it('let a reader go on at the other one from where it stood, to the same odds', async () => {
    const [one, other] = nodes;
    const first = await read(one, race);
    await bet(one, '3');
    await expect.poll(() => changesOf(first.frames, race).length, PATIENCE).toBeGreaterThan(1);
    const { clk, initialClk } = first.clocks();
    first.close();
    await bet(other, '5');
    const watched = await read(other, race);
    await expect.poll(() => changesOf(watched.frames, race).length, PATIENCE).toBeGreaterThan(1);
    const resumed = await read(other, race, { clk, initialClk });
    await expect.poll(() => changesOf(resumed.frames, race).length, PATIENCE).toBeGreaterThan(0);
    const [delta] = resumed.frames.filter(({ op }) => op === 'pcm');
    expect(delta?.ct).toBe('RESUB_DELTA');
    expect(changesOf(resumed.frames, race).at(-1)?.h).toBe(changesOf(watched.frames, race).at(-1)?.h);
    watched.close();
    resumed.close();
  });

  it('hear ticks by cache and log, by the log alone once Redis is lost; bets are taken all the same', async () => {
    const [, other] = nodes;
    await expect.poll(() => figure(other, 'mutuel_odds_ticks_heard_total{from="CACHE"}'), PATIENCE).toBeGreaterThan(0);
    expect(await ready(other)).toMatchObject({ status: 200, degraded: [] });
    expect(await figure(other, 'mutuel_cache_up')).toBe(1);
    redis.cut();
    await expect.poll(async () => (await ready(other)).degraded.join(), PATIENCE).toMatch(/^cache: Redis is away/);
    expect((await ready(other)).status).toBe(200);
    expect(await figure(other, 'mutuel_cache_up')).toBe(0);
    const byLog = await figure(other, 'mutuel_odds_ticks_heard_total{from="LOG"}');
    const watched = await read(other, race);
    await bet(other, '7');
    await expect.poll(() => changesOf(watched.frames, race).length, PATIENCE).toBeGreaterThan(1);
    expect(await figure(other, 'mutuel_odds_ticks_heard_total{from="LOG"}')).toBeGreaterThan(byLog);
    watched.close();
  });
});

async function read({ url }: RunningSystem, race: string, from: { clk?: string; initialClk?: string } = {}) {
  const frames: Frame[] = [];
  const socket = new WebSocket(`${url.replace('http', 'ws')}/feed`);
  socket.on('message', (text) => frames.push(JSON.parse(String(text)) as Frame));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const request = { op: 'subscribe', id: 1, filter: { races: [race] }, heartbeatMs: 1_000, ...from };
  socket.send(JSON.stringify(request));
  await expect.poll(() => frames.some(({ op }) => op === 'pcm'), PATIENCE).toBe(true);
  const last = (name: 'clk' | 'initialClk'): string => frames.findLast((frame) => frame[name])?.[name] ?? '';
  return { frames, close: () => socket.close(), clocks: () => ({ clk: last('clk'), initialClk: last('initialClk') }) };
}

/** What was said of the race's win pool. */
const changesOf = (frames: readonly Frame[], race: string) =>
  frames.flatMap(({ pc }) => pc ?? []).filter(({ id }) => id === `${race}-WIN`);

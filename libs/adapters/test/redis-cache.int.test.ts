/** The hot cache on Redis: the shared suite, and what a server can do to its clients. */
import { randomBytes } from 'node:crypto';
import { createClient } from 'redis';
import { expect, it } from 'vitest';
import { RedisVoice, redisAdapters, ServerLost } from '#mutuel/adapters';
import { freePort } from '../../../infra/native/index.mjs';
import { describeCache } from './cache-features.js';
import { until } from './support/log-helpers.js';
import { ownRedis } from './support/own-redis.js';
import { servers } from './support/servers.js';
import { severableWay } from './support/severable-way.js';

const { openRedisCache, openRedisUseCounter } = await redisAdapters();

async function twoNodes(onWarning: (sentence: string) => void = () => undefined) {
  const { redisUrl: url } = await servers();
  const prefix = `test-${randomBytes(6).toString('hex')}:`;
  const [cache, other] = await Promise.all([1, 2].map(() => openRedisCache({ url, prefix, onWarning })));
  if (!cache || !other) throw new Error('two were opened');
  return {
    url,
    cache,
    other,
    dispose: async () => {
      await cache.close();
      await other.close();
    },
  };
}

describeCache('Redis', () => twoNodes());

it('goes on, with its subscriptions, after Redis has dropped its connections, and says so', async () => {
  const warnings: string[] = [];
  const { url, cache, other, dispose } = await twoNodes((sentence) => warnings.push(sentence));
  const heard: string[] = [];
  await cache.subscribe('odds', (message) => heard.push(message));
  await cache.put('k', 1, 'before');
  const admin = createClient({ url });
  await admin.connect();
  for (const type of ['NORMAL', 'PUBSUB']) await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes']);
  await admin.close();
  await until(() => warnings.length > 0);
  expect(warnings[0]).toContain('Redis is away');
  // One node may be back before the other has noticed.
  await until(async () => !((await cache.get('k').catch((error: unknown) => error)) instanceof ServerLost));
  expect(await cache.get('k')).toEqual({ sequence: 1, value: 'before' });
  await until(() => warnings.includes('Redis is back'));
  // The subscription comes back by itself; until then messages pass unheard, as with any fan-out.
  await until(async () => {
    await other.publish('odds', 'after').catch((error: unknown) => expect(error).toBeInstanceOf(ServerLost));
    return heard.length > 0;
  });
  expect(heard[0]).toBe('after');
  await dispose();
});

it('refuses at once while Redis is away, and still closes', async () => {
  const server = await severableWay((await servers()).redisUrl);
  const cache = await openRedisCache({ url: server.url, onWarning: () => undefined });
  await cache.put(`test-${randomBytes(6).toString('hex')}`, 1, 'a');
  expect(cache.trouble()).toBeUndefined();
  server.cut();
  await until(() => cache.trouble() !== undefined);
  await until(async () => (await cache.get('k').catch((error: unknown) => error)) instanceof ServerLost);
  await expect(cache.put('k', 2, 'b')).rejects.toMatchObject({ name: 'ServerLost', retriable: true });
  await cache.close();
});

it('waits for a Redis that stands still for a moment only, asks it nothing more, and goes on when it does', async () => {
  const server = await ownRedis();
  const warnings: string[] = [];
  const onWarning = (sentence: string): void => void warnings.push(sentence);
  const cache = await openRedisCache({ url: server.url, onWarning });
  const other = await openRedisCache({ url: server.url, onWarning });
  const leave = await other.subscribe('odds', () => undefined);
  await cache.put('k', 1, 'a');
  server.standStill();
  await expect(cache.publish('odds', 'b')).rejects.toMatchObject({ name: 'ServerLost', retriable: true });
  // Whoever asks after that hears so at once, and so does the operator.
  await expect(Promise.all(Array.from({ length: 1_000 }, () => cache.get('k')))).rejects.toThrow(/stands still/);
  expect(cache.trouble()).toMatch(/Redis is away/);
  expect(warnings).toEqual([expect.stringMatching(/^Redis is away \(it stands still\)/)]);
  await expect(leave()).rejects.toMatchObject({ name: 'ServerLost' });
  await other.close();
  server.goOn();
  await until(() => cache.trouble() === undefined);
  expect(await cache.get('k')).toEqual({ sequence: 1, value: 'a' });
  expect(warnings).toContain('Redis is back');
  server.standStill();
  const unanswered = expect(cache.get('k')).rejects.toMatchObject({ name: 'ServerLost' });
  await cache.close();
  await unanswered;
});

it('opens without Redis, says so once for all that use it, and does what it was asked for when Redis comes', async () => {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const warnings: string[] = [];
  const onWarning = (sentence: string): void => void warnings.push(sentence);
  const voice = new RedisVoice(onWarning);
  const cache = await openRedisCache({ url, onWarning }, voice);
  const counter = await openRedisUseCounter({ url, onWarning, windowS: 10 }, voice);
  const heard: string[] = [];
  const leave = await cache.subscribe('odds', (message) => heard.push(message));
  const left = await cache.subscribe('odds', () => heard.push('left before it began'));
  await left();
  expect(cache.trouble()).toMatch(/Redis is away/);
  await expect(cache.put('k', 1, 'a')).rejects.toMatchObject({ name: 'ServerLost', retriable: true });
  await expect(counter.add('k', 1)).rejects.toMatchObject({ name: 'ServerLost', retriable: true });
  expect(warnings).toEqual([
    expect.stringMatching(/^Redis is away \(.*ECONNREFUSED.*\); everything goes on without it/),
  ]);
  await ownRedis({ port });
  await until(() => warnings.length > 1 && cache.trouble() === undefined);
  expect(warnings.slice(1)).toEqual(['Redis is back']);
  await until(async () => {
    await cache.publish('odds', 'b');
    return heard.length > 0;
  });
  expect(new Set(heard)).toEqual(new Set(['b']));
  expect((await counter.add('k', 2)).used).toBe(2);
  await leave();
  await cache.close();
  await counter.close();
});

it('waits for a Redis that never answers no longer than for a connection, once for all that use it', async () => {
  const server = await ownRedis();
  server.standStill();
  const warnings: string[] = [];
  const onWarning = (sentence: string): void => void warnings.push(sentence);
  const voice = new RedisVoice(onWarning);
  const options = { url: server.url, onWarning, connectTimeoutMs: 500 };
  const cache = await openRedisCache(options, voice);
  expect(warnings).toEqual([expect.stringMatching(/^Redis is away \(nothing within 0\.5 s\)/)]);
  const counter = await openRedisUseCounter({ ...options, connectTimeoutMs: 3_600_000, windowS: 10 }, voice);
  await cache.subscribe('odds', () => undefined);
  expect(warnings).toHaveLength(1);
  server.goOn();
  await until(() => cache.trouble() === undefined);
  await until(async () => (await counter.add('k', 1).catch(() => undefined)) !== undefined);
  await cache.close();
  await counter.close();
});

it.each([
  ['a wrong password', ':wrong@', '', /^Redis at 127\.0\.0\.1:\d+ refuses what REDIS_URL says: WRONGPASS [^\n]*$/],
  ['no password', '', '', /refuses what REDIS_URL says: NOAUTH/],
  ['a database that is none', ':hush@', '/9999', /refuses what REDIS_URL says: ERR DB index is out of range/],
])('%s is a fault of the setting: the server is there', async (_, who, database, what) => {
  const server = await ownRedis({ password: 'hush' });
  const url = `${server.url.replace('//', `//${who}`)}${database}`;
  const opening = openRedisCache({ url, onWarning: () => undefined });
  await expect(opening).rejects.toMatchObject({
    name: 'SetupFault',
    kind: 'SETTING',
    message: expect.stringMatching(what),
  });
});

it('goes on asking, and says why once, where Redis comes with another password', async () => {
  const port = await freePort();
  const warnings: string[] = [];
  const onWarning = (sentence: string): void => void warnings.push(sentence);
  const cache = await openRedisCache({ url: `redis://127.0.0.1:${port}`, onWarning });
  await ownRedis({ port, password: 'hush' });
  await until(() => warnings.some((line) => line.includes('NOAUTH')));
  expect(warnings).toHaveLength(2);
  expect(cache.trouble()).toMatch(/Redis is away/);
  const admin = createClient({ url: `redis://:hush@127.0.0.1:${port}` });
  await admin.connect();
  await admin.sendCommand(['CONFIG', 'SET', 'requirepass', '']);
  await admin.close();
  await until(() => cache.trouble() === undefined);
  expect(warnings.slice(2)).toEqual(['Redis is back']);
  await cache.close();
});

it.each(['redis://h:x', 'redis://', 'redis://h/db', 'redis://%ZZ@h'])(
  'an address as %s is a fault of the setting',
  async (url) => {
    const opening = openRedisCache({ url, onWarning: () => undefined });
    await expect(opening).rejects.toMatchObject({
      ...{ name: 'SetupFault', kind: 'SETTING' },
      message: expect.stringMatching(/^REDIS_URL is no address of a Redis: /),
    });
  },
);

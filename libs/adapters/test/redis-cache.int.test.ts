/** The hot cache on Redis: the shared suite, and what a server can do to its clients. */
import { randomBytes } from 'node:crypto';
import { createClient } from 'redis';
import { expect, it } from 'vitest';
import { openRedisCache, ServerLost } from '#mutuel/adapters';
import { describeCache } from './cache-features.js';
import { until } from './support/log-helpers.js';
import { ownRedis } from './support/own-redis.js';
import { servers } from './support/servers.js';
import { severableWay } from './support/severable-way.js';

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
  await until(() => warnings.includes('Redis is back'));
  expect(warnings[0]).toContain('Redis is away');
  expect(await cache.get('k')).toEqual({ sequence: 1, value: 'before' });
  // The subscription comes back by itself; until then messages pass unheard, as with any fan-out.
  for (let i = 0; heard.length === 0 && i < 100; i++) {
    await other.publish('odds', 'after');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
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

it('says in one line that no server is there', async () => {
  const opening = openRedisCache({ url: 'redis://:hush@127.0.0.1:1', onWarning: () => undefined });
  await expect(opening).rejects.toThrow(/^Redis cannot be reached at 127\.0\.0\.1:1: .*ECONNREFUSED/);
});

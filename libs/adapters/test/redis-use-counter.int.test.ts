/** The counter of uses on Redis: the shared suite, and that it makes up no count while Redis is away. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { redisAdapters, ServerLost } from '#mutuel/adapters';
import { until } from './support/log-helpers.js';
import { ownRedis } from './support/own-redis.js';
import { servers } from './support/servers.js';
import { severableWay } from './support/severable-way.js';
import { describeUseCounter } from './use-counter-features.js';

const { openRedisUseCounter } = await redisAdapters();

const onWarning = (): void => undefined;
const newPrefix = (): string => `test-${randomBytes(6).toString('hex')}:`;

describeUseCounter('Redis', async (windowS) => {
  const { redisUrl: url } = await servers();
  const prefix = newPrefix();
  const [counter, other] = await Promise.all(
    [1, 2].map(() => openRedisUseCounter({ url, prefix, onWarning, windowS })),
  );
  if (!counter || !other) throw new Error('two were opened');
  return {
    counter,
    other,
    dispose: async () => {
      await counter.close();
      await other.close();
    },
  };
});

it('says that there is no count while Redis is away', async () => {
  const way = await severableWay((await servers()).redisUrl);
  const counter = await openRedisUseCounter({ url: way.url, prefix: newPrefix(), onWarning, windowS: 10 });
  await counter.add('k', 1);
  way.cut();
  await until(async () => (await counter.add('k', 1).catch((fault: unknown) => fault)) instanceof ServerLost);
  await expect(counter.add('k', 1)).rejects.toMatchObject({ name: 'ServerLost', retriable: true });
  await counter.close();
});

it('says so, too, while Redis stands still, and closes all the same', async () => {
  const server = await ownRedis();
  const counter = await openRedisUseCounter({ url: server.url, prefix: newPrefix(), onWarning, windowS: 10 });
  await counter.add('k', 1);
  server.standStill();
  await expect(counter.add('k', 1)).rejects.toMatchObject({ name: 'ServerLost', retriable: true });
  await expect(counter.add('k', 1)).rejects.toThrow(/stands still/);
  await counter.close();
});

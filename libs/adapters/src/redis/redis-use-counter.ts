/**
 * Uses counted on Redis, for all processes together. It must never make up a count: while Redis is away it says that there is none.
 */
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { UseCounter } from '#mutuel/runtime';
import { type RedisConnection, type RedisOptions, redisConnections } from './redis-client.js';

/** Connects once, so that a missing server is one clear line at the start; later it reconnects by itself. */
export async function openRedisUseCounter(options: RedisOptions & { readonly windowS: number }): Promise<UseCounter> {
  const [connection] = (await redisConnections(options, 1)) as [RedisConnection];
  const limiter = new RateLimiterRedis({
    storeClient: connection.client,
    useRedisPackage: true,
    rejectIfRedisNotReady: true,
    keyPrefix: `${options.prefix ?? ''}uses`,
    duration: options.windowS,
    // What a number allows is not decided here.
    points: Number.MAX_SAFE_INTEGER,
  });
  return {
    async add(key, uses) {
      const { consumedPoints, msBeforeNext } = await connection.ask(() => limiter.consume(key, uses));
      return { used: consumedPoints, windowEndsInMs: msBeforeNext };
    },
    close: () => connection.close(),
  };
}

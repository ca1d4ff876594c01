/**
 * Uses counted on Redis, for all processes together. It must never make up a count: while Redis is away it says that there is none.
 */
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { UseCounter } from '#mutuel/runtime';
import { type RedisConnection, type RedisOptions, redisConnections } from './redis-client.js';
import { RedisVoice } from './redis-voice.js';

/** With the server or without it: it connects by itself when there is one. */
export async function openRedisUseCounter(
  options: RedisOptions & { readonly windowS: number },
  voice: RedisVoice = new RedisVoice(options.onWarning),
): Promise<UseCounter> {
  const [connection] = (await redisConnections(options, 1, voice)) as [RedisConnection];
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

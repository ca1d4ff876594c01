/**
 * The hot cache on Redis: absolute values with a sequence, and fan-out. Losing it degrades the odds' freshness and nothing else;
 * it must never hold a fact that is not in the log, and never let an older value replace a newer one.
 */
import type { HotCache } from '#mutuel/runtime';
import { answered, closeClients, type RedisClient, type RedisOptions, redisClients } from './redis-client.js';

/** Stores sequence and value together unless a newer or equal sequence is there. */
const PUT = `
local known = redis.call('HGET', KEYS[1], 's')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 's', ARGV[1], 'v', ARGV[2])
return 1`;

/** Connects once, so that a missing server is one clear line at the start; later it reconnects by itself. */
export async function openRedisCache(options: RedisOptions): Promise<HotCache> {
  const [commands, subscriptions] = await redisClients(options, 2);
  return new RedisCache(commands as RedisClient, subscriptions as RedisClient, options.prefix ?? '');
}

class RedisCache implements HotCache {
  constructor(
    private readonly commands: RedisClient,
    private readonly subscriptions: RedisClient,
    private readonly prefix: string,
  ) {}

  async put(key: string, sequence: number, value: string): Promise<boolean> {
    const options = { keys: [this.prefix + key], arguments: [String(sequence), value] };
    return (await answered(this.commands.eval(PUT, options))) === 1;
  }

  async get(key: string): Promise<{ readonly sequence: number; readonly value: string } | undefined> {
    const [sequence, value] = await answered(this.commands.hmGet(this.prefix + key, ['s', 'v']));
    return sequence == null || value == null ? undefined : { sequence: Number(sequence), value };
  }

  /** One round trip: the client pipelines commands of the same moment. */
  getMany(keys: readonly string[]): Promise<({ readonly sequence: number; readonly value: string } | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async publish(channel: string, message: string): Promise<void> {
    await answered(this.commands.publish(this.prefix + channel, message));
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>> {
    // A function of its own for each subscription: the same handler may subscribe twice.
    const listener = (message: string): void => onMessage(message);
    await answered(this.subscriptions.subscribe(this.prefix + channel, listener));
    return () => this.subscriptions.unsubscribe(this.prefix + channel, listener);
  }

  trouble(): string | undefined {
    const isReady = this.commands.isReady && this.subscriptions.isReady;
    return isReady ? undefined : 'Redis is away: odds come from the log alone';
  }

  close(): Promise<void> {
    return closeClients([this.commands, this.subscriptions]);
  }
}

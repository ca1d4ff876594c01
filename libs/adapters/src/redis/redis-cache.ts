/**
 * The hot cache on Redis: absolute values with a sequence, and fan-out. Losing it degrades the odds' freshness and nothing else;
 * it must never hold a fact that is not in the log, and never let an older value replace a newer one.
 */
import type { HotCache } from '#mutuel/runtime';
import { type RedisConnection, type RedisOptions, redisConnections } from './redis-client.js';
import { RedisVoice } from './redis-voice.js';

/** Stores sequence and value together unless a newer or equal sequence is there. */
const PUT = `
local known = redis.call('HGET', KEYS[1], 's')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 's', ARGV[1], 'v', ARGV[2])
return 1`;

/** With the server or without it: it connects by itself when there is one, and then hears what it was subscribed to. */
export async function openRedisCache(
  options: RedisOptions,
  voice: RedisVoice = new RedisVoice(options.onWarning),
): Promise<HotCache> {
  const [commands, subscriptions] = await redisConnections(options, 2, voice);
  return new RedisCache(commands as RedisConnection, subscriptions as RedisConnection, options.prefix ?? '');
}

class RedisCache implements HotCache {
  constructor(
    private readonly commands: RedisConnection,
    private readonly subscriptions: RedisConnection,
    private readonly prefix: string,
  ) {}

  async put(key: string, sequence: number, value: string): Promise<boolean> {
    const options = { keys: [this.prefix + key], arguments: [String(sequence), value] };
    return (await this.commands.ask(() => this.commands.client.eval(PUT, options))) === 1;
  }

  async get(key: string): Promise<{ readonly sequence: number; readonly value: string } | undefined> {
    const [sequence, value] = await this.commands.ask(() => this.commands.client.hmGet(this.prefix + key, ['s', 'v']));
    return sequence == null || value == null ? undefined : { sequence: Number(sequence), value };
  }

  /** One round trip: the client pipelines commands of the same moment. */
  getMany(keys: readonly string[]): Promise<({ readonly sequence: number; readonly value: string } | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.commands.ask(() => this.commands.client.publish(this.prefix + channel, message));
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>> {
    // A function of its own for each subscription: the same handler may subscribe twice.
    const listener = (message: string): void => onMessage(message);
    const { client } = this.subscriptions;
    const standing = await this.subscriptions.whenThere(() => client.subscribe(this.prefix + channel, listener));
    return async () => {
      standing.leave();
      if (standing.isDone) await this.subscriptions.ask(() => client.unsubscribe(this.prefix + channel, listener));
    };
  }

  trouble(): string | undefined {
    const isReady = this.commands.isReady && this.subscriptions.isReady;
    return isReady ? undefined : 'Redis is away: odds come from the log alone';
  }

  async close(): Promise<void> {
    await Promise.all([this.commands.close(), this.subscriptions.close()]);
  }
}

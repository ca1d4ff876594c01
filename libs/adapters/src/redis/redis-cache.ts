/**
 * The hot cache on Redis: absolute values with a sequence, and fan-out. Losing it degrades the odds' freshness and nothing else;
 * it must never hold a fact that is not in the log, and never let an older value replace a newer one.
 */
import { createClient } from 'redis';
import type { HotCache } from '#mutuel/runtime';
import { ServerLost } from '../server-lost.js';

export interface RedisCacheOptions {
  /** `redis://host:port`. */
  readonly url: string;
  readonly onWarning: (sentence: string) => void;
  /** Set before every key and channel, so that several systems can share a server. */
  readonly prefix?: string;
  readonly connectTimeoutMs?: number;
}

/** Stores sequence and value together unless a newer or equal sequence is there. */
const PUT = `
local known = redis.call('HGET', KEYS[1], 's')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 's', ARGV[1], 'v', ARGV[2])
return 1`;

/** A server that is there but does not answer: more commands than this, or longer than this, are refused. */
const MAX_QUEUED = 10_000;
const COMMAND_TIMEOUT_MS = 2000;
const MAX_RETRY_DELAY_MS = 2000;

type Client = ReturnType<typeof newClient>;

/** Connects once, so that a missing server is one clear line at the start; later it reconnects by itself. */
export async function openRedisCache(options: RedisCacheOptions): Promise<HotCache> {
  const state = { ready: false, warned: false };
  const commands = newClient(options, state);
  const subscriptions = newClient(options, state);
  try {
    await Promise.all([commands.connect(), subscriptions.connect()]);
  } catch (cause) {
    for (const client of [commands, subscriptions]) client.destroy();
    const reason = (cause as Error).message || String(cause);
    throw new ServerLost(`Redis cannot be reached at ${hostOf(options.url)}: ${reason}`, { cause });
  }
  state.ready = true;
  return new RedisCache(commands, subscriptions, options.prefix ?? '');
}

class RedisCache implements HotCache {
  constructor(
    private readonly commands: Client,
    private readonly subscriptions: Client,
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

  async close(): Promise<void> {
    for (const client of [this.commands, this.subscriptions]) {
      // A graceful end waits for a server; one that is away has nothing of ours to finish.
      if (client.isReady) await client.close();
      else client.destroy();
    }
  }
}

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new ServerLost(`Redis did not answer: ${(cause as Error).message || String(cause)}`, { cause });
  }
}

function newClient(
  { url, onWarning, connectTimeoutMs = 3000 }: RedisCacheOptions,
  state: { ready: boolean; warned: boolean },
) {
  const client = createClient({
    url,
    commandsQueueMaxLength: MAX_QUEUED,
    // While Redis is away its callers hear so at once and go on without it.
    disableOfflineQueue: true,
    commandOptions: { timeout: COMMAND_TIMEOUT_MS },
    socket: {
      connectTimeout: connectTimeoutMs,
      // The first connection is tried once; a lost one for as long as the process lives, since the cache only degrades.
      reconnectStrategy: (retries) => (state.ready ? Math.min(100 * 2 ** retries, MAX_RETRY_DELAY_MS) : false),
    },
  });
  client.on('error', (error: Error) => {
    if (!state.ready || state.warned) return;
    state.warned = true;
    onWarning(`Redis is away (${error.message}); odds are served without it until it is back`);
  });
  client.on('ready', () => {
    if (state.warned) onWarning('Redis is back');
    state.warned = false;
  });
  return client;
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return 'the given address (which is no URL)';
  }
}

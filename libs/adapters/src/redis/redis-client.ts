/**
 * Connections to Redis as every use of it here needs them: a missing server is one line at the start, a lost one is tried again for
 * as long as the process lives, and whoever asks meanwhile hears so at once. Nothing is queued for a server that is away.
 */
import { createClient } from 'redis';
import { ServerLost } from '../server-lost.js';

export interface RedisOptions {
  /** `redis://host:port`. */
  readonly url: string;
  readonly onWarning: (sentence: string) => void;
  /** Set before every key and channel, so that several systems can share a server. */
  readonly prefix?: string;
  readonly connectTimeoutMs?: number;
}

/** A server that is there but does not answer: more commands than this, or longer than this, are refused. */
const MAX_QUEUED = 10_000;
const COMMAND_TIMEOUT_MS = 2000;
const MAX_RETRY_DELAY_MS = 2000;

export type RedisClient = ReturnType<typeof newClient>;

/** Connected; several of one use warn with one voice. */
export async function redisClients(options: RedisOptions, count: number): Promise<readonly RedisClient[]> {
  const state = { ready: false, warned: false };
  const clients = Array.from({ length: count }, () => newClient(options, state));
  try {
    await Promise.all(clients.map((client) => client.connect()));
  } catch (cause) {
    for (const client of clients) client.destroy();
    const reason = (cause as Error).message || String(cause);
    throw new ServerLost(`Redis cannot be reached at ${hostOf(options.url)}: ${reason}`, { cause });
  }
  state.ready = true;
  return clients;
}

export async function closeClients(clients: readonly RedisClient[]): Promise<void> {
  for (const client of clients) {
    // A graceful end waits for a server; one that is away has nothing of ours to finish.
    if (client.isReady) await client.close();
    else client.destroy();
  }
}

export async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new ServerLost(`Redis did not answer: ${(cause as Error).message || String(cause)}`, { cause });
  }
}

function newClient(
  { url, onWarning, connectTimeoutMs = 3000 }: RedisOptions,
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
    onWarning(`Redis is away (${error.message}); everything goes on without it until it is back`);
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

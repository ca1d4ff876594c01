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

/** A stop waits this long for what is still under way. */
const CLOSE_MS = 1000;

type RedisClient = ReturnType<typeof newClient>;

/** Connected; several of one use warn with one voice. */
export async function redisConnections(options: RedisOptions, count: number): Promise<readonly RedisConnection[]> {
  const voice: Voice = { ready: false, warned: false, onWarning: options.onWarning };
  const clients = Array.from({ length: count }, () => newClient(options, voice));
  try {
    await Promise.all(clients.map((client) => client.connect()));
  } catch (cause) {
    for (const client of clients) client.destroy();
    const reason = (cause as Error).message || String(cause);
    throw new ServerLost(`Redis cannot be reached at ${hostOf(options.url)}: ${reason}`, { cause });
  }
  voice.ready = true;
  return clients.map((client) => new RedisConnection(client, voice));
}

export class RedisConnection {
  /** The question that a server which stands still has not answered in time. */
  #overdue: Promise<unknown> | undefined;

  constructor(
    readonly client: RedisClient,
    private readonly voice: Voice,
  ) {}

  get isReady(): boolean {
    return this.client.isReady && !this.#overdue;
  }

  /**
   * The client bounds only what it has not written yet: a server that stands still is noticed here, and asked nothing more until it has
   * answered or the connection is lost. Throws `ServerLost`.
   */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    try {
      if (this.#overdue) throw new Error('it stands still');
      const answer = question();
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          this.#await(answer);
          reject(new Error(`nothing within ${COMMAND_TIMEOUT_MS / 1000} s`));
        }, COMMAND_TIMEOUT_MS);
      });
      return await Promise.race([answer, late]);
    } catch (cause) {
      throw new ServerLost(`Redis did not answer: ${(cause as Error).message || String(cause)}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    // A graceful end waits for a server; one that is away has nothing of ours to finish.
    const timer = setTimeout(() => this.client.destroy(), CLOSE_MS);
    if (this.isReady) await this.client.close();
    else this.client.destroy();
    clearTimeout(timer);
  }

  #await(answer: Promise<unknown>): void {
    if (this.#overdue) return;
    this.#overdue = answer;
    away(this.voice, 'it stands still');
    const end = (): void => {
      this.#overdue = undefined;
      if (this.client.isReady) back(this.voice);
    };
    answer.then(end, end);
  }
}

interface Voice {
  ready: boolean;
  warned: boolean;
  readonly onWarning: (sentence: string) => void;
}

function away(voice: Voice, why: string): void {
  if (!voice.ready || voice.warned) return;
  voice.warned = true;
  voice.onWarning(`Redis is away (${why}); everything goes on without it until it is back`);
}

function back(voice: Voice): void {
  if (voice.warned) voice.onWarning('Redis is back');
  voice.warned = false;
}

function newClient({ url, connectTimeoutMs = 3000 }: RedisOptions, voice: Voice) {
  const client = createClient({
    url,
    commandsQueueMaxLength: MAX_QUEUED,
    // While Redis is away its callers hear so at once and go on without it.
    disableOfflineQueue: true,
    commandOptions: { timeout: COMMAND_TIMEOUT_MS },
    socket: {
      connectTimeout: connectTimeoutMs,
      // The first connection is tried once; a lost one for as long as the process lives, since the cache only degrades.
      reconnectStrategy: (retries) => (voice.ready ? Math.min(100 * 2 ** retries, MAX_RETRY_DELAY_MS) : false),
    },
  });
  client.on('error', (error: Error) => away(voice, error.message));
  client.on('ready', () => back(voice));
  return client;
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return 'the given address (which is no URL)';
  }
}

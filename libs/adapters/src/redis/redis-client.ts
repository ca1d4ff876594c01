/**
 * Connections to Redis as every use of it here needs them: a server that is away, from the start or later, is one line and is tried
 * again for as long as the process lives, and whoever asks meanwhile hears so at once. Nothing is queued for it. It must never hold up
 * or end a process for a server that is only absent; one that is there and refuses what the address says is a wrong setting.
 */
import { createClient, ErrorReply } from 'redis';
import { ServerLost } from '../server-lost.js';
import { SetupFault } from '../setup-fault.js';
import { type RedisClient, type RedisVoice, refuses } from './redis-voice.js';

export interface RedisOptions {
  /** `redis://host:port`. */
  readonly url: string;
  readonly onWarning: (sentence: string) => void;
  /** Set before every key and channel, so that several systems can share a server. */
  readonly prefix?: string;
  /** Nobody waits longer for a first connection either (3 s). */
  readonly connectTimeoutMs?: number;
}

/** A server that is there but does not answer: more commands than this, or longer than this, are refused. */
const MAX_QUEUED = 10_000;
const COMMAND_TIMEOUT_MS = 2000;
const CONNECT_TIMEOUT_MS = 3000;
const MAX_RETRY_DELAY_MS = 2000;

/** A stop waits this long for what is still under way. */
const CLOSE_MS = 1000;

/**
 * Connections, each of which is there or will be. Nobody waits for a server that is away, and for one that is not known to be away no
 * longer than for a connection. Throws `SetupFault` where the address is none, or a server refuses it.
 */
export async function redisConnections(
  options: RedisOptions,
  count: number,
  voice: RedisVoice,
): Promise<readonly RedisConnection[]> {
  const start = { isOver: false };
  const clients = Array.from({ length: count }, () => newClient(options, start));
  const patienceMs = voice.isAway ? 0 : (options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
  const arrivals = await Promise.allSettled(clients.map((client) => arrival(client, patienceMs)));
  start.isOver = true;
  const refused = arrivals.find((one) => one.status === 'rejected');
  if (refused) {
    for (const client of clients) client.destroy();
    const { message } = refused.reason as Error;
    const text = `Redis at ${hostOf(options.url)} refuses what REDIS_URL says: ${message}`;
    throw new SetupFault('SETTING', text, { cause: refused.reason });
  }
  for (const [i, client] of clients.entries()) {
    const one = arrivals[i];
    const why = one?.status === 'fulfilled' ? one.value : undefined;
    if (!client.isReady) voice.away(client, why ?? new Error('the connection was lost'));
    client.on('error', (error: Error) => voice.away(client, error));
    client.on('ready', () => voice.back(client));
  }
  return clients.map((client) => new RedisConnection(client, voice));
}

/** Resolves once it is connected, or to why it is not yet; rejects where the server refuses. */
function arrival(client: RedisClient, patienceMs: number): Promise<Error | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(new Error(`nothing within ${patienceMs / 1000} s`)), patienceMs);
    const end = (): void => {
      clearTimeout(timer);
      client.off('error', absent);
    };
    const absent = (fault: Error): void => {
      if (refuses(fault)) return;
      end();
      resolve(fault);
    };
    client.on('error', absent);
    // It goes on trying, and ends with a refusal or with the client's own end.
    client
      .connect()
      .then(() => resolve(undefined), reject)
      .finally(end);
  });
}

export class RedisConnection {
  /** The question that a server which stands still has not answered in time. */
  #overdue: Promise<unknown> | undefined;

  constructor(
    readonly client: RedisClient,
    private readonly voice: RedisVoice,
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

  /**
   * Has it done once, now or as soon as the server is there, until `leave`; whoever asks waits for what can be done now. Rejects where
   * the server that is there refuses.
   */
  async whenThere(what: () => Promise<unknown>): Promise<Standing> {
    const standing = { isDone: false, leave: () => void this.client.off('ready', again) };
    const begin = async (): Promise<void> => {
      await what();
      standing.isDone = true;
      standing.leave();
    };
    // What a lost connection took with it is asked again with the next one.
    const again = (): void => void begin().catch(() => undefined);
    this.client.on('ready', again);
    if (!this.isReady) return standing;
    await this.ask(begin).catch((fault: ServerLost) => {
      if (!(fault.cause instanceof ErrorReply)) return;
      standing.leave();
      throw fault;
    });
    return standing;
  }

  async close(): Promise<void> {
    this.voice.forget(this.client);
    // A graceful end waits for a server; one that is away has nothing of ours to finish.
    const timer = setTimeout(() => this.client.destroy(), CLOSE_MS);
    if (this.isReady) await this.client.close();
    else this.client.destroy();
    clearTimeout(timer);
  }

  #await(answer: Promise<unknown>): void {
    if (this.#overdue) return;
    this.#overdue = answer;
    this.voice.away(this.client, new Error('it stands still'));
    const end = (): void => {
      this.#overdue = undefined;
      if (this.client.isReady) this.voice.back(this.client);
    };
    answer.then(end, end);
  }
}

/** What is done once the server is there. */
export interface Standing {
  readonly isDone: boolean;
  /** Not any more, where it is not done yet. */
  readonly leave: () => void;
}

function newClient({ url, connectTimeoutMs = CONNECT_TIMEOUT_MS }: RedisOptions, start: { readonly isOver: boolean }) {
  try {
    if (new URL(url).hostname === '') throw new Error('it names no host');
    const client: RedisClient = createClient({
      url,
      commandsQueueMaxLength: MAX_QUEUED,
      // While Redis is away its callers hear so at once and go on without it.
      disableOfflineQueue: true,
      commandOptions: { timeout: COMMAND_TIMEOUT_MS },
      socket: {
        connectTimeout: connectTimeoutMs,
        // For as long as the process lives, since Redis only degrades; but a setting that is wrong from the start should be seen.
        reconnectStrategy: (retries, cause) =>
          !start.isOver && refuses(cause) ? false : Math.min(100 * 2 ** retries, MAX_RETRY_DELAY_MS),
      },
    });
    // Without a listener a lost connection would end the process.
    client.on('error', () => undefined);
    return client;
  } catch (cause) {
    throw new SetupFault('SETTING', `REDIS_URL is no address of a Redis: ${(cause as Error).message}`, { cause });
  }
}

const hostOf = (url: string): string => new URL(url).host;

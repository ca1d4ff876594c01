/**
 * What all connections of a process to Redis have to say: each word once, however many of them there are. It must never load the client:
 * a process may have a voice and no connection.
 */
import type { createClient } from 'redis';
import { isUntrusted } from '../untrusted.js';

/** What a server says to an address that is wrong. While it loads, or has too many clients, it says other things, which pass. */
const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM)\b|^ERR (DB index|invalid DB)/;

/** Whether somebody has to mend the address, or the server: it is there. */
export const refuses = (fault: Error): boolean => REFUSED.test(fault.message) || isUntrusted(fault);

export type RedisClient = ReturnType<typeof createClient>;

/** What all connections of a process to one server have to say of it: once that it is away, and once that it is back. */
export class RedisVoice {
  readonly #away = new Set<RedisClient>();
  #isRefused = false;

  constructor(private readonly onWarning: (sentence: string) => void) {}

  get isAway(): boolean {
    return this.#away.size > 0;
  }

  away(client: RedisClient, why: Error): void {
    const text = why.message || String(why);
    const isRefusal = refuses(why);
    if (!this.isAway) this.onWarning(`Redis is away (${text}); everything goes on without it until it is back`);
    // Who waits for a server to come back should hear that it is there, and wants something.
    else if (isRefusal && !this.#isRefused)
      this.onWarning(`Redis refuses what REDIS_URL says (${text}); everything goes on without it`);
    this.#isRefused ||= isRefusal;
    this.#away.add(client);
  }

  back(client: RedisClient): void {
    if (!this.#away.delete(client) || this.isAway) return;
    this.#isRefused = false;
    this.onWarning('Redis is back');
  }

  /** A connection that is closed is nobody's any more. */
  forget(client: RedisClient): void {
    this.#away.delete(client);
  }
}

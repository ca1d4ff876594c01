/**
 * Who should try to lead, by session locks of PostgreSQL: a killed process loses its connection, and with it its locks, within
 * moments. A hint and nothing more: the decision log alone decides who counts, with this server or without it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Election, Outage } from '#mutuel/runtime';
import { PROBED, requireAddress } from './pg-database.js';

export interface ElectionOptions {
  readonly url: string;
  /** Tells elections of several systems in one database apart. */
  readonly name?: string;
  readonly onWarning: (sentence: string) => void;
}

/** Where our locks stand among the application's, so that nobody else's can be taken for one. */
const SPACE = 0x6d75;
const CONNECT_MS = 2_000;
const RECONNECT_AFTER_MS = 1_000;
const CLOSE_MS = 1_000;

/** Needs no server; throws `SetupFault` where the address is none. */
export function openAdvisoryElection({ url, name = '', onWarning }: ElectionOptions): Election {
  requireAddress(url);
  let session: { readonly client: pg.Client; readonly ready: Promise<unknown> } | undefined;
  let lostAt = Number.NEGATIVE_INFINITY;
  let closed = false;
  const held = new Set<string>();
  const outage = new Outage(performance);

  const noSession = (why: string): void => {
    outage.failed(why);
    session = undefined;
    lostAt = performance.now();
    held.clear();
  };
  /** A session given up earlier may end at any time: that says nothing of the one that came after it. */
  const lost = (client: pg.Client, why: string): void => {
    if (client !== session?.client) return;
    if (!closed) onWarning('The connection that leaders are elected by was lost; silence of the log decides');
    noSession(why);
    // It may only stand still: left open, it would keep its locks, and win those that it was asked for last.
    void end(client);
  };
  const connect = () => {
    // A session that ends takes its locks with it; a machine that vanished is noticed by these probes, at both ends.
    const options = {
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: CONNECT_MS,
      options: PROBED,
    };
    const client = new pg.Client({ connectionString: url, ...options });
    client.on('error', ({ message }) => lost(client, message));
    client.on('end', () => lost(client, 'the connection was ended'));
    return { client, ready: client.connect() };
  };
  /** One question after the other: the session takes no second one while it answers the first. */
  let before: Promise<unknown> = Promise.resolve();
  const ask = (text: string, src: string): Promise<boolean> => {
    const answer = before.then(() => askNow(text, src));
    before = answer.catch(() => undefined);
    return answer;
  };
  const askNow = async (text: string, src: string): Promise<boolean> => {
    if (closed || (!session && performance.now() - lostAt < RECONNECT_AFTER_MS)) return false;
    let client: pg.Client | undefined;
    try {
      session ??= connect();
      ({ client } = session);
      await session.ready;
      const { rows } = await client.query<{ done: boolean }>(`select ${text}($1, hashtext($2)) as done`, [
        SPACE,
        `${name} ${src}`,
      ]);
      outage.ended();
      return rows[0]?.done === true;
    } catch (fault) {
      const why = (fault as Error).message;
      if (client) lost(client, why);
      else noSession(why);
      return false;
    }
  };
  return {
    async tryLead(src) {
      if (held.has(src)) return true;
      const won = await ask('pg_try_advisory_lock', src);
      if (won) held.add(src);
      return won;
    },
    async resign(src) {
      if (held.delete(src)) await ask('pg_advisory_unlock', src);
    },
    trouble() {
      const { text } = outage;
      return text && `PostgreSQL has not answered ${text}; silence of the log says who leads`;
    },
    async close() {
      closed = true;
      await session?.ready.catch(() => undefined);
      if (session) await Promise.race([end(session.client), sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}

const end = (client: pg.Client): Promise<void> => client.end().catch(() => undefined);

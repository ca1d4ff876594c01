/**
 * Who should try to lead, by session locks of PostgreSQL: a killed process loses its connection, and with it its locks, within
 * moments. A hint and nothing more: the decision log alone decides who counts, with this server or without it.
 */
import pg from 'pg';
import type { Election } from '#mutuel/runtime';

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

export function openAdvisoryElection({ url, name = '', onWarning }: ElectionOptions): Election {
  let connection: Promise<pg.Client> | undefined;
  let lostAt = Number.NEGATIVE_INFINITY;
  let closed = false;
  const held = new Set<string>();

  const lost = (): void => {
    if (connection && !closed)
      onWarning('The connection that leaders are elected by was lost; silence of the log decides');
    connection = undefined;
    lostAt = performance.now();
    held.clear();
  };
  const connect = (): Promise<pg.Client> => {
    connection ??= (async () => {
      // A session that ends takes its locks with it; a machine that vanished is noticed by these probes.
      const options = { keepAlive: true, connectionTimeoutMillis: CONNECT_MS, query_timeout: CONNECT_MS };
      const client = new pg.Client({ connectionString: url, ...options });
      client.on('error', lost);
      client.on('end', lost);
      await client.connect();
      return client;
    })();
    return connection;
  };
  /** One question after the other: the session takes no second one while it answers the first. */
  let before: Promise<unknown> = Promise.resolve();
  const ask = (text: string, src: string): Promise<boolean> => {
    const answer = before.then(() => askNow(text, src));
    before = answer;
    return answer;
  };
  const askNow = async (text: string, src: string): Promise<boolean> => {
    if (closed || (!connection && performance.now() - lostAt < RECONNECT_AFTER_MS)) return false;
    try {
      const client = await connect();
      const { rows } = await client.query<{ done: boolean }>(`select ${text}($1, hashtext($2)) as done`, [
        SPACE,
        `${name} ${src}`,
      ]);
      return rows[0]?.done === true;
    } catch {
      lost();
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
    async close() {
      closed = true;
      const client = await connection?.catch(() => undefined);
      await client?.end().catch(() => undefined);
    },
  };
}

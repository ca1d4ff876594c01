/**
 * Relational read models through `pg`: PostgreSQL, or its embedded build behind a socket. It must never name a prepared statement
 * (all embedded connections share one backend), and never let money through a float.
 */
import pg from 'pg';
import { Outage, type SqlDatabase } from '#mutuel/runtime';
import { SetupFault } from '../setup-fault.js';
import { isUntrusted } from '../untrusted.js';

export interface DatabaseOptions {
  /** `postgres://user@host:port/database`; a socket as `postgres://user@/database?host=/folder`. */
  readonly url: string;
  /** Connections in the pool; 1 for the embedded build, whose connections share one backend anyway. */
  readonly max: number;
  readonly onWarning: (sentence: string) => void;
  /** Connecting, or waiting for a connection, longer than this is a fault (5 s). */
  readonly connectTimeoutMs?: number;
  /** A statement that takes longer is a fault, and the end of its connection; without it, one takes as long as it takes. */
  readonly queryTimeoutMs?: number;
  /** Where nobody has asked it anything for so long it is asked whether it is there; without it, only who asks finds out. */
  readonly lookEveryMs?: number;
}

/**
 * Settings of a session on a server of its own: it is ended, with its transaction and its locks, half a minute after the machine of its
 * client has vanished. Else that takes the system's two hours.
 */
export const PROBED = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4';
/** A look at a server that stands still must not take as long as a statement may. */
const LOOK_MS = 2_000;
/** What a server that is there says to a wrong address: user, password, its rules of access (class 28); no such database. */
const REFUSED = /^(28...|3D000)$/;
/** What pg says of a server that asks for a password where the address has none, or speaks no TLS where the address asks for it. */
const NOT_AS_SAID = /^SASL: .*password must be|does not support SSL/;
/** What pg says of a statement that took too long. */
const TOO_LONG = 'Query read timeout';

/** The database refused or was not there. `code` is the SQLSTATE or the system's error code. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
  constructor(
    message: string,
    readonly code: string,
    readonly retriable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Connects once, so that a missing server is one clear line at the start. Throws `DatabaseFault` where there is none, `SetupFault` where
 * one refuses the address.
 */
export async function openDatabase(options: DatabaseOptions): Promise<SqlDatabase> {
  const { url, max, onWarning, connectTimeoutMs = 5000, queryTimeoutMs } = options;
  requireAddress(url);
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs, options: PROBED }),
    types: { getTypeParser },
  });
  // A connection that breaks, idle or in use, is replaced at the next query; without listeners it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    client.once('error', (error) => onWarning(`A connection to PostgreSQL was lost: ${error.message}`));
    client.on('error', () => undefined);
  });
  const database = new PgDatabase(pool, options.lookEveryMs);
  try {
    await database.query('select 1');
  } catch (error) {
    await database.close();
    const reason = error instanceof Error ? error.message : String(error);
    if (REFUSED.test(codeOf(error)) || NOT_AS_SAID.test(reason) || isUntrusted(error))
      throw new SetupFault('SETTING', `PostgreSQL at ${placeOf(url)} refuses what DATABASE_URL says: ${reason}`, {
        cause: error,
      });
    throw new DatabaseFault(`PostgreSQL cannot be used at ${placeOf(url)}: ${reason}`, codeOf(error), true, {
      cause: error,
    });
  }
  return database;
}

/** The driver would find out at the first connection only; a certificate that the address names is read here, too. */
export function requireAddress(url: string): void {
  try {
    new pg.Client({ connectionString: url });
  } catch (cause) {
    throw new SetupFault('SETTING', `DATABASE_URL is no address of a database: ${(cause as Error).message}`, { cause });
  }
}

type Queryable = Pick<SqlDatabase, 'query'>;

class PgDatabase implements SqlDatabase {
  private readonly outage = new Outage(performance);
  private askedAt = performance.now();
  private readonly looks: NodeJS.Timeout | undefined;

  constructor(
    private readonly pool: pg.Pool,
    lookEveryMs?: number,
  ) {
    if (lookEveryMs !== undefined) this.looks = setInterval(() => this.look(lookEveryMs), lookEveryMs).unref();
  }

  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return this.noted(run<Row>(this.pool, text, values));
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    const client = await this.noted(this.pool.connect().catch(throwFault));
    let broken: Error | undefined;
    try {
      await this.noted(run(client, 'begin'));
      const result = await work({ query: (text, values) => this.noted(run(client, text, values)) });
      await this.noted(run(client, 'commit'));
      return result;
    } catch (error) {
      // When even the roll-back fails the connection is in an unknown state: it is closed, which rolls back. Behind a statement that
      // still runs it would only wait.
      broken = isTooLong(error)
        ? error
        : await run(client, 'rollback').then(
            () => undefined,
            (failure: Error) => failure,
          );
      throw error;
    } finally {
      client.release(broken);
    }
  }

  trouble(): string | undefined {
    const { text } = this.outage;
    return text && `PostgreSQL has not answered ${text}`;
  }

  /** A server that says no is there. */
  private async noted<T>(answer: Promise<T>): Promise<T> {
    this.askedAt = performance.now();
    try {
      const given = await answer;
      this.outage.ended();
      return given;
    } catch (fault) {
      if (fault instanceof DatabaseFault && fault.retriable) this.outage.failed(fault.message);
      else this.outage.ended();
      throw fault;
    }
  }

  private look(everyMs: number): void {
    if (performance.now() - this.askedAt < everyMs) return;
    const question: pg.QueryConfig & { query_timeout: number } = { text: 'select 1', query_timeout: LOOK_MS };
    this.noted(this.pool.query(question).catch(throwFault)).catch(() => undefined);
  }

  async close(): Promise<void> {
    clearInterval(this.looks);
    if (!this.pool.ended && !this.pool.ending) await this.pool.end();
  }
}

async function run<Row extends object>(
  on: pg.Pool | pg.PoolClient,
  text: string,
  values?: readonly unknown[],
): Promise<readonly Row[]> {
  // Without values pg uses the simple protocol, which takes several statements and then answers with several results.
  const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await (values === undefined || values.length === 0
    ? on.query<Row>(text)
    : on.query<Row>(text, [...values])
  ).catch(throwFault);
  return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
}

function throwFault(error: unknown): never {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message || code : String(error);
  throw new DatabaseFault(message, code, isRetriable(code, message), { cause: error });
}

const isTooLong = (error: unknown): error is DatabaseFault =>
  error instanceof DatabaseFault && error.message === TOO_LONG;

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
}

/** Lost or refused connections, resources, shutdown, serialisation and deadlock: another attempt may succeed. */
function isRetriable(code: string, message: string): boolean {
  return (
    /^(08|53|57P|40001|40P01|E[A-Z]+)/.test(code) || (code === 'UNKNOWN' && /connect|terminat|timeout/i.test(message))
  );
}

const INT8 = 20;
const NUMERIC = 1700;

/** Counts and minor units come back as numbers; what a number cannot hold exactly is never rounded. */
const getTypeParser = ((oid: number, format?: 'text') => {
  if (oid === INT8) return integer;
  // `sum(bigint)` is a numeric in PostgreSQL.
  if (oid === NUMERIC) return (text: string) => (/^-?\d+$/.test(text) ? integer(text) : text);
  return pg.types.getTypeParser(oid, format);
}) as typeof pg.types.getTypeParser;

function integer(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** Where the server should be, without the password. */
function placeOf(url: string): string {
  try {
    const { hostname, port, pathname, searchParams } = new URL(url);
    return `${searchParams.get('host') ?? (hostname || 'localhost')}:${port || '5432'}${pathname}`;
  } catch {
    return 'the given address (which is no URL)';
  }
}

/**
 * The odds topic as rows: the newest figures of each pool and the last ten minutes of them. It must never show a tick before it is
 * whole, and keeps no more history than screens ask for.
 */
import { type Clock, type EventLog, LogFault, Outage, type SqlDatabase, type TailSource } from '#mutuel/runtime';
import { CYCLE_MS, type OddsRow, type Tick } from '#mutuel/views';
import { TickTail } from './tick-tail.js';

export interface OddsProjectionOptions {
  readonly db: SqlDatabase;
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly onWarning: (sentence: string) => void;
  readonly onFatal: (fault: Error) => void;
}

/** Cycles of history kept: ten minutes. */
export const HISTORY_CYCLES = 120;
/** Combinations kept of a pool's past: a chart has no room for more. */
const HISTORY_ROWS = 40;
/** Its row among the checkpoints. */
export const ODDS_SOURCE = 'odds';
const RETRY_MS = 500;

type Tx = Pick<SqlDatabase, 'query'>;

export class OddsProjection {
  readonly #o: OddsProjectionOptions;
  readonly #stopping = new AbortController();
  readonly #outage: Outage;
  #tail: TickTail | undefined;

  constructor(options: OddsProjectionOptions) {
    this.#o = options;
    this.#outage = new Outage(options.clock);
  }

  /** Why nothing has been written for a while. */
  get trouble(): string | undefined {
    const { text } = this.#outage;
    return text && `odds have not been written ${text}`;
  }

  async start(): Promise<void> {
    const { db, log, tails, clock, onFatal } = this.#o;
    const [row] = await db.query<{ seq: number }>('select seq from checkpoints where source = $1', [ODDS_SOURCE]);
    const onTicks = (ticks: readonly Tick[], next: number): Promise<void> => this.write(ticks, next);
    this.#tail = new TickTail({ log, tails, clock, from: row?.seq ?? 0, onTicks, onFatal });
    await this.#tail.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#tail?.close();
  }

  /** Writes the ticks in one transaction; tries again for as long as the database is away, or whatever else it says: a statement that was cancelled is no end. */
  async write(ticks: readonly Tick[], next: number): Promise<void> {
    const { clock, onWarning } = this.#o;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#writeOnce(ticks, next);
        this.#outage.ended();
        return;
      } catch (fault) {
        if (fault instanceof LogFault) throw fault;
        this.#outage.failed((fault as Error).message);
        onWarning(`The odds cannot be written to the read models (${(fault as Error).message}); trying again`);
        await clock.sleep(RETRY_MS, this.#stopping.signal);
      }
    }
  }

  async #writeOnce(ticks: readonly Tick[], next: number): Promise<void> {
    await this.#o.db.transaction(async (tx) => {
      await tx.query('set local synchronous_commit = off');
      for (const tick of ticks) await writeTick(tx, tick);
      const last = ticks.at(-1) as Tick;
      await tx.query(
        `delete from odds_history h using odds o
         where h.pool_id = o.pool_id and h.pool_id = any($1) and h.cycle <= o.cycle - $2`,
        [[...new Set(ticks.flatMap((tick) => tick.pools.map((pool) => pool.id)))], 2 * HISTORY_CYCLES],
      );
      await tx.query(
        `insert into checkpoints (source, seq, head, at, lag_ms, checkpoint) values ($1, $2, '', $3, $4, '')
         on conflict (source) do update set seq = excluded.seq, at = excluded.at, lag_ms = excluded.lag_ms`,
        [ODDS_SOURCE, next, last.cycle * CYCLE_MS, Math.max(0, Math.round(last.at - last.cycle * CYCLE_MS))],
      );
    });
  }
}

/** Absolute values: written twice, they stay the same. */
async function writeTick(tx: Tx, { cycle, at, late, pools }: Tick): Promise<void> {
  if (pools.length === 0) return;
  const ids = pools.map((pool) => pool.id);
  await tx.query(
    `insert into odds (pool_id, cycle, at, v, gross, net, carry_in, final, rows)
     select x.id, $1, $2, x.v, x.gross, x.net, x.carry_in, x.final, x.rows
     from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[], $9::jsonb[])
       as x(id, v, gross, net, carry_in, final, rows)
     on conflict (pool_id) do update set cycle = excluded.cycle, at = excluded.at, v = excluded.v, gross = excluded.gross,
       net = excluded.net, carry_in = excluded.carry_in, final = excluded.final, rows = excluded.rows
     where excluded.cycle > odds.cycle`,
    [
      cycle,
      at,
      ids,
      pools.map((pool) => pool.v),
      pools.map((pool) => pool.gross),
      pools.map((pool) => pool.net),
      pools.map((pool) => pool.carryIn),
      pools.map((pool) => pool.final),
      pools.map((pool) => JSON.stringify(pool.rows)),
    ],
  );
  await tx.query(
    `insert into odds_history (pool_id, cycle, at, gross, final, late, rows)
     select x.id, $1, $2, x.gross, x.final, $3, x.rows
     from unnest($4::text[], $5::bigint[], $6::boolean[], $7::jsonb[]) as x(id, gross, final, rows)
     on conflict do nothing`,
    [
      cycle,
      cycle * CYCLE_MS,
      late,
      ids,
      pools.map((pool) => pool.gross),
      pools.map((pool) => pool.final),
      pools.map((pool) => JSON.stringify(mostBacked(pool.rows))),
    ],
  );
}

function mostBacked(rows: readonly OddsRow[]): readonly OddsRow[] {
  if (rows.length <= HISTORY_ROWS) return rows;
  return [...rows].sort((a, b) => b[1] - a[1]).slice(0, HISTORY_ROWS);
}

/**
 * Folds valid decisions into the read models: one transaction per batch, with the readers' checkpoints in it. It must never apply
 * a decision twice or leave one out: what the stored checkpoint already covers is passed over, and a gap is a fault.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import type { MarketEvent, ShardEvent } from '#mutuel/engine';
import type {
  Clock,
  DecisionSource,
  Projection,
  ProjectionBatch,
  SourceCheckpoint,
  SourcedDecision,
  SqlDatabase,
  ValidDecision,
} from '#mutuel/runtime';
import type { RuleSet } from '#mutuel/tote';
import { type KnownPool, marketStatements, PoolCards, placeOf, ShardRows } from '#mutuel/views';
import { groupBy } from './group-by.js';

type Tx = Pick<SqlDatabase, 'query'>;

/** The read models' checkpoints do not fit the decisions that are handed in. */
export class ProjectionFault extends Error {
  override readonly name = 'ProjectionFault';
  readonly retriable = false;
}

/** Rows that a decision costs, more or less: a step of a payment is one decision and moves hundreds of bets. */
export function weightOf({ decision }: ValidDecision<unknown>): number {
  let weight = 1;
  for (const event of decision.events as readonly { readonly items?: readonly unknown[] }[])
    weight += event.items?.length ?? 0;
  return weight;
}

const MARKET = 'market';
const shardOf = ({ at }: DecisionSource): number => at.partition;

export class Projector implements Projection<unknown> {
  #cards = new PoolCards();
  /** Settled races by the append time of their end: forgotten once every shard is past it. */
  #settled = new Map<string, number>();
  readonly #shardAt = new Map<string, number>();

  constructor(
    private readonly db: SqlDatabase,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** The checkpoints to start the readers from; nothing in memory counts any more. */
  async load(): Promise<ReadonlyMap<string, string>> {
    this.#cards = new PoolCards();
    this.#settled = new Map();
    const rows = await this.db.query<{ source: string; checkpoint: string }>(
      `select source, checkpoint from checkpoints where checkpoint <> ''`,
    );
    return new Map(rows.map((row) => [row.source, row.checkpoint]));
  }

  async apply({ decisions, checkpoints }: ProjectionBatch<unknown>): Promise<void> {
    await this.db.transaction(async (tx) => {
      const stored = await storedSeqs(
        tx,
        checkpoints.map(({ src }) => src),
      );
      const fresh = decisions.filter(({ src, valid }) => isNext(stored, src, valid.decision));
      await this.#write(tx, fresh);
      await writeCheckpoints(tx, checkpoints, newest(fresh), this.clock.now());
    });
    this.#forget(decisions);
  }

  async #write(tx: Tx, decisions: readonly SourcedDecision<unknown>[]): Promise<void> {
    for (const pool of await publishedPools(tx, this.#unknownPools(decisions))) this.#cards.add(pool);
    const shardRows = new ShardRows(this.#cards);
    for (const sourced of decisions) {
      if (sourced.src !== MARKET) shardRows.apply(shardOf(sourced), sourced.valid);
      else
        for (const { text, values } of marketStatements(sourced.valid.decision, this.#cards))
          await tx.query(text, values);
    }
    const unknown = shardRows.unknown();
    if (unknown.length > 0) {
      const places = unknown.map((bet) => placeOf(bet.ticket));
      const found = await tx.query<{ ticket: string; no: number; sel: string; unit: number }>(
        `select t.ticket_id as ticket, b.no, b.sel, b.unit from bets b
         join unnest($1::int[], $2::bigint[], $3::int[]) as x(shard, seq, no)
           on b.shard = x.shard and b.seq = x.seq and b.no = x.no
         join tickets t on t.shard = b.shard and t.seq = b.seq`,
        [places.map(([shard]) => shard), places.map(([, seq]) => seq), unknown.map((bet) => bet.no)],
      );
      for (const bet of found) shardRows.found(bet);
    }
    for (const { text, values } of shardRows.statements()) await tx.query(text, values);
  }

  /** Pools that were published before the last start, or forgotten because the market is far ahead of a shard. */
  #unknownPools(decisions: readonly SourcedDecision<unknown>[]): readonly string[] {
    const unknown = new Set<string>();
    const note = (pool: string): void => {
      if (!this.#cards.get(pool)) unknown.add(pool);
    };
    for (const { src, valid } of decisions) {
      if (src === MARKET) continue;
      for (const event of valid.decision.events as readonly ShardEvent[]) {
        if (event.t === 'TicketAccepted' || event.t === 'TicketCancelled') for (const bet of event.bets) note(bet.pool);
        else if (event.t === 'BetsRefunded') note(event.pool);
      }
    }
    return [...unknown];
  }

  /** Cards of races that are over everywhere. */
  #forget(decisions: readonly SourcedDecision<unknown>[]): void {
    for (const { src, valid } of decisions) {
      if (src !== MARKET) this.#shardAt.set(src, valid.time);
      else
        for (const event of valid.decision.events as readonly MarketEvent[])
          if (event.t === 'RaceSettled') this.#settled.set(event.race, valid.time);
    }
    if (this.#settled.size === 0) return;
    const slowest = Math.min(...this.#shardAt.values());
    for (const [race, at] of this.#settled) {
      if (at >= slowest) continue;
      this.#cards.forgetRace(race);
      this.#settled.delete(race);
    }
  }
}

/** Sequence numbers written so far; two projectors of one database take turns here, in empty read models too. */
async function storedSeqs(tx: Tx, sources: readonly string[]): Promise<Map<string, number>> {
  // The projection can be rebuilt from the log: it need not wait for the disk. Both in one message, since this is every batch's.
  const locked = await seqs(tx, 'set local synchronous_commit = off; select source, seq from checkpoints for update');
  const missing = sources.filter((src) => !locked.has(src));
  if (missing.length === 0) return locked;
  // A row that is not there cannot be locked, a blank one can: whoever comes second waits here, and then reads what the first has
  // written. Nobody else sees it blank, since the batch's checkpoints fill it in.
  await tx.query(
    `insert into checkpoints (source, seq, head, at, lag_ms, checkpoint)
     select source, 0, '', 0, 0, '' from unnest($1::text[]) as source on conflict do nothing`,
    [missing],
  );
  // Not the odds' row, which whoever waits for the blank ones may hold: each would wait for the other.
  return seqs(tx, 'select source, seq from checkpoints where source = any($1) for update', [sources]);
}

async function seqs(tx: Tx, text: string, values?: readonly unknown[]): Promise<Map<string, number>> {
  const rows = await tx.query<{ source: string; seq: number }>(text, values);
  return new Map(rows.map((row) => [row.source, row.seq]));
}

function isNext(stored: Map<string, number>, src: string, { seq }: DecisionRecord): boolean {
  const last = stored.get(src) ?? 0;
  if (seq <= last) return false;
  if (seq > last + 1) {
    throw new ProjectionFault(
      `the read models hold ${src} up to decision ${last}, and ${seq} comes next: rebuild them from the log`,
    );
  }
  stored.set(src, seq);
  return true;
}

/** The last decision of each source in the batch. */
function newest(decisions: readonly SourcedDecision<unknown>[]): ReadonlyMap<string, ValidDecision> {
  return new Map(decisions.map(({ src, valid }) => [src, valid]));
}

async function writeCheckpoints(
  tx: Tx,
  checkpoints: readonly SourceCheckpoint[],
  applied: ReadonlyMap<string, ValidDecision>,
  now: number,
): Promise<void> {
  const last = checkpoints.map(({ src }) => applied.get(src));
  const ats = last.map((valid) => valid?.time ?? 0);
  await tx.query(
    `insert into checkpoints (source, seq, head, inc, at, lag_ms, checkpoint)
     select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
     on conflict (source) do update set seq = excluded.seq, checkpoint = excluded.checkpoint,
       head = case when excluded.at > 0 then excluded.head else checkpoints.head end,
       inc = case when excluded.at > 0 then excluded.inc else checkpoints.inc end,
       at = greatest(checkpoints.at, excluded.at),
       lag_ms = case when excluded.at > 0 then excluded.lag_ms else checkpoints.lag_ms end
     where excluded.seq >= checkpoints.seq`,
    [
      checkpoints.map((one) => one.src),
      checkpoints.map((one) => one.seq),
      last.map((valid) => valid?.hash ?? ''),
      last.map((valid) => valid?.decision.inc ?? null),
      ats,
      ats.map((at) => (at === 0 ? 0 : Math.max(0, Math.round(now - at)))),
      checkpoints.map((one) => one.text),
    ],
  );
}

export async function publishedPools(tx: Tx, poolIds: readonly string[]): Promise<KnownPool[]> {
  if (poolIds.length === 0) return [];
  const rows = await tx.query<{
    pool_id: string;
    race_id: string;
    rule_set: RuleSet;
    carry_in: number;
    legs: string[] | null;
  }>('select pool_id, race_id, rule_set, carry_in, legs from pools where pool_id = any($1)', [poolIds]);
  const runners = await tx.query<{ race_id: string; number: string; entry: string | null }>(
    'select race_id, number, entry from runners where race_id = any($1) order by race_id, place',
    [[...new Set(rows.flatMap((row) => row.legs ?? [row.race_id]))]],
  );
  const fields = groupBy(runners, (runner) => runner.race_id);
  return rows.map((row) => ({
    poolId: row.pool_id,
    raceId: row.race_id,
    ruleSet: row.rule_set,
    carryInMinor: row.carry_in,
    field: row.legs
      ? { declared: [], legs: row.legs.map((leg) => fieldOfRunners(fields.get(leg) ?? [])) }
      : fieldOfRunners(fields.get(row.race_id) ?? []),
  }));
}

/** The card's field from its rows, in card order; coupled runners grouped by entry name. */
export function fieldOfRunners(
  runners: readonly { readonly number: string; readonly entry: string | null }[],
): KnownPool['field'] {
  const coupled = groupBy(
    runners.filter((runner) => runner.entry !== null),
    (runner) => runner.entry as string,
  );
  return {
    declared: runners.map((runner) => runner.number),
    entries: [...coupled.values()].filter((entry) => entry.length > 1).map((entry) => entry.map((one) => one.number)),
  };
}

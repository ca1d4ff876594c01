/**
 * What the evidence of a ticket is put together from: the record of its acceptance and the odds before it from the log itself, the
 * movements of its bets and the officials' acts on its races from the read models. Only what concerns the ticket goes in: no other
 * bettor's bet, no name, address or device of a bettor.
 */
import { createHash } from 'node:crypto';
import { TOPICS } from '#mutuel/contracts';
import type { EventLog, SqlDatabase } from '#mutuel/runtime';
import type { EvidenceBet, EvidenceEvent, EvidenceOdds, EvidenceStatement, ReceiptStatement } from '#mutuel/verify';
import { type Tick, TickReader } from '#mutuel/views';
import type { TicketView } from './read-model.js';
import { ODDS_TOPIC } from './tick-tail.js';

export interface EvidenceParts {
  readonly db: SqlDatabase;
  readonly log: Pick<EventLog, 'bounds' | 'read'>;
}

const READ_AT_ONCE = 64;
/** Ten minutes of ticks hold every unsettled pool once. */
const TICKS_BACK = 600;

/** All but the receipt; `betId` names one bet of the ticket. */
export async function evidenceOf(
  { db, log }: EvidenceParts,
  view: TicketView,
  receipt: ReceiptStatement,
  betId: string | null,
): Promise<Omit<EvidenceStatement, 'receipt' | 'madeAt'>> {
  const bets = view.bets.filter((bet) => bet.placement !== 'REJECTED' && (betId === null || bet.betId === betId));
  const pools = [...new Set(bets.map(({ poolId }) => poolId))];
  const [decision, odds, movements, acts] = await Promise.all([
    decisionRecord(log, receipt),
    oddsBefore(log, pools, receipt.acceptedAt),
    movementsOf(db, view, betId),
    actsOn(db, pools),
  ]);
  const events = [...movements, ...acts].sort(
    (a, b) => a.at - b.at || a.source.localeCompare(b.source) || a.seq - b.seq,
  );
  return {
    ...{ kind: 'mutuel-evidence', v: 1, ticketId: view.ticketId, betId, decision, odds, events },
    bets: bets.map(
      (bet): EvidenceBet => ({
        ...{ betId: bet.betId, placement: bet.placement, resulting: bet.resulting, settlement: bet.settlement },
        ...{ payout: bet.payout, refund: bet.refund },
      }),
    ),
  };
}

/** Found by its number and known by its hash: a decision never stands before the offset of its number. */
async function decisionRecord(
  log: EvidenceParts['log'],
  { shard, seq, hash }: ReceiptStatement,
): Promise<EvidenceStatement['decision']> {
  const at = { topic: TOPICS.shardDecisions, partition: shard };
  const { start, end } = await log.bounds(at);
  for (let offset = Math.max(start, seq - 1); offset < end; ) {
    const [record] = await log.read({ ...at, from: offset }, 1);
    if (!record) break;
    if (createHash('sha256').update(record.value).digest('hex') === hash)
      return { ...at, offset: record.offset, record: Buffer.from(record.value).toString('utf8') };
    const said = JSON.parse(Buffer.from(record.value).toString('utf8')) as { readonly seq?: number };
    // Starts and records that do not count stand between: as many decisions as are missing are at least so many records away.
    offset = record.offset + Math.max(1, seq - (said.seq ?? seq));
  }
  throw new Error(
    `decision ${seq} of shard ${shard} is not in the log: it was archived, or the read models are of another log`,
  );
}

/** Of each pool the last tick computed up to this time that lists it. */
async function oddsBefore(
  log: EvidenceParts['log'],
  pools: readonly string[],
  time: number,
): Promise<readonly EvidenceOdds[]> {
  const found = new Map<string, EvidenceOdds>();
  const { start } = await log.bounds(ODDS_TOPIC);
  const end = await firstAfter(log, time);
  for (let to = end; to > start && to > end - TICKS_BACK && found.size < pools.length; to -= READ_AT_ONCE) {
    const from = Math.max(start, to - READ_AT_ONCE);
    const wanted = pools.filter((pool) => !found.has(pool));
    for (const { tick, offset } of await ticksIn(log, from, to))
      for (const { id, gross, rows } of tick.pools)
        if (wanted.includes(id) && tick.at <= time)
          found.set(id, { poolId: id, cycle: tick.cycle, at: tick.at, offset, cut: tick.cut, gross, rows });
  }
  return [...found.values()];
}

async function ticksIn(log: EvidenceParts['log'], from: number, to: number) {
  const reader = new TickReader();
  const ticks: { readonly tick: Tick; readonly offset: number }[] = [];
  for (const record of await log.read({ ...ODDS_TOPIC, from }, to - from)) {
    const tick = record.offset < to ? reader.accept(record.value) : undefined;
    if (tick) ticks.push({ tick, offset: record.offset });
  }
  return ticks;
}

/** The first offset of the odds topic that was appended after this time; the append times of a topic never fall. */
async function firstAfter(log: EvidenceParts['log'], time: number): Promise<number> {
  let { start: low, end: high } = await log.bounds(ODDS_TOPIC);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = await log.read({ ...ODDS_TOPIC, from: middle }, 1);
    if (record && record.time <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface MovementRow {
  readonly shard: number;
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly amount: number;
  readonly bet_no: number | null;
  readonly reason: string | null;
  readonly owed: number | null;
}

async function movementsOf(db: SqlDatabase, view: TicketView, betId: string | null): Promise<EvidenceEvent[]> {
  const rows = await db.query<MovementRow>(
    `select shard, seq, at, kind, amount, bet_no, reason, owed from movements where account = $1 and ticket_id = $2
     order by seq, n`,
    [view.accountId, view.ticketId],
  );
  const events = rows.map(
    ({ shard, seq, at, kind, amount, bet_no: no, reason, owed }): EvidenceEvent => ({
      ...{ at, source: `shard-${shard}`, seq, action: kind, outcome: 'ACCEPTED', amount, reason },
      actor: kind === 'STAKE' || kind === 'CANCEL' ? view.accountId : 'rules',
      betId: no === null ? null : `${view.ticketId}-${no + 1}`,
      ...(owed ? { owed } : {}),
    }),
  );
  return events.filter((event) => betId === null || event.betId === betId);
}

interface ActRow {
  readonly seq: number;
  readonly at: number;
  readonly action: string;
  readonly actor: string;
  readonly device: string;
  readonly reason: string | null;
  readonly outcome: 'ACCEPTED' | 'REFUSED';
}

/** What officials did to the races of these pools, refused attempts too. */
async function actsOn(db: SqlDatabase, pools: readonly string[]): Promise<EvidenceEvent[]> {
  const rows = await db.query<ActRow>(
    `select seq, at, action, actor, device, reason, outcome from audit where race_id in (
       select race_id from pools where pool_id = any($1) union
       select jsonb_array_elements_text(legs) from pools where pool_id = any($1) and legs is not null
     ) order by seq`,
    [pools],
  );
  return rows.map(({ seq, at, action, actor, device, reason, outcome }) => ({
    ...{ at, source: 'market', seq, actor, device, action, outcome, betId: null, amount: null, reason },
  }));
}

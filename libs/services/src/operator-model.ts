/**
 * What stewards and operators read: the day at a glance, the audit trail, and the settlement of a race with what it still waits for.
 * It must never decide whether a settlement may be confirmed: it shows the hash that the market made, and the market compares.
 */
import { type DividendProposal, PROPOSAL_SOURCES } from '#mutuel/engine';
import type { SqlDatabase } from '#mutuel/runtime';
import { keyLabel } from '#mutuel/tote';
import { type OddsRow, oddsValue } from '#mutuel/views';
import { dividendView } from './dividend-view.js';
import { groupBy } from './group-by.js';
import { iso, type RaceRow, raceSummary } from './read-model.js';

export interface AuditEntry {
  readonly seq: number;
  readonly at: string;
  readonly action: string;
  readonly actor: { readonly user: string; readonly roles: readonly string[]; readonly device: string };
  readonly raceId: string | null;
  readonly reason: string | null;
  readonly outcome: 'ACCEPTED' | 'REFUSED';
  readonly code: string | null;
  readonly detail: string | null;
}

const AUDIT_PAGE = 50;
const MAX_AUDIT_PAGE = 500;
/** Races on the overview: a day of a large operator. */
const MAX_RACES = 300;
/** Settled races stay on the overview this long. */
const SHOWN_AFTER_MS = 12 * 3_600_000;

export class OperatorModel {
  constructor(
    private readonly db: SqlDatabase,
    private readonly shards: number,
  ) {}

  /** `durable` and `label` say how this system runs; `now` in milliseconds UTC. */
  async overview(system: { readonly now: number; readonly durable: boolean; readonly label: string }) {
    const { now, durable, label } = system;
    const [lease] = await this.db.query<{ issued_at: number; ttl_ms: number }>('select issued_at, ttl_ms from lease');
    const expiresAt = lease ? lease.issued_at + lease.ttl_ms : null;
    return {
      now: iso(now),
      lease: {
        issuedAt: lease ? iso(lease.issued_at) : null,
        expiresAt: expiresAt === null ? null : iso(expiresAt),
        holding: expiresAt !== null && expiresAt >= now,
      },
      races: await this.#races(now),
      shards: await this.#shards(),
      durable,
      label,
    };
  }

  async #races(now: number) {
    const rows = await this.db.query<
      RaceRow & { gross: number; bets: number; voided_bets: number; voided_stake: number; pools: number; seals: number }
    >(
      `select r.*, coalesce(t.gross, 0) as gross, coalesce(t.bets, 0) as bets, coalesce(t.voided_bets, 0) as voided_bets,
         coalesce(t.voided_stake, 0) as voided_stake, t.pools, t.seals
       from races r join (
         select p.race_id, count(*) as pools, sum(t.gross) as gross, sum(t.bets) as bets, sum(t.voided_bets) as voided_bets,
           sum(t.voided_stake) as voided_stake,
           sum((select count(distinct s.shard) from seals s where s.pool_id = p.pool_id)) as seals
         from pools p left join pool_totals t using (pool_id) group by p.race_id
       ) t using (race_id)
       where r.roundings is null or r.post_time > $1 order by r.post_time, r.number limit ${MAX_RACES}`,
      [now - SHOWN_AFTER_MS],
    );
    return rows.map((row) => ({
      ...raceSummary(row),
      gross: row.gross,
      bets: row.bets,
      // A shard counts as sealed once it has sealed every pool of the race.
      sealed: row.pools > 0 ? `${Math.floor(row.seals / row.pools)}/${this.shards} shards` : null,
      voidedAfterStop: { count: row.voided_bets, amount: row.voided_stake },
    }));
  }

  async #shards() {
    const rows = await this.db.query<{ source: string; seq: number; head: string; inc: string | null; lag_ms: number }>(
      `select source, seq, head, inc, lag_ms from checkpoints where source like 'shard-%'`,
    );
    return rows
      .map(({ source, seq, head, inc, lag_ms }) => ({
        ...{ shard: Number(source.slice(6)), seq, head, incarnation: inc ?? '', lagMs: lag_ms },
      }))
      .sort((a, b) => a.shard - b.shard);
  }

  /** Newest first; `after` is the `next` of the page before. */
  async audit(page: { readonly after?: number; readonly limit?: number; readonly raceId?: string } = {}) {
    const limit = Math.min(page.limit ?? AUDIT_PAGE, MAX_AUDIT_PAGE);
    const rows = await this.db.query<AuditRow>(
      `select * from audit where ($1::bigint is null or seq < $1) and ($2::text is null or race_id = $2)
       order by seq desc limit $3`,
      [page.after ?? null, page.raceId ?? null, limit],
    );
    const entries = rows.map(
      (row): AuditEntry => ({
        ...{ seq: row.seq, at: iso(row.at), action: row.action },
        actor: { user: row.actor, roles: row.roles, device: row.device },
        ...{ raceId: row.race_id, reason: row.reason, outcome: row.outcome, code: row.code, detail: row.detail },
      }),
    );
    return { entries, next: rows.length === limit ? (entries.at(-1)?.seq ?? null) : null };
  }

  /** The settlement of a race: the three proposals, what they say, and what is still missing. Null for an unknown race. */
  async settlement(raceId: string) {
    const [race] = await this.db.query<SettlementRace>('select * from races where race_id = $1', [raceId]);
    if (!race) return null;
    const cards = await this.db.query<SettlementPool>(
      `select p.pool_id, p.type, p.differences, o.rows,
         (select count(distinct s.shard) from seals s where s.pool_id = p.pool_id and s.close_no = $2) as seals,
         (select count(*) from stake_reports k where k.pool_id = p.pool_id and k.version = $3) as counted
       from pools p left join odds o using (pool_id) where p.race_id = $1 order by p.pool_id`,
      [raceId, race.close_no, race.version],
    );
    const proposals = await this.db.query<{ pool_id: string; proposal: DividendProposal }>(
      'select pool_id, proposal from proposals where pool_id = any($1) and version = $2 order by source',
      [cards.map((card) => card.pool_id), race.version],
    );
    const byPool = groupBy(proposals, (one) => one.pool_id);
    const of = (card: SettlementPool): DividendProposal[] =>
      (byPool.get(card.pool_id) ?? []).map((one) => one.proposal);
    const isResulted = ['PROVISIONAL', 'PAYING', 'SETTLED'].includes(race.status);
    const pools = isResulted ? cards.flatMap((card) => settlementPool(card, of(card))) : [];
    const total = (of: (pool: (typeof pools)[number]) => number): number =>
      pools.reduce((sum, pool) => sum + of(pool), 0);
    return {
      raceId,
      status: race.status,
      resultVersion: race.version,
      enteredBy: race.entered_by,
      confirmedBy: race.confirmed_by,
      finish: race.finish,
      previewHash: race.preview_hash,
      waitingFor: race.status === 'PROVISIONAL' ? cards.flatMap((card) => this.#waits(card, of(card))) : [],
      pools,
      totals: {
        paid: total((pool) => pool.paid),
        takeout: total((pool) => pool.takeout),
        breakage: total((pool) => pool.breakage),
        topUp: total((pool) => pool.topUp),
      },
    };
  }

  #waits(card: SettlementPool, proposals: readonly DividendProposal[]): string[] {
    const { pool_id: id, seals, counted, differences } = card;
    const waits: string[] = [];
    if (seals < this.shards) waits.push(`${id}: ${this.shards - seals} of ${this.shards} shards have not sealed`);
    if (counted < this.shards) waits.push(`${id}: ${this.shards - counted} of ${this.shards} shards have not counted`);
    for (const source of PROPOSAL_SOURCES)
      if (!proposals.some((one) => one.source === source)) waits.push(`${id}: no proposal from ${source}`);
    return [...waits, ...differences.map((difference) => `${id}: ${difference}`)];
  }
}

interface SettlementRace extends RaceRow {
  readonly version: number;
  readonly close_no: number;
  readonly finish: readonly (readonly string[])[];
  readonly entered_by: string | null;
  readonly confirmed_by: string | null;
  readonly preview_hash: string | null;
}

interface SettlementPool {
  readonly pool_id: string;
  readonly type: string;
  readonly differences: readonly string[];
  readonly rows: readonly OddsRow[] | null;
  readonly seals: number;
  readonly counted: number;
}

interface AuditRow {
  readonly seq: number;
  readonly at: number;
  readonly action: string;
  readonly actor: string;
  readonly roles: readonly string[];
  readonly device: string;
  readonly race_id: string | null;
  readonly reason: string | null;
  readonly outcome: AuditEntry['outcome'];
  readonly code: string | null;
  readonly detail: string | null;
}

/** One pool of a settlement, by the engine's proposal or the first there is; nothing before one has come. */
function settlementPool(card: SettlementPool, proposals: readonly DividendProposal[]) {
  const shown = proposals.find((one) => one.source === 'ENGINE') ?? proposals[0];
  if (!shown) return [];
  const odds = new Map((card.rows ?? []).map((row) => [row[0], oddsText(row)]));
  const reference = figuresOf(shown);
  return [
    {
      poolId: card.pool_id,
      type: card.type,
      outcome: shown.outcome,
      gross: shown.grossMinor,
      refunds: shown.refundedMinor,
      takeout: shown.takeoutMinor,
      net: shown.netMinor,
      carryIn: shown.carryInMinor,
      jackpotIn: shown.jackpotInMinor ?? 0,
      breakage: shown.breakageMinor,
      topUp: shown.topUpMinor,
      guarantee: shown.guaranteeMinor ?? 0,
      carryOut: shown.carryOutMinor - (shown.jackpotMinor ?? 0),
      jackpot: shown.jackpotMinor ?? 0,
      paid: shown.paidMinor,
      house: shown.takeoutMinor + shown.breakageMinor - shown.topUpMinor,
      dividends: shown.dividends.map((line) => ({ ...dividendView(line), lastOdds: odds.get(line.c) ?? null })),
      proposals: proposals.map((one) => ({
        ...{ source: one.source, inputHash: one.inputHash, agrees: figuresOf(one) === reference },
      })),
      steps: shown.steps,
    },
  ];
}

/** One price, or the range where other winners matter. */
function oddsText(row: OddsRow): string | null {
  const { price, low, high } = oddsValue(row);
  if (price !== null || low === null || high === null) return price;
  return low === high ? low : `${low}–${high}`;
}

/** Everything of a proposal that must be equal among calculators, as one text. */
function figuresOf({ source: _source, steps: _steps, dividends, ...figures }: DividendProposal): string {
  const labelled = dividends.map((d) => ({ ...d, c: keyLabel(d.c) }));
  const sorted = labelled.sort((a, b) => (a.tier + a.c < b.tier + b.c ? -1 : 1));
  const amounts = Object.entries(figures).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([amounts, sorted.map((d) => [d.tier, d.c, d.price, d.stakeMinor, d.paidMinor])]);
}

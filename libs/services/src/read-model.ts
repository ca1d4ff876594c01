/**
 * What the interface reads: races, pools, accounts, statements and tickets from the read models, in the shapes of the contract. It
 * must never compute money, only show what decisions and ticks have said; a bet's state is put together from what happened to it.
 */
import { type LegOutcome, oddsGross, type PoolTerms } from '#mutuel/engine';
import type { SqlDatabase } from '#mutuel/runtime';
import { keyLabel, probables, type RuleSet, shapeOf } from '#mutuel/tote';
import { type KnownPool, type LastOdds, type OddsRow, type OddsValue, oddsValue, placeOf } from '#mutuel/views';
import { dividendView, termsView } from './dividend-view.js';
import { groupBy } from './group-by.js';
import {
  legStakes,
  type PoolInputs,
  poolInputs,
  stakeOnLine,
  stakesBesideLine,
  stakesByLegKey,
  standingStakes,
} from './pool-inputs.js';
import { publishedPools } from './projector.js';

export interface RaceSummary {
  readonly raceId: string;
  readonly meetingId: string;
  readonly number: number;
  readonly name: string;
  readonly postTime: string;
  readonly status: string;
  readonly stopAt: string | null;
  readonly offAt: string | null;
  readonly runnerCount: number;
}

export interface MeetingView {
  readonly meetingId: string;
  readonly course: string;
  readonly date: string;
  readonly country: string;
  readonly currency: string;
  readonly exponent: number;
  readonly races: readonly RaceSummary[];
}

export interface StatementEntry {
  /** `shard:seq:n`, the cursor too. */
  readonly position: string;
  readonly at: string;
  readonly kind: string;
  readonly amount: number;
  readonly before: number;
  readonly after: number;
  readonly ticketId: string | null;
  readonly betId: string | null;
  readonly poolId: string | null;
  readonly reason: string | null;
  /** By how much more (negative: less) the account owes after it; null where nothing was or is owed. */
  readonly owed: number | null;
}

export interface TicketBetView {
  readonly betRef: string;
  readonly betId: string;
  readonly poolId: string;
  readonly selection: string;
  readonly status: string;
  readonly lines: number;
  readonly unitStake: number;
  readonly stake: number;
  readonly indicativeOdds: null;
  readonly code: string | null;
  readonly detail: string | null;
  readonly pointer: string | null;
  readonly placement: 'ACCEPTED' | 'REJECTED' | 'CANCELLED';
  readonly resulting: 'NONE' | 'WON' | 'LOST' | 'REFUNDED' | 'PART_REFUNDED' | 'CORRECTED';
  readonly settlement: 'NONE' | 'SETTLED' | 'RESETTLED';
  readonly payout: number;
  readonly refund: number;
  /** Why stakes came back: `AFTER_STOP`, `SCRATCHED`, `RACE_VOID`, … */
  readonly refundCause: string | null;
}

export interface TicketView {
  readonly ticketId: string;
  readonly ticketRef: string;
  readonly accountId: string;
  /** `ACCEPTED`, `PARTIAL`, `REJECTED`, `CANCELLED`, or `BURNT` for an abandoned reference. */
  readonly status: string;
  readonly acceptedAt: string | null;
  readonly decidedAt: string;
  readonly totalStake: number;
  readonly currency: string | null;
  readonly channel: string | null;
  readonly code: string | null;
  readonly detail: string | null;
  readonly pointer: string | null;
  readonly bets: readonly TicketBetView[];
  /** As it stood right after the decision. */
  readonly balance: { readonly available: number } | null;
  readonly receipt: { readonly shard: number; readonly seq: number; readonly hash: string };
  /** Hash of the request's body, for the comparison with a repeated one. */
  readonly bodyHash: string | null;
}

export const iso = (ms: number): string => new Date(ms).toISOString();
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

const STATEMENT_PAGE = 100;
const HISTORY_LIMIT = 120;
const BIG_BETS = 10;

interface RaceRow {
  readonly race_id: string;
  readonly meeting_id: string;
  readonly number: number;
  readonly name: string;
  readonly post_time: number;
  readonly status: string;
  readonly stop_at: number | null;
  readonly off_at: number | null;
  readonly runner_count: number;
}

const raceSummary = (row: RaceRow): RaceSummary => ({
  raceId: row.race_id,
  meetingId: row.meeting_id,
  number: row.number,
  name: row.name,
  postTime: iso(row.post_time),
  status: row.status,
  stopAt: isoOrNull(row.stop_at),
  offAt: isoOrNull(row.off_at),
  runnerCount: row.runner_count,
});

/** Where a pool stands on the card: a pool over several races belongs to none of them. */
const placeOn = ({ race_id, legs }: { readonly race_id: string; readonly legs: readonly string[] | null }) =>
  legs ? { raceId: null, legs } : { raceId: race_id };

const offerOf = ({ pool_id: poolId, type, currency, status, gross, ...pool }: RacePoolRow) => ({
  ...{ poolId, type, currency, status, gross },
  minStake: pool.rule_set.minStakeMinor ?? 1,
  unitMultiple: pool.rule_set.unitMultipleMinor ?? 1,
  maxLines: pool.rule_set.maxLines ?? null,
  cancelWindowMs: pool.rule_set.cancelWindowMs ?? 0,
  ruleSet: pool.rule_set.id,
  ...(pool.carry_in === 0 ? {} : { carryIn: pool.carry_in }),
  ...termsView(pool.terms),
  ...(pool.legs ? placeOn(pool) : {}),
});

/** The line with which anybody can price a pool over several races again. */
function legsInput(inputs: PoolInputs, legs: readonly LegOutcome[]) {
  const { poolId, ruleSet, carryInMinor, grossMinor, currency, exponent } = inputs;
  const { stakes, refundsMinor } = legStakes(inputs);
  return {
    id: poolId,
    ruleSet: ruleSet.name,
    rules: ruleSet,
    pool: { type: ruleSet.poolType, currency, exponent },
    legs: legs.map(({ handicap, declared, entries, scratched, scratchedAfterClose, favourite, finish }) => ({
      runners: { declared, scratched, entries },
      ...(handicap ? { handicap } : {}),
      ...(scratchedAfterClose.length > 0 ? { scratchedAfterClose } : {}),
      ...(favourite === null ? {} : { favourite }),
      ...(finish === null ? { cancelled: true } : {}),
    })),
    results: legs.map(({ finish }) => finish ?? []),
    gross: grossMinor + refundsMinor,
    refunds: refundsMinor,
    carryIn: carryInMinor,
    ...termsView(inputs),
    stakes,
  };
}

export class ReadModel {
  constructor(private readonly db: SqlDatabase) {}

  // ── Racing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** All meetings of a day (`YYYY-MM-DD`), or of every day. */
  async meetings(date?: string): Promise<readonly MeetingView[]> {
    const rows = await this.db.query<MeetingRow>(
      'select * from meetings where $1::text is null or date = $1 order by date, meeting_id',
      [date ?? null],
    );
    return this.#withRaces(rows);
  }

  async meeting(meetingId: string): Promise<MeetingView | null> {
    const rows = await this.db.query<MeetingRow>('select * from meetings where meeting_id = $1', [meetingId]);
    return (await this.#withRaces(rows))[0] ?? null;
  }

  async #withRaces(rows: readonly MeetingRow[]): Promise<readonly MeetingView[]> {
    const races = await this.db.query<RaceRow>(
      'select * from races where meeting_id = any($1) order by post_time, number',
      [rows.map((row) => row.meeting_id)],
    );
    const byMeeting = groupBy(races, (race) => race.meeting_id);
    return rows.map(({ meeting_id: meetingId, course, date, country, currency, exponent }) => ({
      ...{ meetingId, course, date, country, currency, exponent },
      races: (byMeeting.get(meetingId) ?? []).map(raceSummary),
    }));
  }

  async race(raceId: string) {
    const [race] = await this.db.query<
      RaceRow & { version: number; finish: string[][]; disqualified: string[]; entered_by: string | null }
    >('select * from races where race_id = $1', [raceId]);
    if (!race) return null;
    const runners = await this.db.query<{ number: string; name: string; entry: string | null; status: string }>(
      'select number, name, entry, status from runners where race_id = $1 order by place',
      [raceId],
    );
    // A pool over several races is offered with its first leg; what was voided in it counts where it is settled.
    const pools = await this.db.query<RacePoolRow>(
      `select p.pool_id, p.race_id, p.legs, p.type, p.rule_set, p.carry_in, p.terms, r.status, m.currency, coalesce(t.gross, 0) as gross,
         coalesce(t.voided_bets, 0) as voided_bets, coalesce(t.voided_stake, 0) as voided_stake
       from pools p join races r using (race_id) join meetings m using (meeting_id) left join pool_totals t using (pool_id)
       where p.race_id = $1 or (p.legs is not null and p.legs->>0 = $1) order by p.pool_id`,
      [raceId],
    );
    const own = pools.filter((pool) => pool.race_id === raceId);
    const total = (of: (pool: RacePoolRow) => number): number => own.reduce((sum, pool) => sum + of(pool), 0);
    return {
      ...raceSummary(race),
      ...(pools[0] ? { currency: pools[0].currency } : {}),
      runners,
      pools: pools.filter(({ legs }) => legs === null || legs[0] === raceId).map(offerOf),
      result: await this.#result(race),
      voidedAfterStop: { count: total((pool) => pool.voided_bets), amount: total((pool) => pool.voided_stake) },
    };
  }

  async #result(race: RaceRow & { version: number; finish: string[][] }) {
    const isOfficial = race.status === 'PAYING' || race.status === 'SETTLED';
    if (race.version === 0 || !(isOfficial || race.status === 'PROVISIONAL')) return null;
    const dividends = isOfficial
      ? await this.db.query<{ poolId: string; type: string; tier: string; c: string; price: string }>(
          `select d.pool_id as "poolId", p.type, d.tier, d.c, d.price from dividends d join pools p using (pool_id)
           where p.race_id = $1 and d.version = $2 order by d.pool_id, d.tier, d.c`,
          [race.race_id, race.version],
        )
      : [];
    const { version, finish } = race;
    const labelled = dividends.map((dividend) => ({ ...dividend, c: keyLabel(dividend.c) }));
    return { version, finish, status: isOfficial ? 'OFFICIAL' : 'PROVISIONAL', dividends: labelled };
  }

  // ── Pools ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async pool(poolId: string) {
    const [row] = await this.db.query<PoolRow>(
      `select p.pool_id, p.race_id, p.legs, p.type, p.rule_set, p.carry_in, p.terms, r.status, m.currency, m.exponent, o.cycle, o.at, o.gross, o.net,
         o.final, o.rows
       from pools p join races r using (race_id) join meetings m using (meeting_id) left join odds o using (pool_id)
       where p.pool_id = $1`,
      [poolId],
    );
    if (!row) return null;
    const odds = (row.rows ?? []).map(oddsValue);
    return {
      poolId,
      ...placeOn(row),
      type: row.type,
      status: row.status,
      currency: row.currency,
      exponent: row.exponent,
      ruleSet: row.rule_set.id,
      gross: row.gross ?? 0,
      net: row.net ?? 0,
      carryIn: row.carry_in,
      ...termsView(row.terms),
      cycle: row.cycle,
      computedAt: isoOrNull(row.at),
      final: row.final ?? false,
      odds,
      bigBets: bigBets(odds),
    };
  }

  /** The newest figures of pools, as their tick told them. */
  async lastOdds(poolIds: readonly string[]): Promise<readonly LastOdds[]> {
    const rows = await this.db.query<LastOddsRow>('select * from odds where pool_id = any($1)', [poolIds]);
    return rows.map(({ pool_id: id, cycle, at, v, gross, net, carry_in: carryIn, final, rows: odds }) => ({
      ...{ cycle, at },
      pool: { id, v, gross, net, carryIn, final, rows: odds },
    }));
  }

  /** The pool as it was published, with all that a bet on it could name; null for an unknown pool. */
  async published(poolId: string): Promise<KnownPool | null> {
    const [pool] = await publishedPools(this.db, [poolId]);
    return pool ?? null;
  }

  /** The odds of one combination: its stake now, and the price it would have. Null for an unknown pool. */
  async probable(
    poolId: string,
    c: string,
  ): Promise<(OddsValue & { readonly poolId: string; readonly cycle: number | null }) | null> {
    const pool = await this.pool(poolId);
    if (!pool) return null;
    const { cycle } = pool;
    const shown = pool.odds.find((row) => row.c === c);
    if (shown) return { poolId, cycle, ...shown };
    const inputs = await poolInputs(this.db, poolId);
    if (!inputs) return null;
    if (inputs.legs) return { poolId, cycle, ...blank(c), stake: stakesByLegKey(inputs, [c]).get(c) ?? 0 };
    const { ruleSet, field, carryInMinor } = inputs;
    const grossMinor = oddsGross(inputs.grossMinor, inputs);
    const stake = stakeOnLine(inputs, c);
    const isListed = shapeOf(ruleSet.poolType).picks > 2;
    const stakeOf = ruleSet.tiers || ruleSet.weights ? stakesBesideLine(inputs, c) : undefined;
    const stakes = isListed ? { [c]: stake } : {};
    const { odds } = probables({ ruleSet, field, carryInMinor, grossMinor, stakes, ...(stakeOf && { stakeOf }) });
    const line = odds.find((one) => one.c === c);
    const { price, low, high } = line ?? { price: null, low: null, high: null };
    return { poolId, cycle, c, stake, price: stake > 0 ? price : null, low, high };
  }

  async history(poolId: string, since?: number) {
    const rows = await this.db.query<HistoryRow>(
      `select cycle, at, gross, final, late, rows from odds_history
       where pool_id = $1 and cycle > $2 order by cycle desc limit ${HISTORY_LIMIT}`,
      [poolId, since ?? -1],
    );
    const ticks = rows.map(({ cycle, at, gross, final, late, rows: odds }) => ({
      ...{ cycle, at: iso(at), gross, final, late },
      odds: odds.map(oddsValue).map(({ c, price, low, high }) => ({ c, price, low, high })),
    }));
    return { poolId, ticks: ticks.reverse() };
  }

  /**
   * The sheet declared last, the line that the price command recomputes it from, and every sheet there was, newest first; null until
   * declared.
   */
  async dividends(poolId: string) {
    const [row] = await this.db.query<{
      race_id: string;
      legs: string[] | null;
      status: string;
      sheet: DeclaredSheet | null;
      outcome: string;
    }>(
      'select p.race_id, p.legs, r.status, p.sheet, p.outcome from pools p join races r using (race_id) where pool_id = $1',
      [poolId],
    );
    if (!row?.sheet) return null;
    const rows = await this.db.query<SheetRow>('select * from sheets where pool_id = $1 order by version desc', [
      poolId,
    ]);
    return {
      poolId,
      ...placeOn(row),
      status: row.status,
      sheet: sheetView(row.outcome, row.sheet),
      versions: rows.map(({ version, at, outcome, sheet, finish, voided, reason, entered_by, confirmed_by }) => ({
        ...{ version, at: iso(at), finish, voided, reason, enteredBy: entered_by, confirmedBy: confirmed_by },
        sheet: sheetView(outcome, sheet),
      })),
      inputs: await this.#priceInput(poolId, row.sheet.grossMinor, rows[0]),
    };
  }

  /** A result not yet official, or a runner scratched since, has no part in what was declared. */
  async #priceInput(poolId: string, grossMinor: number, declared?: SheetRow) {
    const now = await poolInputs(this.db, poolId);
    if (!now || declared?.voided || now.grossMinor !== grossMinor) return null;
    const inputs = declared
      ? { ...now, finish: declared.finish, field: { ...now.field, scratched: declared.scratched } }
      : now;
    if (inputs.legs) return legsInput(inputs, inputs.legs);
    const { ruleSet, field, finish, carryInMinor, currency, exponent } = inputs;
    return {
      id: poolId,
      ruleSet: ruleSet.name,
      rules: ruleSet,
      pool: { type: ruleSet.poolType, currency, exponent },
      runners: {
        ...{ declared: field.declared, scratched: field.scratched ?? [], entries: field.entries ?? [] },
        ...(field.handicap && { handicap: true }),
      },
      result: finish,
      gross: grossMinor,
      carryIn: carryInMinor,
      ...termsView(inputs),
      stakes: standingStakes(inputs),
    };
  }

  // ── Accounts ───────────────────────────────────────────────────────────────────────────────────────────────────

  async account(accountId: string) {
    const [row] = await this.db.query<{ currency: string; balance: number; owed: number; limits: AccountLimits }>(
      'select currency, balance, owed, limits from accounts where account = $1',
      [accountId],
    );
    if (!row) return null;
    const [money] = await this.db.query<{ exponent: number }>(
      'select exponent from meetings where currency = $1 limit 1',
      [row.currency],
    );
    const { currency, balance, owed, limits } = row;
    return {
      ...{ accountId, currency, exponent: money?.exponent ?? 2, balance: { available: balance, owed } },
      ...{ status: limits.blocked ? 'BLOCKED' : 'ACTIVE', limits },
    };
  }

  /** Oldest first; `after` is the position of the last entry seen. Null for an unknown account. */
  async statement(accountId: string, after?: string, limit = STATEMENT_PAGE) {
    const [account] = await this.db.query('select 1 from accounts where account = $1', [accountId]);
    if (!account) return null;
    const [, seq = -1, n = -1] = (after ?? '').split(':').map(Number);
    const rows = await this.db.query<MovementRow>(
      `select * from movements where account = $1 and (seq, n) > ($2, $3) order by seq, n limit $4`,
      [accountId, count(seq), count(n), limit],
    );
    const entries = rows.map(statementEntry);
    return { entries, next: rows.length === limit ? (entries.at(-1)?.position ?? null) : null };
  }

  /** A deposit or withdrawal by its reference. */
  async moneyRef(accountId: string, ref: string) {
    const [row] = await this.db.query<{ kind: string; amount: number; seq: number; at: number; balance: number }>(
      'select kind, amount, seq, at, balance from money_refs where account = $1 and ref = $2',
      [accountId, ref],
    );
    return row ?? null;
  }

  // ── Tickets ────────────────────────────────────────────────────────────────────────────────────────────────────

  async ticket(ticketId: string): Promise<TicketView | null> {
    const [shard, seq] = placeOf(ticketId);
    const rows = await this.db.query<TicketRow>(
      'select * from tickets where shard = $1 and seq = $2 and ticket_id = $3',
      [shard, seq, ticketId],
    );
    return this.#ticket(rows);
  }

  /** The permanent answer to a reference, whatever it was; null while no decision on it was projected. */
  async ticketByRef(accountId: string, ref: string): Promise<TicketView | null> {
    const rows = await this.db.query<TicketRow>('select * from tickets where account = $1 and ref = $2', [
      accountId,
      ref,
    ]);
    return this.#ticket(rows);
  }

  /** How far a shard is projected: an unknown reference below this decision was never decided. */
  async projectedSeq(shard: number): Promise<number> {
    const [row] = await this.db.query<{ seq: number }>('select seq from checkpoints where source = $1', [
      `shard-${shard}`,
    ]);
    return row?.seq ?? 0;
  }

  /** When the account came over from the epoch before, whose tickets are not here; null for one of this epoch. */
  async carriedAt(accountId: string): Promise<number | null> {
    const [row] = await this.db.query<{ at: number }>(
      `select at from movements where account = $1 and kind = 'CARRIED' order by seq limit 1`,
      [accountId],
    );
    return row?.at ?? null;
  }

  /**
   * The last tickets of an account, newest first, refused and burnt ones too: by the time in their references, which the index holds.
   * Null for an unknown account.
   */
  async tickets(accountId: string, limit: number): Promise<{ readonly tickets: readonly TicketView[] } | null> {
    const [account] = await this.db.query('select 1 from accounts where account = $1', [accountId]);
    if (!account) return null;
    const rows = await this.db.query<TicketRow>('select * from tickets where account = $1 order by ref desc limit $2', [
      accountId,
      limit,
    ]);
    const places = [rows.map(({ shard }) => shard), rows.map(({ seq }) => seq)];
    const bets = await this.db.query<BetRow & { readonly seq: number }>(
      `${BETS} where (b.shard, b.seq) in (select * from unnest($1::int[], $2::bigint[])) order by b.no`,
      places,
    );
    const byTicket = groupBy(bets, ({ seq }) => seq);
    return { tickets: rows.map((row) => ticketView(row, byTicket.get(row.seq) ?? [])) };
  }

  async #ticket([row]: readonly TicketRow[]): Promise<TicketView | null> {
    if (!row) return null;
    const bets = await this.db.query<BetRow>(`${BETS} where b.shard = $1 and b.seq = $2 order by b.no`, [
      row.shard,
      row.seq,
    ]);
    return ticketView(row, bets);
  }
}

const BETS = `select b.*, r.roundings is not null as settled
  from bets b left join pools p using (pool_id) left join races r using (race_id)`;

function ticketView(row: TicketRow, bets: readonly BetRow[]): TicketView {
  const isDecided = row.status === 'REJECTED' || row.status === 'BURNT';
  return {
    ticketId: row.ticket_id,
    ticketRef: row.ref,
    accountId: row.account,
    status: row.status,
    acceptedAt: isDecided ? null : iso(row.at),
    decidedAt: iso(row.at),
    totalStake: row.total,
    currency: row.currency,
    channel: row.channel,
    code: row.code,
    detail: row.detail,
    pointer: row.pointer,
    bets: bets.map((bet) => betView(bet, row.ticket_id)),
    balance: row.balance === null ? null : { available: row.balance },
    receipt: { shard: row.shard, seq: row.seq, hash: row.hash },
    bodyHash: row.body,
  };
}

// ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface MeetingRow {
  readonly meeting_id: string;
  readonly course: string;
  readonly date: string;
  readonly country: string;
  readonly currency: string;
  readonly exponent: number;
}

interface RacePoolRow {
  readonly pool_id: string;
  /** With which it is settled. */
  readonly race_id: string;
  readonly legs: readonly string[] | null;
  readonly type: string;
  readonly rule_set: RuleSet;
  readonly carry_in: number;
  readonly terms: PoolTerms;
  readonly status: string;
  readonly currency: string;
  readonly gross: number;
  readonly voided_bets: number;
  readonly voided_stake: number;
}

interface PoolRow {
  readonly race_id: string;
  readonly legs: readonly string[] | null;
  readonly type: string;
  readonly rule_set: RuleSet;
  readonly carry_in: number;
  readonly terms: PoolTerms;
  readonly status: string;
  readonly currency: string;
  readonly exponent: number;
  readonly cycle: number | null;
  readonly at: number | null;
  readonly gross: number | null;
  readonly net: number | null;
  readonly final: boolean | null;
  readonly rows: readonly OddsRow[] | null;
}

interface LastOddsRow {
  readonly pool_id: string;
  readonly cycle: number;
  readonly at: number;
  readonly v: number;
  readonly gross: number;
  readonly net: number;
  readonly carry_in: number;
  readonly final: boolean;
  readonly rows: readonly OddsRow[];
}

interface HistoryRow {
  readonly cycle: number;
  readonly at: number;
  readonly gross: number;
  readonly final: boolean;
  readonly late: boolean;
  readonly rows: readonly OddsRow[];
}

interface SheetRow {
  readonly version: number;
  readonly at: number;
  readonly outcome: string;
  readonly sheet: DeclaredSheet;
  readonly finish: readonly (readonly string[])[];
  readonly scratched: readonly string[];
  readonly voided: boolean;
  readonly reason: string | null;
  readonly entered_by: string | null;
  readonly confirmed_by: string | null;
}

interface DeclaredSheet {
  readonly grossMinor: number;
  readonly takeoutMinor: number;
  readonly netMinor: number;
  readonly carryInMinor: number;
  readonly breakageMinor: number;
  readonly topUpMinor: number;
  readonly jackpotInMinor?: number;
  readonly guaranteeMinor?: number;
  readonly jackpotMinor?: number;
  readonly carryOutMinor: number;
  readonly refundedMinor: number;
  readonly dividends: readonly {
    readonly tier: string;
    readonly c: string;
    readonly price: string;
    readonly stakeMinor: number;
    readonly paidMinor: number;
  }[];
  readonly steps: readonly string[];
}

interface AccountLimits {
  readonly blocked?: boolean;
}

interface MovementRow {
  readonly shard: number;
  readonly seq: number;
  readonly n: number;
  readonly at: number;
  readonly kind: string;
  readonly amount: number;
  readonly after: number;
  readonly ticket_id: string | null;
  readonly bet_no: number | null;
  readonly pool_id: string | null;
  readonly reason: string | null;
  readonly owed: number | null;
}

interface TicketRow {
  readonly ticket_id: string;
  readonly account: string;
  readonly ref: string;
  readonly shard: number;
  readonly seq: number;
  readonly at: number;
  readonly hash: string;
  readonly status: string;
  readonly code: string | null;
  readonly detail: string | null;
  readonly pointer: string | null;
  readonly total: number;
  readonly currency: string | null;
  readonly channel: string | null;
  readonly body: string | null;
  readonly balance: number | null;
}

interface BetRow {
  readonly no: number;
  readonly ref: string;
  readonly pool_id: string;
  readonly sel: string;
  readonly lines: number;
  readonly unit: number;
  readonly stake: number;
  readonly placement: TicketBetView['placement'];
  readonly code: string | null;
  readonly detail: string | null;
  readonly pointer: string | null;
  readonly refunded: number;
  readonly paid: number;
  /** Of the stake, by a settlement. */
  readonly returned: number;
  readonly corrected: boolean;
  readonly cause: string | null;
  readonly settled: boolean | null;
}

const betId = (ticket: string, no: number): string => `${ticket}-${no + 1}`;

function betView(row: BetRow, ticketId: string): TicketBetView {
  return {
    betRef: row.ref,
    betId: betId(ticketId, row.no),
    poolId: row.pool_id,
    selection: row.sel,
    status: row.placement,
    lines: row.lines,
    unitStake: row.unit,
    stake: row.stake,
    indicativeOdds: null,
    code: row.code,
    detail: row.detail,
    pointer: row.pointer,
    placement: row.placement,
    resulting: resultingOf(row),
    settlement: row.corrected ? 'RESETTLED' : isSettled(row) ? 'SETTLED' : 'NONE',
    payout: row.paid,
    refund: backOf(row),
    refundCause: row.cause,
  };
}

function resultingOf(row: BetRow): TicketBetView['resulting'] {
  if (row.placement !== 'ACCEPTED') return 'NONE';
  if (row.corrected) return 'CORRECTED';
  if (row.paid > 0) return 'WON';
  if (backOf(row) >= row.stake) return 'REFUNDED';
  if (row.settled) return 'LOST';
  return backOf(row) > 0 ? 'PART_REFUNDED' : 'NONE';
}

const isSettled = (row: BetRow): boolean =>
  row.placement === 'ACCEPTED' && (row.paid > 0 || backOf(row) >= row.stake || row.settled === true);

/** Of the stake: what came back before the settlement and by it. */
const backOf = ({ refunded, returned }: BetRow): number => refunded + returned;

const sheetView = (outcome: string, sheet: DeclaredSheet) => ({
  outcome,
  gross: sheet.grossMinor,
  takeout: sheet.takeoutMinor,
  net: sheet.netMinor,
  carryIn: sheet.carryInMinor,
  jackpotIn: sheet.jackpotInMinor ?? 0,
  dividends: sheet.dividends.map(dividendView),
  breakage: sheet.breakageMinor,
  topUp: sheet.topUpMinor,
  guarantee: sheet.guaranteeMinor ?? 0,
  // The carry-out of a declaration has the jackpot's part in it.
  carryOut: sheet.carryOutMinor - (sheet.jackpotMinor ?? 0),
  jackpot: sheet.jackpotMinor ?? 0,
  refunded: sheet.refundedMinor,
  steps: sheet.steps,
});

function statementEntry(row: MovementRow): StatementEntry {
  return {
    position: `${row.shard}:${row.seq}:${row.n}`,
    at: iso(row.at),
    kind: row.kind,
    amount: row.amount,
    before: row.after - row.amount,
    after: row.after,
    ticketId: row.ticket_id,
    betId: row.ticket_id !== null && row.bet_no !== null ? betId(row.ticket_id, row.bet_no) : null,
    poolId: row.pool_id,
    reason: row.reason,
    owed: row.owed,
  };
}

const blank = (c: string) => ({ c, price: null, low: null, high: null });

const count = (value: number): number => (Number.isSafeInteger(value) ? value : -1);

function bigBets(odds: readonly OddsValue[]): readonly { c: string; stake: number; price: string | null }[] {
  return odds
    .filter((row) => row.stake > 0)
    .sort((a, b) => b.stake - a.stake)
    .slice(0, BIG_BETS)
    .map(({ c, stake, price }) => ({ c, stake, price }));
}

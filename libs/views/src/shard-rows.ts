/**
 * A batch of shard decisions as rows: tickets, bets, balances, movements and pool totals. Sums are kept as differences, so a batch
 * must be written together with its checkpoint, in one transaction, or not at all.
 */
import type { BetCorrection, BetMovement, CarriedRef, MeetingCard, ShardEvent, TicketAccepted } from '#mutuel/engine';
import type { PoolCards } from './cards.js';
import { cardStatements } from './market-rows.js';
import type { PlacedDecision } from './odds-book.js';
import { type Cell, RowSet, type SqlStatement } from './row-set.js';

/** A decision with its hash: what a receipt shows. */
export interface HashedDecision extends PlacedDecision {
  readonly hash: string;
}

export type MovementKind =
  | 'DEPOSIT'
  | 'WITHDRAWAL'
  | 'STAKE'
  | 'CANCEL'
  | 'VOID'
  | 'REFUND'
  | 'PAYOUT'
  /** A changed result: what a bet got more or gave back. */
  | 'CARRIED'
  | 'CORRECTION'
  /** Kept back of a payout for what a correction could not take. */
  | 'RECOVERY';

/** A bet whose lines leave the pool, and must be read back from the database unless this batch placed it. */
export interface Withdrawn {
  readonly ticket: string;
  readonly no: number;
  readonly pool: string;
}

/** Refusals that say nothing new: repeated steps and facts, and the answers to repeated requests. */
const UNREMARKABLE = new Set(['REPLAY', 'CURSOR_STALE', 'ALREADY_APPLIED']);

/** A ticket is one decision: shard and sequence number name it. */
const TICKET_KEY = ['int', 'bigint'] as const;
const TEXTS = ['text', 'text', 'text', 'text', 'text'] as const;

type Placed = { readonly sel: string; readonly unit: number };

export class ShardRows {
  readonly #cards: PoolCards;
  /** Written here too: a shard's log may be read ahead of the market's. */
  readonly #meetings: MeetingCard[] = [];
  readonly #opened = new RowSet(
    ['text', 'int', 'text', 'bigint'],
    'insert into accounts (account, shard, currency, balance) select * from ROWS on conflict (account) do nothing',
  );
  readonly #tickets = new RowSet(
    [...TICKET_KEY, 'text', 'text', 'text', 'bigint', ...TEXTS, 'bigint', 'text', 'text', 'text', 'bigint', 'text'],
    `insert into tickets (shard, seq, ticket_id, account, ref, at, hash, status, code, detail, pointer, total, currency, channel, body, balance,
       blind)
     select * from ROWS on conflict do nothing`,
  );
  readonly #bets = new RowSet(
    [...TICKET_KEY, 'int', 'text', 'text', 'text', 'bigint', 'bigint', 'bigint', ...TEXTS],
    `insert into bets (shard, seq, no, ref, pool_id, sel, lines, unit, stake, leaf, placement, code, detail, pointer)
     select * from ROWS on conflict do nothing`,
  );
  readonly #movements = new RowSet(
    ['int', 'bigint', 'int', 'bigint', 'text', 'text', 'bigint', 'bigint', 'text', 'int', 'text', 'text', 'bigint'],
    `insert into movements (shard, seq, n, at, account, kind, amount, after, ticket_id, bet_no, pool_id, reason, owed)
     select * from ROWS on conflict do nothing`,
  );
  readonly #moneyRefs = new RowSet(
    ['text', 'text', 'text', 'bigint', 'bigint', 'bigint', 'bigint'],
    'insert into money_refs (account, ref, kind, amount, seq, at, balance) select * from ROWS on conflict do nothing',
  );
  readonly #rejects = new RowSet(
    ['text', 'bigint', 'bigint', 'text', 'text', 'text', 'text', 'text', 'text'],
    'insert into rejects (source, seq, at, cid, account, ref, code, detail, pointer) select * from ROWS on conflict do nothing',
  );
  readonly #counts = new RowSet(
    ['text', 'int', 'int'],
    'insert into shard_counts (pool_id, version, shard) select * from ROWS on conflict do nothing',
  );
  readonly #balances = new Map<string, number>();
  readonly #limits = new Map<string, string>();
  readonly #owed = new Map<string, number>();
  readonly #totals = new Map<
    string,
    { gross: number; bets: number; voidedBets: number; voidedStake: number; settled: number }
  >();
  readonly #stakes = new Map<string, Map<string, number>>();
  readonly #wide = new Map<string, Map<string, number>>();
  /** What bets got back or were paid, by ticket and bet. */
  readonly #back = new Map<
    string,
    { ticket: string; no: number; refunded: number; paid: number; returned: number; cause: string | null }
  >();
  /** What corrections added to what a settlement gave, and whether it is the stake given back; by ticket and bet. */
  readonly #corrected = new Map<string, { ticket: string; no: number; amount: number; refunds: boolean }>();
  readonly #cancelled = new Map<string, { ticket: string; no: number }>();
  readonly #placed = new Map<string, Placed>();
  readonly #withdrawn = new Map<string, Withdrawn>();

  constructor(cards: PoolCards) {
    this.#cards = cards;
  }

  apply(shard: number, placed: HashedDecision): void {
    const { decision } = placed;
    const context = { shard, placed, n: 0 };
    for (const event of decision.events as readonly ShardEvent[]) this.#event(context, event);
    if (decision.code !== undefined && !UNREMARKABLE.has(decision.code)) this.#refused(decision);
  }

  /** Bets of earlier batches whose selection is needed before this one can be written. */
  unknown(): readonly Withdrawn[] {
    return [...this.#withdrawn].filter(([key]) => !this.#placed.has(key)).map(([, withdrawn]) => withdrawn);
  }

  /** Answers `unknown`. */
  found({ ticket, no, sel, unit }: { ticket: string; no: number; sel: string; unit: number }): void {
    this.#placed.set(keyOf(ticket, no), { sel, unit });
  }

  /** In the order in which they must run. */
  statements(): SqlStatement[] {
    for (const [key, { ticket, no, pool }] of this.#withdrawn) {
      const bet = this.#placed.get(key);
      if (!bet) throw new Error(`bet ${no} of ticket ${ticket} is withdrawn and was never placed`);
      this.#spread(pool, bet.sel, -bet.unit);
    }
    const rows = [
      this.#opened,
      this.#tickets,
      this.#bets,
      this.#movements,
      this.#moneyRefs,
      this.#rejects,
      this.#counts,
      ...this.#updates(),
    ];
    return [...this.#meetings.flatMap(cardStatements), ...rows.flatMap((one) => one.statements())];
  }

  #updates(): RowSet[] {
    const balances = new RowSet(
      ['text', 'bigint'],
      'update accounts a set balance = x.balance from ROWS as x(account, balance) where a.account = x.account',
    );
    for (const row of this.#balances) balances.add(...row);
    const owed = new RowSet(
      ['text', 'bigint'],
      'update accounts a set owed = a.owed + x.owed from ROWS as x(account, owed) where a.account = x.account',
    );
    for (const row of this.#owed) owed.add(...row);
    const limits = new RowSet(
      ['text', 'jsonb'],
      'update accounts a set limits = x.limits from ROWS as x(account, limits) where a.account = x.account',
    );
    for (const row of this.#limits) limits.add(...row);
    const totals = new RowSet(
      ['text', 'bigint', 'bigint', 'bigint', 'bigint', 'bigint'],
      `insert into pool_totals (pool_id, gross, bets, voided_bets, voided_stake, settled) select * from ROWS on conflict (pool_id) do update set
       gross = pool_totals.gross + excluded.gross, bets = pool_totals.bets + excluded.bets,
       voided_bets = pool_totals.voided_bets + excluded.voided_bets, voided_stake = pool_totals.voided_stake + excluded.voided_stake,
       settled = pool_totals.settled + excluded.settled`,
    );
    for (const [pool, t] of this.#totals) totals.add(pool, t.gross, t.bets, t.voidedBets, t.voidedStake, t.settled);
    const stakes = [this.#stakeRows(), this.#wideRows()];
    return [balances, owed, limits, totals, ...stakes, this.#backRows(), this.#correctedRows(), ...this.#cancelRows()];
  }

  #stakeRows(): RowSet {
    const rows = new RowSet(
      ['text', 'text', 'bigint'],
      `insert into pool_stakes (pool_id, c, stake) select * from ROWS
       on conflict (pool_id, c) do update set stake = pool_stakes.stake + excluded.stake`,
    );
    for (const [pool, stakes] of this.#stakes)
      for (const [c, stake] of stakes) if (stake !== 0) rows.add(pool, c, stake);
    return rows;
  }

  #wideRows(): RowSet {
    const rows = new RowSet(
      ['text', 'text', 'bigint'],
      `insert into pool_wide (pool_id, sel, unit) select * from ROWS
       on conflict (pool_id, sel) do update set unit = pool_wide.unit + excluded.unit`,
    );
    for (const [pool, units] of this.#wide) for (const [sel, unit] of units) if (unit !== 0) rows.add(pool, sel, unit);
    return rows;
  }

  #backRows(): RowSet {
    const rows = new RowSet(
      [...TICKET_KEY, 'int', 'bigint', 'bigint', 'bigint', 'text'],
      `update bets b set refunded = b.refunded + x.refunded, paid = b.paid + x.paid, returned = b.returned + x.returned,
         cause = coalesce(x.cause, b.cause)
       from ROWS as x(shard, seq, no, refunded, paid, returned, cause) where b.shard = x.shard and b.seq = x.seq and b.no = x.no`,
    );
    for (const { ticket, no, refunded, paid, returned, cause } of this.#back.values())
      rows.add(...placeOf(ticket), no, refunded, paid, returned, cause);
    return rows;
  }

  #correctedRows(): RowSet {
    const rows = new RowSet(
      [...TICKET_KEY, 'int', 'bigint', 'boolean'],
      `update bets b set corrected = true, paid = case when x.refunds then 0 else b.paid + b.returned + x.amount end,
         returned = case when x.refunds then b.paid + b.returned + x.amount else 0 end
       from ROWS as x(shard, seq, no, amount, refunds) where b.shard = x.shard and b.seq = x.seq and b.no = x.no`,
    );
    for (const { ticket, no, amount, refunds } of this.#corrected.values())
      rows.add(...placeOf(ticket), no, amount, refunds);
    return rows;
  }

  #cancelRows(): RowSet[] {
    const bets = new RowSet(
      [...TICKET_KEY, 'int'],
      `update bets b set placement = 'CANCELLED' from ROWS as x(shard, seq, no)
       where b.shard = x.shard and b.seq = x.seq and b.no = x.no`,
    );
    const tickets = new RowSet(
      TICKET_KEY,
      `update tickets t set status = 'CANCELLED' from ROWS as x(shard, seq) where t.shard = x.shard and t.seq = x.seq`,
    );
    for (const { ticket, no } of this.#cancelled.values()) bets.add(...placeOf(ticket), no);
    for (const ticket of new Set([...this.#cancelled.values()].map((one) => one.ticket)))
      tickets.add(...placeOf(ticket));
    return [bets, tickets];
  }

  // ── Events ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #event(x: EventContext, e: ShardEvent): void {
    switch (e.t) {
      case 'TicketAccepted':
        this.#accepted(x, e);
        return;
      case 'RefTaken':
        this.#ticketRefused(x, e);
        return;
      case 'RefBurnt':
        this.#ticketRow(x, { account: e.account, ref: e.ref, status: 'BURNT', code: 'REF_BURNT' });
        return;
      case 'AccountOpened':
        this.#opened.add(e.account, x.shard, e.currency, 0);
        return;
      case 'MoneyMoved': {
        const amount = e.kind === 'DEPOSIT' ? e.amount : -e.amount;
        const { decision } = x.placed;
        this.#move(x, { account: e.account, kind: e.kind, amount, after: e.balance, reason: e.ref });
        this.#moneyRefs.add(e.account, e.ref, e.kind, e.amount, decision.seq, decision.at, e.balance);
        return;
      }
      case 'AccountCarried': {
        this.#opened.add(e.account, x.shard, e.currency, 0);
        this.#limits.set(e.account, JSON.stringify(e.limits));
        if (e.owed > 0) this.#owed.set(e.account, (this.#owed.get(e.account) ?? 0) + e.owed);
        const kept = { account: e.account, kind: 'CARRIED', amount: e.balance, after: e.balance } as const;
        this.#move(x, { ...kept, reason: 'from the epoch before' });
        this.#carriedRefs(x, e.account, e.refs, e.balance);
        return;
      }
      case 'RefsCarried':
        this.#carriedRefs(x, e.account, e.refs, null);
        return;
      case 'LimitsSet':
        this.#limits.set(e.account, JSON.stringify(e.limits));
        return;
      case 'TicketCancelled':
        this.#ticketCancelled(x, e);
        return;
      case 'BetsRefunded':
        for (const item of e.items) this.#refund(x, e, item);
        return;
      case 'BetsPaid':
        for (const item of e.items) {
          this.#returned(item, { paid: item.amount });
          this.#totalsOf(e.pool).settled += item.amount;
          this.#settleMove(x, 'PAYOUT', e.pool, item, null);
        }
        return;
      case 'BetsCorrected':
        for (const item of e.items) this.#correct(x, e, item);
        return;
      case 'Report':
        if (e.report.t === 'Stakes') this.#counts.add(e.report.pool, e.report.version, x.shard);
        return;
      case 'FactApplied':
        if (e.fact.t !== 'MeetingPublished') return;
        this.#cards.publish(e.fact.meeting);
        this.#meetings.push(e.fact.meeting);
        return;
      default:
    }
  }

  #accepted(x: EventContext, e: TicketAccepted): void {
    const { ticket, account, ref, currency, channel, body, blind, total, balance } = e;
    const { seq } = x.placed.decision;
    const status = e.refused.length > 0 ? 'PARTIAL' : 'ACCEPTED';
    this.#ticketRow(x, { ticket, account, ref, status, total, currency, channel, body, balance, blind });
    let after = balance + total;
    for (const bet of e.bets) {
      const { no, pool, sel, unit, stake, lines, leaf } = bet;
      this.#bets.add(x.shard, seq, no, bet.ref, pool, sel, lines, unit, stake, leaf, 'ACCEPTED', null, null, null);
      after -= stake;
      this.#move(x, { account, kind: 'STAKE', amount: -stake, after, ticket, no, pool });
      this.#placed.set(keyOf(ticket, no), bet);
      this.#spread(pool, sel, unit);
      const totals = this.#totalsOf(pool);
      totals.gross += stake;
      totals.bets += 1;
    }
    for (const { no, ref: betRef, code, detail, pointer } of e.refused)
      this.#bets.add(x.shard, seq, no, betRef, '', '', 0, 0, 0, null, 'REJECTED', code, detail, pointer);
  }

  #ticketRefused(x: EventContext, e: { account: string; ref: string; body: string }): void {
    const { decision } = x.placed;
    const { code = null, detail = null, pointer = null } = decision;
    this.#ticketRow(x, { account: e.account, ref: e.ref, body: e.body, status: 'REJECTED', code, detail, pointer });
  }

  #ticketRow(x: EventContext, t: TicketColumns): void {
    const { decision, hash } = x.placed;
    // A refused ticket is named as an accepted one would be.
    const id = t.ticket ?? `t${x.shard}-${decision.seq}-${decision.cid.slice(-12)}`;
    const { status, code = null, detail = null, pointer = null, total = 0 } = t;
    const { currency = null, channel = null, body = null, balance = null, blind = null } = t;
    const { seq, at } = decision;
    const own: readonly Cell[] = [status, code, detail, pointer, total, currency, channel, body, balance, blind];
    this.#tickets.add(x.shard, seq, id, t.account, t.ref, at, hash, ...own);
  }

  #ticketCancelled(x: EventContext, e: Extract<ShardEvent, { t: 'TicketCancelled' }>): void {
    let after = e.balance - e.bets.reduce((sum, bet) => sum + bet.amount, 0);
    for (const { pool, no, amount } of e.bets) {
      after += amount;
      const item = { ticket: e.ticket, no, account: e.account, amount, balance: after };
      this.#cancelled.set(keyOf(e.ticket, no), item);
      this.#returned(item, { refunded: amount, cause: 'CANCELLED' });
      this.#withdraw(item, pool);
      this.#moveBet(x, 'CANCEL', pool, item, e.reason);
    }
  }

  #refund(x: EventContext, e: Extract<ShardEvent, { t: 'BetsRefunded' }>, item: BetMovement): void {
    const { cause, pool } = e;
    const isVoid = cause === 'AFTER_STOP' || cause === 'AFTER_OFF';
    const given = cause === 'POOL_REFUNDED' ? { returned: item.amount } : { refunded: item.amount };
    this.#returned(item, { ...given, cause });
    this.#moveBet(x, isVoid ? 'VOID' : 'REFUND', pool, item, cause);
    // A scratch leaves the bet; its combinations count no more. A pool paid back at settlement keeps its figures.
    if (cause === 'SCRATCHED') this.#totalsOf(pool).gross -= item.amount;
    else if (cause !== 'POOL_REFUNDED') this.#withdraw(item, pool);
    else this.#totalsOf(pool).settled += item.amount;
    if (!isVoid) return;
    const totals = this.#totalsOf(pool);
    totals.voidedBets += 1;
    totals.voidedStake += item.amount;
  }

  #correct(x: EventContext, e: Extract<ShardEvent, { t: 'BetsCorrected' }>, item: BetCorrection): void {
    this.#totalsOf(e.pool).settled += item.due - item.was;
    // What is left with the bettor by the pool's policy is no movement of his.
    if (item.amount === 0) return;
    const { ticket, no, amount } = item;
    const before = this.#corrected.get(keyOf(ticket, no))?.amount ?? 0;
    this.#corrected.set(keyOf(ticket, no), { ticket, no, amount: before + amount, refunds: e.outcome === 'REFUND' });
    this.#settleMove(x, 'CORRECTION', e.pool, item, `RESULT ${e.version}`);
  }

  /** A settlement's movement: what it gives, then what is kept back of it; or what could be taken, and what is owed for the rest. */
  #settleMove(
    x: EventContext,
    kind: 'PAYOUT' | 'CORRECTION',
    pool: string,
    item: BetMovement,
    reason: string | null,
  ): void {
    const { net = 0, balance, account } = item;
    if (net !== 0) this.#owed.set(account, (this.#owed.get(account) ?? 0) - net);
    if (net >= 0) this.#moveBet(x, kind, pool, { ...item, balance: balance + net }, reason);
    else this.#moveBet(x, kind, pool, { ...item, amount: item.amount - net }, reason, -net);
    if (net > 0) this.#moveBet(x, 'RECOVERY', pool, { ...item, amount: -net }, reason, -net);
  }

  #refused(decision: PlacedDecision['decision']): void {
    const { src, seq, at, cid, code = '', detail = null, pointer = null } = decision;
    const taken = (decision.events as readonly ShardEvent[]).find((event) => event.t === 'RefTaken');
    const who = taken?.t === 'RefTaken' ? taken : undefined;
    this.#rejects.add(src, seq, at, cid, who?.account ?? null, who?.ref ?? null, code, detail, pointer);
  }

  // ── Sums ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #withdraw(item: { readonly ticket: string; readonly no: number; readonly amount: number }, pool: string): void {
    this.#withdrawn.set(keyOf(item.ticket, item.no), { ticket: item.ticket, no: item.no, pool });
    const totals = this.#totalsOf(pool);
    totals.gross -= item.amount;
    totals.bets -= 1;
  }

  #returned(
    { ticket, no }: { ticket: string; no: number },
    add: { paid?: number; refunded?: number; returned?: number; cause?: string },
  ): void {
    const key = keyOf(ticket, no);
    const known = this.#back.get(key) ?? { ticket, no, refunded: 0, paid: 0, returned: 0, cause: null };
    known.paid += add.paid ?? 0;
    known.refunded += add.refunded ?? 0;
    known.returned += add.returned ?? 0;
    known.cause = add.cause ?? known.cause;
    this.#back.set(key, known);
  }

  #spread(pool: string, sel: string, unit: number): void {
    const lines = this.#cards.linesOf(pool, sel);
    if (lines === null) addTo(this.#wide, pool, sel, unit);
    else for (const c of lines) addTo(this.#stakes, pool, c, unit);
  }

  #totalsOf(pool: string) {
    let totals = this.#totals.get(pool);
    if (!totals) {
      totals = { gross: 0, bets: 0, voidedBets: 0, voidedStake: 0, settled: 0 };
      this.#totals.set(pool, totals);
    }
    return totals;
  }

  #moveBet(
    x: EventContext,
    kind: MovementKind,
    pool: string,
    item: Omit<BetMovement, 'i'>,
    reason: string | null,
    owed: number | null = null,
  ): void {
    const { account, amount, balance, ticket, no } = item;
    this.#move(x, { account, kind, amount, after: balance, ticket, no, pool, reason, owed });
  }

  #carriedRefs(x: EventContext, account: string, refs: readonly CarriedRef[], balance: number | null): void {
    const { seq, at } = x.placed.decision;
    for (const [ref, amount] of refs) {
      const kind = amount < 0 ? 'WITHDRAWAL' : 'DEPOSIT';
      this.#moneyRefs.add(account, ref, kind, Math.abs(amount), seq, at, balance ?? this.#balances.get(account) ?? 0);
    }
  }

  #move(x: EventContext, m: Movement): void {
    const { seq, at } = x.placed.decision;
    const { ticket = null, no = null, pool = null, reason = null, owed = null } = m;
    const own = [x.shard, seq, x.n++, at, m.account, m.kind, m.amount, m.after] as const;
    this.#movements.add(...own, ticket, no, pool, reason, owed);
    this.#balances.set(m.account, m.after);
  }
}

interface EventContext {
  readonly shard: number;
  readonly placed: HashedDecision;
  /** Number of the decision's next movement. */
  n: number;
}

interface Movement {
  readonly account: string;
  readonly kind: MovementKind;
  /** Signed, minor units. */
  readonly amount: number;
  /** The balance after it. */
  readonly after: number;
  readonly ticket?: string;
  readonly no?: number;
  readonly pool?: string;
  readonly reason?: string | null;
  /** By how much more (negative: less) the account owes after it. */
  readonly owed?: number | null;
}

interface TicketColumns {
  readonly ticket?: string;
  readonly account: string;
  readonly ref: string;
  readonly status: string;
  readonly code?: string | null;
  readonly detail?: string | null;
  readonly pointer?: string | null;
  readonly total?: number;
  readonly currency?: string;
  readonly channel?: string;
  readonly body?: string;
  readonly balance?: number;
  readonly blind?: string;
}

/** Shard and sequence number out of a ticket's id, `t<shard>-<seq>-<random>`. */
export function placeOf(ticket: string): [shard: number, seq: number] {
  const [, shard = '', seq = ''] = /^t(\d{1,6})-(\d{1,15})-/.exec(ticket) ?? [];
  return [Number(shard), Number(seq)];
}

const keyOf = (ticket: string, no: number): string => `${ticket}/${no}`;

function addTo(sums: Map<string, Map<string, number>>, pool: string, key: string, amount: number): void {
  let own = sums.get(pool);
  if (!own) {
    own = new Map();
    sums.set(pool, own);
  }
  own.set(key, (own.get(key) ?? 0) + amount);
}

/**
 * One shard as the rules say it must be: accounts, references, races, pools and bets kept from the decisions alone, with every
 * decision held against what the rules allow at that moment. Naive on purpose: plain maps, every bet an object, every line written out.
 */
import type { Decision, Fields } from './chain.js';
import { sha256 } from './chain.js';
import type { Command } from './commands.js';
import { must } from './finding.js';
import { asRun, isColumn, isOn, isRightIn, type LegLines, legLinesOf, linesOf, payment } from './lines.js';
import { merkleRoot } from './merkle.js';
import { type AccountLimits, barredBy, follows, inForce } from './player-limits.js';

export interface Rules {
  readonly minStakeMinor?: number;
  readonly unitMultipleMinor?: number;
  /** How a stake is shared by the lines: in whole amounts of the multiple; in whole per cents; not at all. */
  readonly flexi?: { readonly percentOf: number; readonly least: number } | 'NONE';
  readonly complements?: number;
  readonly report?: { readonly mostTimes: number };
  readonly cancelWindowMs?: number;
  readonly payment: 'DOWN' | 'NEAREST';
  readonly corrections?: 'NONE' | 'UNDERPAY_ONLY' | 'CLAWBACK';
  /** What becomes of a non-runner in a pool over several races. */
  readonly legs?: { readonly scratch: 'REFUND' | 'FAVOURITE' | 'CONSOLATION' };
}

export interface Account {
  readonly currency: string;
  balance: number;
  /** What could not be taken back from it. */
  owed: number;
  limits: AccountLimits;
  limitsVersion: number;
  day: number;
  dayStaked: number;
  readonly money: Map<string, { readonly seq: number; readonly amount: number }>;
}

export interface Race {
  status: 'DRAFT' | 'OPEN' | 'SUSPENDED' | 'CLOSED';
  readonly runners: readonly string[];
  readonly scheduledStop: number;
  readonly scratched: string[];
  closeNo: number;
  stopAt: number;
  offAt: number;
  marker: { readonly seq: number; readonly at: number } | undefined;
  /** Its own, and those over several races of which it is a leg. */
  readonly pools: string[];
}

export interface Bet extends LegLines {
  readonly key: string;
  readonly account: string;
  readonly at: number;
  readonly unit: number;
  readonly stake: number;
  left: number;
  /** A report: where what it wins is staked, until it went there. */
  next: readonly Step[];
  /** What the pool has given on it by settling it, and what its bettor has of that. */
  given: number;
  held: number;
}

/** A later bet of a report: a share in quarters of what the bet before it won. */
interface Step {
  readonly pool: string;
  readonly sel: string;
  readonly quarters: number;
}

/** What a bet of a report brought in, on its way to the next one. */
interface Rolled {
  readonly account: string;
  readonly won: number;
  readonly steps: readonly Step[];
  /** At some moment it was let go, and rightly. */
  isExcused: boolean;
}

/** What a result comes to: by the version it was declared under, 0 of a race that was void before. */
interface Terms {
  readonly outcome: string;
  readonly prices: readonly { readonly c: string; readonly price: string }[];
}

export interface Pool {
  readonly type: string;
  readonly currency: string;
  readonly rules: Rules;
  /** The race whose close ends the sale: over several races the first leg, or whichever closes before it. */
  race: Race;
  /** Over several races. */
  readonly legs: readonly Race[] | undefined;
  /** How many of each leg were out when it was closed. */
  outAtClose: readonly number[] | undefined;
  readonly bets: Bet[];
  readonly leaves: string[];
  readonly seals: Map<number, Fields>;
  voidedBets: number;
  voidedStake: number;
  readonly declared: Map<number, Terms>;
  /** What corrections would come to, by the number of the fact that asked. */
  readonly priced: Map<number, Terms>;
  isDone: boolean;
}

interface RefundJob {
  bets: number;
  amount: number;
  root: string;
}

const REF = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TWO_HOURS = 7_200_000;
const TWO_MINUTES = 120_000;
const DAY = 86_400_000;
const STALE = 30_000;
const SLOTS = 1_024;
const ONE_STEP = 500;

export class ShardBooks {
  readonly name: string;
  readonly accounts = new Map<string, Account>();
  /** By account and reference: which decision took it, and for what; null where it was burnt. */
  readonly refs = new Map<string, { readonly seq: number; readonly body: string | null }>();
  readonly races = new Map<string, Race>();
  readonly pools = new Map<string, Pool>();
  readonly bets = new Map<string, { readonly pool: Pool; readonly bet: Bet }>();
  /** What the market must hear, in order. */
  readonly reports: Fields[] = [];
  readonly lease = { issuedAt: 0, at: 0, ttlMs: 0 };
  factNo = 0;
  horizon = 0;
  recordFormat = 1;
  #checkedDay = '';
  readonly #refunds = new Map<number, RefundJob>();
  #rolled: Rolled[] = [];

  constructor(
    readonly shard: number,
    private readonly shards: number,
    /** The market's facts as it decided them, by number, as text. */
    private readonly facts: readonly string[],
    private readonly onMoved: (pool: string, amount: number) => void,
  ) {
    this.name = `shard-${shard}`;
  }

  apply(d: Decision, command: Command, isPoison: boolean): void {
    must(d.v === this.recordFormat, 'G5', () => `${this.name} #${d.seq} is of format ${d.v}, not ${this.recordFormat}`);
    if (d.code === 'QUARANTINED')
      must(isPoison, 'G1', () => `${this.name} #${d.seq} sets a command aside that kills nobody`);
    else this.#judge(d, command);
    if (d.code !== undefined) {
      const isNote = d.posts.length === 0 && d.events.every((e) => e['t'] === 'RefTaken');
      must(isNote, 'G3', () => `${this.name} #${d.seq} refuses with ${d.code} and changes something`);
    }
    const moved = new Map<string, number>();
    for (const event of d.events) this.#event(d, event, command, moved);
    this.#posts(d, moved);
    this.horizon = Math.max(this.horizon, d.at - TWO_HOURS);
  }

  // ── What may be decided ────────────────────────────────────────────────────────────────────────────────────────

  #judge(d: Decision, command: Command): void {
    const wanted = this.#verdict(d, command);
    if (wanted === ANY) return;
    must(wanted === d.code, 'G2', () => {
      const asked = JSON.stringify(command.body ?? null).slice(0, 300);
      return `${this.name} #${d.seq} is decided ${d.code ?? 'accepted'}, the rules say ${wanted ?? 'accepted'}: ${asked}`;
    });
    if (d.code !== undefined) return;
    const t = d.events[0]?.['t'];
    const type = String(command.body?.['type']);
    must(t === ANSWERS[type], 'G1', () => `${this.name} #${d.seq} answers ${type} with ${String(t)}`);
  }

  /** The code that the rules ask for, undefined for an acceptance. */
  #verdict(d: Decision, { body, isSigned }: Command): string | undefined {
    const type = body?.['type'];
    if (body === undefined || body === null || typeof body !== 'object') return 'MALFORMED';
    switch (type) {
      case 'PlaceTicket':
        return isWhole(body) ? this.#ticket(d, body) : 'MALFORMED';
      case 'CancelTicket':
        return this.#cancel(d, body);
      case 'AbandonRef':
        return this.#unknown(body) ?? this.#ref(d, body, '') ?? undefined;
      case 'Continue':
        return ANY;
      case 'MarketFact': {
        if (!isSigned) return 'MALFORMED';
        const n = Number(body['n']);
        return n <= this.factNo ? 'ALREADY_APPLIED' : n > this.factNo + 1 ? 'RELAY_GAP' : undefined;
      }
      case 'Checkpoint':
        if (!isSigned) return 'MALFORMED';
        return String(body['day']) <= this.#checkedDay ? 'ALREADY_APPLIED' : undefined;
      case 'OpenAccount':
        if (!isSigned) return 'MALFORMED';
        if (!this.#isOurs(String(body['account']))) return 'WRONG_SHARD';
        return this.accounts.has(String(body['account'])) ? 'ACCOUNT_EXISTS' : undefined;
      case 'Deposit':
      case 'Withdraw':
        return isSigned ? this.#money(d, body) : 'MALFORMED';
      case 'SetLimits': {
        if (!isSigned) return 'MALFORMED';
        const version = this.accounts.get(String(body['account']))?.limitsVersion ?? 0;
        return this.#unknown(body) ?? (Number(body['version']) <= version ? 'LIMITS_OUTDATED' : undefined);
      }
      default:
        return 'MALFORMED';
    }
  }

  #isOurs(account: string): boolean {
    let hash = 0x811c9dc5;
    for (let i = 0; i < account.length; i++) hash = Math.imul(hash ^ account.charCodeAt(i), 0x01000193);
    return ((hash >>> 0) % SLOTS) % this.shards === this.shard;
  }

  #unknown(body: Fields): string | undefined {
    const account = String(body['account']);
    if (this.accounts.has(account)) return undefined;
    return this.#isOurs(account) ? 'ACCOUNT_UNKNOWN' : 'WRONG_SHARD';
  }

  /** What the reference alone settles. */
  #ref(d: Decision, body: Fields, hash: string): string | undefined {
    const ref = String(body['ref']);
    const [, high, low] = REF.exec(ref) ?? [];
    if (high === undefined || low === undefined) return 'REF_INVALID';
    const time = Number.parseInt(high + low, 16);
    if (time > d.at + TWO_MINUTES) return 'REF_INVALID';
    if (time < this.horizon) return 'REF_OUTSIDE_WINDOW';
    const taken = this.refs.get(`${String(body['account'])} ${ref}`);
    if (!taken) return undefined;
    must(
      d.code === 'IDEMPOTENCY_BODY_MISMATCH' || d.of === taken.seq,
      'G1',
      () => `${this.name} #${d.seq} names decision ${d.of} for a reference that ${taken.seq} answered (${d.code})`,
    );
    if (taken.body === null) return 'REF_BURNT';
    return hash === '' || taken.body === hash ? 'REPLAY' : 'IDEMPOTENCY_BODY_MISMATCH';
  }

  #ticket(d: Decision, body: Fields): string | undefined {
    const settled = this.#unknown(body) ?? this.#ref(d, body, String(body['body']));
    if (settled !== undefined) return settled;
    const account = this.accounts.get(String(body['account'])) as Account;
    const { ticketMax, dayStake } = inForce(account.limits, d.at);
    if (d.time - d.at > STALE) return 'STALE';
    if (body['currency'] !== account.currency) return 'CURRENCY_MISMATCH';
    const barred = barredBy(account.limits, d.at);
    if (barred !== undefined) return barred;
    if (d.at > Math.min(this.lease.issuedAt, this.lease.at) + this.lease.ttlMs) return 'CHANNEL_LEASE_EXPIRED';
    let first: string | undefined;
    let total = 0;
    let taken = 0;
    for (const bet of body['bets'] as readonly Fields[]) {
      const code = this.#bet(d, account, bet);
      if (code === undefined) {
        total += this.#soldAs(bet).stake;
        taken++;
      } else if (body['atomic'] === true) return code;
      else first ??= code;
    }
    if (taken === 0) return first;
    if (total > ticketMax) return 'PLAYER_LIMIT_STAKE';
    const today = account.day === Math.floor(d.at / DAY) ? account.dayStaked : 0;
    if (today + total > dayStake) return 'PLAYER_LIMIT_STAKE';
    return total > account.balance ? 'INSUFFICIENT_FUNDS' : undefined;
  }

  #bet(d: Decision, account: Account, bet: Fields): string | undefined {
    const pool = this.pools.get(String(bet['pool']));
    if (!pool) return 'POOL_UNKNOWN';
    const { race, rules } = pool;
    if (race.status === 'CLOSED' || d.at > race.scheduledStop) return 'POOL_CLOSED';
    if (race.status !== 'OPEN') return 'POOL_NOT_OPEN';
    if (pool.currency !== account.currency) return 'CURRENCY_MISMATCH';
    const read = readIn(pool, String(bet['sel']));
    if (!read) return 'INVALID_SELECTION';
    const named = read.complement ?? [];
    const isComplemented = named.length > 0 && rules.complements === undefined;
    if (isComplemented) return 'NOT_SUPPORTED';
    if (named.length > (rules.complements ?? 0)) return 'INVALID_SELECTION';
    if (isNonRunnerIn(pool, read)) return 'RUNNER_SCRATCHED';
    const isFlexi = bet['unit'] === 0;
    if (isFlexi && rules.flexi === 'NONE') return 'NOT_SUPPORTED';
    const { unit, stake, least, multiple } = this.#soldAs(bet);
    if (read.lines.length * unit !== stake) return 'LINES_MISMATCH';
    if (unit < least) return 'BELOW_MIN';
    if (unit % multiple !== 0) return 'STAKE_NOT_MULTIPLE';
    return bet['next'] === undefined ? undefined : this.#report(d, pool, bet);
  }

  /** A stake shared by the lines gives each as many whole amounts as it buys, and no more is taken; of a price a line, as asked. */
  #soldAs(bet: Fields) {
    const pool = this.pools.get(String(bet['pool'])) as Pool;
    const { flexi, minStakeMinor = 1, unitMultipleMinor = 1 } = pool.rules;
    const asked = { unit: Number(bet['unit']), stake: Number(bet['stake']) };
    if (asked.unit > 0) return { ...asked, least: minStakeMinor, multiple: unitMultipleMinor };
    const percent = typeof flexi === 'object' ? flexi.percentOf / 100 : undefined;
    const multiple = percent ?? unitMultipleMinor;
    const least = typeof flexi === 'object' ? (percent as number) * flexi.least : minStakeMinor;
    const lines = readIn(pool, String(bet['sel']))?.lines.length ?? 0;
    const unit = Math.floor(asked.stake / lines / multiple) * multiple;
    return { unit, stake: unit * lines, least, multiple };
  }

  /** The bets of a report are on races of their own, in pools that take part and sell still. */
  #report(d: Decision, pool: Pool, bet: Fields): string | undefined {
    const { report, minStakeMinor = 1 } = pool.rules;
    if (!report || pool.legs) return 'NOT_SUPPORTED';
    if (bet['unit'] === 0 || Number(bet['unit']) > minStakeMinor * report.mostTimes) return 'ABOVE_MAX';
    const races = [pool.race];
    for (const step of bet['next'] as readonly Step[]) {
      const next = this.pools.get(step.pool);
      if (!next) return 'POOL_UNKNOWN';
      if (!next.rules.report || next.legs) return 'NOT_SUPPORTED';
      if (!sells(next, d.at)) return 'POOL_CLOSED';
      if (next.currency !== pool.currency) return 'CURRENCY_MISMATCH';
      const read = readIn(next, step.sel);
      if (!read) return 'INVALID_SELECTION';
      if (isNonRunnerIn(next, read)) return 'RUNNER_SCRATCHED';
      if (races.includes(next.race)) return 'INVALID_SELECTION';
      races.push(next.race);
    }
    return undefined;
  }

  #cancel(d: Decision, body: Fields): string | undefined {
    const unknown = this.#unknown(body);
    if (unknown !== undefined) return unknown;
    const found = [...Array(100).keys()]
      .map((no) => this.bets.get(`${String(body['ticket'])} ${no}`))
      .filter((b) => b !== undefined);
    const mine = found.filter(({ bet, pool }) => bet.account === body['account'] && !pool.isDone);
    if (mine.length === 0) return 'TICKET_UNKNOWN';
    // Which of several reasons comes first depends on the order of the pools: any of them will do.
    const reasons = mine.map(({ bet, pool }) => {
      if (pool.race.status === 'CLOSED' || d.at > pool.race.scheduledStop) return 'CANCEL_TOO_LATE';
      if (d.at - bet.at > (pool.rules.cancelWindowMs ?? 0)) return 'CANCEL_TOO_LATE';
      return bet.left === 0 ? 'TICKET_NOT_OPEN' : undefined;
    });
    const refusals = reasons.filter((reason) => reason !== undefined);
    if (refusals.length === 0)
      return d.at > Math.min(this.lease.issuedAt, this.lease.at) + this.lease.ttlMs
        ? 'CHANNEL_LEASE_EXPIRED'
        : undefined;
    return refusals.find((reason) => reason === d.code) ?? refusals[0];
  }

  #money(d: Decision, body: Fields): string | undefined {
    const unknown = this.#unknown(body);
    if (unknown !== undefined) return unknown;
    const account = this.accounts.get(String(body['account'])) as Account;
    const amount = body['type'] === 'Deposit' ? Number(body['amount']) : -Number(body['amount']);
    const known = account.money.get(String(body['ref']));
    if (known && known.amount !== amount) return 'IDEMPOTENCY_BODY_MISMATCH';
    if (known) {
      must(
        d.of === known.seq,
        'G1',
        () => `${this.name} #${d.seq} names decision ${d.of} for money that ${known.seq} moved`,
      );
      return 'REPLAY';
    }
    if (amount > 0 && barredBy(account.limits, d.at) !== undefined) return barredBy(account.limits, d.at);
    return account.balance + amount < 0 ? 'INSUFFICIENT_FUNDS' : undefined;
  }

  // ── What follows from it ───────────────────────────────────────────────────────────────────────────────────────

  #event(d: Decision, e: Fields, command: Command, moved: Map<string, number>): void {
    switch (e['t']) {
      case 'AccountOpened':
        this.accounts.set(String(e['account']), {
          ...{ currency: String(e['currency']), balance: 0, owed: 0 },
          ...{ limits: {}, limitsVersion: 0, day: 0, dayStaked: 0 },
          money: new Map(),
        });
        return;
      case 'MoneyMoved': {
        const amount = e['kind'] === 'DEPOSIT' ? Number(e['amount']) : -Number(e['amount']);
        must(
          e['amount'] === command.body?.['amount'],
          'G3',
          () => `${this.name} #${d.seq} moves another amount than was asked`,
        );
        this.#account(e).money.set(String(e['ref']), { seq: d.seq, amount });
        this.#pay(d, String(e['account']), amount, Number(e['balance']), moved);
        add(moved, 'cash', -amount);
        return;
      }
      case 'LimitsSet': {
        const account = this.#account(e);
        const asked = command.body?.['limits'] as Fields;
        const set = e['limits'] as AccountLimits;
        must(
          follows(account.limits, asked, d.at, set),
          'G3',
          () => `${this.name} #${d.seq} sets ${JSON.stringify(set)}, which is not what was asked for`,
        );
        Object.assign(account, { limits: set, limitsVersion: e['version'] });
        return;
      }
      case 'RefTaken':
        this.#take(d, e, String(e['body']));
        return;
      case 'RefBurnt':
        this.#take(d, e, null);
        return;
      case 'TicketAccepted':
        if (command.body?.['type'] === 'Continue') this.#rolledOn(d, e, moved);
        else this.#accepted(d, e, command, moved);
        return;
      case 'TicketCancelled':
        for (const item of e['bets'] as readonly Fields[]) {
          const { bet, pool } = this.#betOf(d, e['ticket'], item['no']);
          must(
            item['amount'] === bet.left,
            'G3',
            () => `${this.name} #${d.seq} gives ${String(item['amount'])} back, ${bet.left} stands`,
          );
          this.#takeOff(d, pool, String(item['pool']), bet, bet.left, moved);
          this.#pay(d, bet.account, Number(item['amount']), undefined, moved);
        }
        must(this.#account(e).balance === e['balance'], 'G3', () => `${this.name} #${d.seq} states a wrong balance`);
        return;
      case 'FactApplied':
        this.#fact(d, e);
        return;
      case 'BetsRefunded':
        this.#refunded(d, e, moved);
        return;
      case 'BetsPaid':
        this.#paid(d, e, moved);
        return;
      case 'Report':
        this.#reported(d, e);
        return;
      case 'BetsCorrected':
        this.#corrected(d, e, moved);
        return;
      case 'Checkpoint':
        this.#checkedDay = String(e['day']);
        return;
      case 'JobEnded':
        if (d.events.length === 1) this.#letGo(d);
        return;
      case 'StakesCounted':
      case 'BetsWeighed':
        return;
      default:
        must(false, 'G1', () => `${this.name} #${d.seq} holds an event ${String(e['t'])} that nobody knows`);
    }
  }

  #take(d: Decision, e: Fields, body: string | null): void {
    const key = `${String(e['account'])} ${String(e['ref'])}`;
    must(!this.refs.has(key), 'G1', () => `${this.name} #${d.seq} takes the reference ${key} a second time`);
    this.refs.set(key, { seq: d.seq, body });
  }

  #accepted(d: Decision, e: Fields, { body }: Command, moved: Map<string, number>): void {
    const asked = body?.['bets'] as readonly Fields[];
    const ticket = String(e['ticket']);
    must(
      ticket === `t${this.shard}-${d.seq}-${d.cid.slice(-12)}`,
      'G7',
      () => `${this.name} #${d.seq} names its ticket ${ticket}`,
    );
    this.#take(d, e, String(e['body']));
    const account = this.#account(e);
    const bets = e['bets'] as readonly Fields[];
    const refused = e['refused'] as readonly Fields[];
    must(
      bets.length + refused.length === asked.length,
      'G1',
      () => `${this.name} #${d.seq} leaves a bet of its ticket out`,
    );
    for (const no of refused.map((one) => Number(one['no']))) {
      const code = this.#bet(d, account, asked[no] as Fields);
      must(code !== undefined, 'G1', () => `${this.name} #${d.seq} refuses bet ${no} for nothing`);
    }
    let total = 0;
    for (const bet of bets) {
      const no = Number(bet['no']);
      const order = asked[no] as Fields;
      const code = this.#bet(d, account, order);
      must(code === undefined, 'G2', () => `${this.name} #${d.seq} accepts bet ${no}, the rules say ${code}`);
      const { unit, stake } = this.#soldAs(order);
      const isAsked = bet['pool'] === order['pool'] && unit === bet['unit'] && stake === bet['stake'];
      const isSame = sameSteps(bet['next'], order['next'], (step) => this.pools.get(step.pool) as Pool);
      must(isAsked && isSame, 'G1', () => `${this.name} #${d.seq} takes another bet ${no} than was asked`);
      total += this.#book(d, e, bet, moved);
    }
    this.#stake(d, e, total, moved);
  }

  /** A bet that was accepted goes into its pool. */
  #book(d: Decision, e: Fields, bet: Fields, moved: Map<string, number>): number {
    const no = Number(bet['no']);
    const { pool: id, unit, stake, sel } = bet as { pool: string; unit: number; stake: number; sel: string };
    const pool = this.pools.get(id) as Pool;
    const read = readIn(pool, sel) as LegLines;
    must(
      read.lines.length === bet['lines'],
      'G1',
      () => `${this.name} #${d.seq} counts the lines of bet ${no} wrongly`,
    );
    const leaf = sha256(
      `leaf:${String(e['blind'])}|${String(e['ticket'])}|${no}|${id}|${sel}|${unit}|${stake}|${d.at}`,
    );
    must(leaf === bet['leaf'], 'G7', () => `${this.name} #${d.seq} has a wrong leaf for bet ${no}`);
    const kept: Bet = {
      ...{ key: `${String(e['ticket'])} ${no}`, account: String(e['account']), at: d.at, unit, stake, ...read },
      ...{ left: stake, given: 0, held: 0, next: (bet['next'] ?? []) as readonly Step[] },
    };
    pool.bets.push(kept);
    pool.leaves.push(leaf);
    this.bets.set(kept.key, { pool, bet: kept });
    this.onMoved(id, stake);
    add(moved, `pool:${id}`, stake);
    return stake;
  }

  #stake(d: Decision, e: Fields, total: number, moved: Map<string, number>): void {
    const account = this.#account(e);
    const day = Math.floor(d.at / DAY);
    account.dayStaked = total + (account.day === day ? account.dayStaked : 0);
    account.day = day;
    this.#pay(d, String(e['account']), -total, Number(e['balance']), moved);
  }

  // ── Reports ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What a bet brought in goes on to the next one: once, and what was kept back for a debt does not. */
  #roll(bet: Bet, amount: number, net = 0): void {
    if (bet.next.length > 0)
      this.#rolled.push({ account: bet.account, won: amount - net, steps: bet.next, isExcused: false });
    bet.next = [];
  }

  #rolledOn(d: Decision, e: Fields, moved: Map<string, number>): void {
    const [bet, ...more] = e['bets'] as readonly Fields[];
    must(
      bet !== undefined && more.length === 0 && e['ticket'] === `t${this.shard}-${d.seq}-${d.cid.slice(-12)}`,
      'G7',
      () => `${this.name} #${d.seq} rolls on with ${more.length + 1} bets of ${String(e['ticket'])}`,
    );
    const isIt = (one: Rolled): boolean => {
      const next = one.account === e['account'] ? this.#nextBet(d, one) : undefined;
      const isSame = (['pool', 'sel', 'unit', 'stake'] as const).every((field) => next?.[field] === bet[field]);
      return isSame && sameSteps(next?.next, bet['next'], (step) => this.#pool(step.pool));
    };
    // What was let go comes last: of two that would stake the same it is the other one.
    const waiting = this.#rolled.findIndex((one) => !one.isExcused && isIt(one));
    const at = waiting >= 0 ? waiting : this.#rolled.findIndex(isIt);
    must(at >= 0, 'G3', () => `${this.name} #${d.seq} stakes what nobody won: ${JSON.stringify(bet).slice(0, 200)}`);
    this.#rolled.splice(at, 1);
    this.#take(d, e, String(e['body']));
    this.#stake(d, e, this.#book(d, e, bet, moved), moved);
  }

  /** A work that ended with nothing done: of what waits to be staked on, the first that has nowhere to go. */
  #letGo(d: Decision): void {
    const first = this.#rolled.find((one) => !one.isExcused && !this.#nextBet(d, one));
    if (first) first.isExcused = true;
  }

  /** The next bet of a report as it can be made now; one with a non-runner is passed over. */
  #nextBet(d: Decision, { account: id, won, steps }: Rolled) {
    const { limits, balance } = this.accounts.get(id) as Account;
    if (barredBy(limits, d.at) !== undefined) return undefined;
    if (d.at > Math.min(this.lease.issuedAt, this.lease.at) + this.lease.ttlMs) return undefined;
    for (const [no, { pool: to, sel, quarters }] of steps.entries()) {
      const pool = this.#pool(to);
      if (!sells(pool, d.at)) return undefined;
      const read = readIn(pool, sel) as LegLines;
      if (isNonRunnerIn(pool, read)) continue;
      const { minStakeMinor = 1, report } = pool.rules;
      const part = Math.floor((won * quarters) / 4);
      const unit = Math.min(minStakeMinor * (report?.mostTimes ?? 0), Math.floor(part / read.lines.length));
      const stake = unit * read.lines.length;
      if (unit < minStakeMinor || stake > balance) return undefined;
      return { pool: to, sel, unit, stake, next: steps.slice(no + 1) };
    }
    return undefined;
  }

  /** Nothing that was won waits for ever. */
  atRest(): void {
    const left = this.#rolled.find(({ isExcused }) => !isExcused);
    must(left === undefined, 'G3', () => `${this.name} never rolled on what ${left?.account} won: ${left?.won}`);
  }

  #fact(d: Decision, e: Fields): void {
    const n = Number(e['n']);
    must(n === this.factNo + 1, 'G4', () => `${this.name} #${d.seq} applies fact ${n} after ${this.factNo}`);
    must(
      JSON.stringify(e['fact']) === this.facts[n],
      'G4',
      () => `${this.name} #${d.seq}: fact ${n} is not what the market decided`,
    );
    this.factNo = n;
    const fact = e['fact'] as Fields;
    const race = this.races.get(String(fact['race'])) as Race;
    switch (fact['t']) {
      case 'MeetingPublished':
        this.#publish(fact['meeting'] as Fields);
        return;
      case 'RaceOpened':
      case 'RaceResumed':
        race.status = 'OPEN';
        return;
      case 'RaceSuspended':
        race.status = 'SUSPENDED';
        return;
      case 'BettingClosed':
        this.#close(d, race, fact, (pool) => pool.outAtClose === undefined);
        return;
      case 'LateOffDeclared':
        race.offAt = Math.min(race.offAt, Number(fact['offAt']));
        return;
      case 'RunnerScratched':
        race.scratched.push(String(fact['runner']));
        return;
      case 'RaceVoided':
        if (race.status !== 'CLOSED') this.#close(d, race, fact, (pool) => pool.race === race);
        for (const pool of race.pools.map((id) => this.#pool(id)))
          if (!pool.legs) pool.declared.set(0, { outcome: 'VOID', prices: [] });
        return;
      case 'DividendsDeclared':
        for (const terms of fact['pools'] as readonly (Fields & Terms)[])
          this.#pool(terms['pool']).declared.set(Number(fact['version']), terms);
        return;
      case 'CorrectionPriced':
        for (const terms of fact['pools'] as readonly (Fields & Terms)[])
          this.#pool(terms['pool']).priced.set(n, terms);
        return;
      case 'RaceReopened':
        for (const pool of race.pools.map((id) => this.#pool(id)))
          if (policyOf(pool) !== 'NONE' && (pool.legs?.at(-1) ?? race) === race) pool.isDone = false;
        return;
      case 'ResultEntered':
        // Also where a pool is paid that ends with a void race.
        for (const { pool } of fact['pools'] as readonly Fields[]) this.#pool(pool).isDone = false;
        return;
      case 'RecordFormatRaised':
        this.recordFormat = Number(fact['format']);
        return;
      case 'LeaseRenewed':
        Object.assign(this.lease, { issuedAt: fact['issuedAt'], ttlMs: fact['ttlMs'], at: d.at });
        return;
      default:
    }
  }

  #close(d: Decision, race: Race, fact: Fields, ends: (pool: Pool) => boolean): void {
    for (const pool of race.pools.map((id) => this.#pool(id)))
      if (ends(pool))
        Object.assign(pool, { race, outAtClose: (pool.legs ?? [race]).map(({ scratched }) => scratched.length) });
    race.status = 'CLOSED';
    race.closeNo = Number(fact['closeNo']);
    race.stopAt = Number(fact['stopAt']);
    race.marker = { seq: d.seq, at: d.at };
  }

  #publish(meeting: Fields): void {
    const cards = meeting['races'] as readonly Fields[];
    for (const card of cards) {
      const race: Race = {
        status: 'DRAFT',
        runners: (card['runners'] as readonly { number: string }[]).map(({ number }) => number),
        scheduledStop: Number(card['scheduledStop'] ?? Number.POSITIVE_INFINITY),
        scratched: [],
        closeNo: 0,
        stopAt: Number.POSITIVE_INFINITY,
        offAt: Number.POSITIVE_INFINITY,
        marker: undefined,
        pools: [],
      };
      this.races.set(String(card['raceId']), race);
    }
    for (const card of cards) {
      const pools = card['pools'] as readonly { poolId: string; type: string; ruleSet: Rules; legs?: string[] }[];
      for (const { poolId, type, ruleSet, legs: named } of pools) {
        const of = (named ?? [String(card['raceId'])]).map((id) => this.races.get(id) as Race);
        for (const race of of) race.pools.push(poolId);
        this.pools.set(poolId, {
          ...{
            type,
            race: of[0] as Race,
            legs: named && of,
            outAtClose: undefined,
            rules: ruleSet,
            currency: String(meeting['currency']),
            bets: [],
            leaves: [],
            seals: new Map(),
          },
          ...{ voidedBets: 0, voidedStake: 0, declared: new Map(), priced: new Map(), isDone: false },
        });
      }
    }
  }

  // ── Bulk work ──────────────────────────────────────────────────────────────────────────────────────────────────

  #refunded(d: Decision, e: Fields, moved: Map<string, number>): void {
    const job = this.#refunds.get(Number(e['job'])) ?? { bets: 0, amount: 0, root: sha256('refunds') };
    this.#refunds.set(Number(e['job']), job);
    const items = e['items'] as readonly Fields[];
    must(items.length <= 500, 'G1', () => `${this.name} #${d.seq} moves ${items.length} bets in one step`);
    for (const item of items) {
      const { bet, pool } = this.#betOf(d, item['ticket'], item['no']);
      const due = this.#due(pool, bet, String(e['cause']));
      const amount = Number(item['amount']);
      must(
        amount === due,
        'G3',
        () => `${this.name} #${d.seq} gives ${amount} back on ${bet.key} (${String(e['cause'])}), ${due} is due`,
      );
      const isVoided = e['cause'] === 'AFTER_STOP';
      if (isVoided) pool.voidedBets++;
      if (isVoided) pool.voidedStake += amount;
      // A stake given back is the bettor's own, whatever they owe.
      this.#pay(d, bet.account, amount, Number(item['balance']), moved);
      if (e['cause'] === 'RACE_VOID' || e['cause'] === 'POOL_REFUNDED') {
        // A settlement like a payment: what stood still stands, should the result be corrected.
        bet.given += amount;
        bet.held += amount;
        add(moved, `pool:${String(e['pool'])}`, -amount);
        if (e['cause'] === 'RACE_VOID') this.onMoved(String(e['pool']), -amount);
        this.#roll(bet, amount);
        continue;
      }
      this.#takeOff(d, pool, String(e['pool']), bet, amount, moved, String(e['cause']));
      if (bet.left === 0 && e['cause'] === 'SCRATCHED') this.#roll(bet, amount);
      if (bet.left === 0) job.bets++;
      job.amount += amount;
      job.root = sha256(`${job.root}|${String(item['ticket'])}|${String(item['no'])}|${amount}`);
    }
  }

  /** A bet that stands though it came too late, or with a line of a runner that does not run. */
  owed(id: string): string | undefined {
    const pool = this.#pool(id);
    const isOwed = (bet: Bet): boolean => ['AFTER_OFF', 'SCRATCHED'].some((cause) => this.#due(pool, bet, cause) > 0);
    return pool.bets.find(isOwed)?.key;
  }

  /** What a bet must get back for a cause. */
  #due(pool: Pool, bet: Bet, cause: string): number {
    switch (cause) {
      case 'AFTER_STOP':
      case 'AFTER_OFF':
        return bet.at > lastInTime(pool) ? bet.left : 0;
      case 'SCRATCHED':
        return bet.left - Math.min(bet.left, bet.unit * standing(pool, bet).length);
      case 'RACE_VOID':
        return pool.declared.has(0) ? bet.left - bet.given : 0;
      default:
        return [...pool.declared.values()].some(({ outcome }) => outcome === 'REFUND') ? bet.left - bet.given : 0;
    }
  }

  #paid(d: Decision, e: Fields, moved: Map<string, number>): void {
    const pool = this.pools.get(String(e['pool'])) as Pool;
    const items = e['items'] as readonly Fields[];
    must(items.length <= 500, 'G1', () => `${this.name} #${d.seq} pays ${items.length} bets in one step`);
    const terms = pool.declared.get(Number(e['version']));
    must(
      terms?.outcome === 'PAID' || terms?.outcome === 'CARRIED',
      'G3',
      () => `${this.name} #${d.seq} pays a pool that was not declared`,
    );
    for (const item of items) {
      const { bet } = this.#betOf(d, item['ticket'], item['no']);
      const amount = Number(item['amount']);
      const due = dueOn(pool, bet, terms);
      must(bet.given === 0, 'G3', () => `${this.name} #${d.seq} pays ${bet.key} a second time`);
      must(amount === due && due > 0, 'G3', () => `${this.name} #${d.seq} pays ${amount} on ${bet.key}, ${due} is due`);
      bet.given = due;
      bet.held = due;
      add(moved, `pool:${String(e['pool'])}`, -amount);
      this.#settle(d, bet.account, amount, item, moved);
      this.#roll(bet, amount, Number(item['net'] ?? 0));
    }
  }

  /** Another result: each bet gets, or gives back, the difference between what is due now and what it has. */
  #corrected(d: Decision, e: Fields, moved: Map<string, number>): void {
    const pool = this.#pool(e['pool']);
    const id = `pool:${String(e['pool'])}`;
    const terms = pool.declared.get(Number(e['version']));
    must(terms?.outcome === e['outcome'], 'G3', () => `${this.name} #${d.seq} corrects to what was not declared`);
    const items = e['items'] as readonly Fields[];
    must(items.length <= 500, 'G1', () => `${this.name} #${d.seq} corrects ${items.length} bets in one step`);
    for (const item of items) {
      const { bet } = this.#betOf(d, item['ticket'], item['no']);
      const name = `${this.name} #${d.seq}, ${bet.key}`;
      const due = dueOn(pool, bet, terms as Terms);
      must(item['was'] === bet.given, 'G3', () => `${name} was given ${bet.given}, not ${String(item['was'])}`);
      must(item['due'] === due, 'G3', () => `${name} is due ${due}, not ${String(item['due'])}`);
      const amount = differenceOn(pool, bet, due);
      must(item['amount'] === amount, 'G3', () => `${name} moves ${String(item['amount'])}, the policy says ${amount}`);
      add(moved, id, bet.given - due);
      // What the bettor need not give back, or keeps, is the operator's.
      add(moved, 'house:correction', due - bet.given - amount);
      bet.given = due;
      bet.held += amount;
      this.#settle(d, bet.account, amount, item, moved);
    }
  }

  /** Winnings go to what is owed first; what a balance does not hold is owed. */
  #settle(d: Decision, id: string, amount: number, item: Fields, moved: Map<string, number>): void {
    const account = this.accounts.get(id) as Account;
    const net = netOf(account, amount);
    must((item['net'] ?? 0) === net, 'G3', () => `${this.name} #${d.seq}: ${id} owes less by ${String(item['net'])}`);
    account.owed -= net;
    must(account.owed >= 0, 'G3', () => `${this.name} #${d.seq}: ${id} owes ${account.owed}`);
    add(moved, `owed:${id}`, net);
    this.#pay(d, id, amount - net, Number(item['balance']), moved);
  }

  #reported(d: Decision, e: Fields): void {
    const report = e['report'] as Fields;
    must(e['n'] === this.reports.length + 1, 'G4', () => `${this.name} #${d.seq} numbers its report ${String(e['n'])}`);
    this.reports.push(report);
    const pool = this.pools.get(String(report['pool'])) as Pool;
    const agrees = (rule: string, wanted: Fields): void => {
      for (const [field, value] of Object.entries(wanted))
        must(
          report[field] === value,
          rule,
          () =>
            `${this.name} #${d.seq}: the ${String(report['t'])} of ${String(report['pool'])} says ${field} ${String(report[field])}, its bets say ${String(value)}`,
        );
    };
    const stands = pool.bets.filter((bet) => bet.left > 0);
    const stake = stands.reduce((sum, bet) => sum + bet.left, 0);
    switch (report['t']) {
      case 'Seal':
        this.#seal(d, pool, report);
        agrees('G7', {
          ...{ closeNo: pool.race.closeNo, markerAt: pool.race.marker?.at, lastSeq: (pool.race.marker?.seq ?? 0) - 1 },
          ...{ bets: stands.length, stake, leaves: pool.leaves.length, root: merkleRoot(pool.leaves) },
          withdrawnBets: pool.bets.length - stands.length,
          withdrawnStake: pool.bets.reduce((sum, bet) => sum + bet.stake, 0) - stake,
          ...{ voidedBets: pool.voidedBets, voidedStake: pool.voidedStake },
        });
        return;
      case 'Refund': {
        const ended = d.events.find((other) => other['t'] === 'JobEnded');
        const job = this.#refunds.get(Number(ended?.['job'])) ?? { bets: 0, amount: 0, root: sha256('refunds') };
        agrees('G6', { bets: job.bets, amount: job.amount, root: job.root, closeNo: pool.race.closeNo });
        const owed = pool.bets.find((bet) => this.#due(pool, bet, String(report['cause'])) > 0);
        must(owed === undefined, 'G3', () => `${this.name} #${d.seq} ends a refund and owes ${owed?.key}`);
        return;
      }
      case 'WillPay':
      case 'Stakes':
        agrees('G6', { stake });
        if (report['t'] === 'Stakes') {
          const given = pool.bets.reduce((sum, bet) => sum + bet.given, 0);
          const said = Number(report['settled'] ?? 0);
          must(said === given, 'G6', () => `${this.name} #${d.seq} counts ${said} as paid so far, its bets ${given}`);
        }
        for (const { c, stake: said } of report['keys'] as readonly { c: string; stake: number }[]) {
          const counted = stands.reduce((sum, bet) => sum + bet.unit * wins(pool, bet, c), 0);
          must(said === counted, 'G6', () => `${this.name} #${d.seq} counts ${said} on ${c}, its bets say ${counted}`);
        }
        return;
      case 'Backing':
        for (const { c, stake: said } of report['stakes'] as readonly { c: string; stake: number }[]) {
          const counted = stands.reduce((sum, bet) => sum + bet.unit * wins(pool, bet, c), 0);
          must(said === counted, 'G6', () => `${this.name} #${d.seq} counts ${said} for ${c}, its bets say ${counted}`);
        }
        return;
      case 'Paid': {
        pool.isDone = true;
        const terms = pool.declared.get(Number(report['version']));
        must(terms !== undefined, 'G3', () => `${this.name} #${d.seq} has paid a result that was not declared`);
        const isReturned = terms.outcome === 'REFUND' || terms.outcome === 'VOID';
        const dues = pool.bets.map((bet) => dueOn(pool, bet, terms));
        const wrong = pool.bets.find((bet, i) => bet.given !== dues[i]);
        must(
          wrong === undefined,
          'G3',
          () =>
            `${this.name} #${d.seq} ends the payment; ${wrong?.key} was given ${wrong?.given} and is due another sum`,
        );
        for (const bet of pool.bets)
          must(
            policyOf(pool) === 'CLAWBACK' ? bet.held === bet.given : bet.held >= bet.given,
            'G3',
            () => `${this.name} #${d.seq}: ${bet.key} has ${bet.held} of ${bet.given}`,
          );
        const total = dues.reduce((sum, due) => sum + due, 0);
        const won = (bet: Bet): number => terms.prices.reduce((sum, { c }) => sum + bet.unit * wins(pool, bet, c), 0);
        agrees('G3', {
          paid: isReturned ? 0 : total,
          refunded: isReturned ? total : 0,
          winners: isReturned ? 0 : dues.filter((due) => due > 0).length,
          wonStake: isReturned ? 0 : stands.reduce((sum, bet) => sum + won(bet), 0),
          clearing: stake - total,
        });
        return;
      }
      case 'Weighed':
        {
          const { short, ...sums } = this.#weighed(pool, pool.priced.get(Number(report['ask'])) as Terms);
          // Of several steps each takes the balances as they are then.
          agrees('G6', pool.bets.length <= ONE_STEP ? { ...sums, short } : sums);
        }
        return;
      default:
    }
  }

  /** What a correction would move, bet by bet, each account as the bets before leave it. */
  #weighed(pool: Pool, terms: Terms) {
    const purses = new Map<string, { balance: number; owed: number }>();
    const sums = { bets: 0, toPay: 0, toTakeBack: 0, short: 0, kept: 0 };
    for (const bet of pool.bets) {
      const due = dueOn(pool, bet, terms);
      const amount = differenceOn(pool, bet, due);
      if (due === bet.given && bet.held + amount === bet.held) continue;
      const { balance, owed } = purses.get(bet.account) ?? (this.accounts.get(bet.account) as Account);
      const net = netOf({ balance, owed }, amount);
      purses.set(bet.account, { balance: balance + amount - net, owed: owed - net });
      sums.bets++;
      sums.toPay += Math.max(0, amount);
      sums.toTakeBack += Math.max(0, -amount);
      sums.short += Math.max(0, -net);
      sums.kept += amount - (due - bet.given);
    }
    return sums;
  }

  #seal(d: Decision, pool: Pool, report: Fields): void {
    const { race } = pool;
    must(race.status === 'CLOSED', 'G2', () => `${this.name} #${d.seq} seals a pool that sells`);
    const known = pool.seals.get(race.closeNo);
    must(known === undefined, 'G7', () => `${this.name} #${d.seq} seals ${String(report['pool'])} a second time`);
    pool.seals.set(race.closeNo, report);
    const late = pool.bets.find((bet) => bet.left > 0 && bet.at > lastInTime(pool));
    must(
      late === undefined,
      'G2',
      () => `${this.name} #${d.seq}: ${late?.key} stands at the seal though it came after the stop`,
    );
  }

  // ── Money ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #pay(d: Decision, id: string, amount: number, stated: number | undefined, moved: Map<string, number>): void {
    const account = this.accounts.get(id) as Account;
    account.balance += amount;
    must(account.balance >= 0, 'G3', () => `${this.name} #${d.seq} leaves ${id} with ${account.balance}`);
    must(
      stated === undefined || stated === account.balance,
      'G3',
      () => `${this.name} #${d.seq} states ${stated} for ${id}, who has ${account.balance}`,
    );
    add(moved, `acc:${id}`, amount);
  }

  #takeOff(
    d: Decision,
    pool: Pool,
    id: string,
    bet: Bet,
    amount: number,
    moved: Map<string, number>,
    cause = '',
  ): void {
    // A runner that turns out not to have run is found after the payment, too.
    const isLate = bet.given > 0 && cause !== 'SCRATCHED';
    must(!isLate, 'G3', () => `${this.name} #${d.seq} gives back ${bet.key}, which was paid`);
    must(this.pools.get(id) === pool, 'G3', () => `${this.name} #${d.seq} takes ${bet.key} out of another pool`);
    bet.left -= amount;
    add(moved, `pool:${id}`, -amount);
    this.onMoved(id, -amount);
  }

  #posts(d: Decision, moved: Map<string, number>): void {
    let sum = 0;
    for (const [account, amount] of d.posts) {
      must(Number.isSafeInteger(amount), 'G3', () => `${this.name} #${d.seq} posts ${amount}`);
      add(moved, account, -amount);
      sum += amount;
    }
    must(sum === 0, 'G3', () => `${this.name} #${d.seq}: its postings sum to ${sum}`);
    for (const [account, rest] of moved)
      must(
        rest === 0,
        'G3',
        () => `${this.name} #${d.seq}: ${account} is posted ${rest} away from what its events say`,
      );
  }

  #pool(id: unknown): Pool {
    return this.pools.get(String(id)) as Pool;
  }

  #account(e: Fields): Account {
    return this.accounts.get(String(e['account'])) as Account;
  }

  #betOf(d: Decision, ticket: unknown, no: unknown): { readonly pool: Pool; readonly bet: Bet } {
    const found = this.bets.get(`${String(ticket)} ${String(no)}`);
    must(
      found !== undefined,
      'G3',
      () => `${this.name} #${d.seq} moves the bet ${String(ticket)} ${String(no)}, which was never accepted`,
    );
    return found;
  }
}

const ANY = '*';
const ANSWERS: Readonly<Record<string, string>> = {
  PlaceTicket: 'TicketAccepted',
  CancelTicket: 'TicketCancelled',
  Checkpoint: 'Checkpoint',
  AbandonRef: 'RefBurnt',
  MarketFact: 'FactApplied',
  OpenAccount: 'AccountOpened',
  Deposit: 'MoneyMoved',
  Withdraw: 'MoneyMoved',
  SetLimits: 'LimitsSet',
};

/** The lines whose stake is not given back, as they run. */
export const standing = (pool: Pool, { lines, complement = [] }: Bet): readonly (readonly string[])[] =>
  pool.legs ? lines.filter((line) => isStanding(pool, line)) : asRun(lines, complement, pool.race.scratched);

/** Whether it names somebody who does not run, as a reserve or a complement too: no new bet may. */
function isNonRunnerIn({ race, legs }: Pool, { lines, reserves, complement = [] }: LegLines): boolean {
  const isOut = (runner: string | undefined, i: number): boolean =>
    runner !== undefined && (legs?.[i] ?? race).scratched.includes(runner);
  return [...lines, reserves, complement].some((line) => line.some(isOut));
}

/** A bet later than the stop stands nowhere, nor one later than the off of any race that it is about. */
const lastInTime = ({ race, legs }: Pool): number =>
  Math.min(race.stopAt, ...(legs ?? [race]).map(({ offAt }) => offAt));

/** On sale, or not yet. */
const sells = ({ race }: Pool, at: number): boolean => race.status !== 'CLOSED' && at <= race.scheduledStop;

/** The bets of a report as they were asked for: the same runners, in whatever words. */
function sameSteps(taken: unknown, asked: unknown, poolOf: (step: Step) => Pool): boolean {
  const text = (steps: unknown): string =>
    JSON.stringify(
      ((steps ?? []) as readonly Step[]).map((step) => [
        ...[step.pool, step.quarters],
        readIn(poolOf(step), step.sel)?.lines.map(String).sort(),
      ]),
    );
  return text(taken) === text(asked);
}

/**
 * Over several races the rules say what becomes of a line with a non-runner: it is given back; or somebody stands in for it; or it is
 * given back, but for one in the last leg that was found out after the close, which has a consolation.
 */
const isStanding = ({ legs = [], outAtClose, rules }: Pool, line: readonly string[]): boolean => {
  const how = rules.legs?.scratch ?? 'FAVOURITE';
  return line.every((runner, i) => {
    const out = (legs[i] as Race).scratched.indexOf(runner);
    const isConsoled = how === 'CONSOLATION' && i === legs.length - 1 && out >= (outAtClose?.[i] ?? Infinity);
    return out < 0 || how === 'FAVOURITE' || isConsoled;
  });
};

function readIn({ type, race, legs }: Pool, text: string): LegLines | undefined {
  if (legs) {
    const fields = legs.map(({ runners }) => runners);
    return legLinesOf(text, fields);
  }
  const [formula = '', named] = text.split('+');
  const complement = named === undefined ? [] : named.split(',');
  const lines = linesOf(type, formula, race.runners);
  const isTwice = lines?.some((line) => line.some((runner) => complement.includes(runner)));
  if (!lines || isTwice || !isColumn(complement, race.runners)) return undefined;
  return { lines, reserves: [], complement };
}

const wins = (pool: Pool, bet: Bet, c: string): number =>
  standing(pool, bet).filter((line) => (pool.legs ? isRightIn(line, c, bet.reserves) : isOn(pool.type, line, c)))
    .length;

const policyOf = ({ rules }: Pool): string => rules.corrections ?? 'CLAWBACK';

/** What a result gives on a bet in all: nothing on one that does not stand. */
function dueOn(pool: Pool, bet: Bet, { outcome, prices }: Terms): number {
  if (outcome === 'REFUND' || outcome === 'VOID') return bet.left;
  if (bet.left === 0) return 0;
  return prices.reduce(
    (sum, { c, price }) => sum + payment(price, bet.unit * wins(pool, bet, c), pool.rules.payment),
    0,
  );
}

/** Claw-back takes what is held too much; otherwise too little is made good and the rest is left with the bettor. */
const differenceOn = (pool: Pool, { held }: Bet, due: number): number =>
  policyOf(pool) === 'CLAWBACK' ? due - held : Math.max(0, due - held);

/** How much less an account owes afterwards: a balance never goes below zero. */
const netOf = ({ balance, owed }: Pick<Account, 'balance' | 'owed'>, amount: number): number =>
  amount >= 0 ? Math.min(owed, amount) : Math.min(0, balance + amount);

function add(moved: Map<string, number>, account: string, amount: number): void {
  moved.set(account, (moved.get(account) ?? 0) + amount);
}

/** Whether a ticket can be read at all: what its fields must be. */
function isWhole(body: Fields): boolean {
  const bets = body['bets'];
  const isText = (v: unknown): boolean => typeof v === 'string' && v.length > 0 && v.length <= 200;
  const isAmount = (v: unknown): boolean => Number.isSafeInteger(v) && Number(v) > 0 && Number(v) <= 1e12;
  return (
    ['account', 'ref', 'currency', 'channel'].every((name) => isText(body[name])) &&
    typeof body['atomic'] === 'boolean' &&
    /^[0-9a-f]{16,64}$/.test(String(body['body'])) &&
    /^[0-9a-f]{32}$/.test(String(body['blind'])) &&
    Array.isArray(bets) &&
    bets.length >= 1 &&
    bets.length <= 100 &&
    bets.every(
      (bet: Fields) =>
        isText(bet['ref']) &&
        isText(bet['pool']) &&
        isText(bet['sel']) &&
        (bet['unit'] === 0 || isAmount(bet['unit'])) &&
        isAmount(bet['stake']) &&
        (bet['next'] === undefined || isReport(bet['next'])),
    )
  );
}

function isReport(steps: unknown): boolean {
  const isStep = ({ pool, sel, quarters }: Fields): boolean =>
    [pool, sel].every((text) => typeof text === 'string' && text.length > 0) && [1, 2, 3, 4].includes(Number(quarters));
  return Array.isArray(steps) && steps.length >= 1 && steps.length <= 5 && steps.every(isStep);
}

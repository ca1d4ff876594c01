/**
 * Everything that an exported log must satisfy, checked from its bytes alone: chains and incarnations, money, references, the stop,
 * seals and their trees, settled pools, dividends priced again by the second calculator, ticks against their cuts. Shares nothing with
 * what wrote the log but the documented form of a record. It must never write, and never stop at a first finding unless the chain
 * itself is broken: then nothing behind that place can be believed.
 */
import { AuditFold, AuditLogBroken, type LoggedDecision, type willPays } from '#mutuel/audit';
import type { MoneyCard } from './carried-over.js';
import type { ExportedRecord, ExportHead } from './export-file.js';
import { leafOf, poolRoot } from './inclusion.js';
import { LogChains, placeOf } from './log-chains.js';
import { bookedBy, move, netOf, type Posting, type Purse } from './postings.js';
import { compareSeals, type PublishedSeals } from './published-seals.js';
import type { SealStatement } from './receipt.js';
import { type DeclaredFact, Settlements } from './settlements.js';
import { type Movement, type Owner, PoolPart, type Report, type SealReport, ShardReports } from './shard-reports.js';
import { type RaceCard, TickChecks } from './tick-checks.js';
import { type PricedFact, type Weighed, Weighings } from './weighings.js';

export interface LogFinding {
  /** `shard.decisions/0 #17`: topic, partition and offset of the record at fault. */
  readonly at: string;
  readonly what: string;
}

export interface LogReport {
  readonly records: number;
  readonly decisions: number;
  /** Records of writers that had lost the log, and repetitions: they count for nothing. */
  readonly passedOver: number;
  readonly bets: number;
  readonly stakes: number;
  readonly refunded: number;
  readonly paid: number;
  readonly takeout: number;
  /** Reports of shards (seals, counts, refunds, payments) added up again. */
  readonly reports: number;
  readonly seals: number;
  /** Published seals that are equal to the log's; none where there are none to compare. */
  readonly sealsPublished: number;
  readonly racesSettled: number;
  /** Dividend sheets priced again and equal. */
  readonly dividends: number;
  readonly ticks: number;
  /** Pool figures of ticks compared with their cuts. */
  readonly tickFigures: number;
  /** Rows of these: the stake on a combination compared with the cut, its odds worked out again. */
  readonly tickRows: number;
  /** What was met and not checked, each with how often. */
  readonly notChecked: readonly string[];
  readonly findings: readonly LogFinding[];
}

type Event = { readonly t: string } & Readonly<Record<string, unknown>>;
type Decision = LoggedDecision & {
  readonly at: number;
  readonly code?: string;
  readonly events: readonly Event[];
  readonly posts: readonly Posting[];
};

interface Bet {
  readonly no: number;
  readonly pool: string;
  readonly sel: string;
  readonly lines: number;
  readonly unit: number;
  readonly stake: number;
  readonly leaf: string;
}

interface PoolTruth {
  readonly id: string;
  /** On whose card it stands; over several races that of its last leg. */
  readonly race: string;
  /** All races that it is run on. */
  readonly races: readonly string[];
  /** Whether a bettor keeps what a correction gives less. */
  readonly corrections: string;
  readonly parts: Map<number, PoolPart>;
  /** Seals of the shards by close number. */
  readonly seals: Map<number, Map<number, SealReport>>;
  /** The append time after which no bet stands; undefined: nothing has ended its sale. */
  stop: number | undefined;
  /** The earliest off that was declared for one of its races. */
  off: number;
  clearing: number;
}

type SealSums = Pick<SealStatement, 'voidedBets' | 'voidedStake'>;
/** A bet's movement, of whomever it is said to be. */
type Moved = Pick<Movement, 'i' | 'no' | 'amount' | 'ticket' | 'account'>;
/** Where something was found: a record, or its place in words. */
type Place = ExportedRecord | string;

/** A log with one defect may have a million findings: these are enough to act on. */
const MAX_FINDINGS = 100;
/** Causes of refunds that take a bet out of its pool; a scratch takes out lines. */
const WITHDRAWING = new Set(['AFTER_STOP', 'AFTER_OFF']);
/** Causes that settle a pool as a payment does: every standing bet gets back what is left of it, and stands. */
const RETURNING = new Set(['RACE_VOID', 'POOL_REFUNDED']);

/** The log cannot be followed any further; `at` is the first bad record. */
export class LogUnreadable extends Error {
  override readonly name = 'LogUnreadable';
  readonly retriable = false;
}

export class LogVerifier {
  readonly #say = {
    find: (at: string, what: string): void => this.#find(at, what),
    pass: (what: string): void => this.#pass(what),
  };
  readonly #findings: LogFinding[] = [];
  readonly #notChecked = new Map<string, number>();
  readonly #chains = new LogChains();
  readonly #audit = new AuditFold({ willPays: true, settlements: true });
  readonly #balances = new Map<string, number>();
  /** What could not be taken back from accounts. */
  readonly #owed = new Map<string, number>();
  /** Accepted references with the account that used them, and pairs of those that several accounts used. */
  readonly #refs = new Map<string, string>();
  readonly #sharedRefs = new Set<string>();
  readonly #pools = new Map<string, PoolTruth>();
  /** The same by the name of the clearing account. */
  readonly #clearings = new Map<string, PoolTruth>();
  readonly #racePools = new Map<string, readonly PoolTruth[]>();
  /** Each account's name once, for all that is kept of its tickets. */
  readonly #accounts = new Map<string, string>();
  /** The market's facts by number, as text; and the last that each shard has applied. */
  readonly #facts: string[] = [];
  readonly #applied = new Map<number, number>();
  /** By shard and race the earliest off that the shard has heard of. */
  readonly #heardOffs = new Map<string, number>();
  readonly #results = new Set<string>();
  readonly #settlements: Settlements;
  readonly #weighings: Weighings;
  readonly #reports = new ShardReports(
    (what) => this.#pass(what),
    (shard, pool) => this.#audit.backed(`shard-${shard}`, pool, this.#applied.get(shard) ?? 0),
  );
  readonly #settled = new Map<string, string>();
  readonly #sealedByMarket: { readonly event: Event; readonly at: string }[] = [];
  readonly #ticks: TickChecks;
  readonly #priced = new Map<string, ReturnType<typeof willPays>>();
  readonly #commandTimes = new Map<string, number[]>();
  readonly #figures = {
    records: 0,
    decisions: 0,
    bets: 0,
    stakes: 0,
    refunded: 0,
    paid: 0,
    takeout: 0,
    reports: 0,
    seals: 0,
    logged: 0,
  };

  /** `published`: answers of `GET /v1/seals`, to be compared in the end. */
  constructor(
    private readonly head: ExportHead,
    private readonly published: readonly PublishedSeals[] = [],
  ) {
    const say = this.#say;
    this.#ticks = new TickChecks(head.shards, say, (pool, question) => this.#willPays(pool, question));
    const refuse = (what: string): void => void this.#notChecked.set(what, 0);
    this.#settlements = new Settlements(this.#audit, { ...say, refuse });
    this.#weighings = new Weighings(this.#audit, say);
  }

  /** Takes the next record of the file. Throws `LogUnreadable` where the chain of a log is broken. */
  take(record: ExportedRecord): void {
    this.#figures.records += 1;
    switch (record.topic) {
      case 'market.decisions':
        this.#decision('market', record, (decision) => this.#market(decision, record));
        return;
      case 'shard.decisions':
        this.#shardRecord(record);
        return;
      case 'market.commands':
      case 'shard.commands':
        this.#command(record);
        return;
      case 'odds':
        this.#tick(record);
        return;
      default:
        return;
    }
  }

  /** After the last record. */
  finish(): LogReport {
    for (let shard = 0; shard < this.head.shards; shard++) this.#passCuts(shard, Number.POSITIVE_INFINITY);
    for (const { at, what } of this.#chains.contradictions) this.#find(at, what);
    const sealed = this.#sealedByMarket.flatMap(({ event, at }) => this.#checkMarketSeal(event, at) ?? []);
    const sealsPublished = this.published.length === 0 ? 0 : compareSeals(this.published, sealed, this.#say);
    for (const [race, at] of this.#settled) this.#checkSettled(race, at);
    this.#reports.finish((at, what) => this.#find(at, what));
    const dividends = this.#settlements.finish();
    this.#weighings.finish();
    const ticks = this.#ticks.finish();
    const { logged, ...figures } = this.#figures;
    return {
      ...figures,
      passedOver: logged - figures.decisions,
      sealsPublished,
      racesSettled: this.#settled.size,
      dividends,
      ...ticks,
      notChecked: [...this.#notChecked].map(([what, many]) => (many === 0 ? what : `${what} (${many})`)),
      findings: this.#findings,
    };
  }

  // Records.

  #command({ topic, partition, offset, time }: ExportedRecord): void {
    const key = topic === 'market.commands' ? 'market' : `shard-${partition}`;
    let times = this.#commandTimes.get(key);
    if (!times) {
      times = [];
      this.#commandTimes.set(key, times);
    }
    times[offset] = time;
  }

  #tick(record: ExportedRecord): void {
    try {
      this.#ticks.take(record.value, placeOf(record));
    } catch (fault) {
      this.#find(record, `the tick, or a card that it names, is not of its form: ${(fault as Error).message}`);
    }
  }

  #decision(src: string, record: ExportedRecord, use: (decision: Decision) => void): void {
    if (!this.#chains.knows(src) && record.offset !== 0)
      this.#broken(record, 'the export does not begin with the first record');
    this.#figures.logged += 1;
    try {
      this.#follow(src, record, use);
    } catch (fault) {
      if (fault instanceof LogUnreadable) throw fault;
      const before = this.#chains.contradictedSince(src);
      const since = before === undefined ? '' : `; its writer contradicts itself since ${before}: look there first`;
      if (fault instanceof AuditLogBroken) this.#broken(record, `${fault.message}${since}`);
      // Whoever can chain a log again can write anything into it.
      this.#broken(record, `what it says is not of its form: ${(fault as Error).message}`);
    }
  }

  #follow(src: string, record: ExportedRecord, use: (decision: Decision) => void): void {
    const decision = this.#chains.take(src, record) as Decision | undefined;
    if (!decision) return;
    this.#figures.decisions += 1;
    this.#checkTime(src, decision, record);
    this.#book(decision.posts, record);
    use(decision);
  }

  /** The only time that decides is the append time of the command: it must be the one that the command's log says. */
  #checkTime(src: string, { in: place, at: time }: Decision, at: Place): void {
    const times = this.#commandTimes.get(src);
    if (!times) {
      this.#notChecked.set(`times of commands of ${src}: the export holds no command log`, 0);
      return;
    }
    const appended = times[place[1]];
    if (appended === undefined) this.#find(at, `it decides command ${place[1]}, which the command log does not hold`);
    else if (appended !== time)
      this.#find(at, `it says that its command was appended at ${time}, the command log says ${appended}`);
  }

  #book(posts: readonly Posting[], at: Place): void {
    let sum = 0;
    for (const [account, amount] of posts) {
      if (!Number.isSafeInteger(amount)) this.#find(at, `${amount} on ${account} is no whole amount`);
      sum += amount;
      if (account.startsWith('acc:') || account.startsWith('carry-over:')) {
        const balance = (this.#balances.get(account) ?? 0) + amount;
        this.#balances.set(account, balance);
        if (balance < 0) this.#find(at, `${account} falls to ${balance}`);
      } else if (account.startsWith('pool:')) {
        const pool = this.#clearings.get(account);
        if (pool) pool.clearing += amount;
        else this.#find(at, `${account} was never published`);
      } else if (account.startsWith('owed:')) {
        const id = account.slice('owed:'.length);
        this.#owed.set(id, (this.#owed.get(id) ?? 0) - amount);
      } else if (account === 'house:takeout') this.#figures.takeout += amount;
    }
    if (sum !== 0) this.#find(at, `its postings sum to ${sum}, not to nothing`);
  }

  // The market.

  #market(decision: Decision, at: ExportedRecord): void {
    this.#ticks.decided(at.offset, at.time);
    for (const event of decision.events) {
      if (event.t === 'Fact') {
        this.#facts[Number(event['n'])] = JSON.stringify(event['fact']);
        if ((event['fact'] as Event).t === 'CorrectionPriced')
          this.#weighings.asked(Number(event['n']), event['fact'] as unknown as PricedFact, placeOf(at));
        this.#fact(event['fact'] as Event, decision, at);
      } else if (event.t === 'PoolSealed') {
        this.#sealedByMarket.push({ event, at: placeOf(at) });
        this.#ticks.sealed(String(event['pool']), Number(event['closeNo']), at.offset);
      } else if (event.t === 'RaceSettled') this.#settled.set(String(event['race']), placeOf(at));
      else if (event.t === 'ReportReceived') {
        const [shard, report] = [Number(event['shard']), event['report'] as Report];
        this.#reports.heard(shard, Number(event['n']), report, placeOf(at));
        if (report.t === 'WillPay') this.#ticks.answered(report.pool, Number(report['no']), shard, at.offset);
      }
    }
    if (decision.posts.length > 0) this.#settlements.booked(decision.posts, placeOf(at));
  }

  #willPays(pool: string, question: number): ReturnType<typeof willPays> {
    const key = `${pool} ${question}`;
    const priced = this.#priced.get(key) ?? this.#audit.willPays(pool, question, this.head.shards);
    this.#priced.set(key, priced);
    return priced;
  }

  #fact(fact: Event, { posts }: Decision, at: ExportedRecord): void {
    const race = String(fact['race']);
    switch (fact.t) {
      case 'MeetingPublished': {
        const { races } = fact['meeting'] as {
          readonly races: readonly (RaceCard & { pools: readonly MoneyCard[] })[];
        };
        this.#ticks.published(races);
        this.#settlements.published(races, placeOf(at));
        for (const { raceId, pools } of races)
          for (const { poolId, legs, ruleSet } of pools) {
            const pool: PoolTruth = {
              ...{ id: poolId, race: raceId, races: legs ?? [raceId], corrections: ruleSet.corrections ?? 'CLAWBACK' },
              ...{ parts: new Map(), seals: new Map(), stop: undefined, off: Number.POSITIVE_INFINITY, clearing: 0 },
            };
            this.#pools.set(poolId, pool);
            this.#clearings.set(`pool:${poolId}`, pool);
            for (const one of pool.races) this.#racePools.set(one, [...this.#poolsOn(one), pool]);
          }
        return;
      }
      case 'BettingClosed':
        for (const pool of this.#poolsOn(race)) pool.stop ??= Number(fact['stopAt']);
        return;
      case 'RaceVoided': {
        // A pool over several races goes on selling but where it is its first leg that is void.
        for (const pool of this.#poolsOn(race)) if (pool.races[0] === race) pool.stop ??= Number(fact['stopAt']);
        const own = this.#poolsOn(race).filter(({ races }) => races.length === 1);
        this.#settlements.voided(
          own.map(({ id }) => id),
          placeOf(at),
        );
        return;
      }
      case 'LateOffDeclared':
        for (const pool of this.#poolsOn(race)) pool.off = Math.min(pool.off, Number(fact['offAt']));
        return;
      case 'RunnerScratched':
        this.#ticks.scratched(race, String(fact['runner']), at.offset);
        return;
      case 'WillPaysAsked':
        this.#ticks.asked(String(fact['pool']), Number(fact['no']));
        return;
      case 'RaceReopened':
        this.#settled.delete(race);
        return;
      case 'RefundsAsked':
        // What is given back of a paid pool is settled with its last leg, once more.
        for (const pool of fact['pools'] as readonly string[]) this.#settled.delete(this.#pools.get(pool)?.race ?? '');
        return;
      case 'ResultEntered':
        this.#settled.delete(race);
        this.#results.add(`${race}/${fact['version']}`);
        return;
      case 'DividendsDeclared':
        if (!this.#results.has(`${race}/${fact['version']}`))
          this.#find(at, `dividends of ${race} for a result that was never entered`);
        this.#settlements.declared(fact as unknown as DeclaredFact, posts, placeOf(at));
        return;
      default:
        return;
    }
  }

  #poolsOn(race: string): readonly PoolTruth[] {
    return this.#racePools.get(race) ?? [];
  }

  // The shards.

  #shardRecord(record: ExportedRecord): void {
    const shard = record.partition;
    this.#passCuts(shard, record.offset);
    this.#decision(`shard-${shard}`, record, (decision) => {
      this.#ticks.counts(shard, record.time, () => placeOf(record));
      this.#audit.apply(decision.src, decision);
      let moved: number | undefined;
      for (const event of decision.events) {
        const amount = this.#shardEvent(shard, decision, event, record);
        if (amount !== undefined) moved = (moved ?? 0) + amount;
      }
      if (moved !== undefined) this.#checkMoved(decision.posts, moved, record);
    });
  }

  #passCuts(shard: number, offset: number): void {
    this.#ticks.passCuts(shard, offset, (pool) => this.#pools.get(pool)?.parts.get(shard)?.gross ?? 0);
  }

  /** What the bets of a decision took from accounts and gave to them is what it booked on them. */
  #checkMoved(posts: readonly Posting[], moved: number, at: Place): void {
    let booked = 0;
    for (const [account, amount] of posts) if (account.startsWith('acc:')) booked += amount;
    if (booked !== moved) this.#find(at, `its bets move ${moved} on accounts, its postings sum to ${booked} there`);
  }

  /** What the event moves on accounts in all; undefined where it is not about bets. */
  #shardEvent(shard: number, decision: Decision, event: Event, at: ExportedRecord): number | undefined {
    switch (event.t) {
      case 'TicketAccepted':
        return this.#accepted(shard, decision, event, at);
      case 'TicketCancelled': {
        const { account, ticket } = event as unknown as Owner;
        const bets = event['bets'] as readonly Movement[];
        for (const { pool, i, no, amount } of bets)
          this.#withdraw(shard, pool, { i, no, amount, ticket, account }, 'TicketCancelled', at);
        this.#told(account, event['balance'], at);
        return bets.reduce((sum, { amount }) => sum + amount, 0);
      }
      case 'BetsRefunded':
        this.#refunded(shard, event, at);
        return this.#moved(event['items'] as readonly Movement[], at);
      case 'BetsCorrected':
      case 'BetsPaid': {
        const items = event['items'] as readonly Movement[];
        this.#paid(shard, String(event['pool']), Number(event['version']), items, at);
        this.#checkNets(items, decision.posts, at);
        return this.#moved(items, at);
      }
      case 'BetsWeighed':
        this.#weighed(shard, Number(event['job']), Number(event['cursor']), at);
        return undefined;
      case 'Report': {
        const ended: Event | undefined = decision.events.find(({ t }) => t === 'JobEnded');
        this.#report(shard, Number(event['n']), ended?.['job'] as number | undefined, event['report'] as Report, at);
        return undefined;
      }
      case 'FactApplied': {
        this.#factApplied(shard, Number(event['n']), event['fact'] as Event, at);
        return undefined;
      }
      case 'SetAside':
        if (event['fact'] === (this.#applied.get(shard) ?? 0) + 1) this.#applied.set(shard, Number(event['fact']));
        return undefined;
      default:
        return undefined;
    }
  }

  /** The shard knows what the market decided, and nothing else. */
  #factApplied(shard: number, n: number, fact: Event, at: Place): void {
    const next = (this.#applied.get(shard) ?? 0) + 1;
    this.#applied.set(shard, n);
    if (n !== next) this.#find(at, `shard ${shard} applies fact ${n} of the market, ${next} was to come`);
    else if (JSON.stringify(fact) !== this.#facts[n])
      this.#find(at, `shard ${shard} applies another fact ${n} than the market's`);
    const race = String(fact['race']);
    if (fact.t === 'RunnerScratched') {
      this.#ticks.scratchedIn(shard, race);
      const pools = new Set(this.#poolsOn(race).map(({ id }) => id));
      for (const checks of [this.#weighings, this.#settlements]) checks.scratched(shard, pools);
    } else if (fact.t === 'CorrectionPriced') this.#weighings.heard(shard, n, fact as unknown as PricedFact);
    else if (fact.t === 'DividendsDeclared') this.#settlements.heard(shard, fact as unknown as DeclaredFact);
    else if (fact.t === 'LateOffDeclared') {
      const key = `${shard} ${race}`;
      this.#heardOffs.set(key, Math.min(this.#heardOffs.get(key) ?? Number.POSITIVE_INFINITY, Number(fact['offAt'])));
    } else if (fact.t === 'CorrectionsClosed')
      for (const pool of this.#poolsOn(race)) if (pool.race === race) this.#letGo(shard, pool);
  }

  /** A step of weighing what a correction would move, by balances as they are at this decision. */
  #weighed(shard: number, job: number, cursor: number, at: Place): void {
    const of = (id: string): Weighed | undefined => {
      const part = this.#part(shard, id, at);
      return part && { part, keeps: this.#pools.get(id)?.corrections !== 'CLAWBACK' };
    };
    this.#weighings.weighed(shard, job, cursor, of, (account) => this.#purseOf(account));
  }

  #purseOf(account: string): Purse {
    return { held: this.#balances.get(`acc:${account}`) ?? 0, owing: this.#owed.get(account) ?? 0 };
  }

  #letGo(shard: number, pool: PoolTruth): void {
    pool.parts.get(shard)?.letGo();
    this.#audit.letGo(`shard-${shard}`, pool.id);
  }

  #accepted(shard: number, decision: Decision, event: Event, at: Place): number {
    const { ref, ticket, blind } = event as unknown as Record<'ref' | 'ticket' | 'blind', string>;
    const account = this.#nameOf(String(event['account']));
    if (!this.#isFirst(account, ref)) this.#find(at, `reference ${ref} of ${account} is accepted a second time`);
    this.#told(account, event['balance'], at);
    let total = 0;
    const owner = { ticket, account };
    for (const bet of event['bets'] as readonly Bet[]) {
      const leaf = leafOf({
        ...{ blind, ticketId: ticket, no: bet.no, poolId: bet.pool, selection: bet.sel },
        ...{ unitStake: bet.unit, stake: bet.stake, acceptedAt: decision.at },
      });
      if (leaf !== bet.leaf) this.#find(at, `the leaf of bet ${bet.no + 1} of ${ticket} is not the hash of the bet`);
      const part = this.#part(shard, bet.pool, at);
      total += bet.stake;
      if (!part) continue;
      part.take(bet, decision.at, owner);
      this.#ticks.bet(shard, bet.pool, bet);
      this.#figures.bets += 1;
      this.#figures.stakes += bet.stake;
    }
    return -total;
  }

  #nameOf(account: string): string {
    const known = this.#accounts.get(account) ?? account;
    this.#accounts.set(account, known);
    return known;
  }

  #isFirst(account: string, ref: string): boolean {
    const owner = this.#refs.get(ref);
    if (owner === undefined) {
      this.#refs.set(ref, account);
      return true;
    }
    const pair = `${account} ${ref}`;
    if (owner === account || this.#sharedRefs.has(pair)) return false;
    this.#sharedRefs.add(pair);
    return true;
  }

  /** A balance that a decision states is the one that its postings make. */
  #told(account: string, balance: unknown, at: Place): void {
    const found = this.#balances.get(`acc:${account}`);
    if (found !== balance) this.#find(at, `it tells ${account} a balance of ${balance}, its postings make ${found}`);
  }

  #moved(items: readonly Movement[], at: Place): number {
    const last = new Map<string, number>();
    let sum = 0;
    for (const { account, amount, balance, net = 0 } of items) {
      sum += amount - net;
      last.set(account, balance);
    }
    for (const [account, balance] of last) this.#told(account, balance, at);
    return sum;
  }

  /** Of a payment what the account owes is kept back, of what is taken back what it does not hold is owed: no more, and no less. */
  #checkNets(items: readonly Movement[], posts: readonly Posting[], at: Place): void {
    const isPlain = ({ account, amount, net }: Movement): boolean =>
      amount >= 0 && net === undefined && !this.#owed.get(account);
    if (items.every(isPlain)) return;
    const booked = bookedBy(posts);
    // As it was before: its postings are booked.
    const before = (account: string): Purse => {
      const { held, owing } = this.#purseOf(account);
      return { held: held - booked(`acc:${account}`), owing: owing + booked(`owed:${account}`) };
    };
    const purses = new Map<string, Purse>();
    for (const { account, amount, net = 0 } of items) {
      const purse = purses.get(account) ?? before(account);
      purses.set(account, purse);
      const due = netOf(purse, amount);
      if (net !== due) this.#find(at, `${account} owes ${purse.owing} and is to owe ${net} less, it should be ${due}`);
      move(purse, amount, net);
    }
  }

  /** It is the bet of that ticket and account. */
  #isOwn(part: PoolPart, poolId: string, { i, no, ticket, account }: Moved, at: Place): boolean {
    const owner = part.owners[i];
    if (owner && owner.ticket === ticket && owner.account === account && part.nos[i] === no) return true;
    const own = owner
      ? `bet ${(part.nos[i] as number) + 1} of ${owner.ticket}, of ${owner.account}`
      : 'no bet that it holds';
    this.#find(at, `it moves bet ${i} of ${poolId} as bet ${no + 1} of ${ticket}, of ${account}; that is ${own}`);
    return owner !== undefined;
  }

  #refunded(shard: number, event: Event, at: Place): void {
    const { pool, cause, job, root } = event as unknown as { pool: string; cause: string; job: number; root: string };
    const items = event['items'] as readonly Movement[];
    let gone = 0;
    for (const item of items)
      if (RETURNING.has(cause)) this.#return(shard, pool, item, cause, at);
      else gone += this.#withdraw(shard, pool, item, cause, at);
    this.#reports.refunded(shard, job, root, items, gone, (what) => this.#find(at, what));
  }

  /** Takes a bet, or lines of it, out of its pool; 1 where nothing is left of it. */
  #withdraw(shard: number, poolId: string, bet: Moved, cause: string, at: Place) {
    const { i, amount } = bet;
    const part = this.#part(shard, poolId, at);
    if (!part) return 0;
    this.#figures.refunded += amount;
    const isLate = (part.at[i] as number) > lastInTime(this.#pools.get(poolId) as PoolTruth);
    if (this.#isOwn(part, poolId, bet, at) && WITHDRAWING.has(cause) && !isLate)
      this.#find(at, `it gives bet ${i} of ${poolId} back as too late, which came in time`);
    const before = part.left[i] ?? 0;
    if (!part.withdraw(i, amount, cause === 'AFTER_STOP')) {
      this.#find(at, `it gives ${amount} back on bet ${i} of ${poolId}, of which ${before} is left`);
      return 0;
    }
    if (cause !== 'SCRATCHED') this.#ticks.withdrew(shard, poolId, i);
    if (amount === before) return 1;
    if (cause === 'TicketCancelled' || WITHDRAWING.has(cause))
      this.#find(at, `bet ${i} of ${poolId} is withdrawn with ${amount} of ${before}`);
    return 0;
  }

  #return(shard: number, poolId: string, bet: Movement, cause: string, at: Place): void {
    const { i, amount } = bet;
    const part = this.#part(shard, poolId, at);
    if (!part) return;
    this.#isOwn(part, poolId, bet, at);
    this.#figures.refunded += amount;
    const left = part.left[i] ?? 0;
    if (amount !== left) this.#find(at, `it gives ${amount} back on bet ${i} of ${poolId}, of which ${left} is left`);
    if (part.settled.has(i)) this.#find(at, `bet ${i} of ${poolId} is settled a second time`);
    part.settle(i, amount);
    if (cause !== 'RACE_VOID') return;
    part.gross -= amount;
    this.#ticks.withdrew(shard, poolId, i);
  }

  #paid(shard: number, poolId: string, version: number, items: readonly Movement[], at: ExportedRecord): void {
    const part = this.#part(shard, poolId, at);
    if (!part) return;
    let text: string | undefined;
    const place = (): string => {
      text ??= placeOf(at);
      return text;
    };
    const { corrections } = this.#pools.get(poolId) as PoolTruth;
    for (const item of items) {
      const { i, amount, was, due = amount } = item;
      this.#figures.paid += amount;
      if (!this.#isOwn(part, poolId, item, at)) continue;
      const before = part.settled.get(i);
      if (was === undefined && before !== undefined) this.#find(at, `bet ${i} of ${poolId} is settled a second time`);
      else if (was !== undefined && was !== (before ?? 0))
        this.#find(at, `it corrects bet ${i} of ${poolId} from ${was}, which was given ${before ?? 0}`);
      const held = (before ?? 0) + (part.kept.get(i) ?? 0);
      const difference = corrections === 'CLAWBACK' ? due - held : Math.max(0, due - held);
      if (was !== undefined && amount !== difference)
        this.#find(at, `it moves ${amount} for bet ${i} of ${poolId}, of which ${held} is held and ${due} due`);
      part.settle(i, due);
      if (held + amount !== due || part.kept.has(i)) part.kept.set(i, held + amount - due);
      this.#settlements.paid(shard, poolId, version, part, i, place);
    }
  }

  #report(shard: number, n: number, job: number | undefined, report: Report, at: ExportedRecord): void {
    const part = this.#part(shard, report.pool, at);
    if (!part) return;
    this.#figures.reports += 1;
    if (report.t === 'Seal') this.#sealed(shard, report as unknown as SealReport, part, at);
    this.#reports.said(shard, n, job, report, part, (what) => this.#find(at, what));
    if (report.t === 'Paid') this.#paidOut(shard, n, report, part, at);
    else if (report.t === 'Weighed') this.#weighings.said(shard, n, job, report, part, placeOf(at));
  }

  /** The shard has paid a result. */
  #paidOut(shard: number, n: number, report: Report, part: PoolPart, at: ExportedRecord): void {
    const pool = this.#pools.get(report.pool) as PoolTruth;
    const version = Number(report['version']);
    this.#settlements.ended(shard, n, report, part, placeOf(at));
    if (version === 0) this.#letGo(shard, pool);
    else this.#checkInTime(part, pool, lastInTime(pool), 'is paid with the pool', at);
  }

  #checkInTime({ at: times, left }: PoolPart, { id }: PoolTruth, last: number, how: string, at: Place): void {
    const late = times.findIndex((time, i) => time > last && (left[i] as number) > 0);
    if (late >= 0) this.#find(at, `bet ${late} of ${id} ${how} and came after the stop`);
  }

  #sealed(shard: number, seal: SealReport, part: PoolPart, at: Place): void {
    const pool = this.#pools.get(seal.pool) as PoolTruth;
    this.#figures.seals += 1;
    this.#ticks.sealedIn(shard, seal.pool, seal.closeNo);
    const ofClose = pool.seals.get(seal.closeNo) ?? new Map<number, SealReport>();
    if (ofClose.has(shard)) this.#find(at, `shard ${shard} seals ${seal.pool} a second time for close ${seal.closeNo}`);
    ofClose.set(shard, seal);
    pool.seals.set(seal.closeNo, ofClose);
    // An off that became known after the seal takes bets out with a statement of its own.
    const offs = pool.races.map((race) => this.#heardOffs.get(`${shard} ${race}`) ?? Number.POSITIVE_INFINITY);
    this.#checkInTime(part, pool, Math.min(stopOf(pool), ...offs), 'stands at the seal', at);
  }

  #part(shard: number, poolId: string, at: Place): PoolPart | undefined {
    const pool = this.#pools.get(poolId);
    if (!pool) {
      this.#find(at, `pool ${poolId} was never published by the market`);
      return undefined;
    }
    let part = pool.parts.get(shard);
    if (!part) {
      part = new PoolPart();
      pool.parts.set(shard, part);
    }
    return part;
  }

  // The end.

  /** The seal as it is to be published; undefined where it is not whole. */
  #checkMarketSeal(event: Event, at: string): { readonly seal: SealStatement; readonly at: string } | undefined {
    const { pool: id, closeNo, bets, stake, root } = event as unknown as SealReport;
    const { voidedBets, voidedStake } = event as unknown as SealSums;
    const seals = this.#pools.get(id)?.seals.get(closeNo);
    const parts = Array.from({ length: this.head.shards }, (_, shard) => seals?.get(shard));
    const missing = parts.indexOf(undefined);
    if (missing >= 0) {
      this.#find(at, `${id} is called sealed; shard ${missing} has no seal for close ${closeNo}`);
      return undefined;
    }
    const whole = parts as readonly SealReport[];
    const sum = (of: (part: SealReport) => number): number => whole.reduce((total, part) => total + of(part), 0);
    if (poolRoot(whole.map((part) => part.root)) !== root)
      this.#find(at, `the root of ${id} is not made of its shards' roots`);
    if (sum((part) => part.bets) !== bets || sum((part) => part.stake) !== stake)
      this.#find(
        at,
        `${id} is sealed with ${bets} bets of ${stake}, its shards sealed ${sum((part) => part.bets)} of ${sum((part) => part.stake)}`,
      );
    const seal: SealStatement = {
      ...{ kind: 'mutuel-seal', v: 1, poolId: id, raceId: this.#pools.get(id)?.race ?? '', closeNo },
      sealedAt: Math.max(...whole.map(({ markerAt }) => markerAt)),
      ...{ bets, stake, voidedBets, voidedStake, root },
      shards: whole.map(({ lastSeq, bets: many, stake: staked, leaves, root: own }, shard) => ({
        ...{ shard, lastSeq, bets: many, stake: staked, leaves, root: own },
      })),
    };
    return { seal, at };
  }

  #checkSettled(race: string, at: string): void {
    for (const [id, pool] of this.#pools)
      if (pool.race === race && pool.clearing !== 0)
        this.#find(at, `${race} is called settled; ${pool.clearing} is left on the clearing account of ${id}`);
  }

  #find(at: Place, what: string): void {
    if (this.#findings.length < MAX_FINDINGS)
      this.#findings.push({ at: typeof at === 'string' ? at : placeOf(at), what });
  }

  /** Something of a kind that is known and not checked. */
  #pass(what: string): void {
    this.#notChecked.set(what, (this.#notChecked.get(what) ?? 0) + 1);
  }

  #broken(at: ExportedRecord, what: string): never {
    throw new LogUnreadable(`${placeOf(at)}: ${what}`);
  }
}

const stopOf = ({ stop }: PoolTruth): number => stop ?? Number.POSITIVE_INFINITY;

/** No bet stands that is later than the stop, or than the off of a race of the pool. */
const lastInTime = (pool: PoolTruth): number => Math.min(stopOf(pool), pool.off);

/**
 * The second calculator's own books: a fold over the shards' decisions into what stands on every line of every pool. It
 * takes cards, rules, bets, withdrawals and scratches from the decisions alone, never from a total that a shard reports,
 * and it must see each valid decision of each shard once, in order.
 */
import { bettingInterest, expandSelection, isSet, LineTally } from './expansion.js';
import { priceLines } from './price-by-force.js';
import { parseSelectionText } from './selection-text.js';
import {
  type AuditedPoolType,
  type AuditField,
  AuditRefused,
  type AuditRules,
  auditedPoolTypes,
  type DividendSheet,
  type LineStake,
} from './sheet.js';

/** The parts of a shard's decision that the fold reads; events of other kinds may stand among them. */
export interface AuditDecision {
  readonly events: readonly { readonly t: string }[];
}

type AuditEvent =
  | { readonly t: 'TicketAccepted'; readonly bets: readonly BetTaken[] }
  | { readonly t: 'TicketCancelled'; readonly bets: readonly Movement[] }
  | { readonly t: 'BetsRefunded'; readonly pool: string; readonly cause: string; readonly items: readonly Refund[] }
  | { readonly t: 'FactApplied'; readonly fact: MarketNews };

interface BetTaken {
  readonly pool: string;
  readonly sel: string;
  readonly lines: number;
  readonly unit: number;
  readonly stake: number;
}

/** `i` counts a pool's bets in one shard from 0, in the order they were taken. */
interface Refund {
  readonly i: number;
  readonly amount: number;
}

type Movement = Refund & { readonly pool: string };

type MarketNews =
  | { readonly t: 'MeetingPublished'; readonly meeting: { readonly races: readonly RaceNews[] } }
  | { readonly t: 'RunnerScratched'; readonly race: string; readonly runner: string };

interface RaceNews {
  readonly raceId: string;
  readonly runners: readonly { readonly number: string; readonly entry?: string }[];
  readonly pools: readonly {
    readonly poolId: string;
    readonly type: string;
    readonly ruleSet: AuditRules;
    readonly carryInMinor: number;
  }[];
}

interface RaceBooks {
  readonly declared: readonly string[];
  readonly entries: readonly (readonly string[])[];
  readonly scratched: Set<string>;
}

interface PoolCard {
  readonly type: string;
  readonly ruleSet: AuditRules;
  readonly carryInMinor: number;
  readonly race: RaceBooks;
}

/** One pool's bets in one shard, packed: a million bets must not be a million objects. Index: `i` of the events. */
interface ShardBook {
  /** Which of the pool's selections; -1 once the bet is withdrawn. */
  readonly selection: number[];
  readonly unit: number[];
  /** What scratches have given back so far, by bet. */
  readonly scratchRefunds: Map<number, number>;
}

/**
 * A pool's bets by distinct selection: what stands on its lines is the sum of the units of the selections covering them, so
 * the expansion into lines can wait until the race is run.
 */
interface PoolBooks {
  readonly numberOf: Map<string, number>;
  readonly texts: string[];
  readonly linesClaimed: number[];
  readonly units: bigint[];
  readonly shards: Map<string, ShardBook>;
  bets: number;
  readonly problems: string[];
}

/** Causes of a refund that take a bet out of the pool before it is priced. A pool refunded by its ladder was priced first. */
const WITHDRAWN = new Set(['AFTER_STOP', 'AFTER_OFF', 'RACE_VOID']);
/** A log with one defect may have a million: the first ones are enough to act on. */
const MAX_PROBLEMS = 20;

export interface PoolAudit {
  readonly poolId: string;
  readonly sheet: DividendSheet;
  /** Bets that stand. */
  readonly bets: number;
  /** Where the decisions contradict themselves or the rules, as sentences; a pool with problems must not be declared. */
  readonly problems: readonly string[];
}

export class AuditFold {
  readonly #races = new Map<string, RaceBooks>();
  readonly #cards = new Map<string, PoolCard>();
  readonly #pools = new Map<string, PoolBooks>();

  /** Takes in the next valid decision of a shard. */
  apply(shard: string, decision: AuditDecision): void {
    for (const event of decision.events) this.#event(shard, event as AuditEvent);
  }

  /** Pools whose card has been seen. */
  get poolIds(): readonly string[] {
    return [...this.#cards.keys()];
  }

  /** What stands on each line of a pool, lines of scratched runners included. */
  standingLines(poolId: string): readonly LineStake[] {
    return this.#expand(poolId, []);
  }

  /** Prices a pool for this finishing order from what the fold has seen. Throws `AuditRefused` when it cannot. */
  auditPool(poolId: string, finish: readonly (readonly string[])[]): PoolAudit {
    const card = this.#card(poolId);
    const books = this.#pools.get(poolId);
    const problems = [...(books?.problems ?? [])];
    const lines = this.#expand(poolId, problems);
    const { ruleSet, carryInMinor } = card;
    const sheet = priceLines({ poolType: audited(card), ruleSet, field: fieldOf(card), finish, carryInMinor }, lines);
    const returned = scratchRefunds(books);
    if (returned !== sheet.refundsMinor) {
      problems.push(`shards gave back ${returned} for scratched runners, their lines hold ${sheet.refundsMinor}`);
    }
    return { poolId, sheet, bets: books?.bets ?? 0, problems };
  }

  /** Lets go of a pool that is settled; it can no longer be audited. */
  forget(poolId: string): void {
    this.#pools.delete(poolId);
    this.#cards.delete(poolId);
  }

  #event(shard: string, event: AuditEvent): void {
    switch (event.t) {
      case 'TicketAccepted':
        for (const bet of event.bets) this.#take(shard, bet);
        return;
      case 'TicketCancelled':
        for (const bet of event.bets) this.#withdraw(shard, bet.pool, bet);
        return;
      case 'BetsRefunded':
        if (WITHDRAWN.has(event.cause)) for (const item of event.items) this.#withdraw(shard, event.pool, item);
        else if (event.cause === 'SCRATCHED')
          for (const item of event.items) this.#scratchRefund(shard, event.pool, item);
        return;
      case 'FactApplied':
        this.#news(event.fact);
    }
  }

  /** Every shard repeats the market's facts: the first word on a race stands, the others say the same. */
  #news(fact: MarketNews): void {
    if (fact.t === 'RunnerScratched') this.#races.get(fact.race)?.scratched.add(fact.runner);
    if (fact.t !== 'MeetingPublished') return;
    for (const race of fact.meeting.races) {
      if (this.#races.has(race.raceId)) continue;
      const books = raceBooks(race);
      this.#races.set(race.raceId, books);
      for (const { poolId, ...pool } of race.pools) this.#cards.set(poolId, { ...pool, race: books });
    }
  }

  #take(shard: string, bet: BetTaken): void {
    const books = this.#books(bet.pool);
    if (bet.lines * bet.unit !== bet.stake) {
      problem(books, `a bet of ${bet.stake} on "${bet.sel}" is not ${bet.lines} lines of ${bet.unit}`);
    }
    const selection = selectionNumber(books, bet);
    books.units[selection] = (books.units[selection] ?? 0n) + BigInt(bet.unit);
    books.bets += 1;
    const book = shardBook(books, shard);
    book.selection.push(selection);
    book.unit.push(bet.unit);
  }

  #withdraw(shard: string, pool: string, { i, amount }: Refund): void {
    const books = this.#books(pool);
    const book = shardBook(books, shard);
    const selection = book.selection[i] ?? -1;
    if (selection < 0) {
      problem(books, `bet ${i} of ${shard} is withdrawn but does not stand`);
      return;
    }
    const unit = book.unit[i] as number;
    const given = amount + (book.scratchRefunds.get(i) ?? 0);
    const stake = unit * (books.linesClaimed[selection] as number);
    if (given !== stake) problem(books, `bet ${i} of ${shard} is withdrawn with ${given} of its stake of ${stake}`);
    book.selection[i] = -1;
    book.scratchRefunds.delete(i);
    books.units[selection] = (books.units[selection] as bigint) - BigInt(unit);
    books.bets -= 1;
  }

  #scratchRefund(shard: string, pool: string, { i, amount }: Refund): void {
    const books = this.#books(pool);
    const book = shardBook(books, shard);
    if ((book.selection[i] ?? -1) < 0) problem(books, `bet ${i} of ${shard} is refunded but does not stand`);
    else book.scratchRefunds.set(i, (book.scratchRefunds.get(i) ?? 0) + amount);
  }

  #expand(poolId: string, problems: string[]): readonly LineStake[] {
    const card = this.#card(poolId);
    const interestOf = bettingInterest(fieldOf(card), card.ruleSet.coupling);
    const tally = new LineTally();
    const books = this.#pools.get(poolId);
    for (const [selection, text] of (books?.texts ?? []).entries()) {
      const unit = books?.units[selection] as bigint;
      if (unit === 0n) continue;
      const read = parseSelectionText(text);
      const lines = expandSelection(read, audited(card), interestOf);
      const claimed = books?.linesClaimed[selection] as number;
      if (lines.length !== claimed) problems.push(`"${text}" was sold as ${claimed} lines and covers ${lines.length}`);
      tally.add(lines, unit, isSet(read, audited(card)));
    }
    return tally.lines;
  }

  #card(poolId: string): PoolCard {
    const card = this.#cards.get(poolId);
    if (!card) throw new AuditRefused(`no decision seen so far has published pool ${poolId}`);
    return card;
  }

  #books(poolId: string): PoolBooks {
    let books = this.#pools.get(poolId);
    if (!books) {
      books = { numberOf: new Map(), texts: [], linesClaimed: [], units: [], shards: new Map(), bets: 0, problems: [] };
      this.#pools.set(poolId, books);
    }
    return books;
  }
}

function audited(card: PoolCard): AuditedPoolType {
  const type = auditedPoolTypes.find((name) => name === card.type);
  if (!type) throw new AuditRefused(`pool type ${card.type} is not known to the second calculator`);
  return type;
}

const fieldOf = ({ race }: PoolCard): AuditField => ({
  declared: race.declared,
  scratched: [...race.scratched],
  entries: race.entries,
});

function raceBooks({ runners }: RaceNews): RaceBooks {
  const names = new Set(runners.flatMap(({ entry }) => entry ?? []));
  return {
    declared: runners.map(({ number }) => number),
    entries: [...names].map((name) => runners.filter(({ entry }) => entry === name).map(({ number }) => number)),
    scratched: new Set(),
  };
}

function selectionNumber(books: PoolBooks, bet: BetTaken): number {
  const known = books.numberOf.get(bet.sel);
  if (known === undefined) {
    books.numberOf.set(bet.sel, books.texts.length);
    books.linesClaimed.push(bet.lines);
    return books.texts.push(bet.sel) - 1;
  }
  const claimed = books.linesClaimed[known] as number;
  if (claimed !== bet.lines) problem(books, `"${bet.sel}" was sold as ${claimed} lines and as ${bet.lines} lines`);
  return known;
}

function shardBook(books: PoolBooks, shard: string): ShardBook {
  const known = books.shards.get(shard);
  if (known) return known;
  const book: ShardBook = { selection: [], unit: [], scratchRefunds: new Map() };
  books.shards.set(shard, book);
  return book;
}

function problem(books: PoolBooks, sentence: string): void {
  if (books.problems.length < MAX_PROBLEMS) books.problems.push(sentence);
}

/** What the shards have given back for scratched runners on bets that still stand. */
function scratchRefunds(books: PoolBooks | undefined): number {
  let total = 0;
  for (const book of books?.shards.values() ?? []) for (const amount of book.scratchRefunds.values()) total += amount;
  return total;
}

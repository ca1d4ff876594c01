/**
 * The second calculator's own books: a fold over the shards' decisions into what stands on every line of every pool. It
 * takes cards, rules, bets, withdrawals and scratches from the decisions alone, never from a total that a shard reports,
 * and it must see each valid decision of each shard once, in order.
 */
import { dueMinor, type LinesWon, legLinesWon, linesWon } from './dues.js';
import { asRun, bettingInterest, expandSelection, isSet, LineTally, runsOf } from './expansion.js';
import { type Favoured, favouriteAmong, legBet } from './leg-books.js';
import type { AuditLeg, LegBet } from './leg-lines.js';
import { priceLines, returnLines } from './price-by-force.js';
import { settleLegPool, willPays } from './price-legs.js';
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
  | { readonly t: 'BetsPaid'; readonly pool: string; readonly items: readonly Refund[] }
  | { readonly t: 'BetsCorrected'; readonly pool: string; readonly items: readonly Correction[] }
  | { readonly t: 'FactApplied'; readonly n: number; readonly fact: MarketNews }
  | { readonly t: 'Report'; readonly report: ReportMade };

interface ReportMade {
  readonly t: string;
  readonly pool: string;
  /** Of a count for will-pays: which of the market's questions it answers. */
  readonly no?: number;
}

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

/** What the pool gave on a bet before a correction, and what it gives on it now, in all. */
interface Correction {
  readonly i: number;
  readonly was: number;
  readonly due: number;
}

type Movement = Refund & { readonly pool: string };

type MarketNews =
  | { readonly t: 'MeetingPublished'; readonly meeting: { readonly races: readonly RaceNews[] } }
  | { readonly t: 'RunnerScratched'; readonly race: string; readonly runner: string }
  | { readonly t: 'BettingClosed' | 'RaceVoided'; readonly race: string }
  | { readonly t: 'FavouritesSet'; readonly race: string }
  | { readonly t: 'WillPaysAsked'; readonly race: string; readonly pool: string; readonly no: number }
  | {
      readonly t: 'ResultEntered';
      readonly race: string;
      readonly version: number;
      readonly finish: readonly (readonly string[])[];
      readonly voided?: true;
    }
  | { readonly t: 'DividendsDeclared'; readonly version: number; readonly pools: readonly { readonly pool: string }[] }
  | { readonly t: 'CorrectionPriced'; readonly pools: readonly { readonly pool: string }[] };

/** What a card says of a pool's money beside its rules. */
interface PoolTerms {
  readonly guaranteeMinor?: number;
  readonly jackpotInMinor?: number;
  readonly mandatory?: boolean;
}

interface RaceNews {
  readonly raceId: string;
  readonly handicap?: boolean;
  readonly runners: readonly { readonly number: string; readonly entry?: string }[];
  readonly pools: readonly (PoolTerms & {
    readonly poolId: string;
    readonly type: string;
    readonly ruleSet: AuditRules;
    readonly carryInMinor: number;
    readonly legs?: readonly string[];
  })[];
}

interface RaceBooks {
  readonly declared: readonly string[];
  readonly handicap: boolean;
  readonly entries: readonly (readonly string[])[];
  /** Non-runners, with the number of the fact that said so. */
  readonly scratched: Map<string, number>;
  /** Numbers of the facts that stopped the betting and that made the race void; none yet: infinity. */
  closedAt: number;
  voidAt: number;
  /** Made void by a correction. */
  isCorrected: boolean;
  version: number;
  finish: readonly (readonly string[])[];
  /** What stood on the runners of its win pool when each shard counted them. */
  readonly favoured: Map<string, Favoured>;
  /** It has no win pool to be counted, or the market has the count of all shards. */
  isFavoured: boolean;
}

interface PoolCard extends PoolTerms {
  readonly type: string;
  readonly ruleSet: AuditRules;
  readonly carryInMinor: number;
  /** The race on whose card it stands, over several races the last leg; and all its legs. */
  readonly race: RaceBooks;
  readonly legs: readonly RaceBooks[];
}

/** One pool's bets in one shard, packed: a million bets must not be a million objects. Index: `i` of the events. */
interface ShardBook {
  /** Which of the pool's selections; -1 once the bet is withdrawn. */
  readonly selection: number[];
  readonly unit: number[];
  /** What scratches have given back so far, by bet. */
  readonly scratchRefunds: Map<number, number>;
  /** What settlement has given on bets so far, by bet. */
  readonly settled: Map<number, number>;
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

/** All legs but the last are over: what was known of them when the market asked, and what each shard held when it answered. */
interface Question {
  /** `isFavoured`: it was known who stands in for a non-runner. */
  readonly legs: readonly (AuditLeg & { readonly isFavoured: boolean })[];
  /** By leg and shard, what stood on the runners of its win pool. */
  readonly favoured: readonly Map<string, Favoured>[];
  /** By shard, the standing units of each selection. */
  readonly units: Map<string, ReadonlyMap<number, bigint>>;
}

/**
 * A result that a pool was declared on, or that a correction was weighed by: the races as they stood, and what became of its bets in
 * shards that had heard of it.
 */
interface Declaration {
  readonly card: PoolCard;
  readonly heardBy: Set<string>;
  /** Units that went out of the pool since, by selection; bets, and what was given back for non-runners. */
  readonly gone: Map<number, bigint>;
  goneBets: number;
  returned: number;
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

/** A bet by a pool's sheet: what is left of it after its non-runners, what it is due, and of its stake what won, once for each dividend. */
export interface BetDue {
  readonly left: number;
  readonly due: number;
  readonly won: number;
}

/** A pool by one of the results that it was declared on, or that a correction of it was weighed by. */
export interface PoolSettlement extends PoolAudit {
  /** A bet on this selection, at so much a line. */
  dueOn(selection: number, unitMinor: number): BetDue;
}

/** What stood on the runners of a win pool in a shard, and which of them it knew not to run. */
export interface Backed {
  readonly stakes: Favoured;
  readonly out: ReadonlySet<string>;
}

/** A shard's bets on a pool by their numbers: which of the pool's selections (-1: the bet is withdrawn), and the stake on each line. */
export interface ShardBets {
  readonly selection: readonly number[];
  readonly unit: readonly number[];
}

export class AuditFold {
  readonly #races = new Map<string, RaceBooks>();
  readonly #cards = new Map<string, PoolCard>();
  readonly #pools = new Map<string, PoolBooks>();
  /** By pool, then by number. */
  readonly #questions = new Map<string, Map<number, Question>>();
  /** By pool, then by `resultKey` or `weighingKey`. */
  readonly #declarations = new Map<string, Map<string, Declaration>>();

  /**
   * `willPays`: keep for `willPays` what the shards hold at each question, for as long as the pool is known; `settlements`: the same for
   * `settlement` of each result that is declared, and for `weighing` of each that a correction is weighed by.
   */
  constructor(private readonly keeps: { readonly willPays?: boolean; readonly settlements?: boolean } = {}) {}

  /**
   * Takes in the next valid decision of a shard. What it says of pools whose card has not been seen, since reading began after it, or
   * which are forgotten, is passed over: they cannot be audited.
   */
  apply(shard: string, decision: AuditDecision): void {
    for (const event of decision.events) this.#event(shard, event as AuditEvent);
  }

  /** Pools whose card has been seen. */
  get poolIds(): readonly string[] {
    return [...this.#cards.keys()];
  }

  /** The pool's card has been seen, and it is not forgotten. */
  knows(poolId: string): boolean {
    return this.#cards.has(poolId);
  }

  /** What stands on each line of a pool as it runs, lines of scratched runners included. */
  standingLines(poolId: string): readonly LineStake[] {
    return this.#expand(poolId, this.#card(poolId), []);
  }

  /** Prices a pool for this finishing order from what the fold has seen. Throws `AuditRefused` when it cannot. */
  auditPool(poolId: string, finish: readonly (readonly string[])[]): PoolAudit {
    const card = this.#card(poolId);
    // Of one race that is void nobody asks for this order.
    const race = { ...card.race, finish, isCorrected: false };
    return this.#settled(poolId, { ...card, race, legs: card.legs.map((leg) => (leg === card.race ? race : leg)) });
  }

  /** The pool by a result that it was declared on, as it stood then. Throws `AuditRefused` when it cannot be priced. */
  settlement(poolId: string, version: number): PoolSettlement {
    const declared = this.#declarations.get(poolId)?.get(resultKey(version));
    if (!declared) throw new AuditRefused(`no shard has heard of dividends of ${poolId} on result ${version}`);
    return this.#settled(poolId, declared.card, declared);
  }

  /** The pool as it stood when the market asked, by this fact, what a correction of it would move. Throws as `settlement`. */
  weighing(poolId: string, fact: number): PoolSettlement {
    const asked = this.#declarations.get(poolId)?.get(weighingKey(fact));
    if (!asked) throw new AuditRefused(`no shard was asked by fact ${fact} what a correction of ${poolId} moves`);
    return this.#settled(poolId, asked.card, asked);
  }

  /**
   * What stands in a shard on each runner of a win pool, minor units, as it has just counted it for the favourite; `fact`: the last
   * fact of the market that it has applied. Runners that it knows not to run are named apart: they are nobody's favourite.
   */
  backed(shard: string, poolId: string, fact: number): Backed {
    const card = this.#cards.get(poolId);
    if (!card) return { stakes: new Map(), out: new Set() };
    const { race, ruleSet } = card;
    const known = [...race.scratched].filter(([, at]) => at <= fact).map(([runner]) => runner);
    const field = { ...race, scratched: known };
    const interestOf = bettingInterest(field, ruleSet.coupling);
    const running = new Set(runsOf(field).map(interestOf));
    const out = new Set(known.map(interestOf).filter((interest) => !running.has(interest)));
    return { stakes: race.favoured.get(shard) ?? new Map(), out };
  }

  /** The bets of a shard on a pool; undefined where it has none. */
  betsOf(shard: string, poolId: string): ShardBets | undefined {
    return this.#pools.get(poolId)?.shards.get(shard);
  }

  /** Nothing more will become of a shard's single bets on a pool: they are dropped, their sums stay. */
  letGo(shard: string, poolId: string): void {
    const book = this.#pools.get(poolId)?.shards.get(shard);
    if (!book) return;
    for (const column of [book.selection, book.unit]) column.length = 0;
  }

  #settled(poolId: string, card: PoolCard, since?: Declaration): PoolSettlement {
    const books = this.#pools.get(poolId);
    const problems = [...(books?.problems ?? [])];
    const { sheet, wonBy } =
      card.legs.length > 0
        ? this.#overLegs(poolId, card, problems, since)
        : this.#ofOneRace(poolId, card, problems, since);
    const returned = scratchRefunds(books) - (since?.returned ?? 0);
    if (returned !== sheet.refundsMinor)
      problems.push(`shards gave back ${returned} for scratched runners, their lines hold ${sheet.refundsMinor}`);
    const known = new Map<number, LinesWon>();
    const dueOn = (selection: number, unitMinor: number): BetDue => {
      const lines = known.get(selection) ?? wonBy(books?.texts[selection] as string);
      known.set(selection, lines);
      const won = lines.won.reduce((sum, many) => sum + many, 0) * unitMinor;
      return { left: lines.standing * unitMinor, due: dueMinor(sheet, card.ruleSet, lines, unitMinor), won };
    };
    return { poolId, sheet, bets: (books?.bets ?? 0) + (since?.goneBets ?? 0), problems, dueOn };
  }

  #ofOneRace(poolId: string, card: PoolCard, problems: string[], since?: Declaration) {
    const lines = this.#expand(poolId, card, problems, since);
    const { ruleSet, race, carryInMinor, jackpotInMinor = 0, guaranteeMinor = 0 } = card;
    const money = { carryInMinor, jackpotInMinor, guaranteeMinor };
    const pool = { poolType: audited(card), ruleSet, field: fieldOf(card), finish: race.finish, ...money };
    const sheet = race.isCorrected ? returnLines(pool, lines) : priceLines(pool, lines);
    const wonBy = linesWon(pool, lines, sheet);
    return { sheet, wonBy: (text: string) => wonBy(parseSelectionText(text)) };
  }

  /** What each leg came to is read from the facts that the shards applied, and from their own bets. */
  #overLegs(poolId: string, card: PoolCard, problems: string[], since?: Declaration) {
    const { type: poolType, ruleSet, legs: races } = card;
    const { carryInMinor, jackpotInMinor = 0, guaranteeMinor = 0, mandatory = false } = card;
    const money = { carryInMinor, jackpotInMinor, guaranteeMinor, mandatory };
    const books = this.#pools.get(poolId);
    const closedAt = closeOf(races);
    const legs = races.map((race) => legOf(race, closedAt, race.finish, ruleSet));
    const bets = [...(books?.texts ?? []).entries()].flatMap(([selection, text]) => {
      const unitMinor = unitsOn(books as PoolBooks, selection, since);
      const bet = { ...legBet(text), unitMinor };
      const lines = bet.columns.reduce((product, column) => product * column.length, 1);
      const claimed = books?.linesClaimed[selection] as number;
      if (lines !== claimed) problems.push(`"${text}" was sold as ${claimed} lines and covers ${lines}`);
      return unitMinor === 0n ? [] : [bet];
    });
    const pool = { poolType, ruleSet, legs, ...money };
    const settled = settleLegPool(pool, bets);
    const wonBy = legLinesWon(pool, settled);
    return { sheet: settled.sheet, wonBy: (text: string) => wonBy(legBet(text)) };
  }

  /**
   * What a pool over several races would pay, as it stood when the shards answered this question of the market. Throws `AuditRefused`
   * where not all `shards` have.
   */
  willPays(poolId: string, no: number, shards: number): ReturnType<typeof willPays> {
    const { type: poolType, ruleSet, legs: races, race: _, ...money } = this.#card(poolId);
    const question = this.#questions.get(poolId)?.get(no);
    if (question?.units.size !== shards)
      throw new AuditRefused(`${question?.units.size ?? 0} of ${shards} shards answered question ${no}`);
    const legs = question.legs.map(({ isFavoured, ...leg }, i): AuditLeg => {
      const out = [...leg.scratched, ...(leg.scratchedAfterClose ?? [])];
      if (out.length === 0 || !isFavoured) return { ...leg, favourite: null };
      const favoured = [...(question.favoured[i]?.values() ?? [])];
      return { ...leg, favourite: favouriteAmong({ ...leg, scratched: out }, ruleSet.coupling, favoured) };
    });
    const texts = this.#pools.get(poolId)?.texts ?? [];
    const bets = [...question.units.values()].flatMap((units) =>
      [...units].map(([selection, unitMinor]): LegBet => ({ ...legBet(texts[selection] as string), unitMinor })),
    );
    return willPays({ poolType, ruleSet, legs, ...money }, bets);
  }

  /** What the shards have given on the pool's bets by settling it, corrections included; by their own movements. */
  settled(poolId: string): number {
    let total = 0;
    for (const { settled } of this.#pools.get(poolId)?.shards.values() ?? [])
      for (const amount of settled.values()) total += amount;
    return total;
  }

  /** Stakes that stand: taken, and neither withdrawn nor given back for a scratched runner. */
  standing(poolId: string): number {
    const books = this.#pools.get(poolId);
    const taken = (books?.units ?? []).reduce((sum, unit, i) => sum + Number(unit) * (books?.linesClaimed[i] ?? 0), 0);
    return taken - scratchRefunds(books);
  }

  /** The pools that a race's result settles. */
  poolsOf(raceId: string): readonly string[] {
    const race = this.#races.get(raceId);
    return [...this.#cards].filter(([, card]) => card.race === race).map(([id]) => id);
  }

  /** Lets go of a pool that is settled; it can no longer be audited. */
  forget(poolId: string): void {
    this.#pools.delete(poolId);
    this.#cards.delete(poolId);
    this.#questions.delete(poolId);
    this.#declarations.delete(poolId);
  }

  #event(shard: string, event: AuditEvent): void {
    switch (event.t) {
      case 'TicketAccepted':
        for (const bet of event.bets) if (this.#cards.has(bet.pool)) this.#take(shard, bet);
        return;
      case 'TicketCancelled':
        for (const bet of event.bets) if (this.#cards.has(bet.pool)) this.#withdraw(shard, bet.pool, bet);
        return;
      case 'FactApplied':
        this.#news(shard, event.fact, event.n);
        return;
      case 'Report':
        if (event.report.t === 'Backing' && this.#cards.has(event.report.pool)) this.#favour(shard, event.report.pool);
        if (event.report.t === 'WillPay') this.#answered(shard, event.report);
        return;
      case 'BetsRefunded':
      case 'BetsPaid':
      case 'BetsCorrected':
        if (this.#cards.has(event.pool)) this.#movement(shard, event);
    }
  }

  #movement(shard: string, event: Extract<AuditEvent, { t: 'BetsRefunded' | 'BetsPaid' | 'BetsCorrected' }>): void {
    switch (event.t) {
      case 'BetsRefunded':
        if (WITHDRAWN.has(event.cause)) for (const item of event.items) this.#withdraw(shard, event.pool, item);
        else if (event.cause === 'SCRATCHED')
          for (const item of event.items) this.#scratchRefund(shard, event.pool, item);
        else for (const { i, amount } of event.items) this.#settle(shard, event.pool, { i, was: 0, due: amount });
        return;
      case 'BetsPaid':
        for (const { i, amount } of event.items) this.#settle(shard, event.pool, { i, was: 0, due: amount });
        return;
      case 'BetsCorrected':
        for (const item of event.items) this.#settle(shard, event.pool, item);
    }
  }

  /** The shard has counted a win pool at its close: so does the fold, from the bets it has seen. */
  #favour(shard: string, pool: string): void {
    const { race, ruleSet } = this.#card(pool);
    const book = this.#pools.get(pool)?.shards.get(shard);
    const texts = this.#pools.get(pool)?.texts ?? [];
    const units = unitsIn(book);
    const interestOf = bettingInterest({ ...race, scratched: [] }, ruleSet.coupling);
    const stakes = new Map<string, bigint>();
    for (const [selection, unit] of units)
      for (const [runner = ''] of expandSelection(parseSelectionText(texts[selection] as string), 'WIN', interestOf))
        stakes.set(runner, (stakes.get(runner) ?? 0n) + unit);
    race.favoured.set(shard, stakes);
  }

  /** The first shard that hears of the question knows what the market knew: facts come to all in one order. */
  #asked({ pool, no }: Extract<MarketNews, { t: 'WillPaysAsked' }>): void {
    const card = this.#cards.get(pool);
    const questions = this.#questions.get(pool) ?? new Map<number, Question>();
    if (!card || questions.has(no)) return;
    this.#questions.set(pool, questions);
    const closedAt = closeOf(card.legs);
    const legs = card.legs.map((race) => ({
      ...legOf(race, closedAt, race.finish, card.ruleSet),
      isFavoured: race.isFavoured,
    }));
    questions.set(no, { legs, favoured: legs.map(() => new Map()), units: new Map() });
  }

  #answered(shard: string, { pool, no = 0 }: ReportMade): void {
    const question = this.#questions.get(pool)?.get(no);
    if (!question) return;
    for (const [i, { favoured }] of this.#card(pool).legs.entries())
      question.favoured[i]?.set(shard, favoured.get(shard) ?? new Map());
    question.units.set(shard, unitsIn(this.#pools.get(pool)?.shards.get(shard)));
  }

  /** Every shard repeats the market's facts: the first word on a race stands, the others say the same. */
  #news(shard: string, fact: MarketNews, n: number): void {
    if (fact.t === 'MeetingPublished') {
      this.#published(fact.meeting.races);
      return;
    }
    if (fact.t === 'DividendsDeclared') {
      for (const { pool } of fact.pools) this.#declared(shard, pool, resultKey(fact.version));
      return;
    }
    if (fact.t === 'CorrectionPriced') {
      for (const { pool } of fact.pools) this.#declared(shard, pool, weighingKey(n));
      return;
    }
    if (fact.t === 'WillPaysAsked') {
      if (this.keeps.willPays) this.#asked(fact);
      return;
    }
    const race = 'race' in fact ? this.#races.get(fact.race) : undefined;
    if (!race) return;
    if (fact.t === 'RunnerScratched' && !race.scratched.has(fact.runner)) race.scratched.set(fact.runner, n);
    if (fact.t === 'FavouritesSet') race.isFavoured = true;
    if (fact.t === 'BettingClosed') race.closedAt = Math.min(race.closedAt, n);
    if (fact.t === 'RaceVoided') race.voidAt = Math.min(race.voidAt, n);
    if (fact.t === 'ResultEntered' && fact.version > race.version) {
      race.version = fact.version;
      race.finish = fact.finish;
      // A race that a correction made void may run again by another one; what was void before it was official stays so.
      if (fact.voided) Object.assign(race, { voidAt: n, isCorrected: true });
      else if (race.isCorrected) Object.assign(race, { voidAt: Number.POSITIVE_INFINITY, isCorrected: false });
    }
  }

  /** Facts come to all shards in one order: the first that hears of a declaration knows what its races were. */
  #declared(shard: string, pool: string, key: string): void {
    const card = this.#cards.get(pool);
    if (!card || !this.keeps.settlements) return;
    const declarations = this.#declarations.get(pool) ?? new Map<string, Declaration>();
    this.#declarations.set(pool, declarations);
    const copies = new Map([card.race, ...card.legs].map((race) => [race, asItStands(race)]));
    const copyOf = (race: RaceBooks): RaceBooks => copies.get(race) as RaceBooks;
    const known = declarations.get(key) ?? {
      card: { ...card, race: copyOf(card.race), legs: card.legs.map(copyOf) },
      ...{ heardBy: new Set(), gone: new Map(), goneBets: 0, returned: 0 },
    };
    declarations.set(key, known);
    known.heardBy.add(shard);
  }

  /** What a shard does with a bet after it heard of a declaration is no part of that. */
  *#heard(shard: string, pool: string): Generator<Declaration> {
    for (const declared of this.#declarations.get(pool)?.values() ?? [])
      if (declared.heardBy.has(shard)) yield declared;
  }

  #published(races: readonly RaceNews[]): void {
    for (const race of races) if (!this.#races.has(race.raceId)) this.#races.set(race.raceId, raceBooks(race));
    for (const { raceId, pools } of races) {
      for (const { poolId, legs = [], ...pool } of pools) {
        if (this.#cards.has(poolId)) continue;
        const race = this.#races.get(raceId) as RaceBooks;
        this.#cards.set(poolId, { ...pool, race, legs: legs.map((leg) => this.#races.get(leg) as RaceBooks) });
      }
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
    for (const declared of this.#heard(shard, pool)) {
      declared.gone.set(selection, (declared.gone.get(selection) ?? 0n) + BigInt(unit));
      declared.goneBets += 1;
      declared.returned -= book.scratchRefunds.get(i) ?? 0;
    }
    book.scratchRefunds.delete(i);
    books.units[selection] = (books.units[selection] as bigint) - BigInt(unit);
    books.bets -= 1;
  }

  #scratchRefund(shard: string, pool: string, { i, amount }: Refund): void {
    const books = this.#books(pool);
    const book = shardBook(books, shard);
    if ((book.selection[i] ?? -1) < 0) problem(books, `bet ${i} of ${shard} is refunded but does not stand`);
    else book.scratchRefunds.set(i, (book.scratchRefunds.get(i) ?? 0) + amount);
    for (const declared of this.#heard(shard, pool)) declared.returned += amount;
  }

  #settle(shard: string, pool: string, { i, was, due }: Correction): void {
    const books = this.#books(pool);
    const { settled } = shardBook(books, shard);
    const known = settled.get(i) ?? 0;
    if (known !== was) problem(books, `bet ${i} of ${shard} was given ${known}; it is settled as if it were ${was}`);
    if (due === 0) settled.delete(i);
    else settled.set(i, due);
  }

  #expand(poolId: string, card: PoolCard, problems: string[], since?: Declaration): readonly LineStake[] {
    const field = fieldOf(card);
    const interestOf = bettingInterest(field, card.ruleSet.coupling);
    const tally = new LineTally();
    const books = this.#pools.get(poolId);
    for (const [selection, text] of (books?.texts ?? []).entries()) {
      const unit = unitsOn(books as PoolBooks, selection, since);
      if (unit === 0n) continue;
      const read = parseSelectionText(text);
      const lines = expandSelection(read, audited(card), interestOf);
      const claimed = books?.linesClaimed[selection] as number;
      if (lines.length !== claimed) problems.push(`"${text}" was sold as ${claimed} lines and covers ${lines.length}`);
      tally.add(asRun(lines, read, { field, interestOf }), unit, isSet(read, audited(card)));
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

const resultKey = (version: number): string => `result ${version}`;
const weighingKey = (fact: number): string => `fact ${fact}`;

function audited(card: PoolCard): AuditedPoolType {
  const type = auditedPoolTypes.find((name) => name === card.type);
  if (!type) throw new AuditRefused(`pool type ${card.type} is not known to the second calculator`);
  return type;
}

const fieldOf = ({ race }: PoolCard): AuditField => ({
  declared: race.declared,
  scratched: [...race.scratched.keys()],
  entries: race.entries,
  handicap: race.handicap,
});

/** A pool over several races ends with the first close of any leg, or when the leg that sells it is made void. */
const closeOf = (races: readonly RaceBooks[]): number =>
  Math.min(races[0]?.voidAt ?? Number.POSITIVE_INFINITY, ...races.map(({ closedAt }) => closedAt));

function legOf(
  { declared, entries, handicap, scratched, voidAt, favoured }: RaceBooks,
  closedAt: number,
  finish: readonly (readonly string[])[],
  { coupling }: AuditRules,
): AuditLeg {
  const out = (late: boolean): readonly string[] =>
    [...scratched].filter(([, at]) => at > closedAt === late).map(([runner]) => runner);
  const running = { declared, entries, scratched: [...scratched.keys()] };
  return {
    ...{ declared, entries, handicap, scratched: out(false), scratchedAfterClose: out(true) },
    finish: voidAt < Number.POSITIVE_INFINITY ? null : finish,
    favourite: scratched.size === 0 ? null : favouriteAmong(running, coupling, [...favoured.values()]),
  };
}

/** What a race is at this moment; what stood on its favourites is known once, for good. */
const asItStands = (race: RaceBooks): RaceBooks => ({ ...race, scratched: new Map(race.scratched) });

const unitsOn = ({ units }: PoolBooks, selection: number, since: Declaration | undefined): bigint =>
  (units[selection] as bigint) + (since?.gone.get(selection) ?? 0n);

function raceBooks({ runners, handicap = false, pools }: RaceNews): RaceBooks {
  const names = new Set(runners.flatMap(({ entry }) => entry ?? []));
  return {
    declared: runners.map(({ number }) => number),
    handicap,
    entries: [...names].map((name) => runners.filter(({ entry }) => entry === name).map(({ number }) => number)),
    scratched: new Map(),
    closedAt: Number.POSITIVE_INFINITY,
    voidAt: Number.POSITIVE_INFINITY,
    isCorrected: false,
    version: 0,
    finish: [],
    favoured: new Map(),
    isFavoured: !pools.some(({ type }) => type === 'WIN'),
  };
}

/** What stands in a shard, by selection. */
function unitsIn(book: ShardBook | undefined): ReadonlyMap<number, bigint> {
  const units = new Map<number, bigint>();
  for (const [i, selection] of (book?.selection ?? []).entries())
    if (selection >= 0) units.set(selection, (units.get(selection) ?? 0n) + BigInt(book?.unit[i] as number));
  return units;
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
  const book: ShardBook = { selection: [], unit: [], scratchRefunds: new Map(), settled: new Map() };
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

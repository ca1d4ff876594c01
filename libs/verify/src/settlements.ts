/**
 * What a declared pool gives, worked out again from its bets: prices, takeout, what each bet is due, what is carried on and taken of it.
 * The market's log comes before those of the shards, so that what was declared is known when it is paid, and priced in the end. Bets
 * alike are looked at once. It must never take a price, a key or a total of the log for granted.
 */
import type { AuditFold, PoolSettlement, ShardBets } from '#mutuel/audit';
import { CarriedOver, type MoneyCard } from './carried-over.js';
import { bookedBy, type Posting } from './postings.js';
import { type Price, pricesText } from './prices.js';
import type { PoolPart, Report } from './shard-reports.js';

/** `DividendsDeclared`, as the market wrote it. */
export interface DeclaredFact {
  readonly race: string;
  readonly version: number;
  readonly pools: readonly { readonly pool: string; readonly outcome: string; readonly prices: readonly Price[] }[];
}

/** Bets on one selection, at one price a line, of which as much is left and that were given the same. */
interface BetsAlike {
  readonly selection: number;
  readonly unit: number;
  readonly left: number;
  readonly given: number;
  /** One of them: its number in the shard, its ticket, and the record that gave it this, or that ended the payment without. */
  readonly shard: number;
  readonly i: number;
  readonly ticket: string;
  readonly at: string;
}

interface Declared {
  readonly pool: string;
  readonly version: number;
  /** The result that it replaces, 0 where it is the first. */
  readonly before: number;
  readonly outcome: string;
  readonly prices: string;
  /** What the market has booked on the pool in all, this declaration included. */
  readonly side: number;
  readonly at: string;
  /** Bets that were given something; and by selection those that were not: the dearest, since less a line is due no more. */
  readonly paid: Map<string, BetsAlike>;
  readonly unpaid: Map<number, BetsAlike>;
  readonly won: Won[];
}

/** The stakes that a shard says have won; and its standing bets by selection, the stakes on a line of each added up. */
interface Won {
  readonly name: string;
  readonly said: unknown;
  readonly units: ReadonlyMap<number, number>;
  readonly at: string;
}

/** The dividends of one decision, and what it booked for them. */
interface Declaration {
  readonly pools: readonly Declared[];
  readonly takeout: number;
  readonly topUp: number;
  readonly at: string;
}

/** What a pool's money comes to when it is priced again. */
interface Money {
  readonly takeout: number;
  readonly topUp: number;
  readonly side: number;
  readonly carryOut: number;
  readonly jackpot: number;
}

/** One wrong price makes every bet on it wrong: these show where to look. */
const MOST_BETS_NAMED = 3;
const DISTURBED =
  'what was due where a shard heard of another non-runner before it had paid: by which field cannot be told';
const NOTHING: Money = { takeout: 0, topUp: 0, side: 0, carryOut: 0, jackpot: 0 };

export class Settlements {
  readonly #cards = new Set<string>();
  /** By pool, then by version of the result. */
  readonly #declared = new Map<string, Map<number, Declared>>();
  readonly #last = new Map<string, number>();
  readonly #declarations: Declaration[] = [];
  /** What the market has booked on pools so far. */
  readonly #sides = new Map<string, number>();
  /** By shard and pool, what is not paid yet: whether the shard has heard of another non-runner since the dividends. */
  readonly #disturbed = new Map<string, boolean>();
  readonly #carriedOver: CarriedOver;
  readonly #money = new Map<Declared, Money>();

  constructor(
    private readonly audit: AuditFold,
    private readonly say: {
      readonly find: (at: string, what: string) => void;
      readonly pass: (what: string) => void;
      /** Not checked at all, with the reason. */
      readonly refuse: (what: string) => void;
    },
  ) {
    this.#carriedOver = new CarriedOver(say);
  }

  // ── The market ─────────────────────────────────────────────────────────────────────────────────────────────────

  published(races: readonly { readonly pools: readonly MoneyCard[] }[], at: string): void {
    const pools = races.flatMap((race) => race.pools);
    for (const { poolId } of pools) this.#cards.add(poolId);
    this.#carriedOver.published(pools, at);
  }

  /** A race is void before it was official: its own pools are given back, and have reserved nothing any more. */
  voided(pools: readonly string[], at: string): void {
    this.#carriedOver.released(pools, at);
  }

  /** What a decision of the market books; after what it says. */
  booked(posts: readonly Posting[], at: string): void {
    for (const [account, amount] of posts)
      if (account.startsWith('pool:')) {
        const pool = account.slice('pool:'.length);
        this.#sides.set(pool, (this.#sides.get(pool) ?? 0) + amount);
      }
    this.#carriedOver.booked(posts, at);
  }

  declared({ version, pools }: DeclaredFact, posts: readonly Posting[], at: string): void {
    const booked = bookedBy(posts);
    const isKnown = ({ pool }: { readonly pool: string }): boolean => {
      if (!this.#cards.has(pool)) this.say.find(at, `dividends of ${pool}, which was never published`);
      return this.#cards.has(pool);
    };
    const declared = pools.filter(isKnown).map(({ pool, outcome, prices }): Declared => {
      const versions = this.#declared.get(pool) ?? new Map<number, Declared>();
      this.#declared.set(pool, versions);
      const side = (this.#sides.get(pool) ?? 0) + booked(`pool:${pool}`);
      const own = { pool, version, before: this.#last.get(pool) ?? 0, outcome, prices: pricesText(prices), side, at };
      const one: Declared = { ...own, paid: new Map(), unpaid: new Map(), won: [] };
      versions.set(version, one);
      this.#last.set(pool, version);
      return one;
    });
    // What the operator adds to a guarantee is part of what it tops up, on an account of its own.
    const topUp = -booked('house:top-up') - booked('house:guarantee');
    this.#declarations.push({ pools: declared, takeout: booked('house:takeout'), topUp, at });
    this.#carriedOver.declared(
      declared.map(({ pool }) => ({ pool, version })),
      at,
    );
  }

  // ── The shards ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** A shard hears of dividends: from now on it pays them. */
  heard(shard: number, { pools }: DeclaredFact): void {
    for (const { pool } of pools) this.#disturbed.set(`${shard} ${pool}`, false);
  }

  /** A shard hears of a non-runner in these pools: what it has not paid yet it pays without its lines, to be corrected later. */
  scratched(shard: number, pools: ReadonlySet<string>): void {
    for (const pool of pools)
      if (this.#disturbed.has(`${shard} ${pool}`)) this.#disturbed.set(`${shard} ${pool}`, true);
  }

  /** A bet was given something by a result. */
  paid(shard: number, pool: string, version: number, part: PoolPart, i: number, at: () => string): void {
    const declared = this.#declared.get(pool)?.get(version);
    const bets = this.audit.betsOf(`shard-${shard}`, pool);
    if (declared && bets && !this.#disturbed.get(`${shard} ${pool}`)) this.#note(declared, shard, part, bets, i, at);
  }

  /** A shard reports that it has paid a result: every bet of its book has then what is due to it. Sentences on what cannot be. */
  ended(shard: number, n: number, report: Report, part: PoolPart, at: string): void {
    const { pool } = report;
    const version = Number(report['version']);
    const declared = this.#declared.get(pool)?.get(version);
    const isDisturbed = this.#disturbed.get(`${shard} ${pool}`);
    this.#disturbed.delete(`${shard} ${pool}`);
    if (version > 0 && !declared) {
      this.say.find(at, `${pool} is paid by result ${version}, on which no dividends were declared`);
      return;
    }
    if (isDisturbed) {
      this.say.pass(DISTURBED);
      return;
    }
    const bets = this.audit.betsOf(`shard-${shard}`, pool);
    const won: Won = {
      name: `report ${n} of shard ${shard}`,
      ...{ said: report['wonStake'], units: unitsOn(bets), at },
    };
    if (declared) declared.won.push(won);
    else this.#checkWon(pool, won, 0);
    const place = (): string => at;
    for (let i = 0; i < part.left.length; i++) {
      if (declared && bets && (bets.selection[i] ?? -1) >= 0) this.#note(declared, shard, part, bets, i, place);
      else {
        const [given, due] = [part.settled.get(i) ?? 0, declared ? 0 : (part.left[i] as number)];
        if (given !== due) this.say.find(at, `${nameOf(pool, shard, i, part)} is given ${given}, ${due} is due to it`);
      }
    }
  }

  #note({ paid, unpaid }: Declared, shard: number, part: PoolPart, bets: ShardBets, i: number, at: () => string): void {
    const [selection, unit] = [bets.selection[i] as number, bets.unit[i] as number];
    const [left, given] = [part.left[i] as number, part.settled.get(i) ?? 0];
    const own = (): BetsAlike => {
      const ticket = part.owners[i]?.ticket ?? '';
      return { selection, unit, left, given, shard, i, ticket, at: at() };
    };
    const known = given === 0 ? unpaid.get(selection) : undefined;
    // As many lines of it are left.
    const isAlike = known === undefined || left * known.unit === known.left * unit;
    if (given === 0 && isAlike) {
      if (known === undefined || unit > known.unit) unpaid.set(selection, own());
      return;
    }
    const key = `${selection} ${unit} ${left} ${given}`;
    if (!paid.has(key)) paid.set(key, own());
  }

  // ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** How many sheets were priced again and are equal. */
  finish(): number {
    let equal = 0;
    for (const versions of this.#declared.values())
      for (const declared of versions.values()) if (this.#price(declared)) equal += 1;
    for (const declaration of this.#declarations) this.#checkDeclaration(declaration);
    this.#carriedOver.finish((pool, version) => {
      const declared = this.#declared.get(pool)?.get(version);
      return declared && this.#money.get(declared);
    });
    return equal;
  }

  #price(declared: Declared): boolean {
    const { pool, version, outcome, prices, at } = declared;
    try {
      const settlement = this.audit.settlement(pool, version);
      const { sheet, problems } = settlement;
      const faults = [...problems.map((problem) => `${pool}: ${problem}`)];
      if (sheet.outcome !== outcome) faults.push(`${pool} is ${outcome}, priced again it is ${sheet.outcome}`);
      const priced = pricesText(sheet.dividends);
      if (prices !== priced) faults.push(`${pool} pays ${prices || 'nothing'}, priced again ${priced || 'nothing'}`);
      for (const fault of faults) this.say.find(at, fault);
      this.#money.set(declared, moneyOf(settlement));
      const stakes = declared.won.map((won) => this.#checkWon(pool, won, wonBy(settlement, won)));
      return this.#areDue(declared, settlement) && faults.length === 0 && stakes.every((isEqual) => isEqual);
    } catch (fault) {
      this.say.refuse(`dividends of ${pool}: ${(fault as Error).message}`);
      return false;
    }
  }

  #checkWon(pool: string, { name, said, at }: Won, found: number): boolean {
    if (said !== found) this.say.find(at, `${name} says that ${said} won in ${pool}, its bets make ${found}`);
    return said === found;
  }

  #areDue({ pool, paid, unpaid }: Declared, settlement: PoolSettlement): boolean {
    let wrong = 0;
    for (const { selection, unit, left, given, shard, i, ticket, at } of [...paid.values(), ...unpaid.values()]) {
      const bet = `bet ${i} of ${pool} in shard ${shard} (${ticket})`;
      const own = settlement.dueOn(selection, unit);
      if (left === own.left && given === own.due) continue;
      wrong += 1;
      if (wrong > MOST_BETS_NAMED) break;
      if (left !== own.left)
        this.say.find(at, `of ${bet} ${left} is left after its non-runners, it should be ${own.left}`);
      else this.say.find(at, `${bet} is given ${given}, ${own.due} is due to it`);
    }
    return wrong === 0;
  }

  /** What was booked with a declaration, as it makes when its pools are priced again: of a correction the difference. */
  #checkDeclaration({ pools, takeout, topUp, at }: Declaration): void {
    const sums = { takeout: 0, topUp: 0 };
    const names = pools.map(({ pool }) => pool).join(', ');
    for (const declared of pools) {
      const before = this.#declared.get(declared.pool)?.get(declared.before);
      const [now, was] = [this.#money.get(declared), before ? this.#money.get(before) : NOTHING];
      if (!now || !was) {
        this.say.pass('takeout of dividends that were not priced again');
        return;
      }
      sums.takeout += now.takeout - was.takeout;
      sums.topUp += now.topUp - was.topUp;
      if (declared.side !== now.side)
        this.say.find(at, `${declared.side} is booked to ${declared.pool} beside its bets, priced again ${now.side}`);
    }
    if (sums.takeout !== takeout)
      this.say.find(at, `${takeout} of takeout are booked for ${names}, priced again ${sums.takeout}`);
    if (sums.topUp !== topUp) this.say.find(at, `${topUp} are topped up for ${names}, priced again ${sums.topUp}`);
  }
}

/** The bets that stand. */
function unitsOn(bets: ShardBets | undefined): ReadonlyMap<number, number> {
  const units = new Map<number, number>();
  for (const [i, selection] of (bets?.selection ?? []).entries())
    if (selection >= 0) units.set(selection, (units.get(selection) ?? 0) + (bets?.unit[i] as number));
  return units;
}

function wonBy({ dueOn }: PoolSettlement, { units }: Won): number {
  return [...units].reduce((sum, [selection, unit]) => sum + dueOn(selection, unit).won, 0);
}

const nameOf = (pool: string, shard: number, i: number, { owners }: PoolPart): string =>
  `bet ${i} of ${pool} in shard ${shard} (${owners[i]?.ticket})`;

function moneyOf({ sheet }: PoolSettlement): Money {
  const { takeoutMinor: takeout, topUpMinor: topUp, carryOutMinor: carryOut, jackpotMinor: jackpot } = sheet;
  const into = sheet.carryInMinor + sheet.jackpotInMinor + topUp;
  return { takeout, topUp, side: into - takeout - sheet.breakageMinor - carryOut - jackpot, carryOut, jackpot };
}

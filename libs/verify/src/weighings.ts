/**
 * What a correction would move, as shards weigh it for the second person's preview: worked out again from each bet, what it was given
 * and its account's balance at the step that weighed it, by prices of our own. Bets are taken down as the log passes, since balances
 * go on; what they are due is known in the end, when the bets of all shards are. It must never take a sum of the log for granted.
 */
import type { AuditFold, PoolSettlement } from '#mutuel/audit';
import { move, netOf, type Purse } from './postings.js';
import { type Price, pricesText } from './prices.js';
import type { PoolPart, Report } from './shard-reports.js';

type Find = (at: string, what: string) => void;

/** `CorrectionPriced`, as the market wrote it. */
export interface PricedFact {
  readonly pools: readonly { readonly pool: string; readonly outcome: string; readonly prices: readonly Price[] }[];
}

/** A pool's bets in the shard, and whether bettors keep what a correction gives less. */
export interface Weighed {
  readonly part: PoolPart;
  readonly keeps: boolean;
}

/** Bets that are weighed alike. */
interface Kind {
  readonly selection: number;
  readonly unit: number;
  /** What is left of the stake: nothing of a bet that is out. */
  readonly left: number;
  /** What the pool gave on it, and what its bettor holds beyond that. */
  readonly was: number;
  readonly over: number;
}

/** What one decision weighed: balances are those of its moment, changed by nothing but the bets before in the same step. */
interface Step {
  /** Number of the kind and of the purse, bet by bet. */
  readonly bets: Uint32Array;
  readonly purses: readonly Readonly<Purse>[];
}

/** One pool weighed by one shard. */
interface Weighing {
  readonly shard: number;
  readonly pool: string;
  /** The market's fact that asked. */
  readonly fact: number;
  readonly kinds: Kind[];
  readonly kindOf: Map<string, number>;
  readonly steps: Step[];
  keeps: boolean;
  /** Bets that were passed so far. */
  cursor: number;
  /** The shard heard of another non-runner before it was through. */
  isDisturbed: boolean;
}

const FIGURES = ['bets', 'toPay', 'toTakeBack', 'short', 'kept'] as const;
type Sums = Record<(typeof FIGURES)[number], number>;

const DISTURBED = 'what shards weighed while another non-runner became known: by which field cannot be told';

export class Weighings {
  /** By number of the fact. */
  readonly #asked = new Map<number, PricedFact & { readonly at: string }>();
  /** By shard, what it was asked and has not begun: it weighs in the order in which it was asked. */
  readonly #waiting = new Map<number, Weighing[]>();
  /** By shard and job. */
  readonly #begun = new Map<string, Weighing>();
  readonly #told: { readonly weighing: Weighing; readonly n: number; readonly report: Report; readonly at: string }[] =
    [];

  constructor(
    private readonly audit: AuditFold,
    private readonly say: { readonly find: Find; readonly pass: (what: string) => void },
  ) {}

  /** The market asks what a correction would move, by this fact. */
  asked(fact: number, { pools }: PricedFact, at: string): void {
    this.#asked.set(fact, { pools, at });
  }

  /** A shard hears of it. */
  heard(shard: number, fact: number, { pools }: PricedFact): void {
    for (const { pool } of pools)
      this.#of(shard).push({
        ...{ shard, pool, fact, kinds: [], kindOf: new Map(), steps: [] },
        ...{ keeps: false, cursor: 0, isDisturbed: false },
      });
  }

  /** A shard hears of a non-runner in these pools: it weighs on without its lines. */
  scratched(shard: number, pools: ReadonlySet<string>): void {
    for (const weighing of [...this.#of(shard), ...this.#begun.values()])
      if (weighing.shard === shard && pools.has(weighing.pool)) weighing.isDisturbed = true;
  }

  /** A step of the shard's job, up to this bet of the pool that it is about. */
  weighed(
    shard: number,
    job: number,
    cursor: number,
    of: (pool: string) => Weighed | undefined,
    purseOf: (account: string) => Purse,
  ): void {
    const key = `${shard} ${job}`;
    const weighing = this.#begun.get(key) ?? this.#of(shard).shift();
    if (!weighing) return;
    this.#begun.set(key, weighing);
    const weighed = of(weighing.pool);
    if (!weighed) return;
    weighing.keeps = weighed.keeps;
    this.#take(weighing, weighed.part, Math.min(cursor, weighed.part.left.length), purseOf);
  }

  /** A shard's report on it, with the decision that ended the job. */
  said(shard: number, n: number, job: number | undefined, report: Report, part: PoolPart, at: string): void {
    const name = `report ${n} of shard ${shard}`;
    const key = `${shard} ${job}`;
    const weighing = this.#begun.get(key);
    this.#begun.delete(key);
    if (!weighing) {
      this.say.find(at, `${name} weighs a correction of ${report.pool}, which nobody had asked for`);
      return;
    }
    const { pool, fact, cursor } = weighing;
    if (report.pool !== pool || report['ask'] !== fact) {
      const asked = `it was asked by fact ${fact} for ${pool}`;
      this.say.find(at, `${name} weighs a correction of ${report.pool} by fact ${report['ask']}, ${asked}`);
    } else if (cursor < part.left.length)
      this.say.find(at, `${name} weighs ${cursor} bets of ${pool}, the shard has ${part.left.length}`);
    else this.#told.push({ weighing, n, report, at });
  }

  /** After the last record. */
  finish(): void {
    const settlements = new Map<string, PoolSettlement | undefined>();
    for (const [fact, { pools, at }] of this.#asked)
      for (const { pool, outcome, prices } of pools) {
        const settlement = this.#settlement(pool, fact);
        settlements.set(`${fact} ${pool}`, settlement);
        if (settlement) this.#checkPrices(settlement, { outcome, prices, pool, at });
      }
    for (const { weighing, n, report, at } of this.#told) {
      const settlement = settlements.get(`${weighing.fact} ${weighing.pool}`);
      if (!settlement) continue;
      if (weighing.isDisturbed) {
        this.say.pass(DISTURBED);
        continue;
      }
      const found = sumsOf(weighing, settlement);
      for (const name of FIGURES)
        if (report[name] !== found[name])
          this.say.find(
            at,
            `report ${n} of shard ${weighing.shard} weighs ${name} ${report[name]} for the correction of ${weighing.pool}, its bets make ${found[name]}`,
          );
    }
  }

  #of(shard: number): Weighing[] {
    const waiting = this.#waiting.get(shard) ?? [];
    this.#waiting.set(shard, waiting);
    return waiting;
  }

  #take(weighing: Weighing, part: PoolPart, to: number, purseOf: (account: string) => Purse): void {
    const { shard, pool, cursor: from } = weighing;
    const book = this.audit.betsOf(`shard-${shard}`, pool);
    const bets: number[] = [];
    const purses: Purse[] = [];
    const purseNo = new Map<string, number>();
    for (let i = from; i < to; i++) {
      const [left, was, over] = [part.left[i] as number, part.settled.get(i) ?? 0, part.kept.get(i) ?? 0];
      if (left === 0 && was === 0 && over === 0) continue;
      const account = part.owners[i]?.account as string;
      if (!purseNo.has(account)) purseNo.set(account, purses.push(purseOf(account)) - 1);
      const [selection, unit] = left === 0 ? [-1, 0] : [book?.selection[i] ?? -1, book?.unit[i] ?? 0];
      bets.push(kindNo(weighing, { selection, unit, left, was, over }), purseNo.get(account) as number);
    }
    weighing.steps.push({ bets: Uint32Array.from(bets), purses });
    weighing.cursor = Math.max(from, to);
  }

  #settlement(pool: string, fact: number): PoolSettlement | undefined {
    try {
      return this.audit.weighing(pool, fact);
    } catch (fault) {
      this.say.pass(`a correction that was weighed: ${(fault as Error).message}`);
      return undefined;
    }
  }

  /** The second person is shown what is moved at these prices. */
  #checkPrices({ sheet }: PoolSettlement, asked: PricedFact['pools'][number] & { readonly at: string }): void {
    const { pool, outcome, at } = asked;
    if (sheet.outcome !== outcome)
      this.say.find(at, `a correction of ${pool} is weighed as ${outcome}, priced again it is ${sheet.outcome}`);
    const [prices, priced] = [pricesText(asked.prices) || 'nothing', pricesText(sheet.dividends) || 'nothing'];
    if (prices !== priced) this.say.find(at, `a correction of ${pool} is weighed at ${prices}, priced again ${priced}`);
  }
}

function kindNo({ kinds, kindOf }: Weighing, kind: Kind): number {
  const key = `${kind.selection} ${kind.unit} ${kind.left} ${kind.was} ${kind.over}`;
  const no = kindOf.get(key) ?? kinds.push(kind) - 1;
  kindOf.set(key, no);
  return no;
}

/** What the bets make: of each the difference to what it was given, and of that what its account's balance does not hold. */
function sumsOf({ kinds, steps, keeps }: Weighing, settlement: PoolSettlement): Sums {
  const sums: Sums = { bets: 0, toPay: 0, toTakeBack: 0, short: 0, kept: 0 };
  const dues = kinds.map((kind) => dueOf(kind, settlement));
  for (const { bets, purses } of steps) {
    const now = purses.map((purse) => ({ ...purse }));
    for (let at = 0; at < bets.length; at += 2) {
      const no = bets[at] as number;
      const { was, over } = kinds[no] as Kind;
      const due = dues[no] as number;
      const amount = keeps ? Math.max(0, due - was - over) : due - was - over;
      const kept = was + over + amount - due;
      if (due === was && kept === over) continue;
      const purse = now[bets[at + 1] as number] as Purse;
      const net = netOf(purse, amount);
      move(purse, amount, net);
      sums.bets += 1;
      sums.toPay += Math.max(0, amount);
      sums.toTakeBack += Math.max(0, -amount);
      sums.short += Math.max(0, -net);
      sums.kept += kept - over;
    }
  }
  return sums;
}

function dueOf({ selection, unit, left }: Kind, { sheet, dueOn }: PoolSettlement): number {
  if (sheet.outcome === 'REFUND') return left;
  return selection < 0 ? 0 : dueOn(selection, unit).due;
}

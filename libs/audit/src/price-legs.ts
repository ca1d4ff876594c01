/**
 * Dividends of pools over several races: who is right in how many legs, what each tier has, what happens to money that
 * nobody wins. One kind of line after the other, from the rules alone; nothing is counted by formula.
 */
import { bettingInterest, runsOf } from './expansion.js';
import { addedTo, type Backed, dividend, exactPrices, type Money, raised, sheet } from './formulas.js';
import {
  type Fraction,
  floor,
  less,
  minus,
  nearest,
  ONE,
  over,
  plus,
  read,
  sum,
  times,
  whole,
  ZERO,
} from './fraction.js';
import {
  type AuditLeg,
  type LegBet,
  type LineKind,
  lineKinds,
  linesByLast,
  type Pick,
  rightText,
} from './leg-lines.js';
import { AuditRefused, type AuditRules, type AuditTier, type DividendSheet, type SheetDividend } from './sheet.js';
import { resultInterest } from './winners.js';

export interface LegPool {
  readonly poolType: string;
  readonly ruleSet: AuditRules;
  readonly legs: readonly AuditLeg[];
  readonly carryInMinor: number;
  readonly jackpotInMinor?: number;
  /** The gross pool, a gross carry-in included, that the operator stands for. */
  readonly guaranteeMinor?: number;
  /** The last day: what was carried in goes to the most right if nobody is right everywhere. */
  readonly mandatory?: boolean;
}

interface Winning extends Backed {
  readonly c: string;
  readonly lines: readonly LineKind[];
  /** Right in so many legs, where the tier is called by that. */
  readonly right?: number;
}

/** A tier's money: what it pays if it is won, and what of the gross money stands behind it. */
interface Fund {
  readonly tier: AuditTier;
  readonly today: Fraction;
  readonly carried: Fraction;
}

/** A sheet, and for each of its dividends the lines that it pays. */
export interface LegSheet {
  readonly sheet: DividendSheet;
  readonly paid: readonly (readonly LineKind[])[];
}

/** Prices the pool from its bets. Throws `AuditRefused` where the rules are beyond what can be audited. */
export const priceLegPool = (pool: LegPool, bets: Iterable<LegBet>): DividendSheet => settleLegPool(pool, bets).sheet;

/** The same with the lines that each dividend pays. */
export function settleLegPool(pool: LegPool, bets: Iterable<LegBet>): LegSheet {
  const { ruleSet, legs } = pool;
  const kinds = lineKinds(ruleSet, legs, bets);
  const standing = kinds.filter(({ picks }) => picks.every(({ fate }) => fate !== 'OUT'));
  const gross = stakeOf(standing);
  const refunds = stakeOf(kinds) - gross;
  const money: Money = {
    gross,
    refunds,
    carryIn: BigInt(pool.carryInMinor),
    jackpotIn: BigInt(pool.jackpotInMinor ?? 0),
  };
  if (isCalledOff(ruleSet, legs)) return refundAll(money);
  const { refundNone = false } = ruleSet.legs ?? {};
  const isPlayedOn = money.carryIn + money.jackpotIn > 0n || standing.some((kind) => rightLegs(kind) > 0);
  if (refundNone && !isPlayedOn) return refundAll(money);
  const added = addedTo(money, pool.guaranteeMinor, ruleSet);
  const settled = new LegSettlement(pool, standing, { ...money, added }).settled();
  // What the operator stands for is there for winners alone.
  const isWon = settled.sheet.dividends.some(({ tier }) => tier !== 'CONSOLATION');
  return isWon || added === 0n ? settled : new LegSettlement(pool, standing, money).settled();
}

/**
 * What a line right in every leg would be paid, and the stake on all of these; no price where nobody would be paid for that, and no
 * stake either where the pool is given back.
 */
export interface WillPay {
  readonly price: string | undefined;
  readonly stakeMinor: number;
}

/**
 * What a pool of which all legs but the last are run would pay, by combination: right in every leg with each runner that still may win
 * the last, backed or not, and the consolation of those scratched there too late. The last leg's finish is not read. `last`: who may
 * win it.
 */
export function willPays(
  pool: LegPool,
  bets: Iterable<LegBet>,
): { readonly last: readonly string[]; readonly prices: ReadonlyMap<string, WillPay> } {
  const { ruleSet, legs } = pool;
  const leg = legs.at(-1);
  if (!leg) throw new AuditRefused('a pool over no legs');
  const lines = linesByLast(ruleSet, legs.with(-1, { ...leg, finish: [] }), bets);
  const field = { ...leg, scratched: [...leg.scratched, ...(leg.scratchedAfterClose ?? [])] };
  const last = [...new Set(runsOf(field).map(resultInterest(leg, ruleSet.coupling)))];
  const first = ruleSet.tiers?.[0]?.name ?? pool.poolType;
  const prices = new Map<string, WillPay>();
  for (const winner of last) {
    const run = legs.with(-1, { ...leg, finish: [[winner]] });
    const kinds = isCalledOff(ruleSet, run) ? [] : lineKinds(ruleSet, run, lines);
    const right = kinds.filter((kind) => rightLegs(kind) === legs.length);
    const { dividends } = priceLegPool({ ...pool, legs: run }, lines);
    const names = run.map((one) => rightText(ruleSet, one, false));
    const isOne = sharesAsOne(ruleSet, run);
    const backed = byRunners(right);
    for (const c of isOne ? [names.join('/')] : combinationsOf(names)) {
      const price = dividends.find((paid) => paid.tier === first && paid.c === c)?.price;
      prices.set(c, { price, stakeMinor: Number(stakeOf(isOne ? right : (backed.get(c) ?? []))) });
    }
    for (const { tier, c, price, stakeMinor } of dividends)
      if (tier === 'CONSOLATION') prices.set(c, { price, stakeMinor });
  }
  return { last, prices };
}

/** `1,3` and `2` are 1/2 and 3/2. */
const combinationsOf = (legs: readonly string[]): readonly string[] =>
  legs
    .map((names) => names.split(','))
    .reduce((heads, names) => heads.flatMap((head) => names.map((name) => `${head}/${name}`)));

/** Whether all that are right share one price, whoever of a tie they named; a leg that was not run leaves them no other. */
const sharesAsOne = ({ split, deadHeat }: AuditRules, legs: readonly AuditLeg[]): boolean =>
  (split !== 'JAPAN' && legs.some(({ finish }) => finish === null)) ||
  (split === 'SINGLE_PRICE' && deadHeat === 'SINGLE_PRICE');

/** Too few legs are run for the pool to be played, or not the one that must be. */
function isCalledOff(rules: AuditRules, legs: readonly AuditLeg[]): boolean {
  const run = legs.filter(({ finish }) => finish !== null).length;
  const { leastRun = 1, firstMustRun = false } = rules.legs ?? {};
  return run < leastRun || (firstMustRun && interestsIn(rules, legs[0]) < Math.max(1, rules.minInterests));
}

/** The betting interests that ran in a leg; none in one that was not run. */
function interestsIn({ coupling }: AuditRules, leg: AuditLeg | undefined): number {
  if (!leg || leg.finish === null) return 0;
  const gone = [...leg.scratched, ...(leg.scratchedAfterClose ?? [])];
  const interestOf = bettingInterest(leg, coupling);
  return new Set(leg.declared.filter((runner) => !gone.includes(runner)).map(interestOf)).size;
}

const stakeOf = (kinds: readonly LineKind[]): bigint => kinds.reduce((stakes, kind) => stakes + kind.stakeMinor, 0n);

const refundAll = (money: Money): LegSheet => ({
  sheet: sheet({ ...money, added: 0n }, 'REFUND', { takeout: 0n, refunded: money.gross, carryOut: money.carryIn }),
  paid: [],
});

const rightLegs = ({ picks }: LineKind): number => picks.filter(({ fate }) => fate === 'RIGHT').length;

class LegSettlement {
  readonly #rules: AuditRules;
  readonly #rate: Fraction;
  /** Tickets that can still win: not those that a late scratch has put out. */
  readonly #live: readonly LineKind[];
  readonly #dividends: SheetDividend[] = [];
  readonly #paid: (readonly LineKind[])[] = [];
  /** Of the gross money (with GROSS), what somebody won. */
  #wonGross = ZERO;
  #carryOut = ZERO;
  #jackpot: Fraction;

  constructor(
    private readonly pool: LegPool,
    private readonly standing: readonly LineKind[],
    private readonly money: Money,
  ) {
    this.#rules = pool.ruleSet;
    this.#rate = read(pool.ruleSet.takeout);
    this.#live = standing.filter(({ picks }) => picks.every(({ fate }) => fate !== 'OUT_LATE'));
    this.#jackpot = whole(money.jackpotIn);
  }

  settled(): LegSheet {
    const net = this.#afterConsolation(this.#netPool());
    const funds = this.#funds(net);
    const [first, ...lower] = funds as readonly [Fund, ...Fund[]];
    const winners = this.#winnersOf(0);
    const isWon = this.#pay(first, winners, this.#jackpotFor(first.tier, winners));
    const everyPenny = !isWon && this.#isToBePaid();
    const winnersOf = (fund: Fund): readonly Winning[] => this.#winnersOf(funds.indexOf(fund), everyPenny);
    // Where nobody is next to the most right, all of it is theirs, in one dividend.
    const theirs =
      everyPenny && this.#rules.legs?.lower === 'MOST' ? lower.filter((fund) => winnersOf(fund).length === 0) : [];
    const others = lower.filter((fund) => !theirs.includes(fund)).filter((fund) => !this.#pay(fund, winnersOf(fund)));
    const today = sum([first, ...theirs].map((fund) => fund.today));
    const carried = sum([first, ...theirs].map((fund) => fund.carried));
    if (!isWon && !this.#ladder({ ...first, today, carried }, everyPenny)) return refundAll(this.money);
    for (const fund of others) this.#carry(fund);
    return { sheet: this.#sheet(), paid: this.#paid };
  }

  // The money.

  /** The day's stakes, with what the operator adds to them. */
  #staked(): Fraction {
    return whole(this.money.gross + (this.money.added ?? 0n));
  }

  #netPool(): Fraction {
    const { legs, carry } = this.#rules;
    if (carry === 'GROSS') return this.#staked();
    const net = times(this.#staked(), minus(ONE, this.#rate));
    return legs?.wholeMinor === undefined
      ? net
      : times(whole(floor(over(net, whole(legs.wholeMinor)))), whole(legs.wholeMinor));
  }

  /** A late scratch in the last leg: those right before it share as if they had won alone, to the cent, before all others. */
  #afterConsolation(net: Fraction): Fraction {
    const right = this.standing.filter(({ picks }) => picks.slice(0, -1).every(({ fate }) => fate === 'RIGHT'));
    const out = right.filter(({ picks }) => picks.at(-1)?.fate === 'OUT_LATE');
    if (out.length === 0) return net;
    const cents = floor(times(over(net, whole(stakeOf(right))), whole(100)));
    const price = over(whole(cents), whole(100));
    for (const [c, lines] of byRunners(out)) {
      this.#dividends.push(dividend('CONSOLATION', c, price, stakeOf(lines), this.#rules));
      this.#paid.push(lines);
    }
    return minus(net, whole(this.#dividends.reduce((paid, { paidMinor }) => paid + paidMinor, 0)));
  }

  #funds(net: Fraction): readonly Fund[] {
    const { tiers, legs } = this.#rules;
    const step = legs?.wholeMinor;
    const carryIn = whole(this.money.carryIn);
    if (this.#rules.unique) {
      const stated = sum((tiers ?? []).map(({ share }) => read(share)));
      this.#jackpot = plus(this.#jackpot, times(net, minus(ONE, stated)));
    }
    return (tiers ?? [{ name: this.pool.poolType, share: '1' }]).map((tier, no) => {
      const share = times(net, read(tier.share));
      const today = step === undefined ? share : times(whole(nearest(over(share, whole(step)))), whole(step));
      const part = legs?.carryTo === 'SHARES' ? read(tier.share) : no === 0 ? ONE : ZERO;
      return { tier, today, carried: times(carryIn, part) };
    });
  }

  // Who wins.

  /** Of a fund; when every penny is to be paid the first one is for the most right, the next for those after them. */
  #winnersOf(no: number, everyPenny = false): readonly Winning[] {
    const { tiers, legs } = this.#rules;
    const all = this.pool.legs.length;
    if (no === 0) return this.#sharing(this.#live.filter((kind) => rightLegs(kind) === all));
    const { name } = (tiers as readonly AuditTier[])[no] as AuditTier;
    if (name === 'BONUS_FUND') return [];
    if (name === 'PLACE_FUND') {
      return this.#together(
        this.#live.filter(({ picks }) => picks.every(({ placed }) => placed)),
        true,
      );
    }
    const right =
      legs?.lower === 'MOST'
        ? this.#mostRight(all - 1, everyPenny ? no + 1 : no)
        : Number(/^(\d+)\//.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(right)) throw new AuditRefused(`tier ${name} does not say how many legs it is for`);
    return this.#together(this.#live.filter((kind) => rightLegs(kind) === right)).map((winning) => ({
      ...winning,
      right,
    }));
  }

  /** The `rank`th greatest number of right legs, up to `limit`, that anybody has; at least one. */
  #mostRight(limit: number, rank: number): number {
    const numbers = new Set(this.#live.map(rightLegs).filter((right) => right <= limit && right > 0));
    return [...numbers].sort((a, b) => b - a)[rank - 1] ?? -1;
  }

  /** All lines alike, under one price. */
  #together(kinds: readonly LineKind[], placed = false): readonly Winning[] {
    if (kinds.length === 0) return [];
    const c = this.pool.legs.map((leg) => rightText(this.#rules, leg, placed)).join('/');
    return [{ c, share: ONE, stakeMinor: stakeOf(kinds), lines: kinds }];
  }

  /** By the way in which the pool is shared when there are several winning combinations. */
  #sharing(kinds: readonly LineKind[]): readonly Winning[] {
    if (sharesAsOne(this.#rules, this.pool.legs)) return this.#together(kinds);
    const combinations = [...byRunners(kinds)];
    const share = over(ONE, whole(Math.max(1, combinations.length)));
    return combinations.map(([c, lines]) => ({ c, share, stakeMinor: stakeOf(lines), lines }));
  }

  // Payment.

  /** Pays the winners of a fund; false when there are none, or when what they would get is too little to be paid. */
  #pay({ tier, today, carried }: Fund, winners: readonly Winning[], jackpot = ZERO): boolean {
    if (winners.length === 0) return false;
    const { legs } = this.#rules;
    const extra = plus(carried, jackpot);
    const all = plus(today, extra);
    const prices = this.#prices(winners, today, extra);
    const perUnit = prices.map((price) => times(price, read(this.#rules.breakPer)));
    if (legs?.leastPaid !== undefined && perUnit.some((price) => less(price, read(legs.leastPaid as string))))
      return false;
    this.#jackpot = minus(this.#jackpot, jackpot);
    const won = this.#partOf(winners);
    for (const [i, { c, stakeMinor, right, lines }] of winners.entries()) {
      const name = right === undefined ? tier.name : `${right}/${this.pool.legs.length}`;
      this.#dividends.push(dividend(name, c, prices[i] as Fraction, stakeMinor, this.#rules));
      this.#paid.push(lines);
    }
    this.#wonGross = plus(this.#wonGross, times(all, won));
    const unwon = minus(ONE, won);
    this.#carryOut = sum([this.#carryOut, times(this.#withoutAdded(today), unwon), times(extra, unwon)]);
    return true;
  }

  /** Less than one unit of winning stake wins its part of a dividend; one otherwise. */
  #partOf(winners: readonly Winning[]): Fraction {
    const stake = winners.reduce((stakes, { stakeMinor }) => stakes + stakeMinor, 0n);
    const unit = this.#rules.partUnitMinor ?? 0;
    return stake < BigInt(unit) ? over(whole(stake), whole(unit)) : ONE;
  }

  #prices(winners: readonly Winning[], today: Fraction, extra: Fraction): readonly Fraction[] {
    const { carry, minimum, minimumInMinusPool } = this.#rules;
    const gross = plus(today, extra);
    const net = carry === 'GROSS' ? times(gross, minus(ONE, this.#rate)) : gross;
    const staked = this.money.gross + (this.money.added ?? 0n);
    const pool = { net: times(net, this.#partOf(winners)), rate: this.#rate, staked, carryIn: extra };
    const exact = exactPrices(winners, pool, this.#rules);
    const raisedTo = (least: AuditRules['minimum']) => exact.map((price) => raised(price, least, this.#rules));
    const usual = raisedTo(minimum);
    if (typeof minimum !== 'string' || minimumInMinusPool === undefined) return usual;
    const cost = sum(winners.map(({ stakeMinor }, i) => times(whole(stakeMinor), usual[i] as Fraction)));
    return less(pool.net, cost) ? raisedTo(minimumInMinusPool) : usual;
  }

  /** A single winner (all winning stake is one unit) has what no tier has, and the jackpot. */
  #jackpotFor(tier: AuditTier, winners: readonly Winning[]): Fraction {
    const { unique } = this.#rules;
    const stake = winners.reduce((stakes, { stakeMinor }) => stakes + stakeMinor, 0n);
    const first = this.#rules.tiers?.[0]?.name ?? this.pool.poolType;
    const isWon = unique ? unique.tier === tier.name && stake === BigInt(unique.unit) : tier.name === first;
    return isWon ? this.#jackpot : ZERO;
  }

  // What becomes of a pool that nobody is right in everywhere.

  /** Tries the ladder for the first fund; false when it ends in a refund. */
  #ladder(first: Fund, everyPenny: boolean): boolean {
    const { noWinner, tiers } = this.#rules;
    for (const rung of noWinner) {
      if (rung === 'EITHER' && this.#pay(first, this.#either())) return true;
      if (rung === 'SECONDS' && this.#pay(first, this.#seconds())) return true;
      if (rung === 'MOST_RIGHT' && this.#payMostRight(first)) return true;
      if (rung === 'CARRY') break;
      if (rung === 'REFUND') return tiers !== undefined && this.#dividends.length > 0;
    }
    if (everyPenny && this.#payMostRight(first)) return true;
    this.#carry(first);
    return true;
  }

  /** The last day, or a carry-over at its cap: nothing more may be carried. */
  #isToBePaid(): boolean {
    const cap = this.#rules.legs?.carryCapMinor;
    return this.pool.mandatory === true || (cap !== undefined && this.money.carryIn >= BigInt(cap));
  }

  /** Half of the profit to the winner of each leg, whatever ran in the other; tied winners share their half. */
  #either(): readonly Winning[] {
    const takers = this.pool.legs.map((own, no) => {
      // A leg that was not run has no winner.
      if (own.finish === null) return [];
      const right = this.#live.filter(({ picks }) => picks[no]?.fate === 'RIGHT');
      return [
        ...grouped(right, ({ picks }) =>
          this.pool.legs.map((__, leg) => (leg === no ? (picks[no] as Pick).runner : '*')).join('/'),
        ),
      ];
    });
    const backed = takers.filter((leg) => leg.length > 0);
    return backed.flatMap((leg) => {
      const share = over(ONE, whole(backed.length * leg.length));
      return leg.map(([c, lines]) => ({ c, stakeMinor: stakeOf(lines), share, lines }));
    });
  }

  #seconds(): readonly Winning[] {
    return this.#sharing(this.#live.filter(({ picks }) => picks.every(({ second }) => second)));
  }

  /** The most right have their share of today's money; what was carried in stays, unless it must be paid today. */
  #payMostRight(first: Fund): boolean {
    const right = this.#mostRight(this.pool.legs.length - 1, 1);
    const lines = this.#live.filter((kind) => rightLegs(kind) === right);
    const winners = this.#together(lines).map((winning) => ({ ...winning, right }));
    const share = this.pool.mandatory === true ? ONE : read(this.#rules.ladderShare ?? '1');
    const carried = this.pool.mandatory === true ? first.carried : ZERO;
    const jackpot = this.pool.mandatory === true ? this.#jackpot : ZERO;
    if (!this.#pay({ ...first, today: times(first.today, share), carried }, winners, jackpot)) return false;
    this.#carry({ ...first, today: times(first.today, minus(ONE, share)), carried: minus(first.carried, carried) });
    return true;
  }

  #carry({ today, carried }: Fund): void {
    this.#carryOut = sum([this.#carryOut, this.#withoutAdded(today), carried]);
  }

  /** What nobody wins is carried as bettors staked it: the operator adds for winners. */
  #withoutAdded(today: Fraction): Fraction {
    const { gross, added = 0n } = this.money;
    return added === 0n ? today : times(today, over(whole(gross), whole(gross + added)));
  }

  #sheet(): DividendSheet {
    const taxed = this.#rules.carry === 'GROSS' ? this.#wonGross : this.#staked();
    // A net pool cut to whole units leaves the cut with the operator.
    const isCut = this.#rules.legs?.wholeMinor !== undefined && this.#rules.carry === 'NET';
    const takeout = isCut ? minus(taxed, this.#netPool()) : times(taxed, this.#rate);
    return sheet(this.money, this.#dividends.length > 0 ? 'PAID' : 'CARRIED', {
      takeout: floor(takeout),
      dividends: this.#dividends,
      carryOut: floor(this.#carryOut),
      jackpot: floor(this.#jackpot),
    });
  }
}

/** By combination, as text: `3/1`. */
const byRunners = (kinds: readonly LineKind[]): ReadonlyMap<string, readonly LineKind[]> =>
  grouped(kinds, ({ picks }) => picks.map(({ runner }) => runner).join('/'));

function grouped(kinds: readonly LineKind[], keyOf: (kind: LineKind) => string): ReadonlyMap<string, LineKind[]> {
  const groups = new Map<string, LineKind[]>();
  for (const kind of kinds) {
    const key = keyOf(kind);
    const known = groups.get(key);
    if (known) known.push(kind);
    else groups.set(key, [kind]);
  }
  return groups;
}

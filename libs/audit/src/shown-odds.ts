/**
 * The odds that a pool should show for given stakes, worked out by the second calculator: for one price a combination what it would
 * pay alone, for places and pairs the least and the most that it would pay with others. Written from the rules and from what the
 * screens promise, in whole numbers throughout; it must never import what it checks, nor guess where it cannot know.
 */
import { bettingInterest, byNumber, expandSelection, isSet, lineShapes, runsOf } from './expansion.js';
import { type Fraction, floor, minus, ONE, over, read, times, whole } from './fraction.js';
import { parseSelectionText } from './selection-text.js';
import { type AuditedPoolType, type AuditField, AuditRefused, type AuditRules, type AuditSplit } from './sheet.js';
import { patternText, placesAmong } from './winners.js';

export interface ShownPool {
  readonly poolType: AuditedPoolType;
  readonly ruleSet: AuditRules;
  /** As it runs at the moment that is shown. */
  readonly field: AuditField;
  readonly carryInMinor: number;
  readonly guaranteeMinor?: number;
}

/** Stake included, decimal text. `price` where one combination wins, `low` and `high` where others win beside it. */
export interface ShownOdds {
  readonly price?: string;
  readonly low?: string;
  readonly high?: string;
}

/**
 * The combinations that a bet's lines stand on, as screens write them. Undefined where that may change with a runner's scratch (the
 * bettor's complements). Throws `AuditRefused` for a text that cannot be read.
 */
export function combinationsOf(
  { poolType, ruleSet, field }: Pick<ShownPool, 'poolType' | 'ruleSet' | 'field'>,
  text: string,
): readonly string[] | undefined {
  const selection = parseSelectionText(text);
  if (selection.complement) return undefined;
  const ordered = lineShapes[poolType].ordered && !isSet(selection, poolType);
  const lines = expandSelection(selection, poolType, bettingInterest(field, ruleSet.coupling));
  return lines.map((line) => patternText(line, ordered));
}

/** Runners that one line names: for up to two the rows of a tick are all combinations. */
export const runnersALine = (poolType: AuditedPoolType): number => lineShapes[poolType].picks;

/** Gross less takeout, the takeout rounded down to a minor unit; before any carry-in. */
export const shownNet = (grossMinor: number, { takeout }: AuditRules): number =>
  grossMinor - Number(floor(times(whole(grossMinor), read(takeout))));

/**
 * The odds by combination: of one or two runners all that run, of larger ones those in `stakes` (minor units). Without odds where
 * nothing is staked, or where too few run. Throws `AuditRefused` for pools whose price depends on bets that no row shows.
 */
export function shownOdds(
  pool: ShownPool,
  grossMinor: number,
  stakes: ReadonlyMap<string, number>,
): ReadonlyMap<string, ShownOdds> {
  const { ruleSet, field, poolType } = pool;
  if (ruleSet.tiers !== undefined || ruleSet.weights !== undefined)
    throw new AuditRefused('what a line of a pool with tiers would pay depends on lines that are not shown');
  const interests = [...new Set(runsOf(field).map(bettingInterest(field, ruleSet.coupling)))];
  const { picks, ordered } = lineShapes[poolType];
  const combinations = picks > 2 ? [...stakes.keys()] : written(interests, picks, ordered);
  const places = placesAmong(ruleSet, field, -1);
  const declared = new Set(field.declared.map(bettingInterest(field, ruleSet.coupling)));
  const isRefunded =
    interests.length < ruleSet.minInterests || places === 0 || declared.size < (ruleSet.minDeclared ?? 0);
  if (isRefunded) return new Map(combinations.map((c) => [c, {}]));
  const prices = new Prices(pool, grossMinor);
  const stakeOf = (c: string): number => stakes.get(c) ?? 0;
  if (poolType === 'DEUX_SUR_QUATRE' || (poolType === 'QUINELLA_PLACE' && places !== 2))
    return pairOdds(prices, pool, interests, stakeOf);
  if (picks === 1 && places >= 0) return placeOdds(prices, ruleSet, combinations, { places, stakeOf });
  return new Map(
    combinations.map((c) => {
      const stake = stakeOf(c) + (picks === 1 ? matesOf(pool, c).reduce((sum, mate) => sum + stakeOf(mate), 0) : 0);
      return [c, stake === 0 ? {} : { price: prices.shown('SINGLE_PRICE', [stake]) }];
    }),
  );
}

function written(interests: readonly string[], picks: number, ordered: boolean): readonly string[] {
  if (picks === 1) return interests;
  return interests.flatMap((a) =>
    interests.filter((b) => (ordered ? a !== b : byNumber(a, b) < 0)).map((b) => (ordered ? `${a}>${b}` : `${a}-${b}`)),
  );
}

/** Under STABLE the others of its stable that run win with it. */
function matesOf({ field, ruleSet }: ShownPool, runner: string): readonly string[] {
  if (ruleSet.coupling !== 'STABLE') return [];
  const stable = field.entries.find((entry) => entry.includes(runner)) ?? [];
  return stable.filter((mate) => mate !== runner && !field.scratched.includes(mate));
}

/** Low: the most backed others fill the other places; high: the least backed. Who is not backed takes no part of the money. */
function placeOdds(
  prices: Prices,
  { split }: AuditRules,
  interests: readonly string[],
  { places, stakeOf }: { readonly places: number; readonly stakeOf: (c: string) => number },
): ReadonlyMap<string, ShownOdds> {
  const byStake = [...interests].sort((a, b) => stakeOf(a) - stakeOf(b));
  return new Map(
    interests.map((c) => {
      const own = stakeOf(c);
      if (own === 0) return [c, {}];
      const others = byStake.filter((other) => other !== c).map(stakeOf);
      const beside = (taken: readonly number[]): string =>
        prices.shown(split, [own, ...taken.filter((stake) => stake > 0)]);
      const most = places > 1 ? others.slice(-(places - 1)) : [];
      return [c, { low: beside(most), high: beside(others.slice(0, places - 1)) }];
    }),
  );
}

/**
 * A pair's company: the other pairs of the first three (quinella place) or four. What it is paid depends on how many of them are backed
 * and on their stakes in all, so that of each number the least and the most are enough.
 */
function pairOdds(
  prices: Prices,
  { poolType, ruleSet }: ShownPool,
  interests: readonly string[],
  stakeOf: (c: string) => number,
): ReadonlyMap<string, ShownOdds> {
  const split = ruleSet.split === 'SINGLE_PRICE' ? ruleSet.deadHeat : ruleSet.split;
  const runners = [...interests].sort(byNumber);
  const stakes = runners.map((a) => runners.map((b) => (a === b ? 0 : stakeOf(patternText([a, b], false)))));
  const on = (a: number, b: number): number => (stakes[a] as number[])[b] as number;
  const odds = new Map<string, ShownOdds>();
  for (let a = 0; a < runners.length; a++)
    for (let b = a + 1; b < runners.length; b++) {
      const own = on(a, b);
      const companies = new Companies();
      for (let c = 0; own > 0 && c < runners.length; c++) {
        if (c === a || c === b) continue;
        if (poolType === 'QUINELLA_PLACE') companies.see([on(a, c), on(b, c)]);
        else
          for (let d = c + 1; d < runners.length; d++)
            if (d !== a && d !== b) companies.see([on(a, c), on(b, c), on(a, d), on(b, d), on(c, d)]);
      }
      odds.set(`${runners[a]}-${runners[b]}`, own === 0 ? {} : companies.range(prices, split, own));
    }
  return odds;
}

/** Of each number of backed pairs those with the least and with the most stake. */
class Companies {
  readonly #found: { least: readonly number[]; leastSum: number; most: readonly number[]; mostSum: number }[] = [];

  see(company: readonly number[]): void {
    let [sum, backed] = [0, 0];
    for (const stake of company) {
      sum += stake;
      if (stake > 0) backed += 1;
    }
    const known = this.#found[backed];
    if (!known) this.#found[backed] = { least: company, leastSum: sum, most: company, mostSum: sum };
    else if (sum < known.leastSum) Object.assign(known, { least: company, leastSum: sum });
    else if (sum > known.mostSum) Object.assign(known, { most: company, mostSum: sum });
  }

  range(prices: Prices, split: AuditSplit, own: number): ShownOdds {
    const found = this.#found.flatMap(({ least, most }) => (least === most ? [least] : [least, most]));
    const scaled = (found.length === 0 ? [[]] : found).map((company) =>
      prices.scaled(split, [own, ...company.filter((stake) => stake > 0)]),
    );
    const sorted = scaled.sort((a, b) => (a < b ? -1 : 1));
    return { low: prices.text(sorted[0] as bigint), high: prices.text(sorted.at(-1) as bigint) };
  }
}

/** A price before rounding: n / d. Not in lowest terms: there are a thousand of them in a tick. */
interface Exact {
  readonly n: bigint;
  readonly d: bigint;
}

/** What winners would be paid at one state of a pool, in whole parts of a price's last digit. */
class Prices {
  readonly #net: Fraction;
  readonly #steps: Steps;

  constructor(
    private readonly pool: ShownPool,
    private readonly grossMinor: number,
  ) {
    const { ruleSet, carryInMinor, guaranteeMinor = 0 } = pool;
    const isGross = ruleSet.carry === 'GROSS';
    this.grossMinor = Math.max(grossMinor, guaranteeMinor - (isGross ? carryInMinor : 0));
    const taxed = times(whole(this.grossMinor + (isGross ? carryInMinor : 0)), minus(ONE, read(ruleSet.takeout)));
    this.#net = isGross ? taxed : { n: taxed.n + BigInt(carryInMinor) * taxed.d, d: taxed.d };
    this.#steps = stepsOf(ruleSet);
  }

  /** What the first of these winners is paid, as shown. */
  shown(split: AuditSplit, winners: readonly number[]): string {
    return this.text(this.scaled(split, winners));
  }

  text(scaled: bigint): string {
    const { digits } = this.#steps;
    const all = String(scaled).padStart(digits + 1, '0');
    return digits === 0 ? all : `${all.slice(0, -digits)}.${all.slice(-digits)}`;
  }

  /** Broken, lifted to the least price (in a minus pool to the lower one), topped up; then in the steps of the screens. */
  scaled(split: AuditSplit, winners: readonly number[]): bigint {
    const { ruleSet } = this.pool;
    const { scale, minimum, lower, topUp } = this.#steps;
    const own = this.#exact(split, winners, 0);
    let price = this.#raised(own, minimum);
    const isLifted = minimum !== undefined && lower !== undefined && price === minimum;
    if (isLifted || topUp?.from === price) {
      const usual = winners.map((_, i) => this.#raised(this.#exact(split, winners, i), minimum));
      const cost = (prices: readonly bigint[]): bigint =>
        prices.reduce((sum, one, i) => sum + one * BigInt(winners[i] as number), 0n);
      const isMinus = isLifted && cost(usual) * this.#net.d > this.#net.n * scale;
      const least = isMinus ? lower : minimum;
      price = this.#raised(own, least);
      const all = winners.map((_, i) => this.#raised(this.#exact(split, winners, i), least));
      const higher = all.map((one) => (one === topUp?.from ? topUp.to : one));
      if (topUp && cost(higher) <= BigInt(this.grossMinor) * scale) price = higher[0] as bigint;
    }
    return ruleSet.display ? this.#displayed(price) : price;
  }

  /** The unrounded price of one of the winners, by the way of sharing. */
  #exact(split: AuditSplit, winners: readonly number[], which: number): Exact {
    const { partUnitMinor = 0, takeout } = this.pool.ruleSet;
    const count = BigInt(winners.length);
    const staked = winners[which] as number;
    const all = winners.reduce((sum, stake) => sum + stake, 0);
    const { n, d } = this.#net;
    switch (split) {
      case 'SINGLE_PRICE':
        return { n, d: d * BigInt(Math.max(all, partUnitMinor)) };
      case 'GROSS_SPLIT':
        return { n, d: d * count * BigInt(Math.max(staked, partUnitMinor)) };
      case 'PROFIT_SPLIT': {
        const own = d * count * BigInt(staked);
        return { n: own + n - d * BigInt(all), d: own };
      }
      case 'JAPAN': {
        const kept = minus(ONE, read(takeout));
        const carryIn = this.pool.ruleSet.carry === 'GROSS' ? 0 : this.pool.carryInMinor;
        const shared = count * BigInt(staked) + BigInt(this.grossMinor - all);
        return { n: kept.n * shared + kept.d * BigInt(carryIn), d: kept.d * count * BigInt(staked) };
      }
    }
  }

  #raised({ n, d }: Exact, minimum: bigint | undefined): bigint {
    const { scale, step, isNearest, lifts } = this.#steps;
    if (n <= 0n) return minimum ?? liftOf({ n: 0n, d: 1n }, lifts) ?? 0n;
    const [top, unit] = [n * scale * step.d, d * step.n];
    const steps = isNearest ? (2n * top + unit) / (2n * unit) : top / unit;
    const broken = (steps * step.n) / step.d;
    if (minimum !== undefined) return broken < minimum ? minimum : broken;
    return liftOf({ n, d }, lifts) ?? broken;
  }

  #displayed(price: bigint): bigint {
    for (const { below, step } of this.#steps.display) {
      const shown = (price / step) * step;
      if (below === undefined || shown < below) return shown;
    }
    return 0n;
  }
}

/** A rule set's roundings in whole parts of the last digit that is shown. */
interface Steps {
  readonly digits: number;
  readonly scale: bigint;
  /** The break point; a fraction where it is finer than the last digit. */
  readonly step: Fraction;
  readonly isNearest: boolean;
  readonly display: readonly { readonly below: bigint | undefined; readonly step: bigint }[];
  /** The least price; absent where it goes by steps of the unrounded one. */
  readonly minimum: bigint | undefined;
  /** That of a minus pool, where the rules have one. */
  readonly lower: bigint | undefined;
  readonly lifts: readonly Lift[];
  readonly topUp: { readonly from: bigint; readonly to: bigint } | undefined;
}

interface Lift {
  readonly atMost: Fraction | undefined;
  readonly below: Fraction | undefined;
  readonly pay: bigint;
}

function liftOf({ n, d }: Exact, lifts: readonly Lift[]): bigint | undefined {
  return lifts.find(
    ({ atMost, below }) =>
      (atMost === undefined || n * atMost.d <= atMost.n * d) && (below === undefined || n * below.d < below.n * d),
  )?.pay;
}

const known = new WeakMap<AuditRules, Steps>();

function stepsOf(rules: AuditRules): Steps {
  const before = known.get(rules);
  if (before) return before;
  const { minimum, minimumInMinusPool, breakTo, breakPer, display = [], topUp } = rules;
  const breakStep =
    breakTo === 'none' ? over(ONE, whole(10n ** BigInt(rules.digits))) : over(read(breakTo), read(breakPer));
  const least = typeof minimum === 'string' ? [minimum, minimumInMinusPool ?? minimum].map(read) : [];
  const bounds = display.flatMap(({ below, step }) => (below === undefined ? [step] : [below, step])).map(read);
  const digits = Math.max(rules.digits, ...[...least, ...(display.length > 0 ? bounds : [breakStep])].map(decimals));
  const scale = 10n ** BigInt(digits);
  const scaled = (value: Fraction): bigint => floor(times(value, whole(scale)));
  const steps: Steps = {
    ...{ digits, scale, step: times(breakStep, whole(scale)), isNearest: rules.rounding === 'NEAREST' },
    display: display.map(({ below, step }) => ({
      below: below === undefined ? undefined : scaled(read(below)),
      step: scaled(read(step)),
    })),
    minimum: typeof minimum === 'string' ? scaled(read(minimum)) : undefined,
    lower:
      typeof minimum === 'string' && minimumInMinusPool !== undefined ? scaled(read(minimumInMinusPool)) : undefined,
    lifts:
      typeof minimum === 'string'
        ? []
        : minimum.map(({ atMost, below, pay }) => ({
            atMost: atMost === undefined ? undefined : read(atMost),
            below: below === undefined ? undefined : read(below),
            pay: scaled(read(pay)),
          })),
    topUp: topUp && { from: scaled(read(topUp.from)), to: scaled(read(topUp.to)) },
  };
  known.set(rules, steps);
  return steps;
}

/** Decimal places of a value that has finitely many. */
function decimals({ n, d }: Fraction): number {
  let places = 0;
  while ((n * 10n ** BigInt(places)) % d !== 0n)
    if (++places > 18) throw new AuditRefused('a step has no finite decimal form');
  return places;
}

/**
 * Indicative odds from stakes: one price for each combination of a one-winner pool, a low and a high where other winners
 * matter. Rounded like dividends, in whole numbers below 2^53 and in bigint above; a thousand pools are quoted between
 * two ticks of the clock. Odds are information and never a promise; nothing is paid from here.
 */

import { permutations, subsets } from './combinatorics.js';
import { combinationText, compareRunners, type Field, runningInterests, stablemates, starters } from './field.js';
import { pairRanges } from './pair-odds.js';
import { shapeOf } from './pool-type.js';
import { placesPaid, type Rung, tooFewRunners } from './pools.js';
import { priceRungs } from './price.js';
import { type Net, type OddsLine, type OddsMoney, Quoter } from './quoter.js';
import { compare, floor, multiply, type Ratio, ratio, subtract, toMinor, toRatio } from './ratio.js';
import type { RuleSet } from './rule-set.js';
import { tierPrices } from './tier-odds.js';

export type { OddsLine, OddsMoney } from './quoter.js';

export interface ProbablesInput extends OddsMoney {
  readonly ruleSet: RuleSet;
  readonly field: Field;
  /** Odds on every combination of pools of three runners a line too, where no more than this many run. */
  readonly wholeGridUpTo?: number;
  /** Stake by combination, minor units. */
  readonly stakes: ReadonlyMap<string, number> | Readonly<Record<string, number>>;
  /** Of a pool with tiers, where `stakes` does not name all lines: what stands on a key, minor units. */
  readonly stakeOf?: (key: string) => number;
}

/** `net` is after takeout and before carry-in, as on a dividend sheet. */
export interface Probables {
  readonly net: number;
  readonly odds: readonly OddsLine[];
}

/** What does not change while a pool sells: its combinations, in order, and how its prices are rounded. */
export interface OddsPlan {
  readonly combos: readonly string[];
  /** Position of each combination in `combos`, and in the stakes handed to `quotePool`. */
  readonly index: ReadonlyMap<string, number>;
  readonly ruleSet: RuleSet;
  /** Places paid where others matter; null for pools with one price. */
  readonly places: number | null;
  /** Pairs of which several win together. */
  readonly pairs: boolean;
  /** The pool would be refunded as the field stands: no odds. */
  readonly refunded: boolean;
  /** For each combination, positions that share its price (a stable); empty when none does. */
  readonly groups: readonly (readonly number[])[];
  readonly quoter: Quoter;
}

/** Odds for every combination: the full grid for pools of one or two runners a line, else those with stakes. */
export function probables(input: ProbablesInput): Probables {
  const { ruleSet, field, stakes } = input;
  const isWhole = starters(field).length <= (input.wholeGridUpTo ?? 0);
  const listed = stakes instanceof Map ? [...stakes.keys()] : Object.keys(stakes);
  const plan = planOdds(ruleSet, field, listed, isWhole ? 3 : 2);
  const odds = quotePool(plan, input, plan.combos.map(stakeIn(stakes)), input.stakeOf);
  return { net: netMinorOf(ruleSet, input), odds };
}

const stakeIn = (stakes: ProbablesInput['stakes']): ((c: string) => number) =>
  stakes instanceof Map
    ? (c) => stakes.get(c) ?? 0
    : (c) => (stakes as Readonly<Record<string, number | undefined>>)[c] ?? 0;

/** Plans a pool's odds; `listed` names the combinations of pools whose grid would be too large. Keep it while selling. */
export function planOdds(
  ruleSet: RuleSet,
  field: Field,
  listed: readonly string[] = [],
  widestGrid: 2 | 3 = 2,
): OddsPlan {
  const combos = gridOf(ruleSet, field, widestGrid) ?? listed;
  // Twelve thousand trifectas take longer to index than to quote, and a board that is quoted once needs no index.
  let index: ReadonlyMap<string, number> | undefined;
  const indexed = (): ReadonlyMap<string, number> => {
    index ??= new Map(combos.map((c, position) => [c, position]));
    return index;
  };
  const isPlaceLike = ruleSet.places !== undefined && shapeOf(ruleSet.poolType).picks === 1;
  const grouped = ruleSet.coupling === 'STABLE' && (field.entries?.length ?? 0) > 0;
  const mates = (c: string): readonly number[] =>
    stablemates(field, ruleSet.coupling, c).flatMap((mate) => indexed().get(mate) ?? []);
  return {
    combos,
    get index() {
      return indexed();
    },
    ruleSet,
    places: isPlaceLike ? placesPaid(ruleSet, field) : null,
    pairs: isPairs(ruleSet, field),
    refunded: tooFewRunners(ruleSet, field),
    groups: grouped ? combos.map(mates) : [],
    quoter: new Quoter(ruleSet),
  };
}

/** Quinella place and 2 sur 4: other pairs win too; with two paid places (United Kingdom) one pair wins alone. */
const isPairs = (ruleSet: RuleSet, field: Field): boolean =>
  ruleSet.poolType === 'DEUX_SUR_QUATRE' ||
  (ruleSet.poolType === 'QUINELLA_PLACE' && (ruleSet.places === undefined || placesPaid(ruleSet, field) !== 2));

/**
 * The odds of one tick, `stakes[i]` being the minor units on `plan.combos[i]`. `stakeOf` says what stands on a key of a pool with tiers
 * where the plan does not list all that is staked.
 */
export function quotePool(
  plan: OddsPlan,
  money: OddsMoney,
  stakes: ArrayLike<number>,
  stakeOf?: (key: string) => number,
): readonly OddsLine[] {
  if (plan.refunded) return plan.combos.map((c) => ({ c, price: null, low: null, high: null }));
  if (plan.pairs) return pairRanges(plan, money, stakes);
  if (plan.ruleSet.tiers || plan.ruleSet.weights) return tierPrices(plan, money, stakes, stakeOf);
  const net = netOf(plan.ruleSet, money);
  return plan.places === null
    ? singlePrices(plan, money.grossMinor, net, stakes)
    : placeRanges(plan, money, net, stakes);
}

// One price for each combination.

function singlePrices(plan: OddsPlan, grossMinor: number, net: Net, stakes: ArrayLike<number>): readonly OddsLine[] {
  const { combos, quoter, groups } = plan;
  const lines = new Array<OddsLine>(combos.length);
  const fast = quoter.isSafe(net, grossMinor, 1);
  for (let i = 0; i < combos.length; i++) {
    let stake = stakes[i] ?? 0;
    for (const mate of groups[i] ?? []) stake += stakes[mate] ?? 0;
    // Less than one unit on it would win a part of a dividend, never a greater one.
    const own = Math.max(stake, plan.ruleSet.partUnitMinor ?? 0);
    const price = stake > 0 ? quoter.quote(net, own, fast && own <= grossMinor) : null;
    lines[i] = { c: combos[i] ?? '', price: toppedUp(plan.ruleSet, price, stake, grossMinor), low: null, high: null };
  }
  return lines;
}

/** The rule set's top-up, where this combination alone would win and the stakes bear it. */
function toppedUp({ topUp }: RuleSet, price: string | null, stake: number, grossMinor: number): string | null {
  if (topUp === undefined || price === null || price !== topUp.from) return price;
  return compare(multiply(toRatio(topUp.to), ratio(stake)), ratio(grossMinor)) <= 0 ? topUp.to : price;
}

// Low and high where others win too.

/** Backed interests by stake, with sums of the lowest ones. */
interface Ranking {
  /** Positions of the backed interests, least backed first. */
  readonly order: readonly number[];
  /** below[n]: stakes of the n least backed. */
  readonly below: readonly number[];
  readonly unbacked: number;
}

/**
 * Low assumes that the most backed others fill the other places, high the least backed; interests without stake drop out
 * of the split as they do in a dividend. By sorting once and sums of the lowest, all ranges take O(n log n).
 */
function placeRanges(plan: OddsPlan, money: OddsMoney, net: Net, stakes: ArrayLike<number>): readonly OddsLine[] {
  const { combos } = plan;
  const ranking = rank(combos.length, stakes);
  const lines: OddsLine[] = combos.map((c) => ({ c, price: null, low: null, high: null }));
  const others = Math.min((plan.places ?? 1) - 1, combos.length - 1);
  const backed = ranking.order.length;
  for (const [at, position] of ranking.order.entries()) {
    const most = Math.min(others, backed - 1);
    const least = Math.max(0, others - ranking.unbacked);
    const low = {
      plan,
      money,
      net,
      stakes,
      ranking,
      at,
      from: backed - most - (at >= backed - most ? 1 : 0),
      size: most,
    };
    const high = { ...low, from: 0, size: least };
    lines[position] = { c: combos[position] ?? '', price: null, low: rangePrice(low), high: rangePrice(high) };
  }
  return lines;
}

function rank(count: number, stakes: ArrayLike<number>): Ranking {
  const order: number[] = [];
  for (let i = 0; i < count; i++) if ((stakes[i] ?? 0) > 0) order.push(i);
  order.sort((a, b) => (stakes[a] ?? 0) - (stakes[b] ?? 0) || a - b);
  const below = [0];
  for (const position of order) below.push((below.at(-1) ?? 0) + (stakes[position] ?? 0));
  return { order, below, unbacked: count - order.length };
}

/** The price of the interest at rank `at` when `size` others from rank `from` on (itself passed over) place with it. */
interface RangeInput {
  readonly plan: OddsPlan;
  readonly money: OddsMoney;
  readonly net: Net;
  readonly stakes: ArrayLike<number>;
  readonly ranking: Ranking;
  readonly at: number;
  readonly from: number;
  readonly size: number;
}

function rangePrice(input: RangeInput): string {
  const { plan, money, net, stakes, ranking, at, from, size } = input;
  const { quoter, ruleSet } = plan;
  const staked = stakes[ranking.order[at] ?? 0] ?? 0;
  const own = ruleSet.split === 'GROSS_SPLIT' ? Math.max(staked, ruleSet.partUnitMinor ?? 0) : staked;
  const isAmong = at >= from && at <= from + size;
  const until = from + size + (isAmong ? 1 : 0);
  const rivals = (ranking.below[until] ?? 0) - (ranking.below[from] ?? 0) - (isAmong ? staked : 0);
  const winners = size + 1;
  const safe = quoter.isSafe(net, money.grossMinor, winners) && own + rivals <= money.grossMinor;
  if (!safe || ruleSet.split === 'JAPAN') return simulated(input, until);
  const { num, den } = fraction(ruleSet, net, { own, rivals, winners });
  return quoter.quoteShared(num, den) ?? simulated(input, until);
}

/** The exact price as a fraction of safe integers, by the split. */
function fraction(
  { split }: RuleSet,
  net: Net,
  { own, rivals, winners }: { readonly own: number; readonly rivals: number; readonly winners: number },
): { readonly num: number; readonly den: number } {
  if (split === 'GROSS_SPLIT') return { num: net.num, den: winners * own * net.den };
  if (split === 'SINGLE_PRICE') return { num: net.num, den: (own + rivals) * net.den };
  return { num: net.num + ((winners - 1) * own - rivals) * net.den, den: winners * own * net.den };
}

/** The same through the dividend calculation itself: for amounts near 2^53, minus pools and the Japanese formula. */
function simulated({ plan, money, stakes, ranking, at, from }: RangeInput, until: number): string {
  const { ruleSet, combos, quoter } = plan;
  const winners = [at, ...ranking.order.keys()].filter((r, i) => i === 0 || (r >= from && r < until && r !== at));
  const keys = winners.map((r) => combos[ranking.order[r] ?? 0] ?? '');
  const rung: Rung = {
    rung: 0,
    name: 'RESULT',
    how: ruleSet.split,
    keys: keys.map((c) => ({ tier: ruleSet.poolType, c })),
    parts: [{ slots: keys.length, keys }],
  };
  const stakeOf = (c: string): Ratio => ratio(stakes[plan.index.get(c) ?? -1] ?? 0);
  const sheet = priceRungs({ ...money, ruleSet, rungs: [rung], refundsMinor: 0, stakeOf });
  const own = sheet.dividends.find(({ c }) => c === keys[0]);
  return quoter.quoteDividend(own?.price ?? '0');
}

// Net pools.

function netOf(rules: RuleSet, { grossMinor, carryInMinor, netMinor }: OddsMoney): Net {
  if (netMinor !== undefined) {
    return { num: netMinor + carryInMinor, den: 1, exact: ratio(BigInt(netMinor) + BigInt(carryInMinor)) };
  }
  const { n, d } = subtract(ratio(1n), toRatio(rules.takeout));
  const isTaxed = rules.carry === 'GROSS';
  const taxed = grossMinor + (isTaxed ? carryInMinor : 0);
  const free = isTaxed ? 0 : carryInMinor;
  const exact = ratio(BigInt(taxed) * n + BigInt(free) * d, d);
  return { num: taxed * Number(n) + free * Number(d), den: Number(d), exact };
}

function netMinorOf(rules: RuleSet, { grossMinor, netMinor }: OddsMoney): number {
  if (netMinor !== undefined) return netMinor;
  return grossMinor - toMinor(floor(multiply(ratio(grossMinor), toRatio(rules.takeout))));
}

/** Every combination of a pool that names up to `widest` runners a line; null for larger ones. */
function gridOf(rules: RuleSet, field: Field, widest: 2 | 3): readonly string[] | null {
  const { picks, arrangement } = shapeOf(rules.poolType);
  if (picks > widest || arrangement === 'LEGS') return null;
  const single = rules.coupling === 'STABLE' ? starters(field) : runningInterests(field, rules.coupling);
  if (picks === 1) return single;
  const sorted = [...single].sort(compareRunners);
  const sets = [...subsets(sorted, picks)];
  if (arrangement !== 'ORDERED') return sets.map((set) => combinationText(set, arrangement));
  // The orders of places, once: each set is then written in all of them.
  const orders = [...permutations(sorted.slice(0, picks))].map((order) => order.map((one) => sorted.indexOf(one)));
  return sets.flatMap((set) => orders.map((order) => order.map((place) => set[place]).join('>')));
}

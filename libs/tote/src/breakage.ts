/**
 * From an unrounded price to what is paid: the break point, the minimum, and the lower minimum of a minus pool. The only
 * place where a dividend loses precision.
 */
import type { Claim } from './claims.js';
import type { Rung } from './pools.js';
import {
  add,
  compare,
  decimalDigits,
  divide,
  floor,
  isZero,
  multiply,
  nearest,
  ONE,
  type Ratio,
  ratio,
  sum,
  toRatio,
  ZERO,
} from './ratio.js';
import type { RuleSet } from './rule-set.js';

/** Winners with their unrounded prices, the weights these hold, and the exact money that they share. */
export interface BreakInput {
  readonly ruleSet: RuleSet;
  readonly claims: readonly Claim[];
  readonly exact: readonly Ratio[];
  /** What each claim is paid on top of its price, broken by itself: a jackpot that is one tier's alone. */
  readonly prizes?: readonly Ratio[];
  /** Weight of each claim's price; with `breakAt` UNIT the price of weight 1 is broken and then multiplied. */
  readonly weights?: readonly Ratio[];
  readonly net: Ratio;
  /** Gross pool, for the rule set's `topUp`. */
  readonly sales?: Ratio;
  readonly rung: Pick<Rung, 'name'> & Partial<Pick<Rung, 'parts'>>;
}

/** Break, then minimum; in a minus pool the rule set's lower minimum, where it has one; then what is paid on top. */
export function breakPrices(input: BreakInput): readonly Ratio[] {
  const { prizes, ruleSet } = input;
  const prices = toppedPrices(input);
  if (!prizes?.some((prize) => !isZero(prize))) return prices;
  return prices.map((price, index) => add(price, breakPrice(ruleSet, prizes[index] ?? ZERO)));
}

function toppedPrices(input: BreakInput): readonly Ratio[] {
  const prices = raisedPrices(input);
  const { ruleSet, claims, sales, rung } = input;
  const { topUp } = ruleSet;
  if (!topUp || !sales || rung.name !== 'RESULT') return prices;
  const from = toRatio(topUp.from);
  const topped = prices.map((price) => (compare(price, from) === 0 ? toRatio(topUp.to) : price));
  return compare(cost(claims, topped), sales) <= 0 ? topped : prices;
}

function raisedPrices({ ruleSet, claims, exact, weights, net, rung }: BreakInput): readonly Ratio[] {
  const broken = exact.map((price, index) => breakWeighed(ruleSet, price, weights?.[index]));
  if (rung.name === 'PAY_NET_RATE') return broken;
  const raised = (minimum: RuleSet['minimum']): readonly Ratio[] =>
    broken.map((price, index) => raise(price, exact[index] ?? ZERO, minimum));
  const inDeadHeat = ruleSet.minimumInDeadHeat;
  const priced =
    inDeadHeat === undefined
      ? raised(ruleSet.minimum)
      : broken.map((price, index) =>
          raise(price, exact[index] ?? ZERO, isTied(rung, claims[index]) ? inDeadHeat : ruleSet.minimum),
        );
  const lower = ruleSet.minimumInMinusPool;
  const isMinus = lower !== undefined && typeof ruleSet.minimum === 'string' && compare(cost(claims, priced), net) > 0;
  return isMinus ? raised(lower) : priced;
}

/** Has less than one place's money even if all are backed: those of a dead heat, not who finished clear of it. */
function isTied({ name, parts = [] }: BreakInput['rung'], claim: Claim | undefined): boolean {
  const own = parts.filter(({ keys }) => claim !== undefined && keys.includes(claim.c));
  const places = sum(own.map(({ slots, keys }) => ratio(slots, keys.length)));
  return name === 'RESULT' && compare(places, ONE) < 0;
}

/** What the claims are paid at these prices, exact. */
export const cost = (claims: readonly Claim[], prices: readonly Ratio[]): Ratio =>
  sum(claims.map((claim, index) => multiply(claim.stake, prices[index] ?? ZERO)));

function breakWeighed(rules: RuleSet, price: Ratio, weight: Ratio | undefined): Ratio {
  if (weight === undefined || rules.breakAt !== 'UNIT') return breakPrice(rules, price);
  const weighed = multiply(breakPrice(rules, divide(price, weight)), weight);
  return decimalDigits(weighed) === null ? breakPrice(rules, weighed) : weighed;
}

/** The price rounded to the rule set's break point, or to its digits where it has none. */
export function breakPrice(rules: RuleSet, price: Ratio): Ratio {
  const step =
    rules.breakTo === 'none'
      ? ratio(1n, 10n ** BigInt(rules.digits))
      : divide(toRatio(rules.breakTo), toRatio(rules.breakPer));
  const steps = divide(price, step);
  const rounded = multiply(step, ratio(rules.rounding === 'NEAREST' ? nearest(steps) : floor(steps)));
  return rounded.n < 0n ? ZERO : rounded;
}

/** Raises a broken price to the minimum; steps are judged on the unrounded price. */
function raise(broken: Ratio, exact: Ratio, minimum: RuleSet['minimum']): Ratio {
  if (typeof minimum === 'string') {
    const least = toRatio(minimum);
    return compare(broken, least) < 0 ? least : broken;
  }
  const step = minimum.find(
    ({ atMost, below }) =>
      (atMost === undefined || compare(exact, toRatio(atMost)) <= 0) &&
      (below === undefined || compare(exact, toRatio(below)) < 0),
  );
  return step ? toRatio(step.pay) : broken;
}

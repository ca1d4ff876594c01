/**
 * From an unrounded price to what is paid: the break point, the minimum, and the lower minimum of a minus pool. The only
 * place where a dividend loses precision.
 */
import type { Claim } from './claims.js';
import type { Rung } from './pools.js';
import { compare, divide, floor, multiply, nearest, type Ratio, ratio, sum, toRatio, ZERO } from './ratio.js';
import type { RuleSet } from './rule-set.js';

/** A paid rung's winners with their unrounded prices and the exact net pool. */
export interface BreakInput {
  readonly ruleSet: RuleSet;
  readonly rung: Rung;
  readonly claims: readonly Claim[];
  readonly exact: readonly Ratio[];
  readonly net: Ratio;
}

/** Break, then minimum; in a minus pool the rule set's lower minimum, where it has one. */
export function breakPrices({ ruleSet, rung, claims, exact, net }: BreakInput): readonly Ratio[] {
  if (rung.name === 'PAY_NET_RATE') return exact.map((price) => breakPrice(ruleSet, price));
  const priced = exact.map((price) => raise(breakPrice(ruleSet, price), price, ruleSet.minimum));
  const lower = ruleSet.minimumInMinusPool;
  if (lower === undefined || typeof ruleSet.minimum !== 'string' || compare(cost(claims, priced), net) <= 0)
    return priced;
  return exact.map((price) => raise(breakPrice(ruleSet, price), price, lower));
}

const cost = (claims: readonly Claim[], prices: readonly Ratio[]): Ratio =>
  sum(claims.map((claim, index) => multiply(claim.stake, prices[index] ?? ZERO)));

/** The price rounded to the rule set's break point, or to its digits where it has none. */
function breakPrice(rules: RuleSet, price: Ratio): Ratio {
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

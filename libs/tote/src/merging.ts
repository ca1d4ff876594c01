/**
 * Merging: where the price of a tier is not its ratio times that of the tier below, both are one pot in which stakes weigh.
 * From the bottom, until every ratio holds. Exact; nothing is broken here.
 */
import { amountText, type Named, type Pot, prizeIn, unitPrice } from './pot.js';
import { add, compare, divide, multiply, ONE, toRatio } from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet, TierRule } from './rule-set.js';

/** Merges neighbours from the bottom until every ratio between them holds. */
export function merge(
  ruleSet: RuleSet,
  rules: readonly TierRule[],
  pots: readonly Named[],
  steps: string[],
): readonly Named[] {
  let list = [...pots];
  for (let index = list.length - 2; index >= 0; index--) {
    const [upper, lower] = [list[index], list[index + 1]];
    if (!upper || !lower || holds(rules, upper, lower)) continue;
    const joined = join(ruleSet, rules, upper, lower);
    const names = joined.tiers.map(({ name, weight }) => `${name} x ${amountText(weight)}`).join(', ');
    steps.push(
      `${upper.name} pays less than its ratio to ${lower.name}: merged, ${amountText(joined.pool)} over ${names}`,
    );
    list = [...list.slice(0, index), joined, ...list.slice(index + 2)];
    // A merged pot may now fail against the one below it.
    index = Math.min(index + 1, list.length - 1);
  }
  return list;
}

const ratioBelow = (rules: readonly TierRule[], upper: Pot): string | undefined =>
  rules.find(({ name }) => name === upper.tiers.at(-1)?.name)?.ratio;

function holds(rules: readonly TierRule[], upper: Pot, lower: Pot): boolean {
  const least = ratioBelow(rules, upper);
  if (least === undefined) return true;
  const above = multiply(unitPrice(upper), upper.tiers.at(-1)?.weight ?? ONE);
  const below = multiply(unitPrice(lower), lower.tiers[0]?.weight ?? ONE);
  return compare(above, multiply(toRatio(least), below)) >= 0;
}

function join({ weights }: RuleSet, rules: readonly TierRule[], upper: Named, lower: Named): Named {
  const [last, first] = [upper.tiers.at(-1), lower.tiers[0]];
  assertTote(last !== undefined && first !== undefined, 'a pot has tiers');
  const own = weights?.[last.name];
  const next = weights?.[first.name];
  const times = own && next ? divide(toRatio(own), toRatio(next)) : toRatio(ratioBelow(rules, upper) ?? '1');
  const scale = divide(multiply(times, first.weight), last.weight);
  return {
    name: `${upper.name}+${lower.name}`,
    tiers: [...upper.tiers.map(({ name, weight }) => ({ name, weight: multiply(weight, scale) })), ...lower.tiers],
    pool: add(upper.pool, lower.pool),
    claims: [...upper.claims, ...lower.claims],
    fixed: false,
    ...prizeIn([upper, lower]),
  };
}

/**
 * Tiers that share the profit of a pool instead of the pool: the stakes come back first, then each tier has its part, by
 * itself or on top of the tier below. Exact; nothing is broken here.
 */
import { type Pot, prizeIn } from './pot.js';
import { add, compare, divide, isZero, multiply, ONE, type Ratio, subtract, sum, ZERO } from './ratio.js';
import type { RuleSet } from './rule-set.js';

/**
 * The profit of the whole pool in parts. INCREMENTS: a tier's part is shared over its own stakes and those of all better
 * tiers, so that a better tier never pays less (PMU, pick 5). OWN: over its own; where a tier would then be paid more
 * than the one above it, the two share their parts, and so on upwards (PMU, "proportions maxima").
 */
export function profitPrices(pot: Pot, parts: readonly Ratio[]): ReadonlyMap<string, Ratio> {
  const { pool, tiers, claims } = pot;
  const stakedOn = (tier: string): Ratio =>
    sum(claims.filter((claim) => claim.tier === tier).map(({ stake }) => stake));
  const profit = subtract(pool, sum(claims.map(({ stake }) => stake)));
  if (pot.profit === 'OWN') return ownPrices(pot, parts, profit, stakedOn);
  const prices = new Map<string, Ratio>();
  let price = ONE;
  for (let index = tiers.length - 1; index >= 0; index--) {
    const staked = sum(tiers.slice(0, index + 1).map(({ name }) => stakedOn(name)));
    price = add(price, divide(multiply(parts[index] ?? ZERO, profit), staked));
    prices.set(tiers[index]?.name ?? '', price);
  }
  return prices;
}

/** Tiers that are paid alike, with their part of the profit and the stakes it is shared over. */
interface Step {
  readonly names: readonly string[];
  readonly part: Ratio;
  readonly staked: Ratio;
}

/** Each tier's part over its own stakes; one that would be paid more than the tier above it shares with that one. */
function ownPrices(
  { tiers }: Pot,
  parts: readonly Ratio[],
  profit: Ratio,
  stakedOn: (tier: string) => Ratio,
): ReadonlyMap<string, Ratio> {
  const steps: Step[] = [];
  for (const [index, { name }] of tiers.entries()) {
    let step: Step = { names: [name], part: parts[index] ?? ZERO, staked: stakedOn(name) };
    for (let above = steps.at(-1); above && isMore(step, above, profit); above = steps.at(-1)) {
      steps.pop();
      step = {
        names: [...above.names, ...step.names],
        part: add(above.part, step.part),
        staked: add(above.staked, step.staked),
      };
    }
    steps.push(step);
  }
  return new Map(
    steps.flatMap(({ names, part, staked }) => {
      const price = add(ONE, divide(multiply(part, profit), staked));
      return names.map((name) => [name, price] as const);
    }),
  );
}

/** Whether the lower step is paid more than the upper one: of a loss the greater part is the lesser price. */
const isMore = (lower: Step, upper: Step, profit: Ratio): boolean =>
  compare(divide(multiply(lower.part, profit), lower.staked), divide(multiply(upper.part, profit), upper.staked)) > 0;

/** All pots as one, whose tiers keep their parts of the profit. */
export function stacked(pots: readonly Pot[], profit: NonNullable<RuleSet['tierProfit']>): readonly Pot[] {
  const pool = sum(pots.map((pot) => pot.pool));
  if (pots.length < 2 || isZero(pool)) return pots;
  return [
    {
      tiers: pots.flatMap(({ tiers }) => tiers),
      pool,
      claims: pots.flatMap(({ claims }) => claims),
      fixed: false,
      parts: pots.map((pot) => divide(pot.pool, pool)),
      profit,
      ...prizeIn(pots),
    },
  ];
}

/**
 * How a net pool becomes pots of money: tiers by their shares, tiers without winners handed on, tiers merged with weights
 * where a ratio between their prices fails, the jackpot's part and its winner. A pool without tiers is one pot. Exact
 * rationals; nothing is rounded here, and no price is broken.
 */
import type { Claim } from './claims.js';
import { merge } from './merging.js';
import { STAR } from './pool-type.js';
import { amountText, type Named, type Pot, unitPrice } from './pot.js';
import { add, compare, isZero, multiply, ONE, type Ratio, ratio, subtract, sum, toRatio, ZERO } from './ratio.js';
import type { RuleSet, TierRule } from './rule-set.js';
import { profitPrices, stacked } from './tier-profit.js';

/** `pools` are the tiers' amounts before anything is handed on or merged; what is not paid is carried or kept. */
export interface Allotment {
  readonly pots: readonly Pot[];
  readonly pools: readonly { readonly tier: string; readonly pool: Ratio }[];
  readonly carried: Ratio;
  readonly jackpot: Ratio;
  readonly steps: readonly string[];
}

/** `net` without carry-in, exact; `carryIn` as far as it is not in `net` already (a gross carry-in is). */
export interface AllotInput {
  readonly ruleSet: RuleSet;
  readonly claims: readonly Claim[];
  readonly net: Ratio;
  readonly gross: number;
  readonly carryIn: Ratio;
  readonly jackpotIn: Ratio;
}

export function allot(input: AllotInput): Allotment {
  const { ruleSet, claims, net, carryIn, jackpotIn } = input;
  const steps: string[] = [];
  const reserve = reserveOf(input);
  if (!isZero(reserve))
    steps.push(`jackpot part ${amountText(reserve)} = ${ruleSet.jackpot?.share} of the ${ruleSet.jackpot?.of} pool`);
  const rules = tiersOf(ruleSet);
  const fixed = fixedPots(ruleSet, rules, claims);
  const fixedCost = sum(fixed.map(({ pool }) => pool));
  if (!isZero(fixedCost)) steps.push(`${amountText(fixedCost)} pays the tiers of fixed price first`);
  const left = atLeastZero(subtract(subtract(net, reserve), fixedCost));
  const shared = rules.filter((rule) => !fixed.some(({ tiers }) => tiers[0]?.name === rule.name));
  const missing = subtract(ONE, sum(shared.map(({ share }) => toRatio(share))));
  let pots = grouped(ruleSet, shared, claims).map(({ name, share, ...pot }, index) => ({
    ...pot,
    name,
    pool: add(multiply(share, left), index === 0 ? carryIn : ZERO),
  }));
  const pools = [
    ...(rules.length > 1 && ruleSet.tiers === undefined ? weighedPools(pots) : pots).map(({ name, pool }) => ({
      tier: name,
      pool,
    })),
    ...fixed.map(({ tiers, pool }) => ({ tier: tiers[0]?.name ?? '', pool })),
  ];
  if (rules.length > 1) for (const { tier, pool } of pools) steps.push(`tier ${tier}: ${amountText(pool)}`);

  const prize = prizeOf(ruleSet, pots, jackpotIn, multiply(missing, left));
  pots = pots.map((pot) => (pot === prize.winner ? withPrize(ruleSet, pot, prize) : pot));
  if (prize.winner) steps.push(`jackpot ${amountText(prize.amount)} goes to ${prize.tier}`);
  const handed = handOn(ruleSet, rules, pots, steps);
  const merged = merge(ruleSet, rules, handed.pots, steps);
  return {
    pots: [...(ruleSet.tierProfit ? stacked(merged, ruleSet.tierProfit) : merged), ...fixed],
    pools,
    carried: handed.carried,
    jackpot: sum([reserve, prize.kept, handed.jackpot]),
    steps,
  };
}

/** The unbroken price of each tier of a pot that holds several. */
export function tierPrices(pot: Pot): ReadonlyMap<string, Ratio> {
  if (pot.parts) return profitPrices(pot, pot.parts);
  const unit = unitPrice(pot);
  return new Map(pot.tiers.map(({ name, weight }) => [name, multiply(unit, weight)]));
}

/** A pool that is weighed from the start has no shares: its tiers' money is what their stakes weigh. */
function weighedPools(pots: readonly Named[]): readonly { readonly name: string; readonly pool: Ratio }[] {
  return pots.flatMap((pot) => {
    if (pot.claims.length === 0) return [pot];
    const unit = unitPrice(pot);
    return pot.tiers.map(({ name, weight }) => {
      const staked = sum(pot.claims.filter(({ tier }) => tier === name).map(({ stake }) => stake));
      return { name, pool: multiply(multiply(unit, weight), staked) };
    });
  });
}

/** The names under which a rule set's money is shown: tiers, or groups of them. */
export const tierNames = (ruleSet: RuleSet): readonly string[] => [
  ...new Set(tiersOf(ruleSet).map(({ name, group }) => group ?? name)),
];

/** A rule set's tiers; without any, one that has the pool's name, or those that `weights` names. */
function tiersOf({ tiers, weights, poolType }: RuleSet): readonly TierRule[] {
  if (tiers) return tiers;
  if (!weights) return [{ name: poolType, share: '1' }];
  return Object.keys(weights).map((name, index) => ({ name, share: index === 0 ? '1' : '0', group: poolType }));
}

/** Never more than there is. */
function reserveOf({ ruleSet: { jackpot }, net, gross }: AllotInput): Ratio {
  if (!jackpot) return ZERO;
  const part = multiply(toRatio(jackpot.share), jackpot.of === 'GROSS' ? ratio(gross) : net);
  return compare(part, net) > 0 ? net : part;
}

/** Tiers of share zero that nothing merges: their winners are paid the minimum before the others share. */
function fixedPots(ruleSet: RuleSet, rules: readonly TierRule[], claims: readonly Claim[]): readonly Pot[] {
  const { minimum } = ruleSet;
  return rules
    .filter(({ share, ratio: least, group }) => isZero(toRatio(share)) && least === undefined && group === undefined)
    .map(({ name }) => {
      const own = claims.filter(({ tier }) => tier === name);
      const price = typeof minimum === 'string' ? toRatio(minimum) : ONE;
      const pool = multiply(price, sum(own.map(({ stake }) => stake)));
      return { tiers: [{ name, weight: ONE }], pool, claims: own, fixed: true };
    });
}

/** Tiers of one group together, with their weights. */
function grouped(
  { weights }: RuleSet,
  rules: readonly TierRule[],
  claims: readonly Claim[],
): readonly (Omit<Named, 'pool'> & { readonly share: Ratio })[] {
  const names = [...new Set(rules.map(({ name, group }) => group ?? name))];
  return names.map((potName) => {
    const members = rules.filter(({ name, group }) => (group ?? name) === potName);
    const weightIn = (tier: string): Ratio => (members.length > 1 ? toRatio(weights?.[tier] ?? '1') : ONE);
    const tiers = members.map(({ name }) => ({ name, weight: weightIn(name) }));
    return {
      name: potName,
      tiers,
      share: sum(members.map(({ share }) => toRatio(share))),
      claims: claims.filter(({ tier }) => members.some(({ name }) => name === tier)),
      fixed: false,
    };
  });
}

interface Handed {
  readonly pots: readonly Named[];
  readonly carried: Ratio;
  readonly jackpot: Ratio;
}

/** Pots that nobody is in give their money on, by the rule of their first tier. */
function handOn(ruleSet: RuleSet, rules: readonly TierRule[], pots: readonly Named[], steps: string[]): Handed {
  const covered = pots.map(({ claims }) => claims.length > 0);
  const pools = pots.map(({ pool }) => pool);
  let [carried, jackpot] = [ZERO, ZERO];
  for (const [index, pot] of pots.entries()) {
    if (covered[index] || isZero(pot.pool)) continue;
    const below = covered.findIndex((isCovered, i) => isCovered && i > index);
    const heir = below >= 0 ? below : covered.lastIndexOf(true, index);
    const asked = uncoveredRule(ruleSet, rules, pot);
    const to = asked === 'MERGE' && heir < 0 ? 'CARRY' : asked;
    steps.push(
      `nobody in ${pot.name}: its ${amountText(pot.pool)} ${to === 'MERGE' ? `goes to ${pots[heir]?.name}` : to === 'CARRY' ? 'is carried' : 'goes to the jackpot'}`,
    );
    if (to === 'CARRY') carried = add(carried, pot.pool);
    else if (to === 'JACKPOT') jackpot = add(jackpot, pot.pool);
    else pools[heir] = add(pools[heir] ?? ZERO, pot.pool);
  }
  const left = pots.map((pot, index) => ({ ...pot, pool: pools[index] ?? ZERO })).filter((_, index) => covered[index]);
  return { pots: left, carried, jackpot };
}

function uncoveredRule(ruleSet: RuleSet, rules: readonly TierRule[], pot: Pot): 'MERGE' | 'CARRY' | 'JACKPOT' {
  const rule = rules.find(({ name }) => name === pot.tiers[0]?.name);
  return rule?.uncovered ?? (ruleSet.noWinner.includes('CARRY') ? 'CARRY' : 'MERGE');
}

interface Prize {
  readonly winner: Named | null;
  readonly tier: string;
  readonly amount: Ratio;
  readonly kept: Ratio;
}

/**
 * Who wins the jackpot. With `unique`: the tier whose whole winning stake is exactly one unit wins the jackpot and the
 * missing share; else both are kept. Without: the first tier wins it when anybody named all of its runners, else it is
 * kept: too few finishers send a jackpot back.
 */
function prizeOf({ unique, tiers }: RuleSet, pots: readonly Named[], jackpotIn: Ratio, missing: Ratio): Prize {
  const amount = add(jackpotIn, missing);
  const tier = unique?.tier ?? (tiers ? pots[0]?.tiers[0]?.name : pots[0]?.name) ?? '';
  const pot = pots.find((one) => one.name === tier || one.tiers.some(({ name }) => name === tier));
  const claims = pot?.claims.filter((claim) => pot.name === tier || claim.tier === tier) ?? [];
  const staked = sum(claims.map(({ stake }) => stake));
  const wins = unique
    ? compare(staked, ratio(unique.unit)) === 0
    : claims.some(({ c }) => c === STAR || !c.includes(STAR));
  if (pot && wins && !isZero(amount)) return { winner: pot, tier, amount, kept: ZERO };
  return { winner: null, tier, amount: ZERO, kept: amount };
}

/** A jackpot is its tier's alone, also where several tiers are one pool from the start. */
function withPrize({ tiers }: RuleSet, pot: Named, { tier, amount }: Prize): Named {
  return tiers !== undefined && pot.tiers.length > 1
    ? { ...pot, prize: { tier, amount } }
    : { ...pot, pool: add(pot.pool, amount) };
}

const atLeastZero = (value: Ratio): Ratio => (value.n < 0n ? ZERO : value);

/**
 * How a net pool becomes pots of money: tiers by their shares, tiers without winners handed on, tiers merged with weights
 * where a ratio between their prices fails, the jackpot's part and its winner. A pool without tiers is one pot. Exact
 * rationals; nothing is rounded here, and no price is broken.
 */
import type { Claim } from './claims.js';
import { STAR } from './lines.js';
import {
  add,
  compare,
  divide,
  isZero,
  multiply,
  ONE,
  type Ratio,
  ratio,
  ratioText,
  subtract,
  sum,
  toRatio,
  ZERO,
} from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet, TierRule } from './rule-set.js';

/** Tiers that share one amount, best first, with the weight of their stakes; `fixed`: paid the minimum, no share. */
export interface Pot {
  readonly tiers: readonly { readonly name: string; readonly weight: Ratio }[];
  readonly pool: Ratio;
  readonly claims: readonly Claim[];
  readonly fixed: boolean;
  /** Tiers share the profit: each one's part of it, in the order of `tiers`, and how. */
  readonly parts?: readonly Ratio[];
  readonly profit?: RuleSet['tierProfit'];
  /** What one of several tiers is paid on top: a jackpot that is its alone. */
  readonly prize?: { readonly tier: string; readonly amount: Ratio };
}

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
    steps.push(`jackpot part ${text(reserve)} = ${ruleSet.jackpot?.share} of the ${ruleSet.jackpot?.of} pool`);
  const rules = tiersOf(ruleSet);
  const fixed = fixedPots(ruleSet, rules, claims);
  const fixedCost = sum(fixed.map(({ pool }) => pool));
  if (!isZero(fixedCost)) steps.push(`${text(fixedCost)} pays the tiers of fixed price first`);
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
  if (rules.length > 1) for (const { tier, pool } of pools) steps.push(`tier ${tier}: ${text(pool)}`);

  const prize = prizeOf(ruleSet, pots, jackpotIn, multiply(missing, left));
  pots = pots.map((pot) => (pot === prize.winner ? withPrize(ruleSet, pot, prize) : pot));
  if (prize.winner) steps.push(`jackpot ${text(prize.amount)} goes to ${prize.tier}`);
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

/** The weight-1 price of a pot of several tiers. */
const unitPrice = ({ pool, tiers, claims }: Pot): Ratio => divide(pool, weighed(tiers, claims));

/**
 * The profit of the whole pool in parts. INCREMENTS: a tier's part is shared over its own stakes and those of all better
 * tiers, so that a better tier never pays less (PMU, pick 5). OWN: over its own; where a tier would then be paid more
 * than the one above it, the two share their parts, and so on upwards (PMU, "proportions maxima").
 */
function profitPrices(pot: Pot, parts: readonly Ratio[]): ReadonlyMap<string, Ratio> {
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
function stacked(pots: readonly Pot[], profit: NonNullable<RuleSet['tierProfit']>): readonly Pot[] {
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

export const weightOf = ({ tiers }: Pot, tier: string): Ratio => tiers.find(({ name }) => name === tier)?.weight ?? ONE;

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

interface Named extends Pot {
  readonly name: string;
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

/** What a unit of stake in this tier has of its prize, beside its share of the pot. */
export function prizePrice({ prize, claims }: Pot, tier: string): Ratio {
  if (prize?.tier !== tier) return ZERO;
  return divide(prize.amount, sum(claims.filter((claim) => claim.tier === tier).map(({ stake }) => stake)));
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
      `nobody in ${pot.name}: its ${text(pot.pool)} ${to === 'MERGE' ? `goes to ${pots[heir]?.name}` : to === 'CARRY' ? 'is carried' : 'goes to the jackpot'}`,
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

/** Merges neighbours from the bottom until every ratio between them holds. */
function merge(
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
    const names = joined.tiers.map(({ name, weight }) => `${name} x ${text(weight)}`).join(', ');
    steps.push(`${upper.name} pays less than its ratio to ${lower.name}: merged, ${text(joined.pool)} over ${names}`);
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

const prizeIn = (pots: readonly Pot[]): Pick<Pot, 'prize'> => {
  const prize = pots.find((pot) => pot.prize)?.prize;
  return prize ? { prize } : {};
};

const weighed = (tiers: Pot['tiers'], claims: readonly Claim[]): Ratio =>
  sum(claims.map(({ tier, stake }) => multiply(stake, tiers.find(({ name }) => name === tier)?.weight ?? ONE)));

const atLeastZero = (value: Ratio): Ratio => (value.n < 0n ? ZERO : value);
const text = (value: Ratio): string => (value.d === 1n ? `${value.n}` : ratioText(value));

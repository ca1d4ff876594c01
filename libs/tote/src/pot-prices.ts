/**
 * From a pot of money to the dividends of its tiers: the split, the part of one unit, weights, the break and the minimum;
 * and each of these in words.
 */
import { breakPrices, cost } from './breakage.js';
import { exactPrices } from './claims.js';
import { keyLabel } from './keys.js';
import { amountText, type Pot, prizePrice, weightOf } from './pot.js';
import { tierPrices } from './pots.js';
import { add, compare, divide, multiply, ONE, type Ratio, ratio, subtract, sum, ZERO } from './ratio.js';
import type { RuleSet, Split } from './rule-set.js';
import type { Rung } from './rung.js';
import { type Dividend, dividendsOf } from './sheet.js';

/** A pot of a pool that is paid; `gross` is after refunds, `added` what the operator adds to it. */
interface PotInput {
  readonly ruleSet: RuleSet;
  readonly rung: Rung;
  readonly gross: number;
  readonly added: number;
  readonly carryInMinor: number;
  readonly netMinor?: number;
  readonly pot: Pot;
}

export interface PaidPot {
  readonly dividends: readonly Dividend[];
  /** Net money that a winning stake of less than one unit leaves, see `partUnitMinor`. */
  readonly unpaid: Ratio;
  readonly steps: readonly string[];
}

export function potDividends(input: PotInput): PaidPot {
  const { ruleSet, rung, pot } = input;
  const { claims, pool: net } = pot;
  if (claims.length === 0) return { dividends: [], unpaid: ZERO, steps: [] };
  const isMerged = pot.tiers.length > 1;
  const how = pot.fixed ? 'SINGLE_PRICE' : potSplit(ruleSet, rung, pot);
  const weights = claims.map(({ tier }) => weightOf(pot, tier));
  const byTier = isMerged ? tierPrices(pot) : null;
  const full = byTier
    ? claims.map(({ tier }) => byTier.get(tier) ?? ZERO)
    : exactPrices({ ...input, gross: input.gross + input.added, rung: { how }, net, claims });
  const staked = sum(claims.map(({ stake }) => stake));
  const exact = full.map((price, index) =>
    partPrice(ruleSet, how, price, how === 'GROSS_SPLIT' ? (claims[index]?.stake ?? ZERO) : staked),
  );
  const prizes = claims.map(({ tier }) => prizePrice(pot, tier));
  const priced = breakPrices({
    ...{ ruleSet, rung, claims, exact, prizes, net, sales: ratio(input.gross) },
    ...(isMerged ? { weights } : {}),
  });
  const dividends = claims.flatMap((claim, index) =>
    dividendsOf(ruleSet, claim, add(exact[index] ?? ZERO, prizes[index] ?? ZERO), priced[index] ?? ZERO),
  );
  return {
    dividends,
    unpaid: subtract(cost(claims, full), cost(claims, exact)),
    steps: [
      ...(exact.some((price, index) => price !== full[index])
        ? [`the winning stake is part of one unit of ${ruleSet.partUnitMinor}: the dividend is for the whole unit`]
        : []),
      ...dividends.map((dividend) => priceStep(ruleSet, roundingText(ruleSet, how, pot, dividend.tier), dividend)),
    ],
  };
}

/** A tier with several winning combinations is shared by the rule set's dead-heat split. */
function potSplit(ruleSet: RuleSet, rung: Rung, pot: Pot): Split {
  if (ruleSet.tiers === undefined) return rung.how as Split;
  const mains = rung.keys.filter(({ tier, sameAs }) => sameAs === undefined && tier === pot.tiers[0]?.name);
  return ruleSet.split === 'SINGLE_PRICE' && mains.length > 1 ? ruleSet.deadHeat : ruleSet.split;
}

/** Below one unit of winning stake the dividend is what one whole unit would have been paid. */
function partPrice({ partUnitMinor }: RuleSet, how: Split, full: Ratio, stake: Ratio): Ratio {
  if (partUnitMinor === undefined || how === 'PROFIT_SPLIT' || how === 'JAPAN') return full;
  const part = divide(stake, ratio(partUnitMinor));
  return compare(part, ONE) < 0 ? multiply(full, part) : full;
}

function priceStep(rules: RuleSet, how: string, { tier, c, exact, price, stakeMinor, paidMinor }: Dividend): string {
  const name = `${tier === rules.poolType ? '' : `${tier} `}${keyLabel(c)}`;
  return `${name}: exact price ${exact} (${how}, then minimum) = ${price}; paid ${paidMinor} = ${stakeMinor} x ${price}, rounded down`;
}

/** How an exact price becomes one that is paid: its split or weight, where it is rounded and to what. */
function roundingText(rules: RuleSet, split: Split, pot: Pot, tier: string): string {
  const step = rules.breakTo === 'none' ? `${rules.digits} digits` : `${rules.breakTo} per ${rules.breakPer}`;
  const rounded = `${rules.rounding === 'DOWN' ? 'down' : 'nearest'} to ${step}`;
  if (pot.fixed) return `fixed at the minimum, ${rounded}`;
  if (pot.parts) return `profit by tiers, ${pot.profit}, ${rounded}`;
  if (pot.tiers.length < 2) return `${split}, ${rounded}`;
  const weight = amountText(weightOf(pot, tier));
  const prize = pot.prize?.tier === tier ? `; ${amountText(prizePrice(pot, tier))} of the jackpot, ${rounded}` : '';
  return rules.breakAt === 'UNIT'
    ? `weight ${weight}: the price of weight 1 ${rounded}, then times ${weight}${prize}`
    : `weight ${weight}, ${rounded}${prize}`;
}

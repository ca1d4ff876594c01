/**
 * A pot: tiers that share one amount of money, with the weights of their stakes and what one of them is paid on top. Shape
 * and plain arithmetic; how money comes into pots is in `pots.ts`, how they merge in `merging.ts`.
 */
import type { Claim } from './claims.js';
import { divide, multiply, ONE, type Ratio, ratioText, sum, ZERO } from './ratio.js';
import type { RuleSet } from './rule-set.js';

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

/** A pot with the name that its money goes by. */
export interface Named extends Pot {
  readonly name: string;
}

export const weightOf = ({ tiers }: Pot, tier: string): Ratio => tiers.find(({ name }) => name === tier)?.weight ?? ONE;

/** The weight-1 price of a pot of several tiers. */
export const unitPrice = ({ pool, tiers, claims }: Pot): Ratio => divide(pool, weighed(tiers, claims));

const weighed = (tiers: Pot['tiers'], claims: readonly Claim[]): Ratio =>
  sum(claims.map(({ tier, stake }) => multiply(stake, tiers.find(({ name }) => name === tier)?.weight ?? ONE)));

/** What a unit of stake in this tier has of its prize, beside its share of the pot. */
export function prizePrice({ prize, claims }: Pot, tier: string): Ratio {
  if (prize?.tier !== tier) return ZERO;
  return divide(prize.amount, sum(claims.filter((claim) => claim.tier === tier).map(({ stake }) => stake)));
}

export const prizeIn = (pots: readonly Pot[]): Pick<Pot, 'prize'> => {
  const prize = pots.find((pot) => pot.prize)?.prize;
  return prize ? { prize } : {};
};

/** An exact amount of minor units: whole, or as a fraction. */
export const amountText = (value: Ratio): string => (value.d === 1n ? `${value.n}` : ratioText(value));

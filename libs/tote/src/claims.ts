/**
 * Who shares a pool and what each is owed before any rounding: the covered winning combinations of each tier, their
 * shares by places, and the four splits. Exact rationals only; breaks and minima come after, in `breakage.ts`.
 */
import type { Rung, RungPart } from './pools.js';
import { add, divide, isZero, multiply, ONE, type Ratio, ratio, subtract, sum, toRatio, ZERO } from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet } from './rule-set.js';

/** A covered winning combination: the keys it pays, their stake, its share of its tier's profit or pool. */
export interface Claim {
  readonly tier: string;
  readonly c: string;
  readonly keys: readonly { readonly c: string; readonly stake: Ratio }[];
  readonly stake: Ratio;
  readonly share: Ratio;
}

/** The stake of a key, minor units; two tiers may have a key of the same text. */
export type StakeOf = (c: string, tier: string) => Ratio;

export function claimsOf(rung: Rung, stakeOf: StakeOf): readonly Claim[] {
  const claims = new Map<string, Omit<Claim, 'share'>>();
  for (const { tier, c, sameAs } of rung.keys) {
    const stake = stakeOf(c, tier);
    assertTote(stake.n >= 0n, `the stake on ${c} is negative`);
    if (isZero(stake)) continue;
    const main = sameAs ?? c;
    const before = claims.get(nameOf(tier, main));
    const keys = [...(before?.keys ?? []), { c, stake }];
    claims.set(nameOf(tier, main), { tier, c: main, keys, stake: add(before?.stake ?? ZERO, stake) });
  }
  const shares = coveredShares(rung, new Set(claims.keys()));
  return [...claims.entries()].map(([name, claim]) => ({ ...claim, share: shares.get(name) ?? ZERO }));
}

const nameOf = (tier: string, c: string): string => `${tier}\n${c}`;

/**
 * Shares by places, summing to one within a tier: uncovered members drop out of their tie, ties without members drop out
 * altogether, and what is left shares all.
 */
function coveredShares(rung: Rung, covered: ReadonlySet<string>): Map<string, Ratio> {
  const tierOf = (part: RungPart): string => part.tier ?? rung.keys[0]?.tier ?? '';
  const left = rung.parts
    .map((part) => ({ ...part, tier: tierOf(part) }))
    .map((part) => ({ ...part, keys: part.keys.map((c) => nameOf(part.tier, c)).filter((c) => covered.has(c)) }))
    .map(({ tier, slots, keys }) => ({ tier, slots: Math.min(slots, keys.length), keys }));
  const shares = new Map<string, Ratio>();
  for (const { tier, slots, keys } of left) {
    const total = left.reduce((count, part) => count + (part.tier === tier ? part.slots : 0), 0);
    for (const c of keys) shares.set(c, add(shares.get(c) ?? ZERO, ratio(slots, total * keys.length)));
  }
  return shares;
}

/** The rule set's own shares, in the order of the winning combinations, scaled up when some are not covered. */
export function ruledShares(rules: RuleSet, rung: Rung, claims: readonly Claim[]): readonly Claim[] {
  const { shares } = rules;
  if (shares === undefined || rules.tiers !== undefined || rung.name !== 'RESULT') return claims;
  const mains = rung.keys.filter((key) => key.sameAs === undefined).map((key) => key.c);
  const shareAt = (index: number): Ratio => toRatio(shares[index] ?? '0');
  const all = sum(mains.map((_, index) => shareAt(index)));
  const own = claims.map((claim) => ({ ...claim, share: shareAt(mains.indexOf(claim.c)) }));
  const coveredTotal = sum(own.map((claim) => claim.share));
  if (isZero(coveredTotal)) return claims;
  return own.map((claim) => ({ ...claim, share: divide(multiply(claim.share, all), coveredTotal) }));
}

/**
 * What a split needs: the pool's gross after refunds, with what the operator adds to reach a guarantee; the money to share (exact,
 * with carry-in); the covered winners.
 */
export interface SplitInput {
  readonly ruleSet: RuleSet;
  readonly rung: Pick<Rung, 'how'>;
  readonly gross: number;
  readonly carryInMinor: number;
  readonly netMinor?: number | undefined;
  readonly net: Ratio;
  readonly claims: readonly Claim[];
}

/** The unrounded price of each claim. */
export function exactPrices(input: SplitInput): readonly Ratio[] {
  const { ruleSet, rung, gross, carryInMinor, netMinor, net, claims } = input;
  const staked = sum(claims.map((claim) => claim.stake));
  switch (rung.how) {
    case 'SINGLE_PRICE':
      return claims.map(() => divide(net, staked));
    case 'PROFIT_SPLIT': {
      const profit = subtract(net, staked);
      return claims.map(({ share, stake }) => add(ONE, divide(multiply(share, profit), stake)));
    }
    case 'GROSS_SPLIT':
      return claims.map(({ share, stake }) => divide(multiply(share, net), stake));
    case 'JAPAN': {
      const rate = netMinor === undefined ? subtract(ONE, toRatio(ruleSet.takeout)) : ratio(netMinor, gross);
      const losing = divide(subtract(ratio(gross), staked), ratio(claims.length));
      const carry = ratio(carryInMinor, claims.length);
      return claims.map(({ stake }) => divide(add(multiply(rate, add(stake, losing)), carry), stake));
    }
    default:
      throw new Error(`a rung that ends a ladder has no price: ${rung.how}`);
  }
}

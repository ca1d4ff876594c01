/**
 * Who shares a pool and what each is owed before any rounding: the covered winning combinations, their shares by places,
 * and the four splits. Exact rationals only; breaks and minima come after, in `breakage.ts`.
 */
import type { Rung, RungPart } from './pools.js';
import { add, divide, isZero, multiply, ONE, type Ratio, ratio, subtract, sum, toRatio, ZERO } from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet } from './rule-set.js';

/** A covered winning combination: the keys it pays, their stake, its share of the profit or pool. */
export interface Claim {
  readonly tier: string;
  readonly c: string;
  readonly keys: readonly { readonly c: string; readonly stake: Ratio }[];
  readonly stake: Ratio;
  readonly share: Ratio;
}

export function claimsOf(rung: Rung, stakeOf: (c: string) => Ratio): readonly Claim[] {
  const claims = new Map<string, Omit<Claim, 'share'>>();
  for (const { tier, c, sameAs } of rung.keys) {
    const stake = stakeOf(c);
    assertTote(stake.n >= 0n, `the stake on ${c} is negative`);
    if (isZero(stake)) continue;
    const main = sameAs ?? c;
    const before = claims.get(main);
    const keys = [...(before?.keys ?? []), { c, stake }];
    claims.set(main, { tier, c: main, keys, stake: add(before?.stake ?? ZERO, stake) });
  }
  const shares = coveredShares(rung.parts, new Set(claims.keys()));
  return [...claims.values()].map((claim) => ({ ...claim, share: shares.get(claim.c) ?? ZERO }));
}

/**
 * Shares by places, summing to one: uncovered members drop out of their tie, ties without members drop out altogether,
 * and what is left shares all.
 */
function coveredShares(parts: readonly RungPart[], covered: ReadonlySet<string>): Map<string, Ratio> {
  const left = parts
    .map(({ slots, keys }) => ({ slots, keys: keys.filter((c) => covered.has(c)) }))
    .map(({ slots, keys }) => ({ slots: Math.min(slots, keys.length), keys }));
  const total = left.reduce((count, part) => count + part.slots, 0);
  const shares = new Map<string, Ratio>();
  for (const { slots, keys } of left) {
    for (const c of keys) shares.set(c, add(shares.get(c) ?? ZERO, ratio(slots, total * keys.length)));
  }
  return shares;
}

/** The rule set's own shares, in the order of the winning combinations, scaled up when some are not covered. */
export function ruledShares(rules: RuleSet, rung: Rung, claims: readonly Claim[]): readonly Claim[] {
  const { shares } = rules;
  if (shares === undefined || rung.name !== 'RESULT') return claims;
  const mains = rung.keys.filter((key) => key.sameAs === undefined).map((key) => key.c);
  const shareAt = (index: number): Ratio => toRatio(shares[index] ?? '0');
  const all = sum(mains.map((_, index) => shareAt(index)));
  const own = claims.map((claim) => ({ ...claim, share: shareAt(mains.indexOf(claim.c)) }));
  const coveredTotal = sum(own.map((claim) => claim.share));
  if (isZero(coveredTotal)) return claims;
  return own.map((claim) => ({ ...claim, share: divide(multiply(claim.share, all), coveredTotal) }));
}

/** What a split needs: the pool's gross after refunds, its exact net with carry-in, and the covered winners. */
export interface SplitInput {
  readonly ruleSet: RuleSet;
  readonly rung: Rung;
  readonly gross: number;
  readonly carryInMinor: number;
  readonly netMinor?: number | undefined;
  readonly net: Ratio;
  readonly claims: readonly Claim[];
}

/** The unrounded price of each claim, by the split of its rung. */
export function exactPrices({
  ruleSet,
  rung,
  gross,
  carryInMinor,
  netMinor,
  net,
  claims,
}: SplitInput): readonly Ratio[] {
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
      throw assertNever(rung.how);
  }
}

function assertNever(how: string): Error {
  return new Error(`a rung that ends a ladder has no price: ${how}`);
}

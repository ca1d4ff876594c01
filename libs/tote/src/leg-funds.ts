/**
 * The tiers of a pool over several races and the money that each of them has today: its part of the net, of the gross, of
 * the carry-in, and what waits for a single winner. Knows nobody who won.
 */
import { type Day, type LegPricingInput, wholes } from './leg-money.js';
import {
  add,
  divide,
  floor,
  multiply,
  nearest,
  ONE,
  type Ratio,
  ratio,
  subtract,
  sum,
  toMinor,
  toRatio,
  ZERO,
} from './ratio.js';

/** A tier's part of the day's net, of the day's gross, and of the carry-in. */
export interface Fund {
  readonly tier: string;
  readonly net: Ratio;
  readonly gross: Ratio;
  readonly carry: Ratio;
}

export interface Funds {
  readonly tiers: readonly Fund[];
  /** What waits for a single winner: jackpot-in and the day's share. */
  readonly jackpot: Ratio;
  /** Parts that are named but nobody is right in: the single winner's. */
  readonly others: readonly { readonly tier: string; readonly poolMinor: number }[];
}

export const isRank = (tier: string): boolean => /^\d+\/\d+$/.test(tier);
const isTier = (tier: string): boolean =>
  isRank(tier) || tier === 'WIN_FUND' || tier === 'PLACE_FUND' || tier === 'BONUS_FUND';

export function fundsOf({ ruleSet, carryInMinor, jackpotInMinor = 0 }: LegPricingInput, day: Day, left: Ratio): Funds {
  const named = ruleSet.tiers ?? [{ name: ruleSet.poolType, share: '1' }];
  const tiers = named.length === 1 ? named : named.filter(({ name }) => isTier(name));
  const shares = tiers.map(({ share }) => toRatio(share));
  const funds = tiers.map(({ name }, index): Fund => {
    const share = shares[index] ?? ZERO;
    const carryShare = ruleSet.legs?.carryTo === 'SHARES' ? divide(share, sum(shares)) : index === 0 ? ONE : ZERO;
    return {
      tier: name,
      net: wholes(multiply(share, left), ruleSet, nearest),
      gross: multiply(share, ratio(day.gross + day.added)),
      carry: multiply(carryShare, ratio(carryInMinor)),
    };
  });
  const own = multiply(subtract(ONE, sum(shares)), left);
  const others = named
    .filter((tier) => !tiers.includes(tier))
    .map(({ name, share }) => ({ tier: name, poolMinor: toMinor(floor(multiply(toRatio(share), left))) }));
  return { tiers: funds, others, jackpot: add(ratio(jackpotInMinor), ruleSet.unique === undefined ? ZERO : own) };
}

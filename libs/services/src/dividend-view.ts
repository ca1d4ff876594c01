/** A line of a dividend sheet as people are shown it: the key without what it leaves out, money in minor units. */
import type { PoolTerms } from '#mutuel/engine';
import { keyLabel } from '#mutuel/tote';

/** What a pool is played for beside its bets, as people are told; nothing where the card says nothing. */
export const termsView = ({ guaranteeMinor, jackpotInMinor, mandatory }: PoolTerms) => ({
  ...(guaranteeMinor === undefined ? {} : { guarantee: guaranteeMinor }),
  ...(jackpotInMinor === undefined ? {} : { jackpotIn: jackpotInMinor }),
  ...(mandatory === undefined ? {} : { mandatory }),
});

interface SheetLine {
  readonly tier: string;
  readonly c: string;
  readonly price: string;
  readonly stakeMinor: number;
  readonly paidMinor: number;
}

export const dividendView = ({ tier, c, price, stakeMinor, paidMinor }: SheetLine) => ({
  ...{ tier, c: keyLabel(c), price, stake: stakeMinor, paid: paidMinor },
});

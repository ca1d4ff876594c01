/** A line of a dividend sheet as people are shown it: the key without what it leaves out, money in minor units. */
import { keyLabel } from '#mutuel/tote';

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

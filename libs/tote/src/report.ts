/**
 * The report (parlay): a chain of bets in which what one wins is staked on the next. It has no pool: every part is a bet in
 * a pool of its own, and here its stake and what is paid in hand are worked out. Whole minor units, always rounded down.
 */
import { floor, multiply, ratio, toMinor, toRatio } from './ratio.js';
import { refuse, type ToteRefusal } from './refusal.js';

/**
 * One bet of the chain. `price` is what its pool paid for 1: `"0"` when it lost, `"1"` when it was refunded. `quarters` of
 * its proceeds go on to the next bet, the rest is paid in hand.
 */
export interface ReportPart {
  readonly price: string;
  readonly quarters: 1 | 2 | 3 | 4;
}

/** The least stake of a bet, minor units; first and rolled stakes are at most `mostTimes` of it. */
export interface ReportRules {
  readonly leastMinor: number;
  readonly mostTimes: number;
}

/** The French rules: decree on the report, parts of a quarter, at most a thousand times the least stake. */
export const frenchReport: ReportRules = { leastMinor: 100, mostTimes: 1_000 };

/** What each bet of the chain was staked with, as far as it came, and everything that was paid in hand. */
export interface RolledReport {
  readonly stakes: readonly number[];
  readonly paidMinor: number;
}

/**
 * Rolls a stake through its chain. A rolled part is cut to the minor unit; below the least stake nothing is rolled and all
 * is paid in hand; above the most the excess is. Refusals: INVALID_SELECTION for a first stake out of bounds.
 */
export function rollReport(
  stakeMinor: number,
  parts: readonly ReportPart[],
  rules: ReportRules,
): RolledReport | ToteRefusal {
  const most = rules.leastMinor * rules.mostTimes;
  if (!Number.isSafeInteger(stakeMinor) || stakeMinor < rules.leastMinor || stakeMinor > most)
    return refuse('INVALID_SELECTION', `A report is staked with ${rules.leastMinor} to ${most} minor units.`, '/stake');
  const stakes: number[] = [];
  let rolled = stakeMinor;
  let paidMinor = 0;
  for (const [index, { price, quarters }] of parts.entries()) {
    stakes.push(rolled);
    const proceeds = toMinor(floor(multiply(ratio(rolled), toRatio(price))));
    const part = index === parts.length - 1 ? 0 : Math.min(most, partOf(proceeds, quarters));
    rolled = part < rules.leastMinor ? 0 : part;
    paidMinor += proceeds - rolled;
    if (rolled === 0) break;
  }
  return { stakes, paidMinor };
}

const partOf = (proceeds: number, quarters: number): number => toMinor((BigInt(proceeds) * BigInt(quarters)) / 4n);

/** What of a part's proceeds is staked on each line of the next bet: whole minor units, 0 where that is below the least stake. */
export function rolledUnit(
  proceedsMinor: number,
  { quarters, lines }: { readonly quarters: number; readonly lines: number },
  { leastMinor, mostTimes }: ReportRules,
): number {
  const unit = Math.min(leastMinor * mostTimes, Math.floor(partOf(proceedsMinor, quarters) / lines));
  return unit < leastMinor ? 0 : unit;
}

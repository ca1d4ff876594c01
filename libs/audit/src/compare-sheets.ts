/**
 * What two dividend sheets of one pool disagree on, as sentences with both figures that a person can act on. Never rounds
 * and never tolerates: one minor unit is a difference.
 */
import { byNumber } from './expansion.js';
import type { DividendSheet, SheetDividend } from './sheet.js';

/** The amounts of a sheet that are compared, with the words for them. */
export const amounts = {
  grossMinor: 'gross pool',
  refundsMinor: 'refunds of scratched runners',
  takeoutMinor: 'takeout',
  netMinor: 'net pool',
  carryInMinor: 'carry-in',
  paidMinor: 'payout',
  refundedMinor: 'refunded stakes',
  breakageMinor: 'breakage',
  topUpMinor: 'top-up',
  guaranteeMinor: 'added for the guarantee',
  carryOutMinor: 'carry-over',
  jackpotInMinor: 'jackpot put up',
  jackpotMinor: 'jackpot left',
} as const satisfies Partial<Record<keyof DividendSheet, string>>;

type Amounts = { readonly [name in keyof typeof amounts]?: number };

/** A sheet or a part of one: an amount that one side leaves out is not compared. */
export interface ComparableSheet extends Amounts {
  readonly outcome: string;
  readonly dividends: readonly SheetDividend[];
}

/** The differences as sentences, empty when the sheets agree. `names` says whose sheets they are. */
export function compareSheets(
  a: ComparableSheet,
  b: ComparableSheet,
  names: readonly [string, string] = ['the first', 'the second'],
): readonly string[] {
  const differences: string[] = [];
  const compare = (what: string, x: number | string, y: number | string): void => {
    if (x !== y) differences.push(`${what}: ${names[0]} has ${x}, ${names[1]} has ${y}`);
  };
  compare('outcome', a.outcome, b.outcome);
  for (const name of Object.keys(amounts) as (keyof typeof amounts)[]) {
    const [x, y] = [a[name], b[name]];
    if (x !== undefined && y !== undefined) compare(`${amounts[name]} in minor units`, x, y);
  }
  const [mine, theirs] = [byCombination(a.dividends), byCombination(b.dividends)];
  for (const key of [...new Set([...mine.keys(), ...theirs.keys()])].sort()) {
    const [x, y] = [mine.get(key), theirs.get(key)];
    compare(`price of ${key}`, x?.price ?? 'none', y?.price ?? 'none');
    if (!x || !y) continue;
    compare(`stake on ${key} in minor units`, x.stakeMinor, y.stakeMinor);
    compare(`payout on ${key} in minor units`, x.paidMinor, y.paidMinor);
  }
  return differences;
}

/** A combination listed twice is a defect of its sheet: the second one gets a name of its own, so that it shows. */
export function byCombination(dividends: readonly SheetDividend[]): Map<string, SheetDividend> {
  const result = new Map<string, SheetDividend>();
  for (const dividend of dividends) {
    // What a combination leaves out (behind the mark) is for those who count, not for those who compare.
    const legs = dividend.c.replace(/^\d+@/, '').split('/');
    const named = legs.map((leg) => leg.replace(/[~!].*$/, '')).join('/');
    const key = `${dividend.tier} ${named.split('-').sort(starsLast).join('-')}`;
    result.set(result.has(key) ? `${key} (again)` : key, dividend);
  }
  return result;
}

const starsLast = (a: string, b: string): number =>
  a === '*' || b === '*' ? Number(a === '*') - Number(b === '*') : byNumber(a, b);

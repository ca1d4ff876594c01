/**
 * The dividend sheet: its shape, how it begins, what a claim's dividends are, and the equation that holds to the last minor
 * unit. A sheet that does not balance is a bug and never leaves here.
 */
import type { Claim } from './claims.js';
import { tierNames } from './pots.js';
import { decimalText, floor, multiply, nearest, type Ratio, ratio, ratioText, toMinor, toRatio } from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet } from './rule-set.js';
import type { Rung } from './rung.js';

/**
 * One winning combination. `price` is what one currency unit is paid, stake included, exactly `priceNum / priceDen`;
 * `exact` the rational before rounding. `paidMinor` is the winning stake times the price, rounded down: payments of
 * single bets are rounded by `payoutMinor`, and what they differ by belongs to the breakage account.
 */
export interface Dividend {
  readonly tier: string;
  readonly c: string;
  readonly price: string;
  readonly priceNum: string;
  readonly priceDen: string;
  readonly exact: string;
  readonly stakeMinor: number;
  readonly paidMinor: number;
  /** Net pricing: whose customers are paid this price. */
  readonly source?: string;
}

/** Net pricing: one site's money; its breakage is below zero where other sites owe it. */
export interface SourceSheet {
  readonly id: string;
  readonly grossMinor: number;
  readonly takeoutMinor: number;
  readonly netMinor: number;
  readonly paidMinor: number;
  readonly breakageMinor: number;
}

/**
 * The priced pool. `grossMinor` is after refunds, and exactly:
 * grossMinor + carryInMinor + jackpotInMinor
 *   = takeoutMinor + paid + refundedMinor + breakageMinor - topUpMinor + carryOutMinor + jackpotMinor.
 * `tiers` are the tiers' amounts before anything is handed on or merged. `rung` is the rung that is paid (null for a refund or carry), `steps` the arithmetic, a line each.
 */
export interface Sheet {
  readonly ruleSetId: string;
  readonly outcome: 'PAID' | 'REFUND' | 'CARRIED';
  readonly rung: number | null;
  readonly rungName: Rung['name'];
  readonly how: Rung['how'];
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly carryInMinor: number;
  readonly jackpotInMinor: number;
  readonly takeoutMinor: number;
  readonly netMinor: number;
  readonly paidMinor: number;
  readonly refundedMinor: number;
  readonly breakageMinor: number;
  readonly topUpMinor: number;
  /** Of the top-up: what the operator adds to reach a guarantee; absent: nothing. */
  readonly guaranteeMinor?: number;
  readonly carryOutMinor: number;
  /** What the jackpot holds afterwards: what came in and was not won, and this pool's part. */
  readonly jackpotMinor: number;
  readonly dividends: readonly Dividend[];
  readonly tiers: readonly { readonly tier: string; readonly poolMinor: number }[];
  readonly sources?: readonly SourceSheet[];
  readonly steps: readonly string[];
}

/** The money that a sheet begins with. */
interface SheetMoney {
  readonly ruleSet: RuleSet;
  readonly refundsMinor: number;
  readonly carryInMinor: number;
  readonly jackpotInMinor?: number;
}

/** A sheet with no money moved yet. */
export function frameOf(input: SheetMoney, rung: Pick<Rung, 'name' | 'how'>, gross: number): Sheet {
  return {
    ruleSetId: input.ruleSet.id,
    outcome: 'PAID',
    rung: null,
    rungName: rung.name,
    how: rung.how,
    grossMinor: gross,
    refundsMinor: input.refundsMinor,
    carryInMinor: input.carryInMinor,
    jackpotInMinor: input.jackpotInMinor ?? 0,
    takeoutMinor: 0,
    netMinor: 0,
    paidMinor: 0,
    refundedMinor: 0,
    breakageMinor: 0,
    topUpMinor: 0,
    carryOutMinor: 0,
    // Nobody has won it: it goes back.
    jackpotMinor: input.jackpotInMinor ?? 0,
    dividends: [],
    tiers: tierNames(input.ruleSet).map((tier) => ({ tier, poolMinor: 0 })),
    steps: [],
  };
}

/** The pool equation, to the last minor unit; a sheet that breaks it is a bug and never leaves here. */
export function balanced(sheet: Sheet): Sheet {
  const out =
    sheet.takeoutMinor +
    sheet.paidMinor +
    sheet.refundedMinor +
    sheet.breakageMinor -
    sheet.topUpMinor +
    sheet.carryOutMinor +
    sheet.jackpotMinor;
  assertTote(
    sheet.grossMinor + sheet.carryInMinor + sheet.jackpotInMinor === out,
    `the sheet of ${sheet.ruleSetId} does not balance`,
  );
  return sheet;
}

/** The dividends of a claim, one for each key it pays. */
export function dividendsOf(rules: RuleSet, claim: Claim, exact: Ratio, price: Ratio): readonly Dividend[] {
  return claim.keys.map(({ c, stake }) => ({
    tier: claim.tier,
    c,
    price: decimalText(price, rules.digits),
    priceNum: price.n.toString(),
    priceDen: price.d.toString(),
    exact: ratioText(exact),
    stakeMinor: toMinor(floor(stake)),
    paidMinor: toMinor(floor(multiply(stake, price))),
  }));
}

/**
 * What a bet's winning stake is paid at a price, in whole minor units, rounded by the rule set's `payment`. `price` is a
 * dividend's decimal text.
 */
export function payoutMinor(ruleSet: RuleSet, price: string, stakeMinor: number): number {
  const { scaled, scale } = scaledPrice(price);
  const product = scaled * stakeMinor;
  if (Number.isSafeInteger(product) && product < Number.MAX_SAFE_INTEGER / 2) {
    const up = ruleSet.payment === 'NEAREST' ? scale / 2 : 0;
    return Math.floor((product + up) / scale);
  }
  const exact = multiply(toRatio(price), ratio(stakeMinor));
  return toMinor(ruleSet.payment === 'NEAREST' ? nearest(exact) : floor(exact));
}

/** A price as an integer and its power of ten: `"6.60"` is 660 / 100. */
function scaledPrice(price: string): { readonly scaled: number; readonly scale: number } {
  const dot = price.indexOf('.');
  if (dot < 0) return { scaled: Number(price), scale: 1 };
  return { scaled: Number(price.slice(0, dot) + price.slice(dot + 1)), scale: 10 ** (price.length - dot - 1) };
}

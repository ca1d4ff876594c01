/**
 * The shapes that the second calculator reads and writes: a pool with its tickets in, a dividend sheet out. They are
 * stated here a second time on purpose, from the documents and not from the first calculator, and import nothing.
 */

/** The pool types that can be audited. */
export const auditedPoolTypes = ['WIN', 'PLACE', 'SHOW', 'QUINELLA', 'EXACTA', 'TRIFECTA'] as const;
export type AuditedPoolType = (typeof auditedPoolTypes)[number];

export type AuditSplit = 'SINGLE_PRICE' | 'PROFIT_SPLIT' | 'GROSS_SPLIT' | 'JAPAN';

/** The fields of a rule set's JSON that decide a dividend; amounts and rates are decimal or fraction text. */
export interface AuditRules {
  readonly id: string;
  readonly takeout: string;
  readonly split: AuditSplit;
  readonly deadHeat: AuditSplit;
  readonly shares?: readonly string[];
  readonly places?: number | readonly { readonly from: number; readonly places: number }[];
  readonly placesBy: 'CARD' | 'RUNNERS';
  readonly breakTo: string;
  readonly breakPer: string;
  readonly breakAt: 'PRICE' | 'UNIT';
  readonly rounding: 'DOWN' | 'NEAREST';
  readonly digits: number;
  readonly minimum: string | readonly { readonly atMost?: string; readonly below?: string; readonly pay: string }[];
  readonly minimumInMinusPool?: string;
  readonly payment: 'DOWN' | 'NEAREST';
  readonly noWinner: readonly string[];
  readonly carry: 'NET' | 'GROSS';
  readonly coupling: 'ENTRY' | 'STABLE' | 'NONE';
  readonly minInterests: number;
}

/** The card's runners, those that do not run, and the coupled ones (the first of each names the betting interest). */
export interface AuditField {
  readonly declared: readonly string[];
  readonly scratched: readonly string[];
  readonly entries: readonly (readonly string[])[];
}

/** What a bettor named, in words of the bet forms; see `expandSelection` for what each means. */
export interface AuditSelection {
  readonly form: 'STRAIGHT' | 'BOX' | 'WHEEL' | 'KEY' | 'BANKER';
  readonly columns?: readonly (readonly string[])[];
  readonly runners?: readonly string[];
  readonly bases?: readonly string[];
  readonly associated?: readonly string[];
  /** ALL: every order; FIELD: bases fixed in rank, the rest in every order; ONE: one order, as written. */
  readonly orders?: 'ALL' | 'ONE' | 'FIELD';
}

/** A selection and the stake on each of its lines, minor units. */
export interface AuditTicket {
  readonly selection: AuditSelection;
  readonly unitMinor: number;
}

export interface AuditPool {
  readonly poolType: AuditedPoolType;
  readonly ruleSet: AuditRules;
  readonly field: AuditField;
  /** Finishing ranks from the first on, ties together. */
  readonly finish: readonly (readonly string[])[];
  readonly carryInMinor: number;
}

/**
 * A stake on one line in the form that a pool expands to: `["4","7"]` for exacta 4 first, 7 second. Unordered lines may
 * name their runners in any order.
 */
export interface LineStake {
  readonly line: readonly string[];
  readonly stakeMinor: bigint;
}

export interface SheetDividend {
  readonly tier: string;
  /** `4>7>1` in order, `4-7` in any order; `*` stands for any runner. */
  readonly c: string;
  /** What one currency unit is paid, stake included. */
  readonly price: string;
  readonly stakeMinor: number;
  /** Stake x price, rounded down; what the rounding of single payments adds or leaves belongs to breakage. */
  readonly paidMinor: number;
}

/**
 * What a pool pays. Exactly: `gross + carryIn = takeout + paid + refunded + breakage - topUp + carryOut`, with gross after
 * `refundsMinor`, the stakes of lines that named a scratched runner.
 */
export interface DividendSheet {
  readonly outcome: 'PAID' | 'REFUND' | 'CARRIED';
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly takeoutMinor: number;
  /** Gross less takeout, before the carry-in. */
  readonly netMinor: number;
  readonly carryInMinor: number;
  readonly dividends: readonly SheetDividend[];
  readonly paidMinor: number;
  readonly refundedMinor: number;
  readonly breakageMinor: number;
  readonly topUpMinor: number;
  readonly carryOutMinor: number;
}

/** The pool cannot be audited as it stands: a fault of the input, with the reason as a sentence. Trying again is no use. */
export class AuditRefused extends Error {
  override readonly name = 'AuditRefused';
  readonly retriable = false;
}

/**
 * The shapes that the second calculator reads and writes: a pool with its tickets in, a dividend sheet out. They are
 * stated here a second time on purpose, from the documents and not from the first calculator, and import nothing.
 */

/** The pool types that can be audited. */
export const auditedPoolTypes = [
  'WIN',
  'PLACE',
  'SHOW',
  'QUINELLA',
  'QUINELLA_PLACE',
  'EXACTA',
  'TRIO',
  'TRIFECTA',
  'SUPERFECTA',
  'FIRST4',
  'QUARTET',
  'SUPER_HIGH_5',
  'TIERCE',
  'QUARTE',
  'QUINTE',
  'PICK5_FR',
  'DEUX_SUR_QUATRE',
  'MULTI',
] as const;
export type AuditedPoolType = (typeof auditedPoolTypes)[number];

export type AuditSplit = 'SINGLE_PRICE' | 'PROFIT_SPLIT' | 'GROSS_SPLIT' | 'JAPAN';

/** A tier of a pool, best first; `share` of the net pool. See `price-tiers.ts` for what each field does. */
export interface AuditTier {
  readonly name: string;
  readonly share: string;
  readonly ratio?: string;
  readonly group?: string;
  readonly uncovered?: 'MERGE' | 'CARRY' | 'JACKPOT';
}

/** What only pools over several races have; see `price-legs.ts`. */
export interface AuditLegRules {
  readonly right: 'WINNER' | 'PLACED';
  readonly scratch: 'FAVOURITE' | 'REFUND' | 'CONSOLATION';
  readonly leastRun: number;
  readonly firstMustRun?: boolean;
  readonly refundNone?: boolean;
  readonly lower: 'EXACT' | 'MOST';
  readonly carryTo: 'FIRST' | 'SHARES';
  readonly carryCapMinor?: number;
  readonly leastPaid?: string;
  readonly wholeMinor?: number;
}

/** The fields of a rule set's JSON that decide a dividend; amounts and rates are decimal or fraction text. */
export interface AuditRules {
  readonly id: string;
  readonly takeout: string;
  readonly split: AuditSplit;
  readonly deadHeat: AuditSplit;
  readonly shares?: readonly string[];
  readonly places?: number | readonly { readonly from: number; readonly places: number; readonly handicap?: boolean }[];
  readonly placesBy: 'CARD' | 'RUNNERS';
  readonly breakTo: string;
  readonly breakPer: string;
  readonly breakAt: 'PRICE' | 'UNIT';
  readonly rounding: 'DOWN' | 'NEAREST';
  readonly digits: number;
  readonly minimum: string | readonly { readonly atMost?: string; readonly below?: string; readonly pay: string }[];
  readonly minimumInMinusPool?: string;
  readonly minimumInDeadHeat?: string;
  readonly topUp?: { readonly from: string; readonly to: string };
  readonly payment: 'DOWN' | 'NEAREST';
  readonly tiers?: readonly AuditTier[];
  readonly weights?: Readonly<Record<string, string>>;
  readonly unique?: { readonly tier: string; readonly unit: number };
  readonly jackpot?: { readonly share: string; readonly of: 'NET' | 'GROSS' };
  readonly partUnitMinor?: number;
  readonly ladderShare?: string;
  readonly tierProfit?: 'OWN' | 'INCREMENTS';
  readonly legs?: AuditLegRules;
  readonly noWinner: readonly string[];
  readonly carry: 'NET' | 'GROSS';
  /** Steps of the odds on screens; absent: the break point. */
  readonly display?: readonly { readonly below?: string; readonly step: string }[];
  readonly coupling: 'ENTRY' | 'STABLE' | 'NONE';
  readonly minInterests: number;
  readonly minDeclared?: number;
}

/** The card's runners, those that do not run, and the coupled ones (the first of each names the betting interest). */
export interface AuditField {
  readonly declared: readonly string[];
  readonly scratched: readonly string[];
  readonly entries: readonly (readonly string[])[];
  /** The race is a handicap: some operators pay more places. */
  readonly handicap?: boolean;
}

/** What a bettor named, in words of the bet forms; see `expandSelection` for what each means. */
export interface AuditSelection {
  readonly form: 'STRAIGHT' | 'BOX' | 'WHEEL' | 'KEY' | 'BANKER';
  readonly columns?: readonly (readonly string[])[];
  readonly runners?: readonly string[];
  readonly bases?: readonly string[];
  readonly associated?: readonly string[];
  /** ALL: every order; FIELD: bases fixed in rank, the rest in every order; ONE: one order, as written; SET: no order, in a pool that sells both. */
  readonly orders?: 'ALL' | 'ONE' | 'FIELD' | 'SET';
  /** Runners that a line names, where the pool leaves a choice (MULTI: 4 to 7). */
  readonly size?: number;
  /** Who joins a line, behind all others, that loses a runner; in this order, and only where they run. */
  readonly complement?: readonly string[];
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
  /** What the jackpot or reserve puts up for this pool. */
  readonly jackpotInMinor?: number;
  /** The gross pool, a gross carry-in included, that the operator stands for. */
  readonly guaranteeMinor?: number;
}

/**
 * A stake on one line in the form that a pool expands to: `["4","7"]` for exacta 4 first, 7 second. Unordered lines may
 * name their runners in any order.
 */
export interface LineStake {
  readonly line: readonly string[];
  readonly stakeMinor: bigint;
  /** In a pool that sells both: SET for a line without order; absent: as the pool's type says. */
  readonly shape?: 'SET';
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
 * What a pool pays. Exactly: `gross + carryIn + jackpotIn = takeout + paid + refunded + breakage - topUp + carryOut + jackpot`, with
 * gross after `refundsMinor`, the stakes of lines that named a scratched runner.
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
  /** Of the top-up: what the operator adds to the stakes to reach the gross pool that it stands for; absent: nothing. */
  readonly guaranteeMinor?: number;
  readonly carryOutMinor: number;
  /** Jackpot money put up for this pool, and what the jackpot holds after it. */
  readonly jackpotInMinor: number;
  readonly jackpotMinor: number;
}

/** The pool cannot be audited as it stands: a fault of the input, with the reason as a sentence. Trying again is no use. */
export class AuditRefused extends Error {
  override readonly name = 'AuditRefused';
  readonly retriable = false;
}

/** The part of a rule set that only pools over several races have. Data alone; see `leg-pools.ts` and `leg-price.ts`. */

export interface LegRules {
  /** What is right in a leg: the WINNER (each in a dead heat), or a PLACED runner by the rule set's `places`. */
  readonly right: 'WINNER' | 'PLACED';
  /**
   * A runner of a leg that does not run. FAVOURITE: the bettor's own reserve, else the favourite of that leg's win pool
   * at its close stands in. REFUND: its lines are given back. CONSOLATION (doubles): given back too, but scratched from
   * the second leg after the close, tickets on it and the first winner are paid net / (all stakes on that winner), to
   * the cent, before anything else.
   */
  readonly scratch: 'FAVOURITE' | 'REFUND' | 'CONSOLATION';
  /** Fewer legs that were run than this: the pool is refunded. In a leg that was not run every selection is right. */
  readonly leastRun: number;
  /** The pool is refunded when the first leg is not run, whatever the others. */
  readonly firstMustRun?: boolean;
  /** Where nobody is right in any leg and nothing was carried in, stakes are given back instead of carried. */
  readonly refundNone?: boolean;
  /**
   * Who a tier below the first is for. EXACT: those right in as many legs as its name says. MOST: those with the next
   * greatest number of right legs that anybody has.
   */
  readonly lower: 'EXACT' | 'MOST';
  /** Where a carry-in goes: to the FIRST tier, or to all of them by their SHARES. */
  readonly carryTo: 'FIRST' | 'SHARES';
  /** From this carry-in on nothing is added to it: what would be carried is paid to the most right. Minor units. */
  readonly carryCapMinor?: number;
  /** A tier that would pay less than this per `breakPer` is not paid but carried: `"15"` (kronor a row). */
  readonly leastPaid?: string;
  /** The net pool is cut to a multiple of this, minor units; tiers are rounded to the nearest multiple. */
  readonly wholeMinor?: number;
}

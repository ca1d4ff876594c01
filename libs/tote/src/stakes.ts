/** What a line may be staked with, by the rules of its pool. Whole minor units; never judges a balance or a limit. */
import type { RuleSet } from './rule-set.js';

/** Stakes of a line are multiples of `multipleMinor`, `leastMinor` at least. */
export interface LineStakes {
  readonly leastMinor: number;
  readonly multipleMinor: number;
}

/** Of a bet at a price a line, or of a flexi bet, whose stake is shared by its lines; null where the pool sells none. */
export function lineStakes(rules: RuleSet, isFlexi: boolean): LineStakes | null {
  const { flexi, minStakeMinor: leastMinor = 1, unitMultipleMinor: multipleMinor = 1 } = rules;
  if (!isFlexi || flexi === undefined) return { leastMinor, multipleMinor };
  if (flexi === 'NONE') return null;
  const percent = flexi.percentOf / 100;
  return { leastMinor: percent * flexi.least, multipleMinor: percent };
}

/**
 * The shapes between who won and what is paid: a rung of a ladder, its keys, and how they share. Values only; who wins is
 * in `pools.ts` and `tier-keys.ts`, what is paid in `price.ts`.
 */
import type { Field } from './field.js';
import type { Finish } from './finish.js';
import type { PoolType } from './pool-type.js';
import { STAR } from './pool-type.js';
import type { RuleSet, RungName, Split } from './rule-set.js';

/** A combination whose stake is asked for. `sameAs`: paid the price of that key, their stakes taken together. */
export interface RungKey {
  readonly tier: string;
  readonly c: string;
  readonly sameAs?: string;
}

/**
 * Keys that share `slots` places equally among those that are covered: the two second in a dead heat share one. `tier`
 * where the pool has several: parts share within their tier.
 */
export interface RungPart {
  readonly tier?: string;
  readonly slots: number;
  readonly keys: readonly string[];
}

/**
 * One rung: number 0 is the regular result, the others follow the ladder. `how` is the split by which it is shared;
 * REFUND and CARRY have no keys and end the ladder. A key may stand in two parts (an entry in two places).
 */
export interface Rung {
  readonly rung: number;
  readonly name: RungName | 'RESULT' | 'TOO_FEW_RUNNERS';
  readonly how: Split | 'REFUND' | 'CARRY';
  readonly keys: readonly RungKey[];
  readonly parts: readonly RungPart[];
}

/** Everything about a finished race that a rung looks at. `raw` ranks keep each runner, `ranks` betting interests. */
export interface Race {
  readonly rules: RuleSet;
  readonly type: PoolType;
  readonly field: Field;
  readonly ranks: Finish;
  readonly raw: Finish;
  readonly interest: (runner: string) => string;
}

/** What wins in one tier: keys in groups of one price each, and how the groups share where they do not share alike. */
export interface TierWinners {
  readonly tier: string;
  readonly groups: readonly (readonly string[])[];
  readonly parts?: readonly RungPart[];
}

/** Combinations filled up with stars where fewer finished than a line names. */
export const starred = (members: readonly string[], picks: number): readonly string[] => [
  ...members,
  ...new Array<string>(Math.max(0, picks - members.length)).fill(STAR),
];

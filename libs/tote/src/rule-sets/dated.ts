/** How a jurisdiction's data file becomes rule sets: what all its pools have in common, what each has of its own, one day. */
import type { PoolType } from '../pool-type.js';
import type { RuleSet } from '../rule-set.js';

/** A pool's own rules, beside what is common to its jurisdiction. */
export type Own<Common extends Partial<RuleSet>> = Omit<
  RuleSet,
  keyof Common | 'id' | 'name' | 'poolType' | 'validFrom'
> &
  Partial<RuleSet>;

export type Pools<Common extends Partial<RuleSet>> = Readonly<Partial<Record<PoolType, Own<Common>>>>;

export function datedRuleSets<Common extends Partial<RuleSet>>(
  name: string,
  validFrom: string,
  common: Partial<RuleSet>,
  pools: Pools<Common>,
): readonly RuleSet[] {
  return Object.entries(pools).map(([type, own]) => {
    const poolType = type as PoolType;
    return {
      ...common,
      ...own,
      id: `${name}-${poolType}@${validFrom}`,
      name,
      poolType,
      validFrom,
    } as unknown as RuleSet;
  });
}

/**
 * The odds on the screens, twice: as the first calculator shows them tick by tick, and as the second one works them out from the same
 * stakes. Random fields, stakes and money for every rule set without tiers; each price must agree to the digit.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditedPoolType, auditedPoolTypes, shownNet, shownOdds } from '#mutuel/audit';
import { oddsGross } from '#mutuel/engine';
import { planOdds, quotePool, type RuleSet, ruleSets, shapeOf } from '#mutuel/tote';
import { raceOf } from './support/races.js';

const SEED = 20_260_202;
const RUNS = 20;
/** Where only the break point differs from a rule set before. */
const FEW_RUNS = 4;
const shown = ruleSets.filter(
  ({ poolType, tiers, weights }) =>
    tiers === undefined && weights === undefined && auditedPoolTypes.some((type) => type === poolType),
);

const lawOf = ({ id: _, name: __, validFrom: ___, breakTo: ____, ...law }: RuleSet): string => JSON.stringify(law);
const firstOf = new Map(shown.toReversed().map((rules) => [lawOf(rules), rules]));

/** Mostly unlike, often nothing, now and then so heavy that the pool is a minus pool or beyond 2^53 with its decimals. */
const stake = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 99_999 }) },
  { weight: 3, arbitrary: fc.constantFrom(0, 0, 50, 100, 200) },
  { weight: 1, arbitrary: fc.constantFrom(50_000_000, 9_000_000_000_000) },
);

/** Of pools of three and more runners the rows name combinations of their own. */
const listed = (rules: RuleSet, runners: readonly string[]): readonly string[] =>
  shapeOf(rules.poolType).picks > 2 ? runners.map((runner, i) => [runner, `${i}x`, `${i}y`].join('-')) : [];

describe('the odds that are shown, by both calculators', () => {
  it.each(shown.map((rules) => [rules.id, rules] as const))('%s', (_id, rules) => {
    const poolType = rules.poolType as AuditedPoolType;
    fc.assert(
      fc.property(raceOf(poolType), fc.infiniteStream(stake), (race, stream) => {
        const plan = planOdds(rules, race.field, listed(rules, race.field.declared));
        const stakes = new Map(plan.combos.map((c) => [c, stream.next().value]));
        const gross = [...stakes.values()].reduce((sum, one) => sum + one, 0);
        const { carryInMinor, guaranteeMinor, field } = race;
        const grossMinor = oddsGross(gross, { guaranteeMinor, carryInMinor, ruleSet: rules });
        const quoted = quotePool(
          plan,
          { grossMinor, carryInMinor },
          plan.combos.map((c) => stakes.get(c) ?? 0),
        );
        const audited = shownOdds({ poolType, ruleSet: rules, field, carryInMinor, guaranteeMinor }, gross, stakes);
        expect([...audited.keys()].sort()).toEqual([...plan.combos].sort());
        for (const { c, price, low, high } of quoted) {
          const { price: own = null, low: least = null, high: most = null } = audited.get(c) ?? {};
          expect({ c, price: own, low: least, high: most }).toEqual({ c, price, low, high });
        }
      }),
      { seed: SEED, numRuns: firstOf.get(lawOf(rules)) === rules ? RUNS : FEW_RUNS },
    );
  });

  it('take the takeout off rounded down: of 1,001 at 13.9 % 139, so that 862 are left', () => {
    const fr = ruleSets.find(({ takeout }) => takeout === '0.139');
    expect(shownNet(1_001, fr as RuleSet)).toBe(862);
  });
});

/** Rule sets as data: each is whole and plain JSON, is found by name and day, and a wrong one is told what is wrong. */

import { describe, expect, it } from 'vitest';
import { resultKeys, ruleSetById, ruleSetFor, ruleSets, validateRuleSet } from '#mutuel/tote';

describe('the shipped rule sets', () => {
  it.each(ruleSets.map((rules) => [rules.id, rules] as const))('%s is valid, unique and survives JSON', (id, rules) => {
    expect(validateRuleSet(rules)).toEqual([]);
    expect(JSON.parse(JSON.stringify(rules))).toEqual(rules);
    expect(ruleSets.filter((other) => other.id === id)).toHaveLength(1);
    expect(ruleSetById(id)).toBe(rules);
    const rungs = resultKeys(rules, { declared: ['1', '2', '3', '4'] }, [['1'], ['2'], ['3'], ['4']]);
    expect(['REFUND', 'CARRY']).toContain(rungs.at(-1)?.how);
  });

  it.each([
    ['FR', 'WIN', undefined, 'FR-WIN@2026-01-01'],
    ['FR@2011-06-30', 'WIN', undefined, 'FR-WIN@2011-01-01'],
    ['FR', 'WIN', '2021-05-29', 'FR-WIN@2021-01-01'],
    ['US', 'SHOW', undefined, 'US-SHOW@2026-01-01'],
    ['US-STANDARD', 'PLACE', undefined, 'US-PLACE@2026-01-01'],
    ['US-NICKEL', 'EXACTA', undefined, 'US-NICKEL-EXACTA@2026-01-01'],
    ['US-PENNY', 'TRIFECTA', undefined, 'US-PENNY-TRIFECTA@2026-01-01'],
    ['FR', 'SHOW', undefined, undefined],
    ['FR@1999-01-01', 'WIN', undefined, undefined],
    ['XX', 'WIN', undefined, undefined],
  ] as const)('%s for %s on %s is %s', (name, type, day, id) => {
    expect(ruleSetFor(name, type, day)?.id).toBe(id);
  });
});

describe('a wrong rule set', () => {
  const right = ruleSets[0];

  it.each<[string, object, string]>([
    ['a takeout above one', { takeout: '1.2' }, '/takeout'],
    ['a takeout as a floating point number', { takeout: 0.139 }, '/takeout'],
    ['an unknown split', { split: 'HALVES' }, '/split'],
    ['an unknown field', { takeOut: '0.1' }, '/takeOut'],
    ['a rung behind the end of the ladder', { noWinner: ['REFUND', 'NEXT'] }, '/noWinner/1'],
    ['an unknown rung', { noWinner: ['LOTTERY'] }, '/noWinner'],
    ['a break per three units', { breakPer: '3' }, '/breakPer'],
    ['a break of nothing', { breakTo: '0' }, '/breakTo'],
    [
      'a display step that does not meet the next',
      { display: [{ below: '1', step: '0.3' }, { step: '1' }] },
      '/display/0',
    ],
    ['a display that ends', { display: [{ below: '10', step: '0.1' }] }, '/display/0'],
    ['a minimum step without a price', { minimum: [{ below: '1.10' }] }, '/minimum'],
    ['a zero denominator', { takeout: '1/0' }, '/takeout'],
    ['a gross carry by the Japanese formula', { split: 'JAPAN', carry: 'GROSS' }, '/carry'],
    ['a jackpot by the Japanese formula', { split: 'JAPAN', jackpot: { share: '0.1', of: 'NET' } }, '/jackpot'],
    [
      'a single winner of money that is taxed when it is won',
      {
        carry: 'GROSS',
        poolType: 'PICK3',
        tiers: [{ name: '3/3', share: '0.8' }],
        unique: { tier: '3/3', unit: 100 },
      },
      '/unique',
    ],
    [
      'a jackpot put by before the shares of a pool over several races',
      { poolType: 'PICK3', jackpot: { share: '0.1', of: 'NET' } },
      '/jackpot',
    ],
    ['places beyond reason', { places: 100 }, '/places'],
    [
      'a rung that pays what a tier has for the jackpot',
      {
        poolType: 'TRIFECTA',
        noWinner: ['FIRST_2', 'REFUND'],
        tiers: [
          { name: 'ORDER', share: '0.5', uncovered: 'JACKPOT' },
          { name: 'DISORDER', share: '0.5' },
        ],
      },
      '/noWinner/0',
    ],
  ])('%s', (_, own, at) => {
    expect(validateRuleSet({ ...right, ...own })).toEqual([{ at, message: expect.any(String) }]);
  });

  it('puts nothing by for a jackpot that no tier could win', () => {
    const jackpot = { share: '0.1', of: 'NET' };
    expect(validateRuleSet({ ...ruleSetFor('FR', 'WIN'), jackpot })).toEqual([
      { at: '/jackpot', message: 'a jackpot is won in a tier, and there are no tiers' },
    ]);
  });

  it.each([null, 7, 'FR', [], undefined])('%j is none at all', (value) => {
    expect(validateRuleSet(value)).toHaveLength(1);
  });

  it('lists every missing field', () => {
    expect(validateRuleSet({}).map(({ at }) => at)).toContain('/takeout');
  });
});

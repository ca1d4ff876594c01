/** Worked cases, each with its sum in words; the figures are published or synthetic ones named by source. */

import { describe, expect, it } from 'vitest';
import { type Finish, pricePool, type RuleSet, ruleSetFor, type Sheet } from '#mutuel/tote';

interface Case {
  readonly rules: RuleSet;
  readonly declared?: readonly string[];
  readonly scratched?: readonly string[];
  readonly entries?: readonly (readonly string[])[];
  readonly finish: Finish;
  readonly gross: number;
  readonly refunds?: number;
  readonly carryIn?: number;
  readonly stakes: Readonly<Record<string, number>>;
}

const us = (
  type: 'WIN' | 'PLACE' | 'SHOW' | 'QUINELLA' | 'EXACTA' | 'TRIFECTA',
  own: Partial<RuleSet> = {},
): RuleSet => {
  const rules = ruleSetFor('US', type);
  if (!rules) throw new Error(`no American rules for ${type}`);
  return { ...rules, ...own };
};

const price = (c: Case): Sheet =>
  pricePool({
    ruleSet: c.rules,
    field: {
      declared: c.declared ?? ['1', '2', '3', '4', '5', '6', '7', '8'],
      scratched: c.scratched ?? [],
      entries: c.entries ?? [],
    },
    finish: c.finish,
    grossMinor: c.gross,
    refundsMinor: c.refunds ?? 0,
    carryInMinor: c.carryIn ?? 0,
    stakeOn: c.stakes,
  });

const pricesOf = (sheet: Sheet): Record<string, string> =>
  Object.fromEntries(sheet.dividends.map(({ c, price: paid }) => [c, paid]));

describe('a win pool', () => {
  it('pays 6.60 for 6.6265 with the dime: (192913.00 - 18 %) / 23872.00, breakage 633.46 (West Virginia table 178-5C)', () => {
    const sheet = price({
      rules: us('WIN', { takeout: '0.18' }),
      finish: [['1']],
      gross: 19_423_000,
      refunds: 131_700,
      stakes: { '1': 2_387_200 },
    });
    expect(sheet).toMatchObject({
      grossMinor: 19_291_300,
      takeoutMinor: 3_472_434,
      netMinor: 15_818_866,
      paidMinor: 15_755_520,
      breakageMinor: 63_346,
    });
    expect(pricesOf(sheet)).toEqual({ '1': '6.60' });
  });
});

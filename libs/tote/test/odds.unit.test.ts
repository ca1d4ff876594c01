/** Odds: published boards, the display steps, and every low and high against all the ways the race could end. */

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { planOdds, pricePool, probables, quotePool, type RuleSet, ruleSetFor, type Split } from '#mutuel/tote';

/** On a machine that does other things too. */
vi.setConfig({ testTimeout: 60_000 });

const rulesOf = (
  name: string,
  type: 'WIN' | 'PLACE' | 'SHOW' | 'QUINELLA' | 'EXACTA' | 'TRIFECTA',
  own: Partial<RuleSet> = {},
): RuleSet => {
  const rules = ruleSetFor(name, type);
  if (!rules) throw new Error(`no rules ${name} for ${type}`);
  return { ...rules, ...own };
};

const sumOf = (stakes: Readonly<Record<string, number>>): number => Object.values(stakes).reduce((a, b) => a + b, 0);

const board = (ruleSet: RuleSet, stakes: Readonly<Record<string, number>>, declared = Object.keys(stakes)) =>
  probables({ ruleSet, field: { declared }, grossMinor: sumOf(stakes), carryInMinor: 0, stakes });

describe('published boards', () => {
  it('R03 approximates of a pool of 514.00 less 14.25 % = 440.755, to the nearest cent', () => {
    const stakes = { '1': 3000, '2': 7000, '3': 1200, '4': 5500, '5': 11000, '6': 4700, '7': 15000, '8': 4000 };
    const cents = rulesOf('US', 'WIN', { takeout: '0.1425', breakTo: 'none', rounding: 'NEAREST' });
    const { net, odds } = board(cents, stakes);
    expect(net).toBe(44_076); // takeout 73.245 rounded down to 73.24
    expect(odds.map(({ price }) => price)).toEqual(['14.69', '6.30', '36.73', '8.01', '4.01', '9.38', '2.94', '11.02']);
  });

  it('R10 Japanese place ranges: with the two most and the two least backed others placed', () => {
    const stakes = { A: 10_000, B: 8_000, C: 7_000, D: 5_000, E: 4_000, F: 3_000, G: 2_000, H: 1_000 };
    const japan: Partial<RuleSet> = {
      takeout: '0.2',
      split: 'JAPAN',
      deadHeat: 'JAPAN',
      breakTo: '10',
      breakPer: '100',
      minimum: '1',
      places: 3,
    };
    const { odds } = board(rulesOf('US', 'SHOW', japan), stakes);
    const range = Object.fromEntries(odds.map(({ c, low, high }) => [c, [low, high]]));
    // A: 0.8 x (10000 + (40000 - 25000) / 3) / 10000 = 1.2; with G and H: 0.8 x (10000 + 27000 / 3) / 10000 = 1.52.
    expect(range).toEqual({
      A: ['1.20', '1.50'],
      B: ['1.30', '1.70'],
      C: ['1.30', '1.90'],
      D: ['1.70', '2.50'],
      E: ['2.00', '3.00'],
      F: ['2.40', '3.80'],
      G: ['3.40', '5.30'],
      H: ['6.40', '9.80'],
    });
  });

  it('a French board of 29 May 2021: 93 euros, 0.861 of the pool over the stake, tenths below ten and whole numbers above', () => {
    const euros = { '3': 22, '4': 3, '5': 36, '6': 11, '8': 9, '9': 4, '10': 8 };
    const stakes = Object.fromEntries(Object.entries(euros).map(([runner, stake]) => [runner, stake * 100]));
    const { odds } = board(rulesOf('FR@2021-05-29', 'WIN'), stakes, [
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
      '10',
    ]);
    const shown = Object.fromEntries(odds.map(({ c, price }) => [c, price]));
    expect(shown).toEqual({
      '1': null,
      '2': null,
      '3': '3.60',
      '4': '26.00',
      '5': '2.20',
      '6': '7.20',
      '7': null,
      '8': '8.80',
      '9': '20.00',
      '10': '10.00',
    });
  });
});

describe('a board', () => {
  it('covers every pair: 120 unordered and 240 ordered ones of 16 runners', () => {
    const declared = Array.from({ length: 16 }, (_, i) => String(i + 1));
    expect(planOdds(rulesOf('FR', 'QUINELLA'), { declared }).combos).toHaveLength(120);
    expect(planOdds(rulesOf('FR', 'EXACTA'), { declared }).combos).toHaveLength(240);
    const { odds } = board(rulesOf('FR', 'QUINELLA'), { '2-10': 1_000, '1-2': 3_000 }, declared);
    expect(odds.filter(({ price }) => price !== null)).toEqual([
      { c: '1-2', price: '1.10', low: null, high: null }, // 40 x 0.74 / 30 = 0.9866, raised to the minimum
      { c: '2-10', price: '2.90', low: null, high: null }, // 40 x 0.74 / 10 = 2.96
    ]);
  });

  it('of a trifecta lists the combinations that have stakes', () => {
    const declared = ['1', '2', '3', '4'];
    expect(board(rulesOf('FR', 'TRIFECTA'), { '1>2>3': 1_000 }, declared).odds).toHaveLength(1);
  });

  it('leaves scratched runners out, and shows nothing for a pool that would be refunded', () => {
    const input = {
      ruleSet: rulesOf('US', 'WIN'),
      grossMinor: 2_000,
      carryInMinor: 0,
      stakes: { '1': 1_000, '2': 1_000 },
    };
    const two = probables({ ...input, field: { declared: ['1', '2', '3'], scratched: ['3'] } });
    expect(two.odds.map(({ c, price }) => [c, price])).toEqual([
      ['1', '1.60'],
      ['2', '1.60'],
    ]);
    const one = probables({ ...input, field: { declared: ['1', '2', '3'], scratched: ['3', '2'] } });
    expect(one.odds).toEqual([{ c: '1', price: null, low: null, high: null }]);
  });

  it('quotes a French stable as one', () => {
    const field = { declared: ['1', '1A', '2'], entries: [['1', '1A']] };
    const input = { ruleSet: rulesOf('FR', 'WIN', { takeout: '0' }), field, grossMinor: 6_000, carryInMinor: 0 };
    const { odds } = probables({ ...input, stakes: { '1': 1_000, '2': 5_000 } });
    expect(odds.map(({ price }) => price)).toEqual(['6.00', '6.00', '1.20']);
  });

  it('holds a carry-in, taxed only where carries are gross', () => {
    const input = {
      field: { declared: ['1', '2'] },
      grossMinor: 2_000,
      carryInMinor: 1_000,
      stakes: { '1': 1_000, '2': 1_000 },
    };
    const shown = (carry: 'NET' | 'GROSS') =>
      probables({ ...input, ruleSet: rulesOf('US', 'WIN', { takeout: '0.2', carry }) }).odds[0]?.price;
    expect([shown('NET'), shown('GROSS')]).toEqual(['2.60', '2.40']);
  });
});

describe('odds and dividends are one calculation', () => {
  const names = ['FR', 'US', 'US-NICKEL', 'US-PENNY'] as const;
  const amount = fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 90_000_000 }), fc.constant(0));
  const stakesArbitrary = fc.array(amount, { minLength: 4, maxLength: 9 });

  it('a win price shown without display steps is the dividend if that runner wins', () => {
    fc.assert(
      fc.property(
        stakesArbitrary,
        fc.constantFrom(...names),
        fc.integer({ min: 0, max: 10_000 }),
        (amounts, name, carryInMinor) => {
          const { display: _, ...ruleSet } = rulesOf(name, 'WIN');
          const declared = amounts.map((__, i) => String(i + 1));
          const stakes = Object.fromEntries(declared.map((runner, i) => [runner, amounts[i] ?? 0]));
          const grossMinor = sumOf(stakes);
          const { odds } = probables({ ruleSet, field: { declared }, grossMinor, carryInMinor, stakes });
          for (const { c, price } of odds) {
            if (stakes[c] === 0) expect(price).toBeNull();
            else {
              const sheet = pricePool({
                ruleSet,
                field: { declared },
                finish: [[c]],
                grossMinor,
                refundsMinor: 0,
                carryInMinor,
                stakeOn: stakes,
              });
              expect(price).toBe(sheet.dividends[0]?.price);
            }
          }
        },
      ),
      { seed: 20_261_122, numRuns: 150 },
    );
  });

  it('low and high are the least and the greatest dividend over every set of others that may place', () => {
    const splits = fc.constantFrom<Split>('PROFIT_SPLIT', 'GROSS_SPLIT', 'JAPAN', 'SINGLE_PRICE');
    fc.assert(
      fc.property(
        stakesArbitrary,
        fc.constantFrom(...names),
        splits,
        fc.constantFrom(2, 3),
        (amounts, name, split, places) => {
          const { display: _, minimumInMinusPool: __, ...base } = rulesOf(name, 'PLACE');
          // The lower minimum of a minus pool depends on all winners together, so it is left to its own case.
          const ruleSet: RuleSet = { ...base, split, places, deadHeat: split };
          const declared = amounts.map((___, i) => String(i + 1));
          const stakes = Object.fromEntries(declared.map((runner, i) => [runner, amounts[i] ?? 0]));
          const grossMinor = sumOf(stakes);
          const { odds } = probables({ ruleSet, field: { declared }, grossMinor, carryInMinor: 0, stakes });
          for (const { c, low, high } of odds) {
            if (stakes[c] === 0) {
              expect([low, high]).toEqual([null, null]);
              continue;
            }
            const others = declared.filter((runner) => runner !== c);
            const paid = others
              .flatMap((a) => (places === 2 ? [[a]] : others.filter((b) => b > a).map((b) => [a, b])))
              .map((placed) => {
                const finish = [[c], ...placed.map((runner) => [runner])];
                const sheet = pricePool({
                  ruleSet,
                  field: { declared },
                  finish,
                  grossMinor,
                  refundsMinor: 0,
                  carryInMinor: 0,
                  stakeOn: stakes,
                });
                return Number(sheet.dividends.find((dividend) => dividend.c === c)?.price);
              });
            expect([Number(low), Number(high)]).toEqual([Math.min(...paid), Math.max(...paid)]);
          }
        },
      ),
      { seed: 20_261_123, numRuns: 80 },
    );
  });

  it('a favourite in a minus pool is shown at the lower minimum, as it would be paid', () => {
    const stakes = { A: 7_000_000, B: 200_000, C: 300_000, D: 2_500_000 };
    const { odds } = board(rulesOf('US', 'SHOW', { takeout: '0.16' }), stakes);
    // Low: D and C placed: 1 + (84000 - 98000) / 3 / 70000 < 1. High: B and C placed: 1.0429.
    expect(odds[0]).toEqual({ c: 'A', price: null, low: '1.05', high: '1.05' });
  });

  it('the fast path and bigint agree at amounts around their border', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 46 }),
        fc.integer({ min: 1, max: 2 ** 46 }),
        fc.constantFrom(...names),
        (a, b, name) => {
          const ruleSet = rulesOf(name, 'WIN');
          const grossMinor = a + b;
          const plan = planOdds(ruleSet, { declared: ['1', '2'] });
          const [first] = quotePool(plan, { grossMinor, carryInMinor: 0 }, [a, b]);
          const kept = BigInt(1000 - Math.round(Number(ruleSet.takeout) * 1000));
          const stepOf = (price: bigint): bigint =>
            ruleSet.display ? (price < 1000n ? 10n : 100n) : BigInt(Math.round(Number(ruleSet.breakTo) * 100));
          const cents = (BigInt(grossMinor) * kept * 100n) / (BigInt(a) * 1000n);
          const step = stepOf(cents);
          const isBelow = BigInt(grossMinor) * kept * 100n < 110n * BigInt(a) * 1000n;
          const least = isBelow && ruleSet.minimumInMinusPool ? 105n : 110n;
          const shown = (cents / step) * step;
          expect(first?.price).toBe((Number(shown > least ? shown : least) / 100).toFixed(2));
        },
      ),
      { seed: 20_261_124, numRuns: 800 },
    );
  });
});

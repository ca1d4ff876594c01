/** The report: what rolls on, what is paid in hand, each sum worked out. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frenchReport, isRefusal, type ReportPart, rollReport } from '#mutuel/tote';

const all = (...prices: readonly string[]): ReportPart[] => prices.map((price) => ({ price, quarters: 4 }));

describe('a report', () => {
  it.each<[string, number, readonly ReportPart[], readonly number[], number]>([
    ['everything goes on: 10.00 x 3.00 = 30.00, x 2.50 = 75.00', 1_000, all('3.00', '2.50'), [1_000, 3_000], 7_500],
    [
      'three quarters go on: 10.00 x 3.00 = 30.00, 22.50 on and 7.50 in hand; 22.50 x 2.00 = 45.00',
      1_000,
      [{ price: '3.00', quarters: 3 }, ...all('2.00')],
      [1_000, 2_250],
      5_250,
    ],
    [
      'a quarter is cut to the cent: 1.50 x 1.70 = 2.55, three quarters 1.9125 are 1.91 on, 0.64 in hand; 1.91 x 2.00 = 3.82',
      150,
      [{ price: '1.70', quarters: 3 }, ...all('2.00')],
      [150, 191],
      446,
    ],
    ['a part below the least stake stays in hand', 100, [{ price: '1.10', quarters: 2 }, ...all('9.00')], [100], 110],
    [
      'at most a thousand least stakes go on: 1,000.00 x 5.00, 1,000.00 on, 4,000.00 in hand',
      100_000,
      all('5.00', '2.00'),
      [100_000, 100_000],
      600_000,
    ],
    [
      'a lost bet ends it, what was in hand stays',
      1_000,
      [{ price: '4.00', quarters: 2 }, ...all('0', '7.00')],
      [1_000, 2_000],
      2_000,
    ],
    ['a refunded bet rolls its stake on', 1_000, all('2.00', '1', '3.00'), [1_000, 2_000, 2_000], 6_000],
  ])('%s', (_, stake, parts, stakes, paidMinor) => {
    expect(rollReport(stake, parts, frenchReport)).toEqual({ stakes, paidMinor });
  });

  it.each([99, 100_001, 1.5, -100])('a first stake of %s is refused', (stake) => {
    const refused = rollReport(stake, all('2.00'), frenchReport);
    expect(refused).toMatchObject({ code: 'INVALID_SELECTION', at: '/stake', message: expect.stringMatching(/\.$/) });
  });

  it('never pays more than the prices multiplied, nor loses a cent when everything goes on below the cap', () => {
    const price = fc.integer({ min: 0, max: 60 }).map((tenths) => `${Math.floor(tenths / 10)}.${tenths % 10}`);
    const part = fc.record({ price, quarters: fc.constantFrom<1 | 2 | 3 | 4>(1, 2, 3, 4) });
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 100_000 }),
        fc.array(part, { minLength: 1, maxLength: 5 }),
        (stake, parts) => {
          const rolled = rollReport(stake, parts, frenchReport);
          if (isRefusal(rolled)) throw new Error(rolled.message);
          const best = parts.reduce((most, one) => most * Math.max(1, Number(one.price)), stake);
          expect(rolled.paidMinor).toBeLessThanOrEqual(Math.ceil(best));
          for (const one of rolled.stakes) expect(one).toBeLessThanOrEqual(100_000);
        },
      ),
      { seed: 30, numRuns: 500 },
    );
  });
});

/**
 * The rule book's worked cases through the second calculator, each with its sum in words. Rules are spelt out here, not
 * imported. Those of the plain pools stand in `price-by-force.unit.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import {
  type AuditedPoolType,
  type AuditLeg,
  type AuditRules,
  type AuditTicket,
  bettingInterest,
  type DividendSheet,
  expandSelection,
  type LegPool,
  parseSelectionText,
  priceByForce,
  priceLegPool,
  priceNet,
} from '../src/index.js';

const plain: AuditRules = {
  id: 'test',
  takeout: '0',
  split: 'SINGLE_PRICE',
  deadHeat: 'PROFIT_SPLIT',
  placesBy: 'RUNNERS',
  breakTo: '0.10',
  breakPer: '1',
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '0',
  payment: 'DOWN',
  noWinner: ['REFUND'],
  carry: 'NET',
  coupling: 'NONE',
  minInterests: 0,
};

const japan: Partial<AuditRules> = {
  split: 'JAPAN',
  deadHeat: 'JAPAN',
  breakTo: '10',
  breakPer: '100',
  minimum: '1.00',
};
const nearestCent: Partial<AuditRules> = { breakTo: 'none', rounding: 'NEAREST' };

/** Stakes in whole currency units by the text of a selection. */
const ticketsOf = (stakes: Readonly<Record<string, number>>): AuditTicket[] =>
  Object.entries(stakes).map(([text, units]) => ({ selection: parseSelectionText(text), unitMinor: units * 100 }));

function price(
  poolType: AuditedPoolType,
  rules: Partial<AuditRules>,
  finish: readonly (readonly string[])[],
  stakes: Readonly<Record<string, number>>,
): DividendSheet {
  const declared = Array.from({ length: 14 }, (_, i) => String(i + 1));
  const field = { declared, scratched: [], entries: [] };
  return priceByForce({
    poolType,
    ruleSet: { ...plain, ...rules },
    field,
    finish,
    carryInMinor: 0,
    tickets: ticketsOf(stakes),
  });
}

const pricesOf = (sheet: DividendSheet): Record<string, string> =>
  Object.fromEntries(
    sheet.dividends.map(({ tier, c, price: paid }) => [sheet.dividends.length > 1 ? `${tier} ${c}` : c, paid]),
  );

describe('one winner', () => {
  it.each([
    ['1', '14.69'],
    ['2', '6.30'],
    ['3', '36.73'],
    ['4', '8.01'],
    ['5', '4.01'],
    ['6', '9.38'],
    ['7', '2.94'],
    ['8', '11.02'],
  ])('R03: 514 less 14.25 % is 440.76; over the stake of %s that is %s', (winner, paid) => {
    const stakes = { '1': 30, '2': 70, '3': 12, '4': 55, '5': 110, '6': 47, '7': 150, '8': 40 };
    const sheet = price('WIN', { ...nearestCent, takeout: '0.1425' }, [[winner]], stakes);
    expect(pricesOf(sheet)).toEqual({ [winner]: paid });
  });

  it.each([3.4, 4.8, 5.7, 6.2, 6.8, 11.4, 13.6, 34.2].map((paid, i) => [String(i + 1), paid.toFixed(2)]))(
    'R05: 400 less 14.5 % is 342; over the stake of %s, down to the ten cents, %s',
    (winner, paid) => {
      const stakes = { '1': 100, '2': 70, '3': 60, '4': 55, '5': 50, '6': 30, '7': 25, '8': 10 };
      expect(pricesOf(price('WIN', { takeout: '0.145' }, [[winner]], stakes))).toEqual({ [winner]: paid });
    },
  );

  it('R08: 0.8 x (5,000,000 + 4,000,000) = 7,200,000 for 5,000,000 staked: 144 in the hundred, broken to 140', () => {
    const sheet = price('WIN', { ...japan, takeout: '0.20' }, [['1']], { '1': 5_000_000, '2': 4_000_000 });
    expect(pricesOf(sheet)).toEqual({ '1': '1.40' });
  });

  it.each([
    ['0.275', '0.70'],
    ['0.225', '0.70'],
    ['0.20', '0.80'],
  ])('S16: nobody has won: every ticket is paid 1 less %s, to the ten yen in the hundred: %s', (takeout, paid) => {
    const sheet = price('WIN', { ...japan, takeout, noWinner: ['PAY_NET_RATE'] }, [['1']], { '2': 1000, '3': 500 });
    expect(pricesOf(sheet)).toEqual({ '*': paid });
  });

  it.each([
    [90, '1.02'],
    [91, '1.10'],
    [109, '1.10'],
    [119, '1.10'],
  ])('S08: a British win that calculates to %i pence a pound pays %s', (pence, paid) => {
    const steps = [
      { atMost: '0.90', pay: '1.02' },
      { below: '1.10', pay: '1.10' },
    ];
    // 100 pounds on the winner; what others staked makes the rest of the pool.
    const sheet = price('WIN', { minimum: steps, takeout: '0.5' }, [['1']], { '1': 100, '2': 2 * pence - 100 });
    expect(pricesOf(sheet)).toEqual({ '1': paid });
  });
});

describe('several winners', () => {
  const three = [['1'], ['2'], ['3']];
  const nine = { '1': 100_000, '2': 80_000, '3': 20_000, '4': 800_000 };

  it('R09 by profit: 800,000 less 200,000 leaves 600,000; a third each: 1 + 2, 1 + 2.5, 1 + 10', () => {
    const rules = { takeout: '0.20', split: 'PROFIT_SPLIT', places: 3, breakTo: '10', breakPer: '100' } as const;
    expect(pricesOf(price('PLACE', rules, three, nine))).toEqual({
      'PLACE 1': '3.00',
      'PLACE 2': '3.50',
      'PLACE 3': '11.00',
    });
  });

  it('R09 by Japanese law: 0.8 (W + 800,000 / 3) / W: 2.93, 3.46 and 11.46, to the ten yen', () => {
    const rules = { ...japan, takeout: '0.20', places: 3 };
    expect(pricesOf(price('PLACE', rules, three, nine))).toEqual({
      'PLACE 1': '2.90',
      'PLACE 2': '3.40',
      'PLACE 3': '11.40',
    });
  });

  it('R16: 338 less 15 % over 110; a third of 646 less 12 % over 179, 149 and 89; 611 less 18 % over 206', () => {
    const finish = [['2'], ['3'], ['1']];
    const win = price('WIN', { ...nearestCent, takeout: '0.15' }, finish, { '1': 61, '2': 110, '3': 90, '4': 77 });
    expect(pricesOf(win)).toEqual({ '2': '2.61' });
    const place = { ...nearestCent, takeout: '0.12', split: 'GROSS_SPLIT', places: 3 } as const;
    const placed = price('PLACE', place, finish, { '1': 89, '2': 179, '3': 149, '4': 229 });
    expect(pricesOf(placed)).toEqual({ 'PLACE 2': '1.06', 'PLACE 3': '1.27', 'PLACE 1': '2.13' });
    const stakes = { '1>2': 99, '2>3': 206, '1>3': 203, '3>2': 103 };
    const exacta = price('EXACTA', { ...nearestCent, takeout: '0.18' }, finish, stakes);
    expect(pricesOf(exacta)).toEqual({ '2>3': '2.43' });
  });

  it('S10: 10,000 less the stakes of 1,000 leaves 9,000; 3,000 a pair: 1 + 6, 1 + 10, 1 + 15', () => {
    const stakes = { '1-2': 500, '1-3': 300, '2-3': 200, '4-5': 9000 };
    const sheet = price('QUINELLA_PLACE', { split: 'PROFIT_SPLIT' }, three, stakes);
    expect(pricesOf(sheet)).toEqual({
      'QUINELLA_PLACE 1-2': '7.00',
      'QUINELLA_PLACE 1-3': '11.00',
      'QUINELLA_PLACE 2-3': '16.00',
    });
  });

  it.each([
    [70, '1.02'],
    [71, '1.10'],
    [134, '1.30'],
  ])('S08: a British swinger that calculates to %i pence a pound pays %s', (pence, paid) => {
    const steps = [
      { atMost: '0.70', pay: '1.02' },
      { below: '1.10', pay: '1.10' },
    ];
    const rules = { split: 'GROSS_SPLIT', minimum: steps, takeout: '0.5' } as const;
    // Three pairs of 100 pounds each; a third of half the pool over 100.
    const stakes = { '1-2': 100, '1-3': 100, '2-3': 100, '4-5': 6 * pence - 300 };
    expect(new Set(price('QUINELLA_PLACE', rules, three, stakes).dividends.map((one) => one.price))).toEqual(
      new Set([paid]),
    );
  });
});

describe('least payments within the sales', () => {
  it.each([
    [78_923_100, '1.00', 73_606_360],
    [79_701_640, '1.10', 79_701_640],
  ])(
    'R07: 609,528 votes at 0.905 are raised to the stake, and by ten only within sales of %i: %s',
    (sales, first, paid) => {
      // The law of 2008 made 55,162,284, 7,112,000 and 5,541,560 of the pool; that formula has gone, its amounts are shares here.
      const amounts = [55_162_284, 7_112_000, 5_541_560];
      const net = amounts.reduce((a, b) => a + b, 0);
      const votes = { '1': 60_952_800, '2': 2_844_800, '3': 893_800 };
      const sheet = priceByForce({
        poolType: 'PLACE',
        ruleSet: {
          ...{
            ...plain,
            ...japan,
            split: 'GROSS_SPLIT',
            places: 3,
            minimum: '1.00',
            topUp: { from: '1.00', to: '1.10' },
          },
          takeout: `${sales - net}/${sales}`,
          shares: amounts.map((amount) => `${amount}/${net}`),
        },
        field: { declared: ['1', '2', '3', '4'], scratched: [], entries: [] },
        finish: [['1'], ['2'], ['3'], ['4']],
        carryInMinor: 0,
        tickets: Object.entries({ ...votes, '4': sales - 64_691_400 }).map(([text, unitMinor]) => ({
          ...{ selection: parseSelectionText(text), unitMinor },
        })),
      });
      expect(pricesOf(sheet)).toEqual({ 'PLACE 1': first, 'PLACE 2': '2.50', 'PLACE 3': '6.20' });
      expect(sheet.paidMinor).toBe(paid);
    },
  );

  it('R10: each runner with every two others: the least and the most that 0.8 (W + D / 3) / W can be', () => {
    const votes = { '1': 10000, '2': 8000, '3': 7000, '4': 5000, '5': 4000, '6': 3000, '7': 2000, '8': 1000 };
    const names = Object.keys(votes);
    const range = (runner: string): readonly string[] => {
      const others = names.filter((name) => name !== runner);
      const paid = others.flatMap((a, i) =>
        others.slice(i + 1).map((b) => {
          const rules = { ...japan, breakTo: '0.1', breakPer: '1', takeout: '0.20', places: 3 };
          const sheet = price('PLACE', rules, [[runner], [a], [b]], votes);
          return Number(sheet.dividends.find(({ c }) => c === runner)?.price);
        }),
      );
      return [Math.min(...paid).toFixed(1), Math.max(...paid).toFixed(1)];
    };
    expect(Object.fromEntries(names.map((name) => [name, range(name)]))).toEqual({
      '1': ['1.2', '1.5'],
      '2': ['1.3', '1.7'],
      '3': ['1.3', '1.9'],
      '4': ['1.7', '2.5'],
      '5': ['2.0', '3.0'],
      '6': ['2.4', '3.8'],
      '7': ['3.4', '5.3'],
      '8': ['6.4', '9.8'],
    });
  });
});

describe('several takeouts', () => {
  it('S07: net bets of 4,000 and 320 in a net pool of 8,000; half of 3,680 each: 1.46 and 6.75, less 20 % 1.168 and 5.40', () => {
    const pool = {
      poolType: 'PLACE',
      ruleSet: { ...plain, split: 'PROFIT_SPLIT', places: 2 },
      field: { declared: ['1', '2', '3'], scratched: [], entries: [] },
      finish: [['1'], ['2'], ['3']],
      carryInMinor: 0,
    } as const;
    const lines = [
      { line: ['1'], stakeMinor: 500_000n },
      { line: ['2'], stakeMinor: 40_000n },
      { line: ['3'], stakeMinor: 460_000n },
    ];
    const paid = priceNet(pool, [{ id: 'host', takeout: '0.20', lines }]);
    expect(paid.map(({ c, price: each }) => [c, each])).toEqual([
      ['1', '1.10'],
      ['2', '5.40'],
    ]);
    // The same pool by the standard method: 8,000 less 5,400 leaves 2,600; 1.26 and 4.25.
    const stakes = { '1': 5000, '2': 400, '3': 4600 };
    const standard = price('PLACE', { split: 'PROFIT_SPLIT', places: 2, takeout: '0.20' }, pool.finish, stakes);
    expect(pricesOf(standard)).toEqual({ 'PLACE 1': '1.20', 'PLACE 2': '4.20' });
  });
});

describe('several tiers', () => {
  const five = [['1'], ['2'], ['3'], ['4'], ['5'], ['6'], ['7'], ['8']];
  /** One unit of 100 in each rank, the rest of a pool of 740,000 on losers. */
  const stakes = { '1>2>3>4>5': 100, '2>1>3>4>5': 100, '1>2>3>4>6': 100, '1>2>3>6>7': 100, '8>7>6>5>4': 739_600 };

  it('S11, 2002: 1.5 % of 740,000 to the reserve, then 45, 20 and 35 % of 728,900', () => {
    const rules: Partial<AuditRules> = {
      jackpot: { share: '0.015', of: 'NET' },
      weights: { ORDER: '1', DISORDER: '1', BONUS4: '3', BONUS3: '1' },
      tiers: [
        { name: 'ORDER', share: '0.45', group: 'QUINTE' },
        { name: 'DISORDER', share: '0', group: 'QUINTE' },
        { name: 'BONUS4', share: '0.20' },
        { name: 'BONUS3', share: '0.35' },
      ],
    };
    const sheet = price('QUINTE', rules, five, stakes);
    expect(sheet.jackpotMinor).toBe(1_110_000);
    // 328,005 over two units of 100; 145,780 and 255,115 over one.
    expect(sheet.dividends.map((one) => [one.tier, one.price])).toEqual([
      ['ORDER', '1640.00'],
      ['DISORDER', '1640.00'],
      ['BONUS4', '1457.80'],
      ['BONUS3', '2551.10'],
    ]);
  });

  it('S11, 2019: 28, 29, 17 and 26 % of 740,000', () => {
    const shares = { ORDER: '0.28', DISORDER: '0.29', BONUS4: '0.17', BONUS3: '0.26' };
    const tiers = Object.entries(shares).map(([name, share]) => ({ name, share }));
    const sheet = price('QUINTE', { tiers }, five, stakes);
    expect(sheet.dividends.map((one) => one.paidMinor)).toEqual([20_720_000, 21_460_000, 12_580_000, 19_240_000]);
  });

  it('S18: 30,000 over 100 x 105 + 300 x 21 + 900 x 7 + 2,000 x 3 = 29,100 is 1.03, cut to 1.00, then multiplied', () => {
    const rules: Partial<AuditRules> = { weights: { M4: '105', M5: '21', M6: '7', M7: '3' }, breakAt: 'UNIT' };
    const bets = {
      '1-2-3-4': 100,
      '1-2-3-4-5': 300,
      '1-2-3-4-5-6': 900,
      '1-2-3-4-5-6-7': 2000,
      '8-9-10-11': 26_700,
    };
    const sheet = price('MULTI', rules, five, bets);
    expect(sheet.dividends.map((one) => [one.tier, one.price])).toEqual([
      ['M4', '105.00'],
      ['M5', '21.00'],
      ['M6', '7.00'],
      ['M7', '3.00'],
    ]);
  });
});

describe('several races', () => {
  const declared = Array.from({ length: 60 }, (_, i) => String(i + 1));
  const leg: AuditLeg = { declared, scratched: [], entries: [], finish: [['1'], ['2'], ['3']] };
  const wrong = ['9'];
  const legRules: NonNullable<AuditRules['legs']> = {
    right: 'WINNER',
    scratch: 'FAVOURITE',
    leastRun: 1,
    lower: 'EXACT',
    carryTo: 'FIRST',
  };

  function legPrice(
    rules: Partial<AuditRules>,
    legs: number,
    money: Partial<LegPool>,
    bets: readonly (readonly [right: number, stakeMinor: number])[],
  ) {
    const pool = {
      poolType: 'PICK',
      ruleSet: { ...plain, legs: legRules, ...rules },
      legs: new Array<AuditLeg>(legs).fill(leg),
      carryInMinor: 0,
      ...money,
    };
    return priceLegPool(
      pool,
      bets.map(([right, unitMinor]) => ({
        columns: pool.legs.map((_, no) => (no < right ? ['1'] : wrong)),
        unitMinor,
      })),
    );
  }

  it('R17: 400,000,000 less 25 % and the untaxed 600,000,000 are 900,000,000: 450,000,000 for each of two units of 100', () => {
    const sheet = legPrice({ ...japan, takeout: '0.25', deadHeat: 'JAPAN' }, 5, { carryInMinor: 600_000_000 }, [
      [5, 200],
      [0, 399_999_800],
    ]);
    expect(sheet.paidMinor).toBe(900_000_000);
    expect(sheet.dividends[0]?.price).toBe('4500000.00');
  });

  it.each([
    [
      'two perfect tickets: 70 % of 300,000 is 210,000, 105,000 each; the jackpot grows by 15 % to 545,000',
      2,
      105_000,
      545_000,
    ],
    ['a single one: 210,000, the jackpot of 500,000 and its 15 %: 755,000; nothing is left', 1, 755_000, 0],
  ])('S13, %s; 15 % over fifty with five of six: 900', (_sum, perfect, each, jackpot) => {
    const rules: Partial<AuditRules> = {
      breakPer: '2',
      breakTo: '0.20',
      tiers: [
        { name: '6/6', share: '0.70', uncovered: 'CARRY' },
        { name: '5/6', share: '0.15', uncovered: 'CARRY' },
      ],
      unique: { tier: '6/6', unit: 200 },
      noWinner: ['CARRY'],
    };
    const sheet = legPrice(rules, 6, { jackpotInMinor: 50_000_000 }, [
      [6, perfect * 200],
      [5, 50 * 200],
      [0, 30_000_000 - perfect * 200 - 50 * 200],
    ]);
    expect(sheet.dividends.map((one) => one.paidMinor)).toEqual([perfect * each * 100, 50 * 900 * 100]);
    expect(sheet.jackpotMinor).toBe(jackpot * 100);
  });
});

describe('lines written out and counted', () => {
  const runners = (count: number): string => Array.from({ length: count }, (_, i) => i + 1).join(',');
  const lines = (poolType: AuditedPoolType, text: string): number =>
    expandSelection(
      parseSelectionText(text),
      poolType,
      bettingInterest({ declared: [], scratched: [], entries: [] }, 'NONE'),
    ).length;

  it.each<[string, AuditedPoolType, string, number]>([
    [
      'R20, R21: a trifecta box of five; 15.00 of 60.00 is a quarter, of 200.00 a win 50.00',
      'TRIFECTA',
      `BOX:${runners(5)}`,
      60,
    ],
    ['R22: box of 5 at 0.20 is 24.00', 'SUPER_HIGH_5', `BOX:${runners(5)}`, 120],
    ['R22: box of 7 at 0.20 is 504.00', 'SUPER_HIGH_5', `BOX:${runners(7)}`, 2520],
    ['R22: 1 / 2,3 / 2,3 / 4,5 / 4,5 at 0.20 is 0.80', 'SUPER_HIGH_5', '1>2,3>2,3>4,5>4,5', 4],
    [
      'R22: 1 / 2,3 / 2,3,4 / 2,3,4,5 / 2 to 10 at 0.20 is 9.60',
      'SUPER_HIGH_5',
      '1>2,3>2,3,4>2,3,4,5>2,3,4,5,6,7,8,9,10',
      48,
    ],
    [
      'R22: the flagged row, 1 / 2,3 / 2,3,4 / 2,3,4,5 / 6, has eight lines',
      'SUPER_HIGH_5',
      '1>2,3>2,3,4>2,3,4,5>6',
      8,
    ],
    ['R23: 4,7 / 1,9,11 / 2,5', 'TRIFECTA', '4,7>1,9,11>2,5', 12],
    ['R23: 5 / 1,2,3 / 1,2,3', 'TRIFECTA', '5>1,2,3>1,2,3', 6],
    ['R23: 5 / 1,2,3,4 / 1,2,3,4', 'TRIFECTA', '5>1,2,3,4>1,2,3,4', 12],
    ['R23: 9 / 3 / the field of 12', 'TRIFECTA', `9>3>${runners(12)}`, 10],
    ['R24: exacta box of 12 at 2 is 264', 'EXACTA', `BOX:${runners(12)}`, 132],
    ['R24: trifecta box of 8 at 1 is 336', 'TRIFECTA', `BOX:${runners(8)}`, 336],
    ['R24: trifecta wheel of 12 with one first', 'TRIFECTA', `1>${runners(12)}>${runners(12)}`, 110],
    ['R25: tierce of six runners in all orders', 'TIERCE', `BOX:${runners(6)}`, 120],
    ['R25: tierce of six runners in one order', 'TIERCE', `BOX.ONE:${runners(6)}`, 20],
    ['R25: two bases and the field of 16 in all orders', 'TIERCE', `CHAMP_TOTAL.ALL:1,2|${runners(16)}`, 84],
    ['R25: two bases fixed in rank and the field of 16', 'TIERCE', `CHAMP_TOTAL.ONE:1,2|${runners(16)}`, 14],
    ['R25: two bases and five in all orders', 'TIERCE', 'CHAMP_REDUIT.ALL:1,2|3,4,5,6,7', 30],
    ['R25: two bases fixed in rank and five', 'TIERCE', 'CHAMP_REDUIT.ONE:1,2|3,4,5,6,7', 5],
    [
      'R26: quinte of two bases and eight, the three in every order: 336, at 2.00 672.00',
      'QUINTE',
      'CHAMP_REDUIT.FIELD:1,2|3,4,5,6,7,8,9,10',
      336,
    ],
    ['R26: without order 56', 'PICK5_FR', 'CHAMP_REDUIT:1,2|3,4,5,6,7,8,9,10', 56],
  ])('%s', (_sum, poolType, text, count) => expect(lines(poolType, text)).toBe(count));
});

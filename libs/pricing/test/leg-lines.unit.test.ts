/** The pricing commands for pools over several races: what outsiders write, what they are answered, how they are refused. */

import { describe, expect, it } from 'vitest';
import {
  countLine,
  explained,
  moneyDifference,
  type PriceOutput,
  priceLine,
  probablesLine,
  rulesDifference,
} from '#mutuel/pricing';
import { type PoolType, ruleSetFor, ruleSets, validateRuleSets } from '#mutuel/tote';

const priced = (line: object): PriceOutput => {
  const answer = priceLine(line);
  if ('error' in answer) throw new Error(`${answer.error.message} ${answer.error.at}`);
  return answer;
};

const paid = (line: object): Record<string, string> =>
  Object.fromEntries(priced(line).dividends.map(({ tier, c, price }) => [`${tier} ${c}`, price]));

/** gross + carryIn + jackpotIn = takeout + paid + refunded + breakage - topUp + carryOut + jackpot, with the output's gross. */
const balance = (line: { jackpotIn?: number } & object): number => {
  const a = priced(line);
  const out = a.dividends.reduce((sum, one) => sum + one.paid, 0) + a.takeout + a.refunded + a.breakage - a.topUp;
  return a.gross + a.carryIn + (line.jackpotIn ?? 0) - out - a.carryOut - a.jackpot;
};

const usPool = (type: PoolType, own: object): object => ({
  ruleSet: 'US',
  rules: { takeout: '0' },
  pool: { type },
  ...own,
});

describe('price', () => {
  it.each<[string, object, Record<string, string>]>([
    [
      'a double with stakes and results: 1000.00 / 100.00',
      usPool('DAILY_DOUBLE', {
        results: [[['3']], [['7']]],
        stakes: [
          { c: '3/7', minor: 10_000 },
          { c: '1/2', minor: 90_000 },
        ],
      }),
      { 'DAILY_DOUBLE 3/7': '10.00' },
    ],
    [
      'a double, late scratch: consolation 80,000 / 40,000, then (80,000 - 20,000) / 10,000',
      usPool('DAILY_DOUBLE', {
        legs: [{ runners: ['1', '2'] }, { runners: { declared: ['4', '5', '6'] }, scratchedAfterClose: ['6'] }],
        results: [[['1']], [['4']]],
        stakes: [
          { c: '1/4', minor: 10_000 },
          { c: '1/5', minor: 20_000 },
          { c: '1/6', minor: 10_000 },
          { c: '2/4', minor: 40_000 },
        ],
      }),
      { 'DAILY_DOUBLE 1/4': '6.00', 'CONSOLATION 1/6': '2.00' },
    ],
    [
      'the same from winning stakes alone, every ticket on the first winner written with a star',
      usPool('DAILY_DOUBLE', {
        net: 80_000,
        winning: [
          { tier: 'DAILY_DOUBLE', c: '1/4', minor: 10_000 },
          { tier: 'CONSOLATION', c: '1/6', minor: 10_000 },
          { tier: 'CONSOLATION', c: '1/*', minor: 40_000 },
        ],
      }),
      { 'DAILY_DOUBLE 1/4': '6.00', 'CONSOLATION 1/6': '2.00' },
    ],
    [
      'winners of one leg each, from winning stakes: profit 1000 - 300 in halves',
      usPool('DAILY_DOUBLE', {
        gross: 100_000,
        winning: [
          { c: '3/*', minor: 10_000 },
          { c: '*/7', minor: 20_000 },
        ],
      }),
      { 'DAILY_DOUBLE 3/*': '4.50', 'DAILY_DOUBLE */7': '2.70' },
    ],
    [
      'a system of four lines at 10.00 each, two of them right in a dead heat: 1000 / 20',
      usPool('PICK3', {
        results: [[['3']], [['1']], [['2', '7']]],
        stakes: [
          { c: '3,4/1/2,7', minor: 4_000 },
          { c: '9/9/9', minor: 96_000 },
        ],
      }),
      { 'PICK3 3/1/2,7': '50.00' },
    ],
    [
      'the favourite stands in: 1000 / (100 + 100)',
      usPool('PICK3', {
        legs: [{}, { scratchedAfterClose: '5', favourite: '1' }, {}],
        results: [[['3']], [['1']], [['2']]],
        stakes: [
          { c: '3/1/2', minor: 10_000 },
          { c: '3/5/2', minor: 10_000 },
          { c: '9/9/9', minor: 80_000 },
        ],
      }),
      { 'PICK3 3/1/2': '5.00' },
    ],
    [
      'a leg that was not run is null: 1000 / 200',
      usPool('PICK3', {
        results: [[['3']], null, [['2']]],
        stakes: [
          { c: '3/1/2', minor: 10_000 },
          { c: '3/5/2', minor: 10_000 },
          { c: '9/9/9', minor: 80_000 },
        ],
      }),
      { 'PICK3 3/*/2': '5.00' },
    ],
    [
      'results beside winning stakes of a lower tier: minor share 250.00 / 100.00',
      usPool('PICK6', {
        gross: 100_000,
        results: new Array(6).fill([['1']]),
        winning: [{ tier: '5/6', c: '1/1/1/1/1/1', minor: 10_000 }],
      }),
      { '5/6 1/1/1/1/1/1': '2.50' },
    ],
    [
      'V75 of 2023-05-27 by units of 0.50 krona: 6,794 and 76 kronor a row are 13,588 and 152 for a krona',
      {
        ruleSet: 'SE',
        pool: { type: 'V75', currency: 'SEK', exponent: 2 },
        gross: 11_703_715_400,
        unit: 50,
        winning: [
          { tier: '7/7', c: '1/2/3/4/5/6/7', units: '4478.5' },
          { tier: '6/7', c: '1/2/3/4/5/6/7', units: 198_719 },
          { tier: '5/7', c: '1/2/3/4/5/6/7', units: 2_661_455 },
        ],
      },
      { '7/7 1/2/3/4/5/6/7': '13588.00', '6/7 1/2/3/4/5/6/7': '152.00' },
    ],
    [
      'a rule set of one’s own, without a shipped one',
      {
        rules: { takeout: '0.25', breakTo: '0.10' },
        pool: { type: 'PICK4' },
        results: new Array(4).fill([['1']]),
        stakes: [
          { c: '1/1/1/1', minor: 10_000 },
          { c: '2/2/2/2', minor: 10_000 },
        ],
      },
      { 'PICK4 1/1/1/1': '1.50' },
    ],
  ])('%s', (_, line, dividends) => {
    expect(paid(line)).toEqual(dividends);
    expect(balance(line)).toBe(0);
  });

  it('S13: shares that leave 15 % for a single winner, and a jackpot that came in', () => {
    const line = (units: number): Readonly<Record<string, unknown>> & { readonly jackpotIn: number } => ({
      ...{ ruleSet: 'US', pool: { type: 'PICK6' } },
      rules: {
        takeout: '0',
        tiers: [
          { name: '6/6', share: '0.70' },
          { name: '5/6', share: '0.15' },
        ],
        unique: { tier: '6/6', unit: 200 },
      },
      net: 30_000_000,
      jackpotIn: 50_000_000,
      unit: 200,
      winning: [
        { tier: '6/6', c: '1/2/3/4/5/6', units },
        { tier: '5/6', c: '1/2/3/4/5/6', units: 50 },
      ],
    });
    expect([priced(line(2)).jackpot, priced(line(1)).jackpot]).toEqual([54_500_000, 0]);
    expect(paid(line(1))['6/6 1/2/3/4/5/6']).toBe('377500.00');
    expect([balance(line(2)), balance(line(1))]).toEqual([0, 0]);
  });

  it('winners that nobody names are every ticket of their tier; a star in one leg is a leg that every runner won', () => {
    const prices = (line: object): readonly string[] => {
      const answer = priceLine(line);
      return 'dividends' in answer ? answer.dividends.map(({ price }) => price) : [JSON.stringify(answer)];
    };
    // 65 % of 10000.00 is 6500.00: 40, 20 and 40 % over 1, 5 and 50 rows of 0.50.
    const row = (tier: string, units: number): object => ({ tier, c: '*', units });
    const v75 = { ruleSet: 'SE', pool: { type: 'V75', currency: 'SEK', exponent: 2 }, gross: 1_000_000, unit: 50 };
    expect(prices({ ...v75, winning: [row('7/7', 1), row('6/7', 5), row('5/7', 50)] })).toEqual([
      '5200.00',
      '520.00',
      '104.00',
    ]);
    const pick3 = { ruleSet: 'US', pool: { type: 'PICK3' }, net: 80_000, winning: [{ c: '3/*/1', minor: 1_000 }] };
    expect(prices(pick3)).toEqual(['80.00']);
  });

  it('says each step: net pool, consolation, what is carried and why', () => {
    const answer = priced({
      ruleSet: 'UK',
      pool: { type: 'QUADPOT' },
      gross: 1_000_000,
      winning: [{ c: '1/2/3/4', minor: 40 }],
    });
    expect(answer.steps).toEqual([
      'net pool 740000 = 1000000 x (1 - 0.26)',
      'part-backed: 40 of a unit of 100 has won, the rest of the pool is carried',
      'QUADPOT: 600000 is carried, untaxed',
      'QUADPOT 1/2/3/4: exact price 7400/1 (down to 0.10 per 1, then minimum) = 7400.00; paid 296000 = 40 x 7400.00, rounded down',
      'breakage 0',
    ]);
  });
});

describe('a line over several races that is refused', () => {
  const results = [[['3']], [['1']], [['2']]];
  const stakes = [{ c: '3/1/2', minor: 100 }];
  const legs = [{ runners: ['3', '4'] }, { runners: ['1', '5'] }, { runners: ['2', '6'] }];

  it.each<[string, object, string, string]>([
    [
      'a combination of two legs',
      { results, stakes: [{ c: '3/1', minor: 100 }] },
      'INVALID_COMBINATION',
      '/stakes/0/c',
    ],
    ['a runner of no leg', { results, legs, stakes: [{ c: '3/9/2', minor: 100 }] }, 'UNKNOWN_RUNNER', '/stakes/0/c'],
    ['a runner twice in a leg', { results, stakes: [{ c: '3/1,1/2', minor: 100 }] }, 'REPEATED_RUNNER', '/stakes/0/c'],
    ['two results for three legs', { results: results.slice(0, 2), stakes }, 'INCONSISTENT', '/results'],
    ['two legs for three', { results, legs: legs.slice(0, 2), stakes }, 'INCONSISTENT', '/legs'],
    [
      'a finisher of another race',
      { results: [[['9']], [['1']], [['2']]], legs, stakes },
      'UNKNOWN_RUNNER',
      '/results/0/0/0',
    ],
    [
      'a runner that was scratched and finishes',
      {
        results,
        legs: [legs[0], { runners: ['1', '5'], scratchedAfterClose: ['1'], favourite: '5' }, legs[2]],
        stakes,
      },
      'INCONSISTENT',
      '/results/1/0/0',
    ],
    [
      'a favourite that was scratched',
      {
        results,
        legs: [legs[0], { runners: ['1', '5'], scratchedAfterClose: ['5'], favourite: '5' }, legs[2]],
        stakes,
      },
      'INCONSISTENT',
      '/legs/1/favourite',
    ],
    [
      'money on a non-runner, and nobody says who the favourite is',
      {
        results,
        legs: [legs[0], { runners: ['1', '5'], scratchedAfterClose: ['5'] }, legs[2]],
        stakes: [{ c: '3/5/2', minor: 100 }],
      },
      'MISSING_FIELD',
      '/legs/1/favourite',
    ],
    [
      'a tier that the pool has not',
      { winning: [{ tier: '4/5', c: '3/1/2', minor: 1 }], gross: 100 },
      'UNKNOWN_TIER',
      '/winning/0/tier',
    ],
    ['no result and no winner', { stakes }, 'MISSING_FIELD', '/results'],
    ['winners without the pool', { winning: [{ c: '3/1/2', minor: 1 }] }, 'MISSING_FIELD', '/gross'],
    [
      'winners worth more than the pool',
      { winning: [{ c: '3/1/2', minor: 200 }], gross: 100 },
      'INCONSISTENT',
      '/winning',
    ],
    ['more refunds than money', { results, stakes, gross: 100, refunds: 101 }, 'INCONSISTENT', '/refunds'],
    [
      'tiers that do not add to one',
      { results, stakes, rules: { tiers: [{ name: '3/3', share: '0.5' }] } },
      'SHARES_NOT_ONE',
      '/rules/tiers',
    ],
    [
      'a hole in a leg’s ranks',
      { results: [[['3'], [], ['1']], [['1']], [['2']]], stakes },
      'RANK_HOLE',
      '/results/0/1',
    ],
    [
      'more dead-heaters than a leg has runners',
      { results: [[['3', '1', '2', '4']], [['1']], [['2']]], legs: [{ runners: ['3', '1'] }, {}, {}], stakes },
      'TOO_MANY_DEAD_HEATERS',
      '/results/0/0',
    ],
    ['a pool of zero', { results, stakes: [{ c: '3/1/2', minor: 0 }] }, 'EMPTY_POOL', '/stakes'],
    ['a gross pool of zero', { gross: 0, winning: [] }, 'EMPTY_POOL', '/gross'],
    ['a carry-in beyond 2^53', { results, stakes, carryIn: 9_007_199_254_740_991 }, 'AMOUNT_TOO_LARGE', '/gross'],
    ['a negative stake', { results, stakes: [{ c: '3/1/2', minor: -1 }] }, 'NEGATIVE_AMOUNT', '/stakes/0/minor'],
  ])('%s', (_, own, code, at) => {
    const answer = priceLine({ id: 'x', ruleSet: 'US', pool: { type: 'PICK3' }, ...own });
    expect(answer).toEqual({ id: 'x', error: { code, message: expect.stringMatching(/\.$/), at } });
  });

  it('a consolation without the stakes that it is divided by, and a placepot without its runners', () => {
    const winning = [
      { c: '1/4', minor: 100 },
      { tier: 'CONSOLATION', c: '1/6', minor: 100 },
    ];
    const double = priceLine({ ruleSet: 'US', pool: { type: 'DAILY_DOUBLE' }, gross: 1_000, winning });
    expect(double).toMatchObject({ error: { code: 'MISSING_FIELD', at: '/winning' } });
    const pot = { results: new Array(6).fill([['1'], ['2']]), stakes: [{ c: '1/1/1/1/1/1', minor: 100 }] };
    const placepot = priceLine({ ruleSet: 'UK', pool: { type: 'PLACEPOT' }, ...pot });
    expect(placepot).toMatchObject({ error: { code: 'MISSING_FIELD', at: '/legs/0/runners' } });
  });
});

describe('count and probables', () => {
  it('R27: placepot of six lines at 1.00, scoop6 of eight at 2.00; a flexi stake buys a part of them', () => {
    const legs = (sizes: readonly number[]): string[][] =>
      sizes.map((size) => Array.from({ length: size }, (_, i) => `${i + 1}`));
    const count = (type: PoolType, sizes: readonly number[], own: object): object =>
      countLine({ type, form: 'MULTI_LEG', columns: legs(sizes), ...own });
    expect(count('PLACEPOT', [3, 1, 1, 1, 1, 2], { unit: 100 })).toMatchObject({ lines: 6, cost: 600 });
    expect(count('SCOOP6', [1, 1, 1, 2, 2, 2], { unit: 200 })).toMatchObject({ lines: 8, cost: 1_600 });
    expect(count('PICK4', [2, 2, 2, 2], { unit: 100, stake: 400 })).toMatchObject({ lines: 16, flexi: '1/4' });
  });

  it('will-pays by the last leg’s runner, with the consolation of a late scratch', () => {
    const line = {
      ruleSet: 'US',
      rules: { takeout: '0' },
      pool: { type: 'DAILY_DOUBLE' },
      legs: [{ runners: ['1', '2'] }, { runners: ['4', '5', '6', '7'], scratchedAfterClose: ['6'] }],
      results: [[['1']]],
      stakes: [
        { c: '1/4', minor: 10_000 },
        { c: '1/5', minor: 20_000 },
        { c: '1/6', minor: 10_000 },
        { c: '2/4', minor: 40_000 },
      ],
    };
    const answer = probablesLine(line);
    expect('odds' in answer && answer.odds.map(({ c, price }) => [c, price])).toEqual([
      ['1/4', '6.00'],
      ['1/5', '3.00'],
      ['1/7', null],
      ['1/6', '2.00'],
    ]);
  });

  it('before the first leg each backed combination has the price it would be paid', () => {
    const stakes = [
      { c: '1/2/4', minor: 10_000 },
      { c: '1/2/5,6', minor: 20_000 },
    ];
    const answer = probablesLine({ ruleSet: 'US', rules: { takeout: '0' }, pool: { type: 'PICK3' }, stakes });
    expect('odds' in answer && answer.odds.map(({ c, price }) => [c, price])).toEqual([
      ['1/2/4', '3.00'],
      ['1/2/5', '3.00'],
      ['1/2/6', '3.00'],
    ]);
  });
});

describe('rule sets in plain language', () => {
  it.each(ruleSets.map((rules) => [rules.id, rules] as const))('%s says all it has, in sentences', (_, rules) => {
    const text = explained(rules);
    expect(text.split('\n')[0]).toContain(rules.validFrom);
    const sentences = text.split('\n').filter((line) => line.startsWith('  '));
    expect(sentences.length).toBeGreaterThan(5);
    for (const sentence of sentences) {
      expect(sentence).toMatch(/[.]$/);
      expect(sentence).not.toMatch(/undefined|null|NaN|\[object/);
    }
  });

  it('the French quinté of 2019 in words', () => {
    const rules = ruleSetFor('FR', 'QUINTE');
    const text = rules ? explained(rules) : '';
    expect(text).toContain('ORDER: 28 % of the pool');
    expect(text).toContain('BONUS3: 26 % of the pool');
    expect(text).toContain('At least 1.10 is paid for 1.');
  });

  it('dime and nickel differ in the break point alone, and by that much on a race: 6.66 breaks to 6.60 and 6.65', () => {
    expect(rulesDifference('US', 'US')).toEqual([]);
    const fields = rulesDifference('US', 'US-NICKEL').flatMap((pool) => pool.fields.map(({ field }) => field));
    expect([...new Set(fields)]).toEqual(['breakTo']);
    const race = {
      pool: { type: 'WIN' },
      rules: { takeout: '0' },
      result: [['1']],
      stakes: [
        { c: '1', minor: 15_000 },
        { c: '2', minor: 84_900 },
      ],
    };
    expect(moneyDifference('US', 'US-NICKEL', [race, { pool: { type: 'WIN' } }])).toEqual([
      {
        ...{ poolType: 'WIN', races: 1, refused: 1, differing: 1, paidA: 99_000, paidB: 99_750 },
        ...{ takeoutA: 0, takeoutB: 0, carryOutA: 0, carryOutB: 0 },
      },
    ]);
  });

  it('a list of rule sets in which two begin on one day is refused with the places of both', () => {
    const [first] = ruleSets;
    expect(validateRuleSets([...ruleSets])).toEqual([]);
    expect(validateRuleSets([first, { ...first, id: 'another' }])).toEqual([
      { at: '/1/validFrom', message: expect.stringContaining('this one and number 0'), code: 'OVERLAPPING_DATES' },
    ]);
    expect(validateRuleSets([first, { ...first, takeout: '2' }])).toMatchObject([{ at: '/1/takeout' }]);
  });
});

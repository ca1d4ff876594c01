/**
 * The pricing commands as a process that an outsider starts: the worked cases of the rule book as lines, by file and by
 * standard input, with exit codes. R07 is a matter of the library alone (`pricing.unit.test.ts` of the mathematics).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'mutuel-pricing-'));
afterAll(() => rmSync(folder, { recursive: true }));

function mutuel(
  words: readonly string[],
  input?: string,
): { readonly lines: readonly Answer[]; readonly code: number } {
  const args = ['--import', 'tsx', '--conditions=src', 'apps/cli/src/main.ts', ...words];
  const { stdout, status } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    ...(input && { input }),
  });
  return {
    lines: stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
    code: status ?? -1,
  };
}

interface Answer {
  readonly id?: string;
  readonly [field: string]: unknown;
}

const dollars = (
  amounts: Readonly<Record<string, number>>,
): readonly { readonly c: string; readonly minor: number }[] =>
  Object.entries(amounts).map(([c, amount]) => ({ c, minor: Math.round(amount * 100) }));
const upTo = (count: number, from = 1): readonly string[] =>
  Array.from({ length: count - from + 1 }, (_, i) => String(from + i));
const pool = (type: string, currency = 'USD', exponent = 2): object => ({ pool: { type, currency, exponent } });
const yen = (type: string): object => pool(type, 'JPY', 0);
const euro = (type: string): object => pool(type, 'EUR');

type Cases = Readonly<Record<string, readonly [line: object, sum: string, expected: object]>>;

/** Id of the case; the line; the sum in words; the part of the answer that it is about. */
const prices: Cases = {
  R01: [
    {
      ruleSet: 'US',
      rules: { takeout: '0.18' },
      ...pool('WIN'),
      gross: 19_423_000,
      refunds: 131_700,
      winning: dollars({ 4: 23_872 }),
    },
    '(194230.00 - 1317.00) x 0.82 = 158188.66; / 23872.00 = 6.6265, the dime 6.60; 157555.20 paid, 633.46 broken',
    {
      gross: 19_291_300,
      takeout: 3_472_434,
      net: 15_818_866,
      breakage: 63_346,
      dividends: [{ c: '4', price: '6.60', paid: 15_755_520 }],
    },
  ],
  R02: [
    {
      rules: { takeout: '0.1425', breakTo: 'none', rounding: 'NEAREST', digits: 2 },
      ...pool('WIN'),
      result: [['4']],
      stakes: dollars({ 1: 60, 2: 140, 3: 24, 4: 110, 5: 220, 6: 94, 7: 300, 8: 80 }),
    },
    '1028.00 less 146.49 = 881.51; / 110.00 = 8.0137, the nearest cent 8.01',
    { takeout: 14_649, net: 88_151, dividends: [{ price: '8.01' }] },
  ],
  R05: [
    { ruleSet: 'AU', rules: { takeout: '0.145' }, ...pool('WIN', 'AUD'), gross: 40_000, winning: dollars({ 1: 100 }) },
    '400.00 x 0.855 = 342.00; / 100.00 = 3.42, the ten cents 3.40',
    { net: 34_200, dividends: [{ price: '3.40' }] },
  ],
  'R05 of the eighth': [
    { ruleSet: 'AU', rules: { takeout: '0.145' }, ...pool('WIN', 'AUD'), gross: 40_000, winning: dollars({ 8: 10 }) },
    '342.00 / 10.00 = 34.20',
    { dividends: [{ price: '34.20' }] },
  ],
  R08: [
    {
      ruleSet: 'JP',
      rules: { takeout: '0.20' },
      ...yen('WIN'),
      gross: 9_000_000,
      winning: [{ c: '1', minor: 5_000_000 }],
    },
    '0.8 x (5000000 + 4000000) = 7200000; 1.44 for one, by ten yen per hundred 1.40',
    { net: 7_200_000, dividends: [{ price: '1.40' }] },
  ],
  'R09 by profit': [
    {
      rules: { takeout: '0.20', split: 'PROFIT_SPLIT', places: 3, breakTo: '10', breakPer: '100' },
      ...yen('PLACE'),
      gross: 1_000_000,
      winning: [
        { c: 'A', minor: 100_000 },
        { c: 'B', minor: 80_000 },
        { c: 'C', minor: 20_000 },
      ],
    },
    '800000 - 200000 = 600000, a third each: 1 + 2, 1 + 2.5, 1 + 10',
    { dividends: [{ price: '3.00' }, { price: '3.50' }, { price: '11.00' }] },
  ],
  'R09 by Japanese law': [
    {
      ruleSet: 'JP',
      rules: { takeout: '0.20' },
      ...yen('PLACE'),
      gross: 1_000_000,
      winning: [
        { c: 'A', minor: 100_000 },
        { c: 'B', minor: 80_000 },
        { c: 'C', minor: 20_000 },
      ],
    },
    '0.8 x (W + 800000 / 3) / W: 2.93, 3.47, 11.47, by ten yen per hundred',
    { dividends: [{ price: '2.90' }, { price: '3.40' }, { price: '11.40' }] },
  ],
  'R16 win': [
    {
      rules: { takeout: '0.15', breakTo: 'none', rounding: 'NEAREST' },
      ...pool('WIN', 'AUD'),
      result: [['2'], ['3'], ['1']],
      stakes: dollars({ 1: 61, 2: 110, 3: 90, 4: 77 }),
    },
    '338 x 0.85 / 110 = 2.6118',
    { dividends: [{ c: '2', price: '2.61' }] },
  ],
  'R16 place': [
    {
      rules: { takeout: '0.12', split: 'GROSS_SPLIT', places: 3, breakTo: 'none', rounding: 'NEAREST' },
      ...pool('PLACE', 'AUD'),
      result: [['2'], ['3'], ['1']],
      stakes: dollars({ 1: 89, 2: 179, 3: 149, 4: 229 }),
    },
    'a third of 646 x 0.88 = 189.49 over 179, 149 and 89',
    {
      dividends: [
        { c: '2', price: '1.06' },
        { c: '3', price: '1.27' },
        { c: '1', price: '2.13' },
      ],
    },
  ],
  'R16 exacta': [
    {
      rules: { takeout: '0.18', breakTo: 'none', rounding: 'NEAREST' },
      ...pool('EXACTA', 'AUD'),
      result: [['2'], ['3'], ['1']],
      stakes: dollars({ '1>2': 99, '2>3': 206, '1>3': 203, '3>2': 103 }),
    },
    '611 x 0.82 / 206 = 2.4321',
    { dividends: [{ c: '2>3', price: '2.43' }] },
  ],
  R17: [
    {
      ruleSet: 'JP',
      rules: { takeout: '0.25' },
      ...yen('WIN5'),
      gross: 400_000_000,
      carryIn: 600_000_000,
      unit: 1,
      winning: [{ c: '1/2/3/4/5', units: 2 }],
    },
    '400 million x 0.75 + 600 million = 900 million, 450 million a unit',
    { net: 300_000_000, carryOut: 0, dividends: [{ price: '450000000.00', paid: 900_000_000 }] },
  ],
  'R19 without a take': [
    {
      rules: { takeout: '0', breakTo: 'none' },
      ...euro('WIN'),
      result: [['1']],
      stakes: dollars({ 1: 10, 2: 5, 3: 20, 4: 15 }),
    },
    '50 / 10 = 5.00, 4 to 1',
    { dividends: [{ price: '5.00' }] },
  ],
  'R19 after 20 %': [
    {
      rules: { takeout: '0.20', breakTo: 'none', rounding: 'NEAREST' },
      ...euro('WIN'),
      result: [['4']],
      stakes: dollars({ 1: 10, 2: 5, 3: 20, 4: 15 }),
    },
    '40 / 15 = 2.6667, the nearest cent 2.67',
    { dividends: [{ price: '2.67' }] },
  ],
  S01: [
    { ruleSet: 'US', ...pool('WIN'), net: 800_000, result: [['A', 'B']], winning: dollars({ A: 1_000, B: 3_000 }) },
    'profit 4000, half each: 1 + 2000/1000 = 3.00; 1 + 2000/3000 = 1.6667, the dime 1.60; 200.00 broken',
    {
      breakage: 20_000,
      dividends: [
        { c: 'A', price: '3.00' },
        { c: 'B', price: '1.60', exact: '5/3' },
      ],
    },
  ],
  S03: [
    {
      ruleSet: 'US',
      ...pool('PLACE'),
      net: 1_000_000,
      runners: { declared: ['A', 'B', 'C', 'D', 'E'] },
      result: [['A'], ['B', 'C']],
      winning: dollars({ A: 1_000, B: 500, C: 500 }),
    },
    'profit 8000: half over 1000, a quarter over 500 each: 5.00 all',
    { dividends: [{ price: '5.00' }, { price: '5.00' }, { price: '5.00' }] },
  ],
  S05: [
    {
      ruleSet: 'US',
      rules: { takeout: '0.16', minimum: '1.05' },
      ...pool('SHOW'),
      gross: 10_000_000,
      winning: dollars({ A: 70_000, B: 2_000, C: 3_000 }),
    },
    'profit 84000 - 75000 = 9000, 3000 each: 1.0429 raised to 1.05, 2.50, 2.00; 84500 paid, 500 more than there is',
    {
      topUp: 50_000,
      breakage: 0,
      dividends: [{ price: '1.05', exact: '73/70' }, { price: '2.50' }, { price: '2.00' }],
    },
  ],
  'S07 standard': [
    {
      ruleSet: 'US',
      rules: { takeout: '0.20' },
      ...pool('PLACE'),
      gross: 1_000_000,
      winning: dollars({ 1: 5_000, 2: 400 }),
    },
    'profit 8000 - 5400 = 2600, 1300 each: 1.26 and 4.25, by dimes',
    {
      dividends: [
        { price: '1.20', exact: '63/50' },
        { price: '4.20', exact: '17/4' },
      ],
    },
  ],
  'S07 net': [
    {
      ruleSet: 'US',
      rules: { takeout: '0.20', pricing: 'NET' },
      ...pool('PLACE'),
      gross: 1_000_000,
      winning: dollars({ 1: 5_000, 2: 400 }),
    },
    'net bets 4000 and 320; 1840 each: (1 + 0.46) x 0.8 = 1.168, (1 + 5.75) x 0.8 = 5.40',
    {
      dividends: [
        { price: '1.10', exact: '146/125' },
        { price: '5.40', exact: '27/5' },
      ],
    },
  ],
  ...Object.fromEntries(
    [
      ['0.90', '1.02'],
      ['0.91', '1.10'],
      ['1.09', '1.10'],
      ['1.19', '1.10'],
    ].map(([calculated, payable]) => [
      `S08 win of ${calculated}`,
      [
        {
          ruleSet: 'UK',
          ...pool('WIN', 'GBP'),
          net: Math.round(Number(calculated) * 10_000),
          winning: [{ c: '1', minor: 10_000 }],
        },
        'the two steps',
        { dividends: [{ price: payable }] },
      ],
    ]),
  ),
  ...Object.fromEntries(
    [
      ['0.70', '1.02'],
      ['0.71', '1.10'],
      ['1.34', '1.30'],
    ].map(([calculated, payable]) => [
      `S08 swinger of ${calculated}`,
      [
        {
          ruleSet: 'UK',
          ...pool('QUINELLA_PLACE', 'GBP'),
          net: Math.round(Number(calculated) * 10_000),
          winning: [{ c: '1-2', minor: 10_000 }],
        },
        'the swinger’s steps',
        { dividends: [{ price: payable }] },
      ],
    ]),
  ),
  S10: [
    {
      ruleSet: 'FR',
      ...euro('QUINELLA_PLACE'),
      net: 1_000_000,
      winning: dollars({ '1-2': 500, '1-3': 300, '2-3': 200 }),
    },
    '10000 - 1000 = 9000, 3000 each: 1 + 6, 1 + 10, 1 + 15',
    { dividends: [{ price: '7.00' }, { price: '11.00' }, { price: '16.00' }] },
  ],
  'S11 of 2002': [
    { ruleSet: 'FR@2002-01-01', ...euro('QUINTE'), net: 74_000_000 },
    '1.5 % of 740000 = 11100 to the reserve; 45, 20 and 35 % of 728900',
    {
      ruleSet: 'FR@2002-01-01',
      jackpot: 1_110_000,
      tiers: [
        { tier: 'QUINTE', pool: 32_800_500 },
        { tier: 'BONUS4', pool: 14_578_000 },
        { tier: 'BONUS3', pool: 25_511_500 },
      ],
    },
  ],
  'S11 of 2019': [
    { ruleSet: 'FR', ...euro('QUINTE'), net: 74_000_000 },
    '28, 29, 17 and 26 % of 740000',
    {
      ruleSet: 'FR@2019-01-10',
      tiers: [
        { tier: 'ORDER', pool: 20_720_000 },
        { tier: 'DISORDER', pool: 21_460_000 },
        { tier: 'BONUS4', pool: 12_580_000 },
        { tier: 'BONUS3', pool: 19_240_000 },
      ],
    },
  ],
  'S13 with two': [
    {
      rules: {
        takeout: '0',
        tiers: [
          { name: '6/6', share: '0.70' },
          { name: '5/6', share: '0.15' },
        ],
        unique: { tier: '6/6', unit: 200 },
        breakTo: '0.20',
        breakPer: '2',
      },
      ...pool('PICK6'),
      net: 30_000_000,
      jackpotIn: 50_000_000,
      unit: 200,
      winning: [
        { tier: '6/6', c: '1/2/3/4/5/6', units: 2 },
        { tier: '5/6', c: '*', units: 50 },
      ],
    },
    '70 % of 300000 = 210000 for two of two dollars, 105000 each; 45000 / 50 = 900; 500000 + 45000 wait',
    { jackpot: 54_500_000, dividends: [{ price: '52500.00', paid: 21_000_000 }, { price: '450.00' }] },
  ],
  'S13 with one': [
    {
      rules: {
        takeout: '0',
        tiers: [
          { name: '6/6', share: '0.70' },
          { name: '5/6', share: '0.15' },
        ],
        unique: { tier: '6/6', unit: 200 },
        breakTo: '0.20',
        breakPer: '2',
      },
      ...pool('PICK6'),
      net: 30_000_000,
      jackpotIn: 50_000_000,
      unit: 200,
      winning: [
        { tier: '6/6', c: '1/2/3/4/5/6', units: 1 },
        { tier: '5/6', c: '*', units: 50 },
      ],
    },
    '210000 + 500000 + 45000 = 755000 for the one; nothing waits',
    { jackpot: 0, dividends: [{ price: '377500.00', paid: 75_500_000 }, { price: '450.00' }] },
  ],
  S15: [
    { ruleSet: 'US', ...pool('EXACTA'), net: 800_000, winning: dollars({ 'A>*': 500, '*>B': 300 }) },
    'profit 8000 - 800 = 7200, half each: 1 + 3600/500 = 8.20, 1 + 3600/300 = 13.00',
    {
      dividends: [
        { c: 'A>*', price: '8.20' },
        { c: '*>B', price: '13.00' },
      ],
    },
  ],
  ...Object.fromEntries(
    [
      ['0.275', '0.70'],
      ['0.225', '0.70'],
      ['0.20', '0.80'],
    ].map(([takeout, rate]) => [
      `S16 less ${takeout}`,
      [
        {
          ruleSet: 'JP',
          rules: { takeout },
          ...yen('TRIFECTA'),
          runners: { declared: upTo(8) },
          result: [['1'], ['2'], ['3']],
          stakes: [{ c: '4>5>6', minor: 100_000 }],
        },
        'the net rate by ten yen per hundred',
        { outcome: 'PAID', dividends: [{ c: '*', price: rate }] },
      ],
    ]),
  ),
  S18: [
    {
      ruleSet: 'FR',
      ...euro('MULTI'),
      net: 3_000_000,
      winning: [
        ['M4', 100],
        ['M5', 300],
        ['M6', 900],
        ['M7', 2_000],
      ].map(([tier, amount]) => ({ tier, c: '1-2-3-4', minor: Number(amount) * 100 })),
    },
    '30000 / (100 x 105 + 300 x 21 + 900 x 7 + 2000 x 3) = 1.0309, cut to 1.00, times 105, 21, 7 and 3',
    { dividends: [{ price: '105.00' }, { price: '21.00' }, { price: '7.00' }, { price: '3.00' }] },
  ],
  report: [
    {
      ruleSet: 'FR',
      ...euro('REPORT'),
      stakes: [{ c: '4/7/1', minor: 1_000 }],
      parts: [{ price: '3.40', quarters: 2 }, { price: '2.10' }, { price: '1.70' }],
    },
    '10.00 x 3.40 = 34.00, half of it 17.00 goes on; x 2.10 = 35.70; x 1.70 = 60.69; 17.00 + 60.69 in hand',
    { gross: 7_769, dividends: [{ tier: 'REPORT', c: '4/7/1', price: '7.76', stake: 1_000, paid: 7_769 }] },
  ],
  'report that is lost': [
    {
      ruleSet: 'FR',
      ...euro('REPORT'),
      stakes: [{ c: '4/7', minor: 1_000 }],
      parts: [{ price: '0' }, { price: '2.10' }],
    },
    'the first loses: nothing goes on',
    { dividends: [{ price: '0.00', paid: 0 }] },
  ],
};

const wheel = (text: string): object => ({
  form: 'WHEEL',
  columns: text.split('/').map((column) => column.split(',')),
});
const cost = (name: string, line: object, lines: number, unit: number): readonly [string, Cases[string]] => [
  name,
  [{ ...line, unit }, `${lines} lines`, { lines, cost: lines * unit }],
];

const counts: Cases = {
  R20: [
    { type: 'TRIFECTA', form: 'BOX', runners: upTo(5), unit: 100, stake: 1_500, dividend: '200.00' },
    '15.00 of 60.00 is a quarter, of 200.00 it collects 50.00',
    { lines: 60, cost: 1_500, flexi: '1/4', refund: 0, collect: 5_000 },
  ],
  'R21 three': [
    {
      type: 'TRIFECTA',
      form: 'BOX',
      runners: upTo(5),
      unit: 100,
      stake: 300,
      dividend: '1000',
      flexiPolicy: 'WHOLE_PERCENT',
    },
    '3 of 60 is 5 %, 50.00 of 1000',
    { flexi: '1/20', collect: 5_000, refund: 0 },
  ],
  'R21 eighteen': [
    {
      type: 'TRIFECTA',
      form: 'BOX',
      runners: upTo(5),
      unit: 100,
      stake: 1_800,
      dividend: '1000',
      flexiPolicy: 'WHOLE_PERCENT',
    },
    '18 of 60 is 30 %, 300.00 of 1000',
    { flexi: '3/10', collect: 30_000, refund: 0 },
  ],
  'R21 cut to a whole percent': [
    { type: 'TRIFECTA', form: 'BOX', runners: upTo(5), unit: 100, stake: 1_799, flexiPolicy: 'WHOLE_PERCENT' },
    '17.99 of 60.00 is 29.98 %: 29 % costs 17.40, 0.59 are given back',
    { flexi: '29/100', cost: 1_740, refund: 59 },
  ],
  ...Object.fromEntries([
    ...[120, 720, 2_520, 6_720, 15_120, 30_240].map((lines, i) =>
      cost(`R22 box of ${5 + i}`, { type: 'SUPER_HIGH_5', form: 'BOX', runners: upTo(5 + i) }, lines, 20),
    ),
    ...[6, 24, 60, 120, 210, 336].map((lines, i) =>
      cost(
        `R22 wheel of ${5 + i}`,
        { type: 'SUPER_HIGH_5', ...wheel(`1/2/${['', '', ''].map(() => upTo(5 + i, 3).join(',')).join('/')}`) },
        lines,
        20,
      ),
    ),
    ...[24, 120, 360, 840, 1_680, 3_024].map((lines, i) =>
      cost(
        `R22 key of ${5 + i}`,
        { type: 'SUPER_HIGH_5', form: 'KEY', bases: ['1'], associated: upTo(5 + i, 2) },
        lines,
        20,
      ),
    ),
    ...(
      [
        ['1/2,3/2,3/4,5/4,5', 4],
        ['1/2,3,4/2,3,4/2,3,4/5,6,7', 18],
        ['1/2,3,4,5/2,3,4,5/2,3,4,5/6', 24],
        ['1,2/1,2,3/1,2,3,4/1,2,3,4,5/1,2,3,4,5,6', 32],
        ['1/2,3,4/2,3,4/2,3,4/5,6,7,8,9,10', 36],
        ['1/2,3/2,3,4/2,3,4,5/2,3,4,5,6,7,8,9,10', 48],
      ] as const
    ).map(([columns, lines]) => cost(`R22 ${columns}`, { type: 'SUPER_HIGH_5', ...wheel(columns) }, lines, 20)),
    ...(
      [
        ['4,7/1,9,11/2,5', 12],
        ['5/1,2,3/1,2,3', 6],
        ['5/1,2,3,4/1,2,3,4', 12],
        ['9/3/ALL', 10],
      ] as const
    ).map(([columns, lines]) => cost(`R23 ${columns}`, { type: 'TRIFECTA', ...wheel(columns), field: 12 }, lines, 100)),
    ...[4, 12, 24, 40, 60, 84, 112, 144, 180, 220, 264].map((dollarsOf, i) =>
      cost(`R24 exacta box of ${2 + i}`, { type: 'EXACTA', form: 'BOX', runners: upTo(2 + i) }, dollarsOf / 2, 200),
    ),
    ...[6, 24, 60, 120, 210, 336].map((lines, i) =>
      cost(`R24 trifecta box of ${3 + i}`, { type: 'TRIFECTA', form: 'BOX', runners: upTo(3 + i) }, lines, 100),
    ),
    ...[20, 30, 42, 56, 72, 90, 110].map((lines, i) =>
      cost(`R24 trifecta wheel of ${6 + i}`, { type: 'TRIFECTA', ...wheel('1/ALL/ALL'), field: 6 + i }, lines, 100),
    ),
    ...(
      [
        ['combinee simplifiee', { form: 'BOX', runners: upTo(6), orders: 'ONE' }, 20],
        ['combinee tous ordres', { form: 'BOX', runners: upTo(6), orders: 'ALL' }, 120],
        ['champ total simplifie', { form: 'CHAMP_TOTAL', bases: ['1', '2'], field: 16, orders: 'ONE' }, 14],
        ['champ total tous ordres', { form: 'CHAMP_TOTAL', bases: ['1', '2'], field: 16, orders: 'ALL' }, 84],
        [
          'champ partiel simplifie',
          { form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: upTo(7, 3), orders: 'ONE' },
          5,
        ],
        [
          'champ partiel tous ordres',
          { form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: upTo(7, 3), orders: 'ALL' },
          30,
        ],
      ] as const
    ).map(([name, line, lines]) => cost(`R25 ${name}`, { type: 'TIERCE', ...line }, lines, 100)),
  ]),
  R26: [
    { type: 'QUINTE', form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: upTo(10, 3), orders: 'FIELD', unit: 200 },
    'bases fixed in rank, 8 x 7 x 6 = 336 orders of the others, 672.00; 28 pairs for the bonus 4',
    { lines: 336, cost: 67_200, ranks: { BONUS4: 28 } },
  ],
  'R26 unordered': [
    { type: 'QUINTE', form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: upTo(10, 3), orders: 'ONE', unit: 200 },
    'C(8, 3) = 56',
    { lines: 56 },
  ],
  'R27 placepot': [
    {
      type: 'PLACEPOT',
      form: 'MULTI_LEG',
      columns: [['1', '2', '3'], ['1'], ['1'], ['1'], ['1'], ['1', '2']],
      unit: 100,
    },
    '3 x 1 x 1 x 1 x 1 x 2',
    { lines: 6, cost: 600 },
  ],
  'R27 scoop6': [
    {
      type: 'SCOOP6',
      form: 'MULTI_LEG',
      columns: [['1'], ['1'], ['1'], ['1', '2'], ['1', '2'], ['1', '2']],
      unit: 200,
    },
    '1 x 1 x 1 x 2 x 2 x 2',
    { lines: 8, cost: 1_600 },
  ],
};

const odds = (of: Readonly<Record<string, string>>): object => ({
  odds: Object.entries(of).map(([c, price]) => ({ c, price })),
});
const ranges = (of: Readonly<Record<string, readonly [string, string]>>): object => ({
  odds: Object.entries(of).map(([c, [low, high]]) => ({ c, price: null, low, high })),
});

const boards: Cases = {
  R03: [
    {
      rules: { takeout: '0.1425', breakTo: 'none', rounding: 'NEAREST', digits: 2 },
      ...pool('WIN'),
      stakes: dollars({ 1: 30, 2: 70, 3: 12, 4: 55, 5: 110, 6: 47, 7: 150, 8: 40 }),
    },
    '514.00 x 0.8575 = 440.755 over each stake, to the nearest cent',
    {
      net: 44_076,
      ...odds({ 1: '14.69', 2: '6.30', 3: '36.73', 4: '8.01', 5: '4.01', 6: '9.38', 7: '2.94', 8: '11.02' }),
    },
  ],
  R10: [
    {
      rules: { takeout: '0.20', split: 'JAPAN', places: 3, breakTo: '0.1', digits: 1 },
      ...yen('PLACE'),
      runners: { declared: ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'] },
      stakes: Object.entries({ A: 10_000, B: 8_000, C: 7_000, D: 5_000, E: 4_000, F: 3_000, G: 2_000, H: 1_000 }).map(
        ([c, minor]) => ({ c, minor }),
      ),
    },
    'low with the two most backed others placed, high with the two least backed',
    ranges({
      A: ['1.2', '1.5'],
      B: ['1.3', '1.7'],
      C: ['1.3', '1.9'],
      D: ['1.7', '2.5'],
      E: ['2.0', '3.0'],
      F: ['2.4', '3.8'],
      G: ['3.4', '5.3'],
      H: ['6.4', '9.8'],
    }),
  ],
};

describe.each([
  ['price', prices],
  ['count', counts],
  ['probables', boards],
] as const)('npx mutuel %s', (command, cases) => {
  let answers: ReadonlyMap<string | undefined, Answer>;
  let code = -1;
  beforeAll(() => {
    const file = join(folder, `${command}.jsonl`);
    writeFileSync(
      file,
      Object.entries(cases)
        .map(([id, [line]]) => JSON.stringify({ id, ...line }))
        .join('\n'),
    );
    const answered = mutuel([command, file]);
    answers = new Map(answered.lines.map((line) => [line.id, line]));
    code = answered.code;
  });

  it.each(Object.entries(cases).map(([id, [, sum, expected]]) => [id, sum, expected] as const))(
    '%s: %s',
    (id, _, expected) => {
      expect(answers.get(id)).toMatchObject(expected);
    },
  );

  it('answers every line in order and exits 0', () => {
    expect([...answers.keys()]).toEqual(Object.keys(cases));
    expect(code).toBe(0);
  });
});

describe('the line protocol of the process', () => {
  const good = { id: 'good', ruleSet: 'US', ...pool('WIN'), gross: 1_000, winning: [{ c: '1', minor: 100 }] };

  it('standard input: a refused line stands in its place, the others are answered, and the exit code is 2', () => {
    const text = [good, { ...good, id: 'bad', gross: -1 }, { ...good, id: 'last' }].map((line) => JSON.stringify(line));
    const { lines, code } = mutuel(['price', '-'], text.join('\n'));
    expect(lines.map(({ id, error }) => [id, error])).toEqual([
      ['good', undefined],
      ['bad', { code: 'NEGATIVE_AMOUNT', message: '-1 is less than 0.', at: '/gross' }],
      ['last', undefined],
    ]);
    expect(code).toBe(2);
  });

  it('a file may hold one object over several lines', () => {
    const file = join(folder, 'one.json');
    writeFileSync(file, JSON.stringify(good, null, 2));
    const { lines, code } = mutuel(['price', file]);
    expect([lines.length, lines[0]?.id, code]).toEqual([1, 'good', 0]);
  });
});

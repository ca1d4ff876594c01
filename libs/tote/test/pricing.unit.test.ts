/** Worked cases, each with its sum in words; the figures are published or synthetic ones, named by their source. */

import { describe, expect, it } from 'vitest';
import { type Finish, payoutMinor, pricePool, type RuleSet, ruleSetFor, type Sheet } from '#mutuel/tote';

interface Case {
  readonly rules: RuleSet;
  readonly declared?: readonly string[];
  readonly scratched?: readonly string[];
  readonly entries?: readonly (readonly string[])[];
  readonly finish: Finish;
  readonly gross?: number;
  readonly refunds?: number;
  readonly carryIn?: number;
  readonly stakes: Readonly<Record<string, number>>;
}

type Type = 'WIN' | 'PLACE' | 'SHOW' | 'QUINELLA' | 'EXACTA' | 'TRIFECTA';

const rulesOf = (name: string, type: Type, own: Partial<RuleSet> = {}): RuleSet => {
  const rules = ruleSetFor(name, type);
  if (!rules) throw new Error(`no rules ${name} for ${type}`);
  return { ...rules, ...own };
};
const us = (type: Type, own: Partial<RuleSet> = {}): RuleSet => rulesOf('US', type, own);
const fr = (type: Type, own: Partial<RuleSet> = {}): RuleSet => rulesOf('FR', type, own);
/** Where a case gives the net pool, the takeout is nothing and the net is staked. */
const net: Partial<RuleSet> = { takeout: '0' };

const total = (stakes: Readonly<Record<string, number>>): number => Object.values(stakes).reduce((a, b) => a + b, 0);

const price = (c: Case): Sheet =>
  pricePool({
    ruleSet: c.rules,
    field: {
      declared: c.declared ?? ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'],
      scratched: c.scratched ?? [],
      entries: c.entries ?? [],
    },
    finish: c.finish,
    grossMinor: c.gross ?? total(c.stakes),
    refundsMinor: c.refunds ?? 0,
    carryInMinor: c.carryIn ?? 0,
    stakeOn: c.stakes,
  });

const pricesOf = (sheet: Sheet): Record<string, string> =>
  Object.fromEntries(sheet.dividends.map(({ c, price: paid }) => [c, paid]));

describe('worked cases', () => {
  it('R01 West Virginia table 178-5C: refunds leave before takeout; 158188.66 / 23872.00 = 6.6265 breaks to 6.60', () => {
    const sheet = price({
      rules: us('WIN', { takeout: '0.18' }),
      finish: [['A']],
      gross: 19_423_000,
      refunds: 131_700,
      stakes: { A: 2_387_200 },
    });
    expect(sheet).toMatchObject({ grossMinor: 19_291_300, takeoutMinor: 3_472_434, netMinor: 15_818_866 });
    expect(pricesOf(sheet)).toEqual({ A: '6.60' });
    // 23872.00 x 6.60 = 157555.20 leaves 633.46 of breakage.
    expect([sheet.paidMinor, sheet.breakageMinor]).toEqual([15_755_520, 63_346]);
    expect(sheet.steps).toEqual([
      'gross 19291300 = stakes 19423000 - refunds 131700',
      'takeout 3472434 = 19291300 x 0.18, rounded down to a minor unit',
      'net pool 15818866 = gross 19291300 + carry-in 0 - exact takeout 3472434',
      'A: exact price 7909433/1193600 (SINGLE_PRICE, down to 0.10 per 1, then minimum) = 6.60; paid 15755520 = 2387200 x 6.60, rounded down',
      'breakage 63346 = pool 15818866 - paid 15755520',
    ]);
  });

  it('R01 with the nickel: 6.6265 breaks to 6.60 as well', () => {
    const sheet = price({
      rules: rulesOf('US-NICKEL', 'WIN', { takeout: '0.18' }),
      finish: [['A']],
      gross: 19_291_300,
      stakes: { A: 2_387_200 },
    });
    expect(pricesOf(sheet)).toEqual({ A: '6.60' });
  });

  it('R02 textbook pool of 1028.00: less 14.25 % = 881.51; / 110.00 = 8.0137, to the nearest cent 8.01, 7 to 1', () => {
    const stakes = { '1': 6000, '2': 14000, '3': 2400, '4': 11000, '5': 22000, '6': 9400, '7': 30000, '8': 8000 };
    const cents = us('WIN', { takeout: '0.1425', breakTo: 'none', rounding: 'NEAREST' });
    const sheet = price({ rules: cents, declared: Object.keys(stakes), finish: [['4']], stakes });
    expect(sheet).toMatchObject({ grossMinor: 102_800, takeoutMinor: 14_649, netMinor: 88_151 });
    expect(pricesOf(sheet)).toEqual({ '4': '8.01' });
    const dime = us('WIN', { takeout: '0.1425' });
    expect(pricesOf(price({ rules: dime, declared: Object.keys(stakes), finish: [['4']], stakes }))).toEqual({
      '4': '8.00',
    });
  });

  it.each([
    ['1', 100, '3.40'],
    ['2', 70, '4.80'],
    ['3', 60, '5.70'],
    ['4', 55, '6.20'],
    ['5', 50, '6.80'],
    ['6', 30, '11.40'],
    ['7', 25, '13.60'],
    ['8', 10, '34.20'],
  ])('R05 Australian win: 400 less 14.5 %% = 342; winner %s with %i pays %s', (winner, stake, dividend) => {
    const sheet = price({
      rules: us('WIN', { takeout: '0.145' }),
      declared: ['1', '2', '3', '4', '5', '6', '7', '8'],
      finish: [[winner]],
      gross: 40_000,
      stakes: { [winner]: stake * 100 },
    });
    expect(pricesOf(sheet)).toEqual({ [winner]: dividend });
  });

  it('R09 one place pool by two laws: profit split 300/350/1100, Japan 290/340/1140 per 100', () => {
    const stakes = { A: 100_000, B: 80_000, C: 20_000 };
    const yen = { takeout: '0.2', breakTo: '10', breakPer: '100', minimum: '1', places: 3 } as const;
    const c = { finish: [['A'], ['B'], ['C']], gross: 1_000_000, stakes };
    // profit 800000 - 200000 = 600000, a third each: 1 + 200000 / W.
    expect(pricesOf(price({ ...c, rules: us('SHOW', yen) }))).toEqual({ A: '3.00', B: '3.50', C: '11.00' });
    // 0.8 (W + 800000 / 3) / W.
    const japan = us('SHOW', { ...yen, split: 'JAPAN', deadHeat: 'JAPAN' });
    expect(pricesOf(price({ ...c, rules: japan }))).toEqual({ A: '2.90', B: '3.40', C: '11.40' });
  });

  it('R07 Kyoto 2008: 100 becomes 110 only if all that is paid stays within the sales; here it would be 778540 above them', () => {
    // 609528 votes of 100 yen at 0.905 are raised to the stake; 28448 at 2.50 and 8938 at 6.20: 73606360 paid. With 6095280
    // on top 79701640, above sales of 78923100. The formula of 2008 is not in force: its three prices stand as shares here.
    const exact = [55_162_284, 7_112_000, 5_541_560];
    const net = exact.reduce((a, b) => a + b, 0);
    const sales = 78_923_100;
    const rules = us('SHOW', {
      takeout: `${sales - net}/${sales}`,
      split: 'GROSS_SPLIT',
      deadHeat: 'GROSS_SPLIT',
      shares: exact.map((amount) => `${amount}/${net}`),
      breakTo: '10',
      breakPer: '100',
      minimum: '1.00',
      minimumInMinusPool: '1.00',
      topUp: { from: '1.00', to: '1.10' },
    });
    const stakes = { A: 60_952_800, B: 2_844_800, C: 893_800 };
    const c = { rules, finish: [['A'], ['B'], ['C']], stakes };
    const refused = price({ ...c, gross: sales });
    expect(pricesOf(refused)).toEqual({ A: '1.00', B: '2.50', C: '6.20' });
    expect(refused.paidMinor).toBe(73_606_360);
    // With 779000 more in sales, the shares as before, it stays within them.
    const more = sales + 779_000;
    const wider = price({ ...c, rules: { ...rules, takeout: `${more - net}/${more}` }, gross: more });
    expect(pricesOf(wider)).toEqual({ A: '1.10', B: '2.50', C: '6.20' });
    expect(wider.paidMinor).toBe(79_701_640);
  });

  it('R16 gross split to the nearest cent: each place a third of the net pool of 646 x 0.88', () => {
    const cents = { breakTo: 'none', rounding: 'NEAREST', minimum: '0' } as const;
    const stakes = { '1': 8900, '2': 17900, '3': 14900, '4': 22900 };
    const place = us('SHOW', { ...cents, takeout: '0.12', split: 'GROSS_SPLIT', deadHeat: 'GROSS_SPLIT' });
    const c = { declared: ['1', '2', '3', '4'], finish: [['2'], ['3'], ['1']] };
    expect(pricesOf(price({ ...c, rules: place, stakes }))).toEqual({ '2': '1.06', '3': '1.27', '1': '2.13' });
    const win = us('WIN', { ...cents, takeout: '0.15' });
    expect(pricesOf(price({ ...c, rules: win, stakes: { '1': 6100, '2': 11000, '3': 9000, '4': 7700 } }))).toEqual({
      '2': '2.61',
    });
    const exacta = us('EXACTA', { ...cents, takeout: '0.18' });
    const pairs = { '1>2': 9900, '2>3': 20600, '1>3': 20300, '3>2': 10300 };
    expect(pricesOf(price({ ...c, rules: exacta, stakes: pairs }))).toEqual({ '2>3': '2.43' });
  });

  it('R19 French fractional odds: 50 staked, 10 on the winner: 5.00 without a take, 4.00 after 20 %; 20: 2.50 and 2.00', () => {
    const cents = { breakTo: 'none', minimum: '0', rounding: 'NEAREST' } as const;
    const at = (takeout: string, winner: string): string | undefined =>
      pricesOf(
        price({
          rules: fr('WIN', { ...cents, takeout }),
          finish: [[winner]],
          stakes: { A: 1000, B: 500, C: 2000, D: 1500 },
        }),
      )[winner];
    // 4, 9, 1.5 and 7/3 to one, the stake added.
    expect(['A', 'B', 'C', 'D'].map((winner) => at('0', winner))).toEqual(['5.00', '10.00', '2.50', '3.33']);
    expect(['A', 'B', 'C', 'D'].map((winner) => at('0.20', winner))).toEqual(['4.00', '8.00', '2.00', '2.67']);
  });

  it('S01 American win dead heat: net 8000, 1000 and 3000: profit 4000, half each: 3.00 and 1.6667 = 1.60, breakage 200', () => {
    const sheet = price({
      rules: us('WIN', net),
      finish: [['A', 'B']],
      stakes: { A: 100_000, B: 300_000, C: 400_000 },
    });
    expect(pricesOf(sheet)).toEqual({ A: '3.00', B: '1.60' });
    expect(sheet.breakageMinor).toBe(20_000);
    expect(sheet.dividends.map(({ exact }) => exact)).toEqual(['3/1', '5/3']);
  });

  it('S03 American place, dead heat for second: net 10000, profit 8000: 4000 to the first, 2000 to each: 5.00 all', () => {
    const stakes = { A: 100_000, B: 50_000, C: 50_000, D: 800_000 };
    const sheet = price({ rules: us('PLACE', net), finish: [['A'], ['B', 'C']], stakes });
    expect(pricesOf(sheet)).toEqual({ A: '5.00', B: '5.00', C: '5.00' });
  });

  it('S05 American show minus pool: 84000 net, profit 9000: 1.0429, 2.50, 2.00; the 1.05 minimum costs 84500: top-up 500', () => {
    const stakes = { A: 7_000_000, B: 200_000, C: 300_000, D: 2_500_000 };
    const sheet = price({ rules: us('SHOW', { takeout: '0.16' }), finish: [['A'], ['B'], ['C']], stakes });
    expect(pricesOf(sheet)).toEqual({ A: '1.05', B: '2.50', C: '2.00' });
    expect(sheet).toMatchObject({ paidMinor: 8_450_000, topUpMinor: 50_000, breakageMinor: 0 });
  });

  it('S07 place by the standard method: net 8000, profit 2600, half each: 1.26 and 4.25 break to 1.20 and 4.20', () => {
    const stakes = { A: 500_000, B: 40_000, C: 460_000 };
    const sheet = price({ rules: us('PLACE', { takeout: '0.20' }), finish: [['A'], ['B']], stakes });
    expect(pricesOf(sheet)).toEqual({ A: '1.20', B: '4.20' });
  });

  it.each([
    ['0.90', '1.02'],
    ['0.91', '1.10'],
    ['1.09', '1.10'],
    ['1.19', '1.10'],
    ['1.34', '1.30'],
  ])('S08 two-step British minimum: a calculated %s pays %s', (calculated, payable) => {
    const minimum = [
      { atMost: '0.90', pay: '1.02' },
      { below: '1.10', pay: '1.10' },
    ];
    const rules = us('WIN', { takeout: (1 - Number(calculated) / 2).toFixed(3), minimum });
    expect(pricesOf(price({ rules, finish: [['A']], stakes: { A: 10_000, B: 10_000 } }))).toEqual({ A: payable });
  });

  it('S15 exacta without a winner: net 8000, A first 500, B second 300: profit 7200, half each: 8.20 and 13.00', () => {
    const sheet = price({
      rules: us('EXACTA', net),
      finish: [['A'], ['B']],
      gross: 800_000,
      stakes: { 'A>*': 50_000, '*>B': 30_000 },
    });
    expect(pricesOf(sheet)).toEqual({ 'A>*': '8.20', '*>B': '13.00' });
    expect(sheet).toMatchObject({ rung: 1, rungName: 'EITHER', how: 'PROFIT_SPLIT' });
  });

  it.each([
    ['0.725', '0.70'],
    ['0.775', '0.70'],
    ['0.80', '0.80'],
  ])('S16 Japan without a winner: every ticket gets the net rate %s as %s', (rate, dividend) => {
    const rules = us('WIN', {
      takeout: (1 - Number(rate)).toFixed(3),
      breakTo: '10',
      breakPer: '100',
      noWinner: ['PAY_NET_RATE'],
    });
    const sheet = price({ rules, finish: [['A']], gross: 100_000, stakes: { '*': 100_000 } });
    expect(pricesOf(sheet)).toEqual({ '*': dividend });
  });

  it('the net rate is paid out of the stakes alone: a carry-in is carried on, and an empty pool refunds nothing', () => {
    const rules = us('WIN', { takeout: '0.2', noWinner: ['PAY_NET_RATE'] });
    const given = { rules, finish: [['A']], carryIn: 5_000 };
    // 80 % of 100,000 is paid; the carry-in of 5,000 has no winner.
    const sheet = price({ ...given, gross: 100_000, stakes: { '*': 100_000 } });
    expect(sheet).toMatchObject({ outcome: 'PAID', paidMinor: 80_000, breakageMinor: 0, carryOutMinor: 5_000 });
    expect(price({ ...given, gross: 0, stakes: {} })).toMatchObject({ outcome: 'REFUND', carryOutMinor: 5_000 });
  });

  it('places by runners count each part of an entry', () => {
    const rules = us('PLACE', { places: [{ from: 4, places: 2 }], minInterests: 2 });
    const declared = ['A', 'B', 'C', 'D'];
    const entries = [['A', 'B']];
    expect(
      price({ rules, declared, entries, finish: [['A'], ['C']], gross: 90_000, stakes: { A: 50_000 } }).outcome,
    ).toBe('PAID');
    const three = { rules, declared, scratched: ['D'], entries, gross: 90_000, stakes: { A: 50_000 } };
    expect(price({ ...three, finish: [['A'], ['C']] }).outcome).toBe('REFUND');
  });

  it('no dime of 1.07: a 1.10 would cost more than the pool, so 1.05 is paid; with money left 1.10 is', () => {
    const win = price({ rules: us('WIN', net), finish: [['A']], gross: 107_000, stakes: { A: 100_000 } });
    expect(pricesOf(win)).toEqual({ A: '1.05' });
    // Show: profit 21600, a third each: A 1.09, B and C 1.144 = 1.10. 1.10 for all costs 198000 of 201600: paid.
    const show = price({
      rules: us('SHOW', net),
      finish: [['A'], ['B'], ['C']],
      gross: 201_600,
      stakes: { A: 80_000, B: 50_000, C: 50_000 },
    });
    expect(pricesOf(show)).toEqual({ A: '1.10', B: '1.10', C: '1.10' });
  });

  it('a minimum that the breakage of others just pays for is no minus pool', () => {
    // Profit 21000, 7000 each: A 1.07 to 1.10 costs 3000 more, B and C 1.2545 to 1.20 leave 1500 each: paid = net.
    const stakes = { A: 100_000, B: 27_500, C: 27_500 };
    const sheet = price({ rules: us('SHOW', net), finish: [['A'], ['B'], ['C']], gross: 176_000, stakes });
    expect(pricesOf(sheet)).toEqual({ A: '1.10', B: '1.20', C: '1.20' });
    expect([sheet.breakageMinor, sheet.topUpMinor]).toEqual([0, 0]);
  });
});

describe('places and dead heats', () => {
  it('part-backed in a British dead heat: half the net 80.75 on 0.40 of a pound pays 40.30 a pound, 0.60 of its half of the gross is carried', () => {
    const sheet = price({ rules: rulesOf('UK', 'WIN'), finish: [['A', 'B']], stakes: { A: 40, B: 500, C: 9_460 } });
    // 40.375 on the whole pound to A, down to 40.30 on its 0.40; 40.375 on five pounds to B, 8.075 a pound, down to 8.00.
    expect(pricesOf(sheet)).toEqual({ A: '40.30', B: '8.00' });
    expect(sheet).toMatchObject({ paidMinor: 1_612 + 4_000, carryOutMinor: 3_000 });
  });

  const even = { A: 10_000, B: 10_000, C: 10_000, D: 10_000, E: 10_000 };
  const rest = (gross: number) => ({ gross, stakes: even });
  const shares = (sheet: Sheet): Record<string, string> =>
    Object.fromEntries(sheet.dividends.map(({ c, exact }) => [c, exact]));

  it.each<[string, Type, Finish, Record<string, string>]>([
    // Net 600, stakes of 100 each: profit = 600 - 100 x winners.
    ['place, dead heat first of two: half of 400 each', 'PLACE', [['A', 'B'], ['C']], { A: '3/1', B: '3/1' }],
    [
      'place, dead heat first of three: a third of 300 each',
      'PLACE',
      [['A', 'B', 'C']],
      { A: '2/1', B: '2/1', C: '2/1' },
    ],
    [
      'place, second of three: half of 200, a sixth each',
      'PLACE',
      [['A'], ['B', 'C', 'D']],
      { A: '2/1', B: '4/3', C: '4/3', D: '4/3' },
    ],
    ['show, second of two: a third of 300 each', 'SHOW', [['A'], ['B', 'C'], ['D']], { A: '2/1', B: '2/1', C: '2/1' }],
    [
      'show, second of three: a third of 200, two ninths each',
      'SHOW',
      [['A'], ['B', 'C', 'D']],
      { A: '5/3', B: '13/9', C: '13/9', D: '13/9' },
    ],
    [
      'show, third of two: thirds of 200, the last halved',
      'SHOW',
      [['A'], ['B'], ['C', 'D']],
      { A: '5/3', B: '5/3', C: '4/3', D: '4/3' },
    ],
  ])('%s', (_, type, finish, exact) => {
    const sheet = price({ rules: us(type, net), finish, ...rest(60_000) });
    expect(shares(sheet)).toEqual(exact);
  });

  it('place: an entry in both places takes the pool at a single price', () => {
    const sheet = price({
      rules: us('PLACE', net),
      entries: [['A', 'B']],
      finish: [['A'], ['B'], ['C']],
      gross: 60_000,
      stakes: { A: 20_000, C: 10_000 },
    });
    expect(shares(sheet)).toEqual({ A: '3/1' });
  });

  it('show: an entry in two places takes two thirds of the profit, the other one third', () => {
    // Net 600, entry 200, C 100: profit 300: 1 + 200/200 and 1 + 100/100.
    const sheet = price({
      rules: us('SHOW', net),
      entries: [['A', 'B']],
      finish: [['A'], ['C'], ['B']],
      gross: 60_000,
      stakes: { A: 20_000, C: 10_000 },
    });
    expect(shares(sheet)).toEqual({ A: '2/1', C: '2/1' });
  });

  it('an unbacked dead-heater drops out: the others share its place', () => {
    const sheet = price({
      rules: us('PLACE', net),
      finish: [['A'], ['B', 'C']],
      gross: 60_000,
      stakes: { A: 10_000, C: 10_000 },
    });
    expect(shares(sheet)).toEqual({ A: '3/1', C: '3/1' });
  });

  it('two parts of one entry in a dead heat are no dead heat', () => {
    const sheet = price({
      rules: us('WIN', net),
      entries: [['A', 'B']],
      finish: [['A', 'B'], ['C']],
      gross: 60_000,
      stakes: { A: 20_000 },
    });
    expect(pricesOf(sheet)).toEqual({ A: '3.00' });
  });

  it('an entry first and second leaves its second place in the exacta to the next interest', () => {
    const sheet = price({
      rules: us('EXACTA', net),
      entries: [['A', 'B']],
      finish: [['A'], ['B'], ['C']],
      gross: 60_000,
      stakes: { 'A>C': 20_000 },
    });
    expect(pricesOf(sheet)).toEqual({ 'A>C': '3.00' });
  });

  it('quinella, dead heat for second: the winner with each, profit split', () => {
    // Net 900, 100 and 200: profit 600, 300 each.
    const sheet = price({
      rules: us('QUINELLA', net),
      finish: [['A'], ['B', 'C']],
      gross: 90_000,
      stakes: { 'A-B': 10_000, 'A-C': 20_000, 'B-C': 5_000 },
    });
    expect(pricesOf(sheet)).toEqual({ 'A-B': '4.00', 'A-C': '2.50' });
  });

  it('exacta, dead heat first: both orders win', () => {
    const sheet = price({
      rules: us('EXACTA', net),
      finish: [['A', 'B'], ['C']],
      gross: 90_000,
      stakes: { 'A>B': 10_000, 'B>A': 20_000, 'A>C': 1 },
    });
    expect(pricesOf(sheet)).toEqual({ 'A>B': '4.00', 'B>A': '2.50' });
  });
});

describe('the ladder when nobody won', () => {
  const rung = (type: Type, finish: Finish, stakes: Record<string, number>): [string, Record<string, string>] => {
    const sheet = price({ rules: us(type, net), finish, gross: 60_000, stakes });
    return [sheet.rungName, pricesOf(sheet)];
  };
  const finish = [['A'], ['B'], ['C'], ['D']];

  it.each<[string, Type, Record<string, number>, string, Record<string, string>]>([
    ['win: the second', 'WIN', { B: 20_000 }, 'NEXT', { B: '3.00' }],
    ['win: then a refund', 'WIN', { C: 20_000 }, 'REFUND', {}],
    ['place: the one covered takes all', 'PLACE', { B: 20_000 }, 'RESULT', { B: '3.00' }],
    ['place: the third', 'PLACE', { C: 20_000, D: 10_000 }, 'NEXT', { C: '3.00' }],
    ['show: split of two', 'SHOW', { A: 10_000, C: 20_000 }, 'RESULT', { A: '2.50', C: '1.70' }],
    ['show: the fourth', 'SHOW', { D: 20_000 }, 'NEXT', { D: '3.00' }],
    [
      'quinella: with the winner, with the second',
      'QUINELLA',
      { 'A-*': 10_000, 'B-*': 20_000 },
      'EITHER',
      { 'A-*': '2.50', 'B-*': '1.70' },
    ],
    ['exacta: the one side covered takes all', 'EXACTA', { '*>B': 20_000 }, 'EITHER', { '*>B': '3.00' }],
    ['trifecta: the first two', 'TRIFECTA', { 'A>B>*': 20_000, 'A>*>*': 30_000 }, 'FIRST_2', { 'A>B>*': '3.00' }],
    ['trifecta: the winner', 'TRIFECTA', { 'A>*>*': 30_000 }, 'FIRST_1', { 'A>*>*': '2.00' }],
    ['trifecta: refund', 'TRIFECTA', {}, 'REFUND', {}],
  ])('%s', (_, type, stakes, name, prices) => {
    expect(rung(type, finish, stakes)).toEqual([name, prices]);
  });

  it.each([
    ['1-2-4', '1-2-4', '8.00'],
    ['1-3-4', '1-3-4', '8.00'],
    ['2-3-4', '2-3-4', '8.00'],
  ])('tierce nobody has: 1-2-4, else 1-3-4, else 2-3-4 in any order; on %s 8000 / 1000 for %s', (backed, c, price) => {
    // In the order backed: only the named set may be paid, whatever its order was.
    const sheet = pricePool({
      ruleSet: { ...(ruleSetFor('FR', 'TIERCE') as RuleSet), takeout: '0.20' },
      field: { declared: ['1', '2', '3', '4', '5', '6'] },
      finish: [['1'], ['2'], ['3'], ['4'], ['5']],
      grossMinor: 10_000,
      refundsMinor: 0,
      carryInMinor: 0,
      stakeOn: { [backed]: 1_000 },
    });
    expect(sheet.rungName).toBe(`SET_${backed.replaceAll('-', '')}`);
    expect(sheet.dividends.map((one) => [one.c, one.price])).toEqual([[c, price]]);
  });

  it('exacta, dead heat for second, nobody on either pair: half to the winner first, a quarter to each second', () => {
    // Net 600, stakes of 100: profit 300: 1 + 150/100, 1 + 75/100 twice.
    const stakes = { 'A>*': 10_000, '*>B': 10_000, '*>C': 10_000 };
    const sheet = price({ rules: us('EXACTA', net), finish: [['A'], ['B', 'C']], gross: 60_000, stakes });
    expect(sheet.dividends.map(({ c, exact }) => [c, exact])).toEqual([
      ['A>*', '5/2'],
      ['*>B', '7/4'],
      ['*>C', '7/4'],
    ]);
  });

  it('a refund gives back everything, takes nothing, and hands the carry-in on', () => {
    const sheet = price({ rules: us('TRIFECTA'), finish, gross: 60_000, carryIn: 5_000, stakes: {} });
    expect(sheet).toMatchObject({ outcome: 'REFUND', refundedMinor: 60_000, takeoutMinor: 0, carryOutMinor: 5_000 });
  });

  it('a carry goes on net of takeout, or gross and untaxed, by the rule set', () => {
    const c = { finish, gross: 60_000, carryIn: 5_000, stakes: {} };
    const netCarry = price({ ...c, rules: us('TRIFECTA', { takeout: '0.25', noWinner: ['CARRY'] }) });
    expect(netCarry).toMatchObject({ outcome: 'CARRIED', takeoutMinor: 15_000, carryOutMinor: 50_000 });
    const grossCarry = price({ ...c, rules: us('TRIFECTA', { takeout: '0.25', noWinner: ['CARRY'], carry: 'GROSS' }) });
    expect(grossCarry).toMatchObject({ outcome: 'CARRIED', takeoutMinor: 0, carryOutMinor: 65_000 });
  });

  it('a net carry-in is not taxed again, a gross one is', () => {
    // (600 x 0.75 + 100) / 100 = 5.50; (600 + 100) x 0.75 / 100 = 5.25 = 5.20.
    const c = { finish, gross: 60_000, carryIn: 10_000, stakes: { 'A>B>C': 10_000 } };
    expect(pricesOf(price({ ...c, rules: us('TRIFECTA', { takeout: '0.25' }) }))).toEqual({ 'A>B>C': '5.50' });
    expect(pricesOf(price({ ...c, rules: us('TRIFECTA', { takeout: '0.25', carry: 'GROSS' }) }))).toEqual({
      'A>B>C': '5.20',
    });
  });

  it('only one horse finished: exacta tickets with it first share the pool', () => {
    const sheet = price({ rules: us('EXACTA', net), finish: [['A']], gross: 60_000, stakes: { 'A>*': 20_000 } });
    expect(pricesOf(sheet)).toEqual({ 'A>*': '3.00' });
  });
});

describe('short fields', () => {
  it.each<[Type, number, string]>([
    ['WIN', 1, 'REFUND'],
    ['WIN', 2, 'PAID'],
    ['PLACE', 2, 'REFUND'],
    ['PLACE', 3, 'PAID'],
    ['SHOW', 3, 'REFUND'],
    ['SHOW', 4, 'PAID'],
    ['EXACTA', 1, 'REFUND'],
    ['EXACTA', 2, 'PAID'],
    ['QUINELLA', 2, 'REFUND'],
    ['TRIFECTA', 2, 'REFUND'],
  ])('American %s with %i running: %s', (type, running, outcome) => {
    const declared = ['A', 'B', 'C', 'D', 'E'];
    const first = { WIN: 'A', PLACE: 'A', SHOW: 'A', EXACTA: 'A>B', QUINELLA: 'A-B', TRIFECTA: 'A>B>C' }[type];
    const sheet = price({
      rules: us(type),
      declared,
      scratched: declared.slice(running),
      finish: declared.slice(0, running).map((r) => [r]),
      gross: 60_000,
      stakes: { [first]: 20_000 },
    });
    expect(sheet.outcome).toBe(outcome);
  });

  it('an entry with one part scratched still runs; with both it does not', () => {
    const c = {
      rules: us('WIN'),
      declared: ['A', 'B', 'C'],
      entries: [['A', 'B']],
      finish: [['C']],
      gross: 60_000,
      stakes: { C: 20_000 },
    };
    expect(price({ ...c, scratched: ['B'] }).outcome).toBe('PAID');
    expect(price({ ...c, scratched: ['A', 'B'] }).outcome).toBe('REFUND');
  });
});

describe('France', () => {
  const runners = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1));

  it('places are counted on the official card: 8 declared pay 3 places though 6 run; 7 pay 2; 3 are not offered', () => {
    const placed = (count: number, scratched: string[]): string[] =>
      price({
        rules: fr('PLACE'),
        declared: runners(count),
        scratched,
        finish: [['1'], ['2'], ['3']],
        gross: 100_000,
        stakes: { '1': 1000, '2': 1000, '3': 1000 },
      }).dividends.map(({ c }) => c);
    expect(placed(8, ['7', '8'])).toEqual(['1', '2', '3']);
    expect(placed(7, [])).toEqual(['1', '2']);
    expect(placed(3, [])).toEqual([]);
  });

  it('place: masse 10000 at 0.139 = 8610, profit 5610 in three: 1 + 1870 / stake, cut to ten centimes', () => {
    const sheet = price({
      rules: fr('PLACE'),
      declared: runners(10),
      finish: [['1'], ['2'], ['3']],
      gross: 1_000_000,
      stakes: { '1': 150_000, '2': 90_000, '3': 60_000 },
    });
    // 1 + 1870/1500 = 2.2466, 1 + 1870/900 = 3.0777, 1 + 1870/600 = 4.1166.
    expect(pricesOf(sheet)).toEqual({ '1': '2.20', '2': '3.00', '3': '4.10' });
  });

  it('the minimum is 1.10, topped up where the pool cannot pay it', () => {
    const sheet = price({ rules: fr('WIN'), finish: [['A']], gross: 100_000, stakes: { A: 90_000 } });
    expect(pricesOf(sheet)).toEqual({ A: '1.10' });
    expect(sheet.topUpMinor).toBe(99_000 - 86_100);
  });

  it('stablemates in one dead heat, or second together behind an unbacked winner, have one price and stand once', () => {
    const given = { rules: fr('WIN', net), declared: ['1', '1A', '2', '3'], entries: [['1', '1A']], gross: 60_000 };
    const stakes = { '1': 5_000, '1A': 15_000 };
    // 60,000 / (5,000 + 15,000) = 3: no dead heat within the stable.
    for (const finish of [
      [['1', '1A'], ['2']],
      [['2'], ['1A', '1']],
      [['2'], ['1A'], ['1']],
    ]) {
      const { dividends } = price({ ...given, finish, stakes });
      expect(dividends.map(({ c, price }) => `${c} ${price}`).sort()).toEqual(['1 3.00', '1A 3.00']);
    }
    // Dead heat with 3: (60,000 - 40,000) / 2 = 10,000 each; 1 + 10,000/20,000 for the stable and for 3.
    const heat = price({ ...given, finish: [['1', '3', '1A']], stakes: { ...stakes, '3': 20_000 } });
    expect(pricesOf(heat)).toEqual({ '1': '1.50', '1A': '1.50', '3': '1.50' });
  });

  it('a stable wins together in the simple gagnant, and nowhere else', () => {
    const entries = [['1', '1A']];
    const declared = ['1', '1A', '2', '3'];
    const win = price({
      rules: fr('WIN', net),
      declared,
      entries,
      finish: [['1A'], ['2']],
      gross: 60_000,
      stakes: { '1': 5_000, '1A': 15_000 },
    });
    expect(pricesOf(win)).toEqual({ '1A': '3.00', '1': '3.00' });
    const ran = price({
      rules: fr('WIN', net),
      declared,
      entries,
      scratched: ['1'],
      finish: [['1A'], ['2']],
      gross: 60_000,
      stakes: { '1': 5_000, '1A': 15_000 },
    });
    expect(pricesOf(ran)).toEqual({ '1A': '4.00' });
    const exacta = price({
      rules: fr('EXACTA', net),
      declared,
      entries,
      finish: [['1A'], ['1']],
      gross: 60_000,
      stakes: { '1A>1': 20_000 },
    });
    expect(pricesOf(exacta)).toEqual({ '1A>1': '3.00' });
  });
});

describe('what a bet is paid', () => {
  it.each([
    ['US', '6.60', 200, 1320],
    ['US', '3.30', 10, 33],
    ['US-PENNY', '1.33', 50, 66],
    ['FR', '2.50', 150, 375],
    ['FR', '2.33', 150, 350],
    ['US', '6.60', 9_007_199_254_740, 59_447_515_081_284],
    ['FR', '99999.90', 90_071_992_547, 9_007_190_247_500_745],
  ])('%s: %s for a stake of %i is %i minor units', (name, dividend, stake, due) => {
    expect(payoutMinor(rulesOf(name, 'WIN'), dividend, stake)).toBe(due);
  });
});

/** Worked cases of the rule book through the second calculator, each with its sum. Rules are spelt out here, not imported. */
import { describe, expect, it } from 'vitest';
import {
  type AuditedPoolType,
  type AuditPool,
  type AuditRules,
  type AuditSelection,
  type AuditTicket,
  type DividendSheet,
  priceByForce,
} from '../src/index.js';

const american: AuditRules = {
  id: 'test',
  takeout: '0.20',
  split: 'SINGLE_PRICE',
  deadHeat: 'PROFIT_SPLIT',
  placesBy: 'RUNNERS',
  breakTo: '0.10',
  breakPer: '1',
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '1.10',
  payment: 'DOWN',
  noWinner: ['NEXT', 'REFUND'],
  carry: 'NET',
  coupling: 'ENTRY',
  minInterests: 2,
};

interface Case {
  readonly type?: AuditedPoolType;
  readonly rules?: Partial<AuditRules>;
  readonly runners?: readonly string[];
  readonly scratched?: readonly string[];
  readonly entries?: readonly (readonly string[])[];
  readonly finish: AuditPool['finish'];
  readonly carryInMinor?: number;
  readonly guaranteeMinor?: number;
  /** Whole currency units per straight line, `4>7` or `4-7`. */
  readonly stakes: Readonly<Record<string, number>>;
}

const places: Partial<Record<AuditedPoolType, number>> = { PLACE: 2, SHOW: 3 };

function price(given: Case): DividendSheet {
  const type = given.type ?? 'WIN';
  const split = type === 'PLACE' || type === 'SHOW' ? 'PROFIT_SPLIT' : 'SINGLE_PRICE';
  const paid = places[type];
  return priceByForce({
    poolType: type,
    ruleSet: { ...american, split, ...(paid ? { places: paid } : {}), ...given.rules },
    field: {
      declared: given.runners ?? ['1', '2', '3', '4', '5', '6', '7', '8'],
      scratched: given.scratched ?? [],
      entries: given.entries ?? [],
    },
    finish: given.finish,
    carryInMinor: given.carryInMinor ?? 0,
    guaranteeMinor: given.guaranteeMinor ?? 0,
    tickets: Object.entries(given.stakes).map(([line, units]) => straight(line, units)),
  });
}

const straight = (line: string, units: number): AuditTicket => ({
  selection: { form: 'STRAIGHT', columns: line.split(/[>-]/).map((runner) => [runner]) },
  unitMinor: Math.round(units * 100),
});

const pricesOf = (sheet: DividendSheet): Record<string, string> =>
  Object.fromEntries(sheet.dividends.map(({ c, price }) => [c, price]));

const left = (s: DividendSheet): number => s.grossMinor + s.carryInMinor;
const right = (s: DividendSheet): number =>
  s.takeoutMinor + s.paidMinor + s.refundedMinor + s.breakageMinor - s.topUpMinor + s.carryOutMinor;

describe('worked cases of the rule book', () => {
  it('R01: 192,913.00 after refunds, less 18 %, is 158,188.66; over 23,872.00 on the winner 6.6265, broken 6.60', () => {
    const sheet = price({
      rules: { takeout: '0.18' },
      scratched: ['3'],
      finish: [['1'], ['2']],
      stakes: { '1': 23872, '2': 169041, '3': 1317 },
    });
    expect(sheet).toMatchObject({
      grossMinor: 19291300,
      refundsMinor: 131700,
      takeoutMinor: 3472434,
      netMinor: 15818866,
      dividends: [{ tier: 'WIN', c: '1', price: '6.60', stakeMinor: 2387200, paidMinor: 15755520 }],
      breakageMinor: 63346,
      topUpMinor: 0,
    });
  });

  it('R02: 1,028.00 less 14.25 % is 881.51; over 110 on the winner 8.0137, to the nearest cent 8.01', () => {
    const sheet = price({
      rules: { takeout: '0.1425', breakTo: 'none', rounding: 'NEAREST', minimum: '0' },
      finish: [['4']],
      stakes: { '1': 60, '2': 140, '3': 24, '4': 110, '5': 220, '6': 94, '7': 300, '8': 80 },
    });
    expect(sheet).toMatchObject({ takeoutMinor: 14649, netMinor: 88151 });
    expect(pricesOf(sheet)).toEqual({ '4': '8.01' });
  });

  it.each([
    ['1', '4.00'],
    ['2', '8.00'],
    ['3', '2.00'],
    ['4', '2.67'],
  ])('R19: 50 less 20 % is 40; a win of %s pays %s (40/10, 40/5, 40/20, 40/15)', (winner, paid) => {
    const sheet = price({
      rules: { breakTo: 'none', rounding: 'NEAREST' },
      finish: [[winner]],
      stakes: { '1': 10, '2': 5, '3': 20, '4': 15 },
    });
    expect(pricesOf(sheet)).toEqual({ [winner]: paid });
  });

  it('S01: net 8,000 less 1,000 and 3,000 leaves 4,000; halves of it make 3.00 and 1.6667, broken 1.60; breakage 200', () => {
    const sheet = price({ finish: [['1', '2']], stakes: { '1': 1000, '2': 3000, '3': 6000 } });
    expect(pricesOf(sheet)).toEqual({ '1': '3.00', '2': '1.60' });
    expect(sheet.breakageMinor).toBe(20000);
  });

  it('S03: net 10,000 less 2,000 leaves 8,000: half to the first, a quarter to each of the second: 5.00 each', () => {
    const sheet = price({
      type: 'PLACE',
      finish: [['1'], ['2', '3']],
      stakes: { '1': 1000, '2': 500, '3': 500, '4': 10500 },
    });
    expect(sheet.netMinor).toBe(1000000);
    expect(pricesOf(sheet)).toEqual({ '1': '5.00', '2': '5.00', '3': '5.00' });
  });

  it('S05: 84,000 less 75,000 leaves 9,000; thirds make 1.0429, 2.50, 2.00; at 1.05 the pool lacks 500', () => {
    const sheet = price({
      type: 'SHOW',
      rules: { takeout: '0.16', minimumInMinusPool: '1.05' },
      finish: [['1'], ['2'], ['3']],
      stakes: { '1': 70000, '2': 2000, '3': 3000, '4': 25000 },
    });
    expect(pricesOf(sheet)).toEqual({ '1': '1.05', '2': '2.50', '3': '2.00' });
    expect(sheet).toMatchObject({ paidMinor: 8450000, breakageMinor: 0, topUpMinor: 50000 });
  });

  it('S15: 1>2 unbacked, net 8,000 less 500 on 1>* and 300 on *>2 leaves 7,200: 1 + 3,600/500 and 1 + 3,600/300', () => {
    const sheet = price({
      type: 'EXACTA',
      rules: { noWinner: ['EITHER', 'REFUND'] },
      finish: [['1'], ['2']],
      stakes: { '1>3': 500, '4>2': 300, '5>6': 9200 },
    });
    expect(pricesOf(sheet)).toEqual({ '1>*': '8.20', '*>2': '13.00' });
  });
});

/** Net pools are 80 % of 10,000.00 = 8,000 in every row below. */
describe('dead heats', () => {
  const rest = (winning: number) => 10000 - winning;
  const rows: readonly (readonly [
    sentence: string,
    given: Omit<Case, 'stakes'>,
    stakes: Case['stakes'],
    prices: object,
  ])[] = [
    [
      'win, two parts of one entry: no dead heat, 8,000 / 2,000',
      { finish: [['1', '2']], entries: [['1', '2']] },
      { '1': 1500, '2': 500, '3': 8000 },
      { '1': '4.00' },
    ],
    [
      'win, one of two not backed: the other has the whole net pool, 8,000 / 2,000',
      { finish: [['1', '2']] },
      { '1': 2000, '3': 8000 },
      { '1': '4.00' },
    ],
    [
      'place, first of two: as first and second, (8,000 - 2,000) / 2 each: 1 + 3,000/1,500 and 1 + 3,000/500',
      { type: 'PLACE', finish: [['1', '2'], ['3']] },
      { '1': 1500, '2': 500, '3': rest(2000) },
      { '1': '3.00', '2': '7.00' },
    ],
    [
      'place, first of three: thirds of 8,000 - 2,000 = 2,000 each: 1 + 2, 1 + 4, 1 + 4',
      { type: 'PLACE', finish: [['1', '2', '3']] },
      { '1': 1000, '2': 500, '3': 500, '4': rest(2000) },
      { '1': '3.00', '2': '5.00', '3': '5.00' },
    ],
    [
      'place, second of three: half of 6,000 to the first, a sixth = 1,000 to each other: 1 + 3,000/500, 1 + 1,000/500',
      { type: 'PLACE', finish: [['1'], ['2', '3', '4']] },
      { '1': 500, '2': 500, '3': 500, '4': 500, '5': rest(2000) },
      { '1': '7.00', '2': '3.00', '3': '3.00', '4': '3.00' },
    ],
    [
      'show, second of two: a third of 6,000 to each: 1 + 2,000/500, 1 + 2,000/1,000, 1 + 2,000/500',
      { type: 'SHOW', finish: [['1'], ['2', '3'], ['4']] },
      { '1': 500, '2': 1000, '3': 500, '4': rest(2000) },
      { '1': '5.00', '2': '3.00', '3': '5.00' },
    ],
    [
      'show, second of three: a third of 6,000 to the first, two ninths to the others: 1 + 2,000/500, 1 + 1,333.33/500',
      { type: 'SHOW', finish: [['1'], ['2', '3', '4']] },
      { '1': 500, '2': 500, '3': 500, '4': 500, '5': rest(2000) },
      { '1': '5.00', '2': '3.60', '3': '3.60', '4': '3.60' },
    ],
    [
      'show, third of two: thirds of 6,000 to the first two, the last third shared: 1 + 2,000/500 twice, 1 + 1,000/500 twice',
      { type: 'SHOW', finish: [['1'], ['2'], ['3', '4']] },
      { '1': 500, '2': 500, '3': 500, '4': 500, '5': rest(2000) },
      { '1': '5.00', '2': '5.00', '3': '3.00', '4': '3.00' },
    ],
    [
      'show, first of two with one not backed: split of two, 6,000 / 2 each: 1 + 3,000/500 and 1 + 3,000/1,500',
      { type: 'SHOW', finish: [['1', '2'], ['3']] },
      { '1': 500, '3': 1500, '4': rest(2000) },
      { '1': '7.00', '3': '3.00' },
    ],
    [
      'quinella, first of two: that pair alone, 8,000 / 1,000',
      { type: 'QUINELLA', finish: [['1', '2'], ['3']] },
      { '1-2': 1000, '1-3': 9000 },
      { '1-2': '8.00' },
    ],
    [
      'quinella, first of three: all pairs, (8,000 - 2,000) / 3: 1 + 2,000/1,000, 1 + 2,000/500 twice',
      { type: 'QUINELLA', finish: [['1', '2', '3']] },
      { '1-2': 1000, '1-3': 500, '3-2': 500, '4-5': rest(2000) },
      { '1-2': '3.00', '1-3': '5.00', '2-3': '5.00' },
    ],
    [
      'quinella, second of two: the winner with each, the seconds not together: 1 + 3,000/1,500, 1 + 3,000/500',
      { type: 'QUINELLA', finish: [['1'], ['2', '3']] },
      { '1-2': 1500, '1-3': 500, '2-3': rest(2000) },
      { '1-2': '3.00', '1-3': '7.00' },
    ],
    [
      'exacta, first of two: both orders, 1 + 3,000/1,500, 1 + 3,000/500',
      { type: 'EXACTA', finish: [['1', '2']] },
      { '1>2': 1500, '2>1': 500, '1>3': rest(2000) },
      { '1>2': '3.00', '2>1': '7.00' },
    ],
    [
      'exacta, second of two, one pair not backed: the other has it all, 8,000 / 2,000',
      { type: 'EXACTA', finish: [['1'], ['2', '3']] },
      { '1>2': 2000, '2>3': 8000 },
      { '1>2': '4.00' },
    ],
    [
      'trifecta, third of two: two orders, 1 + 3,000/1,500, 1 + 3,000/500',
      { type: 'TRIFECTA', finish: [['1'], ['2'], ['3', '4']] },
      { '1>2>3': 1500, '1>2>4': 500, '1>3>4': rest(2000) },
      { '1>2>3': '3.00', '1>2>4': '7.00' },
    ],
    [
      'trifecta, first of three: all six orders, (8,000 - 2,000) / 2 for the two that are backed',
      { type: 'TRIFECTA', finish: [['1', '2', '3']] },
      { '3>2>1': 1500, '2>1>3': 500, '1>3>4': rest(2000) },
      { '3>2>1': '3.00', '2>1>3': '7.00' },
    ],
  ];

  it.each(rows)('%s', (_sentence, given, stakes, prices) => {
    const sheet = price({ ...given, stakes });
    expect(sheet.netMinor).toBe(800000);
    expect(pricesOf(sheet)).toEqual(prices);
    expect(left(sheet)).toBe(right(sheet));
  });
});

describe('coupled runners', () => {
  const entries = [['1', '1A']];
  const runners = ['1', '1A', '2', '3', '4'];

  it('an entry that fills both places of a place pool takes it at one price: 8,000 / 1,000', () => {
    const sheet = price({
      type: 'PLACE',
      runners,
      entries,
      finish: [['1A'], ['1'], ['2']],
      stakes: { '1': 1000, '2': 9000 },
    });
    expect(pricesOf(sheet)).toEqual({ '1': '8.00' });
  });

  it('an entry with two of the three show places has two thirds of 8,000 - 2,000: 1 + 4,000/1,000 and 1 + 2,000/1,000', () => {
    const sheet = price({
      type: 'SHOW',
      runners,
      entries,
      finish: [['1'], ['2'], ['1A']],
      stakes: { '1': 1000, '2': 1000, '3': 8000 },
    });
    expect(pricesOf(sheet)).toEqual({ '1': '5.00', '2': '3.00' });
  });

  it('an entry first and second makes the exacta with the next separate interest: 8,000 / 1,000', () => {
    const sheet = price({
      type: 'EXACTA',
      runners,
      entries,
      finish: [['1'], ['1A'], ['2']],
      stakes: { '1>2': 1000, '2>1': 9000 },
    });
    expect(pricesOf(sheet)).toEqual({ '1>2': '8.00' });
  });

  it('a bet stands while one part of the entry runs, and is refunded when none does', () => {
    const stakes = { '1': 1000, '2': 1000, '3': 500 };
    const one = price({ runners, entries, scratched: ['1'], finish: [['1A']], stakes });
    expect(one).toMatchObject({ refundsMinor: 0, grossMinor: 250000, dividends: [{ c: '1', price: '2.00' }] });
    const none = price({ runners, entries, scratched: ['1', '1A'], finish: [['2']], stakes });
    expect(none).toMatchObject({ refundsMinor: 100000, grossMinor: 150000, dividends: [{ c: '2', price: '1.20' }] });
  });

  it('French stablemates that ran share the win dividend, 8,000 / (1,500 + 500); the one that did not run is refunded', () => {
    const sheet = price({
      rules: { coupling: 'STABLE' },
      entries: [['1', '2', '3']],
      scratched: ['3'],
      finish: [['2']],
      stakes: { '1': 1500, '2': 500, '3': 700, '4': 8000 },
    });
    expect(pricesOf(sheet)).toEqual({ '1': '4.00', '2': '4.00' });
    expect(sheet.refundsMinor).toBe(70000);
  });
});

describe('when no winner is backed', () => {
  it('a win pool goes to the second, and back to the bettors when nobody backed the second either', () => {
    const stakes = { '2': 1000, '3': 9000 };
    expect(pricesOf(price({ finish: [['1'], ['2'], ['3']], stakes }))).toEqual({ '2': '8.00' });
    const refund = price({ finish: [['1'], ['4'], ['3']], stakes, carryInMinor: 700 });
    expect(refund).toMatchObject({
      outcome: 'REFUND',
      takeoutMinor: 0,
      refundedMinor: 1000000,
      carryOutMinor: 700,
      dividends: [],
    });
  });

  it('the next place is that of the next separate interest, and each NEXT goes one rank further', () => {
    const given: Omit<Case, 'rules'> = {
      entries: [['1', '1A']],
      runners: ['1', '1A', '2', '3', '4'],
      finish: [['1'], ['1A'], ['2'], ['3']],
      stakes: { '3': 1000, '4': 9000 },
    };
    expect(price(given).outcome).toBe('REFUND');
    expect(pricesOf(price({ ...given, rules: { noWinner: ['NEXT', 'NEXT', 'REFUND'] } }))).toEqual({ '3': '8.00' });
    expect(pricesOf(price({ ...given, stakes: { '2': 1000, '4': 9000 } }))).toEqual({ '2': '8.00' });
    expect(pricesOf(price({ ...given, type: 'PLACE', stakes: { '2': 1000, '4': 9000 } }))).toEqual({ '2': '8.00' });
  });

  it('a trifecta goes to the first two in order, then to the first: 8,000 / 2,000 and 8,000 / 4,000', () => {
    const rules = { noWinner: ['FIRST_2', 'FIRST_1', 'REFUND'] };
    const given: Omit<Case, 'stakes'> = { type: 'TRIFECTA', rules, finish: [['1'], ['2'], ['3']] };
    expect(pricesOf(price({ ...given, stakes: { '1>2>4': 2000, '4>5>6': 8000 } }))).toEqual({ '1>2>*': '4.00' });
    expect(pricesOf(price({ ...given, stakes: { '1>4>2': 4000, '4>5>6': 6000 } }))).toEqual({ '1>*>*': '2.00' });
  });

  it('a quinella is split as a place pool: half to tickets with the first, a quarter to each of two seconds', () => {
    // 8,000 - 2,500 = 5,500; 1 + 2,750/1,000, 1 + 1,375/1,000, 1 + 1,375/500
    const sheet = price({
      type: 'QUINELLA',
      rules: { noWinner: ['EITHER', 'REFUND'] },
      finish: [['1'], ['2', '3']],
      stakes: { '1-4': 1000, '2-4': 1000, '3-5': 500, '6-7': 7500 },
    });
    expect(pricesOf(sheet)).toEqual({ '1-*': '3.70', '2-*': '2.30', '3-*': '3.70' });
  });

  it('carries the net pool or the gross pool over, as the rules say', () => {
    const given: Case = { finish: [['1']], stakes: { '2': 10000 }, carryInMinor: 50000 };
    const net = price({ ...given, rules: { noWinner: ['CARRY'] } });
    expect(net).toMatchObject({ outcome: 'CARRIED', takeoutMinor: 200000, carryOutMinor: 850000 });
    const gross = price({ ...given, rules: { noWinner: ['CARRY'], carry: 'GROSS' } });
    expect(gross).toMatchObject({ outcome: 'CARRIED', takeoutMinor: 0, carryOutMinor: 1050000 });
  });

  it('pays every ticket the net rate in Japan, 70 of 100 yen at 27.5 % (S16)', () => {
    const rules: Partial<AuditRules> = {
      takeout: '0.275',
      breakTo: '10',
      breakPer: '100',
      minimum: '1',
      noWinner: ['PAY_NET_RATE'],
    };
    const sheet = price({ rules, finish: [['1']], stakes: { '2': 1000 } });
    expect(sheet).toMatchObject({
      outcome: 'PAID',
      dividends: [{ c: '*', price: '0.70', paidMinor: 70000 }],
      breakageMinor: 2500,
    });
  });
});

describe('rounding', () => {
  it('the takeout is rounded down, the price divides the exact net pool, and breakage balances the cent', () => {
    // 10.99 x 0.17 = 1.8683: takeout 1.86; net 9.1217 / 3.00 = 3.0406, to the cent 3.04; 10.99 - 1.86 - 9.12 = 0.01.
    const sheet = price({
      rules: { takeout: '0.17', breakTo: '0.01' },
      finish: [['1']],
      stakes: { '1': 3, '2': 7.99 },
    });
    expect(sheet).toMatchObject({ takeoutMinor: 186, netMinor: 913, paidMinor: 912, breakageMinor: 1 });
  });
});

describe('a pool that the operator stands for', () => {
  const given = { rules: { takeout: '0.25', noWinner: ['CARRY'] }, finish: [['1']], guaranteeMinor: 100_000 };

  it('600.00 staked of 1,000.00 promised: 400.00 are added and taxed, 750.00 over 10.00 on the winner is 75.00', () => {
    const sheet = price({ ...given, stakes: { '1': 10, '2': 590 } });
    expect(sheet).toMatchObject({ takeoutMinor: 25_000, paidMinor: 75_000, topUpMinor: 40_000, breakageMinor: 0 });
    expect(pricesOf(sheet)).toEqual({ '1': '75.00' });
  });

  it('by the Japanese split too: 100.00 staked of 1,000.00, 800.00 over 40.00 on the winner is 20.00', () => {
    const rules: Partial<AuditRules> = { takeout: '0.2', split: 'JAPAN' };
    const sheet = price({ rules, finish: [['1']], guaranteeMinor: 100_000, stakes: { '1': 40, '2': 60 } });
    expect(sheet).toMatchObject({ takeoutMinor: 20_000, paidMinor: 80_000, topUpMinor: 90_000, breakageMinor: 0 });
    expect(pricesOf(sheet)).toEqual({ '1': '20.00' });
  });

  it('nothing is added for nobody: 600.00 less 25 % are carried', () => {
    const sheet = price({ ...given, stakes: { '2': 600 } });
    expect(sheet).toMatchObject({ outcome: 'CARRIED', takeoutMinor: 15_000, topUpMinor: 0, carryOutMinor: 45_000 });
  });

  it('money carried gross counts towards it: 300.00 of it and 600.00 staked leave 100.00 to add', () => {
    const sheet = price({
      ...given,
      rules: { ...given.rules, carry: 'GROSS' },
      carryInMinor: 30_000,
      stakes: { '1': 10, '2': 590 },
    });
    expect(sheet).toMatchObject({ topUpMinor: 10_000, takeoutMinor: 25_000, paidMinor: 75_000 });
  });
});

describe('the whole pool is refunded', () => {
  it('when fewer betting interests run than the rules ask for', () => {
    const given: Case = {
      runners: ['1', '2', '3'],
      scratched: ['3'],
      finish: [['1'], ['2']],
      stakes: { '1': 10, '2': 10 },
    };
    expect(price({ ...given, rules: { minInterests: 3 } })).toMatchObject({ outcome: 'REFUND', refundedMinor: 2000 });
    expect(price({ ...given, rules: { minInterests: 2 } }).outcome).toBe('PAID');
  });

  it.each([
    [3, 'REFUND', 0],
    [4, 'PAID', 2],
    [7, 'PAID', 2],
    [8, 'PAID', 3],
  ] as const)('with %i on the French card: %s, %i places', (declared, outcome, paid) => {
    const runners = Array.from({ length: declared }, (_, i) => String(i + 1));
    const sheet = price({
      type: 'PLACE',
      runners,
      rules: {
        places: [
          { from: 4, places: 2 },
          { from: 8, places: 3 },
        ],
        placesBy: 'CARD',
      },
      finish: runners.map((runner) => [runner]),
      stakes: Object.fromEntries(runners.map((runner) => [runner, 10])),
    });
    expect(sheet.outcome).toBe(outcome);
    expect(sheet.dividends).toHaveLength(paid);
  });
});

describe('other laws', () => {
  it('R09: one pool, two laws: profit split 3.00, 3.50, 11.00; Japanese formula 2.90, 3.40, 11.40', () => {
    // Net 800,000 less 200,000 is 600,000, a third 200,000: 1 + 2, 1 + 2.5, 1 + 10. Japan: 0.8 x (W + 800,000/3) / W.
    const given: Case = {
      type: 'SHOW',
      finish: [['1'], ['2'], ['3']],
      stakes: { '1': 100000, '2': 80000, '3': 20000, '4': 800000 },
    };
    expect(pricesOf(price(given))).toEqual({ '1': '3.00', '2': '3.50', '3': '11.00' });
    const japan = price({ ...given, rules: { split: 'JAPAN' } });
    expect(pricesOf(japan)).toEqual({ '1': '2.90', '2': '3.40', '3': '11.40' });
  });

  it('R16: place by gross split to the cent: a third of 568.48 over 179, 149 and 89', () => {
    const sheet = price({
      type: 'SHOW',
      rules: { split: 'GROSS_SPLIT', takeout: '0.12', breakTo: 'none', rounding: 'NEAREST', minimum: '0' },
      finish: [['2'], ['3'], ['1']],
      stakes: { '1': 89, '2': 179, '3': 149, '4': 229 },
    });
    expect(pricesOf(sheet)).toEqual({ '2': '1.06', '3': '1.27', '1': '2.13' });
  });

  it.each([
    ['0.90', '1.02'],
    ['0.91', '1.10'],
    ['1.09', '1.10'],
    ['1.19', '1.10'],
  ])('S08: a calculated British win of %s pays %s', (calculated, payable) => {
    const sheet = price({
      rules: {
        takeout: '0',
        minimum: [
          { atMost: '0.90', pay: '1.02' },
          { below: '1.10', pay: '1.10' },
        ],
      },
      carryInMinor: Math.round(Number(calculated) * 10000) - 10000,
      finish: [['1']],
      stakes: { '1': 100 },
    });
    expect(pricesOf(sheet)).toEqual({ '1': payable });
  });
});

describe('lines', () => {
  const lines = (type: AuditedPoolType, selection: AuditSelection, finish = [['9']]): number => {
    const ticket = { selection, unitMinor: 1 };
    const runners = Array.from({ length: 12 }, (_, i) => String(i + 1));
    const field = { declared: runners, scratched: [], entries: [] };
    const ruleSet = { ...american, noWinner: ['REFUND'] };
    return priceByForce({ poolType: type, ruleSet, field, finish, carryInMinor: 0, tickets: [ticket] }).grossMinor;
  };
  const all = Array.from({ length: 12 }, (_, i) => String(i + 1));

  it.each([
    [
      '4,7 / 1,9,11 / 2,5: 2 x 3 x 2',
      [
        ['4', '7'],
        ['1', '9', '11'],
        ['2', '5'],
      ],
      12,
    ],
    ['5 / 1,2,3 / 1,2,3: 3 x 2', [['5'], ['1', '2', '3'], ['1', '2', '3']], 6],
    ['5 / 1..4 / 1..4: 4 x 3', [['5'], ['1', '2', '3', '4'], ['1', '2', '3', '4']], 12],
    ['9 / 3 / the field of 12: 10 are left', [['9'], ['3'], all], 10],
  ])('R23: the trifecta wheel %s', (_text, columns, count) => {
    expect(lines('TRIFECTA', { form: 'WHEEL', columns })).toBe(count);
  });

  it.each([
    ['box of 4 in order: 4 x 3 x 2', 'TRIFECTA', { form: 'BOX', runners: ['1', '2', '3', '4'] }, 24],
    [
      'box of 4, listed order only: C(4,3)',
      'TRIFECTA',
      { form: 'BOX', runners: ['1', '2', '3', '4'], orders: 'ONE' },
      4,
    ],
    ['box of 4 without order: C(4,2)', 'QUINELLA', { form: 'BOX', runners: ['1', '2', '3', '4'] }, 6],
    [
      'wheel without order: 1-2, 1-3, 2-3',
      'QUINELLA',
      {
        form: 'WHEEL',
        columns: [
          ['1', '2'],
          ['1', '2', '3'],
        ],
      },
      3,
    ],
    ['key of 1 with 3: 3 x 2', 'TRIFECTA', { form: 'KEY', bases: ['1'], associated: ['2', '3', '4'] }, 6],
    [
      'banker of 1 with 3: C(3,2) sets in 6 orders',
      'TRIFECTA',
      { form: 'BANKER', bases: ['1'], associated: ['2', '3', '4'] },
      18,
    ],
    [
      'two bases fixed with 3',
      'TRIFECTA',
      { form: 'BANKER', bases: ['1', '2'], associated: ['3', '4', '5'], orders: 'FIELD' },
      3,
    ],
  ] as const)('%s', (_text, type, selection, count) => {
    expect(lines(type, selection)).toBe(count);
  });
});

// What the slip says a mark costs, before the tote has answered; each sum is worked out in its row.
import { describe, expect, it } from 'vitest';
import { money, parseMoney, plainAmount, span } from '../src/money.js';
import { cost, emptySlip, type Form, lines, mark, markAll, missing, type Slip, toBets, without } from '../src/slip.js';

const slip = (type: string, form: Form, columns: string[][], unitStake = 100): Slip => ({
  ...emptySlip({ poolId: `R1-${type}`, type }, unitStake, form),
  columns,
});
const field = (size: number) => Array.from({ length: size }, (_, index) => String(index + 1));

describe('the number of lines', () => {
  it.each<[string, string, Form, string[][], number]>([
    ['three runners to win: 3 bets', 'WIN', 'STRAIGHT', [['4', '7', '1']], 3],
    ['an exacta straight: 1', 'EXACTA', 'STRAIGHT', [['4'], ['7']], 1],
    ['an exacta box of 4: 4×3', 'EXACTA', 'BOX', [field(4)], 12],
    ['a quinella box of 4: 4×3/2', 'QUINELLA', 'BOX', [field(4)], 6],
    ['a trifecta box of 24: 24×23×22', 'TRIFECTA', 'BOX', [field(24)], 12_144],
    ['4 with 7,1 with 7,1,2: 1×(2 choices×2 left)', 'TRIFECTA', 'WHEEL', [['4'], ['7', '1'], ['7', '1', '2']], 4],
    ['the field in two columns of an exacta: 8×7', 'EXACTA', 'WHEEL', [field(8), field(8)], 56],
    [
      'the field over five places: 24×23×22×21×20',
      'SUPER_HIGH_5',
      'WHEEL',
      Array.from({ length: 5 }, () => field(24)),
      5_100_480,
    ],
    ['4 with 4,7,1 in a quinella: 4-7 and 4-1', 'QUINELLA', 'WHEEL', [['4'], ['4', '7', '1']], 2],
    [
      '4,7 with 4,7,1: 4-7 once, 4-1, 7-1',
      'QUINELLA',
      'WHEEL',
      [
        ['4', '7'],
        ['4', '7', '1'],
      ],
      3,
    ],
    ['a first-4 box of 6, in any order: 6×5/2', 'FIRST4', 'BOX', [field(6)], 15],
    ['a multi of six runners: one line', 'MULTI', 'STRAIGHT', [field(6)], 1],
    ['a multi of three: none', 'MULTI', 'STRAIGHT', [field(3)], 0],
    ['a multi of eight: none', 'MULTI', 'STRAIGHT', [field(8)], 0],
    ['a pick 3 of 2, 1 and 3 runners: 2×1×3', 'PICK3', 'MULTI_LEG', [field(2), ['4'], field(3)], 6],
    ['the same runner in every race of a pick 3: 1', 'PICK3', 'MULTI_LEG', [['4'], ['4'], ['4']], 1],
    ['a leg without a runner: none', 'PICK3', 'MULTI_LEG', [['4'], [], ['4']], 0],
    ['one position still empty: none', 'TRIFECTA', 'WHEEL', [['4'], [], ['1']], 0],
    ['the same runner in both positions: none', 'EXACTA', 'WHEEL', [['4'], ['4']], 0],
    ['a box that is too small: none', 'TRIFECTA', 'BOX', [['4', '7']], 0],
  ])('%s', (_, type, form, columns, expected) => {
    expect(lines(slip(type, form, columns))).toBe(expected);
    expect(cost(slip(type, form, columns, 150))).toBe(expected * 150);
  });
});

describe('marking', () => {
  it('moves a runner of a straight bet instead of naming it twice', () => {
    const marked = mark(mark(slip('EXACTA', 'STRAIGHT', []), 0, '4'), 1, '4');
    expect(marked.columns).toEqual([[], ['4']]);
  });

  it('replaces the runner of a straight position and toggles on a second tap', () => {
    const once = mark(mark(slip('EXACTA', 'STRAIGHT', []), 0, '4'), 0, '7');
    expect(once.columns[0]).toEqual(['7']);
    expect(mark(once, 0, '7').columns[0]).toEqual([]);
  });

  it('takes the whole field and gives it back', () => {
    const all = markAll(slip('TRIFECTA', 'WHEEL', [['4']]), 1, field(3));
    expect(all.columns).toEqual([['4'], ['1', '2', '3'], []]);
    expect(markAll(all, 1, field(3)).columns[1]).toEqual([]);
  });

  it('loses a runner that was scratched', () => {
    expect(without(slip('WIN', 'STRAIGHT', [['4', '7']]), new Set(['7'])).columns).toEqual([['4']]);
  });
});

describe('the bets of a ticket', () => {
  it('name several runners in each race of a pool over several, whoever is scratched in another', () => {
    const empty = emptySlip({ poolId: 'R1-PICK3', type: 'PICK3' }, 100);
    const marks: [number, string][] = [
      [0, '4'],
      [0, '7'],
      [1, '4'],
      [2, '1'],
    ];
    const marked = without(
      marks.reduce((now, [column, runner]) => mark(now, column, runner), empty),
      new Set(['4']),
    );
    expect(toBets(marked)).toEqual([
      {
        betRef: 'b1',
        poolId: 'R1-PICK3',
        form: 'MULTI_LEG',
        columns: [['4', '7'], ['4'], ['1']],
        unitStake: 100,
        stake: 200,
      },
    ]);
  });

  it('name the runners of a multi one by one, in one line', () => {
    const marked = ['4', '7', '1', '9', '2'].reduce(
      (now, runner) => mark(now, 0, runner),
      slip('MULTI', 'STRAIGHT', []),
    );
    expect(toBets(marked)).toEqual([
      {
        betRef: 'b1',
        poolId: 'R1-MULTI',
        form: 'STRAIGHT',
        columns: [['4'], ['7'], ['1'], ['9'], ['2']],
        unitStake: 100,
        stake: 100,
      },
    ]);
  });

  it('are one straight bet for each runner of a win pool, so that stake = lines × unit in each', () => {
    expect(toBets(slip('WIN', 'STRAIGHT', [['4', '7']]))).toEqual([
      { betRef: 'b1', poolId: 'R1-WIN', form: 'STRAIGHT', columns: [['4']], unitStake: 100, stake: 100 },
      { betRef: 'b2', poolId: 'R1-WIN', form: 'STRAIGHT', columns: [['7']], unitStake: 100, stake: 100 },
    ]);
  });

  it('name runners for a box and columns for a wheel', () => {
    expect(toBets(slip('QUINELLA', 'BOX', [['4', '7', '1']]))).toEqual([
      { betRef: 'b1', poolId: 'R1-QUINELLA', form: 'BOX', runners: ['4', '7', '1'], unitStake: 100, stake: 300 },
    ]);
    expect(toBets(slip('EXACTA', 'WHEEL', [['4'], ['7', '1']]))[0]).toMatchObject({
      columns: [['4'], ['7', '1']],
      stake: 200,
    });
  });

  it('wait for marks and for a unit the pool takes', () => {
    const pool = { minStake: 150, unitMultiple: 50 };
    expect(missing(slip('TRIFECTA', 'BOX', [['4']]), pool)).toBe('Mark at least 3 runners for the box.');
    expect(missing(slip('WIN', 'STRAIGHT', [['4']], 100), pool)).toBe('BELOW_MIN');
    expect(missing(slip('WIN', 'STRAIGHT', [['4']], 170), pool)).toBe('NOT_MULTIPLE');
    expect(missing(slip('WIN', 'STRAIGHT', [['4']], 200), pool)).toBeNull();
  });
});

describe('amounts as people type and read them', () => {
  it.each<[string, number, number | null]>([
    ['1.50', 2, 150],
    ['1,5', 2, 150],
    ['€2', 2, 200],
    ['0.10', 2, 10],
    ['1.005', 2, null],
    ['-3', 2, null],
    ['', 2, null],
    ['100', 0, 100],
    ['90071992547410.00', 2, null],
  ])('%s with %i digits', (text, exponent, expected) => {
    expect(parseMoney(text, exponent)).toBe(expected);
  });

  it('writes cents exactly, even beyond what a float of units would hold', () => {
    const euro = { currency: 'EUR', exponent: 2 };
    expect(money(9_007_199_254_740_991, euro)).toBe('€90,071,992,547,409.91');
    expect(money(-5, euro)).toBe('-€0.05');
    expect(plainAmount(1250, 2)).toBe('12.50');
    expect(plainAmount(200, 2)).toBe('2');
  });

  it('counts down in whole seconds and up once the time has passed', () => {
    expect(span(65_000)).toBe('1:05');
    expect(span(400)).toBe('0:01');
    expect(span(-12_500)).toBe('+0:12');
    expect(span(3_840_000)).toBe('1 h 04');
  });
});

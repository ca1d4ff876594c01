/** What holds for every sheet: the dead-heat generator against plain permutations, and money conserved to the minor unit. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Finish,
  type PoolType,
  payoutMinor,
  pricePool,
  type RuleSet,
  resultKeys,
  ruleSetFor,
  ruleSets,
  type Sheet,
  shapeOf,
} from '#mutuel/tote';
import { finishOf, ordersOf } from './support/finishes.js';

const rulesOf = (name: string, type: PoolType): RuleSet => {
  const rules = ruleSetFor(name, type);
  if (!rules) throw new Error(`no rules ${name} for ${type}`);
  return rules;
};

const RUNNERS = ['1', '1A', '2', '3', '4', '5', '6'];

const finishes = finishOf(RUNNERS, 1);

describe('the dead-heat generator', () => {
  it('gives what plain permutation gives: all orders consistent with the ties, entries passed over a second time', () => {
    fc.assert(
      fc.property(finishes, fc.constantFrom<PoolType>('WIN', 'EXACTA', 'QUINELLA', 'TRIFECTA'), (finish, type) => {
        const { picks, arrangement } = shapeOf(type);
        const naive = new Set<string>();
        for (const order of ordersOf(finish)) {
          const interests = [...new Set(order.map((runner) => (runner === '1A' ? '1' : runner)))].slice(0, picks);
          const filled = [...interests, ...new Array<string>(picks - interests.length).fill('*')];
          naive.add(
            arrangement === 'ORDERED'
              ? filled.join('>')
              : filled.sort((a, b) => (a === '*' ? 1 : b === '*' ? -1 : a.localeCompare(b))).join('-'),
          );
        }
        const [first] = resultKeys(rulesOf('US', type), { declared: RUNNERS, entries: [['1', '1A']] }, finish);
        expect(first?.keys.map(({ c }) => c).sort()).toEqual([...naive].sort());
      }),
      { seed: 20_261_122, numRuns: 300 },
    );
  });

  it('24 runners in one dead heat make 24 x 23 x 22 trifectas and 276 quinellas, each listed once', () => {
    const all = Array.from({ length: 24 }, (_, i) => String(i + 1));
    const count = (type: PoolType): number | undefined =>
      resultKeys(rulesOf('US', type), { declared: all }, [all])[0]?.keys.length;
    expect([count('TRIFECTA'), count('QUINELLA'), count('WIN')]).toEqual([24 * 23 * 22, 276, 24]);
  });

  it('third-placed horses never pair with each other, seconds do', () => {
    const keys = (finish: Finish): readonly string[] =>
      resultKeys(rulesOf('FR', 'TRIFECTA'), { declared: RUNNERS }, finish)[0]?.keys.map(({ c }) => c) ?? [];
    expect(keys([['1'], ['2'], ['3', '4']])).toEqual(['1>2>3', '1>2>4']);
    expect(keys([['1'], ['2', '3'], ['4']])).toEqual(['1>2>3', '1>3>2']);
  });

  it('names every rung a shard reports for, and ends in a refund', () => {
    const rungs = resultKeys(rulesOf('US', 'TRIFECTA'), { declared: RUNNERS }, [['2'], ['3'], ['4']]);
    expect(rungs.map(({ name, keys, how }) => [name, keys.map(({ c }) => c), how])).toEqual([
      ['RESULT', ['2>3>4'], 'SINGLE_PRICE'],
      ['FIRST_2', ['2>3>*'], 'SINGLE_PRICE'],
      ['FIRST_1', ['2>*>*'], 'SINGLE_PRICE'],
      ['REFUND', [], 'REFUND'],
    ]);
  });
});

describe('every sheet', () => {
  interface Drawn {
    readonly rules: RuleSet;
    readonly finish: Finish;
    readonly amounts: readonly number[];
    readonly lost: number;
    readonly refunds: number;
    readonly carryIn: number;
    readonly scratched: readonly string[];
  }

  const drawn: fc.Arbitrary<Drawn> = fc.record({
    rules: fc
      .record({
        base: fc.constantFrom(...ruleSets.filter(({ legs }) => legs === undefined)),
        takeout: fc.constantFrom('0', '0.139', '0.1425', '1/3', '0.25'),
        split: fc.constantFrom(undefined, 'PROFIT_SPLIT' as const, 'GROSS_SPLIT' as const, 'JAPAN' as const),
        breakTo: fc.constantFrom('0.10', '0.05', 'none'),
        carry: fc.constantFrom('NET' as const, 'GROSS' as const),
        isCarried: fc.boolean(),
      })
      .map(
        ({ base, split, isCarried, ...own }): RuleSet => ({
          ...base,
          ...own,
          ...(split ? { split, deadHeat: split } : {}),
          noWinner: isCarried ? [...base.noWinner.filter((name) => name !== 'REFUND'), 'CARRY'] : base.noWinner,
        }),
      ),
    finish: finishes,
    amounts: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5_000_000 })), {
      minLength: 1,
      maxLength: 12,
    }),
    lost: fc.integer({ min: 0, max: 50_000_000 }),
    refunds: fc.integer({ min: 0, max: 10_000 }),
    carryIn: fc.integer({ min: 0, max: 10_000 }),
    scratched: fc.subarray(['4', '5', '6']),
  });

  const priced = ({
    rules,
    finish,
    amounts,
    lost,
    refunds,
    carryIn,
    scratched,
  }: Drawn): { sheet: Sheet; stakes: Record<string, number> } => {
    const field = { declared: RUNNERS, scratched, entries: [['1', '1A']] };
    const keys = [...new Set(resultKeys(rules, field, finish).flatMap((rung) => rung.keys.map(({ c }) => c)))];
    const stakes = Object.fromEntries(keys.map((c, i) => [c, amounts[i % amounts.length] ?? 0]));
    const grossMinor = Object.values(stakes).reduce((a, b) => a + b, 0) + lost + refunds;
    const input = { ruleSet: rules, field, finish, grossMinor, refundsMinor: refunds, carryInMinor: carryIn };
    return { sheet: pricePool({ ...input, stakeOn: stakes }), stakes };
  };

  it('conserves money: gross + carry-in = takeout + paid + refunded + breakage - top-up + carry-out', () => {
    fc.assert(
      fc.property(drawn, (input) => {
        const { sheet } = priced(input);
        const out =
          sheet.takeoutMinor +
          sheet.paidMinor +
          sheet.refundedMinor +
          sheet.breakageMinor -
          sheet.topUpMinor +
          sheet.carryOutMinor +
          sheet.jackpotMinor;
        expect(sheet.grossMinor + sheet.carryInMinor + sheet.jackpotInMinor).toBe(out);
        expect(sheet.paidMinor).toBe(sheet.dividends.reduce((paid, dividend) => paid + dividend.paidMinor, 0));
        expect(Math.min(sheet.breakageMinor, sheet.topUpMinor, sheet.takeoutMinor)).toBeGreaterThanOrEqual(0);
        expect(
          Object.values(sheet)
            .filter((value) => typeof value === 'number')
            .every(Number.isSafeInteger),
        ).toBe(true);
      }),
      { seed: 20_261_122, numRuns: 400 },
    );
  });

  it('pays nobody less than the least its rules name', () => {
    fc.assert(
      fc.property(drawn, (input) => {
        const { sheet } = priced(input);
        const { minimum, minimumInDeadHeat, minimumInMinusPool } = input.rules;
        const lowest = typeof minimum === 'string' ? minimum : (minimum[0]?.pay ?? '0');
        const least = sheet.rungName === 'PAY_NET_RATE' ? '0' : (minimumInDeadHeat ?? minimumInMinusPool ?? lowest);
        for (const { price } of sheet.dividends) expect(Number(price)).toBeGreaterThanOrEqual(Number(least));
      }),
      { seed: 20_261_123, numRuns: 200 },
    );
  });

  it('does not depend on the order in which stakes are told', () => {
    fc.assert(
      fc.property(drawn, fc.boolean(), (input, isReversed) => {
        const { sheet, stakes } = priced(input);
        const entries = Object.entries(stakes);
        const told = Object.fromEntries(isReversed ? entries.reverse() : entries.sort());
        const field = { declared: RUNNERS, scratched: input.scratched, entries: [['1', '1A']] };
        const again = pricePool({
          ruleSet: input.rules,
          field,
          finish: input.finish,
          grossMinor: sheet.grossMinor + sheet.refundsMinor,
          refundsMinor: sheet.refundsMinor,
          carryInMinor: sheet.carryInMinor,
          stakeOn: (c) => told[c] ?? 0,
        });
        expect(again).toEqual(sheet);
      }),
      { seed: 20_261_124, numRuns: 100 },
    );
  });

  it('pays single bets within one minor unit each of the winning stake times the price', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('US', 'FR'),
        fc.integer({ min: 110, max: 99_999 }),
        fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 20 }),
        (name, cents, bets) => {
          const price = (cents / 100).toFixed(2);
          const rules = rulesOf(name, 'WIN');
          const stake = bets.reduce((a, b) => a + b, 0);
          const paid = bets.reduce((sum, bet) => sum + payoutMinor(rules, price, bet), 0);
          expect(Math.abs(paid * 100 - stake * cents)).toBeLessThanOrEqual(100 * bets.length);
        },
      ),
      { seed: 20_261_125, numRuns: 200 },
    );
  });
});

describe('a season of American races', () => {
  /** A small generator of its own, so that the season is the same for ever. */
  function* numbers(seed: number): Generator<number, never> {
    for (let state = seed; ; ) {
      state = (state * 48_271) % 2_147_483_647;
      yield state;
    }
  }

  it('1,495 races of 5 to 12 runners: win, place and show balance in every pool, dead heats and minus pools among them', () => {
    const random = numbers(20_261_122);
    const draw = (below: number): number => random.next().value % below;
    const seen = { deadHeats: 0, minusPools: 0, sheets: 0 };
    for (let race = 0; race < 1_495; race++) {
      const declared = Array.from({ length: 5 + draw(8) }, (_, i) => String(i + 1));
      const order = [...declared].sort(() => draw(3) - 1);
      const isDeadHeat = draw(60) === 0;
      const finish = isDeadHeat
        ? [order.slice(0, 2), ...order.slice(2).map((runner) => [runner])]
        : order.map((runner) => [runner]);
      const favourite = draw(12) === 0 ? 40 : 4;
      for (const type of ['WIN', 'PLACE', 'SHOW'] as const) {
        const stakes = Object.fromEntries(
          declared.map((runner) => [runner, (1 + draw(500)) * 100 * (runner === order[0] ? favourite : 1)]),
        );
        const grossMinor = Object.values(stakes).reduce((a, b) => a + b, 0);
        const sheet = pricePool({
          ruleSet: rulesOf('US', type),
          field: { declared },
          finish,
          grossMinor,
          refundsMinor: 0,
          carryInMinor: 0,
          stakeOn: stakes,
        });
        expect(sheet.grossMinor).toBe(sheet.takeoutMinor + sheet.paidMinor + sheet.breakageMinor - sheet.topUpMinor);
        expect(sheet.dividends.length).toBe({ WIN: isDeadHeat ? 2 : 1, PLACE: 2, SHOW: 3 }[type]);
        seen.sheets++;
        if (isDeadHeat) seen.deadHeats++;
        if (sheet.topUpMinor > 0) seen.minusPools++;
      }
    }
    expect(seen.sheets).toBe(4_485);
    expect(seen.deadHeats).toBeGreaterThan(20);
    expect(seen.minusPools).toBeGreaterThan(20);
  });
});

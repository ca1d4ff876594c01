/** Every pool over several races of every rule set, on generated races: what must hold whoever wins. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isRefusal,
  type Leg,
  legKeys,
  legResult,
  linesMatching,
  linesWithout,
  payoutMinor,
  priceLegs,
  type RuleSet,
  ratio,
  readSelection,
  refundedLegRunners,
  ruleSets,
  type Sheet,
  shapeOf,
} from '#mutuel/tote';

const pools = ruleSets.filter(({ legs }) => legs !== undefined);

interface Bet {
  readonly text: string;
  readonly unit: number;
}

interface Case {
  readonly rules: RuleSet;
  readonly legs: readonly Leg[];
  readonly bets: readonly Bet[];
  readonly carryInMinor: number;
  readonly jackpotInMinor: number;
  readonly mandatory: boolean;
}

/** Few runners, so that tickets win; ties, legs not run, and non-runners before and after the close. */
const legOf: fc.Arbitrary<Leg> = fc
  .record({
    order: fc.shuffledSubarray(['1', '2', '3', '4', '5'], { minLength: 5 }),
    tied: fc.nat(3),
    out: fc.constantFrom('NONE', 'NONE', 'BEFORE', 'AFTER'),
    isRun: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    favourite: fc.nat(3),
  })
  .map(({ order, tied, out, isRun, favourite }) => {
    const running = out === 'NONE' ? order : order.slice(0, 4);
    const gone = order.slice(running.length);
    const first = running.slice(0, tied === 0 ? 2 : 1);
    return {
      declared: ['1', '2', '3', '4', '5'],
      scratched: out === 'BEFORE' ? gone : [],
      scratchedAfterClose: out === 'AFTER' ? gone : [],
      favourite: running[favourite] ?? null,
      finish: isRun ? [first, ...running.slice(first.length).map((runner) => [runner])] : null,
    };
  });

const column = fc.uniqueArray(fc.constantFrom('1', '2', '3', '4', '5'), { minLength: 1, maxLength: 4 });

const cases: fc.Arbitrary<Case> = fc.constantFrom(...pools).chain((rules) => {
  const { picks } = shapeOf(rules.poolType);
  const bet = fc.record({
    text: fc
      .array(column, { minLength: picks, maxLength: picks })
      .map((columns) => columns.map((one) => one.join(',')).join('/')),
    unit: fc.integer({ min: 1, max: 500 }),
  });
  return fc.record({
    rules: fc.constant(rules),
    legs: fc.array(legOf, { minLength: picks, maxLength: picks }),
    bets: fc.array(bet, { maxLength: 12 }),
    carryInMinor: fc.nat(1_000_000),
    jackpotInMinor: fc.constantFrom(0, 5_000_000),
    mandatory: fc.boolean(),
  });
});

function settle({ rules, legs, bets, ...money }: Case): { readonly sheet: Sheet; readonly paidMinor: number } {
  const out = refundedLegRunners(rules, legs);
  const tickets = bets.map(({ text, unit }) => {
    const selection = readSelection(rules.poolType, text, { declared: [], legs }, rules);
    if (isRefusal(selection)) throw new Error(selection.message);
    return { selection, unit };
  });
  const grossMinor = tickets.reduce((sum, { selection, unit }) => sum + selection.lines * unit, 0);
  const left = tickets.reduce((sum, { selection, unit }) => sum + linesWithout(selection, out) * unit, 0);
  const on = (key: string): number =>
    tickets.reduce((sum, { selection, unit }) => sum + linesMatching(selection, key, out) * unit, 0);
  const stakes = new Map(legKeys(rules, legs).map((key) => [key, on(key)]));
  const sheet = priceLegs({
    ...{ ruleSet: rules, result: legResult(rules, legs), grossMinor, refundsMinor: grossMinor - left },
    ...{ ...money, stakeOf: (key) => ratio(stakes.get(key) ?? 0) },
  });
  const paidMinor = tickets.reduce((sum, { selection, unit }) => {
    const won = sheet.dividends.map(({ c, price }) =>
      payoutMinor(rules, price, linesMatching(selection, c, out) * unit),
    );
    return sum + won.reduce((all, one) => all + one, 0);
  }, 0);
  return { sheet, paidMinor };
}

/** On a machine that does other things too. */
const BUSY_MS = 60_000;

describe('every pool over several races', () => {
  it(
    'keeps its money: stakes, carry-in and jackpot are paid, kept or handed on, to the minor unit',
    () => {
      fc.assert(
        fc.property(cases, (one) => {
          const { sheet, paidMinor } = settle(one);
          const out =
            sheet.takeoutMinor + sheet.paidMinor + sheet.refundedMinor + sheet.breakageMinor - sheet.topUpMinor;
          expect(sheet.grossMinor + one.carryInMinor + one.jackpotInMinor).toBe(
            out + sheet.carryOutMinor + sheet.jackpotMinor,
          );
          expect(sheet.dividends.reduce((sum, dividend) => sum + dividend.paidMinor, 0)).toBe(sheet.paidMinor);
          // Bets are paid apart, each rounded down: together never more than the winning stake times the price.
          expect(paidMinor).toBeLessThanOrEqual(sheet.paidMinor);
          for (const amount of [sheet.breakageMinor, sheet.topUpMinor, sheet.carryOutMinor, sheet.jackpotMinor])
            expect(amount).toBeGreaterThanOrEqual(0);
        }),
        { seed: 11, numRuns: 500 },
      );
    },
    BUSY_MS,
  );

  it(
    'never pays less than the least price that its rule names',
    () => {
      fc.assert(
        fc.property(cases, (one) => {
          const { minimum, minimumInMinusPool } = one.rules;
          const least = typeof minimum === 'string' ? Number(minimumInMinusPool ?? minimum) : 1;
          for (const { tier, price } of settle(one).sheet.dividends)
            if (tier !== 'CONSOLATION') expect(Number(price)).toBeGreaterThanOrEqual(least);
        }),
        { seed: 12, numRuns: 250 },
      );
    },
    BUSY_MS,
  );

  it(
    'pays the same in whatever order bets came',
    () => {
      fc.assert(
        fc.property(cases, (one) => {
          expect(settle({ ...one, bets: one.bets.toReversed() })).toEqual(settle(one));
        }),
        { seed: 13, numRuns: 150 },
      );
    },
    BUSY_MS,
  );

  it(
    'pays a winner no more when more is staked on it',
    () => {
      fc.assert(
        fc.property(cases, fc.integer({ min: 1, max: 2_000 }), (one, more) => {
          // A part-backed pool pays its part, a single winner takes the jackpot alone: there less stake is less or more by rule.
          fc.pre(
            one.rules.partUnitMinor === undefined &&
              one.rules.unique === undefined &&
              one.rules.legs?.leastPaid === undefined,
          );
          const winners = one.legs.map((leg) => leg.finish?.[0]?.[0] ?? '1').join('/');
          const before = settle({ ...one, bets: [...one.bets, { text: winners, unit: 500 }] }).sheet;
          const after = settle({ ...one, bets: [...one.bets, { text: winners, unit: 500 + more }] }).sheet;
          const top = legResult(one.rules, one.legs).right.at(-1)?.keys[0]?.c;
          const priceIn = (sheet: Sheet): number => Number(sheet.dividends.find(({ c }) => c === top)?.price ?? 0);
          expect(priceIn(after)).toBeLessThanOrEqual(priceIn(before));
        }),
        { seed: 14, numRuns: 250 },
      );
    },
    BUSY_MS,
  );
});

/**
 * Pools with several tiers: every line is paid at its own best rank and nowhere else, whoever is tied and whoever does not
 * run; formulas are counted by closed forms as listing their lines counts them; and what is paid follows the stakes.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  combinationMatches,
  expandLines,
  type Finish,
  isRefusal,
  keptNonRunners,
  linesMatching,
  linesWithout,
  type PoolType,
  pricePool,
  type ReadSelection,
  type RuleSet,
  type RungKey,
  resolveSelection,
  resultKeys,
  ruleSetFor,
  ruleSets,
  type Selection,
  type Sheet,
  shapeOf,
} from '#mutuel/tote';
import { finishOf, ordersOf } from './support/finishes.js';

const RUNNERS = ['1', '2', '3', '4', '5', '6', '7'];

const rulesOf = (type: PoolType, name = 'FR'): RuleSet => {
  const rules = ruleSetFor(name, type);
  if (!rules) throw new Error(`no rules ${name} for ${type}`);
  return rules;
};

function* setsOf(members: readonly string[], size: number): Generator<string[]> {
  if (size === 0) yield [];
  for (const [i, member] of members.entries())
    if (size > 0) for (const rest of setsOf(members.slice(i + 1), size - 1)) yield [member, ...rest];
}

/** The best rank of a line by the words of the rule book: looking at every order that the ties allow. */
function rankOf(
  type: PoolType,
  line: readonly string[],
  orders: readonly (readonly string[])[],
  out: readonly string[],
) {
  const { picks } = shapeOf(type);
  const holds = (first: number): boolean =>
    orders.some(
      (order) => order.slice(0, first).length === first && order.slice(0, first).every((r) => line.includes(r)),
    );
  const absent = line.filter((runner) => out.includes(runner)).length;
  if (type === 'MULTI') return holds(4) ? `M${line.length}` : null;
  if (absent > 0) return holds(picks - absent) ? `${absent}NP` : null;
  if (type === 'TRIO' || type === 'PICK5_FR') return holds(picks) ? type : null;
  if (orders.some((order) => order.slice(0, picks).join() === line.join())) return 'ORDER';
  if (holds(picks)) return 'DISORDER';
  for (const first of [4, 3]) if (first < picks && type !== 'TIERCE' && holds(first)) return `BONUS${first}`;
  return null;
}

const unique = (lines: readonly (readonly string[])[]): readonly (readonly string[])[] => [
  ...new Map(lines.map((line) => [line.join(), line])).values(),
];

const keysOf = (rules: RuleSet, scratched: readonly string[], finish: Finish): readonly RungKey[] =>
  resultKeys(rules, { declared: RUNNERS, scratched }, finish)[0]?.keys ?? [];

describe('every line is paid at its own best rank', () => {
  it('a bonus needs a runner behind those it names: where nobody else came home they have the disorder', () => {
    const tiers = (type: PoolType, home: number) =>
      keysOf(
        rulesOf(type),
        [],
        RUNNERS.slice(0, home).map((runner) => [runner]),
      ).map(({ tier }) => tier);
    expect(tiers('QUARTE', 3)).toEqual(['ORDER', 'DISORDER']);
    expect(tiers('QUARTE', 4)).toEqual(['ORDER', 'DISORDER', 'BONUS3']);
    expect(tiers('QUINTE', 3)).toEqual(['ORDER', 'DISORDER']);
    expect(tiers('QUINTE', 4)).toEqual(['ORDER', 'DISORDER', 'BONUS3']);
  });

  it.each<[PoolType, number, number]>([
    ['TIERCE', 4, 3],
    ['QUARTE', 5, 4],
    ['QUINTE', 6, 5],
    ['MULTI', 5, 5],
    ['MULTI', 5, 6],
    ['MULTI', 4, 4],
    ['TRIO', 3, 3],
    ['PICK5_FR', 5, 5],
  ])('%s, at least %i home, lines of %i', (type, least, size) => {
    const isSet = shapeOf(type).arrangement === 'UNORDERED';
    const rules = { ...rulesOf(type), minInterests: 0 };
    fc.assert(
      fc.property(
        fc.subarray(rules.tierProfit ? ['6', '7'] : []).chain((out: string[]) =>
          fc.tuple(
            fc.constant(out),
            finishOf(
              RUNNERS.filter((runner) => !out.includes(runner)),
              least,
            ),
          ),
        ),
        ([out, finish]) => {
          const keys = keysOf(rules, out, finish);
          const orders = unique([...ordersOf(finish)].map((order) => order.slice(0, 5)));
          const kept = keptNonRunners(rules);
          const sets = [...setsOf(RUNNERS, size)].filter((set) => set.filter((r) => out.includes(r)).length <= kept);
          // A few orders of each set are enough where order counts: the first, the last, and the winning ones.
          const winning = isSet
            ? []
            : [...orders.slice(0, 40), ...orders.slice(-40)].map((order) => order.slice(0, size));
          const lines = unique(isSet ? sets : [...sets.flatMap((set) => [set, [...set].reverse()]), ...winning]);
          for (const line of lines.filter(({ length }) => length === size)) {
            const text = line.join(isSet ? '-' : '>');
            const matching = keys.filter(({ c }) => combinationMatches(type, text, c)).map(({ tier }) => tier);
            const rank = rankOf(type, line, orders, out);
            expect([text, matching]).toEqual([text, rank === null ? [] : [rank]]);
          }
        },
      ),
      { seed: 20_261_122, numRuns: 20 },
    );
  });
});

describe('formulas against their listed lines', () => {
  const some = (least: number, most: number): fc.Arbitrary<string[]> =>
    fc.shuffledSubarray(RUNNERS, { minLength: least, maxLength: most });
  const selectionOf = (type: PoolType, size: number): fc.Arbitrary<Selection> => {
    const own = type === 'MULTI' ? { size } : {};
    const bases = fc.tuple(
      some(size, 7),
      fc.integer({ min: 1, max: size - 1 }),
      fc.constantFrom('ALL', 'ONE', 'FIELD'),
    );
    return fc.oneof(
      fc
        .array(some(1, 4), { minLength: size, maxLength: size })
        .map((columns) => ({ form: 'WHEEL' as const, columns })),
      fc
        .tuple(some(size, 7), fc.constantFrom('ALL' as const, 'ONE' as const))
        .map(([runners, orders]) => ({ form: 'BOX' as const, runners, orders, ...own })),
      bases.map(([named, count, orders]) => ({
        form: 'CHAMP_REDUIT' as const,
        bases: named.slice(0, count),
        associated: named.slice(count),
        orders: orders as 'ALL',
        ...own,
      })),
      bases.map(([named, count]) => ({ form: 'CHAMP_TOTAL' as const, bases: named.slice(0, count), ...own })),
    );
  };

  it.each<[PoolType, number]>([
    ['TIERCE', 3],
    ['QUINTE', 5],
    ['MULTI', 5],
    ['TRIO', 3],
    ['PICK5_FR', 5],
  ])('%s of %i: every key of every finish counts the lines that fall under it', (type, size) => {
    const rules = { ...rulesOf(type), minInterests: 0 };
    fc.assert(
      fc.property(
        selectionOf(type, size),
        finishOf(RUNNERS.slice(0, 6), 5),
        fc.boolean(),
        (selection, finish, isOut) => {
          const read = resolveSelection(type, selection, { declared: RUNNERS });
          if (isRefusal(read)) return;
          const out = isOut && rules.tierProfit ? ['7'] : [];
          const kept = keptNonRunners(rules);
          const lines = [...expandLines(read)];
          expect(read.lines).toBe(lines.length);
          for (const { c } of keysOf(rules, out, finish)) {
            const under = lines.filter((line) => combinationMatches(type, line, c)).length;
            expect([c, linesMatching(read, c, out, kept)]).toEqual([c, under]);
          }
          const standing = lines.filter((line) => line.split(/[->]/).filter((r) => out.includes(r)).length <= kept);
          expect(linesWithout(read, out, kept)).toBe(standing.length);
          const again = resolveSelection(type, selection, { declared: RUNNERS }) as ReadSelection;
          expect(again.text).toBe(read.text);
        },
      ),
      { seed: 20_261_123, numRuns: 120 },
    );
  });

  it('a field ticket collects several bonuses: 2 bases and the field of 9 hold one order, 5 bonus-4 and 10 bonus-3 lines', () => {
    const declared = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
    const read = resolveSelection(
      'QUINTE',
      { form: 'CHAMP_TOTAL', bases: ['1', '2'], orders: 'FIELD' },
      { declared },
    ) as ReadSelection;
    const rungs = resultKeys(rulesOf('QUINTE'), { declared }, [['1'], ['2'], ['3'], ['4'], ['5'], ['6']]);
    const counted = Object.fromEntries((rungs[0]?.keys ?? []).map(({ tier, c }) => [tier, linesMatching(read, c)]));
    // Behind 1>2 the other three in every order: 3-4-5 makes 6 lines, one of them the order; with 3-4 and one of four worse
    // ones 4 x 6 lines; with 3, not 4, and two of the five others C(5,2) x 6.
    expect(counted).toEqual({ ORDER: 1, DISORDER: 5, BONUS4: 24, BONUS3: 60 });
  });
});

describe('what is paid follows the stakes', () => {
  const record = {
    type: fc.constantFrom<PoolType>('TIERCE', 'QUARTE', 'QUINTE', 'MULTI', 'TRIO', 'PICK5_FR', 'QUINELLA_PLACE'),
    finish: finishOf(RUNNERS, 6),
    amounts: fc.array(fc.integer({ min: 0, max: 500_000 }), { minLength: 4, maxLength: 9 }),
    lost: fc.integer({ min: 0, max: 20_000_000 }),
    more: fc.integer({ min: 1, max: 500_000 }),
  };
  const drawn = fc.record(record);
  const priced = (ruleSet: RuleSet, finish: Finish, stakes: Readonly<Record<string, number>>, lost: number): Sheet =>
    pricePool({
      ruleSet,
      field: { declared: RUNNERS },
      finish,
      grossMinor: Object.values(stakes).reduce((a, b) => a + b, 0) + lost,
      refundsMinor: 0,
      carryInMinor: 0,
      stakeOn: stakes,
    });

  /** Below one a split of the profit shares a loss, of which more stake bears more in all and less for one. */
  const isAtMost = (a: string, b: string): boolean => {
    const [[n = 0n, d = 1n], [m = 0n, e = 1n]] = [a.split('/').map(BigInt), b.split('/').map(BigInt)] as const;
    return n <= d || n * e <= m * d;
  };

  it('more stake on a winner, taken from the losers, never pays it more: every pool of one race, every rule set', () => {
    // But for the quinté, whose text merges bonus 4 and 3 with weight 3 as soon as they cross: there its price leaps up.
    const shipped = ruleSets.filter(({ legs, tiers, weights }) => legs === undefined && !(tiers && weights));
    const any = fc.record({ ...record, rules: fc.constantFrom(...shipped) });
    fc.assert(
      fc.property(any, fc.nat({ max: 99 }), ({ rules, finish, amounts, lost, more }, chosen) => {
        const keys = resultKeys(rules, { declared: RUNNERS }, finish)[0]?.keys ?? [];
        // A single winner's jackpot starts at its unit.
        const least = rules.unique?.unit ?? 1;
        const stakes = Object.fromEntries(keys.map(({ c }, i) => [c, least + (amounts[i % amounts.length] ?? 0)]));
        const winner = keys[chosen % Math.max(1, keys.length)]?.c ?? '';
        const before = priced(rules, finish, stakes, lost + more);
        const after = priced(rules, finish, { ...stakes, [winner]: (stakes[winner] ?? 0) + more }, lost);
        fc.pre(before.rungName === 'RESULT');
        for (const tier of new Set(before.dividends.map((one) => one.tier))) {
          const [was, is] = [before, after].map((sheet) =>
            sheet.dividends.find((one) => one.c === winner && one.tier === tier),
          );
          if (!was || !is) continue;
          expect(isAtMost(is.exact, was.exact)).toBe(true);
          // The lower minimum of a minus pool is paid only while the breakage of others does not bear the usual one.
          if (rules.minimumInMinusPool === undefined) expect(Number(is.price)).toBeLessThanOrEqual(Number(was.price));
        }
      }),
      { seed: 20_261_124, numRuns: 1_500 },
    );
  });

  it('three tiers that share the profit: the one that would be paid more than the one above it shares with that alone', () => {
    const rules: RuleSet = {
      ...rulesOf('TRIO'),
      takeout: '0',
      minimum: '0',
      breakTo: 'none',
      tiers: [
        { name: 'TRIO', share: '0.70' },
        { name: '1NP', share: '0.20' },
        { name: '2NP', share: '0.10' },
      ],
      tierProfit: 'OWN',
    };
    const of = (stakes: readonly [number, number, number]): Record<string, string> => {
      const [trio, oneOut, twoOut] = stakes;
      const sheet = pricePool({
        ruleSet: rules,
        field: { declared: [...RUNNERS, '8'], scratched: ['7', '8'] },
        finish: [['1'], ['2'], ['3'], ['4'], ['5'], ['6']],
        grossMinor: 14_000,
        refundsMinor: 0,
        carryInMinor: 0,
        stakeOn: { '1-2-3': trio, '1-2-7': oneOut, '1-7-8': twoOut },
      });
      return Object.fromEntries(sheet.dividends.map(({ tier, price }) => [tier, price]));
    };
    // Profit 14000 - 4000 = 10000: 7000 / 1000, 2000 / 1000, 1000 / 2000.
    expect(of([1_000, 1_000, 2_000])).toEqual({ TRIO: '8.00', '1NP': '3.00', '2NP': '1.50' });
    // 1000 / 100 crosses 2000 / 2900: both 3000 / 3000; the first keeps 7000 / 1000.
    expect(of([1_000, 2_900, 100])).toEqual({ TRIO: '8.00', '1NP': '2.00', '2NP': '2.00' });
    // 2000 / 100 crosses 7000 / 3800: both 9000 / 3900 = 2.30; 1000 / 100 crosses that too: all 10000 / 4000.
    expect(of([3_800, 100, 100])).toEqual({ TRIO: '3.50', '1NP': '3.50', '2NP': '3.50' });
  });

  it('ratios hold on every sheet: an order never below the disorder, the bonus at most a quarter of it, weights exact', () => {
    fc.assert(
      fc.property(drawn, ({ type, finish, amounts, lost }) => {
        const keys = keysOf(rulesOf(type), [], finish);
        const stakes = Object.fromEntries(keys.map(({ c }, i) => [c, amounts[i % amounts.length] ?? 0]));
        const sheet = priced(rulesOf(type), finish, stakes, lost);
        const best = new Map<string, number>();
        for (const { tier, price } of sheet.dividends) {
          if (sheet.outcome === 'PAID') best.set(tier, Math.max(best.get(tier) ?? 0, Number(price)));
        }
        const [order, disorder, bonus4, bonus3] = ['ORDER', 'DISORDER', 'BONUS4', 'BONUS3'].map((tier) =>
          best.get(tier),
        );
        if (order && disorder && type !== 'TIERCE') expect(order).toBeGreaterThanOrEqual(disorder);
        if (type === 'QUARTE' && disorder && bonus3 && bonus3 > 1.1) expect(disorder).toBeGreaterThan(4 * bonus3 - 0.5);
        if (bonus4 && bonus3) expect(bonus4).toBeGreaterThanOrEqual(bonus3);
        const unit = [105, 21, 7, 3].flatMap((weight, i) => {
          const price = best.get(`M${i + 4}`);
          return price === undefined ? [] : [Math.round((price / weight) * 1e6)];
        });
        expect(new Set(unit).size).toBeLessThanOrEqual(1);
      }),
      { seed: 20_261_125, numRuns: 300 },
    );
  });
});

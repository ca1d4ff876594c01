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
  type Selection,
  type Sheet,
  shapeOf,
} from '#mutuel/tote';

const RUNNERS = ['1', '2', '3', '4', '5', '6', '7'];

const rulesOf = (type: PoolType, name = 'FR'): RuleSet => {
  const rules = ruleSetFor(name, type);
  if (!rules) throw new Error(`no rules ${name} for ${type}`);
  return rules;
};

/** A finishing order with ties of at least `least` of these runners. */
const finishOf = (runners: readonly string[], least: number): fc.Arbitrary<Finish> =>
  fc
    .tuple(
      fc.shuffledSubarray([...runners], { minLength: least }),
      fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
    )
    .map(([order, isTied]) => {
      const ranks: string[][] = [];
      order.forEach((runner, i) => {
        const last = ranks.at(-1);
        if (last && isTied[i]) last.push(runner);
        else ranks.push([runner]);
      });
      return ranks;
    });

function* ordersOf(finish: Finish): Generator<string[]> {
  const [rank, ...later] = finish;
  if (!rank) {
    yield [];
    return;
  }
  for (const head of permutationsOf(rank)) for (const tail of ordersOf(later)) yield [...head, ...tail];
}

function* permutationsOf(members: readonly string[]): Generator<string[]> {
  if (members.length === 0) yield [];
  for (const member of members)
    for (const rest of permutationsOf(members.filter((other) => other !== member))) yield [member, ...rest];
}

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
  const drawn = fc.record({
    type: fc.constantFrom<PoolType>('TIERCE', 'QUARTE', 'QUINTE', 'MULTI', 'TRIO', 'PICK5_FR', 'QUINELLA_PLACE'),
    finish: finishOf(RUNNERS, 6),
    amounts: fc.array(fc.integer({ min: 0, max: 500_000 }), { minLength: 4, maxLength: 9 }),
    lost: fc.integer({ min: 0, max: 20_000_000 }),
    more: fc.integer({ min: 1, max: 500_000 }),
  });
  const priced = (type: PoolType, finish: Finish, stakes: Readonly<Record<string, number>>, lost: number): Sheet =>
    pricePool({
      ruleSet: rulesOf(type),
      field: { declared: RUNNERS },
      finish,
      grossMinor: Object.values(stakes).reduce((a, b) => a + b, 0) + lost,
      refundsMinor: 0,
      carryInMinor: 0,
      stakeOn: stakes,
    });

  it('one more euro on a winner of a pool with one tier, taken from the losers, never pays it more', () => {
    fc.assert(
      fc.property(drawn, ({ finish, amounts, lost, more }) => {
        const keys = keysOf(rulesOf('QUINELLA_PLACE'), [], finish).map(({ c }) => c);
        const stakes = Object.fromEntries(keys.map((c, i) => [c, 1 + (amounts[i % amounts.length] ?? 0)]));
        const winner = keys[0] ?? '';
        const before = priced('QUINELLA_PLACE', finish, stakes, lost + more);
        const after = priced('QUINELLA_PLACE', finish, { ...stakes, [winner]: (stakes[winner] ?? 0) + more }, lost);
        const at = (sheet: Sheet): number => Number(sheet.dividends.find(({ c }) => c === winner)?.price ?? 0);
        expect(at(after)).toBeLessThanOrEqual(at(before));
      }),
      { seed: 20_261_124, numRuns: 200 },
    );
  });

  it('ratios hold on every sheet: an order never below the disorder, the bonus at most a quarter of it, weights exact', () => {
    fc.assert(
      fc.property(drawn, ({ type, finish, amounts, lost }) => {
        const keys = keysOf(rulesOf(type), [], finish);
        const stakes = Object.fromEntries(keys.map(({ c }, i) => [c, amounts[i % amounts.length] ?? 0]));
        const sheet = priced(type, finish, stakes, lost);
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

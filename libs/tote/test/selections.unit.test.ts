/** Selections: line counts of published tables, one text for one set of lines, and brute force beside every closed form. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  combinationMatches,
  expandLines,
  type Form,
  isRefusal,
  keyMembers,
  linesMatching,
  linesWithout,
  type PoolType,
  type ReadSelection,
  readSelection,
  resolveSelection,
  type Selection,
  selectionText,
  shapeOf,
} from '#mutuel/tote';

const field = (count: number) => ({ declared: Array.from({ length: count }, (_, i) => String(i + 1)) });

function read(type: PoolType, selection: Selection, runners = 16): ReadSelection {
  const result = resolveSelection(type, selection, field(runners));
  if (isRefusal(result)) throw new Error(`${result.at} ${result.message}`);
  return result;
}

const columns = (text: string): string[][] => text.split('/').map((column) => column.split(','));
const upTo = (n: number, from = 1): string[] => Array.from({ length: n - from + 1 }, (_, i) => String(from + i));

describe('line counts of published tables', () => {
  it.each([
    ['4,7/1,9,11/2,5', 2 * 3 * 2, 'no runner in two columns: 2 x 3 x 2'],
    ['5/1,2,3/1,2,3', 6, 'a key over three: 3 x 2'],
    ['5/1,2,3,4/1,2,3,4', 12, 'a key over four: 4 x 3'],
    ['9/3/ALL', 10, 'the field of 12 less the two named'],
  ])('a trifecta wheel %s has %i lines: %s (Suffolk OTB)', (text, lines) => {
    expect(read('TRIFECTA', { form: 'WHEEL', columns: columns(text) }, 12).lines).toBe(lines);
  });

  it.each([
    ['1/2,3/2,3/4,5/4,5', 4],
    ['1/2,3,4/2,3,4/2,3,4/5,6,7', 18],
    ['1/2,3,4,5/2,3,4,5/2,3,4,5/6', 24],
    ['1,2/1,2,3/1,2,3,4/1,2,3,4,5/1,2,3,4,5,6', 32],
    ['1/2,3,4/2,3,4/2,3,4/5,6,7,8,9,10', 36],
    ['1/2,3/2,3,4/2,3,4,5/2,3,4,5,6,7,8,9,10', 48],
    ['1/2,3/2,3,4/2,3,4,5/6', 8],
  ])('a super high-five part wheel %s has %i lines of twenty cents', (text, lines) => {
    expect(read('SUPER_HIGH_5', { form: 'WHEEL', columns: columns(text) }).lines).toBe(lines);
  });

  it.each([5, 6, 7, 8, 9, 10])(
    'super high-five with %i runners: box n!/(n-5)!, wheel 1/2/3..n, key 1 over 2..n',
    (n) => {
      const falling = (from: number, count: number): number =>
        Array.from({ length: count }, (_, i) => from - i).reduce((product, factor) => product * factor, 1);
      expect(read('SUPER_HIGH_5', { form: 'BOX', runners: upTo(n) }).lines).toBe(falling(n, 5));
      const behind = upTo(n, 3);
      const wheel = read('SUPER_HIGH_5', { form: 'WHEEL', columns: [['1'], ['2'], behind, behind, behind] });
      expect(wheel.lines).toBe(falling(n - 2, 3));
      expect(read('SUPER_HIGH_5', { form: 'KEY', bases: ['1'], associated: upTo(n, 2) }).lines).toBe(falling(n - 1, 4));
    },
  );

  it('exacta boxes of 2 to 12 cost 4 to 264 at two dollars, trifecta boxes of 3 to 8 cost 6 to 336 at one', () => {
    const exacta = upTo(12, 2).map((n) => 2 * read('EXACTA', { form: 'BOX', runners: upTo(Number(n)) }).lines);
    expect(exacta).toEqual([4, 12, 24, 40, 60, 84, 112, 144, 180, 220, 264]);
    const trifecta = upTo(8, 3).map((n) => read('TRIFECTA', { form: 'BOX', runners: upTo(Number(n)) }).lines);
    expect(trifecta).toEqual([6, 24, 60, 120, 210, 336]);
    const wheel = upTo(12, 6).map(
      (n) => read('TRIFECTA', { form: 'WHEEL', columns: [['1'], ['ALL'], ['ALL']] }, Number(n)).lines,
    );
    expect(wheel).toEqual([20, 30, 42, 56, 72, 90, 110]);
  });

  it('French formulas: six boxed 20 simply and 120 in all orders; two bases with 16 runners or with 5 associated', () => {
    const tierce = (selection: Selection): number => read('TIERCE', selection).lines;
    expect(tierce({ form: 'BOX', runners: upTo(6), orders: 'ONE' })).toBe(20);
    expect(tierce({ form: 'BOX', runners: upTo(6) })).toBe(120);
    expect(tierce({ form: 'CHAMP_TOTAL', bases: ['3', '1'], orders: 'ONE' })).toBe(14);
    expect(tierce({ form: 'CHAMP_TOTAL', bases: ['3', '1'] })).toBe(84);
    expect(tierce({ form: 'CHAMP_REDUIT', bases: ['3', '1'], associated: upTo(8, 4), orders: 'ONE' })).toBe(5);
    expect(tierce({ form: 'CHAMP_REDUIT', bases: ['3', '1'], associated: upTo(8, 4) })).toBe(30);
    const quinte = (orders: 'ONE' | 'FIELD'): number =>
      read('QUINTE', { form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: upTo(10, 3), orders }).lines;
    expect([quinte('ONE'), quinte('FIELD')]).toEqual([56, 336]);
  });
});

describe('one text for one set of lines', () => {
  it.each<[PoolType, Selection, string]>([
    ['WIN', { form: 'STRAIGHT', columns: [['4']] }, '4'],
    ['TRIFECTA', { form: 'STRAIGHT', columns: [['4'], ['7'], ['1']] }, '4>7>1'],
    ['QUINELLA', { form: 'STRAIGHT', columns: [['12'], ['7']] }, '7-12'],
    [
      'TRIFECTA',
      {
        form: 'WHEEL',
        columns: [
          ['7', '4'],
          ['11', '9', '1'],
          ['5', '2'],
        ],
      },
      '4,7>1,9,11>2,5',
    ],
    [
      'QUINELLA',
      {
        form: 'WHEEL',
        columns: [
          ['9', '3'],
          ['2', '1'],
        ],
      },
      '1,2-3,9',
    ],
    ['EXACTA', { form: 'BOX', runners: ['10', '2', '1'] }, 'BOX:1,2,10'],
    ['EXACTA', { form: 'BOX', runners: ['10', '2', '1'], orders: 'ONE' }, 'BOX.ONE:10,2,1'],
    ['TRIFECTA', { form: 'KEY', bases: ['9', '3'], associated: ['7', '1'] }, 'KEY:9,3|1,7'],
    ['TRIFECTA', { form: 'BANKER', bases: ['9', '3'], associated: ['7', '1'] }, 'BANKER:3,9|1,7'],
    ['TRIFECTA', { form: 'CHAMP_TOTAL', bases: ['2', '1'] }, 'CHAMP_TOTAL:1,2|3,4,5,6,7,8,9,10,11,12'],
    ['TRIFECTA', { form: 'WHEEL', columns: [['1'], ['ALL'], ['2']] }, '1>1,2,3,4,5,6,7,8,9,10,11,12>2'],
  ])('%s %j is written %s and reads back the same', (type, selection, text) => {
    const once = read(type, selection, 12);
    expect(once.text).toBe(text);
    expect(readSelection(type, once.text, field(12))).toMatchObject({ text, lines: once.lines });
  });

  it('leaves scratched runners out of ALL, and still reads a text that names one', () => {
    const partly = { declared: ['1', '2', '3'], scratched: ['2'] };
    expect(resolveSelection('WIN', { form: 'WHEEL', columns: [['ALL']] }, partly)).toMatchObject({
      text: '1,3',
      lines: 2,
    });
    expect(readSelection('WIN', '2', partly)).toMatchObject({ text: '2', lines: 1 });
  });

  it('bets on a betting interest: 1A is written 1, and 1 with 1A is no pair', () => {
    const coupled = { declared: ['1', '1A', '2'], entries: [['1', '1A']] };
    expect(readSelection('WIN', '1A', coupled)).toMatchObject({ text: '1' });
    expect(readSelection('EXACTA', '1>1A', coupled)).toMatchObject({ code: 'INVALID_SELECTION' });
    expect(readSelection('EXACTA', 'BOX:1,1A,2', coupled)).toMatchObject({ text: 'BOX:1,2', lines: 2 });
    expect(readSelection('WIN', '1A', coupled, { coupling: 'STABLE' })).toMatchObject({ text: '1A' });
  });
});

describe('what cannot be a bet is refused with its place', () => {
  it.each<[string, PoolType, Selection, string, string]>([
    ['an unknown runner', 'WIN', { form: 'STRAIGHT', columns: [['17']] }, 'INVALID_SELECTION', '/columns/0/0'],
    ['a runner named twice', 'WIN', { form: 'WHEEL', columns: [['3', '3']] }, 'INVALID_SELECTION', '/columns/0/1'],
    [
      'the same runner in both places',
      'EXACTA',
      { form: 'STRAIGHT', columns: [['3'], ['3']] },
      'INVALID_SELECTION',
      '',
    ],
    ['a missing column', 'EXACTA', { form: 'WHEEL', columns: [['3']] }, 'INVALID_SELECTION', '/columns'],
    ['an empty column', 'EXACTA', { form: 'WHEEL', columns: [['3'], []] }, 'INVALID_SELECTION', '/columns/1'],
    [
      'a straight with two in a place',
      'WIN',
      { form: 'STRAIGHT', columns: [['3', '4']] },
      'INVALID_SELECTION',
      '/columns/0',
    ],
    ['a box too small', 'TRIFECTA', { form: 'BOX', runners: ['1', '2'] }, 'INVALID_SELECTION', '/runners'],
    ['a box without runners', 'TRIFECTA', { form: 'BOX' }, 'INVALID_SELECTION', '/columns/0'],
    [
      'as many bases as places',
      'EXACTA',
      { form: 'KEY', bases: ['1', '2'], associated: ['3'] },
      'INVALID_SELECTION',
      '/bases',
    ],
    [
      'a base among the associated',
      'EXACTA',
      { form: 'KEY', bases: ['1'], associated: ['3', '1'] },
      'INVALID_SELECTION',
      '/associated/1',
    ],
    ['a key without associated', 'EXACTA', { form: 'KEY', bases: ['1'] }, 'INVALID_SELECTION', '/associated'],
    ['a pool type of legs', 'PICK6', { form: 'STRAIGHT', columns: [['1']] }, 'NOT_SUPPORTED', ''],
  ])('%s', (_, type, selection, code, at) => {
    expect(resolveSelection(type, selection, field(16))).toMatchObject({ refused: true, code, at });
  });

  it('a box of 24 over five places is refused by its count, 5,100,480, without being listed', () => {
    const box = { form: 'BOX', runners: ['ALL'] } as const;
    expect(resolveSelection('SUPER_HIGH_5', box, field(24))).toMatchObject({ code: 'TOO_MANY_LINES' });
    expect(resolveSelection('SUPER_HIGH_5', box, field(24), { maxLines: 6_000_000 })).toMatchObject({
      lines: 5_100_480,
    });
  });

  it.each(['', '4>', '?', '1 ', '4-7>', 'BOX:', 'BOX:1,2,3|4', 'KEY:1', 'x'.repeat(3000), 'BOX.SOME:1,2'])(
    'the text %j',
    (text) => {
      expect(readSelection('EXACTA', text, field(16))).toMatchObject({ refused: true });
    },
  );

  it('a runner that would read as something else is written ?', () => {
    expect(selectionText({ form: 'STRAIGHT', columns: [['4>7'], ['1']] })).toBe('?>1');
  });
});

describe('closed forms against brute force', () => {
  const types: readonly PoolType[] = ['WIN', 'QUINELLA', 'EXACTA', 'TRIO', 'TRIFECTA', 'FIRST4', 'SUPERFECTA'];
  const runners = ['1', '2', '3', '4', '5', '6'];
  const someOf = (least: number) => fc.shuffledSubarray(runners, { minLength: least });
  const anySelection = fc.constantFrom(...types).chain((type) => {
    const { picks } = shapeOf(type);
    const split = fc
      .tuple(someOf(2), fc.integer({ min: 1, max: Math.max(1, picks - 1) }))
      .map(([listed, count]) => ({ bases: listed.slice(0, count), associated: listed.slice(count) }));
    const forms: fc.Arbitrary<Selection>[] = [
      fc.array(someOf(1), { minLength: picks, maxLength: picks }).map((named) => ({ form: 'WHEEL', columns: named })),
      fc
        .tuple(someOf(Math.min(picks, 6)), fc.constantFrom('ALL' as const, 'ONE' as const))
        .map(([named, orders]) => ({ form: 'BOX', runners: named, orders })),
      fc
        .tuple(
          split,
          fc.constantFrom<Form>('KEY', 'BANKER', 'CHAMP_REDUIT', 'CHAMP_TOTAL'),
          fc.constantFrom('ALL' as const, 'ONE' as const, 'FIELD' as const),
        )
        .map(([named, form, orders]) => ({
          form,
          orders,
          bases: named.bases,
          ...(form === 'CHAMP_TOTAL' ? {} : { associated: named.associated }),
        })),
    ];
    return fc.tuple(
      fc.constant(type),
      fc.oneof(...forms),
      fc.array(fc.constantFrom(...runners, '*', '*'), { minLength: picks, maxLength: picks }),
      fc.subarray(runners),
    );
  });

  /** Every line a selection names, found by trying every sequence of runners. */
  function naive(type: PoolType, selection: Selection): Set<string> {
    const { picks, arrangement } = shapeOf(type);
    const isOrdered = arrangement === 'ORDERED';
    const { form, orders } = selection;
    const bases = selection.bases ?? [];
    const others = selection.runners ?? selection.associated ?? runners.filter((runner) => !bases.includes(runner));
    const isRising = (tail: readonly string[]): boolean =>
      tail.every((runner, i) => i === 0 || others.indexOf(tail[i - 1] ?? '') < others.indexOf(runner));
    const isFixed = isOrdered && (orders === 'FIELD' || orders === 'ONE') && form !== 'BOX';
    const covers = (line: readonly string[]): boolean => {
      if (selection.columns) return line.every((runner, i) => selection.columns?.[i]?.includes(runner));
      const tail = isFixed ? line.slice(bases.length) : line.filter((runner) => !bases.includes(runner));
      if (!tail.every((runner) => others.includes(runner)) || tail.length !== picks - bases.length) return false;
      if (isFixed && !bases.every((base, i) => line[i] === base)) return false;
      return !(isOrdered && orders === 'ONE') || isRising(tail);
    };
    const found = new Set<string>();
    const walk = (line: readonly string[]): void => {
      if (line.length === picks) {
        if (covers(line)) found.add(isOrdered ? line.join('>') : [...line].sort().join('-'));
        return;
      }
      for (const runner of runners) if (!line.includes(runner)) walk([...line, runner]);
    };
    walk([]);
    return found;
  }

  it('lines, matching lines, lines left after scratches and the listed lines agree for every form', () => {
    fc.assert(
      fc.property(anySelection, ([type, selection, drawn, scratched]) => {
        const { arrangement } = shapeOf(type);
        const expected = naive(type, selection);
        const got = resolveSelection(type, selection, field(6));
        if (isRefusal(got)) {
          const hasAllPlacesFixed = (selection.bases?.length ?? 0) >= shapeOf(type).picks;
          expect(expected.size === 0 || hasAllPlacesFixed).toBe(true);
          return;
        }
        expect(got.lines).toBe(expected.size);
        expect(new Set(expandLines(got))).toEqual(expected);
        expect([...expandLines(got)]).toHaveLength(expected.size);

        const fixed = drawn.filter((member) => member !== '*');
        const isRepeated = new Set(fixed).size < fixed.length;
        if (!isRepeated) {
          const key = drawn.join(arrangement === 'ORDERED' ? '>' : '-');
          const members = keyMembers(type, key);
          const matching = [...expected].filter((line) => {
            const parts = line.split(/[->]/);
            return arrangement === 'ORDERED'
              ? members.every((member, i) => member === '*' || parts[i] === member)
              : fixed.every((member) => parts.includes(member));
          });
          expect(linesMatching(got, key)).toBe(matching.length);
          const standing = matching.filter((line) => !line.split(/[->]/).some((runner) => scratched.includes(runner)));
          expect(linesMatching(got, key, scratched)).toBe(standing.length);
          expect([...expected].filter((line) => combinationMatches(type, line, key))).toEqual(matching);
        }
        const left = [...expected].filter((line) => !line.split(/[->]/).some((runner) => scratched.includes(runner)));
        expect(linesWithout(got, scratched)).toBe(left.length);
        expect(linesMatching(got, '*')).toBe(expected.size);
        expect(linesMatching(got, '*', scratched)).toBe(left.length);
        expect(readSelection(type, got.text, field(6))).toMatchObject({ text: got.text, lines: got.lines });
      }),
      { seed: 20_261_122, numRuns: 600 },
    );
  });

  it('a key shorter than the pool stands for any runner behind it', () => {
    const box = read('TRIFECTA', { form: 'BOX', runners: ['1', '2', '3', '4'] });
    expect(linesMatching(box, '1>*')).toBe(6);
    expect(linesMatching(box, '1>*')).toBe(linesMatching(box, '1>*>*'));
    expect(linesMatching(box, '1>9>*')).toBe(0);
  });
});

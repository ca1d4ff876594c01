/** Bets over several races: read, written and counted leg by leg; the count agrees with listing every line. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  expandLines,
  type Field,
  isRefusal,
  linesByRight,
  linesMatching,
  linesWithout,
  type ReadSelection,
  readLegKey,
  readSelection,
  resolveSelection,
  type Selection,
  selectionText,
} from '#mutuel/tote';

const race: Field = { declared: ['1', '2', '3', '4', '5', '6', '7', '8', '9'] };
const field = (legs: number): Field => ({ declared: [], legs: new Array<Field>(legs).fill(race) });

const read = (text: string, legs = text.split('/').length): ReadSelection => {
  const type = legs === 2 ? 'DAILY_DOUBLE' : legs === 3 ? 'PICK3' : legs === 6 ? 'PICK6' : 'V75';
  const selection = readSelection(type, text, field(legs));
  if (isRefusal(selection)) throw new Error(selection.message);
  return selection;
};

describe('lines of a bet over several races', () => {
  it.each([
    ['R27 placepot, three in the first leg and two in the last: 3 x 1 x 1 x 1 x 1 x 2 = 6', '1,2,3/1/1/1/1/1,2', 6],
    ['R27 scoop6, two in three of the legs: 2 x 2 x 2 = 8', '1/1/1/1,2/1,2/1,2', 8],
    ['a runner may stand in several legs: they are different races', '4/4/4/4/4/4', 1],
  ])('%s', (_, text, lines) => {
    expect(read(text, 6).lines).toBe(lines);
  });

  it.each<[string, string, string, number]>([
    ['right in all legs', '1,2/3,4/5,6', '1/3/5', 1],
    ['a dead heat in the last leg: two lines of the bet win', '1,2/3,4/5,6', '1/3/5,6', 2],
    ['exactly two of three: 1 x 1 x 1 wrong, in each of the legs', '1,2/3,4/5,6', '2@1/3/5', 3],
    ['a leg that was not run is right for everybody', '1,2/3,4/5,6', '1/*/5', 2],
    ['9 does not run and the favourite won: its lines are right', '1/3,9/5', '1/4~9/5', 1],
    ['9 does not run and the favourite lost', '1/3,9/5', '1/4!9/5', 0],
    ['favourite and non-runner both named: two lines win', '1/4,9/5', '1/4~9/5', 2],
    ['the reserve 4 stands in before the favourite does', '1/9+4/5', '1/4!9/5', 1],
    ['the reserve 7 loses, and the favourite no longer matters', '1/9+7/5', '1/4~9/5', 0],
    ['a reserve that does not run either gives way to the favourite', '1/9+8/5', '1/4~8,9/5', 1],
  ])('%s', (_, text, key, lines) => {
    expect(linesMatching(read(text), key)).toBe(lines);
  });

  it('a ticket of 2,562,890,625 lines is counted by its eight legs: 15^8; right in all of them once, in seven 8 x 14 times', () => {
    const wide = { declared: Array.from({ length: 15 }, (_, i) => `${i + 1}`) };
    const columns = new Array<string[]>(8).fill(['ALL']);
    const legs = new Array<Field>(8).fill(wide);
    const selection: Selection = { form: 'MULTI_LEG', columns };
    const ticket = resolveSelection('V86', selection, { declared: [], legs }, { maxLines: 3e9 }) as ReadSelection;
    expect(ticket.lines).toBe(15 ** 8);
    const winners = new Array(8).fill('3').join('/');
    expect(linesMatching(ticket, winners)).toBe(1);
    expect(linesMatching(ticket, `7@${winners}`)).toBe(8 * 14);
    expect(linesMatching(ticket, `6@${winners}`)).toBe(28 * 14 ** 2);
  });

  it('a non-runner takes its lines out, in its own leg only', () => {
    const ticket = read('1,2/1,2/1,2');
    expect(linesWithout(ticket, ['2:1'])).toBe(4);
    expect(linesMatching(ticket, '1/2/1', ['2:1'])).toBe(1);
    expect(linesMatching(ticket, '1/1/1', ['2:1'])).toBe(0);
    expect(linesWithout(ticket, ['2:1', '2:2'])).toBe(0);
  });

  it('one set of lines has one text, which reads back as itself', () => {
    expect(read('10,9,2/1/4,3'.replace('10', '7')).text).toBe('2,7,9/1/3,4');
    expect(read('2/1+7/3').text).toBe('2/1+7/3');
    const all = resolveSelection('PICK3', { form: 'MULTI_LEG', columns: [['ALL'], ['1'], ['2']] }, field(3));
    expect(all).toMatchObject({ text: '1,2,3,4,5,6,7,8,9/1/2', lines: 9 });
    expect(
      selectionText({ form: 'MULTI_LEG', columns: [['2', '7'], ['1'], ['x!']], alternates: ['3', null, null] }),
    ).toBe('2,7+3/1/?');
  });

  it('coupled runners of a leg are one interest', () => {
    const coupled: Field = { declared: ['1', '1A', '2'], entries: [['1', '1A']] };
    const ticket = readSelection('DAILY_DOUBLE', '1,1A,2/1A', { declared: [], legs: [coupled, coupled] });
    expect(ticket).toMatchObject({ text: '1,2/1', lines: 2 });
  });
});

describe('a bet over several races that cannot be read', () => {
  it.each<[string, Selection, string, string]>([
    ['a leg too few', { form: 'MULTI_LEG', columns: [['1'], ['2']] }, '/columns', 'The pool has 3 legs; 2 were named.'],
    [
      'a runner of no race',
      { form: 'MULTI_LEG', columns: [['1'], ['12'], ['2']] },
      '/columns/1/0',
      'Runner "12" is not declared.',
    ],
    [
      'one runner twice',
      { form: 'MULTI_LEG', columns: [['1'], ['2'], ['3', '3']] },
      '/columns/2/1',
      'Runner "3" is named twice.',
    ],
    ['an empty leg', { form: 'MULTI_LEG', columns: [['1'], [], ['3']] }, '/columns/1', 'Name at least one runner.'],
    [
      'a reserve among its own leg',
      { form: 'MULTI_LEG', columns: [['1'], ['2'], ['3']], alternates: [null, '2', null] },
      '/alternates/1',
      'A reserve cannot be among the runners of its leg.',
    ],
    [
      'a reserve of no race',
      { form: 'MULTI_LEG', columns: [['1'], ['2'], ['3']], alternates: ['77', null, null] },
      '/alternates/0',
      'Runner "77" is not declared.',
    ],
    ['a box', { form: 'BOX', runners: ['1', '2', '3'] }, '/form', 'PICK3 is bet on 3 races: name a column for each.'],
  ])('%s', (_, selection, at, message) => {
    expect(resolveSelection('PICK3', selection, field(3))).toEqual({
      refused: true,
      code: 'INVALID_SELECTION',
      message,
      at,
    });
  });

  it('too many lines, and a pool whose races are not known', () => {
    expect(readSelection('PICK3', 'ALL/ALL/ALL', field(3), { maxLines: 728 })).toMatchObject({
      code: 'TOO_MANY_LINES',
    });
    expect(readSelection('PICK3', '1/2/3', { declared: ['1'] })).toMatchObject({ code: 'NOT_SUPPORTED' });
    expect(readSelection('PICK3', '1/2,,/3', field(3))).toMatchObject({ code: 'INVALID_SELECTION' });
  });
});

describe('counting leg by leg is counting every line', () => {
  const runner = fc.integer({ min: 1, max: 5 }).map(String);
  const column = fc.uniqueArray(runner, { minLength: 1, maxLength: 4 });
  const test = fc.record({
    any: fc.boolean(),
    winners: fc.uniqueArray(runner, { maxLength: 2 }),
    out: fc.uniqueArray(runner, { maxLength: 2 }),
    good: fc.boolean(),
    alternate: fc.option(runner),
  });
  const leg = fc.tuple(column, test);

  it('for every key, non-runner, reserve and number of right legs', () => {
    fc.assert(
      fc.property(fc.array(leg, { minLength: 3, maxLength: 3 }), fc.nat(3), (legs, right) => {
        const usable = legs.map(([runners, t]) => ({
          runners,
          ...t,
          out: t.out.filter((one) => !t.winners.includes(one)),
          alternate: t.alternate !== null && runners.includes(t.alternate) ? null : t.alternate,
        }));
        const text = usable.map(({ runners, alternate }) => runners.join(',') + (alternate ? `+${alternate}` : ''));
        const keys = usable.map(({ any, winners, out, good }) => {
          const head = any ? '*' : winners.join(',');
          return out.length === 0 ? head : `${head}${good && !any ? '~' : '!'}${out.join(',')}`;
        });
        const ticket = read(text.join('/'));
        const isRight = (one: string, index: number): boolean => {
          const t = usable[index];
          if (!t) return false;
          if (t.any) return !t.out.includes(one);
          if (t.winners.includes(one)) return true;
          if (!t.out.includes(one)) return false;
          return t.alternate === null || t.out.includes(t.alternate) ? t.good : t.winners.includes(t.alternate);
        };
        const lines = [...expandLines(ticket)].map((line) => line.split('/'));
        const byForce = lines.filter((line) => line.filter(isRight).length === right).length;
        const key = right === 3 ? keys.join('/') : `${right}@${keys.join('/')}`;
        expect(lines).toHaveLength(ticket.lines);
        expect(linesMatching(ticket, key)).toBe(byForce);
        const all = linesByRight(ticket.legs ?? { kind: 'LEGS', columns: [] }, readLegKey(key).tests);
        expect(all.reduce((sum, count) => sum + count, 0)).toBe(ticket.lines);
      }),
      { seed: 6, numRuns: 1_000 },
    );
  });
});

/**
 * Bets over several races: the runners named in each leg, and how many of a bet's lines are right in how many legs. A
 * ticket of a billion lines is counted like one of two: leg by leg, as the product of (right x + wrong), never expanded.
 * Knows no money, and not who won: a key says what counts as right.
 */
import { compareRunners } from './field.js';
import { assertTote } from './refusal.js';

/**
 * The lines of a bet over legs: one runner from each column. `alternates[leg]` is the bettor's own reserve, which stands
 * in for a runner of that leg that does not run, before the favourite does.
 */
export interface LegCover {
  readonly kind: 'LEGS';
  readonly columns: readonly (readonly string[])[];
  readonly alternates?: readonly (string | null)[];
}

/**
 * What is right in one leg: `any` runner (a leg that was not run), one of `winners`, or one of `out` (runners that did
 * not run) by its substitute: the bettor's reserve where it runs, else the favourite, which is right or not.
 */
export interface LegTest {
  readonly any: boolean;
  readonly winners: ReadonlySet<string>;
  readonly out: ReadonlySet<string>;
  readonly favouriteIsRight: boolean;
}

/**
 * A key of a pool over legs, as text: `3/1/1,2/7` for lines that are right in every leg, `5@3/1/1,2/7/4/2` for those
 * right in exactly five. In a leg a comma lists winners, `*` accepts anything; `7~9` adds that 9 does not run and its
 * favourite is right, `7!9` that 9 does not run and its favourite is wrong; `*!9` is anything but 9.
 */
export interface LegKey {
  readonly right: number;
  readonly tests: readonly LegTest[];
}

const KEY = /^(?:(\d{1,2})@)?(.+)$/s;
const LEG = /^([^~!]*)(?:([~!])(.+))?$/s;

/** Keys read before: a million tickets ask for the same few. Keys of the same legs share their tests. */
const keysRead = new Map<string, LegKey>();
const MOST_READ = 10_000;

export function readLegKey(text: string): LegKey {
  const known = keysRead.get(text);
  if (known) return known;
  if (keysRead.size >= MOST_READ) keysRead.clear();
  const [, right, legs = ''] = KEY.exec(text) ?? [];
  const tests = right === undefined ? legs.split('/').map(readTest) : readLegKey(legs).tests;
  const key = { right: right === undefined ? tests.length : Number(right), tests };
  keysRead.set(text, key);
  return key;
}

function readTest(text: string): LegTest {
  const [, winners = '', mark, out = ''] = LEG.exec(text) ?? [];
  const list = (names: string): ReadonlySet<string> => new Set(names === '' ? [] : names.split(','));
  return { any: winners === '*', winners: list(winners), out: list(out), favouriteIsRight: mark === '~' };
}

/** The text of one leg of a key, its runners sorted. */
export function legTestText({ any, winners, out, favouriteIsRight }: LegTest): string {
  const list = (names: ReadonlySet<string>): string => [...names].sort(compareRunners).join(',');
  if (any) return '*';
  return out.size === 0 ? list(winners) : `${list(winners)}${favouriteIsRight ? '~' : '!'}${list(out)}`;
}

/** A key as people read it, without how many are right and who did not run: `3/1/1,2/7`. */
export const legKeyLabel = (key: string): string =>
  key
    .replace(/^\d+@/, '')
    .split('/')
    .map((leg) => leg.replace(/[~!].*$/s, ''))
    .join('/');

/** The last count: the keys of a pool differ in how many legs are right, and are asked for one after the other. */
let last: { readonly cover: LegCover; readonly tests: readonly LegTest[]; readonly lines: readonly number[] } | null =
  null;

/** How many of the bet's lines a key covers. */
export function countLegs(cover: LegCover, { tests, right }: LegKey): number {
  if (last === null || last.cover !== cover || last.tests !== tests)
    last = { cover, tests, lines: linesByRight(cover, tests) };
  return last.lines[right] ?? 0;
}

/**
 * Lines by the number of legs in which they are right: index 0 … legs. The coefficients of the product over the legs of
 * (right x + wrong): legs² additions whatever the number of lines.
 */
export function linesByRight({ columns, alternates }: LegCover, tests: readonly LegTest[]): readonly number[] {
  const lines = new Array<number>(columns.length + 1).fill(0);
  lines[0] = 1;
  for (let leg = 0; leg < columns.length; leg++) {
    const column = columns[leg] ?? [];
    const test = tests[leg];
    const right = test === undefined ? 0 : rightIn(column, alternates?.[leg] ?? null, test);
    const wrong = column.length - right;
    for (let k = leg + 1; k > 0; k--) lines[k] = (lines[k] ?? 0) * wrong + (lines[k - 1] ?? 0) * right;
    lines[0] = (lines[0] ?? 0) * wrong;
  }
  return lines;
}

/** Runners of a column that are right; one whose substitute is named too counts twice, as its lines do. */
function rightIn(column: readonly string[], alternate: string | null, test: LegTest): number {
  let right = test.any ? column.length : 0;
  if (!test.any) for (const winner of test.winners) if (column.includes(winner)) right++;
  for (const runner of test.out) {
    if (!column.includes(runner)) continue;
    if (test.any) right--;
    else if (!test.winners.has(runner) && substituteIsRight(alternate, test)) right++;
  }
  return right;
}

const substituteIsRight = (alternate: string | null, { winners, out, favouriteIsRight }: LegTest): boolean =>
  alternate === null || out.has(alternate) ? favouriteIsRight : winners.has(alternate);

/** All lines: the product of the columns. */
export function countAllLegs({ columns }: LegCover): number {
  const lines = columns.reduce((product, column) => product * column.length, 1);
  assertTote(Number.isSafeInteger(lines), 'a bet over legs has more lines than can be counted exactly');
  return lines;
}

/** The lines that name none of these runners, written `2:7` for runner 7 of the second leg. */
export function legsWithout(cover: LegCover, out: readonly string[]): LegCover {
  if (out.length === 0) return cover;
  const columns = cover.columns.map((column, leg) => column.filter((runner) => !out.includes(`${leg + 1}:${runner}`)));
  return { ...cover, columns };
}

/** The texts of all lines; the caller bounds their number. */
export function* expandLegs({ columns }: LegCover, chosen: readonly string[] = []): Generator<string> {
  const column = columns[chosen.length];
  if (column === undefined) yield chosen.join('/');
  else for (const runner of column) yield* expandLegs({ kind: 'LEGS', columns }, [...chosen, runner]);
}

/** The text of a bet whose columns are sorted, a reserve behind a plus: `3,4+5/1/2`. */
export const legsText = ({ columns, alternates }: LegCover): string =>
  columns
    .map((column, leg) => {
      const alternate = alternates?.[leg];
      return alternate == null ? column.join(',') : `${column.join(',')}+${alternate}`;
    })
    .join('/');

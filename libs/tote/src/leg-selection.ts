/**
 * Reading bets over several races: a column of runners for each leg, against that leg's own field, and the bettor's own
 * reserves. Refusals point into the selection (`/columns/2/0`, `/alternates/2`). Never judges whether a runner may still
 * be bet on.
 */
import { type Coupling, type Field, interestMap, isRunnerName, sortedRunners, starters } from './field.js';
import { type LegCover, legsText } from './legs.js';
import { refuse, type ToteRefusal } from './refusal.js';

/** A bet's legs as named; `["ALL"]` is the field of its race, null no reserve. */
export interface NamedLegs {
  readonly columns: readonly (readonly string[])[];
  readonly alternates: readonly (string | null)[];
}

/** A bet's legs read against their fields: canonical text, exact lines. */
export interface ReadLegs {
  readonly text: string;
  readonly lines: number;
  readonly legs: LegCover;
}

/** `3,4+5/1/2`: legs joined by strokes, a reserve behind a plus. */
export function parseLegs(text: string): NamedLegs {
  const legs = text.split('/').map((leg) => leg.split('+'));
  return {
    columns: legs.map(([runners = '']) => runners.split(',')),
    alternates: legs.map(([, alternate]) => alternate ?? null),
  };
}

/**
 * A canonical text of plain numbers, as tickets are kept, in one pass and without a text of its own for each runner: a
 * pool's settlement reads hundreds of thousands. Null for every other text, which `parseLegs` and `resolveLegs` read.
 */
export function scanLegs(text: string, fields: readonly Field[], coupling: Coupling): ReadLegs | null {
  const columns: (readonly string[])[] = [];
  let column: string[] = [];
  let known = numbered(fields[0], coupling);
  let number = 0;
  let before = 0;
  let lines = 1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : STROKE;
    const digit = code - ZERO;
    if (digit >= 0 && digit <= 9) {
      number = number * 10 + digit;
      if (number === 0 || number > 99) return null;
      continue;
    }
    const runner = known?.[number];
    if ((code !== COMMA && code !== STROKE) || runner === undefined || number <= before) return null;
    column.push(runner);
    before = number;
    number = 0;
    if (code === COMMA) continue;
    columns.push(column);
    lines *= column.length;
    column = [];
    before = 0;
    known = numbered(fields[columns.length], coupling);
  }
  return columns.length === fields.length ? { text, lines, legs: { kind: 'LEGS', columns } } : null;
}

const ZERO = 48;
const COMMA = 44;
const STROKE = 47;

/** A field's runners by their number, kept with it; null where coupling makes other interests of them. */
const numbersOf = new WeakMap<Field, readonly (string | undefined)[]>();

function numbered(field: Field | undefined, coupling: Coupling): readonly (string | undefined)[] | null {
  if (field === undefined || (coupling === 'ENTRY' && field.entries?.length)) return null;
  const known = numbersOf.get(field);
  if (known) return known;
  const numbers = new Array<string | undefined>(100).fill(undefined);
  for (const runner of field.declared) if (/^[1-9]\d?$/.test(runner)) numbers[Number(runner)] = runner;
  numbersOf.set(field, numbers);
  return numbers;
}

/** The text of legs as named; what cannot be a runner is written `?`, so that reading the text refuses it. */
export const namedLegsText = ({ columns, alternates }: NamedLegs): string =>
  legsText({
    kind: 'LEGS',
    columns: columns.map((column) => column.map(safe)),
    alternates: alternates.map((alternate) => (alternate === null ? null : safe(alternate))),
  });

const safe = (runner: string): string => (isRunnerName(runner) ? runner : '?');

export function resolveLegs(
  { columns, alternates }: NamedLegs,
  fields: readonly Field[],
  { coupling, maxLines }: { readonly coupling: Coupling; readonly maxLines: number },
): ReadLegs | ToteRefusal {
  if (columns.length !== fields.length) {
    const message = `The pool has ${fields.length} legs; ${columns.length} were named.`;
    return refuse('INVALID_SELECTION', message, '/columns');
  }
  const read: (readonly string[])[] = [];
  const reserves: (string | null)[] = [];
  for (const [leg, field] of fields.entries()) {
    const named = columns[leg] ?? [];
    const alternate = alternates[leg] ?? null;
    const column = columnOf(named, field, coupling, leg);
    if ('refused' in column) return column;
    const wrong = alternate === null ? null : reserveProblem(alternate, field, leg);
    if (wrong) return wrong;
    const reserve = alternate === null ? null : interestMap(field, coupling)(alternate);
    if (reserve !== null && column.includes(reserve))
      return refuse('INVALID_SELECTION', 'A reserve cannot be among the runners of its leg.', `/alternates/${leg}`);
    read.push(column);
    reserves.push(reserve);
  }
  const hasReserve = reserves.some((reserve) => reserve !== null);
  const legs: LegCover = { kind: 'LEGS', columns: read, ...(hasReserve && { alternates: reserves }) };
  const lines = read.reduce((product, column) => product * column.length, 1);
  if (lines > maxLines)
    return refuse('TOO_MANY_LINES', `The selection has ${lines} lines; at most ${maxLines} are taken.`);
  return { text: legsText(legs), lines, legs };
}

function columnOf(
  named: readonly string[],
  field: Field,
  coupling: Coupling,
  leg: number,
): readonly string[] | ToteRefusal {
  const wrong = columnProblem(named, field, leg);
  if (wrong) return wrong;
  return sortedRunners((isAll(named) ? starters(field) : named).map(interestMap(field, coupling)));
}

const isAll = (column: readonly string[]): boolean => column.length === 1 && column[0] === 'ALL';

function columnProblem(column: readonly string[], field: Field, leg: number): ToteRefusal | null {
  if (column.length === 0) return refuse('INVALID_SELECTION', 'Name at least one runner.', `/columns/${leg}`);
  if (isAll(column)) return null;
  for (const [index, runner] of column.entries()) {
    const at = `/columns/${leg}/${index}`;
    if (!field.declared.includes(runner))
      return refuse('INVALID_SELECTION', `Runner ${quoted(runner)} is not declared.`, at);
    if (column.indexOf(runner) < index)
      return refuse('INVALID_SELECTION', `Runner ${quoted(runner)} is named twice.`, at);
  }
  return null;
}

const reserveProblem = (alternate: string, field: Field, leg: number): ToteRefusal | null =>
  field.declared.includes(alternate)
    ? null
    : refuse('INVALID_SELECTION', `Runner ${quoted(alternate)} is not declared.`, `/alternates/${leg}`);

const quoted = (runner: string): string => JSON.stringify(String(runner).slice(0, 16));

/**
 * Selections: what a bettor names, the compact text that travels in commands and is interned, and reading it back into
 * something that can be counted and matched. One set of lines written twice has one text wherever order means nothing.
 * Never expands a bet, and never judges whether a named runner may still be bet on: that is the market's affair.
 */
import {
  type Coupling,
  compareRunners,
  type Field,
  interestMap,
  isRunnerName,
  sortedRunners,
  starters,
} from './field.js';
import { anyLine, type Cover, countCover, coverWithout, expandCover, STAR } from './lines.js';
import { type PoolShape, type PoolType, shapeOf } from './pool-type.js';
import { refuse, type ToteRefusal } from './refusal.js';
import { DEFAULT_MAX_LINES } from './rule-set.js';

/**
 * STRAIGHT: one runner a place. WHEEL: a column of runners a place. BOX: runners in every order. KEY: bases fixed in the
 * first places, associated runners in every order behind. BANKER: bases in any place with the associated. CHAMP_TOTAL:
 * bases with the whole field; CHAMP_REDUIT: bases with the associated.
 */
export type Form = 'STRAIGHT' | 'WHEEL' | 'BOX' | 'KEY' | 'BANKER' | 'CHAMP_TOTAL' | 'CHAMP_REDUIT';

/**
 * ALL: every order of every set. FIELD: the bases fixed in the first places as listed, the rest in every order. ONE: the
 * bases so fixed, the rest in the listed order only. Means nothing where the pool is unordered.
 */
export type Orders = 'ALL' | 'ONE' | 'FIELD';

/** A bet's selection; `["ALL"]` in any list stands for the field. */
export interface Selection {
  readonly form: Form;
  readonly columns?: readonly (readonly string[])[] | undefined;
  readonly runners?: readonly string[] | undefined;
  readonly bases?: readonly string[] | undefined;
  readonly associated?: readonly string[] | undefined;
  readonly orders?: Orders | undefined;
}

/** A selection read against its field. `text` is canonical and spells the field out; `lines` is exact. */
export interface ReadSelection {
  readonly text: string;
  readonly lines: number;
  readonly poolType: PoolType;
  readonly form: Form;
  readonly cover: Cover;
}

/** What reading needs of a rule set (any `RuleSet` will do): the bound on lines and what entries mean. */
export interface SelectionRules {
  readonly maxLines?: number;
  readonly coupling?: Coupling;
}

const DEFAULT_ORDERS: Readonly<Record<Form, Orders>> = {
  STRAIGHT: 'ALL',
  WHEEL: 'ALL',
  BOX: 'ALL',
  KEY: 'FIELD',
  BANKER: 'ALL',
  CHAMP_TOTAL: 'ALL',
  CHAMP_REDUIT: 'ALL',
};

const FIELD_WORD = 'ALL';
/** No honest selection is longer: eight columns of a field of forty. */
const MAX_TEXT = 2_000;

/**
 * The compact text of a selection as named: `4>7>1`, `4,7>1,9>2,5`, `BOX:4,7,1`, `KEY:4|1,7,9`, `BOX.ONE:4,7,1`. What
 * cannot be a runner is written `?`, so that reading the text refuses it. Use `resolveSelection` for the canonical text.
 */
export function selectionText(selection: Selection): string {
  const list = (runners: readonly string[] = []): string =>
    runners.map((runner) => (isRunnerName(runner) ? runner : '?')).join(',');
  if (selection.form === 'STRAIGHT' || selection.form === 'WHEEL') {
    return (selection.columns ?? selection.runners?.map((runner) => [runner]) ?? []).map(list).join('>');
  }
  const { form, orders } = selection;
  const head = orders && orders !== DEFAULT_ORDERS[form] ? `${form}.${orders}` : form;
  if (form === 'BOX') return `${head}:${list(selection.runners ?? selection.columns?.[0])}`;
  const behind = list(selection.associated);
  return behind ? `${head}:${list(selection.bases)}|${behind}` : `${head}:${list(selection.bases)}`;
}

/**
 * Reads a compact text against the field. ALL means the declared runners that are not scratched in `field`; runners that
 * are named are accepted though scratched (compare `linesWithout`). Refusals: INVALID_SELECTION, TOO_MANY_LINES,
 * NOT_SUPPORTED.
 */
export function readSelection(
  poolType: PoolType,
  text: string,
  field: Field,
  rules: SelectionRules = {},
): ReadSelection | ToteRefusal {
  const selection = parseText(text, shapeOf(poolType));
  return 'refused' in selection ? selection : resolveSelection(poolType, selection, field, rules);
}

/** As `readSelection`, from the selection itself; refusals point into it (`/columns/0/1`). */
export function resolveSelection(
  poolType: PoolType,
  selection: Selection,
  field: Field,
  rules: SelectionRules = {},
): ReadSelection | ToteRefusal {
  const shape = shapeOf(poolType);
  if (shape.arrangement === 'LEGS') return refuse('NOT_SUPPORTED', `${poolType} is not offered yet`);
  const reader = new ListReader(field, rules.coupling ?? 'ENTRY');
  const cover = coverOf(selection, shape, reader);
  const refusal = reader.refusal;
  if (refusal) return refusal;
  const lines = countCover(cover, shape, anyLine(shape));
  const most = rules.maxLines ?? DEFAULT_MAX_LINES;
  if (lines === 0) return refuse('INVALID_SELECTION', 'The selection covers no line.');
  if (lines > most) return refuse('TOO_MANY_LINES', `The selection has ${lines} lines; at most ${most} are taken.`);
  return { text: canonicalText(selection, cover, shape), lines, poolType, form: selection.form, cover };
}

/**
 * How many lines of the bet a result key covers: `4>7>1`, `4-7`, `4`, or with stars `A>*`, `*>B`, `A>B>*`, `A-*`, and
 * `*` for every line. A key shorter than the pool's places is filled up with stars. Lines that name a scratched betting
 * interest were refunded and never match: give them, or a star would count them.
 */
export function linesMatching(selection: ReadSelection, key: string, scratched: readonly string[] = []): number {
  if (key === STAR) return linesWithout(selection, scratched);
  const cover = scratched.length === 0 ? selection.cover : coverWithout(selection.cover, new Set(scratched));
  if (cover === null) return 0;
  return countCover(cover, shapeOf(selection.poolType), keyMembers(selection.poolType, key));
}

/** How many lines are left when these betting interests are out: those that name none of them. */
export const linesWithout = (selection: ReadSelection, scratched: readonly string[]): number =>
  scratched.length === 0 ? selection.lines : linesLeft(selection, scratched);

function linesLeft(selection: ReadSelection, scratched: readonly string[]): number {
  const shape = shapeOf(selection.poolType);
  const left = coverWithout(selection.cover, new Set(scratched));
  return left === null ? 0 : countCover(left, shape, anyLine(shape));
}

/** The combination text of every line, each once; the caller bounds the count by `lines`. */
export const expandLines = (selection: ReadSelection): Iterable<string> =>
  expandCover(selection.cover, shapeOf(selection.poolType));

/** Whether one combination falls under a key, so that stakes by combination can be summed to a key's stake. */
export function combinationMatches(poolType: PoolType, combination: string, key: string): boolean {
  if (key === STAR || key === combination) return true;
  const wanted = keyMembers(poolType, key);
  const members = keyMembers(poolType, combination);
  return shapeOf(poolType).arrangement === 'UNORDERED'
    ? wanted.every((member) => member === STAR || members.includes(member))
    : wanted.every((member, place) => member === STAR || members[place] === member);
}

/** The members of a key, one per place (stars for any), for a pool's shape. */
export function keyMembers(poolType: PoolType, key: string): readonly string[] {
  const shape = shapeOf(poolType);
  const members = key.split(shape.arrangement === 'ORDERED' ? '>' : shape.arrangement === 'LEGS' ? '/' : '-');
  while (members.length < shape.picks) members.push(STAR);
  return members;
}

// Reading lists of runners.

/** Reads lists of runners into betting interests and keeps the first refusal with its pointer. */
class ListReader {
  refusal: ToteRefusal | null = null;
  private readonly declared: ReadonlySet<string>;
  private readonly interest: (runner: string) => string;

  constructor(
    private readonly field: Field,
    coupling: Coupling,
  ) {
    this.declared = new Set(field.declared);
    this.interest = interestMap(field, coupling);
  }

  list(runners: readonly string[] | undefined, at: string): readonly string[] {
    if (!runners || runners.length === 0) return this.fail(at, 'Name at least one runner.');
    if (runners.length === 1 && runners[0] === FIELD_WORD) return this.all();
    const seen = new Set<string>();
    for (const [index, runner] of runners.entries()) {
      if (!this.declared.has(runner)) return this.fail(`${at}/${index}`, `Runner ${quoted(runner)} is not declared.`);
      if (seen.has(runner)) return this.fail(`${at}/${index}`, `Runner ${quoted(runner)} is named twice.`);
      seen.add(runner);
    }
    return [...new Set(runners.map(this.interest))];
  }

  all(): readonly string[] {
    return [...new Set(starters(this.field).map(this.interest))];
  }

  fail(at: string, message: string): readonly string[] {
    this.refusal ??= refuse('INVALID_SELECTION', message, at);
    return [];
  }
}

const quoted = (runner: string): string => JSON.stringify(String(runner).slice(0, 16));

function coverOf(selection: Selection, shape: PoolShape, reader: ListReader): Cover {
  switch (selection.form) {
    case 'STRAIGHT':
    case 'WHEEL':
      return columnsCover(selection, shape, reader);
    case 'BOX':
      return boxCover(selection, shape, reader);
    default:
      return baseCover(selection, shape, reader);
  }
}

function columnsCover(selection: Selection, shape: PoolShape, reader: ListReader): Cover {
  const named = selection.columns ?? selection.runners?.map((runner) => [runner]) ?? [];
  if (named.length !== shape.picks) {
    reader.fail('/columns', `Name ${shape.picks} columns, one for each place; ${named.length} were named.`);
  }
  const columns = named.map((column, index) => {
    if (selection.form === 'STRAIGHT' && column.length > 1) {
      reader.fail(`/columns/${index}`, 'A straight bet names one runner for each place.');
    }
    return reader.list(column, `/columns/${index}`);
  });
  return { kind: 'COLUMNS', columns };
}

function boxCover(selection: Selection, shape: PoolShape, reader: ListReader): Cover {
  const at = selection.runners ? '/runners' : '/columns/0';
  if (!selection.runners && selection.columns && selection.columns.length !== 1) {
    reader.fail('/columns', 'A box names its runners in one list.');
  }
  const others = reader.list(selection.runners ?? selection.columns?.[0], at);
  if (!reader.refusal && others.length < shape.picks) {
    reader.fail(at, `A box needs at least ${shape.picks} runners; ${others.length} were named.`);
  }
  const kind = shape.arrangement === 'ORDERED' && selection.orders === 'ONE' ? 'RISING' : 'SETS';
  return { kind, bases: [], others };
}

function baseCover(selection: Selection, shape: PoolShape, reader: ListReader): Cover {
  const bases = reader.list(selection.bases, '/bases');
  if (bases.length >= shape.picks) {
    reader.fail('/bases', `Name fewer than ${shape.picks} bases; ${bases.length} were named.`);
  }
  const others = othersOf(selection, bases, reader);
  const orders = selection.orders ?? DEFAULT_ORDERS[selection.form];
  if (shape.arrangement !== 'ORDERED' || orders === 'ALL') return { kind: 'SETS', bases, others };
  if (orders === 'ONE') return { kind: 'RISING', bases, others };
  const behind = new Array<readonly string[]>(Math.max(0, shape.picks - bases.length)).fill(others);
  return { kind: 'COLUMNS', columns: [...bases.map((base) => [base]), ...behind] };
}

function othersOf(selection: Selection, bases: readonly string[], reader: ListReader): readonly string[] {
  const field = selection.associated?.length === 1 && selection.associated[0] === FIELD_WORD;
  if (field || (selection.form === 'CHAMP_TOTAL' && !selection.associated?.length)) {
    return reader.all().filter((runner) => !bases.includes(runner));
  }
  const others = reader.list(selection.associated, '/associated');
  const twice = others.findIndex((runner) => bases.includes(runner));
  if (twice >= 0) reader.fail(`/associated/${twice}`, 'A base cannot be an associated runner too.');
  return others;
}

// Texts.

const FORM_TEXT = /^(BOX|KEY|BANKER|CHAMP_TOTAL|CHAMP_REDUIT)(?:\.(ALL|ONE|FIELD))?:([^|]*)(?:\|([^|]*))?$/;

function parseText(text: string, shape: PoolShape): Selection | ToteRefusal {
  if (text.length > MAX_TEXT) return refuse('INVALID_SELECTION', `A selection has at most ${MAX_TEXT} characters.`);
  const match = FORM_TEXT.exec(text);
  if (!match) {
    const columns = text.split(shape.arrangement === 'ORDERED' ? '>' : /[->]/).map((column) => column.split(','));
    const straight = columns.every((column) => column.length === 1 && column[0] !== FIELD_WORD);
    return { form: straight ? 'STRAIGHT' : 'WHEEL', columns };
  }
  const form = match[1] as Form;
  const orders = match[2] as Orders | undefined;
  const first = (match[3] ?? '').split(',');
  if (form === 'BOX') {
    if (match[4] !== undefined) return refuse('INVALID_SELECTION', 'A box names its runners in one list.');
    return { form, orders, runners: first };
  }
  return { form, orders, bases: first, associated: match[4] === undefined ? undefined : match[4].split(',') };
}

/** Sorts what has no order, spells out the field, and leaves out what is the form's default. */
function canonicalText(selection: Selection, cover: Cover, shape: PoolShape): string {
  const { form } = selection;
  const isOrdered = shape.arrangement === 'ORDERED';
  const asListed = cover.kind === 'RISING';
  const list = (runners: readonly string[]): string => (asListed ? runners : sortedRunners(runners)).join(',');
  if (cover.kind === 'COLUMNS' && (form === 'STRAIGHT' || form === 'WHEEL')) {
    const columns = cover.columns.map(sortedRunners);
    if (!isOrdered) columns.sort(compareColumns);
    return columns.map((column) => column.join(',')).join(isOrdered ? '>' : '-');
  }
  const orders = isOrdered ? (selection.orders ?? DEFAULT_ORDERS[form]) : DEFAULT_ORDERS[form];
  const head = orders === DEFAULT_ORDERS[form] || (form === 'BOX' && orders === 'FIELD') ? form : `${form}.${orders}`;
  if (cover.kind === 'COLUMNS') return `${head}:${keyText(cover.columns)}`;
  return form === 'BOX' ? `${head}:${list(cover.others)}` : `${head}:${list(cover.bases)}|${list(cover.others)}`;
}

/** Bases fixed in rank keep their order; the columns behind them are equal. */
function keyText(columns: readonly (readonly string[])[]): string {
  const bases = columns.slice(0, -1).flatMap((column, i) => (column === columns[i + 1] ? [] : column));
  return `${bases.join(',')}|${sortedRunners(columns.at(-1) ?? []).join(',')}`;
}

function compareColumns(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = compareRunners(a[i] ?? '', b[i] ?? '');
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

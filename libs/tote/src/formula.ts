/**
 * Formulas: what a bettor names, and the compact text that travels in commands and is interned. One set of lines written
 * twice has one text wherever order means nothing. Never looks at a field, and judges only whether a text can be read.
 */
import { compareRunners, isRunnerName, sortedRunners } from './field.js';
import { type NamedLegs, namedLegsText, parseLegs } from './leg-selection.js';
import type { Cover } from './lines.js';
import { type PoolShape, type PoolType, shapeOf } from './pool-type.js';
import { refuse, type ToteRefusal } from './refusal.js';

/**
 * STRAIGHT: one runner a place. WHEEL: a column of runners a place. BOX: runners in every order. KEY: bases fixed in the
 * first places, associated runners in every order behind. BANKER: bases in any place with the associated. CHAMP_TOTAL:
 * bases with the whole field; CHAMP_REDUIT: bases with the associated. MULTI_LEG: a column of runners a race.
 */
export type Form = 'STRAIGHT' | 'WHEEL' | 'BOX' | 'KEY' | 'BANKER' | 'CHAMP_TOTAL' | 'CHAMP_REDUIT' | 'MULTI_LEG';

/**
 * ALL: every order of every set. FIELD: the bases fixed in the first places as listed, the rest in every order. ONE: the
 * bases so fixed, the rest in the listed order only. Means nothing where the pool is unordered. SET: a first-4 bet in a
 * merged quartet pool.
 */
export type Orders = 'ALL' | 'ONE' | 'FIELD' | 'SET';

/** A bet's selection; `["ALL"]` in any list stands for the field. */
export interface Selection {
  readonly form: Form;
  readonly columns?: readonly (readonly string[])[] | undefined;
  readonly runners?: readonly string[] | undefined;
  readonly bases?: readonly string[] | undefined;
  readonly associated?: readonly string[] | undefined;
  readonly orders?: Orders | undefined;
  /** MULTI: runners named by one line, 4 to 7; absent: the columns', else 4. */
  readonly size?: number | undefined;
  /** MULTI_LEG: the bettor's own reserve of each leg, null where there is none. */
  readonly alternates?: readonly (string | null)[] | undefined;
  /** Who is appended to a line that loses a runner, in this order (cheval de complément). */
  readonly complement?: readonly string[] | undefined;
}

export const DEFAULT_ORDERS: Readonly<Record<Form, Orders>> = {
  STRAIGHT: 'ALL',
  WHEEL: 'ALL',
  BOX: 'ALL',
  KEY: 'FIELD',
  BANKER: 'ALL',
  CHAMP_TOTAL: 'ALL',
  CHAMP_REDUIT: 'ALL',
  MULTI_LEG: 'ALL',
};

export const FIELD_WORD = 'ALL';
/** No honest selection is longer: eight columns of a field of forty. */
const MAX_TEXT = 2_000;

/** A key named by columns is a wheel, a wheel named by its bases is a key. */
export function inOwnForm<S extends Pick<Selection, 'form' | 'columns' | 'bases'>>(selection: S): S {
  const { form, columns, bases } = selection;
  if ((form === 'KEY' || form === 'BANKER') && bases === undefined && columns !== undefined)
    return { ...selection, form: 'WHEEL' };
  return form === 'WHEEL' && bases !== undefined && columns === undefined ? { ...selection, form: 'KEY' } : selection;
}

/**
 * The compact text of a selection as named: `4>7>1`, `4,7>1,9>2,5`, `BOX:4,7,1`, `KEY:4|1,7,9`, `BOX.ONE:4,7,1`. What
 * cannot be a runner is written `?`, so that reading the text refuses it. Use `resolveSelection` for the canonical text.
 */
export function selectionText(selection: Selection): string {
  if (selection.form === 'MULTI_LEG') return namedLegsText(namedLegs(selection));
  const text = formulaText(selection);
  return selection.complement?.length ? `${text}+${named(selection.complement)}` : text;
}

const named = (runners: readonly string[] = []): string =>
  runners.map((runner) => (isRunnerName(runner) ? runner : '?')).join(',');

function formulaText(asNamed: Selection): string {
  const selection = inOwnForm(asNamed);
  if (selection.form === 'STRAIGHT' || selection.form === 'WHEEL') {
    return (selection.columns ?? selection.runners?.map((runner) => [runner]) ?? []).map(named).join('>');
  }
  const { form, orders } = selection;
  const mode = selection.size ?? (orders === DEFAULT_ORDERS[form] ? undefined : orders);
  const head = mode ? `${form}.${mode}` : form;
  if (form === 'BOX') return `${head}:${named(selection.runners ?? selection.columns?.[0])}`;
  const behind = named(selection.associated);
  return behind ? `${head}:${named(selection.bases)}|${behind}` : `${head}:${named(selection.bases)}`;
}

/** The legs of a selection over several races. */
export const namedLegs = ({ columns, runners = [], alternates = [] }: Selection): NamedLegs => ({
  columns: columns ?? runners.map((runner) => [runner]),
  alternates,
});

const FORM_TEXT = /^(BOX|KEY|BANKER|CHAMP_TOTAL|CHAMP_REDUIT)(?:\.(ALL|ONE|FIELD|SET|[4-7]))?:([^|]*)(?:\|([^|]*))?$/;

export function parseText(poolType: PoolType, text: string): Selection | ToteRefusal {
  const shape = shapeOf(poolType);
  if (text.length > MAX_TEXT) return refuse('INVALID_SELECTION', `A selection has at most ${MAX_TEXT} characters.`);
  if (shape.arrangement === 'LEGS') return { form: 'MULTI_LEG', ...parseLegs(text) };
  const [formula = '', complement] = text.split('+', 2);
  if (complement === undefined) return parseFormula(poolType, shape, text);
  const selection = parseFormula(poolType, shape, formula);
  return 'refused' in selection ? selection : { ...selection, complement: complement.split(',') };
}

function parseFormula(poolType: PoolType, shape: PoolShape, text: string): Selection | ToteRefusal {
  const match = FORM_TEXT.exec(text);
  if (!match) {
    const asSet = poolType === 'QUARTET' && text.includes('-') ? ({ orders: 'SET' } as const) : {};
    const isOrdered = shape.arrangement === 'ORDERED' && asSet.orders === undefined;
    const columns = text.split(isOrdered ? '>' : /[->]/).map((column) => column.split(','));
    const straight = columns.every((column) => column.length === 1 && column[0] !== FIELD_WORD);
    return { form: straight ? 'STRAIGHT' : 'WHEEL', columns, ...asSet };
  }
  const form = match[1] as Form;
  const size = /\d/.test(match[2] ?? '') ? Number(match[2]) : undefined;
  const orders = size === undefined ? (match[2] as Orders | undefined) : undefined;
  const first = (match[3] ?? '').split(',');
  if (form === 'BOX') {
    if (match[4] !== undefined) return refuse('INVALID_SELECTION', 'A box names its runners in one list.');
    return { form, orders, size, runners: first };
  }
  return { form, orders, size, bases: first, associated: match[4] === undefined ? undefined : match[4].split(',') };
}

/** Sorts what has no order, spells out the field, and leaves out what is the form's default. */
export function canonicalText(selection: Selection, cover: Cover, shape: PoolShape): string {
  const { form } = selection;
  const isOrdered = shape.arrangement === 'ORDERED';
  const asListed = cover.kind === 'RISING';
  const list = (runners: readonly string[]): string => (asListed ? runners : sortedRunners(runners)).join(',');
  if (cover.kind === 'COLUMNS' && (form === 'STRAIGHT' || form === 'WHEEL')) {
    const columns = cover.columns.map(sortedRunners);
    if (!isOrdered) columns.sort(compareColumns);
    return columns.map((column) => column.join(',')).join(isOrdered ? '>' : '-');
  }
  const head = headOf(selection, shape);
  if (cover.kind === 'FIXED') return `${head}:${cover.bases.join(',')}|${list(cover.others)}`;
  if (cover.kind === 'COLUMNS') return head;
  return form === 'BOX' ? `${head}:${list(cover.others)}` : `${head}:${list(cover.bases)}|${list(cover.others)}`;
}

/** The form with what differs from its default: orders, the size of a multi's lines, sets in a quartet pool. */
function headOf({ form, orders: asked, size }: Selection, { arrangement, picks }: PoolShape): string {
  if (asked === 'SET') return `${form}.SET`;
  if (size !== undefined && picks !== 4) return `${form}.${picks}`;
  const orders = arrangement === 'ORDERED' ? (asked ?? DEFAULT_ORDERS[form]) : DEFAULT_ORDERS[form];
  return orders === DEFAULT_ORDERS[form] || (form === 'BOX' && orders === 'FIELD') ? form : `${form}.${orders}`;
}

function compareColumns(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = compareRunners(a[i] ?? '', b[i] ?? '');
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

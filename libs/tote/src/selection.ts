/**
 * Selections: what a bettor names, the compact text that travels in commands and is interned, and reading it back into
 * something that can be counted and matched. One set of lines written twice has one text wherever order means nothing.
 * Never expands a bet, and never judges whether a named runner may still be bet on: that is the market's affair.
 */

import { countComplemented, runningOf } from './complements.js';
import {
  type Coupling,
  compareRunners,
  type Field,
  interestMap,
  isRunnerName,
  sortedRunners,
  starters,
} from './field.js';
import { readKey } from './keys.js';
import { type NamedLegs, namedLegsText, parseLegs, type ReadLegs, resolveLegs, scanLegs } from './leg-selection.js';
import { countAllLegs, countLegs, expandLegs, type LegCover, legsWithout, readLegKey } from './legs.js';
import {
  anyLine,
  type Cover,
  countKey,
  names as coverNames,
  expandCover,
  STAR,
  sameRunners,
  subsets,
} from './lines.js';
import { type PoolShape, type PoolType, shapeOf } from './pool-type.js';
import { type RunnerFault, refuse, type ToteRefusal } from './refusal.js';
import { DEFAULT_MAX_LINES } from './rule-set.js';

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

/** A selection read against its field. `text` is canonical and spells the field out; `lines` is exact. */
export interface ReadSelection {
  readonly text: string;
  readonly lines: number;
  readonly poolType: PoolType;
  readonly form: Form;
  readonly cover: Cover;
  /** The shape of one of its lines, where it is not the pool type's (MULTI, sets of a merged quartet pool). */
  readonly shape?: PoolShape;
  /** Pools over several races: the legs, a column each; `cover` is then not to be read. */
  readonly legs?: LegCover;
  /** Betting interests that take the place of non-runners, in this order; see `complements.ts`. */
  readonly complement?: readonly string[];
}

/** What reading needs of a rule set (any `RuleSet` will do): the bound on lines, what entries mean, how many complements. */
export interface SelectionRules {
  readonly maxLines?: number;
  readonly coupling?: Coupling;
  readonly complements?: number;
}

const DEFAULT_ORDERS: Readonly<Record<Form, Orders>> = {
  STRAIGHT: 'ALL',
  WHEEL: 'ALL',
  BOX: 'ALL',
  KEY: 'FIELD',
  BANKER: 'ALL',
  CHAMP_TOTAL: 'ALL',
  CHAMP_REDUIT: 'ALL',
  MULTI_LEG: 'ALL',
};

const FIELD_WORD = 'ALL';
/** No honest selection is longer: eight columns of a field of forty. */
const MAX_TEXT = 2_000;

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

function formulaText(selection: Selection): string {
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
  const scanned = field.legs && scanLegs(text, field.legs, rules.coupling ?? 'ENTRY');
  if (
    scanned &&
    scanned.lines <= (rules.maxLines ?? DEFAULT_MAX_LINES) &&
    field.legs?.length === shapeOf(poolType).picks
  )
    return legsRead(poolType, scanned);
  const selection = parseText(poolType, text);
  return 'refused' in selection ? selection : resolveSelection(poolType, selection, field, rules);
}

/** How many lines a selection has, without its text: what counting a formula needs. Refusals as `resolveSelection`. */
export function countSelection(
  poolType: PoolType,
  selection: Selection,
  field: Field,
  rules: SelectionRules = {},
): number | ToteRefusal {
  const isOverLegs = shapeOf(poolType).arrangement === 'LEGS';
  const covered = (isOverLegs ? overLegs : coverFor)(poolType, selection, field, rules);
  return 'refused' in covered ? covered : covered.lines;
}

/** As `readSelection`, from the selection itself; refusals point into it (`/columns/0/1`). */
export function resolveSelection(
  poolType: PoolType,
  selection: Selection,
  field: Field,
  rules: SelectionRules = {},
): ReadSelection | ToteRefusal {
  if (shapeOf(poolType).arrangement === 'LEGS') return overLegs(poolType, selection, field, rules);
  const covered = coverFor(poolType, selection, field, rules);
  if ('refused' in covered) return covered;
  const { shape, cover, lines } = covered;
  const own = shape === shapeOf(poolType) ? {} : { shape };
  const text = canonicalText(selection, cover, shape);
  const read: ReadSelection = { text, lines, poolType, form: selection.form, cover, ...own };
  return selection.complement?.length ? withComplement(read, selection.complement, field, rules) : read;
}

interface Covered {
  readonly shape: PoolShape;
  readonly cover: Cover;
  readonly lines: number;
}

function coverFor(
  poolType: PoolType,
  selection: Selection,
  field: Field,
  rules: SelectionRules,
): Covered | ToteRefusal {
  const shape = shapeFor(poolType, selection);
  if ('refused' in shape) return shape;
  const reader = new ListReader(field, rules.coupling ?? 'ENTRY');
  const cover = coverOf(selection, shape, reader);
  const refusal = reader.refusal;
  if (refusal) return refusal;
  const lines = countKey(cover, shape, anyLine(shape));
  const most = rules.maxLines ?? DEFAULT_MAX_LINES;
  if (lines === 0) return refuse('INVALID_SELECTION', 'The selection covers no line.');
  if (lines > most) return refuse('TOO_MANY_LINES', `The selection has ${lines} lines; at most ${most} are taken.`);
  return { shape, cover, lines };
}

/**
 * A line's shape as this selection means it: in MULTI the columns (or `size`) say how many runners a line names; in a
 * merged quartet pool SET is the first-4 bet, without order.
 */
function shapeFor(poolType: PoolType, { size, columns, runners, orders, form }: Selection): PoolShape | ToteRefusal {
  const shape = shapeOf(poolType);
  if (poolType === 'QUARTET' && orders === 'SET') return { ...shape, arrangement: 'UNORDERED' };
  if (orders === 'SET') return refuse('INVALID_SELECTION', 'Only a quartet pool takes sets beside orders.', '/orders');
  if (poolType !== 'MULTI') return shape;
  const isListed = form === 'STRAIGHT' || form === 'WHEEL';
  const picks = size ?? (isListed ? (columns ?? runners ?? []).length : shape.picks);
  if (!Number.isInteger(picks) || picks < 4 || picks > 7)
    return refuse('INVALID_SELECTION', 'A multi names four to seven runners a line.', size ? '/size' : '/columns');
  return picks === shape.picks ? shape : { ...shape, picks };
}

/**
 * How many lines of the bet a result key covers, see `keys.ts`; `*` for every line. Lines that name a scratched betting
 * interest were refunded and never match: give them, or a star would count them. A key that names non-runners (French
 * ranks "1 NP") counts the lines that name just these, if no more than `kept` of them, see `linesWithout`.
 */
export const linesMatching = (
  selection: ReadSelection,
  key: string,
  scratched: readonly string[] = [],
  kept = 0,
): number => lineCounter(selection.poolType, key, scratched, kept)(selection);

/** As `linesMatching`, for the many selections of one pool: the key is read once. */
export function lineCounter(
  poolType: PoolType,
  key: string,
  scratched: readonly string[] = [],
  kept = 0,
): (selection: ReadSelection) => number {
  if (key === STAR) return (selection) => linesWithout(selection, scratched, kept);
  if (shapeOf(poolType).arrangement === 'LEGS') return legCounter(key, scratched);
  const wanted = readKey(poolType, key);
  const out = scratched.filter((runner) => !wanted.members.includes(runner));
  if (scratched.length - out.length > kept) return () => 0;
  const asked = out.length === 0 ? wanted : { ...wanted, without: [...(wanted.without ?? []), ...out] };
  return (selection) =>
    selection.complement === undefined
      ? countKey(selection.cover, lineShape(selection), asked)
      : countComplemented(selection.cover, lineShape(selection), { key: wanted, scratched, by: selection.complement });
}

function legCounter(key: string, scratched: readonly string[]): (selection: ReadSelection) => number {
  const asked = readLegKey(key);
  return ({ legs }) => (legs ? countLegs(legsWithout(legs, scratched), asked) : 0);
}

/**
 * How many lines are left when these betting interests are out: those that name at most as many of them as the bet has
 * complements that run, or `kept` (0, or the non-runners for which the pool has a rank, see `keptNonRunners`).
 */
export function linesWithout(selection: ReadSelection, scratched: readonly string[], kept = 0): number {
  if (scratched.length === 0) return selection.lines;
  if (selection.legs) return countAllLegs(legsWithout(selection.legs, scratched));
  const shape = lineShape(selection);
  const most = Math.max(kept, runningOf(selection.complement, scratched).length);
  let lines = 0;
  for (let named = 0; named <= Math.min(most, scratched.length, shape.picks); named++) {
    for (const out of subsets(scratched, named)) {
      const members = [...out, ...new Array<string>(shape.picks - named).fill(STAR)];
      const without = scratched.filter((runner) => !out.includes(runner));
      lines += countKey(selection.cover, shape, { ordered: false, members, without });
    }
  }
  return lines;
}

/** Whether a line names one of these, or they are to stand in for another: what no new bet may do. */
export const namesAnyOf = (selection: ReadSelection, out: readonly string[]): boolean => {
  const { complement = [], ...plain } = selection;
  return linesWithout(plain, out) !== selection.lines || complement.some((runner) => out.includes(runner));
};

/** The shape of one of its lines: in MULTI a line names four to seven runners. */
const lineShape = ({ poolType, shape }: ReadSelection): PoolShape => shape ?? shapeOf(poolType);

/** The combination text of every line as it was bet, each once; the caller bounds the count by `lines`. */
export const expandLines = (selection: ReadSelection): Iterable<string> =>
  selection.legs ? expandLegs(selection.legs) : expandCover(selection.cover, lineShape(selection));

// Bets over several races.

const namedLegs = ({ columns, runners = [], alternates = [] }: Selection): NamedLegs => ({
  columns: columns ?? runners.map((runner) => [runner]),
  alternates,
});

function overLegs(
  poolType: PoolType,
  selection: Selection,
  { legs }: Field,
  { coupling = 'ENTRY', maxLines = DEFAULT_MAX_LINES }: SelectionRules,
): ReadSelection | ToteRefusal {
  const { picks } = shapeOf(poolType);
  if (!['MULTI_LEG', 'STRAIGHT', 'WHEEL'].includes(selection.form))
    return refuse('INVALID_SELECTION', `${poolType} is bet on ${picks} races: name a column for each.`, '/form');
  if (legs?.length !== picks) return refuse('NOT_SUPPORTED', `${poolType} needs the runners of its ${picks} races.`);
  const read = resolveLegs(namedLegs(selection), legs, { coupling, maxLines });
  if ('refused' in read) return read;
  return legsRead(poolType, read);
}

const legsRead = (poolType: PoolType, { text, lines, legs }: ReadLegs): ReadSelection => ({
  ...{ text, lines, poolType, form: 'MULTI_LEG', legs },
  cover: { kind: 'COLUMNS', columns: legs.columns },
});

// Complements.

/** The bet with its complements: runners that it does not name, no more than the rules allow. */
function withComplement(
  read: ReadSelection,
  named: readonly string[],
  field: Field,
  { complements = 0, coupling = 'ENTRY' }: SelectionRules,
): ReadSelection | ToteRefusal {
  if (complements === 0)
    return refuse('NOT_SUPPORTED', 'Bets of this pool have no complement: a non-runner’s lines are given back.', AT);
  if (named.length > complements)
    return refuse('INVALID_SELECTION', `At most ${complements} complements may be named.`, AT);
  const reader = new ListReader(field, coupling);
  const complement = named[0] === FIELD_WORD ? reader.fail(`${AT}/0`, 'Name a runner.') : reader.list(named, AT);
  if (reader.refusal) return reader.refusal;
  const twice = complement.findIndex((runner) => coverNames(read.cover, runner));
  if (twice >= 0)
    return refuse('INVALID_SELECTION', 'A complement cannot be among the runners of the bet.', `${AT}/${twice}`);
  return { ...read, text: `${read.text}+${complement.join(',')}`, complement };
}

const AT = '/complement';

// Reading lists of runners.

/** Reads lists of runners into betting interests and keeps the first refusal with its pointer. */
class ListReader {
  refusal: ToteRefusal | null = null;
  private readonly places: ReadonlyMap<string, number>;
  private readonly interest: ((runner: string) => string) | null;
  /** By runner, the last list that named it: each list has a number. */
  private readonly named: Uint32Array;
  private lists = 0;

  constructor(
    private readonly field: Field,
    coupling: Coupling,
  ) {
    this.places = placesOf(field.declared);
    this.named = new Uint32Array(field.declared.length);
    this.interest = coupling === 'ENTRY' && field.entries?.length ? interestMap(field, coupling) : null;
  }

  list(runners: readonly string[] | undefined, at: string): readonly string[] {
    if (!runners || runners.length === 0) return this.fail(at, 'Name at least one runner.');
    if (runners.length === 1 && runners[0] === FIELD_WORD) return this.all();
    const list = ++this.lists;
    for (let index = 0; index < runners.length; index++) {
      const runner = runners[index] ?? '';
      const place = this.places.get(runner);
      if (place === undefined)
        return this.fail(`${at}/${index}`, `Runner ${quoted(runner)} is not declared.`, 'UNKNOWN_RUNNER');
      if (this.named[place] === list)
        return this.fail(`${at}/${index}`, `Runner ${quoted(runner)} is named twice.`, 'REPEATED_RUNNER');
      this.named[place] = list;
    }
    return this.interests(runners);
  }

  all(): readonly string[] {
    return this.interests(starters(this.field));
  }

  private interests(runners: readonly string[]): readonly string[] {
    return this.interest === null ? runners : [...new Set(runners.map(this.interest))];
  }

  fail(at: string, message: string, reason?: RunnerFault): readonly string[] {
    this.refusal ??= refuse('INVALID_SELECTION', message, at, reason);
    return [];
  }
}

/** Where each runner stands on the card, read once for every card. */
const cards = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

function placesOf(declared: readonly string[]): ReadonlyMap<string, number> {
  const known = cards.get(declared);
  if (known && known.size === declared.length) return known;
  const places = new Map(declared.map((runner, place) => [runner, place]));
  cards.set(declared, places);
  return places;
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
  let last: readonly string[] = [];
  const columns = named.map((column, index) => {
    if (selection.form === 'STRAIGHT' && column.length > 1) {
      reader.fail(`/columns/${index}`, 'A straight bet names one runner for each place.');
    }
    // A column like the one before it, the rule where the whole field is named, is read once.
    const isRead = index > 0 && sameRunners(column, named[index - 1] ?? []);
    last = isRead ? last : reader.list(column, `/columns/${index}`);
    return last;
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
  return { kind: orders === 'ONE' ? 'RISING' : 'FIXED', bases, others };
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

const FORM_TEXT = /^(BOX|KEY|BANKER|CHAMP_TOTAL|CHAMP_REDUIT)(?:\.(ALL|ONE|FIELD|SET|[4-7]))?:([^|]*)(?:\|([^|]*))?$/;

function parseText(poolType: PoolType, text: string): Selection | ToteRefusal {
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

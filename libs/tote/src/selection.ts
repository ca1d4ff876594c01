/**
 * Selections: a formula read against its field into something that can be counted and matched, in closed form. Never
 * expands a bet, and never judges whether a named runner may still be bet on: that is the market's affair.
 */
import { subsets } from './combinatorics.js';
import { countComplemented, runningOf } from './complements.js';
import type { Coupling, Field } from './field.js';
import { canonicalText, FIELD_WORD, type Form, namedLegs, parseText, type Selection } from './formula.js';
import { readKey } from './keys.js';
import { type ReadLegs, resolveLegs, scanLegs } from './leg-selection.js';
import { countAllLegs, countLegs, expandLegs, type LegCover, legsWithout, readLegKey } from './legs.js';
import { anyLine, type Cover, countKey, coverNames, expandCover } from './lines.js';
import { coverOf, ListReader } from './named-cover.js';
import { type PoolShape, type PoolType, STAR, shapeOf } from './pool-type.js';
import { refuse, type ToteRefusal } from './refusal.js';
import { DEFAULT_MAX_LINES } from './rule-set.js';

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

/** `count`: a formula to its lines and cost, in closed form; and what a fractional (flexi) ticket costs and collects. */
import {
  choose,
  countSelection,
  inOwnForm,
  type PoolType,
  parseRatio,
  type Ratio,
  ratio,
  ratioText,
  shapeOf,
} from '#mutuel/tote';
import { readAs, refuseLine } from './refusal.js';
import { type CountInput as CountLine, type CountOutput, countInput } from './schema.js';

/** Counting costs nothing, so the bound is only what stays exact in money: no ticket has a million million lines. */
const MOST_LINES = 1_000_000_000_000;

type Runners = readonly string[];

/** A formula whose lists are lists: `ALL` is a list of that one word. */
interface CountInput extends Omit<CountLine, 'columns' | 'runners' | 'associated'> {
  readonly columns?: readonly Runners[] | undefined;
  readonly runners?: Runners | undefined;
  readonly associated?: Runners | undefined;
}

function asFormula(line: CountLine): CountInput {
  const list = (named: Runners | 'ALL' | undefined): Runners | undefined => (named === 'ALL' ? ['ALL'] : named);
  const columns = line.columns?.map((column) => list(column) ?? []);
  return inOwnForm({ ...line, columns, runners: list(line.runners), associated: list(line.associated) });
}

/** Counts one line; refusals are thrown as `LineRefused`. */
export function countedLine(value: unknown): CountOutput {
  const input = asFormula(readAs(countInput, value));
  const isOverLegs = shapeOf(input.type).arrangement === 'LEGS';
  const lines = isOverLegs || input.form === 'MULTI_LEG' ? legLines(input) : raceLines(input);
  const full = lines * input.unit;
  if (!Number.isSafeInteger(full)) refuseLine('AMOUNT_TOO_LARGE', 'The cost is beyond 2^53.', '/unit');
  const ticket = input.stake == null ? whole(full) : flexi(input, full, input.stake);
  return {
    ...(input.id === undefined ? {} : { id: input.id }),
    lines,
    unit: input.unit,
    cost: ticket.cost,
    flexi: ticket.fraction === null ? null : ratioText(ticket.fraction),
    refund: ticket.refund,
    collect: collectOf(input, ticket.fraction),
    ranks: lowerRanks(input),
  };
}

// Lines.

function raceLines(input: CountInput): number {
  const { form, type, columns, runners, bases, associated, orders, size } = input;
  if (form === 'MULTI_LEG') return refuseLine('INVALID_SELECTION', `${type} is bet on one race.`, '/form');
  const declared = input.field === undefined ? namedIn(input) : starters(input, input.field);
  const selection = { form, columns, runners, bases, associated, orders, size };
  const lines = countSelection(type, selection, { declared }, { maxLines: MOST_LINES, coupling: 'NONE' });
  return typeof lines === 'number' ? lines : refuseLine(lines.reason ?? lines.code, lines.message, lines.at);
}

/** The product of the legs' columns: a runner may stand in several, they are different races. */
function legLines({ type, form, columns = [], field }: CountInput): number {
  const { picks, arrangement } = shapeOf(type);
  if (arrangement !== 'LEGS') refuseLine('INVALID_SELECTION', `${type} is bet on one race.`, '/form');
  if (form !== 'MULTI_LEG' && form !== 'WHEEL' && form !== 'STRAIGHT')
    refuseLine('INVALID_SELECTION', `${type} is bet on ${picks} races: name a column for each.`, '/form');
  if (columns.length !== picks) {
    refuseLine('INVALID_SELECTION', `${type} has ${picks} legs; ${columns.length} were named.`, '/columns');
  }
  return columns.reduce((product, column, leg) => product * legSize(column, field, `/columns/${leg}`), 1);
}

function legSize(column: readonly string[], field: number | undefined, at: string): number {
  if (column.length === 1 && column[0] === 'ALL') {
    return field ?? refuseLine('MISSING_FIELD', 'ALL needs the number of runners.', '/field');
  }
  const twice = column.findIndex((runner, index) => column.indexOf(runner) !== index);
  if (twice >= 0) refuseLine('REPEATED_RUNNER', `Runner ${column[twice]} is named twice.`, `${at}/${twice}`);
  return column.length;
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));

/** A field of n is the numbers 1 to n, where runners have other names (`1A`) these among them. */
function starters(input: CountInput, field: number): readonly string[] {
  const all = numbers(field);
  const others = everyName(input).filter((runner) => runner !== 'ALL' && !/^[0-9]+$/.test(runner));
  return others.length === 0 ? all : [...new Set([...others, ...all])].slice(0, Math.max(field, others.length));
}

const everyName = ({ columns = [], runners = [], bases = [], associated = [] }: CountInput): readonly string[] => [
  ...columns.flat(),
  ...runners,
  ...bases,
  ...associated,
];

/** Without a field, the runners are those that are named; ALL then has no meaning. */
function namedIn(input: CountInput): readonly string[] {
  const named = everyName(input);
  const needsField = named.includes('ALL') || input.form === 'CHAMP_TOTAL';
  if (needsField) refuseLine('MISSING_FIELD', 'The whole field needs its number of runners.', '/field');
  return [...new Set(named)];
}

// Money.

interface Ticket {
  readonly cost: number;
  readonly refund: number;
  readonly fraction: Ratio | null;
}

const whole = (full: number): Ticket => ({ cost: full, refund: 0, fraction: null });

/** EXACT takes the whole stake; WHOLE_PERCENT cuts the fraction to a percentage and gives the difference back. */
function flexi({ flexiPolicy }: CountInput, full: number, stake: number): Ticket {
  if (flexiPolicy !== 'WHOLE_PERCENT') return { cost: stake, refund: 0, fraction: ratio(stake, full) };
  const percent = (BigInt(stake) * 100n) / BigInt(full);
  const cost = Number((BigInt(full) * percent + 99n) / 100n);
  return { cost, refund: stake - cost, fraction: ratio(percent, 100n) };
}

/** What one winning line collects at the dividend, rounded down to a minor unit. */
function collectOf({ dividend, unit }: CountInput, fraction: Ratio | null): number | null {
  if (dividend == null) return null;
  const price = parseRatio(dividend) ?? refuseLine('INVALID_INPUT', 'A dividend is a decimal.', '/dividend');
  const { n, d } = fraction ?? ratio(1n);
  const collect = (BigInt(unit) * n * price.n) / (d * price.d);
  if (collect > BigInt(Number.MAX_SAFE_INTEGER))
    refuseLine('AMOUNT_TOO_LARGE', 'It collects beyond 2^53.', '/dividend');
  return Number(collect);
}

/** French ranks below the first: runners that must be among the named ones. */
const bonuses: Readonly<Partial<Record<PoolType, readonly (readonly [rank: string, runners: number])[]>>> = {
  QUINTE: [
    ['BONUS4', 4],
    ['BONUS3', 3],
  ],
  QUARTE: [['BONUS3', 3]],
};

/** How many sets of each lower rank a formula with bases or a box holds: 2 bases and 8 associated have 28 bonus-4 pairs. */
function lowerRanks(input: CountInput): Record<string, number> {
  const bases = input.bases?.length ?? 0;
  const others = othersOf(input, bases);
  if (others === null) return {};
  return Object.fromEntries((bonuses[input.type] ?? []).map(([rank, size]) => [rank, choose(others, size - bases)]));
}

/** Runners beside the bases; null for a formula by columns. */
function othersOf({ form, runners, associated, columns, field }: CountInput, bases: number): number | null {
  if (form === 'STRAIGHT' || form === 'WHEEL' || form === 'MULTI_LEG') return null;
  const listed = form === 'BOX' ? (runners ?? columns?.[0]) : associated;
  if (listed === undefined || listed[0] === 'ALL') return field === undefined ? null : field - bases;
  return listed.length;
}

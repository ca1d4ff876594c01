/**
 * The report that a veto leaves on the steward's desk: two dividend sheets of one pool side by side, every row that differs
 * marked, then each calculator's own arithmetic. Plain text in fixed columns. It never says which side is right.
 */
import { amounts, byCombination, type ComparableSheet, compareSheets } from './compare-sheets.js';

export interface ReportedSheet extends ComparableSheet {
  /** Whose sheet it is: `ENGINE`. */
  readonly name: string;
  /** Its arithmetic in words, a line per step. */
  readonly steps?: readonly string[];
}

type Row = readonly [label: string, left: string, right: string];

/** The report's lines, none when the sheets agree. `exponent`: digits of the currency after the point. */
export function differenceReport(
  pool: string,
  [left, right]: readonly [ReportedSheet, ReportedSheet],
  exponent: number,
): readonly string[] {
  const differences = compareSheets(left, right, [left.name, right.name]);
  if (differences.length === 0) return [];
  const rows = [...amountRows(left, right, exponent), ...dividendRows(left, right, exponent)];
  const head: Row = ['', left.name, right.name];
  const [labels, lefts, rights] = ([0, 1, 2] as const).map((column) => widest([head, ...rows], column));
  const line = ([label, a, b]: Row): string =>
    `${a === b ? ' ' : '!'} ${label.padEnd(labels ?? 0)}  ${a.padStart(lefts ?? 0)}  ${b.padStart(rights ?? 0)}`;
  return [
    `${pool}: ${left.name} and ${right.name} differ in ${differences.length} ${differences.length === 1 ? 'point' : 'points'}. Nothing is paid until they agree.`,
    `  ${line(head).slice(2)}`,
    ...rows.map(line),
    ...stepsOf(left),
    ...stepsOf(right),
  ];
}

const widest = (rows: readonly Row[], column: 0 | 1 | 2): number => Math.max(...rows.map((row) => row[column].length));

function amountRows(left: ReportedSheet, right: ReportedSheet, exponent: number): readonly Row[] {
  const known = (Object.keys(amounts) as (keyof typeof amounts)[]).filter(
    (name) => left[name] !== undefined || right[name] !== undefined,
  );
  const text = (amount: number | undefined): string => (amount === undefined ? '-' : money(amount, exponent));
  const rows = known.map((name): Row => [amounts[name], text(left[name]), text(right[name])]);
  return [['outcome', left.outcome, right.outcome], ...rows];
}

function dividendRows(left: ReportedSheet, right: ReportedSheet, exponent: number): readonly Row[] {
  const [lefts, rights] = [byCombination(left.dividends), byCombination(right.dividends)];
  return [...new Set([...lefts.keys(), ...rights.keys()])].sort().flatMap((key): readonly Row[] => {
    const [a, b] = [lefts.get(key), rights.get(key)];
    const of = (amount: number | undefined): string => (amount === undefined ? 'none' : money(amount, exponent));
    return [
      [`${key}: price`, a?.price ?? 'none', b?.price ?? 'none'],
      [`${key}: stake`, of(a?.stakeMinor), of(b?.stakeMinor)],
      [`${key}: payout`, of(a?.paidMinor), of(b?.paidMinor)],
    ];
  });
}

function stepsOf({ name, steps = [] }: ReportedSheet): readonly string[] {
  return steps.length === 0 ? [] : [`${name} reckons:`, ...steps.map((step, i) => `  ${i + 1}. ${step}`)];
}

/** `1,234.56`; integers only, never a floating point number. */
export function money(minor: number | bigint, exponent: number): string {
  const digits = String(minor < 0 ? -minor : minor).padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, ',');
  const text = exponent === 0 ? whole : `${whole}.${digits.slice(-exponent)}`;
  return minor < 0 ? `-${text}` : text;
}

/**
 * Every line that a bet covers, written out by nested choices. Slow and plain on purpose: nothing here may count lines
 * by formula or skip any, since this is what the formulas are checked against.
 */
import {
  type AuditedPoolType,
  type AuditField,
  AuditRefused,
  type AuditRules,
  type AuditSelection,
  type LineStake,
} from './sheet.js';

/** Runners that one line names, and whether their order counts. */
interface LineShape {
  readonly picks: number;
  readonly ordered: boolean;
}

const ordered = (picks: number): LineShape => ({ picks, ordered: true });
const anyOrder = (picks: number): LineShape => ({ picks, ordered: false });

export const lineShapes: Readonly<Record<AuditedPoolType, LineShape>> = {
  WIN: ordered(1),
  PLACE: ordered(1),
  SHOW: ordered(1),
  QUINELLA: anyOrder(2),
  QUINELLA_PLACE: anyOrder(2),
  EXACTA: ordered(2),
  TRIO: anyOrder(3),
  TRIFECTA: ordered(3),
  SUPERFECTA: ordered(4),
  FIRST4: anyOrder(4),
  QUARTET: ordered(4),
  SUPER_HIGH_5: ordered(5),
  TIERCE: ordered(3),
  QUARTE: ordered(4),
  QUINTE: ordered(5),
  PICK5_FR: anyOrder(5),
  DEUX_SUR_QUATRE: anyOrder(2),
  MULTI: anyOrder(4),
};

/** What a bet on this runner is a bet on: under ENTRY the first runner of its entry, else the runner itself. */
export function bettingInterest(field: AuditField, coupling: AuditRules['coupling']): (runner: string) => string {
  if (coupling !== 'ENTRY') return (runner) => runner;
  return (runner) => field.entries.find((entry) => entry.includes(runner))?.[0] ?? runner;
}

export const runsOf = (field: AuditField): readonly string[] =>
  field.declared.filter((runner) => !field.scratched.includes(runner));

/**
 * The lines of a selection as lists of betting interests, each line once.
 *
 * - STRAIGHT and WHEEL: one runner from each column, all different.
 * - BOX: any of the runners in any order; with orders ONE in the order listed only.
 * - KEY and BANKER: all the bases and, for the rest, any of the associated. ALL: in any order; FIELD: bases first as
 *   listed, the rest in any order; ONE: bases first, the rest in the order listed. KEY means FIELD, BANKER means ALL,
 *   unless stated.
 *
 * In a pool without order each set counts once. Two parts of one interest never make a line.
 */
export function expandSelection(
  selection: AuditSelection,
  poolType: AuditedPoolType,
  interestOf: (runner: string) => string,
): readonly (readonly string[])[] {
  const picks = poolType === 'MULTI' ? (selection.size ?? selection.columns?.length ?? 4) : lineShapes[poolType].picks;
  const ordered = lineShapes[poolType].ordered && !isSet(selection, poolType);
  const named = (runners: readonly string[] = []) => [...new Set(runners.map(interestOf))];
  const lines = new Map<string, readonly string[]>();
  for (const line of candidates(selection, picks, named)) {
    const kept = ordered ? line : [...line].sort(byNumber);
    lines.set(kept.join('>'), kept);
  }
  return [...lines.values()];
}

/**
 * The lines as they run: in one that names non-runners these are struck out, the others move up, and as many complements as were
 * struck out are written behind them, the first that run in the order named. Where there are not enough, the line stays as it was.
 */
export function asRun(
  lines: readonly (readonly string[])[],
  { complement = [] }: AuditSelection,
  { field, interestOf }: { readonly field: AuditField; readonly interestOf: (runner: string) => string },
): readonly (readonly string[])[] {
  if (complement.length === 0) return lines;
  const running = new Set(runsOf(field).map(interestOf));
  const ready = complement.map(interestOf).filter((runner) => running.has(runner));
  return lines.map((line) => {
    const left = line.filter((runner) => running.has(runner));
    const mended = [...left, ...ready.slice(0, line.length - left.length)];
    return mended.length === line.length ? mended : line;
  });
}

/** Whether the lines are sets in a pool that sells orders too (first-4 in a quartet pool). */
export const isSet = ({ orders }: AuditSelection, poolType: AuditedPoolType): boolean =>
  poolType === 'QUARTET' && orders === 'SET';

/** Adds up what is staked on each line, over any number of bets. */
export class LineTally {
  readonly #stakes = new Map<string, { readonly line: readonly string[]; stakeMinor: bigint; shape?: 'SET' }>();

  add(lines: readonly (readonly string[])[], unitMinor: bigint, asSets = false): void {
    for (const line of lines) {
      const key = line.join(asSets ? '-' : '>');
      const known = this.#stakes.get(key);
      if (known) known.stakeMinor += unitMinor;
      else this.#stakes.set(key, { line, stakeMinor: unitMinor, ...(asSets ? { shape: 'SET' } : {}) });
    }
  }

  get lines(): readonly LineStake[] {
    return [...this.#stakes.values()];
  }
}

type Named = (runners?: readonly string[]) => string[];

function candidates(selection: AuditSelection, picks: number, named: Named): readonly (readonly string[])[] {
  switch (selection.form) {
    case 'STRAIGHT':
    case 'WHEEL':
      return tuples((selection.columns ?? (selection.runners ?? []).map((runner) => [runner])).map(named), picks);
    case 'BOX': {
      const runners = named(selection.runners);
      return selection.orders === 'ONE' ? choices(runners, picks) : arrangements(runners, picks);
    }
    case 'KEY':
    case 'BANKER':
      return aroundBases(selection, picks, named);
  }
}

function aroundBases(selection: AuditSelection, picks: number, named: Named): readonly (readonly string[])[] {
  const bases = named(selection.bases);
  const others = named(selection.associated).filter((runner) => !bases.includes(runner));
  const rest = picks - bases.length;
  if (rest < 0) throw new AuditRefused(`${bases.length} bases do not fit into ${picks} places`);
  const orders = selection.orders ?? (selection.form === 'KEY' ? 'FIELD' : 'ALL');
  const behind = orders === 'ONE' ? choices(others, rest) : arrangements(others, rest);
  const lines = behind.map((tail) => [...bases, ...tail]);
  return orders === 'ALL' ? lines.flatMap((line) => arrangements(line, picks)) : lines;
}

/** One from each column, all different. */
function tuples(columns: readonly (readonly string[])[], picks: number): readonly (readonly string[])[] {
  if (columns.length !== picks) throw new AuditRefused(`a line names ${picks} runners, not ${columns.length}`);
  let lines: readonly (readonly string[])[] = [[]];
  for (const column of columns) {
    lines = lines.flatMap((line) =>
      column.filter((runner) => !line.includes(runner)).map((runner) => [...line, runner]),
    );
  }
  return lines;
}

/** Any `size` of the members in any order. */
const arrangements = (members: readonly string[], size: number): readonly (readonly string[])[] =>
  tuples(new Array<readonly string[]>(size).fill(members), size);

/** Any `size` of the members in the order listed. */
const choices = (members: readonly string[], size: number): readonly (readonly string[])[] =>
  arrangements(members, size).filter((line) =>
    line.every((runner, i) => i === 0 || members.indexOf(line[i - 1] as string) < members.indexOf(runner)),
  );

/** Cards count 2 before 10; runners without a number come by their letters. */
export function byNumber(a: string, b: string): number {
  const [x, y] = [Number.parseInt(a, 10), Number.parseInt(b, 10)];
  if (x !== y && !Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}

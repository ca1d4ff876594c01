/**
 * What a single bet is due by a pool's sheet: which of its lines stand, and which of them each dividend pays. Every line is written out
 * and held against the result as the sheet's were; it must never read the key of a declared dividend.
 */
import { asRun, bettingInterest, expandSelection, isSet, lineShapes } from './expansion.js';
import { floor, nearest, read, times, whole } from './fraction.js';
import { type LegBet, type LineKind, lineKinds } from './leg-lines.js';
import { standsIn } from './price-by-force.js';
import type { LegPool, LegSheet } from './price-legs.js';
import { bestRank, tierNames } from './ranks.js';
import type { AuditPool, AuditRules, AuditSelection, DividendSheet, LineStake, SheetDividend } from './sheet.js';
import { matches } from './winners.js';

/** Of a selection's lines those that stand, and by dividend of the sheet those that it pays. */
export interface LinesWon {
  readonly standing: number;
  readonly won: readonly number[];
}

/** What a bet of so much a line is due: each dividend is paid on all its lines at once, and rounded then. */
export function dueMinor(sheet: DividendSheet, { payment }: AuditRules, lines: LinesWon, unitMinor: number): number {
  if (sheet.outcome === 'REFUND') return lines.standing * unitMinor;
  const rounded = payment === 'DOWN' ? floor : nearest;
  const paid = sheet.dividends.map(({ price }, no) => {
    const many = lines.won[no] ?? 0;
    return many === 0 ? 0n : rounded(times(read(price), whole(BigInt(many) * BigInt(unitMinor))));
  });
  return Number(paid.reduce((total, amount) => total + amount, 0n));
}

/** Of a pool of one race; `lines`: all that stood in it when it was priced. */
export function linesWon(
  pool: AuditPool,
  lines: readonly LineStake[],
  sheet: DividendSheet,
): (selection: AuditSelection) => LinesWon {
  const { poolType, ruleSet, field } = pool;
  const interestOf = bettingInterest(field, ruleSet.coupling);
  const stands = standsIn(pool);
  const paidFor = dividendsOf(pool, lines, sheet);
  return (selection) => {
    const asSet = isSet(selection, poolType);
    const won = sheet.dividends.map(() => 0);
    let standing = 0;
    for (const line of asRun(expandSelection(selection, poolType, interestOf), selection, { field, interestOf })) {
      if (!stands(line)) continue;
      standing += 1;
      for (const no of paidFor(line, asSet ? 'SET' : undefined)) won[no] = (won[no] as number) + 1;
    }
    return { standing, won };
  };
}

/** The dividends that pay a line, by their numbers; many bets share their lines. */
function dividendsOf(
  pool: AuditPool,
  lines: readonly LineStake[],
  { dividends }: DividendSheet,
): (line: readonly string[], shape: LineStake['shape']) => readonly number[] {
  const known = new Map<string, readonly number[]>();
  const stands = standsIn(pool);
  // A pool with tiers is shared like others where nobody is in any.
  const isAnyRanked = (): boolean =>
    tierNames(pool).length > 0 &&
    lines.some(({ line, shape, stakeMinor }) => stakeMinor > 0n && stands(line) && bestRank(pool, line, shape));
  let isRanked: boolean | undefined;
  const ofRank = (line: readonly string[], shape: LineStake['shape']): readonly number[] => {
    const rank = bestRank(pool, line, shape);
    const no = dividends.findIndex(({ tier, c }) => tier === rank?.tier && c === rank.c);
    return no < 0 ? [] : [no];
  };
  const ofPatterns = (line: readonly string[]): readonly number[] =>
    [...dividends.keys()].filter((no) => isPaid(pool, dividends[no] as SheetDividend, line));
  return (line, shape) => {
    const key = line.join(shape === 'SET' ? '-' : '>');
    isRanked ??= isAnyRanked();
    const found = known.get(key) ?? (isRanked ? ofRank(line, shape) : ofPatterns(line));
    known.set(key, found);
    return found;
  };
}

/** `4>7` in these places, `4-7` anywhere in the line, `*` any runner; a disorder is its runners in the first places, however ordered. */
function isPaid({ poolType }: AuditPool, { tier, c }: SheetDividend, line: readonly string[]): boolean {
  if (c === '*') return true;
  const members = c.split(/[>-]/);
  if (tier === 'DISORDER') return members.every((member) => line.slice(0, members.length).includes(member));
  return matches(members, line, lineShapes[poolType].ordered);
}

/** Of a pool over several races, by the lines that its dividends were priced on. */
export function legLinesWon(
  { ruleSet, legs }: LegPool,
  { sheet, paid }: LegSheet,
): (bet: Omit<LegBet, 'unitMinor'>) => LinesWon {
  const keys = paid.map((kinds) => new Set(kinds.map(keyOf)));
  return (bet) => {
    const won = sheet.dividends.map(() => 0);
    let standing = 0;
    for (const kind of lineKinds(ruleSet, legs, [{ ...bet, unitMinor: 1 }])) {
      const many = Number(kind.stakeMinor);
      if (kind.picks.every(({ fate }) => fate !== 'OUT')) standing += many;
      for (const [no, own] of keys.entries()) if (own.has(keyOf(kind))) won[no] = (won[no] as number) + many;
    }
    return { standing, won };
  };
}

const keyOf = ({ picks }: LineKind): string => JSON.stringify(picks);

/**
 * Two rule sets side by side: field by field where they differ, and the difference in money on races that were run, each
 * priced by both. Reads no file; races come as lines of the `price` command.
 */
import { type PoolType, poolTypes, type RuleSet, ruleSetFields, ruleSetFor } from '#mutuel/tote';
import { pricedLine } from './price-line.js';
import { LineRefused } from './refusal.js';
import type { PriceOutput } from './schema.js';

export interface FieldDifference {
  readonly field: string;
  readonly a: string;
  readonly b: string;
}

export interface PoolDifference {
  readonly poolType: PoolType;
  /** Ids of the rule sets; null where a name has none for the pool type. */
  readonly a: string | null;
  readonly b: string | null;
  readonly fields: readonly FieldDifference[];
}

/** What differs, pool type by pool type; those with the same rules are left out. */
export function rulesDifference(a: string, b: string): readonly PoolDifference[] {
  return poolTypes.flatMap((poolType) => {
    const [left, right] = [ruleSetFor(a, poolType), ruleSetFor(b, poolType)];
    if (!left && !right) return [];
    const fields = left && right ? fieldDifferences(left, right) : [];
    if (left && right && fields.length === 0) return [];
    return [{ poolType, a: left?.id ?? null, b: right?.id ?? null, fields }];
  });
}

/** What says who a rule set is differs by nature. */
const NAMES: readonly (keyof RuleSet)[] = ['id', 'name', 'jurisdiction', 'validFrom', 'poolType'];

const fieldDifferences = (a: RuleSet, b: RuleSet): readonly FieldDifference[] =>
  ruleSetFields
    .filter((field) => !NAMES.includes(field) && JSON.stringify(a[field]) !== JSON.stringify(b[field]))
    .map((field) => ({ field, a: shown(a[field]), b: shown(b[field]) }));

const shown = (value: unknown): string =>
  value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);

/** Money on the same races by two names, minor units. `refused` are lines that one of them cannot price. */
export interface MoneyDifference {
  readonly poolType: string;
  readonly races: number;
  readonly refused: number;
  /** Races with another dividend. */
  readonly differing: number;
  readonly paidA: number;
  readonly paidB: number;
  readonly takeoutA: number;
  readonly takeoutB: number;
  readonly carryOutA: number;
  readonly carryOutB: number;
}

/** Prices each line by both names and sums, pool type by pool type. Lines are objects of the `price` command. */
export function moneyDifference(a: string, b: string, lines: readonly object[]): readonly MoneyDifference[] {
  const sums = new Map<string, MoneyDifference>();
  for (const line of lines) {
    const poolType = typeOf(line);
    const [left, right] = [a, b].map((ruleSet) => pricedBy(line, ruleSet));
    const before = sums.get(poolType) ?? nothing(poolType);
    if (!left || !right) {
      sums.set(poolType, { ...before, refused: before.refused + 1 });
      continue;
    }
    const [paidA, paidB] = [left, right].map(({ dividends }) => dividends.reduce((sum, { paid }) => sum + paid, 0));
    const isSame = JSON.stringify(left.dividends) === JSON.stringify(right.dividends);
    sums.set(poolType, {
      ...before,
      races: before.races + 1,
      differing: before.differing + (isSame ? 0 : 1),
      paidA: before.paidA + (paidA ?? 0),
      paidB: before.paidB + (paidB ?? 0),
      takeoutA: before.takeoutA + left.takeout,
      takeoutB: before.takeoutB + right.takeout,
      carryOutA: before.carryOutA + left.carryOut,
      carryOutB: before.carryOutB + right.carryOut,
    });
  }
  return [...sums.values()];
}

function pricedBy(line: object, ruleSet: string): PriceOutput | null {
  try {
    return pricedLine({ ...line, ruleSet });
  } catch (error) {
    if (error instanceof LineRefused) return null;
    throw error;
  }
}

function typeOf(line: object): string {
  const pool: unknown = Reflect.get(line, 'pool');
  return typeof pool === 'object' && pool !== null ? String(Reflect.get(pool, 'type')) : 'unknown';
}

const nothing = (poolType: string): MoneyDifference => ({
  ...{ poolType, races: 0, refused: 0, differing: 0, paidA: 0, paidB: 0 },
  ...{ takeoutA: 0, takeoutB: 0, carryOutA: 0, carryOutB: 0 },
});

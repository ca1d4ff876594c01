/**
 * Whether a plain object is a rule set: every field by itself, then what needs two fields to judge. Answers in pointers
 * and sentences, so that whoever writes a rule set is told what to change. Never repairs anything.
 */
import { isPoolType } from './pool-type.js';
import { divide, toRatio } from './ratio.js';
import type { DisplayStep, RuleSet } from './rule-set.js';

/** A defect of a rule set: JSON pointer and sentence. */
export interface RuleProblem {
  readonly at: string;
  readonly message: string;
}

type Check = (value: unknown) => string | null;

const RATE = /^\d{1,9}(\.\d{1,9})?$|^\d{1,9}\/0*[1-9]\d{0,8}$/;
const AMOUNT = /^\d{1,9}(\.\d{1,9})?$/;

const text: Check = (v) => (typeof v === 'string' && v.length > 0 && v.length <= 64 ? null : 'must be a short text');
const day: Check = (v) => (typeof v === 'string' && /^\d{4}-\d\d-\d\d$/.test(v) ? null : 'must be a day YYYY-MM-DD');
const amount: Check = (v) =>
  typeof v === 'string' && AMOUNT.test(v) ? null : 'must be a decimal in quotes such as "0.10"';
const positive: Check = (v) => amount(v) ?? (/[1-9]/.test(String(v)) ? null : 'must be above zero');
const whole =
  (least: number, most: number): Check =>
  (v) =>
    typeof v === 'number' && Number.isSafeInteger(v) && v >= least && v <= most
      ? null
      : `must be a whole number from ${least} to ${most}`;
const oneOf =
  (...names: readonly string[]): Check =>
  (v) =>
    typeof v === 'string' && names.includes(v) ? null : `must be one of ${names.join(', ')}`;
const split = oneOf('SINGLE_PRICE', 'PROFIT_SPLIT', 'GROSS_SPLIT', 'JAPAN');
const rung = oneOf('NEXT', 'EITHER', 'FIRST_1', 'FIRST_2', 'FIRST_3', 'FIRST_4', 'PAY_NET_RATE', 'REFUND', 'CARRY');

/** A rate from 0 to 1. */
const rate: Check = (v) => {
  if (typeof v !== 'string' || !RATE.test(v))
    return 'must be a decimal or a fraction in quotes, such as "0.16" or "1/3"';
  const [top = '0', bottom = '1'] = v.split('/');
  return Number(top) <= Number(bottom) ? null : 'must not be above 1';
};

const listOf =
  (most: number, check: Check): Check =>
  (v) => {
    if (!Array.isArray(v) || v.length === 0 || v.length > most) return `must be a list of 1 to ${most}`;
    const bad = v.map(check).findIndex((problem) => problem !== null);
    return bad < 0 ? null : `entry ${bad} ${check(v[bad])}`;
  };

const record =
  (fields: Readonly<Record<string, Check>>, needed: readonly string[]): Check =>
  (v) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return 'must be an object';
    const missing = needed.find((name) => !Object.hasOwn(v, name));
    if (missing) return `needs ${missing}`;
    for (const [name, value] of Object.entries(v)) {
      const problem = Object.hasOwn(fields, name) ? fields[name]?.(value) : 'is not known';
      if (problem) return `has ${name}, which ${problem}`;
    }
    return null;
  };

const minimumSteps = listOf(8, record({ atMost: amount, below: amount, pay: amount }, ['pay']));
const placeSteps = listOf(8, record({ from: whole(1, 99), places: whole(1, 9) }, ['from', 'places']));
const displaySteps = listOf(8, record({ below: positive, step: positive }, ['step']));

/** The check of every field; what is absent from `REQUIRED` may be left out. */
const CHECKS: Readonly<Record<keyof RuleSet, Check>> = {
  id: text,
  name: text,
  jurisdiction: text,
  poolType: (v) => (typeof v === 'string' && isPoolType(v) ? null : 'must be a pool type'),
  validFrom: day,
  takeout: rate,
  split,
  deadHeat: split,
  shares: listOf(99, rate),
  places: (v) => (typeof v === 'number' ? whole(1, 9)(v) : placeSteps(v)),
  placesBy: oneOf('CARD', 'RUNNERS'),
  breakTo: (v) => (v === 'none' ? null : positive(v)),
  breakPer: positive,
  breakAt: oneOf('PRICE', 'UNIT'),
  rounding: oneOf('DOWN', 'NEAREST'),
  digits: whole(0, 9),
  minimum: (v) => (typeof v === 'string' ? amount(v) : minimumSteps(v)),
  minimumInMinusPool: amount,
  payment: oneOf('DOWN', 'NEAREST'),
  noWinner: listOf(12, rung),
  carry: oneOf('NET', 'GROSS'),
  display: displaySteps,
  coupling: oneOf('ENTRY', 'STABLE', 'NONE'),
  minInterests: whole(0, 99),
  scratch: oneOf('REFUND'),
  minStakeMinor: whole(1, 1_000_000_000),
  unitMultipleMinor: whole(1, 1_000_000_000),
  maxLines: whole(1, 100_000_000),
  cancelWindowMs: whole(0, 86_400_000),
};

const OPTIONAL: readonly string[] = [
  'shares',
  'places',
  'minimumInMinusPool',
  'display',
  'minStakeMinor',
  'unitMultipleMinor',
  'maxLines',
  'cancelWindowMs',
];

/** The names of a rule set's fields. */
export const ruleSetFields = Object.keys(CHECKS) as readonly (keyof RuleSet)[];

/** Everything wrong with a would-be rule set, as pointers and sentences; empty when it is one. */
export function validateRuleSet(value: unknown): readonly RuleProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ at: '', message: 'a rule set must be an object' }];
  }
  const given: Readonly<Record<string, unknown>> = { ...value };
  const problems = Object.keys(given).flatMap((name) => fieldProblems(name, given[name]));
  for (const name of ruleSetFields) {
    if (!Object.hasOwn(given, name) && !OPTIONAL.includes(name)) {
      problems.push({ at: `/${name}`, message: `${name} is missing` });
    }
  }
  return problems.length > 0 ? problems : crossProblems(given as unknown as RuleSet);
}

export const isRuleSet = (value: unknown): value is RuleSet => validateRuleSet(value).length === 0;

function fieldProblems(name: string, value: unknown): RuleProblem[] {
  if (!Object.hasOwn(CHECKS, name)) return [{ at: `/${name}`, message: `${name} is not a field of a rule set` }];
  const problem = CHECKS[name as keyof RuleSet](value);
  return problem === null ? [] : [{ at: `/${name}`, message: `${name} ${problem}` }];
}

/** What needs two fields to judge; every field by itself is right here. */
function crossProblems(rules: RuleSet): RuleProblem[] {
  const { noWinner, breakTo, breakPer, display, minimum, minimumInMinusPool } = rules;
  const problems: RuleProblem[] = [];
  const end = noWinner.findIndex((name) => name === 'REFUND' || name === 'CARRY' || name === 'PAY_NET_RATE');
  if (end >= 0 && end < noWinner.length - 1) {
    problems.push({ at: `/noWinner/${end + 1}`, message: `nothing can follow ${noWinner[end]} in the ladder` });
  }
  if (breakTo !== 'none' && !isFiniteDecimal(breakPer)) {
    problems.push({ at: '/breakPer', message: 'breakPer must divide into finite decimals (1, 2, 100 …)' });
  }
  if (rules.carry === 'GROSS' && (rules.split === 'JAPAN' || rules.deadHeat === 'JAPAN')) {
    problems.push({ at: '/carry', message: 'the Japanese split has net carry-overs' });
  }
  if (minimumInMinusPool !== undefined && typeof minimum !== 'string') {
    problems.push({ at: '/minimumInMinusPool', message: 'minimumInMinusPool needs a single minimum, not steps' });
  }
  return [...problems, ...displayProblems(display)];
}

function displayProblems(display: readonly DisplayStep[] = []): RuleProblem[] {
  const last = display.length - 1;
  return display.flatMap(({ below, step }, index) => {
    const at = `/display/${index}`;
    if (index === last) return below === undefined ? [] : [{ at, message: 'the last display step has no below' }];
    if (below === undefined) return [{ at, message: 'only the last display step may lack below' }];
    const isMultiple = divide(toRatio(below), toRatio(step)).d === 1n;
    return isMultiple ? [] : [{ at, message: 'below must be a multiple of step' }];
  });
}

/** Division by it keeps decimals finite: no prime factor other than 2 and 5. */
function isFiniteDecimal(value: string): boolean {
  let rest = BigInt(value.replace('.', ''));
  for (const prime of [2n, 5n]) while (rest !== 0n && rest % prime === 0n) rest /= prime;
  return rest === 1n;
}

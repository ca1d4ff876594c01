/**
 * Whether a plain object is a rule set: every field by itself, then what needs two fields to judge. Answers in pointers
 * and sentences, so that whoever writes a rule set is told what to change. Never repairs anything.
 */
import {
  amount,
  type Check,
  day,
  displaySteps,
  flexiRule,
  legRules,
  listOf,
  minimumSteps,
  oneOf,
  placeSteps,
  positive,
  rate,
  record,
  rung,
  split,
  text,
  tierRule,
  weights,
  whole,
} from './field-checks.js';
import { isPoolType, shapeOf } from './pool-type.js';
import { compare, divide, ONE, sum, toRatio } from './ratio.js';
import type { DisplayStep, RuleSet } from './rule-set.js';

/** A defect of a rule set: JSON pointer and sentence. */
export interface RuleProblem {
  readonly at: string;
  readonly message: string;
  /** Set where callers tell this defect from others. */
  readonly code?: 'SHARES_NOT_ONE' | 'PLACES_HOLE' | 'OVERLAPPING_DATES';
}

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
  tiers: listOf(16, tierRule),
  weights,
  unique: record({ tier: text, unit: whole(1, 1_000_000_000) }, ['tier', 'unit']),
  jackpot: record({ share: rate, of: oneOf('NET', 'GROSS') }, ['share', 'of']),
  pricing: oneOf('STANDARD', 'NET'),
  partUnitMinor: whole(1, 1_000_000_000),
  ladderShare: rate,
  tierProfit: oneOf('OWN', 'INCREMENTS'),
  minimumInDeadHeat: amount,
  topUp: record({ from: amount, to: amount }, ['from', 'to']),
  legs: legRules,
  noWinner: listOf(12, rung),
  carry: oneOf('NET', 'GROSS'),
  display: displaySteps,
  coupling: oneOf('ENTRY', 'STABLE', 'NONE'),
  minInterests: whole(0, 99),
  minDeclared: whole(0, 99),
  scratch: oneOf('REFUND'),
  complements: whole(1, 3),
  minStakeMinor: whole(1, 1_000_000_000),
  unitMultipleMinor: whole(1, 1_000_000_000),
  report: record({ mostTimes: whole(1, 1_000_000) }, ['mostTimes']),
  flexi: (v) => (v === 'NONE' ? null : flexiRule(v)),
  maxLines: whole(1, 100_000_000),
  corrections: oneOf('NONE', 'UNDERPAY_ONLY', 'CLAWBACK'),
  cancelWindowMs: whole(0, 86_400_000),
};

const OPTIONAL: readonly string[] = [
  'shares',
  'places',
  'minimumInMinusPool',
  'tiers',
  'weights',
  'unique',
  'jackpot',
  'pricing',
  'partUnitMinor',
  'ladderShare',
  'tierProfit',
  'minimumInDeadHeat',
  'topUp',
  'legs',
  'display',
  'minDeclared',
  'minStakeMinor',
  'complements',
  'unitMultipleMinor',
  'report',
  'flexi',
  'maxLines',
  'corrections',
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

/** Rule sets of which two are for one name, pool type and day: only one can be in force. Pointers are positions. */
export function overlaps(ruleSets: readonly RuleSet[]): readonly RuleProblem[] {
  const first = new Map<string, number>();
  return ruleSets.flatMap(({ name, poolType, validFrom }, index) => {
    const key = `${name} ${poolType} ${validFrom}`;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, index);
      return [];
    }
    const message = `${name} has two rule sets for ${poolType} from ${validFrom} on: this one and number ${before}`;
    return [{ at: `/${index}/validFrom`, message, code: 'OVERLAPPING_DATES' as const }];
  });
}

/** Everything wrong with a list of rule sets: each by itself (`/3/takeout`), then what no two may have together. */
export function validateRuleSets(values: readonly unknown[]): readonly RuleProblem[] {
  const problems = values.flatMap((value, index) =>
    validateRuleSet(value).map((problem) => ({ ...problem, at: `/${index}${problem.at}` })),
  );
  return problems.length > 0 ? problems : overlaps(values as readonly RuleSet[]);
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
  if (rules.complements !== undefined && !mayComplement(rules)) {
    problems.push({
      at: '/complements',
      message: 'complements are for three and more runners of one race, without ranks for non-runners',
    });
  }
  const paying = noWinner.findIndex((name) => name !== 'REFUND' && name !== 'CARRY');
  if (paying >= 0 && shapeOf(rules.poolType).arrangement !== 'LEGS' && toJackpot(rules)) {
    const message = `${noWinner[paying]} pays the whole pool, of which a tier that nobody has would go to the jackpot: say REFUND or CARRY`;
    problems.push({ at: `/noWinner/${paying}`, message });
  }
  const ruled = (['jackpot', 'unique'] as const).find((field) => rules[field] !== undefined);
  const noJackpot = noJackpotBy(rules);
  if (ruled && noJackpot !== undefined) problems.push({ at: `/${ruled}`, message: noJackpot });
  return [...problems, ...tierProblems(rules), ...placeProblems(rules.places), ...displayProblems(display)];
}

/** Why nothing can be put by for a jackpot by these rules, nor a jackpot be won; undefined where it can. */
export function noJackpotBy(rules: RuleSet): string | undefined {
  const { poolType, split, deadHeat, tiers, weights, jackpot, carry } = rules;
  if (split === 'JAPAN' || deadHeat === 'JAPAN') return 'the Japanese split shares stakes and carry-ins, no jackpot';
  if (carry === 'GROSS') return 'a jackpot is net money, and by these rules money is taxed when it is won';
  if (shapeOf(poolType).arrangement === 'LEGS')
    return jackpot === undefined ? undefined : 'over several races a jackpot is what the shares of the tiers leave';
  return tiers || weights ? undefined : 'a jackpot is won in a tier, and there are no tiers';
}

const toJackpot = ({ tiers = [] }: RuleSet): boolean => tiers.some(({ uncovered }) => uncovered === 'JACKPOT');

/** A line that a complement mends has no non-runner left; a multi's lines differ in length. */
function mayComplement({ poolType, tiers = [] }: RuleSet): boolean {
  const { arrangement, picks } = shapeOf(poolType);
  return arrangement !== 'LEGS' && picks > 2 && poolType !== 'MULTI' && !tiers.some(({ name }) => /^\dNP$/.test(name));
}

/** Shares add to one; names are unique; `unique` names a tier, and then what is missing is its part. */
function tierProblems({ tiers, shares, unique, weights }: RuleSet): RuleProblem[] {
  const problems: RuleProblem[] = [];
  if (shares !== undefined && compare(sum(shares.map(toRatio)), ONE) !== 0)
    problems.push({ at: '/shares', message: 'the shares do not add to 1', code: 'SHARES_NOT_ONE' });
  const names = tiers?.map(({ name }) => name) ?? Object.keys(weights ?? {});
  if (unique && !names.includes(unique.tier))
    problems.push({ at: '/unique/tier', message: `${unique.tier} is not a tier` });
  if (!tiers) return problems;
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice >= 0) problems.push({ at: `/tiers/${twice}/name`, message: `the tier ${names[twice]} is named twice` });
  const all = compare(sum(tiers.map(({ share }) => toRatio(share))), ONE);
  if (all > 0 || (all < 0 && unique === undefined))
    problems.push({ at: '/tiers', message: 'the shares of the tiers do not add to 1', code: 'SHARES_NOT_ONE' });
  return problems;
}

/** Steps of places rise without a hole: more runners never pay fewer places, and none is skipped between two steps. */
function placeProblems(places: RuleSet['places']): RuleProblem[] {
  if (typeof places !== 'object') return [];
  return places.flatMap(({ from, places: paid }, index) => {
    const before = places[index - 1];
    const hole = (message: string): RuleProblem[] => [{ at: `/places/${index}`, message, code: 'PLACES_HOLE' }];
    if (paid > from) return hole(`${from} runners cannot fill ${paid} places`);
    if (before && from <= before.from) return hole('steps of places must rise in from');
    if (before && paid !== before.places + 1)
      return hole(`between ${before.places} and ${paid} places the table has a hole`);
    return [];
  });
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

/**
 * A case as an outsider wrote it, made ready for the mathematics: the rule set with its overrides, the field, and stakes
 * by canonical combination. Everything that can be wrong with a case is refused here, with its pointer.
 */
import {
  combinationText,
  type Field,
  isPriced,
  keyMembers,
  type PoolType,
  type RuleSet,
  ruleSetFor,
  ruleSetNames,
  scratchedInterests,
  shapeOf,
  validateRuleSet,
} from '#mutuel/tote';
import { refuseLine } from './refusal.js';
import type { PriceInput, ProbablesInput } from './schema.js';

export interface Case {
  readonly ruleSet: RuleSet;
  /** `US-STANDARD@2026-01-01`, as it was asked for; null when the rules are the outsider's own. */
  readonly ruleSetName: string | null;
  readonly field: Field;
  /** False when no runners were given: nothing may then depend on how many there are. */
  readonly hasCard: boolean;
  /** Stake by canonical combination, minor units, scratched ones left out. */
  readonly stakes: ReadonlyMap<string, number>;
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly carryInMinor: number;
  readonly netMinor?: number;
}

export type AnyCase = ProbablesInput & Pick<PriceInput, 'result' | 'winning'>;

export function readCase(input: AnyCase): Case {
  refuseLater(input);
  const { type } = input.pool;
  const { ruleSet, name } = rulesFor(input, type);
  const hasCard = input.runners !== undefined;
  const field = fieldOf(input);
  const all = stakesOf(input, ruleSet, field);
  const scratched = new Set(scratchedInterests(field, ruleSet.coupling));
  const stakes = new Map([...all].filter(([c]) => !keyMembers(type, c).some((member) => scratched.has(member))));
  const refunded = total(all.values()) - total(stakes.values());
  const money = moneyOf(input, { stakes, refunded });
  const rules = hasCard ? ruleSet : { ...ruleSet, minInterests: 0 };
  return { ruleSet: rules, ruleSetName: name, field, hasCard, stakes, ...money };
}

/** A combination's one text: betting interests, unordered ones sorted, stars kept. */
export function combinationOf(text: string, at: string, { ruleSet, field }: Pick<Case, 'ruleSet' | 'field'>): string {
  const { picks, arrangement } = shapeOf(ruleSet.poolType);
  if (text === '*') return text;
  const members = text.split(arrangement === 'ORDERED' ? '>' : '-');
  const known = new Set(field.declared);
  for (const member of members) {
    if (member !== '*' && !known.has(member)) {
      refuseLine('UNKNOWN_RUNNER', `Runner ${JSON.stringify(member)} of ${JSON.stringify(text)} is not declared.`, at);
    }
  }
  const interests = members.map((member) => interestOf(member, ruleSet, field));
  const named = interests.filter((member) => member !== '*');
  if (new Set(named).size < named.length) {
    refuseLine('REPEATED_RUNNER', `${JSON.stringify(text)} names one betting interest twice.`, at);
  }
  if (members.length !== picks) {
    refuseLine('INVALID_COMBINATION', `${JSON.stringify(text)} does not name ${picks} runners.`, at);
  }
  return combinationText(interests, arrangement);
}

export const hasStar = (c: string): boolean => c.includes('*');

export function total(amounts: Iterable<number>): number {
  let sum = 0;
  for (const amount of amounts) sum += amount;
  if (!Number.isSafeInteger(sum)) refuseLine('AMOUNT_TOO_LARGE', 'The stakes together are beyond 2^53.', '/stakes');
  return sum;
}

/** What the contract knows and the rule book has not brought yet. */
function refuseLater(input: AnyCase & { readonly results?: unknown }): void {
  const later = (at: string, what: string): never => refuseLine('NOT_SUPPORTED', `${what} cannot be priced yet.`, at);
  if (!isPriced(input.pool.type)) later('/pool/type', `Pool type ${input.pool.type}`);
  if (input.results !== undefined) later('/results', 'A result of several races');
  if (input.legs !== undefined) later('/legs', 'A pool over several races');
  if (input.sources !== undefined) later('/sources', 'Money of several sources');
  if (input.jackpotIn) later('/jackpotIn', 'A jackpot');
  if (input.rules?.pricing === 'NET') later('/rules/pricing', 'Net pricing');
  for (const name of ['tiers', 'weights', 'unique'] as const) {
    if (input.rules?.[name] !== undefined) later(`/rules/${name}`, `A rule on ${name}`);
  }
}

// Rules.

const own = {
  id: 'OWN',
  name: 'OWN',
  jurisdiction: 'OWN',
  validFrom: '2000-01-01',
  takeout: '0',
  split: 'SINGLE_PRICE',
  deadHeat: 'PROFIT_SPLIT',
  placesBy: 'CARD',
  breakTo: 'none',
  breakPer: '1',
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '0',
  payment: 'DOWN',
  noWinner: ['REFUND'],
  carry: 'NET',
  coupling: 'ENTRY',
  minInterests: 0,
  scratch: 'REFUND',
} as const satisfies Partial<RuleSet>;

const placeRules: Readonly<Partial<Record<PoolType, Partial<RuleSet>>>> = {
  PLACE: { split: 'PROFIT_SPLIT', places: 2 },
  SHOW: { split: 'PROFIT_SPLIT', places: 3 },
};

/** The rule set of a case with its overrides, and its name where a shipped one was asked for. */
export function rulesFor(input: AnyCase, type: PoolType): { readonly ruleSet: RuleSet; readonly name: string | null } {
  const shipped = input.ruleSet === undefined ? null : ruleSetFor(input.ruleSet, type);
  if (input.ruleSet !== undefined && shipped === null) {
    const known = ruleSetNames.includes(input.ruleSet.split('@')[0] ?? '');
    const why = known ? `has no rules for ${type} on that day` : `is not one of ${ruleSetNames.join(', ')}`;
    refuseLine('UNKNOWN_RULE_SET', `Rule set ${JSON.stringify(input.ruleSet)} ${why}.`, '/ruleSet');
  }
  if (shipped === null && input.rules?.takeout === undefined && input.net == null) {
    refuseLine('MISSING_FIELD', 'Name a rule set, or give rules with their takeout.', '/ruleSet');
  }
  const base: RuleSet = shipped ?? { ...own, ...placeRules[type], poolType: type };
  const ruleSet = overridden(base, input.rules ?? {});
  const [problem] = validateRuleSet(ruleSet);
  if (problem) refuseLine('INVALID_RULE', `${problem.message}.`, `/rules${problem.at}`);
  const name = shipped && input.ruleSet ? `${input.ruleSet.split('@')[0]}@${shipped.validFrom}` : null;
  return { ruleSet, name };
}

/** A new split is meant for dead heats too, and a new minimum replaces the one of minus pools, unless they are given. */
function overridden(base: RuleSet, rules: NonNullable<AnyCase['rules']>): RuleSet {
  const { pricing: _pricing, ...given } = rules;
  const merged: Record<string, unknown> = { ...base };
  if (given.minimum !== undefined) delete merged['minimumInMinusPool'];
  if (given.split !== undefined && given.split !== 'SINGLE_PRICE') merged['deadHeat'] = given.split;
  for (const [field, value] of Object.entries(given)) if (value !== undefined) merged[field] = value;
  if (merged['minimum'] === 'none') merged['minimum'] = '0';
  return merged as unknown as RuleSet;
}

// Runners and combinations.

function fieldOf(input: AnyCase): Field {
  const { runners, result } = input;
  const declared = runners?.declared ?? namedRunners(input);
  const known = new Set(declared);
  readOnce([declared], known, (_, runner) => `/runners/declared/${runner}`);
  const scratched = readOnce([runners?.scratched ?? []], known, (_, runner) => `/runners/scratched/${runner}`);
  const entries = runners?.entries ?? [];
  readOnce(entries, known, (entry, runner) => `/runners/entries/${entry}/${runner}`);
  const running = new Set(declared.filter((runner) => !scratched.has(runner)));
  readOnce(result ?? [], known, (rank, runner) => `/result/${rank}/${runner}`);
  const absent = result?.flat().find((runner) => !running.has(runner));
  if (absent) refuseLine('INCONSISTENT', `Runner ${absent} was scratched and cannot finish.`, '/result');
  return { declared, scratched: [...scratched], entries };
}

/** Checks lists of runners: each is declared, and named once in all of them. */
function readOnce(
  lists: readonly (readonly string[])[],
  known: ReadonlySet<string>,
  at: (list: number, runner: number) => string,
): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const [i, list] of lists.entries()) {
    for (const [j, runner] of list.entries()) {
      if (!known.has(runner))
        refuseLine('UNKNOWN_RUNNER', `Runner ${JSON.stringify(runner)} is not declared.`, at(i, j));
      if (seen.has(runner)) refuseLine('REPEATED_RUNNER', `Runner ${JSON.stringify(runner)} is named twice.`, at(i, j));
      seen.add(runner);
    }
  }
  return seen;
}

/** Without a card, the runners are those that anything names. */
function namedRunners({ stakes = [], winning = [], result }: AnyCase): readonly string[] {
  const named = [...stakes, ...winning].flatMap(({ c }) => c.split(/[->]/));
  return [...new Set([...named, ...(result ?? []).flat()])].filter((runner) => /^[A-Za-z0-9]{1,8}$/.test(runner));
}

function interestOf(runner: string, { coupling }: RuleSet, field: Field): string {
  if (coupling !== 'ENTRY') return runner;
  return field.entries?.find((entry) => entry.includes(runner))?.[0] ?? runner;
}

function stakesOf(input: AnyCase, ruleSet: RuleSet, field: Field): ReadonlyMap<string, number> {
  const stakes = new Map<string, number>();
  for (const [index, { c, minor }] of (input.stakes ?? []).entries()) {
    const combination = combinationOf(c, `/stakes/${index}/c`, { ruleSet, field });
    stakes.set(combination, (stakes.get(combination) ?? 0) + minor);
  }
  return stakes;
}

// Money.

type Money = Pick<Case, 'grossMinor' | 'refundsMinor' | 'carryInMinor' | 'netMinor'>;

/** Gross before refunds, from what is given: gross itself, else all stakes, else the net pool that was given. */
function moneyOf(
  input: AnyCase,
  staked: { readonly stakes: ReadonlyMap<string, number>; readonly refunded: number },
): Money {
  const plain = [...staked.stakes].filter(([c]) => !hasStar(c)).map(([, minor]) => minor);
  const standing = total(plain);
  const refundsMinor = input.refunds ?? staked.refunded;
  if (refundsMinor < staked.refunded) {
    refuseLine(
      'INCONSISTENT',
      `Stakes on scratched runners, ${staked.refunded}, are more than the refunds.`,
      '/refunds',
    );
  }
  const carryInMinor = input.carryIn ?? 0;
  const isPartial = plain.length < staked.stakes.size || input.stakes === undefined;
  if (input.gross == null && input.net == null && isPartial) {
    refuseLine('MISSING_FIELD', 'Give gross (or net), or the stakes of all combinations.', '/gross');
  }
  const winning = input.winning?.reduce((sum, { minor }) => sum + (minor ?? 0), 0) ?? 0;
  const grossMinor = input.gross ?? Math.max(standing, winning, input.net ?? 0) + refundsMinor;
  const gross = grossMinor - refundsMinor;
  if (gross < 0) refuseLine('INCONSISTENT', 'The refunds are more than the gross pool.', '/refunds');
  if (gross < standing) refuseLine('INCONSISTENT', `The stakes, ${standing}, are more than the gross pool.`, '/gross');
  if (input.net != null && input.net > gross)
    refuseLine('INCONSISTENT', 'The net pool is more than the gross pool.', '/net');
  if (!Number.isSafeInteger(grossMinor + carryInMinor))
    refuseLine('AMOUNT_TOO_LARGE', 'The pool is beyond 2^53.', '/gross');
  return { grossMinor, refundsMinor, carryInMinor, ...(input.net == null ? {} : { netMinor: input.net }) };
}

/**
 * A case as an outsider wrote it, made ready for the mathematics: the rule set with its overrides, the field, and stakes
 * by canonical combination. Everything that can be wrong with a case is refused here, with its pointer.
 */
import {
  combinationText,
  type Field,
  isRefusal,
  keptNonRunners,
  keyMembers,
  linesWithout,
  noJackpotBy,
  type PoolType,
  parseRatio,
  placesPaid,
  type ReadSelection,
  type RuleSet,
  readSelection,
  ruleSetFor,
  ruleSetNames,
  runningInterests,
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
  /** Stakes on formulas such as `BOX:4,7,1` or `4>7>1+9`, counted without listing their lines. */
  readonly formulas: readonly FormulaStake[];
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly carryInMinor: number;
  readonly netMinor?: number;
  /** Net pricing: each site's stakes by canonical combination. */
  readonly sources?: readonly CaseSource[];
}

/** What stands on a bet's lines together; those that non-runners took out are not among `lines`. */
export interface FormulaStake {
  readonly read: ReadSelection;
  readonly minor: number;
  readonly lines: number;
}

/** One site's stakes, scratched ones left out. */
export interface CaseSource {
  readonly id: string;
  readonly takeout: string;
  readonly stakes: ReadonlyMap<string, number>;
  readonly grossMinor: number;
}

export type AnyCase = ProbablesInput & Pick<PriceInput, 'result' | 'winning'>;

/** `mayBeEmpty`: odds of a pool in which nobody has bet yet. */
export function readCase(input: AnyCase, mayBeEmpty = false): Case {
  refuseOtherPools(input);
  const { type } = input.pool;
  const { ruleSet, name } = rulesFor(input, type);
  const hasCard = input.runners !== undefined;
  const field = fieldOf(input);
  if (hasCard) refuseSmallField(ruleSet, field);
  const given = input.sources?.map(({ stakes }, index) => stakesOf(stakes, `/sources/${index}/stakes`, ruleSet, field));
  const all = given ? summed(given) : stakesOf(input.stakes ?? [], '/stakes', ruleSet, field);
  const formulas = formulasOf(input.stakes ?? [], { ruleSet, field, hasCard });
  const stands = standing(ruleSet, field);
  const stakes = new Map([...all].filter(stands));
  const refunded = total(all.values()) - total(stakes.values());
  const money = moneyOf(input, { stakes, formulas, refunded });
  if (!mayBeEmpty && money.grossMinor === 0 && money.carryInMinor === 0 && !input.jackpotIn)
    refuseLine('EMPTY_POOL', 'A pool of zero has nothing to price.', input.gross === 0 ? '/gross' : '/stakes');
  const rules = hasCard ? ruleSet : { ...ruleSet, minInterests: 0, minDeclared: 0 };
  const sources = sourcesOf(input, given, ruleSet, stands);
  return {
    ruleSet: rules,
    ruleSetName: name,
    field,
    hasCard,
    stakes,
    formulas,
    ...money,
    ...(sources ? { sources } : {}),
  };
}

/** Whether a stake stands: a combination that names a non-runner is refunded, unless the pool has a rank for it. */
function standing(ruleSet: RuleSet, field: Field): (stake: readonly [c: string, minor: number]) => boolean {
  const scratched = new Set(scratchedInterests(field, ruleSet.coupling));
  const kept = keptNonRunners(ruleSet);
  return ([c]) => keyMembers(ruleSet.poolType, c).filter((member) => scratched.has(member)).length <= kept;
}

function summed(maps: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const map of maps) for (const [c, minor] of map) all.set(c, (all.get(c) ?? 0) + minor);
  return all;
}

/** The sites of net pricing; one takeout for all is one site. */
function sourcesOf(
  { sources, rules }: AnyCase,
  given: readonly ReadonlyMap<string, number>[] | undefined,
  ruleSet: RuleSet,
  stands: (stake: readonly [c: string, minor: number]) => boolean,
): readonly CaseSource[] | null {
  if (!sources || !given) return null;
  if (rules?.pricing === 'STANDARD')
    refuseLine('INCONSISTENT', 'Several sources are priced net, not by the standard method.', '/rules/pricing');
  if (ruleSet.tiers || ruleSet.weights) refuseLine('NOT_SUPPORTED', 'Net pricing knows no tiers.', '/sources');
  const ids = sources.map(({ id }) => id);
  const twice = ids.findIndex((id, index) => ids.indexOf(id) < index);
  if (twice >= 0) refuseLine('INCONSISTENT', `The source ${ids[twice]} is given twice.`, `/sources/${twice}/id`);
  const tooMuch = sources.findIndex(({ takeout }) => !isRate(takeout));
  if (tooMuch >= 0) refuseLine('INVALID_RULE', 'A takeout is from 0 to 1.', `/sources/${tooMuch}/takeout`);
  return sources.map(({ id, takeout, gross }, index) => {
    const all = given[index] ?? new Map<string, number>();
    const stakes = new Map([...all].filter(stands));
    const refunded = total(all.values()) - total(stakes.values());
    const standing = total([...stakes].filter(([c]) => !hasStar(c)).map(([, minor]) => minor));
    const grossMinor = (gross ?? standing + refunded) - refunded;
    if (grossMinor < standing)
      refuseLine('INCONSISTENT', `The stakes, ${standing}, are more than the gross pool.`, `/sources/${index}/gross`);
    return { id, takeout, stakes, grossMinor };
  });
}

function isRate(text: string): boolean {
  const rate = parseRatio(text);
  return rate !== null && rate.n <= rate.d;
}

/** A combination's one text: betting interests, unordered ones sorted, stars kept. */
export function combinationOf(text: string, at: string, { ruleSet, field }: Pick<Case, 'ruleSet' | 'field'>): string {
  const { picks, arrangement } = shapeOf(ruleSet.poolType);
  if (text === '*') return text;
  // A merged quartet pool takes first-4 bets as sets.
  const isSet = ruleSet.poolType === 'QUARTET' && text.includes('-');
  const isOrdered = arrangement === 'ORDERED' && !isSet;
  if (picks > 1 && text.includes(isOrdered ? '-' : '>'))
    refuseLine(
      'INVALID_COMBINATION',
      `${JSON.stringify(text)}: a ${ruleSet.poolType} is written ${isOrdered ? '4>7' : '4-7'}.`,
      at,
    );
  const members = membersOf(text, isOrdered ? '>' : '-', at, { ruleSet, field });
  const isMulti = ruleSet.poolType === 'MULTI' && members.length > picks && members.length <= 7;
  if (members.length !== picks && !isMulti) {
    refuseLine('INVALID_COMBINATION', `${JSON.stringify(text)} does not name ${picks} runners.`, at);
  }
  return combinationText(members, isOrdered ? 'ORDERED' : 'UNORDERED');
}

/** The betting interests that a text names, stars among them; each is declared, and named once. */
export function membersOf(
  text: string,
  separator: string | RegExp,
  at: string,
  { ruleSet, field }: Pick<Case, 'ruleSet' | 'field'>,
): readonly string[] {
  const members = text.split(separator);
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
  return interests;
}

export const hasStar = (c: string): boolean => c.includes('*');

export function total(amounts: Iterable<number>): number {
  let sum = 0;
  for (const amount of amounts) sum += amount;
  if (!Number.isSafeInteger(sum)) refuseLine('AMOUNT_TOO_LARGE', 'The stakes together are beyond 2^53.', '/stakes');
  return sum;
}

/** What only pools over several races have. */
function refuseOtherPools(input: AnyCase & { readonly results?: unknown }): void {
  const one = `${input.pool.type} is a pool of one race.`;
  if (input.results != null) refuseLine('INCONSISTENT', one, '/results');
  if (input.legs !== undefined) refuseLine('INCONSISTENT', one, '/legs');
}

/** The carry-in, in the pool's own currency. */
export function carryInOf({ carryIn, pool }: AnyCase): number {
  if (carryIn == null || typeof carryIn === 'number') return carryIn ?? 0;
  if (carryIn.currency !== pool.currency)
    refuseLine(
      'CURRENCY_MISMATCH',
      `A carry-in of ${carryIn.currency} cannot go into a pool of ${pool.currency ?? 'no currency'}.`,
      '/carryIn/currency',
    );
  return carryIn.minor;
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
  QUINELLA_PLACE: { split: 'PROFIT_SPLIT' },
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
  if (problem) refuseLine(problem.code ?? 'INVALID_RULE', `${problem.message}.`, `/rules${problem.at}`);
  if (ruleSet.poolType !== type)
    refuseLine('INCONSISTENT', `The rules are for ${ruleSet.poolType}, the pool is a ${type}.`, '/rules/poolType');
  const noJackpot = input.jackpotIn ? noJackpotBy(ruleSet) : undefined;
  if (noJackpot) refuseLine('NOT_SUPPORTED', `Nobody could win the jackpot: ${noJackpot}.`, '/jackpotIn');
  const name = shipped && input.ruleSet ? `${input.ruleSet.split('@')[0]}@${shipped.validFrom}` : null;
  return { ruleSet, name };
}

/** A new split is meant for dead heats too, and a new minimum replaces the one of minus pools, unless they are given. */
function overridden(base: RuleSet, rules: NonNullable<AnyCase['rules']>): RuleSet {
  const given = rules;
  const merged: Record<string, unknown> = { ...base };
  if (given.minimum !== undefined) {
    delete merged['minimumInMinusPool'];
    delete merged['minimumInDeadHeat'];
  }
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
  if (runners) refuseCrowds(result, declared.length);
  readOnce([declared], known, (_, runner) => `/runners/declared/${runner}`);
  const scratched = readOnce([runners?.scratched ?? []], known, (_, runner) => `/runners/scratched/${runner}`);
  const entries = runners?.entries ?? [];
  readOnce(entries, known, (entry, runner) => `/runners/entries/${entry}/${runner}`);
  const running = new Set(declared.filter((runner) => !scratched.has(runner)));
  readOnce(result ?? [], known, (rank, runner) => `/result/${rank}/${runner}`);
  refuseAbsent(result ?? [], (runner) => !running.has(runner), '/result');
  return { declared, scratched: [...scratched], entries, ...(runners?.handicap && { handicap: true }) };
}

/** Nobody finishes who was scratched. */
export function refuseAbsent(
  ranks: readonly (readonly string[])[],
  isAbsent: (runner: string) => boolean,
  at: string,
): void {
  for (const [i, rank] of ranks.entries())
    for (const [j, runner] of rank.entries())
      if (isAbsent(runner))
        refuseLine('INCONSISTENT', `Runner ${runner} was scratched and cannot finish.`, `${at}/${i}/${j}`);
}

/** No dead heat has more runners than the race, and all ranks together have no more either. */
function refuseCrowds(result: AnyCase['result'], count: number): void {
  const crowd = (result ?? []).findIndex((rank) => rank.length > count);
  if (crowd >= 0)
    refuseLine(
      'TOO_MANY_DEAD_HEATERS',
      `The dead heat has more runners than the ${count} declared.`,
      `/result/${crowd}`,
    );
}

/** A pool that is not offered on so small a card; what scratches do to it later is a matter of its rules. */
function refuseSmallField(ruleSet: RuleSet, field: Field): void {
  const count = runningInterests({ ...field, scratched: [] }, ruleSet.coupling).length;
  const least = Math.max(ruleSet.minInterests, ruleSet.minDeclared ?? 0, shapeOf(ruleSet.poolType).picks);
  const hasPlaces = placesPaid({ ...ruleSet, placesBy: 'CARD' }, field) !== null;
  if (count < least || !hasPlaces)
    refuseLine('TOO_FEW_RUNNERS', `${ruleSet.poolType} is not offered with ${count} runners.`, '/runners/declared');
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
function namedRunners({ stakes = [], sources = [], winning = [], result }: AnyCase): readonly string[] {
  const staked = [...stakes, ...sources.flatMap((source) => source.stakes)];
  const named = [...staked, ...winning].flatMap(({ c }) => c.split(/[->]/));
  return [...new Set([...named, ...(result ?? []).flat()])].filter((runner) => /^[A-Za-z0-9]{1,8}$/.test(runner));
}

function interestOf(runner: string, { coupling }: RuleSet, field: Field): string {
  if (coupling !== 'ENTRY') return runner;
  return field.entries?.find((entry) => entry.includes(runner))?.[0] ?? runner;
}

function stakesOf(
  given: NonNullable<AnyCase['stakes']>,
  at: string,
  ruleSet: RuleSet,
  field: Field,
): ReadonlyMap<string, number> {
  const stakes = new Map<string, number>();
  for (const [index, { c, minor }] of given.entries()) {
    if (isFormula(c) && at === '/stakes') continue;
    const combination = combinationOf(c, `${at}/${index}/c`, { ruleSet, field });
    stakes.set(combination, (stakes.get(combination) ?? 0) + minor);
  }
  return stakes;
}

/** More than one line, or a complement: `4,7>1>9`, `BOX:4,7,1`, `4>7>1+9`. */
const isFormula = (c: string): boolean => /[,:+]/.test(c);

function formulasOf(
  given: NonNullable<AnyCase['stakes']>,
  { ruleSet, field, hasCard }: Pick<Case, 'ruleSet' | 'field' | 'hasCard'>,
): readonly FormulaStake[] {
  const out = scratchedInterests(field, ruleSet.coupling);
  return given.flatMap(({ c, minor }, index) => {
    if (!isFormula(c)) return [];
    if (!hasCard) refuseLine('MISSING_FIELD', 'A formula is read against the card: give runners.', '/runners');
    const at = `/stakes/${index}/c`;
    const read = readSelection(ruleSet.poolType, c, { ...field, scratched: [] }, ruleSet);
    if (isRefusal(read)) return refuseLine('INVALID_COMBINATION', `${JSON.stringify(c)}: ${read.message}`, at);
    const lines = linesWithout(read, out, keptNonRunners(ruleSet));
    if (lines === 0 && minor > 0) refuseLine('INCONSISTENT', `No line of ${JSON.stringify(c)} runs.`, at);
    return [{ read, minor, lines }];
  });
}

// Money.

/** What all sites took together, where one of them says so. */
function sourcesGross({ sources }: AnyCase): number | null {
  if (!sources?.some(({ gross }) => gross != null)) return null;
  return total(sources.map(({ gross, stakes }) => gross ?? total(stakes.map(({ minor }) => minor))));
}

type Money = Pick<Case, 'grossMinor' | 'refundsMinor' | 'carryInMinor' | 'netMinor'>;

/** Gross before refunds, from what is given: gross itself, else all stakes, else the net pool that was given. */
function moneyOf(input: AnyCase, staked: Pick<Case, 'stakes' | 'formulas'> & { readonly refunded: number }): Money {
  const plain = [...staked.stakes].filter(([c]) => !hasStar(c)).map(([, minor]) => minor);
  const standing = total([...plain, ...staked.formulas.map(({ minor }) => minor)]);
  const refundsMinor = input.refunds ?? staked.refunded;
  if (refundsMinor < staked.refunded) {
    refuseLine(
      'INCONSISTENT',
      `Stakes on scratched runners, ${staked.refunded}, are more than the refunds.`,
      '/refunds',
    );
  }
  const carryInMinor = carryInOf(input);
  const isPartial = plain.length < staked.stakes.size || (input.stakes ?? input.sources) === undefined;
  if (input.gross == null && input.net == null && isPartial) {
    refuseLine('MISSING_FIELD', 'Give gross (or net), or the stakes of all combinations.', '/gross');
  }
  const winning = input.winning?.reduce((sum, { minor }) => sum + (minor ?? 0), 0) ?? 0;
  const grossMinor = input.gross ?? sourcesGross(input) ?? Math.max(standing, winning, input.net ?? 0) + refundsMinor;
  const gross = grossMinor - refundsMinor;
  if (gross < 0) refuseLine('INCONSISTENT', 'The refunds are more than the gross pool.', '/refunds');
  if (gross < standing) refuseLine('INCONSISTENT', `The stakes, ${standing}, are more than the gross pool.`, '/gross');
  if (input.net != null && input.net > gross)
    refuseLine('INCONSISTENT', 'The net pool is more than the gross pool.', '/net');
  if (!Number.isSafeInteger(grossMinor + carryInMinor))
    refuseLine('AMOUNT_TOO_LARGE', 'The pool is beyond 2^53.', '/gross');
  return { grossMinor, refundsMinor, carryInMinor, ...(input.net == null ? {} : { netMinor: input.net }) };
}

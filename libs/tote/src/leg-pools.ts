/**
 * What wins in a pool over several races: from each leg's finish, cancellation, non-runners and favourite to the keys
 * whose stakes must be known. The same keys count a bet symbolically (`legs.ts`), so the runner that stands in for a
 * non-runner is never written into a ticket. Knows no stakes; what is paid is decided in `leg-price.ts`.
 */
import { type Field, interestMap, runningInterests, scratchedInterests } from './field.js';
import { type Finish, interestRanks } from './finish.js';
import { type LegTest, legTestText } from './legs.js';
import { placesPaid, type Rung, type RungKey } from './pools.js';
import type { RuleSet } from './rule-set.js';

/**
 * One race of a pool over several. `finish` is null for a leg that was cancelled or declared void. `scratched` are the
 * runners out before the pool closed, `scratchedAfterClose` those out later. `favourite`: the running interest with most
 * money in the win pool of that leg at its close (ties: lowest number on the card), see `favouriteOf`.
 */
export interface Leg extends Field {
  readonly finish: Finish | null;
  readonly scratchedAfterClose?: readonly string[];
  readonly favourite?: string | null;
}

/** Tickets on the winner of the leg before and a runner scratched late; `base` is every ticket on that winner. */
export interface Consolation {
  readonly keys: readonly RungKey[];
  readonly base: string;
}

/** Everything that may be paid. `right[k]` pays tickets right in exactly k legs (the last one: in every leg). */
export interface LegResult {
  /** Too few legs were run: every stake is given back. */
  readonly refund: boolean;
  readonly right: readonly Rung[];
  /** Tickets with a placed runner in every leg, where a tier asks for it. */
  readonly placed: Rung | null;
  /** Who named the runner of a bonus race; its own race decides that, never these legs. */
  readonly bonus?: Rung;
  /** EITHER and SECONDS of the rule set's ladder. */
  readonly ladder: readonly Rung[];
  readonly consolation: Consolation | null;
}

/** The runner that stands in for non-runners: most money in the leg's win pool, ties to the first on the card. */
export function favouriteOf(
  field: Field,
  rules: Pick<RuleSet, 'coupling'>,
  winStake: (c: string) => number,
): string | null {
  let best: string | null = null;
  for (const interest of runningInterests(field, rules.coupling)) {
    if (best === null || winStake(interest) > winStake(best)) best = interest;
  }
  return best;
}

export function legResult(rules: RuleSet, legs: readonly Leg[]): LegResult {
  const { legs: own } = rules;
  const run = legs.filter((leg) => leg.finish !== null).length;
  const refund = run < (own?.leastRun ?? 1) || (own?.firstMustRun === true && !isFirstRun(rules, legs[0]));
  const tests = legs.map((leg) => testOf(rules, leg, own?.right ?? 'WINNER'));
  const wantsPlaced = rules.tiers?.some(({ name }) => name === 'PLACE_FUND') ?? false;
  return {
    refund,
    right: Array.from({ length: legs.length + 1 }, (_, k) =>
      k === legs.length || (k > 0 && mayPayFewer(rules)) ? rightRung(rules, tests, k) : keyed(rules, 'RESULT', '', []),
    ),
    placed: wantsPlaced
      ? keyed(rules, 'RESULT', 'PLACE_FUND', [keyText(legs.map((leg) => testOf(rules, leg, 'PLACED')))])
      : null,
    ladder: ladderOf(rules, legs, tests),
    consolation: own?.scratch === 'CONSOLATION' ? consolationOf(legs, tests, rules) : null,
  };
}

/** A first leg that was not run, or in which too few betting interests ran, is none. */
function isFirstRun({ coupling, minInterests }: RuleSet, first: Leg | undefined): boolean {
  if (first === undefined || first.finish === null) return false;
  const field = { ...first, scratched: [...(first.scratched ?? []), ...(first.scratchedAfterClose ?? [])] };
  return runningInterests(field, coupling).length >= minInterests;
}

/** Whether tickets with a wrong leg may be paid: lower tiers, the most right, or a carry-over that has to go. */
const mayPayFewer = ({ tiers, noWinner }: RuleSet): boolean =>
  (tiers?.length ?? 0) > 1 || noWinner.includes('MOST_RIGHT') || noWinner.includes('CARRY');

/** Every key whose stake may be asked for, each once: what a shard reports. */
export function legKeys(rules: RuleSet, legs: readonly Leg[]): readonly string[] {
  const { refund, right, placed, ladder, consolation } = legResult(rules, legs);
  if (refund) return [];
  const rungs = [...right, ...(placed ? [placed] : []), ...ladder];
  const keys = rungs.flatMap((rung) => rung.keys.map(({ c }) => c));
  const late = consolation ? [...consolation.keys.map(({ c }) => c), consolation.base] : [];
  return [...new Set([...keys, ...late])];
}

/** Non-runners whose lines are given back, as `2:7` (runner 7 of the second leg); none where a favourite stands in. */
export function refundedLegRunners(
  rules: RuleSet,
  legs: readonly (Field & Pick<Leg, 'scratchedAfterClose'>)[],
): readonly string[] {
  const how = rules.legs?.scratch ?? 'FAVOURITE';
  if (how === 'FAVOURITE') return [];
  return legs.flatMap((leg, index) => {
    const late = how === 'REFUND' || index === 0 ? (leg.scratchedAfterClose ?? []) : [];
    const field = { ...leg, scratched: [...(leg.scratched ?? []), ...late] };
    return scratchedInterests(field, rules.coupling).map((interest) => `${index + 1}:${interest}`);
  });
}

// Keys.

/** A leg's test with the interest that stands in for its non-runners. */
interface RaceTest extends LegTest {
  readonly favourite: string | null;
}

function testOf(rules: RuleSet, leg: Leg, right: 'WINNER' | 'PLACED'): RaceTest {
  const field = { ...leg, scratched: [...(leg.scratched ?? []), ...(leg.scratchedAfterClose ?? [])] };
  const interest = interestMap(leg, rules.coupling);
  const ranks = interestRanks(leg.finish ?? [], interest);
  const winners = new Set(right === 'WINNER' ? ranks[0] : placedIn(rules, field, leg.finish ?? []).map(interest));
  const takes = (rules.legs?.scratch ?? 'FAVOURITE') === 'FAVOURITE';
  const out = new Set(takes ? scratchedInterests(field, rules.coupling) : []);
  const favourite = leg.favourite == null ? null : interest(leg.favourite);
  const favouriteIsRight = favourite !== null && winners.has(favourite);
  return { any: leg.finish === null, winners, out, favourite, favouriteIsRight };
}

/** All runners in ranks that begin within the paid places: in a dead heat for the last place each of them qualifies. */
function placedIn(rules: RuleSet, field: Field, finish: Finish): readonly string[] {
  const places = placesPaid(rules, field) ?? 1;
  const placed: string[] = [];
  for (const rank of finish) {
    if (placed.length >= places) break;
    placed.push(...rank);
  }
  return placed;
}

const keyText = (tests: readonly LegTest[]): string => tests.map(legTestText).join('/');

/**
 * Right in exactly k legs. In every leg: each combination of winners by itself where they share by combination
 * (a double's dead heat, the Japanese formula), one key where every winning unit is paid alike.
 */
function rightRung(rules: RuleSet, tests: readonly RaceTest[], k: number): Rung {
  const all = k === tests.length;
  const name = tierOf(rules, k, tests.length);
  if (!all) return keyed(rules, 'RESULT', name, [`${k}@${keyText(tests)}`]);
  const single = rules.split === 'SINGLE_PRICE' && rules.deadHeat === 'SINGLE_PRICE';
  // A leg that was not run leaves one price for all who are right in the others, but the Japanese formula counts them.
  const together = single || (rules.split !== 'JAPAN' && tests.some(({ any }) => any));
  return keyed(rules, 'RESULT', name, together ? [keyText(tests)] : combinations(tests));
}

/** The name of the tier right in k legs: `5/6`; in all of them the first tier's own, or the pool's where it states none. */
export function tierOf({ tiers = [], poolType }: RuleSet, k: number, legs: number): string {
  if (k < legs) return `${k}/${legs}`;
  return tiers[0]?.name ?? poolType;
}

function combinations(tests: readonly RaceTest[]): readonly string[] {
  let texts: readonly string[] = [''];
  for (const test of tests) {
    const next = test.any
      ? [legTestText(test)]
      : [...test.winners].map((winner) =>
          legTestText({ ...test, winners: new Set([winner]), favouriteIsRight: test.favourite === winner }),
        );
    texts = texts.flatMap((text) => next.map((leg) => (text === '' ? leg : `${text}/${leg}`)));
  }
  return texts;
}

function keyed(rules: RuleSet, name: Rung['name'], tier: string, keys: readonly string[]): Rung {
  return rungFor(rules, name, tier, keys.length === 0 ? [] : [keys]);
}

/** A rung of keys in groups that share alike: half each for the two sides of a double. */
export function rungFor(
  rules: RuleSet,
  name: Rung['name'],
  tier: string,
  groups: readonly (readonly string[])[],
): Rung {
  const keys = groups.flat();
  const how = rules.split === 'SINGLE_PRICE' && keys.length > 1 ? rules.deadHeat : rules.split;
  return {
    rung: 0,
    name,
    how,
    keys: keys.map((c) => ({ tier, c })),
    parts: groups.map((group) => ({ slots: 1, keys: group })),
  };
}

// A double's ladder and its consolation.

function ladderOf(rules: RuleSet, legs: readonly Leg[], tests: readonly RaceTest[]): readonly Rung[] {
  const { noWinner, poolType } = rules;
  const rungs: Rung[] = [];
  if (noWinner.includes('EITHER')) rungs.push(rungFor(rules, 'EITHER', poolType, eitherKeys(legs, tests, rules)));
  if (noWinner.includes('SECONDS')) {
    const seconds = legs.map((leg) => interestRanks(leg.finish ?? [], interestMap(leg, rules.coupling))[1] ?? []);
    const second = seconds.map((rank) => ({
      any: false,
      winners: new Set(rank),
      out: none,
      favouriteIsRight: false,
      favourite: null,
    }));
    rungs.push(keyed(rules, 'SECONDS', poolType, combinations(second)));
  }
  return rungs;
}

const none: ReadonlySet<string> = new Set<string>();

/** Tickets with the winner of one leg and anything that ran in the others: half each, as in a place pool. */
function eitherKeys(legs: readonly Leg[], tests: readonly LegTest[], rules: RuleSet): readonly (readonly string[])[] {
  return tests.flatMap((test, index) => {
    if (test.any) return [];
    const others = legs.map((leg, other) => (other === index ? '' : anyRunning(leg, rules)));
    return [
      [...test.winners].map((winner) => others.map((text, other) => (other === index ? winner : text)).join('/')),
    ];
  });
}

/** `*`, or `*!9` where 9 was scratched late and has its consolation. */
function anyRunning(leg: Leg, { coupling }: RuleSet): string {
  const out = lateInterests(leg, coupling);
  return out.length === 0 ? '*' : `*!${out.join(',')}`;
}

const lateInterests = (leg: Leg, coupling: RuleSet['coupling']): readonly string[] => {
  const before = new Set(scratchedInterests(leg, coupling));
  const field = { ...leg, scratched: [...(leg.scratched ?? []), ...(leg.scratchedAfterClose ?? [])] };
  return scratchedInterests(field, coupling).filter((interest) => !before.has(interest));
};

function consolationOf([first, second]: readonly Leg[], [won]: readonly LegTest[], rules: RuleSet): Consolation | null {
  if (!first || !second || !won || won.any || second.finish === null) return null;
  const out = lateInterests(second, rules.coupling);
  if (out.length === 0 || won.winners.size === 0) return null;
  const winners = [...won.winners];
  return {
    keys: winners.flatMap((winner) => out.map((runner) => ({ tier: 'CONSOLATION', c: `${winner}/${runner}` }))),
    base: `${legTestText({ ...won, out: none })}/*`,
  };
}

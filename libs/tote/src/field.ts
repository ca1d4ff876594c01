/**
 * The runners of a race and the betting interests they form. Combination texts are written and compared here, so that
 * one combination has one text everywhere. Never knows a pool type or a price.
 */
import type { Arrangement } from './pool-type.js';

/**
 * A race's runners. `declared` is the official card; `scratched` those that do not run; `entries` the coupled runners,
 * the first of each naming the betting interest (`[["1","1A"]]`).
 */
export interface Field {
  readonly declared: readonly string[];
  readonly scratched?: readonly string[];
  readonly entries?: readonly (readonly string[])[];
  /** The race is a handicap, where the number of places depends on it (United Kingdom). */
  readonly handicap?: boolean;
  /** The races of a pool over several, in order; the field itself then declares nobody. */
  readonly legs?: readonly Field[];
}

/**
 * What an entry means in a pool. ENTRY: its runners are one betting interest (United States). STABLE: bets name each
 * runner, a win of one pays its stablemates that ran (France, win only). NONE: every runner by itself.
 */
export type Coupling = 'ENTRY' | 'STABLE' | 'NONE';

const RUNNER = /^[A-Za-z0-9]{1,8}$/;

/** A runner's number as cards print it: `4`, `1A`. */
export const isRunnerName = (text: string): boolean => RUNNER.test(text);

/** `2` before `10`, `1` before `1A`: the order in which unordered combinations are written. */
export function compareRunners(a: string, b: string): number {
  const difference = Number.parseInt(a, 10) - Number.parseInt(b, 10);
  if (difference !== 0 && !Number.isNaN(difference)) return difference;
  return a < b ? -1 : a > b ? 1 : 0;
}

export const sortedRunners = (runners: Iterable<string>): string[] => [...new Set(runners)].sort(compareRunners);

/** Maps a runner to what is bet on: the first runner of its entry under ENTRY, else itself. */
export function interestMap(field: Field, coupling: Coupling): (runner: string) => string {
  if (coupling !== 'ENTRY' || !field.entries?.length) return (runner) => runner;
  const first = new Map<string, string>();
  for (const entry of field.entries) for (const runner of entry) first.set(runner, entry[0] ?? runner);
  return (runner) => first.get(runner) ?? runner;
}

/** The declared runners that run. */
export function starters(field: Field): readonly string[] {
  const out = new Set(field.scratched);
  return out.size === 0 ? field.declared : field.declared.filter((runner) => !out.has(runner));
}

/** The betting interests with at least one runner running, in the card's order. */
export function runningInterests(field: Field, coupling: Coupling): readonly string[] {
  return [...new Set(starters(field).map(interestMap(field, coupling)))];
}

/** The betting interests of which no part runs: what a scratch takes out of the pool. */
export function scratchedInterests(field: Field, coupling: Coupling): readonly string[] {
  const running = new Set(runningInterests(field, coupling));
  const gone = (field.scratched ?? []).map(interestMap(field, coupling));
  return [...new Set(gone)].filter((interest) => !running.has(interest));
}

/** Runners that ran and share a stable with this one (STABLE only), itself left out. */
export function stablemates(field: Field, coupling: Coupling, runner: string): readonly string[] {
  if (coupling !== 'STABLE') return [];
  const entry = field.entries?.find((members) => members.includes(runner)) ?? [];
  const running = new Set(starters(field));
  return entry.filter((mate) => mate !== runner && running.has(mate));
}

/** One text per combination: `4>7>1`; unordered ones in the runners' order, stars last: `4-7`, `4-*`. */
export function combinationText(members: readonly string[], arrangement: Arrangement): string {
  if (arrangement === 'ORDERED') return members.join('>');
  if (arrangement === 'LEGS') return members.join('/');
  return [...members].sort((a, b) => (a === '*' ? 1 : b === '*' ? -1 : compareRunners(a, b))).join('-');
}

/**
 * What a pool over several races would pay: will-pays by the runner of the last leg, once all legs before it are run, and
 * prices of single combinations before. Every figure is a dividend of `leg-price.ts` for the result that it supposes, so
 * it is floored by the code that pays. Odds are information and never a promise.
 */
import { runningInterests, scratchedInterests } from './field.js';
import type { LegPricingInput } from './leg-money.js';
import { type Leg, legKeys, legResult } from './leg-pools.js';
import { priceLegs } from './leg-price.js';
import { legKeyLabel } from './legs.js';
import type { OddsLine } from './odds.js';
import type { RuleSet } from './rule-set.js';

/** A pool's money and stakes by key, as for its dividends. */
export type LegOddsMoney = Omit<LegPricingInput, 'ruleSet' | 'result'>;

/**
 * For each runner of the last leg what a winning unit would be paid, with the non-runners' favourites as they are, and
 * the consolation of a double for those scratched late. The finish of the last leg is not read. Null without stake.
 */
export function willPays(rules: RuleSet, legs: readonly Leg[], money: LegOddsMoney): readonly OddsLine[] {
  const lines = supposed(rules, legs).map(({ runner, result }) => {
    const input = { ...money, ruleSet: rules, result: legResult(rules, result) };
    return { runner, dividends: priceLegs(input).dividends, top: input.result.right.at(-1)?.keys[0] };
  });
  const late = new Map(
    lines.flatMap(({ dividends }) => dividends).flatMap((d) => (d.tier === 'CONSOLATION' ? [[d.c, d.price]] : [])),
  );
  return [
    ...lines.map(({ dividends, top }) => {
      const price = dividends.find(({ c, tier }) => c === top?.c && tier === top.tier)?.price ?? null;
      return { c: legKeyLabel(top?.c ?? ''), price, low: null, high: null };
    }),
    ...[...late].map(([c = '', price = null]) => ({ c, price, low: null, high: null })),
  ];
}

/** Every key whose stake `willPays` asks for: what shards report before the last leg. */
export const willPayKeys = (rules: RuleSet, legs: readonly Leg[]): readonly string[] => [
  ...new Set(supposed(rules, legs).flatMap(({ result }) => legKeys(rules, result))),
];

/** What a line right in every leg would be paid if just these runners won; null without stake. */
export function combinationPrice(
  rules: RuleSet,
  legs: readonly Leg[],
  runners: readonly string[],
  money: LegOddsMoney,
): string | null {
  const result = legResult(
    rules,
    legs.map((leg, index) => ({ ...leg, finish: [[runners[index] ?? '']] })),
  );
  const top = result.right.at(-1)?.keys[0];
  const { dividends } = priceLegs({ ...money, ruleSet: rules, result });
  return dividends.find(({ c, tier }) => c === top?.c && tier === top.tier)?.price ?? null;
}

/** The results that are possible: each running interest of the last leg its single winner. */
function supposed(
  rules: RuleSet,
  legs: readonly Leg[],
): readonly { readonly runner: string; readonly result: readonly Leg[] }[] {
  const last = legs.at(-1);
  if (last === undefined) return [];
  const field = { ...last, scratched: [...(last.scratched ?? []), ...(last.scratchedAfterClose ?? [])] };
  const out = new Set(scratchedInterests(field, rules.coupling));
  return runningInterests(last, rules.coupling)
    .filter((runner) => !out.has(runner))
    .map((runner) => ({ runner, result: legs.with(-1, { ...last, finish: [[runner]] }) }));
}

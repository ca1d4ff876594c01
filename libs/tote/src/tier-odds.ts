/**
 * Odds of pools with several tiers: what a line would be paid at its best rank if its runners came in just so, with every
 * other ticket at the rank that it would have. Stakes are indexed by the sets of runners they name, so that a result costs
 * the same whether ten lines are listed or a hundred thousand. Where the same line can be reached by several results
 * (a multi of six runners, a first-4 bet) low and high are shown.
 */

import { permutations, subsets } from './combinatorics.js';
import type { Field } from './field.js';
import type { Finish } from './finish.js';
import { combinationMatches, readKey } from './keys.js';
import type { LineKey } from './lines.js';
import type { PoolType } from './pool-type.js';
import { STAR } from './pool-type.js';
import { resultKeys } from './pools.js';
import { priceRungs } from './price.js';
import type { OddsLine, OddsMoney, Quoter } from './quoter.js';
import { compare, ratio, toRatio } from './ratio.js';
import type { RuleSet } from './rule-set.js';

/** What is looked at of a pool's plan. */
interface TierPlan {
  readonly combos: readonly string[];
  readonly ruleSet: RuleSet;
  readonly quoter: Quoter;
}

/**
 * `stakes[i]` in minor units on `plan.combos[i]`. What a line is paid depends on all others: where the plan does not list them all,
 * `stakeOf` says what stands on the keys of a result.
 */
export function tierPrices(
  plan: TierPlan,
  money: OddsMoney,
  stakes: ArrayLike<number>,
  stakeOf: (key: string) => number = listed(plan, stakes),
): readonly OddsLine[] {
  const { combos, ruleSet, quoter } = plan;
  const type = ruleSet.poolType;
  const field: Field = { declared: [...new Set(combos.flatMap((c) => readKey(type, c).members))] };
  const rules = { ...ruleSet, minInterests: 0 };
  return combos.map((c, position) => {
    if ((stakes[position] ?? 0) === 0) return { c, price: null, low: null, high: null };
    const paid = resultsOf(type, c).map((finish) => paidIf(finish));
    const [low = null, ...more] = paid.sort((a, b) => compare(toRatio(a), toRatio(b)));
    return more.length === 0
      ? { c, price: low, low: null, high: null }
      : { c, price: null, low, high: more.at(-1) ?? low };

    function paidIf(finish: Finish): string {
      const rungs = resultKeys(rules, field, finish);
      const sheet = priceRungs({
        ...money,
        ruleSet: rules,
        rungs,
        refundsMinor: 0,
        stakeOf: (key) => ratio(stakeOf(key)),
      });
      return quoter.quoteDividend(sheet.dividends.find((one) => combinationMatches(type, c, one.c))?.price ?? '0');
    }
  });
}

/** The results by which a line is at its best rank. */
function resultsOf(type: PoolType, c: string): readonly Finish[] {
  const { members, ordered } = readKey(type, c);
  const asRanks = (order: readonly string[]): Finish => order.map((runner) => [runner]);
  if (type === 'MULTI') return [...subsets(members, 4)].map(asRanks);
  if (type === 'QUARTET' && !ordered) return [...permutations(members)].map(asRanks);
  return [asRanks(members)];
}

function listed({ combos, ruleSet }: TierPlan, stakes: ArrayLike<number>): (key: string) => number {
  const all = new TierStakes(ruleSet.poolType);
  for (const [position, c] of combos.entries()) all.add(c, stakes[position] ?? 0);
  return (key) => all.on(key);
}

/** Stakes by line, and by every set of three to seven runners that lines name together: kept while a pool sells. */
export class TierStakes {
  private readonly lines = new Map<string, number>();
  private readonly sets = new Map<string, number>();

  constructor(private readonly type: PoolType) {}

  /** `stake` more on this line, or less. */
  add(c: string, stake: number): void {
    if (stake === 0) return;
    this.lines.set(c, (this.lines.get(c) ?? 0) + stake);
    const line = readKey(this.type, c);
    for (let size = 3; size <= line.members.length; size++)
      for (const set of subsets(line.members, size)) {
        const name = nameOf(line, set);
        this.sets.set(name, (this.sets.get(name) ?? 0) + stake);
      }
  }

  /** The stake that a key of a result without ties asks for. */
  on(text: string): number {
    const key = readKey(this.type, text);
    const named = key.members.filter((member) => member !== STAR);
    if (named.length < 3 || (key.without?.length ?? 0) > 1) return this.byForce(text);
    if (key.ordered) return this.lines.get(text) ?? 0;
    let stake = this.sets.get(nameOf(key, named)) ?? 0;
    for (const out of key.without ?? []) stake -= this.sets.get(nameOf(key, [...named, out])) ?? 0;
    for (const other of key.except ?? []) stake -= this.lines.get(other.members.join('>')) ?? 0;
    return stake;
  }

  private byForce(text: string): number {
    let sum = 0;
    for (const [c, stake] of this.lines) if (combinationMatches(this.type, c, text)) sum += stake;
    return sum;
  }
}

/** A set of runners among lines of this size, sets of a merged quartet pool apart from its orders. */
const nameOf = ({ members, setsOnly }: LineKey, set: readonly string[]): string =>
  `${members.length}${setsOnly ? 's' : ''}:${[...set].sort().join('-')}`;

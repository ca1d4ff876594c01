/**
 * Odds of pools of pairs where other pairs win too: quinella place (three pairs of the first three) and 2 sur 4 (six of
 * the first four). Low and high come from the runners that could make up the first three or four with the pair; only
 * sums of stakes and how many pairs are backed matter, so extremes are found without pricing every result.
 */
import { priceRungs } from './price.js';
import type { OddsLine, OddsMoney, Quoter } from './quoter.js';
import { compare, type Ratio, ratio, toRatio } from './ratio.js';
import type { RuleSet } from './rule-set.js';
import type { Rung } from './rung.js';

/** What is looked at of a pool's plan. */
interface PairPlan {
  readonly combos: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  readonly ruleSet: RuleSet;
  readonly quoter: Quoter;
}

/** Pairs that win together with a pair, as positions in `plan.combos`. */
type Company = readonly number[];

/** Low and high of every pair; `stakes[i]` in minor units on `plan.combos[i]`. */
export function pairRanges(plan: PairPlan, money: OddsMoney, stakes: ArrayLike<number>): readonly OddsLine[] {
  const joining = plan.ruleSet.poolType === 'DEUX_SUR_QUATRE' ? 2 : 1;
  const grid = new PairGrid(plan, stakes);
  return plan.combos.map((c, position) => {
    if ((stakes[position] ?? 0) === 0) return { c, price: null, low: null, high: null };
    const found = grid
      .extremes(position, joining)
      .map((company) => simulated(plan, money, stakes, [position, ...company]));
    const sorted = found.sort((a, b) => compare(toRatio(a), toRatio(b)));
    return { c, price: null, low: sorted[0] ?? null, high: sorted.at(-1) ?? null };
  });
}

class PairGrid {
  private readonly runners: readonly string[];
  private readonly at = new Map<string, number>();
  private readonly members: readonly (readonly [number, number])[];
  private readonly positions: number[][];

  constructor(
    plan: PairPlan,
    private readonly stakes: ArrayLike<number>,
  ) {
    this.runners = [...new Set(plan.combos.flatMap((c) => c.split('-')))];
    this.runners.forEach((runner, index) => {
      this.at.set(runner, index);
    });
    this.positions = this.runners.map(() => new Array<number>(this.runners.length).fill(-1));
    this.members = plan.combos.map((c, position) => {
      const [a = 0, b = 0] = c.split('-').map((runner) => this.at.get(runner) ?? 0);
      this.set(a, b, position);
      return [a, b];
    });
  }

  /** For each number of backed pairs, the company with the least and with the most stake. */
  extremes(position: number, joining: 1 | 2): readonly Company[] {
    const best = new Map<string, { readonly company: Company; readonly sum: number }>();
    for (const company of this.companies(position, joining)) {
      let sum = 0;
      let backed = 0;
      for (const other of company) {
        const stake = this.stakes[other] ?? 0;
        sum += stake;
        if (stake > 0) backed++;
      }
      const least = best.get(`least ${backed}`);
      const most = best.get(`most ${backed}`);
      if (!least || sum < least.sum) best.set(`least ${backed}`, { company, sum });
      if (!most || sum > most.sum) best.set(`most ${backed}`, { company, sum });
    }
    return best.size === 0 ? [[]] : [...best.values()].map(({ company }) => company);
  }

  private *companies(position: number, joining: 1 | 2): Generator<Company> {
    const [a, b] = this.members[position] ?? [0, 0];
    for (let c = 0; c < this.runners.length; c++) {
      if (c === a || c === b) continue;
      const three = [this.get(a, c), this.get(b, c)];
      if (joining === 1) yield three;
      for (let d = c + 1; joining === 2 && d < this.runners.length; d++) {
        if (d !== a && d !== b) yield [...three, this.get(a, d), this.get(b, d), this.get(c, d)];
      }
    }
  }

  private get(a: number, b: number): number {
    return this.positions[a]?.[b] ?? -1;
  }

  private set(a: number, b: number, position: number): void {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      const row = this.positions[x];
      if (row) row[y] = position;
    }
  }
}

/** The pair's dividend if just these pairs win. */
function simulated(plan: PairPlan, money: OddsMoney, stakes: ArrayLike<number>, winners: readonly number[]): string {
  const { ruleSet, combos, quoter, index } = plan;
  const keys = winners.map((position) => combos[position] ?? '');
  const rung: Rung = {
    rung: 0,
    name: 'RESULT',
    how: ruleSet.split === 'SINGLE_PRICE' ? ruleSet.deadHeat : ruleSet.split,
    keys: keys.map((c) => ({ tier: ruleSet.poolType, c })),
    parts: [{ slots: keys.length, keys }],
  };
  const stakeOf = (c: string): Ratio => ratio(stakes[index.get(c) ?? -1] ?? 0);
  const sheet = priceRungs({ ...money, ruleSet, rungs: [rung], refundsMinor: 0, stakeOf });
  return quoter.quoteDividend(sheet.dividends.find(({ c }) => c === keys[0])?.price ?? '0');
}

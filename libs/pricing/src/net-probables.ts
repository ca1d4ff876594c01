/**
 * `probables` by net pricing: what each site's customers would be paid, by supposing the finishes that matter and pricing
 * each with the code that pays. One price where one combination wins; low and high where others win too. Reads no result.
 */
import {
  compare,
  type Finish,
  parseRatio,
  placesPaid,
  priceNet,
  type Ratio,
  ratio,
  resultKeys,
  runningInterests,
  type SourceMoney,
  shapeOf,
  tierNamesOf,
} from '#mutuel/tote';
import type { Case, CaseSource } from './case.js';
import { refuseLine } from './refusal.js';
import type { ProbablesOutput } from './schema.js';

type Odds = ProbablesOutput['odds'][number];

/** Odds of every combination for every site; `net` is all sites' stakes less their takeouts, rounded down. */
export function netProbables(pool: Case): Pick<ProbablesOutput, 'net' | 'odds'> {
  const { ruleSet, sources } = pool;
  if (tierNamesOf(ruleSet).length > 0) refuseLine('NOT_SUPPORTED', 'Net pricing knows no tiers.', '/rules/pricing');
  if (ruleSet.poolType === 'DEUX_SUR_QUATRE')
    refuseLine('NOT_SUPPORTED', 'Six pairs win in a 2 sur 4: its odds are shown for one takeout.', '/pool/type');
  if (pool.netMinor !== undefined)
    refuseLine('INCONSISTENT', 'Net pricing makes the net pool itself: give stakes.', '/net');
  const grossMinor = pool.grossMinor - pool.refundsMinor;
  const own: CaseSource = { id: '', takeout: ruleSet.takeout, stakes: pool.stakes, grossMinor };
  const sites = sources ?? [own];
  const market = new NetMarket(pool, sites);
  const odds = market.combinations().flatMap((c) =>
    sites.map(({ id, stakes }): Odds => {
      const shown = (stakes.get(c) ?? 0) > 0 || sources === undefined ? market.odds(c, id) : unshown(c);
      return sources === undefined ? shown : { ...shown, source: id };
    }),
  );
  return { net: sites.reduce((net, site) => net + netOf(site), 0), odds };
}

const unshown = (c: string): Odds => ({ c, price: null, low: null, high: null });

function netOf({ grossMinor, takeout }: CaseSource): number {
  const { n, d } = rateOf(takeout);
  return Number((BigInt(grossMinor) * (d - n)) / d);
}

const rateOf = (takeout: string): Ratio => parseRatio(takeout) ?? ratio(0);

class NetMarket {
  /** Net bets of all sites by combination, each in the same small part of a minor unit. */
  private readonly backed = new Map<string, bigint>();
  private readonly money: readonly SourceMoney[];

  constructor(
    private readonly pool: Case,
    sites: readonly CaseSource[],
  ) {
    const parts = sites.reduce((product, { takeout }) => product * rateOf(takeout).d, 1n);
    for (const { stakes, takeout } of sites) {
      const { n, d } = rateOf(takeout);
      for (const [c, minor] of stakes)
        this.backed.set(c, (this.backed.get(c) ?? 0n) + (BigInt(minor) * parts * (d - n)) / d);
    }
    this.money = sites.map(({ id, takeout, grossMinor, stakes }) => ({
      ...{ id, takeout, grossMinor },
      stakeOf: (c) => ratio(stakes.get(c) ?? 0),
    }));
  }

  /** Every interest that runs, where a line names one; else what anybody has staked on. */
  combinations(): readonly string[] {
    const { ruleSet, field } = this.pool;
    if (shapeOf(ruleSet.poolType).picks > 1) return [...this.backed.keys()];
    return runningInterests(field, ruleSet.coupling === 'ENTRY' ? 'ENTRY' : 'NONE');
  }

  odds(c: string, site: string): Odds {
    const prices = this.finishesWith(c).flatMap((finish) => this.priceIf(finish, c, site) ?? []);
    const [low = null, ...more] = prices.sort(byPrice);
    if (!this.isRange()) return { ...unshown(c), price: low };
    return { c, price: null, low, high: more.at(-1) ?? low };
  }

  private isRange(): boolean {
    const { poolType, places } = this.pool.ruleSet;
    return places !== undefined || poolType === 'QUINELLA_PLACE';
  }

  /** The results that decide its odds: where others place, with the most and with the least backed of them. */
  private finishesWith(c: string): readonly Finish[] {
    const { ruleSet, field } = this.pool;
    const named = c.split(/[->]/);
    const ranks = (order: readonly string[]): Finish => order.map((runner) => [runner]);
    const others = runningInterests(field, ruleSet.coupling).filter((runner) => !named.includes(runner));
    if (ruleSet.poolType === 'QUINELLA_PLACE' && others.length > 0)
      return others.map((third) => ranks([...named, third]));
    if (ruleSet.places === undefined || named.length > 1) return [ranks(named)];
    const beside = (placesPaid(ruleSet, field) ?? 1) - 1;
    const rising = others.sort((a, b) => compareBig(this.backed.get(a) ?? 0n, this.backed.get(b) ?? 0n));
    const most = beside === 0 ? [] : rising.slice(-beside);
    return [ranks([...named, ...rising.slice(0, beside)]), ranks([...named, ...most.reverse()])];
  }

  private priceIf(finish: Finish, c: string, site: string): string | null {
    const { ruleSet, field, carryInMinor } = this.pool;
    const [rung] = resultKeys(ruleSet, field, finish);
    if (rung === undefined || rung.how === 'REFUND' || rung.how === 'CARRY') return null;
    const end = { ...rung, name: 'REFUND', how: 'REFUND', keys: [], parts: [] } as const;
    const { dividends } = priceNet({ ruleSet, rungs: [rung, end], carryInMinor, sources: this.money });
    return dividends.find((one) => one.c === c && one.source === site && one.stakeMinor > 0)?.price ?? null;
  }
}

const compareBig = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

const byPrice = (a: string, b: string): number => compare(rateOf(a), rateOf(b));

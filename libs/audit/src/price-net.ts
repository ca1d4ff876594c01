/**
 * Net pricing: one pool of several sites, each with its own takeout. A stake counts with what its site does not take; the
 * common price is then cut by the site's takeout and broken there. What a site keeps or owes beside its payments is its own.
 */
import { lineShapes } from './expansion.js';
import { exactPrices, raised } from './formulas.js';
import { type Fraction, floor, less, minus, ONE, over, read, sum, times, whole, write, ZERO } from './fraction.js';
import { type AuditPool, AuditRefused, type AuditRules, type LineStake } from './sheet.js';
import { patternText, placesPaid, rungs, stakeOn } from './winners.js';

/** One site's takeout and its stakes by line, after refunds. */
export interface AuditSource {
  readonly id: string;
  readonly takeout: string;
  readonly lines: readonly LineStake[];
}

export interface NetDividend {
  readonly source: string;
  readonly c: string;
  readonly price: string;
  readonly paidMinor: number;
}

/** The dividends of each site. Throws `AuditRefused` where nobody has won: what follows is for the host's rules. */
export function priceNet(pool: AuditPool, sources: readonly AuditSource[]): readonly NetDividend[] {
  const { ruleSet } = pool;
  const { ordered } = lineShapes[pool.poolType];
  const kept = (source: AuditSource): Fraction => minus(ONE, read(source.takeout));
  // Net bets are fractions of a minor unit: all are counted in the same small part of it.
  const scale = sources.reduce((product, source) => product * kept(source).d, 1n);
  const netLines = sources.flatMap((source) =>
    source.lines.map(({ line, stakeMinor }) => ({
      line,
      stakeMinor: floor(times(kept(source), whole(stakeMinor * scale))),
    })),
  );
  const [winners = []] = rungs(pool, netLines, placesPaid(pool));
  if (winners.length === 0) throw new AuditRefused('nobody has won this net pool');
  const staked = netLines.reduce((stakes, { stakeMinor }) => stakes + stakeMinor, 0n);
  const base = exactPrices(winners, { net: whole(staked), rate: ZERO, staked, carryIn: ZERO }, ruleSet);
  const lower = typeof ruleSet.minimum === 'string' ? ruleSet.minimumInMinusPool : undefined;
  const localPrice = (winner: number, source: AuditSource, least: AuditRules['minimum']): Fraction =>
    raised(times(base[winner] as Fraction, kept(source)), least, ruleSet);
  // One pool: what all sites together would pay says whether it is a minus pool.
  const cost = sum(
    sources.flatMap((source) =>
      winners.map(({ patterns }, i) =>
        times(localPrice(i, source, ruleSet.minimum), whole(stakeOn(patterns, source.lines, ordered))),
      ),
    ),
  );
  const isMinus = less(over(whole(staked), whole(scale)), cost);
  const least = isMinus && lower !== undefined ? lower : ruleSet.minimum;
  return sources.flatMap((source) =>
    winners.flatMap(({ patterns }, i) => {
      const price = localPrice(i, source, least);
      return patterns
        .map((pattern) => ({ pattern, stake: stakeOn([pattern], source.lines, ordered) }))
        .filter(({ stake }) => stake > 0n)
        .map(({ pattern, stake }) => ({
          source: source.id,
          c: patternText(pattern, ordered),
          price: write(price, ruleSet.digits),
          paidMinor: Number(floor(times(price, whole(stake)))),
        }));
    }),
  );
}

/**
 * What a settlement is in the ledger: takeout, breakage, top-up, carry-overs, what a correction undoes, and what payments in whole minor
 * units leave over. Every list of postings here sums to zero.
 */
import { type CarriedOn, carryPostings, releasePostings, shortfallPostings } from './carry-overs.js';
import type { Posting } from './decider.js';
import { isOverLegs } from './legs.js';
import type { DividendProposal } from './market-commands.js';
import {
  currencyOf,
  type MarketEvent,
  type MarketPool,
  type MarketRace,
  type MarketState,
  type Paid,
  poolOf,
  raceOf,
} from './market-state.js';

/** Takeout and breakage leave the pool, a top-up enters it; carry-overs stand on accounts of their own. */
export function declarationPostings(s: MarketState, p: DividendProposal): Posting[] {
  const pool = poolOf(s, p.pool);
  const added = p.guaranteeMinor ?? 0;
  const posts: Posting[] = [
    [`pool:${p.pool}`, marketSide(p)],
    ['house:takeout', p.takeoutMinor],
    ['house:breakage', p.breakageMinor],
    ['house:top-up', added - p.topUpMinor],
    ['house:guarantee', -added],
    ...carryPostings(carriedOnBy(s, pool, p), broughtIn(p), pool.carriedFrom),
  ];
  return posts.filter(([, amount]) => amount !== 0);
}

/** Carry-in and jackpot money, from carry-overs or the operator. */
const broughtIn = ({ carryInMinor, jackpotInMinor = 0 }: DividendProposal): number => carryInMinor + jackpotInMinor;

export const marketSide = (p: DividendProposal): number =>
  broughtIn(p) + p.topUpMinor - p.takeoutMinor - p.breakageMinor - p.carryOutMinor;

export function carriedOnBy(s: MarketState, { card, race }: MarketPool, p: DividendProposal): CarriedOn {
  const currency = currencyOf(s, raceOf(s, race));
  return { card, currency, carryOut: p.carryOutMinor, jackpot: p.jackpotMinor ?? 0 };
}

// ── Corrections ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** What was declared before is undone in the books, so that the postings of a correction are the difference. */
export function undoing(s: MarketState, { card, declared, rounding }: MarketPool): Posting[] {
  if (!declared) return [];
  const posts: Posting[] = [
    ...declarationPostings(s, declared),
    [`pool:${card.poolId}`, -rounding],
    ['house:breakage', rounding],
  ];
  return posts.map(([account, amount]) => [account, -amount]);
}

/** A carry-over that a later pool has taken and this result does not leave is the operator's. */
export function shortfall(s: MarketState, p: DividendProposal): Posting[] {
  const pool = poolOf(s, p.pool);
  return shortfallPostings(s.carryOvers, carriedOnBy(s, pool, p), pool.declared && carriedOnBy(s, pool, pool.declared));
}

/** One posting an account; none that moves nothing. */
export function summedUp(posts: readonly Posting[]): Posting[] {
  const sums = new Map<string, number>();
  for (const [account, amount] of posts) sums.set(account, (sums.get(account) ?? 0) + amount);
  return [...sums].filter(([, amount]) => amount !== 0);
}

/** A void race's own pools give back what they had reserved, and the operator what it has put up for that. */
export function givenUp(s: MarketState, { card }: MarketRace): Posting[] {
  const released = new Map<string, number>();
  for (const pool of card.pools) {
    if (isOverLegs(pool)) continue;
    for (const { id, amount } of poolOf(s, pool.poolId).carriedFrom) released.set(id, (released.get(id) ?? 0) + amount);
  }
  return releasePostings(s.carryOvers, released);
}

// ── Payments ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Rounding = Extract<MarketEvent, { t: 'RaceSettled' }>['roundings'][number];

/**
 * What payments rounded to whole minor units leave over or lack is breakage: with it every pool's accounts sum to zero. Nothing for
 * a pool whose payment was rounded off before.
 */
export const roundingsOf = (
  s: MarketState,
  { card }: MarketRace,
  paidOf = (id: string): readonly (Paid | null)[] => poolOf(s, id).paid,
): Rounding[] =>
  card.pools.map(({ poolId: pool }) => ({
    pool,
    amount: poolOf(s, pool).clearing + paidOf(pool).reduce((sum, known) => sum + (known?.clearing ?? 0), 0),
  }));

export const roundingPostings = (roundings: readonly Rounding[]): Posting[] =>
  roundings
    .filter(({ amount }) => amount !== 0)
    .flatMap(({ pool, amount }): Posting[] => [
      [`pool:${pool}`, -amount],
      ['house:breakage', amount],
    ]);

export const isPaid = (paid: readonly (Paid | null)[]): boolean => !paid.includes(null);

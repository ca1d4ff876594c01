/**
 * What the shards seal, count and pay, as it comes in: numbered, each once. A report out of order or of a pool that was never published
 * is never taken.
 */
import { assert, type Hash, refuse } from './decider.js';
import type { MarketFact, ShardReport } from './facts.js';
import { legsMoved } from './market-legs.js';
import { compare, weighedBy } from './market-proposals.js';
import { paidBy } from './market-settlement.js';
import {
  type Backing,
  facts,
  type MarketDecision,
  type MarketEvent,
  type MarketPool,
  type MarketState,
  raceOf,
  type Seal,
} from './market-state.js';

export function shardReport(s: MarketState, shard: number, n: number, report: ShardReport, hash: Hash): MarketDecision {
  const last = s.reportNo[shard];
  if (last === undefined) return refuse('SHARD_UNKNOWN', `There are ${s.shards} shards; ${shard} is not one of them.`);
  if (n <= last) return refuse('ALREADY_APPLIED', `Report ${n} of shard ${shard} was received before.`);
  if (n > last + 1) return refuse('RELAY_GAP', `Report ${last + 1} of shard ${shard} is missing before ${n}.`);
  const pool = s.pools.get(report.pool);
  assert(pool !== undefined, () => `shard ${shard} reports on ${report.pool}, which the market never published`);
  const received: MarketEvent = { t: 'ReportReceived', shard, n, report };
  switch (report.t) {
    case 'Seal':
      return { events: [received, ...sealedBy(pool, shard, report, hash)], posts: [] };
    case 'Refund':
      return { events: [received], posts: [] };
    case 'Stakes': {
      if (report.version !== raceOf(s, pool.race).version) return { events: [received], posts: [] };
      const stakes = pool.stakes.map((known, i) => (i === shard ? report : known));
      return { events: [received, ...compare(s, pool, stakes, pool.proposals, hash)], posts: [] };
    }
    case 'Paid':
      return paidBy(s, pool, shard, report, received);
    case 'Weighed':
      return { events: [received, ...weighedBy(s, pool, shard, report, hash)], posts: [] };
    case 'Backing':
      return backedBy(s, pool, shard, report, received);
    case 'WillPay':
      return { events: [received], posts: [] };
    default:
      return report satisfies never;
  }
}

function sealedBy(pool: MarketPool, shard: number, seal: Seal, hash: Hash): MarketEvent[] {
  const seals = pool.seals.map((known, i) => (i === shard ? seal : known));
  if (!seals.every((known): known is Seal => known?.closeNo === seal.closeNo)) return [];
  const sum = (of: (seal: Seal) => number): number => seals.reduce((total, one) => total + of(one), 0);
  const markers = seals.map((one) => one.markerAt);
  return [
    {
      t: 'PoolSealed',
      race: pool.race,
      pool: pool.card.poolId,
      closeNo: seal.closeNo,
      bets: sum((one) => one.bets),
      stake: sum((one) => one.stake),
      voidedBets: sum((one) => one.voidedBets),
      voidedStake: sum((one) => one.voidedStake),
      root: hash(`pool:${seals.map((one) => one.root).join('')}`),
      spreadMs: Math.max(...markers) - Math.min(...markers),
    },
  ];
}

/** With the last shard's word it is known who stands in for non-runners of this leg. */
function backedBy(
  s: MarketState,
  pool: MarketPool,
  shard: number,
  report: Backing,
  received: MarketEvent,
): MarketDecision {
  const backing = pool.backing.map((known, i) => (i === shard ? report : known));
  if (!backing.every((known): known is Backing => known?.closeNo === report.closeNo))
    return { events: [received], posts: [] };
  const race = raceOf(s, pool.race);
  const sums = new Map<string, number>();
  for (const { stakes } of backing) for (const { c, stake } of stakes) sums.set(c, (sums.get(c) ?? 0) + stake);
  const backed = [...sums].map(([c, stake]) => ({ c, stake }));
  const set: MarketFact = { t: 'FavouritesSet', race: pool.race, stakes: backed };
  return facts(s, [received], [set, ...legsMoved(s, race, { [pool.race]: { backed } })]);
}

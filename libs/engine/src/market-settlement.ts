/**
 * From the second person's word to the last payment: what was agreed is declared, the shards pay it, and the race is settled once their
 * payments are what was counted. A payment that nobody can explain leaves the race unsettled.
 */
import { refuse } from './decider.js';
import {
  declarationPostings,
  isPaid,
  roundingPostings,
  roundingsOf,
  shortfall,
  summedUp,
  undoing,
} from './market-books.js';
import type { Actor, DividendProposal } from './market-commands.js';
import { isVoidFromTheStart, legState, legsCorrected, legsMoved, mayChange, waitsForLeg } from './market-legs.js';
import { countedOn, declaredBy, isSettling, settlingPools, waitingFor } from './market-proposals.js';
import {
  facts,
  type MarketDecision,
  type MarketEvent,
  type MarketPool,
  type MarketRace,
  type MarketState,
  type Paid,
  poolOf,
  raceOf,
  wrongStatus,
} from './market-state.js';

export function confirm(s: MarketState, race: MarketRace, previewHash: string, by: Actor): MarketDecision {
  if (!isSettling(s, race)) return wrongStatus(race, 'confirmed');
  if (race.previewHash === null)
    return refuse('PREVIEW_NOT_READY', `The settlement waits for: ${waitingFor(s, race).join('; ')}.`);
  if (race.previewHash !== previewHash)
    return refuse(
      'PREVIEW_CHANGED',
      'Something changed since this preview was shown: look at the new one.',
      '/previewHash',
    );
  if (race.enteredBy === by.user)
    return refuse('SAME_PERSON', 'The result must be confirmed by another person than who entered it.');
  const declared = settlingPools(s, race).map(({ poolId }) => poolOf(s, poolId).proposals.ENGINE as DividendProposal);
  const pools = declared.map(declaredBy);
  const { raceId } = race.card;
  const state = race.voided ? 'VOID' : 'DECIDED';
  const official = legState(race) === 'VOID' ? {} : { [raceId]: { state } as const };
  const decision = facts(
    s,
    [],
    [
      { t: 'DividendsDeclared', race: raceId, version: race.version, pools },
      ...legsMoved(s, race, official),
      ...legsCorrected(s, race, official),
    ],
  );
  // Also a first declaration may fill a fund that a correction has left short: what the operator put up for it comes back.
  if (race.corrects === 0)
    return { ...decision, posts: declared.flatMap((p) => [...declarationPostings(s, p), ...shortfall(s, p)]) };
  const posts = summedUp([
    ...pools.flatMap(({ pool }) => undoing(s, poolOf(s, pool))),
    ...declared.flatMap((p) => [...declarationPostings(s, p), ...shortfall(s, p)]),
  ]);
  // What was official before may still be on its way to the bettors: then its last payment settles the race.
  if (pools.length > 0 || !race.card.pools.every(({ poolId }) => isPaid(poolOf(s, poolId).paid)))
    return { ...decision, posts };
  const roundings = roundingsOf(s, race);
  const settled: MarketEvent = {
    t: 'RaceSettled',
    race: raceId,
    roundings,
    ...(race.voided ? { voided: true } : {}),
  };
  return { events: [...decision.events, settled], posts: [...posts, ...roundingPostings(roundings)] };
}

export function paidBy(
  s: MarketState,
  pool: MarketPool,
  shard: number,
  report: Paid,
  received: MarketEvent,
): MarketDecision {
  const race = raceOf(s, pool.race);
  const paidOf = (id: string): readonly (Paid | null)[] => {
    const paid = poolOf(s, id).paid;
    return id === pool.card.poolId ? paid.map((known, i) => (i === shard ? report : known)) : paid;
  };
  // A correction that came meanwhile is paid behind this, and settles the race.
  if (report.version !== pool.paying || !isPaying(s, race)) return { events: [received], posts: [] };
  if (!race.card.pools.every(({ poolId }) => isPaid(paidOf(poolId)))) return { events: [received], posts: [] };
  const roundings = roundingsOf(s, race, paidOf);
  // Pools that a correction leaves alone were counted for another result.
  const counted = new Set((race.corrects > 0 ? settlingPools(s, race) : race.card.pools).map((card) => card.poolId));
  for (const { pool: id, amount } of roundings) {
    const differences = counted.has(id) ? unsoundPayment(poolOf(s, id), paidOf(id), amount) : [];
    if (differences.length === 0) continue;
    const differ: MarketEvent = { t: 'ProposalsDiffer', pool: id, version: race.version, differences };
    return { events: [received, differ], posts: [] };
  }
  const posts = roundingPostings(roundings);
  const voided = race.voided ? { voided: true as const } : {};
  return { events: [received, { t: 'RaceSettled', race: race.card.raceId, roundings, ...voided }], posts };
}

/** A race whose last payment settles it: not where a leg before it, or what that makes of a void one, is still to be paid. */
function isPaying(s: MarketState, race: MarketRace): boolean {
  if ((race.status !== 'PAYING' && race.status !== 'VOID') || waitsForLeg(s, race)) return false;
  const isOutdated = (pool: MarketPool): boolean =>
    pool.declared !== null && mayChange(pool) && pool.paying !== race.version;
  return !isVoidFromTheStart(race) || !race.card.pools.some(({ poolId }) => isOutdated(poolOf(s, poolId)));
}

/** Why a pool's payments cannot be what was declared: then the race does not settle. */
function unsoundPayment({ declared, stakes }: MarketPool, paid: readonly (Paid | null)[], left: number): string[] {
  const sum = (of: (report: Paid) => number): number => paid.reduce((total, p) => total + (p ? of(p) : 0), 0);
  const prices = declared?.dividends ?? [];
  const counted = prices.reduce((total, { c }) => total + countedOn(stakes, c), 0);
  const won = sum((report) => report.wonStake);
  // Every payment is rounded by less than one minor unit, and so is every total in the declared sheet.
  const mostRounded = (sum((report) => report.winners) + 1) * prices.length;
  const found: string[] = [];
  if (won !== counted) found.push(`stakes of ${won} were paid, ${counted} were counted as winning`);
  if (Math.abs(left) > mostRounded) found.push(`${left} is left after payment, more than rounding explains`);
  return found;
}

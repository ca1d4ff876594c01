/**
 * Which pools an entered order calls, and what follows for pools over several races when something becomes known of a leg: its close, its
 * order, a non-runner, a correction. It writes facts; it settles nothing.
 */
import { resultKeys } from '#mutuel/tote';
import type { MarketFact } from './facts.js';
import { isBeforeLast, isOverLegs, keysOfLegs, legsMissing, outcomesOf, type RunLeg, willPayKeysOf } from './legs.js';
import { fieldOf, type MarketPool, type MarketRace, type MarketState, poolOf, raceOf } from './market-state.js';

export type EnteredOrder = Pick<MarketRace, 'finish' | 'disqualified'>;

/** The order with what the shards must count for it; pools over several races are called once every leg has come to its end. */
export function resultOf(
  s: MarketState,
  race: MarketRace,
  { finish, disqualified }: EnteredOrder,
  now: LegsNow,
  voided = false,
): Extract<MarketFact, { t: 'ResultEntered' }> {
  const { raceId, pools } = race.card;
  const isVoid = isVoidFromTheStart(race) || now[raceId]?.state === 'VOID' || voided;
  const legsNow: LegsNow = { ...now, [raceId]: { ...now[raceId], state: isVoid ? 'VOID' : 'DECIDED', finish } };
  const called = pools.flatMap((card): readonly CalledPool[] => {
    const pool = poolOf(s, card.poolId);
    if (pool.declared !== null && !mayChange(pool)) return [];
    if (isOverLegs(card)) return calledPool(s, pool, legsNow);
    if (voided) return [{ pool: card.poolId, keys: [] }];
    if (isVoid) return [];
    const keys = resultKeys(card.ruleSet, fieldOf(race), finish).flatMap((rung) => rung.keys.map((key) => key.c));
    return [{ pool: card.poolId, keys: [...new Set(keys)] }];
  });
  const entered = { race: raceId, version: race.version + 1, finish, disqualified, pools: called };
  return { t: 'ResultEntered', ...entered, ...(voided ? { voided } : {}) };
}

// ── Legs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a decision under way changes about legs, by race. */
export type LegsNow = Readonly<Record<string, Partial<RunLeg>>>;

export function runLegs(s: MarketState, { card }: MarketPool, now: LegsNow): readonly RunLeg[] {
  return (card.legs ?? []).map((id): RunLeg => {
    const race = raceOf(s, id);
    return {
      raceId: id,
      field: { ...fieldOf(race), scratched: [] },
      scratched: race.scratched,
      state: legState(race),
      finish: race.finish,
      hasWinPool: race.card.pools.some(({ type }) => type === 'WIN'),
      backed: race.backed,
      ...now[id],
    };
  });
}

/** A race that a correction makes void is so from its confirmation on, not only when all of it is paid back. */
export const legState = ({ status, voided }: MarketRace): RunLeg['state'] => {
  if (status === 'VOID' || (status === 'PAYING' && voided)) return 'VOID';
  return status === 'PAYING' || status === 'SETTLED' ? 'DECIDED' : 'TO_COME';
};

type CalledPool = Extract<MarketFact, { t: 'ResultEntered' }>['pools'][number];

function calledPool(s: MarketState, pool: MarketPool, now: LegsNow): readonly CalledPool[] {
  const { poolId, ruleSet } = pool.card;
  const legs = runLegs(s, pool, now);
  if (legsMissing(ruleSet, legs).length > 0) return [];
  const outcomes = outcomesOf(ruleSet, legs, pool.outAtClose);
  return [{ pool: poolId, keys: keysOfLegs(ruleSet, outcomes), legs: outcomes }];
}

/**
 * What follows for pools over several races when something became known of a leg: the order of the last leg is entered once more
 * when a pool now can be settled with it, and will-pays are asked for before it is run.
 */
export function legsMoved(s: MarketState, race: MarketRace, now: LegsNow): MarketFact[] {
  const pools = race.legOf.map((id) => poolOf(s, id)).filter(({ declared }) => declared === null);
  const ends = new Set<MarketRace>();
  const asks: MarketFact[] = [];
  for (const pool of pools) {
    const last = raceOf(s, pool.race);
    const isOrdered = last.status === 'PROVISIONAL' && now[pool.race]?.state !== 'TO_COME';
    const isEnding = isOrdered || legStateNow(last, now) === 'VOID';
    const { poolId, ruleSet } = pool.card;
    const legs = runLegs(s, pool, isEnding ? ended(last, now) : now);
    // A void takes back what an order has called before.
    const isCalled = pool.isCalled && now[pool.race]?.state !== 'VOID';
    if (isEnding && !isCalled && legsMissing(ruleSet, legs).length === 0) ends.add(last);
    if (isEnding || pool.outAtClose === null || !isBeforeLast(ruleSet, legs)) continue;
    const outcomes = outcomesOf(ruleSet, legs, pool.outAtClose);
    const keys = willPayKeysOf(ruleSet, outcomes);
    asks.push({ t: 'WillPaysAsked', race: pool.race, pool: poolId, no: pool.asked + 1, keys, legs: outcomes });
  }
  return [...[...ends].map((last) => resultOf(s, last, orderOf(last, now), now)), ...asks];
}

const legStateNow = (race: MarketRace, now: LegsNow): RunLeg['state'] => now[race.card.raceId]?.state ?? legState(race);

/** A last leg with its order entered is taken for decided: its pools are settled together. */
export const ended = (last: MarketRace, now: LegsNow): LegsNow => {
  const id = last.card.raceId;
  return { ...now, [id]: { ...now[id], state: legStateNow(last, now) === 'VOID' ? 'VOID' : 'DECIDED' } };
};

const orderOf = (last: MarketRace, now: LegsNow): EnteredOrder =>
  legStateNow(last, now) === 'VOID' ? { finish: [], disqualified: [] } : last;

// ── Corrections of a leg ─────────────────────────────────────────────────────────────────────────────────────────────

/** The facts that take an official race up again: none where that has happened. */
export function reopening(s: MarketState, race: MarketRace): MarketFact[] {
  if (race.official === 0 || race.status === 'REOPENED' || race.status === 'PROVISIONAL') return [];
  const { raceId } = race.card;
  // A pool over several races whose last leg waits for its confirmation, for the first time or as a correction, was called on the
  // order now withdrawn.
  const lasts = race.legOf.flatMap((id) => {
    const pool = poolOf(s, id);
    const last = raceOf(s, pool.race);
    return isWaiting(pool, last) && last !== race ? [last] : [];
  });
  const now: LegsNow = { [raceId]: { state: 'TO_COME' } };
  const again = [...new Set(lasts)].map((last) => resultOf(s, last, last, now, last.voided));
  return [{ t: 'RaceReopened', race: raceId }, ...again];
}

/**
 * Another order of an earlier leg is official: the last leg's is entered once more, as a correction, so that the pools paid with it
 * are settled on the legs as they are now; of a last leg that was void before it was official, its pools over several races alone.
 * Where the time for corrections is over they stay as they were paid.
 */
export function legsCorrected(s: MarketState, race: MarketRace, now: LegsNow): MarketFact[] {
  if (race.corrects === 0 || isVoidFromTheStart(race)) return [];
  const paid = race.legOf
    .map((id) => poolOf(s, id))
    .filter((pool) => pool.declared !== null && mayChange(pool) && pool.race !== race.card.raceId);
  const lasts = new Set(paid.map((pool) => raceOf(s, pool.race)));
  return [...lasts]
    .filter(({ isFinal, status }) => !isFinal && status !== 'REOPENED')
    .flatMap((last) => {
      const again = resultOf(s, last, last, now, last.voided);
      // A pool with another leg that is taken up as well is called with that one.
      return again.pools.some(({ legs }) => legs !== undefined) ? [...reopening(s, last), again] : [];
    });
}

/** A last leg with a paid pool of which an earlier one is taken up: its time for corrections goes on until that is official again. */
export const waitsForLeg = (s: MarketState, { card }: MarketRace): boolean =>
  card.pools.filter(isOverLegs).some(({ poolId, legs = [] }) => {
    const pool = poolOf(s, poolId);
    return pool.declared !== null && mayChange(pool) && legs.some((leg) => isTakenUp(raceOf(s, leg)));
  });

const isTakenUp = ({ status, corrects, official }: MarketRace): boolean =>
  official > 0 && (status === 'REOPENED' || (status === 'PROVISIONAL' && corrects > 0));

/** A pool that was called for the result entered last, and is not declared on it. */
export const isWaiting = ({ isCalled, paying }: MarketPool, { version }: MarketRace): boolean =>
  isCalled && paying !== version;

/** Whether the pool's rules let what was paid be corrected. */
export const mayChange = ({ card }: MarketPool): boolean => card.ruleSet.corrections !== 'NONE';

/** Made void before it was official: nothing will be known of it but that. */
export const isVoidFromTheStart = ({ status, official }: MarketRace): boolean => status === 'VOID' && official === 0;

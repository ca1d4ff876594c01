/**
 * What stewards say of a race: non-runners, a late off, the order, a void, and all of it once more after it was official. Until another
 * person confirms, nothing of it moves money.
 */
import { type Finish, shapeOf } from '#mutuel/tote';
import { canonical } from './canonical.js';
import type { Fault } from './card-check.js';
import { type Context, type Hash, refuse } from './decider.js';
import type { MarketFact } from './facts.js';
import { isOverLegs, needsFavourite } from './legs.js';
import { givenUp, isPaid } from './market-books.js';
import {
  type EnteredOrder,
  isVoidFromTheStart,
  legsMoved,
  mayChange,
  reopening,
  resultOf,
  waitsForLeg,
} from './market-legs.js';
import {
  facts,
  type MarketDecision,
  type MarketPool,
  type MarketRace,
  type MarketState,
  poolOf,
  raceOf,
  wrongStatus,
} from './market-state.js';

/** Every order of a dead heat is a combination that every shard counts: more of them are no finish but a mistake. */
const MAX_WINNING_ORDERS = 500;
/** An off declared for longer ago is a mistake in the time, and would refund a whole race. */
const MAX_OFF_AGE_MS = 6 * 3_600_000;
/** An official result can be corrected for this long after the race was settled: so long the shards hold its bets. */
export const CORRECTION_MS = 6 * 3_600_000;

export const isSelling = (race: MarketRace): boolean => race.status === 'OPEN' || race.status === 'SUSPENDED';

export const closing = (race: MarketRace, stopAt: number): MarketFact => ({
  t: 'BettingClosed',
  race: race.card.raceId,
  closeNo: race.closeNo + 1,
  stopAt,
});

export function declareLateOff(s: MarketState, race: MarketRace, offAt: number, x: Context): MarketDecision {
  const id = race.card.raceId;
  if (!isSelling(race) && race.status !== 'CLOSED' && (race.status !== 'PROVISIONAL' || race.corrects > 0))
    return wrongStatus(race, 'given a late off');
  if (offAt > x.at) return refuse('OFF_INVALID', 'The official off cannot lie in the future.', '/offAt');
  if (x.at - offAt > MAX_OFF_AGE_MS)
    return refuse('OFF_INVALID', 'The official off cannot lie more than six hours back.', '/offAt');
  if (race.offAt !== null && offAt > race.offAt)
    return refuse('OFF_INVALID', 'The official off can only be moved earlier.', '/offAt');
  const closeNo = isSelling(race) ? race.closeNo + 1 : race.closeNo;
  const off: MarketFact = { t: 'LateOffDeclared', race: id, closeNo, offAt };
  // Pools over several races that another leg has closed hear of it by name.
  const others = race.legOf.map((pool) => poolOf(s, pool)).filter((p) => p.outAtClose !== null && p.soldBy !== id);
  const asked = refundsAsked(race, 'AFTER_OFF', others);
  // The off first: bets after it are then withdrawn before the seal is made.
  return facts(s, [], isSelling(race) ? [off, closing(race, x.at), ...asked] : [off, ...asked]);
}

export function scratch(s: MarketState, race: MarketRace, runner: string, reason: string, x: Context): MarketDecision {
  if (race.status === 'VOID') return wrongStatus(race, 'given a non-runner');
  const no = refuseCorrection(race, reason, x);
  if (no) return no;
  if (!race.card.runners.some((r) => r.number === runner))
    return refuse('RUNNER_UNKNOWN', `There is no runner ${runner}.`, '/runner');
  if (race.scratched.includes(runner))
    return refuse('ALREADY_SCRATCHED', `Runner ${runner} is scratched already.`, '/runner');
  if (isPaidAsDeclared(s, race)) return wrongStatus(race, 'given a non-runner until its payment is over');
  const { raceId } = race.card;
  const scratched: MarketFact = { t: 'RunnerScratched', race: raceId, runner };
  // The order that was entered is withdrawn with it: the race is to come again.
  const asks = legsMoved(s, race, { [raceId]: { scratched: [...race.scratched, runner], state: 'TO_COME' } });
  const asked = refundsAsked(
    race,
    'SCRATCHED',
    declaredOn(s, race).filter((pool) => isGivenBack(s, pool)),
  );
  return facts(s, [], [...reopening(s, race), scratched, ...asked, ...asks]);
}

/**
 * A pool that may not be corrected is on its way to be paid: a shard that heard of a non-runner first would pay and give back by
 * another field than the others.
 */
const isPaidAsDeclared = (s: MarketState, race: MarketRace): boolean =>
  declaredOn(s, race).some((pool) => !mayChange(pool) && !isPaid(pool.paid));

/** The pools that were declared with this race in them: its own, and those over several races. */
const declaredOn = (s: MarketState, { card, legOf }: MarketRace): readonly MarketPool[] =>
  [...new Set([...card.pools.map(({ poolId }) => poolId), ...legOf])]
    .map((id) => poolOf(s, id))
    .filter(({ declared }) => declared !== null);

/** What a paid pool holds of a non-runner goes back, for as long as the pool can be settled again on what is left. */
const isGivenBack = (s: MarketState, pool: MarketPool): boolean =>
  mayChange(pool) && !raceOf(s, pool.race).isFinal && !(isOverLegs(pool.card) && needsFavourite(pool.card.ruleSet));

const refundsAsked = (
  { card }: MarketRace,
  cause: 'AFTER_OFF' | 'SCRATCHED',
  pools: readonly MarketPool[],
): readonly MarketFact[] =>
  pools.length === 0
    ? []
    : [{ t: 'RefundsAsked', race: card.raceId, cause, pools: pools.map((pool) => pool.card.poolId) }];

export function enterResult(
  s: MarketState,
  race: MarketRace,
  order: EnteredOrder,
  reason: string,
  x: Context,
  hash: Hash,
): MarketDecision {
  if (race.status === 'DRAFT' || isVoidFromTheStart(race)) return wrongStatus(race, 'given a result');
  const no = refuseCorrection(race, reason, x);
  if (no) return no;
  const fault = faultOfFinish(race, order.finish, order.disqualified);
  if (fault) return refuse('FINISH_INVALID', fault.detail, fault.pointer);
  if (race.official > 0) return correct(s, race, order, false, hash);
  const entered = resultOf(s, race, order, {});
  // A known outcome ends the sale (requirement 22).
  return facts(s, [], isSelling(race) ? [closing(race, x.at), entered] : [entered]);
}

export function voidRace(s: MarketState, race: MarketRace, x: Context): MarketDecision {
  const { raceId } = race.card;
  const voided: MarketFact = {
    t: 'RaceVoided',
    race: raceId,
    closeNo: race.closeNo || 1,
    stopAt: race.stopAt ?? x.at,
  };
  const decision = facts(s, [], [voided, ...legsMoved(s, race, { [raceId]: { state: 'VOID' } })]);
  return { ...decision, posts: givenUp(s, race) };
}

// ── Corrections ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whether a race that was official once may be touched again, and with a reason; undefined where nothing speaks against it. */
function refuseCorrection(race: MarketRace, reason: string, x: Context): MarketDecision | undefined {
  if (race.official === 0) return undefined;
  const { raceId } = race.card;
  if (race.isFinal || isOver(race, x.at))
    return refuse('CORRECTION_CLOSED', `${raceId} was settled too long ago to be corrected.`);
  if (reason.trim() === '')
    return refuse('REASON_REQUIRED', `${raceId} is official: a correction needs a reason.`, '/reason');
  return undefined;
}

const isOver = ({ endedAt }: MarketRace, at: number): boolean => endedAt !== null && at - endedAt >= CORRECTION_MS;

/** With the lease the market looks at the clock: what can no longer be corrected leaves the shards. */
export const correctionsOver = (s: MarketState, at: number): MarketFact[] =>
  [...s.races.values()]
    .filter((race) => isCorrectable(race) && !race.isFinal && isOver(race, at) && !waitsForLeg(s, race))
    .map(({ card }) => ({ t: 'CorrectionsClosed', race: card.raceId }));

/** It was official, or is void with pools over several races that earlier legs can change. */
const isCorrectable = (race: MarketRace): boolean =>
  race.official > 0 || (race.status === 'VOID' && race.card.pools.some(isOverLegs));

/** Another order in the place of an official one; where no pool may be corrected by its rules, it is taken down and moves no money. */
function correct(s: MarketState, race: MarketRace, order: EnteredOrder, voided: boolean, hash: Hash): MarketDecision {
  const entered = resultOf(s, race, order, {}, voided);
  const decision = facts(s, [], [...reopening(s, race), entered]);
  if (entered.pools.length > 0) return decision;
  const { race: raceId, version } = entered;
  const previewHash = hash(`preview:${canonical(entered)}`);
  return { ...decision, events: [...decision.events, { t: 'PreviewReady', race: raceId, version, previewHash }] };
}

/** After a result was official a void is a correction too: every stake is given back, less what was paid. */
export function voidOfficial(s: MarketState, race: MarketRace, reason: string, x: Context, hash: Hash): MarketDecision {
  const nothing = { finish: [], disqualified: [] };
  return refuseCorrection(race, reason, x) ?? correct(s, race, nothing, true, hash);
}

// ── What cannot be a finish ──────────────────────────────────────────────────────────────────────────────────────────

function faultOfFinish(
  race: MarketRace,
  finish: readonly (readonly string[])[],
  disqualified: readonly string[],
): Fault | undefined {
  const known = new Set(race.card.runners.map((r) => r.number));
  const seen = new Set<string>();
  const check = (runner: string, pointer: string): Fault | undefined => {
    if (!known.has(runner)) return { detail: `There is no runner ${runner}.`, pointer };
    if (race.scratched.includes(runner)) return { detail: `Runner ${runner} was scratched.`, pointer };
    if (seen.has(runner)) return { detail: `Runner ${runner} stands twice.`, pointer };
    seen.add(runner);
    return undefined;
  };
  for (const [rank, tied] of finish.entries()) {
    for (const [i, runner] of tied.entries()) {
      const fault = check(runner, `/finish/${rank}/${i}`);
      if (fault) return fault;
    }
  }
  for (const [i, runner] of disqualified.entries()) {
    const fault = check(runner, `/disqualified/${i}`);
    if (fault) return fault;
  }
  const single = race.card.pools.filter((pool) => !isOverLegs(pool));
  const places = Math.max(1, ...single.map(({ type }) => shapeOf(type).picks));
  const orders = Math.max(ordersOf(finish, places), ordersOf(asEntries(race, finish), places));
  if (orders > MAX_WINNING_ORDERS)
    return {
      detail: `The dead heats make ${orders} winning orders; ${MAX_WINNING_ORDERS} are taken.`,
      pointer: '/finish',
    };
  return undefined;
}

/** In how many orders the runners of a finish can fill the first places. */
function ordersOf(finish: Finish, places: number): number {
  let orders = 1;
  let room = places;
  for (const tied of finish) {
    const taken = Math.min(room, tied.length);
    for (let k = 0; k < taken; k++) orders *= tied.length - k;
    room -= taken;
  }
  return orders;
}

/** Each entry once, at its best rank. */
function asEntries(race: MarketRace, finish: Finish): Finish {
  const seen = new Set<string>();
  return finish.map((tied) =>
    tied.filter((runner) => {
      const first = race.entries.find((entry) => entry.includes(runner))?.[0] ?? runner;
      return !seen.has(first) && seen.add(first);
    }),
  );
}

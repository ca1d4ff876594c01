/**
 * The market's facts in a shard: races and pools from the card to their retirement, and which bulk work each fact begins. Nothing here
 * moves money: that is the jobs' work.
 */
import { runningInterests } from '#mutuel/tote';
import { emptyBook, firstBetAfter } from './book.js';
import type { Decided, Hash } from './decider.js';
import { entriesOf, type MarketFact, type MeetingCard, type RefundCause } from './facts.js';
import { longOver, needsFavourite } from './legs.js';
import type { ShardEvent } from './shard-events.js';
import { addJob, type CountJob, isPayment, letGo, NOTHING_WEIGHED } from './shard-jobs.js';
import {
  fieldOf,
  jobOf,
  lastInTime,
  poolOf,
  poolsOf,
  raceOf,
  type ShardPool,
  type ShardRace,
  type ShardState,
} from './shard-state.js';

/** A race whose pools are all done leaves the state this long after, when the next card is published. */
export const RETIRE_MS = 86_400_000;

export function factApplied(s: ShardState, fact: MarketFact, d: Decided<ShardEvent>, hash: Hash): void {
  switch (fact.t) {
    case 'MeetingPublished':
      retireRaces(s, d.at);
      meetingPublished(s, fact.meeting);
      return;
    case 'RaceOpened':
    case 'RaceResumed':
      raceOf(s, fact.race).status = 'OPEN';
      return;
    case 'RaceSuspended':
      raceOf(s, fact.race).status = 'SUSPENDED';
      return;
    case 'BettingClosed':
      closeRace(s, raceOf(s, fact.race), fact, d, poolsEndedBy);
      return;
    case 'LateOffDeclared': {
      const race = raceOf(s, fact.race);
      race.offAt = Math.min(race.offAt, fact.offAt);
      closeFromTheOff(s, race);
      addRefundJobs(s, poolsSoldBy(s, race).filter(isNotDone), 'AFTER_OFF', hash);
      if (race.status === 'CLOSED') countBacking(s, race);
      return;
    }
    case 'RunnerScratched': {
      const race = raceOf(s, fact.race);
      if (!race.scratched.includes(fact.runner)) race.scratched.push(fact.runner);
      const touched = poolsOf(s, race).filter((pool) => pool.legs === null || !needsFavourite(pool.ruleSet));
      addRefundJobs(s, touched.filter(isNotDone), 'SCRATCHED', hash);
      return;
    }
    case 'RefundsAsked': {
      const pools = fact.pools.map((pool) => poolOf(s, pool));
      // What is not paid has its refunds from the non-runner itself.
      const touched = fact.cause === 'SCRATCHED' ? pools.filter(isPaid) : pools.filter(isNotDone);
      addRefundJobs(s, touched, fact.cause, hash);
      return;
    }
    case 'ResultEntered':
      for (const { pool, keys } of fact.pools) {
        takeUp(poolOf(s, pool));
        addCount(s, 'RESULT', pool, fact.version, keys);
      }
      return;
    case 'WillPaysAsked':
      addCount(s, 'WILL_PAY', fact.pool, fact.no, fact.keys);
      return;
    case 'FavouritesSet':
      return;
    case 'DividendsDeclared':
      for (const { pool, outcome, prices } of fact.pools) {
        if (poolOf(s, pool).settled !== null || s.jobs.some((job) => isPayment(job) && job.pool === pool))
          addJob(s, {
            ...{ kind: 'CORRECT', pool, version: fact.version, outcome, prices },
            ...{ wonStake: 0, due: 0, winners: 0 },
          });
        else if (outcome === 'REFUND')
          addJob(s, { kind: 'RETURN', pool, version: fact.version, cause: 'POOL_REFUNDED', refunded: 0 });
        else addJob(s, { kind: 'PAY', pool, version: fact.version, prices, wonStake: 0, paid: 0, winners: 0 });
      }
      return;
    case 'RaceVoided': {
      const race = raceOf(s, fact.race);
      if (race.status !== 'CLOSED') closeRace(s, race, fact, d, poolsSoldBy);
      for (const { id: pool, legs } of poolsOf(s, race))
        if (legs === null) addJob(s, { kind: 'RETURN', pool, version: 0, cause: 'RACE_VOID', refunded: 0 });
      return;
    }
    case 'RaceReopened': {
      const race = raceOf(s, fact.race);
      // Until the time for corrections is over, also where nothing of it can be corrected.
      race.endedAt = null;
      for (const pool of settledWith(s, race)) if (pool.ruleSet.corrections !== 'NONE') takeUp(pool);
      return;
    }
    case 'CorrectionPriced':
      for (const { pool, outcome, prices } of fact.pools)
        addJob(s, { kind: 'WEIGH', pool, outcome, prices, ask: s.factNo, sums: NOTHING_WEIGHED });
      return;
    case 'CorrectionsClosed': {
      const race = raceOf(s, fact.race);
      for (const pool of settledWith(s, race)) letGo(pool);
      if (poolsOf(s, race).every(({ done }) => done)) race.endedAt ??= d.at;
      return;
    }
    case 'LeaseRenewed':
      s.lease.issuedAt = fact.issuedAt;
      s.lease.ttlMs = fact.ttlMs;
      s.lease.at = d.at;
      return;
    case 'RecordFormatRaised':
      s.upkeep.recordFormat = fact.format;
      return;
    default:
      fact satisfies never;
  }
}

/** Races long done leave the state, or a running system would grow for ever; the log and the read models keep them. */
function retireRaces(s: ShardState, at: number): void {
  const over = longOver(
    [...s.races].filter(([, { endedAt }]) => endedAt !== null && at - endedAt >= RETIRE_MS),
    (race) => poolsOf(s, race).flatMap(({ legs }) => legs?.map(({ id }) => id) ?? []),
  );
  for (const race of over.values()) {
    s.races.delete(race.id);
    for (const pool of race.pools) s.pools.delete(pool);
  }
}

function meetingPublished(s: ShardState, meeting: MeetingCard): void {
  const races = meeting.races.map((card) => {
    const race: ShardRace = {
      id: card.raceId,
      status: 'DRAFT',
      scheduledStop: card.scheduledStop ?? Number.MAX_SAFE_INTEGER,
      field: {
        declared: card.runners.map((r) => r.number),
        entries: entriesOf(card),
      },
      scratched: [],
      closeNo: 0,
      stopAt: Number.MAX_SAFE_INTEGER,
      offAt: Number.MAX_SAFE_INTEGER,
      pools: [],
      endedAt: null,
    };
    s.races.set(race.id, race);
    return race;
  });
  for (const [i, card] of meeting.races.entries()) {
    for (const { poolId: id, type, ruleSet, legs: named } of card.pools) {
      const legs = named?.map((leg) => raceOf(s, leg)) ?? null;
      const of = legs ?? [races[i] as ShardRace];
      for (const race of of) race.pools.push(id);
      s.pools.set(id, {
        id,
        race: of[0] as ShardRace,
        legs,
        outAtClose: null,
        field: fieldOf(of[0] as ShardRace, legs),
        currency: meeting.currency,
        type,
        ruleSet,
        sealed: false,
        done: false,
        settled: null,
        reports: new Map(),
        book: emptyBook(),
      });
    }
  }
}

/** The pools that end with a race's close: what it sells, and pools over several races that would go on past this leg's off. */
const poolsEndedBy = (s: ShardState, race: ShardRace): readonly ShardPool[] =>
  poolsOf(s, race).filter((pool) => pool.legs === null || pool.outAtClose === null);

/** The pools that were or are on sale until this race's close. */
const poolsSoldBy = (s: ShardState, race: ShardRace): readonly ShardPool[] =>
  poolsOf(s, race).filter((pool) => pool.race === race);

/** The pools that a race's result settles: over several races it is the last leg's. */
const settledWith = (s: ShardState, race: ShardRace): readonly ShardPool[] =>
  poolsOf(s, race).filter(({ legs }) => legs === null || legs.at(-1) === race);

function closeRace(
  s: ShardState,
  race: ShardRace,
  close: { closeNo: number; stopAt: number },
  d: Decided<ShardEvent>,
  ended: (s: ShardState, race: ShardRace) => readonly ShardPool[],
): void {
  const pools = ended(s, race);
  race.status = 'CLOSED';
  race.closeNo = close.closeNo;
  race.stopAt = close.stopAt;
  for (const pool of pools) {
    pool.race = race;
    pool.outAtClose = pool.legs?.map(({ scratched }) => scratched.length) ?? null;
    const id = addJob(s, { kind: 'CLOSE', pool: pool.id, markerAt: d.at, markerSeq: d.seq });
    // Only bets later than the stop or the off need voiding: as a rule they are the end of the book.
    jobOf(s, id, 'CLOSE').cursor = firstBetAfter(pool.book, lastInTime(pool));
  }
  countBacking(s, race);
}

/** What stands on each runner of a leg's win pool once it is closed: who stands in for non-runners. */
function countBacking(s: ShardState, race: ShardRace): void {
  const pools = poolsOf(s, race);
  const win = pools.find((pool) => pool.type === 'WIN');
  if (!win || !pools.some((pool) => pool.legs !== null && needsFavourite(pool.ruleSet))) return;
  addCount(s, 'FAVOURITE', win.id, race.closeNo, runningInterests(race.field, win.ruleSet.coupling));
}

/** No bet later than the off stands at a seal: where the off becomes known after the marker, a close under way starts over from it. */
function closeFromTheOff(s: ShardState, race: ShardRace): void {
  for (const job of s.jobs) {
    const { race: sold, legs, book } = poolOf(s, job.pool);
    if (job.kind === 'CLOSE' && (sold === race || legs?.includes(race)))
      job.cursor = Math.min(job.cursor, firstBetAfter(book, race.offAt));
  }
}

const isNotDone = ({ done }: ShardPool): boolean => !done;

/** Paid, and not let go of. */
const isPaid = ({ done, settled }: ShardPool): boolean => done && settled !== null;

/** A pool that was paid is to be paid again: its races do not leave meanwhile. */
function takeUp(pool: ShardPool): void {
  if (pool.settled === null) return;
  pool.done = false;
  for (const leg of pool.legs ?? [pool.race]) leg.endedAt = null;
}

function addRefundJobs(s: ShardState, pools: readonly ShardPool[], cause: RefundCause, hash: Hash): void {
  for (const { id: pool } of pools)
    addJob(s, { kind: 'REFUND', pool, cause, bets: 0, amount: 0, root: hash('refunds') });
}

function addCount(s: ShardState, ask: CountJob['ask'], pool: string, version: number, keys: readonly string[]): void {
  const zeros = (): number[] => keys.map(() => 0);
  addJob(s, { kind: 'COUNT', ask, pool, version, keys, stakes: zeros(), bets: zeros() });
}

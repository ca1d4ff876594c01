/**
 * How the market's state follows from its events, one after the other. Nothing here may refuse, look at a clock or ask anything but the
 * event: what was decided is so.
 */
import { carryOn, forgetSpent, releaseCarryIn, takeCarryIn } from './carry-overs.js';
import type { Decided } from './decider.js';
import { entriesOf, type MarketFact, type MeetingCard, type ShardReport } from './facts.js';
import { isOverLegs, longOver } from './legs.js';
import { carriedOnBy, marketSide } from './market-books.js';
import type { DividendProposal } from './market-commands.js';
import {
  type MarketEvent,
  type MarketPool,
  type MarketRace,
  type MarketState,
  poolOf,
  raceOf,
} from './market-state.js';

/** A settled or void race leaves the state this long after, when the next card is published. */
const RETIRE_MS = 86_400_000;
/** So long its names are remembered: hundred days of a national card are some 60,000 of them. */
const FORGET_MS = 100 * 86_400_000;

/** So long the ids of people's commands are kept: whatever one could touch is then over. */
const REMEMBER_MS = 86_400_000;

export function evolve(s: MarketState, decided: Decided<MarketEvent>): void {
  for (const event of decided.events) happened(s, event, decided.at);
  if (decided.events[0]?.t === 'Acted') remember(s, decided);
}

/** A person's command was answered, whatever came of it. The oldest stand first. */
function remember({ commands }: MarketState, { cid, seq, at }: Decided<MarketEvent>): void {
  for (const [old, { at: since }] of commands) {
    if (at - since < REMEMBER_MS) break;
    commands.delete(old);
  }
  if (cid !== undefined) commands.set(cid, { seq, at });
}

function happened(s: MarketState, e: MarketEvent, at: number): void {
  switch (e.t) {
    case 'Acted':
      acted(s, e);
      return;
    case 'Fact':
      s.factNo = e.n;
      factDecided(s, e.fact, at);
      return;
    case 'ReportReceived':
      s.reportNo[e.shard] = e.n;
      reportReceived(s, e.shard, e.report);
      return;
    case 'PoolSealed':
      return;
    case 'ProposalReceived':
      poolOf(s, e.proposal.pool).proposals[e.proposal.source] = e.proposal;
      return;
    case 'ProposalsAgreed': {
      const pool = poolOf(s, e.pool);
      pool.agreed = true;
      pool.differences = [];
      return;
    }
    case 'ProposalsDiffer': {
      const pool = poolOf(s, e.pool);
      pool.agreed = false;
      pool.differences = e.differences;
      Object.assign(raceOf(s, pool.race), { previewHash: null, weighing: 0 });
      return;
    }
    case 'PreviewReady':
      raceOf(s, e.race).previewHash = e.previewHash;
      return;
    case 'RaceSettled': {
      const race = raceOf(s, e.race);
      if (race.status === 'PAYING') race.status = e.voided ? 'VOID' : 'SETTLED';
      race.endedAt = at;
      for (const { pool: id, amount } of e.roundings) {
        const pool = poolOf(s, id);
        pool.clearing -= amount;
        pool.rounding += amount;
      }
      return;
    }
    case 'RecordFormatProposed':
      s.proposedFormat = { format: e.format, by: e.by };
      return;
    case 'Checkpoint':
      s.upkeep.checkpointDay = e.day;
      return;
    case 'SetAside':
      if (e.report !== undefined && s.reportNo[e.report[0]] === e.report[1] - 1) s.reportNo[e.report[0]] = e.report[1];
      return;
    default:
      e satisfies never;
  }
}

function acted(s: MarketState, e: Extract<MarketEvent, { t: 'Acted' }>): void {
  // Whoever enters an order or makes a void is not who confirms what is paid for it.
  const race = e.race === undefined ? undefined : s.races.get(e.race);
  if (!race || e.detail === 'refused') return;
  if (e.action === 'EnterResult' || e.action === 'VoidRace') race.enteredBy = e.by.user;
  if (e.action === 'ConfirmSettlement') race.confirmedBy = e.by.user;
}

// ── Facts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function factDecided(s: MarketState, fact: MarketFact, at: number): void {
  switch (fact.t) {
    case 'MeetingPublished':
      retireRaces(s, at);
      meetingPublished(s, fact.meeting);
      return;
    case 'LeaseRenewed':
      s.lease.issuedAt = fact.issuedAt;
      s.lease.ttlMs = fact.ttlMs;
      return;
    case 'RaceOpened':
    case 'RaceResumed':
      raceOf(s, fact.race).status = 'OPEN';
      return;
    case 'RaceSuspended':
      raceOf(s, fact.race).status = 'SUSPENDED';
      return;
    case 'BettingClosed': {
      const race = raceOf(s, fact.race);
      race.status = 'CLOSED';
      race.closeNo = fact.closeNo;
      race.stopAt = fact.stopAt;
      endSales(s, race, () => true);
      return;
    }
    case 'LateOffDeclared': {
      const race = raceOf(s, fact.race);
      race.offAt = fact.offAt;
      withdrawResult(s, race);
      return;
    }
    case 'RunnerScratched': {
      const race = raceOf(s, fact.race);
      race.scratched.push(fact.runner);
      withdrawResult(s, race);
      return;
    }
    case 'ResultEntered': {
      const race = raceOf(s, fact.race);
      // A void last leg carries the settlement of the pools that end with it.
      if (race.status === 'VOID') calledAgain(s, race, fact);
      else race.status = 'PROVISIONAL';
      race.version = fact.version;
      race.finish = fact.finish;
      race.disqualified = fact.disqualified;
      race.voided = fact.voided ?? false;
      race.confirmedBy = null;
      forgetProposals(s, race);
      for (const { pool } of fact.pools) poolOf(s, pool).isCalled = true;
      return;
    }
    case 'FavouritesSet':
      raceOf(s, fact.race).backed = fact.stakes;
      return;
    case 'WillPaysAsked':
      poolOf(s, fact.pool).asked = fact.no;
      return;
    case 'DividendsDeclared':
      if (raceOf(s, fact.race).status !== 'VOID')
        Object.assign(raceOf(s, fact.race), { status: 'PAYING', official: fact.version });
      for (const { pool: id } of fact.pools) {
        const pool = poolOf(s, id);
        const declared = pool.proposals.ENGINE as DividendProposal;
        carryOn(s.carryOvers, carriedOnBy(s, pool, declared), pool.declared && carriedOnBy(s, pool, pool.declared));
        pool.replaced = pool.declared;
        pool.declared = declared;
        pool.clearing = marketSide(declared);
        pool.rounding = 0;
        pool.paying = fact.version;
        pool.paid = pool.paid.map(() => null);
      }
      return;
    case 'RaceReopened': {
      const race = raceOf(s, fact.race);
      Object.assign(race, { status: 'REOPENED', corrects: race.official, endedAt: null });
      forgetProposals(s, race);
      return;
    }
    case 'CorrectionPriced':
      raceOf(s, fact.race).weighing = s.factNo;
      for (const { pool } of fact.pools) poolOf(s, pool).weighed = poolOf(s, pool).weighed.map(() => null);
      return;
    case 'RefundsAsked':
      return;
    case 'CorrectionsClosed':
      raceOf(s, fact.race).isFinal = true;
      return;
    case 'RaceVoided': {
      const race = raceOf(s, fact.race);
      race.status = 'VOID';
      race.closeNo = fact.closeNo;
      race.stopAt = fact.stopAt;
      endSales(s, race, (pool) => pool.soldBy === fact.race);
      forgetProposals(s, race);
      for (const card of race.card.pools) {
        const pool = poolOf(s, card.poolId);
        if (!isOverLegs(card)) releaseCarryIn(s.carryOvers, card.poolId, pool.carriedFrom);
      }
      return;
    }
    case 'RecordFormatRaised':
      s.upkeep.recordFormat = fact.format;
      s.proposedFormat = null;
      return;
    default:
      fact satisfies never;
  }
}

/** Pools over several races end with the first close of any leg: nobody may bet on what has begun. */
function endSales(s: MarketState, race: MarketRace, ends: (pool: MarketPool) => boolean): void {
  for (const id of race.legOf) {
    const pool = poolOf(s, id);
    if (pool.outAtClose !== null || !ends(pool)) continue;
    pool.soldBy = race.card.raceId;
    pool.outAtClose = (pool.card.legs ?? []).map((leg) => raceOf(s, leg).scratched.length);
  }
}

/** The pools that a void race ends with are to be settled again, on other legs before it. */
function calledAgain(s: MarketState, race: MarketRace, { pools }: Extract<MarketFact, { t: 'ResultEntered' }>): void {
  const paid = pools.map(({ pool }) => poolOf(s, pool)).find(({ declared }) => declared !== null);
  if (paid) Object.assign(race, { corrects: paid.paying, endedAt: null });
}

/** A scratch or a late off changes what is paid: an order entered before it must be entered again. */
function withdrawResult(s: MarketState, race: MarketRace): void {
  if (race.status === 'PROVISIONAL') race.status = race.corrects > 0 ? 'REOPENED' : 'CLOSED';
  forgetProposals(s, race);
}

function forgetProposals(s: MarketState, race: MarketRace): void {
  race.previewHash = null;
  race.weighing = 0;
  for (const { poolId } of race.card.pools) {
    const pool = poolOf(s, poolId);
    pool.stakes = pool.stakes.map(() => null);
    pool.proposals = {};
    pool.agreed = false;
    pool.differences = [];
    pool.isCalled = false;
  }
}

// ── Cards come and go ────────────────────────────────────────────────────────────────────────────────────────────────

function meetingPublished(s: MarketState, meeting: MeetingCard): void {
  s.meetings.set(meeting.meetingId, { currency: meeting.currency, date: meeting.date });
  for (const card of meeting.races) {
    s.races.set(card.raceId, {
      card,
      meeting: meeting.meetingId,
      entries: entriesOf(card),
      status: 'DRAFT',
      closeNo: 0,
      stopAt: null,
      offAt: null,
      scratched: [],
      version: 0,
      finish: [],
      disqualified: [],
      enteredBy: null,
      confirmedBy: null,
      previewHash: null,
      endedAt: null,
      official: 0,
      corrects: 0,
      voided: false,
      weighing: 0,
      isFinal: false,
      legOf: [],
      backed: null,
    });
    for (const pool of card.pools) {
      const none = (): null[] => Array.from({ length: s.shards }, () => null);
      s.pools.set(pool.poolId, {
        card: pool,
        race: card.raceId,
        soldBy: pool.legs?.[0] ?? card.raceId,
        outAtClose: null,
        isCalled: false,
        asked: 0,
        backing: none(),
        seals: none(),
        refundedAfterSeal: 0,
        stakes: none(),
        proposals: {},
        agreed: false,
        differences: [],
        declared: null,
        carriedFrom: takeCarryIn(s.carryOvers, pool),
        replaced: null,
        weighed: none(),
        paying: 0,
        rounding: 0,
        paid: none(),
        clearing: 0,
      });
    }
  }
  // A leg may be of a meeting published before.
  for (const { pools } of meeting.races)
    for (const { poolId, legs = [] } of pools) for (const leg of legs) raceOf(s, leg).legOf.push(poolId);
}

/** Races long over leave the state, and meetings without a race: the log and the read models keep them. */
function retireRaces(s: MarketState, at: number): void {
  const over = longOver(
    [...s.races].filter(([, { endedAt }]) => endedAt !== null && at - endedAt >= RETIRE_MS),
    ({ legOf }) => legOf.flatMap((pool) => poolOf(s, pool).card.legs ?? []),
  );
  for (const [id, race] of over) {
    s.races.delete(id);
    s.retired.set(`race ${id}`, at);
    for (const { poolId } of race.card.pools) {
      // What it took may have come from a race that left before it.
      const sources = poolOf(s, poolId).carriedFrom.map(({ id }) => id);
      s.pools.delete(poolId);
      s.retired.set(`pool ${poolId}`, at);
      for (const id of [poolId, ...sources])
        if (isGone(s, id)) forgetSpent(s.carryOvers, id, (pool) => isOpen(s, pool));
    }
  }
  const held = new Set([...s.races.values()].map((race) => race.meeting));
  for (const id of s.meetings.keys()) {
    if (held.has(id)) continue;
    s.meetings.delete(id);
    s.retired.set(`meeting ${id}`, at);
  }
  for (const [name, since] of s.retired) if (at - since >= FORGET_MS) s.retired.delete(name);
}

/** A pool that was published and has left; a fund never was, and stays. */
const isGone = (s: MarketState, id: string): boolean => !s.pools.has(id) && s.retired.has(`pool ${id}`);

/** It has reserved a carry-over and not yet taken it. */
const isOpen = (s: MarketState, id: string): boolean => s.pools.get(id)?.declared === null;

// ── What shards report ───────────────────────────────────────────────────────────────────────────────────────────────

function reportReceived(s: MarketState, shard: number, report: ShardReport): void {
  const pool = poolOf(s, report.pool);
  switch (report.t) {
    case 'Seal':
      pool.seals[shard] = report;
      return;
    case 'Refund':
      pool.refundedAfterSeal += report.amount;
      return;
    case 'Stakes':
      if (report.version === raceOf(s, pool.race).version) pool.stakes[shard] = report;
      return;
    case 'Paid':
      if (report.version === pool.paying) pool.paid[shard] = report;
      return;
    case 'Weighed':
      if (report.ask === raceOf(s, pool.race).weighing) pool.weighed[shard] = report;
      return;
    case 'Backing':
      pool.backing[shard] = report;
      return;
    case 'WillPay':
      return;
    default:
      report satisfies never;
  }
}

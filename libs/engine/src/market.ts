/**
 * The market: meetings, races, pools, the selling lease, results and dividends, in one partition for all shards. What it decides is
 * relayed into every shard as numbered facts; what the shards seal, count and pay comes back as numbered reports. It must never
 * declare a dividend unless three calculators, the seals and the conservation of money agree, and a second person confirmed
 * exactly what will be paid. It compares; it does not price. Read on in this order: events, state, evolve, decide.
 */
import { type Field, type Finish, keyLabel, resultKeys, shapeOf } from '#mutuel/tote';
import { canonical } from './canonical.js';
import { type Fault, faultOfCard, type TakenNames } from './card-check.js';
import {
  type CarriedFrom,
  type CarriedOn,
  type CarryOver,
  type CarryOvers,
  carryOn,
  carryPostings,
  faultOfCarryIns,
  forgetSpent,
  releaseCarryIn,
  shortfallPostings,
  takeCarryIn,
} from './carry-overs.js';
import {
  assert,
  type Context,
  type Decider,
  type Decision,
  type Hash,
  type Posting,
  refuse,
  type StateImage,
} from './decider.js';
import {
  type BackedRunner,
  entriesOf,
  type MarketFact,
  type MeetingCard,
  type PoolCard,
  type RaceCard,
  type ShardReport,
} from './facts.js';
import { isBeforeLast, isOverLegs, keysOfLegs, legsMissing, outcomesOf, type RunLeg, willPayKeysOf } from './legs.js';
import {
  type Actor,
  type DividendProposal,
  type MarketCommand,
  PROPOSAL_SOURCES,
  type ProposalSource,
  type Role,
} from './market-commands.js';
import { newUpkeep, setAside, takeCheckpoint, type Upkeep, type UpkeepEvent } from './upkeep.js';

// ── Events ───────────────────────────────────────────────────────────────────────────────────────────────────────

export type MarketEvent =
  /** Who asked for what; stands in accepted and refused decisions alike: the audit trail. */
  | {
      readonly t: 'Acted';
      readonly action: string;
      readonly by: Actor;
      readonly race?: string;
      readonly reason?: string;
      readonly detail?: string;
    }
  | { readonly t: 'Fact'; readonly n: number; readonly fact: MarketFact }
  | { readonly t: 'ReportReceived'; readonly shard: number; readonly n: number; readonly report: ShardReport }
  | {
      readonly t: 'PoolSealed';
      readonly race: string;
      readonly pool: string;
      readonly closeNo: number;
      readonly bets: number;
      readonly stake: number;
      readonly voidedBets: number;
      readonly voidedStake: number;
      /** Hash over the shards' roots in shard order. */
      readonly root: string;
      /** Latest minus earliest append time of the close markers, ms. */
      readonly spreadMs: number;
    }
  | { readonly t: 'ProposalReceived'; readonly proposal: DividendProposal }
  | { readonly t: 'ProposalsAgreed'; readonly pool: string; readonly version: number }
  | {
      readonly t: 'ProposalsDiffer';
      readonly pool: string;
      readonly version: number;
      readonly differences: readonly string[];
    }
  | { readonly t: 'PreviewReady'; readonly race: string; readonly version: number; readonly previewHash: string }
  | {
      readonly t: 'RaceSettled';
      readonly race: string;
      readonly roundings: readonly { readonly pool: string; readonly amount: number }[];
      /** The race was made void after it was official. */
      readonly voided?: true;
    }
  | { readonly t: 'RecordFormatProposed'; readonly format: number; readonly by: string }
  | UpkeepEvent;

// ── State ────────────────────────────────────────────────────────────────────────────────────────────────────────

export type RaceStatus =
  | 'DRAFT'
  | 'OPEN'
  | 'SUSPENDED'
  | 'CLOSED'
  | 'PROVISIONAL'
  | 'PAYING'
  | 'SETTLED'
  | 'VOID'
  /** Its official result is withdrawn and another one awaited; what was paid stands until that is official. */
  | 'REOPENED';

type Seal = Extract<ShardReport, { t: 'Seal' }>;
type Stakes = Extract<ShardReport, { t: 'Stakes' }>;
type Backing = Extract<ShardReport, { t: 'Backing' }>;
type Paid = Extract<ShardReport, { t: 'Paid' }>;
type WeighedReport = Extract<ShardReport, { t: 'Weighed' }>;

export interface MarketRace {
  readonly card: RaceCard;
  readonly meeting: string;
  readonly entries: readonly (readonly string[])[];
  status: RaceStatus;
  closeNo: number;
  stopAt: number | null;
  offAt: number | null;
  readonly scratched: string[];
  /** Counts the results ever entered; stakes, proposals and prices name the one they are for. */
  version: number;
  finish: readonly (readonly string[])[];
  disqualified: readonly string[];
  enteredBy: string | null;
  confirmedBy: string | null;
  previewHash: string | null;
  /** Append time of the last payment report, of a settled or a void race; null until then. */
  endedAt: number | null;
  /** The result that is paid or was paid last; 0 before the first. */
  official: number;
  /** The official result that the one entered last is to replace; 0 when it is the first. */
  corrects: number;
  /** The correction makes the race void. */
  voided: boolean;
  /** Number of the fact by which the shards were asked what the correction would move; 0 when none. */
  weighing: number;
  /** The time for corrections is over: the shards have let go of the bets. */
  isFinal: boolean;
  /** Pools over several races of which this is a leg. */
  readonly legOf: readonly string[];
  /** What stood on each runner of its win pool at the close; null until counted, and where no leg needs it. */
  backed: readonly BackedRunner[] | null;
}

export interface MarketPool {
  readonly card: PoolCard;
  /** The race it is settled with: over several races the last leg. */
  readonly race: string;
  /** The race whose close ends its sale: over several races the first leg, or whichever leg closes before it. */
  soldBy: string;
  /** Over several races: how many runners of each leg were out when it closed; null while it sells. */
  outAtClose: readonly number[] | null;
  /** The result that was entered last is for this pool too: over several races, once every leg has come to its end. */
  isCalled: boolean;
  /** How often its will-pays were asked for. */
  asked: number;
  backing: (Backing | null)[];
  readonly seals: (Seal | null)[];
  refundedAfterSeal: number;
  stakes: (Stakes | null)[];
  proposals: Partial<Record<ProposalSource, DividendProposal>>;
  agreed: boolean;
  differences: readonly string[];
  declared: DividendProposal | null;
  /** What its carry-in is made of; what is missing to it the operator brings in. */
  readonly carriedFrom: readonly CarriedFrom[];
  /** What was declared before the last correction. */
  replaced: DividendProposal | null;
  weighed: (WeighedReport | null)[];
  /** The result that is being paid; 0 of a void race. */
  paying: number;
  /** Posted as breakage when the race was settled: what payments rounded to whole minor units left over. */
  rounding: number;
  paid: (Paid | null)[];
  /** The market's own side of the pool's clearing account: minus takeout and breakage, plus top-up. */
  clearing: number;
}

export interface MarketState {
  readonly shards: number;
  factNo: number;
  readonly reportNo: number[];
  readonly lease: { issuedAt: number; ttlMs: number };
  readonly meetings: Map<string, { readonly currency: string; readonly date: string }>;
  readonly races: Map<string, MarketRace>;
  readonly pools: Map<string, MarketPool>;
  /** By the id of the pool that carried out, or of a fund. */
  readonly carryOvers: CarryOvers;
  /** Names of meetings, races and pools that have left the state, and when. */
  readonly retired: Map<string, number>;
  readonly upkeep: Upkeep;
  /** A record format that waits for a second person. */
  proposedFormat: { readonly format: number; readonly by: string } | null;
}

/** Who may ask for what (requirement 35); anything not listed is denied. */
const ALLOWED: Record<string, readonly Role[]> = {
  PublishMeeting: ['TOTE_OPERATOR'],
  OpenRace: ['TOTE_OPERATOR'],
  SuspendRace: ['TOTE_OPERATOR', 'STEWARD'],
  ResumeRace: ['TOTE_OPERATOR', 'STEWARD'],
  StopBetting: ['TOTE_OPERATOR', 'STEWARD'],
  ScratchRunner: ['STEWARD'],
  DeclareLateOff: ['STEWARD'],
  EnterResult: ['STEWARD'],
  ConfirmSettlement: ['STEWARD', 'ACCOUNTANT'],
  VoidRace: ['STEWARD'],
  ProposeRecordFormat: ['TOTE_OPERATOR'],
  ConfirmRecordFormat: ['TOTE_OPERATOR', 'STEWARD'],
};

const MAX_LEASE_MS = 30_000;
/** Every order of a dead heat is a combination that every shard counts: more of them are no finish but a mistake. */
const MAX_WINNING_ORDERS = 500;
/** An off declared for longer ago is a mistake in the time, and would refund a whole race. */
const MAX_OFF_AGE_MS = 6 * 3_600_000;
/** A settled or void race leaves the state this long after, when the next card is published. */
const RETIRE_MS = 86_400_000;
/** So long its names are remembered: hundred days of a national card are some 60,000 of them. */
const FORGET_MS = 100 * 86_400_000;
/** An official result can be corrected for this long after the race was settled: so long the shards hold its bets. */
export const CORRECTION_MS = 6 * 3_600_000;
const MARKET_SCHEMA = 4;

export function marketDecider(options: {
  shards: number;
  hash: Hash;
}): Decider<MarketState, MarketCommand, MarketEvent> {
  return {
    initialState: () => ({
      shards: options.shards,
      factNo: 0,
      reportNo: Array.from({ length: options.shards }, () => 0),
      lease: { issuedAt: 0, ttlMs: 0 },
      meetings: new Map(),
      races: new Map(),
      pools: new Map(),
      carryOvers: new Map(),
      retired: new Map(),
      upkeep: newUpkeep(),
      proposedFormat: null,
    }),
    decide: (state, command, context) => decide(state, command, context, options.hash),
    evolve: (state, decided) => {
      for (const event of decided.events) evolve(state, event, decided.at);
    },
    pending: () => undefined,
    schema: MARKET_SCHEMA,
    image: (s) => ({
      text: canonical({
        ...{ ...s, meetings: [...s.meetings], races: [...s.races.values()], pools: [...s.pools.values()] },
        carryOvers: [...s.carryOvers],
        retired: [...s.retired],
      }),
      parts: [],
    }),
    restore,
    sent: (state) => state.factNo,
    recordFormat: ({ upkeep }) => upkeep.recordFormat,
    setAside,
  };
}

interface MarketImage extends Omit<MarketState, 'meetings' | 'races' | 'pools' | 'carryOvers' | 'retired'> {
  readonly meetings: readonly [string, { readonly currency: string; readonly date: string }][];
  readonly races: readonly MarketRace[];
  readonly pools: readonly MarketPool[];
  readonly carryOvers: readonly [string, CarryOver][];
  readonly retired: readonly [string, number][];
}

function restore({ text }: StateImage): MarketState {
  const { meetings, races, pools, carryOvers, retired, ...rest } = JSON.parse(text) as MarketImage;
  return {
    ...rest,
    meetings: new Map(meetings),
    races: new Map(races.map((race) => [race.card.raceId, race])),
    pools: new Map(pools.map((pool) => [pool.card.poolId, pool])),
    carryOvers: new Map(carryOvers),
    retired: new Map(retired),
  };
}

// ── Evolve ───────────────────────────────────────────────────────────────────────────────────────────────────────

function evolve(s: MarketState, e: MarketEvent, at: number): void {
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
  // Only two acts leave a name in the state: the second person must differ from the first.
  const race = e.race === undefined ? undefined : s.races.get(e.race);
  if (!race || e.detail === 'refused') return;
  if (e.action === 'EnterResult') race.enteredBy = e.by.user;
  if (e.action === 'VoidRace' && race.official > 0) race.enteredBy = e.by.user;
  if (e.action === 'ConfirmSettlement') race.confirmedBy = e.by.user;
}

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
      if (race.status !== 'VOID') race.status = 'PROVISIONAL';
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

/** Races long over leave the state, and meetings without a race: the log and the read models keep them. */
function retireRaces(s: MarketState, at: number): void {
  for (const [id, race] of s.races) {
    if (race.endedAt === null || at - race.endedAt < RETIRE_MS || race.legOf.some((pool) => isUnsettled(s, pool)))
      continue;
    s.races.delete(id);
    s.retired.set(`race ${id}`, at);
    for (const { poolId } of race.card.pools) {
      s.pools.delete(poolId);
      forgetSpent(s.carryOvers, poolId);
      s.retired.set(`pool ${poolId}`, at);
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

/** Names in use, and those whose races have left the state: a card that comes again must not sell a race that was paid. */
function takenNames(s: MarketState): TakenNames {
  const taken = (kind: string, live: { has(id: string): boolean }) => ({
    has: (id: string): boolean => live.has(id) || s.retired.has(`${kind} ${id}`),
  });
  return { meetings: taken('meeting', s.meetings), races: taken('race', s.races), pools: taken('pool', s.pools) };
}

function isUnsettled(s: MarketState, id: string): boolean {
  const pool = s.pools.get(id);
  return pool !== undefined && s.races.get(pool.race)?.endedAt === null;
}

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
      legOf: meeting.races.flatMap(({ pools }) =>
        pools.filter(({ legs }) => legs?.includes(card.raceId)).map(({ poolId }) => poolId),
      ),
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

// ── Decide ───────────────────────────────────────────────────────────────────────────────────────────────────────

type MarketDecision = Decision<MarketEvent>;

function decide(s: MarketState, c: MarketCommand, x: Context, hash: Hash): MarketDecision {
  switch (c.type) {
    case 'RenewLease':
      if (c.ttlMs > MAX_LEASE_MS)
        return refuse('LEASE_TOO_LONG', `A selling lease lasts ${MAX_LEASE_MS / 1000} s at the most.`);
      return facts(s, [], [{ t: 'LeaseRenewed', issuedAt: x.at, ttlMs: c.ttlMs }, ...correctionsOver(s, x.at)]);
    case 'ShardReport':
      return shardReport(s, c.shard, c.n, c.report, hash);
    case 'SubmitProposal':
      return submitProposal(s, c.proposal, hash);
    case 'Checkpoint':
      return takeCheckpoint(s.upkeep, c.day, MARKET_SCHEMA, x);
    case 'Malformed':
      return refuse('MALFORMED', `The command could not be read: ${c.cause}.`);
    default:
      return byPerson(s, c, x, hash);
  }
}

type PersonCommand = Extract<MarketCommand, { by: Actor }>;

/** A person's command: the table of roles first, then the act; the audit note stands in refusals too. */
function byPerson(s: MarketState, c: PersonCommand, x: Context, hash: Hash): MarketDecision {
  const note = {
    t: 'Acted' as const,
    action: c.type,
    by: c.by,
    ...('race' in c ? { race: c.race } : {}),
    ...('reason' in c ? { reason: c.reason } : {}),
  };
  const outcome = ALLOWED[c.type]?.some((role) => c.by.roles.includes(role))
    ? act(s, c, x, hash)
    : refuse<MarketEvent>('NOT_AUTHORIZED', `${c.type} needs the role ${ALLOWED[c.type]?.join(' or ')}.`);
  if (outcome.code !== undefined) return { ...outcome, events: [{ ...note, detail: 'refused' }] };
  return { ...outcome, events: [note, ...outcome.events] };
}

function act(s: MarketState, c: PersonCommand, x: Context, hash: Hash): MarketDecision {
  if (c.type === 'PublishMeeting') return publishMeeting(s, c.meeting);
  if (c.type === 'ProposeRecordFormat') return proposeFormat(s, c.format, c.by, x);
  if (c.type === 'ConfirmRecordFormat') return confirmFormat(s, c.format, c.by);
  const race = s.races.get(c.race);
  if (!race) return refuse('RACE_UNKNOWN', `There is no race ${c.race}.`);
  switch (c.type) {
    case 'OpenRace':
      if (race.status !== 'DRAFT') return wrongStatus(race, 'opened');
      return facts(s, [], [{ t: 'RaceOpened', race: c.race }]);
    case 'SuspendRace':
      if (race.status !== 'OPEN') return wrongStatus(race, 'suspended');
      return facts(s, [], [{ t: 'RaceSuspended', race: c.race }]);
    case 'ResumeRace':
      if (race.status !== 'SUSPENDED') return wrongStatus(race, 'resumed');
      return facts(s, [], [{ t: 'RaceResumed', race: c.race }]);
    case 'StopBetting':
      if (!isSelling(race)) return wrongStatus(race, 'stopped');
      return facts(s, [], [closing(race, x.at)]);
    case 'DeclareLateOff':
      return declareLateOff(s, race, c.offAt, x);
    case 'ScratchRunner':
      return scratch(s, race, c.runner, c.reason, x);
    case 'EnterResult':
      return enterResult(s, race, { finish: c.finish, disqualified: c.disqualified }, c.reason, x, hash);
    case 'ConfirmSettlement':
      return confirm(s, race, c.previewHash, c.by);
    case 'VoidRace':
      if (race.status === 'VOID') return wrongStatus(race, 'voided');
      return race.official > 0 ? voidOfficial(s, race, c.reason, x, hash) : voidRace(s, race, x);
    default:
      return c satisfies never;
  }
}

function voidRace(s: MarketState, race: MarketRace, x: Context): MarketDecision {
  const { raceId } = race.card;
  const voided: MarketFact = {
    t: 'RaceVoided',
    race: raceId,
    closeNo: race.closeNo || 1,
    stopAt: race.stopAt ?? x.at,
  };
  return facts(s, [], [voided, ...legsMoved(s, race, { [raceId]: { state: 'VOID' } })]);
}

const isSelling = (race: MarketRace): boolean => race.status === 'OPEN' || race.status === 'SUSPENDED';

const closing = (race: MarketRace, stopAt: number): MarketFact => ({
  t: 'BettingClosed',
  race: race.card.raceId,
  closeNo: race.closeNo + 1,
  stopAt,
});

function publishMeeting(s: MarketState, meeting: MeetingCard): MarketDecision {
  const fault = faultOfCard(meeting, takenNames(s)) ?? faultOfCarryIns(s.carryOvers, meeting);
  if (fault) return refuse('CARD_INVALID', fault.detail, fault.pointer);
  return facts(s, [], [{ t: 'MeetingPublished', meeting }]);
}

/** One step at a time: between two formats every process must have been replaced once. */
function proposeFormat(s: MarketState, format: number, { user }: Actor, { host }: Context): MarketDecision {
  const next = s.upkeep.recordFormat + 1;
  const newest = host?.newestFormat ?? next;
  if (format !== next)
    return refuse('FORMAT_INVALID', `Records are written in format ${next - 1}: ${next} comes next.`, '/format');
  if (format > newest)
    return refuse('FORMAT_INVALID', `This release writes record formats up to ${newest}.`, '/format');
  return { events: [{ t: 'RecordFormatProposed', format, by: user }], posts: [] };
}

function confirmFormat(s: MarketState, format: number, { user }: Actor): MarketDecision {
  if (s.proposedFormat?.format !== format)
    return refuse('FORMAT_NOT_PROPOSED', `Record format ${format} was not proposed.`, '/format');
  if (s.proposedFormat.by === user)
    return refuse('SAME_PERSON', 'The record format must be confirmed by another person than who proposed it.');
  return facts(s, [], [{ t: 'RecordFormatRaised', format }]);
}

function declareLateOff(s: MarketState, race: MarketRace, offAt: number, x: Context): MarketDecision {
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
  // The off first: bets after it are then withdrawn before the seal is made.
  return facts(s, [], isSelling(race) ? [off, closing(race, x.at)] : [off]);
}

function scratch(s: MarketState, race: MarketRace, runner: string, reason: string, x: Context): MarketDecision {
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
  return facts(s, [], [...reopening(s, race), scratched, ...asks]);
}

/**
 * A pool that may not be corrected is on its way to be paid: a shard that heard of a non-runner first would pay and give back by
 * another field than the others.
 */
const isPaidAsDeclared = (s: MarketState, race: MarketRace): boolean =>
  race.official > 0 &&
  race.card.pools.some(({ poolId, ruleSet }) => ruleSet.corrections === 'NONE' && !isPaid(poolOf(s, poolId).paid));

function enterResult(
  s: MarketState,
  race: MarketRace,
  order: EnteredOrder,
  reason: string,
  x: Context,
  hash: Hash,
): MarketDecision {
  if (race.status === 'DRAFT' || (race.status === 'VOID' && race.official === 0))
    return wrongStatus(race, 'given a result');
  const no = refuseCorrection(race, reason, x);
  if (no) return no;
  const fault = faultOfFinish(race, order.finish, order.disqualified);
  if (fault) return refuse('FINISH_INVALID', fault.detail, fault.pointer);
  if (race.official > 0) return correct(s, race, order, false, hash);
  const entered = resultOf(s, race, order, {});
  // A known outcome ends the sale (requirement 22).
  return facts(s, [], isSelling(race) ? [closing(race, x.at), entered] : [entered]);
}

// ── Corrections ──────────────────────────────────────────────────────────────────────────────────────────────────

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
const correctionsOver = (s: MarketState, at: number): MarketFact[] =>
  [...s.races.values()]
    .filter((race) => race.official > 0 && !race.isFinal && isOver(race, at))
    .map(({ card }) => ({ t: 'CorrectionsClosed', race: card.raceId }));

/** The facts that take an official race up again: none where that has happened. */
function reopening(s: MarketState, race: MarketRace): MarketFact[] {
  if (race.official === 0 || race.status === 'REOPENED' || race.status === 'PROVISIONAL') return [];
  const { raceId } = race.card;
  // A pool over several races whose last leg waits for its confirmation was called on the order now withdrawn.
  const called = race.legOf.map((id) => poolOf(s, id)).filter((pool) => pool.isCalled && pool.race !== raceId);
  const stale = new Set(called.filter(({ declared }) => declared === null).map((pool) => raceOf(s, pool.race)));
  const now: LegsNow = { [raceId]: { state: 'TO_COME' } };
  return [{ t: 'RaceReopened', race: raceId }, ...[...stale].map((last) => resultOf(s, last, last, now))];
}

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
function voidOfficial(s: MarketState, race: MarketRace, reason: string, x: Context, hash: Hash): MarketDecision {
  const nothing = { finish: [], disqualified: [] };
  return refuseCorrection(race, reason, x) ?? correct(s, race, nothing, true, hash);
}

/** A carry-over that a later pool has taken and this result does not leave is the operator's. */
function shortfall(s: MarketState, p: DividendProposal): Posting[] {
  const pool = poolOf(s, p.pool);
  return shortfallPostings(s.carryOvers, carriedOnBy(s, pool, p), pool.declared && carriedOnBy(s, pool, pool.declared));
}

/** What was declared before is undone in the books, so that the postings of a correction are the difference. */
function undoing(s: MarketState, { card, declared, rounding }: MarketPool): Posting[] {
  if (!declared) return [];
  const posts: Posting[] = [
    ...declarationPostings(s, declared),
    [`pool:${card.poolId}`, -rounding],
    ['house:breakage', rounding],
  ];
  return posts.map(([account, amount]) => [account, -amount]);
}

/** One posting an account; none that moves nothing. */
function summedUp(posts: readonly Posting[]): Posting[] {
  const sums = new Map<string, number>();
  for (const [account, amount] of posts) sums.set(account, (sums.get(account) ?? 0) + amount);
  return [...sums].filter(([, amount]) => amount !== 0);
}

type EnteredOrder = Pick<MarketRace, 'finish' | 'disqualified'>;

/** The order with what the shards must count for it; pools over several races are called once every leg has come to its end. */
function resultOf(
  s: MarketState,
  race: MarketRace,
  { finish, disqualified }: EnteredOrder,
  now: LegsNow,
  voided = false,
): Extract<MarketFact, { t: 'ResultEntered' }> {
  const { raceId, pools } = race.card;
  const isVoid = (race.status === 'VOID' && race.official === 0) || now[raceId]?.state === 'VOID' || voided;
  const legsNow: LegsNow = { ...now, [raceId]: { ...now[raceId], state: isVoid ? 'VOID' : 'DECIDED', finish } };
  const called = pools.flatMap((card): readonly CalledPool[] => {
    if (race.official > 0 && card.ruleSet.corrections === 'NONE') return [];
    if (isOverLegs(card)) return calledPool(s, poolOf(s, card.poolId), legsNow);
    if (voided) return [{ pool: card.poolId, keys: [] }];
    if (isVoid) return [];
    const keys = resultKeys(card.ruleSet, fieldOf(race), finish).flatMap((rung) => rung.keys.map((key) => key.c));
    return [{ pool: card.poolId, keys: [...new Set(keys)] }];
  });
  const entered = { race: raceId, version: race.version + 1, finish, disqualified, pools: called };
  return { t: 'ResultEntered', ...entered, ...(voided ? { voided } : {}) };
}

// ── Pools over several races ─────────────────────────────────────────────────────────────────────────────────────

/** What a decision under way changes about legs, by race. */
type LegsNow = Readonly<Record<string, Partial<RunLeg>>>;

function runLegs(s: MarketState, { card }: MarketPool, now: LegsNow): readonly RunLeg[] {
  return (card.legs ?? []).map((id): RunLeg => {
    const race = raceOf(s, id);
    return {
      raceId: id,
      field: { declared: race.card.runners.map((r) => r.number), entries: race.entries },
      scratched: race.scratched,
      state: legState(race),
      finish: race.finish,
      hasWinPool: race.card.pools.some(({ type }) => type === 'WIN'),
      backed: race.backed,
      ...now[id],
    };
  });
}

const legState = ({ status }: MarketRace): RunLeg['state'] =>
  status === 'VOID' ? 'VOID' : status === 'PAYING' || status === 'SETTLED' ? 'DECIDED' : 'TO_COME';

type CalledPool = Extract<MarketFact, { t: 'ResultEntered' }>['pools'][number];

function calledPool(s: MarketState, pool: MarketPool, now: LegsNow): readonly CalledPool[] {
  const { poolId, ruleSet } = pool.card;
  const legs = runLegs(s, pool, now);
  const isCorrected = pool.declared !== null && raceOf(s, pool.race).official > 0;
  if ((pool.declared !== null && !isCorrected) || legsMissing(ruleSet, legs).length > 0) return [];
  const outcomes = outcomesOf(ruleSet, legs, pool.outAtClose);
  return [{ pool: poolId, keys: keysOfLegs(ruleSet, outcomes), legs: outcomes }];
}

/**
 * What follows for pools over several races when something became known of a leg: the order of the last leg is entered once more
 * when a pool now can be settled with it, and will-pays are asked for before it is run.
 */
function legsMoved(s: MarketState, race: MarketRace, now: LegsNow): MarketFact[] {
  const pools = race.legOf.map((id) => poolOf(s, id)).filter(({ declared }) => declared === null);
  const ends = new Set<MarketRace>();
  const asks: MarketFact[] = [];
  for (const pool of pools) {
    const last = raceOf(s, pool.race);
    const isOrdered = last.status === 'PROVISIONAL' && now[pool.race]?.state !== 'TO_COME';
    const isEnding = isOrdered || legStateNow(last, now) === 'VOID';
    const { poolId, ruleSet } = pool.card;
    const legs = runLegs(s, pool, isEnding ? ended(last, now) : now);
    if (isEnding && !pool.isCalled && legsMissing(ruleSet, legs).length === 0) ends.add(last);
    if (isEnding || pool.outAtClose === null || !isBeforeLast(ruleSet, legs)) continue;
    const outcomes = outcomesOf(ruleSet, legs, pool.outAtClose);
    const keys = willPayKeysOf(ruleSet, outcomes);
    asks.push({ t: 'WillPaysAsked', race: pool.race, pool: poolId, no: pool.asked + 1, keys, legs: outcomes });
  }
  return [...[...ends].map((last) => resultOf(s, last, orderOf(last, now), now)), ...asks];
}

/**
 * Another order of an earlier leg is official: the last leg's is entered once more, as a correction, so that the pools paid with it
 * are settled on the legs as they are now. Where the time for corrections is over they stay as they were paid.
 */
function legsCorrected(s: MarketState, race: MarketRace, now: LegsNow): MarketFact[] {
  if (race.corrects === 0) return [];
  const paid = race.legOf
    .map((id) => poolOf(s, id))
    .filter(({ declared, race: last }) => declared && last !== race.card.raceId);
  const lasts = new Set(paid.map((pool) => raceOf(s, pool.race)));
  return [...lasts]
    .filter(({ official, isFinal, status }) => official > 0 && !isFinal && status !== 'REOPENED')
    .flatMap((last) => [...reopening(s, last), resultOf(s, last, last, now, last.voided)]);
}

const legStateNow = (race: MarketRace, now: LegsNow): RunLeg['state'] => now[race.card.raceId]?.state ?? legState(race);

/** A last leg with its order entered is taken for decided: its pools are settled together. */
const ended = (last: MarketRace, now: LegsNow): LegsNow => {
  const id = last.card.raceId;
  return { ...now, [id]: { ...now[id], state: legStateNow(last, now) === 'VOID' ? 'VOID' : 'DECIDED' } };
};

const orderOf = (last: MarketRace, now: LegsNow): EnteredOrder =>
  legStateNow(last, now) === 'VOID' ? { finish: [], disqualified: [] } : last;

/** The pools of a race whose settlement is previewed and confirmed together; a void race's own were given back. */
function settlingPools(s: MarketState, race: MarketRace): readonly PoolCard[] {
  if (race.corrects > 0) return race.card.pools.filter(({ poolId }) => poolOf(s, poolId).isCalled);
  return race.status === 'VOID' ? race.card.pools.filter(isOverLegs) : race.card.pools;
}

/** Whether proposals on the result are waited for: a provisional race, or a void one that pools over several races end with. */
const isSettling = (s: MarketState, race: MarketRace): boolean =>
  race.status === 'PROVISIONAL' ||
  (race.status === 'VOID' &&
    settlingPools(s, race).some(({ poolId }) => poolOf(s, poolId).isCalled && !isDeclared(s, poolId)));

const isDeclared = (s: MarketState, poolId: string): boolean => poolOf(s, poolId).declared !== null;

function confirm(s: MarketState, race: MarketRace, previewHash: string, by: Actor): MarketDecision {
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
  if (race.corrects === 0) return { ...decision, posts: declared.flatMap((p) => declarationPostings(s, p)) };
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

function carriedOnBy(s: MarketState, { card, race }: MarketPool, p: DividendProposal): CarriedOn {
  const currency = s.meetings.get(raceOf(s, race).meeting)?.currency ?? '';
  return { card, currency, carryOut: p.carryOutMinor, jackpot: p.jackpotMinor ?? 0 };
}

/** Takeout and breakage leave the pool, a top-up enters it; carry-overs stand on accounts of their own. */
function declarationPostings(s: MarketState, p: DividendProposal): Posting[] {
  const pool = poolOf(s, p.pool);
  const posts: Posting[] = [
    [`pool:${p.pool}`, marketSide(p)],
    ['house:takeout', p.takeoutMinor],
    ['house:breakage', p.breakageMinor],
    ['house:top-up', -p.topUpMinor],
    ...carryPostings(carriedOnBy(s, pool, p), p.carryInMinor, pool.carriedFrom),
  ];
  return posts.filter(([, amount]) => amount !== 0);
}

const marketSide = (p: DividendProposal): number =>
  p.carryInMinor + p.topUpMinor - p.takeoutMinor - p.breakageMinor - p.carryOutMinor;

// ── Reports and proposals ────────────────────────────────────────────────────────────────────────────────────────

function shardReport(s: MarketState, shard: number, n: number, report: ShardReport, hash: Hash): MarketDecision {
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

function submitProposal(s: MarketState, proposal: DividendProposal, hash: Hash): MarketDecision {
  const pool = s.pools.get(proposal.pool);
  if (!pool) return refuse('POOL_UNKNOWN', `There is no pool ${proposal.pool}.`);
  const race = raceOf(s, pool.race);
  if (!isSettling(s, race) || proposal.version !== race.version || !pool.isCalled)
    return refuse('PROPOSAL_OUTDATED', `${proposal.pool} does not wait for a proposal on result ${proposal.version}.`);
  if (!PROPOSAL_SOURCES.includes(proposal.source))
    return refuse('SOURCE_UNKNOWN', `${proposal.source} is not a calculator.`);
  const proposals = { ...pool.proposals, [proposal.source]: proposal };
  return {
    events: [{ t: 'ProposalReceived', proposal }, ...compare(s, pool, pool.stakes, proposals, hash)],
    posts: [],
  };
}

/** Once all shards and all calculators have spoken: agreement, or the differences that block the declaration. */
function compare(
  s: MarketState,
  pool: MarketPool,
  stakes: readonly (Stakes | null)[],
  proposals: Partial<Record<ProposalSource, DividendProposal>>,
  hash: Hash,
): MarketEvent[] {
  const all = PROPOSAL_SOURCES.map((source) => proposals[source]);
  if (!all.every((p): p is DividendProposal => p !== undefined)) return [];
  if (!stakes.every((known): known is Stakes => known !== null) || pool.seals.includes(null)) return [];
  const { poolId } = pool.card;
  const race = raceOf(s, pool.race);
  const differences = differencesBetween(pool, stakes, all);
  if (differences.length > 0) return [{ t: 'ProposalsDiffer', pool: poolId, version: race.version, differences }];
  const events: MarketEvent[] = [{ t: 'ProposalsAgreed', pool: poolId, version: race.version }];
  const others = settlingPools(s, race).filter((p) => p.poolId !== poolId);
  if (!others.every((p) => poolOf(s, p.poolId).agreed)) return events;
  const agreed = new Map(
    settlingPools(s, race).map((p) => [p.poolId, p.poolId === poolId ? all[0] : poolOf(s, p.poolId).proposals.ENGINE]),
  );
  if (race.corrects === 0) return [...events, previewReady(s, race, agreed, [], hash)];
  if (race.weighing > 0) return events;
  const pools = [...agreed.values()].map((p) => declaredBy(p as DividendProposal));
  const fact: MarketFact = { t: 'CorrectionPriced', race: race.card.raceId, version: race.version, pools };
  return [...events, { t: 'Fact', n: s.factNo + 1, fact }];
}

/** With the last shard's word it is known what a correction would move: the preview can be shown. */
function weighedBy(
  s: MarketState,
  pool: MarketPool,
  shard: number,
  report: WeighedReport,
  hash: Hash,
): readonly MarketEvent[] {
  const race = raceOf(s, pool.race);
  if (report.ask !== race.weighing) return [];
  const weighedOf = ({ poolId }: PoolCard): readonly (WeighedReport | null)[] =>
    poolOf(s, poolId).weighed.map((known, i) => (poolId === report.pool && i === shard ? report : known));
  const pools = settlingPools(s, race);
  const words = pools.flatMap(weighedOf);
  if (words.includes(null)) return [];
  const agreed = new Map(pools.map(({ poolId }) => [poolId, poolOf(s, poolId).proposals.ENGINE]));
  return [previewReady(s, race, agreed, words, hash)];
}

function previewReady(
  s: MarketState,
  race: MarketRace,
  agreed: ReadonlyMap<string, DividendProposal | undefined>,
  weighed: readonly unknown[],
  hash: Hash,
): MarketEvent {
  const { raceId } = race.card;
  return {
    ...{ t: 'PreviewReady', race: raceId, version: race.version },
    previewHash: previewHash(s, race, agreed, weighed, hash),
  };
}

const declaredBy = ({ pool, outcome, dividends }: DividendProposal) => ({
  ...{ pool, outcome },
  prices: dividends.map(({ tier, c, price }) => ({ tier, c, price })),
});

function differencesBetween(
  pool: MarketPool,
  stakes: readonly Stakes[],
  proposals: readonly DividendProposal[],
): string[] {
  const found: string[] = [];
  const sealed = pool.seals.reduce((sum, seal) => sum + (seal as Seal).stake, 0) - pool.refundedAfterSeal;
  const counted = stakes.reduce((sum, report) => sum + report.stake, 0);
  if (counted !== sealed) found.push(`the shards count ${counted} standing, their seals less refunds say ${sealed}`);
  const settled = stakes.reduce((sum, report) => sum + (report.settled ?? 0), 0);
  const [first, ...others] = proposals as [DividendProposal, ...DividendProposal[]];
  for (const p of proposals) {
    if ((p.settledMinor ?? 0) !== settled)
      found.push(`${p.source} counts ${p.settledMinor ?? 0} as paid so far, the shards count ${settled}`);
    if (p.grossMinor !== sealed)
      found.push(`${p.source} found a gross of ${p.grossMinor}, the seals less refunds say ${sealed}`);
    if (p.carryInMinor !== pool.card.carryInMinor)
      found.push(`${p.source} used a carry-in of ${p.carryInMinor}, the card says ${pool.card.carryInMinor}`);
    const left =
      p.grossMinor +
      p.carryInMinor +
      p.topUpMinor -
      p.takeoutMinor -
      p.paidMinor -
      p.refundedMinor -
      p.breakageMinor -
      p.carryOutMinor;
    if (left !== 0) found.push(`${p.source} leaves ${left} unaccounted for`);
    const paid = p.dividends.reduce((sum, d) => sum + d.paidMinor, 0);
    if (paid !== p.paidMinor) found.push(`${p.source} pays ${p.paidMinor}, its dividends sum to ${paid}`);
    const refunded = p.outcome === 'REFUND' ? p.grossMinor : 0;
    if (p.refundedMinor !== refunded)
      found.push(`${p.source} refunds ${p.refundedMinor}, outcome ${p.outcome} refunds ${refunded}`);
  }
  for (const d of first.dividends) {
    const standing = countedOn(stakes, d.c);
    if (standing !== d.stakeMinor)
      found.push(`${first.source} prices ${d.c} on ${d.stakeMinor}, the shards count ${standing}`);
  }
  const comparable = sheetOf(first);
  for (const other of others) {
    const sheet = sheetOf(other);
    for (const [name, value] of Object.entries(comparable)) {
      if (sheet[name] !== value)
        found.push(`${name}: ${first.source} has ${value}, ${other.source} has ${sheet[name]}`);
    }
  }
  return found.slice(0, 20);
}

/** What must be equal between calculators, as text to print where it is not. */
function sheetOf(p: DividendProposal): Record<string, string> {
  // What a key leaves out is for those who count; calculators agree on what people read.
  const dividends = p.dividends
    .map((d) => `${d.tier} ${keyLabel(d.c)} ${d.price} on ${d.stakeMinor} pays ${d.paidMinor}`)
    .sort();
  return {
    outcome: p.outcome,
    inputHash: p.inputHash,
    takeout: String(p.takeoutMinor),
    net: String(p.netMinor),
    dividends: dividends.join(', '),
    paid: String(p.paidMinor),
    refunded: String(p.refundedMinor),
    breakage: String(p.breakageMinor),
    topUp: String(p.topUpMinor),
    carryOut: `${p.carryOutMinor}${p.jackpotMinor ? `, ${p.jackpotMinor} of it to the jackpot` : ''}`,
  };
}

function previewHash(
  s: MarketState,
  race: MarketRace,
  agreed: ReadonlyMap<string, DividendProposal | undefined>,
  weighed: readonly unknown[],
  hash: Hash,
): string {
  const pools = settlingPools(s, race).map((card) => {
    const pool = poolOf(s, card.poolId);
    const seals = pool.seals.map((seal) => [seal?.bets, seal?.stake, seal?.root]);
    const sheet = sheetOf(agreed.get(card.poolId) as DividendProposal);
    return {
      pool: card.poolId,
      ruleSet: card.ruleSet.id,
      carryIn: card.carryInMinor,
      seals,
      refunds: pool.refundedAfterSeal,
      sheet,
      ...(isOverLegs(card) ? { legs: outcomesOf(card.ruleSet, runLegs(s, pool, {}), pool.outAtClose) } : {}),
    };
  });
  const { version, closeNo, stopAt, offAt, scratched, finish, disqualified, corrects, voided } = race;
  const correction = corrects > 0 ? { corrects, voided, weighed } : {};
  return hash(
    `preview:${canonical({ race: race.card.raceId, version, closeNo, stopAt, offAt, scratched, finish, disqualified, pools, ...correction })}`,
  );
}

function paidBy(s: MarketState, pool: MarketPool, shard: number, report: Paid, received: MarketEvent): MarketDecision {
  const race = raceOf(s, pool.race);
  const paidOf = (id: string): readonly (Paid | null)[] => {
    const paid = poolOf(s, id).paid;
    return id === pool.card.poolId ? paid.map((known, i) => (i === shard ? report : known)) : paid;
  };
  // A correction that came meanwhile is paid behind this, and settles the race.
  if (report.version !== pool.paying || (race.status !== 'PAYING' && race.status !== 'VOID'))
    return { events: [received], posts: [] };
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

const isPaid = (paid: readonly (Paid | null)[]): boolean => !paid.includes(null);

type Rounding = Extract<MarketEvent, { t: 'RaceSettled' }>['roundings'][number];

/**
 * What payments rounded to whole minor units leave over or lack is breakage: with it every pool's accounts sum to zero. Nothing for
 * a pool whose payment was rounded off before.
 */
const roundingsOf = (
  s: MarketState,
  { card }: MarketRace,
  paidOf = (id: string): readonly (Paid | null)[] => poolOf(s, id).paid,
): Rounding[] =>
  card.pools.map(({ poolId: pool }) => ({
    pool,
    amount: poolOf(s, pool).clearing + paidOf(pool).reduce((sum, known) => sum + (known?.clearing ?? 0), 0),
  }));

const roundingPostings = (roundings: readonly Rounding[]): Posting[] =>
  roundings
    .filter(({ amount }) => amount !== 0)
    .flatMap(({ pool, amount }): Posting[] => [
      [`pool:${pool}`, -amount],
      ['house:breakage', amount],
    ]);

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

const countedOn = (stakes: readonly (Stakes | null)[], c: string): number =>
  stakes.reduce((sum, report) => sum + (report?.keys.find((key) => key.c === c)?.stake ?? 0), 0);

/** What a settlement still waits for, in sentences for the stewards' screen. */
export function waitingFor(s: MarketState, race: MarketRace): string[] {
  const waits: string[] = [];
  for (const { poolId, ruleSet } of settlingPools(s, race)) {
    const pool = poolOf(s, poolId);
    for (const missing of legsMissing(ruleSet, runLegs(s, pool, ended(race, {})))) waits.push(`${poolId}: ${missing}`);
    const unsealed = pool.seals.filter((seal) => seal === null).length;
    if (unsealed > 0) waits.push(`${poolId}: ${unsealed} of ${s.shards} shards have not sealed`);
    const uncounted = pool.stakes.filter((report) => report === null).length;
    if (uncounted > 0) waits.push(`${poolId}: ${uncounted} of ${s.shards} shards have not counted`);
    for (const source of PROPOSAL_SOURCES)
      if (!pool.proposals[source]) waits.push(`${poolId}: no proposal from ${source}`);
    for (const difference of pool.differences) waits.push(`${poolId}: ${difference}`);
    const unweighed = race.weighing === 0 ? 0 : pool.weighed.filter((report) => report === null).length;
    if (unweighed > 0) waits.push(`${poolId}: ${unweighed} of ${s.shards} shards have not weighed the differences`);
  }
  return waits;
}

// ── Look-ups and checks ──────────────────────────────────────────────────────────────────────────────────────────

function facts(s: MarketState, before: readonly MarketEvent[], list: readonly MarketFact[]): MarketDecision {
  return {
    events: [...before, ...list.map((fact, i): MarketEvent => ({ t: 'Fact', n: s.factNo + 1 + i, fact }))],
    posts: [],
  };
}

const wrongStatus = (race: MarketRace, done: string): MarketDecision =>
  refuse('RACE_STATUS', `${race.card.raceId} is ${race.status} and cannot be ${done}.`);

export const fieldOf = (race: MarketRace): Field => ({
  declared: race.card.runners.map((r) => r.number),
  scratched: race.scratched,
  entries: race.entries,
});

function poolOf(s: MarketState, id: string): MarketPool {
  const pool = s.pools.get(id);
  assert(pool !== undefined, () => `pool ${id} is not known to the market`);
  return pool;
}

function raceOf(s: MarketState, id: string): MarketRace {
  const race = s.races.get(id);
  assert(race !== undefined, () => `race ${id} is not known to the market`);
  return race;
}

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

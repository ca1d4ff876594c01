/**
 * The market: meetings, races, pools, the selling lease, results and dividends, in one partition for all shards. What it decides is
 * relayed into every shard as numbered facts; what the shards seal, count and pay comes back as numbered reports. It must never
 * declare a dividend unless three calculators, the seals and the conservation of money agree, and a second person confirmed
 * exactly what will be paid. It compares; it does not price. Read on in this order: events, state, evolve, decide.
 */
import { type Field, type Finish, keyLabel, resultKeys, shapeOf } from '#mutuel/tote';
import { canonical } from './canonical.js';
import { type Fault, faultOfCard } from './card-check.js';
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
  entriesOf,
  type MarketFact,
  type MeetingCard,
  type PoolCard,
  type RaceCard,
  type ShardReport,
} from './facts.js';
import {
  type Actor,
  type DividendProposal,
  type MarketCommand,
  PROPOSAL_SOURCES,
  type ProposalSource,
  type Role,
} from './market-commands.js';

// ── Events ───────────────────────────────────────────────────────────────────────────────────────────────────────

import { newUpkeep, setAside, takeCheckpoint, type Upkeep, type UpkeepEvent } from './upkeep.js';
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
    }
  | { readonly t: 'RecordFormatProposed'; readonly format: number; readonly by: string }
  | UpkeepEvent;

// ── State ────────────────────────────────────────────────────────────────────────────────────────────────────────

export type RaceStatus = 'DRAFT' | 'OPEN' | 'SUSPENDED' | 'CLOSED' | 'PROVISIONAL' | 'PAYING' | 'SETTLED' | 'VOID';

type Seal = Extract<ShardReport, { t: 'Seal' }>;
type Stakes = Extract<ShardReport, { t: 'Stakes' }>;
type Paid = Extract<ShardReport, { t: 'Paid' }>;

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
}

export interface MarketPool {
  readonly card: PoolCard;
  readonly race: string;
  readonly seals: (Seal | null)[];
  refundedAfterSeal: number;
  stakes: (Stakes | null)[];
  proposals: Partial<Record<ProposalSource, DividendProposal>>;
  agreed: boolean;
  differences: readonly string[];
  declared: DividendProposal | null;
  readonly paid: (Paid | null)[];
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
};

const MAX_LEASE_MS = 30_000;
/** Every order of a dead heat is a combination that every shard counts: more of them are no finish but a mistake. */
  readonly upkeep: Upkeep;
  /** A record format that waits for a second person. */
  proposedFormat: { readonly format: number; readonly by: string } | null;
const MAX_WINNING_ORDERS = 500;
/** An off declared for longer ago is a mistake in the time, and would refund a whole race. */
const MAX_OFF_AGE_MS = 6 * 3_600_000;
/** A settled or void race leaves the state this long after, when the next card is published. */
const RETIRE_MS = 86_400_000;
const MARKET_SCHEMA = 3;

export function marketDecider(options: {
  shards: number;
  hash: Hash;
}): Decider<MarketState, MarketCommand, MarketEvent> {
  return {
    initialState: () => ({
      shards: options.shards,
  ProposeRecordFormat: ['TOTE_OPERATOR'],
  ConfirmRecordFormat: ['TOTE_OPERATOR', 'STEWARD'],
      factNo: 0,
      reportNo: Array.from({ length: options.shards }, () => 0),
      lease: { issuedAt: 0, ttlMs: 0 },
      meetings: new Map(),
      races: new Map(),
      pools: new Map(),
    }),
    decide: (state, command, context) => decide(state, command, context, options.hash),
    evolve: (state, decided) => {
      for (const event of decided.events) evolve(state, event, decided.at);
    },
    pending: () => undefined,
    schema: MARKET_SCHEMA,
    image: (s) => ({
      text: canonical({ ...s, meetings: [...s.meetings], races: [...s.races.values()], pools: [...s.pools.values()] }),
      parts: [],
    }),
    restore,
    sent: (state) => state.factNo,
  };
}

interface MarketImage extends Omit<MarketState, 'meetings' | 'races' | 'pools'> {
  readonly meetings: readonly [string, { readonly currency: string; readonly date: string }][];
      upkeep: newUpkeep(),
      proposedFormat: null,
  readonly races: readonly MarketRace[];
  readonly pools: readonly MarketPool[];
}

function restore({ text }: StateImage): MarketState {
  const { meetings, races, pools, ...rest } = JSON.parse(text) as MarketImage;
  return {
    ...rest,
    meetings: new Map(meetings),
    races: new Map(races.map((race) => [race.card.raceId, race])),
    pools: new Map(pools.map((pool) => [pool.card.poolId, pool])),
  };
}
    recordFormat: ({ upkeep }) => upkeep.recordFormat,
    setAside,

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
      raceOf(s, pool.race).previewHash = null;
      return;
    }
    case 'PreviewReady':
      raceOf(s, e.race).previewHash = e.previewHash;
      return;
    case 'RaceSettled': {
      const race = raceOf(s, e.race);
      if (race.status === 'PAYING') race.status = 'SETTLED';
      race.endedAt = at;
      for (const { pool, amount } of e.roundings) poolOf(s, pool).clearing -= amount;
      return;
    }
    default:
      e satisfies never;
  }
}

function acted(s: MarketState, e: Extract<MarketEvent, { t: 'Acted' }>): void {
  // Only two acts leave a name in the state: the second person must differ from the first.
  const race = e.race === undefined ? undefined : s.races.get(e.race);
  if (!race || e.detail === 'refused') return;
  if (e.action === 'EnterResult') race.enteredBy = e.by.user;
  if (e.action === 'ConfirmSettlement') race.confirmedBy = e.by.user;
}

function factDecided(s: MarketState, fact: MarketFact, at: number): void {
  switch (fact.t) {
    case 'MeetingPublished':
      retireRaces(s, at);
      meetingPublished(s, fact.meeting);
    case 'RecordFormatProposed':
      s.proposedFormat = { format: e.format, by: e.by };
      return;
    case 'Checkpoint':
      s.upkeep.checkpointDay = e.day;
      return;
    case 'SetAside':
      if (e.report !== undefined && s.reportNo[e.report[0]] === e.report[1] - 1) s.reportNo[e.report[0]] = e.report[1];
      return;
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
      race.status = 'PROVISIONAL';
      race.version = fact.version;
      race.finish = fact.finish;
      race.disqualified = fact.disqualified;
      forgetProposals(s, race);
      return;
    }
    case 'DividendsDeclared':
      raceOf(s, fact.race).status = 'PAYING';
      for (const { pool: id } of fact.pools) {
        const pool = poolOf(s, id);
        const declared = pool.proposals.ENGINE as DividendProposal;
        pool.declared = declared;
        pool.clearing = marketSide(declared);
      }
      return;
    case 'RaceVoided': {
      const race = raceOf(s, fact.race);
      race.status = 'VOID';
      race.closeNo = fact.closeNo;
      race.stopAt = fact.stopAt;
      forgetProposals(s, race);
      return;
    }
    default:
      fact satisfies never;
  }
}

/** Races long over leave the state, and meetings without a race: the log and the read models keep them. */
function retireRaces(s: MarketState, at: number): void {
  for (const [id, race] of s.races) {
    if (race.endedAt === null || at - race.endedAt < RETIRE_MS) continue;
    s.races.delete(id);
    for (const { poolId } of race.card.pools) s.pools.delete(poolId);
  }
  const held = new Set([...s.races.values()].map((race) => race.meeting));
  for (const id of s.meetings.keys()) if (!held.has(id)) s.meetings.delete(id);
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
    case 'RecordFormatRaised':
      s.upkeep.recordFormat = fact.format;
      s.proposedFormat = null;
      return;
      version: 0,
      finish: [],
      disqualified: [],
      enteredBy: null,
      confirmedBy: null,
      previewHash: null,
      endedAt: null,
    });
    for (const pool of card.pools) {
      const none = (): null[] => Array.from({ length: s.shards }, () => null);
      s.pools.set(pool.poolId, {
        card: pool,
        race: card.raceId,
        seals: none(),
        refundedAfterSeal: 0,
        stakes: none(),
        proposals: {},
        agreed: false,
        differences: [],
        declared: null,
        paid: none(),
        clearing: 0,
      });
    }
  }
}

/** A scratch or a late off changes what is paid: an order entered before it must be entered again. */
function withdrawResult(s: MarketState, race: MarketRace): void {
  if (race.status === 'PROVISIONAL') race.status = 'CLOSED';
  forgetProposals(s, race);
}

function forgetProposals(s: MarketState, race: MarketRace): void {
  race.previewHash = null;
  for (const { poolId } of race.card.pools) {
    const pool = poolOf(s, poolId);
    pool.stakes = pool.stakes.map(() => null);
    pool.proposals = {};
    pool.agreed = false;
    pool.differences = [];
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
      pool.paid[shard] = report;
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
      return facts(s, [], [{ t: 'LeaseRenewed', issuedAt: x.at, ttlMs: c.ttlMs }]);
    case 'ShardReport':
      return shardReport(s, c.shard, c.n, c.report, hash);
    case 'SubmitProposal':
      return submitProposal(s, c.proposal, hash);
    case 'Malformed':
      return refuse('MALFORMED', `The command could not be read: ${c.cause}.`);
    default:
      return byPerson(s, c, x);
  }
}

type PersonCommand = Extract<MarketCommand, { by: Actor }>;

/** A person's command: the table of roles first, then the act; the audit note stands in refusals too. */
function byPerson(s: MarketState, c: PersonCommand, x: Context): MarketDecision {
  const note = {
    t: 'Acted' as const,
    action: c.type,
    by: c.by,
    ...('race' in c ? { race: c.race } : {}),
    ...('reason' in c ? { reason: c.reason } : {}),
  };
  const outcome = ALLOWED[c.type]?.some((role) => c.by.roles.includes(role))
    ? act(s, c, x)
    : refuse<MarketEvent>('NOT_AUTHORIZED', `${c.type} needs the role ${ALLOWED[c.type]?.join(' or ')}.`);
  if (outcome.code !== undefined) return { ...outcome, events: [{ ...note, detail: 'refused' }] };
  return { ...outcome, events: [note, ...outcome.events] };
}

function act(s: MarketState, c: PersonCommand, x: Context): MarketDecision {
  if (c.type === 'PublishMeeting') return publishMeeting(s, c.meeting);
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
      return scratch(s, race, c.runner);
    case 'EnterResult':
      return enterResult(s, race, c.finish, c.disqualified, x);
    case 'ConfirmSettlement':
      return confirm(s, race, c.previewHash, c.by);
    case 'VoidRace':
      if (race.status === 'PAYING' || race.status === 'SETTLED' || race.status === 'VOID')
        return wrongStatus(race, 'voided');
      return facts(s, [], [{ t: 'RaceVoided', race: c.race, closeNo: race.closeNo || 1, stopAt: race.stopAt ?? x.at }]);
    default:
      return c satisfies never;
  }
}

    case 'Checkpoint':
      return takeCheckpoint(s.upkeep, c.day, MARKET_SCHEMA, x);
const isSelling = (race: MarketRace): boolean => race.status === 'OPEN' || race.status === 'SUSPENDED';

const closing = (race: MarketRace, stopAt: number): MarketFact => ({
  t: 'BettingClosed',
  race: race.card.raceId,
  closeNo: race.closeNo + 1,
  stopAt,
});

function publishMeeting(s: MarketState, meeting: MeetingCard): MarketDecision {
  const fault = faultOfCard(meeting, s);
  if (fault) return refuse('CARD_INVALID', fault.detail, fault.pointer);
  return facts(s, [], [{ t: 'MeetingPublished', meeting }]);
}

function declareLateOff(s: MarketState, race: MarketRace, offAt: number, x: Context): MarketDecision {
  const id = race.card.raceId;
  if (!isSelling(race) && race.status !== 'CLOSED' && race.status !== 'PROVISIONAL')
    return wrongStatus(race, 'given a late off');
  if (offAt > x.at) return refuse('OFF_INVALID', 'The official off cannot lie in the future.', '/offAt');
  if (x.at - offAt > MAX_OFF_AGE_MS)
    return refuse('OFF_INVALID', 'The official off cannot lie more than six hours back.', '/offAt');
  if (race.offAt !== null && offAt > race.offAt)
    return refuse('OFF_INVALID', 'The official off can only be moved earlier.', '/offAt');
  const closeNo = isSelling(race) ? race.closeNo + 1 : race.closeNo;
  const off: MarketFact = { t: 'LateOffDeclared', race: id, closeNo, offAt };
  // The off first: bets after it are then withdrawn before the seal is made.
  if (c.type === 'ProposeRecordFormat') return proposeFormat(s, c.format, c.by, x);
  if (c.type === 'ConfirmRecordFormat') return confirmFormat(s, c.format, c.by);
  return facts(s, [], isSelling(race) ? [off, closing(race, x.at)] : [off]);
}

function scratch(s: MarketState, race: MarketRace, runner: string): MarketDecision {
  if (race.status === 'PAYING' || race.status === 'SETTLED' || race.status === 'VOID')
    return wrongStatus(race, 'given a non-runner');
  if (!race.card.runners.some((r) => r.number === runner))
    return refuse('RUNNER_UNKNOWN', `There is no runner ${runner}.`, '/runner');
  if (race.scratched.includes(runner))
    return refuse('ALREADY_SCRATCHED', `Runner ${runner} is scratched already.`, '/runner');
  return facts(s, [], [{ t: 'RunnerScratched', race: race.card.raceId, runner }]);
}

function enterResult(
  s: MarketState,
  race: MarketRace,
  finish: readonly (readonly string[])[],
  disqualified: readonly string[],
  x: Context,
): MarketDecision {
  if (race.status === 'DRAFT' || race.status === 'PAYING' || race.status === 'SETTLED' || race.status === 'VOID')
    return wrongStatus(race, 'given a result');
  const fault = faultOfFinish(race, finish, disqualified);
  if (fault) return refuse('FINISH_INVALID', fault.detail, fault.pointer);
  const field = fieldOf(race);
  const pools = race.card.pools.map(({ poolId, ruleSet }) => ({
    pool: poolId,
    keys: [...new Set(resultKeys(ruleSet, field, finish).flatMap((rung) => rung.keys.map((key) => key.c)))],
  }));
  const entered: MarketFact = {
    t: 'ResultEntered',
    race: race.card.raceId,
    version: race.version + 1,
    finish,
    disqualified,
    pools,
  };
  // A known outcome ends the sale (requirement 22).
  return facts(s, [], isSelling(race) ? [closing(race, x.at), entered] : [entered]);
}

function confirm(s: MarketState, race: MarketRace, previewHash: string, by: Actor): MarketDecision {
  if (race.status !== 'PROVISIONAL') return wrongStatus(race, 'confirmed');
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
  const declared = race.card.pools.map(({ poolId }) => poolOf(s, poolId).proposals.ENGINE as DividendProposal);
  const pools = declared.map((p) => ({
    pool: p.pool,
    outcome: p.outcome,
    prices: p.dividends.map(({ tier, c, price }) => ({ tier, c, price })),
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

  }));
  const decision = facts(s, [], [{ t: 'DividendsDeclared', race: race.card.raceId, version: race.version, pools }]);
  return { ...decision, posts: declared.flatMap(declarationPostings) };
}

/** Takeout and breakage leave the pool, a top-up enters it; carry-overs stand on an account of their own. */
function declarationPostings(p: DividendProposal): Posting[] {
  const posts: Posting[] = [
    [`pool:${p.pool}`, marketSide(p)],
    ['house:takeout', p.takeoutMinor],
    ['house:breakage', p.breakageMinor],
    ['house:top-up', -p.topUpMinor],
    ['carry-over', p.carryOutMinor - p.carryInMinor],
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

function submitProposal(s: MarketState, proposal: DividendProposal, hash: Hash): MarketDecision {
  const pool = s.pools.get(proposal.pool);
  if (!pool) return refuse('POOL_UNKNOWN', `There is no pool ${proposal.pool}.`);
  const race = raceOf(s, pool.race);
  if (race.status !== 'PROVISIONAL' || proposal.version !== race.version)
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
  const others = race.card.pools.filter((p) => p.poolId !== poolId);
  if (!others.every((p) => poolOf(s, p.poolId).agreed)) return events;
  const agreed = new Map(
    race.card.pools.map((p) => [p.poolId, p.poolId === poolId ? all[0] : poolOf(s, p.poolId).proposals.ENGINE]),
  );
  events.push({
    t: 'PreviewReady',
    race: race.card.raceId,
    version: race.version,
    previewHash: previewHash(s, race, agreed, hash),
  });
  return events;
}

function differencesBetween(
  pool: MarketPool,
  stakes: readonly Stakes[],
  proposals: readonly DividendProposal[],
): string[] {
  const found: string[] = [];
  const sealed = pool.seals.reduce((sum, seal) => sum + (seal as Seal).stake, 0) - pool.refundedAfterSeal;
  const counted = stakes.reduce((sum, report) => sum + report.stake, 0);
  if (counted !== sealed) found.push(`the shards count ${counted} standing, their seals less refunds say ${sealed}`);
  const [first, ...others] = proposals as [DividendProposal, ...DividendProposal[]];
  for (const p of proposals) {
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
    carryOut: String(p.carryOutMinor),
  };
}

function previewHash(
  s: MarketState,
  race: MarketRace,
  agreed: ReadonlyMap<string, DividendProposal | undefined>,
  hash: Hash,
): string {
  const pools = race.card.pools.map((card) => {
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
    };
  });
  const { version, closeNo, stopAt, offAt, scratched, finish, disqualified } = race;
  return hash(
    `preview:${canonical({ race: race.card.raceId, version, closeNo, stopAt, offAt, scratched, finish, disqualified, pools })}`,
  );
}

function paidBy(s: MarketState, pool: MarketPool, shard: number, report: Paid, received: MarketEvent): MarketDecision {
  const race = raceOf(s, pool.race);
  const paidOf = (id: string): readonly (Paid | null)[] => {
    const paid = poolOf(s, id).paid;
    return id === pool.card.poolId ? paid.map((known, i) => (i === shard ? report : known)) : paid;
  };
  const ids = race.card.pools.map((p) => p.poolId);
  if (!ids.every((id) => paidOf(id).every((known) => known !== null))) return { events: [received], posts: [] };
  // What payments rounded to whole minor units leave over or lack is breakage: with it every pool's accounts sum to zero.
  const roundings = ids.map((id) => ({
    pool: id,
    amount: poolOf(s, id).clearing + paidOf(id).reduce((sum, known) => sum + (known as Paid).clearing, 0),
  }));
  for (const { pool: id, amount } of roundings) {
    const differences = unsoundPayment(poolOf(s, id), paidOf(id), amount);
    if (differences.length === 0) continue;
    const differ: MarketEvent = { t: 'ProposalsDiffer', pool: id, version: race.version, differences };
    return { events: [received, differ], posts: [] };
  }
  const posts: Posting[] = roundings.flatMap(({ pool: id, amount }): Posting[] =>
    amount === 0
      ? []
      : [
          [`pool:${id}`, -amount],
          ['house:breakage', amount],
        ],
  );
  return { events: [received, { t: 'RaceSettled', race: race.card.raceId, roundings }], posts };
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

const countedOn = (stakes: readonly (Stakes | null)[], c: string): number =>
  stakes.reduce((sum, report) => sum + (report?.keys.find((key) => key.c === c)?.stake ?? 0), 0);

/** What a settlement still waits for, in sentences for the stewards' screen. */
export function waitingFor(s: MarketState, race: MarketRace): string[] {
  const waits: string[] = [];
  for (const { poolId } of race.card.pools) {
    const pool = poolOf(s, poolId);
    const unsealed = pool.seals.filter((seal) => seal === null).length;
    if (unsealed > 0) waits.push(`${poolId}: ${unsealed} of ${s.shards} shards have not sealed`);
    const uncounted = pool.stakes.filter((report) => report === null).length;
    if (uncounted > 0) waits.push(`${poolId}: ${uncounted} of ${s.shards} shards have not counted`);
    for (const source of PROPOSAL_SOURCES)
      if (!pool.proposals[source]) waits.push(`${poolId}: no proposal from ${source}`);
    for (const difference of pool.differences) waits.push(`${poolId}: ${difference}`);
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
  const places = Math.max(...race.card.pools.map(({ type }) => shapeOf(type).picks));
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

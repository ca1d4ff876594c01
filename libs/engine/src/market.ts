/**
 * The market: meetings, races, pools, the selling lease, results and dividends, in one partition for all shards. What it decides is
 * relayed into every shard as numbered facts; what the shards seal, count and pay comes back as numbered reports. It must never
 * declare a dividend unless three calculators, the seals and the conservation of money agree, and a second person confirmed
 * exactly what will be paid. It compares; it does not price. Here: who may ask for what. Read on in this order: market-state (events,
 * state), market-evolve, market-results (what stewards say), market-legs, market-reports, market-proposals, market-settlement,
 * market-books.
 */
import { type EarlierRace, faultOfCard, type TakenNames } from './card-check.js';
import { faultOfCarryIns, faultOfFunds, type OwnedPool } from './carry-overs.js';
import { type Context, type Decider, type Hash, refuse } from './decider.js';
import type { MeetingCard } from './facts.js';
import type { Actor, MarketCommand, Role } from './market-commands.js';
import { evolve } from './market-evolve.js';
import { submitProposal } from './market-proposals.js';
import { shardReport } from './market-reports.js';
import {
  closing,
  correctionsOver,
  declareLateOff,
  enterResult,
  isSelling,
  scratch,
  voidOfficial,
  voidRace,
} from './market-results.js';
import { confirm } from './market-settlement.js';
import {
  currencyOf,
  facts,
  imageOf,
  MARKET_SCHEMA,
  type MarketDecision,
  type MarketEvent,
  type MarketState,
  newMarket,
  raceOf,
  restore,
  wrongStatus,
} from './market-state.js';
import { setAside, takeCheckpoint } from './upkeep.js';

type PersonCommand = Extract<MarketCommand, { by: Actor }>;

/** Who may ask for what (requirement 35). */
const ALLOWED: Record<PersonCommand['type'], readonly Role[]> = {
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

export function marketDecider(options: {
  shards: number;
  hash: Hash;
}): Decider<MarketState, MarketCommand, MarketEvent> {
  return {
    initialState: () => newMarket(options.shards),
    decide: (state, command, context) => decide(state, command, context, options.hash),
    evolve,
    pending: () => undefined,
    schema: MARKET_SCHEMA,
    image: imageOf,
    restore,
    sent: (state) => state.factNo,
    recordFormat: ({ upkeep }) => upkeep.recordFormat,
    setAside,
  };
}

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

// ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * A person's command: the table of roles first, then the act; the audit note stands in refusals too. A command that the log repeats
 * is answered as before, or an order once replaced would come back.
 */
function byPerson(s: MarketState, c: PersonCommand, x: Context, hash: Hash): MarketDecision {
  const known = s.commands.get(x.cid);
  if (known) return { ...refuse<MarketEvent>('REPLAY', 'This command was answered before.'), of: known.seq };
  const note = {
    t: 'Acted' as const,
    action: c.type,
    by: c.by,
    ...('race' in c ? { race: c.race } : {}),
    ...('reason' in c ? { reason: c.reason } : {}),
  };
  const outcome = ALLOWED[c.type].some((role) => c.by.roles.includes(role))
    ? act(s, c, x, hash)
    : refuse<MarketEvent>('NOT_AUTHORIZED', `${c.type} needs the role ${ALLOWED[c.type].join(' or ')}.`);
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

// ── Cards ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function publishMeeting(s: MarketState, meeting: MeetingCard): MarketDecision {
  const fault =
    faultOfCard(meeting, takenNames(s), (id) => earlierRace(s, id)) ??
    faultOfCarryIns(s.carryOvers, meeting) ??
    faultOfFunds(s.carryOvers, meeting, published(s));
  if (fault) return refuse('CARD_INVALID', fault.detail, fault.pointer);
  return facts(s, [], [{ t: 'MeetingPublished', meeting }]);
}

const published = (s: MarketState): readonly OwnedPool[] =>
  [...s.pools.values()].map(({ card, race }) => ({ card, currency: currencyOf(s, raceOf(s, race)) }));

/** What a card must know of a race published before it, to make it a leg of its own pools. */
function earlierRace(s: MarketState, id: string): EarlierRace | undefined {
  const race = s.races.get(id);
  const currency = race && s.meetings.get(race.meeting)?.currency;
  if (!race || currency === undefined) return undefined;
  return { currency, postTime: race.card.postTime, isToCome: race.status === 'DRAFT' || isSelling(race) };
}

/** Names in use, and those whose races have left the state: a card that comes again must not sell a race that was paid. */
function takenNames(s: MarketState): TakenNames {
  const taken = (kind: string, live: { has(id: string): boolean }) => ({
    has: (id: string): boolean => live.has(id) || s.retired.has(`${kind} ${id}`),
  });
  return { meetings: taken('meeting', s.meetings), races: taken('race', s.races), pools: taken('pool', s.pools) };
}

// ── The record format ────────────────────────────────────────────────────────────────────────────────────────────────

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

/**
 * What the market knows: its events, and the state that they make. The state is plain data, so that its image is; it must never hold
 * what cannot be told from the log.
 */
import type { Field } from '#mutuel/tote';
import { canonical } from './canonical.js';
import type { CarriedFrom, CarryOver, CarryOvers } from './carry-overs.js';
import { assert, type Decision, refuse, type StateImage } from './decider.js';
import type { BackedRunner, MarketFact, PoolCard, RaceCard, ShardReport } from './facts.js';
import type { Actor, DividendProposal, ProposalSource } from './market-commands.js';
import { newUpkeep, type Upkeep, type UpkeepEvent } from './upkeep.js';

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

// ── State ────────────────────────────────────────────────────────────────────────────────────────────────────────────

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

export type Seal = Extract<ShardReport, { t: 'Seal' }>;
export type Stakes = Extract<ShardReport, { t: 'Stakes' }>;
export type Backing = Extract<ShardReport, { t: 'Backing' }>;
export type Paid = Extract<ShardReport, { t: 'Paid' }>;
export type WeighedReport = Extract<ShardReport, { t: 'Weighed' }>;

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
  /** The official result that the one entered last is to replace, or, of a void race, what its pools over several were paid on; 0 when it is the first. */
  corrects: number;
  /** The correction makes the race void. */
  voided: boolean;
  /** Number of the fact by which the shards were asked what the correction would move; 0 when none. */
  weighing: number;
  /** The time for corrections is over: the shards have let go of the bets. */
  isFinal: boolean;
  /** Pools over several races of which this is a leg, also of meetings published later. */
  readonly legOf: string[];
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

export interface PersonsCommand {
  /** Number of the decision that answered it. */
  readonly seq: number;
  readonly at: number;
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
  /** People's commands of the last day, by their id: a log may hold one twice. */
  readonly commands: Map<string, PersonsCommand>;
  readonly upkeep: Upkeep;
  /** A record format that waits for a second person. */
  proposedFormat: { readonly format: number; readonly by: string } | null;
}

/** Raised with every change of what the state holds. */
export const MARKET_SCHEMA = 7;

export const newMarket = (shards: number): MarketState => ({
  shards,
  factNo: 0,
  reportNo: Array.from({ length: shards }, () => 0),
  lease: { issuedAt: 0, ttlMs: 0 },
  meetings: new Map(),
  races: new Map(),
  pools: new Map(),
  carryOvers: new Map(),
  retired: new Map(),
  commands: new Map(),
  upkeep: newUpkeep(),
  proposedFormat: null,
});

// ── At rest ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface MarketImage
  extends Omit<MarketState, 'meetings' | 'races' | 'pools' | 'carryOvers' | 'retired' | 'commands'> {
  readonly meetings: readonly [string, { readonly currency: string; readonly date: string }][];
  readonly races: readonly MarketRace[];
  readonly pools: readonly MarketPool[];
  readonly carryOvers: readonly [string, CarryOver][];
  readonly retired: readonly [string, number][];
  readonly commands: readonly [string, PersonsCommand][];
}

export const imageOf = (s: MarketState): StateImage => ({
  text: canonical({
    ...{ ...s, meetings: [...s.meetings], races: [...s.races.values()], pools: [...s.pools.values()] },
    carryOvers: [...s.carryOvers],
    retired: [...s.retired],
    commands: [...s.commands],
  }),
  parts: [],
});

export function restore({ text }: StateImage): MarketState {
  const { meetings, races, pools, carryOvers, retired, commands, ...rest } = JSON.parse(text) as MarketImage;
  return {
    ...rest,
    meetings: new Map(meetings),
    races: new Map(races.map((race) => [race.card.raceId, race])),
    pools: new Map(pools.map((pool) => [pool.card.poolId, pool])),
    carryOvers: new Map(carryOvers),
    retired: new Map(retired),
    commands: new Map(commands),
  };
}

// ── Look-ups, and how a decision is written ──────────────────────────────────────────────────────────────────────────

export function poolOf(s: MarketState, id: string): MarketPool {
  const pool = s.pools.get(id);
  assert(pool !== undefined, () => `pool ${id} is not known to the market`);
  return pool;
}

export function raceOf(s: MarketState, id: string): MarketRace {
  const race = s.races.get(id);
  assert(race !== undefined, () => `race ${id} is not known to the market`);
  return race;
}

export const currencyOf = (s: MarketState, race: MarketRace): string => s.meetings.get(race.meeting)?.currency ?? '';

export const fieldOf = (race: MarketRace): Field => ({
  declared: race.card.runners.map((r) => r.number),
  scratched: race.scratched,
  entries: race.entries,
  ...(race.card.handicap ? { handicap: true } : {}),
});

export type MarketDecision = Decision<MarketEvent>;

export function facts(s: MarketState, before: readonly MarketEvent[], list: readonly MarketFact[]): MarketDecision {
  return {
    events: [...before, ...list.map((fact, i): MarketEvent => ({ t: 'Fact', n: s.factNo + 1 + i, fact }))],
    posts: [],
  };
}

export const wrongStatus = (race: MarketRace, done: string): MarketDecision =>
  refuse('RACE_STATUS', `${race.card.raceId} is ${race.status} and cannot be ${done}.`);

/**
 * What the market can be asked. Every command comes in a MAC-verified envelope from a service: people act through the back-office,
 * shards and calculators through their hosts. Roles and persons are checked in the decision, not only at the door.
 */
import { InvariantBroken } from './decider.js';
import type { MeetingCard, PoolOutcome, ShardReport } from './facts.js';
import { isCheckpoint } from './upkeep.js';

export type Role = 'STEWARD' | 'TOTE_OPERATOR' | 'ACCOUNTANT' | 'SERVICE';

/** Who acts: the person, not the session. */
export interface Actor {
  readonly user: string;
  readonly roles: readonly Role[];
  /** The device or session the command came from. */
  readonly device: string;
}

export type ProposalSource = 'ENGINE' | 'AUDIT' | 'PROJECTOR';
export const PROPOSAL_SOURCES: readonly ProposalSource[] = ['ENGINE', 'AUDIT', 'PROJECTOR'];

export interface ProposedDividend {
  readonly tier: string;
  readonly c: string;
  /** Decimal string, stake included: what one currency unit is paid. */
  readonly price: string;
  readonly stakeMinor: number;
  readonly paidMinor: number;
}

/** One calculator's word on a pool. All amounts in minor units; they must balance and agree among all calculators. */
export interface DividendProposal {
  readonly pool: string;
  readonly version: number;
  readonly source: ProposalSource;
  /** Hash over what the calculator priced (see `proposalInputHash`). */
  readonly inputHash: string;
  readonly outcome: PoolOutcome;
  /** Standing stakes that the calculator found by its own fold, before any refund by the ladder. */
  readonly grossMinor: number;
  readonly takeoutMinor: number;
  readonly netMinor: number;
  readonly carryInMinor: number;
  /** Jackpot money that the card puts up; absent: none. */
  readonly jackpotInMinor?: number;
  readonly dividends: readonly ProposedDividend[];
  readonly paidMinor: number;
  readonly refundedMinor: number;
  readonly breakageMinor: number;
  readonly topUpMinor: number;
  /** Of the top-up: what the operator adds to reach the guarantee; absent: nothing. */
  readonly guaranteeMinor?: number;
  readonly carryOutMinor: number;
  /** Of the carry-out: for the jackpot or reserve of the rule set; absent: nothing. */
  readonly jackpotMinor?: number;
  /** Of a correction: what the pool has given on its bets so far, payments and stakes back, by the calculator's own count. */
  readonly settledMinor?: number;
  /** One line of arithmetic per step, rounding named; not compared. */
  readonly steps: readonly string[];
}

type ByPerson<T> = T & { readonly by: Actor };

export type MarketCommand =
  | ByPerson<{ readonly type: 'PublishMeeting'; readonly meeting: MeetingCard }>
  | ByPerson<{
      readonly type: 'OpenRace' | 'SuspendRace' | 'ResumeRace' | 'StopBetting' | 'VoidRace';
      readonly race: string;
      readonly reason: string;
    }>
  | ByPerson<{
      readonly type: 'DeclareLateOff';
      readonly race: string;
      readonly offAt: number;
      readonly reason: string;
    }>
  | ByPerson<{
      readonly type: 'ScratchRunner';
      readonly race: string;
      readonly runner: string;
      readonly reason: string;
    }>
  | ByPerson<{
      readonly type: 'EnterResult';
      readonly race: string;
      readonly finish: readonly (readonly string[])[];
      readonly disqualified: readonly string[];
      readonly reason: string;
    }>
  | ByPerson<{ readonly type: 'ConfirmSettlement'; readonly race: string; readonly previewHash: string }>
  /** The next record format, once every process reads it; another person confirms. */
  | ByPerson<{ readonly type: 'ProposeRecordFormat'; readonly format: number; readonly reason: string }>
  | ByPerson<{ readonly type: 'ConfirmRecordFormat'; readonly format: number }>
  | { readonly type: 'Checkpoint'; readonly day: string }
  | { readonly type: 'RenewLease'; readonly ttlMs: number }
  | { readonly type: 'ShardReport'; readonly shard: number; readonly n: number; readonly report: ShardReport }
  | { readonly type: 'SubmitProposal'; readonly proposal: DividendProposal }
  | { readonly type: 'Malformed'; readonly cause: string };

/** Bounds of texts and lists that are recorded: a decision repeats them and must still fit into one record. */
const MAX_TEXT = 500;
const MAX_LIST = 100;
const MAX_DIVIDENDS = 2_000;
const OUTCOMES: readonly PoolOutcome[] = ['PAID', 'REFUND', 'CARRIED'];
/** What the shards can multiply; anything else agreed on would stop them all. */
const PRICE = /^\d{1,9}(\.\d{1,9})?$/;

type Fields = Record<string, unknown>;

/**
 * Turns the JSON of a command into a command; anything without a service MAC, or out of shape, is decided as malformed. Throws
 * where a shard reports what this release does not know: going on would lose its money.
 */
export function readMarketCommand(value: unknown, trusted: boolean): MarketCommand {
  if (typeof value !== 'object' || value === null) return malformed('the command is not an object');
  const c = value as Fields;
  if (!trusted) return malformed(`${String(c['type']).slice(0, 40)} without a service MAC`);
  if (c['type'] === 'ShardReport') assertKnownReport(c['report']);
  const fault = faultOf(c);
  return fault ? malformed(fault) : (c as unknown as MarketCommand);
}

function faultOf(c: Fields): string | undefined {
  switch (c['type']) {
    case 'PublishMeeting':
      return byPerson(c) ?? (isObject(c['meeting']) ? undefined : 'PublishMeeting needs a meeting');
    case 'OpenRace':
    case 'SuspendRace':
    case 'ResumeRace':
    case 'StopBetting':
    case 'VoidRace':
      return byPerson(c) ?? needsTexts(c, 'race', 'reason');
    case 'DeclareLateOff':
      return (
        byPerson(c) ??
        needsTexts(c, 'race', 'reason') ??
        (isCount(c['offAt']) ? undefined : 'offAt must be milliseconds UTC')
      );
    case 'ScratchRunner':
      return byPerson(c) ?? needsTexts(c, 'race', 'runner', 'reason');
    case 'EnterResult':
      return (
        byPerson(c) ??
        needsTexts(c, 'race') ??
        (isRanks(c['finish']) && isTexts(c['disqualified']) && isShort(c['reason'])
          ? undefined
          : 'EnterResult needs finish as ranks of runners, disqualified and reason')
      );
    case 'ConfirmSettlement':
      return byPerson(c) ?? needsTexts(c, 'race', 'previewHash');
    case 'ProposeRecordFormat':
      return byPerson(c) ?? needsTexts(c, 'reason') ?? needsFormat(c);
    case 'ConfirmRecordFormat':
      return byPerson(c) ?? needsFormat(c);
    case 'Checkpoint':
      return isCheckpoint(c) ? undefined : 'Checkpoint needs a day';
    case 'RenewLease':
      return isCount(c['ttlMs']) ? undefined : 'RenewLease needs ttlMs';
    case 'ShardReport':
      return isCount(c['shard']) && isCount(c['n']) && isObject(c['report'])
        ? undefined
        : 'ShardReport needs shard, n and report';
    case 'SubmitProposal':
      return isProposal(c['proposal']) ? undefined : 'SubmitProposal needs a whole proposal';
    case 'Malformed':
      return String(c['cause']).slice(0, MAX_TEXT);
    default:
      return `unknown command type ${String(c['type']).slice(0, 40)}`;
  }
}

const REPORTS: Record<ShardReport['t'], true> = {
  Seal: true,
  Refund: true,
  Stakes: true,
  Weighed: true,
  Backing: true,
  WillPay: true,
  Paid: true,
};

function assertKnownReport(report: unknown): void {
  const kind = isObject(report) ? report['t'] : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(REPORTS, kind))
    throw new InvariantBroken(`a shard report of kind ${String(kind)} is not known to this release`);
}

const malformed = (cause: string): MarketCommand => ({ type: 'Malformed', cause });

function byPerson(c: Fields): string | undefined {
  const by = c['by'] as Fields | undefined;
  const named =
    isObject(by) && isShort(by['user']) && by['user'].length > 0 && isTexts(by['roles']) && isShort(by['device']);
  return named ? undefined : `${String(c['type'])} needs an actor with user, roles and device`;
}

function needsTexts(c: Fields, ...names: string[]): string | undefined {
  const missing = names.find((name) => !isShort(c[name]) || c[name] === '');
  return missing && `${String(c['type'])} needs ${missing}`;
}

const needsFormat = (c: Fields): string | undefined =>
  isCount(c['format']) ? undefined : `${String(c['type'])} needs a format`;

function isProposal(value: unknown): boolean {
  if (!isObject(value)) return false;
  const amounts = [
    'grossMinor',
    'takeoutMinor',
    'netMinor',
    'carryInMinor',
    'paidMinor',
    'refundedMinor',
    'topUpMinor',
    'carryOutMinor',
  ];
  return (
    ['pool', 'inputHash', 'source'].every((name) => isShort(value[name])) &&
    OUTCOMES.some((outcome) => outcome === value['outcome']) &&
    isCount(value['version']) &&
    amounts.every((name) => isCount(value[name])) &&
    Number.isSafeInteger(value['breakageMinor']) &&
    ['settledMinor', 'jackpotMinor', 'jackpotInMinor', 'guaranteeMinor'].every(
      (name) => value[name] === undefined || isCount(value[name]),
    ) &&
    Array.isArray(value['dividends']) &&
    value['dividends'].length <= MAX_DIVIDENDS &&
    value['dividends'].every(
      (d: unknown) =>
        isObject(d) &&
        ['tier', 'c', 'price'].every((name) => isShort(d[name])) &&
        PRICE.test(d['price'] as string) &&
        isCount(d['stakeMinor']) &&
        isCount(d['paidMinor']),
    ) &&
    Array.isArray(value['steps']) &&
    value['steps'].every((line: unknown) => typeof line === 'string')
  );
}

const isObject = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v);
const isCount = (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0;
const isShort = (v: unknown): v is string => typeof v === 'string' && v.length <= MAX_TEXT;
const isTexts = (v: unknown): v is string[] => Array.isArray(v) && v.length <= MAX_LIST && v.every(isShort);
const isRanks = (v: unknown): boolean =>
  Array.isArray(v) && v.length > 0 && v.length <= MAX_LIST && v.every((r) => isTexts(r) && r.length > 0);

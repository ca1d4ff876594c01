/**
 * What a shard can be asked, and how unknown JSON becomes a command. A malformed client command becomes `Malformed` and is decided
 * like any other; an unknown market fact stops the shard instead, because going on would mean living in another market.
 */
import { type CarriedAccount, type CarriedRef, isCarried } from './carry.js';
import { InvariantBroken } from './decider.js';
import type { MarketFact } from './facts.js';
import { type AskedLimits, LONGEST_EXCLUSION_MS, SHORTEST_EXCLUSION_MS } from './limits.js';
import { isCheckpoint } from './upkeep.js';

/** No amount in the system exceeds this, so that sums over a whole pool stay exact integers. */
export const MAX_AMOUNT = 1_000_000_000_000;
export const MAX_BETS_PER_TICKET = 100;
/** Bets of a report, the first among them. */
export const MAX_REPORT_PARTS = 6;
const MAX_TEXT = 200;
const MAX_SELECTION_TEXT = 4_000;
/** Columns of every runner in two places, with room. */
const MAX_STEP_TEXT = 1_000;

/** Instead of a line's price: the stake is shared by the lines, in whole amounts that the rules take; what is left is not taken. */
export const FLEXI = 0;

export interface BetOrder {
  readonly ref: string;
  readonly pool: string;
  /** Canonical selection text of the tote library. */
  readonly sel: string;
  /** Price of one line, minor units, or FLEXI. */
  readonly unit: number;
  /** Must equal lines × unit; of a flexi bet the most that may be taken. */
  readonly stake: number;
  /** A report: the bets on which what this one wins is staked, one after the other. */
  readonly next?: readonly ReportStep[];
}

/** A later bet of a report. */
export interface ReportStep {
  readonly pool: string;
  readonly sel: string;
  /** Of what the bet before it won, 1 to 4: the rest is paid in hand. */
  readonly quarters: number;
}

export interface PlaceTicket {
  readonly type: 'PlaceTicket';
  readonly account: string;
  /** UUIDv7, lower case, unique per account for ever. */
  readonly ref: string;
  /** Hex hash of the normalised request body. */
  readonly body: string;
  readonly currency: string;
  readonly atomic: boolean;
  readonly channel: string;
  /** 128 random bits in hex, hashed into the Merkle leaf so that a proof shows no neighbour's bet. */
  readonly blind: string;
  readonly bets: readonly BetOrder[];
}

export type ShardCommand =
  | PlaceTicket
  | {
      readonly type: 'CancelTicket';
      readonly account: string;
      readonly ticket: string;
      readonly reason: string;
      readonly by: string;
    }
  | { readonly type: 'AbandonRef'; readonly account: string; readonly ref: string }
  | { readonly type: 'OpenAccount'; readonly account: string; readonly currency: string; readonly by?: string }
  /** `by`: who paid in or out for the holder; `reason`: what they say of it. */
  | {
      readonly type: 'Deposit' | 'Withdraw';
      readonly account: string;
      readonly ref: string;
      readonly amount: number;
      readonly by?: string;
      readonly reason?: string;
    }
  /** `version` must be above that of the limits in force. */
  | {
      readonly type: 'SetLimits';
      readonly account: string;
      readonly limits: AskedLimits;
      readonly version: number;
      readonly by?: string;
    }
  | { readonly type: 'MarketFact'; readonly n: number; readonly fact: MarketFact }
  | { readonly type: 'Continue'; readonly job: number; readonly cursor: number }
  | { readonly type: 'Checkpoint'; readonly day: string }
  | ({ readonly type: 'CarryAccount' } & CarriedAccount)
  | { readonly type: 'CarryRefs'; readonly account: string; readonly refs: readonly CarriedRef[] }
  | { readonly type: 'Malformed'; readonly cause: string };

const FACTS: Record<MarketFact['t'], true> = {
  MeetingPublished: true,
  RaceOpened: true,
  RaceSuspended: true,
  RaceResumed: true,
  BettingClosed: true,
  LateOffDeclared: true,
  RunnerScratched: true,
  ResultEntered: true,
  FavouritesSet: true,
  WillPaysAsked: true,
  DividendsDeclared: true,
  RaceReopened: true,
  CorrectionPriced: true,
  RefundsAsked: true,
  CorrectionsClosed: true,
  RaceVoided: true,
  LeaseRenewed: true,
  RecordFormatRaised: true,
};

type Fields = Record<string, unknown>;

/** Turns the JSON of a command into a command; only a trusted (MAC-verified) envelope may carry facts and money. */
export function readShardCommand(value: unknown, trusted: boolean): ShardCommand {
  if (typeof value !== 'object' || value === null) return malformed('the command is not an object');
  const c = value as Fields;
  switch (c['type']) {
    case 'PlaceTicket':
      return readPlaceTicket(c);
    case 'CancelTicket':
      return isText(c['account']) && isText(c['ticket']) && isText(c['reason']) && isText(c['by'])
        ? (c as unknown as ShardCommand)
        : malformed('CancelTicket needs account, ticket, reason and by');
    case 'AbandonRef':
      return isText(c['account']) && isText(c['ref'])
        ? (c as unknown as ShardCommand)
        : malformed('AbandonRef needs account and ref');
    case 'Continue':
      return isCount(c['job']) && isCount(c['cursor'])
        ? (c as unknown as ShardCommand)
        : malformed('Continue needs job and cursor');
    case 'MarketFact':
      return trusted ? readFact(c) : malformed('MarketFact without a service MAC');
    case 'Checkpoint':
      return trusted && isCheckpoint(c)
        ? (c as unknown as ShardCommand)
        : malformed('Checkpoint needs a service MAC and a day');
    case 'CarryAccount':
    case 'CarryRefs':
      return trusted && isText(c['account']) && isCarried(c)
        ? (c as unknown as ShardCommand)
        : malformed(`${c['type']} needs a service MAC and a whole account`);
    case 'OpenAccount':
    case 'Deposit':
    case 'Withdraw':
    case 'SetLimits':
      return trusted ? readAccountCommand(c) : malformed(`${c['type']} without a service MAC`);
    case 'Malformed':
      return malformed(isText(c['cause']) ? c['cause'] : 'unreadable');
    default:
      return malformed(`unknown command type ${String(c['type']).slice(0, 40)}`);
  }
}

function readPlaceTicket(c: Fields): ShardCommand {
  if (!isText(c['account']) || !isText(c['ref'])) return malformed('PlaceTicket needs account and ref');
  if (!isHex(c['body'], 16, 64) || !isHex(c['blind'], 32, 32))
    return malformed('PlaceTicket needs body and blind in hex');
  if (!isText(c['currency']) || !isText(c['channel']) || typeof c['atomic'] !== 'boolean')
    return malformed('PlaceTicket needs currency, channel and atomic');
  const bets = c['bets'];
  if (!Array.isArray(bets) || bets.length === 0 || bets.length > MAX_BETS_PER_TICKET)
    return malformed(`PlaceTicket needs 1 to ${MAX_BETS_PER_TICKET} bets`);
  for (const bet of bets) if (!isBetOrder(bet)) return malformed('a bet needs ref, pool, sel, unit and stake');
  return c as unknown as PlaceTicket;
}

function isBetOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const b = value as Fields;
  const selection = b['sel'];
  return (
    isText(b['ref']) &&
    isText(b['pool']) &&
    typeof selection === 'string' &&
    selection.length > 0 &&
    selection.length <= MAX_SELECTION_TEXT &&
    (b['unit'] === FLEXI || isAmount(b['unit'])) &&
    isAmount(b['stake']) &&
    (b['next'] === undefined || isReport(b['next']))
  );
}

function isReport(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length >= MAX_REPORT_PARTS) return false;
  return value.every((step: Fields) => {
    const { pool, sel, quarters } = (step ?? {}) as Partial<ReportStep>;
    if (!isText(pool) || typeof sel !== 'string' || sel.length === 0 || sel.length > MAX_STEP_TEXT) return false;
    return isCount(quarters) && quarters >= 1 && quarters <= 4;
  });
}

function readFact(c: Fields): ShardCommand {
  const fact = c['fact'] as { t?: string } | undefined;
  if (!isCount(c['n']) || !fact?.t || !(fact.t in FACTS))
    throw new InvariantBroken(
      `market fact ${String(c['n'])} of kind ${String(fact?.t)} is not known to this release: install one that knows it`,
    );
  return c as unknown as ShardCommand;
}

function readAccountCommand(c: Fields): ShardCommand {
  if (!isText(c['account'])) return malformed(`${String(c['type'])} needs an account`);
  if (c['type'] === 'OpenAccount' && !isText(c['currency'])) return malformed('OpenAccount needs a currency');
  if (c['type'] === 'SetLimits' && !(isLimits(c['limits']) && isCount(c['version'])))
    return malformed('SetLimits needs a version and limits: ticketMax, dayStake, excludeForMs, excludedUntil, blocked');
  if ((c['type'] === 'Deposit' || c['type'] === 'Withdraw') && (!isText(c['ref']) || !isAmount(c['amount'])))
    return malformed(`${c['type']} needs ref and an amount from 1 to ${MAX_AMOUNT}`);
  return c as unknown as ShardCommand;
}

const LIMITS: Record<keyof AskedLimits, (v: unknown) => boolean> = {
  ticketMax: (v) => v === null || isCount(v),
  dayStake: (v) => v === null || isCount(v),
  excludeForMs: (v) => isCount(v) && v >= SHORTEST_EXCLUSION_MS && v <= LONGEST_EXCLUSION_MS,
  excludedUntil: (v) => isCount(v),
  blocked: (v) => typeof v === 'boolean',
};

/** A limit this release does not know must not be taken for none. */
function isLimits(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(
    ([name, v]) => Object.hasOwn(LIMITS, name) && LIMITS[name as keyof AskedLimits](v),
  );
}

const malformed = (cause: string): ShardCommand => ({ type: 'Malformed', cause });

const isText = (v: unknown): v is string => typeof v === 'string' && v.length > 0 && v.length <= MAX_TEXT;

const isCount = (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0;

const isAmount = (v: unknown): v is number => isCount(v) && v > 0 && v <= MAX_AMOUNT;

function isHex(v: unknown, min: number, max: number): v is string {
  if (typeof v !== 'string' || v.length < min || v.length > max) return false;
  for (let i = 0; i < v.length; i++) {
    const code = v.charCodeAt(i);
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
}

/**
 * The evidence of a ticket or of one bet of it: everything that happened to it and who did it, the odds that were shown, the record of
 * its acceptance as the log holds it, receipt, seals and proofs, in one signed file that is checked without us. No name, address or
 * device is in it. It must never pass over a part that contradicts another.
 */
import { createHash } from 'node:crypto';
import { type ReceiptFile, type ReceiptStatement, type SealStatement, type Verdict, verifyReceipt } from './receipt.js';
import { faultOfSignature, readStatement, type Signed, type TrustedKeys } from './signed.js';

/** The signed content. Money in minor units, times in milliseconds UTC. */
export interface EvidenceStatement {
  readonly kind: 'mutuel-evidence';
  readonly v: 1;
  readonly madeAt: number;
  readonly ticketId: string;
  /** The one bet that was asked for; null for all of the ticket. */
  readonly betId: string | null;
  /** The decision that accepted the ticket: its place in the log and its bytes (UTF-8). */
  readonly decision: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly record: string;
  };
  /** Of each pool the last odds that were computed before the bet was accepted. */
  readonly odds: readonly EvidenceOdds[];
  /** In the order of time. */
  readonly events: readonly EvidenceEvent[];
  readonly bets: readonly EvidenceBet[];
  readonly receipt: ReceiptFile;
}

export interface EvidenceOdds {
  readonly poolId: string;
  readonly cycle: number;
  /** When the tick was computed. */
  readonly at: number;
  readonly offset: number;
  readonly cut: { readonly market: number; readonly shards: readonly number[] };
  readonly gross: number;
  readonly rows: readonly unknown[];
}

export interface EvidenceEvent {
  /** Append time of the command. */
  readonly at: number;
  /** `shard-3`, `market`. */
  readonly source: string;
  readonly seq: number;
  /** The account for its own bets, the operator's user for acts of the market, `rules` for what follows by itself. */
  readonly actor: string;
  /** What an act of the market came from: the id of the operator's token; absent for all else. */
  readonly device?: string;
  readonly action: string;
  readonly outcome: 'ACCEPTED' | 'REFUSED';
  readonly betId: string | null;
  /** Signed, as it moved the account. */
  readonly amount: number | null;
  readonly reason: string | null;
  /** How much more the account owes for it (negative: less); absent: nothing. */
  readonly owed?: number;
}

export interface EvidenceBet {
  readonly betId: string;
  readonly placement: string;
  readonly resulting: string;
  readonly settlement: string;
  readonly payout: number;
  readonly refund: number;
}

/** Movements that are added up against payout and refund. */
const BACK = new Set(['CANCEL', 'VOID', 'REFUND', 'PAYOUT', 'CORRECTION']);
/** Kept back of a payout for an older debt: shown, and no part of what the bet was given. */
const APART = new Set(['STAKE', 'RECOVERY']);
const CYCLE_MS = 5_000;

type Findings = { held: string[]; missing: string[]; faults: string[] };

/** An export, read for a pack. */
interface Beside {
  compare(said: EvidenceStatement, receipt: ReceiptStatement, verdict: Findings): void;
}

/** `log`: the export beside it; without one the pack is held against itself alone. */
export function verifyEvidence(file: unknown, keys: TrustedKeys, log?: Beside): Verdict {
  const verdict: Findings = { held: [], missing: [], faults: [] };
  const signed = file as Signed;
  const said =
    typeof signed !== 'object' || signed === null
      ? 'this is no evidence pack: statement, keyId and signature are missing'
      : (faultOfSignature(signed, keys) ?? readStatement<EvidenceStatement>(signed, 'mutuel-evidence'));
  if (typeof said === 'string') {
    verdict.faults.push(`the pack: ${said}`);
    return verdict;
  }
  verdict.held.push(`the pack is signed by key ${signed.keyId}`);
  const { held, missing, faults } = verifyReceipt(said.receipt, keys);
  verdict.held.push(...held);
  verdict.missing.push(...missing);
  verdict.faults.push(...faults);
  if (faults.length > 0) return verdict;
  const receipt = JSON.parse(said.receipt.receipt.statement) as ReceiptStatement;
  checkIds(said, receipt, verdict);
  checkDecision(said, receipt, verdict);
  checkOdds(said, receipt, verdict);
  checkEvents(said, receipt, verdict);
  checkMoney(said, receipt, verdict);
  log?.compare(said, receipt, verdict);
  return verdict;
}

function checkIds({ ticketId, betId, bets }: EvidenceStatement, receipt: ReceiptStatement, { faults }: Findings): void {
  if (receipt.ticketId !== ticketId)
    faults.push(`the pack is of ticket ${ticketId}, its receipt of ${receipt.ticketId}`);
  const wanted = betId === null ? receipt.bets.map((bet) => bet.betId) : [betId];
  for (const id of wanted)
    if (!receipt.bets.some((bet) => bet.betId === id)) faults.push(`bet ${id} is not on the receipt`);
    else if (!bets.some((bet) => bet.betId === id)) faults.push(`the pack says nothing of bet ${id}`);
}

interface AcceptedRecord {
  readonly src: string;
  readonly seq: number;
  readonly at: number;
  readonly events: readonly {
    readonly t: string;
    readonly ticket: string;
    readonly account: string;
    readonly ref: string;
    readonly blind: string;
    readonly total: number;
    readonly bets: readonly { readonly no: number; readonly leaf: string }[];
  }[];
}

function readRecord(text: string): AcceptedRecord | undefined {
  try {
    return (JSON.parse(text) as AcceptedRecord | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The record's hash stands on the receipt: whoever alters either is seen. What both say must be the same. */
function checkDecision({ decision }: EvidenceStatement, receipt: ReceiptStatement, { held, faults }: Findings): void {
  const place = `${decision.topic}/${decision.partition} #${decision.offset}`;
  if (createHash('sha256').update(decision.record, 'utf8').digest('hex') !== receipt.hash) {
    faults.push(`the record at ${place} is not the one whose hash the receipt states`);
    return;
  }
  const said = readRecord(decision.record);
  const accepted = said?.events?.find((event) => event?.t === 'TicketAccepted');
  if (!said || !accepted || !Array.isArray(accepted.bets)) {
    faults.push(`the record at ${place} is no decision that accepted a ticket`);
    return;
  }
  const { src, seq, at } = said;
  const same =
    src === `shard-${receipt.shard}` &&
    seq === receipt.seq &&
    at === receipt.acceptedAt &&
    accepted.ticket === receipt.ticketId &&
    accepted.account === receipt.accountId &&
    accepted.ref === receipt.ticketRef &&
    accepted.blind === receipt.blind &&
    accepted.total === receipt.totalStake &&
    accepted.bets.map(({ no, leaf }) => `${no} ${leaf}`).join() ===
      receipt.bets.map(({ no, leaf }) => `${no} ${leaf}`).join();
  if (same) held.push(`the record at ${place} accepted exactly what the receipt says`);
  else faults.push(`the record at ${place} says other than the receipt`);
}

function checkOdds(said: EvidenceStatement, receipt: ReceiptStatement, verdict: Findings): void {
  for (const poolId of poolsOf(said, receipt)) {
    const odds = said.odds.find((one) => one.poolId === poolId);
    if (!odds) {
      verdict.missing.push(`no odds of ${poolId} had been computed before the bet was accepted`);
      continue;
    }
    const { cycle, at, offset } = odds;
    if (at > receipt.acceptedAt || cycle * CYCLE_MS > receipt.acceptedAt)
      verdict.faults.push(`the odds of ${poolId} are of cycle ${cycle}, computed after the bet was accepted`);
    else if (at < cycle * CYCLE_MS)
      verdict.faults.push(`the odds of ${poolId} were computed before the time of their cycle ${cycle}`);
    else {
      const age = ((receipt.acceptedAt - at) / 1_000).toFixed(1);
      verdict.held.push(`the odds of ${poolId} shown were those of cycle ${cycle} (odds #${offset}), ${age} s old`);
    }
  }
}

function checkEvents({ events }: EvidenceStatement, receipt: ReceiptStatement, { held, faults }: Findings): void {
  const last = new Map<string, EvidenceEvent>();
  let time = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    const before = last.get(event.source);
    if (event.at < time) faults.push(`the events are out of order at ${event.source} #${event.seq}`);
    else if (before && before.seq > event.seq)
      faults.push(`${event.source} #${event.seq} stands behind #${before.seq}`);
    time = event.at;
    last.set(event.source, event);
  }
  const stop = events.find(
    ({ source, action, outcome }) => source === 'market' && action === 'StopBetting' && outcome === 'ACCEPTED',
  );
  const stakes = events.filter(({ action }) => action === 'STAKE');
  const late = stakes.find(({ at }) => at !== receipt.acceptedAt);
  if (late) faults.push(`the stake was taken at ${late.at}, the receipt says ${receipt.acceptedAt}`);
  held.push(
    `${events.length} events in the order of their logs${stop ? `, the stop ${stop.at - receipt.acceptedAt} ms after the bet` : ''}`,
  );
}

/** What came back on each bet is what its state says, and the stake that was taken is the receipt's. */
function checkMoney(said: EvidenceStatement, receipt: ReceiptStatement, { held, missing, faults }: Findings): void {
  for (const { betId, payout, refund, placement } of said.bets) {
    const own = said.events.filter((event) => event.betId === betId);
    const sum = (of: (event: EvidenceEvent) => boolean, part: (event: EvidenceEvent) => number): number =>
      own.filter(of).reduce((total, event) => total + part(event), 0);
    const stake = receipt.bets.find((bet) => bet.betId === betId)?.stake ?? 0;
    const taken = -sum(
      ({ action }) => action === 'STAKE',
      ({ amount }) => amount ?? 0,
    );
    // What a correction could not take is owed: it is taken from the bet all the same.
    const back = sum(
      ({ action }) => BACK.has(action),
      ({ amount, owed = 0 }) => (amount ?? 0) - owed,
    );
    const other = own.find(({ action }) => !APART.has(action) && !BACK.has(action));
    if (other) {
      missing.push(`bet ${betId}: what ${other.action} moved is shown and not added up`);
      continue;
    }
    if (taken !== stake) faults.push(`bet ${betId}: ${taken} was taken from the account, its stake is ${stake}`);
    const stated = placement === 'CANCELLED' ? stake : payout + refund;
    if (back !== stated) faults.push(`bet ${betId}: its movements gave back ${back}, the pack says ${stated}`);
    if (taken === stake && back === stated) held.push(`bet ${betId}: ${stake} was taken and ${back} came back`);
  }
}

/** Pools of the bets that the pack is about. */
function poolsOf({ betId }: EvidenceStatement, receipt: ReceiptStatement): readonly SealStatement['poolId'][] {
  const bets = receipt.bets.filter((bet) => betId === null || bet.betId === betId);
  return [...new Set(bets.map(({ poolId }) => poolId))];
}

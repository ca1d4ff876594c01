/**
 * The ticket that nearly everybody sends, recognised without the schema: bets by columns, nothing optional but `atomic`. What it lets
 * through the schema lets through, with the same result (a test compares them); all else, and every fault, is left to the schema.
 */
import { MAX_AMOUNT, MAX_BETS_PER_TICKET } from '#mutuel/engine';
import {
  type BetBody,
  CURRENCY,
  ID,
  MAX_COLUMNS,
  MAX_RUNNERS,
  RUNNER,
  TICKET_REF,
  type TicketBody,
} from './schemas.js';

const TICKET_FIELDS = new Set(['ticketRef', 'accountId', 'currency', 'atomic', 'bets']);
const BET_FIELDS = new Set(['betRef', 'poolId', 'form', 'columns', 'unitStake', 'stake']);
const FORMS = new Set<unknown>(['STRAIGHT', 'WHEEL'] satisfies BetBody['form'][]);
const MAX_ID = 100;
const MAX_RUNNER = 8;

/** The validated ticket; undefined where the schema has to say. */
export function plainTicket(value: unknown): TicketBody | undefined {
  if (!isRecord(value, TICKET_FIELDS)) return undefined;
  const { ticketRef, accountId, currency, atomic = true, bets } = value as Partial<TicketBody>;
  const plain =
    matches(ticketRef, TICKET_REF) &&
    isId(accountId) &&
    matches(currency, CURRENCY) &&
    typeof atomic === 'boolean' &&
    isListOf(bets, MAX_BETS_PER_TICKET, isPlainBet);
  return plain ? ({ ticketRef, accountId, currency, atomic, bets } as TicketBody) : undefined;
}

function isPlainBet(value: unknown): boolean {
  if (!isRecord(value, BET_FIELDS)) return false;
  const { betRef, poolId, form, columns, unitStake, stake } = value as Partial<BetBody>;
  return (
    isId(betRef) &&
    isId(poolId) &&
    FORMS.has(form) &&
    isAmount(unitStake) &&
    isAmount(stake) &&
    isListOf(columns, MAX_COLUMNS, isColumn)
  );
}

const isColumn = (value: unknown): boolean => isListOf(value, MAX_RUNNERS, isRunner);
const isRunner = (value: unknown): boolean => matches(value, RUNNER) && value.length <= MAX_RUNNER;
const isId = (value: unknown): boolean => matches(value, ID) && value.length <= MAX_ID;
const matches = (value: unknown, pattern: RegExp): value is string => typeof value === 'string' && pattern.test(value);
const isAmount = (value: unknown): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= MAX_AMOUNT;

function isRecord(value: unknown, fields: ReadonlySet<string>): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const field in value) if (!fields.has(field)) return false;
  return true;
}

function isListOf(value: unknown, most: number, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length >= 1 && value.length <= most && value.every(isOne);
}

/**
 * From the body of a ticket to the command of the shard: the selection's compact text, the hash of the normalised body, the random
 * blind. It judges nothing that the shard judges; it refuses only what could not be written into a command.
 */
import { sha256 } from '#mutuel/contracts';
import { type BetOrder, FLEXI, type PlaceTicket, type ReportStep } from '#mutuel/engine';
import { type Form, type Selection, selectionText } from '#mutuel/tote';
import { Problem } from './problem.js';
import { randomId } from './random-ids.js';
import type { BetBody, QuoteBody, TicketBody } from './schemas.js';

/** Hex digits of the body's hash that travel in the command. */
const BODY_DIGITS = 32;

export function placeCommand(body: TicketBody, channel: string): PlaceTicket {
  const bets = body.bets.map(orderOf);
  if (bets.length > 1) requireOwnRefs(bets);
  const { accountId: account, ticketRef: ref, currency, atomic } = body;
  return {
    type: 'PlaceTicket',
    account,
    ref,
    body: bodyHash(account, currency, atomic, bets),
    currency,
    atomic,
    channel,
    blind: randomId(),
    bets,
  };
}

/** Equal for bodies that ask for the same, however they were written. */
function bodyHash(account: string, currency: string, atomic: boolean, bets: readonly BetOrder[]): string {
  const lines = bets.map(({ ref, pool, sel, unit, stake, next }) => [
    ref,
    pool,
    sel,
    unit,
    stake,
    ...(next ? [next] : []),
  ]);
  return sha256(JSON.stringify([account, currency, atomic, lines])).slice(0, BODY_DIGITS);
}

function orderOf(bet: BetBody, index: number): BetOrder {
  const [first, ...later] = partsOf(bet);
  const order = { ref: bet.betRef, pool: first.poolId ?? '', sel: formulaText(first, index) };
  const next = later.map(
    (part): ReportStep => ({
      ...{ pool: part.poolId ?? '', sel: formulaText(part, index), quarters: part.quarters ?? 4 },
    }),
  );
  return { ...order, unit: bet.unitStake ?? FLEXI, stake: bet.stake, ...(next.length > 0 ? { next } : {}) };
}

type AnyBet = BetBody | QuoteBody['bets'][number];
type PartBet = Omit<AnyBet, 'betRef' | 'stake' | 'parts'> & { readonly quarters?: number | undefined };

/** The bets of a report, one after the other; of any other bet itself alone. */
export function partsOf(bet: AnyBet): readonly [PartBet, ...PartBet[]] {
  const [first, ...later] = bet.parts ?? [];
  return first ? [columnsOf(first), ...later.map(columnsOf)] : [bet];
}

const columnsOf = (part: NonNullable<AnyBet['parts']>[number]): PartBet => ({
  ...part,
  form: part.columns.every((column) => column.length === 1 && column[0] !== 'ALL') ? 'STRAIGHT' : 'WHEEL',
});

/** The compact text of a bet's formula; the shard makes it canonical. */
export function formulaText(bet: PartBet, index: number): string {
  const pointer = `/bets/${index}`;
  if (bet.complement !== undefined && bet.form === 'MULTI_LEG')
    throw unsupported(`${pointer}/complement`, 'Over several races each leg has a reserve instead: name alternates.');
  if (bet.alternates !== undefined && bet.form !== 'MULTI_LEG')
    throw unsupported(`${pointer}/alternates`, 'Reserves are named in bets over several races alone.');
  if (bet.form === 'MULTI_LEG' && (bet.columns?.length ?? 0) < 2)
    throw unreadable(`${pointer}/columns`, 'A bet over several races names a column of runners for each of them.');
  const alternates = bet.alternates?.map((named) => (Array.isArray(named) ? (named[0] ?? null) : named));
  const text = selectionText({ ...bet, ...(alternates ? { alternates } : {}) } as Selection & { form: Form });
  if (text !== '') return text;
  throw unreadable(`${pointer}/columns`, 'The selection names no runner.');
}

function unreadable(pointer: string, detail: string): Problem {
  return new Problem('INVALID_SELECTION', detail, { errors: [{ pointer, code: 'INVALID_SELECTION', detail }] });
}

function requireOwnRefs(bets: readonly BetOrder[]): void {
  const seen = new Set<string>();
  for (const [index, { ref }] of bets.entries()) {
    if (seen.has(ref)) {
      const detail = `The betRef ${JSON.stringify(ref)} stands twice in the ticket.`;
      const errors = [{ pointer: `/bets/${index}/betRef`, code: 'DUPLICATE_BET_REF', detail }];
      throw new Problem('DUPLICATE_BET_REF', detail, { errors });
    }
    seen.add(ref);
  }
}

function unsupported(pointer: string, detail: string): Problem {
  return new Problem('NOT_SUPPORTED', detail, { errors: [{ pointer, code: 'NOT_SUPPORTED', detail }] });
}

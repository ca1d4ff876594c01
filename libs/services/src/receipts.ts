/** What a receipt says of an accepted ticket, from the read models: everything that its leaves are hashed from, and its place in the log. */
import type { SqlDatabase } from '#mutuel/runtime';
import type { ReceiptStatement } from '#mutuel/verify';
import { placeOf } from '#mutuel/views';

interface TicketRow {
  readonly shard: number;
  readonly seq: number;
  readonly account: string;
  readonly ref: string;
  readonly at: number;
  readonly hash: string;
  readonly total: number;
  readonly currency: string | null;
  readonly blind: string | null;
}

interface BetRow {
  readonly no: number;
  readonly pool_id: string;
  readonly sel: string;
  readonly lines: number;
  readonly unit: number;
  readonly stake: number;
  readonly leaf: string;
}

/** Null for a ticket that was refused, or that is not known (yet). A cancelled ticket keeps its receipt: its leaves stay in the tree. */
export async function receiptStatement(db: SqlDatabase, ticketId: string): Promise<ReceiptStatement | null> {
  const [ticket] = await db.query<TicketRow>(
    `select shard, seq, account, ref, at, hash, total, currency, blind from tickets
     where shard = $1 and seq = $2 and ticket_id = $3 and blind is not null`,
    [...placeOf(ticketId), ticketId],
  );
  if (!ticket || ticket.blind === null) return null;
  const bets = await db.query<BetRow>(
    `select no, pool_id, sel, lines, unit, stake, leaf from bets
     where shard = $1 and seq = $2 and placement <> 'REJECTED' order by no`,
    [ticket.shard, ticket.seq],
  );
  return {
    kind: 'mutuel-receipt',
    v: 1,
    ticketId,
    ticketRef: ticket.ref,
    accountId: ticket.account,
    currency: ticket.currency ?? '',
    acceptedAt: ticket.at,
    totalStake: ticket.total,
    blind: ticket.blind,
    shard: ticket.shard,
    seq: ticket.seq,
    hash: ticket.hash,
    bets: bets.map(({ no, pool_id: poolId, sel: selection, lines, unit: unitStake, stake, leaf }) => ({
      betId: `${ticketId}-${no + 1}`,
      ...{ no, poolId, selection, lines, unitStake, stake, leaf },
    })),
  };
}

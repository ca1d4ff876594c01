// The receipt of an accepted ticket: every element of the bet, what it cost, and where in the log it stands, so that the
// bettor can have it proved after the close.
import { useEffect, useRef } from 'react';
import { type Currency, instant, money } from '../money.js';
import { poolLabel, readout } from '../slip.js';
import type { Race, Ticket, TicketBody } from '../wire.js';

export interface ReceiptProps {
  ticket: Ticket;
  body: TicketBody;
  replayed: boolean;
  race: Race;
  unit: Currency;
  onDone: () => void;
}

export function Receipt({ ticket, body, replayed, race, unit, onDone }: ReceiptProps) {
  const top = useRef<HTMLDivElement>(null);
  // The button that was pressed is gone: the keyboard goes on from the receipt.
  useEffect(() => top.current?.focus({ preventScroll: true }), []);
  const asked = new Map(body.bets.map((bet) => [bet.betRef, bet]));
  const type = new Map(race.pools.map((pool) => [pool.poolId, pool.type]));
  return (
    <div ref={top} tabIndex={-1} className="receipt" data-testid="receipt" role="status">
      <p className="tick">
        <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden>
          <path
            d="M4 10.5l4 4 8-9"
            fill="none"
            stroke="currentColor"
            strokeWidth="2.6"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
        Bet accepted
      </p>
      {replayed ? <p className="small muted">It had been accepted at the first try; this is the same answer.</p> : null}
      {ticket.bets.map((bet) => {
        const mine = asked.get(bet.betRef);
        const pool = mine === undefined ? undefined : type.get(mine.poolId);
        return (
          <div key={bet.betRef} className="spread">
            <span>
              <b>{pool === undefined ? 'Bet' : poolLabel(pool)}</b> {mine === undefined ? '' : readout(mine)}
              <span className="muted small">
                {' '}
                {bet.lines} line{bet.lines === 1 ? '' : 's'}
                {bet.indicativeOdds == null ? '' : `, odds ${bet.indicativeOdds} when taken`}
              </span>
            </span>
            <span className="nowrap">{money(bet.stake, unit)}</span>
          </div>
        );
      })}
      <dl>
        <dt>Total</dt>
        <dd>
          <b data-testid="receipt-total">{money(ticket.totalStake, unit)}</b>
        </dd>
        <dt>Accepted</dt>
        <dd>{ticket.acceptedAt === null ? '' : instant(ticket.acceptedAt, true)}</dd>
        <dt>Ticket</dt>
        <dd className="mono break" data-testid="ticket-id">
          {ticket.ticketId}
        </dd>
        {ticket.receipt === undefined ? null : (
          <>
            <dt>In the log</dt>
            <dd data-testid="receipt-position">
              shard {ticket.receipt.shard}, number {ticket.receipt.seq.toLocaleString('en-GB')}
            </dd>
            <dt>Hash</dt>
            <dd className="mono break">{ticket.receipt.hash}</dd>
          </>
        )}
        {ticket.balance === undefined ? null : (
          <>
            <dt>Balance</dt>
            <dd>{money(ticket.balance.available, unit)}</dd>
          </>
        )}
      </dl>
      <button type="button" className="plain-button" onClick={onDone} data-testid="bet-again">
        Mark another bet
      </button>
    </div>
  );
}

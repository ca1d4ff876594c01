// The account's own tickets, newest first, with what became of each bet: standing, won and paid, lost, refunded, void.

import { useState } from 'react';
import { Bones, ProblemNote } from '../common/parts.js';
import { useTicket, useTicketIds } from '../common/queries.js';
import type { BettorSession } from '../common/session.js';
import { get } from '../http.js';
import { type Currency, clock, money } from '../money.js';
import { poolLabel, selectionReadout } from '../slip.js';
import type { TicketBet } from '../wire.js';

const SHOWN = 8;

export function Tickets({ session, unit }: { session: BettorSession; unit: Currency }) {
  const ids = useTicketIds(session);
  return (
    <section className="panel" aria-label="My tickets" data-testid="tickets">
      <div className="panel-head">
        <h2>My tickets</h2>
        <span className="small muted">{session.accountId}</span>
      </div>
      {ids.data === undefined ? (
        ids.error === null ? (
          <Bones rows={2} />
        ) : (
          <div className="panel-body">
            <ProblemNote failure={ids.error} />
          </div>
        )
      ) : ids.data.length === 0 ? (
        <p className="panel-body muted">Nothing bet yet. Tickets appear here with what they paid.</p>
      ) : (
        <ul className="tickets">
          {ids.data.slice(0, SHOWN).map((id) => (
            <TicketLine key={id} ticketId={id} session={session} unit={unit} />
          ))}
        </ul>
      )}
    </section>
  );
}

function TicketLine({ ticketId, session, unit }: { ticketId: string; session: BettorSession; unit: Currency }) {
  const { data: ticket } = useTicket(ticketId, session.token);
  if (ticket === undefined) {
    return (
      <li>
        <div className="bone" style={{ height: 36 }} />
      </li>
    );
  }
  return (
    <li data-testid={`ticket-${ticketId}`}>
      {ticket.bets.map((bet) => (
        <div className="bet" key={bet.betRef}>
          <span>
            <b>{place(bet.poolId)}</b> {bet.selection == null ? '' : selectionReadout(bet.selection)}
          </span>
          <span className="right">{money(bet.stake, unit)}</span>
          <span className="tiny">
            {ticket.acceptedAt === null ? '' : clock(ticket.acceptedAt)}, {bet.lines} line{bet.lines === 1 ? '' : 's'}
          </span>
          <BetOutcome bet={bet} unit={unit} />
        </div>
      ))}
      <SaveReceipt ticketId={ticketId} token={session.token} />
    </li>
  );
}

/** The signed receipt as a file to keep, and the page that checks it without us. */
function SaveReceipt({ ticketId, token }: { ticketId: string; token: string }) {
  const [failure, setFailure] = useState<unknown>(null);
  const save = async (): Promise<void> => {
    try {
      const file = await get<unknown>(`/v1/tickets/${encodeURIComponent(ticketId)}/receipt`, token);
      const url = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: 'application/json' }));
      Object.assign(document.createElement('a'), { href: url, download: `receipt-${ticketId}.json` }).click();
      URL.revokeObjectURL(url);
      setFailure(null);
    } catch (fault) {
      setFailure(fault);
    }
  };
  return (
    <p className="tiny spread">
      <button type="button" className="link" data-testid="save-receipt" onClick={() => void save()}>
        Save the receipt
      </button>
      <a href="/receipt.html">Check a receipt</a> <a href="/seals.html">Seals</a>
      {failure === null ? null : <ProblemNote failure={failure} />}
    </p>
  );
}

/** `…-R1-C3-TRIFECTA` → `C3 Trifecta`: what a person needs of a pool's name. */
function place(poolId: string | undefined): string {
  const match = /-(R\d+-)?C(\d+)-([A-Z0-9_]+)$/u.exec(poolId ?? '');
  return match === null ? (poolId ?? '') : `Race ${match[2]}, ${poolLabel(match[3] ?? '').toLowerCase()}`;
}

function BetOutcome({ bet, unit }: { bet: TicketBet; unit: Currency }) {
  const { words, tone } = outcome(bet, unit);
  return (
    <span
      className={`small right ${tone === '' ? 'muted' : ''}`}
      data-testid="bet-outcome"
      style={tone === '' ? {} : { color: `var(--${tone})`, fontWeight: 650 }}
    >
      {words}
    </span>
  );
}

export function outcome(bet: TicketBet, unit: Currency): { words: string; tone: '' | 'turf' | 'stop' } {
  const result = bet.resulting ?? 'NONE';
  if (bet.status === 'CANCELLED') return { words: 'Cancelled, stake returned', tone: '' };
  if (bet.status === 'VOID' || bet.status === 'VOIDED')
    return { words: 'Void: taken after the stop, refunded', tone: 'stop' };
  if (bet.status === 'REJECTED') return { words: `Refused${bet.code == null ? '' : ` (${bet.code})`}`, tone: 'stop' };
  if (result === 'REFUNDED') return { words: `Refunded ${money(bet.refund ?? bet.stake, unit)}`, tone: '' };
  if (result === 'LOST') return { words: 'Lost', tone: '' };
  if (result === 'WON' || result === 'PART_REFUNDED' || result === 'CORRECTED') {
    const paid = money((bet.payout ?? 0) + (bet.refund ?? 0), unit);
    return { words: bet.settlement === 'SETTLED' ? `Won, paid ${paid}` : 'Won, payment on its way', tone: 'turf' };
  }
  return { words: 'Standing', tone: '' };
}

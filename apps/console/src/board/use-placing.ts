// The placing of a ticket as the slip sees it. A ticket under way is kept in the tab's storage before it is sent, so that a
// reload asks for the same reference again instead of losing sight of the bet.
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { v7 } from 'uuid';
import type { BettorSession } from '../common/session.js';
import { ask } from '../http.js';
import { abandon, type Outcome, type Pending, type Progress, place } from '../place.js';
import type { BetBody, Ticket, TicketBody } from '../wire.js';

const KEPT_UNDER = 'mutuel.under-way';

export type Placing =
  | { readonly kind: 'IDLE' }
  | { readonly kind: 'BUSY'; readonly progress: Progress }
  | (Outcome & { readonly body: TicketBody })
  | { readonly kind: 'FAILED'; readonly failure: unknown };

export interface UsePlacing {
  readonly placing: Placing;
  place(bets: BetBody[], currency: string): void;
  /** The same reference and body once more. */
  again(): void;
  /** Gives the reference up: the tote returns the decision it has made, or burns the reference for ever. */
  giveUp(): void;
  clear(): void;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function usePlacing(session: BettorSession | null): UsePlacing {
  const [placing, setPlacing] = useState<Placing>({ kind: 'IDLE' });
  const underWay = useRef<TicketBody | null>(null);
  const queries = useQueryClient();
  const token = session?.token;

  const run = useCallback(
    async (body: TicketBody, attempt: (tell: (progress: Progress) => void) => Promise<Outcome>) => {
      underWay.current = body;
      sessionStorage.setItem(KEPT_UNDER, JSON.stringify(body));
      try {
        const outcome = await attempt((progress) => setPlacing({ kind: 'BUSY', progress }));
        if (outcome.kind !== 'UNKNOWN') sessionStorage.removeItem(KEPT_UNDER);
        setPlacing({ ...outcome, body });
      } catch (failure) {
        setPlacing({ kind: 'FAILED', failure });
      }
      void queries.invalidateQueries({ queryKey: ['account'] });
      void queries.invalidateQueries({ queryKey: ['ticket-ids'] });
    },
    [queries],
  );

  const send = useCallback(
    (body: TicketBody) => {
      setPlacing({ kind: 'BUSY', progress: 'SENDING' });
      void run(body, (tell) => place(body, portsFor(token), tell));
    },
    [run, token],
  );

  useEffect(() => {
    const kept = sessionStorage.getItem(KEPT_UNDER);
    if (kept === null || session === null || underWay.current !== null) return;
    const body = JSON.parse(kept) as TicketBody;
    if (body.accountId === session.accountId) send(body);
  }, [session, send]);

  return {
    placing,
    place: (bets, currency) => {
      if (session === null) return;
      send({ ticketRef: v7(), accountId: session.accountId, currency, atomic: true, bets });
    },
    again: () => {
      if (underWay.current !== null) send(underWay.current);
    },
    giveUp: () => {
      const body = underWay.current;
      if (body === null) return;
      void run(body, (tell) => {
        tell('WAITING');
        return abandon(body, { burn: (path) => ask<Ticket>(path, { method: 'POST', body: {}, token }) });
      });
    },
    clear: () => {
      underWay.current = null;
      sessionStorage.removeItem(KEPT_UNDER);
      setPlacing({ kind: 'IDLE' });
    },
  };
}

function portsFor(token: string | undefined) {
  return {
    send: (body: TicketBody) => ask<Ticket | Pending>('/v1/tickets', { method: 'POST', body, token }),
    look: (href: string) => ask<Ticket | Pending>(href, { token }),
    sleep,
  };
}

// The foot of the slip: what the marks cost by our own count and by the tote's, why the bet cannot be sent, the button that
// sends it, and what to do when its outcome is unknown. Where the two counts differ the tote's is shown.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ProblemNote, ProblemText } from '../common/parts.js';
import type { BettorSession } from '../common/session.js';
import { post } from '../http.js';
import { type Currency, money } from '../money.js';
import { cost, lines, missing, type Slip, toBets } from '../slip.js';
import type { PoolSummary, Quote } from '../wire.js';
import type { UsePlacing } from './use-placing.js';

const QUOTE_DELAY_MS = 250;

interface SumProps {
  slip: Slip;
  pool: PoolSummary;
  unit: Currency;
  session: BettorSession | null;
  selling: boolean;
  placing: UsePlacing;
  available: number | null;
}

export function Sum({ slip, pool, unit, session, selling, placing, available }: SumProps) {
  const gap = stakeSentence(missing(slip, pool), pool, unit);
  const quote = useQuote(slip, session, unit, gap === null && selling);
  const told = gap === null && !quote.isPlaceholderData ? quote.data : undefined;
  const count = told?.lines ?? lines(slip);
  const total = told?.cost ?? cost(slip);
  const short = available !== null && total > available;
  const state = placing.placing;
  const busy = state.kind === 'BUSY';
  const why = !selling
    ? 'Betting on this race is not open.'
    : session === null
      ? 'Choose an account to bet.'
      : (gap ?? (short ? 'The account does not hold that much.' : null));
  return (
    <>
      <div className="sum" aria-live="polite">
        <div className="spread">
          <span data-testid="line-count" className={count === 0 ? 'muted' : ''}>
            {count === 0
              ? 'No line yet'
              : `${count.toLocaleString('en-GB')} line${count === 1 ? '' : 's'} × ${money(slip.unitStake, unit)}`}
          </span>
          <span className={`big${count === 0 ? ' muted' : ''}`} data-testid="cost">
            {money(total, unit)}
          </span>
        </div>
        <QuoteLine quote={told} failure={gap === null ? quote.error : null} />
      </div>
      {state.kind === 'REFUSED' ? <ProblemText problem={state.problem} testId="refusal" /> : null}
      {state.kind === 'FAILED' ? <ProblemNote failure={state.failure} /> : null}
      <button
        type="button"
        className="slip-button"
        disabled={why !== null || busy}
        data-testid="place-bet"
        onClick={() => placing.place(toBets(slip), unit.currency)}
      >
        {busy ? PROGRESS[state.progress] : count === 0 ? 'Bet' : `Bet ${money(total, unit)}`}
      </button>
      {why === null ? null : (
        <p className="small muted" style={{ marginTop: -6 }} data-testid="why-not">
          {why}
        </p>
      )}
    </>
  );
}

const PROGRESS = {
  SENDING: 'Placing the bet',
  WAITING: 'Waiting for the decision',
  ASKING_AGAIN: 'No answer yet, asking again',
} as const;

function stakeSentence(gap: string | null, pool: PoolSummary, unit: Currency): string | null {
  if (gap === 'BELOW_MIN') return `The smallest stake in this pool is ${money(pool.minStake, unit)}.`;
  if (gap === 'NOT_MULTIPLE') return `Stakes in this pool go in steps of ${money(pool.unitMultiple, unit)}.`;
  return gap;
}

interface ToldQuote {
  lines: number | null;
  cost: number | null;
  odds: string | null;
  refusal: string | null;
}

function useQuote(slip: Slip, session: BettorSession | null, unit: Currency, enabled: boolean) {
  const key = JSON.stringify(toBets(slip));
  const settled = useSettled(key, QUOTE_DELAY_MS);
  return useQuery({
    queryKey: ['quote', session?.accountId, settled],
    queryFn: async () => {
      const who = session === null ? {} : { accountId: session.accountId };
      const body = { ...who, currency: unit.currency, atomic: true, bets: JSON.parse(settled) as unknown };
      return readQuote(await post<Quote>('/v1/quotes', body, session?.token));
    },
    enabled: enabled && settled === key,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

function readQuote(quote: Quote): ToldQuote {
  const bets = quote.bets ?? [];
  const sum = (pick: (bet: (typeof bets)[number]) => number | undefined) =>
    bets.length === 0 ? null : bets.reduce((total, bet) => total + (pick(bet) ?? 0), 0);
  const only = bets.length === 1 ? bets[0] : undefined;
  const moved = only?.oddsBefore != null && only.oddsAfter != null;
  const refusal = bets
    .map((bet) => bet.refusal?.detail ?? bet.refusal?.code)
    .find((sentence) => sentence !== undefined);
  return {
    lines: quote.lines ?? sum((bet) => bet.lines),
    cost: quote.cost ?? sum((bet) => bet.cost ?? bet.stake),
    odds: moved ? `${only.oddsBefore} now, ${only.oddsAfter} with your stake` : null,
    refusal: refusal ?? null,
  };
}

function QuoteLine({ quote, failure }: { quote: ToldQuote | undefined; failure: unknown }) {
  if (failure !== null) return <ProblemNote failure={failure} testId="quote-problem" />;
  if (quote === undefined) return null;
  return (
    <p className="small muted" data-testid="quote">
      {quote.refusal === null ? 'Counted by the tote.' : quote.refusal}
      {quote.odds === null ? '' : ` Indicative odds ${quote.odds}.`}
    </p>
  );
}

/** The value once it has stood still for a while. */
function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

export function Unknown({ placing }: { placing: UsePlacing }) {
  return (
    <div className="stack" data-testid="unknown">
      <div className="note warn" role="alert">
        <strong>We do not know yet whether this bet was taken.</strong>
        No answer came back. Asking again uses the same reference, so the bet cannot be placed twice.
      </div>
      <button type="button" className="slip-button" onClick={placing.again} data-testid="ask-again">
        Ask again
      </button>
      <button type="button" className="plain-button" onClick={placing.giveUp} data-testid="give-up">
        Give this bet up
      </button>
    </div>
  );
}

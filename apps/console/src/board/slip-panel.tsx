// The betting slip: pool, form, marks, unit, cost, and the one button that bets. The line count on it is our own and the
// tote's quote stands beside it; where they differ the tote's is shown. It must never send a second ticket while the first
// one's outcome is unknown.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { post } from '../http.js';
import { type Currency, money, parseMoney, plainAmount } from '../money.js';
import { ProblemNote, ProblemText } from '../shared/parts.js';
import { faceOf, isAhead } from '../shared/race-face.js';
import type { BettorSession } from '../shared/session.js';
import {
  columnsOf,
  cost,
  emptySlip,
  type Form,
  lines,
  mark,
  markAll,
  missing,
  poolLabel,
  type Slip,
  shapeOf,
  toBets,
} from '../slip.js';
import type { PoolSummary, Quote, Race } from '../wire.js';
import { Marks } from './marks.js';
import { Receipt } from './receipt.js';
import type { UsePlacing } from './use-placing.js';

const POSITIONS = ['First', 'Second', 'Third', 'Fourth', 'Fifth'];
const FORMS: readonly { form: Form; label: string }[] = [
  { form: 'STRAIGHT', label: 'Straight' },
  { form: 'BOX', label: 'Box' },
  { form: 'WHEEL', label: 'Wheel' },
];
const QUOTE_DELAY_MS = 250;

export interface SlipPanelProps {
  race: Race;
  status: string;
  selling: boolean;
  slip: Slip | null;
  onSlip: (slip: Slip) => void;
  session: BettorSession | null;
  placing: UsePlacing;
  available: number | null;
  unit: Currency;
  className?: string;
}

export function SlipPanel(props: SlipPanelProps) {
  const { race, slip, unit, placing } = props;
  const state = placing.placing;
  return (
    <section className={`panel slip ${props.className ?? ''}`} aria-label="Bet slip" data-testid="slip">
      <div className="panel-head">
        <h2>Bet slip</h2>
        <span className="small muted">
          Race {race.number}
          {props.available === null ? '' : ` · ${money(props.available, unit)} available`}
        </span>
      </div>
      <div className="panel-body">
        {state.kind === 'ACCEPTED' ? (
          <Receipt
            ticket={state.ticket}
            body={state.body}
            replayed={state.replayed}
            race={race}
            unit={unit}
            onDone={() => {
              placing.clear();
              if (slip !== null) props.onSlip({ ...slip, columns: [] });
            }}
          />
        ) : state.kind === 'UNKNOWN' ? (
          <Unknown placing={placing} />
        ) : slip === null || !isAhead(props.status) ? (
          <p className="muted" data-testid="no-slip">
            {faceOf(props.status).sentence ?? 'No pool of this race is open.'}
          </p>
        ) : (
          <Marking {...props} slip={slip} />
        )}
      </div>
    </section>
  );
}

function Marking(props: SlipPanelProps & { slip: Slip }) {
  const { race, slip, unit, session, selling, placing } = props;
  const onSlip = (next: Slip) => {
    // What was refused was the slip as it stood; a changed one has not been refused yet.
    if (placing.placing.kind === 'REFUSED' || placing.placing.kind === 'FAILED') placing.clear();
    props.onSlip(next);
  };
  const pool = race.pools.find((one) => one.poolId === slip.poolId);
  const shape = shapeOf(slip.type);
  if (pool === undefined || shape === undefined) return null;
  return (
    <>
      <PoolChoice race={race} slip={slip} onSlip={onSlip} />
      {shape.places > 1 ? <FormChoice slip={slip} onSlip={onSlip} /> : null}
      <p className="small muted" style={{ marginTop: -6 }}>
        {explain(slip)}
      </p>
      {Array.from({ length: columnsOf(slip) }, (_, column) => column).map((column) => (
        <Marks
          key={`${slip.poolId}${slip.form}${column}`}
          testId={`marks-${column}`}
          legend={legend(slip, column)}
          runners={race.runners}
          marked={slip.columns[column] ?? []}
          withField={slip.form !== 'STRAIGHT'}
          onMark={(runner) => onSlip(mark(slip, column, runner))}
          onField={() => onSlip(markAll(slip, column, field(race)))}
        />
      ))}
      <Stake slip={slip} pool={pool} unit={unit} onSlip={onSlip} />
      <Sum
        slip={slip}
        pool={pool}
        unit={unit}
        session={session}
        selling={selling}
        placing={placing}
        available={props.available}
      />
    </>
  );
}

function field(race: Race): string[] {
  return race.runners.filter((runner) => runner.status !== 'SCRATCHED').map((runner) => runner.number);
}

function legend(slip: Slip, column: number): string {
  const shape = shapeOf(slip.type);
  if (shape === undefined || shape.places === 1) return 'Runners, one bet for each';
  if (slip.form === 'BOX') return 'Runners in the box';
  const position = POSITIONS[column] ?? `Position ${column + 1}`;
  return shape.ordered ? position : `Runner ${column + 1}`;
}

function explain(slip: Slip): string {
  const hint = shapeOf(slip.type)?.hint ?? '';
  if (slip.form === 'BOX') return `${hint} A box covers every arrangement of the runners you mark.`;
  if (slip.form === 'WHEEL') return `${hint} A wheel covers each marked runner at its position.`;
  return hint;
}

function PoolChoice({ race, slip, onSlip }: { race: Race; slip: Slip; onSlip: (slip: Slip) => void }) {
  return (
    <fieldset className="choices">
      <legend className="sr">Pool</legend>
      {race.pools
        .filter((pool) => shapeOf(pool.type) !== undefined)
        .map((pool) => (
          <button
            key={pool.poolId}
            type="button"
            className="choice"
            aria-pressed={pool.poolId === slip.poolId}
            data-testid={`slip-pool-${pool.type}`}
            onClick={() => {
              if (pool.poolId !== slip.poolId) onSlip(emptySlip(pool, Math.max(slip.unitStake, pool.minStake)));
            }}
          >
            {poolLabel(pool.type)}
          </button>
        ))}
    </fieldset>
  );
}

function FormChoice({ slip, onSlip }: { slip: Slip; onSlip: (slip: Slip) => void }) {
  return (
    <fieldset className="choices">
      <legend className="sr">Form</legend>
      {FORMS.map(({ form, label }) => (
        <button
          key={form}
          type="button"
          className="choice"
          aria-pressed={form === slip.form}
          data-testid={`slip-form-${form}`}
          onClick={() => {
            if (form !== slip.form) onSlip({ ...slip, form, columns: carried(slip, form) });
          }}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}

/** Marks that keep their meaning under another form: straight into wheel as they stand, into a box all together. */
function carried(slip: Slip, form: Form): string[][] {
  if (form === 'BOX') return [[...new Set(slip.columns.flat())]];
  return slip.form === 'STRAIGHT' ? slip.columns.map((column) => [...column]) : [];
}

function Stake(props: { slip: Slip; pool: PoolSummary; unit: Currency; onSlip: (slip: Slip) => void }) {
  const { slip, pool, unit, onSlip } = props;
  const [typed, setTyped] = useState(plainAmount(slip.unitStake, unit.exponent));
  const parsed = parseMoney(typed, unit.exponent);
  // A tap on a chip or another pool's minimum changes the amount from outside: the box follows.
  useEffect(() => {
    setTyped((now) =>
      parseMoney(now, unit.exponent) === slip.unitStake ? now : plainAmount(slip.unitStake, unit.exponent),
    );
  }, [slip.unitStake, unit.exponent]);
  const chips = [1, 2, 5, 10].map((times) => baseUnit(pool, unit) * times);
  const word = (shapeOf(slip.type)?.places ?? 1) > 1 ? 'Stake a line' : 'Stake on each';
  return (
    <div>
      <label className="legend" htmlFor="unit-stake" style={{ display: 'block' }}>
        {word}
      </label>
      <div className="stake">
        <input
          id="unit-stake"
          inputMode="decimal"
          autoComplete="off"
          value={typed}
          aria-invalid={parsed === null || parsed < pool.minStake}
          aria-describedby="stake-hint"
          data-testid="unit-stake"
          onChange={(event) => {
            setTyped(event.target.value);
            const minor = parseMoney(event.target.value, unit.exponent);
            if (minor !== null) onSlip({ ...slip, unitStake: minor });
          }}
        />
        <div className="choices">
          {chips.map((minor) => (
            <button
              key={minor}
              type="button"
              className="choice"
              aria-pressed={slip.unitStake === minor}
              onClick={() => onSlip({ ...slip, unitStake: minor })}
            >
              {plainAmount(minor, unit.exponent)}
            </button>
          ))}
        </div>
      </div>
      <p id="stake-hint" className="tiny" style={{ marginTop: 5 }}>
        From {money(pool.minStake, unit)}, in steps of {money(pool.unitMultiple || 1, unit)}.
      </p>
    </div>
  );
}

/** The smallest stake of the pool, or one unit of the currency where a pool takes single cents. */
export function baseUnit(pool: { minStake: number }, unit: Currency): number {
  return pool.minStake >= 10 ? pool.minStake : 10 ** unit.exponent;
}

interface SumProps {
  slip: Slip;
  pool: PoolSummary;
  unit: Currency;
  session: BettorSession | null;
  selling: boolean;
  placing: UsePlacing;
  available: number | null;
}

function Sum({ slip, pool, unit, session, selling, placing, available }: SumProps) {
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

function Unknown({ placing }: { placing: UsePlacing }) {
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

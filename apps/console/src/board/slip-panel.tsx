// The betting slip: pool, form, marks and unit; then the receipt, or the question what to do about an unknown outcome. It
// must never offer another bet while the outcome of the last one is unknown.
import { useEffect, useState } from 'react';
import { useLegs } from '../common/queries.js';
import { faceOf, isAhead } from '../common/race-face.js';
import type { BettorSession } from '../common/session.js';
import { type Currency, money, parseMoney, plainAmount } from '../money.js';
import { columnsOf, emptySlip, type Form, mark, markAll, poolLabel, type Slip, shapeOf } from '../slip.js';
import type { PoolSummary, Race } from '../wire.js';
import { Marks } from './marks.js';
import { Receipt } from './receipt.js';
import { Sum, Unknown } from './slip-sum.js';
import type { UsePlacing } from './use-placing.js';

const POSITIONS = ['First', 'Second', 'Third', 'Fourth', 'Fifth'];
const FORMS: readonly { form: Form; label: string }[] = [
  { form: 'STRAIGHT', label: 'Straight' },
  { form: 'BOX', label: 'Box' },
  { form: 'WHEEL', label: 'Wheel' },
];

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
  const legs = useLegs(pool?.legs ?? []);
  if (pool === undefined || shape === undefined) return null;
  return (
    <>
      <PoolChoice race={race} slip={slip} onSlip={onSlip} />
      {shape.places > 1 && shape.upTo === undefined && !shape.legs ? <FormChoice slip={slip} onSlip={onSlip} /> : null}
      <p className="small muted" style={{ marginTop: -6 }}>
        {explain(slip)}
      </p>
      {Array.from({ length: columnsOf(slip) }, (_, column) => column).map((column) => (
        <Marks
          key={`${slip.poolId}${slip.form}${column}`}
          testId={`marks-${column}`}
          legend={shape.legs ? legLegend(legs[column], column) : legend(slip, column)}
          runners={shape.legs ? (legs[column]?.runners ?? []) : race.runners}
          marked={slip.columns[column] ?? []}
          withField={slip.form !== 'STRAIGHT' && shape.upTo === undefined}
          onMark={(runner) => onSlip(mark(slip, column, runner))}
          onField={() => onSlip(markAll(slip, column, field(shape.legs ? (legs[column] ?? race) : race)))}
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

const legLegend = (race: Race | undefined, column: number): string =>
  race === undefined ? `Leg ${column + 1}` : `Leg ${column + 1}: race ${race.number}, ${race.name}`;

function field(race: Race): string[] {
  return race.runners.filter((runner) => runner.status !== 'SCRATCHED').map((runner) => runner.number);
}

function legend(slip: Slip, column: number): string {
  const shape = shapeOf(slip.type);
  if (shape === undefined || shape.places === 1) return 'Runners, one bet for each';
  if (shape.upTo !== undefined) return `${shape.places} to ${shape.upTo} runners`;
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

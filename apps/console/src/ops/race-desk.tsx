// The race in hand: its state, what may be done now, the order, the settlement. Commands are offered only where the state
// and the person's role allow them; the market has the last word.
import { useState } from 'react';
import { useNow } from '../common/now.js';
import { Cloth, StatusPill } from '../common/parts.js';
import { isAhead } from '../common/race-face.js';
import type { OperatorSession } from '../common/session.js';
import { type Currency, clock, instant, money, span, wholeMoney } from '../money.js';
import type { Overview, Race } from '../wire.js';
import { CommandDialog, WORDS } from './command-dialog.js';
import { OrderEntry } from './order-entry.js';
import type { Acknowledged } from './queries.js';
import { type Action, actionsIn, may, roleName } from './roles.js';
import { Settlement } from './settlement.js';

export interface RaceDeskProps {
  race: Race;
  line: Overview['races'][number];
  course: string;
  operator: OperatorSession;
  unit: Currency;
  onSwitchPerson: () => void;
}

type Asked = keyof typeof WORDS;

export function RaceDesk({ race, line, course, operator, unit, onSwitchPerson }: RaceDeskProps) {
  const [asking, setAsking] = useState<Asked | null>(null);
  const [answer, setAnswer] = useState<{ action: Asked; answer: Acknowledged } | null>(null);
  const [entering, setEntering] = useState(false);
  const status = line.status;
  const corrects = race.result?.corrects != null;
  // Who was late is not asked again once money was paid.
  const offered = actionsIn(status).filter((action) => action !== 'late-off' || !corrects);
  const settling = ['PROVISIONAL', 'OFFICIAL', 'PAYING', 'SETTLED', 'REOPENED'].includes(status);
  const official = status === 'PAYING' || status === 'SETTLED';
  const again = status === 'PROVISIONAL' || official;
  const enters = offered.includes('result') && may(operator.roles, 'result') && (!again || entering);
  return (
    <div className="stack">
      <section className="panel" aria-label={`Race ${race.number}`} data-testid="race-desk" data-status={status}>
        <Head race={race} line={line} course={course} unit={unit} />
        <div className="actions">
          {offered.filter(isAsked).map((action) => (
            <button
              key={action}
              type="button"
              className={`act ${action === 'close' ? 'stop' : action === 'void' ? 'grave' : action === 'open' || action === 'resume' ? 'main' : ''}`}
              disabled={!may(operator.roles, action)}
              title={may(operator.roles, action) ? undefined : `Not for a ${operator.roles.map(roleName).join(', ')}`}
              data-testid={`act-${action}`}
              onClick={() => setAsking(action)}
            >
              {WORDS[action].title}
            </button>
          ))}
          {again && may(operator.roles, 'result') && !entering ? (
            <button type="button" className="act" onClick={() => setEntering(true)} data-testid="re-enter">
              {official ? 'Correct the result' : 'Enter another order'}
            </button>
          ) : null}
          {offered.length === 0 || official ? <span className="small muted">{closing(status)}</span> : null}
        </div>
      </section>
      <Stopped line={line} answer={answer} />
      {enters ? (
        <section className="panel" aria-label="Order of finish">
          <div className="panel-head">
            <h2>Order of finish</h2>
          </div>
          <OrderEntry
            key={race.result?.version ?? 0}
            race={race}
            operator={operator}
            onDone={() => setEntering(false)}
            onCancel={entering ? () => setEntering(false) : null}
          />
        </section>
      ) : null}
      {settling ? <Settlement race={race} operator={operator} unit={unit} onSwitchPerson={onSwitchPerson} /> : null}
      {settling || enters ? null : <Field race={race} />}
      {asking === null ? null : (
        <CommandDialog
          action={asking}
          race={race}
          operator={operator}
          onClose={() => setAsking(null)}
          onDone={(action, given) => {
            setAnswer({ action, answer: given });
            setAsking(null);
          }}
        />
      )}
    </div>
  );
}

/** `2/2 shards` → `2 of 2`. */
export function sealCount(sealed: string): string {
  const [n = '', m = ''] = sealed.replace(' shards', '').split('/');
  return `${n} of ${m}`;
}

function isAsked(action: Action): action is Asked {
  return action in WORDS;
}

function closing(status: string): string {
  if (status === 'VOID') return 'This race is void and refunded. Nothing is left to do.';
  if (status === 'SETTLED') return 'Every winner is paid. Nothing is left to do.';
  return 'The winners are being paid.';
}

function Head({ race, line, course, unit }: Pick<RaceDeskProps, 'race' | 'line' | 'course' | 'unit'>) {
  const left = Date.parse(race.postTime) - useNow();
  return (
    <div className="desk-head">
      <div className="spread">
        <span className="small muted">
          {course}, race {race.number}, post time {clock(race.postTime)}
          {isAhead(line.status) ? (left >= 0 ? `, in ${span(left)}` : `, ${span(left)} past`) : ''}
        </span>
        <StatusPill status={line.status} />
      </div>
      <h1>{race.name}</h1>
      <p className="row small muted" style={{ gap: '4px 18px' }}>
        <span>
          <b style={{ color: 'var(--ink)' }} data-testid="race-sales">
            {wholeMoney(line.gross, unit)}
          </b>{' '}
          in {line.bets.toLocaleString('en-GB')} bets
        </span>
        <span>{race.runners.filter((runner) => runner.status !== 'SCRATCHED').length} runners</span>
        {line.sealed === null ? null : <span data-testid="seals">seals {sealCount(line.sealed)}</span>}
        {line.offAt === null ? null : <span>off at {instant(line.offAt)}</span>}
        {line.voidedAfterStop.count === 0 ? null : (
          <span>
            {line.voidedAfterStop.count} voided after the stop ({money(line.voidedAfterStop.amount, unit)})
          </span>
        )}
      </p>
    </div>
  );
}

function Stopped({
  line,
  answer,
}: {
  line: RaceDeskProps['line'];
  answer: { action: Asked; answer: Acknowledged } | null;
}) {
  const stopped = line.stopAt !== null && ['CLOSING', 'CLOSED', 'PROVISIONAL'].includes(line.status);
  return (
    <div className="told" aria-live="assertive">
      {stopped ? (
        <div className="stopped" data-testid="stopped" data-stop-at={line.stopAt}>
          <b>Betting stopped at {instant(line.stopAt ?? '', true)}</b>
          <span className="small">
            {line.sealed === null
              ? 'The shards are sealing their pools.'
              : `Seals of the shards: ${sealCount(line.sealed)}.`}
            {line.stopDelayMs === null
              ? ''
              : ` The last of them closed ${line.stopDelayMs.toLocaleString('en-GB')} ms after the stop.`}
            {answer?.action === 'close' ? ` The market wrote the command down as number ${answer.answer.seq}.` : ''}
          </span>
        </div>
      ) : answer === null || answer.action === 'close' ? null : (
        <div className="note good" data-testid="acknowledged">
          <strong>{WORDS[answer.action].title}: accepted</strong>
          The market wrote the command down as number {answer.answer.seq}.
        </div>
      )}
    </div>
  );
}

function Field({ race }: { race: Race }) {
  return (
    <section className="panel" aria-label="Runners">
      <div className="panel-head">
        <h2>Runners</h2>
      </div>
      <div className="panel-body">
        <ul className="finish">
          {race.runners.map((runner) => (
            <li key={runner.number} style={{ gridTemplateColumns: '30px minmax(0, 1fr)', alignItems: 'center' }}>
              <Cloth number={runner.number} out={runner.status === 'SCRATCHED'} />
              <span className={`break ${runner.status === 'SCRATCHED' ? 'muted' : ''}`}>
                {runner.name}
                {runner.status === 'SCRATCHED' ? ', scratched' : ''}
              </span>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

// The operator's page: sign in, see the day, take one race in hand. It follows the race that needs somebody next until one
// is picked.
import '../styles/ops.css';
import { useEffect, useRef, useState } from 'react';
import { Bones, Masthead, ProblemNote, StatusPill } from '../common/parts.js';
import { useMeetings, useRace } from '../common/queries.js';
import { courseOf } from '../common/race-face.js';
import { type OperatorSession, useSession } from '../common/session.js';
import { type Currency, clock, wholeMoney } from '../money.js';
import type { Meeting, Overview } from '../wire.js';
import { Audit } from './audit.js';
import { inHand } from './in-hand.js';
import { useOverview } from './queries.js';
import { RaceDesk, sealCount } from './race-desk.js';
import { givenName, roleName } from './roles.js';
import { SignIn } from './sign-in.js';
import { Watch } from './watch.js';

const EURO: Currency = { currency: 'EUR', exponent: 2 };

export default function OpsPage() {
  const [operator, setOperator] = useSession<OperatorSession>('mutuel.operator');
  return (
    <div className="page">
      <Masthead here="ops">
        {operator === null ? null : (
          <div className="row" style={{ gap: 10, flexWrap: 'nowrap' }}>
            <span className="small right" data-testid="signed-in">
              <b>{givenName(operator.name)}</b>
              <span className="muted role"> {operator.roles.map(roleName).join(', ')}</span>
            </span>
            <button type="button" className="plain-button" onClick={() => setOperator(null)} data-testid="sign-out">
              Sign out
            </button>
          </div>
        )}
      </Masthead>
      <main id="main">
        {operator === null ? (
          <SignIn onSession={setOperator} />
        ) : (
          <Room key={operator.token} operator={operator} onSignOut={() => setOperator(null)} />
        )}
      </main>
    </div>
  );
}

function Room({ operator, onSignOut }: { operator: OperatorSession; onSignOut: () => void }) {
  const overview = useOverview(operator);
  const meetings = useMeetings();
  const [picked, setPicked] = useState<string | null>(() => new URLSearchParams(window.location.search).get('race'));
  const races = overview.data?.races ?? [];
  const line = races.find((race) => race.raceId === picked) ?? inHand(races);
  const race = useRace(line?.raceId ?? null);
  const unit = meetings.data?.find((meeting) => meeting.meetingId === line?.meetingId) ?? EURO;
  const pick = (raceId: string) => {
    setPicked(raceId);
    window.history.replaceState(null, '', `/ops?race=${encodeURIComponent(raceId)}`);
  };
  if (overview.data === undefined) {
    return (
      <section className="panel">
        {overview.error === null ? null : (
          <div className="panel-body stack">
            <ProblemNote failure={overview.error} />
            <button type="button" className="act" onClick={onSignOut}>
              Sign in again
            </button>
          </div>
        )}
        <Bones rows={7} height={26} />
      </section>
    );
  }
  return (
    <>
      <Watch overview={overview.data} unit={unit} />
      {overview.error === null ? null : (
        <div style={{ marginBottom: 16 }}>
          <ProblemNote failure={overview.error} />
        </div>
      )}
      <div className="room">
        <Day races={races} meetings={meetings.data ?? []} shown={line?.raceId ?? null} unit={unit} onPick={pick} />
        {line === null ? (
          <section className="panel panel-body">
            <p className="muted">No race is on the card. Load a meeting to begin.</p>
          </section>
        ) : race.data === undefined || race.data.raceId !== line.raceId ? (
          <section className="panel">
            <ProblemNote failure={race.error} />
            <Bones rows={6} />
          </section>
        ) : (
          <RaceDesk
            key={line.raceId}
            race={race.data}
            line={line}
            course={courseOf(meetings.data ?? [], line)}
            operator={operator}
            unit={unit}
            onSwitchPerson={onSignOut}
          />
        )}
        <Audit operator={operator} race={line} />
      </div>
    </>
  );
}

interface DayProps {
  races: Overview['races'];
  meetings: readonly Meeting[];
  shown: string | null;
  unit: Currency;
  onPick: (raceId: string) => void;
}

function Day({ races, meetings, shown, unit, onPick }: DayProps) {
  const list = useRef<HTMLOListElement>(null);
  const inOrder = [...races].sort((a, b) => Date.parse(a.postTime) - Date.parse(b.postTime));
  useEffect(() => {
    const current = list.current?.querySelector<HTMLElement>(`[data-race="${CSS.escape(shown ?? '')}"]`);
    if (!list.current || !current) return;
    list.current.scrollTo({ top: current.offsetTop - list.current.offsetTop - list.current.clientHeight / 3 });
  }, [shown]);
  return (
    <section className="panel" aria-label="The day's races" data-testid="day">
      <div className="panel-head">
        <h2>The day</h2>
        <span className="small muted">
          {races.length} race{races.length === 1 ? '' : 's'}
        </span>
      </div>
      <ol ref={list} className="day day-scroll">
        {inOrder.map((race) => (
          <li key={race.raceId} data-race={race.raceId}>
            <button
              type="button"
              aria-current={race.raceId === shown}
              onClick={() => onPick(race.raceId)}
              data-testid={`day-${race.raceId}`}
            >
              <span className="title">
                {race.number}. {race.name}
              </span>
              <StatusPill status={race.status} />
              <span className="facts">{facts(race, courseOf(meetings, race), unit)}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function facts(race: Overview['races'][number], course: string, unit: Currency): string {
  const voided = race.voidedAfterStop.count;
  const sales = race.status === 'DRAFT' ? '' : wholeMoney(race.gross, unit);
  const parts = [
    course,
    clock(race.postTime),
    sales,
    race.sealed === null ? '' : `seals ${sealCount(race.sealed)}`,
    voided === 0 ? '' : `${voided} voided`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

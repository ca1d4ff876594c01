// The day's races as a strip, each with its time and state, the shown one marked: those that go next wherever they are run, or
// one meeting's. It must never scroll the page, only itself.
import { useEffect, useRef, useState } from 'react';
import { courseOf, faceOf, isOver } from '../common/race-face.js';
import { clock } from '../money.js';
import type { Meeting, RaceSummary } from '../wire.js';
import { cardAround, followed } from './race-choice.js';

interface CardStripProps {
  meetings: readonly Meeting[];
  shown: string | null;
  /** Null: follow whichever race is next. */
  onShow: (raceId: string | null) => void;
}

export function CardStrip({ meetings, shown, onShow }: CardStripProps) {
  const [only, setOnly] = useState<string | null>(null);
  const running = meetings.filter((one) => one.races.some((race) => !isOver(race.status)));
  const offered = running.length > 1 ? running : [];
  const meeting = offered.find((one) => one.meetingId === only);
  const nextOff = cardAround(
    meetings.flatMap((one) => one.races),
    shown,
  );
  const choose = (one: Meeting | null): void => {
    setOnly(one?.meetingId ?? null);
    onShow(one === null ? null : (followed(one.races, null, Date.now())?.raceId ?? null));
  };
  return (
    <>
      {offered.length === 0 ? null : (
        <nav className="meetings" aria-label="Meetings">
          <MeetingChoice label="Next off" chosen={meeting === undefined} onChoose={() => choose(null)} />
          {offered.map((one) => (
            <MeetingChoice
              key={one.meetingId}
              tag={one.country}
              label={one.course}
              chosen={one === meeting}
              onChoose={() => choose(one)}
            />
          ))}
        </nav>
      )}
      <Strip
        key={meeting?.meetingId ?? 'next'}
        races={meeting?.races ?? nextOff}
        meetings={meetings}
        mixed={meeting === undefined && offered.length > 0}
        shown={shown}
        onShow={onShow}
      />
    </>
  );
}

interface StripProps {
  races: readonly RaceSummary[];
  meetings: readonly Meeting[];
  /** Races of several meetings: each says where it is run. */
  mixed: boolean;
  shown: string | null;
  onShow: (raceId: string) => void;
}

function Strip({ races, meetings, mixed, shown, onShow }: StripProps) {
  const strip = useRef<HTMLElement>(null);
  useEffect(() => {
    const current = strip.current?.querySelector<HTMLElement>(`[data-race="${CSS.escape(shown ?? '')}"]`);
    if (!strip.current || !current) return;
    strip.current.scrollTo({ left: current.offsetLeft - strip.current.clientWidth / 2 + current.clientWidth / 2 });
  }, [shown]);
  return (
    <nav ref={strip} className="card-strip" aria-label="Races" data-testid="card-strip">
      {races.map((race) => {
        const course = courseOf(meetings, race);
        const face = faceOf(race.status);
        return (
          <button
            key={race.raceId}
            type="button"
            data-race={race.raceId}
            data-testid={`race-${race.raceId}`}
            aria-current={race.raceId === shown}
            aria-label={`${course}, race ${race.number}, ${clock(race.postTime)}, ${face.label}`}
            onClick={() => onShow(race.raceId)}
          >
            <span className="no">{mixed ? `${course} ${race.number}` : `Race ${race.number}`}</span>
            <span className="at">{clock(race.postTime)}</span>
            <span className={`st ${face.tone}`}>{face.label}</span>
          </button>
        );
      })}
    </nav>
  );
}

function MeetingChoice(props: { tag?: string; label: string; chosen: boolean; onChoose: () => void }) {
  return (
    <button
      type="button"
      aria-pressed={props.chosen}
      data-testid={`meeting-${props.tag ?? 'next'}`}
      onClick={props.onChoose}
    >
      {props.tag === undefined ? null : <small>{props.tag}</small>}
      {props.label}
    </button>
  );
}

// The meeting's card as a strip: every race with its time and state, the shown one marked. It must never scroll the page,
// only itself.
import { Fragment, useEffect, useRef } from 'react';
import { faceOf } from '../common/race-face.js';
import { clock } from '../money.js';
import type { Meeting, RaceSummary } from '../wire.js';

export function CardStrip({
  races,
  meetings,
  shown,
  onShow,
}: {
  races: readonly RaceSummary[];
  meetings: readonly Meeting[];
  shown: string | null;
  onShow: (raceId: string) => void;
}) {
  const strip = useRef<HTMLElement>(null);
  useEffect(() => {
    const current = strip.current?.querySelector<HTMLElement>(`[data-race="${CSS.escape(shown ?? '')}"]`);
    if (!strip.current || !current) return;
    strip.current.scrollTo({ left: current.offsetLeft - strip.current.clientWidth / 2 + current.clientWidth / 2 });
  }, [shown]);
  return (
    <nav ref={strip} className="card-strip" aria-label="Races" data-testid="card-strip">
      {races.map((race, index) => {
        const course = meetings.find((one) => one.meetingId === race.meetingId)?.course ?? race.meetingId;
        const opens = meetings.length > 1 && races[index - 1]?.meetingId !== race.meetingId;
        const face = faceOf(race.status);
        return (
          <Fragment key={race.raceId}>
            {opens ? <span className="course">{course}</span> : null}
            <button
              type="button"
              data-race={race.raceId}
              data-testid={`race-${race.raceId}`}
              aria-current={race.raceId === shown}
              onClick={() => onShow(race.raceId)}
            >
              <span className="no">Race {race.number}</span>
              <span className="at">{clock(race.postTime)}</span>
              <span className={`st ${face.tone}`}>{face.label}</span>
            </button>
          </Fragment>
        );
      })}
    </nav>
  );
}

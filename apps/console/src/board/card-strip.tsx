// The meeting's card as a strip: every race with its time and state, the shown one marked. It must never scroll the page,
// only itself.
import { useEffect, useRef } from 'react';
import { clock } from '../money.js';
import { faceOf } from '../shared/race-face.js';
import type { RaceSummary } from '../wire.js';

export function CardStrip({
  races,
  shown,
  onShow,
}: {
  races: readonly RaceSummary[];
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
      {races.map((race) => {
        const face = faceOf(race.status);
        return (
          <button
            key={race.raceId}
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
        );
      })}
    </nav>
  );
}

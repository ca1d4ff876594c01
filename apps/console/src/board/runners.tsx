// The runners with their live win odds, place ranges and shares of the win pool; the odds are also the shortest way onto
// the slip. A scratched runner stays on the list, struck through, since tickets name it.
import { useRef } from 'react';
import { Cloth } from '../common/parts.js';
import type { PoolState } from '../feed.js';
import type { Runner } from '../wire.js';
import { amount, type Movement, movement, type OddsPoint, oddsOf, rangeOf } from './odds.js';
import { Sparkline } from './sparkline.js';

export interface RunnersProps {
  runners: readonly Runner[];
  win: PoolState | undefined;
  place: PoolState | undefined;
  path: readonly OddsPoint[];
  /** Runners marked to win on the slip. */
  marked: readonly string[];
  selling: boolean;
  onBack: (runner: string) => void;
}

export function Runners(props: RunnersProps) {
  const { runners, win } = props;
  const total = amount(win?.tot['gross']) ?? 0;
  const most = Math.max(0, ...[...(win?.rc.values() ?? [])].map((row) => amount(row['amt']) ?? 0));
  return (
    <table className="runners" data-testid="runners">
      <thead>
        <tr>
          <th scope="col">No.</th>
          <th scope="col">Runner</th>
          <th scope="col">Share of win pool</th>
          <th scope="col">Last ten minutes</th>
          <th scope="col" className="right">
            Place
          </th>
          <th scope="col" className="right">
            Win
          </th>
        </tr>
      </thead>
      <tbody>
        {runners.map((runner) => {
          const stake = amount(win?.rc.get(runner.number)?.['amt']) ?? 0;
          const favourite = stake > 0 && stake === most;
          return (
            <Row
              key={runner.number}
              {...props}
              runner={runner}
              share={total > 0 ? (100 * stake) / total : 0}
              width={most > 0 ? (100 * stake) / most : 0}
              favourite={favourite}
            />
          );
        })}
      </tbody>
    </table>
  );
}

function Row(props: RunnersProps & { runner: Runner; share: number; width: number; favourite: boolean }) {
  const { runner, share, width, favourite, win, place, path, marked, selling, onBack } = props;
  const out = runner.status === 'SCRATCHED';
  const late = win?.rc.get(runner.number)?.['big'] === true;
  const range = rangeOf(place?.rc.get(runner.number));
  return (
    <tr
      className={`${out ? 'out' : ''}${favourite && !out ? ' fav' : ''}`}
      data-late={late}
      data-testid={`runner-${runner.number}`}
    >
      <td className="no-cell">
        <Cloth number={runner.number} out={out} />
      </td>
      <td className="name-cell">
        <span className="name">{runner.name}</span>
        {late && !out ? <span className="late">Late money</span> : null}
      </td>
      <td className="share-cell">
        {out ? null : (
          <span className="share" style={{ '--share': Math.min(100, width) } as React.CSSProperties}>
            <i />
            <span>{share.toFixed(share < 10 ? 1 : 0)}%</span>
          </span>
        )}
      </td>
      <td className="spark-cell">
        {out ? null : <Sparkline values={path.flatMap((point) => point.odds.get(runner.number) ?? [])} />}
      </td>
      <td className="range-cell right">
        <span className="range">
          {out ? '' : range === null ? '–' : range.low === range.high ? range.low : `${range.low}–${range.high}`}
        </span>
      </td>
      <td className="odds-cell">
        {out ? (
          <span className="muted small">Non-runner</span>
        ) : (
          <Odds
            runner={runner}
            odds={oddsOf(win?.rc.get(runner.number))}
            move={movement(path, runner.number)}
            marked={marked.includes(runner.number)}
            disabled={!selling}
            onBack={onBack}
          />
        )}
      </td>
    </tr>
  );
}

function Odds(props: {
  runner: Runner;
  odds: string | null;
  move: Movement | null;
  marked: boolean;
  disabled: boolean;
  onBack: (runner: string) => void;
}) {
  const { runner, odds, move, marked, disabled, onBack } = props;
  const flash = useFlash(odds);
  const moved = move === null ? '' : `, ${move.way === 'shorter' ? 'in from' : 'out from'} ${move.from}`;
  return (
    <button
      type="button"
      className="odds"
      aria-pressed={marked}
      aria-label={`Number ${runner.number}, ${runner.name}, to win at ${odds ?? 'no odds yet'}${moved}`}
      title={move === null ? undefined : `${move.way === 'shorter' ? 'In' : 'Out'} from ${move.from} half a minute ago`}
      disabled={disabled}
      data-testid={`odds-${runner.number}`}
      onClick={() => onBack(runner.number)}
    >
      <span className={`arrow ${move?.way ?? ''}`} aria-hidden>
        {move === null ? '' : move.way === 'shorter' ? '▼' : '▲'}
      </span>
      <span key={odds ?? ''} className={flash === null ? '' : `flash ${flash}`}>
        {odds ?? '–'}
      </span>
    </button>
  );
}

/** Which way the odds have just gone, from one drawing to the next; null at first sight. */
function useFlash(odds: string | null): 'shorter' | 'longer' | null {
  const seen = useRef<{ odds: string | null; way: 'shorter' | 'longer' | null }>({ odds, way: null });
  if (seen.current.odds !== odds) {
    const before = Number(seen.current.odds ?? Number.NaN);
    const now = Number(odds ?? Number.NaN);
    const known = Number.isFinite(before) && Number.isFinite(now);
    seen.current = { odds, way: known ? (now < before ? 'shorter' : 'longer') : null };
  }
  return seen.current.way;
}

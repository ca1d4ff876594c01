// The grid of a pair pool: rows first, columns second for the exacta, the half above the diagonal for the quinella. A cell
// is the shortest way to a straight bet on it.

import { Cloth } from '../common/parts.js';
import type { PoolState } from '../feed.js';
import { shapeOf } from '../slip.js';
import type { Runner } from '../wire.js';
import { oddsOf } from './odds.js';

export function Pairs({
  type,
  runners,
  pool,
  selling,
  onPair,
}: {
  type: string;
  runners: readonly Runner[];
  pool: PoolState | undefined;
  selling: boolean;
  onPair: (first: string, second: string) => void;
}) {
  const ordered = shapeOf(type)?.ordered === true;
  const going = runners.filter((runner) => runner.status !== 'SCRATCHED');
  if (pool === undefined || pool.rc.size === 0) {
    return <p className="panel-body muted">No money on any pair yet. The grid fills as bets come in.</p>;
  }
  const odds = (a: string, b: string): string | null => {
    if (ordered) return oddsOf(pool.rc.get(`${a}>${b}`));
    return oddsOf(pool.rc.get(`${a}-${b}`)) ?? oddsOf(pool.rc.get(`${b}-${a}`));
  };
  return (
    <div className="pairs-scroll">
      <p className="small muted" style={{ margin: '10px 0 8px' }}>
        {ordered ? 'Row first, column second.' : 'The two in either order.'} The fuller the colour, the shorter the
        odds.
      </p>
      <table className="pairs" data-testid="pairs">
        <thead>
          <tr>
            <td />
            {going.map((runner) => (
              <th key={runner.number} scope="col" title={runner.name}>
                <Cloth number={runner.number} little />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {going.map((first, row) => (
            <tr key={first.number}>
              <th scope="row" title={first.name}>
                <Cloth number={first.number} little />
              </th>
              {going.map((second, column) => (
                <td key={second.number}>
                  {first === second || (!ordered && column < row) ? (
                    <div className={first === second ? 'self' : ''} />
                  ) : (
                    <Cell
                      first={first}
                      second={second}
                      odds={odds(first.number, second.number)}
                      disabled={!selling}
                      onPair={onPair}
                    />
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell(props: {
  first: Runner;
  second: Runner;
  odds: string | null;
  disabled: boolean;
  onPair: (first: string, second: string) => void;
}) {
  const { first, second, odds, disabled, onPair } = props;
  // 2.00 is full heat, 200 none, on a logarithmic scale.
  const price = odds === null ? 200 : Number(odds);
  const heat = Math.max(0, Math.min(100, Math.round(100 - (Math.log(price / 2) / Math.log(100)) * 100)));
  return (
    <button
      type="button"
      className={heat > 68 ? 'hot' : ''}
      style={{ '--heat': Math.round(heat * 0.9) } as React.CSSProperties}
      disabled={disabled}
      aria-label={`${first.name} and ${second.name} at ${odds ?? 'no odds yet'}`}
      onClick={() => onPair(first.number, second.number)}
    >
      {odds === null ? '·' : price >= 100 ? Math.floor(price) : odds}
    </button>
  );
}

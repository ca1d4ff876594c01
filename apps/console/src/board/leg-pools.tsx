// The pools over several races that the race in view is a leg of: their races, what is in them, and what the last race would pay
// each of its runners once the others are run. It must never offer a bet: they are sold with their first leg.
import { Cloth, StatusPill } from '../common/parts.js';
import { usePool } from '../common/queries.js';
import { type Currency, wholeMoney } from '../money.js';
import { poolLabel } from '../slip.js';
import { termsWords } from '../terms.js';
import type { Meeting, PoolSummary, Race } from '../wire.js';

export function LegPools({ meeting, race, unit }: { meeting: Meeting; race: Race; unit: Currency }) {
  const mine = (meeting.pools ?? []).filter((pool) => pool.legs?.includes(race.raceId));
  if (mine.length === 0) return null;
  return (
    <section className="panel" aria-label="Pools over several races" data-testid="leg-pools">
      <div className="panel-head">
        <h2>Over several races</h2>
      </div>
      <ul className="leg-pools">
        {mine.map((pool) => (
          <li key={pool.poolId}>
            <div className="spread">
              <b>{poolLabel(pool.type)}</b>
              <StatusPill status={pool.status} />
            </div>
            <p className="small muted">
              {[wholeMoney(pool.gross, unit), legsOf(pool, meeting), ...termsWords(pool, unit)].join(' · ')}
            </p>
            <WillPays pool={pool} last={numbersOf(pool, meeting).at(-1) ?? 0} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function numbersOf({ legs = [] }: PoolSummary, { races }: Meeting): number[] {
  return legs.map((leg) => races.find((race) => race.raceId === leg)?.number ?? 0);
}

function legsOf(pool: PoolSummary, meeting: Meeting): string {
  const numbers = numbersOf(pool, meeting);
  const [first = 0] = numbers;
  const inARow = numbers.every((number, index) => number === first + index);
  return inARow ? `races ${first} to ${numbers.at(-1)}` : `races ${numbers.join(', ')}`;
}

/** What each runner of the last leg would pay; nothing before the leg before it is run. */
function WillPays({ pool, last }: { pool: PoolSummary; last: number }) {
  const told = usePool(pool.status === 'CLOSED' ? pool.poolId : null);
  const rows = (told.data?.odds ?? []).filter((row) => row.price !== null);
  if (rows.length === 0) return null;
  return (
    <>
      <p className="small muted">Will pay a stake of 1, by the runner in race {last}:</p>
      <dl className="will-pays">
        {rows.map((row) => (
          <div key={row.c}>
            <dt>
              <Cloth number={row.c.split('/').at(-1) ?? row.c} little />
            </dt>
            <dd>{row.price}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

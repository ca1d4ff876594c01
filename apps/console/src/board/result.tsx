// The order of finish and what each pool pays, said apart: a provisional order pays nothing yet.

import { Cloth, Combination, StatusPill } from '../common/parts.js';
import type { Currency } from '../money.js';
import { poolLabel, tierLabel } from '../slip.js';
import type { Race, ResultDividend } from '../wire.js';

const ORDINALS = ['1st', '2nd', '3rd', '4th', '5th', '6th', '7th', '8th'];
/** The board names the first five, as a tote board does; the whole order is in the API. */
const SHOWN = 5;

export function ResultPanel({ race, unit, title }: { race: Race; unit: Currency; title: string }) {
  const result = race.result;
  if (result === null) {
    return race.status === 'VOID' ? (
      <section className="panel" data-testid="result">
        <div className="panel-head">
          <h2>{title}</h2>
          <StatusPill status="VOID" />
        </div>
        <p className="panel-body">The race is void. Every stake is refunded.</p>
      </section>
    ) : null;
  }
  const name = new Map(race.runners.map((runner) => [runner.number, runner.name]));
  const status = race.status === 'SETTLED' || race.status === 'PAYING' ? race.status : result.status;
  return (
    <section className="panel" data-testid="result" data-result-status={result.status}>
      <div className="panel-head">
        <h2>{title}</h2>
        <StatusPill status={status} />
      </div>
      <div className="panel-body stack">
        <ol className="finish" data-testid="finish">
          {ranks(result.finish).map(({ rank, runners }) => (
            <li key={runners.join()}>
              <span className="ord">{ORDINALS[rank] ?? `${rank + 1}th`}</span>
              <span className="horses">
                {runners.map((runner) => (
                  <span key={runner} className="horse">
                    <Cloth number={runner} little /> {name.get(runner) ?? ''}
                  </span>
                ))}
                {runners.length > 1 ? <span className="tiny">dead heat</span> : null}
              </span>
            </li>
          ))}
        </ol>
        {result.dividends.length === 0 ? (
          <p className="small muted">
            {result.status === 'OFFICIAL'
              ? 'The dividends are being declared.'
              : 'Dividends follow once the order is confirmed.'}
          </p>
        ) : (
          <Dividends dividends={result.dividends} unit={unit} />
        )}
      </div>
    </section>
  );
}

/** Ranks with ties together: after a dead heat for first the next is third. */
export function ranks(finish: readonly (readonly string[])[]): { rank: number; runners: readonly string[] }[] {
  let before = 0;
  const all = finish.map((runners) => {
    const rank = before;
    before += runners.length;
    return { rank, runners };
  });
  return all.filter(({ rank }) => rank < SHOWN);
}

function Dividends({ dividends, unit }: { dividends: readonly ResultDividend[]; unit: Currency }) {
  const one = new Intl.NumberFormat('en-GB', {
    style: 'currency',
    currency: unit.currency,
    maximumFractionDigits: 0,
  }).format(1);
  return (
    <table className="figures" data-testid="dividends">
      <thead>
        <tr>
          <th scope="col">Pool</th>
          <th scope="col">Combination</th>
          <th scope="col" className="right">
            For {one}
          </th>
        </tr>
      </thead>
      <tbody>
        {dividends.map((dividend, index) => (
          <tr key={`${dividend.poolId}${dividend.tier}${dividend.c}`}>
            <td>{dividends[index - 1]?.poolId === dividend.poolId ? '' : poolLabel(dividend.type)}</td>
            <td>
              <Combination c={dividend.c} />
              {dividend.tier === dividend.type ? null : <span className="tiny"> {tierLabel(dividend.tier)}</span>}
            </td>
            <td className="right">
              <b>{dividend.price}</b>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

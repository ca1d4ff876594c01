// The settlement before and after it is confirmed: every pool from its gross to its dividends with the arithmetic, what each
// of the three calculators proposed, and the second person's confirmation of exactly this preview.
import { Fragment } from 'react';
import { Bones, Combination, ProblemNote } from '../common/parts.js';
import type { OperatorSession } from '../common/session.js';
import { type Currency, money } from '../money.js';
import { poolLabel } from '../slip.js';
import type { Race, SettlementPool, Settlement as SettlementView } from '../wire.js';
import { Correction, OldAndNew, wasWords } from './correction.js';
import { readOut } from './order.js';
import { useCommand, useSettlement } from './queries.js';
import { givenName, may } from './roles.js';

export interface SettlementProps {
  race: Race;
  operator: OperatorSession;
  unit: Currency;
  onSwitchPerson: () => void;
}

export function Settlement({ race, operator, unit, onSwitchPerson }: SettlementProps) {
  const settlement = useSettlement(operator, race.raceId, true);
  if (settlement.data === undefined) {
    return (
      <section className="panel" aria-label="Settlement">
        {settlement.error === null ? (
          <Bones rows={5} />
        ) : (
          <div className="panel-body">
            <ProblemNote failure={settlement.error} />
          </div>
        )}
      </section>
    );
  }
  const view = settlement.data;
  const provisional = view.status === 'PROVISIONAL';
  return (
    <section className="panel" aria-label="Settlement" data-testid="settlement">
      <div className="panel-head">
        <h2>{heading(view)}</h2>
        <span className="small muted">
          {money(view.totals.paid, unit)} to winners, {money(view.totals.takeout, unit)} takeout
        </span>
      </div>
      {view.finish.length === 0 && !view.voided ? null : (
        <p className="panel-body" style={{ paddingBottom: 12 }}>
          {view.voided ? 'The race is void.' : readOut(view.finish)}
          {view.enteredBy === null ? null : (
            <span className="small muted">
              {' '}
              (entered by {view.enteredBy}
              {view.confirmedBy == null ? '' : `, confirmed by ${view.confirmedBy}`})
            </span>
          )}
        </p>
      )}
      {view.corrects == null ? null : <Correction view={view} unit={unit} />}
      {view.waitingFor.length === 0 ? null : (
        <div className="panel-body" style={{ paddingTop: 0 }}>
          <div className="note warn" data-testid="waiting-for">
            <strong>Not ready to confirm</strong>
            {view.waitingFor.map((sentence) => (
              <div key={sentence}>{sentence}</div>
            ))}
          </div>
        </div>
      )}
      {view.pools.map((pool) => (
        <PoolSheet key={pool.poolId} pool={pool} unit={unit} />
      ))}
      {provisional ? <Confirm race={race} view={view} operator={operator} onSwitchPerson={onSwitchPerson} /> : null}
    </section>
  );
}

function heading({ status, corrects }: SettlementView): string {
  if (corrects == null) return status === 'PROVISIONAL' ? 'Settlement preview' : 'Settlement';
  return status === 'PROVISIONAL' ? 'Preview of the correction' : 'Settlement, corrected';
}

const OUTCOMES: Readonly<Record<string, string>> = { PAID: 'Pays', REFUND: 'Refunded', CARRIED: 'Carried over' };

function PoolSheet({ pool, unit }: { pool: SettlementPool; unit: Currency }) {
  const differs = pool.proposals.some((proposal) => !proposal.agrees);
  return (
    <details className="sheet" open={differs} data-testid={`sheet-${pool.type}`}>
      <summary>
        <b>{poolLabel(pool.type)}</b>
        <span className="small">
          {OUTCOMES[pool.outcome] ?? pool.outcome}{' '}
          {pool.outcome === 'PAID' ? pool.dividends.map((one) => one.price).join(', ') : ''}
          {pool.correction == null ? null : <span className="muted"> {wasWords(pool.correction.before)}</span>}
        </span>
        <span className="small muted">{money(pool.gross, unit)} gross</span>
        <Agreement pool={pool} />
      </summary>
      <div className="inside">
        <Sums pool={pool} unit={unit} />
        {pool.correction == null ? null : <OldAndNew pool={pool} unit={unit} />}
        {pool.dividends.length === 0 ? null : <Dividends pool={pool} unit={unit} />}
        <Proposals pool={pool} />
        {(pool.differences ?? []).map((difference) => (
          <p key={difference} className="note bad">
            <strong>{difference}</strong>
          </p>
        ))}
        {pool.report === undefined || pool.report.length === 0 ? null : (
          <section className="report" aria-label="Both sheets">
            <pre className="small">{pool.report.join('\n')}</pre>
          </section>
        )}
        {pool.steps.length === 0 ? null : (
          <ol className="steps small" aria-label="The arithmetic">
            {[...pool.steps.entries()].map(([number, step]) => (
              <li key={number}>{step}</li>
            ))}
          </ol>
        )}
      </div>
    </details>
  );
}

function Agreement({ pool }: { pool: SettlementPool }) {
  if (pool.proposals.length === 0) return <span className="small muted">no proposal yet</span>;
  const differs = pool.proposals.some((proposal) => !proposal.agrees);
  const all = pool.proposals.length;
  return (
    <span className={`small ${differs ? 'differ' : 'agree'}`}>
      {differs ? 'Calculators differ' : `${all} calculator${all === 1 ? '' : 's'} agree`}
    </span>
  );
}

/** The pool equation with its figures: what came in on one side, where it goes on the other. */
function Sums({ pool, unit }: { pool: SettlementPool; unit: Currency }) {
  const rest =
    pool.gross +
    pool.carryIn +
    pool.jackpotIn -
    (pool.takeout + pool.paid + pool.breakage - pool.topUp + pool.carryOut + pool.jackpot);
  const topUp = pool.topUp - pool.guarantee;
  const into: [string, number][] = [
    ['carried in', pool.carryIn],
    ['jackpot', pool.jackpotIn],
    ['added for the guarantee', pool.guarantee],
  ];
  const out: [string, number, '+' | '−'][] = [
    ['takeout', pool.takeout, '+'],
    ['winners', pool.paid, '+'],
    ['breakage', pool.breakage, '+'],
    ...(topUp === 0 ? [] : ([['topped up', topUp, '−']] as [string, number, '−'][])),
    ...(pool.carryOut === 0 ? [] : ([['carried out', pool.carryOut, '+']] as [string, number, '+'][])),
    ...(pool.jackpot === 0 ? [] : ([['to the jackpot', pool.jackpot, '+']] as [string, number, '+'][])),
    ...(rest === 0 ? [] : ([['refunded', rest, '+']] as [string, number, '+'][])),
  ];
  return (
    <div className="stack" style={{ gap: 8 }}>
      <div className="sum-line">
        <Figure label="gross" minor={pool.gross} unit={unit} />
        {into
          .filter(([, minor]) => minor > 0)
          .map(([label, minor]) => (
            <Fragment key={label}>
              <div className="op">+</div>
              <Figure label={label} minor={minor} unit={unit} />
            </Fragment>
          ))}
        <div className="op">=</div>
        {out.map(([label, minor, sign], index) => (
          <Fragment key={label}>
            {index === 0 ? null : <div className="op">{sign}</div>}
            <Figure label={label} minor={minor} unit={unit} />
          </Fragment>
        ))}
      </div>
      <p className="small muted">
        Net to share {money(pool.net, unit)}. House result {money(pool.house, unit)}.
        {pool.refunds === 0 ? '' : ` Refunds in all ${money(pool.refunds, unit)}.`}
      </p>
      {rest >= 0 && rest <= pool.refunds ? null : (
        <p className="note bad">
          <strong>This pool does not balance by {money(Math.abs(rest), unit)}.</strong>
        </p>
      )}
    </div>
  );
}

function Figure({ label, minor, unit }: { label: string; minor: number; unit: Currency }) {
  return (
    <div>
      <span>{label}</span>
      <b>{money(minor, unit)}</b>
    </div>
  );
}

function Dividends({ pool, unit }: { pool: SettlementPool; unit: Currency }) {
  return (
    <table className="figures">
      <thead>
        <tr>
          <th scope="col">Winner</th>
          <th scope="col" className="right">
            Pays
          </th>
          <th scope="col" className="right">
            Last odds
          </th>
          <th scope="col" className="right">
            Stake
          </th>
          <th scope="col" className="right">
            Paid out
          </th>
        </tr>
      </thead>
      <tbody>
        {pool.dividends.map((dividend) => (
          <tr key={dividend.tier + dividend.c}>
            <td>
              <Combination c={dividend.c} />
              {dividend.tier === pool.type ? null : <span className="tiny"> {dividend.tier}</span>}
            </td>
            <td className="right">
              <b>{dividend.price}</b>
            </td>
            <td className="right muted">{dividend.lastOdds ?? '–'}</td>
            <td className="right">{money(dividend.stake, unit)}</td>
            <td className="right">{money(dividend.paid, unit)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const SOURCES: Readonly<Record<string, string>> = {
  ENGINE: 'the engine',
  AUDIT: 'the independent calculator',
  PROJECTOR: 'the projector',
};

function Proposals({ pool }: { pool: SettlementPool }) {
  if (pool.proposals.length === 0) return null;
  return (
    <ul className="small" data-testid="proposals">
      {pool.proposals.map((proposal) => (
        <li key={proposal.source} className="row" style={{ gap: 8 }}>
          <span className={proposal.agrees ? 'agree' : 'differ'} aria-hidden>
            {proposal.agrees ? '✓' : '✗'}
          </span>
          <span>
            {proposal.agrees ? 'Agreed by' : 'Not agreed by'}{' '}
            {SOURCES[proposal.source] ?? proposal.source.toLowerCase()}
          </span>
          <span className="mono muted">{proposal.inputHash.slice(0, 12)}</span>
        </li>
      ))}
    </ul>
  );
}

interface ConfirmProps {
  race: Race;
  view: SettlementView;
  operator: OperatorSession;
  onSwitchPerson: () => void;
}

function Confirm({ race, view, operator, onSwitchPerson }: ConfirmProps) {
  const command = useCommand(operator, race.raceId);
  const same = operator.user !== '' && operator.user === view.enteredBy;
  const allowed = may(operator.roles, 'confirm');
  return (
    <div className="confirm" data-testid="confirm-box">
      <h2>Confirmation by a second person</h2>
      {same ? (
        <div className="note warn" data-testid="same-person">
          <strong>{givenName(operator.name)} entered this order, so somebody else has to confirm it.</strong>
          Two people stand behind every official result. The second steward signs in and confirms the preview below.
        </div>
      ) : null}
      {allowed ? null : (
        <div className="note warn" data-testid="role-refused">
          <strong>Only a steward confirms a result.</strong>
          The tote operator runs the system and does not decide races.
        </div>
      )}
      {view.previewHash === null ? (
        <p className="small muted">There is nothing to confirm until the three calculators have agreed.</p>
      ) : (
        <p className="small muted">
          You confirm this preview and no other: <span className="mono break">{view.previewHash}</span>
        </p>
      )}
      <ProblemNote failure={command.error} testId="confirm-problem" />
      <div className="row">
        <button
          type="button"
          className="act main"
          disabled={same || !allowed || view.previewHash === null || command.isPending}
          data-testid="confirm-result"
          onClick={() => command.mutate({ action: 'confirm', body: { previewHash: view.previewHash } })}
        >
          {command.isPending ? 'Confirming' : view.corrects == null ? 'Confirm and pay' : 'Confirm the correction'}
        </button>
        {same || !allowed ? (
          <button type="button" className="act" onClick={onSwitchPerson} data-testid="switch-person">
            Sign in as somebody else
          </button>
        ) : null}
      </div>
    </div>
  );
}

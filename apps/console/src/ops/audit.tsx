// What was done, by whom, why and with what outcome, newest first. Refused commands are part of it.
import { useState } from 'react';
import { Bones, ProblemNote } from '../common/parts.js';
import type { OperatorSession } from '../common/session.js';
import { instant } from '../money.js';
import type { AuditEntry, RaceSummary } from '../wire.js';
import { useAudit } from './queries.js';

export function Audit({ operator, race }: { operator: OperatorSession; race: RaceSummary | null }) {
  const [all, setAll] = useState(false);
  const audit = useAudit(operator, all || race === null ? null : race.raceId);
  const entries = audit.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <section className="panel history" aria-label="Audit trail" data-testid="audit">
      <div className="panel-head">
        <h2>Audit trail</h2>
        <div className="choices">
          <button type="button" className="choice" aria-pressed={!all} onClick={() => setAll(false)}>
            {race === null ? 'This race' : `Race ${race.number}`}
          </button>
          <button type="button" className="choice" aria-pressed={all} onClick={() => setAll(true)}>
            All
          </button>
        </div>
      </div>
      {audit.isPending ? <Bones rows={4} /> : null}
      {audit.error === null ? null : (
        <div className="panel-body">
          <ProblemNote failure={audit.error} />
        </div>
      )}
      {audit.data !== undefined && entries.length === 0 ? (
        <p className="panel-body muted">Nothing was commanded yet.</p>
      ) : null}
      <ol className="audit">
        {entries.map((entry) => (
          <Entry key={entry.seq} entry={entry} />
        ))}
      </ol>
      {audit.hasNextPage ? (
        <div className="panel-body">
          <button
            type="button"
            className="act"
            onClick={() => void audit.fetchNextPage()}
            disabled={audit.isFetchingNextPage}
          >
            Earlier
          </button>
        </div>
      ) : null}
    </section>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const detail = typeof entry.detail === 'string' ? entry.detail : null;
  const device = entry.actor?.device ?? null;
  const said = [entry.reason, entry.code, detail, device].filter((part) => part !== null && part !== '');
  return (
    <li data-testid="audit-entry">
      <time dateTime={entry.at}>{instant(entry.at)}</time>
      <span>
        <b>{actionName(entry.action)}</b>
        {entry.outcome === 'REFUSED' ? <span className="refused"> refused</span> : null}
        {entry.actor === null ? ' by the system' : ` by ${entry.actor.user}`}
      </span>
      {said.length === 0 ? null : <span className="rest">{said.join(' · ')}</span>}
    </li>
  );
}

/** `EnterResult` or `ENTER_RESULT` → `enter result`. */
function actionName(action: string): string {
  const words = action.includes('_') ? action : action.replaceAll(/(?<=[a-z])(?=[A-Z])/gu, '_');
  return words.replaceAll('_', ' ').toLowerCase();
}

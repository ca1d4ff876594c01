// What a correction moves, for the person who has to agree to it: in all at the top, and for each pool what was paid on the old order
// beside what is due on the new one. It must never show as taken back what a balance does not hold.
import { Combination } from '../common/parts.js';
import { type Currency, money } from '../money.js';
import type { SettlementPool, Settlement as SettlementView, Weighed } from '../wire.js';

type Before = NonNullable<SettlementPool['correction']>['before'];

/** `(was 2.10)`. */
export function wasWords({ outcome, dividends }: Before): string {
  if (outcome === 'PAID') return `(was ${dividends.map((one) => one.price).join(', ')})`;
  return outcome === 'REFUND' ? '(was refunded)' : '(was carried over)';
}

export function Correction({ view, unit }: { view: SettlementView; unit: Currency }) {
  const { differences } = view;
  const untouched = view.pools.filter((pool) => pool.policy === 'NONE');
  return (
    <div className="panel-body stack" style={{ paddingTop: 0, gap: 10 }} data-testid="correction">
      <p className="small">
        Result {view.resultVersion} replaces official result {view.corrects}. Nobody is paid twice: only the difference
        to what was paid before moves.
      </p>
      {differences == null ? (
        <p className="small muted">What it moves is known once every shard has compared its bets.</p>
      ) : (
        <Amounts moved={differences} unit={unit} />
      )}
      {untouched.length === 0 ? null : (
        <p className="note">
          <strong>By rule no money moves in: {untouched.map((pool) => pool.poolId).join(', ')}.</strong>
          What was official there stays paid.
        </p>
      )}
    </div>
  );
}

function Amounts({ moved, unit }: { moved: Weighed; unit: Currency }) {
  const rows: [string, number, string][] = [
    ['To pay', moved.toPay, 'to bets that are due more than they had'],
    ['To take back', moved.toTakeBack, 'from bets that had more than they are due'],
    ['Of it not on the balances', moved.short, 'is owed, and kept back from later winnings'],
    ['Left with bettors', moved.kept, 'by the policy of the pool, at the cost of the tote'],
  ];
  return (
    <table className="figures" data-testid="correction-amounts">
      <tbody>
        {rows
          .filter(([, amount], index) => index < 2 || amount !== 0)
          .map(([label, amount, meaning]) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td className="right">
                <b>{money(amount, unit)}</b>
              </td>
              <td className="small muted">{meaning}</td>
            </tr>
          ))}
        <tr>
          <th scope="row">Bets that change</th>
          <td className="right">
            <b>{moved.bets.toLocaleString('en-GB')}</b>
          </td>
          <td className="small muted">as balances stand at this moment</td>
        </tr>
      </tbody>
    </table>
  );
}

/** Every combination that was paid or is to be: what it paid, what it pays now. */
export function OldAndNew({ pool, unit }: { pool: SettlementPool; unit: Currency }) {
  if (pool.correction == null) return null;
  const { before, difference } = pool.correction;
  const keys = new Map([...before.dividends, ...pool.dividends].map((one) => [`${one.tier} ${one.c}`, one]));
  const find = (list: readonly { tier: string; c: string; price: string; paid: number }[], key: string) =>
    list.find((one) => `${one.tier} ${one.c}` === key);
  return (
    <div className="stack" style={{ gap: 6 }}>
      <table className="figures" data-testid={`old-and-new-${pool.type}`}>
        <thead>
          <tr>
            <th scope="col">Was and is</th>
            <th scope="col" className="right">
              Paid
            </th>
            <th scope="col" className="right">
              Now pays
            </th>
            <th scope="col" className="right">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          {[...keys].map(([key, one]) => {
            const [old, now] = [find(before.dividends, key), find(pool.dividends, key)];
            return (
              <tr key={key}>
                <td>
                  <Combination c={one.c} />
                </td>
                <td className="right">{old === undefined ? 'nothing' : old.price}</td>
                <td className="right">
                  <b>{now === undefined ? 'nothing' : now.price}</b>
                </td>
                <td className="right">{signed((now?.paid ?? 0) - (old?.paid ?? 0), unit)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="small muted">
        {before.outcome === 'REFUND' ? `Stakes of ${money(before.refunded, unit)} were given back. ` : ''}
        {pool.outcome === 'REFUND' ? 'Every stake is given back. ' : ''}
        In all the pool pays {difference === 0 ? 'as much as before' : `${signed(difference, unit)} against before`}.
      </p>
    </div>
  );
}

function signed(minor: number, unit: Currency): string {
  if (minor === 0) return 'no difference';
  return minor > 0 ? `+${money(minor, unit)}` : `−${money(-minor, unit)}`;
}

// What must be seen at a glance all day: may we sell, since when, how much was taken, and whether one machine's death would
// lose anything.

import { useNow } from '../common/now.js';
import { type Currency, instant, wholeMoney } from '../money.js';
import type { Overview } from '../wire.js';

export function Watch({ overview, unit }: { overview: Overview; unit: Currency }) {
  const gross = overview.races.reduce((sum, race) => sum + race.gross, 0);
  const bets = overview.races.reduce((sum, race) => sum + race.bets, 0);
  const voided = overview.races.reduce((sum, race) => sum + race.voidedAfterStop.count, 0);
  const lag = Math.max(0, ...overview.shards.map((shard) => shard.lagMs));
  return (
    <section className="panel watch" aria-label="The system now" data-testid="watch">
      <Lease overview={overview} />
      <Value what="Taken today" value={wholeMoney(gross, unit)} under={`${bets.toLocaleString('en-GB')} bets`} />
      <Value
        what="Taken after a stop"
        value={voided === 0 ? 'None' : `${voided} voided`}
        under={voided === 0 ? 'nothing to refund' : 'refunded and counted in public'}
      />
      <Value
        what="Shards"
        value={overview.shards.map((shard) => `${shard.shard}: ${shard.seq.toLocaleString('en-GB')}`).join(' · ')}
        under={`furthest behind ${lag} ms`}
      />
      <Value
        what="Durability"
        value={overview.durable ? 'Replicated' : 'One node'}
        tone={overview.durable ? '' : 'halt'}
        under={overview.durable ? overview.label.toLowerCase() : 'not durable beyond this machine'}
      />
    </section>
  );
}

function Value({ what, value, under, tone = '' }: { what: string; value: string; under: string; tone?: string }) {
  return (
    <div>
      <span className="what">{what}</span>
      <div className={`value ${tone}`}>{value}</div>
      <span className="tiny">{under}</span>
    </div>
  );
}

function Lease({ overview }: { overview: Overview }) {
  const { lease } = overview;
  // Both ends of the lease are the server's; only the time since its answer is ours.
  const skew = useNow() - Date.parse(overview.now);
  const now = Date.parse(overview.now) + Math.max(0, Math.min(skew, 60_000));
  const left = lease.expiresAt === null ? 0 : Date.parse(lease.expiresAt) - now;
  const whole =
    lease.issuedAt === null || lease.expiresAt === null ? 1 : Date.parse(lease.expiresAt) - Date.parse(lease.issuedAt);
  const holding = lease.holding && left > 0;
  return (
    <div data-testid="lease" data-holding={holding}>
      <span className="what">Selling lease</span>
      <div className={`value ${holding ? 'go' : 'halt'}`} role="status">
        {holding ? 'Holding' : 'Expired: no bet is taken'}
      </div>
      <span className="tiny">
        {lease.expiresAt === null
          ? 'never issued'
          : `until ${instant(lease.expiresAt)}, ${Math.max(0, left / 1000).toFixed(0)} s left`}
      </span>
      <div className="track" aria-hidden>
        <i style={{ width: `${Math.max(0, Math.min(100, (100 * left) / whole))}%` }} />
      </div>
    </div>
  );
}

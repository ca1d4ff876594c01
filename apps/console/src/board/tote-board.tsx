// The dark board over the runners: which race, how long to the off, what is in each pool, how old the figures are and what
// state betting is in. Every figure on it comes from the feed, or from the race where the feed has not spoken yet.

import { useNow } from '../common/now.js';
import { StatusPill } from '../common/parts.js';
import { faceOf, isAhead } from '../common/race-face.js';
import type { FeedSnapshot } from '../feed.js';
import { type Currency, clock, instant, money, span, wholeMoney } from '../money.js';
import { poolLabel } from '../slip.js';
import { termsWords } from '../terms.js';
import type { Meeting, PoolTerms, Race } from '../wire.js';
import { amount } from './odds.js';

export function ToteBoard({
  meeting,
  race,
  status,
  feed,
  unit,
}: {
  meeting: Meeting;
  race: Race;
  status: string;
  feed: FeedSnapshot;
  unit: Currency;
}) {
  const face = faceOf(status);
  return (
    <section className="tote" aria-label={`Race ${race.number}`} data-testid="tote-board">
      <div className="tote-top">
        <div>
          <p className="place-line">
            {meeting.course} · Race {race.number} · post time {clock(race.postTime)}
          </p>
          <h1 data-testid="race-name">{race.name}</h1>
          <p className="tote-facts">
            <span role="status" aria-live="polite" data-testid="race-status" data-status={status}>
              <StatusPill status={status} />
            </span>
            <span>{runnerCount(race)}</span>
          </p>
        </div>
        <ToPost race={race} status={status} />
      </div>
      <Banner race={race} status={status} sentence={face.sentence} tone={face.tone} unit={unit} />
      <dl className="tote-pools" data-testid="pools">
        {race.pools.map((pool) => (
          <div key={pool.poolId} data-testid={`pool-${pool.type}`}>
            <dt>{poolLabel(pool.type)} pool</dt>
            <dd>
              {wholeMoney(amount(feed.pools.get(pool.poolId)?.tot['gross']) ?? pool.gross, unit)}
              <Terms
                terms={{ ...pool, carryIn: amount(feed.pools.get(pool.poolId)?.tot['carryIn']) ?? 0 }}
                unit={unit}
              />
            </dd>
          </div>
        ))}
      </dl>
      <Freshness race={race} feed={feed} status={status} />
    </section>
  );
}

/** What a pool is played for beside its bets. */
function Terms({ terms, unit }: { terms: PoolTerms; unit: Currency }) {
  return termsWords(terms, unit).map((words) => <small key={words}>{words}</small>);
}

function runnerCount(race: Race): string {
  const out = race.runners.filter((runner) => runner.status === 'SCRATCHED').length;
  const going = race.runners.length - out;
  return `${going} runner${going === 1 ? '' : 's'}${out > 0 ? `, ${out} scratched` : ''}`;
}

function ToPost({ race, status }: { race: Race; status: string }) {
  const left = Date.parse(race.postTime) - useNow();
  if (!isAhead(status)) {
    return (
      <div className="to-post" data-testid="countdown">
        <b className="word">{faceOf(status).label}</b>
        <span>
          {race.stopAt === null ? `post time ${clock(race.postTime)}` : `betting stopped ${instant(race.stopAt)}`}
        </span>
      </div>
    );
  }
  return (
    <div className="to-post" data-testid="countdown" role="timer">
      <b>{span(left)}</b>
      <span>{left >= 0 ? 'to post' : 'past post time'}</span>
    </div>
  );
}

function Banner(props: { race: Race; status: string; sentence: string | null; tone: string; unit: Currency }) {
  const { race, sentence, tone, unit, status } = props;
  if (sentence === null) return null;
  const { count, amount: voided } = race.voidedAfterStop;
  return (
    <p className={`banner ${tone}`} data-testid="banner">
      <b>{faceOf(status).label}.</b> {sentence}
      {race.stopAt === null ? null : <span>Betting stopped at {instant(race.stopAt, true)}.</span>}
      {count === 0 ? null : (
        <span>
          {count} bet{count === 1 ? '' : 's'} taken after the stop {count === 1 ? 'was' : 'were'} voided and{' '}
          {money(voided, unit)} refunded.
        </span>
      )}
    </p>
  );
}

const PHASES = {
  CONNECTING: { tone: 'wait', words: 'Connecting to the odds' },
  LIVE: { tone: 'go', words: 'Live' },
  LATE: { tone: 'wait', words: 'The calculation is late; these are the last figures' },
  OUT_OF_STEP: { tone: 'wait', words: 'Out of step, refreshing' },
  POLLED: { tone: 'wait', words: 'Without the live feed, asked for every five seconds' },
  OFFLINE: { tone: 'halt', words: 'Connection lost, trying again' },
} as const;

function Freshness({ race, feed, status }: { race: Race; feed: FeedSnapshot; status: string }) {
  const now = useNow();
  const { tone, words } = PHASES[feed.phase];
  const age = feed.pt === null ? null : Math.max(0, Math.round((now - feed.pt) / 1000));
  const final = race.pools.some((pool) => feed.pools.get(pool.poolId)?.tot['final'] === true);
  const selling = isAhead(status);
  return (
    <div className="freshness" data-testid="freshness" data-phase={feed.phase}>
      <span className={`lamp ${tone}`}>{words}</span>
      <span data-testid="odds-label">
        {final
          ? 'Final odds: the pools are sealed'
          : selling
            ? 'Indicative odds: they move until betting stops'
            : 'Last indicative odds'}
      </span>
      {feed.cycle === null ? null : <span data-testid="cycle">cycle {feed.cycle.toLocaleString('en-GB')}</span>}
      {age === null ? null : <span data-testid="odds-age">{age > 3600 ? 'over an hour old' : `${age} s old`}</span>}
      {feed.conflated ? <span>some steps were merged</span> : null}
      {feed.checked === 0 ? null : (
        <span title="Each state of a pool is compared with the hash the tote sent for it.">figures checked</span>
      )}
    </div>
  );
}

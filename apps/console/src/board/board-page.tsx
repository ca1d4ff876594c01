// The public board. It follows the next race by itself until somebody picks another, and keeps the race just run in view
// beside it. It must never show a figure that neither the feed nor the API has sent.
import { Drawer } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { useNow } from '../common/now.js';
import { Bones, Masthead, ProblemNote } from '../common/parts.js';
import { usePolledPools } from '../common/polled-pools.js';
import { useAccount, useDemo, useMeetings, useRace } from '../common/queries.js';
import { courseOf, isAhead, isSelling } from '../common/race-face.js';
import { type BettorSession, useSession } from '../common/session.js';
import { useFeed } from '../common/use-feed.js';
import type { FeedSnapshot } from '../feed.js';
import { type Currency, money } from '../money.js';
import { cost, emptySlip, isPair, lines, mark, poolLabel, type Slip, shapeOf, without } from '../slip.js';
import type { Meeting, Race } from '../wire.js';
import { AccountMenu } from './account.js';
import { CardStrip } from './card-strip.js';
import { LegPools } from './leg-pools.js';
import { text, useOddsPath } from './odds.js';
import { Pairs } from './pairs.js';
import { followed, lastRun, nextRace } from './race-choice.js';
import { ResultPanel } from './result.js';
import { Runners } from './runners.js';
import { SlipPanel } from './slip-panel.js';
import { Tickets } from './tickets.js';
import { ToteBoard } from './tote-board.js';
import { type UsePlacing, usePlacing } from './use-placing.js';

const OddsChart = lazy(() => import('./odds-chart.js'));

const EURO: Currency = { currency: 'EUR', exponent: 2 };

export function BoardPage() {
  const demo = useDemo();
  const meetings = useMeetings();
  const [session, setSession] = useSession<BettorSession>('mutuel.bettor');
  const account = useAccount(session);
  const placing = usePlacing(session);
  const [picked, setPicked] = useState<string | null>(() => new URLSearchParams(window.location.search).get('race'));
  const races = useMemo(() => (meetings.data ?? []).flatMap((meeting) => meeting.races), [meetings.data]);
  const now = useNow();
  const next = nextRace(races, now);
  const [inView, setInView] = useState<string | null>(null);
  const shown = picked ?? followed(races, inView, now)?.raceId ?? null;
  useEffect(() => setInView(shown), [shown]);
  const race = useRace(shown);
  const feed = usePolledPools(race.data, useFeed(shown));
  const meeting = meetings.data?.find((one) => one.meetingId === race.data?.meetingId);
  const unit: Currency = meeting ?? EURO;
  const justRun = lastRun(races);
  const show = (raceId: string | null) => {
    setPicked(raceId);
    window.history.replaceState(null, '', raceId === null ? '/' : `/?race=${encodeURIComponent(raceId)}`);
  };
  return (
    <div className="page">
      <Masthead here="board">
        <AccountMenu demo={demo.data} session={session} account={account.data} unit={unit} onSession={setSession} />
      </Masthead>
      <main id="main">
        {races.length > 0 ? <CardStrip meetings={meetings.data ?? []} shown={shown} onShow={show} /> : null}
        {picked !== null && next !== null && picked !== next.raceId ? (
          <p className="row small" style={{ margin: '0 0 12px' }}>
            <span className="muted">You are looking at another race.</span>
            <button type="button" className="plain-button" onClick={() => show(null)} data-testid="follow-next">
              Go to the next race
            </button>
          </p>
        ) : null}
        {race.data !== undefined && meeting !== undefined ? (
          <RaceView
            key={race.data.raceId}
            meeting={meeting}
            race={race.data}
            feed={feed}
            unit={unit}
            session={session}
            placing={placing}
            available={account.data?.balance.available ?? null}
            justRun={
              justRun === null ? null : { raceId: justRun.raceId, course: courseOf(meetings.data ?? [], justRun) }
            }
          />
        ) : (
          <Waiting failure={meetings.error ?? race.error} empty={meetings.data !== undefined && races.length === 0} />
        )}
      </main>
    </div>
  );
}

function Waiting({ failure, empty }: { failure: unknown; empty: boolean }) {
  if (empty) {
    return (
      <section className="panel panel-body" data-testid="no-meeting">
        <h1 className="quiet">No racing today</h1>
        <p className="muted">The card appears here as soon as a meeting is loaded.</p>
      </section>
    );
  }
  return (
    <div className="board-grid" aria-busy="true">
      <div className="stack">
        <ProblemNote failure={failure} />
        <div className="tote" style={{ minHeight: 206 }} />
        <section className="panel">
          <Bones rows={9} height={28} />
        </section>
      </div>
      <aside>
        <section className="panel">
          <Bones rows={5} height={26} />
        </section>
      </aside>
    </div>
  );
}

interface RaceViewProps {
  meeting: Meeting;
  race: Race;
  feed: FeedSnapshot;
  unit: Currency;
  session: BettorSession | null;
  placing: UsePlacing;
  available: number | null;
  justRun: { raceId: string; course: string } | null;
}

function RaceView(props: RaceViewProps) {
  const { meeting, race, feed, unit, session, placing, available, justRun } = props;
  const status = useStatus(race, feed);
  const selling = isSelling(status);
  const [slip, setSlip] = useSlip(race);
  const [sheet, setSheet] = useState(false);
  const before = useRace(justRun !== null && justRun.raceId !== race.raceId ? justRun.raceId : null);
  const slipProps = { race, status, selling, slip, onSlip: setSlip, session, placing, available, unit };
  return (
    <div className="board-grid">
      <div className="stack" style={{ minWidth: 0 }}>
        <ToteBoard meeting={meeting} race={race} status={status} feed={feed} unit={unit} />
        <ResultPanel race={race} unit={unit} title={`Race ${race.number}: the result`} />
        <RaceTabs race={race} feed={feed} selling={selling} slip={slip} onSlip={setSlip} />
      </div>
      <aside>
        <SlipPanel {...slipProps} className="in-page" />
        <LegPools meeting={meeting} race={race} unit={unit} />
        {session === null ? null : <Tickets session={session} unit={unit} />}
        {before.data === undefined ? null : (
          <ResultPanel
            race={before.data}
            unit={unit}
            title={`Just run: ${justRun?.course}, race ${before.data.number}`}
          />
        )}
      </aside>
      <div className="sheet-bar" hidden={!isAhead(status)}>
        <p>
          {slip !== null && lines(slip) > 0
            ? `${poolLabel(slip.type)}, ${money(cost(slip), unit)}`
            : 'Mark runners, then bet.'}
        </p>
        <button type="button" className="slip-button" onClick={() => setSheet(true)} data-testid="open-slip">
          Bet slip
        </button>
      </div>
      <Drawer
        opened={sheet}
        onClose={() => setSheet(false)}
        position="bottom"
        size="92%"
        title="Bet"
        closeButtonProps={{ 'aria-label': 'Close the slip' }}
        styles={{
          body: { padding: '0 0 24px' },
          content: { background: 'var(--card)' },
          header: { background: 'var(--card)' },
        }}
      >
        <SlipPanel {...slipProps} className="in-sheet" />
      </Drawer>
    </div>
  );
}

/** The state of the race, from whichever of feed and API knows more; a change on the feed fetches the race anew. */
function useStatus(race: Race, feed: FeedSnapshot): string {
  const queries = useQueryClient();
  const states = race.pools.map((pool) => text(feed.pools.get(pool.poolId)?.def['status']) ?? '').join();
  useEffect(() => {
    // Before the first image there is no news in it.
    if (states.replaceAll(',', '') !== '') void queries.invalidateQueries({ queryKey: ['race', race.raceId] });
  }, [states, queries, race.raceId]);
  const pools = states.split(',').filter((state) => state !== '');
  // The race says OPEN for up to three seconds after its pools have said otherwise.
  const first = pools[0];
  return isSelling(race.status) && first !== undefined && pools.every((state) => state === first) ? first : race.status;
}

function useSlip(race: Race): [Slip | null, (slip: Slip) => void] {
  const first = race.pools.find((pool) => shapeOf(pool.type) !== undefined);
  const [chosen, setSlip] = useState<Slip | null>(null);
  const scratched = new Set(
    race.runners.filter((runner) => runner.status === 'SCRATCHED').map((runner) => runner.number),
  );
  const slip = chosen ?? (first === undefined ? null : emptySlip(first, Math.max(first.minStake, 100)));
  return [slip === null ? null : without(slip, scratched), setSlip];
}

interface TabsProps {
  race: Race;
  feed: FeedSnapshot;
  selling: boolean;
  slip: Slip | null;
  onSlip: (slip: Slip) => void;
}

function RaceTabs({ race, feed, selling, slip, onSlip }: TabsProps) {
  const [tab, setTab] = useState('RUNNERS');
  const of = (type: string) => race.pools.find((pool) => pool.type === type);
  const state = (type: string) => feed.pools.get(of(type)?.poolId ?? '');
  const path = useOddsPath(of('WIN')?.poolId ?? null, state('WIN'), feed.cycle);
  const tabs = [
    { id: 'RUNNERS', label: 'Runners' },
    ...race.pools
      .filter((pool) => isPair(pool.type))
      .map((pool) => ({ id: pool.type, label: `${poolLabel(pool.type)} odds` })),
    { id: 'CHART', label: 'Odds chart' },
  ];
  const back = (runner: string) => {
    const win = of('WIN');
    if (win === undefined) return;
    const base =
      slip !== null && slip.poolId === win.poolId ? slip : emptySlip(win, Math.max(slip?.unitStake ?? 0, win.minStake));
    onSlip(mark(base, 0, runner));
  };
  const pair = (type: string) => (first: string, second: string) => {
    const pool = of(type);
    if (pool === undefined) return;
    onSlip({ ...emptySlip(pool, Math.max(slip?.unitStake ?? 0, pool.minStake)), columns: [[first], [second]] });
  };
  return (
    <section className="panel" aria-label="Odds">
      <div className="panel-head" style={{ padding: '9px 10px' }}>
        <div className="tabs" role="tablist" aria-label="Views of the odds">
          {tabs.map(({ id, label }) => (
            <button
              key={id}
              type="button"
              role="tab"
              aria-selected={tab === id}
              onClick={() => setTab(id)}
              data-testid={`tab-${id}`}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      {tab === 'RUNNERS' ? (
        <Runners
          runners={race.runners}
          win={state('WIN')}
          place={state('PLACE') ?? state('SHOW')}
          path={path}
          marked={slip?.type === 'WIN' ? (slip.columns[0] ?? []) : []}
          selling={selling}
          onBack={back}
        />
      ) : tab === 'CHART' ? (
        <Suspense fallback={<Bones rows={5} height={40} />}>
          <OddsChart runners={race.runners} path={path} />
        </Suspense>
      ) : (
        <Pairs type={tab} runners={race.runners} pool={state(tab)} selling={selling} onPair={pair(tab)} />
      )}
    </section>
  );
}

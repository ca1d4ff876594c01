/**
 * What a calculator must know of the market: which pools wait for its proposal, and on what result. A pure fold over the market's
 * decisions; it prices nothing.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import type { LegOutcome, MarketEvent, MarketFact, PoolCard, ProposalSource, ShardReport } from '#mutuel/engine';
import { entriesOf } from '#mutuel/engine';
import type { Field, Finish } from '#mutuel/tote';

type Stakes = Extract<ShardReport, { t: 'Stakes' }>;

/** A pool that waits for a proposal on a result. */
export interface Ask {
  readonly race: string;
  readonly pool: PoolCard;
  readonly version: number;
  readonly finish: Finish;
  readonly field: Field;
  /** Over several races: what each leg has come to. */
  readonly legs?: readonly LegOutcome[];
  /** An official result is replaced: what was paid so far is asked for, too. */
  readonly corrects: boolean;
  /** The correction makes the race void. */
  readonly voided: boolean;
  /** The shards' counts for this version that the market has received. */
  readonly stakes: ReadonlyMap<number, Stakes>;
}

interface WatchedRace {
  readonly meeting: string;
  readonly pools: readonly PoolCard[];
  readonly field: Field & { readonly scratched: string[] };
  provisional: boolean;
  official: boolean;
  voided: boolean;
  /** Void before it was official: nothing follows its settlement, but where earlier legs can change what it ends. */
  isVoid: boolean;
  /** The pools that the last result is for; over several races with what each leg has come to. */
  called: ReadonlyMap<string, readonly LegOutcome[] | undefined>;
  version: number;
  finish: Finish;
}

interface WatchedPool {
  readonly race: string;
  stakes: Map<number, Stakes>;
  /** Version of the proposals received, by source. */
  readonly received: Map<ProposalSource, number>;
}

/** What is asked or learnt about a leg, or about what a correction would move, changes no order. */
const UNMOVED: ReadonlySet<string> = new Set<MarketFact['t']>([
  'FavouritesSet',
  'WillPaysAsked',
  'CorrectionPriced',
  'RefundsAsked',
]);

/** Of a settled race: pools over several races that end with a void one are settled again for as long as corrections are taken. */
const isOver = (race: WatchedRace | undefined): boolean =>
  race?.isVoid === true && race.pools.every(({ legs }) => legs === undefined);

export class RaceWatch {
  readonly #races = new Map<string, WatchedRace>();
  readonly #pools = new Map<string, WatchedPool>();
  readonly #over: string[] = [];

  apply(decision: Pick<DecisionRecord, 'events'>): void {
    for (const event of decision.events as readonly MarketEvent[]) this.#event(event);
  }

  /** Every pool that waits for this calculator's word. */
  asks(source: ProposalSource): readonly Ask[] {
    const asks: Ask[] = [];
    for (const [race, { pools, called, field, provisional, official, voided, version, finish }] of this.#races) {
      if (!provisional) continue;
      for (const pool of pools) {
        const watched = this.#pools.get(pool.poolId) as WatchedPool;
        if (!called.has(pool.poolId) || watched.received.get(source) === version) continue;
        const legs = called.get(pool.poolId);
        const order = { version, finish, corrects: official, voided };
        asks.push({ race, pool, ...order, field, stakes: watched.stakes, ...(legs && { legs }) });
      }
    }
    return asks;
  }

  /** Meetings of which the last races have ended since the last call. */
  takeOver(): readonly string[] {
    return this.#over.splice(0);
  }

  #event(event: MarketEvent): void {
    switch (event.t) {
      case 'Fact':
        this.#fact(event.fact);
        return;
      case 'ReportReceived': {
        const { report, shard } = event;
        const pool = this.#pools.get(report.pool);
        if (report.t !== 'Stakes' || !pool) return;
        if (report.version === this.#races.get(pool.race)?.version) pool.stakes.set(shard, report);
        return;
      }
      case 'ProposalReceived':
        this.#pools.get(event.proposal.pool)?.received.set(event.proposal.source, event.proposal.version);
        return;
      case 'RaceSettled':
        if (isOver(this.#races.get(event.race))) this.#end(event.race);
        return;
      default:
    }
  }

  #fact(fact: MarketFact): void {
    if (fact.t === 'MeetingPublished') {
      for (const race of fact.meeting.races) {
        const declared = race.runners.map((runner) => runner.number);
        const field = { declared, entries: entriesOf(race), scratched: [], ...(race.handicap && { handicap: true }) };
        this.#races.set(race.raceId, {
          meeting: fact.meeting.meetingId,
          pools: race.pools,
          field,
          provisional: false,
          official: false,
          voided: false,
          isVoid: false,
          called: new Map(),
          version: 0,
          finish: [],
        });
        for (const { poolId } of race.pools)
          this.#pools.set(poolId, { race: race.raceId, stakes: new Map(), received: new Map() });
      }
      return;
    }
    if (UNMOVED.has(fact.t)) return;
    if (fact.t === 'CorrectionsClosed') this.#end(fact.race);
    const race = 'race' in fact ? this.#races.get(fact.race) : undefined;
    if (!race) return;
    if (fact.t === 'RunnerScratched') race.field.scratched.push(fact.runner);
    if (fact.t === 'ResultEntered') this.#resulted(race, fact);
    // Whatever else happens to a race with an order entered takes the order back, or pays it.
    else race.provisional = false;
    if (fact.t === 'DividendsDeclared') race.official = true;
    if (fact.t === 'RaceVoided') race.isVoid = true;
  }

  #resulted(race: WatchedRace, fact: Extract<MarketFact, { t: 'ResultEntered' }>): void {
    race.provisional = true;
    race.version = fact.version;
    race.finish = fact.finish;
    race.voided = fact.voided ?? false;
    race.called = new Map(fact.pools.map(({ pool, legs }) => [pool, legs]));
    for (const { poolId } of race.pools) (this.#pools.get(poolId) as WatchedPool).stakes = new Map();
  }

  #end(id: string): void {
    const race = this.#races.get(id);
    if (!race) return;
    for (const { poolId } of race.pools) this.#pools.delete(poolId);
    this.#races.delete(id);
    if (![...this.#races.values()].some(({ meeting }) => meeting === race.meeting)) this.#over.push(race.meeting);
  }
}

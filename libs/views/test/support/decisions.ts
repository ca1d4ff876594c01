/** Hand-made decisions: a small meeting and the events of its bets, with nothing of the engine in between. */
import { type DecisionRecord, GENESIS } from '#mutuel/contracts';
import type { MarketEvent, MarketFact, MeetingCard, ShardEvent } from '#mutuel/engine';
import { type PoolType, type RuleSet, ruleSetFor } from '#mutuel/tote';
import type { PlacedDecision } from '../../src/index.js';

export const rules = (type: PoolType, name = 'FR'): RuleSet => {
  const found = ruleSetFor(name, type);
  if (!found) throw new Error(`no rule set ${name} ${type}`);
  return found;
};

export const RACE = '2026-11-22-R1-C3';
export const poolId = (type: PoolType): string => `${RACE}-${type}`;

export function meeting(types: readonly PoolType[], runners = 4): MeetingCard {
  return {
    meetingId: '2026-11-22-R1',
    course: 'Vincennes',
    date: '2026-11-22',
    country: 'FR',
    currency: 'EUR',
    exponent: 2,
    races: [
      {
        raceId: RACE,
        number: 3,
        name: 'Prix du Test',
        postTime: 1_795_300_000_000,
        runners: Array.from({ length: runners }, (_, i) => ({ number: String(i + 1), name: `Horse ${i + 1}` })),
        pools: types.map((type) => ({ poolId: poolId(type), type, ruleSet: rules(type), carryInMinor: 0 })),
      },
    ],
  };
}

/** A log's decisions one after the other: each call is the next offset. */
export class FakeLog<E extends ShardEvent | MarketEvent> {
  readonly placed: PlacedDecision[] = [];
  #facts = 0;

  constructor(readonly src: string) {}

  decide(time: number, ...events: readonly E[]): PlacedDecision {
    const offset = this.placed.length;
    const decision: DecisionRecord = {
      v: 1,
      kind: 'decision',
      src: this.src,
      epoch: 0,
      seq: offset + 1,
      in: [0, offset, 0],
      cid: '0'.repeat(32),
      inc: '1'.repeat(32),
      prev: GENESIS,
      at: time,
      time,
      events,
      posts: [],
    };
    const placed = { decision, offset, time };
    this.placed.push(placed);
    return placed;
  }

  nextFact(): number {
    return ++this.#facts;
  }
}

export const marketLog = () => new FakeLog<MarketEvent>('market');
export const shardLog = (shard: number) => new FakeLog<ShardEvent>(`shard-${shard}`);

export const marketFact = (log: FakeLog<MarketEvent>, time: number, fact: MarketFact) =>
  log.decide(time, { t: 'Fact', n: log.nextFact(), fact });

export const shardFact = (log: FakeLog<ShardEvent>, time: number, fact: MarketFact) =>
  log.decide(time, { t: 'FactApplied', n: log.nextFact(), fact });

export interface FakeBet {
  readonly pool: string;
  readonly sel: string;
  readonly unit: number;
  readonly lines?: number;
}

/** One ticket; its id is `t<shard>-<seq>-x`. */
export function ticket(log: FakeLog<ShardEvent>, time: number, bets: readonly FakeBet[], account = 'acc-1') {
  const seq = log.placed.length + 1;
  const accepted = bets.map(({ pool, sel, unit, lines = 1 }, no) => ({
    no,
    ref: `b${no}`,
    pool,
    sel,
    lines,
    unit,
    stake: unit * lines,
    leaf: 'ab'.repeat(32),
  }));
  return log.decide(time, {
    t: 'TicketAccepted',
    ticket: `t${log.src.slice(6)}-${seq}-x`,
    account,
    ref: `0198f3c2-0000-7000-8000-${String(seq).padStart(12, '0')}`,
    body: 'ab'.repeat(8),
    blind: 'cd'.repeat(16),
    channel: 'web',
    currency: 'EUR',
    total: accepted.reduce((sum, bet) => sum + bet.stake, 0),
    balance: 1_000_000,
    bets: accepted,
    refused: [],
  });
}

export function refunded(
  log: FakeLog<ShardEvent>,
  time: number,
  pool: string,
  cause: 'SCRATCHED' | 'AFTER_STOP' | 'RACE_VOID' | 'POOL_REFUNDED',
  items: readonly { readonly i: number; readonly amount: number }[],
) {
  return log.decide(time, {
    t: 'BetsRefunded',
    job: 1,
    pool,
    cause,
    cursor: 1,
    items: items.map((item) => ({ ...item, ticket: 't0-1-x', no: 0, account: 'acc-1', balance: 0 })),
    root: '',
  });
}

export const seal = (log: FakeLog<ShardEvent>, time: number, pool: string, stake: number) =>
  log.decide(time, {
    t: 'Report',
    n: 1,
    report: {
      t: 'Seal',
      pool,
      closeNo: 1,
      lastSeq: 1,
      markerAt: time,
      bets: 1,
      stake,
      withdrawnBets: 0,
      withdrawnStake: 0,
      voidedBets: 0,
      voidedStake: 0,
      leaves: 1,
      root: 'ee'.repeat(32),
    },
  });

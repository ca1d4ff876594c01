/**
 * A whole house without a runner: the real deciders, called one command after the other, their decisions appended to a log in
 * memory at times that the test sets. Relays and cursor jobs happen at once.
 */
import { openMemoryLog } from '#mutuel/adapters';
import { type DecisionRecord, encodeRecord, GENESIS, openCommand, sha256, TOPICS } from '#mutuel/contracts';
import {
  type Actor,
  type Decider,
  type MarketCommand,
  type MarketEvent,
  type MeetingCard,
  marketDecider,
  readMarketCommand,
  type ShardCommand,
  type ShardEvent,
  shardDecider,
  shardOf,
} from '#mutuel/engine';
import type { Clock, EventLog, LogAppender, TopicPartition } from '#mutuel/runtime';
import { type PoolType, ruleSetFor } from '#mutuel/tote';

export const KEY = new Uint8Array(32).fill(7);
export const START = 1_795_300_000_000;

export const operator: Actor = { user: 'tess', roles: ['TOTE_OPERATOR'], device: 'desk' };
export const steward: Actor = { user: 'stella', roles: ['STEWARD'], device: 'tower' };
export const second: Actor = { user: 'sam', roles: ['STEWARD'], device: 'office' };

/** A clock that the test moves; sleepers wake at once, so that what polls polls. */
export class HandClock implements Clock {
  time = START;
  now(): number {
    return this.time;
  }
  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** One decider with its chain. */
class Chain<S, C, E> {
  readonly state: S;
  #seq = 0;
  #head = GENESIS;
  #in = 0;
  readonly inc: string;

  constructor(
    readonly decider: Decider<S, C, E>,
    readonly src: string,
    readonly at: TopicPartition,
    private readonly appender: LogAppender,
    private readonly clock: HandClock,
  ) {
    this.state = decider.initialState();
    this.inc = sha256(src).slice(0, 32);
  }

  async begin(): Promise<void> {
    const { src, inc } = this;
    await this.appender.append(this.at, [encodeRecord({ v: 1, kind: 'started', src, epoch: 1, inc })]);
  }

  async decide(command: C, trusted = true): Promise<DecisionRecord<E>> {
    const at = this.clock.time;
    const seq = ++this.#seq;
    const cid = sha256(`${this.src}${seq}`).slice(0, 32);
    const decision = this.decider.decide(this.state, command, { seq, at, decidedAt: at, cid, trusted });
    const record: DecisionRecord<E> = {
      ...{ v: 1, kind: 'decision', src: this.src, epoch: 1, seq, in: [1, this.#in++, 0], cid, inc: this.inc },
      ...{ prev: this.#head, at, time: at, ...decision },
    };
    const bytes = encodeRecord(record);
    this.#head = sha256(bytes);
    this.decider.evolve(this.state, record);
    await this.appender.append(this.at, [bytes]);
    return record;
  }
}

type Market = Chain<ReturnType<ReturnType<typeof marketDecider>['initialState']>, MarketCommand, MarketEvent>;
type Shard = Chain<ReturnType<ReturnType<typeof shardDecider>['initialState']>, ShardCommand, ShardEvent>;

export class House {
  readonly clock = new HandClock();
  log!: EventLog;
  market!: Market;
  shards: Shard[] = [];
  #refs = 0;
  #commandsRead = 0;

  static async open(shards = 2): Promise<House> {
    const house = new House();
    const topics = {
      [TOPICS.shardCommands]: shards,
      [TOPICS.shardDecisions]: shards,
      [TOPICS.marketCommands]: 1,
      [TOPICS.marketDecisions]: 1,
      [TOPICS.odds]: 1,
    };
    house.log = await openMemoryLog({ topics, clock: house.clock });
    const appender = await house.log.appender();
    const at = { topic: TOPICS.marketDecisions, partition: 0 };
    house.market = new Chain(marketDecider({ shards, hash: sha256 }), 'market', at, appender, house.clock);
    await house.market.begin();
    for (let shard = 0; shard < shards; shard++) {
      const place = { topic: TOPICS.shardDecisions, partition: shard };
      const decider = shardDecider({ shard, shards, hash: sha256 });
      const chain: Shard = new Chain(decider, `shard-${shard}`, place, appender, house.clock);
      await chain.begin();
      house.shards.push(chain);
    }
    return house;
  }

  /** A market command, with all that follows from it in the shards and back. */
  async act(command: MarketCommand): Promise<DecisionRecord<MarketEvent>> {
    const record = await this.market.decide(command);
    for (const event of record.events) {
      if (event.t !== 'Fact') continue;
      for (const shard of this.shards) await this.#inShard(shard, { type: 'MarketFact', n: event.n, fact: event.fact });
    }
    for (const shard of this.shards) await this.#work(shard);
    return record;
  }

  async #work(shard: Shard): Promise<void> {
    for (let next = shard.decider.pending(shard.state); next; next = shard.decider.pending(shard.state))
      await this.#inShard(shard, next);
  }

  async #inShard(shard: Shard, command: ShardCommand): Promise<DecisionRecord<ShardEvent>> {
    const record = await shard.decide(command);
    for (const event of record.events) {
      if (event.t !== 'Report') continue;
      const { n, report } = event;
      await this.act({ type: 'ShardReport', shard: this.shards.indexOf(shard), n, report });
    }
    return record;
  }

  of(account: string): Shard {
    return this.shards[shardOf(account, this.shards.length)] as Shard;
  }

  async fund(account: string, amount: number): Promise<void> {
    await this.of(account).decide({ type: 'OpenAccount', account, currency: 'EUR' });
    await this.of(account).decide({ type: 'Deposit', account, ref: `d-${account}`, amount });
  }

  bet(account: string, ...bets: readonly { pool: string; sel: string; unit: number; stake?: number }[]) {
    const time = this.clock.time.toString(16).padStart(12, '0');
    const ref = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(++this.#refs).padStart(12, '0')}`;
    return this.of(account).decide(
      {
        ...{ type: 'PlaceTicket', account, ref, body: sha256(ref), currency: 'EUR', atomic: true, channel: 'web' },
        blind: sha256(ref).slice(0, 32),
        bets: bets.map(({ pool, sel, unit, stake = unit }, i) => ({ ref: `b${i}`, pool, sel, unit, stake })),
      },
      false,
    );
  }

  renewLease() {
    return this.act({ type: 'RenewLease', ttlMs: 30_000 });
  }

  /** Decides what others appended to the market's command log. */
  async pump(): Promise<DecisionRecord<MarketEvent>[]> {
    const records = await this.log.read(
      { topic: TOPICS.marketCommands, partition: 0, from: this.#commandsRead },
      1_000,
    );
    this.#commandsRead += records.length;
    const decided: DecisionRecord<MarketEvent>[] = [];
    for (const { value } of records) {
      const opened = openCommand(value, KEY);
      if (!('cmd' in opened)) throw new Error('a command that does not open');
      decided.push(await this.act(readMarketCommand(opened.cmd, opened.trusted)));
    }
    return decided;
  }
}

export const RACE = '2026-11-22-R1-C3';
export const poolOf = (type: PoolType): string => `${RACE}-${type}`;

export function meeting(types: readonly PoolType[], runners = 6): MeetingCard {
  return {
    ...{
      meetingId: '2026-11-22-R1',
      course: 'Vincennes',
      date: '2026-11-22',
      country: 'FR',
      currency: 'EUR',
      exponent: 2,
    },
    races: [
      {
        ...{ raceId: RACE, number: 3, name: 'Prix du Test', postTime: START + 600_000 },
        runners: Array.from({ length: runners }, (_, i) => ({ number: String(i + 1), name: `Horse ${i + 1}` })),
        pools: types.map((type) => {
          const ruleSet = ruleSetFor('FR', type);
          if (!ruleSet) throw new Error(`no rules for ${type}`);
          return { poolId: poolOf(type), type, ruleSet, carryInMinor: 0 };
        }),
      },
    ],
  };
}

/** Waits until the condition holds; the bound only keeps a broken test from hanging. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`still waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

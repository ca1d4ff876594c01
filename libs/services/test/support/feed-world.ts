/**
 * A racing day for the feed, small enough to be worked out by hand: a market folded by the real decider's `evolve`, ticks with rows
 * that the test chooses, a client that does what the contract says and nothing else, and an oracle that builds each pool's state
 * anew from all that happened.
 */
import { createHash } from 'node:crypto';
import { type DecisionRecord, GENESIS, sha256 } from '#mutuel/contracts';
import {
  canonical,
  type MarketEvent,
  type MarketFact,
  type MarketPool,
  type MeetingCard,
  marketDecider,
} from '#mutuel/engine';
import { type PoolType, ruleSetFor } from '#mutuel/tote';
import { CYCLE_MS, FULL_EVERY, type OddsRow, type Tick, type TickPool } from '#mutuel/views';
import { changeFrame, statusFrame } from '../../src/feed-frames.js';
import { type FeedConnection, FeedHub, type FeedHubOptions, type FeedReceiver } from '../../src/index.js';
import { HandClock, START } from './house.js';

export const FIRST_CYCLE = Math.floor(START / CYCLE_MS);
const RUNNERS = ['1', '2', '3', '10'];
export const TYPES: readonly PoolType[] = ['WIN', 'PLACE', 'EXACTA'];

export function card(races: number, from = 1): MeetingCard {
  return {
    meetingId: `M${from}`,
    course: 'Vincennes',
    date: '2026-11-22',
    country: 'FR',
    currency: 'EUR',
    exponent: 2,
    races: Array.from({ length: races }, (_, i) => ({
      raceId: `R${from + i}`,
      number: from + i,
      name: 'Prix du Test',
      postTime: START + 600_000,
      runners: RUNNERS.map((number) => ({ number, name: `Horse ${number}` })),
      pools: TYPES.map((type) => {
        const ruleSet = ruleSetFor('FR', type);
        if (!ruleSet) throw new Error(`no French rule set for ${type}`);
        return { poolId: `R${from + i}-${type}`, type, ruleSet, carryInMinor: type === 'EXACTA' ? 500 : 0 };
      }),
    })),
  };
}

/** Everything that has happened, and any number of nodes that have read some of it. */
export class FeedWorld {
  readonly clock = new HandClock();
  readonly decisions: DecisionRecord<MarketEvent>[] = [];
  readonly ticks: Tick[] = [];
  readonly nodes: FeedNode[] = [];
  #facts = 0;

  node(options: Partial<FeedHubOptions> = {}): FeedNode {
    const node = new FeedNode(this, options);
    this.nodes.push(node);
    return node;
  }

  fact(fact: MarketFact): void {
    this.decide({ t: 'Fact', n: ++this.#facts, fact });
  }

  decide(...events: readonly MarketEvent[]): void {
    const seq = this.decisions.length + 1;
    this.decisions.push({
      ...{ v: 1, kind: 'decision', src: 'market', epoch: 0, seq, in: [0, seq, 0], cid: '', inc: '', prev: GENESIS },
      ...{ at: this.clock.time, time: this.clock.time, events, posts: [] },
    } as DecisionRecord<MarketEvent>);
  }

  /** The next tick; the pools given moved. */
  tick(pools: readonly TickPool[], skip = 0): Tick {
    const before = this.ticks.at(-1);
    const cycle = (before?.cycle ?? FIRST_CYCLE) + 1 + skip;
    this.clock.time = Math.max(this.clock.time, cycle * CYCLE_MS + 40);
    const full = before === undefined || cycle % FULL_EVERY === 0;
    const all = new Map((full ? this.ticks : []).flatMap((tick) => tick.pools).map((pool) => [pool.id, pool]));
    for (const pool of pools) all.set(pool.id, pool);
    const frame = { v: 1, cycle, prevCycle: before?.cycle ?? null, at: this.clock.time, late: false, full } as const;
    const tick = { ...frame, cut: { shards: [0], market: 0 }, pools: [...all.values()] };
    this.ticks.push(tick);
    return tick;
  }

  /** All nodes read all there is. */
  settle(): void {
    for (const node of this.nodes) node.read();
  }
}

export const pool = (id: string, v: number, rows: readonly OddsRow[], more: Partial<TickPool> = {}): TickPool => {
  const gross = rows.reduce((sum, [, stake]) => sum + stake, 0);
  return { id, v, gross, net: gross - Math.floor(gross / 5), carryIn: 0, final: false, rows, ...more };
};

export class FeedNode {
  readonly hub: FeedHub;
  /** How far this node has read. */
  seq = 0;
  ticks = 0;
  readonly market;
  readonly #decider = marketDecider({ shards: 1, hash: () => '' });

  constructor(
    readonly world: FeedWorld,
    options: Partial<FeedHubOptions> = {},
  ) {
    const cards = new Map<string, MeetingCard>();
    this.market = { state: this.#decider.initialState(), cards, seq: 0 };
    this.hub = new FeedHub({
      market: this.market,
      clock: world.clock,
      onFault(fault) {
        throw fault;
      },
      ...options,
    });
  }

  readMarket(upTo = this.world.decisions.length): void {
    for (; this.seq < upTo; this.seq++) {
      const decision = this.world.decisions[this.seq] as DecisionRecord<MarketEvent>;
      this.#decider.evolve(this.market.state, decision);
      this.market.seq = decision.seq;
      for (const event of decision.events)
        if (event.t === 'Fact' && event.fact.t === 'MeetingPublished')
          this.market.cards.set(event.fact.meeting.meetingId, event.fact.meeting);
      this.hub.onMarket(decision);
    }
  }

  readTicks(upTo = this.world.ticks.length): void {
    const ticks = this.world.ticks.slice(this.ticks, upTo);
    this.ticks += ticks.length;
    this.hub.onTicks(ticks);
  }

  read(): void {
    this.readMarket();
    this.readTicks();
  }
}

type Fields = Record<string, unknown>;
interface KnownPool {
  def: Fields;
  tot: Fields;
  rc: Map<string, Fields>;
}

/** A client by the letter: absent is unchanged, an image replaces, and what disagrees with `h` is an error of the test. */
export class FeedClient {
  readonly pools = new Map<string, KnownPool>();
  frames: Fields[] = [];
  initialClk: string | null = null;
  clk: string | null = null;
  isTaking = true;
  isClosed = false;
  mostBuffered = 0;
  #waiting: string[] = [];
  #id = 0;
  #receiver: FeedReceiver | undefined;

  connect(node: FeedNode): this {
    this.#receiver?.closed();
    this.#waiting = [];
    this.isClosed = false;
    const connection: FeedConnection = {
      send: (text) => {
        this.#waiting.push(text);
        this.mostBuffered = Math.max(this.mostBuffered, this.#buffered());
        if (this.isTaking) this.take();
      },
      bufferedAmount: () => this.#buffered(),
      close: () => {
        this.isClosed = true;
      },
    };
    this.#receiver = node.hub.connect(connection);
    return this;
  }

  subscribe(request: Fields = {}): this {
    const clocks = this.clk === null ? {} : { initialClk: this.initialClk, clk: this.clk };
    const { id = this.#id + 1 } = request;
    this.#id = Number(id);
    this.say({ op: 'subscribe', id, ...clocks, ...request });
    return this;
  }

  say(value: unknown): void {
    this.#receiver?.receive(typeof value === 'string' ? value : JSON.stringify(value));
  }

  hangUp(): void {
    this.#receiver?.closed();
    this.#receiver = undefined;
  }

  take(): void {
    for (const text of this.#waiting.splice(0)) this.#fold(JSON.parse(text) as Fields);
  }

  get last(): Fields {
    return this.frames.at(-1) ?? {};
  }

  hash(id: string): string {
    return sha256(this.text(id)).slice(0, 8);
  }

  text(id: string): string {
    const { def, tot, rc } = this.pools.get(id) ?? { def: {}, tot: {}, rc: new Map<string, Fields>() };
    const rows = [...rc].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    return canonical({ def, tot, rc: rows });
  }

  #buffered(): number {
    return this.#waiting.reduce((sum, text) => sum + text.length, 0);
  }

  #fold(frame: Fields): void {
    this.frames.push(frame);
    if (frame['op'] === 'status') {
      statusFrame.parse(frame);
      return;
    }
    const { id, ct, seg, clk, initialClk, pc = [] } = changeFrame.parse(frame);
    // Still under way for the request before this one.
    if (id !== this.#id) return;
    if (ct === 'SUB_IMAGE' && (seg === undefined || seg === 'SEG_START')) this.pools.clear();
    for (const change of pc) {
      this.#change(change);
      if (this.hash(change.id) !== change.h) throw new Error(`${change.id} is out of step: ${JSON.stringify(frame)}`);
    }
    this.initialClk = initialClk ?? this.initialClk;
    this.clk = clk ?? this.clk;
  }

  #change(change: {
    id: string;
    img?: true | undefined;
    def?: object | undefined;
    tot?: object | undefined;
    rc?: { c: string }[] | undefined;
  }): void {
    const known = change.img ? { def: {}, tot: {}, rc: new Map<string, Fields>() } : this.pools.get(change.id);
    if (!known) throw new Error(`a change of ${change.id} came before its image`);
    Object.assign(known.def, change.def);
    Object.assign(known.tot, change.tot);
    for (const row of change.rc ?? []) known.rc.set(row.c, { ...known.rc.get(row.c), ...row });
    this.pools.set(change.id, known);
  }
}

/** Of one shard, since these worlds have one. */
const sealed = ([seal]: MarketPool['seals']): object =>
  seal
    ? {
        ...{ closeNo: seal.closeNo, sealBets: seal.bets, sealStake: seal.stake },
        sealRoot: createHash('sha256').update(`pool:${seal.root}`).digest('hex'),
      }
    : {};

/** The state of a pool as the contract defines it, from all that happened. */
export function oracle(world: FeedWorld, id: string): string {
  const node = world.nodes.at(-1) as FeedNode;
  const marketPool = node.market.state.pools.get(id);
  const race = marketPool && node.market.state.races.get(marketPool.race);
  if (!race) throw new Error(`${id} is not on the card`);
  const { type, ruleSet, carryInMinor } = marketPool.card;
  const history = world.ticks.flatMap((tick) =>
    tick.pools.filter((one) => one.id === id).map((one) => ({ tick, one })),
  );
  const last = history.at(-1);
  const before = new Map(history.at(-2)?.one.rows.map((row) => [row[0], row[1]]));
  const isNew = last?.tick === world.ticks.at(-1) && history.length > 1;
  const { gross = 0, net = 0, carryIn = carryInMinor, final = false, rows = [] } = last?.one ?? {};
  const out = new Set(race.scratched);
  const shown = rows
    .filter(([c]) => !c.split('>').some((runner) => out.has(runner)))
    .map(([c, amt, odds, lo, hi]) => {
      const big = isNew && gross > 0 && amt - (before.get(c) ?? 0) >= gross / 10;
      return { c, st: 'ACTIVE', amt, big, odds: odds ?? undefined, lo, hi };
    });
  const gone = type === 'EXACTA' ? [] : [...out].map((c) => ({ c, st: 'SCRATCHED', amt: 0, big: false }));
  return canonical({
    def: {
      ...{ status: race.status, ruleVersion: ruleSet.id, raceId: race.card.raceId, type, offTime: race.card.postTime },
      ...{ scratched: [...out].sort(), stopAt: race.stopAt ?? undefined, offAt: race.offAt ?? undefined },
      ...sealed(marketPool.seals),
    },
    tot: { gross, net, carryIn, cur: 'EUR', exp: 2, final },
    rc: [...shown, ...gone].sort((a, b) => (a.c < b.c ? -1 : 1)),
  });
}

/**
 * The odds feed of one process: ticks and market decisions in, frames out to every connection, encoded once for all that asked for
 * the same. It knows nothing of sockets. It must never hold back a stop of betting, buffer without a bound, or close a connection
 * because odds are late.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import type { MarketEvent } from '#mutuel/engine';
import type { Clock } from '#mutuel/runtime';
import {
  CYCLE_MS,
  type FeedMarket,
  type FeedPool,
  type FeedSeal,
  FeedState,
  type LastOdds,
  type Tick,
} from '#mutuel/views';
import { type FeedFilter, fieldsOf, type SubscribeRequest, subscriptionKey } from './feed-frames.js';
import { FeedGroup, type FeedMetrics, type FeedPlace } from './feed-group.js';
import { type FeedConnection, type FeedLimits, FeedPeer } from './feed-peer.js';

export interface FeedHubOptions {
  /**
   * The market folded elsewhere. Where the hub is made before the first decision and told all of them, clocks from before a restart
   * hold; where it is made later, their owners get an image.
   */
  readonly market: FeedMarket;
  readonly clock: Clock;
  /** Begins the connections' ids; tells nodes apart. */
  readonly node?: string;
  readonly limits?: Partial<FeedLimits>;
  /** False where one machine's loss can lose acknowledged bets: every status then says so. */
  readonly durable?: boolean;
  readonly onFault?: (fault: Error) => void;
}

/** What the owner of a connection tells the hub. */
export interface FeedReceiver {
  receive(text: string): void;
  closed(): void;
}

export const FEED_LIMITS: FeedLimits = {
  maxConnections: 10_000,
  maxPools: 20_000,
  maxRequests: 20,
  maxBufferedBytes: 1024 * 1024,
  maxLagMs: 30_000,
  subscribeWithinMs: 30_000,
};

/** Heartbeats and held changes are at most this late. */
const SWEEP_MS = 250;
/** Odds count as late when the next cycle's have not come a whole cycle after their time. */
const LATE_MS = 2 * CYCLE_MS;

export class FeedHub {
  readonly metrics: FeedMetrics = {
    connections: 0,
    subscriptions: 0,
    encoded: 0,
    sent: 0,
    conflated: 0,
    closedSlow: 0,
  };
  readonly #clock: Clock;
  readonly #node: string;
  readonly #limits: FeedLimits;
  readonly #durable: boolean;
  readonly #onFault: (fault: Error) => void;
  readonly #state: FeedState;
  readonly #groups = new Map<string, FeedGroup<FeedPeer>>();
  readonly #peers = new Set<FeedPeer>();
  readonly #closing = new AbortController();
  #connected = 0;
  #isLate: boolean;

  constructor({ market, clock, node = 'c', limits = {}, durable = true, onFault = () => undefined }: FeedHubOptions) {
    this.#state = new FeedState(market);
    this.#clock = clock;
    this.#node = node;
    this.#limits = { ...FEED_LIMITS, ...limits };
    this.#durable = durable;
    this.#onFault = onFault;
    this.#isLate = this.#late();
  }

  connect(connection: FeedConnection): FeedReceiver {
    const peer = new FeedPeer(connection, `${this.#node}-${(++this.#connected).toString(36)}`, {
      limits: this.#limits,
      durable: this.#durable,
      metrics: this.metrics,
      now: () => this.#clock.now(),
      place: () => this.#place(),
      covers: (place) => this.#state.covers(place),
      group: (filter, fields) => this.#group(filter ?? {}, fields),
      release: (group) => this.#release(group),
      gone: (one) => this.#gone(one),
      fault: (fault) => this.#onFault(fault),
    });
    if (this.#peers.size >= this.#limits.maxConnections || this.#closing.signal.aborted) {
      peer.end('MAX_CONNECTION_LIMIT_EXCEEDED', `This node serves ${this.#limits.maxConnections} connections.`);
      return peer;
    }
    this.#peers.add(peer);
    this.metrics.connections = this.#peers.size;
    return peer;
  }

  /** Before the first tick: the last figures of pools whose races are over. */
  begin(known: readonly LastOdds[]): void {
    this.#state.begin(known);
  }

  onTick(tick: Tick): void {
    this.onTicks([tick]);
  }

  /** Several are sent as one change, flagged. */
  onTicks(ticks: readonly Tick[]): void {
    const groups = new Set<FeedGroup<FeedPeer>>();
    for (const tick of ticks) this.#touch(this.#state.tick(tick), groups);
    this.#lateness();
    this.#deliver(groups);
  }

  /** After the market's fold has taken the decision. */
  onMarket(decision: DecisionRecord<MarketEvent>): void {
    const pools = this.#state.decided(decision);
    if (pools.length === 0) return;
    const groups = new Set<FeedGroup<FeedPeer>>();
    this.#touch(pools, groups);
    this.#deliver(groups);
  }

  /** Seals that were signed: news or not. */
  onSeals(seals: readonly FeedSeal[]): void {
    const groups = new Set<FeedGroup<FeedPeer>>();
    this.#touch(this.#state.signed(seals), groups);
    this.#deliver(groups);
  }

  /** Pools that wait for the signature of their seal. */
  unsigned(): readonly string[] {
    return this.#state.unsigned();
  }

  /** Sweeps until closed. */
  async run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#clock.sleep(SWEEP_MS, signal);
      this.sweep();
    }
  }

  /** Heartbeats, held changes, lateness and the ends of patience; to be called a few times a second. */
  sweep(): void {
    this.#lateness();
    for (const peer of [...this.#peers]) this.#guard(peer, () => peer.sweep());
  }

  close(): void {
    this.#closing.abort();
    for (const peer of [...this.#peers]) {
      peer.end('UNEXPECTED_ERROR', 'This node stops. Connect again with your clocks.');
    }
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────────

  #touch(pools: readonly FeedPool[], groups: Set<FeedGroup<FeedPeer>>): void {
    for (const group of this.#groups.values()) if (group.touch(pools)) groups.add(group);
  }

  #deliver(groups: ReadonlySet<FeedGroup<FeedPeer>>): void {
    for (const group of groups) for (const peer of [...group.members]) this.#guard(peer, () => peer.deliver());
  }

  #guard(peer: FeedPeer, act: () => void): void {
    try {
      act();
    } catch (fault) {
      this.#onFault(fault as Error);
      peer.end('UNEXPECTED_ERROR', 'This is our fault. Connect again.');
    }
  }

  /** Tells everybody at once when odds become late or are in time again. */
  #lateness(): void {
    const isLate = this.#late();
    if (isLate === this.#isLate) return;
    this.#isLate = isLate;
    for (const group of this.#groups.values()) group.refresh();
    for (const peer of [...this.#peers]) this.#guard(peer, () => peer.heartbeat());
  }

  #late(): boolean {
    return this.#clock.now() - this.#state.position.cycle * CYCLE_MS > LATE_MS;
  }

  #place(): FeedPlace {
    return { ...this.#state.position, pt: this.#state.pt };
  }

  #group(filter: FeedFilter, asked: SubscribeRequest['fields']): FeedGroup<FeedPeer> {
    const fields = fieldsOf(asked);
    const key = subscriptionKey(filter, fields);
    let group = this.#groups.get(key);
    if (!group) {
      const { metrics } = this;
      group = new FeedGroup({ key, state: this.#state, filter, fields, metrics, isLate: () => this.#isLate });
      this.#groups.set(key, group);
      metrics.subscriptions = this.#groups.size;
    }
    return group;
  }

  #release(group: FeedGroup<FeedPeer>): void {
    if (group.members.size === 0) this.#groups.delete(group.key);
    this.metrics.subscriptions = this.#groups.size;
  }

  #gone(peer: FeedPeer): void {
    this.#peers.delete(peer);
    this.metrics.connections = this.#peers.size;
  }
}

/**
 * The deciders that one process runs: shards, the market, or both, with the relays into them and the renewal of the selling lease.
 * It must never renew the lease while its market does not lead: a dead market closes betting.
 */
import { type RecordFormat, type ServiceKey, sha256, signCommand, TOPICS } from '#mutuel/contracts';
import {
  type MarketCommand,
  type MarketEvent,
  type MarketState,
  marketDecider,
  readMarketCommand,
  readShardCommand,
  type ShardCommand,
  type ShardEvent,
  type ShardState,
  shardDecider,
} from '#mutuel/engine';
import { countDeaths, type Deaths, type NoteStore, Turns } from './deaths.js';
import { DeciderRunner, type RunnerOptions } from './decider-runner.js';
import { randomId } from './random-id.js';
import { type Numbered, Relay } from './relay.js';
import { RenewingAppender } from './renewing-appender.js';
import type { Election, OnAlarm, Seams, SkipReader } from './runner-options.js';
import { SnapshotKeeper, type TakeElsewhere } from './snapshot-keeper.js';
import type { SnapshotStore } from './snapshot-store.js';
import { snapshotHeads } from './snapshots.js';

export type ShardRunner = DeciderRunner<ShardState, ShardCommand, ShardEvent>;
export type MarketRunner = DeciderRunner<MarketState, MarketCommand, MarketEvent>;

export interface EngineHostOptions extends Seams {
  /** How many shards the system has. */
  readonly shards: number;
  /** Those decided here; all by default. */
  readonly hosted?: readonly number[];
  /** Whether the market is decided here; true by default. */
  readonly market?: boolean;
  readonly epoch: number;
  readonly serviceKey: ServiceKey;
  readonly leaseEveryMs?: number;
  readonly leaseTtlMs?: number;
  readonly campaign?: 'AT_ONCE' | 'WHEN_QUIET';
  readonly election?: Pick<Election, 'tryLead' | 'resign'> | undefined;
  /** Where deciders start from, and where they leave their state; without it everything starts at the log's beginning. */
  readonly snapshots?: SnapshotStore | undefined;
  /** Where deaths by a command are counted across restarts of the process. */
  readonly notes?: NoteStore | undefined;
  /** Takes the snapshots of what is led here. */
  readonly takeElsewhere?: TakeElsewhere | undefined;
  /** The hour of the day, UTC, from which on each decider here is asked for its daily checkpoint; never without it. */
  readonly checkpointHour?: number | undefined;
  readonly newestFormat?: RecordFormat | undefined;
  readonly release?: string | undefined;
  readonly skips?: SkipReader | undefined;
  readonly snapshotEvery?: { readonly decisions: number; readonly ms: number } | undefined;
  readonly onAlarm?: OnAlarm;
  /** A decider has stopped for good, or a relay, without which a shard would stand by as if it led: the process should say so and end. */
  readonly onHalted?: (fault: Error) => void;
}

export const shardSource = (partition: number) => ({
  src: `shard-${partition}`,
  at: { topic: TOPICS.shardDecisions, partition },
});
export const MARKET_SOURCE = { src: 'market', at: { topic: TOPICS.marketDecisions, partition: 0 } } as const;
const MARKET_COMMANDS = { topic: TOPICS.marketCommands, partition: 0 } as const;

const LEASE_EVERY_MS = 2_000;
/** Three renewals: one may be lost and one late before selling stops. */
const LEASE_TTL_MS = 6_000;
/** How often the host looks whether a checkpoint is due, and how long it waits for one it has asked for. */
const CHECKPOINT_LOOK_MS = 1_000;
const CHECKPOINT_AGAIN_MS = 60_000;
/** How often it looks whether the one that was asked for at once is there. */
const CHECKPOINT_DECIDED_LOOK_MS = 50;
const DAY_MS = 86_400_000;
/** `YYYY-MM-DD`, UTC. */
const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

export class EngineHost {
  readonly shards = new Map<number, ShardRunner>();
  readonly market: MarketRunner | undefined;
  /** Resolves when every decider here has led once; never rejects. */
  readonly ready: Promise<void>;
  leasesRenewed = 0;
  readonly keeper: SnapshotKeeper | undefined;

  readonly #o: EngineHostOptions;
  readonly #onAlarm: OnAlarm;
  readonly #turns = new Turns();
  readonly #relays: { start(): void; stop(): Promise<void> }[] = [];
  readonly #appenders: RenewingAppender[] = [];
  readonly #stopping = new AbortController();
  #renewing: Promise<void> | undefined;
  #checking: Promise<void> | undefined;
  #askedNow: Promise<unknown> = Promise.resolve();
  #nowAppender: RenewingAppender | undefined;

  constructor(options: EngineHostOptions) {
    this.#o = options;
    this.#onAlarm = options.onAlarm ?? (() => undefined);
    const all = Array.from({ length: options.shards }, (_, shard) => shard);
    for (const shard of options.hosted ?? all) this.shards.set(shard, this.#shard(shard));
    this.market = options.market === false ? undefined : this.#market(all);
    this.keeper = this.#keeper();
    this.ready = Promise.all(this.#runners().map((runner) => leads(runner))).then(() => undefined);
  }

  start(): void {
    for (const runner of this.#runners()) runner.start();
    for (const relay of this.#relays) relay.start();
    this.keeper?.start();
    if (this.market) this.#renewing ??= this.#renewLease(this.market);
    if (this.#o.checkpointHour !== undefined) this.#checking ??= this.#askCheckpoints(this.#o.checkpointHour);
  }

  /**
   * Asks every decider that leads here for a checkpoint at once, whatever the hour: under today's date, or where that day was checked, under
   * the next one that was not. Resolves with the names of those that have decided it, none later than the stop.
   */
  askCheckpointsNow(): Promise<readonly string[]> {
    const decided = this.#askedNow.then(() => this.#askEveryCheckpoint());
    this.#askedNow = decided;
    return decided;
  }

  /** Relays and lease first, so that the deciders drain what is in their logs and nothing more comes from here. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#renewing;
    await this.#checking;
    await this.#askedNow;
    await this.keeper?.stop();
    await Promise.all(this.#relays.map((relay) => relay.stop()));
    await Promise.all(this.#runners().map((runner) => runner.stop()));
    await Promise.all(this.#appenders.map((appender) => appender.close()));
  }

  #runners(): (ShardRunner | MarketRunner)[] {
    return [...this.shards.values(), ...(this.market ? [this.market] : [])];
  }

  // ── Shards ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #shard(shard: number): ShardRunner {
    const work = this.#appender();
    const commands = { topic: TOPICS.shardCommands, partition: shard };
    const runner: ShardRunner = new DeciderRunner({
      ...this.#common(work),
      deaths: this.#deaths(`shard-${shard}`),
      decider: shardDecider({ shard, shards: this.#o.shards, hash: sha256 }),
      readCommand: readShardCommand,
      src: `shard-${shard}`,
      commands,
      decisions: shardSource(shard).at,
      // A living shard takes a fact within moments of the market's word.
      workWaits: () => relay.metrics.waiting > 0,
    });
    this.#heed(runner);
    const relay: Relay<MarketEvent> = new Relay<MarketEvent>({
      ...this.#o,
      source: MARKET_SOURCE,
      target: commands,
      pick: factIn,
      from: () => this.#sentBefore(MARKET_SOURCE.src, runner, ({ factNo }) => factNo),
      taken: () => runner.state?.factNo,
      leads: () => runner.status === 'LEADING',
      appender: work,
      onAlarm: this.#onAlarm,
      onFatal: (fault) => this.#o.onHalted?.(fault),
    });
    this.#relays.push(relay);
    onGap(runner, () => relay.gap());
    return runner;
  }

  // ── Market ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #market(shards: readonly number[]): MarketRunner {
    const work = this.#appender();
    const runner: MarketRunner = new DeciderRunner({
      ...this.#common(work),
      deaths: this.#deaths(MARKET_SOURCE.src),
      decider: marketDecider({ shards: shards.length, hash: sha256 }),
      readCommand: readMarketCommand,
      src: MARKET_SOURCE.src,
      commands: MARKET_COMMANDS,
      decisions: MARKET_SOURCE.at,
      // Its host renews the lease, so a market without a host has no work waiting: its silence alone is the sign.
      quietMs: 3 * (this.#o.leaseEveryMs ?? LEASE_EVERY_MS),
      quietNeedsWork: false,
    });
    this.#heed(runner);
    const relays = shards.map((shard) => this.#reports(runner, shard, work));
    this.#relays.push(...relays);
    onGap(runner, () => {
      for (const relay of relays) relay.gap();
    });
    return runner;
  }

  #reports(market: MarketRunner, shard: number, appender: RenewingAppender): Relay<ShardEvent> {
    return new Relay<ShardEvent>({
      ...this.#o,
      source: shardSource(shard),
      target: MARKET_COMMANDS,
      pick: (event) => reportIn(event, shard),
      from: () => this.#sentBefore(`shard-${shard}`, market, ({ reportNo }) => reportNo[shard] ?? 0),
      taken: () => market.state?.reportNo[shard],
      leads: () => market.status === 'LEADING',
      appender,
      onAlarm: this.#onAlarm,
      onFatal: (fault) => this.#o.onHalted?.(fault),
    });
  }

  async #renewLease(market: MarketRunner): Promise<void> {
    const { clock, entropy, serviceKey, leaseEveryMs = LEASE_EVERY_MS, leaseTtlMs = LEASE_TTL_MS } = this.#o;
    const appender = this.#appender();
    while (!this.#stopping.signal.aborted) {
      if (market.status === 'LEADING') {
        const renewal = { type: 'RenewLease', ttlMs: leaseTtlMs };
        try {
          await appender.append(MARKET_COMMANDS, [signCommand(randomId(entropy), renewal, serviceKey)]);
          this.leasesRenewed++;
        } catch (fault) {
          this.#onAlarm('APPEND_FAILED', `the selling lease was not renewed: ${(fault as Error).message}`);
        }
      }
      await clock.sleep(market.status === 'LEADING' ? leaseEveryMs : leaseEveryMs / 10, this.#stopping.signal);
    }
  }

  // ── The daily checkpoint ───────────────────────────────────────────────────────────────────────────────────────

  /** Once a day per decider that leads here; asked for twice, the second one is refused. */
  async #askCheckpoints(hour: number): Promise<void> {
    const { clock } = this.#o;
    const appender = this.#appender();
    /** By source: for which day, and when. */
    const asked = new Map<string, readonly [day: string, at: number]>();
    while (!this.#stopping.signal.aborted) {
      const at = clock.now();
      const day = dayOf(at);
      for (const runner of new Date(at).getUTCHours() >= hour ? this.#runners() : []) {
        const [askedFor, askedAt] = asked.get(runner.src) ?? ['', 0];
        const isDone = (runner.state?.upkeep.checkpointDay ?? day) >= day;
        const isAsked = askedFor === day && at - askedAt < CHECKPOINT_AGAIN_MS;
        if (runner.status !== 'LEADING' || isDone || isAsked) continue;
        asked.set(runner.src, [day, at]);
        await this.#askCheckpoint(runner, day, appender);
      }
      await clock.sleep(CHECKPOINT_LOOK_MS, this.#stopping.signal);
    }
  }

  async #askEveryCheckpoint(): Promise<readonly string[]> {
    const { clock } = this.#o;
    const today = dayOf(clock.now());
    const asked = new Map<ShardRunner | MarketRunner, string>();
    for (const runner of this.#runners()) {
      const checked = runner.state?.upkeep.checkpointDay;
      if (runner.status !== 'LEADING' || checked === undefined) continue;
      const day = checked < today ? today : dayOf(Date.parse(checked) + DAY_MS);
      this.#nowAppender ??= this.#appender();
      await this.#askCheckpoint(runner, day, this.#nowAppender);
      asked.set(runner, day);
    }
    const decided = (): (ShardRunner | MarketRunner)[] =>
      [...asked].filter(([{ state }, day]) => state && state.upkeep.checkpointDay >= day).map(([runner]) => runner);
    while (decided().length < asked.size && !this.#stopping.signal.aborted)
      await clock.sleep(CHECKPOINT_DECIDED_LOOK_MS, this.#stopping.signal);
    return decided().map(({ src }) => src);
  }

  async #askCheckpoint({ src }: ShardRunner | MarketRunner, day: string, appender: RenewingAppender): Promise<void> {
    const { entropy, serviceKey } = this.#o;
    const commands =
      src === MARKET_SOURCE.src
        ? MARKET_COMMANDS
        : { topic: TOPICS.shardCommands, partition: Number(src.slice('shard-'.length)) };
    try {
      await appender.append(commands, [signCommand(randomId(entropy), { type: 'Checkpoint', day }, serviceKey)]);
    } catch (fault) {
      this.#onAlarm('APPEND_FAILED', `${src}: its checkpoint was not asked for: ${(fault as Error).message}`);
    }
  }

  // ── Both ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #common(work: RenewingAppender) {
    const { log, tails, clock, entropy, epoch, serviceKey, snapshots, election, campaign = 'AT_ONCE' } = this.#o;
    const { newestFormat, release, skips } = this.#o;
    const seams = { log, tails, clock, entropy, epoch, serviceKey, snapshots, election, newestFormat, release, skips };
    return { ...seams, campaign, work, onAlarm: this.#onAlarm } satisfies Partial<RunnerOptions<never, never, never>>;
  }

  #deaths(src: string): Deaths {
    const onFault = (fault: Error): void => this.#onAlarm('NOTES_FAILED', `${src}: ${fault.message}`);
    return countDeaths(src, this.#o.notes, onFault, this.#turns);
  }

  /** Where a relay begins to read: the newest snapshot of its source that sent nothing the target still lacks. */
  async #sentBefore<S>(
    src: string,
    target: { readonly folded: Promise<S> },
    takenOf: (state: S) => number,
  ): Promise<string | undefined> {
    const { snapshots } = this.#o;
    if (!snapshots) return undefined;
    const stopped = new Promise<undefined>((resolve) => {
      this.#stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    // Before the target decides anything: what it takes later may yet be lost with its life.
    const taken = await Promise.race([target.folded.then(takenOf), stopped]);
    if (taken === undefined) return undefined;
    return (await snapshotHeads(snapshots, src)).find(({ sent }) => sent <= taken)?.checkpoint;
  }

  #keeper(): SnapshotKeeper | undefined {
    const { clock, snapshots: store, takeElsewhere, snapshotEvery } = this.#o;
    if (!store) return undefined;
    return new SnapshotKeeper({
      ...{ clock, store, takeElsewhere, onAlarm: this.#onAlarm, runners: () => this.#runners() },
      everyDecisions: snapshotEvery?.decisions,
      everyMs: snapshotEvery?.ms,
    });
  }

  #appender(): RenewingAppender {
    const appender = new RenewingAppender(this.#o.log);
    this.#appenders.push(appender);
    return appender;
  }

  #heed(runner: ShardRunner | MarketRunner): void {
    runner.onStatus((status) => {
      if (status === 'HALTED') this.#o.onHalted?.(runner.fault as Error);
    });
  }
}

function factIn(event: MarketEvent): Numbered | undefined {
  if (event.t !== 'Fact') return undefined;
  const { n, fact } = event;
  return { n, command: { type: 'MarketFact', n, fact } };
}

function reportIn(event: ShardEvent, shard: number): Numbered | undefined {
  if (event.t !== 'Report') return undefined;
  const { n, report } = event;
  return { n, command: { type: 'ShardReport', shard, n, report } };
}

function onGap(runner: ShardRunner | MarketRunner, then: () => void): void {
  const heed = ({ decision }: { decision: { readonly code?: string } }): void => {
    if (decision.code === 'RELAY_GAP') then();
  };
  runner.onDecision(heed);
}

function leads(runner: ShardRunner | MarketRunner): Promise<void> {
  return new Promise((resolve) => {
    const forget = runner.onStatus((status) => {
      if (status !== 'LEADING') return;
      forget();
      resolve();
    });
  });
}

/**
 * The way from an API into the command log and back: admits, appends in batches, and answers with the decision once it was read as
 * valid. It must never call a command refused when bytes may have left, and never answer from anything but valid records.
 */
import { decodeRecord } from '#mutuel/contracts';
import { CommandLane, type Delivery } from './command-lane.js';
import { DecisionReader } from './decision-reader.js';
import { InPassing } from './in-passing.js';
import type { HowFar } from './log-follower.js';
import { Pace } from './pace.js';
import type { Clock, Entropy, EventLog } from './ports.js';
import { RecentRecords } from './recent-records.js';
import { RenewingAppender } from './renewing-appender.js';
import type { TailSource } from './tail-source.js';
import type { ValidDecision } from './valid-records.js';

export interface GatewayOptions {
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly commandsTopic: string;
  readonly decisionsTopic: string;
  readonly partitions: number;
  /** The source that decides a partition: `shard-3`, `market`. */
  readonly srcOf: (partition: number) => string;
  /** Where readers may start instead of at the log's beginning: any reader's checkpoints, by partition. */
  readonly checkpoints?: ReadonlyMap<number, string>;
  /** Batching window; 5 ms is right for Kafka, 0 for an embedded log. */
  readonly windowMs: number;
  /** After this an undecided command is answered `PENDING`; default 1,500 ms. */
  readonly answerWithinMs?: number;
  readonly maxInFlightPerPartition?: number;
  readonly maxInFlightPerChannel?: number;
  /** The decisions cannot be followed any more: nothing is admitted from then on, and nothing answered. */
  readonly onFatal?: (fault: Error) => void;
}

export type GatewayAnswer<E> =
  | { readonly kind: 'DECIDED'; readonly partition: number; readonly valid: ValidDecision<E> }
  /** Not decided yet, or the append's outcome is unknown: never the same as refused. */
  | { readonly kind: 'PENDING'; readonly cid: string };

/** Refused here, before anything was appended: nothing of it can ever be decided. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
  readonly code = 'SERVICE_UNAVAILABLE';
  readonly retriable = true;
  constructor(
    message: string,
    /** Jittered, so that those turned away do not come back together. */
    readonly retryAfterMs: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const ANSWER_WITHIN_MS = 1_500;
const MAX_PER_PARTITION = 4_000;
const MAX_PER_CHANNEL = 3_000;
/** A queue this old turns newcomers away, once so many wait that it is load and not one slow command. */
const OLDEST_MS = 250;
/**
 * A queue that was short this lately is a stall, of a collector or a disk, and no overload: it may grow to what the pace before will
 * have worked off in as long (the idea of controlled delay: Nichols and Jacobson, 2012). A queue that does not become short is overload.
 */
const STALL_MS = 500;
/** Of what may always wait: as few as this are a short queue. */
const SHORT = 0.25;
/** The pace before a stall is that of so much time. */
const STEADY_MS = 4 * STALL_MS;
/** Commands that may wait in all partitions together whatever the pace; more only as fast as they are being decided. */
const ALWAYS_WAITING = 400;
/** Of what may wait, the room below which a door says that it is full: most of those let in would only be refused inside. */
const SMALL_ROOM = 0.1;
const TOO_SLOW = 'commands are being decided too slowly';
/** An undecided command no longer counts after this: the decider would refuse it as stale. */
const FORGET_MS = 30_000;
const SWEEP_MS = 50;
/** Decisions per partition that a repeated reference is answered from without the database. */
const RECENT = 8_192;
const RECENT_BYTES = 8 * 1_024 * 1_024;
const RETRY_MIN_MS = 500;
const RETRY_SPREAD_MS = 1_000;

interface Entry<E> {
  readonly cid: string;
  readonly channel: string;
  readonly since: number;
  readonly resolve: (answer: GatewayAnswer<E>) => void;
  readonly reject: (fault: Unavailable) => void;
  answered: boolean;
}

/** One partition's commands on their way, oldest first. */
interface Shard<E> {
  readonly reader: DecisionReader<E>;
  readonly waiting: InPassing<string, Entry<E>>;
  /** Those whose append has an unknown outcome: they may be decided, but say nothing about the queue. */
  readonly uncertain: InPassing<string, Entry<E>>;
  readonly byChannel: Map<string, number>;
  /** By sequence number. */
  readonly recent: RecentRecords;
  readonly pace: Pace;
  readonly steady: Pace;
  /** When the queue was last short, and what had been decided in the `STEADY_MS` before. */
  short: { at: number; decided: number };
}

export class CommandGateway<E = unknown> {
  readonly metrics = { submitted: 0, decided: 0, pending: 0, turnedAway: 0, notAppended: 0, unknown: 0 };
  /** True once every reader has reached the end that its log had at the start. */
  ready = false;
  /** Set when the decisions cannot be followed any more: nothing is admitted then. */
  fault: Error | undefined;

  readonly #o: GatewayOptions;
  readonly #shards: Shard<E>[];
  readonly #appenders: RenewingAppender[] = [];
  readonly #stopping = new AbortController();
  #lanes: CommandLane[] = [];
  #sweeping: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    this.#o = options;
    this.#shards = Array.from({ length: options.partitions }, (_, partition) => this.#shard(partition));
  }

  /** Resolves when it can answer: reading has caught up with the log. Throws `LogFault` when that cannot be trusted. */
  async start(): Promise<void> {
    this.#lanes = await this.#makeLanes();
    await Promise.all(this.#shards.map(({ reader }) => reader.start()));
    this.#sweeping = this.#sweep();
    await Promise.all(this.#shards.map(({ reader }) => reader.caughtUp));
    if (this.fault) throw this.fault;
    this.ready = !this.#stopping.signal.aborted;
  }

  /** Appends what was admitted; who still waits for a decision gets `PENDING`. */
  async stop(): Promise<void> {
    this.ready = false;
    this.#stopping.abort();
    await Promise.all(this.#lanes.map((lane) => lane.drained()));
    await this.#sweeping;
    for (const shard of this.#shards) {
      await shard.reader.close();
      for (const entry of [...shard.waiting.values(), ...shard.uncertain.values()]) this.#answerPending(entry);
    }
    for (const appender of this.#appenders) await appender.close();
  }

  /** The envelope carries `cid`; as a function it is made only if let in. Throws `Unavailable`; every other outcome is an answer. */
  submit(
    partition: number,
    envelope: Uint8Array | (() => Uint8Array),
    cid: string,
    { channel = 'service' }: { readonly channel?: string } = {},
  ): Promise<GatewayAnswer<E>> {
    const shard = this.#shards[partition];
    if (!shard) throw new RangeError(`partition ${partition} does not exist`);
    const obstacle = this.#obstacle(shard, cid, channel);
    if (obstacle) {
      this.metrics.turnedAway++;
      return Promise.reject(this.#unavailable(obstacle));
    }
    const bytes = typeof envelope === 'function' ? envelope() : envelope;
    this.metrics.submitted++;
    return new Promise((resolve, reject) => {
      const since = this.#o.clock.now();
      this.#noteLength(shard, since);
      shard.waiting.set(cid, { cid, channel, since, resolve, reject, answered: false });
      shard.byChannel.set(channel, (shard.byChannel.get(channel) ?? 0) + 1);
      const onDelivery = (delivery: Delivery, fault?: Error) => this.#delivered(shard, cid, delivery, fault);
      this.#laneOf(partition).send({ partition, bytes, queuedAt: since, onDelivery });
    });
  }

  /** Nearly every partition would turn a command away: a door may say so before it has read the request. */
  get full(): boolean {
    let allowed = 0;
    let room = 0;
    for (const shard of this.#shards) {
      allowed += this.#allowed(shard);
      room += this.#isFull(shard) ? 0 : this.#allowed(shard) - shard.waiting.size;
    }
    return room <= allowed * SMALL_ROOM;
  }

  /** A refusal by who asked `full`; counted, and with a time to come back. No error: that costs more than the rest of a refusal. */
  turnAway(): Pick<Unavailable, 'message' | 'retryAfterMs'> {
    this.metrics.turnedAway++;
    return { message: TOO_SLOW, retryAfterMs: this.#retryAfterMs() };
  }

  /** A recent valid decision by its sequence number. */
  recent(partition: number, seq: number): Pick<ValidDecision<E>, 'decision' | 'hash'> | undefined {
    const bytes = this.#shards[partition]?.recent.get(seq);
    if (bytes === undefined) return undefined;
    const { record, hash } = decodeRecord<E>(bytes);
    return record.kind === 'decision' ? { decision: record, hash } : undefined;
  }

  /** What is still to be read before it can answer, of those partitions where anything is. */
  get reading(): readonly HowFar[] {
    return this.#shards.flatMap(({ reader }) => reader.reading ?? []);
  }

  get inFlight(): number {
    return this.#shards.reduce((sum, { waiting, uncertain }) => sum + waiting.size + uncertain.size, 0);
  }

  /** Age of the oldest command on its way, milliseconds; 0 when there is none. */
  get oldestMs(): number {
    const now = this.#o.clock.now();
    const since = this.#shards.map(({ waiting, uncertain }) =>
      Math.min(waiting.oldest?.since ?? now, uncertain.oldest?.since ?? now),
    );
    return Math.max(0, now - Math.min(now, ...since));
  }

  // ── Admission ──────────────────────────────────────────────────────────────────────────────────────────────────

  #obstacle(shard: Shard<E>, cid: string, channel: string): string | undefined {
    const { maxInFlightPerPartition = MAX_PER_PARTITION, maxInFlightPerChannel = MAX_PER_CHANNEL } = this.#o;
    if (this.fault) return `decisions cannot be followed: ${this.fault.message}`;
    if (!this.ready) return 'decisions are still being read up to now';
    const { waiting, uncertain, byChannel } = shard;
    if (waiting.has(cid) || uncertain.has(cid)) return 'this command is on its way already';
    if (waiting.size >= maxInFlightPerPartition) return 'too many commands are on their way';
    if ((byChannel.get(channel) ?? 0) >= maxInFlightPerChannel) return `too many commands of channel ${channel}`;
    return this.#isFull(shard) ? TOO_SLOW : undefined;
  }

  /** More would wait than was decided lately, or those who wait do so for too long. */
  #isFull(shard: Shard<E>): boolean {
    const { waiting } = shard;
    if (waiting.size < this.#free) return false;
    if (waiting.size >= this.#allowed(shard)) return true;
    const now = this.#o.clock.now();
    const { oldest } = waiting;
    return oldest !== undefined && now - oldest.since > (isStall(shard, now) ? STALL_MS : OLDEST_MS);
  }

  #allowed(shard: Shard<E>): number {
    const now = this.#o.clock.now();
    const inStall = isStall(shard, now) ? (shard.short.decided * STALL_MS) / STEADY_MS : 0;
    return Math.max(this.#free, shard.pace.recent(now), inStall);
  }

  #noteLength(shard: Shard<E>, now: number): void {
    if (shard.waiting.size >= this.#free * SHORT) return;
    shard.short.at = now;
    shard.short.decided = shard.steady.recent(now);
  }

  get #free(): number {
    return Math.floor(ALWAYS_WAITING / this.#o.partitions);
  }

  #unavailable(message: string, options?: ErrorOptions): Unavailable {
    return new Unavailable(message, this.#retryAfterMs(), options);
  }

  #retryAfterMs(): number {
    const [random = 0] = this.#o.entropy.bytes(1);
    return RETRY_MIN_MS + Math.floor((random * RETRY_SPREAD_MS) / 256);
  }

  // ── The way in ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** One lane for all partitions where one append can serve them all; otherwise one each, so that their flushes join. */
  async #makeLanes(): Promise<CommandLane[]> {
    const { log, clock, windowMs, commandsTopic: topic, partitions } = this.#o;
    const lane = (appender: RenewingAppender): CommandLane => {
      this.#appenders.push(appender);
      return new CommandLane({ topic, appender, clock, windowMs });
    };
    const first = new RenewingAppender(log);
    const count = (await first.groups()) ? 1 : partitions;
    return [lane(first), ...Array.from({ length: count - 1 }, () => lane(new RenewingAppender(log)))];
  }

  #laneOf(partition: number): CommandLane {
    return this.#lanes[partition % this.#lanes.length] as CommandLane;
  }

  #delivered(shard: Shard<E>, cid: string, delivery: Delivery, fault?: Error): void {
    const entry = shard.waiting.get(cid);
    if (delivery === 'APPENDED' || !entry) return;
    if (delivery === 'UNKNOWN') {
      this.metrics.unknown++;
      shard.waiting.delete(cid);
      shard.uncertain.set(cid, entry);
      return;
    }
    this.metrics.notAppended++;
    this.#forget(shard, entry);
    entry.reject(this.#unavailable(fault?.message ?? 'nothing was appended', { cause: fault }));
  }

  // ── The way back ───────────────────────────────────────────────────────────────────────────────────────────────

  #shard(partition: number): Shard<E> {
    const { log, tails, clock, srcOf, decisionsTopic: topic, checkpoints } = this.#o;
    const checkpoint = checkpoints?.get(partition);
    const reader = new DecisionReader<E>({
      ...{ log, tails, clock, src: srcOf(partition), at: { topic, partition } },
      ...(checkpoint === undefined ? {} : { checkpoint }),
      onDecisions: (decisions) => this.#read(partition, decisions),
      onFatal: (fault) => {
        this.fault = fault;
        this.ready = false;
        this.#o.onFatal?.(fault);
      },
    });
    const recent = new RecentRecords(RECENT, RECENT_BYTES);
    const queue = {
      waiting: new InPassing<string, Entry<E>>(),
      uncertain: new InPassing<string, Entry<E>>(),
      byChannel: new Map(),
    };
    const paces = { pace: new Pace(OLDEST_MS), steady: new Pace(STEADY_MS), short: { at: 0, decided: 0 } };
    return { reader, recent, ...queue, ...paces };
  }

  #read(partition: number, decisions: readonly ValidDecision<E>[]): void {
    const shard = this.#shards[partition] as Shard<E>;
    const now = this.#o.clock.now();
    shard.pace.note(now, decisions.length);
    shard.steady.note(now, decisions.length);
    for (const valid of decisions) {
      const { seq, cid } = valid.decision;
      shard.recent.keep(seq, valid.bytes);
      const entry = shard.waiting.get(cid) ?? shard.uncertain.get(cid);
      if (!entry) continue;
      this.#forget(shard, entry);
      if (entry.answered) continue;
      this.metrics.decided++;
      entry.resolve({ kind: 'DECIDED', partition, valid });
    }
    this.#noteLength(shard, now);
  }

  #forget(shard: Shard<E>, { cid, channel }: Entry<E>): void {
    shard.waiting.delete(cid);
    shard.uncertain.delete(cid);
    const left = (shard.byChannel.get(channel) ?? 1) - 1;
    if (left > 0) shard.byChannel.set(channel, left);
    else shard.byChannel.delete(channel);
  }

  // ── Time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #sweep(): Promise<void> {
    const { clock } = this.#o;
    while (!this.#stopping.signal.aborted) {
      await clock.sleep(this.#untilDue(), this.#stopping.signal);
      const now = clock.now();
      for (const shard of this.#shards) {
        this.#sweepOne(shard, shard.waiting, now);
        this.#sweepOne(shard, shard.uncertain, now);
      }
    }
  }

  /** Until the oldest that still waits may have waited long enough; who comes meanwhile is due later. */
  #untilDue(): number {
    const { clock, answerWithinMs = ANSWER_WITHIN_MS } = this.#o;
    let left = answerWithinMs;
    for (const { waiting, uncertain } of this.#shards)
      for (const entries of [waiting, uncertain]) {
        const { oldest } = entries;
        if (oldest?.answered) return SWEEP_MS;
        if (oldest) left = Math.min(left, oldest.since + answerWithinMs - clock.now());
      }
    return Math.max(SWEEP_MS, left);
  }

  #sweepOne(shard: Shard<E>, entries: InPassing<string, Entry<E>>, now: number): void {
    const { answerWithinMs = ANSWER_WITHIN_MS } = this.#o;
    for (const entry of entries.values()) {
      const age = now - entry.since;
      if (age < answerWithinMs) return;
      this.#answerPending(entry);
      if (age >= FORGET_MS) this.#forget(shard, entry);
    }
  }

  #answerPending(entry: Entry<E>): void {
    if (entry.answered) return;
    entry.answered = true;
    this.metrics.pending++;
    entry.resolve({ kind: 'PENDING', cid: entry.cid });
  }
}

const isStall = <E>({ short }: Shard<E>, now: number): boolean => now - short.at <= STALL_MS;

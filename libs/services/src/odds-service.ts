/**
 * The odds role: on the clock's multiples of five seconds, one tick for all pools that moved, computed from a cut of the decision
 * logs, written to the odds topic, kept in the hot cache and announced. It must never skip a cycle, and never compute one before
 * every log has been read past its moment: a late tick is flagged, a wrong one could not be taken back.
 */
import {
  type Clock,
  checkAgainstLog,
  DecisionReader,
  type Entropy,
  type EventLog,
  type HotCache,
  type HowFar,
  type NoteStore,
  RenewingAppender,
  randomId,
  type TailSource,
  type TopicPartition,
  type ValidDecision,
  validRecords,
} from '#mutuel/runtime';
import { CYCLE_MS, computeTick, cycleAt, encodeTick, OddsBook, type Source, type Tick } from '#mutuel/views';
import { ClockLead } from './clock-lead.js';
import { decodeFloor, encodeFloor, type Floor, MeetingFloor } from './meeting-floor.js';
import { lastTick } from './odds-topic.js';
import { allSources } from './projector-host.js';
import { ODDS_TOPIC } from './tick-tail.js';

export interface OddsServiceOptions {
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly cache: HotCache;
  readonly shards: number;
  /** Where it keeps from where on the logs still matter; without it they are read from their beginnings at each start. */
  readonly notes?: NoteStore | undefined;
  /** `ODDS_LATE`, `ODDS_CUT_SHORT`, `ODDS_NOT_WRITTEN`, `ODDS_NOTE_IGNORED`, `ODDS_STOPPED`, with a sentence. */
  readonly onAlarm: (code: string, detail: string) => void;
  /** It computes no more: a log cannot be trusted. */
  readonly onFatal?: (fault: Error) => void;
  /** Gets each tick as it was computed, before it is written. */
  readonly onTick?: (tick: Tick) => void;
}

/** Where the newest figures of a pool stand in the hot cache, and where each tick is told, part by part as in the topic. */
export const ODDS_KEY = (poolId: string): string => `odds:${poolId}`;
export const ODDS_CHANNEL = 'odds';

/** After the cycle's moment by the log's clock: an append that began before it has its time by then. */
const GRACE_MS = 150;
/** A tick computed later than this after its moment is flagged. */
const LATE_MS = 1_500;
const POLL_MS = 20;
const RETRY_MS = 250;
/** Missed cycles written with one append. */
const MAX_TOGETHER = 100;
/** Decisions kept beyond which those before the next cycle are applied while reading goes on. */
const MAX_KEPT = 20_000;
/** Where the logs are read from next time, and after how many cycles it is written again. */
const NOTE = 'odds-floor';
const NOTE_EVERY = 12;

export class OddsService {
  readonly metrics = { ticks: 0, late: 0, computeMs: 0, pools: 0, lastCycle: 0 };
  readonly #o: OddsServiceOptions;
  #book: OddsBook;
  #floor = new MeetingFloor(undefined);
  /** As it was written last. */
  #noted: Floor | undefined;
  /** By source, the offset after its last valid decision. */
  readonly #cuts = new Map<Source, number>();
  readonly #by: string;
  readonly #appender: RenewingAppender;
  readonly #readers: {
    readonly source: Source;
    readonly src: string;
    readonly at: TopicPartition;
    readonly reader: DecisionReader<unknown>;
  }[] = [];
  /** The newest append time seen of each source. */
  readonly #seen = new Map<Source, number>();
  readonly #lead: ClockLead<Source>;
  readonly #stopping = new AbortController();
  /** The last cycle in the topic; null before the first. */
  #prev: number | null = null;
  /** What is before this cycle is in some tick already. */
  #base = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: OddsServiceOptions) {
    this.#o = options;
    this.#book = new OddsBook(options.shards);
    this.#by = randomId(options.entropy).slice(0, 16);
    this.#appender = new RenewingAppender(options.log);
    this.#lead = new ClockLead(options.clock);
  }

  /** Begins to follow the logs; ticks come as soon as they are read. */
  async start(): Promise<void> {
    const { log, tails, clock, shards } = this.#o;
    this.#prev = (await lastTick(log))?.cycle ?? null;
    this.#base = this.#prev ?? cycleAt(clock.now()) - 1;
    const floor = await this.#readNote();
    if (floor) this.#begin(floor);
    for (const { src, at } of allSources(shards)) {
      const source = sourceOf(src, at);
      const checkpoint = floor?.places[src]?.checkpoint;
      const onDecisions = (decisions: readonly ValidDecision[]): void => this.#take(source, decisions);
      const onFatal = (fault: Error): void => this.#fail(fault);
      this.#readers.push({
        ...{ source, src, at },
        reader: new DecisionReader({
          ...{ src, at, log, tails, clock, onDecisions, onFatal },
          ...(checkpoint === undefined ? {} : { checkpoint }),
        }),
      });
    }
    await Promise.all(this.#readers.map(({ reader }) => reader.start()));
    this.#loop = this.#run().catch((fault: unknown) => this.#fail(fault as Error));
  }

  /** What is still to be read before its first tick. */
  get reading(): readonly HowFar[] {
    return this.#readers.flatMap(({ reader }) => reader.reading ?? []);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await Promise.all(this.#readers.map(({ reader }) => reader.close()));
    await this.#appender.close();
  }

  #take(source: Source, decisions: readonly ValidDecision[]): void {
    const last = decisions.at(-1);
    if (!last) return;
    this.#lead.heard(source, last.time);
    this.#checkCut(source, decisions);
    for (const placed of decisions) {
      this.#floor.see(placed.decision);
      this.#book.offer(source, placed);
    }
    this.#cuts.set(source, last.offset + 1);
    this.#seen.set(source, Math.max(this.#seen.get(source) ?? 0, last.time));
    // What is before the last tick needs no cut of its own: reading a long log again must not keep it in memory.
    if (this.#book.waiting > MAX_KEPT) this.#book.advanceTo(this.#base);
  }

  /** A tick that is out cannot be taken back; that its figures end too early must be known. */
  #checkCut(source: Source, decisions: readonly ValidDecision[]): void {
    const moment = this.#base * CYCLE_MS;
    if (this.metrics.ticks === 0 || (this.#seen.get(source) ?? 0) > moment) return;
    const missed = decisions.findIndex(({ time }) => time > moment);
    const count = missed === -1 ? decisions.length : missed;
    if (count === 0) return;
    const detail = `${count} decisions of ${source} belong into cycle ${this.#base} or before and came after its tick`;
    this.#o.onAlarm('ODDS_CUT_SHORT', detail);
  }

  async #run(): Promise<void> {
    const { clock } = this.#o;
    await this.#readPast(this.#base);
    this.#book.advanceTo(this.#base);
    this.#book.takeMoved();
    let ticks: Tick[] = [];
    while (!this.#stopping.signal.aborted) {
      const cycle = (this.#prev ?? this.#base) + 1;
      const due = cycle * CYCLE_MS - clock.now();
      if (due > 0 || ticks.length >= MAX_TOGETHER) {
        await this.#publish(ticks);
        ticks = [];
        await this.#note();
      }
      if (due > 0) await clock.sleep(due, this.#stopping.signal);
      if (!(await this.#readPast(cycle))) continue;
      ticks.push(this.#compute(cycle));
    }
  }

  #compute(cycle: number): Tick {
    const { clock } = this.#o;
    const at = clock.now();
    const late = at > cycle * CYCLE_MS + LATE_MS;
    const tick = computeTick(this.#book, { cycle, prevCycle: this.#prev, at, late });
    this.#prev = cycle;
    this.#base = cycle;
    this.metrics.ticks++;
    this.metrics.computeMs = clock.now() - at;
    this.metrics.pools = tick.pools.length;
    this.metrics.lastCycle = cycle;
    if (late) this.metrics.late++;
    this.#o.onTick?.(tick);
    return tick;
  }

  /**
   * True once every log has been read past the cycle's moment; false when it is not time yet or we are to stop. A record with a later
   * time proves it; where none comes, the moment has to be over by the clock of that log, however far ahead ours may be.
   */
  async #readPast(cycle: number): Promise<boolean> {
    const { clock } = this.#o;
    const { signal } = this.#stopping;
    const moment = cycle * CYCLE_MS;
    for (const { source, at, reader } of this.#readers) {
      const isPast = (): boolean => (this.#seen.get(source) ?? 0) > moment;
      const isOver = (): boolean => clock.now() - this.#lead.of(source) >= moment + GRACE_MS;
      while (!isPast() && !isOver() && !signal.aborted) await clock.sleep(POLL_MS, signal);
      if (isPast() || signal.aborted) continue;
      const end = await this.#endOf(at);
      while (!isPast() && reader.valid.next < end && !signal.aborted) await clock.sleep(POLL_MS, signal);
    }
    return !signal.aborted;
  }

  // ── Where to begin ─────────────────────────────────────────────────────────────────────────────────────────────

  /** What was kept, where it fits the logs; anything else is worth a line and a longer start. */
  async #readNote(): Promise<Floor | undefined> {
    const { log, notes, shards, onAlarm } = this.#o;
    try {
      const text = await notes?.read(NOTE);
      if (text === undefined) return undefined;
      const floor = decodeFloor(text);
      if (floor.until > this.#base * CYCLE_MS) throw new Error('it is ahead of the last tick');
      for (const { src, at } of allSources(shards)) {
        const { checkpoint = '' } = floor.places[src] ?? {};
        const { seq, next } = validRecords(src, at, checkpoint);
        await checkAgainstLog(log, { src, at }, { src, seq, next, checkpoint });
      }
      return floor;
    } catch (fault) {
      onAlarm('ODDS_NOTE_IGNORED', `where to begin is not known: ${(fault as Error).message}; all of the log is read`);
      return undefined;
    }
  }

  #begin(floor: Floor): void {
    const { shards } = this.#o;
    for (const { src, at } of allSources(shards)) this.#cuts.set(sourceOf(src, at), floor.places[src]?.cut ?? 0);
    const cut = (source: Source): number => this.#cuts.get(source) ?? 0;
    const cuts = { market: cut('market'), shards: Array.from({ length: shards }, (_, shard) => cut(shard)) };
    this.#book = new OddsBook(shards, cuts);
    this.#floor = new MeetingFloor(floor);
    this.#noted = floor;
  }

  /** After a tick is out: what lies before the oldest meeting that is not settled is read no more. */
  async #note(): Promise<void> {
    const { notes, onAlarm } = this.#o;
    for (const meeting of this.#book.takeOver()) this.#floor.over(meeting);
    if (!notes || this.metrics.ticks % NOTE_EVERY !== 1) return;
    this.#floor.mark(this.#base * CYCLE_MS, () => this.#here());
    const floor = this.#floor.now;
    if (floor === undefined || floor === this.#noted) return;
    this.#noted = floor;
    await notes
      .write(NOTE, encodeFloor(floor))
      .catch((fault: Error) => onAlarm('ODDS_NOTE_IGNORED', `it could not be written: ${fault.message}`));
  }

  #here(): Floor {
    const places = this.#readers.map(
      ({ source, src, reader }) =>
        [src, { checkpoint: reader.valid.toCheckpoint(), cut: this.#cuts.get(source) ?? 0 }] as const,
    );
    return { until: Math.max(0, ...this.#seen.values()), places: Object.fromEntries(places) };
  }

  async #endOf(at: TopicPartition): Promise<number> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        return (await this.#o.log.bounds(at)).end;
      } catch {
        await this.#o.clock.sleep(RETRY_MS, signal);
      }
    }
    return 0;
  }

  /** The topic first: what is shown must be in the log. Written again after a fault: the first tick of a cycle counts. */
  async #publish(ticks: readonly Tick[]): Promise<void> {
    const { clock, onAlarm } = this.#o;
    const { signal } = this.#stopping;
    if (ticks.length === 0) return;
    const late = ticks.filter((tick) => tick.late).length;
    if (late > 0) onAlarm('ODDS_LATE', `${late} ticks up to cycle ${ticks.at(-1)?.cycle} were computed late`);
    const parts = ticks.flatMap((tick) => encodeTick(tick, this.#by));
    for (const values of appends(parts)) {
      while (!signal.aborted) {
        try {
          await this.#appender.append(ODDS_TOPIC, values);
          break;
        } catch (fault) {
          onAlarm('ODDS_NOT_WRITTEN', (fault as Error).message);
          await clock.sleep(RETRY_MS, signal);
        }
      }
    }
    await this.#show(ticks, parts).catch((fault: unknown) => onAlarm('ODDS_NOT_WRITTEN', (fault as Error).message));
  }

  /** Told first, then kept: absolute values under the cycle as sequence; of several ticks only the newest of each pool. */
  async #show(ticks: readonly Tick[], parts: readonly Uint8Array[]): Promise<void> {
    const { cache } = this.#o;
    const decoder = new TextDecoder();
    for (const part of parts) await cache.publish(ODDS_CHANNEL, decoder.decode(part));
    const newest = new Map(ticks.flatMap((tick) => tick.pools.map((pool) => [pool.id, { tick, pool }] as const)));
    await Promise.all(
      [...newest].map(([id, { tick, pool }]) => {
        const { cycle, at } = tick;
        return cache.put(ODDS_KEY(id), cycle, JSON.stringify({ cycle, at, ...pool }));
      }),
    );
  }

  #fail(fault: Error): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#o.onAlarm('ODDS_STOPPED', fault.message);
    this.#o.onFatal?.(fault);
  }
}

const sourceOf = (src: string, { partition }: TopicPartition): Source => (src === 'market' ? 'market' : partition);

/** The log's bound on one append, with room for framing. */
const MAX_APPEND_BYTES = 900_000;

/** The parts in order, as many to an append as it takes. */
function appends(parts: readonly Uint8Array[]): Uint8Array[][] {
  const groups: Uint8Array[][] = [[]];
  let bytes = 0;
  for (const part of parts) {
    if (bytes > 0 && bytes + part.byteLength > MAX_APPEND_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(part);
    bytes += part.byteLength;
  }
  return groups;
}

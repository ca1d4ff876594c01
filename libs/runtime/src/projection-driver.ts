/**
 * Feeds valid decisions of any number of sources to one projection, many at a time, each batch with the checkpoints that must be
 * written in the same transaction. After a failed batch nothing in memory counts: it starts over from what the projection kept.
 */
import { DecisionReader, type DecisionSource } from './decision-reader.js';
import type { HowFar } from './log-follower.js';
import { Outage } from './outage.js';
import { type Clock, type EventLog, isRetriable } from './ports.js';
import type { OnAlarm } from './runner-options.js';
import type { TailSource } from './tail-source.js';
import type { ValidDecision } from './valid-records.js';
import { WakeUp } from './wake-up.js';

export interface SourcedDecision<E> extends DecisionSource {
  readonly valid: ValidDecision<E>;
}

/** Where a source stands once a batch is applied. `text` is opaque and small; the rest is for people and for look-ups. */
export interface SourceCheckpoint {
  readonly src: string;
  readonly text: string;
  readonly seq: number;
  /** The offset read next. */
  readonly next: number;
}

export interface ProjectionBatch<E> {
  /** In log order per source. */
  readonly decisions: readonly SourcedDecision<E>[];
  readonly checkpoints: readonly SourceCheckpoint[];
}

export interface Projection<E> {
  /** The checkpoint texts it kept, by source; a source without one starts at the log's beginning. */
  load(): Promise<ReadonlyMap<string, string>>;
  /** Writes the output and the checkpoints in one transaction. After a throw both may or may not be there. */
  apply(batch: ProjectionBatch<E>): Promise<void>;
}

export interface DriverOptions<E> {
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly sources: readonly DecisionSource[];
  readonly projection: Projection<E>;
  /** A batch is applied at this size (default 2,000 decisions) or age (default 150 ms), whichever comes first. */
  readonly maxDecisions?: number;
  readonly maxAgeMs?: number;
  /** For how many decisions one counts in a batch; 1 by default. One that moves a hundred bets takes as long as many that take one. */
  readonly weightOf?: (valid: ValidDecision<E>) => number;
  readonly onAlarm?: OnAlarm;
  /** The log cannot be followed any more: the driver has ended for good. */
  readonly onFatal?: (fault: Error) => void;
}

export interface Progress {
  /** Records of the log, of those there were at the start. */
  readonly done: number;
  readonly total: number;
  readonly perSecond: number;
  /** Until everything that was there at the start is applied; undefined before anything was. */
  readonly secondsLeft: number | undefined;
  /** Age of the oldest decision read and not applied, by the log's time; 0 when there is none. */
  readonly lagMs: number;
}

const MAX_DECISIONS = 2_000;
const MAX_AGE_MS = 250;
const FIRST_BACK_OFF_MS = 200;
const MAX_BACK_OFF_MS = 5_000;

/** One attempt, from loading the checkpoints to a failed batch. */
interface Run<E> {
  readonly readers: DecisionReader<E>[];
  readonly from: readonly number[];
  readonly startedAt: number;
  /** Every reader knows where its log ended when it began. */
  started: boolean;
  /** A batch has failed: nothing that still comes counts, and nobody who brings it may be kept waiting. */
  ended: boolean;
  buffer: SourcedDecision<E>[];
  /** Of what is in the buffer. */
  weight: number;
  /** The batch that is being applied. */
  applying: readonly SourcedDecision<E>[];
  applied: readonly number[];
}

export class ProjectionDriver<E = unknown> {
  readonly metrics = { decisions: 0, batches: 0, failures: 0, applyMs: 0 };
  /** Set when the log cannot be followed any more. */
  fault: Error | undefined;
  /** Resolves when everything that was in the log at the start is applied, or when the driver has ended. */
  readonly caughtUp: Promise<void>;

  readonly #o: DriverOptions<E>;
  readonly #stopping = new AbortController();
  readonly #wake: WakeUp;
  #run: Run<E> | undefined;
  #running: Promise<void> | undefined;
  #room: (() => void) | undefined;
  #caughtUp: () => void = () => undefined;
  #failuresInARow = 0;
  #isCaughtUp = false;
  readonly #outage: Outage;

  constructor(options: DriverOptions<E>) {
    this.#o = options;
    this.#outage = new Outage(options.clock);
    this.#wake = new WakeUp(options.clock);
    this.caughtUp = new Promise((resolve) => {
      this.#caughtUp = resolve;
    });
  }

  start(): void {
    this.#running ??= this.#runAll();
  }

  /** Applies what it has read, then ends. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.call();
    await this.#running;
    this.#caughtUp();
  }

  /** Why nothing has been written for a while: it is tried again for as long as it lasts, and nothing is ever left out. */
  get trouble(): string | undefined {
    const { text } = this.#outage;
    return text && `decisions have not been written ${text}`;
  }

  /** How long that has lasted; 0 where the last attempt did not fail, or has failed for moments only. */
  get troubleMs(): number {
    return this.#outage.ms;
  }

  /** Undefined once all that was in the log at the start is applied. */
  get reading(): HowFar | undefined {
    return this.#isCaughtUp ? undefined : this.progress();
  }

  progress(): Progress {
    const run = this.#run;
    if (!run) return { done: 0, total: 0, perSecond: 0, secondsLeft: undefined, lagMs: 0 };
    const now = this.#o.clock.now();
    const done = sum(run.applied) - sum(run.from);
    const total = sum(run.readers.map(({ endAtStart }) => endAtStart)) - sum(run.from);
    const seconds = Math.max(1, now - run.startedAt) / 1_000;
    const secondsLeft = done > 0 ? (Math.max(0, total - done) * seconds) / done : undefined;
    const oldest = (run.applying[0] ?? run.buffer[0])?.valid.time;
    return { done, total, perSecond: done / seconds, secondsLeft, lagMs: oldest ? Math.max(0, now - oldest) : 0 };
  }

  async #runAll(): Promise<void> {
    const { clock, onAlarm } = this.#o;
    while (!this.#stopping.signal.aborted && !this.fault) {
      try {
        await this.#runOnce();
      } catch (fault) {
        this.metrics.failures++;
        this.#outage.failed((fault as Error).message);
        onAlarm?.('PROJECTION_FAILED', (fault as Error).message);
        const backOff = Math.min(FIRST_BACK_OFF_MS * 2 ** Math.min(this.#failuresInARow++, 10), MAX_BACK_OFF_MS);
        await clock.sleep(backOff, this.#stopping.signal);
      }
    }
    this.#caughtUp();
  }

  async #runOnce(): Promise<void> {
    const kept = await this.#o.projection.load();
    const run = this.#begin(kept);
    this.#run = run;
    try {
      const starting = Promise.all(run.readers.map((reader) => reader.start()));
      void starting.then(() => {
        run.started = true;
      });
      await this.#drain(run);
    } finally {
      run.ended = true;
      this.#makeRoom();
      await Promise.all(run.readers.map((reader) => reader.close()));
    }
  }

  #begin(kept: ReadonlyMap<string, string>): Run<E> {
    const { log, tails, clock, sources } = this.#o;
    const readers = sources.map((source) => {
      const checkpoint = kept.get(source.src);
      return new DecisionReader<E>({
        ...{ log, tails, clock, ...source },
        ...(checkpoint === undefined ? {} : { checkpoint }),
        onDecisions: (decisions) => this.#collect(run, source, decisions),
        onFatal: (fault) => {
          this.fault = fault;
          this.#o.onAlarm?.('PROJECTION_FAILED', fault.message);
          this.#o.onFatal?.(fault);
          this.#wake.call();
        },
      });
    });
    const from = readers.map(({ valid }) => valid.next);
    const run: Run<E> = {
      readers,
      from,
      startedAt: clock.now(),
      started: false,
      ended: false,
      buffer: [],
      weight: 0,
      applying: [],
      applied: from,
    };
    return run;
  }

  /** Keeps them before it waits for anything: a checkpoint taken meanwhile must not speak of decisions the buffer lacks. */
  async #collect(run: Run<E>, source: DecisionSource, decisions: readonly ValidDecision<E>[]): Promise<void> {
    const { maxDecisions = MAX_DECISIONS, weightOf } = this.#o;
    if (run.ended) return;
    for (const valid of decisions) {
      run.buffer.push({ ...source, valid });
      run.weight += weightOf?.(valid) ?? 1;
    }
    if (run.weight < maxDecisions) return;
    this.#wake.call();
    await new Promise<void>((resolve) => {
      const before = this.#room;
      this.#room = () => {
        before?.();
        resolve();
      };
    });
  }

  async #drain(run: Run<E>): Promise<void> {
    const { maxAgeMs = MAX_AGE_MS } = this.#o;
    while (!this.fault) {
      await this.#wake.pause(maxAgeMs);
      await this.#applyBuffer(run);
      if (this.#stopping.signal.aborted) return;
    }
  }

  async #applyBuffer(run: Run<E>): Promise<void> {
    const { projection, clock } = this.#o;
    const decisions = run.buffer;
    const next = run.readers.map(({ valid }) => valid.next);
    if (decisions.length > 0) {
      run.buffer = [];
      run.weight = 0;
      run.applying = decisions;
      const checkpoints = run.readers.map(({ valid }) => checkpointOf(valid));
      const began = clock.now();
      this.#makeRoom();
      await projection.apply({ decisions, checkpoints }).catch((fault: Error) => {
        // Of a database that is away the place says nothing; of what cannot be folded it is where to look.
        throw isRetriable(fault)
          ? fault
          : new Error(`${fault.message} (among ${placesOf(decisions)})`, { cause: fault });
      });
      run.applying = [];
      this.#failuresInARow = 0;
      this.#outage.ended();
      this.metrics.batches++;
      this.metrics.decisions += decisions.length;
      this.metrics.applyMs += clock.now() - began;
    }
    run.applied = next;
    if (!run.started || run.readers.some(({ endAtStart }, i) => (next[i] as number) < endAtStart)) return;
    this.#isCaughtUp = true;
    this.#caughtUp();
  }

  #makeRoom(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }
}

function checkpointOf(valid: DecisionReader<unknown>['valid']): SourceCheckpoint {
  const { src, seq, next } = valid;
  return { src, text: valid.toCheckpoint(), seq, next };
}

/** `shard-0 101 to 400, market 7`: sequence numbers. */
function placesOf(decisions: readonly SourcedDecision<unknown>[]): string {
  const places = new Map<string, { readonly first: number; last: number }>();
  for (const { src, valid } of decisions) {
    const { seq } = valid.decision;
    const place = places.get(src);
    if (place) place.last = seq;
    else places.set(src, { first: seq, last: seq });
  }
  const texts = [...places].map(([src, { first, last }]) => `${src} ${first}${last > first ? ` to ${last}` : ''}`);
  return texts.join(', ');
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Carries numbered messages from one decider's decisions into another one's commands, run by the host of the target. At least once,
 * in order, from the target's own last number: it must never skip a number, and never trust its own memory of what arrived.
 */
import { type ServiceKey, signCommand } from '#mutuel/contracts';
import { DecisionReader, type DecisionSource } from './decision-reader.js';
import type { TopicPartition } from './ports.js';
import { randomId } from './random-id.js';
import type { RenewingAppender } from './renewing-appender.js';
import type { OnAlarm, Seams } from './runner-options.js';
import type { ValidDecision } from './valid-records.js';
import { WakeUp } from './wake-up.js';

/** One message: its number (gap-free per source, from 1) and the command that carries it. */
export interface Numbered {
  readonly n: number;
  readonly command: object;
}

export interface RelayOptions<E> extends Seams {
  readonly source: DecisionSource;
  readonly target: TopicPartition;
  readonly pick: (event: E) => Numbered | undefined;
  /** The last number that the target has taken, as its state here says; undefined between two states. */
  readonly taken: () => number | undefined;
  /** A checkpoint of the source's log with nothing before it that the target has not taken; the log's beginning without one. */
  readonly from?: () => Promise<string | undefined>;
  /** Whether the target is decided here now: only then anything is sent. */
  readonly leads: () => boolean;
  readonly appender: RenewingAppender;
  readonly serviceKey: ServiceKey;
  readonly onAlarm: OnAlarm;
  /** It carries nothing any more. */
  readonly onFatal?: (fault: Error) => void;
}

/** Messages kept that the target has not taken; beyond it reading waits. */
const MAX_WAITING = 5_000;
/** One append: a card is a large fact, so bytes bound it before the count does. */
const MAX_BATCH = 64;
const MAX_BATCH_BYTES = 1_000_000;
/** How often a relay looks at its target while something waits for it and while nothing does: what comes in wakes it. */
const LOOK_MS = 100;
const IDLE_MS = 1_000;
/** How long it waits for progress before it sends again, doubled each time in vain: a target that is slow is not made slower. */
const RESEND_MS = 2_000;
const MOST_RESEND_MS = 16_000;
/** After a gap was reported, others that come from the same hole are ignored for this long. */
const GAP_QUIET_MS = 250;
/** Pause after an append that failed, doubled for each one more in a row: all that waits is signed again each time. */
const AFTER_FAILURE_MS = 50;
const MOST_AFTER_FAILURE_MS = 800;

export class Relay<E> {
  readonly metrics = { relayed: 0, resent: 0, failures: 0, waiting: 0 };
  readonly #o: RelayOptions<E>;
  readonly #wake: WakeUp;
  #waiting: Numbered[] = [];
  /** The last number handed to the target's log in this stretch of its leadership. */
  #sent = 0;
  /** What the target had taken when last looked at, and since when. */
  #taken = 0;
  #progressAt = 0;
  #patience = RESEND_MS;
  #rewoundAt = Number.NEGATIVE_INFINITY;
  /** Appends in a row that failed. */
  #failures = 0;
  #reader: DecisionReader<E> | undefined;
  #roomWaiter: (() => void) | undefined;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(options: RelayOptions<E>) {
    this.#o = options;
    this.#wake = new WakeUp(options.clock);
  }

  start(): void {
    this.#running ??= this.#run().catch((fault: Error) => this.#ended(fault));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake.call();
    this.#roomWaiter?.();
    await this.#reader?.close();
    await this.#running;
  }

  /** The target refused a message with `RELAY_GAP`: send again from its own last number. */
  gap(): void {
    const now = this.#o.clock.now();
    if (now - this.#rewoundAt < GAP_QUIET_MS) return;
    this.#o.onAlarm('RELAY_GAP', `${this.#name}: the target asks again from ${this.#o.taken() ?? 0}`);
    this.#rewind(now);
    this.#wake.call();
  }

  async #run(): Promise<void> {
    const { source, log, tails, clock, from } = this.#o;
    const checkpoint = await from?.();
    if (this.#stopped) return;
    this.#reader = new DecisionReader<E>({
      ...{ ...source, log, tails, clock },
      ...(checkpoint === undefined ? {} : { checkpoint }),
      onDecisions: (decisions) => this.#collect(decisions),
      onFatal: (fault) => this.#ended(fault),
    });
    await Promise.all([this.#reader.start(), this.#pump()]);
  }

  #ended(fault: Error): void {
    this.#o.onAlarm('RELAY_STOPPED', `${this.#name}: ${fault.message}`);
    this.#o.onFatal?.(fault);
  }

  get #name(): string {
    const { source, target } = this.#o;
    return `relay ${source.src} → ${target.topic}[${target.partition}]`;
  }

  async #collect(decisions: readonly ValidDecision<E>[]): Promise<void> {
    for (const { decision } of decisions) {
      for (const event of decision.events) {
        const message = this.#o.pick(event);
        if (message) this.#waiting.push(message);
      }
    }
    this.#forgetTaken();
    if (this.#waiting.length > 0) this.#wake.call();
    if (this.#waiting.length <= MAX_WAITING || this.#stopped) return;
    await new Promise<void>((resolve) => {
      this.#roomWaiter = resolve;
    });
  }

  async #pump(): Promise<void> {
    while (!this.#stopped) {
      const taken = this.#forgetTaken();
      if (taken === undefined || !this.#o.leads()) this.#sent = 0;
      else if (await this.#send(taken)) continue;
      await this.#wake.pause(this.#waiting.length > 0 ? LOOK_MS : IDLE_MS);
    }
  }

  /** False when there is nothing to send now. */
  async #send(taken: number): Promise<boolean> {
    const { clock, target, appender } = this.#o;
    const now = clock.now();
    if (taken >= this.#sent || taken !== this.#taken) {
      this.#sent = Math.max(this.#sent, taken);
      this.#taken = taken;
      this.#progressAt = now;
      this.#patience = RESEND_MS;
    } else if (now - this.#progressAt >= this.#patience) {
      this.#rewind(now);
      this.#patience = Math.min(2 * this.#patience, MOST_RESEND_MS);
    }
    const { values, last } = this.#nextBatch();
    if (values.length === 0) return false;
    try {
      await appender.append(target, values);
      this.#sent = last;
      this.#failures = 0;
      this.metrics.relayed += values.length;
    } catch (fault) {
      this.metrics.failures++;
      this.#o.onAlarm('APPEND_FAILED', `${this.#name}: ${(fault as Error).message}`);
      this.#rewind(now);
      await clock.sleep(Math.min(AFTER_FAILURE_MS * 2 ** this.#failures++, MOST_AFTER_FAILURE_MS));
    }
    return true;
  }

  #nextBatch(): { readonly values: readonly Uint8Array[]; readonly last: number } {
    const values: Uint8Array[] = [];
    let last = this.#sent;
    let bytes = 0;
    for (const { n, command } of this.#waiting) {
      if (n <= this.#sent) continue;
      if (values.length === MAX_BATCH || bytes > MAX_BATCH_BYTES) break;
      const value = this.#sign(command);
      values.push(value);
      bytes += value.byteLength;
      last = n;
    }
    return { values, last };
  }

  #sign(command: object): Uint8Array {
    return signCommand(randomId(this.#o.entropy), command, this.#o.serviceKey);
  }

  #rewind(now: number): void {
    const taken = this.#o.taken() ?? 0;
    this.metrics.resent += Math.max(0, this.#sent - taken);
    this.#sent = taken;
    this.#progressAt = now;
    this.#rewoundAt = now;
  }

  #forgetTaken(): number | undefined {
    const taken = this.#o.taken();
    const first = this.#waiting.findIndex(({ n }) => n > (taken ?? 0));
    if (first !== 0) this.#waiting = first < 0 ? [] : this.#waiting.slice(first);
    this.metrics.waiting = this.#waiting.length;
    if (this.#waiting.length <= MAX_WAITING) {
      this.#roomWaiter?.();
      this.#roomWaiter = undefined;
    }
    return taken;
  }
}

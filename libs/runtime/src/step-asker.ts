/**
 * Puts the next step of the state's own work (a cursor job) into the command log, so that it takes its turn among the other
 * commands. Never more than one step of a cursor at a time: a repeated one would be a no-op, but a costly one.
 */
import { type ServiceKey, signCommand } from '#mutuel/contracts';
import type { Clock, Entropy, TopicPartition } from './ports.js';
import { randomId } from './random-id.js';
import type { RenewingAppender } from './renewing-appender.js';
import type { RunnerMetrics } from './runner-options.js';

export interface StepAskerOptions {
  /** The step wanted next, as a command, or undefined. */
  readonly wanted: () => object | undefined;
  readonly commands: TopicPartition;
  readonly work: RenewingAppender;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly serviceKey: ServiceKey;
  readonly metrics: RunnerMetrics;
  /** A step was decided and is wanted still: the job cannot go on. */
  readonly onStuck: (step: string) => void;
  readonly signal: AbortSignal;
}

interface Asked {
  readonly step: string;
  readonly cid: string;
  decided: boolean;
  reported: boolean;
}

/** Pause after a step could not be appended. */
const ASK_AGAIN_MS = 50;

export class StepAsker {
  readonly #o: StepAskerOptions;
  /** The step asked for last; on its way until its own id is decided. */
  #asked: Asked | undefined;
  #asking: Promise<void> | undefined;

  constructor(options: StepAskerOptions) {
    this.#o = options;
  }

  /** Looks whether the state wants something that was not asked for yet. */
  look(): void {
    if (this.#asking || this.#o.signal.aborted) return;
    const wanted = this.#o.wanted();
    if (!wanted) return;
    const step = JSON.stringify(wanted);
    if (step === this.#asked?.step) {
      this.#reportStuck(this.#asked);
      return;
    }
    this.#asking = this.#ask(wanted, step).finally(() => {
      this.#asking = undefined;
      // The step may have been decided before its append resolved.
      this.look();
    });
  }

  /** A command was decided; perhaps the step. */
  decided(cid: string): void {
    if (this.#asked?.cid === cid) this.#asked.decided = true;
  }

  async close(): Promise<void> {
    await this.#asking;
  }

  async #ask(wanted: object, step: string): Promise<void> {
    const { entropy, serviceKey, commands, work, clock, metrics, signal } = this.#o;
    const cid = randomId(entropy);
    this.#asked = { step, cid, decided: false, reported: false };
    try {
      await work.append(commands, [signCommand(cid, wanted, serviceKey)]);
      metrics.stepsAsked++;
    } catch {
      this.#asked = undefined;
      await clock.sleep(ASK_AGAIN_MS, signal);
    }
  }

  #reportStuck(asked: Asked): void {
    if (!asked.decided || asked.reported) return;
    asked.reported = true;
    this.#o.onStuck(asked.step);
  }
}

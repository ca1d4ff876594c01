/**
 * Gathers commands for a few milliseconds and appends them together, one append in flight. It must never repeat a command: what
 * came of each is told to its sender exactly once, and the sender decides.
 */
import { MAX_APPEND_RECORDS } from '#mutuel/contracts';
import { AppendFault, type AppendGroup, type Clock, type TopicPartition } from './ports.js';
import type { RenewingAppender } from './renewing-appender.js';
import { WakeUp } from './wake-up.js';

/** `APPENDED`: it is in the log. `NOT_APPENDED`: certainly not. `UNKNOWN`: bytes may have left. */
export type Delivery = 'APPENDED' | 'NOT_APPENDED' | 'UNKNOWN';

export interface LaneCommand {
  readonly partition: number;
  readonly bytes: Uint8Array;
  readonly queuedAt: number;
  readonly onDelivery: (delivery: Delivery, fault?: Error) => void;
}

export interface LaneOptions {
  readonly topic: string;
  readonly appender: RenewingAppender;
  readonly clock: Clock;
  /** How long the first command of a batch waits for others; 0 sends at once whatever is there. */
  readonly windowMs: number;
}

/** Bytes of one partition's part of an append; a single larger command still goes, alone. */
const MAX_GROUP_BYTES = 1_000_000;

export class CommandLane {
  readonly metrics = { appends: 0, appended: 0, failures: 0 };
  readonly #o: LaneOptions;
  readonly #wake: WakeUp;
  /** By partition, oldest first. */
  readonly #queues: LaneCommand[][] = [];
  #running: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#o = options;
    this.#wake = new WakeUp(options.clock);
  }

  send(command: LaneCommand): void {
    this.#queues[command.partition] ??= [];
    const queue = this.#queues[command.partition] as LaneCommand[];
    queue.push(command);
    if (queue.length === MAX_APPEND_RECORDS) this.#wake.call();
    this.#running ??= this.#run();
  }

  /** Resolves when everything sent so far was appended or failed. */
  async drained(): Promise<void> {
    this.#wake.call();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, windowMs } = this.#o;
    // Whoever sends in the same turn belongs to the same batch.
    await Promise.resolve();
    while (this.#queues.some(isWaiting)) {
      const wait = this.#oldest() + windowMs - clock.now();
      if (wait > 0) await this.#wake.pause(wait);
      await this.#append();
    }
    this.#running = undefined;
  }

  #oldest(): number {
    return Math.min(...this.#queues.flatMap(([first]) => first?.queuedAt ?? []));
  }

  async #append(): Promise<void> {
    const batch = this.#queues.filter(isWaiting).map((queue) => this.#take(queue));
    const groups = batch.map((commands) => this.#groupOf(commands));
    const all = batch.flat();
    try {
      await this.#o.appender.appendAll(groups);
      this.metrics.appends++;
      this.metrics.appended += all.length;
      for (const { onDelivery } of all) onDelivery('APPENDED');
    } catch (fault) {
      this.metrics.failures++;
      const outcome = fault instanceof AppendFault ? fault.outcome : 'UNKNOWN';
      for (const { onDelivery } of all) onDelivery(outcome, fault as Error);
    }
  }

  #groupOf(commands: readonly LaneCommand[]): AppendGroup {
    const { partition } = commands[0] as LaneCommand;
    const at: TopicPartition = { topic: this.#o.topic, partition };
    return { at, values: commands.map(({ bytes }) => bytes) };
  }

  #take(queue: LaneCommand[]): LaneCommand[] {
    let bytes = 0;
    let count = 0;
    while (count < Math.min(queue.length, MAX_APPEND_RECORDS)) {
      bytes += (queue[count] as LaneCommand).bytes.byteLength;
      if (count > 0 && bytes > MAX_GROUP_BYTES) break;
      count++;
    }
    return queue.splice(0, count);
  }
}

const isWaiting = (queue: readonly LaneCommand[]): boolean => queue.length > 0;

/**
 * Time of the simulation: one queue of events, one thread, nothing that the seed does not decide. Between two moments every promise
 * that can go on has gone on, in an order that Node fixes. It must never read a real clock, nor let a process that is dead or frozen
 * run.
 */
import type { Clock, Entropy } from '#mutuel/runtime';
import type { Random } from './random.js';

interface Timer {
  readonly time: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class Kernel {
  /** True time, milliseconds UTC. */
  now: number;
  /** Moments passed so far. */
  step = 0;
  readonly #heap: Timer[] = [];
  #order = 0;

  constructor(start: number) {
    this.now = start;
  }

  after(ms: number, run: () => void): Timer {
    const timer = { time: this.now + Math.max(0, Math.ceil(ms)), order: this.#order++, run };
    this.#push(timer);
    return timer;
  }

  /** Runs moment after moment until the condition holds. False when nothing is left to happen, or at the deadline. */
  async run(until: () => boolean, deadline: number): Promise<boolean> {
    await turn();
    return new Promise((resolve, reject) => {
      const moment = (): void => {
        try {
          const end = this.#pass(until, deadline);
          if (end !== undefined) resolve(end);
          else if (this.step % STEPS_A_TURN === 0) setImmediate(moment);
          else queueMicrotask(next);
        } catch (fault) {
          reject(fault);
        }
      };
      // Node takes up a tick when no promise can go on any more.
      const next = (): void => process.nextTick(moment);
      moment();
    });
  }

  /** One moment; undefined when there may be a next one. */
  #pass(until: () => boolean, deadline: number): boolean | undefined {
    if (until()) return true;
    const first = this.#first();
    if (!first || first.time > deadline) return false;
    this.step++;
    this.now = first.time;
    while (this.#heap[0]?.time === this.now) this.#pop().run?.();
    return undefined;
  }

  /** Jumps over a stretch in which nobody is awake; what was due in it is due at its end. */
  skip(ms: number): void {
    this.now += ms;
    const due = this.#heap.splice(0).sort((a, b) => a.time - b.time || a.order - b.order);
    for (const { time, order, run } of due) this.#push({ time: Math.max(time, this.now), order, run });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Of those that still have something to do: a timer taken back is no moment. */
  #first(): Timer | undefined {
    while (this.#heap[0] && this.#heap[0].run === undefined) this.#pop();
    return this.#heap[0];
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let i = heap.push(timer) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[i] = heap[parent] as Timer;
      i = parent;
    }
    heap[i] = timer;
  }

  #pop(): Timer {
    const heap = this.#heap;
    const first = heap[0] as Timer;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child++;
      if (!isBefore(heap[child] as Timer, last)) break;
      heap[i] = heap[child] as Timer;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);

/** So often the event loop turns by itself: rejections that nobody caught are told then. */
const STEPS_A_TURN = 32;

/** One turn of the event loop: every promise that can be settled is settled when it resolves. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Something that can crash or freeze by itself, with a clock that may be wrong. */
export class SimProcess {
  state: 'UP' | 'FROZEN' | 'DEAD' = 'UP';
  /** It met what only a person can resolve: that it stops is right. */
  mayStop = false;
  /** How far its clock is ahead of true time, ms. */
  clockOffset = 0;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly #held: (() => void)[] = [];

  constructor(
    readonly name: string,
    readonly kernel: Kernel,
    random: Random,
  ) {
    this.entropy = { bytes: (count) => random.bytes(count) };
    this.clock = {
      now: () => kernel.now + this.clockOffset,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
  }

  /** Everything that comes in from the world comes through here: at once, after a freeze, or never. */
  enter(run: () => void): void {
    if (this.state === 'UP') run();
    else if (this.state === 'FROZEN') this.#held.push(run);
  }

  /** Nothing of it ever runs again; what it held in memory is lost. */
  kill(): void {
    this.state = 'DEAD';
    this.#held.length = 0;
  }

  freeze(): void {
    if (this.state === 'UP') this.state = 'FROZEN';
  }

  thaw(): void {
    if (this.state !== 'FROZEN') return;
    this.state = 'UP';
    for (const run of this.#held.splice(0)) this.enter(run);
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.kernel.after(ms, () =>
        this.enter(() => {
          signal?.removeEventListener('abort', wake);
          resolve();
        }),
      );
      const wake = (): void => {
        timer.run = undefined;
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
}

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
  /** What is due at each moment, in the order in which it was asked for. */
  readonly #due = new Map<number, Timer[]>();
  /** These moments, each once: a heap. */
  readonly #heap: number[] = [];
  #order = 0;

  constructor(start: number) {
    this.now = start;
  }

  after(ms: number, run: () => void): Timer {
    const timer = { time: this.now + Math.max(0, Math.ceil(ms)), order: this.#order++, run };
    this.#add(timer);
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
    const due = this.#first();
    const time = this.#heap[0] as number;
    if (!due || time > deadline) return false;
    this.step++;
    this.now = time;
    // What is asked for meanwhile and due at once is of the same moment.
    for (let i = 0; i < due.length; i++) (due[i] as Timer).run?.();
    this.#drop();
    return undefined;
  }

  /** Jumps over a stretch in which nobody is awake; what was due in it is due at its end. */
  skip(ms: number): void {
    this.now += ms;
    const all = [...this.#due.values()].flat().sort((a, b) => a.order - b.order);
    this.#due.clear();
    this.#heap.length = 0;
    for (const { time, order, run } of all) this.#add({ time: Math.max(time, this.now), order, run });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Of those that still have something to do: a timer taken back is no moment. */
  #first(): Timer[] | undefined {
    while (this.#heap.length > 0) {
      const due = this.#due.get(this.#heap[0] as number) as Timer[];
      if (due.some(({ run }) => run !== undefined)) return due;
      this.#drop();
    }
    return undefined;
  }

  #add(timer: Timer): void {
    const due = this.#due.get(timer.time);
    if (due) {
      due.push(timer);
      return;
    }
    this.#due.set(timer.time, [timer]);
    this.#push(timer.time);
  }

  /** The first moment is over. */
  #drop(): void {
    this.#due.delete(this.#heap[0] as number);
    this.#pop();
  }

  #push(time: number): void {
    const heap = this.#heap;
    let i = heap.push(time) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (time >= (heap[parent] as number)) break;
      heap[i] = heap[parent] as number;
      i = parent;
    }
    heap[i] = time;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as number;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++;
      if ((heap[child] as number) >= last) break;
      heap[i] = heap[child] as number;
      i = child;
    }
    heap[i] = last;
  }
}

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
  /** Who sleeps until a signal: one listener each, since adding and taking away many costs more than all that sleepers do. */
  readonly #sleepers = new WeakMap<AbortSignal, Set<() => void>>();

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
      const sleepers = signal && this.#sleepersUntil(signal);
      const timer = this.kernel.after(ms, () =>
        this.enter(() => {
          sleepers?.delete(wake);
          resolve();
        }),
      );
      const wake = (): void => {
        timer.run = undefined;
        resolve();
      };
      sleepers?.add(wake);
    });
  }

  #sleepersUntil(signal: AbortSignal): Set<() => void> {
    const known = this.#sleepers.get(signal);
    if (known) return known;
    const sleepers = new Set<() => void>();
    this.#sleepers.set(signal, sleepers);
    const wake = (): void => {
      for (const one of sleepers) one();
    };
    signal.addEventListener('abort', wake, { once: true });
    return sleepers;
  }
}

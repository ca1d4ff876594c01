/**
 * What has been failing, and for how long: noted by whoever tries anyway, told only once it has lasted, so that what mends itself within
 * moments makes nobody come and go. It must never tell of a fault that nobody has met for long: who no longer tries would tell it for ever.
 */
import type { Clock } from './ports.js';

/** A process says that it cannot work, or is worse off, for what has failed this long without a success in between. */
export const OUTAGE_MS = 5_000;
/** More than the longest pause between two attempts, and the waiting for a connection in each. */
const FORGOTTEN_MS = 15_000;

export class Outage {
  #since: number | undefined;
  #last = 0;
  #why = '';

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  failed(why: string): void {
    const now = this.clock.now();
    if (this.#since === undefined || now - this.#last > FORGOTTEN_MS) this.#since = now;
    this.#last = now;
    this.#why = why;
  }

  ended(): void {
    this.#since = undefined;
  }

  /** Since the first failure, where another one came long enough after it; 0 otherwise. */
  get ms(): number {
    const now = this.clock.now();
    const hasLasted = this.#since !== undefined && this.#last - this.#since >= OUTAGE_MS;
    return hasLasted && now - this.#last <= FORGOTTEN_MS ? now - (this.#since as number) : 0;
  }

  /** `for 7 s: connect ECONNREFUSED`, or nothing. */
  get text(): string | undefined {
    const { ms } = this;
    return ms === 0 ? undefined : `for ${Math.floor(ms / 1_000)} s: ${this.#why}`;
  }
}

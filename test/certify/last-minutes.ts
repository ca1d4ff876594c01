/**
 * The load of the last minutes before the off, again and again: races sell side by side, one after the other goes off, and towards
 * each off the bets of a second grow twenty-seven-fold, as they do over the last five minutes at a national tote. Open loop: the rate is what
 * bettors want, not what the system manages.
 */
import type { Officials } from '../trust/officials.js';
import { pause } from './target.js';

/** From five minutes before the off to its last second. */
const GROWTH = 27;
const TRY_AGAIN_MS = 250;

export interface Plan {
  /** From one off to the next, ms. */
  readonly everyMs: number;
  /** Tickets a second when a race goes off. */
  readonly top: number;
  readonly random: () => number;
  readonly name: string;
}

export class LastMinutes {
  /** What sells now; the same list all the time. */
  readonly selling: string[] = [];
  /** All that ever sold. */
  readonly races: string[] = [];
  #nextOff = 0;
  #meetings = 0;
  readonly #homeward: Promise<void>[] = [];

  constructor(
    private readonly officials: Officials,
    private readonly plan: Plan,
  ) {}

  /** Tickets a second at this moment. */
  get rate(): number {
    const left = Math.max(0, this.#nextOff - performance.now());
    return this.selling.length === 0 ? 0 : this.plan.top / GROWTH ** Math.min(1, left / this.plan.everyMs);
  }

  /** When the next race goes off, by `performance.now`. */
  get nextOff(): number {
    return this.#nextOff;
  }

  /** One race after the other goes off until it is over; then all that still sell. Resolves when all are settled. */
  async run(over: Promise<unknown>): Promise<void> {
    let isOver = false;
    const ending = over.finally(() => {
      isOver = true;
    });
    await this.#open();
    this.#nextOff = performance.now() + this.plan.everyMs;
    for (;;) {
      if (this.selling.length < 2) await this.#open();
      await Promise.race([ending, pause(Math.max(0, this.#nextOff - performance.now()))]);
      if (isOver) break;
      const race = this.selling.shift();
      if (race !== undefined) this.#homeward.push(this.#home(race));
      this.#nextOff += this.plan.everyMs;
    }
    for (const race of this.selling.splice(0)) this.#homeward.push(this.#home(race));
    await Promise.all(this.#homeward);
  }

  /** Two races; where publishing was interrupted, others in their place. */
  async #open(): Promise<void> {
    for (;;) {
      this.#meetings += 1;
      const opened = await this.officials.openMeeting(`${this.plan.name}-R${this.#meetings}`).catch(() => undefined);
      if (opened) {
        this.selling.push(...opened);
        this.races.push(...opened);
        return;
      }
      await pause(TRY_AGAIN_MS);
    }
  }

  /** Closed, judged and paid, however often the system goes away meanwhile. */
  async #home(race: string): Promise<void> {
    while (!(await this.officials.bringHome(race).catch(() => false))) await pause(TRY_AGAIN_MS);
  }
}

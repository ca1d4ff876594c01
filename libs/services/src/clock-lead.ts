/**
 * How far this process's clock may be ahead of the clocks that stamp the logs, from the records themselves: a record cannot arrive
 * before it was appended, so each arrival bounds the lead from above. It must never say less than the lead really is.
 */
import type { Clock } from '#mutuel/runtime';
import { CYCLE_MS } from '#mutuel/views';

/** Arrivals are kept for one to two of these; every log has a record at each renewal of the selling lease, much more often. */
const WINDOW_MS = CYCLE_MS;
/** What is assumed where nothing fresh was heard; processes whose clock is further off do not start. */
const UNSURE_MS = 3_000;

interface Least {
  readonly since: number;
  least: number;
  readonly before: number;
}

export class ClockLead<Source> {
  readonly #clock: Clock;
  readonly #since: number;
  readonly #heard = new Map<Source, Least>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** A record of this log, appended at `time`, is here. */
  heard(source: Source, time: number): void {
    const now = this.#clock.now();
    // One from before we listened says how old it is, and little of the clock.
    const lead = time >= this.#since ? now - time : Math.min(now - time, UNSURE_MS);
    const known = this.#heard.get(source);
    const age = known === undefined ? Number.POSITIVE_INFINITY : now - known.since;
    if (known !== undefined && age < WINDOW_MS) known.least = Math.min(known.least, lead);
    else
      this.#heard.set(source, { since: now, least: lead, before: age < 2 * WINDOW_MS ? (known?.least ?? lead) : lead });
  }

  /** ms by which the clock may be ahead of this log's, zero or more. */
  of(source: Source): number {
    const now = this.#clock.now();
    const own = this.#leastOf(source, now);
    if (own !== undefined) return Math.max(0, own);
    // A log of which nothing comes: as the others of the house, at worst.
    const others = [...this.#heard.keys()].flatMap((other) => this.#leastOf(other, now) ?? []);
    return others.length === 0 ? UNSURE_MS : Math.max(0, ...others);
  }

  #leastOf(source: Source, now: number): number | undefined {
    const known = this.#heard.get(source);
    if (known === undefined || now - known.since >= 2 * WINDOW_MS) return undefined;
    return Math.min(known.least, known.before);
  }
}

/**
 * Whether this process can do its work: each part names itself and says, when asked, what is in the way. A part whose loss a restart would
 * not mend says so here and goes on trying; one that has ended for good ends the process, so that whoever answers at all is alive.
 */
import type { HowFar } from '#mutuel/runtime';

export type ReadinessCheck = () => string | undefined;

/** What kind of installation this is, for people; said by health, by every answer that needs saying, and on every screen. */
export class Installation {
  constructor(
    readonly label: string,
    /** False where one machine's loss can lose acknowledged bets. */
    readonly durable: boolean,
  ) {}
}

export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();
  readonly #degraded = new Map<string, ReadinessCheck>();

  add(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  /** Something whose loss is felt and does not stop the work. */
  addDegraded(name: string, check: ReadinessCheck): void {
    this.#degraded.set(name, check);
  }

  /** What stands in the way, in sentences; empty when ready. */
  reasons(): string[] {
    return sentencesOf(this.#checks);
  }

  /** What is worse than it should be. */
  degraded(): string[] {
    return sentencesOf(this.#degraded);
  }
}

export interface Health extends Installation {
  readonly status: 'UP' | 'DOWN';
  readonly reasons: readonly string[];
  readonly degraded: readonly string[];
}

export const liveOf = (readiness: Readiness, installation: Installation): Health => ({
  ...{ status: 'UP', reasons: [], degraded: readiness.degraded() },
  ...installation,
});

export function readyOf(readiness: Readiness, installation: Installation): Health {
  const reasons = readiness.reasons();
  const status = reasons.length === 0 ? 'UP' : 'DOWN';
  return { status, reasons, degraded: readiness.degraded(), ...installation };
}

/** `reading the log: 120,000 of 480,000 records`, over all who still read; undefined where nobody does. */
export function readingText(readings: readonly HowFar[]): string | undefined {
  if (readings.length === 0) return undefined;
  const sum = (of: (reading: HowFar) => number): string =>
    readings.reduce((total, reading) => total + of(reading), 0).toLocaleString('en');
  return `reading the log: ${sum(({ done }) => done)} of ${sum(({ total }) => total)} records`;
}

function sentencesOf(checks: ReadonlyMap<string, ReadinessCheck>): string[] {
  const found: string[] = [];
  for (const [name, check] of checks) {
    const reason = check();
    if (reason !== undefined) found.push(`${name}: ${reason}`);
  }
  return found;
}

/** Whether this process can do its work: each part names itself and says, when asked, what is in the way. */

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

function sentencesOf(checks: ReadonlyMap<string, ReadinessCheck>): string[] {
  const found: string[] = [];
  for (const [name, check] of checks) {
    const reason = check();
    if (reason !== undefined) found.push(`${name}: ${reason}`);
  }
  return found;
}

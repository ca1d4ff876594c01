/** Whether this process can do its work: each part names itself and says, when asked, what is in the way. */

export type ReadinessCheck = () => string | undefined;

export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();

  add(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  /** What stands in the way, in sentences; empty when ready. */
  reasons(): string[] {
    const found: string[] = [];
    for (const [name, check] of this.#checks) {
      const reason = check();
      if (reason !== undefined) found.push(`${name}: ${reason}`);
    }
    return found;
  }
}

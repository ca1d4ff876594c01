/**
 * Looks again and again, beside everything else, until it is stopped: each look says after how many milliseconds the next one comes. It
 * must never look twice at once.
 */
import type { Clock } from '#mutuel/runtime';

export class SteadyLook {
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  /** `look` never throws: whoever looks knows what a fault means to him. */
  constructor(
    private readonly clock: Clock,
    private readonly look: () => Promise<number>,
  ) {}

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) await this.clock.sleep(await this.look(), signal);
  }
}

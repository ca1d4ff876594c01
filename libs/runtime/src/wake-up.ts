/** A pause that somebody else can end early: waits on the clock's port, never on a timer of its own. */
import type { Clock } from './ports.js';

const CALLED = 'called';

export class WakeUp {
  #pause: AbortController | undefined;
  #called = false;

  constructor(private readonly clock: Pick<Clock, 'sleep'>) {}

  /** Ends the pause, or skips the next one if there is none. */
  call(): void {
    this.#called = true;
    // With a reason of its own: the one that Node makes up is an error with a stack, each time.
    this.#pause?.abort(CALLED);
    this.#pause = undefined;
  }

  async pause(ms: number): Promise<void> {
    if (!this.#called) {
      // One that nobody called serves the next pause as well.
      this.#pause ??= new AbortController();
      await this.clock.sleep(ms, this.#pause.signal);
    }
    this.#called = false;
  }
}

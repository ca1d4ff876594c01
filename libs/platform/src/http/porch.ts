/**
 * Where those wait who are turned away at a full door: a refusal is said a quarter of a second later, many in one turn of the event
 * loop. A crowd that is told at once is back at once, and each time costs a turn in which those inside would be served; what a
 * refusal says is as true a moment later. It must never keep a refusal for longer, nor hold up a stop.
 */

const HELD_MS = 250;
const LOOK_MS = 50;
/** More than this many are told at once: memory is worth more than their patience. */
const MAX_HELD = 10_000;

export class Porch {
  #held: { readonly due: number; readonly say: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  hold(say: () => void): void {
    if (this.#closed || this.#held.length >= MAX_HELD) {
      say();
      return;
    }
    this.#held.push({ due: performance.now() + HELD_MS, say });
    this.#timer ??= setTimeout(() => this.#look(), LOOK_MS);
  }

  /** Everybody is told now, and whoever comes later is told at once. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { say } of this.#held.splice(0)) say();
  }

  #look(): void {
    const now = performance.now();
    const first = this.#held.findIndex(({ due }) => due > now);
    const due = this.#held.splice(0, first < 0 ? this.#held.length : first);
    for (const { say } of due) say();
    this.#timer = this.#held.length > 0 ? setTimeout(() => this.#look(), LOOK_MS) : undefined;
  }
}

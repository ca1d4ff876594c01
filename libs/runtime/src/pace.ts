/** How much was done within a time just past, from counts in a few slots of it: what a queue is measured by. */

const SLOTS = 5;

export class Pace {
  readonly #counts = new Array<number>(SLOTS).fill(0);
  readonly #slotMs: number;
  #slot = 0;

  constructor(pastMs: number) {
    this.#slotMs = pastMs / SLOTS;
  }

  note(now: number, count: number): void {
    this.#turnTo(now);
    this.#counts[this.#slot % SLOTS] = (this.#counts[this.#slot % SLOTS] as number) + count;
  }

  recent(now: number): number {
    this.#turnTo(now);
    let sum = 0;
    for (const count of this.#counts) sum += count;
    return sum;
  }

  #turnTo(now: number): void {
    const slot = Math.floor(now / this.#slotMs);
    if (slot - this.#slot >= SLOTS) this.#counts.fill(0);
    else for (let passed = this.#slot + 1; passed <= slot; passed++) this.#counts[passed % SLOTS] = 0;
    this.#slot = Math.max(this.#slot, slot);
  }
}

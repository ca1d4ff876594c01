/**
 * How long a fault is felt, from the moment something was broken. What was accepted before that moment must never count: a scenario may
 * wait for a standby first, and selling goes on meanwhile.
 */
export class Strikes {
  readonly #all: { readonly at: number; againAt: number | undefined }[] = [];
  #lastAt = 0;
  #gapMs = 0;

  /** Something is broken now. */
  struck(now: number): void {
    if (this.#all.length === 0) this.#lastAt = now;
    this.#all.push({ at: now, againAt: undefined });
  }

  /** A ticket that was sent then is accepted now. */
  accepted(sentAt: number, now: number): void {
    if (this.#all.length === 0) return;
    this.#gapMs = Math.max(this.#gapMs, now - this.#lastAt);
    this.#lastAt = now;
    for (const strike of this.#all) if (sentAt > strike.at) strike.againAt ??= now;
  }

  get count(): number {
    return this.#all.length;
  }

  /** To the first acceptance of a ticket that was sent afterwards, after the strike for which that took longest. */
  get againMs(): number | undefined {
    let longest: number | undefined;
    for (const { at, againAt } of this.#all) {
      if (againAt === undefined) return undefined;
      longest = Math.max(longest ?? 0, againAt - at);
    }
    return longest;
  }

  /** The longest time without an acceptance since the first strike. */
  get gapMs(): number {
    return this.#gapMs;
  }
}

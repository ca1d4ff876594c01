/**
 * The whole contract between a decider and the runner that drives it. `decide` is pure and may read nothing but its arguments;
 * `evolve` writes in place and never refuses. State is rebuilt from decisions alone, so every event carries all that evolve needs.
 */

/** `[account, signed amount in minor units]`; one decision's postings sum to zero. */
export type Posting = readonly [account: string, amountMinor: number];

export interface Context {
  /** The sequence number this decision will have. */
  readonly seq: number;
  /** The command record's append time, milliseconds UTC: the only time that decides. */
  readonly at: number;
  /** The decider's clock; recorded, and read only to refuse what has waited too long (`STALE`). */
  readonly decidedAt: number;
  /** The command's own id: random, so it makes ids that cannot be guessed. */
  readonly cid: string;
  /** True when the command came in an envelope whose service MAC was verified. */
  readonly trusted: boolean;
}

export interface Decision<E> {
  /** Set exactly when the command was refused; the events then only take note of the refusal. */
  readonly code?: string;
  readonly detail?: string;
  readonly pointer?: string;
  /** With `REPLAY`: the sequence number of the decision that already answered this reference. */
  readonly of?: number;
  readonly events: readonly E[];
  readonly posts: readonly Posting[];
}

/** What evolve sees of a decision, live or read back. */
export interface Decided<E> extends Decision<E> {
  readonly seq: number;
  readonly at: number;
}

export interface Decider<S, C, E> {
  initialState(): S;
  decide(state: S, command: C, context: Context): Decision<E>;
  evolve(state: S, decided: Decided<E>): void;
  /** The work the state itself asks for next (a cursor job's step), or undefined. */
  pending(state: S): C | undefined;
  /** Canonical text of the whole state; its hash must be equal on every machine for the same log prefix. */
  describe(state: S): string;
}

/** SHA-256 of UTF-8 text in lower-case hex, handed in because the engine imports nothing. */
export type Hash = (text: string) => string;

export function refuse<E>(code: string, detail: string, pointer?: string): Decision<E> {
  return pointer === undefined
    ? { code, detail, events: [], posts: [] }
    : { code, detail, pointer, events: [], posts: [] };
}

/** A bug, not a refusal: it stops the decider before anything is written. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';
}

export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantBroken(message());
}

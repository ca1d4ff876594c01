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
  /** What only the host of a decider can know; absent where one is driven by hand. */
  readonly host?: HostWord;
}

export interface HostWord {
  /** The newest record format that this process writes. */
  readonly newestFormat: number;
  /** SHA-256 of the state's image as it is before this decision, hex. Costs a pass over the whole state. */
  readonly stateHash: () => string;
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
  /** The command's own id; absent where a state is driven by hand. */
  readonly cid?: string;
}

export interface Decider<S, C, E> {
  initialState(): S;
  decide(state: S, command: C, context: Context): Decision<E>;
  evolve(state: S, decided: Decided<E>): void;
  /** The work the state itself asks for next (a cursor job's step), or undefined. */
  pending(state: S): C | undefined;
  /** Raised with every change to what a state holds or to how its image is laid out: an image of another one is not read. */
  readonly schema: number;
  /** The whole state, byte for byte the same on every machine for the same prefix of the log; owned by the caller. */
  image(state: S): StateImage;
  /** The state that an image of this schema was taken of. */
  restore(image: StateImage): S;
  /** How many numbered messages the state has sent to other deciders so far; it never falls. */
  sent(state: S): number;
  /** The record format that a fact of the log has switched on. */
  recordFormat(state: S): number;
  /** Decides a service's command without running it, because two people have said so. */
  setAside(value: unknown, word: { readonly by: readonly [string, string]; readonly reason: string }): Decision<E>;
}

/** A state at rest: JSON for what is small or irregular, packed memory (little-endian) for what is large. */
export interface StateImage {
  readonly text: string;
  readonly parts: readonly Uint8Array[];
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

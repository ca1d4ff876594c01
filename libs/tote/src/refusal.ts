/**
 * Refusals of the tote mathematics: values with a stable code, a sentence and the JSON pointer of the offending value.
 * A refusal is never thrown; what is thrown here (`ToteFault`) is a broken assumption of the caller, a bug.
 */

/**
 * INVALID_SELECTION: malformed, an unknown or repeated runner, or no line covered. TOO_MANY_LINES: beyond the rule set's
 * bound. NOT_SUPPORTED: a pool type or form that is not offered (yet).
 */
export type ToteRefusalCode = 'INVALID_SELECTION' | 'TOO_MANY_LINES' | 'NOT_SUPPORTED';

/** `at` is a JSON pointer into the selection (`/columns/0/1`), or `''` for the whole of it. */
export interface ToteRefusal {
  readonly refused: true;
  readonly code: ToteRefusalCode;
  readonly message: string;
  readonly at: string;
  /** What is wrong with a named runner. */
  readonly reason?: RunnerFault;
}

export type RunnerFault = 'UNKNOWN_RUNNER' | 'REPEATED_RUNNER';

export const refuse = (code: ToteRefusalCode, message: string, at = '', reason?: RunnerFault): ToteRefusal => ({
  refused: true,
  code,
  message,
  at,
  ...(reason === undefined ? {} : { reason }),
});

export const isRefusal = (value: object): value is ToteRefusal => 'refused' in value;

/** A bug in the caller (unbalanced stakes, an amount beyond 2^53): never a matter of business. */
export class ToteFault extends Error {
  override readonly name = 'ToteFault';
  readonly retriable = false;
}

export function assertTote(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ToteFault(message);
}

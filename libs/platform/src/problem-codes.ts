/**
 * Every code with which a request can be refused, in one table: its HTTP status, whether trying again makes sense, and what it
 * means. `docs/ERRORS.md` is written from this table. It must know every refusal the deciders can give; a test reads them from the
 * engine's own source.
 */

/**
 * `NEVER`: this request can never succeed. `SAME_KEY`: nothing is settled, the same reference may be sent again. `NEW_KEY`: this
 * reference is answered for ever, another one may succeed.
 */
export type Retry = 'NEVER' | 'SAME_KEY' | 'NEW_KEY';

export interface CodeFacts {
  readonly status: number;
  readonly retry: Retry;
  readonly title: string;
  /** For the documentation: when it happens and what to do. */
  readonly meaning: string;
}

const code = (status: number, retry: Retry, title: string, meaning: string): CodeFacts => ({
  status,
  retry,
  title,
  meaning,
});

export const PROBLEM_CODES = {
  // What is wrong with the request itself.
  MALFORMED: code(
    400,
    'NEVER',
    'The request is not well formed',
    'A field is missing, unknown or of the wrong shape; `errors` names each by a JSON pointer.',
  ),
  MALFORMED_JSON: code(
    400,
    'NEVER',
    'The body is not JSON',
    'The body is no JSON text, has a name twice in one object, or writes a whole number as a fraction.',
  ),
  INVALID_UTF8: code(400, 'NEVER', 'The body is not UTF-8', 'The bytes of the body are not valid UTF-8.'),
  INVALID_STAKE: code(400, 'NEVER', 'An amount is wrong', 'Amounts are whole minor units from 1 to 1,000,000,000,000.'),
  INVALID_SELECTION: code(
    422,
    'NEW_KEY',
    'The selection is not valid',
    'A runner is unknown or named twice, or the formula does not fit the pool.',
  ),
  DUPLICATE_BET_REF: code(400, 'NEVER', 'A betRef stands twice', 'Each bet of a ticket has a betRef of its own.'),
  REF_INVALID: code(
    400,
    'NEVER',
    'The reference is not valid',
    "A ticketRef is a lower-case UUIDv7 made at most two minutes ahead of the server's time.",
  ),
  BODY_TOO_LARGE: code(413, 'NEVER', 'The body is too large', 'Bodies are limited to 1 MiB.'),
  UNSUPPORTED_MEDIA_TYPE: code(
    415,
    'NEVER',
    'The body is not application/json',
    'Send JSON with `content-type: application/json`.',
  ),
  REQUEST_TIMEOUT: code(
    408,
    'SAME_KEY',
    'The request came too slowly',
    'The whole request must arrive within ten seconds.',
  ),
  NOT_FOUND: code(404, 'NEVER', 'There is nothing at this address', 'The route or the thing it names does not exist.'),
  METHOD_NOT_ALLOWED: code(405, 'NEVER', 'The method is not allowed here', 'The address exists, the method does not.'),
  RATE_LIMITED: code(429, 'SAME_KEY', 'Too many requests', 'Wait as long as `Retry-After` says.'),
  NOT_AUTHENTICATED: code(
    401,
    'NEVER',
    'A bearer token is needed',
    'The token is missing, unreadable, expired or not signed by this operator.',
  ),
  NOT_AUTHORIZED: code(
    403,
    'NEVER',
    'This is not allowed',
    'The token does not carry the account or the role that this needs.',
  ),

  // The system is not in a state to answer.
  SERVICE_UNAVAILABLE: code(
    503,
    'SAME_KEY',
    'The service is busy',
    'Nothing was written. Send the same request again after `Retry-After`.',
  ),
  OUTCOME_UNKNOWN: code(
    404,
    'SAME_KEY',
    'The outcome is not known here',
    'No decision on this reference is known. It may still be on its way: look again, send it again, or abandon it.',
  ),
  INTERNAL: code(
    500,
    'SAME_KEY',
    'An unexpected fault',
    'The fault was recorded under the correlation id. The outcome of a ticket is unknown: look it up by its reference.',
  ),
  DEADLINE_EXCEEDED: code(
    504,
    'SAME_KEY',
    'The deadline has passed',
    'The outcome is unknown: look a ticket up by its reference; of anything else look first whether it is done.',
  ),

  // Decided by an account's shard.
  ACCOUNT_UNKNOWN: code(404, 'NEVER', 'The account does not exist', 'No such account.'),
  ACCOUNT_EXISTS: code(409, 'NEVER', 'The account exists', 'It was opened before.'),
  ACCOUNT_BLOCKED: code(422, 'NEW_KEY', 'The account is blocked', 'The operator has blocked this account.'),
  SELF_EXCLUDED: code(
    422,
    'NEW_KEY',
    'The account holder is self-excluded',
    'No bet is taken before the exclusion ends.',
  ),
  CURRENCY_MISMATCH: code(
    422,
    'NEW_KEY',
    'The currency does not fit',
    'Account, ticket and pool must be in one currency.',
  ),
  INSUFFICIENT_FUNDS: code(
    422,
    'NEW_KEY',
    'The balance is too low',
    'The ticket costs, or the withdrawal asks for, more than is available.',
  ),
  PLAYER_LIMIT_STAKE: code(
    422,
    'NEW_KEY',
    'A limit of the account is reached',
    "The account's limit for a ticket or a day would be exceeded.",
  ),
  TOO_MANY_REFS: code(
    422,
    'NEVER',
    'The account has too many references',
    'An account full of deposits and withdrawals takes no more deposits; what it holds can be withdrawn. Open another.',
  ),
  IDEMPOTENCY_BODY_MISMATCH: code(
    422,
    'NEW_KEY',
    'The reference was used for something else',
    'The same reference came before with another body. The first answer stands.',
  ),
  REPLAY: code(
    409,
    'NEVER',
    'The reference was answered before',
    'The first answer is given again; this code shows only in the log.',
  ),
  REF_BURNT: code(422, 'NEW_KEY', 'The reference was abandoned', 'It can never be used for a bet.'),
  REF_OUTSIDE_WINDOW: code(
    422,
    'NEVER',
    'The reference is too old to decide by',
    'Whether it was used is answered by the look-up, not here. This is not a refusal of the first attempt.',
  ),
  WRONG_SHARD: code(503, 'SAME_KEY', 'The account has moved', 'Send the same request again.'),
  STALE: code(
    422,
    'NEW_KEY',
    'The ticket waited too long',
    'It was not decided within 30 seconds of its arrival. No money was taken.',
  ),
  CHANNEL_LEASE_EXPIRED: code(
    422,
    'NEW_KEY',
    'Nothing is sold at the moment',
    'The selling lease has run out; bets and cancellations are refused until the market renews it.',
  ),
  QUARANTINED: code(
    422,
    'NEW_KEY',
    'The command was set aside',
    'Deciding it failed repeatedly; it was refused without effect and is looked into.',
  ),
  POOL_UNKNOWN: code(422, 'NEW_KEY', 'The pool does not exist', 'No such pool.'),
  POOL_NOT_OPEN: code(422, 'NEW_KEY', 'The pool is not open', 'Betting has not begun, or is suspended.'),
  POOL_CLOSED: code(422, 'NEW_KEY', 'The pool is closed', 'Betting has stopped.'),
  RUNNER_SCRATCHED: code(422, 'NEW_KEY', 'A runner is scratched', 'The selection names a non-runner.'),
  TOO_MANY_LINES: code(
    422,
    'NEW_KEY',
    'The formula has too many lines',
    'The rule set of the pool bounds the lines of one bet.',
  ),
  LINES_MISMATCH: code(
    422,
    'NEW_KEY',
    'The stake does not fit the lines',
    '`stake` must equal the number of lines times `unitStake`.',
  ),
  BELOW_MIN: code(422, 'NEW_KEY', 'The stake is too low', "The stake of a line is below the pool's minimum."),
  ABOVE_MAX: code(
    422,
    'NEW_KEY',
    'The amount is too high',
    'The pool or the balance would exceed what the system takes.',
  ),
  LIMITS_OUTDATED: code(
    409,
    'NEVER',
    'Newer limits are set',
    "A later change of the account's limits was applied before.",
  ),
  STAKE_NOT_MULTIPLE: code(
    422,
    'NEW_KEY',
    'The stake is not a multiple',
    "The stake of a line must be a multiple of the pool's unit.",
  ),
  NOT_SUPPORTED: code(422, 'NEW_KEY', 'This is not offered', 'The pool type, form or kind of ticket is not sold here.'),
  CANCEL_TOO_LATE: code(
    422,
    'NEVER',
    'The ticket can no longer be cancelled',
    'The time for cancelling is over or betting has stopped: the bet stands.',
  ),
  TICKET_UNKNOWN: code(404, 'NEVER', 'There is no such ticket', 'No open ticket of this id belongs to the account.'),
  RECEIPT_NOT_THERE: code(
    404,
    'SAME_KEY',
    'There is no receipt',
    'The ticket was refused, or its decision is not projected yet.',
  ),
  SEAL_KEY_AWAY: code(
    503,
    'SAME_KEY',
    'The signing key is away',
    'Nothing can be signed at the moment; bets and payments go on.',
  ),
  TICKET_NOT_OPEN: code(422, 'NEVER', 'The ticket is not open', 'It was cancelled, refunded or settled before.'),
  ALREADY_APPLIED: code(409, 'NEVER', 'It was applied before', 'A repetition between services; it has no effect.'),
  RELAY_GAP: code(
    409,
    'SAME_KEY',
    'Something before it is missing',
    'A relay between services repeats from the last number known.',
  ),
  CURSOR_STALE: code(409, 'NEVER', 'The step was done before', 'A step of bulk work came twice; it has no effect.'),

  // Decided by the market.
  MEETING_UNKNOWN: code(404, 'NEVER', 'There is no such meeting', 'No such meeting.'),
  RACE_UNKNOWN: code(404, 'NEVER', 'There is no such race', 'No such race.'),
  RACE_STATUS: code(
    409,
    'NEVER',
    'The race is in another state',
    'What was asked for is not possible in the state the race is in.',
  ),
  CARD_INVALID: code(
    422,
    'NEVER',
    'The card is not valid',
    'Nothing of it was published; the pointer names the first fault.',
  ),
  OFF_INVALID: code(
    422,
    'NEVER',
    'The time of the off is not valid',
    'It lies in the future or after the one declared before.',
  ),
  RUNNER_UNKNOWN: code(422, 'NEVER', 'There is no such runner', 'The race has no runner of this number.'),
  ALREADY_SCRATCHED: code(409, 'NEVER', 'The runner is scratched already', 'It was scratched before.'),
  FINISH_INVALID: code(
    422,
    'NEVER',
    'The finishing order is not valid',
    'A runner is unknown, scratched or named twice.',
  ),
  PREVIEW_NOT_READY: code(
    409,
    'SAME_KEY',
    'The settlement is not ready',
    'Seals, counts or calculations are missing or differ; the sentence says which.',
  ),
  PREVIEW_CHANGED: code(409, 'NEW_KEY', 'The settlement has changed', 'Look at the new preview and confirm that one.'),
  REASON_REQUIRED: code(422, 'NEW_KEY', 'A correction needs a reason', 'The race is official: say why it is changed.'),
  CORRECTION_CLOSED: code(
    422,
    'NEVER',
    'The race can no longer be corrected',
    'Six hours after it was settled its bets leave the ledger; what was paid stands.',
  ),
  SAME_PERSON: code(403, 'NEVER', 'A second person is needed', 'Who entered or proposed something cannot confirm it.'),
  FORMAT_INVALID: code(
    422,
    'NEVER',
    'The record format cannot be proposed',
    'It is not the one after the format in use, or this release does not write it.',
  ),
  FORMAT_NOT_PROPOSED: code(409, 'NEW_KEY', 'The record format was not proposed', 'Propose it first.'),
  NOT_DECLARED: code(404, 'SAME_KEY', 'No dividend is declared yet', 'The pool has no official dividends so far.'),
  LEASE_TOO_LONG: code(422, 'NEVER', 'The lease is too long', 'A selling lease is bounded.'),
  SHARD_UNKNOWN: code(422, 'NEVER', 'There is no such shard', 'A report names a shard that does not exist.'),
  PROPOSAL_OUTDATED: code(
    409,
    'NEVER',
    'The proposal is outdated',
    'The race does not wait for a proposal on this result.',
  ),
  SOURCE_UNKNOWN: code(422, 'NEVER', 'There is no such calculator', 'A proposal comes from an unknown calculator.'),
} as const satisfies Record<string, CodeFacts>;

export type ProblemCode = keyof typeof PROBLEM_CODES;

export const isProblemCode = (text: string): text is ProblemCode => Object.hasOwn(PROBLEM_CODES, text);

/** The text of `docs/ERRORS.md`. */
export function errorsDocument(): string {
  const rows = Object.entries(PROBLEM_CODES)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { status, retry, meaning }]) => `| \`${name}\` | ${status} | \`${retry}\` | ${meaning} |`);
  return [
    '# Errors',
    '',
    'Every refusal is an RFC 9457 problem (`application/problem+json`) with a stable `code`. `retry` says what a client may do:',
    '`NEVER`, the request can never succeed; `SAME_KEY`, nothing is settled and the same reference may be sent again; `NEW_KEY`, the',
    'reference is answered for ever and another one may succeed. `errors` names each wrong field by a JSON pointer. A time-out is never',
    'a refusal: look the ticket up by its reference.',
    '',
    '| code | status | retry | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/**
 * How a line is refused: a closed code, a sentence, and the JSON pointer of the offending value. Refusals inside the
 * pricing commands are thrown as `LineRefused` and become a line at the rim; nothing else may be caught as one.
 */
import type { z } from 'zod';

export type LineCode =
  | 'MALFORMED'
  | 'INVALID_INPUT'
  | 'MISSING_FIELD'
  | 'UNKNOWN_FIELD'
  | 'AMOUNT_TOO_LARGE'
  | 'UNKNOWN_RULE_SET'
  | 'INVALID_RULE'
  | 'SHARES_NOT_ONE'
  | 'PLACES_HOLE'
  | 'OVERLAPPING_DATES'
  | 'UNKNOWN_TIER'
  | 'TOO_FEW_RUNNERS'
  | 'RANK_HOLE'
  | 'TOO_MANY_DEAD_HEATERS'
  | 'NEGATIVE_AMOUNT'
  | 'FRACTIONAL_AMOUNT'
  | 'EMPTY_POOL'
  | 'CURRENCY_MISMATCH'
  | 'UNKNOWN_RUNNER'
  | 'REPEATED_RUNNER'
  | 'INVALID_COMBINATION'
  | 'INVALID_SELECTION'
  | 'TOO_MANY_LINES'
  | 'INCONSISTENT'
  | 'NOT_SUPPORTED';

/** The line that answers a refused one. */
export interface RefusalLine {
  readonly id?: string;
  readonly error: { readonly code: LineCode; readonly message: string; readonly at: string };
}

export class LineRefused extends Error {
  override readonly name = 'LineRefused';

  constructor(
    readonly code: LineCode,
    message: string,
    readonly at: string,
  ) {
    super(message);
  }
}

export function refuseLine(code: LineCode, message: string, at: string): never {
  throw new LineRefused(code, message, at);
}

/** Reads a value by a schema, or refuses with the first issue. */
export function readAs<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = deepest(result.error.issues[0], value);
  if (!issue) return refuseLine('INVALID_INPUT', 'The line cannot be read.', '');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    return refuseLine('UNKNOWN_FIELD', `${key} is not a field here.`, pointer([...issue.path, key]));
  }
  return refuseLine(codeOf(issue, value), sentenceOf(issue, value), pointer(issue.path));
}

type Issue = z.core.$ZodIssue;

/** Of a choice of shapes, the issue of the shape that came furthest says most; of equals, one that is not about the type. */
function deepest(issue: Issue | undefined, value: unknown): Issue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  const given = found(issue, value);
  const inner = issue.errors.map(([first]) => deepest(first, given)).filter((one) => one !== undefined);
  const best = inner.sort((a, b) => tells(b, given) - tells(a, given))[0];
  return best && tells(best, given) > 0 ? { ...best, path: [...issue.path, ...best.path] } : issue;
}

const tells = (issue: Issue, value: unknown): number =>
  issue.path.length + (issue.code !== 'invalid_type' || isFraction(issue, value) ? 0.5 : 0);

const isFraction = (issue: Issue, value: unknown): boolean =>
  issue.code === 'invalid_type' && issue.expected === 'int' && typeof found(issue, value) === 'number';

/** What is wrong, in the words of somebody who writes such lines. */
function sentenceOf(issue: Issue, value: unknown): string {
  const given = found(issue, value);
  if (isFraction(issue, value))
    return `${given} is not a whole number${issue.path.at(-1) === 'units' ? `: write "${given}", in quotes` : ''}.`;
  if (isMissing(issue, given)) return `${lastOf(issue)} is missing.`;
  if (issue.code === 'invalid_value') return `Expected one of ${issue.values.join(', ')}.`;
  if (issue.code === 'invalid_union' && typeof given === 'string') return 'Expected an amount or a decimal in quotes.';
  if (issue.code === 'invalid_union')
    return `${lastOf(issue)} is in none of the shapes it may have; "mutuel schema price" shows them.`;
  if (issue.code === 'too_small' && typeof given === 'number') return `${given} is less than ${issue.minimum}.`;
  if (isRank(issue) && given === null) return 'A rank has at least one runner.';
  if (issue.code === 'too_small' && (given === '' || Array.isArray(given)))
    return isRank(issue) ? 'A rank has at least one runner.' : `${lastOf(issue)} is empty.`;
  if (given === Number.POSITIVE_INFINITY) return 'An amount is at most 2^53 - 1.';
  if (issue.code === 'too_big' && typeof given === 'number') return `${given} is more than ${issue.maximum}.`;
  return `${issue.message}.`;
}

const isMissing = ({ code, path }: Issue, given: unknown): boolean =>
  given === undefined && path.length > 0 && (code === 'invalid_type' || code === 'invalid_value');

const isRank = ({ path }: Issue): boolean => typeof path.at(-1) === 'number' && String(path[0]).startsWith('result');

const lastOf = (issue: Issue): string => String(issue.path.at(-1) ?? 'it');

function codeOf(issue: Issue, value: unknown): LineCode {
  const text = found(issue, value);
  const isResult = issue.path[0] === 'result' || issue.path[0] === 'results';
  if (issue.code === 'too_small' && isResult && issue.origin === 'array') return 'RANK_HOLE';
  if (issue.code === 'too_small' && typeof text === 'number' && text < 0) return 'NEGATIVE_AMOUNT';
  if (isFraction(issue, value)) return 'FRACTIONAL_AMOUNT';
  if (issue.code === 'invalid_format' && typeof text === 'string' && /^-\d/.test(text)) return 'NEGATIVE_AMOUNT';
  if (issue.code === 'invalid_type' && isResult && text === null) return 'RANK_HOLE';
  if (text === Number.POSITIVE_INFINITY) return 'AMOUNT_TOO_LARGE';
  if (issue.code === 'too_big' && issue.origin !== 'array' && issue.origin !== 'string') return 'AMOUNT_TOO_LARGE';
  return isMissing(issue, text) ? 'MISSING_FIELD' : 'INVALID_INPUT';
}

/** The value that an issue is about. */
const found = (issue: Issue, value: unknown): unknown =>
  issue.path.reduce<unknown>(
    (inside, key) => (typeof inside === 'object' && inside !== null ? Reflect.get(inside, key) : undefined),
    value,
  );

export const pointer = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

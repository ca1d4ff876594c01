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
  const issue = deepest(result.error.issues[0]);
  if (!issue) return refuseLine('INVALID_INPUT', 'The line cannot be read.', '');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    return refuseLine('UNKNOWN_FIELD', `${key} is not a field here.`, pointer([...issue.path, key]));
  }
  return refuseLine(codeOf(issue, value), `${issue.message}.`, pointer(issue.path));
}

type Issue = z.core.$ZodIssue;

/** Of a choice of shapes, the issue of the shape that came furthest says most. */
function deepest(issue: Issue | undefined): Issue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  const inner = issue.errors.map(([first]) => deepest(first)).filter((found) => found !== undefined);
  const best = inner.sort((a, b) => b.path.length - a.path.length)[0];
  return best && best.path.length > 0 ? { ...best, path: [...issue.path, ...best.path] } : issue;
}

function codeOf(issue: Issue, value: unknown): LineCode {
  if (issue.code === 'too_small' && issue.path[0] === 'result' && issue.origin === 'array') return 'RANK_HOLE';
  if (issue.code === 'too_small' && issue.origin !== 'array' && issue.origin !== 'string' && issue.minimum === 0)
    return 'NEGATIVE_AMOUNT';
  if (issue.code === 'invalid_type' && issue.expected === 'int' && typeof found(issue, value) === 'number')
    return 'FRACTIONAL_AMOUNT';
  if (issue.code === 'invalid_type' && issue.path[0] === 'result' && found(issue, value) === null) return 'RANK_HOLE';
  if (issue.code === 'too_big' && issue.origin !== 'array' && issue.origin !== 'string') return 'AMOUNT_TOO_LARGE';
  if (issue.code !== 'invalid_type') return 'INVALID_INPUT';
  return found(issue, value) === undefined && issue.path.length > 0 ? 'MISSING_FIELD' : 'INVALID_INPUT';
}

/** The value that an issue is about. */
const found = (issue: Issue, value: unknown): unknown =>
  issue.path.reduce<unknown>(
    (inside, key) => (typeof inside === 'object' && inside !== null ? Reflect.get(inside, key) : undefined),
    value,
  );

export const pointer = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/**
 * From unknown values to typed ones by a zod schema, every wrong field named by its JSON pointer, its code and a sentence. It must
 * stay cheap on the path of a bet: nothing is built unless something is wrong.
 */
import type { z } from 'zod';
import { type FieldFault, Problem } from './problem.js';
import type { ProblemCode } from './problem-codes.js';

type Issue = z.core.$ZodIssue;

/** Throws a `Problem`; its own code is that of the first fault where all faults have one code, else `MALFORMED`. */
export function validate<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap((issue) => faultsOf(issue, value));
  const first = errors[0] as FieldFault;
  const same = errors.every((fault) => fault.code === first.code);
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  throw new Problem(same ? (first.code as ProblemCode) : 'MALFORMED', `${first.detail}${more}`, { errors });
}

function faultsOf(issue: Issue, value: unknown): FieldFault[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      pointer: pointerOf([...issue.path, key]),
      code: 'MALFORMED',
      detail: `The field ${JSON.stringify(key.slice(0, 60))} is not known.`,
    }));
  const pointer = pointerOf(issue.path);
  const last = issue.path.findLastIndex((part) => typeof part === 'string');
  const name = last < 0 ? 'The body' : String(issue.path[last]);
  const inside = issue.path.slice(last + 1).map((index) => `[${String(index)}]`);
  const code = codeOf(issue, name);
  const found = at(value, issue.path);
  const isNoAmount = code === 'INVALID_STAKE' && issue.code === 'invalid_type' && found !== undefined;
  const sentence = isNoAmount ? 'must be a whole number of minor units, without quotes' : sentenceOf(issue, found);
  return [{ pointer, code, detail: `${name}${inside.join('')} ${sentence}.` }];
}

function codeOf(issue: Issue, name: string): ProblemCode {
  if (name === 'stake' || name === 'unitStake' || name === 'amount' || name === 'carryIn') return 'INVALID_STAKE';
  if (name === 'ticketRef' && issue.code === 'invalid_format') return 'REF_INVALID';
  return 'MALFORMED';
}

function sentenceOf(issue: Issue, found: unknown): string {
  if (found === undefined && issue.code !== 'custom') return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`;
    case 'too_small':
      return `must be at least ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must be at most ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return issue.format === 'regex'
        ? issue.message.replace(/^is /, 'must be ')
        : `must be ${FORMATS[issue.format] ?? issue.format}`;
    default:
      return issue.message;
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'a time by RFC 3339, such as 2026-11-22T14:30:00Z',
  date: 'a day YYYY-MM-DD',
};

const unitOf = (origin: string): string =>
  origin === 'string' ? ' characters long' : origin === 'array' ? ' entries long' : '';

const article = (expected: string): string =>
  expected === 'int' || expected === 'number'
    ? 'a whole number'
    : /^[aeiou]/.test(expected)
      ? `an ${expected}`
      : `a ${expected}`;

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found: unknown = value;
  for (const part of path) found = (found as Record<PropertyKey, unknown> | null | undefined)?.[part];
  return found;
}

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

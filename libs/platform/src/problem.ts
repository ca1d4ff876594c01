/**
 * Refusals on their way out: a problem with a code from the table, a sentence and pointers, and how it reads over HTTP (RFC 9457).
 * It must never carry the message of an unexpected fault to a client.
 */
import { isProblemCode, PROBLEM_CODES, type ProblemCode, type Retry } from './problem-codes.js';

export interface FieldFault {
  /** JSON pointer into the body, or the name of a parameter. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export interface ProblemOptions {
  readonly errors?: readonly FieldFault[];
  /** Seconds until another attempt makes sense. */
  readonly retryAfterSeconds?: number;
  /** Further members of the problem, such as the receipt of a decided refusal. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly replayed?: boolean;
}

/** Thrown at the rim to end a request; its message is the sentence for a person. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly errors: readonly FieldFault[];
  readonly retryAfterSeconds: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly replayed: boolean;

  constructor(
    readonly code: ProblemCode,
    detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail);
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.extra = options.extra ?? {};
    this.replayed = options.replayed ?? false;
  }

  get status(): number {
    return PROBLEM_CODES[this.code].status;
  }
}

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retry: Retry;
  readonly correlationId: string;
  readonly errors?: readonly FieldFault[];
}

const TYPE_BASE = 'https://mutuel.example/problems/';

export function problemBody(problem: Problem, correlationId: string): ProblemBody {
  const { status, title, retry } = PROBLEM_CODES[problem.code];
  const body = {
    type: TYPE_BASE + problem.code.toLowerCase().replaceAll('_', '-'),
    title,
    status,
    code: problem.code,
    detail: problem.message,
    retry,
    correlationId,
    ...problem.extra,
  };
  return problem.errors.length === 0 ? body : { ...body, errors: problem.errors };
}

/** What a decider said no to. A code that the table lacks would be a fault of this release: it is shown as the fault it is. */
export function refusalOf(
  refused: { readonly code: string; readonly detail?: string | undefined; readonly pointer?: string | undefined },
  options: Omit<ProblemOptions, 'errors'> = {},
): Problem {
  const detail = refused.detail ?? refused.code;
  if (!isProblemCode(refused.code))
    return new Problem('INTERNAL', `The decision has an unknown code, ${refused.code}.`, options);
  const errors = refused.pointer === undefined ? [] : [{ pointer: refused.pointer, code: refused.code, detail }];
  return new Problem(refused.code, detail, { ...options, errors });
}

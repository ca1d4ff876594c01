// One way to ask the API: JSON in and out, refusals as `ProblemError`, and everything that leaves the outcome unknown as
// `LostAnswer`. It must never turn a lost answer into a refusal: the bet may have been taken.
import type { Problem } from './wire.js';

/** The server answered and said no (RFC 9457). */
export class ProblemError extends Error {
  readonly problem: Problem;
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, retryAfterMs: number | null) {
    super(problem.detail ?? problem.title ?? problem.code);
    this.name = 'ProblemError';
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer, or none that says anything: what was asked may or may not have happened. */
export class LostAnswer extends Error {
  constructor() {
    super('No answer came back from the tote.');
    this.name = 'LostAnswer';
  }
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly replayed: boolean;
}

export interface Ask {
  readonly token?: string | undefined;
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

const PATIENCE_MS = 15_000;

export async function ask<T>(path: string, { token, method = 'GET', body, signal }: Ask = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const init: RequestInit = { method, headers, signal: signal ? AbortSignal.any([signal, patience]) : patience };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(path, init).catch((): never => {
    throw new LostAnswer();
  });
  const text = await response.text().catch((): never => {
    throw new LostAnswer();
  });
  const parsed = parse(text);
  if (response.ok) {
    return {
      status: response.status,
      body: parsed as T,
      replayed: response.headers.get('idempotent-replay') === 'true',
    };
  }
  throw refusal(response, parsed);
}

export async function get<T>(path: string, token?: string, signal?: AbortSignal): Promise<T> {
  return (await ask<T>(path, { token, signal })).body;
}

export async function post<T>(path: string, body: unknown, token?: string): Promise<T> {
  return (await ask<T>(path, { method: 'POST', body, token })).body;
}

function parse(text: string): unknown {
  try {
    return text === '' ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}

function refusal(response: Response, body: unknown): ProblemError | LostAnswer {
  const seconds = Number(response.headers.get('retry-after'));
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null;
  if (isProblem(body)) return new ProblemError(body, retryAfterMs);
  // A gateway's own page says nothing about what happened behind it; a 4xx without a problem was refused at the door.
  if (response.status >= 500) return new LostAnswer();
  return new ProblemError(
    { status: response.status, code: `HTTP_${response.status}`, title: response.statusText || 'Refused' },
    retryAfterMs,
  );
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string';
}

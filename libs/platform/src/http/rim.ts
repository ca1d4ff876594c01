/**
 * What every HTTP request passes: who is asking (denied unless the route says it is public), the validation of body and parameters,
 * and the one filter that turns whatever was thrown into a problem. It must never show a client the inside of an unexpected fault.
 */
import {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  type PipeTransform,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { isRetriable } from '#mutuel/runtime';
import { type Principal, Tokens } from '../auth.js';
import type { Answer } from '../betting.js';
import { Problem, problemBody } from '../problem.js';
import type { ProblemCode } from '../problem-codes.js';
import { validate } from '../validate.js';
import { ROUTE_FACTS, type RouteFacts } from './documented.js';
import type { Asked } from './operator-calls.js';

@Injectable()
export class BearerGuard implements CanActivate {
  readonly #public = new WeakMap<object, boolean>();

  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(Tokens) private readonly tokens: Tokens,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http' || this.#isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<Asked>();
    request.principal = this.tokens.bearer(request.headers.authorization);
    return true;
  }

  #isPublic(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    const known = this.#public.get(handler);
    if (known !== undefined) return known;
    const facts = this.reflector.get<RouteFacts | undefined>(ROUTE_FACTS, handler);
    const isPublic = facts?.isPublic === true;
    this.#public.set(handler, isPublic);
    return isPublic;
  }
}

export const Who = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<Asked>();
  if (principal === undefined) throw new Problem('NOT_AUTHENTICATED', 'A bearer token is needed.');
  return principal;
});

/** Validates one argument of a route: `@Body(valid(schema))`. */
export const valid = <S extends z.ZodType>(schema: S): PipeTransform<unknown, z.infer<S>> => ({
  transform: (value) => validate(schema, value),
});

/** Sets status and headers of an answer about a command; what remains is its body. */
export function told<B>(reply: FastifyReply, answer: Answer<B>): B {
  reply.status(answer.status);
  if (answer.replayed) reply.header('idempotent-replay', 'true');
  return answer.body;
}

export interface FilterOptions {
  /** Takes a request for a page (not for the API) that nothing answers; true when it did. */
  readonly page: (request: FastifyRequest, reply: FastifyReply) => boolean;
  readonly onFault: (fault: unknown, correlationId: string) => void;
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  /** `methodsAt` tells the methods with which an address of the API is answered. */
  constructor(
    private readonly o: FilterOptions,
    private readonly methodsAt: (path: string) => readonly string[],
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    this.answer(
      thrown,
      host.switchToHttp().getRequest<FastifyRequest>(),
      host.switchToHttp().getResponse<FastifyReply>(),
    );
  }

  answer(thrown: unknown, request: Asked, reply: FastifyReply): void {
    const problem = this.#problemOf(thrown, request);
    request.refusedWith = problem.code;
    if (problem.code === 'NOT_FOUND' && this.o.page(request, reply)) return;
    if (problem.code === 'METHOD_NOT_ALLOWED') reply.header('allow', this.#allowed(request).join(', '));
    sendProblem(reply, problem, request.id);
  }

  #allowed({ url }: FastifyRequest): readonly string[] {
    return this.methodsAt(url.split('?')[0] ?? '');
  }

  #problemOf(thrown: unknown, request: FastifyRequest): Problem {
    if (thrown instanceof Problem) return thrown;
    if (thrown instanceof HttpException) {
      const status = thrown.getStatus();
      const allowed = status === 404 ? this.#allowed(request) : [];
      if (allowed.length > 0)
        return new Problem(
          'METHOD_NOT_ALLOWED',
          `This address answers ${allowed.join(' and ')}, not ${request.method}.`,
        );
      return ofHttp(status, request);
    }
    if (isFastifyFault(thrown)) return ofHttp(thrown.statusCode, request);
    // Whoever hung up in the middle of his body hears nothing of it.
    if ((thrown as NodeJS.ErrnoException | null)?.code !== 'ECONNRESET') this.o.onFault(thrown, request.id);
    // A database that is away or overloaded: only looked into, so that nothing was written by what could not be answered.
    if (isRetriable(thrown))
      return new Problem(
        'SERVICE_UNAVAILABLE',
        'The read models cannot be reached at this moment: send the same again.',
        {
          retryAfterSeconds: 1,
        },
      );
    return new Problem('INTERNAL', 'An unexpected fault. It was recorded under the correlation id.');
  }
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

export function sendProblem(reply: FastifyReply, problem: Problem, correlationId: string): void {
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
  if (problem.code === 'NOT_AUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  if (problem.replayed) reply.header('idempotent-replay', 'true');
  void reply.status(problem.status).header('content-type', PROBLEM_TYPE).send(problemBody(problem, correlationId));
}

const BY_STATUS: Readonly<Record<number, readonly [ProblemCode, string]>> = {
  400: ['MALFORMED', 'The request could not be read.'],
  401: ['NOT_AUTHENTICATED', 'A bearer token is needed.'],
  403: ['NOT_AUTHORIZED', 'This is not allowed.'],
  408: ['REQUEST_TIMEOUT', 'The request did not arrive in time.'],
  413: ['BODY_TOO_LARGE', 'The body is larger than 1 MiB.'],
  415: ['UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json.'],
};

/** What Fastify itself refuses: a body too large, of another type, cut off. */
const isFastifyFault = (thrown: unknown): thrown is { readonly statusCode: number } => {
  const { code, statusCode } = (thrown ?? {}) as { readonly code?: unknown; readonly statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode < 500 && typeof code === 'string' && code.startsWith('FST_');
};

function ofHttp(status: number, request: FastifyRequest): Problem {
  if (status === 404)
    return new Problem('NOT_FOUND', `Nothing answers ${request.method} ${request.url.slice(0, 200)}.`);
  const [code, detail] = BY_STATUS[status] ?? ['MALFORMED', 'The request could not be read.'];
  return new Problem(code, detail);
}

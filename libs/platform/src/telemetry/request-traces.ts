/** The first span of a sampled ticket, over HTTP and over gRPC. What is not sampled passes with a comparison and leaves nothing behind. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { BetTraces } from './bet-traces.js';
import type { Span, Tracing } from './tracing.js';

const TICKETS = '/v1/tickets';
/** From here on it was our fault. */
const FAILED = 500;

export class RequestTraces {
  readonly #open = new Map<FastifyRequest, Span>();

  constructor(
    private readonly tracing: Tracing,
    private readonly bets: BetTraces,
  ) {}

  /** To be called before the routes are made. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, _reply, done) => {
      if (request.method === 'POST' && request.url === TICKETS) this.#begin(request);
      done();
    });
    fastify.addHook('preHandler', (request, _reply, done) => {
      const span = this.#open.size === 0 ? undefined : this.#open.get(request);
      if (span) this.bets.request((request.body as { ticketRef?: unknown } | null)?.ticketRef, span);
      done();
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      if (this.#open.size > 0) this.#end(request, reply.statusCode);
      done();
    });
    // Whoever hangs up gets no answer.
    fastify.addHook('onRequestAbort', (request, done) => {
      this.#end(request, 0);
      done();
    });
  }

  /** A gRPC call; undefined when it is not sampled. */
  call(method: string, traceparent: unknown, ref: unknown): Span | undefined {
    const span = this.tracing.request(`mutuel.v1.Betting/${method}`, traceparent, { 'rpc.system.name': 'grpc' });
    if (span) this.bets.request(ref, span);
    return span;
  }

  #begin(request: FastifyRequest): void {
    const span = this.tracing.request(`POST ${TICKETS}`, request.headers['traceparent'], {
      'http.request.method': 'POST',
      'http.route': TICKETS,
    });
    if (!span) return;
    // The same id as in the answer's header and in the log.
    span.note({ 'mutuel.correlation_id': request.id });
    this.#open.set(request, span);
  }

  #end(request: FastifyRequest, status: number): void {
    const span = this.#open.get(request);
    if (!span || !this.#open.delete(request)) return;
    span.note({ 'http.response.status_code': status });
    span.end(status === 0 || status >= FAILED);
  }
}

/**
 * The gate in front of all routes, on the bare server: who is turned away at a full betting door hears so before the request is read,
 * and when the process stops, what has come in is answered first and what comes then is sent elsewhere. It must never keep a stop
 * waiting for a slow answer beyond its bound.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem, problemBody } from '../problem.js';
import { randomId } from '../random-ids.js';
import type { Metrics } from '../telemetry/metrics.js';
import { BET_ROUTE } from './bet-route.js';
import { Porch } from './porch.js';
import { PROBLEM_TYPE } from './rim.js';

export interface GateOptions {
  readonly metrics: Metrics;
  readonly durable: boolean;
  /** Why a request is not even read at this moment; under overload a refusal must cost as little as it can. */
  readonly turnAway: (request: IncomingMessage) => Problem | undefined;
}

/** Requests under way get this long to be answered when the process stops. */
const DRAIN_MS = 2_500;
/** What was sent before the stop is here by the first look. */
const LOOK_MS = 50;

export class Gate {
  readonly #o: GateOptions;
  readonly #porch = new Porch();
  readonly #open = new Set<ServerResponse>();
  #isClosed = false;

  constructor(options: GateOptions) {
    this.#o = options;
  }

  /** Takes the place of the server's one listener, which gets what passes. */
  stand(server: Server): void {
    const [handler] = server.listeners('request') as RequestListener[];
    if (!handler) throw new Error('the server has no listener to stand in front of');
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (this.#isClosed) return this.#refuse(request, response, leaving(), { connection: 'close' });
      this.#open.add(response);
      response.once('close', () => this.#open.delete(response));
      const problem = this.#o.turnAway(request);
      if (problem === undefined) return handler(request, response);
      this.#porch.hold(() => this.#refuse(request, response, problem));
    });
  }

  /** Resolves when nothing is under way any more, or the time for it is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Who is answered from now on asks elsewhere next, instead of on a connection that is about to end.
    for (const response of this.#open) response.shouldKeepAlive = false;
    this.#porch.close();
    const until = performance.now() + DRAIN_MS;
    do await sleep(LOOK_MS);
    while (this.#open.size > 0 && performance.now() < until);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, problem: Problem, more: object = {}): void {
    if (response.destroyed) return;
    const id = correlationId(request);
    const body = JSON.stringify(problemBody(problem, id));
    response
      .writeHead(problem.status, {
        'x-correlation-id': id,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'retry-after': String(problem.retryAfterSeconds ?? 1),
        'content-type': PROBLEM_TYPE,
        'content-length': Buffer.byteLength(body),
        ...(this.#o.durable ? {} : { 'mutuel-durability': 'single-node' }),
        ...more,
      })
      .end(body);
    this.#o.metrics.request(request.method ?? '', request.url === BET_ROUTE ? BET_ROUTE : 'none', problem.status, 0);
  }
}

const leaving = (): Problem =>
  new Problem('SERVICE_UNAVAILABLE', 'This process is being stopped: send the same again, to another one.', {
    retryAfterSeconds: 1,
  });

const CORRELATION = /^[\w.:-]{8,64}$/;

export function correlationId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-correlation-id'];
  return typeof given === 'string' && CORRELATION.test(given) ? given : randomId();
}

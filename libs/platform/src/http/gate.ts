/**
 * The gate in front of all routes, on the bare server, which listens before there are any: while the process starts it answers for health
 * and figures itself. Who is turned away at a full betting door hears so before the request is read, and when the process stops, what has
 * come in is answered first and what comes then is sent elsewhere. It must never keep a stop waiting for a slow answer beyond its bound.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { InPassing } from '#mutuel/runtime';
import { Problem, problemBody } from '../problem.js';
import { randomId } from '../random-ids.js';
import { type Health, type Installation, liveOf, type Readiness, readyOf } from '../readiness.js';
import type { Metrics } from '../telemetry/metrics.js';
import { BET_ROUTE } from './bet-route.js';
import { Porch } from './porch.js';
import { PROBLEM_TYPE } from './rim.js';

export interface GateOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** As far as it is known at the moment. */
  readonly installation: () => Installation;
}

export interface Passage {
  /** Gets what passes. */
  readonly handler: RequestListener;
  /** Why a request is not even read at this moment; under overload a refusal must cost as little as it can. */
  readonly turnAway: (request: IncomingMessage) => Problem | undefined;
}

/** Requests under way get this long to be answered when the process stops. */
const DRAIN_MS = 2_500;
/** What was sent before the stop is here by the first look. */
const LOOK_MS = 50;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 72_000;
/** More are closed as they come: each costs memory, and at this many the queue is in front of the machine anyway. */
const MAX_CONNECTIONS = 20_000;
/** Connections that come in the same moment: beyond Node's 511 the system drops them, and a client tries again after a second. */
const BACKLOG = 4_096;

export class Gate {
  readonly server: Server;
  readonly #o: GateOptions;
  readonly #porch = new Porch();
  readonly #open = new InPassing<number, ServerResponse>();
  #count = 0;
  #passage: Passage | undefined;
  #isClosed = false;

  /** Listening. Throws what the system says of the port. */
  static async stand(options: GateOptions): Promise<Gate> {
    const gate = new Gate(options);
    const { port, host } = options;
    await new Promise<void>((resolve, reject) => {
      gate.server.once('error', reject);
      gate.server.listen({ port, host, backlog: BACKLOG }, () => {
        gate.server.off('error', reject);
        resolve();
      });
    });
    return gate;
  }

  private constructor(options: GateOptions) {
    this.#o = options;
    this.server = createServer(
      {
        connectionsCheckingInterval: 1_000,
        headersTimeout: REQUEST_MS,
        requestTimeout: REQUEST_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => this.#heed(request, response),
    );
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on requests are let in. */
  open(passage: Passage): void {
    this.#passage = passage;
  }

  /** Resolves when nothing is under way any more, or the time for it is over; then nobody listens. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Who is answered from now on asks elsewhere next, instead of on a connection that is about to end.
    for (const response of this.#open.values()) response.shouldKeepAlive = false;
    this.#porch.close();
    const until = performance.now() + DRAIN_MS;
    do await sleep(LOOK_MS);
    while (this.#open.size > 0 && performance.now() < until);
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  #heed(request: IncomingMessage, response: ServerResponse): void {
    if (this.#isClosed) {
      this.#refuse(request, response, leaving(), { connection: 'close' });
      return;
    }
    const id = this.#count++;
    this.#open.set(id, response);
    response.once('close', () => this.#open.delete(id));
    const problem = this.#passage?.turnAway(request);
    if (problem) this.#porch.hold(() => this.#refuse(request, response, problem));
    else if (this.#passage) this.#passage.handler(request, response);
    else void this.#answerEarly(request, response);
  }

  /** There are no routes yet. */
  async #answerEarly(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { readiness, installation, metrics } = this.#o;
    const path = request.method === 'GET' ? request.url?.split('?')[0] : undefined;
    const json = (health: Health): void => {
      const status = health.status === 'UP' ? 200 : 503;
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...EARLY });
      response.end(JSON.stringify(health));
    };
    if (path === '/health/live') json(liveOf(readiness, installation()));
    else if (path === '/health/ready') json(readyOf(readiness, installation()));
    else if (path === '/metrics') {
      const text = await metrics.text();
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', ...EARLY }).end(text);
    } else this.#refuse(request, response, starting());
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
        // How safe bets are is not known before the log is open.
        ...(this.#passage === undefined || this.#o.installation().durable
          ? {}
          : { 'mutuel-durability': 'single-node' }),
        ...more,
      })
      .end(body);
    this.#o.metrics.request(request.method ?? '', request.url === BET_ROUTE ? BET_ROUTE : 'none', problem.status, 0);
  }
}

const EARLY = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

const starting = (): Problem =>
  new Problem(
    'SERVICE_UNAVAILABLE',
    'This process is being started: send the same again in a moment, or to another one.',
    {
      retryAfterSeconds: 1,
    },
  );

const leaving = (): Problem =>
  new Problem('SERVICE_UNAVAILABLE', 'This process is being stopped: send the same again, to another one.', {
    retryAfterSeconds: 1,
  });

const CORRELATION = /^[\w.:-]{8,64}$/;

export function correlationId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-correlation-id'];
  return typeof given === 'string' && CORRELATION.test(given) ? given : randomId();
}

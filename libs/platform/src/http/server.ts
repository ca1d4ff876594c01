/**
 * The HTTP server of a process: Nest on Fastify with bodies read strictly and bounded in size and time, one problem filter, the
 * console's files with their content policy. It must never wait for a slow sender, nor show a page where the API was asked.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import helmet from '@fastify/helmet';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readJsonBody } from '../json-body.js';
import { Problem, problemBody } from '../problem.js';
import { randomId } from '../random-ids.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { RequestTraces } from '../telemetry/request-traces.js';
import { BET_ROUTE, BetRoute } from './bet-route.js';
import { correlationId, type Gate } from './gate.js';
import { type OperatorCall, operatorCall } from './operator-calls.js';

export interface HttpOptions {
  readonly module: DynamicModule;
  readonly metrics: Metrics;
  /** What the requests come in by; it listens already. */
  readonly gate: Gate;
  /** False where one machine's loss can lose acknowledged bets: then every answer carries a header that says so. */
  readonly durable: boolean;
  /** Folder of the built console; undefined for processes that show none. */
  readonly consoleDir: string | undefined;
  /** Where sampled requests are traced. */
  readonly traces?: RequestTraces | undefined;
  /** Hears of every call at the operators' door once it is answered. */
  readonly onOperatorCall?: (call: OperatorCall, correlationId: string) => void;
}

export interface HttpServer {
  readonly app: NestFastifyApplication;
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

export const MAX_BODY_BYTES = 1_048_576;
const REFUSED_MS = 1_000;

export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { gate } = options;
  let handler: RequestListener = () => undefined;
  const adapter = new FastifyAdapter({
    serverFactory: (given: RequestListener) => {
      handler = given;
      return gate.server;
    },
    bodyLimit: MAX_BODY_BYTES,
    genReqId: correlationId,
    clientErrorHandler: refuseRaw,
    routerOptions: { maxParamLength: 200 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(options.module, adapter, {
    logger: false,
    bodyParser: false,
    abortOnError: false,
  });
  const turnAway = await dress(app, options);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  gate.open({ handler, turnAway });
  const close = async (): Promise<void> => {
    await gate.close();
    await app.close();
  };
  return { app, server: gate.server, port: gate.port, close };
}

/** Bodies, headers and figures of every request, on Fastify itself. */
async function dress(
  app: NestFastifyApplication,
  { module, metrics, durable, consoleDir, traces, onOperatorCall }: HttpOptions,
): Promise<(request: IncomingMessage) => Problem | undefined> {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, (body as Buffer).length === 0 ? undefined : readJsonBody(body as Buffer));
    } catch (fault) {
      done(fault as Error);
    }
  });
  await app.register(helmet, {
    global: false,
    contentSecurityPolicy: {
      useDefaults: true,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'", ...inlineScripts(consoleDir)],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", 'ws:', 'wss:'],
        // Plain http is how the demo is served; whoever ends TLS in front adds these there.
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false,
  });
  traces?.watch(fastify);
  // Both without promises: they run for every bet.
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-correlation-id', request.id);
    if (!durable) reply.header('mutuel-durability', 'single-node');
    if (request.url.startsWith('/v1/')) {
      reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
      done();
    } else Promise.resolve(reply.helmet()).then(() => done(), done);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.request(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    const call = operatorCall(request, reply);
    if (call) onOperatorCall?.(call, request.id);
    done();
  });
  const bets = module.providers?.includes(BetRoute) ? betRoute(app) : undefined;
  if (consoleDir !== undefined && existsSync(consoleDir))
    await app.register((await import('@fastify/static')).default, {
      root: consoleDir,
      wildcard: false,
      setHeaders: (reply, path) => {
        const hashed = path.includes('/assets/');
        reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  return (request) => bets?.turnAway(request);
}

/** The betting route passes none of Nest's pipeline. */
function betRoute(app: NestFastifyApplication): BetRoute {
  const bets = app.get(BetRoute);
  app
    .getHttpAdapter()
    .getInstance()
    .route({
      method: 'POST',
      url: BET_ROUTE,
      handler: (request, reply) => bets.place(request, reply),
      // Made before Nest sets its own: what cannot be read never reaches the handler.
      errorHandler: (fault, request, reply) => bets.fault(fault, request, reply),
    });
  return bets;
}

/** The receipt page is one file that also works from a disk: its script is allowed by its hash, and no other. */
function inlineScripts(consoleDir: string | undefined): string[] {
  const file = consoleDir === undefined ? undefined : join(consoleDir, 'receipt.html');
  if (file === undefined || !existsSync(file)) return [];
  const scripts = readFileSync(file, 'utf8').matchAll(/<script>([\s\S]*?)<\/script>/g);
  return [...scripts].map(([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
}

const PAGES = /^\/(?!v1(\/|$)|feed|health|metrics|assets\/)[\w/-]*$/;

/** Addresses of the console's own pages get its one page; the console reads the address. */
export function pageOf(consoleDir: string | undefined): (request: FastifyRequest, reply: FastifyReply) => boolean {
  const file = consoleDir === undefined ? undefined : join(consoleDir, 'index.html');
  return (request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const asked = request.method === 'GET' && PAGES.test(path) && (request.headers.accept ?? '').includes('text/html');
    if (!asked || file === undefined || !existsSync(file)) return false;
    void reply
      .status(200)
      .header('cache-control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(readFileSync(file));
    return true;
  };
}

/** What never became a request: too slow, or not HTTP at all. */
function refuseRaw(fault: NodeJS.ErrnoException, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const slow = fault.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const problem = slow
    ? new Problem('REQUEST_TIMEOUT', 'The request did not arrive within ten seconds.')
    : new Problem('MALFORMED', 'The bytes received are not an HTTP request.');
  const body = JSON.stringify(problemBody(problem, randomId()));
  const head = `HTTP/1.1 ${problem.status} ${slow ? 'Request Timeout' : 'Bad Request'}`;
  const length = Buffer.byteLength(body);
  // Who does not close would keep the socket for ever; a moment later the answer has been read.
  socket.setTimeout(REFUSED_MS, () => socket.destroy());
  socket.end(
    `${head}\r\ncontent-type: application/problem+json\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

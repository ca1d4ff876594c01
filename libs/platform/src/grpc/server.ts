/**
 * Betting over gRPC: unary calls and a stream over the same handlers as HTTP, with health and reflection. A unary call without a
 * deadline is refused: who waits for ever cannot know what became of his bet.
 */
import { fileURLToPath } from 'node:url';
import {
  type GrpcObject,
  loadPackageDefinition,
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  status as Status,
  type sendUnaryData,
  setLogVerbosity,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import { HealthImplementation } from 'grpc-health-check';
import type { Tokens } from '../auth.js';
import { CancelTicket, LookUpReference, LookUpTicket, PlaceTicket, QuoteTicket } from '../messages.js';
import { plainTicket } from '../plain-ticket.js';
import { Problem } from '../problem.js';
import type { Readiness } from '../readiness.js';
import { paths, quoteSchema, reasonSchema, ticketSchema } from '../schemas.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { RequestTraces } from '../telemetry/request-traces.js';
import { validate } from '../validate.js';
import { callMeter } from './call-meter.js';
import { cancelledMessage, lookedUpMessage, placedMessage, quotedMessage, ticketBody } from './messages.js';
import { asProblem, statusOf } from './problem-status.js';
import { type Handler, type Handlers, type StreamCall, TicketStreams } from './ticket-streams.js';

export interface GrpcOptions {
  readonly commands: CommandBus;
  readonly queries: QueryBus;
  readonly tokens: Tokens;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly traces: RequestTraces | undefined;
  /** False where one machine's loss can lose acknowledged bets: every answer's metadata then says so. */
  readonly durable: boolean;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly onFault: (fault: unknown, correlationId: string) => void;
}

export interface GrpcServer {
  readonly port: number;
  close(): Promise<void>;
}

export const PROTO_FILE = fileURLToPath(new URL('./mutuel.proto', import.meta.url));
const SERVICE = 'mutuel.v1.Betting';
const STREAM = 'Stream';
const MAX_MESSAGE_BYTES = 1_048_576;
const HEALTH_EVERY_MS = 500;
const DRAIN_MS = 3_000;

type Message = Record<string, unknown>;

export async function startGrpc(options: GrpcOptions): Promise<GrpcServer> {
  const handlers = handlersOf(options);
  const streams = new TicketStreams({ ...options, handlers });
  const definition = loadSync(PROTO_FILE, { longs: Number, defaults: false, arrays: true, oneofs: true });
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.keepalive_time_ms': 60_000,
  });
  server.addService(serviceOf(loadPackageDefinition(definition)), {
    ...unary(options, handlers),
    [STREAM]: (call: StreamCall) => {
      mark(call, options);
      streams.join(call);
    },
  });
  const health = new HealthImplementation({ '': 'NOT_SERVING', [SERVICE]: 'NOT_SERVING' });
  health.addToServer(server);
  new ReflectionService(definition).addToServer(server);
  const port = await bind(server, `${options.host}:${options.port}`);
  const tell = (): void => {
    const state = options.readiness.reasons().length === 0 ? 'SERVING' : 'NOT_SERVING';
    for (const name of ['', SERVICE]) health.setStatus(name, state);
  };
  tell();
  const timer = setInterval(tell, HEALTH_EVERY_MS);
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    const closed = close(server);
    // What was taken is answered before anything is cut off.
    await streams.close();
    await closed;
  };
  return { port, close: stop };
}

function serviceOf(loaded: GrpcObject): ServiceClientConstructor['service'] {
  const { v1 } = loaded['mutuel'] as GrpcObject;
  return ((v1 as GrpcObject)['Betting'] as ServiceClientConstructor).service;
}

function bind(server: Server, address: string): Promise<number> {
  // It would say on a line of its own, in a form of its own, what the fault says.
  setLogVerbosity(logVerbosity.NONE);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (fault, port) =>
      fault ? reject(fault) : resolve(port),
    );
  });
}

/** Lets calls end for a moment, then cuts them off. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), DRAIN_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

function handlersOf({ commands, queries }: GrpcOptions): Handlers {
  return {
    async Place(principal, request) {
      const given = ticketBody(request);
      const body = plainTicket(given) ?? validate(ticketSchema, given);
      return placedMessage(await commands.execute(new PlaceTicket(principal, body)));
    },
    async LookUp(principal, request) {
      const { ticketId = '', accountId, ticketRef } = request;
      if (ticketId !== '') {
        const path = validate(paths.ticket, { ticketId });
        return lookedUpMessage(await queries.execute(new LookUpTicket(principal, path.ticketId)));
      }
      const path = validate(paths.byRef, { accountId, ticketRef });
      const answer = await queries.execute(new LookUpReference(principal, path.accountId, path.ticketRef));
      return lookedUpMessage(answer.body);
    },
    async Cancel(principal, request) {
      const { ticketId } = validate(paths.ticket, { ticketId: request['ticketId'] });
      const { reason } = validate(reasonSchema, { reason: request['reason'] });
      return cancelledMessage((await commands.execute(new CancelTicket(principal, ticketId, reason))).body);
    },
    async Quote(_principal, request) {
      return quotedMessage(await queries.execute(new QuoteTicket(validate(quoteSchema, ticketBody(request)))));
    },
  };
}

/** What every call passes: deadline, token, and problems as statuses. */
function unary(options: GrpcOptions, handlers: Handlers) {
  const answer = async (handler: Handler, call: ServerUnaryCall<Message, Message>): Promise<Message> => {
    if (!Number.isFinite(Number(call.getDeadline()))) throw new Problem('MALFORMED', 'A call needs a deadline.');
    const [header] = call.metadata.get('authorization');
    const principal = options.tokens.bearer(header === undefined ? undefined : String(header));
    return handler(principal, call.request);
  };
  const entries = Object.entries(handlers).map(([name, handler]) => {
    const observe = callMeter(`${SERVICE}/${name}`, options.metrics);
    const method = (call: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>): void => {
      const began = performance.now();
      mark(call, options);
      const span = name === 'Place' ? options.traces?.call(name, parentOf(call), call.request['ticketRef']) : undefined;
      answer(handler, call).then(
        (message) => {
          observe(Status.OK, began);
          span?.end();
          done(null, message);
        },
        (fault: unknown) => {
          const refusal = asStatus(fault, options.onFault);
          observe(refusal.code ?? Status.UNKNOWN, began);
          span?.note({ 'rpc.response.status_code': refusal.code ?? Status.UNKNOWN });
          span?.end(refusal.code === Status.INTERNAL);
          done(refusal);
        },
      );
    };
    return [name, method] as const;
  });
  return Object.fromEntries(entries);
}

/** As the header of the same name over HTTP. */
function mark(call: { sendMetadata(metadata: Metadata): void }, { durable }: GrpcOptions): void {
  if (durable) return;
  const metadata = new Metadata();
  metadata.set('mutuel-durability', 'single-node');
  call.sendMetadata(metadata);
}

const parentOf = ({ metadata }: ServerUnaryCall<Message, Message>): unknown => metadata.get('traceparent')[0];

function asStatus(fault: unknown, onFault: GrpcOptions['onFault']) {
  const { problem, correlationId } = asProblem(fault, onFault);
  return statusOf(problem, correlationId);
}

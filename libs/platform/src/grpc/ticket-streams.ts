/**
 * The bidirectional stream of points of sale and hosts: many requests in flight on one stream, over the handlers of the unary calls,
 * each answered as soon as it is decided. It must never hold more than its bounds (a client that sends faster than bets are decided,
 * or reads slower than they are answered, is not read from meanwhile), and never end with a request taken and not answered, but for
 * the end of the client or of the process.
 */
import { type ServerDuplexStream, status as Status } from '@grpc/grpc-js';
import type { Principal, Tokens } from '../auth.js';
import { Problem } from '../problem.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { RequestTraces } from '../telemetry/request-traces.js';
import { callMeter } from './call-meter.js';
import { problemMessage } from './messages.js';
import { asProblem, statusCodeOf, statusOf } from './problem-status.js';

type Message = Record<string, unknown>;
export type Handler = (principal: Principal, request: Message) => Promise<Message>;
export type Handlers = Readonly<Record<'Place' | 'LookUp' | 'Cancel' | 'Quote', Handler>>;
export type StreamCall = ServerDuplexStream<Message, Message>;

export interface StreamsOptions {
  readonly handlers: Handlers;
  readonly tokens: Tokens;
  readonly metrics: Metrics;
  readonly traces: RequestTraces | undefined;
  readonly onFault: (fault: unknown, correlationId: string) => void;
}

/** Taken from one stream and not answered yet: enough for 15,000 a second at 60 ms each, and little memory. */
export const MAX_IN_FLIGHT = 1_000;
/** A host has a few streams and a terminal one; more are somebody's mistake. */
const MAX_STREAMS = 20_000;
/** What a stop waits for. */
const DRAIN_MS = 2_500;

const KINDS = [
  { field: 'place', handler: 'Place', answer: 'ticket' },
  { field: 'lookUp', handler: 'LookUp', answer: 'ticket' },
  { field: 'cancel', handler: 'Cancel', answer: 'cancelled' },
  { field: 'quote', handler: 'Quote', answer: 'quoted' },
] as const;

export class TicketStreams {
  readonly #o: StreamsOptions;
  readonly #streams = new Set<TicketStream>();
  readonly #meter: ReturnType<typeof callMeter>;
  #isClosing = false;

  constructor(options: StreamsOptions) {
    this.#o = options;
    this.#meter = callMeter('mutuel.v1.Betting/Stream', options.metrics);
    options.metrics.read('mutuel_grpc_streams', () => [[{}, this.#streams.size]]);
    const inFlight = (): number => [...this.#streams].reduce((sum, one) => sum + one.inFlight, 0);
    options.metrics.read('mutuel_grpc_stream_requests_in_flight', () => [[{}, inFlight()]]);
  }

  join(call: StreamCall): void {
    const stream = new TicketStream(call, this.#o, this.#meter, () => this.#streams.delete(stream));
    if (this.#isClosing || this.#streams.size >= MAX_STREAMS) {
      stream.end(new Problem('SERVICE_UNAVAILABLE', 'This node takes no further stream.', { retryAfterSeconds: 1 }));
      return;
    }
    this.#streams.add(stream);
    stream.open();
  }

  /** Reads no more, answers what was taken, and sends the clients elsewhere. */
  async close(): Promise<void> {
    this.#isClosing = true;
    let impatience: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      impatience = setTimeout(resolve, DRAIN_MS);
    });
    await Promise.race([Promise.all([...this.#streams].map((stream) => stream.drain())), late]);
    clearTimeout(impatience);
    const goodbye = new Problem('SERVICE_UNAVAILABLE', 'This node is stopping: go on at another one.', {
      retryAfterSeconds: 1,
    });
    for (const stream of this.#streams) stream.end(goodbye);
  }
}

class TicketStream {
  inFlight = 0;
  readonly #call: StreamCall;
  readonly #o: StreamsOptions;
  readonly #meter: ReturnType<typeof callMeter>;
  readonly #onGone: () => void;
  readonly #authorization: string | undefined;
  /** The client has nothing more to say. */
  #isHalfClosed = false;
  #isOver = false;
  #isClogged = false;
  #isDraining = false;
  #drained: () => void = () => undefined;

  constructor(call: StreamCall, options: StreamsOptions, meter: ReturnType<typeof callMeter>, onGone: () => void) {
    this.#call = call;
    this.#o = options;
    this.#meter = meter;
    this.#onGone = onGone;
    const [header] = call.metadata.get('authorization');
    this.#authorization = header === undefined ? undefined : String(header);
  }

  /** Nobody is listened to whose token does not hold. */
  open(): void {
    const call = this.#call;
    call.on('cancelled', () => this.#gone());
    // Said by the transport as well: there is nobody left to answer.
    call.on('error', () => this.#gone());
    try {
      this.#o.tokens.bearer(this.#authorization);
    } catch (fault) {
      this.end(asProblem(fault, this.#o.onFault).problem);
      return;
    }
    this.#listen();
  }

  /** Resolves when nothing is in flight any more; nothing is read from now on. */
  drain(): Promise<void> {
    this.#isDraining = true;
    this.#call.pause();
    if (this.inFlight === 0 || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  end(problem: Problem): void {
    if (this.#isOver) return;
    this.#gone();
    const { code, details, metadata } = statusOf(problem, asProblem(problem, this.#o.onFault).correlationId);
    this.#call.emit('error', Object.assign(new Error(details), { code, details, metadata }));
  }

  #listen(): void {
    const call = this.#call;
    if (this.#isOver) return;
    call.on('data', (request: Message) => this.#take(request));
    call.on('drain', () => {
      this.#isClogged = false;
      this.#flow();
    });
    call.on('end', () => {
      this.#isHalfClosed = true;
      this.#settle();
    });
  }

  #take(request: Message): void {
    this.inFlight++;
    if (this.inFlight >= MAX_IN_FLIGHT) this.#call.pause();
    const began = performance.now();
    this.#answer(request)
      .then((answer) => {
        this.#meter(Status.OK, began);
        return answer;
      })
      .catch((fault: unknown) => {
        const { problem, correlationId } = asProblem(fault, this.#o.onFault);
        this.#meter(statusCodeOf(problem), began);
        return { problem: problemMessage(problem, correlationId) };
      })
      .then((answer) => this.#send({ id: request['id'], ...refOf(request), ...answer }))
      .finally(() => {
        this.inFlight--;
        this.#settle();
      });
  }

  async #answer(request: Message): Promise<Message> {
    const kind = KINDS.find(({ field }) => request[field] !== undefined && request[field] !== null);
    if (kind === undefined) throw new Problem('MALFORMED', 'A request is one of place, look_up, cancel and quote.');
    // Looked at again each time, from memory: a token may expire while the stream lives.
    const principal = this.#o.tokens.bearer(this.#authorization);
    const body = request[kind.field] as Message;
    const span = kind.field === 'place' ? this.#o.traces?.call('Stream', undefined, body['ticketRef']) : undefined;
    try {
      return { [kind.answer]: await this.#o.handlers[kind.handler](principal, body) };
    } finally {
      span?.end();
    }
  }

  #send(answer: Message): void {
    if (this.#isOver) return;
    if (!this.#call.write(answer)) {
      this.#isClogged = true;
      this.#call.pause();
    }
  }

  #settle(): void {
    if (this.#isOver) return;
    if (this.inFlight === 0) this.#drained();
    if (this.inFlight > 0 || !this.#isHalfClosed) {
      this.#flow();
      return;
    }
    this.#gone();
    this.#call.end();
  }

  #flow(): void {
    if (!this.#isClogged && !this.#isDraining && !this.#isOver && this.inFlight < MAX_IN_FLIGHT) this.#call.resume();
  }

  #gone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#drained();
    this.#onGone();
  }
}

/** The reference of a ticket that is placed or looked up. */
function refOf({ place, lookUp }: Message): Message {
  const { ticketRef } = ((place ?? lookUp) as { ticketRef?: string } | undefined) ?? {};
  return ticketRef === undefined ? {} : { ticketRef };
}

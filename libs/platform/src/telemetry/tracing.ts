/**
 * Spans by hand, and only of sampled work: what is not sampled costs a comparison. Off without an OTLP end point. A client's
 * `traceparent` decides for its own request, up to a bound a second, since whoever can ask for traces could otherwise ask for load.
 * A span must never hold a person, an account or a reference.
 */
import { type Span as OtelSpan, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

export type SpanFacts = Readonly<Record<string, string | number>>;

export interface Span {
  /** The W3C `traceparent` that makes others its children. */
  readonly context: string;
  note(facts: SpanFacts): void;
  end(failed?: boolean): void;
}

export interface TracingOptions {
  /** `http://host:4318`; spans go to `/v1/traces` there. */
  readonly endpoint: string;
  /** The share of requests that are traced without being asked to. */
  readonly ratio: number;
  readonly service: string;
}

const KINDS = { server: SpanKind.SERVER, produce: SpanKind.PRODUCER, consume: SpanKind.CONSUMER } as const;
export type Kind = keyof typeof KINDS;

/** Traces a second that clients may ask for in one process. */
const MAX_ASKED = 100;
/** Spans that wait for the collector; beyond it they are dropped, never what they tell of. */
const QUEUE = { maxQueueSize: 8_192, maxExportBatchSize: 512, scheduledDelayMillis: 1_000, exportTimeoutMillis: 5_000 };
/** A stop has ten seconds for everything. */
const STOP_MS = 1_000;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

export class Tracing {
  readonly #provider: BasicTracerProvider;
  readonly #ratio: number;
  #asked = 0;
  #second = 0;

  constructor({ endpoint, ratio, service }: TracingOptions) {
    this.#ratio = ratio;
    const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
    this.#provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': service }),
      spanProcessors: [new BatchSpanProcessor(exporter, QUEUE)],
    });
  }

  /** The first span of a request, or the next one of its client's trace; undefined for what is not sampled. */
  request(name: string, traceparent: unknown, facts: SpanFacts): Span | undefined {
    if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent))
      return Math.random() < this.#ratio ? this.#start(name, 'server', facts) : undefined;
    const flags = Number.parseInt(traceparent.slice(-2), 16);
    if ((flags & TraceFlags.SAMPLED) === 0 || !this.#mayAsk()) return undefined;
    return this.#start(name, 'server', facts, traceparent);
  }

  /** A span under a context that came with a record; `since` is milliseconds UTC, now by default. */
  under(context: string, name: string, kind: Kind, facts: SpanFacts = {}, since?: number): Span {
    return this.#start(name, kind, facts, context, since);
  }

  /** Sends what is left, to a collector that answers: one that is away is not waited for. */
  async stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_MS);
    });
    await Promise.race([this.#provider.shutdown().catch(() => undefined), patience]);
    clearTimeout(timer);
  }

  #mayAsk(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#asked = 0;
    }
    return ++this.#asked <= MAX_ASKED;
  }

  #start(name: string, kind: Kind, attributes: SpanFacts, parent?: string, since?: number): Span {
    const options = { kind: KINDS[kind], attributes, ...(since === undefined ? {} : { startTime: since }) };
    const span = this.#provider.getTracer('mutuel').startSpan(name, options, contextUnder(parent));
    return new Started(span);
  }
}

class Started implements Span {
  readonly context: string;

  constructor(private readonly span: OtelSpan) {
    const { traceId, spanId } = span.spanContext();
    this.context = `00-${traceId}-${spanId}-01`;
  }

  note(facts: SpanFacts): void {
    this.span.setAttributes(facts);
  }

  end(failed = false): void {
    if (failed) this.span.setStatus({ code: SpanStatusCode.ERROR });
    this.span.end();
  }
}

/** A header that is none begins a trace of its own. */
function contextUnder(parent: string | undefined) {
  const [, traceId, spanId] = TRACEPARENT.exec(parent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

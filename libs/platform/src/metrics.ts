/**
 * The figures of a process in the Prometheus text format. Counting on the path of a bet is an addition; everything else is collected
 * only when somebody asks.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export class Metrics {
  readonly registry = new Registry();
  readonly requests = new Counter({
    name: 'mutuel_http_requests_total',
    help: 'Requests answered, by route and status.',
    labelNames: ['route', 'status'] as const,
    registers: [this.registry],
  });
  readonly tickets = new Histogram({
    name: 'mutuel_ticket_seconds',
    help: 'Time from a ticket request to its answer.',
    buckets: LATENCY_BUCKETS,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Figures read when asked for: name → value. */
  collect(prefix: string, help: string, read: () => Readonly<Record<string, number>>): void {
    new Gauge({
      name: `mutuel_${prefix}`,
      help,
      labelNames: ['figure'] as const,
      registers: [this.registry],
      collect() {
        for (const [figure, value] of Object.entries(read())) this.set({ figure }, value);
      },
    });
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}

/**
 * The figures of a process in the Prometheus text format, under the names of the catalogue and no others. Counting on the path of a
 * bet is an addition; everything else is collected only when somebody asks. A figure that cannot be had must never cost the others.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { CATALOGUE, type MetricFacts, type MetricKind, type MetricName } from './catalogue.js';

export type Labels = Readonly<Record<string, string | number>>;
export type Observe = (value: number) => void;
export type Figures = Iterable<readonly [labels: Labels, value: number]>;

export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new Map<string, Observe>();
  readonly #readers = new Map<MetricName, (() => Figures | Promise<Figures>)[]>();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** One request answered. */
  request(method: string, route: string, status: number, seconds: number): void {
    const key = `${method} ${route} ${status}`;
    let observe = this.#requests.get(key);
    if (!observe) {
      observe = this.histogram('http_server_request_duration_seconds', {
        http_request_method: method,
        http_route: route,
        http_response_status_code: status,
      });
      this.#requests.set(key, observe);
    }
    observe(seconds);
  }

  /** Takes values of one set of labels; to be kept by who observes often. */
  histogram(name: MetricName, labels: Labels = {}): Observe {
    const known = this.registry.getSingleMetric(name) as Histogram | undefined;
    const { buckets = [] } = CATALOGUE[name] as MetricFacts;
    const child = (known ?? new Histogram({ ...this.#describe(name, 'histogram'), buckets: [...buckets] })).labels(
      labels,
    );
    return (value) => child.observe(value);
  }

  counter(name: MetricName, labels: Labels = {}): Observe {
    const known = this.registry.getSingleMetric(name) as Counter | undefined;
    const child = (known ?? new Counter(this.#describe(name, 'counter'))).labels(labels);
    return (by) => child.inc(by);
  }

  /** Figures read when asked for, from as many parts as give them; a counter's are totals since the start. */
  read(name: MetricName, figures: () => Figures | Promise<Figures>): void {
    const readers = this.#readers.get(name) ?? [];
    readers.push(figures);
    if (readers.length > 1) return;
    this.#readers.set(name, readers);
    const { kind } = CATALOGUE[name];
    const description = this.#describe(name, kind);
    const options = {
      ...description,
      async collect(this: Counter | Gauge) {
        const values = await collected(readers);
        this.reset();
        for (const [labels, value] of values) this.inc(labels, value);
      },
    };
    if (kind === 'counter') new Counter(options);
    else new Gauge(options);
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  #describe(name: MetricName, wanted: MetricKind) {
    const { kind, help, labels } = CATALOGUE[name] as MetricFacts;
    if (kind !== wanted) throw new TypeError(`${name} is a ${kind}, no ${wanted}`);
    return { name, help, labelNames: [...labels], registers: [this.registry] };
  }
}

/** What cannot be had now is left out. */
async function collected(readers: readonly (() => Figures | Promise<Figures>)[]): Promise<[Labels, number][]> {
  const answers = await Promise.all(
    readers.map((figures) =>
      Promise.resolve()
        .then(figures)
        .catch(() => []),
    ),
  );
  return answers.flatMap((figures) => [...figures].map(([labels, value]): [Labels, number] => [{ ...labels }, value]));
}

/**
 * Figures of the log, as decorators over its ports: what appends carry and take, and how far each reader is behind. They must change
 * nothing of what passes through them.
 */
import {
  AppendFault,
  type AppendGroup,
  type EventLog,
  type LogAppender,
  type LogRecord,
  type TailSource,
  type TopicPartition,
} from '#mutuel/runtime';
import type { Figures, Labels, Metrics, Observe } from './metrics.js';
import { withAppenders } from './with-appenders.js';

/** A scrape does not wait longer for a log that is away. */
const ASK_MS = 1_000;

export function meteredLog(log: EventLog, metrics: Metrics): EventLog {
  const topics = new TopicMeters(metrics);
  return withAppenders(log, async () => meteredAppender(await log.appender(), topics));
}

interface TopicMeter {
  readonly records: Observe;
  readonly seconds: Observe;
  readonly bytes: Observe;
}

class TopicMeters {
  readonly #known = new Map<string, TopicMeter>();
  constructor(private readonly metrics: Metrics) {}

  /** Runs the append and takes note of it, once for each topic. */
  async during<T>(groups: readonly AppendGroup[], append: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      const done = await append();
      const seconds = (performance.now() - began) / 1_000;
      for (const [topic, { records, bytes }] of sizes(groups)) {
        const meter = this.#of(topic);
        meter.records(records);
        meter.bytes(bytes);
        meter.seconds(seconds);
      }
      return done;
    } catch (fault) {
      const outcome = fault instanceof AppendFault ? fault.outcome : 'UNKNOWN';
      for (const topic of sizes(groups).keys())
        this.metrics.counter('mutuel_log_append_failures_total', { topic, outcome })(1);
      throw fault;
    }
  }

  #of(topic: string): TopicMeter {
    let meter = this.#known.get(topic);
    if (!meter) {
      const labels = { topic };
      meter = {
        records: this.metrics.histogram('mutuel_log_append_records', labels),
        seconds: this.metrics.histogram('mutuel_log_append_duration_seconds', labels),
        bytes: this.metrics.counter('mutuel_log_append_bytes_total', labels),
      };
      this.#known.set(topic, meter);
    }
    return meter;
  }
}

function sizes(groups: readonly AppendGroup[]): Map<string, { records: number; bytes: number }> {
  const byTopic = new Map<string, { records: number; bytes: number }>();
  for (const { at, values } of groups) {
    const size = byTopic.get(at.topic) ?? { records: 0, bytes: 0 };
    size.records += values.length;
    for (const value of values) size.bytes += value.byteLength;
    byTopic.set(at.topic, size);
  }
  return byTopic;
}

function meteredAppender(inner: LogAppender, topics: TopicMeters): LogAppender {
  const metered: LogAppender = {
    append: (at, values) => topics.during([{ at, values }], () => inner.append(at, values)),
    close: () => inner.close(),
  };
  const { appendAll } = inner;
  if (!appendAll) return metered;
  return { ...metered, appendAll: (groups) => topics.during(groups, () => appendAll.call(inner, groups)) };
}

interface Place {
  readonly at: TopicPartition;
  readonly labels: Labels;
  next: number;
  records: number;
  delayMs: number;
}

/** Where every reader of this process stands. */
export class ReaderMeters {
  readonly #places = new Set<Place>();
  /** Records taken by subscriptions that are over, by labels: a counter never goes back. */
  readonly #before = new Map<string, { readonly labels: Labels; records: number }>();

  constructor(
    private readonly log: Pick<EventLog, 'bounds'>,
    private readonly now: () => number,
    metrics: Metrics,
  ) {
    metrics.read('mutuel_reader_lag_records', () => this.#lags());
    metrics.read('mutuel_reader_delay_seconds', () =>
      worst([...this.#places].map(({ labels, delayMs }) => [labels, delayMs / 1_000])),
    );
    metrics.read('mutuel_reader_records_total', () => this.#totals());
  }

  /** The same tails under a reader's name. */
  named(reader: string, tails: TailSource): TailSource {
    return {
      subscribe: async (start, onRecords, onFault) => {
        const { topic, partition, from } = start;
        const labels = { reader, topic, partition };
        const place: Place = { at: { topic, partition }, labels, next: from, records: 0, delayMs: 0 };
        const take = async (records: readonly LogRecord[]): Promise<void> => {
          await onRecords(records);
          this.#taken(place, records);
        };
        const subscription = await tails.subscribe(start, take, (fault) => {
          this.#gone(place);
          onFault(fault);
        });
        this.#places.add(place);
        return {
          close: () => {
            this.#gone(place);
            return subscription.close();
          },
        };
      },
    };
  }

  #taken(place: Place, records: readonly LogRecord[]): void {
    const last = records.at(-1);
    if (!last) return;
    place.next = last.offset + 1;
    place.records += records.length;
    place.delayMs = Math.max(0, this.now() - last.time);
  }

  #gone(place: Place): void {
    if (!this.#places.delete(place)) return;
    const key = keyOf(place.labels);
    const before = this.#before.get(key) ?? { labels: place.labels, records: 0 };
    before.records += place.records;
    this.#before.set(key, before);
  }

  async #lags(): Promise<Figures> {
    const ends = new Map<string, number | undefined>();
    const wanted = new Map([...this.#places].map(({ at }) => [`${at.topic}/${at.partition}`, at]));
    await Promise.all([...wanted].map(async ([name, at]) => ends.set(name, await this.#end(at))));
    return worst(
      [...this.#places].flatMap(({ at, labels, next }): [Labels, number][] => {
        const end = ends.get(`${at.topic}/${at.partition}`);
        return end === undefined ? [] : [[labels, Math.max(0, end - next)]];
      }),
    );
  }

  async #end(at: TopicPartition): Promise<number | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ASK_MS);
    });
    const asked = this.log.bounds(at).then(
      ({ end }) => end,
      () => undefined,
    );
    const end = await Promise.race([asked, tooLong]);
    clearTimeout(timer);
    return end;
  }

  #totals(): Figures {
    const totals = new Map([...this.#before].map(([key, { labels, records }]) => [key, { labels, records }]));
    for (const { labels, records } of this.#places) {
      const total = totals.get(keyOf(labels));
      if (total) total.records += records;
      else totals.set(keyOf(labels), { labels, records });
    }
    return [...totals.values()].map(({ labels, records }) => [labels, records]);
  }
}

/** Of several subscriptions of one reader to one partition, the one furthest behind. */
function worst(figures: readonly (readonly [Labels, number])[]): Figures {
  const most = new Map<string, readonly [Labels, number]>();
  for (const figure of figures) {
    const key = keyOf(figure[0]);
    const known = most.get(key);
    if (!known || known[1] < figure[1]) most.set(key, figure);
  }
  return most.values();
}

const keyOf = (labels: Labels): string => Object.values(labels).join(' ');

/**
 * A sampled bet as one trace through every role: request → command → append → decide → append → project → odds tick → feed. All of it
 * is told at the seams (doors, tails, appenders), by the context that records carry beside their bytes; handlers, deciders and
 * projections know nothing of it. It must never hold anything up, fail anything, or grow without bound.
 */
import { type DecisionRecord, decodeRecord, parseJson, TOPICS } from '#mutuel/contracts';
import {
  type AppendGroup,
  carryContext,
  contextOf,
  type EventLog,
  type LogAppender,
  type LogRecord,
  type OnRecords,
  type Projection,
  type TailSource,
  type TopicPartition,
} from '#mutuel/runtime';
import { CYCLE_MS, type Tick } from '#mutuel/views';
import type { ShardDoor, Submitted } from '../doors.js';
import type { Span, SpanFacts, Tracing } from './tracing.js';
import { withAppenders } from './with-appenders.js';

/** Sampled bets on their way through one role; more are not followed further. */
const MAX_OPEN = 1_000;
/** What has not ended by then never will. */
const FORGET_MS = 30_000;
/** Contexts that one tick carries on to the feed. */
const MAX_TOGETHER = 32;
const COMMANDS: readonly string[] = [TOPICS.shardCommands];
const DECISIONS: readonly string[] = [TOPICS.shardDecisions];

/** What is open by a key, bounded in number and time. */
class Open<T> {
  readonly #held = new Map<string, { readonly value: T; readonly since: number }>();

  get size(): number {
    return this.#held.size;
  }

  add(key: string, value: T): void {
    const now = performance.now();
    for (const [old, { since }] of this.#held) {
      if (this.#held.size < MAX_OPEN && now - since < FORGET_MS) break;
      this.#held.delete(old);
    }
    this.#held.set(key, { value, since: now });
  }

  take(key: string): T | undefined {
    const found = this.#held.get(key);
    this.#held.delete(key);
    return found?.value;
  }

  *entries(): Iterable<readonly [string, T]> {
    for (const [key, { value }] of this.#held) yield [key, value];
  }
}

export class BetTraces {
  readonly #tracing: Tracing;
  /** Requests by the reference that their command will name. */
  readonly #requests = new Open<Span>();
  /** Commands being decided, by their id. */
  readonly #commands = new Open<Span>();
  /** Decisions being projected, by source and sequence number. */
  readonly #projecting = new Open<Span>();
  /** Decisions that wait for the tick they will be in, by source and sequence number, with their append time. */
  readonly #waiting = new Open<{ readonly span: Span; readonly time: number }>();
  #toCarry: string[] = [];

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  /** Names the request of a ticket, so that its command is found at the door. */
  request(ref: unknown, span: Span): void {
    if (typeof ref === 'string' && ref.length > 8) this.#requests.add(ref, span);
  }

  door(inner: ShardDoor): ShardDoor {
    return {
      ...inner,
      submit: async (account, cid, bytes, channel) => {
        const request = this.#requests.size === 0 ? undefined : this.#requestIn(bytes);
        if (!request) return inner.submit(account, cid, bytes, channel);
        const span = this.#tracing.under(request.context, 'command', 'produce', { 'mutuel.channel': channel ?? '' });
        carryContext(bytes, span.context);
        const submitted = await inner.submit(account, cid, bytes, channel);
        span.note({ 'mutuel.outcome': submitted.kind, ...decidedFacts(submitted) });
        span.end(submitted.kind !== 'DECIDED');
        return submitted;
      },
    };
  }

  /** Spans of a role's reading, by the role's name. */
  tails(reader: string, inner: TailSource): TailSource {
    const hear = this.#hearers[reader];
    if (!hear) return inner;
    return {
      subscribe: (start, onRecords, onFault) => inner.subscribe(start, hear.call(this, start, onRecords), onFault),
    };
  }

  log(inner: EventLog): EventLog {
    return withAppenders(inner, async () => this.#appender(await inner.appender()));
  }

  projection<E>(inner: Projection<E>): Projection<E> {
    return {
      load: () => inner.load(),
      apply: async (batch) => {
        await inner.apply(batch);
        if (this.#projecting.size === 0) return;
        for (const { src, valid } of batch.decisions) this.#projecting.take(`${src}/${valid.decision.seq}`)?.end();
      },
    };
  }

  /** A tick was computed: the decisions in its cut are in it. */
  tick({ cycle }: Tick): void {
    if (this.#waiting.size === 0) return;
    const inside = [...this.#waiting.entries()].filter(([, { time }]) => time <= cycle * CYCLE_MS);
    for (const [key, { span }] of inside) {
      this.#waiting.take(key);
      span.note({ 'mutuel.cycle': cycle });
      span.end();
      if (this.#toCarry.length < MAX_TOGETHER) this.#toCarry.push(span.context);
    }
  }

  // ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  readonly #hearers: Readonly<Record<string, ((at: TopicPartition, onRecords: OnRecords) => OnRecords) | undefined>> = {
    engine: (at, onRecords) =>
      COMMANDS.includes(at.topic)
        ? heard(onRecords, (record, context) => this.#deciding(at, record, context))
        : onRecords,
    projector: (at, onRecords) =>
      DECISIONS.includes(at.topic) ? heard(onRecords, (record, context) => this.#project(record, context)) : onRecords,
    odds: (at, onRecords) =>
      DECISIONS.includes(at.topic) ? heard(onRecords, (record, context) => this.#await(record, context)) : onRecords,
    api: (at, onRecords) => (at.topic === TOPICS.odds ? this.#feeding(onRecords) : onRecords),
  };

  #deciding({ partition }: TopicPartition, { value }: LogRecord, context: string): void {
    const cid = cidIn(value);
    if (cid !== undefined)
      this.#commands.add(cid, this.#tracing.under(context, 'decide', 'consume', { 'mutuel.shard': partition }));
  }

  #project({ value }: LogRecord, context: string): void {
    const key = keyIn(value);
    if (key !== undefined) this.#projecting.add(key, this.#tracing.under(context, 'project', 'consume'));
  }

  #await({ value, time }: LogRecord, context: string): void {
    const key = keyIn(value);
    if (key === undefined) return;
    this.#waiting.add(key, { span: this.#tracing.under(context, 'odds tick', 'consume'), time });
  }

  /** Frames are sent while the records are handed over. */
  #feeding(onRecords: OnRecords): OnRecords {
    return async (records) => {
      const spans = records.flatMap(({ value }) => {
        const contexts = contextOf(value)?.split(',') ?? [];
        return contexts.map((context) => this.#tracing.under(context, 'feed', 'consume'));
      });
      await onRecords(records);
      for (const span of spans) span.end();
    };
  }

  // ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────────

  #appender(inner: LogAppender): LogAppender {
    const { appendAll } = inner;
    const traced: LogAppender = {
      append: (at, values) => this.#appending([{ at, values }], () => inner.append(at, values)),
      close: () => inner.close(),
    };
    if (!appendAll) return traced;
    return { ...traced, appendAll: (groups) => this.#appending(groups, () => appendAll.call(inner, groups)) };
  }

  async #appending<T>(groups: readonly AppendGroup[], append: () => Promise<T>): Promise<T> {
    for (const { at, values } of groups) this.#mark(at, values);
    const spans = groups.flatMap(({ at, values }) =>
      values.flatMap((value) => {
        const contexts = contextOf(value)?.split(',') ?? [];
        return contexts.map((context) => this.#tracing.under(context, `append ${at.topic}`, 'produce'));
      }),
    );
    if (spans.length === 0) return append();
    let failed = true;
    try {
      const done = await append();
      failed = false;
      return done;
    } finally {
      for (const span of spans) span.end(failed);
    }
  }

  /** Gives what was decided or ticked the context of what it came from. */
  #mark({ topic }: TopicPartition, values: readonly Uint8Array[]): void {
    const last = values.at(-1);
    if (topic === TOPICS.odds && last && this.#toCarry.length > 0) carryContext(last, this.#toCarry.splice(0).join());
    if (!DECISIONS.includes(topic) || this.#commands.size === 0) return;
    for (const value of values) {
      const decision = decisionIn(value);
      const span = decision && this.#commands.take(decision.cid);
      if (!span) continue;
      span.note({ 'mutuel.seq': decision.seq, 'mutuel.code': decision.code ?? 'OK' });
      span.end();
      carryContext(value, span.context);
    }
  }

  #requestIn(bytes: Uint8Array): Span | undefined {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const [ref] of this.#requests.entries()) if (text.includes(ref)) return this.#requests.take(ref);
    return undefined;
  }
}

function heard(onRecords: OnRecords, hear: (record: LogRecord, context: string) => void): OnRecords {
  return (records) => {
    for (const record of records) {
      const context = contextOf(record.value);
      if (context !== undefined) hear(record, context);
    }
    return onRecords(records);
  };
}

function cidIn(command: Uint8Array): string | undefined {
  try {
    const { cid } = parseJson(command) as { cid?: unknown };
    return typeof cid === 'string' ? cid : undefined;
  } catch {
    return undefined;
  }
}

function decisionIn(bytes: Uint8Array): DecisionRecord | undefined {
  try {
    const { record } = decodeRecord(bytes);
    return record.kind === 'decision' ? record : undefined;
  } catch {
    return undefined;
  }
}

function keyIn(bytes: Uint8Array): string | undefined {
  const decision = decisionIn(bytes);
  return decision && `${decision.src}/${decision.seq}`;
}

const decidedFacts = (submitted: Submitted<unknown>): SpanFacts =>
  submitted.kind === 'DECIDED' ? { 'mutuel.source': submitted.decision.src, 'mutuel.seq': submitted.decision.seq } : {};

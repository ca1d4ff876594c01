/** Traces travel beside the log's bytes and never in them; what goes wrong with them goes wrong alone. */
import { describe, expect, test } from 'vitest';
import { openMemoryLog } from '#mutuel/adapters';
import { TOPICS } from '#mutuel/contracts';
import { carryContext, contextOf } from '#mutuel/runtime';
import { systemClock } from '../src/seams.js';
import { BetTraces } from '../src/telemetry/bet-traces.js';
import { meteredLog } from '../src/telemetry/metered-seams.js';
import { Metrics } from '../src/telemetry/metrics.js';
import { Tracing } from '../src/telemetry/tracing.js';

const CONTEXT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const AT = { topic: TOPICS.shardCommands, partition: 0 };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a trace context', () => {
  test('hangs on the bytes it was given to, and on no copy of them', () => {
    const bytes = bytesOf('{"v":1}');
    carryContext(bytes, CONTEXT);
    expect(contextOf(bytes)).toBe(CONTEXT);
    expect(contextOf(bytesOf('{"v":1}'))).toBeUndefined();
  });

  test('changes no byte of what is appended, and comes out with the record', async () => {
    const tracing = new Tracing({ endpoint: 'http://127.0.0.1:9', ratio: 0, service: 'test' });
    const inner = await openMemoryLog({ topics: { [AT.topic]: 1 }, clock: systemClock });
    const log = new BetTraces(tracing).log(inner);
    const value = bytesOf('{"v":1,"cid":"x","cmd":{}}');
    carryContext(value, CONTEXT);
    const appender = await log.appender();
    await appender.append(AT, [value, bytesOf('plain')]);
    const [traced, plain] = await log.read({ ...AT, from: 0 }, 2);
    expect(Buffer.from(traced?.value ?? []).toString()).toBe('{"v":1,"cid":"x","cmd":{}}');
    expect(contextOf(traced?.value ?? bytesOf(''))).toBe(CONTEXT);
    expect(contextOf(plain?.value ?? bytesOf(''))).toBeUndefined();
    await log.close();
  });
});

describe('a log with measures and traces around it', () => {
  test('is the log it was for everything else, also where the port leaves something out', async () => {
    const inner = await openMemoryLog({ topics: { [AT.topic]: 2 }, clock: systemClock });
    const tracing = new Tracing({ endpoint: 'http://127.0.0.1:9', ratio: 0, service: 'test' });
    const log = new BetTraces(tracing).log(meteredLog(inner, new Metrics()));
    expect(await log.partitions(AT.topic)).toBe(2);
    expect(await log.bounds(AT)).toEqual({ start: 0, end: 0 });
    expect(typeof log.trouble).toBe(typeof inner.trouble);
    expect(log.trouble?.()).toBe(inner.trouble?.());
    await log.close();
    await expect(inner.appender()).rejects.toThrow('closed');
  });
});

describe('a collector that is away', () => {
  test('costs the append nothing but the spans', async () => {
    const tracing = new Tracing({ endpoint: 'http://127.0.0.1:9', ratio: 1, service: 'test' });
    const span = tracing.request('POST /v1/tickets', undefined, {});
    expect(span?.context).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    span?.end();
    await expect(tracing.stop()).resolves.toBeUndefined();
  });

  test('and what is not sampled has no span at all', () => {
    const tracing = new Tracing({ endpoint: 'http://127.0.0.1:9', ratio: 0, service: 'test' });
    expect(tracing.request('POST /v1/tickets', undefined, {})).toBeUndefined();
    expect(tracing.request('POST /v1/tickets', CONTEXT.replace(/01$/, '00'), {})).toBeUndefined();
    expect(tracing.request('POST /v1/tickets', CONTEXT, {})?.context.slice(3, 35)).toBe('a'.repeat(32));
  });
});

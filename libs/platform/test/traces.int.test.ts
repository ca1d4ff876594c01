/** A sampled bet is one trace through every role, received by a collector; an unsampled one leaves nothing, nor does a person. */

import { credentials, loadPackageDefinition, Metadata, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../../../test/infra/otlp-receiver.js';
import { PROTO_FILE } from '../src/grpc/server.js';
import { startTestSystem, type TestSystem, until } from './support/system.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

let collector: OtlpReceiver;
let t: TestSystem;
beforeAll(async () => {
  collector = await startOtlpReceiver();
  t = await startTestSystem({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_TRACES_SAMPLER_ARG: '0' });
});
afterAll(async () => {
  await t.stop();
  await collector.close();
});

async function bet(raceId: string, traceparent?: string): Promise<{ status: number; ref: string }> {
  const [account] = t.accounts;
  const ref = v7();
  const ticket = {
    ...{ ticketRef: ref, accountId: account?.accountId, currency: 'EUR' },
    bets: [{ betRef: 'a', poolId: `${raceId}-WIN`, form: 'STRAIGHT', columns: [['3']], unitStake: 100, stake: 100 }],
  };
  const { status } = await t.send('/v1/tickets', {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', authorization: `Bearer ${account?.token}` },
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    body: JSON.stringify(ticket),
  });
  return { status, ref };
}

function place(request: object, metadata: Metadata): Promise<unknown> {
  const { Betting } = (
    loadPackageDefinition(loadSync(PROTO_FILE, { longs: Number }))['mutuel'] as unknown as {
      v1: { Betting: ServiceClientConstructor };
    }
  ).v1;
  const client = new Betting(`127.0.0.1:${t.system.grpcPort}`, credentials.createInsecure());
  const call = client['Place'] as (...args: unknown[]) => void;
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    call.call(client, request, metadata, { deadline }, (fault: Error | null, answer: unknown) =>
      fault ? reject(fault) : resolve(answer),
    );
  }).finally(() => client.close());
}

/** The names from a span up to the root, as far as they were received. */
function pathTo(span: ReceivedSpan | undefined): string[] {
  if (!span) return [];
  return [...pathTo(collector.spans.find(({ spanId }) => spanId === span.parentSpanId)), span.name];
}

describe('traces', () => {
  test('a bet whose client asks for it is one trace: request, command, decision, projection, odds, feed', async () => {
    const raceId = await t.openRace();
    const { status, ref } = await bet(raceId, `00-${TRACE}-${PARENT}-01`);
    expect(status).toBe(201);
    await until(async () => collector.spans.some(({ name }) => name === 'feed'));
    const trace = collector.spans.filter(({ traceId }) => traceId === TRACE);
    expect(pathTo(trace.find(({ name }) => name === 'feed'))).toEqual([
      ...['POST /v1/tickets', 'command', 'decide', 'odds tick', 'feed'],
    ]);
    expect(pathTo(trace.find(({ name }) => name === 'project'))).toEqual([
      ...['POST /v1/tickets', 'command', 'decide', 'project'],
    ]);
    const appends = trace.filter(({ name }) => name.startsWith('append ')).map(({ name }) => name);
    expect(new Set(appends)).toEqual(new Set(['append shard.commands', 'append shard.decisions', 'append odds']));
    // The client's own span is the parent of the first one here.
    expect(trace.find(({ name }) => name === 'POST /v1/tickets')).toMatchObject({
      parentSpanId: PARENT,
      facts: { 'http.response.status_code': '201', 'http.route': '/v1/tickets' },
    });
    expect(trace.find(({ name }) => name === 'decide')?.facts['mutuel.code']).toBe('OK');
    // Neither who bet nor under which reference.
    expect(collector.text()).not.toContain(ref);
    expect(collector.text()).not.toContain(String(t.accounts[0]?.accountId));
  });

  test('a bet that nobody samples, and one whose client says no, leave no span', async () => {
    const raceId = await t.openRace();
    const before = new Set(collector.spans.map(({ traceId }) => traceId));
    expect((await bet(raceId)).status).toBe(201);
    expect((await bet(raceId, `00-${'a'.repeat(32)}-${PARENT}-00`)).status).toBe(201);
    expect((await bet(raceId, 'no context at all')).status).toBe(201);
    const marked = 'b'.repeat(32);
    await bet(raceId, `00-${marked}-${PARENT}-01`);
    await until(async () => collector.spans.some(({ traceId, name }) => traceId === marked && name === 'project'));
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([...before, marked]));
  });

  test('a bet over gRPC brings its context in the metadata, and is counted by method and status', async () => {
    const raceId = await t.openRace();
    const trace = 'e'.repeat(32);
    const [account] = t.accounts;
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${account?.token}`);
    metadata.set('traceparent', `00-${trace}-${PARENT}-01`);
    const bets = [
      {
        ...{ betRef: 'a', poolId: `${raceId}-WIN`, form: 'STRAIGHT', columns: [{ runners: ['3'] }] },
        ...{ unitStake: 100, stake: 100 },
      },
    ];
    const request = { ticketRef: v7(), accountId: account?.accountId, currency: 'EUR', bets };
    await place(request, metadata);
    await until(async () => collector.spans.some(({ traceId, name }) => traceId === trace && name === 'project'));
    const project = collector.spans.find(({ traceId, name }) => traceId === trace && name === 'project');
    expect(pathTo(project)).toEqual(['mutuel.v1.Betting/Place', 'command', 'decide', 'project']);
    expect((await t.get('/metrics')).text).toMatch(
      /rpc_server_call_duration_seconds_count\{rpc_method="mutuel.v1.Betting\/Place",rpc_response_status_code="OK"\} 1/,
    );
  });

  test('clients cannot ask for more than a bound of traces a second', async () => {
    const raceId = await t.openRace();
    const many = Array.from({ length: 130 }, (_, i) => i.toString(16).padStart(32, 'd'));
    const began = Math.floor(performance.now() / 1_000);
    await Promise.all(many.map((trace) => bet(raceId, `00-${trace}-${PARENT}-01`)));
    const seconds = Math.floor(performance.now() / 1_000) - began + 1;
    const traced = () => new Set(collector.spans.map(({ traceId }) => traceId).filter((id) => id.startsWith('dddd')));
    await until(async () => traced().size > 0);
    await new Promise((wake) => setTimeout(wake, 1_500));
    expect(traced().size).toBeLessThanOrEqual(Math.min(many.length, seconds * 100));
  });
});

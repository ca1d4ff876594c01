/** The door of a process from its first moment on: a port that answers for health before there are any routes, and then for them. */
import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listenFault } from '../src/compose.js';
import { Gate } from '../src/http/gate.js';
import { Problem } from '../src/problem.js';
import { Installation, Readiness, readingText } from '../src/readiness.js';
import { EXIT } from '../src/start-fault.js';
import { Metrics } from '../src/telemetry/metrics.js';

const HOST = '127.0.0.1';
const handler: RequestListener = (_request, response) => void response.end('from a route');
const passage = { handler, turnAway: () => undefined };

let readiness: Readiness;
let installation: Installation;
let gate: Gate;
let step: string | undefined;

const stand = (port = 0): Promise<Gate> => {
  const metrics = new Metrics();
  metrics.read('mutuel_process_ready', () => [[{}, readiness.reasons().length === 0 ? 1 : 0]]);
  return Gate.stand({ host: HOST, port, metrics, readiness, installation: () => installation });
};

beforeEach(async () => {
  readiness = new Readiness();
  installation = new Installation('STARTING', false);
  step = 'the log is being opened';
  readiness.add('start', () => step);
  gate = await stand();
});
afterEach(() => gate.close());

async function ask(path: string, init: RequestInit = {}) {
  const answer = await fetch(`http://${HOST}:${gate.port}${path}`, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text };
}

test('while a process starts it is alive, and says what it is at', async () => {
  const live = await ask('/health/live');
  expect([live.status, JSON.parse(live.text)]).toEqual([
    200,
    { status: 'UP', reasons: [], degraded: [], label: 'STARTING', durable: false },
  ]);
  readiness.add('shard-0', () => readingText([{ done: 120_000, total: 480_000 }]));
  const ready = await ask('/health/ready?from=a+probe');
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.text)).toMatchObject({
    status: 'DOWN',
    reasons: ['start: the log is being opened', 'shard-0: reading the log: 120,000 of 480,000 records'],
  });
  expect((await ask('/metrics')).text).toContain('mutuel_process_ready 0');
});

test.each([
  ['GET', '/v1/races/r'],
  ['POST', '/v1/tickets'],
  ['POST', '/health/ready'],
])('%s %s is told to come back: nothing of it was done', async (method, path) => {
  const { status, headers, text } = await ask(path, { method });
  expect([status, headers.get('retry-after'), headers.get('content-type')]).toEqual([
    503,
    '1',
    'application/problem+json; charset=utf-8',
  ]);
  // How safe bets are here nobody knows yet.
  expect(headers.has('mutuel-durability')).toBe(false);
  expect(JSON.parse(text)).toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    retry: 'SAME_KEY',
    detail: 'This process is being started: send the same again in a moment, or to another one.',
  });
});

test('once it is open the routes answer, on the same port and the same connections', async () => {
  await ask('/health/ready');
  const { port } = gate;
  gate.open(passage);
  expect([(await ask('/health/ready')).text, (await ask('/v1/x')).text]).toEqual(['from a route', 'from a route']);
  expect(gate.port).toBe(port);
});

test('who is turned away does not reach a route', async () => {
  gate.open({ ...passage, turnAway: () => new Problem('SERVICE_UNAVAILABLE', 'full') });
  const { status, headers, text } = await ask('/v1/tickets', { method: 'POST' });
  expect([status, headers.get('mutuel-durability'), JSON.parse(text).detail]).toEqual([503, 'single-node', 'full']);
});

test('a stop waits for the answer that is under way and then nobody listens', async () => {
  let answer: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    gate.open({
      ...passage,
      handler: (_request, response) => {
        answer = () => void response.end('late');
        resolve();
      },
    });
  });
  const asked = ask('/v1/x');
  await reached;
  const { port } = gate;
  const closed = gate.close();
  answer();
  expect((await asked).text).toBe('late');
  await closed;
  await expect(fetch(`http://${HOST}:${port}/health/live`)).rejects.toThrow();
});

test('a port that somebody else has is a line with an exit code of its own', async () => {
  const fault = await stand(gate.port).catch((one: Error) => listenFault(one, HOST, gate.port));
  expect(fault).toMatchObject({ exitCode: EXIT.PORT, message: expect.stringMatching(/^Port \d+ is busy: choose/) });
});

test('what is read by several is one sum, and nothing once nobody reads', () => {
  expect(
    readingText([
      { done: 1, total: 2 },
      { done: 999, total: 1_500 },
    ]),
  ).toBe('reading the log: 1,000 of 1,502 records');
  expect(readingText([])).toBeUndefined();
});

/** The operators' door: every call leaves a line, whatever came of it, and no line names who holds an account. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Tokens } from '../src/auth.js';
import { type ApiParts, apiModule } from '../src/http/api-module.js';
import { Gate } from '../src/http/gate.js';
import { callText, type OperatorCall } from '../src/http/operator-calls.js';
import { type HttpServer, startHttp } from '../src/http/server.js';
import { Problem } from '../src/problem.js';
import { Installation, Readiness } from '../src/readiness.js';
import { voiceOf } from '../src/telemetry/log-lines.js';
import { Metrics } from '../src/telemetry/metrics.js';

const tokens = new Tokens(Buffer.alloc(32, 7), () => Date.now());
const steward = { subject: 'anna', accounts: [], roles: ['STEWARD'], channel: 'desk', device: 'tower-1' } as const;
const bettor = { subject: 'acc-1', accounts: ['acc-1'], roles: [], channel: 'web', device: 'phone-7' } as const;

let http: HttpServer;
let calls: OperatorCall[] = [];

beforeAll(async () => {
  const desk = {
    act: (_who: unknown, { type }: { type: string }) =>
      type === 'OpenRace'
        ? Promise.resolve({ seq: 7, status: 'ACCEPTED' })
        : Promise.reject(new Problem('NOT_AUTHORIZED', 'It takes a tote operator.')),
  };
  const operator = { settlement: () => ({ raceId: 'R1' }) };
  const metrics = new Metrics();
  const readiness = new Readiness();
  const installation = new Installation('TEST', true);
  const module = apiModule({
    ...{ readiness, installation, metrics, tokens },
    doors: { betting: false, operator: true },
    filter: { page: () => false, onFault: () => undefined },
    api: {
      betting: {},
      accounts: {},
      desk,
      quotes: {},
      racing: {},
      reads: {},
      seals: {},
      operator,
    } as unknown as ApiParts,
  });
  const onOperatorCall = (call: OperatorCall): void => void calls.push(call);
  const at = { host: '127.0.0.1', port: 0, metrics, readiness, installation: () => installation };
  const options = { module, metrics, gate: await Gate.stand(at), durable: true, consoleDir: undefined };
  http = await startHttp({ ...options, onOperatorCall });
});
afterAll(() => http.close());
beforeEach(() => {
  calls = [];
});

async function call(method: string, path: string, who?: Parameters<Tokens['sign']>[0], body?: string): Promise<void> {
  const authorization = who ? { authorization: `Bearer ${tokens.sign(who)}` } : {};
  const headers = { 'content-type': 'application/json', ...authorization };
  const reply = await fetch(`http://127.0.0.1:${http.port}${path}`, { method, headers, ...(body ? { body } : {}) });
  await reply.text();
  await expect.poll(() => calls.length).toBe(1);
}

describe('a call at the operators’ door', () => {
  const route = '/v1/operator/races/:raceId/open';
  const anna = { user: 'anna', roles: ['STEWARD'], device: 'tower-1', raceId: 'R1' };
  const reason = JSON.stringify({ reason: 'on time' });

  test('that was done is noted with who did it, from where and to what', async () => {
    await call('POST', '/v1/operator/races/R1/open', steward, reason);
    expect(calls).toEqual([{ ...anna, method: 'POST', route, status: 202, code: null }]);
  });

  test.each<[string, Parameters<typeof call>, object]>([
    [
      'the market refused',
      ['POST', '/v1/operator/races/R1/close', steward, reason],
      { ...anna, status: 403, code: 'NOT_AUTHORIZED' },
    ],
    [
      'has a body that is refused',
      ['POST', '/v1/operator/races/R1/open', steward, '{}'],
      { ...anna, status: 400, code: 'MALFORMED' },
    ],
    [
      'has a body that cannot be read',
      ['POST', '/v1/operator/races/R1/open', steward, '{"reason"'],
      { status: 400, code: 'MALFORMED_JSON' },
    ],
    ['only looks', ['GET', '/v1/operator/races/R1/settlement', steward], { ...anna, status: 200, code: null }],
    [
      'comes with a bettor’s token, whom it does not name',
      ['GET', '/v1/operator/races/R1/settlement', bettor],
      { user: null, roles: [], device: 'phone-7', status: 403, code: 'NOT_AUTHORIZED' },
    ],
    [
      'comes without a token',
      ['GET', '/v1/operator/tickets/t0-1-a/evidence'],
      { user: null, device: null, ticketId: 't0-1-a', status: 401, code: 'NOT_AUTHENTICATED' },
    ],
  ])('that %s is noted', async (_what, asked, noted) => {
    await call(...asked);
    expect(calls).toMatchObject([noted]);
  });

  test('is an object for machines; at a terminal only what was refused is shown', async () => {
    const lines: Record<string, string[]> = { json: [], text: [] };
    for (const code of [null, 'NOT_AUTHORIZED'] as const) {
      const one: OperatorCall = { ...anna, method: 'POST', route, status: 202, code };
      for (const format of ['json', 'text'] as const)
        voiceOf({ format, roles: 'back-office', out: (text) => lines[format]?.push(text) }).say(callText(one), {
          ...{ call: one, correlationId: 'c-1' },
        });
    }
    expect(lines['text']).toEqual([`anna: POST ${route} (R1): NOT_AUTHORIZED`]);
    expect(lines['json']?.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'info', correlationId: 'c-1', call: { ...anna, code: null } },
      { level: 'info', call: { code: 'NOT_AUTHORIZED' } },
    ]);
  });
});

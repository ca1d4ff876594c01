/** The betting door under overload: who is turned away, when, and at what cost to those inside. */
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Tokens } from '../src/auth.js';
import { Betting } from '../src/betting.js';
import type { ShardDoor, Submitted } from '../src/doors.js';
import { type ApiParts, apiModule } from '../src/http/api-module.js';
import { Gate } from '../src/http/gate.js';
import { type HttpServer, startHttp } from '../src/http/server.js';
import { Installation, Readiness } from '../src/readiness.js';
import { RecentTickets } from '../src/recent-tickets.js';
import { Metrics } from '../src/telemetry/metrics.js';

const BUSY = { kind: 'BUSY', retryAfterMs: 1_200, why: 'commands are being decided too slowly' } as const;
const KEY = Buffer.alloc(32, 7);
const tokens = new Tokens(KEY, () => Date.now());
const holder = { subject: 'p', accounts: ['acc-1'], roles: [], channel: 'web', device: 'd' };
const bet = { betRef: 'a', poolId: 'R1-C1-WIN', form: 'STRAIGHT', columns: [['3']], unitStake: 100, stake: 100 };
const ticket = { ticketRef: '0198f3c2-0000-7000-8000-000000000000', accountId: 'acc-1', currency: 'EUR', bets: [bet] };

let http: HttpServer | undefined;
let submitted = 0;

afterEach(async () => {
  await http?.close();
  http = undefined;
  submitted = 0;
});

async function serve(door: Partial<ShardDoor>): Promise<(body: string, token?: string) => Promise<Response>> {
  const submit = async (): Promise<Submitted<never>> => {
    submitted++;
    return { kind: 'PENDING' };
  };
  const whole = { submit, turnAway: () => undefined, recent: () => undefined, ...door } as ShardDoor;
  const betting = new Betting({
    ...{ door: whole, reads: {} as ApiParts['reads'], odds: { latest: () => undefined }, recent: new RecentTickets() },
    now: () => Date.now(),
  });
  const metrics = new Metrics();
  const readiness = new Readiness();
  const installation = new Installation('TEST', true);
  const module = apiModule({
    ...{ readiness, installation, metrics, tokens },
    doors: { betting: true, operator: false },
    filter: { page: () => false, onFault: () => undefined },
    api: { betting, desk: {}, quotes: {}, racing: {}, reads: {}, operator: {} } as unknown as ApiParts,
  });
  const at = { host: '127.0.0.1', port: 0, metrics, readiness, installation: () => installation };
  http = await startHttp({ module, metrics, gate: await Gate.stand(at), durable: true, consoleDir: undefined });
  const { port } = http;
  return (body, token) =>
    fetch(`http://127.0.0.1:${port}/v1/tickets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body,
    });
}

describe('a ticket at a door that is full', () => {
  test('gets a 503 with a time to come back, before its token or body are looked at', async () => {
    const post = await serve({ turnAway: () => BUSY });
    for (const body of [JSON.stringify(ticket), 'no json at all', 'x'.repeat(200_000)]) {
      const answer = await post(body);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(await answer.json()).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retry: 'SAME_KEY' });
    }
    expect(submitted).toBe(0);
  });

  test('gets the same where its own shard alone is full, after it was read', async () => {
    const post = await serve({ submit: () => Promise.resolve(BUSY) });
    const token = tokens.sign(holder);
    const answer = await post(JSON.stringify(ticket), token);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    expect((await post('no json at all', token)).status).toBe(400);
  });

  test('is taken again as soon as there is room', async () => {
    let full = true;
    const post = await serve({ turnAway: () => (full ? BUSY : undefined) });
    const token = tokens.sign(holder);
    expect((await post(JSON.stringify(ticket), token)).status).toBe(503);
    full = false;
    expect((await post(JSON.stringify(ticket), token)).status).toBe(202);
    expect(submitted).toBe(1);
  });
});

describe('what is no HTTP', () => {
  test('is told so, and its connection ends even where the other side keeps it', async () => {
    await serve({});
    const { server, port } = http as HttpServer;
    const taken = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const stranger = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
    const answer = new Promise((resolve) => stranger.once('data', (data) => resolve(String(data))));
    stranger.write('no such thing\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /);
    const socket = await taken;
    await expect.poll(() => socket.destroyed).toBe(true);
    stranger.destroy();
  });
});

describe('a door that closes', () => {
  test('answers the ticket that is inside before it ends a connection, and sends others elsewhere', async () => {
    let decide: (answer: Submitted<never>) => void = () => undefined;
    let isInside: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => {
      isInside = resolve;
    });
    const post = await serve({
      submit: () => {
        isInside();
        return new Promise((resolve) => {
          decide = resolve;
        });
      },
    });
    const token = tokens.sign(holder);
    const first = post(JSON.stringify(ticket), token);
    await inside;
    const closed = http?.close();
    const second = await post(JSON.stringify(ticket), token);
    expect([second.status, second.headers.get('connection')]).toEqual([503, 'close']);
    expect(await second.json()).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retry: 'SAME_KEY' });
    decide({ kind: 'PENDING' });
    expect([(await first).status, (await first).headers.get('connection')]).toEqual([202, 'close']);
    await closed;
    await expect(post('{}', token)).rejects.toThrow();
  });
});

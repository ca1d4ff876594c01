/** Whatever a client can send wrong gets a 4xx problem with a pointer and a sentence, and the system goes on. */
import { connect } from 'node:net';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestSystem, type TestSystem } from './support/system.js';

let t: TestSystem;
let raceId: string;
let mine: { accountId: string; token: string };

beforeAll(async () => {
  t = await startTestSystem();
  raceId = await t.openRace();
  mine = t.accounts[1] as typeof mine;
});
afterAll(async () => {
  await t.stop();
});

type Fields = Record<string, unknown>;
const bet = (change: Fields = {}): Fields => ({
  betRef: 'a',
  poolId: `${raceId}-WIN`,
  form: 'STRAIGHT',
  columns: [['4']],
  unitStake: 200,
  stake: 200,
  ...change,
});
const ticket = (change: Fields = {}, ...bets: Fields[]): Fields => ({
  ticketRef: v7(),
  accountId: mine.accountId,
  currency: 'EUR',
  atomic: true,
  bets: bets.length > 0 ? bets : [bet()],
  ...change,
});

const CASES: [what: string, body: () => unknown, status: number, code: string, pointer: string][] = [
  ['an unknown field', () => ticket({ tip: 1 }), 400, 'MALFORMED', '/tip'],
  ['an unknown field of a bet', () => ticket({}, bet({ odds: '2.0' })), 400, 'MALFORMED', '/bets/0/odds'],
  ['no account', () => ticket({ accountId: undefined }), 400, 'MALFORMED', '/accountId'],
  ['a reference that is no UUIDv7', () => ticket({ ticketRef: '42' }), 400, 'REF_INVALID', '/ticketRef'],
  ['a reference in capitals', () => ticket({ ticketRef: v7().toUpperCase() }), 400, 'REF_INVALID', '/ticketRef'],
  [
    'a reference of tomorrow',
    () => ticket({ ticketRef: v7({ msecs: Date.now() + 86_400_000 }) }),
    400,
    'REF_INVALID',
    '/ticketRef',
  ],
  ['no bets', () => ticket({ bets: [] }), 400, 'MALFORMED', '/bets'],
  [
    '101 bets',
    () => ticket({ bets: Array.from({ length: 101 }, (_, i) => bet({ betRef: `b${i}` })) }),
    400,
    'MALFORMED',
    '/bets',
  ],
  ['one betRef twice', () => ticket({}, bet(), bet()), 400, 'DUPLICATE_BET_REF', '/bets/1/betRef'],
  ['a stake of nought', () => ticket({}, bet({ stake: 0 })), 400, 'INVALID_STAKE', '/bets/0/stake'],
  ['a negative stake', () => ticket({}, bet({ stake: -200 })), 400, 'INVALID_STAKE', '/bets/0/stake'],
  ['a fraction', () => ticket({}, bet({ stake: 200.5 })), 400, 'INVALID_STAKE', '/bets/0/stake'],
  ['a stake as text', () => ticket({}, bet({ stake: '200' })), 400, 'INVALID_STAKE', '/bets/0/stake'],
  ['a stake beyond any', () => ticket({}, bet({ stake: 1e15 })), 400, 'INVALID_STAKE', '/bets/0/stake'],
  ['an unknown form', () => ticket({}, bet({ form: 'GUESS' })), 400, 'MALFORMED', '/bets/0/form'],
  ['a runner that is no name', () => ticket({}, bet({ columns: [['4>7']] })), 400, 'MALFORMED', '/bets/0/columns/0/0'],
  ['no runner at all', () => ticket({}, bet({ columns: undefined })), 422, 'INVALID_SELECTION', '/bets/0/columns'],
  ['an unknown runner', () => ticket({}, bet({ columns: [['77']] })), 422, 'INVALID_SELECTION', '/bets/0/columns/0/0'],
  [
    'two columns for a win bet',
    () => ticket({}, bet({ columns: [['1'], ['2']] })),
    422,
    'INVALID_SELECTION',
    '/bets/0/columns',
  ],
  ['an unknown pool', () => ticket({}, bet({ poolId: 'nowhere-WIN' })), 422, 'POOL_UNKNOWN', '/bets/0/poolId'],
  [
    'a stake that is not lines times unit',
    () => ticket({}, bet({ stake: 400 })),
    422,
    'LINES_MISMATCH',
    '/bets/0/stake',
  ],
  [
    'a line below the minimum',
    () => ticket({}, bet({ unitStake: 1, stake: 1 })),
    422,
    'BELOW_MIN',
    '/bets/0/unitStake',
  ],
  [
    'more than the balance',
    () => ticket({}, bet({ unitStake: 900_000_000, stake: 900_000_000 })),
    422,
    'INSUFFICIENT_FUNDS',
    '/bets',
  ],
  ['another currency', () => ticket({ currency: 'USD' }), 422, 'CURRENCY_MISMATCH', '/currency'],
  [
    'a flexi ticket of too little',
    () => ticket({}, bet({ unitStake: undefined, stake: 1 })),
    422,
    'BELOW_MIN',
    '/bets/0/unitStake',
  ],
  [
    'a bet over several races of one column',
    () => ticket({}, bet({ form: 'MULTI_LEG' })),
    422,
    'INVALID_SELECTION',
    '/bets/0/columns',
  ],
  ['a list instead of a ticket', () => [], 400, 'MALFORMED', ''],
  ['null', () => null, 400, 'MALFORMED', ''],
  ['runners beside columns', () => ticket({}, bet({ runners: ['5'] })), 400, 'MALFORMED', '/bets/0/runners'],
  [
    'bases beside runners',
    () => ticket({}, bet({ form: 'KEY', columns: undefined, runners: ['5'], bases: ['4'], associated: ['6'] })),
    400,
    'MALFORMED',
    '/bets/0/bases',
  ],
];

describe('a ticket with', () => {
  test.each(CASES)('%s', async (_what, body, status, code, pointer) => {
    const reply = await t.post('/v1/tickets', body() as object, mine.token);
    expect(reply.status, reply.text).toBe(status);
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
    expect(reply.body).toMatchObject({ status, code, correlationId: reply.headers.get('x-correlation-id') });
    expect(String(reply.body['detail']).length).toBeGreaterThan(10);
    const errors = (reply.body['errors'] ?? []) as { pointer: string; detail: string }[];
    expect(errors.map((error) => error.pointer)).toContain(pointer);
  });

  test.each([
    ['text that is no JSON', '{"ticketRef":', 'MALFORMED_JSON', undefined],
    ['a name twice', '{"currency":"EUR","currency":"USD"}', 'MALFORMED_JSON', '/currency'],
    ['a name twice, once escaped', '{"bets":[{"stake":1,"st\\u0061ke":2}]}', 'MALFORMED_JSON', '/bets/0/stake'],
    ['an amount beyond 2^53', '{"bets":[{"stake":9007199254740993}]}', 'INVALID_STAKE', '/bets/0/stake'],
    ['a whole number as a fraction', '{"bets":[{},{"stake":200.0}]}', 'INVALID_STAKE', '/bets/1/stake'],
    ['a fraction too fine to see', '{"stake":200.00000000000000000001}', 'INVALID_STAKE', '/stake'],
    ['an exponent', '{"stake":2e2}', 'INVALID_STAKE', '/stake'],
    ['the name of a prototype', '{"__proto__":{}}', 'MALFORMED_JSON', '/__proto__'],
    ['seventeen levels', '['.repeat(17) + ']'.repeat(17), 'MALFORMED_JSON', '/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0'],
  ])('a body with %s', async (_what, body, code, pointer) => {
    const reply = await t.post('/v1/tickets', body, mine.token);
    expect(reply.body, reply.text).toMatchObject({ status: 400, code });
    if (pointer !== undefined) expect(reply.body['errors']).toMatchObject([{ pointer }]);
  });

  test('a body that is not UTF-8', async () => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${mine.token}` };
    const reply = await t.send('/v1/tickets', {
      method: 'POST',
      headers,
      body: Buffer.from('{"currency":"\xff"}', 'latin1'),
    });
    expect(reply.body).toMatchObject({ status: 400, code: 'INVALID_UTF8' });
  });

  test('a body of two megabytes', async () => {
    const reply = await t.post('/v1/tickets', `{"currency":"${'x'.repeat(2_000_000)}"}`, mine.token);
    expect(reply.body).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  test('a body of another type', async () => {
    const headers = { 'content-type': 'text/xml', authorization: `Bearer ${mine.token}` };
    const reply = await t.send('/v1/tickets', { method: 'POST', headers, body: '<ticket/>' });
    expect(reply.body).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
  });

  test('a box of 24 over five places costs nothing to refuse', async () => {
    const runners = Array.from({ length: 24 }, (_, i) => String(i + 1));
    const reply = await t.post(
      '/v1/tickets',
      ticket({}, bet({ form: 'BOX', columns: undefined, runners })),
      mine.token,
    );
    expect(reply.status).toBe(422);
  });

  test('a body that trickles in is cut off with 408', async () => {
    const { port } = t.system;
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/tickets HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${mine.token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"a`,
        );
      });
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toContain('408');
    expect(answer).toContain('REQUEST_TIMEOUT');
  });
});

describe('who asks', () => {
  test.each([
    ['no token', undefined, 401, 'NOT_AUTHENTICATED'],
    ['a token of nobody', 'eyJhbGciOiJub25lIn0.e30.', 401, 'NOT_AUTHENTICATED'],
  ])('with %s is turned away', async (_what, given, status, code) => {
    const reply = await t.post('/v1/tickets', ticket(), given);
    expect(reply.body).toMatchObject({ status, code });
    expect(reply.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('cannot touch or see another account', async () => {
    const other = t.accounts[2] as typeof mine;
    expect((await t.post('/v1/tickets', ticket(), other.token)).body).toMatchObject({
      status: 403,
      code: 'NOT_AUTHORIZED',
    });
    expect((await t.get(`/v1/accounts/${mine.accountId}`, other.token)).status).toBe(403);
    expect((await t.get(`/v1/accounts/${mine.accountId}/statement`, other.token)).status).toBe(403);
    const placed = await t.post('/v1/tickets', ticket(), mine.token);
    const ticketId = String(placed.body['ticketId']);
    expect((await t.get(`/v1/tickets/${ticketId}`, other.token)).body['code']).toBe('TICKET_UNKNOWN');
    const cancelled = await t.post(`/v1/tickets/${ticketId}/cancel`, { reason: 'x' }, other.token);
    expect(cancelled.body).toMatchObject({ status: 404, code: 'TICKET_UNKNOWN' });
    expect(cancelled.text).not.toContain(mine.accountId);
  });

  test('as an operator for an account that is not there hears so', async () => {
    const operator = t.operators.get('tote-ines');
    for (const path of ['/v1/accounts/acc-none', '/v1/accounts/acc-none/statement'])
      expect((await t.get(path, operator)).body).toMatchObject({ status: 404, code: 'ACCOUNT_UNKNOWN' });
  });

  test('without an operator’s role gets no further at the operators’ routes', async () => {
    for (const path of ['overview', 'audit', `races/${raceId}/settlement`])
      expect((await t.get(`/v1/operator/${path}`, mine.token)).body).toMatchObject({
        status: 403,
        code: 'NOT_AUTHORIZED',
      });
    const act = await t.post(`/v1/operator/races/${raceId}/void`, { reason: 'x' }, mine.token);
    expect(act.body).toMatchObject({ status: 403, code: 'NOT_AUTHORIZED' });
  });
});

describe('an operator’s mistake', () => {
  const at = (path: string): string => `/v1/operator/races/${raceId}/${path}`;
  test.each([
    ['a race that is not there', () => '/v1/operator/races/none/close', { reason: 'x' }, 404, 'RACE_UNKNOWN'],
    ['a race opened twice', () => at('open'), { reason: 'x' }, 409, 'RACE_STATUS'],
    ['no reason', () => at('suspend'), {}, 400, 'MALFORMED'],
    ['an off in the future', () => at('late-off'), { offAt: '2099-01-01T00:00:00Z', reason: 'x' }, 422, 'OFF_INVALID'],
    ['an off that is no time', () => at('late-off'), { offAt: 'noon', reason: 'x' }, 400, 'MALFORMED'],
  ])('%s', async (_what, path, body, status, code) => {
    const user = code === 'RACE_STATUS' ? 'tote-ines' : 'steward-anna';
    const reply = await t.post(path(), body, t.operators.get(user));
    expect(reply.body, reply.text).toMatchObject({ status, code });
  });

  test('a card with an unknown rule set names it, and nothing is published', async () => {
    const card = {
      meetingId: '2026-11-23-R1',
      course: 'X',
      date: '2026-11-23',
      country: 'FR',
      currency: 'EUR',
      races: [] as object[],
    };
    card.races.push({
      raceId: '2026-11-23-R1-C1',
      number: 1,
      name: 'X',
      postTime: '2026-11-23T12:00:00Z',
      runners: [
        { number: '1', name: 'A' },
        { number: '2', name: 'B' },
      ],
      pools: [{ type: 'WIN', ruleSet: 'MARS' }],
    });
    const reply = await t.post('/v1/operator/meetings', card, t.operators.get('tote-ines'));
    expect(reply.body).toMatchObject({
      status: 422,
      code: 'CARD_INVALID',
      errors: [{ pointer: '/races/0/pools/0/ruleSet' }],
    });
    expect((await t.get('/v1/meetings/2026-11-23-R1')).status).toBe(404);
  });
});

describe('addresses', () => {
  test.each([
    ['/v1/nothing', 404, 'NOT_FOUND'],
    ['/v1/races/none', 404, 'RACE_UNKNOWN'],
    ['/v1/pools/none', 404, 'NOT_FOUND'],
    ['/v1/meetings/none', 404, 'MEETING_UNKNOWN'],
    ['/v1/meetings?date=yesterday', 400, 'MALFORMED'],
    ['/v1/meetings?day=2026-11-22', 400, 'MALFORMED'],
    ['/v1/tickets', 405, 'METHOD_NOT_ALLOWED'],
    ['/v1/operator/races/none/close', 405, 'METHOD_NOT_ALLOWED'],
  ])('%s', async (path, status, code) => {
    expect((await t.get(path)).body).toMatchObject({ status, code });
  });

  test('asked by another method name those that are there', async () => {
    const reply = await t.send('/v1/races/none', { method: 'DELETE' });
    expect(reply.body).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
    expect(reply.headers.get('allow')).toBe('GET');
  });

  test('a combination that is none is pointed at', async () => {
    const reply = await t.get(`/v1/pools/${raceId}-WIN/probables?c=77`);
    expect(reply.body).toMatchObject({
      ...{ status: 422, code: 'INVALID_SELECTION' },
      errors: [{ pointer: '/c', detail: expect.stringContaining('77') as string }],
    });
  });
});

test('nothing of all this was an unexpected fault', () => {
  // A late tick on a busy machine is a warning too, and none of ours.
  expect(t.warnings.filter((line) => line.startsWith('Unexpected fault'))).toEqual([]);
});

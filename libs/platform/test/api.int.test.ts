/** REST over the whole embedded system: a race from card to payment, every answer held against its documented schema. */
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { changeFrame, statusFrame } from '#mutuel/services';
import { ruleSetFor } from '#mutuel/tote';
import * as answers from '../src/answers.js';
import { type Reply, startTestSystem, type TestSystem, until } from './support/system.js';

let t: TestSystem;
const token = (user: string): string => t.operators.get(user) as string;
const account = (i: number) => t.accounts[i] as { accountId: string; token: string };

beforeAll(async () => {
  t = await startTestSystem();
});
afterAll(async () => {
  await t.stop();
});

/** The body, after it was found to be just what the document says. */
function as<S extends z.ZodType>(schema: S, reply: Reply, status = 200): z.infer<S> {
  expect(reply.status, reply.text).toBe(status);
  return strict(schema).parse(reply.body) as z.infer<S>;
}
const strict = (schema: z.ZodType): z.ZodType => ('strict' in schema ? (schema as z.ZodObject).strict() : schema);

const ticketOf = (accountId: string, ...bets: object[]) => ({
  ticketRef: v7(),
  accountId,
  currency: 'EUR',
  atomic: true,
  bets,
});
const win = (raceId: string, runner: string, stake = 500, betRef = 'a') => ({
  betRef,
  poolId: `${raceId}-WIN`,
  form: 'STRAIGHT',
  columns: [[runner]],
  unitStake: stake,
  stake,
});

describe('a ticket', () => {
  test('is answered once, and again word by word for the same reference and body', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(1);
    const body = ticketOf(accountId, win(raceId, '4'));
    const first = await t.post('/v1/tickets', body, mine);
    const answer = as(answers.ticketAnswer, first, 201);
    expect(answer).toMatchObject({
      status: 'ACCEPTED',
      totalStake: 500,
      bets: [{ betRef: 'a', lines: 1, stake: 500 }],
    });
    const again = await t.post('/v1/tickets', body, mine);
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotent-replay')).toBe('true');
    expect(again.body).toEqual(first.body);
    const other = await t.post('/v1/tickets', { ...body, bets: [win(raceId, '5')] }, mine);
    expect(other.status).toBe(422);
    expect(other.body['code']).toBe('IDEMPOTENCY_BODY_MISMATCH');
  });

  test('sent fifty times in one moment is one bet, and fifty answers say so', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(8);
    const balance = async () => as(answers.accountAnswer, await t.get(`/v1/accounts/${accountId}`, mine)).balance;
    const before = await balance();
    const body = ticketOf(accountId, win(raceId, '4'));
    const replies = await Promise.all(Array.from({ length: 50 }, () => t.post('/v1/tickets', body, mine)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect(replies.filter(({ headers }) => headers.get('idempotent-replay') !== 'true')).toHaveLength(1);
    await until(async () => (await balance()).available === before.available - 500);
  });

  test('that was refused is refused again with the same receipt', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(1);
    const body = ticketOf(accountId, win(raceId, '9'));
    const first = await t.post('/v1/tickets', body, mine);
    expect(first.status).toBe(422);
    expect(first.body).toMatchObject({ code: 'INVALID_SELECTION', retry: 'NEW_KEY', ticketRef: body.ticketRef });
    expect(first.body['errors']).toMatchObject([{ pointer: '/bets/0/columns/0/0' }]);
    const again = await t.post('/v1/tickets', body, mine);
    expect(again.status).toBe(422);
    expect(again.body['receipt']).toEqual(first.body['receipt']);
    const view = await t.get(`/v1/tickets/by-ref/${accountId}/${body.ticketRef}`, mine);
    expect(as(answers.ticketViewAnswer, view)).toMatchObject({ status: 'REJECTED', code: 'INVALID_SELECTION' });
  });

  test('with a refused bet is accepted in part only when the client says so', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(2);
    const bets = [win(raceId, '1', 500, 'a'), win(raceId, '99', 500, 'b')];
    const whole = await t.post('/v1/tickets', ticketOf(accountId, ...bets), mine);
    expect(whole.body).toMatchObject({ status: 422, code: 'INVALID_SELECTION' });
    const parts = await t.post('/v1/tickets', { ...ticketOf(accountId, ...bets), atomic: false }, mine);
    expect(as(answers.ticketAnswer, parts, 201)).toMatchObject({
      status: 'PARTIAL',
      totalStake: 500,
      bets: [{ status: 'ACCEPTED' }, { status: 'REJECTED', code: 'INVALID_SELECTION', poolId: `${raceId}-WIN` }],
    });
  });

  test('is among the last of its account, newest first, refused or not', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(8);
    const sent = ['1', '99', '3'].map((runner) => ticketOf(accountId, win(raceId, runner)));
    for (const ticket of sent) await t.post('/v1/tickets', ticket, mine);
    const last = (limit: number) => t.get(`/v1/accounts/${accountId}/tickets?limit=${limit}`, mine);
    await until(async () => (await last(1)).text.includes(sent[2]?.ticketRef ?? ''));
    const { tickets } = as(answers.ticketsAnswer, await last(3));
    expect(tickets.map(({ ticketRef, status, bets }) => [ticketRef, status, bets.length])).toEqual([
      [sent[2]?.ticketRef, 'ACCEPTED', 1],
      [sent[1]?.ticketRef, 'REJECTED', 0],
      [sent[0]?.ticketRef, 'ACCEPTED', 1],
    ]);
    const foreign = await t.get(`/v1/accounts/${accountId}/tickets`, account(1).token);
    expect(foreign.body['code']).toBe('NOT_AUTHORIZED');
  });

  test('with a reference from the future is refused before anything is written', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(2);
    const ticketRef = v7({ msecs: Date.now() + 180_000 });
    const refused = await t.post('/v1/tickets', { ...ticketOf(accountId, win(raceId, '1')), ticketRef }, mine);
    expect(refused.body).toMatchObject({ status: 400, code: 'REF_INVALID', errors: [{ pointer: '/ticketRef' }] });
    expect(refused.body['receipt']).toBeUndefined();
  });

  test('may name a key by its columns, as when its lines are counted', async () => {
    const raceId = await t.openRace();
    const columns = [['1'], ['2', '3'], ['2', '3']];
    const bet = { poolId: `${raceId}-TRIFECTA`, form: 'KEY', columns, unitStake: 200 };
    const quoted = as(answers.quoteAnswer, await t.post('/v1/quotes', { currency: 'EUR', bets: [bet] }));
    expect(quoted.bets).toMatchObject([{ lines: 2, cost: 400, refusal: null }]);
  });

  test('can be cancelled within the rule set’s window, and its stake comes back', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(3);
    const placed = as(
      answers.ticketAnswer,
      await t.post('/v1/tickets', ticketOf(accountId, win(raceId, '2')), mine),
      201,
    );
    const cancelled = await t.post(`/v1/tickets/${placed.ticketId}/cancel`, { reason: 'a slip' }, mine);
    const answer = as(answers.cancelAnswer, cancelled);
    expect(answer.refunded).toBe(500);
    expect(answer.balance.available).toBe(placed.balance.available + 500);
    await until(async () => (await t.get(`/v1/tickets/${placed.ticketId}`, mine)).body['status'] === 'CANCELLED');
    const twice = await t.post(`/v1/tickets/${placed.ticketId}/cancel`, { reason: 'again' }, mine);
    expect(twice.body['code']).toBe('TICKET_NOT_OPEN');
  });

  test('whose reference was abandoned can never be placed; one that was decided tells its decision', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(4);
    const body = ticketOf(accountId, win(raceId, '3'));
    const path = `/v1/tickets/by-ref/${accountId}/${body.ticketRef}`;
    expect((await t.get(path, mine)).body).toMatchObject({ status: 404, code: 'OUTCOME_UNKNOWN', retry: 'SAME_KEY' });
    const burnt = await t.send(`${path}/abandon`, { method: 'POST', headers: { authorization: `Bearer ${mine}` } });
    expect(as(answers.ticketViewAnswer, burnt).status).toBe('BURNT');
    expect(as(answers.ticketViewAnswer, await t.get(path, mine)).status).toBe('BURNT');
    expect((await t.post('/v1/tickets', body, mine)).body['code']).toBe('REF_BURNT');
    const placed = ticketOf(accountId, win(raceId, '3'));
    await t.post('/v1/tickets', placed, mine);
    const told = await t.post(`/v1/tickets/by-ref/${accountId}/${placed.ticketRef}/abandon`, '', mine);
    expect(as(answers.ticketViewAnswer, told).status).toBe('ACCEPTED');
  });
});

describe('money', () => {
  test('goes in and out under references; the statement shows every movement from what to what', async () => {
    const { accountId, token: mine } = account(5);
    const before = as(answers.accountAnswer, await t.get(`/v1/accounts/${accountId}`, mine)).balance.available;
    const deposit = { ref: 'd-1', amount: 5_000 };
    const paid = as(answers.moneyAnswer, await t.post(`/v1/accounts/${accountId}/deposits`, deposit, mine), 201);
    expect(paid.balance.available).toBe(before + 5_000);
    const again = await t.post(`/v1/accounts/${accountId}/deposits`, deposit, mine);
    expect(again.headers.get('idempotent-replay')).toBe('true');
    expect(again.body).toEqual(paid);
    const turned = await t.post(`/v1/accounts/${accountId}/withdrawals`, deposit, mine);
    expect(turned.body).toMatchObject({
      ...{ status: 422, code: 'IDEMPOTENCY_BODY_MISMATCH' },
      detail: 'This ref was used for another movement.',
    });
    const out = { ref: 'w-1', amount: 2_000 };
    await t.post(`/v1/accounts/${accountId}/withdrawals`, out, mine);
    const much = await t.post(`/v1/accounts/${accountId}/withdrawals`, { ref: 'w-2', amount: 900_000_000 }, mine);
    expect(much.body['code']).toBe('INSUFFICIENT_FUNDS');
    await until(async () => balanceOf(await t.get(`/v1/accounts/${accountId}`, mine)) === before + 3_000);
    const statement = as(answers.statementAnswer, await t.get(`/v1/accounts/${accountId}/statement`, mine));
    expect(statement.entries.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['DEPOSIT', 1_000_000],
      ['DEPOSIT', 5_000],
      ['WITHDRAWAL', -2_000],
    ]);
    for (const entry of statement.entries) expect(entry.after - entry.before).toBe(entry.amount);
    const [first] = statement.entries;
    const rest = as(
      answers.statementAnswer,
      await t.get(`/v1/accounts/${accountId}/statement?after=${first?.position}`, mine),
    );
    expect(rest.entries).toEqual(statement.entries.slice(1));
  });
});
/** A time after all that was done so far and before all that is done next, by the log's clock. */
async function moment(): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const at = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 20));
  return at;
}
const balanceOf = (reply: Reply): number => (reply.body['balance'] as { available: number }).available;

describe('a race', () => {
  test('is sold, stopped, entered by one steward, confirmed by another, and paid to the cent', async () => {
    const raceId = await t.openRace();
    for (const i of [1, 2, 3]) {
      const { accountId, token: mine } = account(i);
      const reply = await t.post('/v1/tickets', ticketOf(accountId, win(raceId, String(i), 1_000 * i)), mine);
      expect(reply.status, reply.text).toBe(201);
    }
    const pool = `/v1/pools/${raceId}-WIN`;
    // 1,000 on 1, 2,000 on 2, 3,000 on 3, and the hundreds on 8 with which the race was found open.
    await until(async () => Number((await t.get(pool)).body['gross']) > 6_000);
    const odds = as(answers.poolAnswer, await t.get(pool));
    expect(odds.odds.find((row) => row.c === '2')?.stake).toBe(2_000);
    expect(as(answers.probableAnswer, await t.get(`${pool}/probables?c=2`)).price).toBe(
      odds.odds.find((row) => row.c === '2')?.price,
    );
    const quote = {
      currency: 'EUR',
      bets: [{ poolId: `${raceId}-WIN`, form: 'STRAIGHT', columns: [['2']], unitStake: 1_000 }],
    };
    const quoted = as(answers.quoteAnswer, await t.post('/v1/quotes', quote));
    expect(quoted).toMatchObject({ lines: 1, cost: 1_000, bets: [{ refusal: null }] });
    expect(Number(quoted.bets[0]?.oddsAfter)).toBeLessThan(Number(quoted.bets[0]?.oddsBefore));
    const { accountId: quoter, token: its } = account(7);
    expect((await t.post('/v1/tickets', ticketOf(quoter, win(raceId, '2', 1_000)), its)).status).toBe(201);
    const rowOf2 = async () => {
      const { gross, odds } = as(answers.poolAnswer, await t.get(pool));
      return { gross, ...odds.find((row) => row.c === '2') };
    };
    await until(async () => (await rowOf2()).stake === 3_000);
    const { gross, price } = await rowOf2();
    expect(price).toBe(quoted.bets[0]?.oddsAfter);

    const at = `/v1/operator/races/${raceId}`;
    as(answers.actAnswer, await t.post(`${at}/close`, { reason: 'off' }, token('steward-anna')), 202);
    await until(async () => {
      const { accountId, token: mine } = account(6);
      const late = await t.post('/v1/tickets', ticketOf(accountId, win(raceId, '4')), mine);
      return late.body['code'] === 'POOL_CLOSED';
    });
    const result = { finish: [['2'], ['1'], ['3'], ['4']], disqualified: [] };
    as(answers.actAnswer, await t.post(`${at}/result`, result, token('steward-anna')), 202);
    await until(async () => (await t.get(`${at}/settlement`, token('steward-marc'))).body['previewHash'] !== null);
    const preview = as(answers.settlementAnswer, await t.get(`${at}/settlement`, token('steward-marc')));
    const sheet = preview.pools.find((one) => one.type === 'WIN');
    // France, win: 13.9 % taken, rounded down; the rest over the stake on 2.
    const takeout = Math.floor((gross * 139) / 1_000);
    expect(sheet).toMatchObject({ gross, takeout, net: gross - takeout, outcome: 'PAID' });
    expect(sheet?.proposals.map(({ agrees }) => agrees)).toEqual([true, true, true]);
    const { previewHash } = preview;
    const same = await t.post(`${at}/confirm`, { previewHash }, token('steward-anna'));
    expect(same.body).toMatchObject({ status: 403, code: 'SAME_PERSON' });
    const stale = await t.post(`${at}/confirm`, { previewHash: '0'.repeat(64) }, token('steward-marc'));
    expect(stale.body).toMatchObject({ code: 'PREVIEW_CHANGED' });
    as(answers.actAnswer, await t.post(`${at}/confirm`, { previewHash }, token('steward-marc')), 202);
    await until(async () => (await t.get(`/v1/races/${raceId}`)).body['status'] === 'SETTLED');
    const race = as(answers.raceAnswer, await t.get(`/v1/races/${raceId}`));
    const dividend = race.result?.dividends.find((one) => one.type === 'WIN');
    expect(race.result).toMatchObject({ status: 'OFFICIAL', finish: result.finish });
    const dividends = as(answers.dividendsAnswer, await t.get(`${pool}/dividends`));
    expect(dividends.sheet.dividends).toMatchObject([{ c: '2', price: dividend?.price, stake: 3_000 }]);

    const { accountId, token: mine } = account(2);
    const paid = Math.floor(2_000 * Number(dividend?.price) + 1e-6);
    await until(async () => {
      const { entries } = (await t.get(`/v1/accounts/${accountId}/statement`, mine)).body as {
        entries: { kind: string; amount: number }[];
      };
      return entries.some((entry) => entry.kind === 'PAYOUT' && entry.amount === paid);
    });
  });

  test('with a late off gives back what was bet since, and says in public how much that was', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(6);
    await t.post('/v1/tickets', ticketOf(accountId, win(raceId, '1')), mine);
    const offAt = await moment();
    const late = as(
      answers.ticketAnswer,
      await t.post('/v1/tickets', ticketOf(accountId, win(raceId, '2')), mine),
      201,
    );
    const declared = await t.post(
      `/v1/operator/races/${raceId}/late-off`,
      { offAt, reason: 'the gate' },
      token('steward-anna'),
    );
    expect(declared.status, declared.text).toBe(202);
    await until(async () => (await t.get(`/v1/tickets/${late.ticketId}`, mine)).text.includes('AFTER_OFF'));
    const race = as(answers.raceAnswer, await t.get(`/v1/races/${raceId}`));
    expect(race.voidedAfterStop).toEqual({ count: 1, amount: 500 });
    const overview = as(answers.overviewAnswer, await t.get('/v1/operator/overview', token('accountant-paul')));
    expect(overview.races.find((one) => one.raceId === raceId)?.voidedAfterStop).toEqual({ count: 1, amount: 500 });
    const stopped = async () =>
      as(answers.stopsAnswer, await t.get('/v1/operator/stops', token('accountant-paul'))).stops.find(
        (one) => one.raceId === raceId,
      );
    await until(async () => (await stopped())?.delayMs !== null);
    const stop = await stopped();
    expect(stop).toMatchObject({ closeNo: 1, offAt, voidedAfterStop: { count: 1, amount: 500 } });
    const { shard, seq } = late.receipt;
    expect(stop?.shards.map((one) => one.shard)).toEqual([0, 1]);
    expect(stop?.shards[shard]?.lastDecision).toBeGreaterThanOrEqual(seq);
    const { cancelWindowMs } = ruleSetFor('FR', 'WIN') ?? {};
    expect(stop?.pools).toContainEqual({ poolId: `${raceId}-WIN`, cancelWindowMs });
    expect(stop?.delayMs).toBe(Math.max(...(stop?.shards ?? []).map(({ delayMs }) => Number(delayMs))));
    expect(Date.parse(stop?.shards[shard]?.closedAt ?? '') - Date.parse(stop?.stopAt ?? '')).toBeGreaterThanOrEqual(0);
    expect((await t.get('/v1/operator/stops', mine)).body).toMatchObject({ status: 403, code: 'NOT_AUTHORIZED' });
  });

  test('shows its audit trail, refused attempts too', async () => {
    const raceId = await t.openRace();
    const at = `/v1/operator/races/${raceId}`;
    const refused = await t.post(`${at}/result`, { finish: [['1']] }, token('tote-ines'));
    expect(refused.body).toMatchObject({ status: 403, code: 'NOT_AUTHORIZED' });
    await t.post(`${at}/scratch`, { runner: '7', reason: 'lame' }, token('steward-anna'));
    const audit = as(answers.auditAnswer, await t.get(`/v1/operator/audit?raceId=${raceId}`, token('accountant-paul')));
    expect(audit.entries.map(({ action, actor, outcome }) => [action, actor.user, actor.device, outcome])).toEqual([
      ['ScratchRunner', 'steward-anna', 'demo-steward-anna', 'ACCEPTED'],
      ['EnterResult', 'tote-ines', 'demo-tote-ines', 'REFUSED'],
      ['OpenRace', 'tote-ines', 'demo-tote-ines', 'ACCEPTED'],
    ]);
    const { accountId, token: mine } = account(1);
    await until(async () => {
      const reply = await t.post('/v1/tickets', ticketOf(accountId, win(raceId, '7')), mine);
      return reply.body['code'] === 'RUNNER_SCRATCHED';
    });
    const overview = as(answers.overviewAnswer, await t.get('/v1/operator/overview', token('steward-anna')));
    expect(overview.lease.holding).toBe(true);
    expect(overview.label).toBe('EMBEDDED');
    expect(overview.shards).toHaveLength(2);
  });

  test('stands on its meeting’s card', async () => {
    const raceId = await t.openRace();
    const meetings = as(answers.meetingsAnswer, await t.get('/v1/meetings?date=2026-11-22'));
    expect(meetings.meetings.some(({ races }) => races.some((race) => race.raceId === raceId))).toBe(true);
    expect(as(answers.meetingsAnswer, await t.get('/v1/meetings?date=2020-01-01')).meetings).toEqual([]);
    const meetingId = raceId.replace(/-C1$/, '');
    expect(as(answers.meetingAnswer, await t.get(`/v1/meetings/${meetingId}`)).races).toHaveLength(1);
    as(answers.historyAnswer, await t.get(`/v1/pools/${raceId}-WIN/history`));
    expect((await t.get(`/v1/pools/${raceId}-WIN/dividends`)).body).toMatchObject({
      status: 404,
      code: 'NOT_DECLARED',
    });
    as(answers.demoAnswer, await t.get('/v1/demo'));
  });
});

describe('the documents', () => {
  test('describe a refused ticket, a refused act and an unknown outcome as they are answered', async () => {
    const raceId = await t.openRace();
    const { accountId, token: mine } = account(1);
    const { components } = (await t.get('/v1/openapi.json')).body as {
      components: { schemas: { Problem: z.core.JSONSchema.JSONSchema } };
    };
    const problem = z.fromJSONSchema(components.schemas.Problem);
    const refused = [
      await t.post('/v1/tickets', ticketOf(accountId, win(raceId, '9')), mine),
      await t.post(`/v1/operator/races/${raceId}/resume`, { reason: 'by mistake' }, token('steward-anna')),
      await t.get(`/v1/tickets/by-ref/${accountId}/${v7()}`, mine),
    ];
    expect(refused.map(({ body }) => [body['code'], Object.keys(problem.parse(body) as object).at(-1)])).toEqual([
      ['INVALID_SELECTION', 'receipt'],
      ['RACE_STATUS', 'seq'],
      ['OUTCOME_UNKNOWN', 'outcome'],
    ]);
  });

  test('name every route that is served, and are served themselves', async () => {
    const openapi = (await t.get('/v1/openapi.json')).body as { openapi: string; paths: Record<string, object> };
    expect(openapi.openapi).toBe('3.1.0');
    const named = Object.entries(openapi.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((m) => `${m} ${path}`),
    );
    for (const route of [
      'post /v1/tickets',
      'post /v1/quotes',
      'post /v1/tickets/{ticketId}/cancel',
      'post /v1/tickets/by-ref/{accountId}/{ticketRef}/abandon',
      'get /v1/tickets/{ticketId}',
      'get /v1/tickets/by-ref/{accountId}/{ticketRef}',
      'get /v1/accounts/{accountId}',
      'get /v1/accounts/{accountId}/statement',
      'post /v1/accounts/{accountId}/deposits',
      'post /v1/accounts/{accountId}/withdrawals',
      'get /v1/meetings',
      'get /v1/meetings/{meetingId}',
      'get /v1/races/{raceId}',
      'get /v1/pools/{poolId}',
      'get /v1/pools/{poolId}/probables',
      'get /v1/pools/{poolId}/history',
      'get /v1/pools/{poolId}/dividends',
      'post /v1/operator/meetings',
      ...['open', 'suspend', 'resume', 'close', 'scratch', 'late-off', 'result', 'confirm', 'void'].map(
        (act) => `post /v1/operator/races/{raceId}/${act}`,
      ),
      'get /v1/operator/races/{raceId}/settlement',
      'get /v1/demo',
      'get /health/ready',
      'get /metrics',
    ])
      expect(named).toContain(route);
    expect((await t.get('/v1/asyncapi.json')).body).toMatchObject({ asyncapi: '3.0.0' });
  });

  test('metrics are Prometheus text and count the tickets', async () => {
    const { text, headers } = await t.get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    expect(text).toMatch(
      /http_server_request_duration_seconds_count\{http_request_method="POST",http_route="\/v1\/tickets",http_response_status_code="201"\} \d+/,
    );
    expect(text).toMatch(/mutuel_bets_accepted_total\{source="shard-\d",channel="web"\} \d+/);
  });
});

describe('the feed', () => {
  test('gives an image of a pool, then what changes, on the HTTP port', async () => {
    const raceId = await t.openRace();
    const socket = new WebSocket(`${t.system.url.replace('http', 'ws')}/feed`);
    const frames: Record<string, unknown>[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(String(data)) as Record<string, unknown>));
    await new Promise((open) => socket.once('open', open));
    socket.send(JSON.stringify({ op: 'subscribe', id: 7, filter: { pools: [`${raceId}-WIN`] } }));
    await until(async () => frames.some((frame) => frame['ct'] === 'SUB_IMAGE'));
    const [status, image] = frames;
    expect(statusFrame.parse(status)).toMatchObject({ id: 7, code: 'SUCCESS', durability: 'single-node' });
    expect(changeFrame.parse(image)).toMatchObject({
      id: 7,
      pc: [{ id: `${raceId}-WIN`, img: true, def: { status: 'OPEN' } }],
    });
    await t.post(`/v1/operator/races/${raceId}/suspend`, { reason: 'a loose horse' }, token('steward-anna'));
    await until(async () => JSON.stringify(frames).includes('SUSPENDED'));
    socket.close();
  });
});

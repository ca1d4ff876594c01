/**
 * Pools over several races, complements and reports through REST on the whole embedded system: from the card to the cash, priced again by
 * the public command.
 */
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { z } from 'zod';
import { priceLine } from '#mutuel/pricing';
import { changeFrame } from '#mutuel/services';
import { type EvidenceStatement, type PublishedKey, trustedKeys, verifyEvidence } from '#mutuel/verify';
import * as answers from '../src/answers.js';
import { type Reply, startTestSystem, type TestSystem, until } from './support/system.js';

let t: TestSystem;
let meetings = 0;
const token = (user: string): string => t.operators.get(user) as string;
const account = (i: number) => t.accounts[i] as { accountId: string; token: string };

beforeAll(async () => {
  t = await startTestSystem();
});
afterAll(async () => {
  await t.stop();
});

function as<S extends z.ZodType>(schema: S, reply: Reply, status = 200): z.infer<S> {
  expect(reply.status, reply.text).toBe(status);
  return schema.parse(reply.body) as z.infer<S>;
}

interface Day {
  readonly meetingId: string;
  readonly poolId: string;
  readonly legs: readonly string[];
}

const bodyOf = (type: string, legs: number, ruleSet: string, meetingId = `L${++meetings}`) => {
  const races = Array.from({ length: legs }, (_, i) => ({
    raceId: `${meetingId}-C${i + 1}`,
    number: i + 1,
    name: `Race ${i + 1}`,
    postTime: `2026-11-22T1${i}:00:00Z`,
    runners: Array.from({ length: 8 }, (_, k) => ({ number: String(k + 1), name: `Horse ${k + 1}` })),
    pools: [{ type: 'WIN', ruleSet }],
  }));
  const pools = [{ type, ruleSet, raceId: null, legs: races.map(({ raceId }) => raceId) }];
  const place = { course: 'Valmorin', date: '2026-11-22', country: 'FR', currency: 'EUR', exponent: 2 };
  return { meetingId, ...place, races, pools };
};

async function open(type: string, legs: number, ruleSet: string): Promise<Day> {
  const body = bodyOf(type, legs, ruleSet);
  as(answers.actAnswer, await t.post('/v1/operator/meetings', body, token('tote-ines')), 202);
  const ids = body.races.map(({ raceId }) => raceId);
  for (const raceId of ids) await act(raceId, 'open', { reason: 'on the card' }, 'tote-ines');
  return { meetingId: body.meetingId, poolId: `${ids[0]}-${type}`, legs: ids };
}

async function act(raceId: string, what: string, body: object, user = 'steward-anna'): Promise<void> {
  const reply = await t.post(`/v1/operator/races/${raceId}/${what}`, body, token(user));
  expect(reply.status, reply.text).toBe(202);
}

const multi = (poolId: string, columns: string[][], unitStake: number, more: object = {}) => ({
  ...{ betRef: 'a', poolId, form: 'MULTI_LEG', columns, unitStake },
  stake: unitStake * columns.reduce((lines, [first, ...rest]) => lines * (first === 'ALL' ? 8 : rest.length + 1), 1),
  ...more,
});

const ticketOf = (i: number, bet: object) => ({
  ...{ ticketRef: v7(), accountId: account(i).accountId, currency: 'EUR', bets: [bet] },
});

/** Places the bet, trying again while the shard has not been told that the race is open. */
async function place(i: number, bet: object): Promise<z.infer<typeof answers.ticketAnswer>> {
  let reply: Reply | undefined;
  await until(async () => {
    reply = await t.post('/v1/tickets', ticketOf(i, bet), account(i).token);
    return !['POOL_UNKNOWN', 'POOL_NOT_OPEN'].includes(String(reply.body['code']));
  });
  return as(answers.ticketAnswer, reply as Reply, 201);
}

const balance = async (i: number): Promise<number> =>
  as(answers.accountAnswer, await t.get(`/v1/accounts/${account(i).accountId}`, account(i).token)).balance.available;

/** Paid by the shard of each account, after the pool says SETTLED: what they come to is waited for. */
const balances = (accounts: readonly number[]): Promise<number[]> => Promise.all(accounts.map(balance));

/** A leg from the off to official. */
async function run(raceId: string, finish: string[][]): Promise<z.infer<typeof answers.settlementAnswer>> {
  await act(raceId, 'close', { reason: 'the off' });
  await act(raceId, 'result', { finish, disqualified: [] });
  return confirm(raceId);
}

async function confirm(raceId: string): Promise<z.infer<typeof answers.settlementAnswer>> {
  const preview = () => t.get(`/v1/operator/races/${raceId}/settlement`, token('steward-anna'));
  await until(async () => (await preview()).body['previewHash'] !== null);
  const settlement = as(answers.settlementAnswer, await preview());
  await act(raceId, 'confirm', { previewHash: settlement.previewHash }, 'steward-marc');
  return settlement;
}

const poolAt = async (poolId: string) => as(answers.poolAnswer, await t.get(`/v1/pools/${poolId}`));

/** The declared sheet, which the public command must make again from the sheet's own inputs. */
async function sheetOf(poolId: string, place: object = { raceId: null, legs: expect.any(Array) }) {
  await until(async () => (await t.get(`/v1/pools/${poolId}/dividends`)).status === 200);
  const { sheet, inputs, ...rest } = as(answers.dividendsAnswer, await t.get(`/v1/pools/${poolId}/dividends`));
  expect(rest).toMatchObject(place);
  const again = priceLine(inputs);
  const named = (list: readonly { tier: string; c: string; price: string; paid: number }[]) =>
    list.map(({ tier, c, price, paid }) => ({ tier, c, price, paid }));
  expect('dividends' in again ? named(again.dividends as never) : again).toEqual(named(sheet.dividends));
  return { sheet, again };
}

describe('a pool over several races', () => {
  test('a pick 3 by American rules: card, sale, scratch, close, results, preview, cash', async () => {
    const day = await open('PICK3', 3, 'US');
    const [c1 = '', c2 = '', c3 = ''] = day.legs;
    expect(await poolAt(day.poolId)).toMatchObject({ raceId: null, legs: day.legs, type: 'PICK3', status: 'OPEN' });
    const meeting = as(answers.meetingAnswer, await t.get(`/v1/meetings/${day.meetingId}`));
    expect(meeting.pools).toMatchObject([{ poolId: day.poolId, legs: day.legs, raceId: null, minStake: 50 }]);
    const race = as(answers.raceAnswer, await t.get(`/v1/races/${c1}`));
    expect(race.pools.map((pool) => pool.poolId)).toEqual([`${c1}-WIN`, day.poolId]);

    const socket = new WebSocket(`${t.system.url.replace('http', 'ws')}/feed`);
    const frames: unknown[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(String(data))));
    await new Promise((opened) => socket.once('open', opened));
    socket.send(JSON.stringify({ op: 'subscribe', id: 7, filter: { races: [c2], poolTypes: ['PICK3'] } }));
    await until(async () => frames.length > 1);
    const def = { status: 'OPEN', raceId: null, legs: day.legs };
    expect(changeFrame.parse(frames[1])).toMatchObject({ pc: [{ id: day.poolId, img: true, def }] });

    const before = await balances([1, 2, 3]);
    const taken = await place(1, multi(day.poolId, [['1', '2'], ['2', '5'], ['3']], 100));
    expect(taken.bets).toMatchObject([{ lines: 4, stake: 400, selection: '1,2/2,5/3' }]);
    await place(2, multi(day.poolId, [['1'], ['6'], ['3']], 100, { alternates: [null, '7', null] }));
    await place(3, multi(day.poolId, [['ALL'], ['8'], ['8']], 50));
    const quote = await t.post('/v1/quotes', {
      currency: 'EUR',
      bets: [multi(day.poolId, [['1'], ['2'], ['ALL']], 100)],
    });
    expect(quote.body, quote.text).toMatchObject({ bets: [{ lines: 8, cost: 800, refusal: null }] });

    await act(c1, 'close', { reason: 'the off' });
    await until(async () => {
      const late = await t.post(
        '/v1/tickets',
        ticketOf(1, multi(day.poolId, [['1'], ['2'], ['3']], 100)),
        account(1).token,
      );
      return late.body['code'] === 'POOL_CLOSED';
    });
    await act(c1, 'result', { finish: [['1'], ['2'], ['3']], disqualified: [] });
    await confirm(c1);
    // Favourite of the second leg by its win pool; 6 goes out after the pool closed: the reserve 7 of account 2 runs.
    await place(4, {
      betRef: 'w',
      poolId: `${c2}-WIN`,
      form: 'STRAIGHT',
      columns: [['5']],
      unitStake: 900,
      stake: 900,
    });
    await act(c2, 'scratch', { runner: '6', reason: 'lame' });
    await run(c2, [['7'], ['5'], ['1']]);
    await until(async () => (await poolAt(day.poolId)).odds.length > 0);
    const willPay = (await poolAt(day.poolId)).odds.find(({ c }) => c === '1/7/3');
    const last = await run(c3, [['3'], ['1'], ['2']]);
    expect(last.pools.map((pool) => pool.poolId)).toContain(day.poolId);
    await until(async () => (await poolAt(day.poolId)).status === 'SETTLED');

    await until(async () => JSON.stringify(frames).includes('SETTLED'));
    socket.close();
    // Stakes 400 + 100 + 400 = 900; net 675; account 2 alone is right, with its reserve: 675 / 100 = 6.75, to the dime 6.70.
    const { sheet } = await sheetOf(day.poolId);
    expect(sheet).toMatchObject({
      gross: 900,
      takeout: 225,
      dividends: [{ tier: 'PICK3', c: '1/7/3', price: '6.70' }],
    });
    expect(willPay).toMatchObject({ stake: 100, price: '6.70' });
    await expect
      .poll(() => balances([1, 2, 3]))
      .toEqual([(before[0] ?? 0) - 400, (before[1] ?? 0) - 100 + 670, (before[2] ?? 0) - 400]);
  });

  test('a placepot by British rules, priced again by the public command', async () => {
    const day = await open('PLACEPOT', 6, 'UK');
    const before = await balances([5, 6]);
    await place(5, multi(day.poolId, [['1'], ['2', '3'], ['1'], ['1', '2'], ['1'], ['1']], 500));
    await place(6, multi(day.poolId, [['7'], ['7'], ['7'], ['7'], ['7'], ['7', '8']], 1_000));
    const [taken] = (await place(6, multi(day.poolId, [['2'], ['2'], ['2'], ['2'], ['2'], ['2']], 1_000))).bets;
    expect(taken).toMatchObject({ lines: 1 });
    for (const raceId of day.legs) await run(raceId, [['1'], ['2'], ['3'], ['4'], ['5']]);
    // Eight run: three places. Lines: 2 x 2 = 4 of account 5 at 500 and 1 of account 6 at 1,000 are right: 3,000 of 5,000.
    // 5,000 x 0.73 = 3,650 / 3,000 = 1.21666..., the dividend to the penny below: 1.21.
    const { sheet } = await sheetOf(day.poolId);
    const price = sheet.dividends[0]?.price ?? '';
    expect(sheet).toMatchObject({ gross: 5_000, takeout: 1_350, dividends: [{ tier: 'PLACEPOT' }] });
    await until(async () => (await poolAt(day.poolId)).status === 'SETTLED');
    const won = (staked: number): number => Math.floor(staked * Number(price) + 1e-6);
    await expect
      .poll(() => balances([5, 6]))
      .toEqual([(before[0] ?? 0) - 2_000 + won(2_000), (before[1] ?? 0) - 3_000 + won(1_000)]);
  });

  test('a V64 by Swedish rules: tiers, a dead heat, a leg that is not run', async () => {
    const day = await open('V64', 6, 'SE');
    const before = await balance(7);
    const pairs = Array.from({ length: 6 }, () => ['1', '2']);
    const placed = await place(7, multi(day.poolId, pairs, 100));
    await place(
      8,
      multi(
        day.poolId,
        Array.from({ length: 6 }, () => ['3', '4', '5', '6']),
        100,
      ),
    );
    const [c1 = '', c2 = '', c3 = '', c4 = '', c5 = '', c6 = ''] = day.legs;
    await run(c1, [['1', '2'], ['3']]);
    await run(c2, [['1'], ['2']]);
    await act(c3, 'void', { reason: 'fog' });
    for (const raceId of [c4, c5, c6]) await run(raceId, [['2'], ['1']]);
    await until(async () => (await poolAt(day.poolId)).status === 'SETTLED');
    // Both of leg 1 and of leg 3 are right: 4 rows with six, 16 with five, 24 with four. 6,400 + 409,600 = 416,000 öre at 65 %:
    // 270,400, in kronor 2,704: 1,081.60 rounded 1,082 / 541 / 1,082 for the tiers; to the krona 270, 33 and 45 a row.
    const { sheet } = await sheetOf(day.poolId);
    expect(sheet.dividends).toMatchObject([
      { tier: '6/6', c: '1,2/1/*/2/2/2', price: '270.00' },
      { tier: '5/6', price: '33.00' },
      { tier: '4/6', price: '45.00' },
    ]);
    await expect.poll(() => balance(7)).toBe(before - 6_400 + 4 * 27_000 + 16 * 3_300 + 24 * 4_500);
    const ticket = as(answers.ticketViewAnswer, await t.get(`/v1/tickets/${placed.ticketId}`, account(7).token));
    expect(ticket.bets).toMatchObject([{ resulting: 'WON', settlement: 'SETTLED', payout: 268_800 }]);
    expect(ticket.proofs).toHaveLength(1);
    const { keys } = (await t.get('/v1/seal-keys')).body as unknown as { keys: PublishedKey[] };
    const pack = await t.get(`/v1/operator/tickets/${placed.ticketId}/evidence`, token('steward-anna'));
    const { faults, held } = verifyEvidence(pack.body, trustedKeys(keys));
    expect(faults, pack.text).toEqual([]);
    expect(held).toContain(`bet ${placed.ticketId}-1: 6400 was taken and 268800 came back`);
    // The acts on each of its legs are in it.
    const { events } = JSON.parse(String(pack.body['statement'])) as EvidenceStatement;
    expect(events.filter(({ action }) => action === 'EnterResult' || action === 'VoidRace')).toHaveLength(6);
    const statement = await t.get(`/v1/accounts/${account(7).accountId}/statement`, account(7).token);
    expect(as(answers.statementAnswer, statement).entries.at(-1)).toMatchObject({ kind: 'PAYOUT', poolId: day.poolId });
  });

  test('a card says what is wrong with its legs, where the body has them', async () => {
    const wrong = async (legs: string[], pointer: string): Promise<void> => {
      const body = bodyOf('PICK3', 3, 'US');
      const pools = [{ type: 'PICK3', ruleSet: 'US', legs: legs.map((leg) => body.meetingId + leg) }];
      const reply = await t.post('/v1/operator/meetings', { ...body, pools }, token('tote-ines'));
      expect(reply.body, reply.text).toMatchObject({ status: 422, code: 'CARD_INVALID', errors: [{ pointer }] });
    };
    await wrong(['-C1', '-C2', '-C9'], '/pools/0/legs/2');
    await wrong(['-C1', '-C1', '-C3'], '/pools/0/legs/1');
    await wrong(['-C2', '-C1', '-C3'], '/pools/0/legs/1');
    await wrong(['-C1', '-C3'], '/pools/0/legs');
  });
});

describe('French bets', () => {
  test('a complement takes a non-runner’s place, a report stakes what it won on the next race', async () => {
    const meetingId = `F${++meetings}`;
    const { races, ...card } = bodyOf('PICK3', 2, 'FR', meetingId);
    const [r1 = '', r2 = ''] = races.map(({ raceId }) => raceId);
    const pools = [
      { type: 'WIN', ruleSet: 'FR' },
      { type: 'TIERCE', ruleSet: 'FR' },
    ];
    const body = {
      ...card,
      races: races.map((race, i) => ({ ...race, pools: pools.slice(0, 2 - i) })),
      pools: undefined,
    };
    as(answers.actAnswer, await t.post('/v1/operator/meetings', body, token('tote-ines')), 202);
    for (const raceId of [r1, r2]) await act(raceId, 'open', { reason: 'on the card' }, 'tote-ines');
    const straight = (poolId: string, line: string[], unitStake: number, more: object = {}) => ({
      ...{
        betRef: 'a',
        poolId,
        form: 'STRAIGHT',
        columns: line.map((runner) => [runner]),
        unitStake,
        stake: unitStake,
      },
      ...more,
    });
    const before = await balances([1, 2, 3]);
    await place(3, straight(`${r2}-WIN`, ['5'], 1_700));
    const [taken] = (await place(1, straight(`${r1}-TIERCE`, ['1', '2', '3'], 1_000, { complement: ['4'] }))).bets;
    expect(taken).toMatchObject({ lines: 1, selection: '1>2>3+4' });
    await place(2, straight(`${r1}-TIERCE`, ['1', '3', '4'], 1_000));
    await place(3, straight(`${r1}-TIERCE`, ['5', '6', '7'], 8_000));
    const parts = [
      { poolId: `${r1}-WIN`, columns: [['1']] },
      { poolId: `${r2}-WIN`, columns: [['2']] },
    ];
    await place(1, { betRef: 'a', form: 'REPORT', parts, unitStake: 1_000, stake: 1_000 });
    await place(2, straight(`${r1}-WIN`, ['3'], 1_000));
    const refused = await t.post(
      '/v1/tickets',
      ticketOf(1, straight(`${r1}-WIN`, ['1'], 100, { complement: ['4'] })),
      account(1).token,
    );
    expect(refused.body).toMatchObject({ code: 'NOT_SUPPORTED', errors: [{ pointer: '/bets/0/complement' }] });

    await act(r1, 'scratch', { runner: '2', reason: 'lame' });
    await run(r1, [['1'], ['3'], ['4'], ['5']]);
    // 10,000 less 26 % are 7,400 for the order alone, over 2,000 on 1>3>4: 3.70.
    const { sheet } = await sheetOf(`${r1}-TIERCE`, { raceId: r1 });
    expect(sheet).toMatchObject({
      gross: 10_000,
      dividends: [{ tier: 'ORDER', c: '1>3>4', price: '3.70', paid: 7_400 }],
    });
    // 2,000 less 13.9 % over 1,000: 1.70; the 1,700 go on the second race.
    await until(async () => (await poolAt(`${r2}-WIN`)).gross === 3_400);
    await expect.poll(() => balance(2)).toBe((before[1] ?? 0) - 2_000 + 3_700);
    await run(r2, [['2'], ['5'], ['1']]);
    await sheetOf(`${r2}-WIN`, { raceId: r2 });
    // 3,400 less 13.9 % over 1,700: 1.70, 2,890.
    await until(async () => (await balance(1)) === (before[0] ?? 0) - 2_000 + 3_700 + 2_890);
    const statement = await t.get(`/v1/accounts/${account(1).accountId}/statement`, account(1).token);
    expect(statement.text).toContain('-1700');
  });
});

/**
 * Every pool of every rule set, sold and settled once through REST on the whole embedded system: each sheet balances and comes out again
 * from its own inputs by the public pricing command; what is carried goes into the next meeting; corrections leave what they should.
 */
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { priceLine } from '#mutuel/pricing';
import { poolTypes, ruleSetFor, shapeOf } from '#mutuel/tote';
import * as answers from '../src/answers.js';
import { type Reply, startTestSystem, type TestSystem, until } from './support/system.js';

/** One of each law: the other American names differ in break point, minimum or one pool. */
const RULES = ['FR', 'US-CA', 'UK', 'HK', 'JP', 'SE', 'AU'] as const;
/** More than any smallest stake, and what prices with three decimals pay in whole minor units. */
const UNIT = 1_000;
const FUNDS = 100_000_000;
const TODAY = new Date().toISOString().slice(0, 10);
/** Enough runners for four places in a handicap, by British rules. */
const FIELD = 16;

let t: TestSystem;
let meetings = 0;
const token = (user: string): string => t.operators.get(user) as string;
const account = (i: number) => t.accounts[i] as { accountId: string; token: string };

beforeAll(async () => {
  t = await startTestSystem();
  for (const { accountId, token: own } of t.accounts) {
    // The demo has just opened it: the shards know it, the read models a moment later.
    await until(async () => (await t.get(`/v1/accounts/${accountId}`, own)).status === 200);
    const reply = await t.post(`/v1/accounts/${accountId}/deposits`, { ref: v7(), amount: FUNDS }, own);
    expect(reply.status, reply.text).toBe(201);
  }
  // What a test reads as held before its bets must have all of it.
  await until(async () => (await balances()).every((available) => available >= FUNDS));
});
afterAll(async () => {
  await t.stop();
});

function as<S extends z.ZodType>(schema: S, reply: Reply, status = 200): z.infer<S> {
  expect(reply.status, reply.text).toBe(status);
  return schema.parse(reply.body) as z.infer<S>;
}

const offered = (rules: string): readonly string[] => poolTypes.filter((type) => ruleSetFor(rules, type, TODAY));
const isOverRaces = (type: string): boolean => shapeOf(type as 'WIN').arrangement === 'LEGS';
const picksOf = (type: string): number => shapeOf(type as 'WIN').picks;
const raceOf = (meetingId: string, number: number): string => `${meetingId}-C${number}`;

type Terms = Readonly<Record<string, unknown>>;

/** A card with every pool of one race on the first, and every pool over several from the first race on. */
function cardOf(rules: string, meetingId: string, types = offered(rules), terms: Readonly<Record<string, Terms>> = {}) {
  const over = types.filter(isOverRaces);
  const races = Array.from({ length: Math.max(1, ...over.map(picksOf)) }, (_, i) => ({
    raceId: raceOf(meetingId, i + 1),
    number: i + 1,
    name: `Race ${i + 1}`,
    postTime: new Date(Date.now() + (i + 1) * 600_000).toISOString(),
    handicap: true,
    runners: Array.from({ length: FIELD }, (__, k) => ({ number: String(k + 1), name: `Horse ${k + 1}` })),
    pools: (i === 0 ? types.filter((type) => !isOverRaces(type)) : []).map((type) => pool(type, rules, terms[type])),
  }));
  const single = races.map((race) => (race.pools.length > 0 ? race : { ...race, pools: [pool('WIN', rules)] }));
  const legs = (type: string) => races.slice(0, picksOf(type)).map(({ raceId }) => raceId);
  const pools = over.map((type) => ({ ...pool(type, rules, terms[type]), raceId: null, legs: legs(type) }));
  return {
    meetingId,
    course: 'Valmorin',
    date: TODAY,
    country: 'FR',
    currency: 'EUR',
    exponent: 2,
    races: single,
    pools,
  };
}

type Card = ReturnType<typeof cardOf>;

const pool = (type: string, ruleSet: string, more: Terms = {}) => ({ type, ruleSet, ...more });

async function publish(card: Card): Promise<void> {
  as(answers.actAnswer, await t.post('/v1/operator/meetings', card, token('tote-ines')), 202);
  for (const { raceId } of card.races) await act(raceId, 'open', { reason: 'on the card' }, 'tote-ines');
}

async function act(raceId: string, what: string, body: object, user = 'steward-anna'): Promise<void> {
  const reply = await t.post(`/v1/operator/races/${raceId}/${what}`, body, token(user));
  expect(reply.status, reply.text).toBe(202);
}

/** The order of a race: its number first, then on in card order. */
const orderOf = (number: number, shift = 0): string[] =>
  Array.from({ length: FIELD }, (_, k) => String(((number - 1 + shift + k) % FIELD) + 1));

const straight = (poolId: string, line: readonly string[], more: object = {}) => ({
  ...{ poolId, form: 'STRAIGHT', columns: line.map((runner) => [runner]), unitStake: UNIT, stake: UNIT, ...more },
});

const multi = (poolId: string, line: readonly string[]) => ({ ...straight(poolId, line), form: 'MULTI_LEG' });

/** Places bets in one ticket, trying again while the shard has not been told that the races are open. */
async function place(i: number, bets: readonly object[]): Promise<void> {
  for (let at = 0; at < bets.length; at += 10) {
    const named = bets.slice(at, at + 10).map((bet, k) => ({ betRef: `b${k}`, ...bet }));
    const body = { accountId: account(i).accountId, currency: 'EUR', bets: named };
    let reply: Reply | undefined;
    await until(async () => {
      reply = await t.post('/v1/tickets', { ticketRef: v7(), ...body }, account(i).token);
      return !reply.text.includes('POOL_UNKNOWN') && !reply.text.includes('POOL_NOT_OPEN');
    });
    as(answers.ticketAnswer, reply as Reply, 201);
  }
}

/** The winning line of every pool, the same the other way round, and lines with fewer and fewer legs right. */
async function bet(card: Card): Promise<void> {
  const [first] = card.races;
  const single = (first?.pools ?? []).map(({ type }) => ({ type, poolId: `${first?.raceId}-${type}` }));
  const named = (type: string, shift = 0): string[] => orderOf(1, shift).slice(0, picksOf(type));
  await place(
    1,
    single.map(({ poolId, type }) => straight(poolId, named(type))),
  );
  await place(
    2,
    single.map(({ poolId, type }) => straight(poolId, named(type).reverse())),
  );
  await place(
    3,
    single.map(({ poolId, type }) => straight(poolId, named(type, 1))),
  );
  const over = card.pools.map(({ type, legs }) => ({ poolId: `${legs[0]}-${type}`, legs }));
  const line = (legs: readonly string[], right: number) => legs.map((_, k) => (k < right ? String(k + 1) : '16'));
  for (const miss of [0, 1, 2])
    await place(
      4 + miss,
      over.map(({ poolId, legs }) => multi(poolId, line(legs, legs.length - miss))),
    );
}

/** A race from the off, or another order of it, to official. */
async function settle(raceId: string, order: readonly string[], reason?: string): Promise<void> {
  const finish = order.map((runner) => [runner]);
  if (reason === undefined) await act(raceId, 'close', { reason: 'the off' });
  await act(raceId, 'result', { finish, disqualified: [], ...(reason === undefined ? {} : { reason }) });
  await confirm(raceId);
}

async function confirm(raceId: string): Promise<void> {
  const preview = () => t.get(`/v1/operator/races/${raceId}/settlement`, token('steward-marc'));
  let shown: z.infer<typeof answers.settlementAnswer> | undefined;
  await until(async () => {
    shown = as(answers.settlementAnswer, await preview());
    return shown.previewHash !== null;
  });
  await act(raceId, 'confirm', { previewHash: shown?.previewHash }, 'steward-marc');
  await until(async () => (await t.get(`/v1/races/${raceId}`)).body['status'] === 'SETTLED');
}

async function runAll(card: Card): Promise<void> {
  for (const { raceId, number } of card.races) await settle(raceId, orderOf(number));
}

/** A declared sheet, which balances and which the public command makes again from its inputs. */
async function sheetOf(poolId: string) {
  await until(async () => (await t.get(`/v1/pools/${poolId}/dividends`)).status === 200);
  const { sheet, inputs } = as(answers.dividendsAnswer, await t.get(`/v1/pools/${poolId}/dividends`));
  const paid = sheet.dividends.reduce((sum, one) => sum + one.paid, 0);
  const out = sheet.takeout + paid + sheet.refunded + sheet.breakage - sheet.topUp + sheet.carryOut + sheet.jackpot;
  expect([poolId, sheet.gross + sheet.carryIn + sheet.jackpotIn]).toEqual([poolId, out]);
  // Nobody bet: the command has nothing to price.
  if (sheet.gross + sheet.carryIn === 0) return { ...sheet, paid };
  const again = priceLine(inputs) as Record<string, unknown>;
  const named = (list: unknown) =>
    (list as { tier: string; c: string; price: string; paid: number }[]).map((d) => [d.tier, d.c, d.price, d.paid]);
  expect([poolId, named(again['dividends'] ?? [])]).toEqual([poolId, named(sheet.dividends)]);
  for (const figure of ['topUp', 'carryOut', 'jackpot', 'breakage'] as const)
    expect([poolId, figure, again[figure]]).toEqual([poolId, figure, sheet[figure]]);
  return { ...sheet, paid };
}

const balances = (): Promise<number[]> =>
  Promise.all(
    t.accounts.map(async ({ accountId, token: own }) => {
      const { balance } = as(answers.accountAnswer, await t.get(`/v1/accounts/${accountId}`, own));
      return balance.available;
    }),
  );

const held = async (): Promise<number> => (await balances()).reduce((sum, available) => sum + available, 0);

/** Until the accounts hold what the sheets give, which is told: they are read a moment after the races are settled. */
async function paidAsDeclared(cards: readonly Card[], before: number): Promise<number> {
  const sheets = await Promise.all(cards.flatMap(poolIdsOf).map(sheetOf));
  const due = sheets.reduce((sum, { gross, paid, refunded }) => sum - gross + paid + refunded, before);
  await until(async () => (await held()) === due);
  return due;
}

const poolIdsOf = (card: Card): string[] => [
  ...card.races.flatMap(({ raceId, pools }) => pools.map(({ type }) => `${raceId}-${type}`)),
  ...card.pools.map(({ type, legs }) => `${legs[0]}-${type}`),
];

describe('every pool of every rule set', () => {
  test('is sold, settled and paid to the last cent, and priced again by anybody', async () => {
    const cards = RULES.map((rules) => cardOf(rules, `E${++meetings}-${rules}`));
    expect(
      new Set(
        cards.flatMap((card) => [...card.races.flatMap((race) => race.pools), ...card.pools]).map((one) => one.type),
      ),
    ).toEqual(new Set(poolTypes.filter((type) => type !== 'REPORT')));
    await Promise.all(cards.map(publish));
    const before = await held();
    for (const card of cards) await bet(card);
    await Promise.all(cards.map(runAll));
    await paidAsDeclared(cards, before);
  });

  test('is corrected: another order and back again leave every account as it was', async () => {
    const card = cardOf('FR', `E${++meetings}`);
    const [raceId = ''] = card.races.map((race) => race.raceId);
    await publish(card);
    const before = await held();
    await bet(card);
    await runAll(card);
    const paid = await paidAsDeclared([card], before);
    await settle(raceId, orderOf(3), 'the photograph');
    await until(async () => (await held()) !== paid);
    await settle(raceId, orderOf(1), 'the photograph was of another race');
    await until(async () => (await held()) === paid);
    await Promise.all(poolIdsOf(card).map(sheetOf));
  });
});

describe('what a pool is played for beside its bets', () => {
  test('a guarantee is made up by the operator, and a reserve goes to the order of a quinté', async () => {
    const terms = { QUINTE: { guarantee: 1_000_000, jackpotIn: 500_000 } };
    const card = cardOf('FR', `E${++meetings}`, ['WIN', 'QUINTE'], terms);
    const poolId = `${card.races[0]?.raceId}-QUINTE`;
    await publish(card);
    expect((await t.get(`/v1/pools/${poolId}`)).body).toMatchObject(terms.QUINTE);
    await bet(card);
    await runAll(card);
    const sheet = await sheetOf(poolId);
    // Three bets of 10.00: the operator adds what is missing to 10,000.00.
    expect(sheet).toMatchObject({ gross: 3_000, guarantee: 997_000, jackpotIn: 500_000, jackpot: 0 });
  });

  test('what nobody wins waits for the next meeting, whose last day pays all of it', async () => {
    const first = cardOf('US-CA', `E${++meetings}`, ['WIN', 'PICK6']);
    const poolId = `${first.races[0]?.raceId}-PICK6`;
    await publish(first);
    const legs = first.races.map(({ number }) => String(number));
    await place(1, [multi(poolId, legs.with(0, '16')), multi(poolId, legs.with(5, '16'))]);
    await runAll(first);
    const { carryOut, jackpot } = await sheetOf(poolId);
    expect([carryOut > 0, jackpot > 0]).toEqual([true, true]);

    const carried = { carryIn: carryOut, carryFrom: [poolId], guarantee: 2_000_000, mandatory: true };
    const fund = { jackpotIn: jackpot, jackpotFrom: ['fund:US-CA-PICK6'] };
    const next = cardOf('US-CA', `E${++meetings}`, ['WIN', 'PICK6'], { PICK6: { ...carried, ...fund } });
    await publish(next);
    const nextId = `${next.races[0]?.raceId}-PICK6`;
    await place(1, [multi(nextId, legs.with(0, '16'))]);
    await runAll(next);
    const sheet = await sheetOf(nextId);
    expect(sheet).toMatchObject({ carryIn: carryOut, jackpotIn: jackpot, carryOut: 0, jackpot: 0, outcome: 'PAID' });
    expect(sheet.paid).toBeGreaterThan(carryOut);
    // It is spent: no other pool can take it.
    const again = cardOf('US-CA', `E${++meetings}`, ['WIN', 'PICK6'], { PICK6: carried });
    const refused = await t.post('/v1/operator/meetings', again, token('tote-ines'));
    expect(refused.body).toMatchObject({ code: 'CARD_INVALID', errors: [{ pointer: '/pools/0/carryInMinor' }] });
  });

  test('a scoop 6 is run over two meetings', async () => {
    const [a, b] = [1, 2].map(() => cardOf('UK', `E${++meetings}`, ['WIN', 'QUADPOT'])) as [Card, Card];
    const three = (card: Card) => ({ ...card, races: card.races.slice(0, 3), pools: [] });
    const legs = [0, 1, 2].flatMap((i) => [a, b].flatMap((card) => card.races[i]?.raceId ?? []));
    const late = { ...three(b), pools: [{ type: 'SCOOP6', ruleSet: 'UK', raceId: null, legs }] };
    // The second meeting a minute behind the first.
    const races = late.races.map((race) => ({
      ...race,
      postTime: new Date(Date.parse(race.postTime) + 60_000).toISOString(),
    }));
    await publish(three(a));
    await publish({ ...late, races });
    const poolId = `${legs[0]}-SCOOP6`;
    await place(1, [multi(poolId, ['1', '1', '2', '2', '3', '3'])]);
    await place(2, [multi(poolId, ['1', '1', '2', '2', '3', '16'])]);
    for (const [i, raceId] of legs.entries()) await settle(raceId, orderOf(Math.floor(i / 2) + 1));
    const { dividends } = await sheetOf(poolId);
    expect(dividends.map(({ tier }) => tier)).toContain('WIN_FUND');
  });

  test('a first 4 is sold into the quartet pool, one sheet for both', async () => {
    const card = cardOf('HK', `E${++meetings}`, ['WIN', 'QUARTET']);
    const poolId = `${card.races[0]?.raceId}-QUARTET`;
    await publish(card);
    const line = orderOf(1).slice(0, 4);
    await place(1, [straight(poolId, line)]);
    await place(2, [
      { poolId, form: 'BOX', runners: [...line].reverse(), orders: 'SET', unitStake: UNIT, stake: UNIT },
    ]);
    await runAll(card);
    const { dividends } = await sheetOf(poolId);
    expect(dividends.map(({ tier, c }) => [tier, c])).toEqual([
      ['QUARTET', '1>2>3>4'],
      ['FIRST4', '1-2-3-4'],
    ]);
  });
});

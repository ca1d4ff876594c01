/**
 * A race of each country's day, with every pool that it sells, from the card to the payment through the API: each dividend sheet
 * comes out again from its own inputs by the public pricing command, and the accounts hold what the sheets say.
 */
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chance, COUNTRIES, type Country, crowdBet, inventCard, inventStrengths, runRace } from '#mutuel/demo';
import { priceLine } from '#mutuel/pricing';
import { poolShapes } from '#mutuel/tote';
import { type DemoCast, type System, startSystem } from './system.js';

const CROWD = 60;
const LEAST = 1_000;
/** Enough for any seed's bets: 1,000,000.00. */
const FUNDS = 100_000_000;
/** What the demo opens an account with: 10,000.00. */
const OPENING = 1_000_000;
const today = new Date().toISOString().slice(0, 10);

interface Sheet {
  outcome: string;
  gross: number;
  refunded: number;
  dividends: { tier: string; c: string; price: string; paid: number }[];
}

describe('the day of each country', () => {
  let system: System;
  let cast: DemoCast;
  /** What all accounts hold together, as the answers and the sheets say. */
  let held = 0;
  let meetings = 70;
  const tokenOf = (user: string): string => cast.operators.find((one) => one.user === user)?.token ?? '';

  beforeAll(async () => {
    system = await startSystem();
    cast = await system.demo();
    for (const { accountId, token } of cast.accounts)
      await system.post(`/v1/accounts/${accountId}/deposits`, { ref: v7(), amount: FUNDS }, token);
    held = cast.accounts.length * (OPENING + FUNDS);
  });

  afterAll(() => system?.stop());

  const balances = async (): Promise<number> => {
    const each = cast.accounts.map(async ({ accountId, token }) => {
      const account = (await system.get(`/v1/accounts/${accountId}`, token)) as { balance: { available: number } };
      return account.balance.available;
    });
    return (await Promise.all(each)).reduce((a, b) => a + b, 0);
  };

  it.each(COUNTRIES)(
    '$code: every pool is sold, settled and paid, and its sheet can be worked out again',
    async (country) => {
      const chance = new Chance(country.code.charCodeAt(0));
      const { raceId, runners, pools } = await opened(country, chance);
      const strengths = inventStrengths(chance, runners.length);
      const finish = runRace(
        chance,
        runners.map(({ number }) => number),
        strengths,
      );
      const order = finish.flat();

      const bet = async (body: object & { stake: number }): Promise<void> => {
        const { accountId, token } = chance.pick(cast.accounts);
        const ticket = { ticketRef: v7(), accountId, currency: 'EUR', bets: [body] };
        await system.post('/v1/tickets', ticket, token);
        held -= body.stake;
      };
      for (const { poolId, type } of pools) {
        // Somebody has the winning line of each pool, somebody else the same runners the other way round.
        const named = order.slice(0, poolShapes[type as keyof typeof poolShapes].picks);
        for (const line of [named, [...named].reverse()])
          await bet({
            ...{ betRef: 'a', poolId, form: 'STRAIGHT', columns: line.map((runner) => [runner]) },
            ...{ unitStake: LEAST, stake: LEAST },
          });
      }
      for (let i = 0; i < CROWD; i++) {
        const body = crowdBet(chance, { runners, strengths, scratched: new Set() }, pools);
        if (body) await bet(body);
      }
      await expect.poll(balances).toBe(held);

      const at = `/v1/operator/races/${raceId}`;
      await system.post(`${at}/close`, { reason: 'they are off' }, tokenOf('steward-anna'));
      await system.post(`${at}/result`, { finish, disqualified: [] }, tokenOf('steward-anna'));
      await expect.poll(() => confirmed(at)).toBe(true);
      await expect.poll(() => statusOf(raceId)).toBe('SETTLED');

      for (const { poolId, type } of pools) {
        const { sheet, inputs } = await sheetOf(poolId);
        const again = priceLine(inputs) as Sheet;
        expect(again.dividends.map(({ tier, c, price }) => [type, tier, c, price])).toEqual(
          sheet.dividends.map(({ tier, c, price }) => [type, tier, c, price]),
        );
        expect(sheet.dividends.length + sheet.refunded).toBeGreaterThan(0);
        held += sheet.refunded + sheet.dividends.reduce((sum, { paid }) => sum + paid, 0);
      }
      await expect.poll(balances).toBe(held);
    },
  );

  async function opened(country: Country, chance: Chance) {
    const number = country.feature?.race ?? 1;
    const plan = { country, date: today, meetingNo: ++meetings, races: number };
    const card = inventCard(chance, { ...plan, firstPost: Date.now() + 3_600_000, everyMs: 60_000 });
    await system.post('/v1/operator/meetings', card, tokenOf('tote-ines'));
    const race = card.races[number - 1];
    if (!race) throw new Error(`there is no race ${number}`);
    await system.post(`/v1/operator/races/${race.raceId}/open`, { reason: 'on the card' }, tokenOf('tote-ines'));
    const pools = race.pools.map(({ type }) => ({ poolId: `${race.raceId}-${type}`, type, minStake: LEAST }));
    // The fact travels to the shards; each takes a bet once it has it.
    await expect.poll(() => statusOf(race.raceId)).toBe('OPEN');
    for (const { accountId } of cast.accounts) await expect.poll(() => sells(accountId, race.raceId)).toBe(true);
    return { raceId: race.raceId, runners: race.runners, pools };
  }

  /** Whether the account's shard takes a bet on the race: one of the smallest amount on its first runner. */
  async function sells(accountId: string, raceId: string): Promise<boolean> {
    const token = cast.accounts.find((one) => one.accountId === accountId)?.token ?? '';
    const bet = { betRef: 'a', poolId: `${raceId}-WIN`, form: 'STRAIGHT', columns: [['1']] };
    const bets = [{ ...bet, unitStake: LEAST, stake: LEAST }];
    const ticket = { ticketRef: v7(), accountId, currency: 'EUR', bets };
    return system.post('/v1/tickets', ticket, token).then(
      () => {
        held -= LEAST;
        return true;
      },
      () => false,
    );
  }

  const statusOf = async (raceId: string): Promise<unknown> =>
    ((await system.get(`/v1/races/${raceId}`)) as { status: unknown }).status;

  async function confirmed(at: string): Promise<boolean> {
    const second = tokenOf('steward-marc');
    const { previewHash } = (await system.get(`${at}/settlement`, second)) as { previewHash: string | null };
    if (previewHash === null) return false;
    await system.post(`${at}/confirm`, { previewHash }, second);
    return true;
  }

  /** The read models follow the market by a moment. */
  async function sheetOf(poolId: string): Promise<{ sheet: Sheet; inputs: unknown }> {
    const asked = () => system.get(`/v1/pools/${poolId}/dividends`).catch(() => undefined);
    await expect.poll(asked).toBeDefined();
    return (await asked()) as { sheet: Sheet; inputs: unknown };
  }
});

/**
 * Official results that are changed, through REST alone against the embedded system: what was paid is settled again as the
 * difference, by two people; balances, statements, tickets and sheets tell the same story.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ruleSetFor } from '#mutuel/tote';
import { type PublishedKey, type Signed, trustedKeys, verifyEvidence } from '#mutuel/verify';
import { launchBrowser, Stewards } from './pages.js';
import { type System, startSystem } from './system.js';

const day = new Date().toISOString().slice(0, 10);
const meetingId = `${day}-R78`;
const raceOf = (n: number): string => `${meetingId}-C${n}`;

const raceCard = (n: number) => ({
  raceId: raceOf(n),
  number: n,
  name: `Prix ${n}`,
  postTime: new Date(Date.now() + 3_600_000).toISOString(),
  runners: ['1', '2', '3', '4'].map((number) => ({ number, name: `Cheval ${number}` })),
  pools: [{ type: 'WIN', ruleSet: 'FR@2021-01-01' }],
});
const card = {
  ...{ meetingId, course: 'Chantereine', date: day, country: 'FR', currency: 'EUR', exponent: 2 },
  races: [raceCard(1), raceCard(2), raceCard(3), raceCard(4)],
};

/** French win rules, but a pool that nobody wins is carried on, net. */
const CARRIES = {
  ...ruleSetFor('FR', 'WIN', day),
  id: 'TEST-WIN@2021-01-01',
  name: 'TEST',
  noWinner: ['CARRY'],
  carry: 'NET',
};
const meetingWith = (n: number, pool: object) => ({
  ...card,
  meetingId: `${day}-R${n}`,
  races: [{ ...raceCard(1), raceId: `${day}-R${n}-C1`, pools: [{ type: 'WIN', ruleSet: CARRIES, ...pool }] }],
});

interface Bettor {
  readonly accountId: string;
  readonly token: string;
}
interface Entry {
  readonly ticketId: string | null;
  readonly kind: string;
  readonly amount: number;
  readonly before: number;
  readonly after: number;
  readonly poolId: string | null;
  readonly reason: string | null;
  readonly owed: number | null;
}

/**
 * The win pool of each race, in cents: 2,000 on 1 by the first bettor, 3,000 on 2 by the second. 13.9 % of 5,000 is 695, net 4,305.
 *
 * | winner | price                       | paid  |
 * |--------|-----------------------------|-------|
 * | 1      | 4,305 / 2,000 = 2.1525: 2.10 | 4,200 |
 * | 2      | 4,305 / 3,000 = 1.435: 1.40  | 4,200 |
 */
const PAID = 4_200;
const A = [['1'], ['3'], ['4']];
const B = [['2'], ['3'], ['4']];

describe('a changed result', () => {
  let system: System;
  let bettors: [Bettor, Bettor];
  let operator: string;
  let persons: string[];
  let stewards: [string, string];

  beforeAll(async () => {
    system = await startSystem();
    const { accounts, operators } = await system.demo();
    bettors = accounts.slice(0, 2) as unknown as [Bettor, Bettor];
    operator = operators.find(({ roles }) => roles.includes('TOTE_OPERATOR'))?.token ?? '';
    const [one, two] = operators.filter(({ roles }) => roles.includes('STEWARD'));
    stewards = [one?.token ?? '', two?.token ?? ''];
    persons = [one?.user ?? '', two?.user ?? ''];
    await system.post('/v1/operator/meetings', card, operator);
  });

  afterAll(async () => system?.stop());

  it('is paid as the difference, and paid back whole when it is changed again: A, B, A leaves every balance as A', async () => {
    await expect.poll(async () => Math.min(...(await both()))).toBeGreaterThan(100_000);
    const before = await both();
    await runRace(1);
    await settle(1, A, '');
    const asA = [(before[0] as number) - 2_000 + PAID, (before[1] as number) - 3_000];
    await expect.poll(both).toEqual(asA);

    await settle(1, B, 'the winner weighed in light');
    await expect.poll(both).toEqual([(asA[0] as number) - PAID, (asA[1] as number) + PAID]);
    const pool = `${raceOf(1)}-WIN`;
    const corrected = (await entries(bettors[0])).filter(({ kind }) => kind === 'CORRECTION');
    expect(corrected).toEqual([
      expect.objectContaining({ amount: -PAID, after: (asA[0] as number) - PAID, poolId: pool, reason: 'RESULT 2' }),
    ]);

    await settle(1, A, 'the scales were wrong');
    await expect.poll(both).toEqual(asA);
    const sheet = await get<Dividends>(`/v1/pools/${pool}/dividends`, operator);
    expect(sheet.sheet.dividends.map(({ c, price }) => [c, price])).toEqual([['1', '2.10']]);
    expect(
      sheet.versions.map(({ version, reason, sheet: { dividends } }) => [version, reason, dividends[0]?.c]),
    ).toEqual([
      [3, 'the scales were wrong', '1'],
      [2, 'the winner weighed in light', '2'],
      [1, null, '1'],
    ]);
    expect(sheet.inputs).toMatchObject({ result: A, gross: 5_000 });
    const { keys } = await get<{ keys: PublishedKey[] }>('/v1/seal-keys', operator);
    for (const { ticketId } of corrected) {
      const pack = await get<Signed>(`/v1/operator/tickets/${String(ticketId)}/evidence`, operator);
      const { faults, held } = verifyEvidence(pack, trustedKeys(keys));
      expect(faults).toEqual([]);
      expect(held.at(-1)).toMatch(new RegExp(`: 2000 was taken and ${PAID} came back$`));
    }
    const statement = await entries(bettors[0]);
    for (const [i, entry] of statement.entries()) {
      expect(entry.after - entry.before).toBe(entry.amount);
      if (i > 0) expect(entry.before).toBe(statement[i - 1]?.after);
    }
  });

  it('shows the differences before it is confirmed, and by another person alone', async () => {
    const path = `/v1/operator/races/${raceOf(1)}`;
    const order = { finish: B, disqualified: [] };
    expect(await refused(`${path}/result`, order, stewards[0])).toBe('REASON_REQUIRED');
    await system.post(`${path}/result`, { ...order, reason: 'objection' }, stewards[0]);
    const preview = await previewOf(1);
    expect(preview).toMatchObject({ corrects: 3, status: 'PROVISIONAL' });
    expect(preview.differences).toEqual({ bets: 2, toPay: PAID, toTakeBack: PAID, short: 0, kept: 0 });
    const [win] = preview.pools;
    expect(win).toMatchObject({ policy: 'CLAWBACK', correction: { difference: 0, before: { paid: PAID } } });
    expect(win?.correction?.before.dividends.map(({ c, price }) => [c, price])).toEqual([['1', '2.10']]);
    expect(win?.dividends.map(({ c, price }) => [c, price])).toEqual([['2', '1.40']]);
    const confirm = { previewHash: preview.previewHash };
    expect(await refused(`${path}/confirm`, confirm, stewards[0])).toBe('SAME_PERSON');
    const balances = await both();
    await system.post(`${path}/confirm`, confirm, stewards[1]);
    await expect.poll(both).toEqual([(balances[0] as number) - PAID, (balances[1] as number) + PAID]);
  });

  it('takes back what is there; the rest is owed and kept back from winnings', async () => {
    const [first] = bettors;
    const rich = (await balance(first)) - 2_000 + PAID;
    const ticket = await runRace(2);
    await settle(2, A, '');
    await expect.poll(() => balance(first)).toBe(rich);
    await system.post(`/v1/accounts/${first.accountId}/withdrawals`, { ref: 'all', amount: rich - 1_000 }, first.token);
    await expect.poll(() => balance(first)).toBe(1_000);

    await settle(2, B, 'interference');
    await expect.poll(() => account(first)).toEqual({ available: 0, owed: PAID - 1_000 });
    const last = (await entries(first)).at(-1);
    expect(last).toMatchObject({ kind: 'CORRECTION', amount: -1_000, after: 0, owed: PAID - 1_000 });
    const bets = await get<{ bets: { resulting: string; settlement: string; payout: number }[] }>(
      `/v1/tickets/${ticket}`,
      first.token,
    );
    expect(bets.bets).toEqual([
      expect.objectContaining({ resulting: 'CORRECTED', settlement: 'RESETTLED', payout: 0 }),
    ]);

    await settle(2, A, 'appeal upheld');
    await expect.poll(() => account(first)).toEqual({ available: 1_000, owed: 0 });
    expect((await entries(first)).slice(-2).map(({ kind, amount, owed }) => [kind, amount, owed])).toEqual([
      ['CORRECTION', PAID, null],
      ['RECOVERY', -(PAID - 1_000), -(PAID - 1_000)],
    ]);
  });

  it('to no result at all gives the stakes back, less what was paid', async () => {
    await system.post(`/v1/operator/races/${raceOf(2)}/void`, { reason: 'wrong course' }, stewards[0]);
    const before = await both();
    await confirmed(2);
    await expect.poll(() => statusOf(2)).toBe('VOID');
    // The first has had 4,200 for a stake of 2,000 and holds 1,000: nothing is left, 1,200 is owed.
    await expect.poll(both).toEqual([0, (before[1] as number) + 3_000]);
    expect(await account(bettors[0])).toEqual({ available: 0, owed: PAID - 2_000 - 1_000 });
  });

  it('is seen by the stewards as old against new before one of them agrees to it', async () => {
    const [{ accountId, token }] = bettors;
    await system.post(`/v1/accounts/${accountId}/deposits`, { ref: 'more', amount: 100_000 }, token);
    await runRace(3);
    await settle(3, A, '');
    const browser = await launchBrowser();
    try {
      const enters = await Stewards.open(browser, system.url, raceOf(3), persons[0] ?? '');
      await enters.waitForStatus('SETTLED');
      await enters.at('re-enter').click();
      await enters.page.getByText('Start over').click();
      await enters.at('correction-reason').fill('objection upheld');
      await enters.enterOrder(B);
      await enters.waitForStatus('PROVISIONAL');
      await enters.waitForPreview();
      expect(await enters.at('confirm-result').isDisabled()).toBe(true);
      const agrees = await Stewards.open(browser, system.url, raceOf(3), persons[1] ?? '');
      await agrees.waitForPreview();
      const amounts = await agrees.at('correction-amounts').innerText();
      expect(amounts).toMatch(/To pay\s+€42\.00/u);
      expect(amounts).toMatch(/To take back\s+€42\.00/u);
      const sheet = await agrees.pool('WIN');
      expect(sheet).toMatch(/was 2\.10/u);
      expect(sheet).toMatch(/2\.10\s+nothing\s+−€42\.00/u);
      expect(sheet).toMatch(/nothing\s+1\.40\s+\+€42\.00/u);
      await agrees.confirm();
      await agrees.waitForStatus('SETTLED');
    } finally {
      await browser.close();
    }
  });

  it('of a pool that was carried on is the operator’s, once the next meeting has the carry-over', async () => {
    const [first, next, third] = [81, 82, 83];
    const winOf = (n: number) => `${day}-R${n}-C1-WIN`;
    await system.post('/v1/operator/meetings', meetingWith(first, {}), operator);
    await runRace(1, `${day}-R${first}-C1`);
    await settle(1, [['4'], ['3']], '', `${day}-R${first}-C1`);
    // Nobody has 4: the net of 4,305 waits for the next meeting.
    expect(await carriedOver(winOf(first))).toMatchObject({ type: 'WIN', amount: 4_305, left: 4_305, taken: [] });
    const take = { carryIn: 4_305, carryFrom: [winOf(first)] };
    const more = { ...take, carryIn: 4_306 };
    expect(await refused('/v1/operator/meetings', meetingWith(next, more), operator)).toBe('CARD_INVALID');
    await system.post('/v1/operator/meetings', meetingWith(next, take), operator);
    expect(await refused('/v1/operator/meetings', meetingWith(third, take), operator)).toBe('CARD_INVALID');
    await runRace(1, `${day}-R${next}-C1`);
    await settle(1, A, '', `${day}-R${next}-C1`);
    // 4,305 of its own and 4,305 carried in, on 2,000: 4.305, cut to 4.30.
    const paid = await get<Dividends>(`/v1/pools/${winOf(next)}/dividends`, operator);
    expect(paid.sheet).toMatchObject({ carryIn: 4_305, dividends: [{ c: '1', price: '4.30' }] });
    // The pool it came from turns out to be won: it is paid, and the next one's money stays where it is.
    await settle(1, A, 'dead heat after all', `${day}-R${first}-C1`);
    const corrected = await get<Dividends>(`/v1/pools/${winOf(first)}/dividends`, operator);
    expect(corrected.sheet).toMatchObject({ carryOut: 0, dividends: [{ c: '1', price: '2.10' }] });
    expect(await carriedOver(winOf(first))).toMatchObject({
      amount: 0,
      left: 0,
      taken: [{ poolId: winOf(next), amount: 4_305 }],
    });
  });

  // ── What the tests do ──────────────────────────────────────────────────────────────────────────────────────────

  interface Sheet {
    readonly dividends: readonly { readonly c: string; readonly price: string }[];
  }
  interface Dividends {
    readonly sheet: Sheet;
    readonly versions: readonly { readonly version: number; readonly reason: string | null; readonly sheet: Sheet }[];
    readonly inputs: unknown;
  }
  interface Preview {
    readonly previewHash: string | null;
    readonly resultVersion: number;
    readonly corrects: number | null;
    readonly status: string;
    readonly differences: unknown;
    readonly pools: readonly (Sheet & {
      readonly policy: string;
      readonly correction: { readonly before: Sheet } | null;
    })[];
  }

  /** Sells the race's bets and stops it; the first bettor's ticket. */
  async function runRace(n: number, raceId = raceOf(n)): Promise<string> {
    const path = `/v1/operator/races/${raceId}`;
    await system.post(`${path}/open`, { reason: 'card' }, operator);
    await expect.poll(() => statusOf(n, raceId)).toBe('OPEN');
    const ticket = await bet(bettors[0], raceId, '1', 2_000);
    await bet(bettors[1], raceId, '2', 3_000);
    await system.post(`${path}/close`, { reason: 'off' }, operator);
    return ticket;
  }

  async function bet({ accountId, token }: Bettor, raceId: string, runner: string, stake: number): Promise<string> {
    const one = {
      betRef: 'a',
      poolId: `${raceId}-WIN`,
      form: 'STRAIGHT',
      columns: [[runner]],
      unitStake: stake,
      stake,
    };
    const body = { ticketRef: uuid7(), accountId, currency: 'EUR', atomic: true, bets: [one] };
    const answer = (await system.post('/v1/tickets', body, token)) as { status: string; ticketId: string };
    expect(answer.status).toBe('ACCEPTED');
    return answer.ticketId;
  }

  async function settle(n: number, finish: string[][], reason: string, raceId = raceOf(n)): Promise<void> {
    const why = reason === '' ? {} : { reason };
    const path = `/v1/operator/races/${raceId}`;
    const { resultVersion } = await get<Preview>(`${path}/settlement`, operator);
    await system.post(`${path}/result`, { finish, disqualified: [], ...why }, stewards[0]);
    await confirmed(n, raceId, resultVersion + 1);
    await expect.poll(() => statusOf(n, raceId)).toBe('SETTLED');
  }

  async function confirmed(n: number, raceId = raceOf(n), version = 0): Promise<void> {
    const { previewHash, resultVersion } = await previewOf(n, raceId, version);
    await system.post(`/v1/operator/races/${raceId}/confirm`, { previewHash }, stewards[1]);
    // The public sheet comes from the read models: with it they are past the declaration.
    const declared = async () => {
      const answer = await fetch(`${system.url}/v1/pools/${raceId}-WIN/dividends`);
      return answer.ok ? (((await answer.json()) as Dividends).versions[0]?.version ?? 0) : 0;
    };
    await expect.poll(declared).toBe(resultVersion);
  }

  const carriedOver = async (id: string): Promise<unknown> =>
    (await get<{ carryOvers: { id: string }[] }>('/v1/operator/carry-overs', operator)).carryOvers.find(
      (one) => one.id === id,
    );

  /** The preview of this result or a later one, once it can be confirmed. */
  async function previewOf(n: number, raceId = raceOf(n), version = 0): Promise<Preview> {
    const look = () => get<Preview>(`/v1/operator/races/${raceId}/settlement`, operator);
    const isReady = ({ previewHash, resultVersion, status }: Preview) =>
      status === 'PROVISIONAL' && previewHash !== null && resultVersion >= version;
    await expect.poll(async () => isReady(await look())).toBe(true);
    return look();
  }

  const statusOf = async (n: number, raceId = raceOf(n)) =>
    (await get<{ status: string }>(`/v1/races/${raceId}`, operator)).status;

  const account = async ({ accountId, token }: Bettor) =>
    (await get<{ balance: { available: number; owed: number } }>(`/v1/accounts/${accountId}`, token)).balance;

  const balance = async (bettor: Bettor) => (await account(bettor)).available;

  const both = () => Promise.all(bettors.map(balance));

  const entries = async ({ accountId, token }: Bettor) =>
    (await get<{ entries: Entry[] }>(`/v1/accounts/${accountId}/statement`, token)).entries;

  async function get<T>(path: string, token: string): Promise<T> {
    const answer = await fetch(system.url + path, { headers: { authorization: `Bearer ${token}` } });
    expect([path, answer.status]).toEqual([path, 200]);
    return (await answer.json()) as T;
  }

  /** The code of the problem that the request is answered with. */
  async function refused(path: string, body: unknown, token: string): Promise<string> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const answer = await fetch(system.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return ((await answer.json()) as { code: string }).code;
  }
});

/** A UUIDv7 of now. */
function uuid7(): string {
  const hex = Date.now().toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
  const bits = `${hex.slice(0, 12)}7${hex.slice(13, 16)}8${hex.slice(17, 32)}`;
  return bits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

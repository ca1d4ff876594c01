/**
 * One race from the first bet to the payment, through the public board and the stewards' page in a real browser, against the
 * embedded system as its users start it. Bets, results and money go through the pages; only the card is loaded by the API.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Board, launchBrowser, Stewards } from './pages.js';
import { type System, startSystem } from './system.js';

const day = new Date().toISOString().slice(0, 10);
const meetingId = `${day}-R77`;
const raceId = `${meetingId}-C1`;

const card = {
  meetingId,
  course: 'Chantereine',
  date: day,
  country: 'FR',
  currency: 'EUR',
  exponent: 2,
  races: [
    {
      raceId,
      number: 1,
      name: 'Prix du Vieux Moulin',
      postTime: new Date(Date.now() + 3_600_000).toISOString(),
      runners: ['Aube Claire', 'Bois Joli', 'Cap Horn', 'Dernier Tour', 'Écume de Mer'].map((name, index) => ({
        number: String(index + 1),
        name,
      })),
      pools: [
        { type: 'WIN', ruleSet: 'FR@2021-01-01' },
        { type: 'EXACTA', ruleSet: 'FR@2021-01-01' },
      ],
    },
  ],
};

/**
 * The money of the race, in cents. All of it is one bettor's.
 *
 * | pool   | staked                      | gross | takeout        | net  | winner          | price                | paid |
 * |--------|-----------------------------|-------|----------------|------|-----------------|----------------------|------|
 * | win    | 2,000 on 4, 2,000 on 1, 2   | 6,000 | 13.9 % =   834 | 5166 | 2,000 on 4      | 2.583, cut to 2.50   | 5000 |
 * | exacta | box of 4, 1, 2: 6 × 100     |   600 | 26 %   =   156 |  444 | 100 on 4>1      | 4.44, cut to 4.40    |  440 |
 */
const STAKED = 6_000 + 600;
const PAID = 5_000 + 440;

describe('a race in the browser', () => {
  let system: System;
  let browser: Browser;
  let accountId: string;
  let stewards: string[];
  let toteOperator: string;

  beforeAll(async () => {
    system = await startSystem();
    browser = await launchBrowser();
    const { accounts, operators } = await system.demo();
    accountId = accounts[0]?.accountId ?? '';
    stewards = operators.filter(({ roles }) => roles.includes('STEWARD')).map(({ user }) => user);
    const operator = operators.find(({ roles }) => roles.includes('TOTE_OPERATOR'));
    toteOperator = operator?.user ?? '';
    await system.post('/v1/operator/meetings', card, operator?.token ?? '');
  });

  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  it('is sold, stopped, judged by two people and paid, and every cent is where the sum says', async () => {
    const [first = '', second = ''] = stewards;
    const operator = await Stewards.open(browser, system.url, raceId, toteOperator);
    await operator.command('open', 'On the card');
    await operator.waitForStatus('OPEN');

    const board = await Board.open(browser, system.url, raceId);
    expect(await board.at('durability').innerText()).toContain('EMBEDDED');
    await board.chooseAccount(accountId);
    await board.waitForStatus('OPEN');
    const before = await board.balance();

    await board.markPool('WIN');
    for (const runner of ['4', '1', '2']) await board.mark(0, runner);
    await board.unitStake('20');
    await expect.poll(() => board.lineCount()).toBe('3 lines × €20.00');
    const winTicket = await board.bet();
    await board.anotherBet();

    await board.markPool('EXACTA');
    await board.markForm('BOX');
    for (const runner of ['4', '1', '2']) await board.mark(0, runner);
    await board.unitStake('1');
    await expect.poll(() => board.lineCount()).toBe('6 lines × €1.00');
    expect(await board.cost()).toBe('€6.00');
    expect(await board.quoted()).toContain('Counted by the tote');
    const exactaTicket = await board.bet();
    await board.anotherBet();
    await expect.poll(() => board.balance()).toBe(before - STAKED);

    // 51.66 of net over 20 on each of the three: 2.583, shown as 2.50 and moving by the feed alone.
    await board.waitForLiveOdds();
    await expect.poll(() => board.odds('4')).toBe('2.50');

    const steward = await Stewards.open(browser, system.url, raceId, first);
    await steward.command('close', 'They are off');
    expect(Number.isNaN(Date.parse(await steward.stopAt()))).toBe(false);
    await board.waitForStatus('CLOSED');
    await board.at('no-slip').waitFor();

    await steward.enterOrder([['4'], ['1'], ['2', '3']]);
    await steward.waitForStatus('PROVISIONAL');
    await steward.waitForPreview();
    expect(await steward.pool('WIN')).toContain('€60.00');
    expect(await steward.pool('WIN')).toContain('2.50');
    expect(await steward.pool('EXACTA')).toContain('4.40');
    await steward.at('same-person').waitFor();
    expect(await steward.at('confirm-result').isDisabled()).toBe(true);

    const judge = await Stewards.open(browser, system.url, raceId, second);
    await judge.waitForPreview();
    await judge.confirm();
    await judge.waitForStatus('SETTLED');

    expect(await board.dividends()).toEqual(['Win 4 4 2.50', 'Exacta 4 › 1 4>1 4.40']);
    await board.waitForOutcome(winTicket, 'Won, paid €50.00');
    await board.waitForOutcome(exactaTicket, 'Won, paid €4.40');
    await expect.poll(() => board.balance()).toBe(before - STAKED + PAID);

    const trail = (await judge.audit()).join('\n');
    expect(trail).toContain(`by ${toteOperator}`);
    expect(trail).toContain(`by ${first} They are off`);
    expect(trail).toContain(`by ${second}`);
  });
});

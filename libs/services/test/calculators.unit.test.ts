/** The calculators over real deciders: what each submits, when, and that the market takes it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { TOPICS } from '#mutuel/contracts';
import type { MarketEvent } from '#mutuel/engine';
import { directTails } from '#mutuel/runtime';
import { keyLabel, type PoolType } from '#mutuel/tote';
import { auditCalculator, type CalculatorOptions, engineCalculator } from '../src/index.js';
import { House, KEY, meeting, operator, poolOf, RACE, second, steward, until } from './support/house.js';

let house: House;
let alarms: string[];
let options: CalculatorOptions;

beforeEach(() => opened(['WIN', 'PLACE', 'EXACTA', 'TRIFECTA']));

async function opened(types: readonly PoolType[]): Promise<void> {
  house = await House.open(2);
  alarms = [];
  let n = 0;
  const entropy = { bytes: (count: number) => new Uint8Array(count).fill(++n) };
  const { log, clock } = house;
  const onAlarm = (code: string, detail: string): void => void alarms.push(`${code} ${detail}`);
  options = { log, clock, entropy, tails: directTails(log), serviceKey: KEY, shards: 2, onAlarm };
  await house.act({
    type: 'PublishMeeting',
    meeting: meeting([...types], 8),
    by: operator,
  });
  await house.act({ type: 'OpenRace', race: RACE, reason: 'on time', by: operator });
  await house.renewLease();
  for (const account of ['acc-1', 'acc-2', 'acc-3']) await house.fund(account, 10_000_000);
}

async function sell(): Promise<void> {
  for (let i = 0; i < 24; i++) {
    const account = `acc-${(i % 3) + 1}`;
    await house.bet(account, { pool: poolOf('WIN'), sel: String((i % 8) + 1), unit: 1_000 + 50 * i });
    await house.bet(account, { pool: poolOf('PLACE'), sel: String((i % 7) + 1), unit: 700 });
    await house.bet(account, { pool: poolOf('EXACTA'), sel: 'BOX:1,2,3', unit: 100, stake: 600 });
    await house.bet(account, { pool: poolOf('TRIFECTA'), sel: '1>2>3,4,5', unit: 100, stake: 300 });
    await house.bet(account, { pool: poolOf('TRIFECTA'), sel: 'BOX:1,2,4', unit: 100, stake: 600 });
  }
}

const commands = async (): Promise<number> =>
  (await house.log.bounds({ topic: TOPICS.marketCommands, partition: 0 })).end;

const events = (records: readonly { readonly events: readonly MarketEvent[] }[]): MarketEvent[] =>
  records.flatMap((record) => record.events);

/** What each calculator has proposed, without what need not be equal. */
async function proposed() {
  const taken = events(await house.pump()).filter((event) => event.t === 'ProposalReceived');
  const figures = (source: string) =>
    taken
      .map((event) => event.proposal)
      .filter((one) => one.source === source)
      .map(({ source: _source, steps: _steps, dividends, ...rest }) => ({
        ...rest,
        dividends: dividends
          .map((one) => ({ ...one, c: keyLabel(one.c) }))
          .sort((a, b) => (a.tier + a.c < b.tier + b.c ? -1 : 1)),
      }))
      .sort((a, b) => (a.pool < b.pool ? -1 : 1));
  return figures;
}

async function result(finish: string[][]): Promise<void> {
  await house.act({ type: 'StopBetting', race: RACE, reason: 'off', by: operator });
  await house.act({ type: 'EnterResult', race: RACE, finish, disqualified: [], reason: '', by: steward });
}

describe('the calculators', () => {
  it.each([
    ['engine', engineCalculator, 'ENGINE'],
    ['audit', auditCalculator, 'AUDIT'],
  ] as const)(
    'of the %s submits one proposal a pool, and again when the order is entered anew',
    async (_, make, source) => {
      await sell();
      const calculator = make(options);
      await calculator.start();
      await result([['1'], ['2'], ['4'], ['3']]);
      await until(async () => (await commands()) === 4, 'four proposals');
      const taken = events(await house.pump()).filter((event) => event.t === 'ProposalReceived');
      expect(taken.map((event) => event.proposal.source)).toEqual([source, source, source, source]);
      // A scratch takes the order back: nothing is asked for until it is entered again.
      await house.act({ type: 'ScratchRunner', race: RACE, runner: '8', reason: 'never started', by: steward });
      await house.act({
        type: 'EnterResult',
        race: RACE,
        finish: [['1'], ['2'], ['4']],
        disqualified: [],
        reason: '',
        by: steward,
      });
      await until(async () => (await commands()) === 8, 'four more');
      await calculator.stop();
      const again = events(await house.pump()).filter((event) => event.t === 'ProposalReceived');
      expect(again.map((event) => event.proposal.version)).toEqual([2, 2, 2, 2]);
      expect(alarms).toEqual([]);
    },
  );

  it.each([
    ['a dead heat', [['1', '2'], ['4'], ['5']]],
    ['an order that no exacta names', [['1'], ['5'], ['4']]],
  ])('agree with each other to the minor unit after a scratch, on %s', async (_, finish) => {
    await sell();
    await house.act({ type: 'ScratchRunner', race: RACE, runner: '3', reason: 'lame', by: steward });
    const both = [engineCalculator(options), auditCalculator(options)];
    await Promise.all(both.map((one) => one.start()));
    await result(finish);
    await until(async () => (await commands()) === 8, 'eight proposals');
    await Promise.all(both.map((one) => one.stop()));
    const figures = await proposed();
    expect(figures('AUDIT')).toEqual(figures('ENGINE'));
    expect(figures('ENGINE').every((one) => one.dividends.length > 0)).toBe(true);
  });

  it.each([
    ['a plain order', [['1'], ['2'], ['3'], ['4'], ['5'], ['6'], ['7'], ['8']]],
    ['a dead heat for third', [['1'], ['2'], ['4', '3'], ['5'], ['6']]],
    ['four that finish', [['2'], ['1'], ['5'], ['3']]],
  ])('agree on pools of several tiers, %s', async (_, finish) => {
    const types = ['TIERCE', 'QUARTE', 'QUINTE', 'MULTI', 'PICK5_FR', 'TRIO', 'QUINELLA_PLACE'] as const;
    await opened(types);
    const bets = [
      { pool: poolOf('TIERCE'), sel: 'BOX:1,2,3,4', unit: 100, stake: 2_400 },
      { pool: poolOf('QUARTE'), sel: 'BOX:1,2,3,4,6', unit: 150, stake: 18_000 },
      { pool: poolOf('QUINTE'), sel: 'BOX:1,2,3,4,5,6', unit: 200, stake: 144_000 },
      { pool: poolOf('MULTI'), sel: 'BOX.5:1,2,3,4,5,6', unit: 300, stake: 1_800 },
      { pool: poolOf('MULTI'), sel: 'BOX:1,2,3,4,7', unit: 300, stake: 1_500 },
      { pool: poolOf('PICK5_FR'), sel: 'BOX:1,2,3,4,5,6,8', unit: 100, stake: 2_100 },
      { pool: poolOf('TRIO'), sel: 'BOX:1,2,3,8', unit: 100, stake: 400 },
      { pool: poolOf('QUINELLA_PLACE'), sel: 'BOX:1,2,3,5', unit: 100, stake: 600 },
    ];
    for (const [no, bet] of bets.entries()) await house.bet(`acc-${(no % 3) + 1}`, bet);
    const both = [engineCalculator(options), auditCalculator(options)];
    await Promise.all(both.map((one) => one.start()));
    await result(finish);
    await until(async () => (await commands()) === 2 * types.length, 'a proposal of each for every pool');
    await Promise.all(both.map((one) => one.stop()));
    const figures = await proposed();
    expect(figures('AUDIT')).toEqual(figures('ENGINE'));
    expect(figures('ENGINE').filter((one) => one.dividends.length > 0).length).toBeGreaterThan(4);
    expect(alarms).toEqual([]);
  });

  it('say nothing about races of the past when they start', async () => {
    await sell();
    await result([['1'], ['2'], ['4'], ['3']]);
    const first = engineCalculator(options);
    await first.start();
    await until(async () => (await commands()) === 4, 'four proposals');
    await first.stop();
    await house.pump();
    const restarted = engineCalculator(options);
    await restarted.start();
    await house.clock.sleep(1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await restarted.stop();
    expect(await commands()).toBe(4);
    expect(second.user).not.toBe(steward.user);
  });
});

/** The calculators over real deciders: what each submits, when, and that the market takes it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { TOPICS } from '#mutuel/contracts';
import type { MarketEvent } from '#mutuel/engine';
import { directTails } from '#mutuel/runtime';
import { auditCalculator, type CalculatorOptions, engineCalculator } from '../src/index.js';
import { House, KEY, meeting, operator, poolOf, RACE, second, steward, until } from './support/house.js';

let house: House;
let alarms: string[];
let options: CalculatorOptions;

beforeEach(async () => {
  house = await House.open(2);
  alarms = [];
  let n = 0;
  const entropy = { bytes: (count: number) => new Uint8Array(count).fill(++n) };
  const { log, clock } = house;
  const onAlarm = (code: string, detail: string): void => void alarms.push(`${code} ${detail}`);
  options = { log, clock, entropy, tails: directTails(log), serviceKey: KEY, shards: 2, onAlarm };
  await house.act({
    type: 'PublishMeeting',
    meeting: meeting(['WIN', 'PLACE', 'EXACTA', 'TRIFECTA'], 8),
    by: operator,
  });
  await house.act({ type: 'OpenRace', race: RACE, reason: 'on time', by: operator });
  await house.renewLease();
  for (const account of ['acc-1', 'acc-2', 'acc-3']) await house.fund(account, 10_000_000);
});

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
    const taken = events(await house.pump()).filter((event) => event.t === 'ProposalReceived');
    const figures = (source: string) =>
      taken
        .map((event) => event.proposal)
        .filter((one) => one.source === source)
        .map(({ source: _source, steps: _steps, dividends, ...rest }) => ({
          ...rest,
          dividends: [...dividends].sort((a, b) => (a.c < b.c ? -1 : 1)),
        }))
        .sort((a, b) => (a.pool < b.pool ? -1 : 1));
    expect(figures('AUDIT')).toEqual(figures('ENGINE'));
    expect(figures('ENGINE').every((one) => one.dividends.length > 0)).toBe(true);
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

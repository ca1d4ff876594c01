import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LegOutcome } from '../src/index.js';
import { legState } from '../src/market-legs.js';
import { LegsWorld, legsCard, raceId } from './legs-world.js';
import { hash, second, steward, tote, World } from './world.js';

const finish = (...runners: string[]): string[][] => runners.map((runner) => [runner]);
const start = 100_000;

describe('a pool over several races', () => {
  it('is sold until its first leg closes and paid with its last', () => {
    // Stakes 100 + 4 lines of 100 + 400 = 900; net 900 x 0.75 = 675; winning stake 100 + 100: 675 / 200 = 3.375, to the dime 3.30.
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    world.bet('acc-1', 'PICK3', '1,2/2/3,4', 100, 4);
    world.bet('acc-2', 'PICK3', '4/4/4', 400);
    world.stopRace(1);
    expect(world.bet('acc-3', 'PICK3', '1/2/3', 100)).toMatchObject({ code: 'POOL_CLOSED', pointer: '/bets/0/poolId' });
    world.run(1, finish('1', '2'));
    world.run(2, finish('2', '1'));
    expect(world.raceAt(2).status).toBe('SETTLED');
    world.run(3, finish('3', '1'));
    expect(world.declared('PICK3')).toEqual({ 'PICK3 1/2/3': '3.30' });
    expect(world.balance('acc-0')).toBe(start - 100 + 330);
    expect(world.balance('acc-1')).toBe(start - 400 + 330);
    expect(world.balance('acc-2')).toBe(start - 400);
    expect(world.raceAt(3).status).toBe('SETTLED');
    expect(world.clearing('PICK3')).toBe(0);
  });

  it('ends with the first close of any leg, whichever it is', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.stopRace(2);
    expect(world.raceAt(1).status).toBe('OPEN');
    expect(world.bet('acc-0', 'PICK3', '1/2/3', 100)).toMatchObject({ code: 'POOL_CLOSED' });
    expect(world.bet('acc-0', 'R1-WIN', '1', 200).code).toBeUndefined();
  });

  it('is suspended and resumed with the leg that sells it', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.ask({ type: 'SuspendRace', race: raceId(2), reason: 'storm', by: steward });
    expect(world.bet('acc-0', 'PICK3', '1/2/3', 100).code).toBeUndefined();
    world.ask({ type: 'SuspendRace', race: raceId(1), reason: 'storm', by: steward });
    expect(world.bet('acc-0', 'PICK3', '1/2/3', 100)).toMatchObject({ code: 'POOL_NOT_OPEN' });
    world.ask({ type: 'ResumeRace', race: raceId(1), reason: 'dry', by: steward });
    expect(world.bet('acc-0', 'PICK3', '1/2/3', 100).code).toBeUndefined();
  });

  it('voids what was acknowledged between the stop of its first leg and the marker', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.market.decide({ type: 'StopBetting', race: raceId(1), reason: 'off', by: steward }, ++world.now);
    expect(world.bet('acc-1', 'PICK3', '1/2/3', 900).code).toBeUndefined();
    world.settle();
    expect(world.balance('acc-1')).toBe(start);
    const sealed = world.market.decisions.flatMap((d) => d.events).filter((e) => e.t === 'PoolSealed');
    expect(sealed.find(({ pool }) => pool === 'PICK3')).toMatchObject({ bets: 0, voidedBets: 1, voidedStake: 900 });
  });

  it('gives back what was bet on it after the official off of the leg that sold it, also once that is sealed', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    const offAt = world.now;
    world.bet('acc-1', 'PICK3', '1/2/3', 300);
    world.stopRace(1);
    world.ask({ type: 'DeclareLateOff', race: raceId(1), offAt, reason: 'video', by: steward });
    expect(world.balance('acc-1')).toBe(start);
    for (const leg of [1, 2, 3]) world.run(leg, finish(String(leg)));
    expect(world.balance('acc-0')).toBe(start + 5);
    expect(world.clearing('PICK3')).toBe(0);
  });

  it.each([
    ['too few legs', '1/2', 'INVALID_SELECTION', '/bets/0/columns'],
    ['a runner that is not declared', '1/9/3', 'INVALID_SELECTION', '/bets/0/columns/1/0'],
    ['a reserve among the runners of its leg', '1/2+2/3', 'INVALID_SELECTION', '/bets/0/alternates/1'],
    ['a runner twice', '1,1/2/3', 'INVALID_SELECTION', '/bets/0/columns/0/1'],
  ])('refuses a bet with %s', (_, sel, code, pointer) => {
    const world = LegsWorld.over('PICK3', 'US');
    expect(world.bet('acc-0', 'PICK3', sel, 100)).toMatchObject({ code, pointer });
  });

  it('refuses a scratched runner and a scratched reserve, and spells the field out without it', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.scratchIn(2, '6');
    expect(world.bet('acc-0', 'PICK3', '1/6/3', 100)).toMatchObject({ code: 'RUNNER_SCRATCHED' });
    expect(world.bet('acc-0', 'PICK3', '1/5+6/3', 100)).toMatchObject({ code: 'RUNNER_SCRATCHED' });
    const taken = world.bet('acc-0', 'PICK3', '1/ALL/3', 100, 5);
    expect(taken.events).toMatchObject([{ bets: [{ sel: '1/1,2,3,4,5/3', lines: 5 }] }]);
  });

  it('gives a bet back on request as long as the rules allow', () => {
    const world = LegsWorld.over('PICK3', 'US');
    const [taken] = world.bet('acc-0', 'PICK3', '1,2/2/3', 100, 2).events;
    const ticket = taken?.t === 'TicketAccepted' ? taken.ticket : '';
    world.send('acc-0', { type: 'CancelTicket', account: 'acc-0', ticket, reason: 'second thoughts', by: 'acc-0' });
    expect(world.balance('acc-0')).toBe(start);
    expect(world.clearing('PICK3')).toBe(0);
  });

  it('waits for a leg that is still under inquiry and is called once that is official', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    world.run(1, finish('1'));
    world.stopRace(2);
    world.enter(2, finish('2', '1'));
    world.stopRace(3);
    world.enter(3, finish('3', '1'));
    expect(world.raceAt(3).version).toBe(1);
    expect(world.makeOfficial(3)).toMatchObject({
      code: 'PREVIEW_NOT_READY',
      detail: expect.stringContaining('leg R2'),
    });
    world.makeOfficial(2);
    expect(world.raceAt(3).version).toBe(2);
    expect(world.makeOfficial(3).code).toBeUndefined();
    // 100 x 0.75 = 75 on 100 pays less than the stake: the minimum of a minus pool, 1.05.
    expect(world.balance('acc-0')).toBe(start + 5);
  });

  it('needs a second person for the preview that holds it', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    for (const leg of [1, 2]) world.run(leg, finish(String(leg)));
    world.stopRace(3);
    world.enter(3, finish('3'));
    world.propose(3);
    const previewHash = world.raceAt(3).previewHash ?? 'none';
    const confirm = { type: 'ConfirmSettlement', race: raceId(3), previewHash } as const;
    expect(world.ask({ ...confirm, by: steward }).code).toBe('SAME_PERSON');
    expect(world.ask({ ...confirm, by: { ...steward, device: 'office' } }).code).toBe('SAME_PERSON');
    expect(world.ask({ ...confirm, by: second }).code).toBeUndefined();
  });

  it('rebuilds the very same state from the recorded decisions and from an image in the middle', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1,2,3/2+5/3', 100, 3);
    world.scratchIn(2, '2');
    world.run(1, finish('1'));
    world.run(2, finish('5', '1'));
    world.scratchIn(3, '6');
    world.run(3, finish('3'));
    for (const host of [world.market, ...world.shards]) {
      const told = hash(host.told());
      for (const k of [0, 5, 12, 20, host.decisions.length]) expect(hash(host.replayed(k))).toBe(told);
    }
  });
});

describe('a runner of a leg that does not run', () => {
  it('is stood in for by the reserve, else by the favourite of the win pool at the close of that leg', () => {
    const world = LegsWorld.over('PICK3', 'US');
    // Runner 2 of the second leg goes out: acc-0 named 5 in its place, acc-1 nobody, acc-2 had 3 alone.
    world.bet('acc-0', 'PICK3', '1/2+5/3', 100);
    world.bet('acc-1', 'PICK3', '1/2/3', 100);
    world.bet('acc-2', 'PICK3', '1/3/3', 100);
    world.run(1, finish('1'));
    world.bet('acc-3', 'R2-WIN', '4', 900);
    world.bet('acc-4', 'R2-WIN', '3', 800);
    world.scratchIn(2, '2');
    world.run(2, finish('4', '3'));
    const backed = world
      .facts()
      .flatMap((fact) => (fact.t === 'FavouritesSet' && fact.race === 'R2' ? fact.stakes : []));
    expect(backed.filter(({ stake }) => stake > 0)).toEqual([
      { c: '3', stake: 800 },
      { c: '4', stake: 900 },
    ]);
    world.run(3, finish('3'));
    expect(world.legsOf('PICK3')[1]).toMatchObject({ favourite: '4', scratched: [], scratchedAfterClose: ['2'] });
    // The favourite 4 won: only acc-1 stands on it. 300 x 0.75 = 225 on 100: 2.25, to the dime 2.20.
    expect(world.balance('acc-1')).toBe(start - 100 + 220);
    expect([world.balance('acc-0'), world.balance('acc-2')]).toEqual([start - 100, start - 100]);
  });

  it('is stood in for by the next favourite where the favourite itself goes out after the close', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    world.run(1, finish('1'));
    world.bet('acc-3', 'R2-WIN', '4', 900);
    world.bet('acc-4', 'R2-WIN', '3', 800);
    world.scratchIn(2, '2');
    world.stopRace(2);
    world.scratchIn(2, '4');
    world.run(2, finish('3'));
    world.run(3, finish('3'));
    expect(world.legsOf('PICK3')[1]).toMatchObject({ favourite: '3', scratchedAfterClose: ['2', '4'] });
    expect(world.balance('acc-0')).toBe(start + 5);
  });

  it('is known before the pool closed, or after', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.scratchIn(3, '6');
    world.stopRace(1);
    world.scratchIn(3, '5');
    world.run(1, finish('1'));
    world.run(2, finish('1'));
    world.run(3, finish('1'));
    expect(world.legsOf('PICK3')[2]).toMatchObject({ scratched: ['6'], scratchedAfterClose: ['5'] });
  });

  it('gives its lines back in a double, and pays the consolation for one scratched late', () => {
    const world = LegsWorld.over('DAILY_DOUBLE', 'US');
    world.bet('acc-0', 'DAILY_DOUBLE', '1/2', 1_000);
    world.bet('acc-1', 'DAILY_DOUBLE', '1/3', 1_000);
    world.bet('acc-2', 'DAILY_DOUBLE', '2,3/5', 1_000, 2);
    world.scratchIn(1, '3');
    expect(world.balance('acc-2')).toBe(start - 1_000);
    world.run(1, finish('1'));
    world.scratchIn(2, '3');
    world.run(2, finish('2'));
    // Gross 3,000, net 2,400; on the winner of the first leg 2,000: consolation 1.20 to acc-1; 1,200 are left for 1,000: 1.20.
    expect(world.declared('DAILY_DOUBLE')).toEqual({ 'DAILY_DOUBLE 1/2': '1.20', 'CONSOLATION 1/3': '1.20' });
    expect(world.balance('acc-0')).toBe(start + 200);
    expect(world.balance('acc-1')).toBe(start + 200);
    expect(world.clearing('DAILY_DOUBLE')).toBe(0);
  });
});

describe('a leg that is not run', () => {
  it('is right for everybody in the middle', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/6/3', 100);
    world.bet('acc-1', 'PICK3', '2/2/3', 300);
    world.run(1, finish('1'));
    world.voidLeg(2);
    world.run(3, finish('3'));
    // 400 x 0.75 = 300 on the 100 of acc-0.
    expect(world.declared('PICK3')).toEqual({ 'PICK3 1/*/3': '3.00' });
    expect(world.balance('acc-0')).toBe(start - 100 + 300);
  });

  it('as the last one still has its preview and its second person', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/6', 100);
    world.bet('acc-1', 'PICK3', '1/3/6', 300);
    world.bet('acc-2', 'R3-WIN', '1', 200);
    world.run(1, finish('1'));
    world.run(2, finish('2'));
    world.voidLeg(3);
    expect(world.balance('acc-2')).toBe(start);
    expect(world.raceAt(3)).toMatchObject({ status: 'VOID', endedAt: null });
    expect(world.makeOfficial(3).code).toBeUndefined();
    expect(world.balance('acc-0')).toBe(start - 100 + 300);
    expect(world.raceAt(3)).toMatchObject({ status: 'VOID', endedAt: expect.any(Number) });
    expect(world.makeOfficial(3).code).toBe('RACE_STATUS');
    expect(world.clearing('PICK3')).toBe(0);
  });

  it('as the last one settles its pools also where its order had been entered before', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/6', 100);
    world.bet('acc-1', 'PICK3', '1/3/6', 300);
    world.run(1, finish('1'));
    world.run(2, finish('2'));
    world.stopRace(3);
    world.enter(3, finish('5'));
    world.voidLeg(3);
    expect(world.makeOfficial(3).code).toBeUndefined();
    // 400 x 0.75 = 300 on the 100 of acc-0, right in both legs that were run.
    expect(world.balance('acc-0')).toBe(start - 100 + 300);
    expect(world.clearing('PICK3')).toBe(0);
  });

  it('ends the sale where it is the first, and refunds the pool where none was run', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    world.voidLeg(1);
    expect(world.bet('acc-1', 'PICK3', '1/2/3', 100)).toMatchObject({ code: 'POOL_CLOSED' });
    world.voidLeg(2);
    world.voidLeg(3);
    world.makeOfficial(3);
    expect(world.balance('acc-0')).toBe(start);
    expect(world.clearing('PICK3')).toBe(0);
  });
});

describe('a leg, for pools over several races', () => {
  it.each([
    ['OPEN', false, 'TO_COME'],
    ['PROVISIONAL', false, 'TO_COME'],
    // Of a correction nothing counts before it is confirmed.
    ['PROVISIONAL', true, 'TO_COME'],
    ['PAYING', false, 'DECIDED'],
    // Made void by a correction, its bets not all given back yet: nobody is right by an order of no runners, all are.
    ['PAYING', true, 'VOID'],
    ['SETTLED', false, 'DECIDED'],
    ['VOID', true, 'VOID'],
    ['VOID', false, 'VOID'],
  ] as const)('whose race is %s (voided by a correction: %s) is %s', (status, voided, state) => {
    const world = LegsWorld.over('PICK3', 'US');
    expect(legState({ ...world.raceAt(1), status, voided })).toBe(state);
  });
});

describe('an official leg whose order is changed', () => {
  const change = (world: LegsWorld, leg: number, order: string[][]): void => {
    const command = {
      type: 'EnterResult',
      race: raceId(leg),
      finish: order,
      disqualified: [],
      reason: 'photo',
    } as const;
    expect(world.ask({ ...command, by: steward }).code).toBeUndefined();
  };
  const correct = (world: LegsWorld, leg: number, order: string[][]): void => {
    change(world, leg, order);
    expect(world.makeOfficial(leg).code).toBeUndefined();
  };
  const sold = (): LegsWorld => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    world.bet('acc-1', 'PICK3', '1/5/3', 100);
    world.bet('acc-2', 'PICK3', '6/6/6', 200);
    for (const leg of [1, 2, 3]) world.run(leg, finish(String(leg), '4'));
    expect(world.balance('acc-0')).toBe(start - 100 + 300);
    return world;
  };

  it('as the last one is corrected with its pools', () => {
    const world = sold();
    correct(world, 3, finish('6'));
    // Nobody has 1/2/6 or two right but 1/2: acc-0 has two right, all of the 300.
    expect(world.declared('PICK3')).toEqual({ '2/3 2@1/2/6': '3.00' });
    expect(world.balance('acc-0')).toBe(start - 100 + 300);
  });

  it('as an earlier one has the pools that were paid settled again, by the last leg’s preview', () => {
    const world = sold();
    correct(world, 2, finish('5', '2'));
    expect(world.raceAt(3).status).toBe('PROVISIONAL');
    expect(world.makeOfficial(3).code).toBeUndefined();
    expect(world.declared('PICK3')).toEqual({ 'PICK3 1/5/3': '3.00' });
    expect(world.balance('acc-1')).toBe(start - 100 + 300);
    expect(world.raceAt(3).status).toBe('SETTLED');
    const before = world.balance('acc-0');
    correct(world, 2, finish('2', '5'));
    expect(world.makeOfficial(3).code).toBeUndefined();
    expect(world.declared('PICK3')).toEqual({ 'PICK3 1/2/3': '3.00' });
    expect(before).toBeLessThanOrEqual(start - 100 + 300);
    expect(world.balance('acc-0')).toBe(start - 100 + 300);
    expect(world.balance('acc-1')).toBe(start - 100);
    expect(world.clearing('PICK3')).toBe(0);
  });

  it('as an earlier one takes its pools out of the last leg’s correction that waits, until it is official itself', () => {
    const world = sold();
    change(world, 3, finish('6', '3'));
    expect(world.market.state.pools.get('PICK3')?.isCalled).toBe(true);
    change(world, 2, finish('5', '2'));
    expect(world.market.state.pools.get('PICK3')?.isCalled).toBe(false);
    expect(world.makeOfficial(2).code).toBeUndefined();
    expect(world.makeOfficial(3).code).toBeUndefined();
    // Nobody has 1/5/6; acc-1 has two of them right, all of the 300 once more.
    expect(world.declared('PICK3')).toEqual({ '2/3 2@1/5/6': '3.00' });
    expect(world.balance('acc-1')).toBe(start - 100 + 300);
    expect(world.clearing('PICK3')).toBe(0);
  });
});

describe('dead heats, tiers and money that nobody wins', () => {
  it.each([
    // Both winners of the second leg are right, one price: 500 x 0.75 = 375 on 200: 1.875, to the dime 1.80.
    [
      'a dead heat in a pick 3 is one price',
      'PICK3',
      'US',
      [[['1']], [['2', '4']], [['3']]],
      { 'PICK3 1/2,4/3': '1.80' },
    ],
    // Nobody has three right; acc-0 and acc-2 have two: 375 on 200.
    [
      'the most right have it where nobody is right everywhere',
      'PICK3',
      'US',
      [[['1']], [['6']], [['3']]],
      { '2/3 2@1/6/3': '1.80' },
    ],
  ] as const)('%s', (_, type, rules, order, dividends) => {
    const world = LegsWorld.over(type, rules);
    world.bet('acc-0', type, '1/2/3', 100);
    world.bet('acc-1', type, '4/5/6', 300);
    world.bet('acc-2', type, '1/4/3', 100);
    for (const [i, one] of order.entries()) world.run(i + 1, one);
    expect(world.declared(type)).toEqual(dividends);
    expect(world.clearing(type)).toBe(0);
  });

  it('carries the pool on, gross, where nobody wins a British one, and takes the carry-in of its card', () => {
    const world = LegsWorld.over('QUADPOT', 'UK', { carryIn: 5_000 });
    world.bet('acc-0', 'QUADPOT', '6/6/6/6', 1_000);
    for (const leg of [1, 2, 3, 4]) world.run(leg, finish('1', '2', '3'));
    expect(world.declared('QUADPOT')).toEqual({});
    expect(world.market.state.pools.get('QUADPOT')?.declared).toMatchObject({
      ...{ outcome: 'CARRIED', takeoutMinor: 0, carryInMinor: 5_000, carryOutMinor: 6_000 },
    });
    expect(world.clearing('QUADPOT')).toBe(0);
    expect(world.ledger.get('carry-over')).toBe(-5_000);
  });

  it('pays the tiers of a Swedish pool to the öre: 6, 5 and 4 right', () => {
    // 100 rows at 1 krona each and one of them right: the tiers 6/6, 5/6 and 4/6 have 40, 20 and 40 % of 65 %.
    const world = LegsWorld.over('V64', 'SE');
    world.bet('acc-0', 'V64', '1,2/1,2/1,2/1,2/1,2/1,2', 100, 64);
    world.bet('acc-1', 'V64', '3,4/3/3/3/3/3', 100, 2);
    world.bet('acc-2', 'V64', '5,6/5,6/5,6/5,6/5,6/5', 1_000, 32);
    for (let leg = 1; leg <= 6; leg++) world.run(leg, finish('1', '2'));
    // Gross 6,400 + 200 + 32,000 = 38,600 öre; 65 % are 25,090, cut to kronor 25,000: 10,000, 5,000 and 10,000.
    // 1 row with six, 6 with five, 15 with four: 100.00; 8.33 a row and 6.66 are below the least payment of 15 and carried.
    expect(world.declared('V64')).toEqual({ '6/6 1/1/1/1/1/1': '100.00' });
    expect(world.market.state.pools.get('V64')?.declared?.carryOutMinor).toBe(15_000);
    expect(world.balance('acc-0')).toBe(start - 6_400 + 10_000);
  });
});

describe('will-pays', () => {
  it('are counted once all legs but the last are official, and again when a runner of the last goes out', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3,4', 100, 2);
    world.bet('acc-1', 'PICK3', '1/2/4', 100);
    world.run(1, finish('1'));
    expect(world.facts().some((fact) => fact.t === 'WillPaysAsked')).toBe(false);
    world.run(2, finish('2'));
    const asked = world.facts().filter((fact) => fact.t === 'WillPaysAsked');
    expect(asked).toHaveLength(1);
    const counted = world.market.decisions
      .flatMap((d) => d.events)
      .flatMap((e) => (e.t === 'ReportReceived' && e.report.t === 'WillPay' ? [e.report] : []));
    const on = (c: string): number =>
      counted.reduce((sum, { keys }) => sum + (keys.find((key) => key.c === c)?.stake ?? 0), 0);
    expect([on('1/2/3'), on('1/2/4'), on('1/2/5')]).toEqual([100, 200, 0]);
    world.scratchIn(3, '6');
    expect(world.facts().filter((fact) => fact.t === 'WillPaysAsked')).toHaveLength(2);
  });
});

describe('a card with pools over several races', () => {
  const change = (legs: unknown, at = 2) => {
    const meeting = legsCard('PICK3', 'US');
    const races = meeting.races.map((race) => ({ ...race, pools: race.pools.filter((pool) => !pool.legs) }));
    const pool = meeting.races[2]?.pools.find((one) => one.legs);
    return {
      ...meeting,
      races: races.map((race, i) => (i === at ? { ...race, pools: [...race.pools, { ...pool, legs }] } : race)),
    };
  };
  it.each([
    ['a race that is not of the meeting', ['R1', 'R2', 'R9'], '/races/2/pools/1/legs/2'],
    ['a leg twice', ['R1', 'R1', 'R3'], '/races/2/pools/1/legs/1'],
    ['legs out of order', ['R2', 'R1', 'R3'], '/races/2/pools/1/legs/1'],
    ['too few legs for its type', ['R1', 'R3'], '/races/2/pools/1/legs'],
    ['no legs', undefined, '/races/2/pools/1/legs'],
    ['another last leg than the race it stands with', ['R1', 'R2', 'R3'], '/races/1/pools/1/legs', 1],
  ])('is refused with %s', (_, legs, pointer, at = 2) => {
    const world = new World();
    const meeting = JSON.parse(JSON.stringify(change(legs, at)));
    expect(world.ask({ type: 'PublishMeeting', meeting, by: tote })).toMatchObject({ code: 'CARD_INVALID', pointer });
  });

  it('takes every type over several races but parlays', () => {
    for (const type of ['DAILY_DOUBLE', 'PICK3', 'PICK4', 'PICK5', 'PICK6'] as const) {
      const world = new World();
      expect(
        world.ask({ type: 'PublishMeeting', meeting: legsCard(type as 'PICK3', 'US'), by: tote }).code,
      ).toBeUndefined();
    }
    for (const type of ['V4', 'V5', 'V64', 'V65', 'V75', 'V86'] as const) {
      const world = new World();
      expect(
        world.ask({ type: 'PublishMeeting', meeting: legsCard(type as 'PICK3', 'SE'), by: tote }).code,
      ).toBeUndefined();
    }
    for (const type of ['PLACEPOT', 'QUADPOT', 'JACKPOT', 'SCOOP6'] as const) {
      const world = new World();
      expect(
        world.ask({ type: 'PublishMeeting', meeting: legsCard(type as 'PICK3', 'UK'), by: tote }).code,
      ).toBeUndefined();
    }
  });
});

describe('the stakes that shards count', () => {
  /** In how many legs a line is right, leg by leg as the rules say it. */
  const rightIn = (
    line: readonly string[],
    reserves: readonly (string | null)[],
    legs: readonly LegOutcome[],
  ): number =>
    legs.filter(({ finish: order, scratched, scratchedAfterClose, favourite }, leg) => {
      if (order === null) return true;
      const out = [...scratched, ...scratchedAfterClose];
      const reserve = reserves[leg] ?? null;
      const stand = reserve !== null && !out.includes(reserve) ? reserve : favourite;
      const runner = out.includes(line[leg] ?? '') ? stand : line[leg];
      return runner !== null && runner !== undefined && (order[0] ?? []).includes(runner);
    }).length;

  const linesOf = (columns: readonly (readonly string[])[]): string[][] =>
    columns.reduce<string[][]>((lines, column) => lines.flatMap((line) => column.map((one) => [...line, one])), [[]]);

  const runner = fc.constantFrom('1', '2', '3', '4', '5', '6');
  const leg = fc
    .record({ column: fc.uniqueArray(runner, { minLength: 1, maxLength: 4 }), reserve: fc.option(runner) })
    .map(({ column, reserve }) => ({
      column: column.sort(),
      reserve: column.some((one) => one === reserve) ? null : reserve,
    }));
  const bet = fc.record({ legs: fc.tuple(leg, leg, leg), unit: fc.integer({ min: 5, max: 20 }) });
  const fate = fc.record({
    winners: fc.uniqueArray(runner, { minLength: 1, maxLength: 2 }),
    out: fc.uniqueArray(runner, { maxLength: 2 }),
    late: fc.boolean(),
    isVoid: fc.boolean(),
    backed: runner,
  });

  it('are those of the lines that brute force finds right, whatever runs, ties or is called off', () => {
    const property = fc.property(
      fc.array(bet, { minLength: 1, maxLength: 6 }),
      fc.tuple(fate, fate, fate),
      (bets, fates) => {
        const world = LegsWorld.over('PICK3', 'US');
        const sold = bets.map(({ legs, unit }, i) => {
          const lines = linesOf(legs.map(({ column }) => column));
          const text = legs
            .map(({ column, reserve }) => column.join() + (reserve === null ? '' : `+${reserve}`))
            .join('/');
          expect(world.bet(`acc-${i % 6}`, 'PICK3', text, unit * 10, lines.length).code).toBeUndefined();
          return { lines, reserves: legs.map(({ reserve }) => reserve), unit: unit * 10 };
        });
        const scratches = (late: boolean): void => {
          for (const [i, one] of fates.entries())
            if (one.late === late) for (const runner of one.out) world.scratchIn(i + 1, runner);
        };
        for (const [i, { backed }] of fates.entries()) world.bet('acc-0', `R${i + 1}-WIN`, backed, 500);
        scratches(false);
        world.stopRace(1);
        scratches(true);
        for (const [i, { winners, out, isVoid }] of fates.entries()) {
          const ran = winners.filter((one) => !out.includes(one));
          if (isVoid || ran.length === 0) world.voidLeg(i + 1);
          else world.run(i + 1, [ran]);
        }
        const outcomes = world.legsOf('PICK3');
        const reports = world.market.state.pools.get('PICK3')?.stakes ?? [];
        const counted = new Map<string, number>();
        for (const { c, stake } of reports.flatMap((report) => report?.keys ?? []))
          counted.set(c, (counted.get(c) ?? 0) + stake);
        for (const [key, stake] of counted) {
          const right = Number(/^(\d)@/.exec(key)?.[1] ?? 3);
          const found = sold.flatMap(({ lines, reserves, unit }) =>
            lines.filter((line) => rightIn(line, reserves, outcomes) === right).map(() => unit),
          );
          expect([key, stake]).toEqual([key, found.reduce((sum, one) => sum + one, 0)]);
        }
        world.makeOfficial(3);
        expect(world.clearing('PICK3')).toBe(0);
      },
    );
    fc.assert(property, { numRuns: 60 });
  });
});

describe('a flexi bet', () => {
  it('buys as much a line as its stake does in whole amounts, and leaves the rest with the bettor', () => {
    const world = LegsWorld.over('PICK3', 'US');
    // 12 lines of 1,000: 83.33 a line, in tens 80: 960 are taken.
    const taken = world.send('acc-0', {
      ...world.ticket('acc-0', []),
      bets: [{ ref: 'a', pool: 'PICK3', sel: '1,2/1,2,3/1,2', unit: 0, stake: 1_000 }],
    });
    expect(taken.events).toMatchObject([{ total: 960, bets: [{ lines: 12, unit: 80, stake: 960 }] }]);
    expect(world.balance('acc-0')).toBe(start - 960);
    const little = world.send('acc-0', {
      ...world.ticket('acc-0', []),
      bets: [{ ref: 'a', pool: 'PICK3', sel: '1,2/1,2,3/1,2', unit: 0, stake: 500 }],
    });
    expect(little).toMatchObject({ code: 'BELOW_MIN', pointer: '/bets/0/unitStake' });
  });
});

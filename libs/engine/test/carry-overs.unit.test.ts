/**
 * What pools carry on: ledger accounts of their own, taken once by a later pool that names them, and set right by a correction even
 * where they were taken already.
 */

import { describe, expect, it } from 'vitest';
import type { RuleSet } from '#mutuel/tote';
import { type MeetingCard, type PoolCard, RETIRE_MS } from '../src/index.js';
import { card, hash, poolId, RACE, second, steward, tote, World } from './world.js';

const WIN = poolId('WIN');
const NEXT = '2026-11-29-R1-C1';
const THIRD = '2026-12-06-R1-C1';
const LATER = '2026-12-13-R1-C1';
const NOBODY = [['5'], ['4']];

/** French win rules, but nobody's pool is carried on, net. */
const meetingOf = (
  race: string,
  rules: Partial<RuleSet>,
  more: Partial<PoolCard> = {},
  currency = 'USD',
): MeetingCard => {
  const meeting = card({ race, types: ['WIN'], rules: 'FR' });
  const pools = meeting.races[0]?.pools.map((pool) => ({ ...pool, ruleSet: { ...pool.ruleSet, ...rules }, ...more }));
  return { ...meeting, currency, races: meeting.races.map((one) => ({ ...one, pools: pools ?? [] })) };
};

const CARRIES: Partial<RuleSet> = { noWinner: ['CARRY'], carry: 'NET' };

/**
 * 2,000 on 1 and 3,000 on 2, in cents: 5,000 less 13.9 % (695) is 4,305. With 5 first nobody has it and 4,305 are carried on; with 1
 * first 2.1525, cut to 2.10, pays 4,200 and 105 are breakage.
 */
function run(finish: string[][], rules: Partial<RuleSet> = CARRIES): World {
  const world = new World();
  world.ask({ type: 'PublishMeeting', meeting: meetingOf(RACE, rules), by: tote });
  world.ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
  world.renewLease();
  for (let i = 0; i < 3; i++) world.fund(`acc-${i}`, 100_000);
  world.bet('acc-0', WIN, '1', 2_000);
  world.bet('acc-1', WIN, '2', 3_000);
  world.settleRace(finish);
  expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
  return world;
}

const publish = (world: World, race: string, more: Partial<PoolCard>, rules = CARRIES, currency = 'USD') =>
  world.ask({ type: 'PublishMeeting', meeting: meetingOf(race, rules, more, currency), by: tote });

/** 1,000 on 1 in the next meeting's pool, which is then settled. */
function runNext(world: World, finish: string[][]): void {
  world.ask({ type: 'OpenRace', race: NEXT, reason: 'card', by: tote });
  world.renewLease();
  const pool = poolId('WIN', NEXT);
  world.bet('acc-2', pool, '1', 1_000);
  const order = { race: NEXT, finish, disqualified: [], reason: '' };
  world.ask({ type: 'EnterResult', ...order, by: steward });
  for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const)
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(pool, source) });
  const previewHash = world.market.state.races.get(NEXT)?.previewHash ?? '';
  world.ask({ type: 'ConfirmSettlement', race: NEXT, previewHash, by: second });
  expect(world.market.state.races.get(NEXT)?.status).toBe('SETTLED');
  expect(world.clearing(pool)).toBe(0);
}

const booked = (world: World, account: string): number => world.ledger.get(account) ?? 0;
const CARRIED = `carry-over:${WIN}`;
const CORRECTED = 'house:carry-over-correction';

describe('a carry-over', () => {
  it('waits on its own account and goes whole into the pool of the next meeting that names it', () => {
    const world = run(NOBODY);
    expect(booked(world, CARRIED)).toBe(4_305);
    expect(publish(world, NEXT, { carryInMinor: 4_305, carryFrom: [WIN] }).code).toBeUndefined();
    runNext(world, [['1'], ['2']]);
    // 1,000 less 139 and 4,305 are 5,166 on 1,000: 5.166, cut to 5.10.
    expect(world.balance('acc-2')).toBe(100_000 - 1_000 + 5_100);
    expect([booked(world, CARRIED), booked(world, 'carry-over')]).toEqual([0, 0]);
    for (const host of [world.market, ...world.shards]) expect(hash(host.replayed(20))).toBe(hash(host.told()));
  });

  it.each([
    ['never more than is there', { carryInMinor: 4_306, carryFrom: [WIN] }, '/races/0/pools/0/carryInMinor'],
    [
      'not one that is not there',
      { carryInMinor: 1, carryFrom: ['2026-11-15-R1-C1-WIN'] },
      '/races/0/pools/0/carryFrom/0',
    ],
    ['nor a list of anything', { carryInMinor: 1, carryFrom: [7] as never }, '/races/0/pools/0/carryFrom'],
  ])('is taken as far as it goes: %s', (_, more, pointer) => {
    expect(publish(run(NOBODY), NEXT, more)).toMatchObject({ code: 'CARD_INVALID', pointer });
  });

  it('is never taken twice, nor by a pool of another currency or type', () => {
    const world = run(NOBODY);
    const take = { carryInMinor: 4_305, carryFrom: [WIN] };
    expect(publish(world, NEXT, take, CARRIES, 'EUR').detail).toContain('is in USD');
    const place = card({ race: NEXT, types: ['PLACE'], rules: 'FR' });
    const races = place.races.map((one) => ({ ...one, pools: one.pools.map((pool) => ({ ...pool, ...take })) }));
    expect(world.ask({ type: 'PublishMeeting', meeting: { ...place, races }, by: tote }).detail).toContain(
      'is of a WIN',
    );
    expect(publish(world, NEXT, { carryInMinor: 3_000, carryFrom: [WIN] }).code).toBeUndefined();
    expect(publish(world, THIRD, { carryInMinor: 1_306, carryFrom: [WIN] }).detail).toContain('holds 1305');
    expect(publish(world, THIRD, { carryInMinor: 1_305, carryFrom: [WIN] }).code).toBeUndefined();
  });

  it('is free again when the pool that was to have it is void', () => {
    const world = run(NOBODY);
    publish(world, NEXT, { carryInMinor: 4_305, carryFrom: [WIN] });
    expect(publish(world, THIRD, { carryInMinor: 1, carryFrom: [WIN] }).code).toBe('CARD_INVALID');
    world.ask({ type: 'VoidRace', race: NEXT, reason: 'frost', by: steward });
    expect(publish(world, THIRD, { carryInMinor: 4_305, carryFrom: [WIN] }).code).toBeUndefined();
    expect(booked(world, CARRIED)).toBe(4_305);
  });

  it('is kept over days, while the race it came from leaves the state', () => {
    const world = run(NOBODY);
    world.now += RETIRE_MS + 1_000;
    publish(world, THIRD, {});
    expect(world.market.state.races.has(RACE)).toBe(false);
    expect(publish(world, NEXT, { carryInMinor: 4_305, carryFrom: [WIN] }).code).toBeUndefined();
    world.now += 2 * RETIRE_MS;
    runNext(world, [['1'], ['2']]);
    expect(booked(world, CARRIED)).toBe(0);
  });
});

describe('a carry-over that is only reserved when its race leaves the state', () => {
  /** Published on the evening of the first day for the second; the third day's card then comes before its race. */
  const reserved = (correction?: string[][]): World => {
    const world = run(NOBODY);
    publish(world, NEXT, { carryInMinor: 4_305, carryFrom: [WIN] });
    if (correction) world.correct(correction);
    world.now += RETIRE_MS + 1_000;
    publish(world, THIRD, {});
    expect(world.market.state.races.has(RACE)).toBe(false);
    return world;
  };

  it('is free again when the pool that was to have it is void', () => {
    const world = reserved();
    world.ask({ type: 'VoidRace', race: NEXT, reason: 'frost', by: steward });
    expect(booked(world, CARRIED)).toBe(4_305);
    expect(publish(world, LATER, { carryInMinor: 4_305, carryFrom: [WIN] }).code).toBeUndefined();
    for (const k of [0, 20]) expect(hash(world.market.replayed(k))).toBe(hash(world.market.told()));
  });

  it('is forgotten with the race of the pool that has taken it', () => {
    const world = reserved();
    runNext(world, [['1'], ['2']]);
    expect(world.market.state.carryOvers.has(WIN)).toBe(true);
    world.now += RETIRE_MS + 1_000;
    publish(world, LATER, {});
    expect([world.market.state.carryOvers.has(WIN), booked(world, CARRIED)]).toEqual([false, 0]);
  });

  it("and was corrected away is the operator's again: what it put up comes back with the void", () => {
    const world = reserved([['1'], ['4']]);
    expect([booked(world, CARRIED), booked(world, CORRECTED)]).toEqual([4_305, -4_305]);
    world.ask({ type: 'VoidRace', race: NEXT, reason: 'frost', by: steward });
    expect([booked(world, CARRIED), booked(world, CORRECTED)]).toEqual([0, 0]);
    expect(publish(world, LATER, { carryInMinor: 1, carryFrom: [WIN] }).code).toBe('CARD_INVALID');
  });
});

describe('a correction of a pool that carried on', () => {
  it('that a later pool has reserved is covered by the operator until that pool is void, and another correction finds it as it was', () => {
    const world = run(NOBODY);
    publish(world, NEXT, { carryInMinor: 4_000, carryFrom: [WIN] });
    world.correct([['1'], ['4']]);
    // 4,305 carried on less 4,305 taken back, and 4,000 of the operator's for the pool that has reserved them.
    expect([booked(world, CARRIED), booked(world, CORRECTED)]).toEqual([4_000, -4_000]);
    world.ask({ type: 'VoidRace', race: NEXT, reason: 'frost', by: steward });
    expect([booked(world, CARRIED), booked(world, CORRECTED)]).toEqual([0, 0]);
    world.correct(NOBODY);
    expect([booked(world, CARRIED), booked(world, CORRECTED)]).toEqual([4_305, 0]);
  });

  it('takes the carry-over back while no pool has taken it', () => {
    const world = run(NOBODY);
    world.correct([['1'], ['4']]);
    expect([booked(world, CARRIED), world.balance('acc-0')]).toEqual([0, 98_000 + 4_200]);
    expect(publish(world, NEXT, { carryInMinor: 1, carryFrom: [WIN] }).code).toBe('CARD_INVALID');
    expect(world.clearing(WIN)).toBe(0);
  });

  it('that a later pool has taken already leaves that pool alone: the operator bears it, and has it back by another correction', () => {
    const world = run(NOBODY);
    publish(world, NEXT, { carryInMinor: 4_305, carryFrom: [WIN] });
    runNext(world, [['1'], ['2']]);
    world.correct([['1'], ['4']]);
    expect([booked(world, CARRIED), booked(world, CORRECTED)]).toEqual([0, -4_305]);
    expect([world.balance('acc-0'), world.balance('acc-2')]).toEqual([102_200, 104_100]);
    world.correct(NOBODY);
    expect([booked(world, CARRIED), booked(world, CORRECTED), world.balance('acc-0')]).toEqual([0, 0, 98_000]);
  });

  it('that leaves more than before makes it wait for the next pool of that type', () => {
    const world = run([['1'], ['4']]);
    expect(booked(world, CARRIED)).toBe(0);
    world.correct(NOBODY);
    expect([booked(world, CARRIED), world.balance('acc-0')]).toEqual([4_305, 98_000]);
    expect(publish(world, NEXT, { carryInMinor: 4_305, carryFrom: [WIN] }).code).toBeUndefined();
  });
});

describe('a jackpot', () => {
  const reserve: Partial<RuleSet> = {
    ...CARRIES,
    jackpot: { share: '0.10', of: 'NET' },
    tiers: [{ name: 'WIN', share: '1' }],
  };

  it('is of one currency: no pool in another fills it, whether it holds money or a pool of an earlier card may yet', () => {
    const fault = { code: 'CARD_INVALID', pointer: '/races/0/pools/0/ruleSet/name' };
    const filled = run([['1'], ['4']], reserve);
    expect(publish(filled, NEXT, {}, reserve, 'CHF')).toMatchObject(fault);
    expect(publish(filled, NEXT, {}, { ...reserve, name: 'FR-CHF' }, 'CHF').code).toBeUndefined();
    expect(publish(filled, THIRD, {}, reserve, 'USD').code).toBeUndefined();
    const world = new World();
    expect(publish(world, NEXT, {}, reserve, 'JPY').code).toBeUndefined();
    expect(publish(world, THIRD, {}, reserve, 'EUR').detail).toContain('is in JPY, the meeting in EUR');
    expect(publish(world, LATER, {}, CARRIES, 'EUR').code).toBeUndefined();
  });

  it('fills from every pool of its rule set on one account, and is released into a pool that names it', () => {
    // A tenth of the net 4,305 is 430; the winner shares 3,874 on 2,000: 1.9, pays 3,800.
    const world = run([['1'], ['4']], reserve);
    const fund = 'fund:FR-WIN';
    expect([booked(world, `carry-over:${fund}`), world.balance('acc-0')]).toEqual([430, 98_000 + 3_800]);
    expect(publish(world, NEXT, { carryInMinor: 430, carryFrom: [fund] }, CARRIES).code).toBeUndefined();
    expect(publish(world, THIRD, { carryInMinor: 1, carryFrom: [fund] }, CARRIES).code).toBe('CARD_INVALID');
    runNext(world, [['1'], ['2']]);
    // 861 and 430 on 1,000: 1.291, cut to 1.20.
    expect([booked(world, `carry-over:${fund}`), world.balance('acc-2')]).toEqual([0, 99_000 + 1_200]);
  });

  it('that a correction has left short, and the next pool fills again, gives the operator back what it put up', () => {
    const fund = 'fund:FR-WIN';
    const world = run([['1'], ['4']], reserve);
    expect(publish(world, NEXT, { carryInMinor: 430, carryFrom: [fund] }, reserve).code).toBeUndefined();
    world.ask({ type: 'VoidRace', race: RACE, reason: 'wrong distance', by: steward });
    world.proposeAll();
    world.confirm(world.market.state.races.get(RACE)?.previewHash ?? null);
    expect([booked(world, `carry-over:${fund}`), booked(world, CORRECTED)]).toEqual([430, -430]);
    runNext(world, [['1'], ['2']]);
    // Its 430 are used, and it puts a tenth of its net 861 by: 86 of the 430 that the operator bears.
    expect([booked(world, `carry-over:${fund}`), booked(world, CORRECTED)]).toEqual([0, -344]);
  });
});

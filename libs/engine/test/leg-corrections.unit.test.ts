/** What becomes of pools over several races where a leg is taken up again: days later, with a void at their end, with a non-runner. */
import { describe, expect, it } from 'vitest';
import { fieldOfPool, standingOf } from '../src/index.js';
import { CORRECTION_MS } from '../src/market-results.js';
import { LegsWorld, legsCard } from './legs-world.js';
import { card, hash, second, steward, tote } from './world.js';

const finish = (...runners: string[]): string[][] => runners.map((runner) => [runner]);
const start = 100_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Another card, with which races long over leave the state. */
function publishNext(world: LegsWorld): void {
  const meeting = card({ race: `next-${world.now}`, types: ['WIN'] });
  expect(world.ask({ type: 'PublishMeeting', meeting, by: tote }).code).toBeUndefined();
}

const wait = (world: LegsWorld, ms: number): void => {
  world.now += ms;
  world.renewLease();
};

function correct(world: LegsWorld, leg: number, order: string[][]): void {
  expect(world.enter(leg, order, 'photo').code).toBeUndefined();
  expect(world.makeOfficial(leg).code).toBeUndefined();
}

/** Every decision folded again, all of them and from an image in the middle, is the state that is. */
function foldsTheSame(world: LegsWorld): void {
  for (const host of [world.market, ...world.shards]) {
    const told = hash(host.told());
    for (const k of [0, Math.floor(host.decisions.length / 2)]) expect(hash(host.replayed(k))).toBe(told);
  }
}

/** A double of 2 x 400: b (acc-1) has 5/3, acc-0 the winning 1/2. */
function double(rules: string, options: Parameters<typeof LegsWorld.over>[2] = {}): LegsWorld {
  const world = LegsWorld.over('DAILY_DOUBLE', rules, options);
  world.bet('acc-0', 'DAILY_DOUBLE', '1/2', 1_000);
  world.bet('acc-1', 'DAILY_DOUBLE', '5/3', 1_000);
  world.bet('acc-2', 'DAILY_DOUBLE', '2/2', 2_000);
  return world;
}

describe('a race that is taken up again for longer than a day', () => {
  it('keeps the pools that it is a leg of, and they are settled on its new order', () => {
    const world = double('US');
    world.run(1, finish('1'));
    wait(world, HOUR / 2);
    world.run(2, finish('2'));
    // 4,000 x 0.8 = 3,200 on 1,000.
    expect(world.balance('acc-0')).toBe(start - 1_000 + 3_200);
    wait(world, 5 * HOUR);
    expect(world.scratchIn(1, '6').code).toBeUndefined();
    wait(world, 20 * HOUR);
    publishNext(world);
    correct(world, 1, finish('2', '1'));
    expect(world.makeOfficial(2).code).toBeUndefined();
    expect([world.balance('acc-0'), world.balance('acc-2')]).toEqual([start - 1_000, start - 2_000 + 3_200]);
    expect(world.clearing('DAILY_DOUBLE')).toBe(0);
    foldsTheSame(world);
  });

  it('is settled by itself where no pool of it may be corrected, and leaves the shards in the end', () => {
    const world = LegsWorld.of([legsCard('PICK3', 'US', { corrections: 'NONE', overLegs: 'NONE' })]);
    world.bet('acc-0', 'R1-WIN', '1', 200);
    for (const leg of [1, 2, 3]) world.run(leg, finish(String(leg)));
    expect(world.enter(1, finish('2'), 'photo').code).toBeUndefined();
    wait(world, DAY + HOUR);
    publishNext(world);
    expect(world.makeOfficial(1).code).toBeUndefined();
    wait(world, CORRECTION_MS);
    wait(world, 2 * DAY);
    publishNext(world);
    for (const { state } of [world.market, ...world.shards]) expect(state.races.has('R1')).toBe(false);
    foldsTheSame(world);
  });

  it('of another day than the last leg stays with it', () => {
    const { races, ...meeting } = legsCard('DAILY_DOUBLE' as 'PICK3', 'US');
    const [first, last] = races;
    if (!first || !last) throw new Error('a double has two legs');
    const world = LegsWorld.of([
      { ...meeting, meetingId: 'M0', races: [first] },
      { ...meeting, races: [last] },
    ]);
    world.bet('acc-0', 'DAILY_DOUBLE', '1/2', 1_000);
    world.run(1, finish('1'));
    wait(world, DAY + HOUR);
    world.run(2, finish('2'));
    wait(world, HOUR);
    publishNext(world);
    expect(fieldOfPool(world.market.state, 'DAILY_DOUBLE').legs).toHaveLength(2);
    expect(standingOf(world.market.state, 'DAILY_DOUBLE').status).toBe('SETTLED');
    correct(world, 2, finish('3', '2'));
    expect(world.clearing('DAILY_DOUBLE')).toBe(0);
    wait(world, 2 * DAY);
    publishNext(world);
    for (const { state } of [world.market, ...world.shards])
      expect([...state.races.keys(), ...state.pools.keys()].filter((id) => /R[12]|DOUBLE/.test(id))).toEqual([]);
    foldsTheSame(world);
  });
});

describe('a pool whose last leg was void', () => {
  /** acc-0 on 1/2/6, acc-1 on 5/2/6, 100 each, 200 elsewhere; the third leg is void: 400 x 0.75 = 300 to acc-0. */
  function paid(options: Parameters<typeof LegsWorld.over>[2] = {}): LegsWorld {
    const world = LegsWorld.over('PICK3', 'US', options);
    world.bet('acc-0', 'PICK3', '1/2/6', 100);
    world.bet('acc-1', 'PICK3', '5/2/6', 100);
    world.bet('acc-2', 'PICK3', '6/6/6', 200);
    world.bet('acc-3', 'R3-WIN', '1', 500);
    world.run(1, finish('1', '5'));
    world.run(2, finish('2'));
    world.voidLeg(3);
    expect(world.makeOfficial(3).code).toBeUndefined();
    expect(balances(world)).toEqual([start + 200, start - 100, start - 200, start]);
    return world;
  }
  const balances = (world: LegsWorld) => [0, 1, 2, 3].map((i) => world.balance(`acc-${i}`));

  it('is settled again with another order of an earlier leg, by its own preview and a second person', () => {
    const world = paid();
    correct(world, 1, finish('5', '1'));
    expect(world.raceAt(3)).toMatchObject({ status: 'VOID', endedAt: null });
    world.propose(3);
    const confirm = { type: 'ConfirmSettlement', race: 'R3', previewHash: world.raceAt(3).previewHash ?? '' } as const;
    expect(world.ask({ ...confirm, by: steward }).code).toBe('SAME_PERSON');
    expect(world.ask({ ...confirm, by: second }).code).toBeUndefined();
    expect(world.declared('PICK3')).toEqual({ 'PICK3 5/2/*': '3.00' });
    expect(balances(world)).toEqual([start - 100, start + 200, start - 200, start]);
    expect(world.raceAt(3)).toMatchObject({ status: 'VOID', endedAt: expect.any(Number) });
    correct(world, 1, finish('1', '5'));
    expect(world.makeOfficial(3).code).toBeUndefined();
    expect(balances(world)).toEqual([start + 200, start - 100, start - 200, start]);
    expect(world.clearing('PICK3')).toBe(0);
    foldsTheSame(world);
  });

  it('is settled again where an earlier leg is void after all, or has a non-runner', () => {
    const world = paid();
    world.ask({ type: 'VoidRace', race: 'R1', reason: 'false start', by: steward });
    expect(world.makeOfficial(1).code).toBeUndefined();
    expect(world.makeOfficial(3).code).toBeUndefined();
    // Right in the second leg alone: 300 on 200, a dollar and a half each.
    expect(balances(world)).toEqual([start + 50, start + 50, start - 200, start]);
    const scratched = paid();
    expect(scratched.scratchIn(1, '1').code).toBeUndefined();
    correct(scratched, 1, finish('5'));
    expect(scratched.makeOfficial(3).code).toBeUndefined();
    // 1 is stood in for by the favourite, the first on the card: 2, which is not right.
    expect(balances(scratched)).toEqual([start - 100, start + 200, start - 200, start]);
    expect([world.clearing('PICK3'), scratched.clearing('PICK3')]).toEqual([0, 0]);
  });

  it('waits for the leg when it is taken up once more before anybody confirmed', () => {
    const world = paid();
    correct(world, 1, finish('5', '1'));
    world.propose(3);
    const { previewHash } = world.raceAt(3);
    expect(world.enter(1, finish('6', '5'), 'photo').code).toBeUndefined();
    const confirm = { type: 'ConfirmSettlement', race: 'R3', previewHash: previewHash ?? '', by: second } as const;
    expect(world.ask(confirm).code).toBe('RACE_STATUS');
    expect(world.makeOfficial(1).code).toBeUndefined();
    expect(world.makeOfficial(3).code).toBeUndefined();
    // Nobody is right in both: the 400 of those that are right in one of two, 300 on 400, pay less than the stake: 1.05 at least.
    expect(world.declared('PICK3')).toEqual({ '2/3 2@6/2/*': '1.05' });
    expect(world.clearing('PICK3')).toBe(0);
  });

  it('is kept for as long as its correction waits', () => {
    const world = paid();
    correct(world, 1, finish('5', '1'));
    wait(world, DAY + HOUR);
    publishNext(world);
    expect(world.makeOfficial(3).code).toBeUndefined();
    expect(balances(world)).toEqual([start - 100, start + 200, start - 200, start]);
    foldsTheSame(world);
  });

  it('stays as it was paid by rules without corrections, and once the time for them is over', () => {
    const none = paid({ overLegs: 'NONE' });
    correct(none, 1, finish('5', '1'));
    expect(none.raceAt(3).endedAt).not.toBeNull();
    expect(balances(none)).toEqual([start + 200, start - 100, start - 200, start]);
    const late = paid();
    wait(late, 3 * HOUR);
    correct(late, 1, finish('1', '4'));
    expect(late.makeOfficial(3).code).toBeUndefined();
    wait(late, CORRECTION_MS - HOUR);
    expect(late.raceAt(3).isFinal).toBe(false);
    wait(late, HOUR);
    expect(late.raceAt(3).isFinal).toBe(true);
    for (const { state } of late.shards) expect(state.pools.get('PICK3')?.settled).toBeNull();
    expect(late.enter(1, finish('5'), 'photo').code).toBe('CORRECTION_CLOSED');
    wait(late, DAY);
    publishNext(late);
    for (const { state } of [late.market, ...late.shards]) expect(state.pools.has('PICK3')).toBe(false);
    foldsTheSame(late);
  });

  it('needs a second person the first time, too, whoever voided it and whenever', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/6', 100);
    for (const leg of [1, 2]) world.run(leg, finish(String(leg)));
    world.voidLeg(3);
    world.propose(3);
    const confirm = { type: 'ConfirmSettlement', race: 'R3', previewHash: world.raceAt(3).previewHash ?? '' } as const;
    expect(world.ask({ ...confirm, by: steward }).code).toBe('SAME_PERSON');
    // The person, not the session: another device is nobody else.
    expect(world.ask({ ...confirm, by: { ...steward, device: 'office' } }).code).toBe('SAME_PERSON');
    expect(world.ask({ ...confirm, by: second }).code).toBeUndefined();
  });
});

describe('an earlier leg that is corrected', () => {
  it('is waited for by the last one: its time for corrections does not end meanwhile', () => {
    const world = double('US');
    world.run(1, finish('1'));
    world.run(2, finish('2'));
    wait(world, 5 * HOUR);
    expect(world.enter(1, finish('2', '1'), 'photo').code).toBeUndefined();
    wait(world, 2 * HOUR);
    expect(world.raceAt(2).isFinal).toBe(false);
    expect(world.makeOfficial(1).code).toBeUndefined();
    expect(world.makeOfficial(2).code).toBeUndefined();
    expect(world.balance('acc-2')).toBe(start - 2_000 + 3_200);
  });

  it('takes the last one up with the other legs that are corrected at the same time, once all are official', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    for (const leg of [1, 2, 3]) world.run(leg, finish(String(leg)));
    for (const leg of [1, 2]) expect(world.enter(leg, finish('4'), 'photo').code).toBeUndefined();
    expect(world.makeOfficial(1).code).toBeUndefined();
    expect(world.raceAt(3).status).toBe('SETTLED');
    expect(world.makeOfficial(2).code).toBeUndefined();
    expect(world.raceAt(3).status).toBe('PROVISIONAL');
    expect(world.makeOfficial(3).code).toBeUndefined();
    expect(world.clearing('PICK3')).toBe(0);
  });

  it('changes nothing in pools that begin with a void race of which another pool is settled again', () => {
    const meeting = legsCard('PICK3', 'US');
    const [over] =
      legsCard('DAILY_DOUBLE' as 'PICK3', 'US')
        .races.at(-1)
        ?.pools.slice(-1) ?? [];
    const [other] = card({ race: 'R4', types: ['WIN'] }).races;
    if (!over || !other) throw new Error('a double and a race for it');
    const last = { ...other, number: 4, pools: [...other.pools, { ...over, legs: ['R3', 'R4'] }] };
    const world = LegsWorld.of([{ ...meeting, races: [...meeting.races, last] }]);
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    world.bet('acc-1', 'DAILY_DOUBLE', '1/4', 200);
    for (const leg of [1, 2]) world.run(leg, finish(String(leg)));
    world.voidLeg(3);
    expect(world.makeOfficial(3).code).toBeUndefined();
    world.run(4, finish('4'));
    correct(world, 1, finish('4'));
    expect(world.makeOfficial(3).code).toBeUndefined();
    expect([world.raceAt(3).version, world.raceAt(4).status]).toEqual([2, 'SETTLED']);
  });

  it('leaves a last leg alone of which no pool may be corrected', () => {
    const world = double('US', { overLegs: 'NONE', corrections: 'NONE' });
    world.run(1, finish('1'));
    world.run(2, finish('2'));
    correct(world, 1, finish('2', '1'));
    expect([world.raceAt(1).status, world.raceAt(2).status]).toEqual(['SETTLED', 'SETTLED']);
    wait(world, CORRECTION_MS);
    expect(world.raceAt(2).isFinal).toBe(true);
  });
});

describe('a non-runner that is found in an earlier leg after its pool was paid', () => {
  it.each(['HK', 'US'])('has its stakes given back, and the pool is priced on the rest: %s', (rules) => {
    const world = double(rules);
    world.run(1, finish('1'));
    world.run(2, finish('2'));
    const before = world.balance('acc-0');
    expect(world.scratchIn(1, '5').code).toBeUndefined();
    expect(world.balance('acc-1')).toBe(start);
    correct(world, 1, finish('1'));
    expect(world.market.state.pools.get('DAILY_DOUBLE')).toMatchObject({ refundedAfterSeal: 1_000 });
    expect(world.makeOfficial(2).code).toBeUndefined();
    expect(world.market.state.pools.get('DAILY_DOUBLE')?.declared?.grossMinor).toBe(3_000);
    expect(world.balance('acc-0')).toBeLessThan(before);
    expect(world.raceAt(2).status).toBe('SETTLED');
    expect(world.clearing('DAILY_DOUBLE')).toBe(0);
    foldsTheSame(world);
  });

  it('is taken up in both legs, and a second one, while the first correction waits', () => {
    const world = double('HK');
    world.run(1, finish('1'));
    world.run(2, finish('2'));
    world.scratchIn(1, '5');
    expect(world.enter(2, finish('2', '4'), 'photo').code).toBeUndefined();
    expect(world.scratchIn(1, '2').code).toBeUndefined();
    expect([world.balance('acc-1'), world.balance('acc-2')]).toEqual([start, start]);
    correct(world, 1, finish('1'));
    expect(world.makeOfficial(2).code).toBeUndefined();
    expect(world.market.state.pools.get('DAILY_DOUBLE')?.declared?.grossMinor).toBe(1_000);
    expect(world.clearing('DAILY_DOUBLE')).toBe(0);
  });

  it('is found while the pool is being paid: the last leg is settled with what is left', () => {
    const world = double('HK');
    world.run(1, finish('1'));
    world.stopRace(2);
    world.enter(2, finish('2'));
    world.propose(2);
    const previewHash = world.raceAt(2).previewHash ?? '';
    world.market.decide({ type: 'ConfirmSettlement', race: 'R2', previewHash, by: second }, ++world.now);
    world.market.decide({ type: 'ScratchRunner', race: 'R1', runner: '5', reason: 'lame', by: steward }, ++world.now);
    world.settle();
    expect(world.balance('acc-1')).toBe(start);
    expect(world.raceAt(2)).toMatchObject({ status: 'PAYING', endedAt: null });
    correct(world, 1, finish('1'));
    expect(world.makeOfficial(2).code).toBeUndefined();
    expect(world.market.state.pools.get('DAILY_DOUBLE')?.declared?.grossMinor).toBe(3_000);
    expect([world.raceAt(2).status, world.clearing('DAILY_DOUBLE')]).toEqual(['SETTLED', 0]);
    foldsTheSame(world);
  });

  it('moves nothing by rules without corrections', () => {
    const none = double('HK', { overLegs: 'NONE' });
    none.run(1, finish('1'));
    none.run(2, finish('2'));
    expect(none.scratchIn(1, '5').code).toBeUndefined();
    expect(none.balance('acc-1')).toBe(start - 1_000);
    correct(none, 1, finish('1'));
    expect(none.raceAt(2).status).toBe('SETTLED');
    expect(none.clearing('DAILY_DOUBLE')).toBe(0);
  });

  it('waits until every shard has paid a pool that may not be corrected', () => {
    const world = double('HK', { overLegs: 'NONE' });
    world.run(1, finish('1'));
    world.stopRace(2);
    world.enter(2, finish('2'));
    world.propose(2);
    const previewHash = world.raceAt(2).previewHash ?? '';
    world.market.decide({ type: 'ConfirmSettlement', race: 'R2', previewHash, by: second }, ++world.now);
    const scratch = { type: 'ScratchRunner', race: 'R1', runner: '5', reason: 'lame', by: steward } as const;
    expect(world.market.decide(scratch, ++world.now).code).toBe('RACE_STATUS');
    world.settle();
    expect(world.ask(scratch).code).toBeUndefined();
  });
});

describe('the official off of a leg that did not end the sale', () => {
  const late = (world: LegsWorld, leg: number, offAt: number) =>
    world.ask({ type: 'DeclareLateOff', race: `R${leg}`, offAt, reason: 'video', by: steward });

  it.each([
    ['that was not stopped when another leg was', 1, 2],
    ['that was off before the leg that was stopped', 2, 1],
  ])('%s gives back what was bet on the pool after it', (_, off, stopped) => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    const offAt = world.now;
    world.bet('acc-1', 'PICK3', '1/2/3', 300);
    world.stopRace(stopped);
    expect(late(world, off, offAt).code).toBeUndefined();
    expect([world.balance('acc-0'), world.balance('acc-1')]).toEqual([start - 100, start]);
    for (const leg of [1, 2, 3]) world.run(leg, finish(String(leg)));
    expect(world.balance('acc-0')).toBe(start + 5);
    expect(world.clearing('PICK3')).toBe(0);
    foldsTheSame(world);
  });

  it('becomes known while the pool is being closed: nothing later stands at its seal', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    const offAt = world.now;
    world.bet('acc-1', 'PICK3', '1/2/3', 300);
    world.market.decide({ type: 'StopBetting', race: 'R2', reason: 'off', by: steward }, ++world.now);
    late(world, 1, offAt);
    const sealed = world.market.decisions.flatMap((d) => d.events).filter((e) => e.t === 'PoolSealed');
    expect(sealed.find(({ pool }) => pool === 'PICK3')).toMatchObject({ bets: 1, voidedBets: 1 });
    expect(world.balance('acc-1')).toBe(start);
  });
});

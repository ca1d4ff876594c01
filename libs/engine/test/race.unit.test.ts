import { describe, expect, it } from 'vitest';
import { card, hash, poolId, RACE, second, steward, tote, World } from './world.js';

const WIN = poolId('WIN');
const EXACTA = poolId('EXACTA');
const race = (world: World) => world.market.state.races.get(RACE);

describe('a race from card to cash', () => {
  it('pays the winners the broken dividend and leaves every clearing account at zero', () => {
    // Win pool: 6,000 on 1, 4,000 on 2; takeout of the US rule set, then net / 4,000 broken to the dime.
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 6_000);
    world.bet('acc-1', WIN, '2', 4_000);
    const net = 10_000 - Math.floor(10_000 * Number(race(world)?.card.pools[0]?.ruleSet.takeout));
    const price = Math.floor((net * 10) / 4_000) / 10;
    world.settleRace([['2'], ['1'], ['3']]);
    expect(race(world)?.status).toBe('SETTLED');
    expect(world.balance('acc-0')).toBe(94_000);
    expect(world.balance('acc-1')).toBe(96_000 + Math.round(price * 4_000));
    expect(world.clearing(WIN)).toBe(0);
  });

  it('conserves money over all pools: cash in equals balances plus what the house kept', () => {
    const world = World.open();
    for (let i = 0; i < 40; i++) {
      world.bet(`acc-${i % 4}`, WIN, String((i % 6) + 1), 200 + i * 10);
      world.bet(`acc-${(i + 1) % 4}`, poolId('PLACE'), String((i % 5) + 1), 300);
      world.bet(`acc-${(i + 2) % 4}`, EXACTA, `BOX:${(i % 6) + 1},${((i + 1) % 6) + 1}`, 100, 2);
    }
    world.settleRace([['3'], ['4', '1'], ['2']]);
    expect(race(world)?.status).toBe('SETTLED');
    const sum = [...world.ledger.values()].reduce((a, b) => a + b, 0);
    expect(sum).toBe(0);
    for (const type of ['WIN', 'PLACE', 'EXACTA']) expect(world.clearing(poolId(type))).toBe(0);
  });

  it('rebuilds the very same state from the recorded decisions alone', () => {
    const world = World.open();
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', EXACTA, '1,2>2,3', 100, 3);
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '3', reason: 'lame', by: steward });
    world.settleRace([['1'], ['2'], ['4']]);
    for (const host of [world.market, ...world.shards]) expect(hash(host.replayed())).toBe(hash(host.told()));
  });

  it('refunds the pool when the ladder ends in a refund', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '5', 700);
    world.settleRace([['1'], ['2'], ['3']]);
    expect(world.balance('acc-0')).toBe(100_000);
    expect(race(world)?.status).toBe('SETTLED');
  });

  it('pays more than one step of winners while bets on other races go on between', () => {
    const world = World.open({ types: ['WIN'], balance: 10_000_000 });
    for (let i = 0; i < 1_300; i++) world.bet(`acc-${i % 4}`, WIN, i % 3 === 0 ? '2' : '1', 200);
    world.settleRace([['1'], ['2'], ['3']]);
    const steps = world.shards.flatMap((s) => s.decisions.filter((d) => d.events.some((e) => e.t === 'BetsPaid')));
    expect(steps.length).toBeGreaterThanOrEqual(2);
    expect(world.clearing(WIN)).toBe(0);
    expect(race(world)?.status).toBe('SETTLED');
  });
});

describe('no bet after the off', () => {
  it('voids and refunds a bet acknowledged after the stop but before the shard saw the marker, and counts it', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    // The stop stands in the market's log; the shards have not been told when the next bet is appended.
    const stop = world.market.decide({ type: 'StopBetting', race: RACE, reason: 'off', by: steward }, ++world.now);
    const late = world.bet('acc-1', WIN, '2', 900);
    expect(late.code).toBeUndefined();
    expect(late.at).toBeGreaterThan(stop.at);
    world.settle();
    expect(world.balance('acc-1')).toBe(100_000);
    const sealed = world.market.decisions.flatMap((d) => d.events).find((e) => e.t === 'PoolSealed');
    expect(sealed).toMatchObject({ bets: 1, stake: 500, voidedBets: 1, voidedStake: 900 });
  });

  it('refuses every bet after the marker, after the scheduled stop, and once the lease has run out', () => {
    const closed = World.open({ types: ['WIN'] });
    closed.stop();
    expect(closed.bet('acc-0', WIN, '1', 500).code).toBe('POOL_CLOSED');

    const scheduled = World.open({ types: ['WIN'] });
    const stopAt = scheduled.now + 100;
    const timed = new World();
    timed.now = scheduled.now;
    timed.ask({ type: 'PublishMeeting', meeting: card({ types: ['WIN'], scheduledStop: stopAt }), by: tote });
    timed.ask({ type: 'OpenRace', race: RACE, reason: '', by: tote });
    timed.fund('acc-0', 1_000);
    timed.renewLease();
    timed.now = stopAt;
    expect(timed.bet('acc-0', WIN, '1', 500).code).toBe('POOL_CLOSED');

    const unleased = World.open({ types: ['WIN'] });
    unleased.now += 6_000;
    expect(unleased.bet('acc-0', WIN, '1', 500).code).toBe('CHANNEL_LEASE_EXPIRED');
  });

  it('withdraws bets later than a late off, before the seal when the race was still selling, by a statement when it was sealed', () => {
    const selling = World.open({ types: ['WIN'] });
    selling.bet('acc-0', WIN, '1', 500);
    const offAt = selling.now;
    selling.bet('acc-1', WIN, '2', 900);
    selling.ask({ type: 'DeclareLateOff', race: RACE, offAt, reason: 'gate', by: steward });
    const seal = selling.market.state.pools.get(WIN)?.seals;
    expect(seal?.reduce((sum, s) => sum + (s?.stake ?? 0), 0)).toBe(500);
    expect(selling.balance('acc-1')).toBe(100_000);

    const sealed = World.open({ types: ['WIN'] });
    sealed.bet('acc-0', WIN, '1', 500);
    const off = sealed.now;
    sealed.bet('acc-1', WIN, '2', 900);
    sealed.stop();
    sealed.ask({ type: 'DeclareLateOff', race: RACE, offAt: off, reason: 'gate', by: steward });
    expect(sealed.market.state.pools.get(WIN)?.seals.reduce((sum, s) => sum + (s?.stake ?? 0), 0)).toBe(1_400);
    expect(sealed.market.state.pools.get(WIN)?.refundedAfterSeal).toBe(900);
    expect(sealed.balance('acc-1')).toBe(100_000);
  });

  it('closes the race when a result is entered while it still sells', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.ask({ type: 'EnterResult', race: RACE, finish: [['1']], disqualified: [], reason: '', by: steward });
    expect(world.bet('acc-0', WIN, '1', 500).code).toBe('POOL_CLOSED');
    expect(race(world)?.status).toBe('PROVISIONAL');
  });
});

describe('scratches and voids', () => {
  it('refunds the lines that name the non-runner and leaves the rest of a box standing', () => {
    const world = World.open({ types: ['EXACTA'] });
    world.bet('acc-0', EXACTA, 'BOX:1,2,3', 100, 6);
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '3', reason: 'lame', by: steward });
    // Of 6 ordered pairs of {1,2,3}, 2 do not name 3: 4 × 100 come back.
    expect(world.balance('acc-0')).toBe(100_000 - 200);
    expect(world.bet('acc-0', EXACTA, '3>1', 100).code).toBe('RUNNER_SCRATCHED');
  });

  it('states refunds of a scratch after the close and never changes the seal', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', WIN, '2', 900);
    world.stop();
    const before = JSON.stringify(world.market.state.pools.get(WIN)?.seals);
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '2', reason: 'bolted', by: steward });
    expect(JSON.stringify(world.market.state.pools.get(WIN)?.seals)).toBe(before);
    expect(world.market.state.pools.get(WIN)?.refundedAfterSeal).toBe(900);
    expect(world.balance('acc-1')).toBe(100_000);
  });

  it('gives every stake back when the race is void', () => {
    const world = World.open();
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', EXACTA, 'BOX:1,2', 100, 2);
    world.ask({ type: 'VoidRace', race: RACE, reason: 'abandoned', by: steward });
    expect(world.balance('acc-0')).toBe(100_000);
    expect(world.balance('acc-1')).toBe(100_000);
    expect(race(world)?.status).toBe('VOID');
    expect(world.clearing(WIN)).toBe(0);
  });
});

describe('declaring a dividend', () => {
  it('needs another person than who entered the result, and exactly the preview that stands', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.stop();
    const previewHash = world.price([['1'], ['2']]) ?? '';
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: steward }).code).toBe('SAME_PERSON');
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash: 'other', by: second }).code).toBe(
      'PREVIEW_CHANGED',
    );
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: tote }).code).toBe('NOT_AUTHORIZED');
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }).code).toBeUndefined();
  });

  it('forgets the preview when anything that decides the price changes', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', WIN, '2', 500);
    world.stop();
    const previewHash = world.price([['1'], ['2']]) ?? '';
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '2', reason: 'gate', by: steward });
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }).code).toBe('RACE_STATUS');
    const again = world.price([['1'], ['3']]) ?? '';
    expect(again).not.toBe(previewHash);
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }).code).toBe('PREVIEW_CHANGED');
  });

  it.each([
    [
      'a price one dime off',
      { dividends: [{ tier: 'WIN', c: '1', price: '9.90', stakeMinor: 500, paidMinor: 4_950 }] },
    ],
    ['a gross that the seals do not know', { grossMinor: 999 }],
    ['another carry-in than the card', { carryInMinor: 1 }],
    ['another input', { inputHash: 'y' }],
    ['money unaccounted for', { breakageMinor: 1 }],
  ])('is blocked by one calculator with %s', (_, change) => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', WIN, '2', 700);
    world.stop();
    world.ask({ type: 'EnterResult', race: RACE, finish: [['1'], ['2']], disqualified: [], reason: '', by: steward });
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, 'ENGINE') });
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, 'PROJECTOR') });
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, 'AUDIT', change) });
    expect(race(world)?.previewHash).toBeNull();
    expect(world.market.state.pools.get(WIN)?.differences.length).toBeGreaterThan(0);
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash: 'x', by: second }).code).toBe(
      'PREVIEW_NOT_READY',
    );
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, 'AUDIT') });
    expect(race(world)?.previewHash).not.toBeNull();
  });

  it.each([
    ['an unknown runner', [['9']], '/finish/0/0'],
    ['a runner twice', [['1'], ['1']], '/finish/1/0'],
    ['a non-runner', [['6']], '/finish/0/0'],
  ])('refuses an order with %s', (_, finish, pointer) => {
    const world = World.open({ types: ['WIN'] });
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '6', reason: 'lame', by: steward });
    world.stop();
    const entered = world.ask({ type: 'EnterResult', race: RACE, finish, disqualified: [], reason: '', by: steward });
    expect(entered).toMatchObject({ code: 'FINISH_INVALID', pointer });
  });
});

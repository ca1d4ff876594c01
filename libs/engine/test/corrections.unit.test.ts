/**
 * An official result that is changed: what moves, what stays, who has to agree, and how a shard that dies in the middle goes on.
 * Every decision's postings are checked by the world; the tables say what must come out of them.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CORRECTION_MS, type MarketEvent, type ShardEvent } from '../src/index.js';
import { card, hash, poolId, RACE, second, steward, tote, World } from './world.js';

const WIN = poolId('WIN');
const OTHER = '2026-11-22-R1-C2';

/**
 * The win pool of every table, French rules, in cents: 2,000 on 1, 3,000 on 2, 5,000 on 3.
 *
 * | gross  | takeout 13.9 % | net   | winner | price                      | paid  | breakage |
 * |--------|----------------|-------|--------|----------------------------|-------|----------|
 * | 10,000 | 1,390          | 8,610 | 1      | 8,610 / 2,000 = 4.305: 4.30 | 8,600 | 10       |
 * | 10,000 | 1,390          | 8,610 | 2      | 8,610 / 3,000 = 2.870: 2.80 | 8,400 | 210      |
 * | 10,000 | 1,390          | 8,610 | 3      | 8,610 / 5,000 = 1.722: 1.70 | 8,500 | 110      |
 */
function paidOn(first: string, options: Parameters<typeof World.open>[0] = {}): World {
  const world = World.open({ types: ['WIN'], rules: 'FR', ...options });
  world.bet('acc-0', WIN, '1', 2_000);
  world.bet('acc-1', WIN, '2', 3_000);
  world.bet('acc-2', WIN, '3', 5_000);
  world.settleRace([[first], ['4']]);
  expect(statusOf(world)).toBe('SETTLED');
  return world;
}

const A = [['1'], ['4']];
const B = [['2'], ['4']];
const race = (world: World) => world.market.state.races.get(RACE);
const statusOf = (world: World) => race(world)?.status;
const balances = (world: World) => [0, 1, 2].map((i) => world.balance(`acc-${i}`));
const owed = (world: World) => [0, 1, 2].map((i) => world.owed(`acc-${i}`));
const booked = (world: World, account: string): number => world.ledger.get(account) ?? 0;
const marketEvents = (world: World): MarketEvent[] => world.market.decisions.flatMap((d) => d.events);
const shardEvents = (world: World): ShardEvent[] => world.shards.flatMap((s) => s.decisions.flatMap((d) => d.events));
const weighed = (world: World) =>
  (world.market.state.pools.get(WIN)?.weighed ?? []).reduce(
    (sum, report) => ({
      bets: sum.bets + (report?.bets ?? 0),
      toPay: sum.toPay + (report?.toPay ?? 0),
      toTakeBack: sum.toTakeBack + (report?.toTakeBack ?? 0),
      short: sum.short + (report?.short ?? 0),
      kept: sum.kept + (report?.kept ?? 0),
    }),
    { bets: 0, toPay: 0, toTakeBack: 0, short: 0, kept: 0 },
  );
const withdraw = (world: World, account: string, amount: number) =>
  world.send(account, { type: 'Withdraw', account, ref: `out-${amount}`, amount });
const code = (world: World, command: object) => world.ask({ race: RACE, by: steward, ...command } as never).code;

describe('a changed result', () => {
  it('is paid as the signed difference to what was paid before, and the pool balances by the new sheet', () => {
    const world = paidOn('1');
    expect(balances(world)).toEqual([106_600, 97_000, 95_000]);
    world.correct(B);
    // 8,600 back from the first, 8,400 to the second; what was rounded off grows from 10 to 210.
    expect(balances(world)).toEqual([98_000, 105_400, 95_000]);
    expect(owed(world)).toEqual([0, 0, 0]);
    expect([booked(world, 'house:takeout'), booked(world, 'house:breakage')]).toEqual([1_390, 210]);
    expect(world.clearing(WIN)).toBe(0);
    expect(statusOf(world)).toBe('SETTLED');
    const pool = world.market.state.pools.get(WIN);
    expect([pool?.replaced?.paidMinor, pool?.declared?.paidMinor]).toEqual([8_600, 8_400]);
    const corrected = shardEvents(world).flatMap((e) => (e.t === 'BetsCorrected' ? e.items : []));
    expect(corrected.map(({ account, amount, due }) => [account, amount, due]).sort()).toEqual([
      ['acc-0', -8_600, 0],
      ['acc-1', 8_400, 8_400],
    ]);
  });

  it('pays no bet that was voided or given back before, whatever it names', () => {
    const world = World.open({ types: ['WIN'], rules: 'FR' });
    world.bet('acc-0', WIN, '1', 2_000);
    world.bet('acc-1', WIN, '2', 3_000);
    world.market.decide({ type: 'StopBetting', race: RACE, reason: 'off', by: steward }, ++world.now);
    // Acknowledged after the stop, voided at the marker.
    expect(world.bet('acc-3', WIN, '2', 5_000).code).toBeUndefined();
    world.settleRace(A);
    world.correct(B);
    expect([world.balance('acc-3'), statusOf(world), world.clearing(WIN)]).toEqual([100_000, 'SETTLED', 0]);
  });

  it('shows before it is confirmed what would move, from what the shards themselves paid', () => {
    const world = paidOn('1');
    withdraw(world, 'acc-0', 103_000);
    world.reenter(B);
    expect(weighed(world)).toEqual({ bets: 2, toPay: 8_400, toTakeBack: 8_600, short: 5_000, kept: 0 });
    expect(statusOf(world)).toBe('PROVISIONAL');
    expect(balances(world)).toEqual([3_600, 97_000, 95_000]);
    const priced = world.market.state.pools.get(WIN)?.stakes.map((report) => report?.settled);
    expect(priced?.reduce((sum = 0, one = 0) => sum + one, 0)).toBe(8_600);
  });

  it('takes back what the balance holds; the rest is owed and kept back from winnings, not from stakes given back', () => {
    const world = paidOn('1');
    withdraw(world, 'acc-0', 103_000);
    world.correct(B);
    expect([balances(world), owed(world)]).toEqual([
      [0, 105_400, 95_000],
      [5_000, 0, 0],
    ]);
    expect([booked(world, 'owed:acc-0'), world.clearing(WIN)]).toEqual([-5_000, 0]);
    // A stake given back is the bettor's; a payout of 1,680 (600 at 2.80) stays with the operator but for what is not owed.
    world.send('acc-0', { type: 'Deposit', account: 'acc-0', ref: 'more', amount: 2_000 });
    world.ask({ type: 'PublishMeeting', meeting: card({ race: OTHER, types: ['WIN'], rules: 'FR' }), by: tote });
    world.ask({ type: 'OpenRace', race: OTHER, reason: 'card', by: tote });
    world.renewLease();
    world.bet('acc-0', poolId('WIN', OTHER), '5', 1_000);
    world.ask({ type: 'ScratchRunner', race: OTHER, runner: '5', reason: 'lame', by: steward });
    expect([world.balance('acc-0'), world.owed('acc-0')]).toEqual([2_000, 5_000]);
    // Settled again on A: of 8,600 due again 5,000 are kept back, and everything is as it was.
    world.correct(A);
    expect([world.balance('acc-0'), world.owed('acc-0')]).toEqual([2_000 + 3_600, 0]);
    expect(booked(world, 'owed:acc-0')).toBe(0);
  });

  it('keeps back what is owed from a stake that was given back, taken back and is given back again: nobody has it twice', () => {
    // Nobody has 5 or 4: every stake is given back, and most of it taken out.
    const world = paidOn('5');
    withdraw(world, 'acc-0', 99_000);
    world.correct(B);
    expect([world.balance('acc-0'), world.owed('acc-0')]).toEqual([0, 1_000]);
    world.correct([['5'], ['4']]);
    expect([world.balance('acc-0'), world.owed('acc-0')]).toEqual([1_000, 0]);
    expect(booked(world, 'owed:acc-0')).toBe(0);
  });

  it('keeps back what is owed from the winnings of another race', () => {
    const world = paidOn('1');
    withdraw(world, 'acc-0', 106_000);
    world.correct(B);
    expect([world.balance('acc-0'), world.owed('acc-0')]).toEqual([0, 8_000]);
    world.send('acc-0', { type: 'Deposit', account: 'acc-0', ref: 'more', amount: 3_000 });
    world.ask({ type: 'PublishMeeting', meeting: card({ race: OTHER, types: ['WIN'], rules: 'FR' }), by: tote });
    world.ask({ type: 'OpenRace', race: OTHER, reason: 'card', by: tote });
    world.renewLease();
    world.bet('acc-0', poolId('WIN', OTHER), '1', 3_000);
    world.bet('acc-1', poolId('WIN', OTHER), '2', 9_000);
    settleOther(world, [['1'], ['2']]);
    // 12,000 less 13.9 % is 10,332 on 3,000: 3.444, cut to 3.40, pays 10,200: 8,000 kept back, 2,200 paid out.
    expect([world.balance('acc-0'), world.owed('acc-0')]).toEqual([2_200, 0]);
    const [item] = shardEvents(world)
      .flatMap((e) => (e.t === 'BetsPaid' ? e.items : []))
      .filter(({ net }) => net !== undefined);
    expect(item).toMatchObject({ account: 'acc-0', amount: 10_200, net: 8_000, balance: 2_200 });
  });

  it('settled A, then B, then A leaves every balance as A', () => {
    const world = paidOn('1');
    const asA = balances(world);
    world.correct(B);
    world.correct(A);
    expect(balances(world)).toEqual(asA);
    expect(owed(world)).toEqual([0, 0, 0]);
    expect([booked(world, 'house:breakage'), booked(world, 'house:correction')]).toEqual([10, 0]);
    // Nothing is overwritten: three results, three declarations, three payments of the race.
    expect(marketEvents(world).filter((e) => e.t === 'RaceSettled')).toHaveLength(3);
    expect(race(world)).toMatchObject({ version: 3, official: 3 });
  });

  it('is corrected once more before it is confirmed: the order entered last is the one that is paid', () => {
    const world = paidOn('1');
    const preview = world.reenter(B);
    const other = world.reenter([['3'], ['4']]);
    expect(world.confirm(preview).code).toBe('PREVIEW_CHANGED');
    expect(world.confirm(other).code).toBeUndefined();
    expect(balances(world)).toEqual([98_000, 97_000, 95_000 + 8_500]);
  });

  it('waits its turn while the order before it is being paid', () => {
    const world = World.open({ types: ['WIN'], rules: 'FR', balance: 10_000_000 });
    for (let i = 0; i < 1_201; i++) world.bet('acc-0', WIN, i % 2 === 0 ? '1' : '2', 200);
    world.stop();
    const previewHash = world.price(A) ?? '';
    const at = () => ++world.now;
    world.market.decide({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }, at());
    // The other order comes before the shards were even told of the first.
    const enter = {
      type: 'EnterResult',
      race: RACE,
      finish: B,
      disqualified: [],
      reason: 'objection',
      by: steward,
    } as const;
    expect(world.market.decide(enter, at()).code).toBeUndefined();
    world.settle();
    world.proposeAll();
    const steps = shardEvents(world).flatMap((e) =>
      e.t === 'BetsPaid' || e.t === 'StakesCounted' || e.t === 'BetsWeighed' ? [e.t] : [],
    );
    expect(steps.indexOf('BetsPaid')).toBeLessThan(steps.lastIndexOf('StakesCounted'));
    expect(statusOf(world)).toBe('PROVISIONAL');
    // 601 winners on 1 were paid whole before the first difference is counted.
    expect(weighed(world)).toMatchObject({ bets: 1_201, short: 0 });
    world.confirm(race(world)?.previewHash ?? null);
    const fresh = World.open({ types: ['WIN'], rules: 'FR', balance: 10_000_000 });
    for (let i = 0; i < 1_201; i++) fresh.bet('acc-0', WIN, i % 2 === 0 ? '1' : '2', 200);
    fresh.settleRace(B);
    expect(world.balance('acc-0')).toBe(fresh.balance('acc-0'));
    expect([statusOf(world), world.clearing(WIN)]).toEqual(['SETTLED', 0]);
    expect(marketEvents(world).filter((e) => e.t === 'RaceSettled')).toHaveLength(1);
  });

  it('of a pool that was given back takes the stakes that won nothing, and gives them back again', () => {
    // Nobody on 5: by French rules the win pool is given back.
    const world = paidOn('5');
    expect(balances(world)).toEqual([100_000, 100_000, 100_000]);
    world.correct(A);
    expect(balances(world)).toEqual([106_600, 97_000, 95_000]);
    world.correct([['5'], ['4']]);
    expect(balances(world)).toEqual([100_000, 100_000, 100_000]);
    expect(world.clearing(WIN)).toBe(0);
    expect([booked(world, 'house:takeout'), booked(world, 'house:breakage')]).toEqual([0, 0]);
  });
});

describe('the policy of a rule set', () => {
  it('UNDERPAY_ONLY makes good what was too little and leaves what was too much, at the cost of the operator', () => {
    const world = paidOn('1', { corrections: 'UNDERPAY_ONLY' });
    world.reenter(B);
    expect(weighed(world)).toEqual({ bets: 2, toPay: 8_400, toTakeBack: 0, short: 0, kept: 8_600 });
    world.confirm(race(world)?.previewHash ?? null);
    expect(balances(world)).toEqual([106_600, 105_400, 95_000]);
    expect([booked(world, 'house:correction'), world.clearing(WIN)]).toEqual([-8_600, 0]);
    // Back to A: the first holds its 8,600 already, so the pool pays the operator; the second keeps 8,400.
    world.correct(A);
    expect(balances(world)).toEqual([106_600, 105_400, 95_000]);
    expect([booked(world, 'house:correction'), world.clearing(WIN)]).toEqual([-8_400, 0]);
  });

  it('NONE takes the order down for the record and moves no money; it still takes two people', () => {
    const world = paidOn('1', { corrections: 'NONE' });
    const before = new Map(world.ledger);
    world.ask({
      type: 'EnterResult',
      race: RACE,
      finish: B,
      disqualified: [],
      reason: 'weighed in light',
      by: steward,
    });
    const previewHash = race(world)?.previewHash ?? '';
    expect(code(world, { type: 'ConfirmSettlement', previewHash })).toBe('SAME_PERSON');
    expect(world.confirm(previewHash).code).toBeUndefined();
    expect([statusOf(world), race(world)?.finish]).toEqual(['SETTLED', B]);
    expect(world.ledger).toEqual(before);
    expect(shardEvents(world).some((e) => e.t === 'BetsCorrected')).toBe(false);
  });

  it('is each pool’s own: in one race one pool is corrected and the other stays as it was paid', () => {
    const meeting = card({ types: ['WIN', 'PLACE'], rules: 'FR', corrections: 'CLAWBACK' });
    const races = meeting.races.map((one) => ({
      ...one,
      pools: one.pools.map((pool) =>
        pool.type === 'PLACE' ? { ...pool, ruleSet: { ...pool.ruleSet, corrections: 'NONE' as const } } : pool,
      ),
    }));
    const world = new World();
    world.ask({ type: 'PublishMeeting', meeting: { ...meeting, races }, by: tote });
    world.ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
    world.renewLease();
    for (let i = 0; i < 3; i++) world.fund(`acc-${i}`, 100_000);
    for (const pool of [WIN, poolId('PLACE')])
      for (const [i, runner] of ['1', '2', '3'].entries()) world.bet(`acc-${i}`, pool, runner, 1_000);
    world.settleRace([['1'], ['4'], ['5']]);
    const place = world.market.state.pools.get(poolId('PLACE'))?.declared;
    world.correct([['2'], ['4'], ['5']]);
    expect(statusOf(world)).toBe('SETTLED');
    expect(world.market.state.pools.get(poolId('PLACE'))?.declared).toEqual(place);
    expect(
      shardEvents(world)
        .filter((e) => e.t === 'BetsCorrected')
        .map((e) => e.t === 'BetsCorrected' && e.pool),
    ).toEqual([WIN, WIN]);
    for (const pool of [WIN, poolId('PLACE')]) expect(world.clearing(pool)).toBe(0);
  });
});

/**
 * The order is changed while its first payment is on the way. 1,500 at 4 on 1 and 1 on 2: what 1,500 payments leave over is posted
 * once, whether the correction touches the pool or not.
 */
describe('a pool that a correction leaves alone', () => {
  it.each([
    ['while another pool is corrected', ['CLAWBACK', 'NONE']],
    ['while no pool may be corrected', ['NONE', 'NONE']],
  ] as const)('is rounded off with its own payment, %s', (_, [win, place]) => {
    const meeting = card({ types: ['WIN', 'PLACE'], rules: 'FR', corrections: win });
    const races = meeting.races.map((one) => ({
      ...one,
      pools: one.pools.map((pool) =>
        pool.type === 'PLACE' ? { ...pool, ruleSet: { ...pool.ruleSet, corrections: place } } : pool,
      ),
    }));
    const world = new World();
    world.ask({ type: 'PublishMeeting', meeting: { ...meeting, races }, by: tote });
    world.ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
    world.renewLease();
    for (let i = 0; i < 3; i++) world.fund(`acc-${i}`, 100_000);
    for (const pool of [WIN, poolId('PLACE')])
      for (const [i, runner] of ['1', '2', '3'].entries()) world.bet(`acc-${i}`, pool, runner, 1_010 + 300 * i);
    world.stop();
    const previewHash = world.price([['1'], ['4'], ['5']]) ?? '';
    const at = () => ++world.now;
    world.market.decide({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }, at());
    const enter = { type: 'EnterResult', race: RACE, finish: [['2'], ['4'], ['5']], disqualified: [] } as const;
    world.market.decide({ ...enter, reason: 'objection', by: steward }, at());
    world.settle();
    world.proposeAll();
    world.confirm(race(world)?.previewHash ?? null);
    expect(statusOf(world)).toBe('SETTLED');
    for (const pool of [WIN, poolId('PLACE')]) expect(world.clearing(pool)).toBe(0);
  });
});

describe('a non-runner found while a pool that may not be corrected is being paid', () => {
  it('waits until the payment is over: every shard pays as it was declared, nothing is given back', () => {
    const world = World.open({ types: ['WIN'], rules: 'FR', corrections: 'NONE', balance: 100_000 });
    for (const [i, runner] of ['1', '2', '3'].entries()) world.bet(`acc-${i}`, WIN, runner, 1_000);
    world.stop();
    const previewHash = world.price(A) ?? '';
    const at = () => ++world.now;
    world.market.decide({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }, at());
    const scratch = { type: 'ScratchRunner', race: RACE, runner: '1', reason: 'ran loose', by: steward } as const;
    expect(world.market.decide(scratch, at()).code).toBe('RACE_STATUS');
    world.settle();
    // 2,583 (3,000 less 13.9 %) on 1,000: 2.50.
    expect(balances(world)).toEqual([101_500, 99_000, 99_000]);
    expect(world.clearing(WIN)).toBe(0);
    expect(world.ask(scratch).code).toBeUndefined();
    expect([balances(world), world.clearing(WIN)]).toEqual([[101_500, 99_000, 99_000], 0]);
  });
});

describe('after a result is official', () => {
  it('a void gives every stake back, less what was paid, once a second person agreed; and it can be corrected, too', () => {
    const world = paidOn('1');
    expect(code(world, { type: 'VoidRace', reason: 'wrong distance' })).toBeUndefined();
    expect([statusOf(world), balances(world)]).toEqual(['PROVISIONAL', [106_600, 97_000, 95_000]]);
    world.proposeAll();
    const previewHash = race(world)?.previewHash ?? '';
    expect(code(world, { type: 'ConfirmSettlement', previewHash })).toBe('SAME_PERSON');
    world.confirm(previewHash);
    expect([statusOf(world), balances(world)]).toEqual(['VOID', [100_000, 100_000, 100_000]]);
    expect([booked(world, 'house:takeout'), booked(world, 'house:breakage'), world.clearing(WIN)]).toEqual([0, 0, 0]);
    world.correct(A);
    expect([statusOf(world), balances(world)]).toEqual(['SETTLED', [106_600, 97_000, 95_000]]);
  });

  it('a runner declared a non-runner has its stakes given back, and the order is entered again', () => {
    const world = paidOn('1');
    expect(code(world, { type: 'ScratchRunner', runner: '1', reason: 'was left in the stalls' })).toBeUndefined();
    expect([statusOf(world), balances(world)]).toEqual(['REOPENED', [108_600, 97_000, 95_000]]);
    // 8,000 less 13.9 % (1,112) is 6,888 on 3,000: 2.296, cut to 2.20, pays 6,600. The first has its stake, and gives 8,600 back.
    world.correct(B);
    expect([statusOf(world), balances(world)]).toEqual(['SETTLED', [100_000, 103_600, 95_000]]);
    expect([booked(world, 'house:takeout'), booked(world, 'house:breakage'), world.clearing(WIN)]).toEqual([
      1_112, 288, 0,
    ]);
  });

  it('a correction needs a reason, a second person, and the preview as it stands', () => {
    const world = paidOn('1');
    const enter = { type: 'EnterResult', finish: B, disqualified: [] };
    expect(code(world, { ...enter, reason: '' })).toBe('REASON_REQUIRED');
    expect(code(world, { ...enter, reason: ' ' })).toBe('REASON_REQUIRED');
    expect(code(world, { type: 'DeclareLateOff', offAt: world.now, reason: 'late' })).toBe('RACE_STATUS');
    const previewHash = world.reenter(B) ?? '';
    expect(code(world, { type: 'ConfirmSettlement', previewHash })).toBe('SAME_PERSON');
    // Persons, not sessions.
    const elsewhere = { ...steward, device: 'office' };
    expect(code(world, { type: 'ConfirmSettlement', previewHash, by: elsewhere })).toBe('SAME_PERSON');
    expect(code(world, { type: 'ConfirmSettlement', previewHash: 'x', by: second })).toBe('PREVIEW_CHANGED');
    expect(balances(world)).toEqual([106_600, 97_000, 95_000]);
  });

  it('a calculator that counts another sum as paid so far vetoes the correction', () => {
    const world = paidOn('1');
    world.ask({ type: 'EnterResult', race: RACE, finish: B, disqualified: [], reason: 'objection', by: steward });
    for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const) {
      const change = source === 'AUDIT' ? { settledMinor: 8_500 } : {};
      world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, source, change) });
    }
    expect(race(world)?.previewHash).toBeNull();
    expect(world.market.state.pools.get(WIN)?.differences).toEqual([
      'AUDIT counts 8500 as paid so far, the shards count 8600',
    ]);
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, 'AUDIT') });
    expect(race(world)?.previewHash).not.toBeNull();
  });

  it('the time for corrections ends six hours after the race was settled: the bets leave the shards, and a correction is refused', () => {
    const world = paidOn('1');
    const held = () => world.shards.map(({ state }) => state.pools.get(WIN)?.book.size ?? 0).reduce((a, b) => a + b, 0);
    world.now = (race(world)?.endedAt ?? 0) + CORRECTION_MS - 2_000;
    world.renewLease();
    expect(held()).toBe(3);
    world.now += 2_000;
    expect(code(world, { type: 'EnterResult', finish: B, disqualified: [], reason: 'late' })).toBe('CORRECTION_CLOSED');
    world.renewLease();
    expect([held(), race(world)?.isFinal]).toEqual([0, true]);
    for (const type of ['VoidRace', 'ScratchRunner'])
      expect(code(world, { type, runner: '2', reason: 'late' })).toBe('CORRECTION_CLOSED');
    world.renewLease();
    expect(marketEvents(world).filter((e) => e.t === 'Fact' && e.fact.t === 'CorrectionsClosed')).toHaveLength(1);
  });
});

describe('a shard that dies in the middle of a correction', () => {
  it('goes on at its cursor, wherever it was cut, to the same balances', () => {
    const world = World.open({ types: ['WIN'], rules: 'FR', balance: 10_000_000 });
    for (let i = 0; i < 1_201; i++) world.bet('acc-0', WIN, i % 3 === 0 ? '1' : '2', 200);
    world.settleRace(A);
    world.correct(B);
    const busy = world.shards.find((shard) => shard.state.accounts.has('acc-0')) as (typeof world.shards)[number];
    const corrected = busy.decisions.filter((d) => d.events.some((e) => e.t === 'BetsCorrected'));
    expect(corrected.length).toBeGreaterThanOrEqual(3);
    for (const decided of corrected) {
      for (const k of [decided.seq - 1, decided.seq]) expect(hash(busy.replayed(k))).toBe(hash(busy.told()));
      // What comes next out of a restored image is what came next.
      const before = busy.decider.initialState();
      for (const one of busy.decisions.slice(0, decided.seq - 1)) busy.decider.evolve(before, one);
      const restored = busy.decider.restore(busy.decider.image(before));
      const next = busy.decider.pending(restored);
      if (next?.type !== 'Continue') throw new Error('a correction is under way');
      const context = { seq: decided.seq, at: decided.at, decidedAt: decided.at, cid: '0'.repeat(32), trusted: true };
      expect(JSON.parse(JSON.stringify(busy.decider.decide(restored, next, context).events))).toEqual(decided.events);
    }
    for (const host of [world.market, ...world.shards]) expect(hash(host.replayed())).toBe(hash(host.told()));
  });
});

describe('any order of results', () => {
  const orders = fc.shuffledSubarray(['1', '2', '3', '4', '5'], { minLength: 3, maxLength: 3 });
  const bets = fc.array(
    fc.record({
      account: fc.integer({ min: 0, max: 3 }),
      pool: fc.constantFrom('WIN', 'PLACE', 'EXACTA'),
      pick: fc.shuffledSubarray(['1', '2', '3', '4', '5', '6'], { minLength: 2, maxLength: 2 }),
      unit: fc.integer({ min: 1, max: 20 }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  type Bet = { account: number; pool: string; pick: string[]; unit: number };
  const sold = (list: readonly Bet[]): World => {
    const world = World.open({ rules: 'FR', balance: 20_000 });
    for (const { account, pool, pick, unit } of list)
      world.bet(`acc-${account}`, poolId(pool), pool === 'EXACTA' ? pick.join('>') : (pick[0] as string), unit * 200);
    return world;
  };
  const worth = (world: World) => [0, 1, 2, 3].map((i) => world.balance(`acc-${i}`) - world.owed(`acc-${i}`));
  const finish = (order: readonly string[]) => order.map((runner) => [runner]);

  it('ends with what the last one alone would have paid; money taken out meanwhile is owed (40 runs, seed 20261122)', () => {
    fc.assert(
      fc.property(bets, fc.array(orders, { minLength: 2, maxLength: 4 }), fc.boolean(), (list, results, takesOut) => {
        const world = sold(list);
        const [first, ...later] = results as [string[], ...string[][]];
        world.settleRace(finish(first));
        let out = 0;
        if (takesOut) {
          out = world.balance('acc-0');
          if (out > 0) withdraw(world, 'acc-0', out);
        }
        for (const order of later) world.correct(finish(order));
        const straight = sold(list);
        straight.settleRace(finish(results.at(-1) as string[]));
        const expected = worth(straight).map((amount, i) => (i === 0 ? amount - out : amount));
        expect(worth(world)).toEqual(expected);
        for (const type of ['WIN', 'PLACE', 'EXACTA']) expect(world.clearing(poolId(type))).toBe(0);
        for (const account of ['house:takeout', 'house:breakage', 'house:top-up', 'house:correction'])
          expect([account, booked(world, account)]).toEqual([account, booked(straight, account)]);
      }),
      { seed: 20_261_122, numRuns: 40 },
    );
  });
});

function settleOther(world: World, order: string[][]): void {
  const win = poolId('WIN', OTHER);
  world.ask({ type: 'EnterResult', race: OTHER, finish: order, disqualified: [], reason: '', by: steward });
  for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const)
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(win, source) });
  const previewHash = world.market.state.races.get(OTHER)?.previewHash ?? '';
  world.ask({ type: 'ConfirmSettlement', race: OTHER, previewHash, by: second });
  expect(world.market.state.races.get(OTHER)?.status).toBe('SETTLED');
}

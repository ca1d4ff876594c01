/** Reports (parlays): what a bet wins is staked on the next race, by the sums beside each case; and the one sum of `rollReport`. */
import { describe, expect, it } from 'vitest';
import { rollReport } from '#mutuel/tote';
import { PROPOSAL_SOURCES } from '../src/index.js';
import { card, second, steward, tote, World } from './world.js';

const R1 = '2026-11-22-R1-C1';
const R2 = '2026-11-22-R1-C2';
const R3 = '2026-11-22-R1-C3';
const win = (race: string): string => `${race}-WIN`;

/** Three French races with win pools, 100,000 in each account. */
function day(): World {
  const world = new World();
  const races = [R1, R2, R3].flatMap((race) => card({ race, rules: 'FR', types: ['WIN'], runners: 6 }).races);
  world.ask({ type: 'PublishMeeting', meeting: { ...card({ rules: 'FR', types: ['WIN'] }), races }, by: tote });
  for (const race of [R1, R2, R3]) world.ask({ type: 'OpenRace', race, reason: 'card', by: tote });
  world.renewLease();
  for (let i = 0; i < 4; i++) world.fund(`acc-${i}`, 100_000);
  return world;
}

const close = (world: World, race: string): void => {
  world.ask({ type: 'StopBetting', race, reason: 'off', by: steward });
};

function official(world: World, race: string, winner: string): void {
  const finish = [[winner], ...['1', '2', '3', '4', '5', '6'].filter((one) => one !== winner).map((one) => [one])];
  const out = world.market.state.races.get(race)?.scratched ?? [];
  const ran = finish.filter(([one]) => !out.includes(one ?? ''));
  world.ask({ type: 'EnterResult', race, finish: ran, disqualified: [], reason: 'as seen', by: steward });
  for (const source of PROPOSAL_SOURCES)
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(win(race), source) });
  const previewHash = world.market.state.races.get(race)?.previewHash ?? '';
  world.ask({ type: 'ConfirmSettlement', race, previewHash, by: second });
}

function run(world: World, race: string, winner: string): void {
  close(world, race);
  official(world, race, winner);
}

type Step = readonly [race: string, sel: string, quarters?: number];

function report(world: World, unit: number, first: Step, ...later: readonly Step[]) {
  const next = later.map(([race, sel, quarters = 4]) => ({ pool: win(race), sel, quarters }));
  const bets = [{ ref: 'a', pool: win(first[0]), sel: first[1], unit, stake: unit, next }];
  return world.send('acc-0', { ...world.ticket('acc-0', []), bets });
}

/** 1,000 of acc-0 on 1, then on 2; 1,000 of acc-1 on 3, and 1,700 of acc-2 on 5 in the second race. */
function staked(quarters = 4): World {
  const world = day();
  expect(report(world, 1_000, [R1, '1'], [R2, '2', quarters]).code).toBeUndefined();
  world.bet('acc-1', win(R1), '3', 1_000);
  world.bet('acc-2', win(R2), '5', 1_700);
  return world;
}

const told = (world: World): void => {
  for (const host of [world.market, ...world.shards]) expect(host.replayed(5)).toBe(host.told());
  for (const race of [R1, R2, R3])
    if (world.market.state.races.get(race)?.status === 'SETTLED') expect(world.clearing(win(race))).toBe(0);
};

describe('a report', () => {
  it('stakes all that the first bet won on the second', () => {
    const world = staked();
    run(world, R1, '1');
    // 2,000 less 13.9 % are 1,722 over 1,000: 1.70. All 1,700 are on the second race.
    expect(world.balance('acc-0')).toBe(99_000);
    run(world, R2, '2');
    // 3,400 less 13.9 % are 2,927.40 over 1,700: 1.70; 2,890 come back.
    expect(world.balance('acc-0')).toBe(99_000 + 2_890);
    const rolled = rollReport(
      1_000,
      [
        { price: '1.70', quarters: 4 },
        { price: '1.70', quarters: 4 },
      ],
      { leastMinor: 100, mostTimes: 1_000 },
    );
    expect(rolled).toEqual({ stakes: [1_000, 1_700], paidMinor: 2_890 });
    told(world);
  });

  it('stakes two quarters and pays two in hand', () => {
    const world = staked(2);
    run(world, R1, '1');
    expect(world.balance('acc-0')).toBe(99_000 + 850);
    run(world, R2, '2');
    // 2,550 less 13.9 % are 2,195.55 over 850: 2.50; 2,125 come back.
    expect(world.balance('acc-0')).toBe(99_000 + 850 + 2_125);
    told(world);
  });

  it.each([
    ['loses with the first bet', '3', '2', 99_000],
    ['loses with the second', '1', '5', 99_000],
  ])('%s', (_says, first, other, balance) => {
    const world = staked();
    run(world, R1, first);
    run(world, R2, other);
    expect(world.balance('acc-0')).toBe(balance);
    told(world);
  });

  it('stakes a first bet that was given back for a non-runner', () => {
    const world = staked();
    world.ask({ type: 'ScratchRunner', race: R1, runner: '1', reason: 'lame', by: steward });
    expect(world.balance('acc-0')).toBe(99_000);
    run(world, R2, '2');
    // 1,000 and 1,700: 2,700 less 13.9 % are 2,324.70 over 1,000: 2.30.
    expect(world.balance('acc-0')).toBe(99_000 + 2_300);
    told(world);
  });

  it('stakes a first bet whose race was void, and gets back what was staked on a void second', () => {
    const world = staked();
    world.ask({ type: 'VoidRace', race: R1, reason: 'fog', by: steward });
    expect(world.balance('acc-0')).toBe(99_000);
    world.ask({ type: 'VoidRace', race: R2, reason: 'fog', by: steward });
    expect(world.balance('acc-0')).toBe(100_000);
    told(world);
  });

  it('passes over a bet with a non-runner, and pays in hand where none is left', () => {
    const world = day();
    report(world, 1_000, [R1, '1'], [R2, '2'], [R3, '4']);
    report(world, 1_000, [R1, '1'], [R2, '2']);
    world.bet('acc-1', win(R1), '3', 2_000);
    world.ask({ type: 'ScratchRunner', race: R2, runner: '2', reason: 'lame', by: steward });
    run(world, R1, '1');
    // Each won 1,700: one is on the third race, one in hand.
    expect(world.balance('acc-0')).toBe(98_000 + 1_700);
    run(world, R3, '4');
    // 1,700 less 13.9 % are less than 1,700: the least price, 1.10.
    expect(world.balance('acc-0')).toBe(98_000 + 1_700 + 1_870);
    told(world);
  });

  it('pays in hand where the second race has closed before the first is paid', () => {
    const world = staked();
    close(world, R1);
    close(world, R2);
    official(world, R1, '1');
    expect(world.balance('acc-0')).toBe(99_000 + 1_700);
    official(world, R2, '2');
    expect(world.balance('acc-0')).toBe(99_000 + 1_700);
    told(world);
  });

  it.each([
    ['is blocked meanwhile', { blocked: true }],
    ['is excluded meanwhile', { excludedUntil: 2 ** 42 }],
  ])('pays in hand where the account %s', (_says, limits) => {
    const world = staked();
    expect(world.send('acc-0', { type: 'SetLimits', account: 'acc-0', version: 1, limits }).code).toBeUndefined();
    run(world, R1, '1');
    expect(world.balance('acc-0')).toBe(99_000 + 1_700);
    run(world, R2, '2');
    expect(world.balance('acc-0')).toBe(99_000 + 1_700);
    told(world);
  });

  it('pays in hand where the shard has no lease: it cannot know that the next race still sells', () => {
    const world = staked();
    world.now += 60_000;
    run(world, R1, '1');
    expect(world.balance('acc-0')).toBe(99_000 + 1_700);
    told(world);
  });

  it('pays in hand what is below the least stake', () => {
    const world = staked(1);
    world.bet('acc-3', win(R1), '1', 50_000);
    run(world, R1, '1');
    // 1.10: a quarter of 1,100 is 275, on the next race; below 100 nothing would go on.
    expect(world.balance('acc-0')).toBe(99_000 + 825);
    told(world);
  });

  it('does not go on with a bet of after the stop', () => {
    const world = staked();
    const late = world.now;
    world.ask({ type: 'StopBetting', race: R1, reason: 'off', by: steward });
    world.ask({ type: 'DeclareLateOff', race: R1, offAt: late - 1_000_000, reason: 'film', by: steward });
    expect(world.balance('acc-0')).toBe(100_000);
    told(world);
  });

  it('keeps what went on when the first result is changed: the difference is the account’s', () => {
    const world = staked();
    run(world, R1, '1');
    official(world, R1, '3');
    // 1,700 are taken back from the balance; the bet on the second race stands.
    expect(world.balance('acc-0')).toBe(99_000 - 1_700);
    run(world, R2, '2');
    expect(world.balance('acc-0')).toBe(99_000 - 1_700 + 2_890);
    told(world);
  });

  it.each([
    ['the same race twice', [R1, '2'], 'INVALID_SELECTION', '/parts/1/poolId'],
    ['an unknown pool', ['nowhere', '2'], 'POOL_UNKNOWN', '/parts/1/poolId'],
    ['an unknown runner', [R2, '77'], 'INVALID_SELECTION', '/parts/1/columns/0/0'],
  ] as const)('is refused with %s', (_says, later, code, field) => {
    expect(report(day(), 1_000, [R1, '1'], later)).toMatchObject({ code, pointer: `/bets/0${field}` });
  });

  it('is refused on a race that has closed, above a thousand times the least stake, and where the rules have none', () => {
    const world = day();
    close(world, R2);
    expect(report(world, 1_000, [R1, '1'], [R2, '2'])).toMatchObject({
      code: 'POOL_CLOSED',
      pointer: '/bets/0/parts/1/poolId',
    });
    expect(report(world, 100_050, [R1, '1'], [R3, '2'])).toMatchObject({
      code: 'ABOVE_MAX',
      pointer: '/bets/0/unitStake',
    });
    const american = World.open({ types: ['WIN'] });
    expect(report(american, 1_000, [R1, '1'], [R2, '2'])).toMatchObject({
      code: 'NOT_SUPPORTED',
      pointer: '/bets/0/parts/0/poolId',
    });
  });
});

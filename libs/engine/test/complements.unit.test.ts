/** Complements (chevaux de complément) and flexi bets, as a shard sells them, counts them and pays them; sums worked out beside each. */
import { describe, expect, it } from 'vitest';
import { poolId, RACE, steward, World } from './world.js';

const TIERCE = poolId('TIERCE');

const french = (): World => World.open({ rules: 'FR', types: ['TIERCE'], runners: 9 });
const scratch = (world: World, runner: string): void => {
  world.ask({ type: 'ScratchRunner', race: RACE, runner, reason: 'lame', by: steward });
};

describe('a bet with a complement', () => {
  /** 10,000 stand, 7,400 are left of them; one price for both parts where nobody has the other. */
  const cases: readonly (readonly [
    says: string,
    sel: string,
    lines: number,
    out: readonly string[],
    back: number,
    paid: number,
  ])[] = [
    ['runs as it was made where nobody goes out', '1>2>3+4', 1, [], 0, 0],
    [
      'moves up and takes the complement at the end: 1>3>4; 7,400 over 1,000 + 1,000 are 3.70',
      '1>2>3+4',
      1,
      ['2'],
      0,
      3_700,
    ],
    ['is given back where the complement does not run either', '1>2>3+4', 1, ['2', '4'], 1_000, 0],
    ['is given back where it loses two and has one', '1>2>8+4', 1, ['2', '8'], 1_000, 0],
  ];

  it.each(cases)('%s (%s)', (_says, sel, lines, out, back, paid) => {
    const world = french();
    world.bet('acc-0', TIERCE, sel, 1_000, lines);
    world.bet('acc-1', TIERCE, '1>3>4', 1_000);
    world.bet('acc-2', TIERCE, '5>6>7', 8_000 + back);
    for (const runner of out) scratch(world, runner);
    expect(world.balance('acc-0')).toBe(100_000 - 1_000 + back);
    const finish = ['1', '3', '4', '9'].filter((runner) => !out.includes(runner));
    world.settleRace(finish.map((runner) => [runner]));
    expect(world.balance('acc-0')).toBe(100_000 - 1_000 + back + paid);
    expect(world.clearing(TIERCE)).toBe(0);
    for (const host of world.shards) expect(host.replayed(3)).toBe(host.told());
  });

  it('counts each order of a box by itself: three lines have the order, three the disorder', () => {
    const world = french();
    world.bet('acc-0', TIERCE, 'BOX:1,2,3+4', 1_000, 6);
    world.bet('acc-2', TIERCE, '5>6>7', 94_000);
    scratch(world, '2');
    world.settleRace([['1'], ['3'], ['4']]);
    // 100,000 less 26 % are 74,000, halves of 37,000 over 3,000 each: the order is not five times the disorder, so both are one pool in
    // which the order weighs 5: 74,000 / (3,000 x 5 + 3,000) = 4.11, broken to 4.10; the order pays 20.50.
    expect(world.balance('acc-0')).toBe(100_000 - 6_000 + 3_000 * 20.5 + 3_000 * 4.1);
    expect(world.clearing(TIERCE)).toBe(0);
  });

  it.each([
    ['one of its own runners', '1>2>3+3', 'INVALID_SELECTION', '/complement/0'],
    ['somebody not on the card', '1>2>3+99', 'INVALID_SELECTION', '/complement/0'],
    ['two, where the rules take one', '1>2>3+4,5', 'INVALID_SELECTION', '/complement'],
    ['a runner that is out', '1>2>3+9', 'RUNNER_SCRATCHED', ''],
    ['one for a runner that is out already', '1>2>9+4', 'RUNNER_SCRATCHED', ''],
  ])('is refused naming %s', (_who, sel, code, field) => {
    const world = french();
    scratch(world, '9');
    expect(world.bet('acc-0', TIERCE, sel, 1_000)).toMatchObject({ code, pointer: `/bets/0${field}` });
    expect(world.balance('acc-0')).toBe(100_000);
  });

  it('is not sold where the rules have none', () => {
    const world = World.open({ types: ['TRIFECTA'] });
    expect(world.bet('acc-0', poolId('TRIFECTA'), '1>2>3+4', 1_000)).toMatchObject({
      code: 'NOT_SUPPORTED',
      pointer: '/bets/0/complement',
    });
  });
});

describe('a flexi bet by its rules', () => {
  const asked = (rules: string, stake: number) => {
    const type = rules === 'JP' ? 'EXACTA' : 'TRIFECTA';
    const world = World.open({ rules, types: [type] });
    const bets = [{ ref: 'a', pool: poolId(type), sel: 'BOX:1,2,3,4,5', unit: 0, stake }];
    return { world, decided: world.send('acc-0', { ...world.ticket('acc-0', []), bets }) };
  };

  it('is a whole per cent of the unit a line, and the rest stays with the bettor', () => {
    // 60 lines of a dollar are 60.00: 10.00 are 16.67 % of it, 16 % are 9.60.
    const { world, decided } = asked('AU', 1_000);
    expect(decided.events).toMatchObject([{ total: 960, bets: [{ lines: 60, unit: 16, stake: 960 }] }]);
    expect(world.balance('acc-0')).toBe(100_000 - 960);
  });

  it('is refused below the least per cent', () => {
    expect(asked('AU', 59).decided).toMatchObject({ code: 'BELOW_MIN', pointer: '/bets/0/unitStake' });
  });

  it('is refused where the rules sell none', () => {
    expect(asked('JP', 20_000).decided).toMatchObject({ code: 'NOT_SUPPORTED', pointer: '/bets/0/unitStake' });
  });
});

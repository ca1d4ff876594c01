/**
 * What a card says of a pool's money beside its rules, as the market takes it: a guarantee on an account of its own, jackpot money taken
 * from its fund once and given back where nobody wins it, legs of meetings published before. And commands that the log holds twice.
 */
import { describe, expect, it } from 'vitest';
import type { RuleSet } from '#mutuel/tote';
import { type MarketCommand, type MeetingCard, type PoolCard, type RaceCard, readMarketCommand } from '../src/index.js';
import { legsCard } from './legs-world.js';
import { card, poolId, RACE, second, steward, tote, World } from './world.js';

const WIN = poolId('WIN');
const NEXT = '2026-11-29-R1-C1';
const A = [['1'], ['2']];
const B = [['2'], ['1']];

const withPool = (
  more: Partial<PoolCard>,
  race = RACE,
  rules: Partial<RuleSet> = {},
  { type = 'WIN', law = 'FR' } = {},
): MeetingCard => {
  const meeting = card({ race, types: [type], rules: law });
  const changed = (pool: PoolCard): PoolCard => ({ ...pool, ruleSet: { ...pool.ruleSet, ...rules }, ...more });
  return { ...meeting, races: meeting.races.map((one) => ({ ...one, pools: one.pools.map(changed) })) };
};

function open(meeting: MeetingCard): World {
  const world = new World();
  expect(world.ask({ type: 'PublishMeeting', meeting, by: tote }).code).toBeUndefined();
  for (const { raceId } of meeting.races) world.ask({ type: 'OpenRace', race: raceId, reason: 'card', by: tote });
  world.renewLease();
  for (let i = 0; i < 3; i++) world.fund(`acc-${i}`, 100_000);
  return world;
}

const publish = (world: World, meeting: MeetingCard) => world.ask({ type: 'PublishMeeting', meeting, by: tote });
const booked = (world: World, account: string): number => world.ledger.get(account) ?? 0;
const statusOf = (world: World) => world.market.state.races.get(RACE)?.status;

describe('a guarantee', () => {
  it('is made up by the operator on an account of its own, and undone with the result that was wrong', () => {
    const world = open(withPool({ guaranteeMinor: 20_000 }));
    world.bet('acc-0', WIN, '1', 2_000);
    world.bet('acc-1', WIN, '2', 3_000);
    world.settleRace(A);
    // 20,000 less 13.9 % is 17,220 on 2,000: 8.61, cut to 8.60, pays 17,200. The operator adds what 5,000 lack to 20,000.
    expect(world.balance('acc-0')).toBe(98_000 + 17_200);
    expect([booked(world, 'house:guarantee'), booked(world, 'house:top-up')]).toEqual([-15_000, 0]);
    expect([booked(world, 'house:takeout'), booked(world, 'house:breakage'), world.clearing(WIN)]).toEqual([
      2_780, 20, 0,
    ]);
    world.correct(B);
    // 17,220 on 3,000: 5.74, cut to 5.70, pays 17,100.
    expect([world.balance('acc-0'), world.balance('acc-1')]).toEqual([98_000, 97_000 + 17_100]);
    expect([booked(world, 'house:guarantee'), world.clearing(WIN)]).toEqual([-15_000, 0]);
  });

  it('adds nothing where more is staked, nor where nobody wins', () => {
    const rich = open(withPool({ guaranteeMinor: 4_000 }));
    rich.bet('acc-0', WIN, '1', 5_000);
    rich.settleRace(A);
    expect(booked(rich, 'house:guarantee')).toBe(0);
    const unwon = open(withPool({ guaranteeMinor: 20_000 }, RACE, { noWinner: ['CARRY'], carry: 'NET' }));
    unwon.bet('acc-0', WIN, '3', 5_000);
    unwon.settleRace(A);
    expect([booked(unwon, 'house:guarantee'), booked(unwon, `carry-over:${WIN}`)]).toEqual([0, 4_305]);
  });

  it('is never taken from a calculator that adds more than the card says', () => {
    const world = open(withPool({ guaranteeMinor: 20_000 }));
    world.bet('acc-0', WIN, '1', 2_000);
    world.bet('acc-1', WIN, '2', 3_000);
    world.stop();
    world.ask({ type: 'EnterResult', race: RACE, finish: A, disqualified: [], reason: '', by: steward });
    for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const)
      world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, source, { guaranteeMinor: 25_000 }) });
    expect(world.market.state.pools.get(WIN)?.differences[0]).toContain('adds 25000 to a guarantee of 20000');
  });
});

describe('jackpot money', () => {
  const rules: Partial<RuleSet> = { jackpot: { share: '0.1', of: 'NET' }, noWinner: ['CARRY'], carry: 'NET' };
  const FUND = 'fund:FR-TIERCE';
  const TIERCE = poolId('TIERCE');
  const FIRST_THREE = [['1'], ['2'], ['3']];
  const tierce = (more: Partial<PoolCard>, race = RACE): MeetingCard => withPool(more, race, rules, { type: 'TIERCE' });

  /** Nobody has 4, 5 and 6: of 5,000 less 26 % (1,300) a tenth, 370, is the fund's, and 3,330 are carried on. */
  function fed(): World {
    const world = open(tierce({}));
    world.bet('acc-0', TIERCE, '1>2>3', 5_000);
    world.settleRace([['4'], ['5'], ['6']]);
    expect([booked(world, `carry-over:${FUND}`), booked(world, `carry-over:${TIERCE}`)]).toEqual([370, 3_330]);
    return world;
  }

  it('comes from its fund, once, and goes to the winner', () => {
    const world = fed();
    const more = { jackpotInMinor: 370, jackpotFrom: [FUND] };
    expect(publish(world, tierce(more, NEXT)).code).toBeUndefined();
    const third = tierce(more, '2026-12-06-R1-C1');
    expect(publish(world, third)).toMatchObject({ code: 'CARD_INVALID', pointer: '/races/0/pools/0/jackpotInMinor' });
    const pool = poolId('TIERCE', NEXT);
    world.ask({ type: 'OpenRace', race: NEXT, reason: 'card', by: tote });
    world.renewLease();
    world.bet('acc-1', pool, '1>2>3', 1_000);
    world.ask({ type: 'EnterResult', race: NEXT, finish: FIRST_THREE, disqualified: [], reason: '', by: steward });
    for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const)
      world.ask({ type: 'SubmitProposal', proposal: world.proposal(pool, source) });
    const previewHash = world.market.state.races.get(NEXT)?.previewHash ?? '';
    world.ask({ type: 'ConfirmSettlement', race: NEXT, previewHash, by: second });
    // 740 less a tenth, 74, for the fund: half of 666 and 370 are 703 on 1,000, raised to 1.10; nobody else has the other half.
    expect([world.balance('acc-1'), booked(world, `carry-over:${FUND}`)]).toEqual([100_100, 74]);
    expect([booked(world, `carry-over:${pool}`), booked(world, 'house:top-up')]).toEqual([333, -397]);
    expect(world.clearing(pool)).toBe(0);
  });

  it('is free again when the pool is void', () => {
    const world = fed();
    const more = { jackpotInMinor: 370, jackpotFrom: [FUND] };
    publish(world, tierce(more, NEXT));
    world.ask({ type: 'VoidRace', race: NEXT, reason: 'frost', by: steward });
    expect(publish(world, tierce(more, '2026-12-06-R1-C1')).code).toBeUndefined();
  });
});

describe('a card', () => {
  it.each([
    ['a guarantee of nothing', { guaranteeMinor: 0 }, 'guaranteeMinor'],
    ['a guarantee in words', { guaranteeMinor: 'much' as never }, 'guaranteeMinor'],
    ['jackpot money below zero', { jackpotInMinor: -1 }, 'jackpotInMinor'],
    ['a fund for no money', { jackpotFrom: ['fund:FR-WIN'] }, 'jackpotFrom'],
    ['a last day of a pool that carries nothing', { mandatory: true as const }, 'mandatory'],
  ])('is refused with %s', (_, more, name) => {
    const pointer = `/races/0/pools/0/${name}`;
    expect(publish(new World(), withPool(more))).toMatchObject({ code: 'CARD_INVALID', pointer });
  });

  it.each([
    ['WIN', 'FR', 'there are no tiers'],
    ['SUPER_HIGH_5', 'US', 'there are no tiers'],
    ['WIN', 'JP', 'the Japanese split'],
  ])('puts up no jackpot money that nobody can win: %s by %s', (type, law, why) => {
    const answer = publish(new World(), withPool({ jackpotInMinor: 430 }, RACE, {}, { type, law }));
    expect(answer).toMatchObject({ code: 'CARD_INVALID', pointer: '/races/0/pools/0/jackpotInMinor' });
    expect(answer.detail).toContain(why);
  });

  it.each<[string, Partial<RuleSet>]>([
    ['net carry-overs', { carry: 'GROSS', noWinner: ['CARRY'] }],
    ['the Japanese split', { split: 'JAPAN' }],
    ['the net rate', { noWinner: ['PAY_NET_RATE'] }],
    ['SET_124 pays all', { jackpot: { share: '0.1', of: 'NET' } }],
  ])('is refused by rules that calculators read differently: %s', (why, rules) => {
    const answer = publish(new World(), withPool({}, RACE, rules, { type: 'TIERCE' }));
    expect(answer).toMatchObject({ code: 'CARD_INVALID', pointer: '/races/0/pools/0/ruleSet' });
    expect(answer.detail).toContain(why);
  });

  it('pays more places in a handicap, by rules that say so', () => {
    const meeting = card({ types: ['PLACE'], rules: 'UK', runners: 16 });
    const races = meeting.races.map((race): RaceCard => ({ ...race, handicap: true }));
    const world = open({ ...meeting, races });
    world.bet('acc-0', poolId('PLACE'), '4', 2_000);
    world.stop();
    world.ask({
      type: 'EnterResult',
      race: RACE,
      finish: [['1'], ['2'], ['3'], ['4']],
      disqualified: [],
      reason: '',
      by: steward,
    });
    expect(world.market.state.pools.get(poolId('PLACE'))?.stakes[0]?.keys.map(({ c }) => c)).toContain('4');
  });
});

describe('a leg of a meeting published before', () => {
  const over = legsCard('PICK3', 'US');
  const [first, ...others] = over.races as [RaceCard, ...RaceCard[]];
  const early: MeetingCard = { ...over, meetingId: 'M0', races: [first] };
  const late: MeetingCard = { ...over, races: others };

  it('sells the pool and ends it like one of its own', () => {
    const world = new World();
    publish(world, early);
    expect(publish(world, late).code).toBeUndefined();
    expect(world.market.state.races.get('R1')?.legOf).toEqual(['PICK3']);
    for (const race of ['R1', 'R2', 'R3']) world.ask({ type: 'OpenRace', race, reason: 'card', by: tote });
    world.renewLease();
    world.fund('acc-0', 100_000);
    expect(world.bet('acc-0', 'PICK3', '1/1/1', 100).code).toBeUndefined();
    world.ask({ type: 'StopBetting', race: 'R1', reason: 'off', by: steward });
    expect(world.market.state.pools.get('PICK3')?.outAtClose).toEqual([0, 0, 0]);
    expect(world.bet('acc-0', 'PICK3', '1/1/1', 100).code).toBe('POOL_CLOSED');
  });

  it.each([
    ['that nobody published', (world: World) => world, 'in this meeting or before it'],
    ['in another currency', (world: World) => publish(world, { ...early, currency: 'EUR' }), 'is bet on in EUR'],
    [
      'that is off',
      (world: World) => {
        publish(world, early);
        world.ask({ type: 'OpenRace', race: 'R1', reason: 'card', by: tote });
        world.ask({ type: 'StopBetting', race: 'R1', reason: 'off', by: steward });
      },
      'Betting on race R1 is over',
    ],
    [
      'that is run after the next',
      (world: World) => publish(world, { ...early, races: [{ ...first, postTime: first.postTime + 86_400_000 }] }),
      'R2 is run before the leg before it',
    ],
  ])('is refused %s', (_, before, sentence) => {
    const world = new World();
    before(world);
    const { code, detail } = publish(world, late);
    expect([code, detail]).toEqual(['CARD_INVALID', expect.stringContaining(sentence)]);
  });
});

describe('a command that the log holds twice', () => {
  /** The record once more: the same id, whatever happened since. */
  function again(world: World, command: MarketCommand, cid: string) {
    const { market } = world;
    const context = { seq: market.seq + 1, at: world.now, decidedAt: world.now, cid, trusted: true };
    return market.decider.decide(market.state, readMarketCommand(command, true), context);
  }

  function settled(): World {
    const world = open(withPool({}));
    world.bet('acc-0', WIN, '1', 2_000);
    world.bet('acc-1', WIN, '2', 3_000);
    world.settleRace(A);
    return world;
  }

  it('opens no further correction once its own was settled', () => {
    const world = settled();
    const command = {
      type: 'EnterResult',
      race: RACE,
      finish: B,
      disqualified: [],
      reason: 'objection',
      by: steward,
    } as const;
    const { seq, cid = '' } = world.ask(command);
    world.proposeAll();
    world.confirm(world.market.state.races.get(RACE)?.previewHash ?? null);
    expect(statusOf(world)).toBe('SETTLED');
    expect(again(world, command, cid)).toMatchObject({ code: 'REPLAY', of: seq, events: [], posts: [] });
  });

  it('does not resume what was suspended again, and stays refused what was refused', () => {
    const world = open(withPool({}));
    const suspend = { type: 'SuspendRace', race: RACE, reason: 'loose horse', by: steward } as const;
    const resume = { type: 'ResumeRace', race: RACE, reason: 'caught', by: steward } as const;
    const early = world.ask(resume);
    expect(early.code).toBe('RACE_STATUS');
    world.ask(suspend);
    const { cid = '', seq } = world.ask(resume);
    world.ask(suspend);
    expect(again(world, resume, cid)).toMatchObject({ code: 'REPLAY', of: seq });
    expect(again(world, resume, early.cid ?? '')).toMatchObject({ code: 'REPLAY', of: early.seq });
    expect(statusOf(world)).toBe('SUSPENDED');
  });

  it('is remembered for a day, in a state that stays small', () => {
    const world = settled();
    expect(world.market.state.commands.size).toBe(5);
    world.now += 86_400_000;
    world.ask({ type: 'VoidRace', race: 'nowhere', reason: 'frost', by: steward });
    expect(world.market.state.commands.size).toBe(1);
  });
});

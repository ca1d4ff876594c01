/** Bulk work between bets: whose turn it is, what is done while facts overtake it, and when it all leaves the state. */
import { describe, expect, it } from 'vitest';
import { RETIRE_MS } from '../src/index.js';
import { card, hash, poolId, RACE, second, steward, tote, World } from './world.js';

const WIN = poolId('WIN');
const EXACTA = poolId('EXACTA');
const OTHER = '2026-11-22-R1-C2';

/** A world whose facts and steps are handed over by the test. */
class ByHand {
  readonly world: World;
  constructor(options: Parameters<typeof World.open>[0] = {}) {
    this.world = World.open(options);
  }
  get shard() {
    return this.world.shards[0] as (typeof this.world.shards)[number];
  }
  /** The market decides; nobody is told yet. */
  market(command: Parameters<World['ask']>[0]) {
    return this.world.market.decide(command, ++this.world.now);
  }
  /** Every fact so far reaches every shard; no job is done. */
  tell(): void {
    const facts = this.world.market.decisions.flatMap((d) => d.events.flatMap((e) => (e.t === 'Fact' ? [e] : [])));
    for (const shard of this.world.shards) {
      for (const { n, fact } of facts)
        if (n > shard.state.factNo) shard.decide({ type: 'MarketFact', n, fact }, ++this.world.now);
    }
  }
  step(): string {
    const next = this.shard.decider.pending(this.shard.state);
    if (next?.type !== 'Continue') return 'nothing';
    const job = this.shard.state.jobs.find((j) => j.id === next.job);
    this.shard.decide(next, ++this.world.now);
    return `${job?.kind} ${job?.pool}`;
  }
}

const onShard0 = (world: World): string => {
  const account = [0, 1, 2, 3].map((i) => `acc-${i}`).find((id) => world.shards[0]?.state.accounts.has(id));
  return account as string;
};

describe('a close', () => {
  it("goes before another race's payments, and behind what its own pool has still to do", () => {
    const hand = new ByHand({ types: ['WIN'], balance: 10_000_000 });
    const { world } = hand;
    world.ask({ type: 'PublishMeeting', meeting: card({ race: OTHER, types: ['WIN'] }), by: tote });
    world.ask({ type: 'OpenRace', race: OTHER, reason: 'card', by: tote });
    const account = onShard0(world);
    for (let i = 0; i < 1_200; i++) world.bet(account, WIN, '1', 200);
    world.bet(account, poolId('WIN', OTHER), '2', 300);
    world.stop();
    const previewHash = world.price([['1'], ['2']]) ?? '';
    hand.market({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second });
    hand.tell();
    expect(hand.step()).toBe(`PAY ${WIN}`);
    hand.market({ type: 'ScratchRunner', race: OTHER, runner: '2', reason: 'lame', by: steward });
    hand.market({ type: 'StopBetting', race: OTHER, reason: 'off', by: steward });
    hand.tell();
    expect([hand.step(), hand.step(), hand.step(), hand.step(), hand.step()]).toEqual([
      `REFUND ${poolId('WIN', OTHER)}`,
      `CLOSE ${poolId('WIN', OTHER)}`,
      `PAY ${WIN}`,
      `PAY ${WIN}`,
      'nothing',
    ]);
    world.settle();
    expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
    // The refund came before the seal, so the seal counts it as withdrawn.
    expect(world.market.state.pools.get(poolId('WIN', OTHER))?.seals[0]).toMatchObject({
      stake: 0,
      withdrawnStake: 300,
    });
    expect(hash(hand.shard.replayed())).toBe(hash(hand.shard.told()));
  });

  it('voids exactly the bets appended after the stop, even where the log set its clock back between them', () => {
    const world = World.open({ types: ['WIN'] });
    const account = onShard0(world);
    const stop = world.market.decide({ type: 'StopBetting', race: RACE, reason: 'off', by: steward }, world.now + 10);
    for (const [at, unit] of [
      [stop.at + 5, 900],
      [stop.at - 5, 500],
      [stop.at, 600],
      [stop.at + 1, 700],
    ] as const)
      expect(world.send(account, world.ticket(account, [[WIN, '1', unit]]), at).code).toBeUndefined();
    world.now = stop.at + 20;
    world.settle();
    expect(world.balance(account)).toBe(100_000 - 500 - 600);
    expect(world.market.state.pools.get(WIN)?.seals[0]).toMatchObject({ bets: 2, stake: 1_100, voidedBets: 2 });
  });

  it('starts over from the off that becomes known while it is still at work: no bet later than the off stands at the seal', () => {
    const hand = new ByHand({ types: ['WIN'] });
    const account = onShard0(hand.world);
    hand.world.bet(account, WIN, '1', 500);
    const offAt = hand.world.now;
    hand.world.bet(account, WIN, '2', 900);
    hand.market({ type: 'StopBetting', race: RACE, reason: 'off', by: steward });
    hand.market({ type: 'DeclareLateOff', race: RACE, offAt, reason: 'gate', by: steward });
    hand.tell();
    hand.world.settle();
    const pool = hand.world.market.state.pools.get(WIN);
    expect(pool?.seals[0]).toMatchObject({ bets: 1, stake: 500, voidedBets: 1, voidedStake: 900 });
    expect(pool?.refundedAfterSeal).toBe(0);
    expect(hand.world.balance(account)).toBe(99_500);
  });
});

describe('counting', () => {
  it('that a scratch overtakes counts for nothing: the order is entered again and settles on what stands', () => {
    const hand = new ByHand({ types: ['WIN', 'EXACTA'] });
    const { world } = hand;
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', WIN, '2', 700);
    world.bet('acc-2', EXACTA, '1,2>2,3', 100, 3);
    world.stop();
    hand.market({ type: 'EnterResult', race: RACE, finish: [['1'], ['2']], disqualified: [], reason: '', by: steward });
    hand.tell();
    hand.market({ type: 'ScratchRunner', race: RACE, runner: '2', reason: 'gate', by: steward });
    hand.tell();
    world.settle();
    expect(world.market.state.races.get(RACE)?.status).toBe('CLOSED');
    world.settleRace([['1'], ['3']]);
    expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
    expect(world.balance('acc-1')).toBe(100_000);
    for (const pool of [WIN, EXACTA]) expect(world.clearing(pool)).toBe(0);
  });

  it('for an order that was entered again meanwhile is received and not used', () => {
    const hand = new ByHand({ types: ['WIN'] });
    hand.world.bet('acc-0', WIN, '1', 500);
    hand.world.stop();
    const enter = { type: 'EnterResult', race: RACE, disqualified: [], reason: '', by: steward } as const;
    hand.market({ ...enter, finish: [['1']] });
    hand.tell();
    const count = (shard: number) => {
      const { decider, state, decisions } = hand.world.shards[shard] as (typeof hand.world.shards)[number];
      const next = decider.pending(state);
      if (next) hand.world.shards[shard]?.decide(next, ++hand.world.now);
      const counted = decisions.at(-1)?.events.find((e) => e.t === 'Report');
      if (counted?.t !== 'Report') throw new Error('a count was reported');
      return { type: 'ShardReport', shard, n: counted.n, report: counted.report } as const;
    };
    const [one, two] = [count(0), count(1)];
    hand.market({ ...enter, finish: [['2']] });
    for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const)
      hand.market({ type: 'SubmitProposal', proposal: hand.world.proposal(WIN, source) });
    hand.tell();
    const types = (decided: { events: readonly { t: string }[] }) => decided.events.map((e) => e.t);
    expect(types(hand.market(one))).toEqual(['ReportReceived']);
    expect(hand.world.market.state.pools.get(WIN)?.stakes).toEqual([null, null]);
    // One shard is quick and has counted the new order, the other's word is still on the old one.
    hand.market(count(0));
    expect(types(hand.market(two))).toEqual(['ReportReceived']);
    expect(hand.world.market.state.pools.get(WIN)?.stakes).toEqual([expect.objectContaining({ version: 2 }), null]);
  });

  it('leaves out what was voided at the marker, though it named the winner', () => {
    const hand = new ByHand({ types: ['WIN'] });
    hand.world.bet('acc-0', WIN, '1', 500);
    hand.world.bet('acc-1', WIN, '2', 500);
    hand.market({ type: 'StopBetting', race: RACE, reason: 'off', by: steward });
    expect(hand.world.bet('acc-2', WIN, '1', 900).code).toBeUndefined();
    hand.world.settleRace([['1'], ['2']]);
    const counts = hand.world.market.state.pools
      .get(WIN)
      ?.stakes.map((r) => r?.keys.find((k) => k.c === '1')?.stake ?? 0);
    expect(counts?.reduce((a, b) => a + b, 0)).toBe(500);
    expect(hand.world.balance('acc-2')).toBe(100_000);
    expect(hand.world.market.state.races.get(RACE)?.status).toBe('SETTLED');
  });

  it('that a void overtakes gives everything back all the same', () => {
    const hand = new ByHand({ types: ['WIN'] });
    hand.world.bet('acc-0', WIN, '1', 500);
    hand.world.stop();
    hand.market({ type: 'EnterResult', race: RACE, finish: [['1']], disqualified: [], reason: '', by: steward });
    hand.tell();
    hand.market({ type: 'VoidRace', race: RACE, reason: 'abandoned', by: steward });
    hand.tell();
    hand.world.settle();
    expect(hand.world.balance('acc-0')).toBe(100_000);
    expect(hand.world.market.state.races.get(RACE)).toMatchObject({ status: 'VOID', endedAt: expect.any(Number) });
    expect(hand.world.clearing(WIN)).toBe(0);
  });

  it('many different selections is done in several steps that sum to the same', () => {
    // 2,600 different boxes, and six orders of the first two in a dead heat: 15,600 matches and more, 5,000 a step.
    const world = World.open({ types: ['EXACTA'], runners: 14, balance: 100_000_000 });
    const account = onShard0(world);
    let placed = 0;
    for (let mask = 1; placed < 2_600; mask++) {
      const runners = Array.from({ length: 14 }, (_, i) => String(i + 1)).filter((_, i) => (mask >> i) & 1);
      if (runners.length < 2) continue;
      world.bet(account, EXACTA, `BOX:${runners.join(',')}`, 100, runners.length * (runners.length - 1));
      if (++placed % 100 === 0) world.renewLease();
    }
    world.settleRace([['1', '2', '3']]);
    const steps = world.shards[0]?.decisions.filter((d) => d.events.some((e) => e.t === 'StakesCounted')) ?? [];
    expect(steps.length).toBeGreaterThan(2);
    expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
    expect(world.clearing(EXACTA)).toBe(0);
  });
});

describe('a step of bulk work', () => {
  it('asked for twice, out of turn or when nothing is to do, is refused and changes nothing', () => {
    const hand = new ByHand({ types: ['WIN', 'PLACE'] });
    hand.world.bet(onShard0(hand.world), WIN, '1', 500);
    hand.market({ type: 'StopBetting', race: RACE, reason: 'off', by: steward });
    hand.tell();
    const next = hand.shard.decider.pending(hand.shard.state);
    if (next?.type !== 'Continue') throw new Error('a close is to be done');
    const decide = (job: number, cursor: number) =>
      hand.shard.decide({ type: 'Continue', job, cursor }, ++hand.world.now).code;
    expect(decide(next.job, next.cursor + 1)).toBe('CURSOR_STALE');
    expect(decide(next.job + 1, next.cursor)).toBe('CURSOR_STALE');
    expect(decide(next.job, next.cursor)).toBeUndefined();
    expect(decide(next.job, next.cursor)).toBe('CURSOR_STALE');
    hand.world.settle();
    expect(decide(next.job, next.cursor)).toBe('CURSOR_STALE');
  });
});

describe('a race that is over', () => {
  const next = (world: World, race: string) =>
    world.ask({ type: 'PublishMeeting', meeting: card({ race, types: ['WIN'] }), by: tote });

  it('leaves the state of the market and of every shard a day later, when the next card comes, and not before', () => {
    const world = World.open({ types: ['WIN', 'PLACE'] });
    world.bet('acc-0', WIN, '1', 500);
    world.settleRace([['1'], ['2'], ['3']]);
    const endedAt = world.market.state.races.get(RACE)?.endedAt ?? 0;
    world.now = endedAt + RETIRE_MS - 100;
    next(world, 'soon');
    expect(world.market.state.races.has(RACE)).toBe(true);
    expect(world.shards[0]?.state.pools.has(WIN)).toBe(true);
    world.now = endedAt + RETIRE_MS + 100;
    next(world, 'later');
    expect([...world.market.state.races.keys()]).toEqual(['soon', 'later']);
    expect([...world.market.state.pools.keys()]).toEqual([poolId('WIN', 'soon'), poolId('WIN', 'later')]);
    expect([...world.market.state.meetings.keys()]).toEqual(['meeting of soon', 'meeting of later']);
    for (const { state } of world.shards) {
      expect([...state.races.keys()]).toEqual(['soon', 'later']);
      expect([...state.pools.keys()]).toEqual([poolId('WIN', 'soon'), poolId('WIN', 'later')]);
    }
    expect(world.bet('acc-0', WIN, '1', 500).code).toBe('CHANNEL_LEASE_EXPIRED');
    for (const host of [world.market, ...world.shards]) expect(hash(host.replayed())).toBe(hash(host.told()));
  });

  it('stays for as long as it is not paid out', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.stop();
    world.price([['1'], ['2']]);
    world.now += 2 * RETIRE_MS;
    next(world, 'later');
    expect(world.market.state.races.has(RACE)).toBe(true);
    expect(world.shards.every(({ state }) => state.pools.has(WIN))).toBe(true);
  });
});

/** What seals, refund statements and payment reports say, to the last bet of the last step; and the limits to their last unit. */
import { describe, expect, it } from 'vitest';
import { card, hash, poolId, RACE, second, steward, tote, World } from './world.js';

const WIN = poolId('WIN');
const pool = (world: World) => world.market.state.pools.get(WIN);
const market = (world: World, command: object) =>
  world.market.decide({ race: RACE, reason: 'x', by: steward, ...command } as never, ++world.now);
const reports = (world: World, t: string) =>
  world.shards.flatMap((s) =>
    s.decisions.flatMap((d) => d.events.flatMap((e) => (e.t === 'Report' && e.report.t === t ? [e.report] : []))),
  );
const sum = (list: readonly object[], name: string) =>
  list.reduce((total, one) => total + ((one as Record<string, number>)[name] as number), 0);

/** 1,201 bets of one account: three steps, of which each but the last is full. */
function busy(): { world: World; account: string } {
  const world = World.open({ types: ['WIN'], balance: 10_000_000, rules: 'FR' });
  for (let i = 0; i < 1_201; i++) expect(world.bet('acc-0', WIN, i === 0 ? '2' : '1', 200).code).toBeUndefined();
  return { world, account: 'acc-0' };
}

describe('work of several steps', () => {
  it('pays every winner once, in steps of 500 at the most, and reports the sum of all steps', () => {
    const { world } = busy();
    world.settleRace([['1'], ['2'], ['3']]);
    const declared = pool(world)?.declared;
    // 1,200 winning bets of 200 at the one price: 240,000 won.
    expect(declared?.dividends).toHaveLength(1);
    const each = Math.floor((200 * Math.round(Number(declared?.dividends[0]?.price) * 10) + 5) / 10);
    expect(world.balance('acc-0')).toBe(10_000_000 - 1_201 * 200 + 1_200 * each);
    const paid = reports(world, 'Paid');
    expect([sum(paid, 'winners'), sum(paid, 'paid'), sum(paid, 'wonStake')]).toEqual([1_200, 1_200 * each, 240_000]);
    const steps = world.shards.flatMap((s) =>
      s.decisions.flatMap((d) => d.events.flatMap((e) => (e.t === 'BetsPaid' ? [e.items.length] : []))),
    );
    expect(steps.sort((a, b) => a - b)).toEqual([0, 200, 500, 500]);
  });

  it('does not settle a race when a winner was missed', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', WIN, '2', 500);
    world.stop();
    const previewHash = world.price([['1'], ['2']]) ?? '';
    market(world, { type: 'ConfirmSettlement', previewHash, by: second });
    for (const shard of [0, 1]) {
      const n = (world.market.state.reportNo[shard] as number) + 1;
      const clearing =
        shard === 0 ? (pool(world)?.declared?.takeoutMinor ?? 0) + (pool(world)?.declared?.breakageMinor ?? 0) : 0;
      const report = {
        t: 'Paid',
        pool: WIN,
        version: 1,
        wonStake: 0,
        paid: 0,
        refunded: 0,
        winners: 0,
        clearing,
      } as const;
      world.market.decide({ type: 'ShardReport', shard, n, report }, ++world.now);
    }
    expect(world.market.state.races.get(RACE)?.status).toBe('PAYING');
    expect(pool(world)?.differences).toEqual(['stakes of 0 were paid, 500 were counted as winning']);
  });

  it('voids late bets before the seal, and the seal counts all steps of it', () => {
    const { world } = busy();
    const before = world.shards.find((s) => s.state.accounts.has('acc-0'))?.seq;
    market(world, { type: 'StopBetting' });
    for (let i = 0; i < 1_100; i++) world.bet('acc-0', WIN, '3', 300);
    world.settle();
    const seals = reports(world, 'Seal');
    const names = ['bets', 'stake', 'withdrawnBets', 'withdrawnStake', 'voidedBets', 'voidedStake', 'leaves'];
    expect(names.map((name) => sum(seals, name))).toEqual([1_201, 240_200, 1_100, 330_000, 1_100, 330_000, 2_301]);
    // The last decision before the marker: the account's last ticket, 1,100 after those that stand.
    expect(seals.map((s) => (s.t === 'Seal' ? s.lastSeq : 0))).toContain((before ?? 0) + 1_100);
    expect(world.market.decisions.flatMap((d) => d.events).find((e) => e.t === 'PoolSealed')?.spreadMs).toBeGreaterThan(
      0,
    );
  });

  it('states refunds after the seal over all steps, and never counts them as withdrawn', () => {
    const { world } = busy();
    world.stop();
    const book = () => world.shards.map((s) => s.state.pools.get(WIN)?.book);
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '1', reason: 'lame', by: steward });
    const stated = reports(world, 'Refund');
    expect([sum(stated, 'bets'), sum(stated, 'amount')]).toEqual([1_200, 240_000]);
    expect(pool(world)?.refundedAfterSeal).toBe(240_000);
    expect(book().map((b) => b?.withdrawnBets)).toEqual([0, 0]);
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '2', reason: 'lame', by: steward });
    expect(pool(world)?.refundedAfterSeal).toBe(240_200);
    // The statement's root chains over every refunded bet: one statement of one bet has another than one of none.
    const roots = reports(world, 'Refund').map((r) => (r.t === 'Refund' ? r.root : ''));
    expect(new Set(roots).size).toBe(3);
  });

  it('returns every stake of a void race and reports the sum', () => {
    const { world } = busy();
    world.ask({ type: 'VoidRace', race: RACE, reason: 'fog', by: steward });
    expect(sum(reports(world, 'Paid'), 'refunded')).toBe(240_200);
    expect(world.balance('acc-0')).toBe(10_000_000);
  });
});

describe('a seal', () => {
  /** Root over leaves by the definition of RFC 6962: split at the largest power of two below the count. */
  const root = (leaves: readonly string[]): string => {
    if (leaves.length < 2) return leaves[0] ?? hash('empty');
    const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
    return hash(`node:${root(leaves.slice(0, split))}${root(leaves.slice(split))}`);
  };

  it.each([0, 1, 2, 3, 7, 11])('has the Merkle root over its %i bets, each leaf blinded', (count) => {
    const world = World.open({ types: ['WIN'] });
    const leaves: string[] = [];
    for (let i = 0; i < count; i++) {
      const decided = world.bet('acc-0', WIN, '1', 200);
      const event = decided.events[0];
      if (event?.t !== 'TicketAccepted') throw new Error('accepted');
      leaves.push(hash(`leaf:${event.blind}|${event.ticket}|0|${WIN}|1|200|200|${decided.at}`));
      expect(event.bets[0]?.leaf).toBe(leaves[i]);
    }
    world.stop();
    const shard = world.shards.findIndex((s) => s.state.accounts.has('acc-0'));
    expect(pool(world)?.seals[shard]).toMatchObject({ leaves: count, root: root(leaves) });
  });
});

describe('a table of references', () => {
  it('tells them apart by account and by every digit, however they fall together', () => {
    const world = new World(1);
    const accounts = Array.from({ length: 60 }, (_, i) => `n${i}`);
    for (const account of accounts) world.fund(account, 1);
    const abandon = (account: string, ref: string) => world.send(account, { type: 'AbandonRef', account, ref }).code;
    const shared = world.freshRef();
    for (const account of accounts) expect(abandon(account, shared)).toBeUndefined();
    for (let i = 0; i < 400; i++) {
      const ref = shared.slice(0, 28) + hash(String(i)).slice(0, 8);
      for (const account of ['n0', 'n1', 'n2', 'n3']) expect(abandon(account, ref)).toBeUndefined();
      expect(abandon('n0', ref)).toBe('REF_BURNT');
    }
  });
});

describe('accounts of one shard', () => {
  it('may use the same reference, and none can cancel a ticket of another', () => {
    const world = new World(1);
    world.ask({ type: 'PublishMeeting', meeting: card({ types: ['WIN'], rules: 'FR' }), by: tote });
    world.ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
    world.renewLease();
    for (const account of ['a', 'b']) world.fund(account, 1_000);
    const ticket = world.ticket('a', [[WIN, '1', 200]]);
    const placed = world.send('a', ticket).events[0];
    expect(world.send('b', { ...ticket, account: 'b' }).code).toBeUndefined();
    const id = placed?.t === 'TicketAccepted' ? placed.ticket : '';
    const cancel = { type: 'CancelTicket', ticket: id, reason: 'x', by: 'b' } as const;
    expect(world.send('b', { ...cancel, account: 'b' }).code).toBe('TICKET_UNKNOWN');
    expect([world.balance('a'), world.balance('b')]).toEqual([800, 800]);
    world.ask({ type: 'VoidRace', race: RACE, reason: 'fog', by: steward });
    expect(world.bet('a', WIN, '1', 200).code).toBe('POOL_CLOSED');
    expect(pool(world)?.seals[0]).toMatchObject({ bets: 2, stake: 400 });
  });
});

describe('the off', () => {
  it('moved back twice holds at its earliest, also for bets sold between the two facts of a late off', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    const offAt = world.now;
    world.bet('acc-0', WIN, '1', 600);
    world.stop();
    market(world, { type: 'DeclareLateOff', offAt: offAt + 1 });
    market(world, { type: 'DeclareLateOff', offAt });
    world.settle();
    expect(world.balance('acc-0')).toBe(99_500);
    expect(pool(world)?.refundedAfterSeal).toBe(600);
  });

  it('declared while selling voids a bet that a shard sold after it knew of the off and before the marker', () => {
    const world = World.open({ types: ['WIN'] });
    const offAt = world.now;
    market(world, { type: 'DeclareLateOff', offAt });
    const shard = world.shards.find((s) => s.state.accounts.has('acc-0')) as (typeof world.shards)[number];
    const facts = world.market.decisions.flatMap((d) => d.events.flatMap((e) => (e.t === 'Fact' ? [e] : [])));
    const off = facts.find((f) => f.fact.t === 'LateOffDeclared');
    if (!off) throw new Error('declared');
    shard.decide({ type: 'MarketFact', n: off.n, fact: off.fact }, ++world.now);
    for (let next = shard.decider.pending(shard.state); next; next = shard.decider.pending(shard.state))
      shard.decide(next, ++world.now);
    // Its append time lies before the market's stop (the shard's clock is behind) and after the off.
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 400]]), offAt + 1).code).toBeUndefined();
    world.settle();
    expect(world.balance('acc-0')).toBe(100_000);
    expect(sum(pool(world)?.seals.filter((s) => s !== null) ?? [], 'stake')).toBe(0);
  });
});

describe('to the last unit', () => {
  it('the lease is measured from the earlier of its issue and its arrival', () => {
    const world = World.open({ types: ['WIN'] });
    const shard = world.shards.find((s) => s.state.accounts.has('acc-0')) as (typeof world.shards)[number];
    const { factNo, lease } = shard.state;
    const at = lease.at;
    // Issued by a market whose clock runs a minute ahead: it holds from its arrival in the shard.
    shard.decide(
      { type: 'MarketFact', n: factNo + 1, fact: { t: 'LeaseRenewed', issuedAt: at + 60_000, ttlMs: 5_000 } },
      at,
    );
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 200]]), at + 5_001).code).toBe(
      'CHANNEL_LEASE_EXPIRED',
    );
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 200]]), at + 5_000).code).toBeUndefined();
  });

  it('money, waiting, exclusion and day limits are judged exactly', () => {
    const world = World.open({ types: ['WIN'], balance: 1_199, rules: 'FR' });
    const send = (unit: number, at: number, decidedAt = at) =>
      world.send('acc-0', world.ticket('acc-0', [[WIN, '1', unit]]), at, decidedAt).code;
    const { now } = world;
    const set = (version: number, limits: object) =>
      world.send('acc-0', { type: 'SetLimits', account: 'acc-0', version, limits });
    set(1, { excludedUntil: now + 100 });
    expect(send(200, now + 99)).toBe('SELF_EXCLUDED');
    expect(send(200, now + 100)).toBeUndefined();
    expect(send(200, now + 100, now + 30_100)).toBeUndefined();
    expect(send(200, now + 100, now + 30_101)).toBe('STALE');
    // 400 are staked.
    set(2, { dayStake: 600 });
    expect(send(200, now + 100)).toBeUndefined();
    set(3, { dayStake: 599 });
    expect(send(200, now + 100)).toBe('PLAYER_LIMIT_STAKE');
    const midnight = (Math.floor(now / 86_400_000) + 1) * 86_400_000;
    world.now = midnight;
    world.renewLease();
    expect([send(200, midnight), send(200, midnight)]).toEqual([undefined, undefined]);
    expect(send(200, midnight)).toBe('PLAYER_LIMIT_STAKE');
    // 199 are left of 1,199.
    expect(world.balance('acc-0')).toBe(199);
    const after = midnight + 86_400_000;
    world.now = after;
    world.renewLease();
    expect(send(200, after)).toBe('INSUFFICIENT_FUNDS');
    const withdraw = { type: 'Withdraw', account: 'acc-0', ref: 'w', amount: 200 } as const;
    expect(world.send('acc-0', withdraw).code).toBe('INSUFFICIENT_FUNDS');
    expect(world.send('acc-0', { ...withdraw, amount: 199 }).code).toBeUndefined();
    expect(world.send('acc-0', { ...withdraw, amount: 199 }).code).toBe('REPLAY');
  });

  it('a fact told again is refused also when it is the last one', () => {
    const world = World.open({ types: ['WIN'] });
    const shard = world.shards[0] as (typeof world.shards)[number];
    const fact = { t: 'RaceSuspended', race: RACE } as const;
    expect(shard.decide({ type: 'MarketFact', n: shard.state.factNo, fact }, ++world.now).code).toBe('ALREADY_APPLIED');
  });

  it('a bet is cancelled up to the end of its window, by its whole id alone', () => {
    const world = World.open({ types: ['WIN'], rules: 'FR' });
    const windowMs = pool(world)?.card.ruleSet.cancelWindowMs ?? 0;
    expect(windowMs).toBeGreaterThan(0);
    const placed = [0, 1].map(() => world.bet('acc-0', WIN, '1', 200));
    const [one, two] = placed.map((d) => (d.events[0]?.t === 'TicketAccepted' ? d.events[0].ticket : ''));
    const cancel = (ticket = '', at = world.now) =>
      world.send('acc-0', { type: 'CancelTicket', account: 'acc-0', ticket, reason: 'x', by: 'acc-0' }, at).code;
    expect(cancel(one?.replace(/.{12}$/, '0'.repeat(12)))).toBe('TICKET_UNKNOWN');
    world.now = (placed[0]?.at ?? 0) + windowMs - 1_000;
    world.renewLease();
    expect(cancel(one, (placed[0]?.at ?? 0) + windowMs)).toBeUndefined();
    expect(cancel(two, (placed[1]?.at ?? 0) + windowMs + 1)).toBe('CANCEL_TOO_LATE');
  });
});

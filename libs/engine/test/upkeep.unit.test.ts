/** What deciders do for their own log: checkpoints, record formats, and commands that two people have set aside. */
import { describe, expect, it } from 'vitest';
import { type Actor, readMarketCommand, readShardCommand } from '../src/index.js';
import { RACE, second, steward, tote, World } from './world.js';

const host = { newestFormat: 2, stateHash: () => 'ab'.repeat(32) };
const context = { seq: 9, at: 1, decidedAt: 1, cid: 'c', trusted: true, host };

describe('a checkpoint', () => {
  it('states what the host hashed, once a day, and only a service may ask for it', () => {
    const world = World.open();
    for (const { decider, state } of [world.market, ...world.shards] as const) {
      const command = { type: 'Checkpoint', day: '2026-11-22' } as never;
      const decision = decider.decide(state as never, command, context);
      expect(decision.events).toEqual([
        { t: 'Checkpoint', day: '2026-11-22', schema: decider.schema, state: 'ab'.repeat(32) },
      ]);
      decider.evolve(state as never, { ...decision, seq: 9, at: 1 } as never);
      expect(decider.decide(state as never, command, context).code).toBe('ALREADY_APPLIED');
    }
    expect(readShardCommand({ type: 'Checkpoint', day: '2026-11-22' }, false)).toMatchObject({ type: 'Malformed' });
    expect(readMarketCommand({ type: 'Checkpoint', day: 'today' }, true)).toMatchObject({ type: 'Malformed' });
  });
});

describe('a record format', () => {
  const propose = (format: number, by: Actor = tote) =>
    ({ type: 'ProposeRecordFormat', format, reason: 'x', by }) as const;
  const confirm = (format: number, by: Actor = second) => ({ type: 'ConfirmRecordFormat', format, by }) as const;

  it('is raised one step at a time, by two people, and every shard hears of it', () => {
    const world = World.open();
    expect(world.ask(confirm(2)).code).toBe('FORMAT_NOT_PROPOSED');
    expect(world.ask(propose(3)).code).toBe('FORMAT_INVALID');
    expect(world.ask(propose(2, steward)).code).toBe('NOT_AUTHORIZED');
    expect(world.ask(propose(2)).code).toBeUndefined();
    expect(world.ask(confirm(2, { ...second, user: tote.user })).code).toBe('SAME_PERSON');
    expect(world.ask(confirm(2)).code).toBeUndefined();
    const formats = [world.market, ...world.shards].map(({ decider, state }) => decider.recordFormat(state as never));
    expect(formats).toEqual([2, 2, 2]);
    // What was proposed is done: the same word again raises nothing.
    expect(world.ask(confirm(2)).code).toBe('FORMAT_NOT_PROPOSED');
  });
});

describe('a command that two people have set aside', () => {
  const word = { by: ['ann', 'bob'] as const, reason: 'a race that never was' };

  it('of the market has no effect in the shard but that its number is taken', () => {
    const [shard] = World.open().shards;
    if (!shard) throw new Error('no shard');
    const n = shard.state.factNo + 1;
    const fact = { type: 'MarketFact', n, fact: { t: 'RaceResumed', race: 'no such race' } };
    expect(() => shard.decide(readShardCommand(fact, true), 1)).toThrow();
    const decision = shard.decider.setAside(fact, word);
    expect(decision).toMatchObject({ code: 'QUARANTINED', posts: [] });
    expect(decision.events).toEqual([{ t: 'SetAside', ...word, what: 'RaceResumed', fact: n }]);
    shard.decider.evolve(shard.state, { ...decision, seq: shard.seq + 1, at: 1 });
    expect(shard.state.factNo).toBe(n);
    expect(shard.state.races.get(RACE)?.status).toBe('OPEN');
    const gap = { type: 'MarketFact', n: n + 1, fact: { t: 'LeaseRenewed', issuedAt: 1, ttlMs: 1 } };
    expect(shard.decider.decide(shard.state, readShardCommand(gap, true), context).code).toBeUndefined();
  });

  it('of a shard has no effect in the market but that its number is taken', () => {
    const { market } = World.open();
    const report = { type: 'ShardReport', shard: 1, n: 1, report: { t: 'Seal', pool: 'no such pool' } };
    const decision = market.decider.setAside(report, word);
    expect(decision.events).toEqual([{ t: 'SetAside', ...word, what: 'Seal', report: [1, 1] }]);
    market.decider.evolve(market.state, { ...decision, seq: market.seq + 1, at: 1 });
    expect(market.state.reportNo).toEqual([0, 1]);
  });

  it('may be anything that a service signed', () => {
    const { market } = World.open();
    expect(market.decider.setAside({}, word).events).toEqual([{ t: 'SetAside', ...word, what: 'undefined' }]);
    expect(market.decider.setAside({ type: 'Unheard' }, word).events).toMatchObject([{ what: 'Unheard' }]);
  });
});

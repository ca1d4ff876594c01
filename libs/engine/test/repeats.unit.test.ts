/** Every command of a shard's day once more, as a log may give it again: each is answered, and none moves money or makes an event. */
import { describe, expect, it } from 'vitest';
import type { ShardCommand } from '../src/index.js';
import { hash, poolId, RACE, steward, World } from './world.js';

describe('commands that the log gives a second time', () => {
  it('are refused one by one, and the state stays as it was: only what the time itself forgets is forgotten', () => {
    const world = World.open({ types: ['WIN', 'EXACTA'] });
    const given: (readonly [shard: number, command: ShardCommand, at: number])[] = [];
    for (const [i, shard] of world.shards.entries()) {
      const decide = shard.decide.bind(shard);
      shard.decide = (command, at, decidedAt) => {
        given.push([i, command, at]);
        return decide(command, at, decidedAt);
      };
    }
    world.fund('acc-9', 10_000);
    world.send('acc-9', { type: 'CarryRefs', account: 'acc-9', refs: [['old', 500]] });
    world.send('acc-9', { type: 'SetLimits', account: 'acc-9', limits: { ticketMax: 5_000 }, version: 1 });
    const sold = world.bet('acc-9', poolId('WIN'), '2', 1_000);
    world.bet('acc-0', poolId('WIN'), '1', 1_000);
    world.bet('acc-1', poolId('EXACTA'), 'BOX:1,2', 1_000, 2);
    world.bet('acc-1', poolId('EXACTA'), '3>4', 1_000);
    const back = world.bet('acc-2', poolId('WIN'), '1', 500).events[0];
    const ticket = back?.t === 'TicketAccepted' ? back.ticket : '';
    world.send('acc-2', { type: 'CancelTicket', account: 'acc-2', ticket, reason: 'mine', by: 'acc-2' });
    world.send('acc-2', { type: 'AbandonRef', account: 'acc-2', ref: world.freshRef() });
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '3', reason: 'lame', by: steward });
    world.settleRace([['1'], ['2'], ['4']]);
    world.correct([['2'], ['1'], ['4']]);
    expect(sold.code).toBeUndefined();

    const day = [...given];
    const told = () => world.shards.map((shard) => hash(shard.told().replace(/"horizon":\d+/, '')));
    const before = told();
    for (const [i, command, at] of day) {
      const again = world.shards[i]?.decide(command, Math.max(at, world.now));
      expect({ type: command.type, code: again?.code, events: again?.events, posts: again?.posts }).toEqual({
        ...{ type: command.type, code: expect.any(String), events: [], posts: [] },
      });
    }
    expect(day.length).toBeGreaterThan(30);
    expect(told()).toEqual(before);
  });
});

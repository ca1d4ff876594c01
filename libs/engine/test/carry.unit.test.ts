/** Accounts that move into another cluster epoch: with all that is theirs, once, and to the shard where the new map sends them. */
import { describe, expect, it } from 'vitest';
import { type CarriedAccount, readShardCommand, type ShardCommand, shardOf } from '../src/index.js';
import { World } from './world.js';

const carried = (account: string, over: Partial<CarriedAccount> = {}): ShardCommand => ({
  ...{ type: 'CarryAccount', account, currency: 'USD', balance: 4_200, owed: 300, limits: { dayStake: 900 } },
  ...{ limitsVersion: 3, day: 20_000, dayStaked: 500, refs: [['opening', 5_000]], closedAt: 1_000_000, ...over },
});

describe('an account of the epoch before', () => {
  it('keeps balance, debt, limits, stakes of the day and answered references, and its money is balanced', () => {
    const world = new World(3);
    const decided = world.send('acc-7', carried('acc-7'));
    expect(decided.code).toBeUndefined();
    expect(decided.posts).toEqual([
      ['acc:acc-7', 4_200],
      ['owed:acc-7', -300],
      ['carried', -3_900],
    ]);
    const { state } = world.shards[shardOf('acc-7', 3)] as (typeof world.shards)[number];
    expect(state.accounts.get('acc-7')).toMatchObject({
      ...{ balance: 4_200, owed: 300, limits: { dayStake: 900 }, limitsVersion: 3, day: 20_000, dayStaked: 500 },
      moneyRefs: 1,
    });
    // A ticket reference from before the epoch is outside its window for ever.
    expect(state.refs.horizon).toBeGreaterThanOrEqual(1_000_000);
    const deposit = { type: 'Deposit', account: 'acc-7', ref: 'opening', amount: 5_000 } as const;
    expect(world.send('acc-7', deposit).code).toBe('REPLAY');
    expect(world.send('acc-7', { ...deposit, amount: 1 }).code).toBe('IDEMPOTENCY_BODY_MISMATCH');
    const more = { type: 'CarryRefs', account: 'acc-7', refs: [['later', -700]] } as const;
    expect(world.send('acc-7', more).code).toBeUndefined();
    expect(world.send('acc-7', { type: 'Withdraw', account: 'acc-7', ref: 'later', amount: 700 }).code).toBe('REPLAY');
  });

  it('is carried once, by a service, and into no shard but its own', () => {
    const world = new World(3);
    world.send('acc-7', carried('acc-7'));
    expect(world.send('acc-7', carried('acc-7')).code).toBe('ACCOUNT_EXISTS');
    const other = world.shards[(shardOf('acc-8', 3) + 1) % 3] as (typeof world.shards)[number];
    expect(other.decide(carried('acc-8'), 1).code).toBe('WRONG_SHARD');
    expect(world.send('acc-9', { type: 'CarryRefs', account: 'acc-9', refs: [] }).code).toBe('ACCOUNT_UNKNOWN');
    expect(readShardCommand(carried('acc-8'), false)).toMatchObject({ type: 'Malformed' });
    for (const over of [{ balance: -1 }, { balance: 0.5 }, { refs: [['x']] }, { limits: 7 }, { closedAt: undefined }])
      expect(readShardCommand(carried('acc-8', over as never), true)).toMatchObject({ type: 'Malformed' });
  });
});

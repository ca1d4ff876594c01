/** Who may open, fund and limit accounts, before a shard that decides in memory what the service signed. */
import { describe, expect, test } from 'vitest';
import { type DecisionRecord, openCommand, sha256 } from '#mutuel/contracts';
import { readShardCommand, type ShardEvent, shardDecider } from '#mutuel/engine';
import { Accounts } from '../src/accounts.js';
import type { HouseRole, Principal } from '../src/auth.js';
import type { ShardDoor } from '../src/doors.js';
import { limitsSchema } from '../src/schemas.js';
import { validate } from '../src/validate.js';

const KEY = Buffer.alloc(32, 7);
const AT = 1_795_300_000_000;
const HOUR = 3_600_000;

const who = (accounts: string[], ...roles: HouseRole[]): Principal => ({
  ...{ subject: roles.length > 0 ? 'lea' : 'a person', accounts, roles, channel: 'web', device: 'd' },
});
const HOLDER = who(['acc-1']);
const CASHIER = who([], 'CASHIER');

function open(holdersPay = false) {
  const hash = (text: string) => sha256(Buffer.from(text));
  const decider = shardDecider({ shard: 0, shards: 1, hash });
  const state = decider.initialState();
  const commands: unknown[] = [];
  let seq = 0;
  const submit: ShardDoor['submit'] = async (_account, cid, bytes) => {
    const opened = openCommand(bytes, KEY);
    if (!('cmd' in opened)) throw new Error('an envelope that does not open');
    commands.push(opened.cmd);
    const at = AT + seq;
    const context = { seq: ++seq, at, decidedAt: at, cid, trusted: opened.trusted };
    const decided = { ...decider.decide(state, readShardCommand(opened.cmd, opened.trusted), context), seq, at, cid };
    decider.evolve(state, decided);
    return { kind: 'DECIDED', decision: decided as unknown as DecisionRecord<ShardEvent>, hash: '', shard: 0 };
  };
  const door: ShardDoor = { submit, turnAway: () => undefined, recent: () => undefined };
  const reads = { moneyRef: async () => null };
  let version = 0;
  const accounts = new Accounts({ door, reads, serviceKey: KEY, holdersPay, now: () => ++version });
  const opened = accounts.open(CASHIER, { accountId: 'acc-1', currency: 'EUR' });
  return { accounts, commands, opened, balance: () => state.accounts.get('acc-1')?.balance };
}

const denied = expect.objectContaining({ code: 'NOT_AUTHORIZED' }) as Error;

describe('money', () => {
  test.each<[string, Principal, boolean, boolean]>([
    ['a cashier', CASHIER, false, true],
    ['a cashier of the demo', CASHIER, true, true],
    ['the holder', HOLDER, false, false],
    ['the holder, in the demo', HOLDER, true, true],
    ['another holder, in the demo', who(['acc-2']), true, false],
    ['a steward', who([], 'STEWARD'), false, false],
    ['a tote operator with the account, outside the demo', who(['acc-1'], 'TOTE_OPERATOR'), false, false],
  ])('of %s is taken or refused as it must be', async (_, principal, holdersPay, may) => {
    const { accounts, opened, balance } = open(holdersPay);
    await opened;
    const deposit = accounts.moveMoney(principal, 'Deposit', 'acc-1', { ref: 'd', amount: 500 });
    if (may) expect((await deposit).body).toMatchObject({ amount: 500, balance: { available: 500 } });
    else await expect(deposit).rejects.toThrow(denied);
    const withdrawal = accounts.moveMoney(principal, 'Withdraw', 'acc-1', { ref: 'w', amount: 200 });
    if (may) expect((await withdrawal).body).toMatchObject({ balance: { available: 300 } });
    else await expect(withdrawal).rejects.toThrow(denied);
    expect(balance()).toBe(may ? 300 : 0);
  });

  test('is noted with who of the house moved it, and why; of a holder the log says the account alone', async () => {
    const { accounts, commands, opened } = open(true);
    await opened;
    await accounts.moveMoney(CASHIER, 'Deposit', 'acc-1', { ref: 'a', amount: 1, reason: 'desk 4' });
    await accounts.moveMoney(HOLDER, 'Deposit', 'acc-1', { ref: 'b', amount: 1 });
    expect(commands.slice(1)).toEqual([
      { type: 'Deposit', account: 'acc-1', ref: 'a', amount: 1, by: 'lea', reason: 'desk 4' },
      { type: 'Deposit', account: 'acc-1', ref: 'b', amount: 1 },
    ]);
  });
});

describe('an account', () => {
  test.each<[string, Principal, boolean]>([
    ['a cashier', CASHIER, true],
    ['a tote operator', who([], 'TOTE_OPERATOR'), true],
    ['a steward', who([], 'STEWARD'), false],
    ['an accountant', who([], 'ACCOUNTANT'), false],
    ['a bettor', who(['acc-2']), false],
  ])('is opened, limited and blocked by %s only where they may', async (_, principal, may) => {
    const { accounts, opened } = open();
    await opened;
    const asked = [
      () => accounts.open(principal, { accountId: 'acc-2', currency: 'EUR' }),
      () => accounts.changeLimits(principal, 'acc-1', { dayStake: 900 }),
      () => accounts.changeLimits(principal, 'acc-1', { blocked: true }),
    ];
    for (const ask of asked)
      if (may) expect((await ask()).body).toMatchObject({ receipt: { shard: 0 } });
      else await expect(ask()).rejects.toThrow(denied);
  });

  test('is opened once', async () => {
    const { accounts, opened } = open();
    expect(await opened).toMatchObject({ status: 201, body: { accountId: 'acc-1', currency: 'EUR' } });
    const again = accounts.open(CASHIER, { accountId: 'acc-1', currency: 'EUR' });
    await expect(again).rejects.toThrow(expect.objectContaining({ code: 'ACCOUNT_EXISTS' }) as Error);
  });
});

describe('limits', () => {
  test('are changed by the holder: lower at once, higher a day later, excluded from now on; a block is not theirs', async () => {
    const { accounts, opened } = open();
    await opened;
    const change = async (body: object) =>
      (await accounts.changeLimits(HOLDER, 'acc-1', validate(limitsSchema, body))).body.limits;
    expect(await change({ dayStake: 1_000 })).toEqual({ dayStake: 1_000 });
    // The third decision: appended 2 ms after the first.
    const later = { from: AT + 2 + 24 * HOUR };
    expect(await change({ dayStake: null })).toEqual({ dayStake: 1_000, later });
    const excludedUntil = AT + 3 + 24 * HOUR;
    expect(await change({ excludeHours: 24 })).toEqual({ dayStake: 1_000, later, excludedUntil });
    await expect(change({ blocked: false })).rejects.toThrow(denied);
    const code = accounts.moveMoney(CASHIER, 'Deposit', 'acc-1', { ref: 'd', amount: 1 });
    await expect(code).rejects.toThrow(expect.objectContaining({ code: 'SELF_EXCLUDED' }) as Error);
  });

  test.each([23, 366 * 24 + 1, 24.5])('of %s hours of exclusion are not taken', (excludeHours) => {
    const invalid = expect.objectContaining({ code: 'MALFORMED' }) as Error;
    expect(() => validate(limitsSchema, { excludeHours })).toThrow(invalid);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardOf } from '../src/index.js';
import { hash, poolId, RACE, steward, World } from './world.js';

const WIN = poolId('WIN');
const EXACTA = poolId('EXACTA');

describe('a ticket', () => {
  it('takes the stakes of all its bets at once and names the balance after them', () => {
    const world = World.open();
    const decided = world.send(
      'acc-0',
      world.ticket('acc-0', [
        [WIN, '1', 500],
        [EXACTA, 'BOX:1,2,3', 100, 6],
      ]),
    );
    expect(decided.events[0]).toMatchObject({ t: 'TicketAccepted', total: 1_100, balance: 98_900 });
    expect(decided.posts).toEqual([
      ['acc:acc-0', -1_100],
      [`pool:${WIN}`, 500],
      [`pool:${EXACTA}`, 600],
    ]);
  });

  it('is all or nothing when the caller says so, and partly accepted when not', () => {
    const world = World.open();
    const bets = [
      [WIN, '1', 500],
      [WIN, '9', 500],
    ] as const;
    const whole = world.send(
      'acc-0',
      world.ticket(
        'acc-0',
        [...bets].map((b) => [...b]),
      ),
    );
    expect(whole).toMatchObject({ code: 'INVALID_SELECTION', pointer: expect.stringMatching(/^\/bets\/1/) });
    const part = world.send(
      'acc-0',
      world.ticket(
        'acc-0',
        [...bets].map((b) => [...b]),
        { atomic: false },
      ),
    );
    expect(part.events[0]).toMatchObject({ total: 500, refused: [{ no: 1, code: 'INVALID_SELECTION' }] });
    expect(world.balance('acc-0')).toBe(99_500);
  });

  it.each([
    ['LINES_MISMATCH', [EXACTA, 'BOX:1,2', 100, 3]],
    ['POOL_UNKNOWN', ['nowhere-WIN', '1', 100, 1]],
    ['INVALID_SELECTION', [WIN, '77', 200, 1]],
    ['INSUFFICIENT_FUNDS', [WIN, '1', 1_000_000, 1]],
  ] as const)('is refused as %s', (code, bet) => {
    const world = World.open();
    expect(world.send('acc-0', world.ticket('acc-0', [[...bet]])).code).toBe(code);
    expect(world.balance('acc-0')).toBe(100_000);
  });

  it('is refused when it waited 30 s for its decision, whatever its append time', () => {
    const world = World.open();
    const at = world.now;
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 500]]), at, at + 30_001).code).toBe('STALE');
  });

  it('is refused beyond the limits of the account and while its holder is excluded', () => {
    const world = World.open();
    world.send('acc-0', {
      type: 'SetLimits',
      account: 'acc-0',
      version: 1,
      limits: { ticketMax: 1_000, dayStake: 1_500 },
    });
    expect(world.bet('acc-0', WIN, '1', 1_200).code).toBe('PLAYER_LIMIT_STAKE');
    expect(world.bet('acc-0', WIN, '1', 1_000).code).toBeUndefined();
    expect(world.bet('acc-0', WIN, '1', 600).code).toBe('PLAYER_LIMIT_STAKE');
    world.send('acc-1', {
      type: 'SetLimits',
      account: 'acc-1',
      version: 1,
      limits: { excludedUntil: world.now + 1_000_000 },
    });
    expect(world.bet('acc-1', WIN, '1', 200).code).toBe('SELF_EXCLUDED');
    world.send('acc-2', { type: 'SetLimits', account: 'acc-2', version: 1, limits: { blocked: true } });
    expect(world.bet('acc-2', WIN, '1', 200).code).toBe('ACCOUNT_BLOCKED');
  });

  it('of another shard is refused untouched, so that its reference may be sent there', () => {
    const world = World.open();
    const wrong = world.shards[1 - shardOf('acc-0', 2)] as (typeof world.shards)[number];
    const command = world.ticket('acc-0', [[WIN, '1', 500]]);
    expect(wrong.decide(command, ++world.now).code).toBe('WRONG_SHARD');
    expect(world.send('acc-0', command).code).toBeUndefined();
  });
});

describe('a reference', () => {
  it('answers the same body with the decision it had, and refuses another body', () => {
    const world = World.open();
    const command = world.ticket('acc-0', [[WIN, '1', 500]]);
    const first = world.send('acc-0', command);
    expect(world.send('acc-0', command)).toMatchObject({ code: 'REPLAY', of: first.seq });
    expect(world.send('acc-0', { ...command, body: 'f'.repeat(16) }).code).toBe('IDEMPOTENCY_BODY_MISMATCH');
    expect(world.balance('acc-0')).toBe(99_500);
  });

  it('of a refused ticket stays answered with that refusal', () => {
    const world = World.open();
    const command = world.ticket('acc-0', [[WIN, '1', 1_000_000]]);
    const first = world.send('acc-0', command);
    world.send('acc-0', { type: 'Deposit', account: 'acc-0', ref: 'later', amount: 5_000_000 });
    expect(world.send('acc-0', command)).toMatchObject({ code: 'REPLAY', of: first.seq });
  });

  it('is refused below the horizon and more than two minutes ahead, and burnt by abandoning it', () => {
    const world = World.open();
    const old = world.freshRef(world.now - 2 * 3_600_000 - 1_000);
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 500]], { ref: old })).code).toBe('REF_OUTSIDE_WINDOW');
    const ahead = world.freshRef(world.now + 121_000);
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 500]], { ref: ahead })).code).toBe('REF_INVALID');
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 500]], { ref: 'no-uuid' })).code).toBe('REF_INVALID');
    const ref = world.freshRef();
    world.send('acc-0', { type: 'AbandonRef', account: 'acc-0', ref });
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 500]], { ref })).code).toBe('REF_BURNT');
  });

  it('is remembered for its whole window and forgotten in whole buckets after it', () => {
    const world = World.open();
    const command = world.ticket('acc-0', [[WIN, '1', 500]]);
    world.send('acc-0', command);
    world.now += 2 * 3_600_000 - 10_000;
    world.renewLease();
    expect(world.send('acc-0', command).code).toBe('REPLAY');
    world.now += 20_000;
    world.renewLease();
    expect(world.send('acc-0', command).code).toBe('REF_OUTSIDE_WINDOW');
    world.now += 3_600_000;
    world.renewLease();
    const shard = world.shards[shardOf('acc-0', 2)];
    expect(shard?.state.refs.buckets.size).toBe(0);
  });
});

describe('deposits and withdrawals', () => {
  it('move money once per reference and never below zero or beyond the most an account may hold', () => {
    const world = World.open();
    const deposit = { type: 'Deposit', account: 'acc-0', ref: 'd1', amount: 700 } as const;
    expect(world.send('acc-0', deposit).code).toBeUndefined();
    expect(world.send('acc-0', deposit).code).toBe('REPLAY');
    expect(world.send('acc-0', { ...deposit, amount: 800 }).code).toBe('IDEMPOTENCY_BODY_MISMATCH');
    const withdraw = { type: 'Withdraw', account: 'acc-0', ref: 'w1', amount: 100_701 } as const;
    expect(world.send('acc-0', withdraw).code).toBe('INSUFFICIENT_FUNDS');
    for (let i = 0; i < 999; i++) world.send('acc-0', { ...deposit, ref: `big-${i}`, amount: 1_000_000_000_000 });
    expect(world.send('acc-0', { ...deposit, ref: 'one more', amount: 1_000_000_000_000 }).code).toBe('ABOVE_MAX');
  });
});

describe('cancelling', () => {
  it('gives the stake back while the rule allows and never after the stop', () => {
    const world = World.open({ types: ['WIN'], rules: 'FR' });
    const placed = world.bet('acc-0', WIN, '1', 500);
    const ticket = placed.events[0]?.t === 'TicketAccepted' ? placed.events[0].ticket : '';
    const cancel = { type: 'CancelTicket', account: 'acc-0', ticket, reason: 'PLAYER', by: 'acc-0' } as const;
    expect(world.send('acc-0', cancel).code).toBeUndefined();
    expect(world.balance('acc-0')).toBe(100_000);
    expect(world.send('acc-0', cancel).code).toBe('TICKET_NOT_OPEN');
    const again = world.bet('acc-0', WIN, '2', 500);
    const other = again.events[0]?.t === 'TicketAccepted' ? again.events[0].ticket : '';
    expect(world.send('acc-1', { ...cancel, account: 'acc-1', ticket: other }).code).toBe('TICKET_UNKNOWN');
    world.stop();
    expect(world.send('acc-0', { ...cancel, ticket: other }).code).toBe('CANCEL_TOO_LATE');
  });

  it('is refused like a sale while the market is not heard: the race may have been stopped', () => {
    const world = World.open({ types: ['WIN'], rules: 'FR' });
    const [sold] = world.bet('acc-0', WIN, '1', 500).events;
    const ticket = sold?.t === 'TicketAccepted' ? sold.ticket : '';
    const cancel = { type: 'CancelTicket', account: 'acc-0', ticket, reason: 'PLAYER', by: 'acc-0' } as const;
    world.now += 60_000;
    expect(world.send('acc-0', cancel).code).toBe('CHANNEL_LEASE_EXPIRED');
    expect(world.balance('acc-0')).toBe(99_500);
    world.renewLease();
    expect(world.send('acc-0', cancel).code).toBeUndefined();
    expect(world.balance('acc-0')).toBe(100_000);
  });
});

describe('what comes over the wire', () => {
  it('is decided as malformed with its cause when it is no command, and the shard goes on', () => {
    const world = World.open();
    const broken = world.send('acc-0', { type: 'Nonsense' } as never);
    expect(broken).toMatchObject({ code: 'MALFORMED', detail: expect.stringContaining('Nonsense') });
    expect(world.bet('acc-0', WIN, '1', 500).code).toBeUndefined();
  });

  it('stops the shard when it is a market fact of a later release', () => {
    const world = World.open();
    expect(() => world.send('acc-0', { type: 'MarketFact', n: 99, fact: { t: 'Unheard' } } as never)).toThrow(
      /not known to this release/,
    );
  });

  it('may repeat facts and may not skip one', () => {
    const world = World.open();
    const shard = world.shards[0] as (typeof world.shards)[number];
    const fact = { t: 'RaceSuspended', race: RACE } as const;
    expect(shard.decide({ type: 'MarketFact', n: 1, fact }, ++world.now).code).toBe('ALREADY_APPLIED');
    expect(shard.decide({ type: 'MarketFact', n: shard.state.factNo + 2, fact }, ++world.now).code).toBe('RELAY_GAP');
    expect(shard.state.races.get(RACE)?.status).toBe('OPEN');
  });
});

describe('any day of racing', () => {
  type Step = {
    kind: 'bet' | 'replay' | 'cancel' | 'scratch' | 'deposit' | 'stop' | 'renew' | 'late';
    who: number;
    a: number;
    b: number;
    amount: number;
  };
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom(
      'bet',
      'bet',
      'bet',
      'bet',
      'bet',
      'replay',
      'cancel',
      'scratch',
      'deposit',
      'renew',
      'stop',
      'late',
    ),
    who: fc.nat(3),
    a: fc.integer({ min: 1, max: 6 }),
    b: fc.integer({ min: 1, max: 6 }),
    amount: fc.integer({ min: 100, max: 400 }),
  });
  const orders = fc.shuffledSubarray(['1', '2', '3', '4', '5', '6'], { minLength: 1 });

  it('pays what a naive model of single lines pays, replays to the same state, from any image of it too, and ends with empty clearing accounts', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        orders,
        fc.integer({ min: 1, max: 3 }),
        fc.nat(99),
        (steps, order, tied, cut) => {
          const world = World.open({ rules: 'FR', types: ['WIN', 'PLACE', 'EXACTA', 'QUINELLA'] });
          const model = new NaiveModel();
          for (const { kind, who, a, b, amount } of steps) {
            const account = `acc-${who}`;
            world.now += 50;
            if (kind === 'bet') {
              const exacta: Bet[] = [
                [EXACTA, `${a}>${b}`, amount],
                [poolId('PLACE'), String(b), amount],
              ];
              model.place(world, account, a === b ? [[WIN, String(a), amount]] : exacta);
            } else if (kind === 'replay') model.replay(world, amount);
            else if (kind === 'cancel') model.cancel(world, amount);
            else if (kind === 'deposit') {
              const deposit = { type: 'Deposit', account, ref: `d${amount}`, amount } as const;
              if (world.send(account, deposit).code === undefined) model.cash(account, amount);
              expect(world.send(account, deposit).code).toBe('REPLAY');
            } else if (kind === 'scratch')
              world.ask({ type: 'ScratchRunner', race: RACE, runner: String(a), reason: 'x', by: steward });
            else if (kind === 'renew') world.renewLease();
            else if (kind === 'stop') world.stop();
            else {
              world.market.decide({ type: 'StopBetting', race: RACE, reason: 'off', by: steward }, ++world.now);
              model.place(world, account, [[WIN, String(a), amount]]);
              world.settle();
            }
          }
          world.stop();
          const scratched = world.market.state.races.get(RACE)?.scratched ?? [];
          const home = order.filter((r) => !scratched.includes(r));
          if (home.length > 0) world.settleRace([home.slice(0, tied), ...home.slice(tied).map((r) => [r])]);
          else world.ask({ type: 'VoidRace', race: RACE, reason: 'no runner', by: steward });
          expect(['SETTLED', 'VOID']).toContain(world.market.state.races.get(RACE)?.status);
          for (const [account, balance] of model.settled(world)) expect(world.balance(account)).toBe(balance);
          for (const type of ['WIN', 'PLACE', 'EXACTA', 'QUINELLA']) expect(world.clearing(poolId(type))).toBe(0);
          expect([...world.ledger.values()].reduce((x, y) => x + y, 0)).toBe(0);
          for (const host of [world.market, ...world.shards]) {
            expect(hash(host.replayed())).toBe(hash(host.told()));
            expect(hash(host.replayed(Math.ceil((host.decisions.length * cut) / 100)))).toBe(hash(host.told()));
          }
        },
      ),
      { numRuns: 100, seed: 20_261_122 },
    );
  });
});

type Bet = [pool: string, combination: string, stake: number];

/** Knows only what clients were told and what was declared; every bet is one line, so winning is comparing texts. */
class NaiveModel {
  private readonly balances = new Map([0, 1, 2, 3].map((i) => [`acc-${i}`, 100_000]));
  private readonly standing = new Map<string, { account: string; bets: Bet[]; at: number }>();
  private readonly sent: ReturnType<World['ticket']>[] = [];

  cash(account: string, amount: number): void {
    this.balances.set(account, (this.balances.get(account) as number) + amount);
  }

  place(world: World, account: string, bets: Bet[]): void {
    const command = world.ticket(account, bets);
    this.sent.push(command);
    const { events, at } = world.send(account, command);
    const event = events[0];
    if (event?.t !== 'TicketAccepted') return;
    this.standing.set(event.ticket, { account, bets, at });
    for (const [, , stake] of bets) this.cash(account, -stake);
  }

  replay(world: World, pick: number): void {
    const command = this.sent[pick % Math.max(1, this.sent.length)];
    if (command) expect(world.send(command.account, command).code).toBe('REPLAY');
  }

  cancel(world: World, pick: number): void {
    const [ticket, placed] = [...this.standing][pick % Math.max(1, this.standing.size)] ?? [];
    if (!ticket || !placed) return;
    const { account } = placed;
    const decided = world.send(account, { type: 'CancelTicket', account, ticket, reason: 'PLAYER', by: account });
    if (decided.code !== undefined) return;
    this.standing.delete(ticket);
    for (const [, , stake] of placed.bets) this.cash(account, stake);
  }

  settled(world: World): ReadonlyMap<string, number> {
    const race = world.market.state.races.get(RACE);
    const stopAt = race?.stopAt ?? 0;
    for (const { account, bets, at } of this.standing.values()) {
      for (const [pool, combination, stake] of bets) {
        const declared = world.market.state.pools.get(pool)?.declared;
        const named = combination.split('>');
        const back =
          at > stopAt || named.some((r) => race?.scratched.includes(r)) || !declared || declared.outcome === 'REFUND';
        const won = (declared?.dividends ?? []).filter((d) =>
          d.c.split('>').every((r, i) => r === '*' || r === named[i]),
        );
        // France pays a bet to the nearest cent: prices are whole tenths, so stake × tenths / 10, halves upwards.
        const paid = won.reduce((sum, d) => sum + Math.floor((stake * Math.round(Number(d.price) * 10) + 5) / 10), 0);
        this.cash(account, back ? stake : paid);
      }
    }
    return this.balances;
  }
}

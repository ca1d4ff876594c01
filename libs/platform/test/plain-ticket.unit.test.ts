/** The short way through validation against the schema it stands in for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainTicket } from '../src/plain-ticket.js';
import { ticketSchema } from '../src/schemas.js';

const ref = '0198f3c2-0000-7000-8000-000000000000';
const bet = { betRef: 'a', poolId: 'R1-C1-WIN', form: 'STRAIGHT', columns: [['3']], unitStake: 100, stake: 100 };
const ticket = { ticketRef: ref, accountId: 'acc-1', currency: 'EUR', bets: [bet] };

const mostly = <T, U>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: odd });
const odd = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 'ALL', 'è', 'x'.repeat(101), '123456789', 0, -1, 1.5, 2 ** 53, [], {}, [
    [],
  ]),
  fc.jsonValue(),
);
const id = mostly(fc.constantFrom('a', 'acc-1', 'R1-C1-WIN', 'a.b:c@d>e_f', 'x'.repeat(100)), odd);
const amount = mostly(fc.constantFrom(1, 100, 150, 10_000), odd);
const columns = mostly(
  fc.array(fc.array(fc.constantFrom('1', '12', 'ALL'), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 11,
  }),
  odd,
);
const form = mostly(fc.constantFrom('STRAIGHT', 'WHEEL', 'BOX', 'KEY', 'MULTI_LEG'), odd);
const usualBet = { betRef: id, poolId: id, form, columns, unitStake: amount, stake: amount };
const someBet = mostly(fc.record(usualBet), fc.record({ ...usualBet, runners: odd, x: odd }, { requiredKeys: [] }));
const usualTicket = {
  ticketRef: mostly(fc.constant(ref), odd),
  accountId: id,
  currency: mostly(fc.constant('EUR'), odd),
  bets: mostly(fc.array(mostly(someBet, odd), { minLength: 1, maxLength: 3 }), odd),
};
const atomic = mostly(fc.boolean(), odd);
const someTicket = fc.oneof(
  fc.record(usualTicket),
  fc.record({ ...usualTicket, atomic }),
  fc.record({ ...usualTicket, atomic, more: odd }, { requiredKeys: [] }),
);

describe('a ticket recognised without the schema', () => {
  it('is the usual one, with what the schema adds to it', () => {
    expect(plainTicket(ticket)).toEqual({ ...ticket, atomic: true });
    expect(plainTicket({ ...ticket, atomic: false, bets: [bet, { ...bet, form: 'WHEEL' }] })).toMatchObject({
      atomic: false,
    });
  });

  it.each([
    ['an unknown field', { ...ticket, x: 1 }],
    ['an unknown field of a bet', { ...ticket, bets: [{ ...bet, x: 1 }] }],
    [
      'a box',
      { ...ticket, bets: [{ betRef: 'a', poolId: 'p', form: 'BOX', runners: ['1', '2'], unitStake: 1, stake: 2 }] },
    ],
    ['a flexi bet', { ...ticket, bets: [{ ...bet, unitStake: undefined }] }],
    ['no bets', { ...ticket, bets: [] }],
    ['a stake of nothing', { ...ticket, bets: [{ ...bet, stake: 0 }] }],
    ['a list', [ticket]],
    ['nothing', undefined],
  ])('is not %s: the schema judges that', (_, value) => {
    expect(plainTicket(value)).toBeUndefined();
  });

  it('never is one that the schema refuses or reads otherwise', () => {
    let taken = 0;
    fc.assert(
      fc.property(mostly(someTicket, fc.jsonValue()), (value) => {
        const plain = plainTicket(value);
        if (plain === undefined) return;
        taken++;
        expect(ticketSchema.parse(value)).toEqual(plain);
      }),
      { seed: 20261122, numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });
});

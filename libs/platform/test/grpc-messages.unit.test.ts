/** Messages of the proto as the bodies that HTTP would send: nothing absent or empty, lists of lists as such. */
import protobuf from 'protobufjs';
import { expect, it } from 'vitest';
import { ticketBody } from '../src/grpc/messages.js';

const lists = (...columns: string[][]) => columns.map((runners) => ({ runners }));

it.each([
  [
    'columns by position',
    { betRef: 'a', poolId: 'p', form: 'STRAIGHT', columns: lists(['4'], ['7', '1']), runners: [], unitStake: 100 },
    { betRef: 'a', poolId: 'p', form: 'STRAIGHT', columns: [['4'], ['7', '1']], unitStake: 100 },
  ],
  [
    'legs with their alternates and a complement',
    { poolId: 'p', form: 'MULTI_LEG', columns: lists(['1'], ['ALL']), alternates: lists(['2'], []), complement: ['9'] },
    { poolId: 'p', form: 'MULTI_LEG', columns: [['1'], ['ALL']], alternates: [['2'], []], complement: ['9'] },
  ],
  [
    'parts of a report',
    {
      form: '',
      parts: [
        { poolId: 'p', columns: lists(['1']) },
        { poolId: 'q', columns: lists(['3', '4']) },
      ],
    },
    {
      parts: [
        { poolId: 'p', columns: [['1']] },
        { poolId: 'q', columns: [['3', '4']] },
      ],
    },
  ],
])('a bet with %s', (_, bet, body) => {
  expect(ticketBody({ accountId: 'acc-1', ticketRef: '', bets: [bet] })).toEqual({ accountId: 'acc-1', bets: [body] });
});

it('the quarters of a report’s part travel', () => {
  const bet = protobuf.loadSync('libs/platform/src/grpc/mutuel.proto').lookupType('mutuel.v1.Bet');
  const sent = bet.encode(bet.fromObject({ parts: [{ poolId: 'p', quarters: 2 }] })).finish();
  expect(bet.toObject(bet.decode(sent))).toMatchObject({ parts: [{ poolId: 'p', quarters: 2 }] });
});

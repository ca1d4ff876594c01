/** What a reference is answered with the second time: from memory, from the log, from the read models, and when none of them knows it yet. */
import { describe, expect, test } from 'vitest';
import { type DecisionRecord, GENESIS } from '#mutuel/contracts';
import type { ShardEvent, TicketAccepted } from '#mutuel/engine';
import type { TicketBetView, TicketView } from '#mutuel/services';
import { Betting } from '../src/betting.js';
import type { AccountReads, Answered, ShardDoor } from '../src/doors.js';
import { placeCommand } from '../src/orders.js';
import { RecentTickets } from '../src/recent-tickets.js';
import { ticketSchema } from '../src/schemas.js';
import { validate } from '../src/validate.js';

const AT = 1_795_300_000_000;
const ref = '0198f3c2-0000-7000-8000-000000000001';
const holder = { subject: 'p', accounts: ['acc-1'], roles: [], channel: 'web', device: 'd' } as const;
const betOf = (betRef: string, runner: string) => ({
  ...{ betRef, poolId: 'R1-WIN', form: 'STRAIGHT', columns: [[runner]], unitStake: 100, stake: 100 },
});
const bodyOf = (...bets: object[]) =>
  validate(ticketSchema, { ticketRef: ref, accountId: 'acc-1', currency: 'EUR', atomic: false, bets });
/** The first bet is refused, the second taken. */
const body = bodyOf(betOf('a', '99'), betOf('b', '4'));
const otherBody = bodyOf(betOf('a', '5'));
const hash = placeCommand(body, 'web').body;

type Said = Partial<DecisionRecord<ShardEvent>>;
const answered = (seq: number, said: Said): Answered<ShardEvent> => {
  const cid = `${'0'.repeat(20)}${String(seq).padStart(12, '0')}`;
  const place = { v: 1, kind: 'decision', src: 'shard-0', epoch: 1, seq, in: [1, seq, 0], cid, inc: '', prev: GENESIS };
  const record = { ...place, at: AT, time: AT, events: [], posts: [], ...said } as DecisionRecord<ShardEvent>;
  return { decision: record, hash: `hash-${seq}`, shard: 0 };
};

const why = { code: 'INVALID_SELECTION', detail: 'There is no runner 99.', pointer: '/bets/0/columns/0/0' };
const accepted: TicketAccepted = {
  ...{ t: 'TicketAccepted', ticket: 't0-7-000000000007', account: 'acc-1', ref, body: hash, blind: '', channel: 'web' },
  ...{ currency: 'EUR', total: 100, balance: 900 },
  bets: [{ no: 1, ref: 'b', pool: 'R1-WIN', sel: '4', lines: 1, unit: 100, stake: 100, leaf: '' }],
  refused: [{ no: 0, ref: 'a', ...why }],
};
const first = answered(7, { events: [accepted] });
const replay = answered(9, { code: 'REPLAY', detail: 'This ticketRef was answered before.', of: 7 });
const outside = answered(9, { code: 'REF_OUTSIDE_WINDOW', detail: 'too old', pointer: '/ticketRef' });

const betRow = (change: Partial<TicketBetView>): TicketBetView => ({
  ...{ betRef: 'b', betId: 't0-7-000000000007-2', poolId: 'R1-WIN', selection: '4', status: 'ACCEPTED', lines: 1 },
  ...{ unitStake: 100, stake: 100, indicativeOdds: null, code: null, detail: null, pointer: null },
  ...{ placement: 'ACCEPTED', resulting: 'NONE', settlement: 'NONE', payout: 0, refund: 0, refundCause: null },
  ...change,
});
const row: TicketView = {
  ...{ ticketId: accepted.ticket, ticketRef: ref, accountId: 'acc-1', status: 'PARTIAL', totalStake: 100 },
  ...{ acceptedAt: new Date(AT).toISOString(), decidedAt: new Date(AT).toISOString(), currency: 'EUR', channel: 'web' },
  ...{ code: null, detail: null, pointer: null, balance: { available: 900 }, bodyHash: hash },
  receipt: { shard: 0, seq: 7, hash: 'hash-7' },
  bets: [
    betRow({ betRef: 'a', placement: 'REJECTED', status: 'REJECTED', selection: '', lines: 0, stake: 0, ...why }),
    betRow({}),
  ],
};

interface World {
  /** What the shard says to whatever comes. */
  readonly says: Answered<ShardEvent>;
  readonly row?: TicketView | null;
  readonly ticketByRef?: AccountReads['ticketByRef'];
  readonly projected?: number;
  readonly inLog?: readonly Answered<ShardEvent>[];
  readonly carriedAt?: number;
  readonly recent?: RecentTickets;
  readonly price?: string;
}

function bettingIn({ says, row = null, projected = 0, inLog = [], price = '4.10', ...w }: World) {
  let now = AT;
  const door: ShardDoor = {
    submit: async () => ({ kind: 'DECIDED', ...says }),
    turnAway: () => undefined,
    recent: (_account, seq) => inLog.find(({ decision }) => decision.seq === seq),
  };
  const reads = {
    ticketByRef: w.ticketByRef ?? (async () => row),
    projectedSeq: async () => projected,
    carriedAt: async () => w.carriedAt ?? null,
  } as Partial<AccountReads> as AccountReads;
  const line = { c: '4', stake: 100, price, low: null, high: null };
  return new Betting({
    ...{ door, reads, recent: w.recent ?? new RecentTickets() },
    odds: { latest: () => ({ of: () => line }) as never },
    // A second passes between any two looks.
    now: () => (now += 1_000),
  });
}

const refusal = (code: string, change: object = {}) => expect.objectContaining({ code, ...change }) as Error;

describe('a ticket sent again', () => {
  const recent = new RecentTickets();
  const known = () => bettingIn({ says: first, recent }).place(holder, body);
  const withoutOdds = (answer: { readonly bets: readonly object[] }) => ({
    ...answer,
    bets: answer.bets.map((bet) => ({ ...bet, indicativeOdds: null })),
  });

  test('is answered as the first time from memory, bets in the ticket’s order, with the odds shown then', async () => {
    const { body: answer } = await known();
    expect(answer).toMatchObject({
      status: 'PARTIAL',
      bets: [
        { betRef: 'a', status: 'REJECTED', poolId: 'R1-WIN', betId: null },
        { betRef: 'b', status: 'ACCEPTED', indicativeOdds: '4.10', betId: 't0-7-000000000007-2' },
      ],
    });
    const again = bettingIn({ says: replay, recent, inLog: [first], price: '9.90' });
    expect(await again.place(holder, body)).toEqual({ status: 201, body: answer, replayed: true });
  });

  test.each([
    ['another node', { inLog: [first] }],
    ['the read models', { row }],
  ])('is answered the same from %s, but for the odds, which nobody knows any more', async (_where, world) => {
    const { body: answer } = await known();
    const again = await bettingIn({ says: replay, price: '9.90', ...world }).place(holder, body);
    expect(again).toEqual({ status: 201, body: withoutOdds(answer as never), replayed: true });
  });

  test.each([
    ['the log', { inLog: [first], says: replay }],
    ['the read models', { row, says: outside }],
    ['the read models, where it was refused', { row: { ...row, status: 'REJECTED' }, says: outside }],
  ])('with another body is refused by what %s holds of the first', async (_where, world) => {
    await expect(bettingIn(world).place(holder, otherBody)).rejects.toThrow(
      refusal('IDEMPOTENCY_BODY_MISMATCH', { errors: [expect.objectContaining({ pointer: '/ticketRef' })] }),
    );
  });

  test('after the window is answered from its row, and refused as too old where it has none', async () => {
    expect(await bettingIn({ says: outside, row }).place(holder, body)).toMatchObject({ status: 201, replayed: true });
    const unknown = bettingIn({ says: outside, projected: 9 }).place(holder, body);
    await expect(unknown).rejects.toThrow(refusal('REF_OUTSIDE_WINDOW'));
  });

  const away = Object.assign(new Error('the database is away'), { retriable: true });
  test.each([
    ['is not in the read models yet', replay, async () => null],
    ['is too old, and they are behind', outside, async () => null],
    ['cannot be looked up, as the database is away', replay, () => Promise.reject(away)],
  ])('is pending, and not said to be unwritten, while its decision %s', async (_why, says, ticketByRef) => {
    const betting = bettingIn({ says, projected: 8, ticketByRef });
    const pending = {
      status: 202,
      body: { ticketRef: ref, status: 'PENDING', href: `/v1/tickets/by-ref/acc-1/${ref}` },
    };
    expect(await betting.place(holder, body)).toMatchObject(pending);
  });

  test('is looked up as pending then', async () => {
    const betting = bettingIn({ says: replay });
    await betting.place(holder, body);
    expect(await betting.lookUpByRef(holder, 'acc-1', ref)).toMatchObject({ status: 202 });
  });
});

describe('a reference that is abandoned', () => {
  const abandon = (world: World) => bettingIn(world).abandon(holder, 'acc-1', ref);

  test.each([
    ['in the log', { inLog: [first] }],
    ['in the read models', { row }],
  ])('after its decision tells it, as far as it is %s', async (_where, world) => {
    const { status, body: view } = await abandon({ says: replay, ...world });
    expect([status, view.status, view.receipt]).toEqual([200, 'PARTIAL', { shard: 0, seq: 7, hash: 'hash-7' }]);
  });

  test('is told once the read models have it', async () => {
    let looks = 0;
    const ticketByRef = async () => (++looks < 3 ? null : row);
    expect(await abandon({ says: replay, ticketByRef })).toMatchObject({ status: 200, body: { status: 'PARTIAL' } });
  });

  test('older than the window and never used is worth nothing for good, once all before is projected', async () => {
    const { body: view } = await abandon({ says: outside, projected: 9 });
    expect(view).toMatchObject({ status: 'BURNT', receipt: { seq: 9 }, detail: expect.stringContaining('never') });
  });

  test.each([
    ['the read models are behind', { projected: 8 }],
    // References name the moment they were made: 2025-08-29 is before this account came over.
    ['it may be of the epoch before', { projected: 9, carriedAt: AT }],
  ])('is of unknown outcome while %s', async (_why, world) => {
    await expect(abandon({ says: outside, ...world })).rejects.toThrow(refusal('OUTCOME_UNKNOWN'));
  });
});

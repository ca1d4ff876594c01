// A bet is placed once or not at all, whatever the network does; these are the ways it can go.
import { describe, expect, it } from 'vitest';
import { type Answer, LostAnswer, ProblemError } from '../src/http.js';
import { abandon, type Pending, type PlacePorts, place } from '../src/place.js';
import type { Ticket, TicketBody } from '../src/wire.js';

const body: TicketBody = {
  ticketRef: '0198f3c2-0000-7000-8000-000000000001',
  accountId: 'acc-1',
  currency: 'EUR',
  atomic: true,
  bets: [{ betRef: 'b1', poolId: 'R1-WIN', form: 'STRAIGHT', columns: [['4']], unitStake: 100, stake: 100 }],
};
const ticket: Ticket = {
  ticketId: 't-1',
  ticketRef: body.ticketRef,
  status: 'ACCEPTED',
  acceptedAt: '2026-11-22T10:00:00Z',
  totalStake: 100,
  currency: 'EUR',
  bets: [],
};
const accepted: Answer<Ticket> = { status: 201, body: ticket, replayed: false };
const pending: Answer<Pending> = {
  status: 202,
  body: { ticketRef: body.ticketRef, status: 'PENDING', href: '/v1/tickets/by-ref/acc-1/ref' },
  replayed: false,
};
const problem = (status: number, code: string, retry?: 'NEVER' | 'SAME_KEY' | 'NEW_KEY', after: number | null = null) =>
  new ProblemError({ status, code, ...(retry === undefined ? {} : { retry }) }, after);

type Step = Answer<Ticket | Pending> | Error;

/** A tote that answers by script and remembers what it was asked and how long was waited. */
function scripted(sends: Step[], looks: Step[] = []) {
  const sent: string[] = [];
  const waits: number[] = [];
  const next = (steps: Step[]): Promise<Answer<Ticket | Pending>> => {
    const step = steps.length > 1 ? steps.shift()! : steps[0]!;
    return step instanceof Error ? Promise.reject(step) : Promise.resolve(step);
  };
  const ports: PlacePorts = {
    send: (asked) => {
      sent.push(JSON.stringify(asked));
      return next(sends);
    },
    look: () => next(looks),
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  };
  return { ports, sent, waits };
}
const quiet = () => {};

describe('placing a ticket', () => {
  it('ends with the receipt when the tote accepts', async () => {
    expect(await place(body, scripted([accepted]).ports, quiet)).toEqual({ kind: 'ACCEPTED', ticket, replayed: false });
  });

  it('sends the very same reference and body again after a lost answer', async () => {
    const tote = scripted([new LostAnswer(), new LostAnswer(), { ...accepted, replayed: true }]);
    expect(await place(body, tote.ports, quiet)).toMatchObject({ kind: 'ACCEPTED', replayed: true });
    expect(tote.sent).toHaveLength(3);
    expect(new Set(tote.sent).size).toBe(1);
  });

  it('waits as long as a busy tote asks before it sends again', async () => {
    const tote = scripted([problem(503, 'SERVICE_UNAVAILABLE', 'SAME_KEY', 2_000), accepted]);
    expect(await place(body, tote.ports, quiet)).toMatchObject({ kind: 'ACCEPTED' });
    expect(tote.waits).toEqual([2_000]);
  });

  it('does not send a refused ticket again', async () => {
    const tote = scripted([problem(422, 'POOL_CLOSED', 'NEVER')]);
    expect(await place(body, tote.ports, quiet)).toMatchObject({ kind: 'REFUSED', problem: { code: 'POOL_CLOSED' } });
    expect(tote.sent).toHaveLength(1);
  });

  it('looks a pending ticket up until it is decided, without sending it again', async () => {
    const tote = scripted([pending], [pending, problem(404, 'UNKNOWN'), accepted]);
    expect(await place(body, tote.ports, quiet)).toMatchObject({ kind: 'ACCEPTED' });
    expect(tote.sent).toHaveLength(1);
    expect(tote.waits).toHaveLength(3);
  });

  it('calls the outcome unknown, never refused, when no answer comes at all', async () => {
    const tote = scripted([new LostAnswer()]);
    expect(await place(body, tote.ports, quiet)).toEqual({
      kind: 'UNKNOWN',
      href: `/v1/tickets/by-ref/acc-1/${body.ticketRef}`,
    });
  });

  it('tells a refusal that came by look-up from an acceptance', async () => {
    const rejected: Answer<Ticket> = { ...accepted, body: { ...ticket, status: 'REJECTED' } };
    expect(await place(body, scripted([pending], [rejected]).ports, quiet)).toMatchObject({ kind: 'REFUSED' });
  });
});

describe('giving a ticket up', () => {
  const burning = (step: Answer<Ticket> | Error) => ({
    burn: () => (step instanceof Error ? Promise.reject(step) : Promise.resolve(step)),
  });

  it('says that nothing was staked when the reference was burnt', async () => {
    const burnt = burning({ ...accepted, body: { ...ticket, status: 'BURNT' } });
    expect(await abandon(body, burnt)).toMatchObject({ kind: 'REFUSED', problem: { code: 'REF_BURNT' } });
  });

  it('shows the receipt when the bet had been taken after all', async () => {
    expect(await abandon(body, burning(accepted))).toMatchObject({ kind: 'ACCEPTED' });
  });

  it('stays unknown when that answer is lost too', async () => {
    expect(await abandon(body, burning(new LostAnswer()))).toMatchObject({ kind: 'UNKNOWN' });
    expect(await abandon(body, burning(problem(504, 'DEADLINE_EXCEEDED', 'SAME_KEY')))).toMatchObject({
      kind: 'UNKNOWN',
    });
  });
});

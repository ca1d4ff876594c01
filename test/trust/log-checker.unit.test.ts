import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkLogs, type JournalLine, type RawRecord } from './log-checker.js';

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** A little log by hand: a deposit of 1,000 and tickets of 100 each by one incarnation. */
function log(tickets: readonly { ref: string; at?: number; posts?: [string, number][] }[]): RawRecord[] {
  const values: unknown[] = [{ kind: 'started', inc: 'i1' }];
  let prev = '0'.repeat(64);
  const add = (seq: number, at: number, events: unknown[], posts: unknown[]): void => {
    const record = { kind: 'decision', seq, in: [1, seq, 0], inc: 'i1', prev, at, events, posts };
    prev = createHash('sha256').update(bytes(record)).digest('hex');
    values.push(record);
  };
  add(
    1,
    10,
    [{ t: 'MoneyMoved' }],
    [
      ['acc:a', 1_000],
      ['cash', -1_000],
    ],
  );
  for (const [i, { ref, at = 20, posts }] of tickets.entries()) {
    const bets = [{ no: 0, pool: 'R-WIN', stake: 100 }];
    const event = { t: 'TicketAccepted', ticket: `t0-${i + 2}-x`, account: 'a', ref, bets };
    add(
      i + 2,
      at,
      [event],
      posts ?? [
        ['acc:a', -100],
        ['pool:R-WIN', 100],
      ],
    );
  }
  return values.map((value, offset) => ({ offset, time: offset, value: bytes(value) }));
}

const told = (ref: string, status: number, ticketId = 't0-2-x'): JournalLine => ({
  account: 'a',
  ref,
  stake: 100,
  status,
  ticketId,
});

describe('the checker of logs and journals', () => {
  it('finds nothing where every acknowledged ticket stands once', () => {
    const verdict = checkLogs([log([{ ref: 'r1' }])], [], [told('r1', 201)]);
    expect(verdict.findings).toEqual([]);
    expect(verdict.balances.get('a')).toBe(900);
    expect(verdict.clearing.get('R-WIN')).toBe(100);
  });

  it.each([
    ['a lost ticket', log([{ ref: 'r1' }]), [told('r2', 201)], /^lost: a r2/],
    [
      'a cancelling that was acknowledged and lost',
      log([{ ref: 'r1' }]),
      [{ ...told('r1', 201), cancelled: true }],
      /^lost: the cancelling of t0-2-x/,
    ],
    ['a reference accepted twice', log([{ ref: 'r1' }, { ref: 'r1' }]), [], /accepted twice/],
    ['a refusal that was accepted', log([{ ref: 'r1' }]), [told('r1', 422)], /^adrift: a r1 was refused/],
    ['a 503 that was appended', log([{ ref: 'r1' }]), [told('r1', 503)], /said not to be appended/],
    ['an answer under another ticket', log([{ ref: 'r1' }]), [told('r1', 201, 't0-9-y')], /acknowledged as t0-9-y/],
    ['a pending ticket', log([{ ref: 'r1' }]), [told('r1', 202)], /still pending/],
    [
      'a cent adrift',
      log([
        {
          ref: 'r1',
          posts: [
            ['acc:a', -100],
            ['pool:R-WIN', 99],
          ],
        },
      ]),
      [],
      /postings sum to -1/,
    ],
    [
      'a balance below zero',
      log([
        {
          ref: 'r1',
          posts: [
            ['acc:a', -2_000],
            ['pool:R-WIN', 2_000],
          ],
        },
      ]),
      [],
      /below zero/,
    ],
  ])('names %s', (_, records, journal, finding) => {
    const { findings } = checkLogs([records], [], journal);
    expect(findings.some((f) => finding.test(f))).toBe(true);
  });

  it('does not count what a zombie or a broken chain wrote', () => {
    const records = log([{ ref: 'r1' }, { ref: 'r2' }]);
    const second = JSON.parse(Buffer.from(records[3]?.value ?? []).toString());
    const broken = records.map((r, i) => (i === 3 ? { ...r, value: bytes({ ...second, prev: 'f'.repeat(64) }) } : r));
    expect(checkLogs([broken], [], [told('r2', 201)]).findings).toEqual([expect.stringMatching(/^lost: a r2/)]);
  });

  it('names a bet that stands at the seal though it came after the stop, and a seal that lies about its sum', () => {
    const market = log([]).slice(0, 1);
    const fact = (t: object): unknown => ({ t: 'Fact', fact: t });
    const meeting = { races: [{ raceId: 'R', pools: [{ poolId: 'R-WIN' }] }] };
    const facts = [fact({ t: 'MeetingPublished', meeting }), fact({ t: 'BettingClosed', race: 'R', stopAt: 15 })];
    const decision = {
      kind: 'decision',
      seq: 1,
      in: [1, 0, 0],
      inc: 'i1',
      prev: '0'.repeat(64),
      at: 15,
      events: facts,
      posts: [],
    };
    market.push({ offset: 1, time: 1, value: bytes(decision) });
    const shard = log([{ ref: 'r1', at: 20 }]);
    const prev = createHash('sha256')
      .update(shard[2]?.value ?? '')
      .digest('hex');
    const seal = { t: 'Report', report: { t: 'Seal', pool: 'R-WIN', stake: 90 } };
    shard.push({
      offset: 3,
      time: 3,
      value: bytes({ kind: 'decision', seq: 3, in: [1, 3, 0], inc: 'i1', prev, at: 21, events: [seal], posts: [] }),
    });
    const { findings } = checkLogs([shard], market, []);
    expect(findings.some((f) => /5 ms after the stop/.test(f))).toBe(true);
    expect(findings.some((f) => /says 90, its bets sum to 100/.test(f))).toBe(true);
  });
});

/** Records of every kind as lines for people, and the filters over them. */
import { describe, expect, test } from 'vitest';
import { encodeCommand, signCommand } from '#mutuel/contracts';
import { lineOf, matches, readEntry } from '../src/log-entry.js';

const at = { topic: 'shard.commands', partition: 1 };
const show = (value: Uint8Array): string => lineOf(at, { offset: 7, time: 0, value }, readEntry(value));
const bytes = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
const cid = 'ab'.repeat(16);

describe('a record', () => {
  test.each([
    [
      'a client’s command',
      encodeCommand(cid, { type: 'AbandonRef', account: 'acc-1', ref: 'r' }),
      'AbandonRef account=acc-1 ref=r',
    ],
    [
      'a signed command',
      signCommand(cid, { type: 'Deposit', account: 'acc-1', amount: 5 }, Buffer.alloc(32)),
      'signed Deposit account=acc-1 amount=5',
    ],
    ['a start', bytes({ kind: 'started', inc: '0123456789' }), 'started incarnation 01234567'],
    [
      'a refusal',
      bytes({ kind: 'decision', seq: 3, code: 'STALE', detail: 'too late', events: [] }),
      '#3 refused STALE: too late',
    ],
    [
      'a decision',
      bytes({ kind: 'decision', seq: 4, events: [{ t: 'Fact', n: 2, fact: { t: 'RaceOpened', race: 'R1' } }] }),
      '#4 | Fact 2 RaceOpened race=R1',
    ],
    [
      'a tick',
      bytes({ cycle: 9, late: true, pools: [{ id: 'R1-WIN', gross: 100 }] }),
      'tick 9, late: 1 pools R1-WIN 100',
    ],
    ['no JSON', Buffer.from('\u0001\u0002'), 'UNREADABLE 0102'],
  ])('%s', (_what, value, text) => {
    expect(show(value)).toBe(`1970-01-01T00:00:00.000Z shard.commands[1]@7 ${text}`);
  });
});

describe('a filter', () => {
  const signed = readEntry(signCommand(cid, { type: 'Deposit', account: 'acc-1', ref: 'r' }, Buffer.alloc(32)));
  const bet = readEntry(bytes({ events: [{ ticket: 't1-2-x', account: 'acc-9', bets: [{ pool: 'R1-WIN' }] }] }));
  test.each([
    [signed, { account: 'acc-1' }, true],
    [signed, { account: 'acc-10' }, false],
    [bet, { race: 'R1' }, true],
    [bet, { race: 'R' }, false],
    [bet, { ticket: 't1-2-x' }, true],
    [bet, { ticket: 't1-2-x', account: 'acc-1' }, false],
    [undefined, { race: 'R1' }, false],
    [undefined, {}, true],
  ])('%#', (entry, filter, found) => {
    expect(matches(entry, filter)).toBe(found);
  });
});

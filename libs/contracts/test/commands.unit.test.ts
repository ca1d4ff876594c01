import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCommand, openCommand, signCommand } from '../src/commands.js';

const key = new Uint8Array(32).fill(7);
const cid = '0198f3c2a5b07d11a2b3c4d5e6f70819';
const uuid = '0198f3c2-a5b0-7d11-a2b3-c4d5e6f70819';
const utf8 = (text: string) => new TextEncoder().encode(text);
const fingerprint = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 32);

describe('a command envelope', () => {
  test('gives a client command back, untrusted', () => {
    expect(openCommand(encodeCommand(uuid, { type: 'PlaceTicket', n: 1 }), key)).toEqual({
      cid: uuid,
      cmd: { type: 'PlaceTicket', n: 1 },
      trusted: false,
    });
  });

  test('gives a signed command back, trusted', () => {
    expect(openCommand(signCommand(cid, { type: 'MarketFact', n: 3 }, key), key)).toEqual({
      cid,
      cmd: { type: 'MarketFact', n: 3 },
      trusted: true,
    });
  });

  test('is malformed when it was signed with another key', () => {
    const bytes = signCommand(cid, { type: 'Deposit' }, new Uint8Array(32).fill(8));
    expect(openCommand(bytes, key)).toEqual({
      cid: fingerprint(bytes),
      malformed: 'the service signature does not match',
    });
  });

  test('is malformed when the signature was moved under another id', () => {
    const text = new TextDecoder().decode(signCommand(cid, { type: 'Deposit' }, key));
    expect(openCommand(utf8(text.replace(cid, cid.replace('0', '1'))), key)).toHaveProperty('malformed');
  });

  test('never becomes trusted by any single flipped bit', () => {
    const bytes = signCommand(cid, { type: 'Deposit', amountMinor: 5000 }, key);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const bent = Uint8Array.from(bytes);
      bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
      const opened = openCommand(bent, key);
      expect('trusted' in opened && opened.trusted, `bit ${bit}`).toBe(false);
    }
  });

  test('of a newer format is told apart from a malformed one', () => {
    expect(openCommand(utf8(`{"v":2,"cid":"${cid}","zip":"…"}`), key)).toMatchObject({ newer: true, version: 2 });
  });

  test.each([
    ['not UTF-8', Uint8Array.of(0xff, 0xfe), 'the command is not valid UTF-8'],
    ['not JSON', utf8('{"v":1'), 'the command is not valid JSON'],
    ['not an object', utf8('7'), 'the command is not an object'],
    ['null', utf8('null'), 'the command is not an object'],
    ['without a format', utf8(`{"cid":"${cid}","cmd":{}}`), 'envelope format absent is unknown'],
    ['with a format that is no number', utf8(`{"v":"2","cid":"${cid}","cmd":{}}`), 'envelope format "2" is unknown'],
    ['of format 0', utf8(`{"v":0,"cid":"${cid}","cmd":{}}`), 'envelope format 0 is unknown'],
    ['without an id', utf8('{"v":1,"cmd":{}}'), 'cid is neither a UUID nor 32 hex digits'],
    ['with a long id', utf8(`{"v":1,"cid":"${cid}0","cmd":{}}`), 'cid is neither a UUID nor 32 hex digits'],
    ['without a command', utf8(`{"v":1,"cid":"${cid}"}`), 'cmd is not an object'],
    ['with half a signature', utf8(`{"v":1,"cid":"${cid}","mac":"00"}`), 'signed or mac is not the text it must be'],
    [
      'with both bodies',
      utf8(`{"v":1,"cid":"${cid}","cmd":{},"signed":"{}","mac":"00"}`),
      'an envelope carries either cmd or signed, not both',
    ],
  ])('%s is malformed, with its cause and a fingerprint for an id', (_name, bytes, cause) => {
    expect(openCommand(bytes, key)).toEqual({ cid: fingerprint(bytes), malformed: cause });
  });

  test('opens any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.json().map(utf8)), (bytes) => {
        const opened = openCommand(bytes, key);
        expect('trusted' in opened && opened.trusted).toBe(false);
      }),
    );
  });
});

/** The page of a run: every kind of finding is counted as what it is, and one is enough to fail. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hasPassed, readCertificate, trustedKeys } from '#mutuel/verify';
import { certificateOf, kindOf, type Run } from './page.js';

const FINDINGS = [
  ['lost', 'lost: acc-1 ref was acknowledged as t0-1-a and is in no log'],
  ['doubled', 'doubled: t0-1-a (acc-1 ref) was accepted 2 times'],
  ['doubled', 'shard.decisions/0 #17: reference ref of acc-1 is accepted a second time'],
  ['late', 'shard 0 #9: t0-1-a 0 stands at the seal of R1-WIN though appended 12 ms after the stop'],
  ['adrift', 'adrift: acc-1 has 900, its postings sum to 1000'],
  ['adrift', 'market #3: its postings sum to 1'],
  ['adrift', 'market.decisions/0 #40: R1 is called settled; 5 is left on the clearing account of R1-WIN'],
  ['other', 'replay: bets was 4 rows a, made anew 4 rows b'],
  ['other', 'seal of R1-WIN: there is no signed one'],
] as const;

const run = (findings: readonly string[]): Run => ({
  ...{ title: 'embedded', commit: 'abc', seed: 7, minutes: 2, startedAt: 0, top: 200, machine: 'Node' },
  ...{ sent: 12, accepted: 10, unknown: 1, races: 2, receipts: 3 },
  refusals: new Map([['POOL_CLOSED', 2]]),
  faults: [{ name: 'kill -9', how: 'SIGKILL' }],
  struck: [{ name: 'kill -9', at: 5, againMs: 1_200 }],
  notInjected: [],
  proof: {
    ...{ accepted: 10, decisions: 20, seals: 2, dividends: 2, tickFigures: 4, replayHash: 'h' },
    ...{ findings, notChecked: [] },
  },
});

describe('the page of a certified run', () => {
  it.each(FINDINGS)('counts as %s: %s', (kind, finding) => {
    expect(kindOf(finding)).toBe(kind);
    const statement = certificateOf(run([finding]));
    expect(statement[kind]).toBe(1);
    expect(hasPassed(statement)).toBe(false);
    expect(statement.page).toContain(`FOUND  ${finding}`);
    expect(statement.page.split('\n').at(-1)).toBe('FAILED: 1 findings');
  });

  it('passes where nothing was found, and says what was accepted, refused and struck', () => {
    const { page } = certificateOf(run([]));
    for (const words of [/accepted +10/, /refused +POOL_CLOSED 2/, /lost +0/, /kill -9 +1 × +1,200 ms, 1,200 ms/])
      expect(page).toMatch(words);
    expect(page.split('\n').at(-1)).toBe('PASSED');
  });

  it('is read back only under the signature of a key that is trusted, and only unaltered', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = { keyId: 'k', publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') };
    const statement = JSON.stringify(certificateOf(run([])));
    const signature = sign(null, Buffer.from(statement), privateKey).toString('base64');
    const keys = trustedKeys([key]);
    expect(readCertificate({ statement, keyId: 'k', signature }, keys)).toMatchObject({ seed: 7, lost: 0 });
    const altered = statement.replace('"lost":0', '"lost":1');
    expect(readCertificate({ statement: altered, keyId: 'k', signature }, keys)).toMatch(/one of them was altered/);
    expect(readCertificate({ statement, keyId: 'k', signature }, new Map())).toMatch(/not among the trusted keys/);
    expect(readCertificate(null, keys)).toBe('this is no certificate');
  });
});

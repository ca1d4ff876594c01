/** The page of a run: every kind of finding is counted as what it is, and one is enough to fail. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hasPassed, readCertificate, trustedKeys } from '#mutuel/verify';
import type { Retold } from '../trust/retold.js';
import { certificateOf, kindOf, type Run } from './page.js';
import { faultsOf } from './proof.js';

const FINDINGS = [
  ['lost', 'lost: acc-1 ref was acknowledged as t0-1-a and is in no log'],
  ['doubled', 'doubled: t0-1-a (acc-1 ref) was accepted 2 times'],
  ['doubled', 'shard.decisions/0 #17: reference ref of acc-1 is accepted a second time'],
  ['late', 'shard 0 #9: t0-1-a 0 stands at the seal of R1-WIN though appended 12 ms after the stop'],
  ['adrift', 'adrift: acc-1 has 900, its postings sum to 1000'],
  ['adrift', 'market #3: its postings sum to 1'],
  ['adrift', 'market.decisions/0 #40: R1 is called settled; 5 is left on the clearing account of R1-WIN'],
  ['other', 'replay: bets was 4 rows a, made anew 4 rows b'],
  ['other', 'market.decisions/0 #40: the seal of R1-WIN, close 1, is not among the published seals'],
] as const;

const met = (src: string): Retold => ({ src, said: 'ab'.repeat(32), made: 'ab'.repeat(32), after: 0 });

/** What a run left undone, and how the page says so. */
const NOTHING: readonly (readonly [string, (whole: Run) => Partial<Run>, RegExp])[] = [
  ['a run that nobody bet in', () => ({ accepted: 0 }), /MISSING +no ticket was accepted/],
  ['a run without faults', () => ({ drawn: 0, struck: [] }), /MISSING +0 of 0 faults that were drawn/],
  ['a fault that was drawn and did not strike', () => ({ drawn: 2 }), /MISSING +1 of 2 faults that were drawn/],
  [
    'a run without a settled race',
    ({ proof }) => ({ proof: { ...proof, racesSettled: 0 } }),
    /MISSING +no race was settled/,
  ],
  ['a run without a seal', ({ proof }) => ({ proof: { ...proof, seals: 0 } }), /MISSING +0 seals were verified for 2/],
  [
    'fewer seals than races',
    ({ proof }) => ({ proof: { ...proof, seals: 1 } }),
    /MISSING +1 seals were verified for 2/,
  ],
  [
    'a run that was never replayed',
    ({ proof }) => ({ proof: { ...proof, retold: [] } }),
    /MISSING .* of 0 of 0 deciders/,
  ],
  [
    'a decider that said nothing of its state',
    ({ proof }) => ({ proof: { ...proof, retold: [met('shard-0'), { ...met('market'), said: undefined }] } }),
    /MISSING .* of 1 of 2 deciders/,
  ],
  [
    'a decider that went on after it',
    ({ proof }) => ({ proof: { ...proof, retold: [met('shard-0'), { ...met('shard-1'), after: 1 }] } }),
    /MISSING .* of 1 of 2 deciders/,
  ],
];

const run = (findings: readonly string[]): Run => ({
  ...{ title: 'embedded', commit: 'abc', seed: 7, minutes: 2, startedAt: 0, top: 200, machine: 'Node' },
  ...{ sent: 12, accepted: 10, unknown: 1, races: 2, receipts: 3 },
  refusals: new Map([['POOL_CLOSED', 2]]),
  faults: [{ name: 'kill -9', how: 'SIGKILL' }],
  struck: [{ name: 'kill -9', at: 5, againMs: 1_200 }],
  drawn: 1,
  notInjected: [],
  proof: {
    ...{ accepted: 10, decisions: 20, seals: 2, racesSettled: 2, dividends: 2, tickFigures: 4, tickRows: 40 },
    ...{ retold: [met('shard-0'), met('market')], findings, notChecked: [] },
  },
});

describe('the page of a certified run', () => {
  it.each(FINDINGS)('counts as %s: %s', (kind, finding) => {
    expect(kindOf(finding)).toBe(kind);
    const statement = certificateOf(run([finding]));
    expect(statement[kind]).toBe(1);
    expect(hasPassed(statement)).toBe(false);
    expect(statement.page).toContain(`FOUND  ${finding}`);
    expect(statement.page.split('\n').at(-1)).toBe('FAILED: 1 findings, 0 things missing');
  });

  it.each(NOTHING)('does not pass %s, though nothing is wrong with it', (_, without, words) => {
    const whole = run([]);
    const statement = certificateOf({ ...whole, ...without(whole) });
    expect(hasPassed(statement)).toBe(false);
    expect(statement.page).toMatch(words);
    expect(statement.page.split('\n').at(-1)).toBe('FAILED: 0 findings, 1 things missing');
  });

  it('names a replay that is not what the decider said', () => {
    expect(faultsOf(met('shard-0'))).toEqual([]);
    expect(faultsOf({ ...met('shard-0'), said: undefined })[0]).toMatch(/^replay: shard-0 was asked .* and said none$/);
    expect(faultsOf({ ...met('shard-0'), after: 3 })[0]).toMatch(/^replay: shard-0 accepted 3 tickets after/);
    expect(faultsOf({ ...met('market'), made: 'cd' })[0]).toMatch(/^replay: market says .*, its log folds to cd$/);
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

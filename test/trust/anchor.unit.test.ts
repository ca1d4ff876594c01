/** Anchors stamped by a real authority: what holds, and each way in which one does not. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TsaClient } from '#mutuel/adapters';
import { type AnchorFile, type AnchorStatement, KeyRefused, verifyAnchor, verifyAnchors } from '#mutuel/verify';
import { TimeStampAuthority } from './time-stamp-authority.js';

const HEADS = [
  { source: 'shard-0', seq: 7, head: 'ab'.repeat(32) },
  { source: 'market', seq: 3, head: 'cd'.repeat(32) },
];
const anchored = { kind: 'mutuel-anchor', v: 1, day: '2026-11-22', madeAt: 1_795_300_000_000, heads: HEADS } as const;
const STATEMENT = JSON.stringify({ ...anchored, previous: null } satisfies AnchorStatement);
const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
const headOf = (source: string): string | undefined => HEADS.find((one) => one.source === source)?.head;

let house: TimeStampAuthority;
let url: string;
let file: AnchorFile;

beforeAll(async () => {
  house = new TimeStampAuthority();
  url = await house.start();
  const token = await new TsaClient(url).stamp(sha256(STATEMENT));
  file = { statement: STATEMENT, token: Buffer.from(token).toString('base64') };
});
afterAll(() => house.stop());

const faults = async (one: unknown, authorities = [house.authority]) => (await verifyAnchor(one, authorities)).faults;

describe('an anchor', () => {
  it('holds under the authority that stamped it and names the time and the heads of the log', async () => {
    const verdict = await verifyAnchor(file, [house.authority], headOf);
    expect(verdict).toMatchObject({ missing: [], faults: [] });
    expect(verdict.held[0]).toMatch(/^stamped by the authority at 20\d\d-/);
    expect(verdict.held.slice(1)).toEqual([
      'the log of shard-0 up to decision 7 is the one that was anchored',
      'the log of market up to decision 3 is the one that was anchored',
    ]);
  });

  it('says what it could not compare: no log, or one that ends before', async () => {
    expect((await verifyAnchor(file, [house.authority])).missing).toEqual(['no log is here to compare the heads with']);
    expect((await verifyAnchor(file, [house.authority], () => undefined)).missing).toContain(
      'the log of shard-0 does not reach decision 7',
    );
  });

  it('fails by name where the log was rewritten', async () => {
    const { faults: found } = await verifyAnchor(file, [house.authority], () => 'ee'.repeat(32));
    expect(found).toContain('decision 7 of shard-0 has another hash than the anchor: the log was rewritten');
  });

  it.each([
    ['is something else', () => null, 'this is no anchor: statement or token are missing'],
    [
      'was altered',
      () => ({ ...file, statement: STATEMENT.replace('"seq":7', '"seq":8') }),
      'the token stamps another statement: one of them was altered',
    ],
    ['is no statement', () => ({ ...file, statement: 'x' }), 'the statement is not JSON'],
    [
      'is of a later version',
      () => ({ ...file, statement: STATEMENT.replace('"v":1', '"v":2') }),
      'the statement has version 2, this release reads version 1',
    ],
    [
      'is a seal',
      () => ({ ...file, statement: '{"kind":"mutuel-seal","v":1}' }),
      'the statement is a mutuel-seal, not a mutuel-anchor',
    ],
    ['has no token', () => ({ ...file, token: 'AAAA' }), 'the token is not one of RFC 3161: it cannot be read'],
    [
      'has a truncated token',
      () => ({ ...file, token: file.token.slice(0, 400) }),
      'the token is not one of RFC 3161: it cannot be read',
    ],
    [
      'names no day',
      () => ({ ...file, statement: STATEMENT.replace('"day"', '"night"') }),
      'the statement is not whole: it names no day',
    ],
    [
      'does not tell the one before',
      () => ({ ...file, statement: STATEMENT.replace('"previous":null', '"next":null') }),
      'the statement is not whole: it does not say which anchor was before it',
    ],
  ])('that %s fails with the sentence that says so', async (_, one, fault) => {
    expect(await faults(one())).toContain(fault);
  });

  it('fails where its signature was altered, and where nobody trusts its authority', async () => {
    const bytes = Buffer.from(file.token, 'base64');
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] as number) ^ 1;
    expect((await faults({ ...file, token: bytes.toString('base64') }))[0]).toMatch(
      /does not hold|does not lead to an authority/,
    );
    const stranger = new TimeStampAuthority();
    expect((await faults(file, [stranger.authority]))[0]).toMatch(/does not lead to an authority that is trusted/);
    expect((await faults(file, []))[0]).toMatch(/does not lead to an authority that is trusted/);
    await stranger.stop();
  });
});

describe('several anchors', () => {
  let days: AnchorFile[];

  /** The newest first, as they are published. */
  beforeAll(async () => {
    days = [];
    for (const day of ['2026-11-22', '2026-11-23', '2026-11-24']) {
      const previous = days[0] ? sha256(days[0].statement).toString('hex') : null;
      const statement = JSON.stringify({ ...anchored, day, previous });
      const token = Buffer.from(await new TsaClient(url).stamp(sha256(statement))).toString('base64');
      days.unshift({ statement, token });
    }
  });

  const verdictOf = (files: readonly unknown[], log?: Parameters<typeof verifyAnchors>[2]) =>
    verifyAnchors(files, [{ name: 'house.pem', pem: house.authority }], log);

  it('hold where each one follows the one before, in whatever order they are given', async () => {
    for (const files of [days, days.toReversed()]) {
      const verdict = await verdictOf(files, { headOf, faults: [] });
      expect(verdict).toMatchObject({ missing: [], faults: [] });
      expect(verdict.held).toContain('the anchors from 2026-11-22 to 2026-11-24 follow each other');
      expect(verdict.held).toContain('2026-11-23: the log of shard-0 up to decision 7 is the one that was anchored');
    }
  });

  it('name the place where one was taken out', async () => {
    const verdict = await verdictOf([days[0], days[2]]);
    expect(verdict.faults).toEqual([
      'the anchor of 2026-11-24 does not follow that of 2026-11-22: it names another one before it, or none',
    ]);
    expect(verdict.held.join()).not.toContain('follow each other');
  });

  it('name the place where a stamped one was put in that does not know the one before', async () => {
    const statement = JSON.stringify({ ...anchored, day: '2026-11-23', previous: null });
    const token = Buffer.from(await new TsaClient(url).stamp(sha256(statement))).toString('base64');
    expect((await verdictOf([days[0], { statement, token }, days[2]])).faults).toEqual([
      'the anchor of 2026-11-23 does not follow that of 2026-11-22: it names another one before it, or none',
      'the anchor of 2026-11-24 does not follow that of 2026-11-23: it names another one before it, or none',
    ]);
  });

  it('say that the one before the oldest is not among them, and fail by number where one cannot be read', async () => {
    const verdict = await verdictOf([days[0], null, days[1]]);
    expect(verdict.missing).toContain('the anchor before that of 2026-11-23 is not here');
    expect(verdict.faults).toEqual(['anchor 2 of 3: this is no anchor: statement or token are missing']);
  });

  it('fail where the chain of the log beside them breaks, whatever its heads are', async () => {
    expect((await verdictOf(days, { headOf, faults: ['it breaks here'] })).faults).toEqual(['it breaks here']);
  });

  it('refuse an authority that is no certificate by its name', async () => {
    const refused = verifyAnchors(days, [{ name: 'keys.json', pem: '{}' }]);
    await expect(refused).rejects.toThrow(KeyRefused);
    await expect(refused).rejects.toThrow(/^keys\.json is not a certificate in PEM/);
  });
});

describe('the client of an authority', () => {
  it.each([
    ['BROKEN', /answers with status 500/],
    ['GARBAGE', /answers with something else than a time stamp/],
  ] as const)('says why there is no token: %s', async (mood, words) => {
    house.mood = mood;
    await expect(new TsaClient(url).stamp(sha256('x'))).rejects.toThrow(words);
    house.mood = 'STAMPS';
  });

  it('says so where nobody answers', async () => {
    await expect(new TsaClient('http://127.0.0.1:9/').stamp(sha256('x'))).rejects.toThrow(/does not answer/);
  });
});

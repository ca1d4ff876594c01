/** `mutuel verify` with files that are not what they should be: one sentence, the exit code, and nothing written anywhere. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ExportedRecord, ExportWriter } from '#mutuel/verify';
import { addVerify } from '../src/verify-command.js';

const dir = mkdtempSync(join(tmpdir(), 'mutuel-verify-'));
const file = (name: string): string => join(dir, name);
const published = (key: KeyObject) => ({
  keys: [{ keyId: 'k', publicKey: key.export({ format: 'der', type: 'spki' }).toString('base64') }],
});
const house = generateKeyPairSync('ed25519');

function exportOf(texts: readonly string[]): Buffer {
  const writer = new ExportWriter();
  const records = texts.map(
    (text, offset): ExportedRecord => ({
      ...{ topic: 'market.decisions', partition: 0, offset, time: 1 },
      value: Buffer.from(text),
    }),
  );
  const head = writer.head({ shards: 0, topics: { 'market.decisions': 1 } });
  return Buffer.concat([head, ...records.map((one) => writer.record(one)), writer.end()]);
}

const START = '{"v":1,"kind":"started","src":"market","epoch":1,"inc":"a"}';

beforeAll(() => {
  const good = exportOf([START]);
  const statement =
    '{"kind":"mutuel-certificate","v":1,"lost":0,"doubled":0,"late":0,"adrift":0,"other":0,"accepted":9,"drawn":2,"struck":2,' +
    '"racesSettled":1,"seals":2,"deciders":3,"replayed":3,"page":"PAGE"}';
  const signature = sign(null, Buffer.from(statement), house.privateKey).toString('base64');
  const files: Readonly<Record<string, string | Buffer>> = {
    'good.log': good,
    'cut.log': good.subarray(0, -3),
    'bad.log': exportOf([START, '{"v":9,"kind":"decision","src":"market"}']),
    'bad-and-cut.log': exportOf([START, '{"v":9,"kind":"decision","src":"market"}']).subarray(0, -3),
    'foreign.log': exportOf(['{"v":1,"kind":"started","src":"shard-7","epoch":1,"inc":"a"}']),
    'keys.json': JSON.stringify(published(house.publicKey)),
    'cut-keys.json': JSON.stringify(published(house.publicKey)).slice(0, 30),
    'no-keys.json': '{}',
    'ec-keys.json': JSON.stringify(published(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)),
    'foreign-keys.json': JSON.stringify(published(generateKeyPairSync('ed25519').publicKey)),
    'certificate.json': JSON.stringify({ statement, keyId: 'k', signature }),
    'cut.json': '{"statement":"',
    'no-seals.json': '{"seals":[]}',
    'foreign-seals.json': JSON.stringify({ seals: [{ poolId: 'P', closeNo: 1, statement, keyId: 'k', signature }] }),
    'null.json': 'null',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(file(name), content);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(...args: string[]): Promise<{ readonly code: unknown; readonly said: string }> {
  const said: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((line: string) => void said.push(line));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const program = new Command().exitOverride();
  addVerify(program);
  await program.parseAsync(['node', 'mutuel', 'verify', ...args]);
  const code = process.exitCode ?? 0;
  vi.restoreAllMocks();
  return { code, said: said.join('\n') };
}

const listing = () => readdirSync(dir).map((name) => `${name} ${statSync(file(name)).mtimeMs}`);
const keys = (name: string): string[] => ['--keys', file(name)];

describe('mutuel verify', () => {
  it.each([
    ['a good log', ['log', file('good.log')], 0, 'Everything checked holds.'],
    [
      'a truncated log',
      ['log', file('cut.log')],
      2,
      /cut\.log, byte \d+, line 3: the file ends in the middle of a line: it is truncated/,
    ],
    [
      'a record of a later version',
      ['log', file('bad.log')],
      1,
      /bad\.log: market\.decisions\/0 #1 \(byte \d+\): .*format 9 is not known/,
    ],
    [
      'a bad record in a log that is also truncated: the first of both',
      ['log', file('bad-and-cut.log')],
      1,
      /bad-and-cut\.log: market\.decisions\/0 #1 \(byte \d+\): .*format 9 is not known/,
    ],
    [
      'a foreign record',
      ['log', file('foreign.log')],
      1,
      /foreign\.log: market\.decisions\/0 #0 \(byte \d+\): .*written by shard-7/,
    ],
    ['a log that is none', ['log', file('keys.json')], 2, 'it is truncated'],
    ['a log that is not there', ['log', file('none.log')], 2, 'ENOENT'],
    [
      'a log beside published seals',
      ['log', file('good.log'), '--seals', file('no-seals.json'), ...keys('keys.json')],
      0,
      '0  published seals, equal to the log',
    ],
    [
      'a log beside a certificate that is published as a seal',
      ['log', file('good.log'), '--seals', file('foreign-seals.json'), ...keys('keys.json')],
      1,
      'published seals: the seal of P, close 1: the statement is a mutuel-certificate, not a mutuel-seal',
    ],
    [
      'seals that are none',
      ['log', file('good.log'), '--seals', file('no-seals.json'), file('keys.json'), ...keys('keys.json')],
      2,
      /keys\.json is no answer of GET \/v1\/seals: seals is missing/,
    ],
    ['seals without keys', ['log', file('good.log'), '--seals', file('no-seals.json')], 2, '--seals needs --keys FILE'],
    ['a certificate', ['certificate', file('certificate.json'), ...keys('keys.json')], 0, 'PAGE'],
    [
      'a certificate by a foreign key',
      ['certificate', file('certificate.json'), ...keys('foreign-keys.json')],
      1,
      'does not fit the statement',
    ],
    [
      'truncated keys',
      ['certificate', file('certificate.json'), ...keys('cut-keys.json')],
      2,
      /cut-keys\.json is not readable JSON/,
    ],
    ['keys that are none', ['receipt', file('certificate.json'), ...keys('no-keys.json')], 2, 'holds no list of keys'],
    [
      'keys of another kind',
      ['receipt', file('certificate.json'), ...keys('ec-keys.json')],
      2,
      'key k is no Ed25519 key',
    ],
    ['a receipt that is none', ['receipt', file('certificate.json'), ...keys('keys.json')], 1, 'this is no receipt'],
    ['a truncated receipt', ['receipt', file('cut.json'), ...keys('keys.json')], 2, /cut\.json is not readable JSON/],
    ['a pack that is none', ['evidence', file('null.json'), ...keys('keys.json')], 1, 'this is no evidence pack'],
    [
      'a certificate as a pack',
      ['evidence', file('certificate.json'), ...keys('keys.json')],
      1,
      'the statement is a mutuel-certificate, not a mutuel-evidence',
    ],
    ['an anchor that is none', ['anchor', file('null.json'), '--authority', file('keys.json')], 1, 'this is no anchor'],
  ])('says of %s what it is, and writes nothing', async (_, args, code, words) => {
    const before = listing();
    const { code: ended, said } = await run(...args);
    expect(said).toMatch(words);
    expect(ended ?? 0).toBe(code);
    expect(listing()).toEqual(before);
  });
});

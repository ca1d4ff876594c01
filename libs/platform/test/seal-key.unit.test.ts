/**
 * A key that only a command can sign with (`SEAL_SIGN_COMMAND`): its signature holds, and every way in which it can fail is one sentence
 * and a key that is away, so that betting goes on and the seals follow.
 */
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { SealKeyAway, sealSigner } from '../src/seal-key.js';

const folder = mkdtempSync(join(tmpdir(), 'mutuel-seal-key-'));
const [publicFile, privateFile, pidFile] = ['public.pem', 'private.pem', 'pid'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const STATEMENT = '{"kind":"mutuel-seal","poolId":"R1-WIN"}';
/** What a key service does: signs what comes in with a key that only it can read. */
const SERVICE = join(folder, 'service.mjs');
const sealing = (command: string, withinMs?: number) =>
  sealSigner({ data: folder, sealKeyFile: publicFile, sealSignCommand: command, sealPkcs11: undefined }, withinMs);
const service = `"${process.execPath}" "${SERVICE}"`;

function newKey(): void {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(publicFile, publicKey.export({ format: 'pem', type: 'spki' }));
  writeFileSync(privateFile, privateKey.export({ format: 'pem', type: 'pkcs8' }));
}

beforeEach(() => {
  newKey();
  writeFileSync(
    SERVICE,
    `import { sign } from 'node:crypto';
     import { readFileSync } from 'node:fs';
     const key = readFileSync(${JSON.stringify(privateFile)});
     process.stdout.write(sign(null, readFileSync(0), key).toString('base64') + '\\n');`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a signing command', () => {
  it('gets the statement and answers with a signature that the published key bears out', async () => {
    const signer = sealing(service);
    const signed = await signer.sign(STATEMENT);
    const published = await signer.published();
    expect(signed).toMatchObject({ statement: STATEMENT, keyId: published.keyId });
    const key = createPublicKey({ key: Buffer.from(published.publicKey, 'base64'), format: 'der', type: 'spki' });
    expect(verify(null, Buffer.from(STATEMENT), key, Buffer.from(signed.signature, 'base64'))).toBe(true);
  });

  it.each([
    ['that ends with a code', 'exit 3', /^the signing command ended with code 3$/],
    ['that is not there', 'no-such-key-service', /^the signing command ended with code 127$/],
    ['that is ended by a signal', 'kill -9 $$', /^the signing command ended with SIGKILL$/],
    ['that says nothing', 'true', /^the signing command did not answer with a signature in base64$/],
    [
      'that says something else',
      'echo "key locked"',
      /^the signing command did not answer with a signature in base64$/,
    ],
    ['that reads nothing and answers too little', 'echo aGVsbG8=', /did not answer with a signature in base64$/],
    [
      'that answers with 64 bytes that are no signature',
      `echo ${Buffer.alloc(64, 7).toString('base64')}`,
      /^the signing command answered with a signature that is not of the key .*public\.pem$/,
    ],
  ] as const)('%s is a key that is away', async (_, command, words) => {
    const refused = await sealing(command)
      .sign(STATEMENT)
      .catch((fault: unknown) => fault);
    expect(refused).toBeInstanceOf(SealKeyAway);
    expect(refused).toMatchObject({ retriable: true, message: expect.stringMatching(words) });
  });

  it('that signs with another key is a key that is away, until the public key is changed with it', async () => {
    const signer = sealing(service);
    const before = await signer.published();
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(privateFile, privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await expect(signer.sign(STATEMENT)).rejects.toThrow(/not of the key/);
    writeFileSync(publicFile, publicKey.export({ format: 'pem', type: 'spki' }));
    expect((await signer.sign(STATEMENT)).keyId).not.toBe(before.keyId);
  });

  it('that does not answer in time is left, with all that it started', async () => {
    const signer = sealing(`sleep 600 & echo $! > "${pidFile}"; wait`, 500);
    await expect(signer.sign(STATEMENT)).rejects.toThrow('the signing command did not answer within 500 ms');
    expect(Number(readFileSync(pidFile, 'utf8'))).toBeGreaterThan(1);
    await expect.poll(() => isAlive(pidFile)).toBe(false);
  });

  it('is not asked while the public key is away, and signs once it is there', async () => {
    rmSync(publicFile);
    const signer = sealing(service);
    await expect(signer.sign(STATEMENT)).rejects.toThrow(/^the public seal key .*public\.pem cannot be read/);
    writeFileSync(
      publicFile,
      generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'pem', type: 'spki' }),
    );
    await expect(signer.sign(STATEMENT)).rejects.toThrow(/^the seal key .*public\.pem is no Ed25519 key$/);
    newKey();
    expect((await signer.sign(STATEMENT)).signature).toHaveLength(88);
  });
});

/** Nobody may have taken note of its end yet. */
function isAlive(file: string): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', readFileSync(file, 'utf8').trim()], { encoding: 'utf8' });
  return /^[^Z\s]/.test(stdout.trim());
}

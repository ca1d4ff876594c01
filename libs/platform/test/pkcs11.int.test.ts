/** The seal key inside a PKCS#11 device: it signs what the house signs, and says in a sentence what is missing while it does not. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig, sealSigner } from '../src/index.js';
import { SoftDevice } from './support/soft-device.js';

const folder = mkdtempSync(join(tmpdir(), 'mutuel-device-'));
const house = generateKeyPairSync('ed25519');
let device: SoftDevice;
beforeAll(() => {
  device = new SoftDevice(folder);
  device.make('mutuel', 'seal', house.privateKey);
  device.make('other', 'curve', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const signerOf = (uri: string) => sealSigner(readConfig({ args: [], env: { SEAL_PKCS11: uri }, demoByDefault: false }));
const isSigned = ({ statement, signature }: { statement: string; signature: string }): boolean =>
  verify(null, Buffer.from(statement), house.publicKey, Buffer.from(signature, 'base64'));

describe('a seal key in a PKCS#11 device', () => {
  it('signs short and long statements, many at once, under the id of the key that is inside', async () => {
    const signer = signerOf(device.uri('mutuel', 'seal'));
    const { keyId, publicKey } = await signer.published();
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    expect(key.equals(house.publicKey)).toBe(true);
    const texts = ['{}', 'é'.repeat(100_000), ...Array.from({ length: 20 }, (_, i) => `{"n":${i}}`)];
    const signed = await Promise.all(texts.map((text) => signer.sign(text)));
    expect(signed.map(({ statement }) => statement)).toEqual(texts);
    expect(signed.every((one) => one.keyId === keyId && isSigned(one))).toBe(true);
  });

  it.each([
    [
      'a library that is not there',
      () => device.uri('mutuel', 'seal').replace(/module-path=[^&]*/, 'module-path=/no.so'),
      /library \/no\.so cannot be loaded/,
    ],
    ['a token that is not there', () => device.uri('nowhere', 'seal'), /no device holds a token named "nowhere"/],
    [
      'a key that is not there',
      () => device.uri('mutuel', 'nothing'),
      /token "mutuel" holds no key pair named "nothing"/,
    ],
    ['a key of another kind', () => device.uri('other', 'curve'), /key "curve" of token "other" is no Ed25519 key/],
    [
      'a PIN file that is not there',
      () => device.uri('mutuel', 'seal', '/no-pin'),
      /PIN file \/no-pin cannot be read \(ENOENT\)/,
    ],
  ])('says of %s what it is', async (_, uri, words) => {
    await expect(signerOf(uri()).sign('{}')).rejects.toThrow(words);
  });

  it.each([
    ['token:mutuel', 'SEAL_PKCS11 must be a pkcs11: URI.'],
    ['pkcs11:token=mutuel', 'SEAL_PKCS11 must name object, module-path, pin-source.'],
    ['pkcs11:token=%zz', 'SEAL_PKCS11 must be a pkcs11: URI whose percent signs are followed by two hex digits.'],
  ])('is refused at the start where the setting is %s', (uri, words) => {
    expect(() => signerOf(uri)).toThrow(words);
  });

  it('tries a refused PIN once and no more, until the file holds another', async () => {
    device.setPin('0000');
    const signer = signerOf(device.uri('mutuel', 'seal'));
    await expect(signer.sign('{}')).rejects.toThrow(/CKR_PIN_INCORRECT/);
    for (let i = 0; i < 5; i++)
      await expect(signer.sign('{}')).rejects.toThrow(/refused the PIN .* not tried again until the file changes/);
    device.setPin('5678');
    expect(isSigned(await signer.sign('{}'))).toBe(true);
  });

  it('is used without a restart once its token is there', async () => {
    device.takeOut();
    const signer = signerOf(device.uri('mutuel', 'seal'));
    // The library has not noticed yet; it is begun anew after that.
    await expect(signer.sign('{}')).rejects.toThrow(/the seal key is away/);
    await expect(signer.sign('{}')).rejects.toThrow(/no device holds a token named "mutuel"/);
    device.putBack();
    expect(isSigned(await signer.sign('{}'))).toBe(true);
  });

  it('is waited for no longer than five seconds, holds up nobody meanwhile, and is used when it answers', async () => {
    // Who finds no token lets go of the library: the next one begins anew.
    await expect(signerOf(device.uri('nowhere', 'seal')).sign('{}')).rejects.toThrow(/no device holds/);
    const signer = signerOf(device.uri('mutuel', 'seal'));
    const goOn = device.standStill();
    let turns = 0;
    const ticking = setInterval(() => turns++, 10);
    const waiting = [signer.sign('{}'), signer.published()];
    await Promise.all(waiting.map((one) => expect(one).rejects.toThrow(/has not answered for 5 seconds/)));
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(10);
    goOn();
    expect(isSigned(await signer.sign('{}'))).toBe(true);
  });
});

/**
 * Signed statements: a text, the key that signed it, and an Ed25519 signature over exactly the text's UTF-8 bytes. What is signed is
 * what is read: nothing is put into another order or form before checking. It must never trust a key that the caller did not name.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';

import { faultOfFile, faultOfStatement } from './shapes.js';

export interface Signed {
  /** JSON text. */
  readonly statement: string;
  readonly keyId: string;
  /** Base64. */
  readonly signature: string;
}

/** A public key: its id and its SPKI bytes, PEM or base64 of the DER. */
export interface PublishedKey {
  readonly keyId: string;
  readonly publicKey: string;
}

export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
  readonly retriable = false;
}

export type TrustedKeys = ReadonlyMap<string, KeyObject>;

/** Throws `KeyRefused` for a key that is none, or for one id with two keys. */
export function trustedKeys(keys: readonly PublishedKey[]): TrustedKeys {
  const fault = faultOfFile('keys', { keys });
  if (fault !== undefined) throw new KeyRefused(`the list of keys is not whole: ${fault}`);
  const known = new Map<string, string>();
  const twice = keys.find(({ keyId, publicKey }) => {
    const before = known.get(keyId) ?? publicKey;
    known.set(keyId, publicKey);
    return before !== publicKey;
  });
  if (twice) throw new KeyRefused(`key ${twice.keyId} stands twice in the list: one of them is not the house's`);
  return new Map(keys.map(({ keyId, publicKey }) => [keyId, readPublicKey(keyId, publicKey)]));
}

function readPublicKey(keyId: string, text: string): KeyObject {
  let key: KeyObject;
  try {
    key = text.includes('-----BEGIN')
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
  } catch {
    throw new KeyRefused(`key ${keyId} is not a public key in PEM or base64 SPKI`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new KeyRefused(`key ${keyId} is no Ed25519 key`);
  return key;
}

/** What is wrong with the signature, as a sentence; undefined when it holds. */
export function faultOfSignature(signed: Signed, keys: TrustedKeys): string | undefined {
  const { statement, keyId, signature }: Partial<Signed> = signed ?? {};
  if (typeof statement !== 'string' || typeof keyId !== 'string' || typeof signature !== 'string')
    return 'a signed statement needs statement, keyId and signature';
  const key = keys.get(keyId);
  if (!key) return `it was signed by key ${keyId}, which is not among the trusted keys`;
  const holds = verify(null, Buffer.from(statement, 'utf8'), key, Buffer.from(signature, 'base64'));
  return holds ? undefined : `the signature of key ${keyId} does not fit the statement: one of them was altered`;
}

/** The statement's content where it is JSON of the wanted kind, else a sentence. */
export function readStatement<T extends { readonly kind: string; readonly v: number }>(
  signed: Signed,
  kind: T['kind'],
): T | string {
  let said: T;
  try {
    said = JSON.parse(signed.statement) as T;
  } catch {
    return 'the statement is not JSON';
  }
  if (said?.kind !== kind) return `the statement is a ${String(said?.kind)}, not a ${kind}`;
  if (said.v !== 1) return `the statement has version ${String(said.v)}, this release reads version 1`;
  const fault = faultOfStatement(kind, said);
  return fault === undefined ? said : `the statement is not whole: ${fault}`;
}

/**
 * The key that signs seals and receipts. By default a file of the data folder, made once; `SEAL_KEY_FILE` names another, which must
 * be there; `SEAL_PKCS11` names a key inside a device, which nobody can read; `SEAL_SIGN_COMMAND` names a program that signs (a cloud's
 * key service): it gets the statement on its standard input and answers with the signature in base64, and `SEAL_KEY_FILE` is then the
 * public key alone. The private key must never be printed, logged or handed out.
 */
import { spawn } from 'node:child_process';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDataFolder, makeSecretFile, Pkcs11Key } from '#mutuel/adapters';
import type { Signer } from '#mutuel/services';
import type { PublishedKey } from '#mutuel/verify';
import type { Config } from './config.js';

const KEY_ID_DIGITS = 16;
/** What stands before the 32 bytes of an Ed25519 key in SPKI. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const COMMAND_TIMEOUT_MS = 5_000;

/** Says why there is no signature at the moment, in a sentence. */
export class SealKeyAway extends Error {
  override readonly name = 'SealKeyAway';
  readonly retriable = true;
}

/** `answerWithinMs`: what a signing command may take. */
export function sealSigner(
  {
    data,
    sealKeyFile,
    sealSignCommand,
    sealPkcs11,
  }: Pick<Config, 'data' | 'sealKeyFile' | 'sealSignCommand' | 'sealPkcs11'>,
  answerWithinMs = COMMAND_TIMEOUT_MS,
): Signer {
  if (sealPkcs11 !== undefined) return new DeviceSigner(new Pkcs11Key(sealPkcs11));
  if (sealKeyFile === undefined) makeKeyIn(data);
  const file = sealKeyFile ?? join(data, 'seal-key.pem');
  return sealSignCommand === undefined
    ? new FileSigner(file)
    : new CommandSigner(file, sealSignCommand, answerWithinMs);
}

/** Reads the file anew until it holds a key: a key that is put there later is used without a restart. */
class FileSigner implements Signer {
  #key: { readonly secret: KeyObject; readonly published: PublishedKey } | undefined;

  constructor(private readonly file: string) {}

  async sign(statement: string) {
    const { secret, published } = this.#read();
    return {
      statement,
      keyId: published.keyId,
      signature: sign(null, Buffer.from(statement, 'utf8'), secret).toString('base64'),
    };
  }

  async published(): Promise<PublishedKey> {
    return this.#read().published;
  }

  #read() {
    if (this.#key) return this.#key;
    let secret: KeyObject;
    try {
      secret = createPrivateKey(readFileSync(this.file));
    } catch (fault) {
      throw new SealKeyAway(`the seal key ${this.file} cannot be read (${(fault as Error).message})`);
    }
    this.#key = { secret, published: publishedOf(createPublicKey(secret), this.file) };
    return this.#key;
  }
}

/** Asks the device for its key each time: one that was put into another device under the same name is another key. */
class DeviceSigner implements Signer {
  constructor(private readonly key: Pkcs11Key) {}

  async sign(statement: string) {
    const { keyId } = await this.published();
    const signature = await away(this.key.sign(Buffer.from(statement, 'utf8')));
    return { statement, keyId, signature: signature.toString('base64') };
  }

  async published(): Promise<PublishedKey> {
    const point = await away(this.key.publicKey());
    const der = Buffer.concat([ED25519_SPKI, point]);
    return publishedOf(createPublicKey({ key: der, format: 'der', type: 'spki' }), 'of the device');
  }
}

const away = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((fault: Error) => {
    throw new SealKeyAway(`the seal key is away: ${fault.message}`);
  });

/** Whatever the command answers: what the published key does not bear out is no signature. */
class CommandSigner implements Signer {
  constructor(
    private readonly file: string,
    private readonly command: string,
    private readonly withinMs: number,
  ) {}

  async sign(statement: string) {
    const { keyId, publicKey } = await this.published();
    const signature = await answerOf(this.command, statement, this.withinMs);
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    if (!verify(null, Buffer.from(statement, 'utf8'), key, Buffer.from(signature, 'base64')))
      throw new SealKeyAway(`the signing command answered with a signature that is not of the key ${this.file}`);
    return { statement, keyId, signature };
  }

  async published(): Promise<PublishedKey> {
    try {
      return publishedOf(createPublicKey(readFileSync(this.file)), this.file);
    } catch (fault) {
      if (fault instanceof SealKeyAway) throw fault;
      throw new SealKeyAway(`the public seal key ${this.file} cannot be read (${(fault as Error).message})`);
    }
  }
}

function publishedOf(key: KeyObject, file: string): PublishedKey {
  if (key.asymmetricKeyType !== 'ed25519') throw new SealKeyAway(`the seal key ${file} is no Ed25519 key`);
  const der = key.export({ format: 'der', type: 'spki' });
  const keyId = createHash('sha256').update(der).digest('hex').slice(0, KEY_ID_DIGITS);
  return { keyId, publicKey: der.toString('base64') };
}

function makeKeyIn(data: string): void {
  makeDataFolder(data);
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    makeSecretFile(join(data, 'seal-key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
  } catch {
    // A folder that cannot be written is told when the key is read.
  }
}

/** The command is a session of its own: what it has started ends with it when its time is over. */
function answerOf(command: string, statement: string, withinMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const away = (why: string): void => reject(new SealKeyAway(`the signing command ${why}`));
    const child = spawn(command, { shell: true, stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    const impatience = setTimeout(() => {
      away(`did not answer within ${withinMs} ms`);
      endGroup(child.pid);
    }, withinMs);
    const out: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.on('error', (fault) => away(`cannot be run: ${fault.message}`));
    child.on('close', (code, signal) => {
      clearTimeout(impatience);
      const answer = Buffer.concat(out).toString('utf8').trim();
      if (code === 0 && /^[\w+/]{86}==$/.test(answer)) resolve(answer);
      else away(code === 0 ? 'did not answer with a signature in base64' : `ended with ${signal ?? `code ${code}`}`);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(statement);
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Over already.
  }
}

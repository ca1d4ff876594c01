/**
 * A signing key inside a PKCS#11 device, named by a URI of RFC 7512: module-path, token, object and pin-source. It signs one statement at
 * a time and begins anew after anything went wrong, so that a device that comes back is used without a restart. It must never try a
 * PIN again that the device has refused: after a few tries the device would lock itself.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CKA, CKO, CKR, Pkcs11Module, Pkcs11Refusal } from './pkcs11-module.js';

interface Pkcs11Uri {
  /** The library of the device. */
  readonly module: string;
  readonly token: string;
  /** Label of the key pair. */
  readonly object: string;
  /** A file that holds the PIN. */
  readonly pinFile: string;
}

/** The key cannot be used at the moment; `message` says why in a sentence without its dot. */
class Pkcs11KeyAway extends Error {
  override readonly name = 'Pkcs11KeyAway';
  readonly retriable = true;
}

interface Open {
  readonly module: Pkcs11Module;
  readonly session: number;
  readonly key: number;
  readonly point: Buffer;
}

const POINT_BYTES = 32;
/** Whoever waits for a device longer, behind others or not, hears that it is away. */
const PATIENCE_MS = 5_000;

/** `pkcs11:token=NAME;object=LABEL?module-path=/…/lib.so&pin-source=file:/…`; a sentence where something is missing. */
export function readPkcs11Uri(text: string): Pkcs11Uri | string {
  const parts = /^pkcs11:(?<path>[^?]*)(?:\?(?<query>.*))?$/.exec(text)?.groups;
  if (!parts) return 'must be a pkcs11: URI';
  const said = new Map<string, string>();
  try {
    for (const pair of `${parts['path']};${parts['query'] ?? ''}`.split(/[;&]/)) {
      const at = pair.indexOf('=');
      if (at > 0) said.set(pair.slice(0, at), decodeURIComponent(pair.slice(at + 1)));
    }
  } catch {
    return 'must be a pkcs11: URI whose percent signs are followed by two hex digits';
  }
  const missing = ['token', 'object', 'module-path', 'pin-source'].filter((name) => !said.get(name));
  if (missing.length > 0) return `must name ${missing.join(', ')}`;
  const of = (name: string): string => said.get(name) ?? '';
  const pin = of('pin-source');
  return {
    ...{ module: of('module-path'), token: of('token'), object: of('object') },
    pinFile: pin.startsWith('file://') ? fileURLToPath(pin) : pin.replace(/^file:/, ''),
  };
}

export class Pkcs11Key {
  #open: Open | undefined;
  #refusedPin: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly uri: Pkcs11Uri) {}

  /** The Ed25519 public key, 32 bytes. Throws `Pkcs11KeyAway`. */
  publicKey(): Promise<Buffer> {
    return this.#alone(async ({ point }) => point);
  }

  /** 64 bytes. Throws `Pkcs11KeyAway`. */
  sign(bytes: Uint8Array): Promise<Buffer> {
    return this.#alone(({ module, session, key }) => module.signEd25519(session, key, bytes));
  }

  /** A session signs one thing at a time; nothing more is asked of a device that has not answered the last question. */
  #alone<T>(work: (open: Open) => Promise<T>): Promise<T> {
    const { token, module } = this.uri;
    let isGivenUp = false;
    const turn = this.#queue
      .catch(() => undefined)
      .then(async () => {
        if (isGivenUp) throw new Pkcs11KeyAway('nobody waits any more');
        try {
          this.#open ??= await this.#begin();
          return await work(this.#open);
        } catch (fault) {
          await this.#forget();
          throw fault instanceof Pkcs11KeyAway
            ? fault
            : new Pkcs11KeyAway(
                `the device of token "${token}" (${module}) does not sign: ${(fault as Error).message}`,
              );
        }
      });
    this.#queue = turn;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        isGivenUp = true;
        reject(
          new Pkcs11KeyAway(
            `the device of token "${token}" (${module}) has not answered for ${PATIENCE_MS / 1_000} seconds`,
          ),
        );
      }, PATIENCE_MS);
      turn.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  async #begin(): Promise<Open> {
    const { token, object } = this.uri;
    const pin = this.#pin();
    const module = await this.#load();
    try {
      const slot = await module.slotOf(token);
      if (slot === undefined) throw new Pkcs11KeyAway(`no device holds a token named "${token}"`);
      const session = await module.openSession(slot);
      await this.#login(module, session, pin);
      const key = await module.find(session, CKO.privateKey, object);
      const publicKey = await module.find(session, CKO.publicKey, object);
      if (key === undefined || publicKey === undefined)
        throw new Pkcs11KeyAway(`token "${token}" holds no key pair named "${object}"`);
      // An octet string around the point, or the bare point of older devices.
      const point = await module.bytesOf(session, publicKey, CKA.ecPoint);
      const isEd25519 = point.length === POINT_BYTES || (point.length === POINT_BYTES + 2 && point[0] === 4);
      if (!isEd25519) throw new Pkcs11KeyAway(`key "${object}" of token "${token}" is no Ed25519 key`);
      return { module, session, key, point: Buffer.from(point.subarray(-POINT_BYTES)) };
    } catch (fault) {
      await module.close();
      throw fault;
    }
  }

  #pin(): string {
    const { pinFile } = this.uri;
    let pin: string;
    try {
      pin = readFileSync(pinFile, 'utf8').trim();
    } catch (fault) {
      throw new Pkcs11KeyAway(`the PIN file ${pinFile} cannot be read (${(fault as NodeJS.ErrnoException).code})`);
    }
    if (pin === this.#refusedPin)
      throw new Pkcs11KeyAway(`the device refused the PIN of ${pinFile}; it is not tried again until the file changes`);
    return pin;
  }

  async #load(): Promise<Pkcs11Module> {
    try {
      return await Pkcs11Module.open(this.uri.module);
    } catch (fault) {
      if (fault instanceof Pkcs11Refusal) throw fault;
      throw new Pkcs11KeyAway(`the PKCS#11 library ${this.uri.module} cannot be loaded (${(fault as Error).message})`);
    }
  }

  async #login(module: Pkcs11Module, session: number, pin: string): Promise<void> {
    try {
      await module.login(session, pin);
    } catch (fault) {
      const isPin =
        fault instanceof Pkcs11Refusal && [CKR.pinIncorrect, CKR.pinLocked].some((one) => one === fault.code);
      if (isPin) this.#refusedPin = pin;
      throw fault;
    }
  }

  async #forget(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.module.close();
  }
}

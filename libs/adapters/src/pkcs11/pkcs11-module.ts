/**
 * The few functions of a PKCS#11 library that signing takes (OASIS PKCS #11 v3.0), all of them called off the main thread: a device
 * may take its time for any. It must never hold a private key's bytes: they do not leave the device.
 */
import { createRequire } from 'node:module';

/** What a function answered other than CKR_OK. */
export class Pkcs11Refusal extends Error {
  override readonly name = 'Pkcs11Refusal';

  constructor(
    readonly step: string,
    readonly code: number,
  ) {
    super(`${step} answered ${MEANINGS[code] ?? `0x${code.toString(16)}`}`);
  }
}

export const CKR = { pinIncorrect: 0xa0, pinLocked: 0xa4, alreadyLoggedIn: 0x100, alreadyInitialized: 0x191 } as const;
const MEANINGS: Readonly<Record<number, string>> = {
  48: 'CKR_DEVICE_ERROR',
  50: 'CKR_DEVICE_REMOVED',
  [CKR.pinIncorrect]: 'CKR_PIN_INCORRECT',
  [CKR.pinLocked]: 'CKR_PIN_LOCKED',
  112: 'CKR_MECHANISM_INVALID',
  179: 'CKR_SESSION_HANDLE_INVALID',
  224: 'CKR_TOKEN_NOT_PRESENT',
  257: 'CKR_USER_NOT_LOGGED_IN',
};
export const CKO = { publicKey: 2, privateKey: 3 } as const;
export const CKA = { class: 0, label: 3, ecPoint: 0x181 } as const;
const CKM_EDDSA = 0x1057;
const CKU_USER = 1;
const CKF_SERIAL_SESSION = 4;
const ULONG_BYTES = 8;
const TOKEN_INFO_BYTES = 512;
const LABEL_BYTES = 32;
const POINT_BYTES = 512;
const SIGNATURE_BYTES = 64;
const MAX_SLOTS = 64;

/** Arguments of each function that is called, in the words of koffi. */
const SIGNATURES = {
  C_Initialize: ['void *'],
  C_Finalize: ['void *'],
  C_GetSlotList: ['uint8', 'void *', 'void *'],
  C_GetTokenInfo: ['ulong', 'void *'],
  C_OpenSession: ['ulong', 'ulong', 'void *', 'void *', 'void *'],
  C_Login: ['ulong', 'ulong', 'void *', 'ulong'],
  C_FindObjectsInit: ['ulong', 'CK_ATTRIBUTE *', 'ulong'],
  C_FindObjects: ['ulong', 'void *', 'ulong', 'void *'],
  C_FindObjectsFinal: ['ulong'],
  C_GetAttributeValue: ['ulong', 'ulong', '_Inout_ CK_ATTRIBUTE *', 'ulong'],
  C_SignInit: ['ulong', 'CK_MECHANISM *', 'ulong'],
  C_Sign: ['ulong', 'void *', 'ulong', 'void *', 'void *'],
} as const;
type Name = keyof typeof SIGNATURES;

interface Call {
  async(...argsAndCallback: unknown[]): void;
}

interface Attribute {
  readonly type: number;
  readonly pValue: Buffer;
  ulValueLen: number;
}
const attribute = (type: number, pValue: Buffer): Attribute => ({ type, pValue, ulValueLen: pValue.length });

let koffi: typeof import('koffi') | undefined;

/** Loaded where a device is configured, and nowhere else. */
function bindings(): typeof import('koffi') {
  if (koffi) return koffi;
  koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  koffi.struct('CK_ATTRIBUTE', { type: 'ulong', pValue: 'void *', ulValueLen: 'ulong' });
  koffi.struct('CK_MECHANISM', { mechanism: 'ulong', pParameter: 'void *', ulParameterLen: 'ulong' });
  return koffi;
}

export class Pkcs11Module {
  readonly #functions = new Map<string, Call>();
  /** What a device reads and writes outlives the call. */
  readonly #underWay = new Set<readonly unknown[]>();

  private constructor(path: string) {
    const library = bindings().load(path);
    for (const [name, types] of Object.entries(SIGNATURES))
      this.#functions.set(name, library.func(name, 'ulong', [...types]) as unknown as Call);
  }

  /** Rejects where the library cannot be loaded. */
  static async open(path: string): Promise<Pkcs11Module> {
    const module = new Pkcs11Module(path);
    await module.#call('C_Initialize', [null], [CKR.alreadyInitialized]);
    return module;
  }

  /** Of the token with this label. */
  async slotOf(label: string): Promise<number | undefined> {
    const slots = new BigUint64Array(MAX_SLOTS);
    const count = new BigUint64Array([BigInt(MAX_SLOTS)]);
    await this.#call('C_GetSlotList', [1, slots, count]);
    for (const slot of [...slots.subarray(0, Number(count[0]))].map(Number)) {
      const info = Buffer.alloc(TOKEN_INFO_BYTES);
      await this.#call('C_GetTokenInfo', [slot, info]);
      if (info.toString('utf8', 0, LABEL_BYTES).trimEnd() === label) return slot;
    }
    return undefined;
  }

  async openSession(slot: number): Promise<number> {
    const session = new BigUint64Array(1);
    await this.#call('C_OpenSession', [slot, CKF_SERIAL_SESSION, null, null, session]);
    return Number(session[0]);
  }

  async login(session: number, pin: string): Promise<void> {
    const bytes = Buffer.from(pin, 'utf8');
    await this.#call('C_Login', [session, CKU_USER, bytes, bytes.length], [CKR.alreadyLoggedIn]);
  }

  /** The object of this class and label; undefined where there is none. */
  async find(session: number, kind: number, label: string): Promise<number | undefined> {
    const kindBytes = Buffer.alloc(ULONG_BYTES);
    kindBytes.writeBigUInt64LE(BigInt(kind));
    const text = Buffer.from(label, 'utf8');
    const found = new BigUint64Array(1);
    const count = new BigUint64Array(1);
    await this.#call('C_FindObjectsInit', [session, [attribute(CKA.class, kindBytes), attribute(CKA.label, text)], 2]);
    await this.#call('C_FindObjects', [session, found, 1, count]);
    await this.#call('C_FindObjectsFinal', [session]);
    return count[0] === 1n ? Number(found[0]) : undefined;
  }

  async bytesOf(session: number, object: number, type: number): Promise<Buffer> {
    const value = Buffer.alloc(POINT_BYTES);
    // What the function wrote comes back as another object in its place.
    const wanted = [attribute(type, value)];
    await this.#call('C_GetAttributeValue', [session, object, wanted, 1]);
    return value.subarray(0, Number(wanted[0]?.ulValueLen));
  }

  /** Ed25519 over the bytes, in one piece: devices do not sign it in several. */
  async signEd25519(session: number, key: number, bytes: Uint8Array): Promise<Buffer> {
    const signature = Buffer.alloc(SIGNATURE_BYTES);
    const length = new BigUint64Array([BigInt(SIGNATURE_BYTES)]);
    const mechanism = { mechanism: CKM_EDDSA, pParameter: null, ulParameterLen: 0 };
    await this.#call('C_SignInit', [session, mechanism, key]);
    await this.#call('C_Sign', [session, bytes, bytes.length, signature, length]);
    return signature.subarray(0, Number(length[0]));
  }

  /** Everything that was opened is closed, whatever the device says to it. */
  close(): Promise<void> {
    return this.#call('C_Finalize', [null]).catch(() => undefined);
  }

  #call(name: Name, args: readonly unknown[], fine: readonly number[] = []): Promise<void> {
    this.#underWay.add(args);
    return new Promise((resolve, reject) => {
      this.#function(name).async(...args, (fault: Error | null, code: number | bigint) => {
        this.#underWay.delete(args);
        if (fault) reject(fault);
        else if (Number(code) === 0 || fine.includes(Number(code))) resolve();
        else reject(new Pkcs11Refusal(name, Number(code)));
      });
    });
  }

  #function(name: Name): Call {
    return this.#functions.get(name) as Call;
  }
}

/**
 * The secrets of an installation: given by the environment, or made once and kept in the data folder for its owner alone. They must
 * never be printed.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDataFolder, makeSecretFile } from '#mutuel/adapters';
import type { ServiceKey } from '#mutuel/contracts';
import type { Config } from './config.js';
import { asStartFault, EXIT, StartFault } from './start-fault.js';

export interface Keys {
  /** Signs what speaks as the house. */
  readonly service: ServiceKey;
  /** Signs bearer tokens. */
  readonly token: Uint8Array;
  /** Tokens that this one signed are good too. */
  readonly tokenPrevious?: Uint8Array | undefined;
}

type KeySettings = Pick<Config, 'serviceKey' | 'serviceKeyPrevious' | 'tokenKey' | 'tokenKeyPrevious' | 'data'>;

const KEY_BYTES = 32;

export function readKeys(settings: KeySettings): Keys {
  const { serviceKey, tokenKey, serviceKeyPrevious, tokenKeyPrevious: tokenPrevious } = settings;
  const { service, token } =
    serviceKey !== undefined && tokenKey !== undefined
      ? { service: serviceKey, token: tokenKey }
      : { ...keptIn(settings.data), ...(serviceKey && { service: serviceKey }), ...(tokenKey && { token: tokenKey }) };
  return { service: serviceKeyPrevious ? [service, serviceKeyPrevious] : service, token, tokenPrevious };
}

interface KeptKeys {
  readonly service: Uint8Array;
  readonly token: Uint8Array;
}

function keptIn(data: string): KeptKeys {
  const file = join(data, 'keys.json');
  const fresh = { service: randomBytes(KEY_BYTES).toString('hex'), token: randomBytes(KEY_BYTES).toString('hex') };
  try {
    makeDataFolder(data);
  } catch (fault) {
    asStartFault(fault);
  }
  try {
    if (makeSecretFile(file, `${JSON.stringify(fresh)}\n`)) return fromHex(fresh);
  } catch (fault) {
    throw new StartFault([`The data folder ${data} cannot be written: ${(fault as Error).message}`], EXIT.FOLDER, {
      cause: fault,
    });
  }
  try {
    return fromHex(JSON.parse(readFileSync(file, 'utf8')) as typeof fresh);
  } catch (fault) {
    throw new StartFault([`The keys in ${file} cannot be read: ${(fault as Error).message}`], EXIT.FOLDER, {
      cause: fault,
    });
  }
}

function fromHex({ service, token }: { readonly service: string; readonly token: string }): KeptKeys {
  return { service: Buffer.from(service, 'hex'), token: Buffer.from(token, 'hex') };
}

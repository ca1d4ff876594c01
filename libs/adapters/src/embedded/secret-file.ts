/**
 * A file made once, for its owner alone, by whichever of several processes comes first: written and flushed beside, then linked, for a
 * link appears whole or not at all. Whoever reads it never finds half of it.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs';

/** Whether this call made it; false where it was there. Throws what the file system says where neither can be. */
export function makeSecretFile(file: string, text: string): boolean {
  // Its name is nobody else's: containers that share a folder have equal process ids.
  const beside = `${file}.${randomBytes(8).toString('hex')}.part`;
  try {
    const handle = openSync(beside, 'wx', 0o600);
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    linkSync(beside, file);
    return true;
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault;
    return false;
  } finally {
    rmSync(beside, { force: true });
  }
}

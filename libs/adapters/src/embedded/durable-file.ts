/**
 * A file that appears whole under its name or not at all: written beside, flushed, renamed, and the folder flushed too. After a crash
 * what is left beside ends in `.part` and must never be read.
 */
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';

export async function writeDurably(folder: string, name: string, pieces: readonly Uint8Array[]): Promise<void> {
  const beside = join(folder, `${name}.${process.pid}.part`);
  const file = await open(beside, 'w', 0o600);
  try {
    for (const piece of pieces) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, join(folder, name));
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

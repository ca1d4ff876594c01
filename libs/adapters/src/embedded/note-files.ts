/**
 * Small texts that survive the process, as files of the data folder's sub-folder `deciders`. They are written beside and renamed, and
 * not flushed: they tell of the death of a process, not of a machine, and one is written before each command after such a death.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NoteStore } from '#mutuel/runtime';
import { makeDataFolder } from './data-folder.js';

export function openNoteFiles({ dir }: { readonly dir: string }): NoteStore {
  const folder = join(dir, 'deciders');
  let isMade = false;
  return {
    read: (name) =>
      readFile(join(folder, `${name}.json`), 'utf8').catch((fault: NodeJS.ErrnoException) => {
        if (fault.code === 'ENOENT') return undefined;
        throw fault;
      }),
    async write(name, text) {
      if (!isMade) makeDataFolder(folder);
      isMade = true;
      const beside = join(folder, `${name}.json.${process.pid}.part`);
      await writeFile(beside, text, { mode: 0o600 });
      await rename(beside, join(folder, `${name}.json`));
    },
  };
}

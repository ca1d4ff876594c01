/** Small texts that survive the process, as files of the data folder's sub-folder `deciders`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NoteStore } from '#mutuel/runtime';
import { makeDataFolder } from './data-folder.js';
import { writeDurably } from './durable-file.js';

export function openNoteFiles({ dir }: { readonly dir: string }): NoteStore {
  const folder = join(dir, 'deciders');
  return {
    read: (name) =>
      readFile(join(folder, `${name}.json`), 'utf8').catch((fault: NodeJS.ErrnoException) => {
        if (fault.code === 'ENOENT') return undefined;
        throw fault;
      }),
    async write(name, text) {
      makeDataFolder(folder);
      await writeDurably(folder, `${name}.json`, [Buffer.from(text, 'utf8')]);
    },
  };
}

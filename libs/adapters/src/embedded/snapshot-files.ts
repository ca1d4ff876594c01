/**
 * Snapshots as files of the data folder, one folder a source. A file appears whole under its name or not at all: written beside,
 * flushed, renamed, and the folder flushed too. What a crash left half written must never be taken for a snapshot.
 */
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotStore } from '#mutuel/runtime';
import { makeDataFolder } from './data-folder.js';
import { writeDurably } from './durable-file.js';

/** The newest, and one more in case it is damaged. */
const KEPT = 2;
const NAME = /^(\d{16})\.snapshot$/;
const SOURCE = /^[a-z0-9-]{1,40}$/;

export interface SnapshotFilesOptions {
  /** The data folder; snapshots keep to its sub-folder `snapshots`. */
  readonly dir: string;
}

export function openSnapshotFiles({ dir }: SnapshotFilesOptions): SnapshotStore {
  const folderOf = (src: string): string => {
    if (!SOURCE.test(src)) throw new RangeError(`${src} is no name of a source`);
    return join(dir, 'snapshots', src);
  };
  const list = async (src: string): Promise<readonly number[]> => {
    const names = await readdir(folderOf(src)).catch(nothingThere);
    return names
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  };
  return {
    list,
    async read(src, seq, limit) {
      const file = await open(join(folderOf(src), fileOf(seq)), 'r');
      try {
        if (limit === undefined) return await file.readFile();
        const { bytesRead, buffer } = await file.read(Buffer.alloc(limit), 0, limit, 0);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    async write(src, seq, pieces) {
      const folder = folderOf(src);
      makeDataFolder(folder);
      await writeDurably(folder, fileOf(seq), pieces);
      for (const old of (await list(src)).slice(KEPT)) await rm(join(folder, fileOf(old)), { force: true });
      await removeParts(folder);
    },
  };
}

const fileOf = (seq: number): string => `${String(seq).padStart(16, '0')}.snapshot`;

/** What writers that no longer run left behind. */
async function removeParts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/\.(\d+)\.part$/.exec(name)?.[1]);
    // Our own is of a former life with the same id, as after a container restart.
    if (pid > 0 && (pid === process.pid || !isRunning(pid))) await rm(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function nothingThere(fault: NodeJS.ErrnoException): string[] {
  if (fault.code === 'ENOENT') return [];
  throw fault;
}

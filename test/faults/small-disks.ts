/**
 * Disks of their own, small enough to be filled, for what writes in the distributed system: PostgreSQL, each broker, and the folder of
 * snapshots and notes. They need a user who may mount; it must never fill a disk that it did not mount, or leave one behind.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK = Buffer.alloc(1_048_576);
const SMALLEST = 512;
/** What is freed meanwhile is filled, too. */
const AGAIN_MS = 100;

export class SmallDisks {
  readonly #mounted: string[] = [];

  /** False where this user may not mount. */
  static possible(): boolean {
    const place = join('/tmp', `mutuel-may-mount-${process.pid}`);
    mkdirSync(place, { recursive: true });
    const may = mount(place, 1);
    if (may) spawnSync('umount', ['-l', place]);
    rmSync(place, { recursive: true, force: true });
    return may;
  }

  add(folder: string, megabytes: number): void {
    mkdirSync(folder, { recursive: true });
    if (!mount(folder, megabytes)) throw new Error(`no disk of its own can be mounted at ${folder}`);
    this.#mounted.push(folder);
  }

  /** Full until the answer is called. */
  fill(folder: string): () => void {
    if (!this.#mounted.includes(folder)) throw new Error(`${folder} is no disk of ours`);
    const ballast = join(folder, 'ballast');
    const file = openSync(ballast, 'a');
    const more = (): void => {
      for (let size = BLOCK.length; size >= SMALLEST; ) {
        try {
          if (writeSync(file, BLOCK, 0, size) < size) size /= 2;
        } catch {
          size /= 2;
        }
      }
    };
    more();
    const filling = setInterval(more, AGAIN_MS);
    return () => {
      clearInterval(filling);
      closeSync(file);
      rmSync(ballast, { force: true });
    };
  }

  /** Also those that an earlier run left under this folder. */
  static release(folder: string): void {
    for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
      const place = line.split(' ')[1] ?? '';
      if (place.startsWith(`${folder}/`) || place === folder) spawnSync('umount', ['-l', place]);
    }
  }
}

function mount(folder: string, megabytes: number): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]).status === 0;
}

/**
 * One process per data folder: a lock file that names its holder. A holder that no longer runs is taken over without asking. It
 * must never let two live processes write one log, and never make a person delete a file after a crash.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupFault } from '../setup-fault.js';
import { makeDataFolder } from './data-folder.js';

/** Locks held by this process, since a process id alone cannot tell us from our own second attempt. */
const held = new Set<string>();

export interface FolderLock {
  release(): void;
}

/** Creates the folder if needed; throws one clear line when it cannot be written or somebody else uses it. */
export function lockFolder(dir: string): FolderLock {
  const file = join(dir, 'lock');
  const mine = join(dir, `lock.${process.pid}`);
  const holder = `${process.pid} ${startOf(process.pid) ?? ''}`;
  if (held.has(file)) throw new SetupFault('FOLDER', `The data folder ${dir} is already open in this process`);
  makeDataFolder(dir);
  try {
    writeFileSync(mine, holder);
  } catch (cause) {
    throw new SetupFault('FOLDER', `The data folder ${dir} cannot be written: ${(cause as Error).message}`, { cause });
  }
  try {
    // A link appears whole or not at all; three attempts are enough for two starters that find the same dead holder.
    for (let attempt = 0; attempt < 3; attempt++) if (taken(mine, file, dir)) return held.add(file) && releaser(file);
  } finally {
    rmSync(mine, { force: true });
  }
  throw new SetupFault('FOLDER', `The data folder ${dir} is being opened by another process; try again`);
}

function taken(mine: string, file: string, dir: string): boolean {
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = readHolder(file);
  if (holder === undefined) return false;
  if (isRunning(holder))
    throw new SetupFault(
      'FOLDER',
      `The data folder ${dir} is in use by process ${holder.split(' ')[0]}; stop it first`,
    );
  putAside(file, holder);
  return false;
}

/** Moves a dead holder's lock away; if somebody was quicker and the file is his, it goes back. */
function putAside(file: string, dead: string): void {
  const aside = `${file}.${process.pid}.dead`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') === dead) rmSync(aside);
    else renameSync(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function readHolder(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isRunning(holder: string): boolean {
  const [pidText = '', start = ''] = holder.split(' ');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  // Our own id in a lock that we do not hold: a former life, as after a container restart.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return now === undefined || start === '' || now === start;
}

/** When a process started, in the kernel's ticks, where the system tells: ids are used again, this is not. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function releaser(file: string): FolderLock {
  return {
    release() {
      held.delete(file);
      rmSync(file, { force: true });
    },
  };
}

/**
 * Makes a data folder, or says in one line why it cannot be. It must never ask the system for a whole path at once: under /proc a
 * recursive `mkdir` of this Node never comes back.
 */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SetupFault } from '../setup-fault.js';

/** The folder and what is missing above it, step by step; throws `SetupFault` (`FOLDER`) where it cannot be written. */
export function makeDataFolder(folder: string): void {
  try {
    make(resolve(folder));
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new SetupFault(
      'FOLDER',
      `The data folder ${folder} cannot be written (${reasonOf(cause)}): choose another with --data or DATA_DIR.`,
      { cause },
    );
  }
}

function make(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found !== undefined) throw new Error(`${folder} is a file`);
  make(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (fault) {
    // Another process of the same start was quicker.
    if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault;
  }
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    EACCES: 'this user may not',
    EPERM: 'this user may not',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    ENOTDIR: 'a part of the path is a file',
    ENOENT: 'nothing can be made there',
  };
  return (code === undefined ? undefined : known[code]) ?? message;
}

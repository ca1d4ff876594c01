/** Installs what the lock file names, where that is not done yet; a lock file that the install changes is a failure, told in one line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, ensureInstalled, root, StepError } from './workspace.mjs';

const lock = () => readFileSync(join(root, 'package-lock.json'), 'utf8');

await command(async () => {
  const before = lock();
  await ensureInstalled();
  if (lock() === before) return;
  throw new StepError('npm install changes package-lock.json: run it, look at the difference and commit it.');
});

/** Installs what the lock file names, where that is not done yet; a lock file that the install changes is a failure, told in one line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, root } from './workspace.mjs';

const lock = () => readFileSync(join(root, 'package-lock.json'), 'utf8');

try {
  const before = lock();
  await ensureInstalled();
  if (lock() !== before)
    throw new Error('npm install changes package-lock.json: run it, look at the difference and commit it.');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

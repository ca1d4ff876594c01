/** Installs what the lock file names, where that is not done yet; a lock file that package.json has left behind is a failure. */
import { command, ensureInstalled } from './workspace.mjs';

await command(ensureInstalled);

/** `npm run build`: the compiled server under dist/apps and dist/libs, the console under dist/console. */
import { command, ensureBuilt, ensureInstalled } from './workspace.mjs';

await command(async () => {
  await ensureInstalled();
  await ensureBuilt();
});

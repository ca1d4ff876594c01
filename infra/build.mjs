/** `npm run build`: the compiled server under dist/apps and dist/libs, the console under dist/console. */
import { ensureBuilt, ensureInstalled } from './workspace.mjs';

try {
  await ensureInstalled();
  await ensureBuilt();
} catch (error) {
  console.error(error.name === 'StepError' ? error.message : error);
  process.exitCode = 1;
}

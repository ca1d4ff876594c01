/** `npm run faults`: what the faults need, and then all of them, or `starts` (test/faults/run.ts and starts.ts have the flags). */
import { join } from 'node:path';
import { provision } from './provision.mjs';
import { command, ensureBuilt, ensureInstalled, run } from './workspace.mjs';

await command(async () => {
  await ensureInstalled();
  await ensureBuilt();
  await provision(['postgres', 'redis', 'java', 'maven', 'kafka']);
  const [first, ...rest] = process.argv.slice(2);
  const [file, flags] = first === 'starts' ? ['starts.ts', rest] : ['run.ts', process.argv.slice(2)];
  const args = ['--conditions=src', '--import', 'tsx', join('test', 'faults', file), ...flags];
  const { code } = await run(process.execPath, args, { stdout: 1 });
  process.exitCode = code;
});

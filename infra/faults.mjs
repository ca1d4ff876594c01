/** `npm run faults`: what the faults need, and then all of them (test/faults/run.ts has the flags). */
import { join } from 'node:path';
import { provision } from './provision.mjs';
import { command, ensureBuilt, ensureInstalled, run } from './workspace.mjs';

await command(async () => {
  await ensureInstalled();
  await ensureBuilt();
  await provision(['postgres', 'redis', 'java', 'maven', 'kafka']);
  const args = ['--conditions=src', '--import', 'tsx', join('test', 'faults', 'run.ts'), ...process.argv.slice(2)];
  const { code } = await run(process.execPath, args, { stdout: 1 });
  process.exitCode = code;
});

/** `npm run certify`: what a certified run needs, and then the run (test/certify/run.ts has the flags). */
import { join } from 'node:path';
import { provision } from './provision.mjs';
import { command, ensureBuilt, ensureInstalled, run } from './workspace.mjs';

await command(async () => {
  await ensureInstalled();
  await ensureBuilt();
  const flags = process.argv.slice(2);
  if (flags.includes('--distributed')) await provision(['postgres', 'redis', 'java', 'maven', 'kafka']);
  const args = ['--conditions=src', '--import', 'tsx', join('test', 'certify', 'run.ts'), ...flags];
  const { code } = await run(process.execPath, args, { stdout: 1 });
  process.exitCode = code;
});

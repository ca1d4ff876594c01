/** `npm run load -- sustain|peak|burst|soak|feed`: what a load test needs, and then that load (loadtests/run.ts has the flags). */
import { join } from 'node:path';
import { k6Program, provision } from './provision.mjs';
import { command, ensureBuilt, ensureInstalled, run } from './workspace.mjs';

/** The checker holds a whole run in memory: ten minutes are a million decisions. */
const heap = '--max-old-space-size=12000';

await command(async () => {
  await ensureInstalled();
  await ensureBuilt();
  await provision(['postgres', 'redis', 'java', 'maven', 'kafka', 'go', 'k6']);
  const program = ['--conditions=src', '--import', 'tsx', heap, join('loadtests', 'run.ts')];
  const { code } = await run(process.execPath, [...program, ...process.argv.slice(2)], {
    env: { K6: k6Program(), KAFKA_OPTS: process.env.KAFKA_OPTS ?? '-XX:TieredStopAtLevel=4 -Xmx512m' },
    stdout: 1,
  });
  process.exitCode = code;
});

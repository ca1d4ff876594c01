/**
 * `npm run smoke`: the distributed system with its demo, started from nothing on servers and ports of its own, thirty seconds of
 * tickets by k6 at a low rate, and everything stopped again. Fails if a ticket fails, a role ends, or the system does not stop.
 *
 *   npm run smoke [-- loadtests/peak.js]     RATE, DURATION and the script's other settings by the environment
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { wipe } from './native/index.mjs';
import { k6Program, provision } from './provision.mjs';
import { command, ensureBuilt, ensureInstalled, root, run, StepError, step } from './workspace.mjs';

const instance = 'smoke';
const readyWithinMs = 150_000;

await command(async () => {
  await ensureInstalled();
  await ensureBuilt();
  await provision(['postgres', 'redis', 'java', 'maven', 'kafka', 'go', 'k6']);
  await wipe({ instance });
  await underLoad(process.argv[2] ?? 'loadtests/smoke.js');
  await wipe({ instance });
});

async function underLoad(script) {
  const flags = ['--port', '0', '--instance', instance, '--demo'];
  const system = spawn(process.execPath, [join(root, 'infra/start-distributed.mjs'), ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => system.once('exit', resolve));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => system.kill('SIGTERM'));
  try {
    const url = await urlOf(system);
    await step(`k6 runs ${script} on ${url}`, async () => {
      const { code } = await run(k6Program(), ['run', '--quiet', '--no-usage-report', script], {
        env: { BASE_URL: url },
        stdout: 1,
      });
      if (code !== 0) throw new StepError(`k6 ends with code ${code}.`);
    });
  } finally {
    system.kill('SIGTERM');
    await ended;
  }
  if (system.exitCode !== 0) throw new StepError('A role ended by itself during the run; see its lines above.');
}

/** The address in the line that tells the system is ready; all other lines are passed on. */
function urlOf(system) {
  return new Promise((resolve, reject) => {
    const impatience = setTimeout(
      () => reject(new StepError(`The system is not ready after ${readyWithinMs / 1000} s.`)),
      readyWithinMs,
    );
    system.once('exit', () => {
      clearTimeout(impatience);
      reject(new StepError('The system ended while it was starting.'));
    });
    createInterface({ input: system.stdout }).on('line', (line) => {
      console.log(line);
      const ready = /^Ready: (\S+)$/.exec(line);
      if (ready === null) return;
      clearTimeout(impatience);
      resolve(ready[1]);
    });
  });
}

/**
 * `npm run smoke`: the distributed system with its demo, started from nothing on servers and ports of its own, thirty seconds of
 * tickets by k6 at a low rate and some seconds of each other load script, and everything stopped again. Fails if a ticket fails, a role ends, or the system does not stop.
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
const readyWithinMs = 400_000;
/** Whether k6 keeps its own pace, and how fast answers come, is no matter here. That nearly all are accepted and none turned away is. */
const BARS = { MIN_ACCEPTED: '1', MAX_DROPPED: '1000', MAX_P99_MS: '60000', MAX_TICK_MS: '60000' };
/** Every load script for some seconds at a low rate, so that none rots; the first one long enough to say that the path stands. */
const SCRIPTS = {
  'loadtests/smoke.js': {},
  'loadtests/peak.js': { FROM: '5', TOP: '40', RAMP: '4s', HOLD: '4s', USERS: '20' },
  'loadtests/sustain.js': { RATE: '40', DURATION: '5s', USERS: '20' },
  'loadtests/soak.js': { RATE: '20', DURATION: '5s', USERS: '20' },
  'loadtests/burst.js': { RATE: '150', DURATION: '4s', CALM: '10', CALM_FOR: '3s', USERS: '20' },
  'loadtests/feed.js': { READERS: '20', RAMP: '2s', DURATION: '15s' },
};

await command(async () => {
  await ensureInstalled();
  await ensureBuilt();
  await provision(['postgres', 'redis', 'java', 'maven', 'kafka', 'go', 'k6']);
  await wipe({ instance });
  const asked = process.argv[2];
  await underLoad(asked === undefined ? SCRIPTS : { [asked]: {} });
  await wipe({ instance });
});

async function underLoad(scripts) {
  const flags = ['--port', '0', '--instance', instance, '--demo'];
  const system = spawn(process.execPath, [join(root, 'infra/start-distributed.mjs'), ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => system.once('exit', resolve));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => system.kill('SIGTERM'));
  try {
    const url = await urlOf(system);
    for (const [script, env] of Object.entries(scripts)) {
      await step(`k6 runs ${script} on ${url}`, async () => {
        const { code } = await run(k6Program(), ['run', '--quiet', '--no-usage-report', script], {
          env: { BASE_URL: url, ...BARS, ...env },
          stdout: 1,
        });
        if (code !== 0) throw new StepError(`k6 ends with code ${code}.`);
      });
    }
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

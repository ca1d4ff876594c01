/**
 * `npm test`: everything, on real servers. Provides what is missing, starts an instance of Kafka, PostgreSQL and Redis of its own,
 * builds, runs the unit, integration and end-to-end tests one after the other and stops what it started. A skipped test, a file
 * without tests or an error outside a test counts as a failure. The last line is "N passed, N failed".
 *
 *   npm test [-- unit int e2e] [--keep]     only the named projects; --keep leaves the servers running for a closer look
 *   npm test -- --minutes 50                begins nothing after them, and says what it did not run: for a machine whose time is bounded
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { up, wipe } from './native/index.mjs';
import { provision } from './provision.mjs';
import { ensureBuilt, ensureInstalled, root, runTool, StepError, step, tell } from './workspace.mjs';

const projects = ['unit', 'int', 'e2e'];
const instance = 'test';
const reports = join(root, 'var', 'test');
/** Where time is bounded: the longest way through the system and what kills it before all others. */
const FIRST = ['race-day', 'faults', 'kill', 'six-countries', 'embedded', 'full-disk', 'correction'];

const total = { passed: 0, failed: 0 };
try {
  await main();
} catch (error) {
  total.failed += 1;
  tell(error);
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { keep: { type: 'boolean', default: false }, minutes: { type: 'string' } },
  });
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (minutes !== undefined && !(minutes > 0))
    throw new StepError(`--minutes takes a number, not "${values.minutes}".`);
  const unknown = positionals.find((name) => !projects.includes(name));
  if (unknown !== undefined) throw new StepError(`"${unknown}" is no project; there are ${projects.join(', ')}.`);
  const chosen = projects.filter((name) => positionals.length === 0 || positionals.includes(name));
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  await ensureInstalled();
  await ensureBuilt();
  if (chosen.every((name) => name === 'unit')) return runProjects(chosen, {}, minutes);
  await provision(['postgres', 'redis', 'chromium', 'java', 'maven', 'softhsm', 'kafka']);
  await onServers(values.keep, (addresses) => runProjects(chosen, addresses, minutes));
}

async function onServers(keep, action) {
  // From nothing every time: what an earlier run left must not make a test pass.
  await wipe({ instance });
  let addresses;
  await step('Starting Kafka, PostgreSQL and Redis', async () => {
    addresses = await up({ instance });
  });
  const stop = () => wipe({ instance }).finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await action({ ...addresses, MUTUEL_INFRA: instance });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    if (keep) console.log(`The servers are left running: npm run infra:wipe -- --instance ${instance}`);
    else await wipe({ instance });
  }
}

async function runProjects(names, env, minutes) {
  const began = performance.now();
  const notRun = [];
  for (const name of names) {
    // With bounded time a file at a time: one that was begun is brought to its end.
    const parts = name === 'e2e' && minutes !== undefined ? e2eFiles() : [''];
    const counted = { passed: 0, failed: 0 };
    for (const [n, part] of parts.entries()) {
      if (minutes !== undefined && performance.now() - began > minutes * 60_000) {
        notRun.push(part || name);
        continue;
      }
      const report = join(reports, `${name}${part && `-${n}`}.json`);
      const files = part === '' ? [] : [part];
      const args = ['run', '--project', name, ...files, '--reporter=default', '--reporter=json'];
      const { code } = await runTool('vitest', [...args, `--outputFile.json=${report}`], {
        // What needs nothing is told of no server.
        env: name === 'unit' ? {} : env,
        stdout: 1,
      });
      const { passed, failed } = countOf(report, code);
      counted.passed += passed;
      counted.failed += failed;
    }
    console.log(`${name}: ${counted.passed} passed, ${counted.failed} failed`);
    total.passed += counted.passed;
    total.failed += counted.failed;
  }
  if (notRun.length > 0) console.log(`The ${minutes} minutes are over; not run: ${notRun.join(', ')}`);
}

/** Those of FIRST, then all others. */
function e2eFiles() {
  const names = readdirSync(join(root, 'test'), { recursive: true }).filter((name) => name.endsWith('.e2e.test.ts'));
  const rank = (name) => {
    const place = FIRST.findIndex((first) => name.includes(`/${first}.e2e`));
    return place < 0 ? FIRST.length : place;
  };
  return names.sort((one, other) => rank(one) - rank(other)).map((name) => join('test', name));
}

/** Tests and what is worse than a failed test: skipped ones, files that broke before their first test, a run that broke. */
function countOf(report, code) {
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const result = JSON.parse(readFileSync(report, 'utf8'));
  const emptyFiles = result.testResults.filter((file) => file.assertionResults.length === 0);
  for (const file of emptyFiles) console.log(`no test ran in ${file.name}`);
  const muted = result.numPendingTests + result.numTodoTests;
  if (muted > 0) console.log(`${muted} skipped tests count as failures`);
  const failed = result.numFailedTests + muted + emptyFiles.length;
  return { passed: result.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}

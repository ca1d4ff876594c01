/**
 * `npm test`: everything, on real servers. Provides what is missing, starts an instance of Kafka, PostgreSQL and Redis of its own,
 * builds, runs the unit, integration and end-to-end tests one after the other and stops what it started. A skipped test, a file
 * without tests or an error outside a test counts as a failure. The last line is "N passed, N failed".
 *
 *   npm test [-- unit int e2e] [--keep]     only the named projects; --keep leaves the servers running for a closer look
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { up, wipe } from './native/index.mjs';
import { provision } from './provision.mjs';
import { ensureBuilt, ensureInstalled, root, runTool, StepError, step, tell } from './workspace.mjs';

const projects = ['unit', 'int', 'e2e'];
const instance = 'test';
const reports = join(root, 'var', 'test');

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
    options: { keep: { type: 'boolean', default: false } },
  });
  const unknown = positionals.find((name) => !projects.includes(name));
  if (unknown !== undefined) throw new StepError(`"${unknown}" is no project; there are ${projects.join(', ')}.`);
  const chosen = projects.filter((name) => positionals.length === 0 || positionals.includes(name));
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  await ensureInstalled();
  await ensureBuilt();
  if (chosen.every((name) => name === 'unit')) return runProjects(chosen, {});
  await provision(['postgres', 'redis', 'chromium', 'java', 'maven', 'softhsm', 'kafka']);
  await onServers(values.keep, (addresses) => runProjects(chosen, addresses));
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

async function runProjects(names, env) {
  for (const name of names) {
    const report = join(reports, `${name}.json`);
    const args = ['run', '--project', name, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const { code } = await runTool('vitest', args, { env, stdout: 1 });
    const { passed, failed } = countOf(report, code);
    console.log(`${name}: ${passed} passed, ${failed} failed`);
    total.passed += passed;
    total.failed += failed;
  }
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

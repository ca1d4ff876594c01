/**
 * `npm run check`: everything that needs no server, two at a time: format and lint, types, boundaries, dead code, and the
 * repository's own rules (text, purity, packages and licences). Ends with a plain count; any failure is a non-zero exit.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { command, ensureInstalled, root, runTool } from './workspace.mjs';

const checks = [
  ['types', 'tsc', ['--noEmit', '-p', 'tsconfig.json', '--tsBuildInfoFile', 'node_modules/.cache/types.tsbuildinfo']],
  ...(existsSync(join(root, 'apps/console/tsconfig.json'))
    ? [['types of the console', 'tsc', ['--noEmit', '-p', 'apps/console']]]
    : []),
  ['repository rules', 'vitest', ['run', '--project', 'unit', 'test/repository']],
  ['boundaries', 'depcruise', ['--config', '.dependency-cruiser.mjs', 'apps', 'libs']],
  ['dead code', 'knip', ['--no-progress']],
  ['format and lint', 'biome', ['check', '--error-on-warnings', '--max-diagnostics=50', '.']],
];

const failed = [];
const waiting = [...checks];

await command(async () => {
  await ensureInstalled();
  const started = Date.now();
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), checks.length) }, worker));
  console.log(`check took ${secondsSince(started)}`);
  console.log(`${checks.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
});

async function worker() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await runCheck(next);
}

async function runCheck([title, tool, args]) {
  const began = Date.now();
  const { code, output } = await runTool(tool, args, { quiet: true, env: { FORCE_COLOR: '0', NO_COLOR: '1' } });
  if (code !== 0) {
    failed.push(title);
    console.log(output.trim());
  }
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${title} (${secondsSince(began)})`);
}

function secondsSince(time) {
  return `${((Date.now() - time) / 1000).toFixed(1)} s`;
}

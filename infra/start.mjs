/**
 * `npm start`: the whole system in one process, from a fresh clone or any later state. Installs and builds only what changed,
 * then gives its flags, its signals and its exit code to the program itself.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { command, ensureBuilt, ensureInstalled, nodeFlags, root, StepError } from './workspace.mjs';

const oldestNode = [20, 19];

await command(async () => {
  requireNode();
  await ensureInstalled();
  await ensureBuilt();
  handOver(join(root, 'dist', 'apps', 'standalone', 'src', 'main.js'));
});

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new StepError(`Node ${oldestNode.join('.')} or later is needed; this is ${process.versions.node}.`);
}

function handOver(program) {
  if (!existsSync(program)) throw new StepError(`${program} is missing after the build.`);
  // In a process group of its own, so that one Ctrl-C reaches it once (from here) and not twice.
  const child = spawn(process.execPath, [...nodeFlags, program, ...process.argv.slice(2)], {
    stdio: 'inherit',
    detached: true,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    console.error(`The program cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

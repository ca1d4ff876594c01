/**
 * What the commands of this folder share: the project's root, programs run to their end with their time told, and the two things
 * that are done only when something changed, the install and the build. Needs nothing but Node: it runs in a fresh clone.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** A step that failed in a way its own output explains; the message is the one line to show. */
export class StepError extends Error {
  name = 'StepError';
}

/** The body of a command: a fault that explains itself is shown as its one line, anything else whole; both end with exit code 1. */
export async function command(action) {
  try {
    await action();
  } catch (error) {
    tell(error);
    process.exitCode = 1;
  }
}

/** Shows what went wrong, without a stack where it is no bug of ours. */
export function tell(error) {
  const explained = ['StepError', 'InfraError'].includes(error.name) || error.code?.startsWith('ERR_PARSE_ARGS');
  console.error(explained ? error.message : error);
}

/** Runs `command` in the project's root with its output passed through; resolves to its exit code, a killed one counting as 1. */
export function run(command, args, { env = {}, quiet = false, stdout = 2 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      // Progress goes to standard error: the answers of `mutuel` have standard output for themselves.
      stdio: ['ignore', quiet ? 'pipe' : stdout, quiet ? 'pipe' : 2],
    });
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.once('error', (error) => reject(new StepError(`${command} cannot be run: ${error.message}`)));
    child.once('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(output).toString() }));
  });
}

/** Runs a program of the project's own dependencies by its file, without npx in between. */
export function runTool(name, args, options) {
  return run(process.execPath, [toolPath(name), ...args], options);
}

/** Tells what begins and how long it took; a failure is a StepError. */
export async function step(title, action) {
  const started = Date.now();
  console.error(`${title} …`);
  await action();
  console.error(`${title}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/**
 * Memory for time. A larger young generation: what a bet needs dies in it, instead of being carried into the old one. And the old one
 * grows to four times what lives in it before it is collected: that takes every core for a part of a second.
 */
export const nodeFlags = ['--max-semi-space-size=32', '--heap-growing-percent=300'];

/** What the lock file names and nothing else, where it is not the one that was installed last. The lock file stays as it is. */
export async function ensureInstalled() {
  const stamp = join(root, 'node_modules', '.installed-lock-sha256');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash()) return;
  await step('Installing packages', async () => {
    const { code } = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
    if (code !== 0) throw new StepError('npm ci failed.');
    writeFileSync(stamp, lockHash());
  });
}

/** Compiles the server and, where there is one, the console, each only when one of its sources is newer than its last build. */
export async function ensureBuilt() {
  const server = buildIfStale('Building the server', serverSources(), join(root, 'dist', '.server-built'), buildServer);
  const hasConsole = existsSync(join(root, 'apps', 'console', 'index.html'));
  const web = hasConsole
    ? buildIfStale('Building the console', consoleSources(), join(root, 'dist', '.console-built'), buildConsole)
    : undefined;
  const failure = (await Promise.allSettled([server, web])).find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

async function buildIfStale(title, sources, stamp, build) {
  if (existsSync(stamp) && newestChange(sources) <= statSync(stamp).mtimeMs) return;
  const began = new Date();
  await step(title, build);
  mkdirSync(dirname(stamp), { recursive: true });
  // Dated at the start: what changed while it was being built is built again next time.
  writeFileSync(stamp, began.toISOString());
  utimesSync(stamp, began, began);
}

async function buildServer() {
  const { code } = await runTool('tsc', ['-p', 'tsconfig.build.json', '--tsBuildInfoFile', 'dist/.build.tsbuildinfo']);
  if (code !== 0) throw new StepError('The server does not compile.');
  for (const folder of sourceFolders()) copyAssets(folder);
}

async function buildConsole() {
  const { code } = await runTool('vite', ['build', 'apps/console', '--logLevel', 'warn']);
  if (code !== 0) throw new StepError('The console does not compile.');
}

/** What tsc leaves behind (proto, SQL, JSON) goes where the compiled code looks for it. */
function copyAssets(folder) {
  cpSync(join(root, folder), join(root, 'dist', folder), {
    recursive: true,
    filter: (path) => !/\.tsx?$/.test(path),
  });
}

function sourceFolders() {
  const inside = (parent) =>
    (existsSync(join(root, parent)) ? readdirSync(join(root, parent)) : []).map((name) => `${parent}/${name}/src`);
  return [...inside('libs'), ...inside('apps')].filter(
    (folder) => folder !== 'apps/console/src' && existsSync(join(root, folder)),
  );
}

function serverSources() {
  return [...sourceFolders(), 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
}

function consoleSources() {
  return ['apps/console', 'libs/contracts', 'package.json'];
}

/** The newest change of any file or folder; folders too, so that a removed file counts. */
function newestChange(paths) {
  return Math.max(0, ...paths.map((path) => newestUnder(join(root, path))));
}

function newestUnder(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestUnder(join(path, name))));
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** The file behind a package's command, from its own manifest. */
function toolPath(command) {
  const packageOf = { tsc: 'typescript', biome: '@biomejs/biome', depcruise: 'dependency-cruiser' };
  const folder = join(root, 'node_modules', packageOf[command] ?? command);
  if (!existsSync(folder)) throw new StepError(`${command} is not installed: run npm ci.`);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

/**
 * Server processes that outlive the script which started them: start, recognise, stop, wait until ready. A process is known by
 * its pid *and* its start time, so that a pid the machine has given to somebody else since is never signalled.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** A broker that hands its partitions over needs some seconds; one that needs more hangs. */
const stopGraceMs = 15_000;

/** A fault the operator can act on: one line that says what is missing and what to do. */
export class InfraError extends Error {
  name = 'InfraError';
}

/** Starts `command` in the background, its output appended to `logFile`; the answer is what `isAlive` and `stop` need. */
export function startServer({ name, command, args, logFile, port, stopSignal = 'SIGTERM', owner = {} }) {
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: owner.uid === undefined ? undefined : '/',
      ...owner,
    });
    child.on('error', () => undefined); // Told by the readiness probe, with the log's last lines.
    child.unref();
    if (child.pid === undefined) throw new InfraError(`${name} cannot be started: ${command} does not run.`);
    return { name, pid: child.pid, born: birthOf(child.pid), port, log: logFile, stopSignal };
  } finally {
    closeSync(log);
  }
}

/** True while the very process that was started is running. */
export function isAlive(server) {
  return server.born !== '' && birthOf(server.pid) === server.born;
}

/** Ends the given processes together: asks first, and after `stopGraceMs` no longer asks. */
export async function stopServers(servers, signalOf = (server) => server.stopSignal) {
  signalAll(servers, signalOf);
  if (await becomesTrue(() => servers.every((server) => !isAlive(server)), stopGraceMs)) return;
  signalAll(servers, () => 'SIGKILL');
  await becomesTrue(() => servers.every((server) => !isAlive(server)), 5_000);
}

/** Waits until `probe` resolves to true; a server that dies meanwhile, or is not ready in time, is an InfraError. */
export async function untilReady(server, probe, timeoutMs = 300_000) {
  const ready = await becomesTrue(async () => {
    if (!isAlive(server))
      throw new InfraError(`${server.name} ended while it was starting; see ${server.log}${lastLineOf(server.log)}`);
    return probe();
  }, timeoutMs);
  if (!ready) throw new InfraError(`${server.name} is not ready after ${timeoutMs / 1000} s; see ${server.log}`);
}

/** Sends `request` to a local port and resolves to the first bytes of the answer; null while nobody answers. */
export function ask(port, request) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => end(null));
    socket.once('error', () => end(null));
    socket.once('close', () => end(null));
    socket.once('data', end);
    socket.write(request);
  });
}

/** `count` ports that nobody listens on; those of `wanted` that are still free are kept, so that a restart keeps its addresses. */
export async function freePorts(count, wanted = []) {
  const held = [];
  try {
    for (let i = 0; i < count; i++) held.push((wanted[i] && (await hold(wanted[i]))) || (await holdAny()));
    return held.map((server) => server.address().port);
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  }
}

export async function freePort() {
  const [port] = await freePorts(1);
  return port;
}

/** The full path of a program on PATH or in one of the extra folders; null where it is not installed. */
export function findProgram(name, folders = []) {
  const all = [...folders, ...(process.env.PATH ?? '').split(delimiter)].filter((folder) => folder !== '');
  for (const folder of all) {
    const path = join(folder, name);
    if (isExecutable(path)) return path;
  }
  return null;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A running process's start time, empty for one that is gone or only waits to be reaped. One whose first thread has ended before the
 * others still holds its ports and files.
 */
function birthOf(pid) {
  const path = `/proc/${pid}/stat`;
  if (!existsSync('/proc/self/stat')) return aliveBySignal(pid) ? 'unknown' : '';
  try {
    // The second field is the program's name in brackets and may hold blanks: count from its end.
    const fields = readFileSync(path, 'utf8').split(') ').at(-1).split(' ');
    const [state, threads, birth] = [fields[0], Number(fields[17]), fields[19]];
    return state === 'Z' && threads <= 1 ? '' : birth;
  } catch {
    return '';
  }
}

function aliveBySignal(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function signalAll(servers, signalOf) {
  for (const server of servers) {
    if (!isAlive(server)) continue;
    try {
      process.kill(server.pid, signalOf(server));
    } catch {
      // It ended between the look and the signal.
    }
  }
}

async function becomesTrue(condition, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  return false;
}

function lastLineOf(file) {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.at(-1) === '' ? '' : `: ${lines.at(-1)}`;
}

/**
 * Below the ports that systems lend to outgoing connections (from 32,768 on Linux, 49,152 elsewhere): one of those could be lent while its
 * server is down, and the server would come back at another address.
 */
async function holdAny() {
  for (let tries = 0; tries < 100; tries++) {
    const server = await hold(randomInt(16_384, 32_768));
    if (server !== null) return server;
  }
  throw new InfraError('No free port was found between 16,384 and 32,767: something listens on nearly all of them.');
}

function hold(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server));
  });
}

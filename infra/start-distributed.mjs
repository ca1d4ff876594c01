/**
 * `npm run start:distributed`: every role as a process of its own, on Kafka, PostgreSQL and Redis: the native ones of this folder,
 * or others where KAFKA_BROKERS, DATABASE_URL and REDIS_URL name them. A role that ends is said so and not started again (that is
 * the work of whoever runs the real thing); a signal stops the doors first and the deciders' readers last.
 *
 *   npm run start:distributed [-- --port 3000] [--instance NAME] [--brokers 1|3] [flags for the roles]
 *   npm run start:distributed -- --demo [--rate 20] [--every 180] [--races 8] [--countries FR,SE] [--seed 1] [--card FILE]
 *                                                                                          with the demo's crowd
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { down, externalServers, lowerPostgres, status, up } from './native/index.mjs';
import { freePorts } from './native/process.mjs';
import { ensureBuilt, ensureInstalled, nodeFlags, root, StepError, step, tell } from './workspace.mjs';

/** In the order they are started; stopped the other way round, so that no door stays open without what is behind it. */
const roles = ['engine', 'projector', 'odds', 'back-office', 'bet-api'];
const readyWithinMs = 120_000;
const graceMs = 15_000;
const lowerEveryMs = 5_000;

const ownFlags = { port: { type: 'string' }, instance: { type: 'string' }, brokers: { type: 'string' } };
/** The crowd is a client like any other: a process of its own, started when bets are taken and stopped before anything else. */
const demoFlags = {
  rate: { type: 'string' },
  every: { type: 'string' },
  races: { type: 'string' },
  countries: { type: 'string' },
  seed: { type: 'string' },
  card: { type: 'string' },
};
const { values, tokens } = parseArgs({
  strict: false,
  tokens: true,
  options: { ...ownFlags, ...demoFlags, demo: { type: 'boolean' } },
});
const roleFlags = flagsOf(tokens, (name) => !(name in ownFlags) && !(name in demoFlags));
const pidFile = join(root, 'var', `distributed${values.instance === undefined ? '' : `-${values.instance}`}.json`);
const running = new Map();
let stopping = false;
/** What is left to do once the roles have ended: stopping the servers, where it was us who started them. */
let afterwards = async () => undefined;

try {
  await main();
} catch (error) {
  tell(error);
  await stop(1);
}

async function main() {
  await ensureInstalled();
  await ensureBuilt();
  for (const role of roles)
    if (!existsSync(programOf(role))) throw new StepError(`${programOf(role)} is missing after the build.`);
  const servers = await provideServers();
  const wanted = Number(values.port ?? process.env.PORT ?? 3000);
  const ports = await freePorts(
    roles.length,
    roles.map((_, index) => (wanted === 0 ? 0 : wanted + index)),
  );
  if (wanted !== 0 && ports[0] !== wanted) throw new StepError(`Port ${wanted} is busy: choose another with --port.`);
  // The first port is the public one, whatever the order of starting.
  const portOf = (role) => (role === 'bet-api' ? ports[0] : ports[1 + roles.indexOf(role)]);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));
  for (const role of roles) launch(role, roleFlags, { ...servers, PORT: String(portOf(role)) });
  writePids(servers, portOf);
  const url = `http://127.0.0.1:${ports[0]}`;
  await step('Waiting until bets are taken', () => untilReady(`${url}/health/ready`));
  if (values.demo) {
    launch('demo', ['--url', url, ...flagsOf(tokens, (name) => name in demoFlags)], {});
    writePids(servers, portOf);
  }
  console.log(`Ready: ${url}`);
}

async function provideServers() {
  const external = externalServers();
  if (external !== null) return external;
  const options = { ...(values.instance === undefined ? {} : { instance: values.instance }) };
  const wereUp = status(options).running;
  let addresses;
  await step('Starting Kafka, PostgreSQL and Redis', async () => {
    addresses = await up({ ...options, ...(values.brokers === undefined ? {} : { brokers: Number(values.brokers) }) });
  });
  if (!wereUp) afterwards = () => down(options);
  // Its connections come and go; it outlives none of the roles.
  setInterval(() => lowerPostgres(options), lowerEveryMs).unref();
  return addresses;
}

function launch(role, flags, env) {
  const child = spawn(process.execPath, [...nodeFlags, programOf(role), ...flags], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // One Ctrl-C reaches each role once, in our order.
  });
  running.set(role, child);
  const prefix = `${role.padEnd(11)} | `;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => console.log(prefix + line));
  }
  child.once('exit', (code, signal) => {
    running.delete(role);
    if (stopping) return;
    console.error(`${prefix}ended (${signal ?? `code ${code}`}); it is not started again`);
    process.exitCode = 1;
    if (running.size === 0) stop(1);
  });
}

async function untilReady(url) {
  const deadline = Date.now() + readyWithinMs;
  let why = 'no answer';
  while (Date.now() < deadline) {
    if (running.size < roles.length) throw new StepError('A role ended while it was starting.');
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer?.ok) return;
    why = (await answer?.text().catch(() => '')) || why;
    await new Promise((wake) => setTimeout(wake, 250));
  }
  throw new StepError(`${url} does not answer 200 after ${readyWithinMs / 1000} s: ${why}`);
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  for (const role of [...roles, 'demo'].reverse()) {
    const child = running.get(role);
    if (child !== undefined) await stopOne(role, child);
  }
  await afterwards();
  rmSync(pidFile, { force: true });
  process.exit(process.exitCode ?? code);
}

function stopOne(role, child) {
  return new Promise((resolve) => {
    const impatience = setTimeout(() => {
      console.error(`${role} does not stop; it is killed`);
      child.kill('SIGKILL');
    }, graceMs);
    child.once('exit', () => {
      clearTimeout(impatience);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

function writePids(servers, portOf) {
  mkdirSync(join(root, 'var'), { recursive: true });
  const list = [...running].map(([role, child]) => ({
    role,
    pid: child.pid,
    ...(role === 'demo' ? {} : { port: portOf(role) }),
  }));
  writeFileSync(
    pidFile,
    `${JSON.stringify({ startedAt: new Date().toISOString(), pid: process.pid, roles: list, ...servers }, null, 2)}\n`,
  );
}

function programOf(role) {
  return join(root, 'dist', 'apps', role, 'src', 'main.js');
}

/** The flags whose names are wanted, as they were written; a bare word belongs to the flag before it. */
function flagsOf(list, isWanted) {
  let wanted = true;
  return list.flatMap((token) => {
    if (token.kind === 'positional') return wanted ? [token.value] : [];
    if (token.kind !== 'option') return [];
    wanted = isWanted(token.name);
    if (!wanted) return [];
    return token.value === undefined ? [token.rawName] : [`${token.rawName}=${token.value}`];
  });
}

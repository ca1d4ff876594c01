/**
 * The native servers of one instance: Apache Kafka, PostgreSQL and Redis on free local ports under `var/infra` (or
 * `var/infra-NAME`), told to everybody by `state.json` there. It needs nothing but Node, so that it runs before any install or
 * build, and it never ends a process that it did not start.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaNodeNames, startKafka } from './kafka.mjs';
import { startPostgres, wipePostgres } from './postgres.mjs';
import { lower } from './priority.mjs';
import { freePorts, InfraError, isAlive, startServer, stopServers } from './process.mjs';
import { startRedis } from './redis.mjs';

export { childrenOf } from './priority.mjs';
export { freePort, InfraError } from './process.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Starts what is not running yet; calling it again is free. Resolves to the addresses. `proxied` gives each broker a second door whose
 * clients are sent to the port of a proxy, which is the caller's to run (see `proxies`). `doors` are a single broker's further listeners.
 */
export async function up({
  instance = defaultInstance(),
  brokers,
  proxied,
  doors: further,
  log = () => undefined,
} = {}) {
  const folder = folderOf(instance);
  return exclusively(folder, async () => {
    const before = readState(folder);
    const nodes = brokers ?? before.brokers ?? 1;
    const doors = proxied ?? before.proxied ?? false;
    const isSame = before.brokers === nodes && (before.proxied ?? false) === doors;
    if (isComplete(before) && isSame) return addressesOf(before);
    // What runs is left running; a broker goes only where others are asked for.
    if (!isSame) await stopServers(before.servers.filter(({ name }) => name.startsWith('kafka-')));
    const running = before.servers.filter(isAlive);
    const started = Date.now();
    const ports = await portsFor(portNames(nodes, doors), before.ports, running);
    const state = { instance, brokers: nodes, proxied: doors, ports, servers: running };
    const start = (options) => {
      const alive = running.find((server) => server.name === options.name);
      if (alive !== undefined) return alive;
      const server = startServer(options);
      state.servers = [...state.servers, server];
      writeState(folder, state);
      return server;
    };
    const timed = async (name, starting) => {
      const address = await starting;
      log(`${name} ready after ${((Date.now() - started) / 1000).toFixed(1)} s: ${address}`);
      return address;
    };
    const starts = [
      timed('Redis', startRedis({ folder: join(folder, 'redis'), port: ports.redis, start })),
      timed('PostgreSQL', startPostgres({ folder: join(folder, 'postgres'), port: ports.postgres, start })),
      timed('Kafka', startKafka({ folder: join(folder, 'kafka'), brokers: nodes, ports, start, doors: further })),
    ];
    const failures = (await Promise.allSettled(starts)).filter((outcome) => outcome.status === 'rejected');
    if (failures.length > 0) {
      await stopServers(state.servers);
      writeState(folder, { ...state, servers: [] });
      throw reasonOf(failures.map((failure) => failure.reason));
    }
    const [REDIS_URL, DATABASE_URL, KAFKA_BROKERS] = await Promise.all(starts);
    writeState(folder, { ...state, complete: true, KAFKA_BROKERS, DATABASE_URL, REDIS_URL });
    return { KAFKA_BROKERS, DATABASE_URL, REDIS_URL };
  });
}

/** Stops the instance's servers and keeps their data and ports. Resolves to the names of those that were running. */
export function down({ instance = defaultInstance() } = {}) {
  return end(instance, (server) => server.stopSignal);
}

async function end(instance, signalOf) {
  const folder = folderOf(instance);
  if (!existsSync(folder)) return [];
  return exclusively(folder, async () => {
    const state = readState(folder);
    const running = state.servers.filter(isAlive);
    await stopServers(running, signalOf);
    writeState(folder, { instance, brokers: state.brokers, proxied: state.proxied, ports: state.ports, servers: [] });
    return running.map((server) => server.name);
  });
}

/** Stops the instance and removes everything it kept. */
export async function wipe({ instance = defaultInstance() } = {}) {
  // A broker takes its time to hand over what is thrown away here.
  const names = await end(instance, ({ name, stopSignal }) => (name.startsWith('kafka-') ? 'SIGKILL' : stopSignal));
  wipePostgres(join(folderOf(instance), 'postgres'));
  rmSync(folderOf(instance), { recursive: true, force: true });
  return names;
}

/** What is running, for people and scripts. */
export function status({ instance = defaultInstance() } = {}) {
  const state = readState(folderOf(instance));
  return {
    instance,
    folder: folderOf(instance),
    running: isComplete(state),
    servers: state.servers.map((server) => ({ ...server, alive: isAlive(server) })),
    addresses: isComplete(state) ? addressesOf(state) : null,
  };
}

/** PostgreSQL behind whoever takes and decides bets, its connections of this moment with it; `nice` from 0 (as it is) to 19. */
export function lowerPostgres({ instance = defaultInstance(), nice = postgresNice() } = {}) {
  for (const server of readState(folderOf(instance)).servers)
    if (server.name === 'postgres' && isAlive(server)) lower(server, nice);
}

/** The addresses as environment variables; an InfraError where the instance is not up. */
export function env({ instance = defaultInstance() } = {}) {
  const state = readState(folderOf(instance));
  if (!isComplete(state))
    throw new InfraError(`The servers of instance "${instance}" are not running: npm run infra:up`);
  return addressesOf(state);
}

/** Where the brokers' second doors are and which ports their clients are sent to; empty where they have none. */
export function proxies({ instance = defaultInstance() } = {}) {
  const { ports } = readState(folderOf(instance));
  return kafkaNodeNames(3).flatMap((name) =>
    ports[`${name}-behind`] === undefined ? [] : [{ port: ports[`${name}-proxy`], target: ports[`${name}-behind`] }],
  );
}

/** The addresses of servers somebody else runs, where the environment names all three; null otherwise. */
export function externalServers() {
  const { KAFKA_BROKERS, DATABASE_URL, REDIS_URL } = process.env;
  return KAFKA_BROKERS && DATABASE_URL && REDIS_URL ? { KAFKA_BROKERS, DATABASE_URL, REDIS_URL } : null;
}

function postgresNice() {
  return Number(process.env.POSTGRES_NICE || 5);
}

function defaultInstance() {
  return process.env.MUTUEL_INFRA || 'default';
}

function folderOf(instance) {
  if (!/^[a-z0-9-]{1,40}$/.test(instance))
    throw new InfraError(`"${instance}" is no instance name: small letters, digits and dashes.`);
  return join(root, 'var', instance === 'default' ? 'infra' : `infra-${instance}`);
}

function isComplete(state) {
  return state.complete === true && state.servers.every(isAlive);
}

function addressesOf({ KAFKA_BROKERS, DATABASE_URL, REDIS_URL }) {
  return { KAFKA_BROKERS, DATABASE_URL, REDIS_URL };
}

function readState(folder) {
  const file = join(folder, 'state.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { servers: [], ports: {} };
}

function writeState(folder, state) {
  const file = join(folder, 'state.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** A port for each name: that of the last run, unless somebody else has taken it since. */
async function portsFor(names, before, running) {
  const kept = names.filter((name) =>
    // What listens on a proxy's port is not ours.
    name.endsWith('-proxy')
      ? before[name] !== undefined
      : running.some(
          (server) => name === server.name || (name.startsWith(`${server.name}-`) && before[name] !== undefined),
        ),
  );
  const missing = names.filter((name) => !kept.includes(name));
  const found = await freePorts(
    missing.length,
    missing.map((name) => before[name]),
  );
  return Object.fromEntries([
    ...kept.map((name) => [name, before[name]]),
    ...missing.map((name, index) => [name, found[index]]),
  ]);
}

function portNames(brokers, proxied) {
  const doors = proxied ? ['behind', 'proxy'] : [];
  const ofNode = (name) => [name, ...['controller', ...doors].map((door) => `${name}-${door}`)];
  return ['redis', 'postgres', ...kafkaNodeNames(brokers).flatMap(ofNode)];
}

/** All that is missing at once, a line each; a bug of ours goes before it, as it is. */
function reasonOf(errors) {
  return (
    errors.find((error) => !(error instanceof InfraError)) ??
    new InfraError(errors.map((error) => error.message).join('\n'))
  );
}

/** One starter or stopper of an instance at a time; the lock of a process that has died is taken over. */
async function exclusively(folder, action) {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'lock');
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw new InfraError(`${folder} cannot be written: ${error.message}`);
      if (holderIsGone(lock)) rmSync(lock, { force: true });
      else await new Promise((wake) => setTimeout(wake, 200));
    }
  }
  try {
    return await action();
  } finally {
    rmSync(lock, { force: true });
  }
}

function holderIsGone(lock) {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

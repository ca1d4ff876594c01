/**
 * PostgreSQL from the distribution's own binaries, as an unprivileged user (it refuses to run as root), on a local TCP port with
 * trust authentication: for development and tests on one machine, never for anything reachable from outside.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram, InfraError, untilReady } from './process.mjs';

const user = 'mutuel';
const database = 'mutuel';

/** Starts the server on `port`, with the database made; the answer is its address. */
export async function startPostgres({ folder, port, start }) {
  const bin = programFolder();
  const owner = serverUser();
  const data = postgresData(folder);
  mkdirSync(folder, { recursive: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  if (owner.uid !== undefined) chownSync(data, owner.uid, owner.gid);
  if (!existsSync(join(data, 'PG_VERSION'))) {
    run(
      join(bin, 'initdb'),
      ['-D', data, '-U', user, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
      owner,
    );
  }
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 100,
    jit: 'off',
  };
  const server = start({
    name: 'postgres',
    command: join(bin, 'postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    logFile: join(folder, 'server.log'),
    port,
    stopSignal: 'SIGINT', // The fast shutdown: it does not wait for clients to leave.
    owner,
  });
  const target = ['-h', '127.0.0.1', '-p', String(port), '-U', user];
  await untilReady(server, () => spawnSync(join(bin, 'pg_isready'), [...target, '-q']).status === 0);
  createDatabase(bin, target);
  return `postgres://${user}@127.0.0.1:${port}/${database}`;
}

/** Removes the data, which may lie outside the instance's folder (see `postgresData`). */
export function wipePostgres(folder) {
  rmSync(postgresData(folder), { recursive: true, force: true });
}

function createDatabase(bin, target) {
  const known = spawnSync(
    join(bin, 'psql'),
    [...target, '-d', 'postgres', '-Atc', `select 1 from pg_database where datname = '${database}'`],
    {
      encoding: 'utf8',
    },
  );
  if (known.stdout?.trim() !== '1') run(join(bin, 'createdb'), [...target, database], {});
}

/**
 * The data folder: beside the log, except where root runs us inside a folder that the server's user may not enter (a clone under
 * /root or in a private temporary folder); there it is a folder under /var/tmp, named after this one.
 */
function postgresData(folder) {
  const here = join(folder, 'data');
  const mayEnter = (path) => (statSync(path).mode & 0o001) !== 0 && (path === '/' || mayEnter(dirname(path)));
  if (process.getuid?.() !== 0 || mayEnter(nearestExisting(folder))) return here;
  return join('/var/tmp', `mutuel-postgres-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);
}

function nearestExisting(path) {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

/** The newest installed server: Debian keeps the server's programs off PATH, one folder a version. */
function programFolder() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const initdb = findProgram(
    'initdb',
    versions.map((version) => join(debian, version, 'bin')),
  );
  if (initdb === null)
    throw new InfraError('PostgreSQL is missing: install the package "postgresql" (or run `npm run provision`).');
  return dirname(initdb);
}

/** Nobody special where we are an ordinary user; `postgres`, else `nobody`, where we are root. */
function serverUser() {
  if (process.getuid?.() !== 0) return {};
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const account = accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  if (account === undefined)
    throw new InfraError('PostgreSQL does not run as root and there is no user "postgres" or "nobody" to run it as.');
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

function run(program, args, owner) {
  const result = spawnSync(program, args, { encoding: 'utf8', cwd: '/', ...owner });
  if (result.status !== 0)
    throw new InfraError(`${program} failed: ${(result.stderr || String(result.error)).trim().split('\n').at(-1)}`);
}

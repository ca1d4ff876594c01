/**
 * `npm run provision`: installs the programs that tests and the distributed system need and that are missing here. On a
 * Debian-like machine and as root by apt; anywhere else it says what to install. It asks the network only for what is missing.
 *
 *   node infra/provision.mjs [--only postgres,redis,chromium,java,maven,softhsm,go,kafka,k6]
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder, provideJars } from './native/kafka.mjs';
import { findProgram, InfraError } from './native/process.mjs';
import { command, run, step } from './workspace.mjs';

const k6Version = 'v1.8.1';

/** What apt can bring: how to see that it is there, and the package that has it. */
const packages = {
  postgres: { there: () => hasPostgres(), package: 'postgresql' },
  redis: { there: () => findProgram('redis-server') !== null, package: 'redis-server' },
  chromium: {
    there: () => findProgram('chromium') !== null || findProgram('google-chrome') !== null,
    package: 'chromium',
  },
  java: { there: () => findProgram('java') !== null, package: 'default-jre-headless' },
  maven: { there: () => findProgram('mvn') !== null, package: 'maven' },
  softhsm: { there: () => findProgram('softhsm2-util') !== null, package: 'softhsm2' },
  go: { there: () => goProgram() !== null || k6Program() !== null, package: 'golang-go' },
};

/** What comes from elsewhere, after the packages. */
const downloads = { kafka: provideKafka, k6: provideK6 };

/** k6's file, from PATH or from the cache folder; null where there is none. */
export function k6Program() {
  return findProgram('k6', [join(cacheFolder(), 'bin')]);
}

/** Brings the named parts. */
export async function provision(parts) {
  await providePackages(parts.filter((part) => part in packages && !packages[part].there()));
  for (const part of parts.filter((name) => name in downloads)) await downloads[part]();
}

if (process.argv[1] === import.meta.filename) await command(main);

async function main() {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  const known = [...Object.keys(packages), ...Object.keys(downloads)];
  const parts = values.only?.split(',') ?? known;
  const unknown = parts.find((part) => !known.includes(part));
  if (unknown !== undefined) throw new InfraError(`"${unknown}" is no part; there are ${known.join(', ')}.`);
  const started = Date.now();
  await provision(parts);
  console.log(`Everything is there (${((Date.now() - started) / 1000).toFixed(1)} s).`);
}

async function providePackages(missing) {
  if (missing.length === 0) return;
  const names = missing.map((part) => packages[part].package);
  if (process.getuid?.() !== 0 || findProgram('apt-get') === null) {
    throw new InfraError(
      `Missing: ${missing.join(', ')}. Install them and try again; on Debian: sudo apt-get install ${names.join(' ')}`,
    );
  }
  await step(`Installing ${names.join(', ')}`, async () => {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await mustRun('apt-get', ['update', '-qq'], env);
    await mustRun('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...names], env);
  });
  const still = missing.find((part) => !packages[part].there());
  if (still !== undefined)
    throw new InfraError(`${packages[still].package} was installed, but its program is not to be found.`);
}

async function provideKafka() {
  provideJars();
}

async function provideK6() {
  if (k6Program() !== null) return;
  const go = goProgram();
  if (go === null || !(await fetchesItsOwnToolchain(go))) {
    throw new InfraError('k6 is missing, and so is Go 1.21 or later to build it: install either.');
  }
  await step(`Building k6 ${k6Version}`, () =>
    mustRun(go, ['install', `go.k6.io/k6@${k6Version}`], {
      GOBIN: join(cacheFolder(), 'bin'),
      GOFLAGS: '-buildvcs=false',
    }),
  );
}

/** From 1.21 on, Go brings the version a program asks for; an older one only says that it is too old. */
async function fetchesItsOwnToolchain(go) {
  const { output } = await run(go, ['env', 'GOVERSION'], { quiet: true });
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(output) ?? [null, 0, 0];
  return Number(major) > 1 || Number(minor) >= 21;
}

async function mustRun(command, args, env) {
  const { code, output } = await run(command, args, { env, quiet: true });
  if (code !== 0)
    throw new InfraError(`${command} ${args.join(' ')} failed:\n${output.trim().split('\n').slice(-5).join('\n')}`);
}

function hasPostgres() {
  const debian = '/usr/lib/postgresql';
  return findProgram('initdb') !== null || (existsSync(debian) && readdirSync(debian).length > 0);
}

function goProgram() {
  return findProgram('go', ['/usr/local/go/bin']);
}

/**
 * The two ways to start, tried on a project of a few lines: what is passed on, what happens at a signal, what is said when a role
 * ends. Nothing is installed or built here: the stamps say that all is done.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const roles = ['engine', 'projector', 'odds', 'back-office', 'bet-api'];
const project = mkdtempSync(join(tmpdir(), 'mutuel-start-'));

beforeAll(() => {
  cpSync(fileURLToPath(new URL('../../infra', import.meta.url)), join(project, 'infra'), { recursive: true });
  write('package.json', '{ "type": "module" }');
  write('package-lock.json', '{}');
  write('node_modules/.installed-lock-sha256', createHash('sha256').update('{}').digest('hex'));
  write(
    'dist/apps/standalone/src/main.js',
    `process.on('SIGINT', () => { console.log('told to stop'); process.exit(7); });
     setInterval(() => undefined, 1000);
     console.log('started with ' + process.argv.slice(2).join(' '));`,
  );
  for (const role of roles) {
    write(
      `dist/apps/${role}/src/main.js`,
      `import { createServer } from 'node:http';
       process.on('SIGTERM', () => { console.log('told to stop'); process.exit(0); });
       createServer((_, answer) => answer.end('ready')).listen(Number(process.env.PORT), '127.0.0.1', () =>
         console.log(process.argv.slice(2).join(' ') + ' on ' + process.env.KAFKA_BROKERS));`,
    );
  }
  write(
    'dist/apps/demo/src/main.js',
    `process.on('SIGTERM', () => { console.log('told to stop'); process.exit(0); });
     setInterval(() => undefined, 1000);
     console.log('crowd at ' + process.argv.slice(2).join(' '));`,
  );
  write('dist/.server-built', '');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

test('npm start hands over its flags, its signals and its exit code', async () => {
  const { child, output, line } = start('start.mjs', ['--port', '4000']);
  await line('started with --port 4000');
  child.kill('SIGINT');
  expect(await exitCode(child)).toBe(7);
  expect(output()).toContain('told to stop');
});

test('the distributed start runs every role on the servers of the environment, and stops the doors first', async () => {
  const { child, output, line } = start('start-distributed.mjs', ['--port', '0', '--colour', 'red']);
  await line('Ready: http://127.0.0.1:');
  for (const role of roles) await line(`${role.padEnd(11)} | --colour red on kafka:9092`);
  child.kill('SIGTERM');
  expect(await exitCode(child)).toBe(0);
  expect(stopped(output())).toEqual([...roles].reverse());
});

test("the demo's crowd comes when bets are taken, gets its own flags and leaves first", async () => {
  const { child, output, line } = start('start-distributed.mjs', [
    '--port',
    '0',
    '--demo',
    '--rate',
    '40',
    '--every=60',
  ]);
  await line('Ready: http://127.0.0.1:');
  for (const role of roles) await line(`${role.padEnd(11)} | --demo on kafka:9092`);
  await expect.poll(output).toMatch(/demo {8}\| crowd at --url http:\/\/127\.0\.0\.1:\d+ --rate=40 --every=60/);
  child.kill('SIGTERM');
  expect(await exitCode(child)).toBe(0);
  expect(stopped(output())).toEqual(['demo', ...[...roles].reverse()]);
});

test('a role that ends is said so and not started again, and the exit code tells', async () => {
  const { child, output, line } = start('start-distributed.mjs', ['--port', '0']);
  await line('Ready: http://127.0.0.1:');
  process.kill(pidOf('odds'), 'SIGKILL');
  await line('odds        | ended (SIGKILL); it is not started again');
  child.kill('SIGTERM');
  expect(await exitCode(child)).toBe(1);
  expect(stopped(output())).toEqual(['bet-api', 'back-office', 'projector', 'engine']);
});

function start(script: string, flags: string[]) {
  const env = {
    ...process.env,
    KAFKA_BROKERS: 'kafka:9092',
    DATABASE_URL: 'postgres://db/x',
    REDIS_URL: 'redis://cache',
  };
  const child = spawn(process.execPath, [join(project, 'infra', script), ...flags], { cwd: project, env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
  const line = (wanted: string) => expect.poll(() => text).toContain(wanted);
  return { child, output: () => text, line };
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'close');
  return child.exitCode;
}

/** The roles in the order in which they were told to stop. */
function stopped(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => (line.endsWith('| told to stop') ? [line.split('|')[0]?.trim() ?? ''] : []));
}

function pidOf(role: string): number {
  const state = JSON.parse(readFileSync(join(project, 'var/distributed.json'), 'utf8')) as {
    roles: { role: string; pid: number }[];
  };
  return state.roles.find((each) => each.role === role)?.pid ?? Number.NaN;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
}

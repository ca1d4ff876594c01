/**
 * The embedded system as a child process for tests in the browser: its own data folder, a free port, stopped and wiped at the end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = 'dist/apps/standalone/src/main.js';
const READY_WITHIN_MS = 300_000;

export interface DemoCast {
  accounts: { accountId: string; token: string }[];
  operators: { user: string; token: string; roles: string[] }[];
}

export interface System {
  readonly url: string;
  demo(): Promise<DemoCast>;
  get(path: string, token?: string): Promise<unknown>;
  post(path: string, body: unknown, token: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** The demo's accounts and operators without its crowd. */
const QUIET = ['--demo', '--no-crowd', '--accounts', '4'];

/** Servers that a test run may have beside it: the system of these tests is the embedded one whatever stands there. */
const OF_THE_DISTRIBUTED = ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL'];

function embeddedEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THE_DISTRIBUTED.includes(name)));
}

/** Starts the system so that every bet on the test's own card is the test's own. */
export async function startSystem(): Promise<System> {
  const data = await mkdtemp(join(tmpdir(), 'mutuel-e2e-'));
  const child = spawn(process.execPath, [PROGRAM, '--port', '0', '--data', data, ...QUIET], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: embeddedEnv(),
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  try {
    const url = await readyUrl(child);
    return {
      url,
      stop,
      demo: () => get<DemoCast>(`${url}/v1/demo`),
      get: (path, token) => get(url + path, token),
      post: (path, body, token) => post(url + path, body, token),
    };
  } catch (failure) {
    await stop();
    throw failure;
  }
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const impatience = setTimeout(() => reject(new Error('The system is not ready in time.')), READY_WITHIN_MS);
    child.once('exit', (code) => reject(new Error(`The system ended with code ${code} while it was starting.`)));
    if (child.stdout === null) throw new Error('The output of the system is not readable.');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /^Mutuel at (\S+)$/u.exec(line)?.[1];
      if (url === undefined) return;
      clearTimeout(impatience);
      resolve(url.replace(/\/$/u, ''));
    });
  });
}

async function get<T>(url: string, token?: string): Promise<T> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return (await answered(await fetch(url, { headers }))) as T;
}

async function post(url: string, body: unknown, token: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return answered(await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function answered(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/**
 * PostgreSQL without a server: PGlite in a thread of its own, reached through a socket by the same adapter as the real one. It
 * holds read models only, so a folder that no longer opens is put aside and built anew from the log; nothing that decides may live here.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { lockFolder } from './folder-lock.js';
import type { PgliteWorkerData, PgliteWorkerMessage } from './pglite-worker.js';

export interface PgliteOptions {
  /** Created if needed; the database keeps to its sub-folder `read-models`. */
  readonly dir: string;
  readonly onWarning: (sentence: string) => void;
  /** The database has died: nothing answers at its address any more. */
  readonly onDeath?: (fault: Error) => void;
}

export interface PgliteServer {
  /** For `openDatabase`, with `max: 1`: all connections share one backend. */
  readonly url: string;
  /** Close the pools first; then this stops the socket server and the database, in that order. */
  stop(): Promise<void>;
}

/** A person with psql beside the pool of the system. */
const MAX_CONNECTIONS = 4;
/** A new folder takes about 5 s to fill, a minute and more on a machine that has other things to do: a good one must not be put aside for that. */
const BOOT_MS = 300_000;
const STOP_MS = 10_000;

export async function startPglite({ dir, onWarning, onDeath }: PgliteOptions): Promise<PgliteServer> {
  // Absolute: in the address of the socket a relative folder would be read as the name of a host.
  const folder = resolve(dir, 'read-models');
  const lock = lockFolder(folder);
  try {
    const place = await listenPlace(folder);
    const data = join(folder, 'pgdata');
    const isNew = !existsSync(data);
    const options = { dir: data, maxConnections: MAX_CONNECTIONS, ...place.listen };
    const worker = await boot(options).catch((error: Error) => {
      if (isNew) throw error;
      const aside = `${data}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
      renameSync(data, aside);
      onWarning(
        `The read models cannot be opened (${error.message}); they are put aside in ${aside} and rebuilt from the log`,
      );
      return boot(options);
    });
    let isOver = false;
    let why = 'its thread ended';
    worker.on('error', (error) => {
      why = error.message;
    });
    worker.once('exit', () => {
      if (isOver) return;
      isOver = true;
      onDeath?.(new Error(`The embedded database has died: ${why}`));
    });
    return {
      url: place.url,
      async stop() {
        const isDead = isOver;
        isOver = true;
        if (!isDead) await stop(worker);
        place.remove();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function boot(options: PgliteWorkerData): Promise<Worker> {
  mkdirSync(options.dir, { recursive: true });
  const worker = new Worker(workerModule(), { workerData: options });
  try {
    const message = await nextMessage(worker, BOOT_MS);
    if (message.state === 'failed') throw new Error(message.reason);
    return worker;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

/** The built thread as it stands; from the sources (tests, development) through the loader that the main thread has, too. */
function workerModule(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./pglite-worker.js', import.meta.url);
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const loader = new URL('./dist/esm/api/index.mjs', tsx);
  const source = new URL('./pglite-worker.ts', import.meta.url);
  const code = `import { register } from '${loader}'; register(); await import('${source}');`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

async function stop(worker: Worker): Promise<void> {
  worker.postMessage('stop');
  await nextMessage(worker, STOP_MS).catch(() => undefined);
  await worker.terminate();
}

function nextMessage(worker: Worker, boundMs: number): Promise<PgliteWorkerMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(() => reject(new Error(`no answer within ${boundMs / 1000} s`))), boundMs);
    const onMessage = (message: PgliteWorkerMessage) => finish(() => resolve(message));
    const onError = (error: Error) => finish(() => reject(error));
    const onExit = (code: number) => finish(() => reject(new Error(`its thread ended with code ${code}`)));
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      settle();
    };
    worker.once('message', onMessage).once('error', onError).once('exit', onExit);
  });
}

interface Place {
  readonly listen: { readonly path: string } | { readonly port: number };
  readonly url: string;
  remove(): void;
}

/** Longer socket paths are refused by some systems. */
const MAX_SOCKET_PATH = 100;

/** A socket file in a folder that only this user can enter, beside the data where the path is short enough; else a loopback port. */
async function listenPlace(dir: string): Promise<Place> {
  if (process.platform === 'win32') {
    const port = await freePort();
    return { listen: { port }, url: `postgres://postgres@127.0.0.1:${port}/postgres`, remove: () => undefined };
  }
  const beside = join(dir, 'socket');
  const file = '.s.PGSQL.5432';
  const folder = join(beside, file).length <= MAX_SOCKET_PATH ? beside : mkdtempSync(join(tmpdir(), 'mutuel-pg-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (folder === beside) remove();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    listen: { path: join(folder, file) },
    url: `postgres://postgres@/postgres?host=${encodeURIComponent(folder)}&port=5432`,
    remove,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

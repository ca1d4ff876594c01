/**
 * The thread of the embedded PostgreSQL: opens the folder, serves the wire protocol on a socket, stops when told. It runs in a
 * worker so that its long computations never hold up a bet. It must import nothing of this project: it is started as it stands.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

/** What the thread is given and what it answers with. */
export interface PgliteWorkerData {
  readonly dir: string;
  /** A socket file, or a loopback port where there are none. */
  readonly path?: string;
  readonly port?: number;
  readonly maxConnections: number;
}
export type PgliteWorkerMessage =
  | { readonly state: 'ready' | 'stopped' }
  | { readonly state: 'failed'; readonly reason: string };

const port = parentPort;
if (!port) throw new Error('pglite-worker is a thread of the embedded database');
const answer = (message: PgliteWorkerMessage): void => port.postMessage(message);
const { dir, ...listen } = workerData as PgliteWorkerData;

try {
  const db = await PGlite.create({ dataDir: dir });
  const server = new PGLiteSocketServer({ db, host: '127.0.0.1', ...listen });
  await server.start();
  port.once('message', async () => {
    await server.stop();
    await db.close();
    answer({ state: 'stopped' });
    port.close();
  });
  answer({ state: 'ready' });
} catch (error) {
  answer({ state: 'failed', reason: error instanceof Error ? error.message : String(error) });
  port.close();
}

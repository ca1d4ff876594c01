/** Redis from the distribution's package, in memory only: it carries hot odds that can always be made again, so nothing is saved. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ask, findProgram, InfraError, untilReady } from './process.mjs';

/** Starts the server on `port`; the answer is its address. */
export async function startRedis({ folder, port, start }) {
  const command = findProgram('redis-server');
  if (command === null)
    throw new InfraError('Redis is missing: install the package "redis-server" (or run `npm run provision`).');
  mkdirSync(folder, { recursive: true });
  const server = start({
    name: 'redis',
    command,
    args: [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
      '--daemonize',
      'no',
    ],
    logFile: join(folder, 'server.log'),
    port,
  });
  await untilReady(server, async () => String((await ask(port, 'PING\r\n')) ?? '').startsWith('+PONG'));
  return `redis://127.0.0.1:${port}`;
}

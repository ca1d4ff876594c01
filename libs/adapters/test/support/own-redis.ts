/** A Redis of the test's own, which it may stop and let go on; it ends with the test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { freePort } from '../../../../infra/native/index.mjs';

export async function ownRedis({
  port: wanted,
  password,
}: {
  readonly port?: number;
  readonly password?: string;
} = {}) {
  const port = wanted ?? (await freePort());
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  if (password !== undefined) settings.push('--requirepass', password);
  const server = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    const exit = once(server, 'exit');
    server.kill('SIGKILL');
    await exit;
  });
  for await (const line of server.stdout) if (String(line).includes('Ready to accept connections')) break;
  return {
    url: `redis://127.0.0.1:${port}`,
    standStill: () => server.kill('SIGSTOP'),
    goOn: () => server.kill('SIGCONT'),
  };
}

/** A process that is told to stop before it has started: it obeys in time, with code 0, and nobody is sent to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const OF_THE_DISTRIBUTED = { KAFKA_BROKERS: '', DATABASE_URL: '', REDIS_URL: '' };
const data = mkdtempSync(join(tmpdir(), 'mutuel-run-'));
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(data, { recursive: true, force: true });
});

function start(role: string, env: Readonly<Record<string, string>>) {
  const args = [`dist/apps/${role}/src/main.js`, '--port', '0', '--data', data];
  const child = spawn(process.execPath, args, { env: { ...process.env, ...OF_THE_DISTRIBUTED, ...env } });
  started.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      text += part.toString('utf8');
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, said: () => text };
}

it('ends once it has started, and does not say where it is', async () => {
  const { child, ended, said } = start('standalone', {});
  await expect.poll(said).toContain("bets are as safe as one machine's disk");
  child.kill('SIGTERM');
  expect([await ended, said()]).toEqual([0, expect.stringContaining('Told to stop: it ends once it has started')]);
  expect(said()).not.toMatch(/Mutuel at|crowd/);
});

it('ends in the middle of a start that does not come to an end', async () => {
  // Whoever listens here never answers, which a start gives half a minute.
  let connected: () => void = () => undefined;
  const isLookedFor = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const silent = createServer(() => connected());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()));
  const { port } = silent.address() as AddressInfo;
  const { child, ended, said } = start('engine', {
    KAFKA_BROKERS: `127.0.0.1:${port}`,
    DATABASE_URL: 'postgres://u@h/d',
    REDIS_URL: 'redis://h',
  });
  await isLookedFor;
  child.kill('SIGTERM');
  expect([await ended, said()]).toEqual([0, expect.stringContaining('Not stopped after 10 s: the start still runs')]);
  silent.close();
});

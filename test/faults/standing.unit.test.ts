/** A server that stands still: its children with it, and none of them is left standing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { standStill } from './standing.js';

let parent: ChildProcess | undefined;
let children: number[] = [];
afterEach(() => {
  parent?.kill('SIGKILL');
  for (const child of children)
    try {
      process.kill(child, 'SIGKILL');
    } catch {
      // It has ended in the test.
    }
});

/** A process with two children. */
async function family(): Promise<number> {
  parent = spawn('sh', ['-c', 'sleep 600 & echo $!; sleep 600 & echo $!; wait'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  parent.stdout?.on('data', (part) => {
    said += String(part);
  });
  await expect.poll(() => said.trim().split('\n').length).toBe(2);
  children = said.trim().split('\n').map(Number);
  return parent.pid ?? 0;
}

const stateOf = (pid: number): string | undefined =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.slice(0, 1);

test('its children stand still with it, and all go on together', async () => {
  const pid = await family();
  const wake = await standStill(pid);
  await expect.poll(() => [pid, ...children].map(stateOf)).toEqual(['T', 'T', 'T']);
  wake();
  await expect.poll(() => [pid, ...children].map(stateOf)).toEqual(['S', 'S', 'S']);
});

test('a child that ends while it stands keeps none of the others standing', async () => {
  const pid = await family();
  const wake = await standStill(pid);
  process.kill(children[1] ?? 0, 'SIGKILL');
  wake();
  await expect.poll(() => [pid, children[0] ?? 0].map(stateOf)).toEqual(['S', 'S']);
});

test('a process that is gone is told', async () => {
  const pid = await family();
  const gone = new Promise((resolve) => parent?.once('exit', resolve));
  process.kill(pid, 'SIGKILL');
  await gone;
  await expect(standStill(pid)).rejects.toThrow(/ESRCH/);
});

/**
 * The embedded system on a disk that fills up while it sells. On a small file system of its own where this user may mount one; else
 * with a reserve as large as what is free, so that one file is enough to reach it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '#mutuel/adapters';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs } from '../trust/log-checker.js';
import { castOf, Officials } from '../trust/officials.js';
import { readLogFolder } from '../trust/read-log.js';
import { QUIET, RunningSystem } from '../trust/running-system.js';

const DISK_MB = 400;
const RESERVE_MB = 100;
const RATE = 100;
const SEED = 5;

let folder: string;
let isMounted = false;
let system: RunningSystem | undefined;
const ballast = (): string => join(folder, 'ballast');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mutuel-disk-'));
  isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', folder]).status === 0;
});
afterAll(async () => {
  await system?.kill();
  if (isMounted) spawnSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true });
});

it('refuses bets while the disk is full, says so, loses nothing and sells again when there is room', async () => {
  const reserve = isMounted ? RESERVE_MB : freeMb() - DISK_MB;
  const data = join(folder, 'data');
  const args = ['--port', '0', '--data', data, '--accounts', '10', '--reserve-mb', String(reserve), ...QUIET];
  system = await RunningSystem.start({ args });
  const { url } = system;
  const cast = await castOf(url);
  const officials = new Officials(url, cast.operators);
  const races = await officials.openMeeting('full-disk');
  const client = new JournalClient(cast.accounts, seededRandom(SEED));
  const stop = new AbortController();
  const selling = client.sell(url, races, RATE, stop.signal);
  await expect.poll(() => client.count(201)).toBeGreaterThan(20);

  writeFileSync(ballast(), Buffer.alloc(Math.max(1, freeMb() - reserve + 5) * 1_000_000));
  await expect.poll(() => client.count(503)).toBeGreaterThan(20);
  const ready = await fetch(`${url}/health/ready`);
  expect(ready.status).toBe(503);
  expect(((await ready.json()) as { reasons: string[] }).reasons.join(' ')).toMatch(
    /log: the disk of .* is full: \d+ MB are free, \d+ MB are kept in reserve/,
  );
  expect(system.said).toMatch(/The log refuses appends: the disk of .* is full/);

  const before = client.count(201);
  rmSync(ballast());
  await expect.poll(() => client.count(201)).toBeGreaterThan(before + 20);
  await expect.poll(async () => (await fetch(`${url}/health/ready`)).status).toBe(200);
  expect(system.said).toContain('The log takes appends again');
  stop.abort();
  await selling;
  await client.resolve(url);
  for (const race of races) expect(await officials.bringHome(race)).toBe(true);
  await officials.close();
  expect(await system.stop()).toBe(0);

  const { shards, market } = await readLogFolder(data);
  expect(checkLogs(shards, market, client.journal).findings).toEqual([]);
  expect(client.contradictions).toEqual([]);
});

function freeMb(): number {
  const { bavail, bsize } = statfsSync(folder);
  return Math.floor((bavail * bsize) / 1_000_000);
}

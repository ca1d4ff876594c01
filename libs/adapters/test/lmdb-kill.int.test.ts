/** The embedded log's process is killed at moments drawn from a seed, again and again: its next life finds all it acknowledged. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openLmdbLog, seededRandom } from '#mutuel/adapters';
import { textsOf } from './support/log-helpers.js';

const script = fileURLToPath(new URL('./support/append-until-killed.ts', import.meta.url));
const LIVES = 4;

/** Resolves to the lines of acknowledged records that left the process whole. */
function liveAndDie(dir: string, life: number, linesBeforeDeath: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--conditions=src', '--import', 'tsx', script, dir, String(life)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
    if (out.split('\n').length > linesBeforeDeath) child.kill('SIGKILL');
  });
  return new Promise((resolve) => {
    child.on('close', () => resolve(out.split('\n').slice(0, -1)));
  });
}

it('keeps every acknowledged record over kill -9, and the next process takes the folder over', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mutuel-kill-'));
  const random = seededRandom(11);
  const acknowledged: string[] = [];
  for (let life = 0; life < LIVES; life++) {
    const lines = await liveAndDie(dir, life, 50 + Math.floor(random() * 500));
    expect(lines.length).toBeGreaterThan(49);
    acknowledged.push(...lines);
  }
  const log = await openLmdbLog({ dir, topics: { bets: 1 }, clock: Date, onWarning: () => undefined });
  const { end } = await log.bounds({ topic: 'bets', partition: 0 });
  const texts = textsOf(await log.read({ topic: 'bets', partition: 0, from: 0 }, end));
  for (const line of acknowledged) {
    const [base = '', text] = line.split(' ');
    expect(texts[Number(base)]).toBe(text);
  }
  await log.close();
  rmSync(dir, { recursive: true });
});

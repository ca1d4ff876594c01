/**
 * The embedded system for half an hour at a thousand bets a second while races open, close and are paid: what its memory does. The
 * young generation is as `npm start` gives it. What has to grow is told beside it: the log on disk grows with every bet, and a reference
 * is remembered for a day.
 *
 *   npm run build && npm run bench -- soak [--rate=1000] [--minutes=30] [--every=60] [--accounts=10000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFlags } from '../infra/workspace.mjs';
import { generate } from '../loadtests/generator.js';
import { Slopes } from '../loadtests/slopes.js';
import { above0, script, wholeFrom } from '../test/flags.js';
import { untilSelling } from '../test/trust/officials.js';
import { RunningSystem } from '../test/trust/running-system.js';

interface Flags {
  readonly small: boolean;
  readonly rate?: number;
  readonly minutes?: number;
  readonly every: number;
  readonly accounts?: number;
}

const values = script('npm run bench -- soak', 'What the memory of the embedded system does in half an hour.')
  .option('--small', 'that it runs, not what memory does', false)
  .option('--rate <n>', 'bets a second (default: 1000, 20 of --small)', above0)
  .option('--minutes <n>', 'how long (default: 30, 0.1 of --small)', above0)
  .option('--every <seconds>', 'between races', above0, 60)
  .option('--accounts <n>', 'that bet (default: 10000, 100 of --small)', wholeFrom(1))
  .parse()
  .opts<Flags>();
const { small, every, rate = small ? 20 : 1_000, minutes = small ? 0.1 : 30, accounts = small ? 100 : 10_000 } = values;
const WARM_SECONDS = small ? 1 : 60;

const folder = mkdtempSync(join(tmpdir(), 'mutuel-soak-'));
const system = await RunningSystem.start({
  args: ['--port', '0', '--data', folder, '--rate', '1', '--every', `${every}`, '--accounts', `${accounts}`],
  nodeFlags,
});
try {
  await untilSelling(system.url);
  await load(WARM_SECONDS);
  const slopes = new Slopes([
    { name: 'embedded', pid: system.pid, metrics: async () => (await fetch(`${system.url}/metrics`)).text() },
  ]);
  console.log(await load(minutes * 60));
  console.log(slopes.end());
  await system.stop();
} finally {
  await system.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function load(seconds: number): Promise<string> {
  const flags = ['--url', system.url, '--rate', `${rate}`, '--seconds', `${seconds}`, '--warmup', '0'];
  return (await generate(flags)).trim();
}

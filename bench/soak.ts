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
import { parseArgs } from 'node:util';
import { nodeFlags } from '../infra/workspace.mjs';
import { generate } from '../loadtests/generator.js';
import { Slopes } from '../loadtests/slopes.js';
import { untilSelling } from '../test/trust/officials.js';
import { RunningSystem } from '../test/trust/running-system.js';

const small = process.argv.includes('--small');
const { values } = parseArgs({
  options: {
    small: { type: 'boolean' },
    rate: { type: 'string', default: small ? '20' : '1000' },
    minutes: { type: 'string', default: small ? '0.1' : '30' },
    every: { type: 'string', default: '60' },
    accounts: { type: 'string', default: small ? '100' : '10000' },
  },
});
const WARM_SECONDS = small ? '1' : '60';

const folder = mkdtempSync(join(tmpdir(), 'mutuel-soak-'));
const system = await RunningSystem.start({
  args: ['--port', '0', '--data', folder, '--rate', '1', '--every', values.every, '--accounts', values.accounts],
  nodeFlags,
});
try {
  await untilSelling(system.url);
  await load(WARM_SECONDS);
  const slopes = new Slopes([
    { name: 'embedded', pid: system.pid, metrics: async () => (await fetch(`${system.url}/metrics`)).text() },
  ]);
  console.log(await load(String(Number(values.minutes) * 60)));
  console.log(slopes.end());
  await system.stop();
} finally {
  await system.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function load(seconds: string): Promise<string> {
  const flags = ['--url', system.url, '--rate', values.rate, '--seconds', seconds, '--warmup', '0'];
  return (await generate(flags)).trim();
}

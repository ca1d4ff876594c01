/**
 * What traces cost: two embedded systems side by side, one without a collector and one that samples one bet in a hundred, loaded in
 * turns. Each turn gives processor time for a bet; the ratio of neighbours is judged, since both had the same machine that second.
 *
 *   npm run build && npm run bench -- tracing [--rate=600] [--seconds=4] [--turns=8] [--ratio=0.01]
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startOtlpReceiver } from '../test/infra/otlp-receiver.js';
import { RunningSystem } from '../test/trust/running-system.js';
import { processorSeconds } from './support/processor-time.js';

const small = process.argv.includes('--small');
const { values } = parseArgs({
  options: {
    small: { type: 'boolean' },
    rate: { type: 'string', default: small ? '50' : '600' },
    seconds: { type: 'string', default: small ? '1' : '4' },
    turns: { type: 'string', default: small ? '1' : '8' },
    ratio: { type: 'string', default: '0.01' },
  },
});
const WARM_SECONDS = small ? '1' : '6';

const collector = await startOtlpReceiver();
const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'mutuel-tracing-')));
const start = (folder: string, env: Record<string, string>): Promise<RunningSystem> =>
  RunningSystem.start({ args: ['--port', '0', '--data', folder, '--rate', '0.01', '--every', '3600'], env });
const plain = await start(String(folders[0]), {});
const traced = await start(String(folders[1]), {
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
  OTEL_TRACES_SAMPLER_ARG: values.ratio,
});
const both = [plain, traced] as const;
for (const system of both) await load(system, WARM_SECONDS);
const ratios: number[] = [];
const costs: [number, number] = [0, 0];
for (let turn = 0; turn < Number(values.turns); turn++) {
  const first = turn % 2;
  const cost: [number, number] = [0, 0];
  for (const i of [first, 1 - first] as const) cost[i as 0 | 1] = await perBet(both[i as 0 | 1]);
  costs[0] += cost[0];
  costs[1] += cost[1];
  ratios.push(cost[1] / cost[0]);
}
ratios.sort((a, b) => a - b);
const turns = ratios.length;
const percent = (ratio: number): string => `${((ratio - 1) * 100).toFixed(1)} %`;
console.log(
  `ms of processor time a bet: ${((costs[0] * 1e3) / turns).toFixed(3)} without, ${((costs[1] * 1e3) / turns).toFixed(3)} traced at ${values.ratio}; ` +
    `the ratio of neighbours: median ${percent(ratios[Math.floor(turns / 2)] as number)} (${percent(ratios[0] as number)} to ${percent(ratios.at(-1) as number)}), ` +
    `${collector.spans.length} spans received`,
);
await Promise.all(both.map((system) => system.stop()));
await collector.close();
for (const folder of folders) rmSync(folder, { recursive: true, force: true });

async function perBet(system: RunningSystem): Promise<number> {
  const before = processorSeconds(system.pid);
  const accepted = await load(system, values.seconds);
  return (processorSeconds(system.pid) - before) / accepted;
}

/** Resolves to the bets accepted. */
function load({ url }: RunningSystem, seconds: string): Promise<number> {
  const flags = ['--url', url, '--rate', values.rate, '--seconds', seconds, '--warmup', '0', '--json'];
  const args = ['--conditions=src', '--import', 'tsx', 'loadtests/light.ts', ...flags];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, (fault, out) =>
      fault ? reject(fault) : resolve((JSON.parse(out) as { accepted: number }).accepted),
    );
  });
}

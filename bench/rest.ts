/**
 * Accepted bets a second over REST, one ticket of one win bet a request, generator and system on one machine: the embedded system
 * (flushed to disk before every answer) beside the same route with a constant answer, at rising rates in one run; and latencies at
 * 2,000/s. With DISTRIBUTED_URL it measures a running distributed system in their place.
 *
 * `npm run bench -- rest [--seconds=8] [--small]`, after a build.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFlags } from '../infra/workspace.mjs';
import { generate } from '../loadtests/generator.js';
import { QUIET, RunningSystem } from '../test/trust/running-system.js';
import { House } from './support/house.js';

interface Report {
  readonly acceptedPerSecond: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

const small = process.argv.includes('--small');
const seconds = Number(process.argv.find((word) => word.startsWith('--seconds='))?.slice(10) ?? (small ? 2 : 8));
const WARMUP_S = small ? 1 : 4;
const RATES = small ? [500] : [1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 6_000];
const FROM_SOURCES = ['--conditions=src', '--import', 'tsx'];
/** Below this part of what was offered, more is not to be had. */
const KEPT_UP = 0.97;
const PROMPT_MS = 50;

const url = process.env['DISTRIBUTED_URL'];
if (url !== undefined) await openCard(url).then(() => climb('distributed', url));
else {
  const echo = await climbEcho();
  const embedded = await climbEmbedded();
  console.log(`top: constant answer ${echo}/s, embedded ${embedded}/s, ratio ${(embedded / echo).toFixed(2)}`);
}

async function climbEcho(): Promise<number> {
  const system = await RunningSystem.start({ program: 'bench/support/echo.ts', nodeFlags: FROM_SOURCES, args: [] });
  const top = await climb('constant answer', system.url, system.pid);
  await system.kill();
  return top;
}

async function climbEmbedded(): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'mutuel-bench-'));
  const system = await RunningSystem.start({
    args: ['--port', '0', '--data', data, '--accounts', '1000', ...QUIET],
    nodeFlags,
  });
  await openCard(system.url);
  const top = await climb('embedded', system.url, system.pid);
  await system.stop();
  rmSync(data, { recursive: true, force: true });
  return top;
}

/** Rising rates until it no longer keeps up; resolves to the most that was accepted in a second. */
async function climb(name: string, at: string, pid = 0): Promise<number> {
  let top = 0;
  let promptRate = 0;
  for (const rate of RATES) {
    const before = cpuMs(pid);
    const { acceptedPerSecond, byStatus, p50, p99, p999 } = await offered(at, rate);
    top = Math.max(top, acceptedPerSecond);
    const cpu =
      pid === 0
        ? ''
        : `; ${((cpuMs(pid) - before) / (rate * (seconds + WARMUP_S))).toFixed(3)} ms of processor a request`;
    const answers = Object.entries(byStatus).map(([status, count]) => `${status}: ${count}`);
    console.log(
      `${name}, ${rate}/s offered: ${acceptedPerSecond}/s accepted; p50 ${p50} ms, p99 ${p99} ms, p99.9 ${p999} ms (${answers.join(', ')})${cpu}`,
    );
    if (p99 <= PROMPT_MS && acceptedPerSecond >= rate * KEPT_UP) promptRate = rate;
    if (acceptedPerSecond < rate * KEPT_UP) break;
  }
  console.log(`${name}: ${promptRate}/s is the highest of these rates at which p99 stays at or below ${PROMPT_MS} ms`);
  return top;
}

/** Processor time of a process so far, all threads, from the kernel's own count of hundredths of a second. */
function cpuMs(pid: number): number {
  if (pid === 0) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function offered(at: string, rate: number): Promise<Report> {
  const wanted = ['--rate', String(rate), '--seconds', String(seconds), '--warmup', String(WARMUP_S)];
  return JSON.parse(await generate(['--url', at, ...wanted, '--json'])) as Report;
}

/** Four races on sale, an hour before their off. */
async function openCard(at: string): Promise<void> {
  const house = await House.enter(at);
  const meetingId = `bench-${Date.now().toString(36)}`;
  const races = [1, 2, 3, 4].map((number) => ({
    raceId: `${meetingId}-C${number}`,
    number,
    name: `Race ${number}`,
    postTime: new Date(Date.now() + 3_600_000).toISOString(),
    runners: Array.from({ length: 12 }, (_, i) => ({ number: String(i + 1), name: `Runner ${i + 1}` })),
    pools: [{ type: 'WIN', ruleSet: 'FR' }],
  }));
  const date = new Date().toISOString().slice(0, 10);
  await house.publish({ meetingId, course: 'Bench', date, country: 'FR', currency: 'EUR', exponent: 2, races });
  for (const { raceId } of races) await house.open(raceId);
  await house.client.close();
}

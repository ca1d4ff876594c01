/**
 * Seeds over several processes; each seed runs in one of them, alone and from its own number. The processes run one file that is made
 * of all sources at the start: they start in a fraction of the time that every module by itself takes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Job, Ran } from './worker.js';

type Sent = Omit<Ran, 'hits'> & { readonly hits: readonly (readonly [string, number])[] };

/**
 * A young generation that the decisions of a moment fit into; and no threads beside the one that simulates: every core has a process of
 * its own, and compiling and collecting in others cost 6 to 11 % more than in that one.
 */
const NODE_FLAGS = ['--max-semi-space-size=32', '--single-threaded'];
const CACHE = join(import.meta.dirname, '../../node_modules/.cache');

/** Runs the jobs in any order and hands over each outcome; ends early once `isEnough` says so. */
export async function runAll(
  jobs: readonly Job[],
  processes: number,
  onOutcome: (outcome: Ran) => void,
  isEnough: () => boolean,
): Promise<void> {
  const [only] = jobs;
  if (only && jobs.length === 1) {
    const { runJob } = await import('./worker.js');
    return onOutcome(await runJob(only));
  }
  mkdirSync(CACHE, { recursive: true });
  const folder = realpathSync(mkdtempSync(join(CACHE, 'simulation-')));
  try {
    const file = await bundled(folder);
    const left = [...jobs];
    const many = Math.min(processes, jobs.length);
    await Promise.all(Array.from({ length: many }, () => work(file, left, onOutcome, isEnough)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bundled(folder: string): Promise<string> {
  const outfile = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    ...{ outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external' },
    ...{ conditions: ['src'], logLevel: 'warning' },
  });
  return outfile;
}

async function work(
  file: string,
  left: Job[],
  onOutcome: (outcome: Ran) => void,
  isEnough: () => boolean,
): Promise<void> {
  const profiled = process.execArgv.filter((flag) => flag.startsWith('--cpu-prof'));
  const child = fork(file, { execArgv: [...NODE_FLAGS, ...profiled] });
  try {
    for (let job = left.shift(); job && !isEnough(); job = left.shift()) onOutcome(await answerOf(child, job));
  } finally {
    if (child.connected) child.disconnect();
  }
}

function answerOf(child: ChildProcess, job: Job): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`the process that ran seed ${job.seed} ended`));
    child.once('exit', ended);
    child.once('message', (sent: Sent) => {
      child.off('exit', ended);
      resolve({ ...sent, hits: new Map(sent.hits) });
    });
    child.send(job);
  });
}

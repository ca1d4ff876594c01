/** Seeds over several processes; each seed runs in one of them, alone and from its own number. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Outcome } from './run.js';
import { type Job, runJob } from './worker.js';

type Sent = Omit<Outcome, 'hits'> & { readonly hits: readonly (readonly [string, number])[] };

/** Runs the jobs in any order and hands over each outcome; ends early once `isEnough` says so. */
export async function runAll(
  jobs: readonly Job[],
  processes: number,
  onOutcome: (outcome: Outcome) => void,
  isEnough: () => boolean,
): Promise<void> {
  const left = [...jobs];
  if (processes === 1 || jobs.length === 1) {
    for (let job = left.shift(); job && !isEnough(); job = left.shift()) onOutcome(await runJob(job));
    return;
  }
  await Promise.all(Array.from({ length: Math.min(processes, jobs.length) }, () => work(left, onOutcome, isEnough)));
}

async function work(left: Job[], onOutcome: (outcome: Outcome) => void, isEnough: () => boolean): Promise<void> {
  const child = fork(join(import.meta.dirname, 'worker.ts'));
  try {
    for (let job = left.shift(); job && !isEnough(); job = left.shift()) onOutcome(await answerOf(child, job));
  } finally {
    child.kill();
  }
}

function answerOf(child: ChildProcess, job: Job): Promise<Outcome> {
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

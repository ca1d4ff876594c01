/** Runs the seeds it is sent, one at a time, and sends back what came of each; one of several, so that every core has work. */
import type { PlanChanges } from './plan.js';
import { planOf } from './plan.js';
import { type Outcome, runSeed } from './run.js';

export interface Job {
  readonly seed: number;
  readonly commands: number;
  readonly without: readonly string[];
  readonly races: number | undefined;
}

const changesOf = ({ without, races }: Pick<Job, 'without' | 'races'>): PlanChanges => ({
  without: new Set(without),
  ...(races === undefined ? {} : { races }),
});

/** What came of a seed, and what it cost: processor time of all threads, the one thing here that the seed does not decide. */
export type Ran = Outcome & { readonly processorMs: number };

export async function runJob(job: Job): Promise<Ran> {
  const before = process.cpuUsage();
  const outcome = await runSeed(planOf(job.seed, job.commands, changesOf(job)));
  const { user, system } = process.cpuUsage(before);
  return { ...outcome, processorMs: (user + system) / 1_000 };
}

// Whoever imports this file for its shapes is no worker.
if (process.argv[1] === import.meta.filename) {
  // A refusal is an error, and there are thousands; the stack of a crash is there when its seed runs again, alone.
  Error.stackTraceLimit = 0;
  process.on('disconnect', () => process.exit());
  process.on('message', (job: Job) => {
    void runJob(job).then(({ hits, ...rest }) => process.send?.({ ...rest, hits: [...hits] }));
  });
}

/**
 * One run of the simulator over many seeds: progress while it lasts, each failure with what replays it, the shrunk first one where
 * that is wanted, and the verdict. It must say of every red seed enough to see it again, and never call a run green that was not.
 */
import { Coverage } from './coverage.js';
import { minimise } from './minimise.js';
import type { Plan, PlanChanges } from './plan.js';
import type { Failure, Outcome } from './run.js';
import type { Job, Ran } from './worker.js';

export interface Wish {
  readonly first: number;
  readonly count: number;
  /** Of each seed. */
  readonly commands: number;
  /** Left out of every seed. */
  readonly changes: PlanChanges;
  /** A run with more failures than this has said enough. */
  readonly maxFailures: number;
  /** No seed is begun after so many minutes; the verdict says how many were not. */
  readonly minutes?: number | undefined;
  readonly showsCoverage: boolean;
  /** Runs that name the same file count their coverage together. */
  readonly coverageFile?: string | undefined;
  readonly minimises: boolean;
}

/** What it runs with. */
export interface Means {
  readonly say: (text: string) => void;
  readonly commit: () => string;
  /** Runs the jobs in any order and hands over each outcome; ends early once the last says so. */
  readonly runAll: (jobs: readonly Job[], onOutcome: (outcome: Ran) => void, isEnough: () => boolean) => Promise<void>;
  /** One plan, for shrinking. */
  readonly run: (plan: Plan) => Promise<Outcome>;
}

const REPORT_EVERY_MS = 5_000;

/** True when seeds were run, none failed and, over enough seeds, every fault met every state. */
export async function simulate(wish: Wish, means: Means): Promise<boolean> {
  const { first, count, commands, changes, coverageFile: file } = wish;
  const { say } = means;
  const coverage = new Coverage();
  if (file !== undefined) coverage.load(file);
  const failures: Ran[] = [];
  const tally = new Tally(count);
  say(`Seeds ${first} to ${first + count - 1}, ${commands} commands each`);
  const add = (outcome: Ran): void => {
    coverage.add(outcome.hits);
    if (file !== undefined) coverage.save(file);
    tally.add(outcome);
    if (outcome.failure) {
      failures.push(outcome);
      say(reportOf(outcome.failure, flagsOf(outcome.seed, commands, changes), means.commit()));
    }
    const progress = tally.progress();
    if (progress !== undefined) say(progress);
  };
  const { without = new Set<string>(), races } = changes;
  const jobs = Array.from({ length: count }, (_, i) => ({ seed: first + i, commands, without: [...without], races }));
  const isOver = (): boolean => wish.minutes !== undefined && tally.minutes >= wish.minutes;
  await means.runAll(jobs, add, () => failures.length >= wish.maxFailures || isOver());
  if (wish.showsCoverage) say(coverage.table());
  if (!coverage.isEnough) say(`Never met in ${coverage.seeds} seeds: ${coverage.missing.join(', ')}`);
  if (isOver() && tally.left > 0)
    say(`The ${wish.minutes} minutes are over: ${tally.left} of ${count} seeds were not begun`);
  say(tally.summary());
  const [worst] = failures;
  if (worst?.failure && wish.minimises) await shrink(worst.seed, worst.failure, wish, means);
  return failures.length === 0 && coverage.isEnough && tally.left < count;
}

async function shrink(seed: number, { rule }: Failure, { commands, changes }: Wish, means: Means): Promise<void> {
  const { say, run, commit } = means;
  const least = await minimise({ seed, commands, changes, rule, run, say: (line) => say(`  ${line}`) });
  const flags = flagsOf(seed, least.commands, least.changes);
  if (least.outcome.failure) say(reportOf(least.outcome.failure, flags, commit()));
  say(`The least that fails: npm run simulate -- ${flags}`);
}

const flagsOf = (seed: number, commands: number, { races, without }: PlanChanges): string =>
  [
    `--seed ${seed} --commands ${commands}`,
    ...(races === undefined ? [] : [`--races ${races}`]),
    ...(without && without.size > 0 ? [`--without ${[...without].join(',')}`] : []),
  ].join(' ');

function reportOf({ message, step, simulatedMs, strikes, log }: Failure, flags: string, commit: string): string {
  const [, seed] = flags.split(' ');
  return [
    `\nFAILED seed ${seed} at step ${step} (${(simulatedMs / 1_000).toFixed(3)} s of simulated time), commit ${commit}`,
    `  ${message}`,
    ...['  What struck and what alarmed last:', ...strikes.map((line) => `    ${line}`)],
    ...['  The log before it:', ...log.map((line) => `    ${line}`)],
    `  Again: npm run simulate -- ${flags}\n`,
  ].join('\n');
}

type Summed = 'decisions' | 'commands' | 'accepted' | 'settled' | 'ticks' | 'dropped' | 'simulatedMs' | 'processorMs';

/** What the seeds did in all, and how fast. */
class Tally {
  readonly #began = performance.now();
  #told = this.#began;
  #seeds = 0;
  #failed = 0;
  readonly #sum = {
    decisions: 0,
    commands: 0,
    accepted: 0,
    settled: 0,
    ticks: 0,
    dropped: 0,
    simulatedMs: 0,
    processorMs: 0,
  };

  constructor(private readonly count: number) {}

  get left(): number {
    return this.count - this.#seeds;
  }

  get minutes(): number {
    return (performance.now() - this.#began) / 60_000;
  }

  add(outcome: Ran): void {
    this.#seeds++;
    if (outcome.failure) this.#failed++;
    for (const name of Object.keys(this.#sum) as Summed[]) this.#sum[name] += outcome[name];
  }

  /** A line now and then. */
  progress(): string | undefined {
    const now = performance.now();
    if (now - this.#told < REPORT_EVERY_MS) return undefined;
    this.#told = now;
    const seconds = (now - this.#began) / 1_000;
    const left = Math.round((this.left * seconds) / this.#seeds);
    const rate = Math.round(this.#sum.decisions / seconds);
    return `${this.#seeds} of ${this.count} seeds, ${this.#failed} failed, ${rate} commands decided/s, ${left} s left`;
  }

  summary(): string {
    const { decisions, commands, accepted, settled, ticks, dropped, simulatedMs, processorMs } = this.#sum;
    const seconds = (performance.now() - this.#began) / 1_000;
    return (
      `${this.#seeds} seeds in ${seconds.toFixed(1)} s, ${this.#failed} failed: ${decisions} commands decided ` +
      `(${Math.round(decisions / seconds)}/s, ${Math.round((1_000 * decisions) / processorMs)} a second of processor time), ` +
      `${commands} asked for by people, ${accepted} tickets acknowledged, ${settled} races settled, ${ticks} odds ticks, ` +
      `${dropped} records dropped, ${(simulatedMs / 3_600_000).toFixed(1)} h simulated`
    );
  }
}

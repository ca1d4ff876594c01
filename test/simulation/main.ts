/**
 * `npm run simulate`: seeds through the simulator, one after the other, with progress. A failure prints seed, commit, step, what struck,
 * the log before it and the one command that replays it; the exit code is 1.
 *
 *   npm run simulate -- [--seeds N] [--commands M] [--seed S] …     (--help lists all)
 *
 * Without --seed the seeds are others each time; they are printed. Runs that name the same file count their coverage together: a
 * thousand seeds need not be one run.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import { script, wholeFrom } from '../flags.js';
import { FAULTS, FEATURES } from './plan.js';
import { runAll } from './pool.js';
import { simulate } from './simulate.js';

const MAX_SEED = 1_000_000_000;

interface Flags {
  readonly seeds?: number;
  readonly seed?: number;
  readonly commands: number;
  readonly without: ReadonlySet<string>;
  readonly races?: number;
  readonly jobs: number;
  readonly minutes?: number;
  readonly stopAt: number;
  readonly coverage: boolean;
  readonly coverageFile?: string;
  readonly minimise: boolean;
}

const values = script('npm run simulate --', 'Seeds through the simulator, one after the other, with progress.')
  .option('--seeds <n>', 'how many (default: 50, 1 with --seed)', wholeFrom(1))
  .option('--seed <n>', 'the first (default: another each time)', wholeFrom(1))
  .option('--commands <n>', 'of each seed', wholeFrom(1), 2_000)
  .addOption(
    new Option('--without <a,b>', 'faults and features to leave out').argParser(leftOut).default(new Set(), 'none'),
  )
  .option('--races <n>', 'in the day, at most', wholeFrom(1))
  .option('--jobs <n>', 'processes', wholeFrom(1), availableParallelism())
  .option('--minutes <n>', 'after which no seed is begun', wholeFrom(1))
  .option('--stop-at <n>', 'failures that are enough', wholeFrom(1), 5)
  .option('--coverage', 'which fault met which state of a race', false)
  .option('--coverage-file <file>', 'in which runs that name it count together')
  .option('--minimise', 'shrink the first failure', false)
  .parse()
  .opts<Flags>();
const { commands, races, minutes, without, stopAt: maxFailures } = values;
const first = values.seed ?? randomInt(1, MAX_SEED);
const count = values.seeds ?? (values.seed === undefined ? 50 : 1);

const isGreen = await simulate(
  {
    ...{
      first,
      count,
      commands,
      maxFailures,
      minutes,
      changes: { without, ...(races === undefined ? {} : { races }) },
    },
    ...{ showsCoverage: values.coverage, coverageFile: values.coverageFile, minimises: values.minimise },
  },
  {
    ...{ say: (text) => console.log(text), commit },
    // The workers have the system in a file of their own: it is loaded here where a seed has to be shrunk.
    run: async (plan) => (await import('./run.js')).runSeed(plan),
    runAll: (jobs, onOutcome, isEnough) => runAll(jobs, values.jobs, onOutcome, isEnough),
  },
);
process.exit(isGreen ? 0 : 1);

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

function leftOut(text: string): ReadonlySet<string> {
  const all: readonly string[] = [...FAULTS, ...FEATURES];
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !all.includes(name));
  if (unknown === undefined) return new Set(names);
  throw new InvalidArgumentError(`"${unknown}" is neither a fault nor a feature; there are ${all.join(', ')}.`);
}

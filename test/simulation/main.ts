/**
 * `npm run simulate`: seeds through the simulator, one after the other, with progress. A failure prints seed, commit, step, what struck,
 * the log before it and the one command that replays it; the exit code is 1.
 *
 *   npm run simulate -- [--seeds N] [--commands M] [--seed S] [--without a,b] [--races N] [--minimise] [--coverage] [--stop-at N] [--jobs N]
 *                          [--coverage-file FILE] [--minutes N]
 *
 * Without --seed the seeds are others each time; they are printed. --minutes begins no seed after them. --minimise shrinks the first failure. Runs that name the same file
 * count their coverage together: a thousand seeds need not be one run.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FAULTS, FEATURES } from './plan.js';
import { runAll } from './pool.js';
import { simulate } from './simulate.js';

const MAX_SEED = 1_000_000_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    commands: { type: 'string', default: '2000' },
    seed: { type: 'string' },
    without: { type: 'string', default: '' },
    races: { type: 'string' },
    minimise: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
    'coverage-file': { type: 'string' },
    jobs: { type: 'string' },
    minutes: { type: 'string' },
    'stop-at': { type: 'string', default: '5' },
  },
});

const commands = wholeNumber('commands', values.commands);
const first = values.seed === undefined ? randomInt(1, MAX_SEED) : wholeNumber('seed', values.seed);
const count = values.seeds === undefined ? (values.seed === undefined ? 50 : 1) : wholeNumber('seeds', values.seeds);
const maxFailures = wholeNumber('stop-at', values['stop-at']);
const without = new Set(values.without.split(',').filter((name) => name !== ''));
const unknown = [...without].find((name) => !([...FAULTS, ...FEATURES] as string[]).includes(name));
if (unknown !== undefined)
  end(`"${unknown}" is neither a fault nor a feature; there are ${[...FAULTS, ...FEATURES].join(', ')}.`);
const races = values.races === undefined ? undefined : wholeNumber('races', values.races);
const minutes = values.minutes === undefined ? undefined : wholeNumber('minutes', values.minutes);
const processes = values.jobs === undefined ? availableParallelism() : wholeNumber('jobs', values.jobs);

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
    ...{ showsCoverage: values.coverage, coverageFile: values['coverage-file'], minimises: values.minimise },
  },
  {
    ...{ say: (text) => console.log(text), commit },
    // The workers have the system in a file of their own: it is loaded here where a seed has to be shrunk.
    run: async (plan) => (await import('./run.js')).runSeed(plan),
    runAll: (jobs, onOutcome, isEnough) => runAll(jobs, processes, onOutcome, isEnough),
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

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) end(`--${name} takes a whole number from 1 on, not "${text}".`);
  return number;
}

function end(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

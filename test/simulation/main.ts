/**
 * `npm run simulate`: seeds through the simulator, one after the other, with progress. A failure prints seed, commit, step, what struck,
 * the log around it and the one command that replays it; the exit code is 1.
 *
 *   npm run simulate -- [--seeds N] [--commands M] [--seed S] [--without a,b] [--races N] [--minimise] [--coverage] [--stop-at N] [--jobs N]
 *                          [--coverage-file FILE]
 *
 * Without --seed the seeds are others each time; they are printed. --minimise shrinks the first failure. Runs that name the same file
 * count their coverage together: a thousand seeds need not be one run.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Coverage } from './coverage.js';
import { FAULTS, FEATURES } from './plan.js';
import { runAll } from './pool.js';
import type { Failure } from './run.js';
import type { Ran } from './worker.js';

const REPORT_EVERY_MS = 5_000;
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
    'stop-at': { type: 'string', default: '5' },
  },
});

const commands = wholeNumber('commands', values.commands);
const first = values.seed === undefined ? randomInt(1, MAX_SEED) : wholeNumber('seed', values.seed);
const count = values.seeds === undefined ? (values.seed === undefined ? 50 : 1) : wholeNumber('seeds', values.seeds);
/** A run with more failures than this has said enough. */
const maxFailures = wholeNumber('stop-at', values['stop-at']);
const without = new Set(values.without.split(',').filter((name) => name !== ''));
const unknown = [...without].find((name) => !([...FAULTS, ...FEATURES] as string[]).includes(name));
if (unknown !== undefined)
  end(`"${unknown}" is neither a fault nor a feature; there are ${[...FAULTS, ...FEATURES].join(', ')}.`);
const races = values.races === undefined ? undefined : wholeNumber('races', values.races);
const file = values['coverage-file'];
const processes = values.jobs === undefined ? availableParallelism() : wholeNumber('jobs', values.jobs);

await main();

async function main(): Promise<void> {
  const coverage = new Coverage();
  if (file !== undefined) coverage.load(file);
  let seeds = 0;
  const total = { decisions: 0, asked: 0, accepted: 0, settled: 0, ticks: 0, dropped: 0, hours: 0, processorMs: 0 };
  const failures: Ran[] = [];
  const began = performance.now();
  let told = began;
  console.log(`Seeds ${first} to ${first + count - 1}, ${commands} commands each`);
  const add = (outcome: Ran): void => {
    seeds++;
    coverage.add(outcome.hits);
    if (file !== undefined) coverage.save(file);
    total.decisions += outcome.decisions;
    total.asked += outcome.commands;
    total.processorMs += outcome.processorMs;
    total.accepted += outcome.accepted;
    total.settled += outcome.settled;
    total.ticks += outcome.ticks;
    total.dropped += outcome.dropped;
    total.hours += outcome.simulatedMs / 3_600_000;
    if (outcome.failure) {
      failures.push(outcome);
      report(outcome.seed, outcome.failure);
    }
    const now = performance.now();
    if (now - told < REPORT_EVERY_MS) return;
    told = now;
    const seconds = (now - began) / 1_000;
    const left = Math.round(((count - seeds) * seconds) / seeds);
    const rate = Math.round(total.decisions / seconds);
    console.log(`${seeds} of ${count} seeds, ${failures.length} failed, ${rate} commands decided/s, ${left} s left`);
  };
  const jobs = Array.from({ length: count }, (_, i) => ({ seed: first + i, commands, without: [...without], races }));
  await runAll(jobs, processes, add, () => failures.length >= maxFailures);
  if (values.coverage) console.log(coverage.table());
  if (!coverage.isEnough) console.log(`Never met in ${coverage.seeds} seeds: ${coverage.missing.join(', ')}`);
  const seconds = (performance.now() - began) / 1_000;
  console.log(
    `${seeds} seeds in ${seconds.toFixed(1)} s, ${failures.length} failed: ${total.decisions} commands decided (${Math.round(total.decisions / seconds)}/s, ` +
      `${Math.round((1_000 * total.decisions) / total.processorMs)} a second of processor time), ${total.asked} asked for by people, ` +
      `${total.accepted} tickets acknowledged, ${total.settled} races settled, ${total.ticks} odds ticks, ${total.dropped} records dropped, ${total.hours.toFixed(1)} h simulated`,
  );
  const [worst] = failures;
  if (worst?.failure && values.minimise) await shrink(worst.seed, worst.failure);
  process.exit(failures.length === 0 && coverage.isEnough ? 0 : 1);
}

async function shrink(seed: number, { rule }: Failure): Promise<void> {
  const { minimise } = await import('./minimise.js');
  const {
    commands: fewer,
    changes: less,
    outcome,
  } = await minimise(seed, commands, rule, (line) => console.log(`  ${line}`));
  if (outcome.failure) report(seed, outcome.failure);
  const flags = [`--seed ${seed}`, `--commands ${fewer}`];
  if (less.races !== undefined) flags.push(`--races ${less.races}`);
  if (less.without && less.without.size > 0) flags.push(`--without ${[...less.without].join(',')}`);
  console.log(`The least that fails: npm run simulate -- ${flags.join(' ')}`);
}

function report(seed: number, { message, step, simulatedMs, strikes, log }: Failure): void {
  console.log(
    `\nFAILED seed ${seed} at step ${step} (${(simulatedMs / 1_000).toFixed(3)} s of simulated time), commit ${commit()}`,
  );
  console.log(`  ${message}`);
  console.log(`  What struck and what alarmed last:\n${strikes.map((line) => `    ${line}`).join('\n')}`);
  console.log(`  The log before it:\n${log.map((line) => `    ${line}`).join('\n')}`);
  const more = [
    ...(without.size > 0 ? [`--without ${[...without].join(',')}`] : []),
    ...(races === undefined ? [] : [`--races ${races}`]),
  ];
  console.log(`  Again: npm run simulate -- ${[`--seed ${seed}`, `--commands ${commands}`, ...more].join(' ')}\n`);
}

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

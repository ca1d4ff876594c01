/**
 * `npm run faults`: the whole matrix of faults on real servers, one system after the other through all of them, and a table at the end.
 *
 *   npm run faults [-- --short] [--only "^kill|^stop"] [--part 2/4] [--brokers 1|3] [--rate 60] [--seed 1]
 *
 * Without `--rate` everything runs at 60 tickets a second, but for the rolling restart, which has its own (1,000; 100 with `--short`).
 */
import { InvalidArgumentError, Option } from 'commander';
import { above0, script, wholeFrom } from '../flags.js';
import { PACES, type Pace, SCENARIOS, type Scenario } from './scenarios.js';
import { SmallDisks } from './small-disks.js';
import { headOfTable, judged, rowOf } from './table.js';
import { type Outcome, Trial } from './trial.js';

interface Flags {
  readonly only?: RegExp;
  readonly part: Part;
  readonly brokers: '1' | '3';
  readonly rate?: number;
  readonly seed: number;
  readonly short: boolean;
  readonly instance: string;
}

interface Part {
  readonly which: number;
  readonly of: number;
}

const values = script(
  'npm run faults --',
  'Every fault on real servers under load, one after the other, and a table at the end.',
)
  .option('--only <expression>', 'faults whose name matches', expression)
  .addOption(new Option('--part <i/n>', 'every nth of them').argParser(partOf).default({ which: 1, of: 1 }, '1/1'))
  .addOption(new Option('--brokers <n>', 'of Kafka').choices(['1', '3']).default('3'))
  .option('--rate <n>', 'tickets a second (default: 60, and 1000 of the rolling restart)', above0)
  .option('--seed <n>', 'of the faults', wholeFrom(0), 1)
  .option('--short', 'shorter pauses', false)
  .option('--instance <name>', 'of the servers', 'faults')
  .parse()
  .opts<Flags>();
const brokers = values.brokers === '1' ? 1 : 3;
const { seed, rate = 60 } = values;
const usual = PACES[values.short ? 'short' : 'full'];
const pace: Pace = values.rate === undefined ? usual : { ...usual, rollingRate: rate };
const mayMount = SmallDisks.possible();
const chosen = chosenOf(values);
const left = chosen.filter(({ scenario }) => scenario.fills && !mayMount);
const run = chosen.filter((one) => !left.includes(one));
if (run.length === 0) {
  const names = SCENARIOS.map(({ name }) => name).join('\n');
  console.error(`Nothing is left to run of these; there are:\n${names}`);
  process.exit(2);
}
const lasts = values.short ? 'short' : 'true';
console.log(`${run.length} faults, ${brokers} brokers, ${rate} tickets/s, seed ${seed}, ${lasts} durations`);
const disks = run.some(({ scenario }) => scenario.fills);
const trial = new Trial({ instance: values.instance, brokers, rate, seed, pace, disks });
const outcomes: Outcome[] = [];
let adrift: readonly string[] = ['never counted'];
const endEarly = (): void => void trial.end().finally(() => process.exit(1));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, endEarly);
try {
  await trial.start();
  for (const { scenario, number } of run) {
    const outcome = judged(await trial.run(scenario, number));
    outcomes.push(outcome);
    console.log(rowOf(outcome));
    if (outcome.codes.length > 0) console.log(`    ${outcome.codes.join(', ')}`);
    for (const finding of outcome.findings) console.log(`    ${finding}`);
  }
  adrift = await trial.settle();
  for (const finding of adrift) console.log(`at the end: ${finding}`);
} finally {
  await trial.end();
}
console.log(`\n${headOfTable()}`);
for (const outcome of outcomes) console.log(rowOf(outcome));
for (const { scenario } of left) console.log(`NOT RUN, this user may not mount a disk: ${scenario.name}`);
for (const incident of trial.cluster.incidents) console.log(`incident: ${incident}`);
const failed = outcomes.filter(({ findings }) => findings.length > 0).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
console.log(
  `at the end: ${adrift.length === 0 ? 'no cent adrift; the read models equal those made anew from the log' : `${adrift.length} findings`}`,
);
process.exit(failed === 0 && adrift.length === 0 && left.length === 0 ? 0 : 1);

/** A fault's number, and with it its seed, is its place in the whole matrix, whichever are run. */
function chosenOf({ only, part }: Flags): { readonly scenario: Scenario; readonly number: number }[] {
  return SCENARIOS.map((scenario, number) => ({ scenario, number }))
    .filter(({ scenario }) => only?.test(scenario.name) ?? true)
    .filter((_, i) => i % part.of === part.which - 1);
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (fault) {
    throw new InvalidArgumentError((fault as Error).message);
  }
}

function partOf(text: string): Part {
  const [, which, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (which && of && which <= of) return { which, of };
  throw new InvalidArgumentError('It must be one part of so many, as 2/4.');
}

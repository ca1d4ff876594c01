/**
 * `npm run faults`: the whole matrix of faults on real servers, one system after the other through all of them, and a table at the end.
 *
 *   npm run faults [-- --only "^kill|^stop"] [--brokers 1|3] [--rate 60] [--seed 1] [--pace short|full]
 */
import { parseArgs } from 'node:util';
import { PACES, SCENARIOS } from './scenarios.js';
import { type Outcome, Trial } from './trial.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    brokers: { type: 'string', default: '3' },
    rate: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    pace: { type: 'string', default: 'full' },
    instance: { type: 'string', default: 'faults' },
  },
});
const brokers = values.brokers === '1' ? 1 : 3;
const pace = PACES[values.pace === 'short' ? 'short' : 'full'];
const [seed, rate] = [Number(values.seed), Number(values.rate)];
const only = new RegExp(values.only);
const chosen = SCENARIOS.filter(({ name }) => only.test(name));
if (chosen.length === 0) {
  console.error(`no fault is named like "${values.only}"; there are:\n${SCENARIOS.map(({ name }) => name).join('\n')}`);
  process.exit(2);
}
console.log(`${chosen.length} faults, ${brokers} brokers, ${rate} tickets/s, seed ${seed}, ${values.pace} pace`);
const trial = new Trial({ instance: values.instance, brokers, rate, seed, pace });
const outcomes: Outcome[] = [];
let adrift: readonly string[] = [];
try {
  await trial.start();
  for (const [number, scenario] of chosen.entries()) {
    const outcome = await trial.run(scenario, number);
    outcomes.push(outcome);
    console.log(rowOf(outcome));
    for (const finding of outcome.findings) console.log(`    ${finding}`);
  }
  adrift = await trial.settle();
  for (const finding of adrift) console.log(`at the end: ${finding}`);
} finally {
  await trial.end();
}
console.log(`\n${rowOf()}\n${'-'.repeat(rowOf().length)}`);
for (const outcome of outcomes) console.log(rowOf(outcome));
for (const incident of trial.cluster.incidents) console.log(`incident: ${incident}`);
const failed = outcomes.filter(({ findings }) => findings.length > 0).length + (adrift.length > 0 ? 1 : 0);
console.log(`${outcomes.length + 1 - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function rowOf(outcome?: Outcome): string {
  const cells =
    outcome === undefined
      ? ['fault', 'seed', 'accepted', 'refused', '503', 'delayed', 'again ms', 'findings']
      : [
          outcome.name,
          outcome.seed,
          outcome.accepted,
          outcome.refused,
          outcome.turnedAway,
          outcome.delayed,
          outcome.againMs ?? 'never',
          outcome.findings.length,
        ];
  return cells.map((cell, i) => (i === 0 ? String(cell).padEnd(38) : String(cell).padStart(9))).join('');
}

/**
 * A few of the faults in every run of the tests, on one broker and with short pauses; which ones beside the two that nothing else
 * covers is drawn from a seed, another one each time, that is printed with what replays it. `npm run faults` has them all.
 */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#mutuel/adapters';
import { PACES, SCENARIOS, type Scenario } from './scenarios.js';
import { Trial } from './trial.js';

const SEED = Number(process.env['FAULTS_SEED'] ?? randomInt(1, 1_000_000_000));
const RATE = 40;
const ALWAYS = ['answers of appends lost', 'stop pressed while a shard is down'];
const DRAWN = 2;
/** These take longer than a test run has: what is lost with a broker is known to be so only after thirty seconds. */
const LONG = /rolling|release|away|market dead|suspend (market|kafka)|suspended|kill -9 kafka|lock lost/;

const random = seededRandom(SEED);
const always = SCENARIOS.filter(({ name }) => ALWAYS.includes(name));
const others = SCENARIOS.filter(({ name, fills }) => !fills && !ALWAYS.includes(name) && !LONG.test(name));
const drawn = Array.from({ length: DRAWN }, () => others.splice(Math.floor(random() * others.length), 1)).flat();

describe(`the distributed system under load (seed ${SEED})`, () => {
  const trial = new Trial({ instance: 'faults-test', brokers: 1, rate: RATE, seed: SEED, pace: PACES.short });
  beforeAll(() => {
    console.log(`This draw again: FAULTS_SEED=${SEED} npx vitest run --project e2e test/faults`);
    return trial.start();
  });
  afterAll(() => trial.end());

  const cases = [...always, ...drawn].map((scenario, number): [string, Scenario, number] => [
    scenario.name,
    scenario,
    number,
  ]);
  it.each(cases)('loses and doubles nothing, and sells again: %s', async (_, scenario, number) => {
    const { findings, accepted } = await trial.run(scenario, number);
    expect(findings).toEqual([]);
    expect(accepted).toBeGreaterThan(0);
  });

  it('has every cent where the log says, and the same read models when they are made anew', async () => {
    expect(await trial.settle()).toEqual([]);
  });
});

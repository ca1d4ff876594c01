/**
 * What traces cost: two embedded systems side by side, one without a collector and one that samples one bet in a hundred.
 *
 *   npm run build && npm run bench -- tracing [--rate=600] [--seconds=4] [--turns=8] [--ratio=0.01]
 */
import { above0, from0, script, wholeFrom } from '../test/flags.js';
import { startOtlpReceiver } from '../test/infra/otlp-receiver.js';
import { sideBySide, told } from './support/side-by-side.js';

interface Flags {
  readonly small: boolean;
  readonly rate?: number;
  readonly seconds?: number;
  readonly turns?: number;
  readonly ratio: number;
}

const values = script('npm run bench -- tracing', 'What traces cost of a bet.')
  .option('--small', 'that it runs, not how fast', false)
  .option('--rate <n>', 'bets a second (default: 600, 50 of --small)', above0)
  .option('--seconds <n>', 'of each turn (default: 4, 1 of --small)', above0)
  .option('--turns <n>', 'of both systems (default: 8, 1 of --small)', wholeFrom(1))
  .option('--ratio <n>', 'of the bets that are sampled', from0, 0.01)
  .parse()
  .opts<Flags>();
const { small, ratio, rate = small ? 50 : 600, seconds = small ? 1 : 4, turns = small ? 1 : 8 } = values;

const collector = await startOtlpReceiver();
const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_TRACES_SAMPLER_ARG: `${ratio}` };
const load = { rate, seconds, turns, warmSeconds: small ? 1 : 6 };
const paired = await sideBySide([{}, { env: traced }], load);
const [without, with_] = paired.cost;
console.log(
  `ms of processor time a bet: ${without.toFixed(3)} without, ${with_.toFixed(3)} traced at ${ratio}; ` +
    `the ratio of neighbours: ${told(paired)}, ${collector.spans.length} spans received`,
);
await collector.close();

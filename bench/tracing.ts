/**
 * What traces cost: two embedded systems side by side, one without a collector and one that samples one bet in a hundred.
 *
 *   npm run build && npm run bench -- tracing [--rate=600] [--seconds=4] [--turns=8] [--ratio=0.01]
 */
import { from0 } from '../test/flags.js';
import { startOtlpReceiver } from '../test/infra/otlp-receiver.js';
import { type ComparisonFlags, comparison, loadOf, sideBySide, told } from './support/side-by-side.js';

const USUAL = { rate: 600, seconds: 4, turns: 8, warmSeconds: 6 };
const flags = comparison('tracing', 'What traces cost of a bet.', USUAL)
  .option('--ratio <n>', 'of the bets that are sampled', from0, 0.01)
  .parse()
  .opts<ComparisonFlags & { readonly ratio: number }>();
const load = loadOf(flags, USUAL);
const { ratio } = flags;

const collector = await startOtlpReceiver();
const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_TRACES_SAMPLER_ARG: `${ratio}` };
const paired = await sideBySide([{}, { env: traced }], load);
const [without, with_] = paired.cost;
console.log(
  `ms of processor time a bet: ${without.toFixed(3)} without, ${with_.toFixed(3)} traced at ${ratio}; ` +
    `the ratio of neighbours: ${told(paired)}, ${collector.spans.length} spans received`,
);
await collector.close();

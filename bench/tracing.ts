/**
 * What traces cost: two embedded systems side by side, one without a collector and one that samples one bet in a hundred.
 *
 *   npm run build && npm run bench -- tracing [--rate=600] [--seconds=4] [--turns=8] [--ratio=0.01]
 */
import { parseArgs } from 'node:util';
import { startOtlpReceiver } from '../test/infra/otlp-receiver.js';
import { sideBySide, told } from './support/side-by-side.js';

const small = process.argv.includes('--small');
const { values } = parseArgs({
  options: {
    small: { type: 'boolean' },
    rate: { type: 'string', default: small ? '50' : '600' },
    seconds: { type: 'string', default: small ? '1' : '4' },
    turns: { type: 'string', default: small ? '1' : '8' },
    ratio: { type: 'string', default: '0.01' },
  },
});

const collector = await startOtlpReceiver();
const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_TRACES_SAMPLER_ARG: values.ratio };
const load = { ...values, turns: Number(values.turns), warmSeconds: small ? '1' : '6' };
const paired = await sideBySide([{}, { env: traced }], load);
const [without, with_] = paired.cost;
console.log(
  `ms of processor time a bet: ${without.toFixed(3)} without, ${with_.toFixed(3)} traced at ${values.ratio}; ` +
    `the ratio of neighbours: ${told(paired)}, ${collector.spans.length} spans received`,
);
await collector.close();

/**
 * The last five minutes before the off of a national race: 75 tickets a second grow twenty-seven-fold to 2,000 and stay there.
 * Warm the system up first (loadtests/smoke.js at RATE=200), or the figures are those of a cold broker.
 *
 *   k6 run loadtests/peak.js         BASE_URL, FROM (75), TOP (2000), RAMP (5m), HOLD (10m), USERS (200), MAX_USERS (1000), SUMMARY
 *                                  floors: MAX_P99_MS (100), and those of lib.js
 */
import { lean, p99, placeTicket, prepare, summaryOf, thresholds } from './lib.js';

const from = Number(__ENV.FROM || 75);
const top = Number(__ENV.TOP || 2000);

export const options = {
  scenarios: {
    peak: {
      executor: 'ramping-arrival-rate',
      startRate: from,
      timeUnit: '1s',
      stages: [
        { duration: __ENV.RAMP || '5m', target: top },
        { duration: __ENV.HOLD || '10m', target: top },
      ],
      preAllocatedVUs: Number(__ENV.USERS || 200),
      maxVUs: Number(__ENV.MAX_USERS || 1000),
    },
  },
  thresholds: { ...thresholds, accepted_ms: [p99('100')] },
  ...lean,
};

export const setup = prepare;
export default placeTicket;
export const handleSummary = summaryOf('peak');

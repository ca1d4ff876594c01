/**
 * Thirty seconds at a low rate: does the whole path stand? Not a measurement.
 *
 *   k6 run loadtests/smoke.js        BASE_URL, RATE (20 a second), DURATION (30s), SUMMARY
 */
import { lean, placeTicket, prepare, summaryOf, thresholds } from './lib.js';

export const options = {
  scenarios: {
    smoke: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE || 20),
      timeUnit: '1s',
      duration: __ENV.DURATION || '30s',
      preAllocatedVUs: 20,
      maxVUs: 200,
    },
  },
  thresholds,
  ...lean,
};

export const setup = prepare;
export default placeTicket;
export const handleSummary = summaryOf('smoke');

/**
 * The rate of a national peak, held: 2,000 tickets a second for ten minutes. Warm the system up first (loadtests/smoke.js at
 * RATE=200), or the figures are those of a cold broker.
 *
 *   k6 run loadtests/sustain.js      BASE_URL, RATE (2000), DURATION (10m), USERS (200), MAX_USERS (1000), SUMMARY
 */
import { held, p99, placeTicket, prepare, summaryOf, summaryTrendStats, thresholds } from './lib.js';

export const options = {
  scenarios: { sustain: held({ rate: 2000, duration: '10m' }) },
  thresholds: { ...thresholds, accepted_ms: [p99('100')] },
  summaryTrendStats,
};

export const setup = prepare;
export default placeTicket;
export const handleSummary = summaryOf('sustain');

/**
 * The rate of a national peak, held: 2,000 tickets a second for ten minutes. Warm the system up first (loadtests/smoke.js at
 * RATE=200), or the figures are those of a cold broker.
 *
 *   k6 run loadtests/sustain.js      BASE_URL, CAST, RATE (2000), DURATION (10m), USERS (200), MAX_USERS (1000), SUMMARY
 *                                    floors: MIN_ACCEPTED (98 of 100 of RATE), MAX_P99_MS (100), and those of lib.js
 */
import { held, lean, minAccepted, p99, placeTicket, prepare, summaryOf, thresholds } from './lib.js';

const rate = Number(__ENV.RATE || 2000);

export const options = {
  scenarios: { sustain: held({ rate, duration: '10m' }) },
  thresholds: { ...thresholds, accepted_ms: [p99('100')], tickets_accepted: minAccepted(0.98 * rate) },
  ...lean,
};

export const setup = prepare;
export default placeTicket;
export const handleSummary = summaryOf('sustain');

/**
 * An hour at a quarter of the peak: what grows that should not? The process's own figures are read at the beginning and at the end,
 * and their growth stands in the summary; the slope between is for the dashboards.
 *
 *   k6 run loadtests/soak.js         BASE_URL, RATE (500), DURATION (1h), MAX_GROWTH_MB (400), USERS (200), MAX_USERS (1000), SUMMARY
 *                                    floors: MIN_ACCEPTED (98 of 100 of RATE), MAX_P99_MS (100), and those of lib.js
 */
import http from 'k6/http';
import { Gauge } from 'k6/metrics';
import { baseUrl, held, lean, minAccepted, p99, placeTicket, prepare, summaryOf, thresholds } from './lib.js';

const growth = new Gauge('memory_growth_mb');
const rate = Number(__ENV.RATE || 500);

export const options = {
  scenarios: { soak: held({ rate, duration: '1h' }) },
  thresholds: {
    ...thresholds,
    accepted_ms: [p99('100')],
    tickets_accepted: minAccepted(0.98 * rate),
    memory_growth_mb: [`value<${__ENV.MAX_GROWTH_MB || 400}`],
  },
  ...lean,
};

export function setup() {
  return { ...prepare(), residentMb: residentMb() };
}

export function teardown(data) {
  growth.add(residentMb() - data.residentMb);
}

export default placeTicket;
export const handleSummary = summaryOf('soak');

function residentMb() {
  const text = http.get(`${baseUrl}/metrics`, { tags: { name: 'metrics' } }).body;
  const found = /^process_resident_memory_bytes(?:\{[^}]*\})? ([\d.e+]+)/m.exec(text);
  return found ? Number(found[1]) / 1e6 : 0;
}

/**
 * Far more than it can take, for half a minute, between two stretches of an ordinary rate: what is beyond the pace must get an honest
 * 503 with Retry-After, those accepted must not wait for long, and the ordinary rate must be served again at once afterwards.
 *
 *   k6 run loadtests/burst.js        BASE_URL, RATE (5000), DURATION (30s), CALM (200), CALM_FOR (20s), MAX_USERS (2000), SUMMARY
 */
import { held, lean, p99, placeTicket, prepare, summaryOf } from './lib.js';

const calm = { rate: Number(__ENV.CALM || 200), for: __ENV.CALM_FOR || '20s' };
const seconds = (text) => Number.parseFloat(text) * (text.endsWith('m') ? 60 : 1);
const length = __ENV.DURATION || '30s';
/** Back to normal within this long after the burst. */
const RECOVERY_S = 5;
const after = seconds(calm.for) + seconds(length) + RECOVERY_S;

export const options = {
  scenarios: {
    before: held({ rate: calm.rate, duration: calm.for, fixed: true }),
    burst: { ...held({ rate: 5000, duration: '30s', maxUsers: 2000 }), startTime: calm.for },
    after: { ...held({ rate: calm.rate, duration: calm.for, fixed: true }), startTime: `${after}s` },
  },
  thresholds: {
    'accepted_rate{scenario:before}': ['rate>0.99'],
    'accepted_rate{scenario:after}': ['rate>0.99'],
    'accepted_ms{scenario:burst}': [p99('2000')],
    'accepted_ms{scenario:after}': [p99('250')],
    // A refusal without a time to come back, or any answer but 201, 202 and 503, is a collapse.
    tickets_collapsed: ['count==0'],
  },
  ...lean,
};

export const setup = prepare;
export default placeTicket;
export const handleSummary = summaryOf('burst');

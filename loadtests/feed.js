/**
 * Readers of the odds feed while others bet: each opens a websocket, takes the image of everything on sale and stays. Measured is how
 * long after a cycle's moment a change with its odds arrives, and that nobody is dropped. It bets nothing itself: where nobody does, no
 * odds change and it fails.
 *
 *   k6 run loadtests/feed.js         BASE_URL, READERS (2000), RAMP (30s), DURATION (2m), MAX_TICK_MS (2000), SUMMARY
 */
import { check } from 'k6';
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import ws from 'k6/ws';
import { baseUrl, lean, summaryOf } from './lib.js';

const readers = Number(__ENV.READERS || 2000);
const CYCLE_MS = 5_000;

const frames = new Counter('feed_frames');
const dropped = new Counter('feed_dropped');
const tickMs = new Trend('feed_tick_ms', true);
/** Without one a percentile of nothing would be in time. */
const ticks = new Counter('feed_ticks');

export const options = {
  scenarios: {
    feed: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: [
        { duration: __ENV.RAMP || '30s', target: readers },
        { duration: __ENV.DURATION || '2m', target: readers },
      ],
      gracefulStop: '5s',
      gracefulRampDown: '5s',
    },
  },
  thresholds: {
    feed_dropped: ['count==0'],
    feed_frames: ['count>0'],
    feed_ticks: ['count>0'],
    feed_tick_ms: [`p(99)<${__ENV.MAX_TICK_MS || 2000}`],
  },
  ...lean,
};

const staysFor = (seconds(__ENV.RAMP || '30s') + seconds(__ENV.DURATION || '2m')) * 1_000;

export default function read() {
  const answer = ws.connect(`${baseUrl.replace(/^http/, 'ws')}/feed`, {}, (socket) => {
    let cycle = 0;
    let leaves = false;
    socket.on('open', () => socket.send(JSON.stringify({ op: 'subscribe', id: 1, filter: {}, heartbeatMs: CYCLE_MS })));
    socket.on('message', (text) => {
      frames.add(1);
      const frame = JSON.parse(text);
      // An image holds what was published at any time before; only the first change of a cycle tells how late it is.
      if (frame.op === 'pcm' && frame.cycle > cycle) {
        if (frame.ct === undefined && cycle > 0) {
          tickMs.add(Date.now() - frame.cycle * CYCLE_MS);
          ticks.add(1);
        }
        cycle = frame.cycle;
      }
      if (frame.op === 'status' && frame.code !== 'SUCCESS') drop(`${frame.code}: ${frame.detail}`);
    });
    // Who has closed may still be asked for a pong, and fail to send it.
    socket.on('error', (fault) => leaves || drop(fault.error()));
    socket.on('close', (code) => {
      if (!leaves) drop(`closed with ${code}`);
      leaves = true;
    });
    const left = staysFor - (Date.now() - exec.scenario.startTime);
    socket.setTimeout(
      () => {
        leaves = true;
        socket.close();
      },
      Math.max(1_000, left),
    );
  });
  check(answer, { 'switched to a websocket': (each) => each && each.status === 101 });
}

function drop(why) {
  dropped.add(1);
  console.warn(`A reader was dropped: ${why}`);
}

export const handleSummary = summaryOf('feed');

function seconds(text) {
  return Number.parseFloat(text) * (text.endsWith('m') ? 60 : text.endsWith('h') ? 3_600 : 1);
}

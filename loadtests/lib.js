/**
 * What the k6 scripts share: accounts and races on sale, one ticket of one bet under a fresh reference, and a JSON summary. A ticket is
 * sent when its time has come, whether the system keeps up or not (open model); what k6 could not send is counted. It speaks only the
 * public API, and it never tries a ticket twice.
 *
 * BASE_URL may name several bet APIs, with commas between. CAST is a file of accounts and races that sell for as long as the run takes;
 * without races the demo's are taken, which come and go, and without a file its accounts as well.
 */

import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';
import { betOn, isPlayable } from './mix.js';

const urls = (__ENV.BASE_URL || 'http://127.0.0.1:3000').split(',');
export const baseUrl = urls[0];
// One copy for all virtual users: a hundred thousand accounts in each of a thousand would not fit.
const givenAccounts = __ENV.CAST ? new SharedArray('accounts', () => JSON.parse(open(__ENV.CAST)).accounts) : null;
const racesOfCast = __ENV.CAST
  ? JSON.parse(JSON.stringify(new SharedArray('races', () => JSON.parse(open(__ENV.CAST)).races || [])))
  : [];
const givenRaces = racesOfCast.length > 0 ? racesOfCast : null;

const accepted = new Counter('tickets_accepted');
const pending = new Counter('tickets_pending');
const refused = new Counter('tickets_refused');
const unavailable = new Counter('tickets_unavailable');
const collapsed = new Counter('tickets_collapsed');
const acceptedRate = new Rate('accepted_rate');
const acceptedMs = new Trend('accepted_ms', true);

/** A few answers of each kind that is not 201, told once at the end of a run by the log. */
const oddAnswersTold = 3;
/** Seconds that the demo may take to open its first race. */
const openTries = 60;
let told = 0;

/** Asked once, before the first ticket: the demo's accounts with their tokens where none are given, and the races that sell longest. */
export function prepare() {
  if (givenRaces) return {};
  const accounts = givenAccounts ? [] : demoAccounts();
  // The system is ready a moment before the demo's officials have opened its first race.
  for (let tries = 1; ; tries++) {
    const races = openRaces();
    if (races.length > 0) return { accounts, races };
    if (tries === openTries) throw new Error('No race is open.');
    sleep(1);
  }
}

function demoAccounts() {
  const demo = http.get(`${baseUrl}/v1/demo`, { tags: { name: 'demo' } });
  if (demo.status !== 200) throw new Error(`GET /v1/demo answers ${demo.status}: is the demo running at ${baseUrl}?`);
  const accounts = demo.json('accounts');
  if (accounts.length === 0) throw new Error('The demo has no accounts.');
  return accounts;
}

/** Sends one ticket of one bet: a random account, and a bet of the mix. */
export function placeTicket(data) {
  const account = oneOf(givenAccounts || data.accounts);
  const bet = betOn(givenRaces || currentRaces(data), Math.random);
  const { accountId, currency, token } = account;
  const body = { ticketRef: uuidV7(), accountId, currency, atomic: true, bets: [bet] };
  const answer = http.post(`${oneOf(urls)}/v1/tickets`, JSON.stringify(body), {
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    tags: { name: 'tickets' },
    timeout: '10s',
  });
  record(answer);
}

/** A scenario at one rate, open model; RATE, DURATION, USERS and MAX_USERS of the environment win unless it is `fixed`. */
export function held({ rate, duration, fixed = false, maxUsers = 1000 }) {
  return {
    executor: 'constant-arrival-rate',
    rate: fixed ? rate : Number(__ENV.RATE || rate),
    timeUnit: '1s',
    duration: fixed ? duration : __ENV.DURATION || duration,
    preAllocatedVUs: Number(__ENV.USERS || 200),
    maxVUs: Number(__ENV.MAX_USERS || maxUsers),
  };
}

/** The bar of the accepted ones; MAX_P99_MS moves it where other work shares the machine. */
export const p99 = (usual) => `p(99)<${__ENV.MAX_P99_MS || usual}`;

/** The figures of a run as JSON beside a short text; the file is named by SUMMARY, var/k6-<name>.json where it is not. */
export function summaryOf(name) {
  return (data) => {
    const { metrics } = data;
    const count = (metric) => (metrics[metric] ? metrics[metric].values.count : 0);
    const journal = {
      script: name,
      seconds: Math.round(data.state.testRunDurationMs / 100) / 10,
      sent: count('http_reqs'),
      accepted: count('tickets_accepted'),
      pending: count('tickets_pending'),
      refused: count('tickets_refused'),
      unavailable: count('tickets_unavailable'),
      notSent: count('dropped_iterations'),
      acceptedMs: metrics.accepted_ms ? metrics.accepted_ms.values : null,
      thresholdsMet: Object.values(metrics).every((metric) =>
        Object.values(metric.thresholds || {}).every((each) => each.ok),
      ),
    };
    const file = __ENV.SUMMARY || `var/k6-${name}.json`;
    const text = JSON.stringify(journal, null, 2);
    return { stdout: `${text}\n`, [file]: `${text}\n` };
  };
}

const summaryTrendStats = ['avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'max'];

/** What every script says of itself. A dozen tags on each of a dozen samples of each request cost more than the request. */
export const lean = { summaryTrendStats, systemTags: ['scenario'] };

/**
 * Nearly everything is accepted, nothing fails, and k6 keeps its own pace. MIN_ACCEPTED_RATE, MAX_UNAVAILABLE and MAX_DROPPED move
 * these floors where other work shares the machine.
 */
export const thresholds = {
  accepted_rate: [`rate>=${__ENV.MIN_ACCEPTED_RATE || 0.99}`],
  tickets_unavailable: [`count<=${__ENV.MAX_UNAVAILABLE || 0}`],
  dropped_iterations: [`count<=${__ENV.MAX_DROPPED || 10}`],
};

/** At least this many accepted a second, over the whole run; MIN_ACCEPTED moves it. */
export const minAccepted = (usual) => [`rate>=${__ENV.MIN_ACCEPTED || usual}`];

function record(answer) {
  acceptedRate.add(answer.status === 201);
  if (answer.status === 201) {
    accepted.add(1);
    acceptedMs.add(answer.timings.duration);
    return;
  }
  if (answer.status === 202) pending.add(1);
  else if (answer.status === 422) refused.add(1);
  else unavailable.add(1);
  // A refusal under load says when to come back; anything else is no answer of ours.
  if (answer.status !== 202 && answer.status !== 422 && !(answer.status === 503 && answer.headers['Retry-After']))
    collapsed.add(1);
  if (answer.status === 422) racesOfThisUser = null; // The race may be off: look again.
  if (told < oddAnswersTold) {
    told += 1;
    console.warn(`${answer.status} ${answer.error || ''} ${String(answer.body || '').slice(0, 300)}`);
  }
}

/** Races close and new ones open during a long run: each virtual user looks again after a refusal. */
let racesOfThisUser;

function currentRaces(data) {
  if (racesOfThisUser === undefined) racesOfThisUser = data.races;
  if (racesOfThisUser === null) {
    const races = openRaces();
    if (races.length > 0) racesOfThisUser = races;
  }
  return racesOfThisUser || data.races;
}

/** The races that are open longest, so that a run is not cut short by an off, with the pools that a bet of the mix may name. */
function openRaces() {
  const meetings = http.get(`${baseUrl}/v1/meetings`, { tags: { name: 'meetings' } }).json('meetings');
  const races = meetings.map((meeting) => meeting.races).reduce((all, some) => all.concat(some), []);
  const open = races.filter((race) => race.status === 'OPEN').sort((a, b) => (a.postTime < b.postTime ? 1 : -1));
  return open
    .slice(0, 4)
    .map((race) => raceOnSale(race.raceId))
    .filter(isPlayable);
}

function raceOnSale(raceId) {
  const race = http.get(`${baseUrl}/v1/races/${raceId}`, { tags: { name: 'races' } }).json();
  const runners = race.runners.filter((runner) => runner.status !== 'SCRATCHED').map((runner) => runner.number);
  const pools = race.pools.filter((pool) => pool.status === 'OPEN');
  return { runners, pools: pools.map(({ poolId, type, minStake }) => ({ poolId, type, minStake: minStake || 0 })) };
}

function oneOf(list) {
  return list[Math.floor(Math.random() * list.length)];
}

/** A version 7 UUID: 48 bits of Unix milliseconds, then random bits (RFC 9562, 5.7). */
function uuidV7() {
  const time = Date.now().toString(16).padStart(12, '0');
  const [a, b, c, d] = crypto.getRandomValues(new Uint16Array(4));
  const random = `${hex4((a & 0x0fff) | 0x7000)}-${hex4((b & 0x3fff) | 0x8000)}-${hex4(c)}${hex4(d)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-${random}${hex4(Math.random() * 0x10000)}`;
}

const hex4 = (number) => (number | 0x10000).toString(16).slice(1);

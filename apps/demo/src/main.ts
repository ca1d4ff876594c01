/** The demo's crowd and officials as a process of its own: clients of the public API, nothing more. */
import { setMaxListeners } from 'node:events';
import { parseArgs } from 'node:util';
import { COUNTRIES, type Country, countryOf, runDemo } from '#mutuel/demo';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    rate: { type: 'string', default: '20' },
    every: { type: 'string', default: '180' },
    races: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    countries: { type: 'string', default: COUNTRIES.map((one) => one.code).join() },
    card: { type: 'string' },
  },
});
/** What a client still waits for when it is told to go, it need not wait for: what was asked is in the log or is not. */
const GOING_MS = 2_000;
const stop = new AbortController();
// Every race waits on it.
setMaxListeners(0, stop.signal);
stop.signal.addEventListener('abort', () => setTimeout(() => process.exit(0), GOING_MS).unref());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) process.once(signal, () => stop.abort());
await runDemo({
  baseUrl: values.url,
  rate: positive('rate', values.rate),
  everySeconds: positive('every', values.every),
  racesPerMeeting: positive('races', values.races),
  seed: positive('seed', values.seed),
  countries: values.countries.split(',').map(country),
  ...(values.card === undefined ? {} : { cardFile: values.card }),
  signal: stop.signal,
  log: (line) => console.log(`demo: ${line}`),
});
if (stop.signal.aborted) process.exit(0);

function country(code: string): Country {
  try {
    return countryOf(code);
  } catch (fault) {
    console.error(`--countries: ${(fault as Error).message}`);
    return process.exit(2);
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`--${name} must be a number above zero, not ${text}`);
  process.exit(2);
}

/**
 * The light generator: open loop, latency from the intended send time, one ticket of one bet a request under a fresh reference, over
 * all accounts of the demo, or those of a cast's file and the races it names. Writes a journal of every answer for the checker when
 * asked, with the moment it was meant to be sent and its latency. Loopback only.
 *
 *   node --conditions=src --import tsx loadtests/light.ts --rate 2000 --seconds 30 --warmup 10 [--url URL,URL] [--cast FILE] [--journal FILE]
 *   … --steps 500x10,5000x30,500x20     rates one after the other without a pause, a report of each
 */
import { createWriteStream, readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { v7 } from 'uuid';
import { above0, from0, script, wholeFrom } from '../test/flags.js';
import { LeanClient } from './lean-client.js';
import { betOn, isPlayable, type RaceOnSale } from './mix.js';
import { type Report, Tally } from './tally.js';

interface Cast {
  readonly accounts: readonly { readonly accountId: string; readonly token: string; readonly currency: string }[];
  /** What is sold; without it, whatever the demo sells. */
  readonly races?: readonly RaceOnSale[];
}

interface Step {
  /** Requests a second. */
  readonly rate: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** How often the clock is asked which requests are due. */
const SLICE_MS = 2;
/** Beyond it the system is past saving, and more sockets only measure the generator. */
const MAX_IN_FLIGHT = 20_000;
/** Answers still out when everything was sent; on a machine that is far from idle the first ones take longest. */
const LAST_ANSWERS_MS = 60_000;

/** By race: what it sells is asked once. */
const known = new Map<string, RaceOnSale>();

interface Flags {
  readonly url: readonly URL[];
  readonly rate: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly steps?: readonly Step[];
  readonly connections: number;
  readonly path: string;
  readonly cast?: string;
  readonly journal?: string;
  readonly json: boolean;
}

const values = script(
  'light.ts',
  'Tickets of one bet at an even rate, whatever the answers do, to addresses of this machine.',
)
  .option('--url <url,url>', 'in turns', loopback, [new URL('http://127.0.0.1:3000')])
  .option('--rate <n>', 'tickets a second', above0, 500)
  .option('--seconds <n>', 'how long', above0, 10)
  .option('--warmup <seconds>', 'before, and not reported', from0, 3)
  .option('--steps <RATExSECONDS,…>', 'instead of them: rates one after the other, a report of each', stepsOf)
  .option('--connections <n>', 'open at once, at most', wholeFrom(1), 1024)
  .option('--path <path>', 'what is asked', '/v1/tickets')
  .option('--cast <file>', "accounts, and races, instead of the demo's")
  .option('--journal <file>', 'every answer, a line each')
  .option('--json', 'the report as JSON', false)
  .parse()
  .opts<Flags>();
const urls = values.url;
const warmupMs = values.warmup * 1_000;
const steps = values.steps ?? stepsOf(`${values.rate}x${values.warmup},${values.rate}x${values.seconds}`);
const journal = values.journal === undefined ? undefined : createWriteStream(values.journal);
const note = journal && ((line: object): void => void journal.write(`${JSON.stringify(line)}\n`));
const tally = await generate(steps, note);
await new Promise<void>((resolve) => (journal ? journal.end(resolve) : resolve()));
tell();

async function generate(plan: readonly Step[], noted?: (line: object) => void): Promise<Tally> {
  const [first] = urls as [URL];
  const clients = urls.map((url) => new LeanClient(url, values.connections));
  const cast = (values.cast === undefined ? await demo(first) : JSON.parse(readFileSync(values.cast, 'utf8'))) as Cast;
  const heads = urls.map((url) => headOf(url, values.path));
  const counts = new Tally();
  const isFixed = cast.races !== undefined && values.cast !== undefined;
  let races = isFixed ? (cast.races ?? []) : await selling(first);
  const look = (): void =>
    void selling(first).then(
      (found) => {
        if (found.length > 0) races = found;
      },
      () => undefined,
    );
  const refresh = isFixed ? undefined : setInterval(look, 2_000);
  let inFlight = 0;
  let sent = 0;
  const began = performance.now();

  const one = async (intended: number): Promise<void> => {
    const account = cast.accounts[Math.floor(Math.random() * cast.accounts.length)];
    if (!account || races.length === 0) throw new Error('the demo has no account or no race on sale');
    const { accountId, currency, token } = account;
    const ref = v7();
    const bet = betOn(races, Math.random);
    const body = `{"ticketRef":"${ref}","accountId":"${accountId}","currency":"${currency}","bets":[${JSON.stringify(bet)}]}`;
    const to = sent % urls.length;
    const request = `${heads[to]}${token}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    inFlight++;
    const { status, body: text } = await (clients[to] as LeanClient).send(request);
    inFlight--;
    const code = status === 201 ? undefined : /"code":"([^"]+)"/.exec(text)?.[1];
    const ms = performance.now() - began - intended;
    counts.note(intended, status, code, ms);
    if (noted === undefined) return;
    const ticketId = /"ticketId":"([^"]+)"/.exec(text)?.[1];
    const at = Math.round(performance.timeOrigin + began + intended);
    noted({ account: accountId, ref, stake: bet.stake, status, ticketId, code, at, ms: Math.round(ms) });
  };

  for (const { rate, fromMs, toMs } of plan) {
    const total = Math.round(((toMs - fromMs) / 1_000) * rate);
    let done = 0;
    while (done < total) {
      const due = Math.min(total, Math.floor(((performance.now() - began - fromMs) / 1_000) * rate));
      for (; done < due && inFlight < MAX_IN_FLIGHT; done++, sent++) void one(fromMs + (done / rate) * 1_000);
      await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
    }
  }
  for (const until = performance.now() + LAST_ANSWERS_MS; inFlight > 0 && performance.now() < until; )
    await new Promise((r) => setTimeout(r, 20));
  clearInterval(refresh);
  for (const client of clients) client.close();
  return counts;
}

function tell(): void {
  if (values.steps === undefined) {
    const [, { rate, fromMs, toMs }] = steps as [Step, Step];
    const report = tally.report(warmupMs, toMs, (rate * (toMs - fromMs)) / 1_000);
    console.log(values.json ? JSON.stringify(report) : sentence(report));
    process.exit(report.accepted > 0 ? 0 : 1);
  }
  const reports = steps.map(({ rate, fromMs, toMs }) => ({
    rate,
    ...tally.report(fromMs, toMs, (rate * (toMs - fromMs)) / 1_000),
    usualAfterSeconds: tally.usualAfter(fromMs, toMs),
  }));
  if (values.json) console.log(JSON.stringify(reports));
  else
    for (const report of reports)
      console.log(`${report.rate}/s: ${sentence(report)}; as usual after ${report.usualAfterSeconds ?? '–'} s`);
  process.exit(0);
}

/** `500x10,5000x30`: rate by seconds. */
/** `500x10,5000x30`: a rate and for how many seconds, one after the other. */
function stepsOf(text: string): Step[] {
  let fromMs = 0;
  return text.split(',').map((part) => {
    const [rate = '', seconds = '', ...more] = part.split('x');
    if (more.length > 0) throw new InvalidArgumentError(`"${part}" is not a rate and seconds, as 500x10.`);
    const step = { rate: above0(rate), fromMs, toMs: fromMs + from0(seconds) * 1_000 };
    fromMs = step.toMs;
    return step;
  });
}

function loopback(text: string): URL[] {
  return text.split(',').map((address) => {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url?.protocol === 'http:' && /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname)) return url;
    throw new InvalidArgumentError(`"${address}" is not on this machine; loopback addresses over http only.`);
  });
}

/** Everything of a request before its token. */
function headOf(url: URL, path: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\nauthorization: Bearer `;
}

async function demo(url: URL): Promise<unknown> {
  const answer = await fetch(new URL('/v1/demo', url));
  if (!answer.ok) throw new Error(`GET ${answer.url} answers ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

interface PublicRace {
  readonly runners: readonly { readonly number: string; readonly status: string }[];
  readonly pools: readonly {
    readonly poolId: string;
    readonly type: string;
    readonly status: string;
    readonly minStake: number;
  }[];
}

/** The races that sell now. */
async function selling(url: URL): Promise<RaceOnSale[]> {
  // Not the demo's own list: a hundred thousand tokens stand beside it.
  const answer = await fetch(new URL('/v1/meetings', url));
  const { meetings } = (await answer.json()) as { meetings: { races: { raceId: string; status: string }[] }[] };
  const races = meetings.flatMap((meeting) => meeting.races);
  const open = races.filter((race) => race.status === 'OPEN').map(({ raceId }) => raceId);
  for (const raceId of open) {
    if (known.has(raceId)) continue;
    const answer = await fetch(new URL(`/v1/races/${raceId}`, url));
    known.set(raceId, answer.ok ? raceOf((await answer.json()) as PublicRace) : plainRace(raceId));
  }
  return open.flatMap((raceId) => known.get(raceId) ?? []).filter(isPlayable);
}

function raceOf({ runners, pools }: PublicRace): RaceOnSale {
  const running = runners.filter(({ status }) => status !== 'SCRATCHED').map(({ number }) => number);
  return { runners: running, pools: pools.filter(({ status }) => status === 'OPEN') };
}

/** Of a server that only counts requests. */
function plainRace(raceId: string): RaceOnSale {
  return { runners: ['1', '2', '3'], pools: [{ poolId: `${raceId}-WIN`, type: 'WIN', minStake: 0 }] };
}

function sentence(r: Report): string {
  const statuses = Object.entries(r.byStatus)
    .map(([status, n]) => `${status}: ${n}`)
    .join(', ');
  return `offered ${r.offered}, accepted ${r.accepted} (${r.acceptedPerSecond}/s); p50 ${r.p50} ms, p99 ${r.p99} ms, p99.9 ${r.p999} ms, max ${r.max} ms; ${statuses}`;
}

/**
 * The light generator: open loop, latency from the intended send time, one ticket of one straight win bet a request under a fresh
 * reference, over all accounts of the demo. Writes a journal of every answer for the checker when asked. Loopback only.
 *
 *   node --conditions=src --import tsx loadtests/light.ts --rate 2000 --seconds 30 --warmup 10 [--url URL] [--journal FILE]
 */
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { v7 } from 'uuid';
import { LeanClient } from './lean-client.js';

interface Shape {
  readonly url: string;
  readonly rate: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly connections: number;
  readonly path: string;
}

interface Cast {
  readonly accounts: readonly { readonly accountId: string; readonly token: string; readonly currency: string }[];
}

/** How often the clock is asked which requests are due. */
const SLICE_MS = 2;
/** Beyond it the system is past saving, and more sockets only measure the generator. */
const MAX_IN_FLIGHT = 20_000;

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '3' },
    connections: { type: 'string', default: '1024' },
    path: { type: 'string', default: '/v1/tickets' },
    journal: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const shape: Shape = {
  url: values.url,
  rate: Number(values.rate),
  seconds: Number(values.seconds),
  warmup: Number(values.warmup),
  connections: Number(values.connections),
  path: values.path,
};
if (!/^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/.test(shape.url)) {
  console.error(`--url ${shape.url} is not on this machine; the generator sends to loopback addresses only`);
  process.exit(2);
}
const journal = values.journal === undefined ? undefined : createWriteStream(values.journal);
const note = journal && ((line: object): void => void journal.write(`${JSON.stringify(line)}\n`));
const report = await generate(shape, note);
await new Promise<void>((resolve) => (journal ? journal.end(resolve) : resolve()));
console.log(values.json ? JSON.stringify(report) : sentence(report));
process.exit(report.accepted > 0 ? 0 : 1);

interface Report {
  readonly offered: number;
  readonly accepted: number;
  readonly acceptedPerSecond: number;
  readonly byStatus: Record<string, number>;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

async function generate(load: Shape, note?: (line: object) => void): Promise<Report> {
  const url = new URL(load.url);
  const client = new LeanClient(url, load.connections);
  const cast = (await demo(url)) as Cast;
  const heads = new Map(cast.accounts.map(({ accountId, token }) => [accountId, headOf(url, load.path, token)]));
  const latencies: number[] = [];
  const byStatus: Record<string, number> = {};
  let pools = await sellingPools(url);
  const refresh = setInterval(
    () =>
      void sellingPools(url).then(
        (found) => (pools = found.length > 0 ? found : pools),
        () => undefined,
      ),
    2_000,
  );
  let accepted = 0;
  let lastAnswer = 0;
  let inFlight = 0;
  let sent = 0;
  const began = performance.now();
  const measuredFrom = load.warmup * 1_000;
  const total = (load.warmup + load.seconds) * load.rate;

  const one = async (intended: number): Promise<void> => {
    const account = cast.accounts[Math.floor(Math.random() * cast.accounts.length)];
    const poolId = pools[Math.floor(Math.random() * pools.length)];
    if (!account || !poolId) throw new Error('the demo has no account or no pool on sale');
    const ref = v7();
    const runner = 1 + Math.floor(Math.random() * 8);
    const body = `{"ticketRef":"${ref}","accountId":"${account.accountId}","currency":"${account.currency}","bets":[{"betRef":"a","poolId":"${poolId}","form":"STRAIGHT","columns":[["${runner}"]],"unitStake":100,"stake":100}]}`;
    inFlight++;
    const { status, body: text } = await client.send(`${heads.get(account.accountId)}${body.length}\r\n\r\n${body}`);
    inFlight--;
    const code = status === 201 ? undefined : /"code":"([^"]+)"/.exec(text)?.[1];
    if (note) {
      const ticketId = /"ticketId":"([^"]+)"/.exec(text)?.[1];
      note({ account: account.accountId, ref, stake: 100, status, ticketId, code });
    }
    if (intended < measuredFrom) return;
    const key = code === undefined ? String(status) : `${status} ${code}`;
    byStatus[key] = (byStatus[key] ?? 0) + 1;
    if (status < 200 || status >= 300 || status === 202) return;
    accepted++;
    lastAnswer = performance.now() - began;
    latencies.push(lastAnswer - intended);
  };

  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * load.rate));
    for (; sent < due && inFlight < MAX_IN_FLIGHT; sent++) void one((sent / load.rate) * 1_000);
    await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
  }
  for (const until = performance.now() + 10_000; inFlight > 0 && performance.now() < until; )
    await new Promise((r) => setTimeout(r, 20));
  clearInterval(refresh);
  client.close();
  latencies.sort((a, b) => a - b);
  const at = (q: number): number =>
    Math.round((latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? 0) * 10) / 10;
  return {
    offered: load.rate * load.seconds,
    accepted,
    // Over the time until the last answer: a queue that is worked off afterwards is not throughput.
    acceptedPerSecond: Math.round((accepted * 1_000) / Math.max(load.seconds * 1_000, lastAnswer - measuredFrom)),
    byStatus,
    ...{ p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) },
  };
}

/** Everything of a request before the length of its body. */
function headOf(url: URL, path: string, token: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\nauthorization: Bearer ${token}\r\ncontent-length: `;
}

async function demo(url: URL): Promise<unknown> {
  return (await fetch(new URL('/v1/demo', url))).json();
}

/** Win pools of the races that sell now. */
async function sellingPools(url: URL): Promise<string[]> {
  const answer = (await demo(url)) as { races: { raceId: string; status: string }[] };
  return answer.races.filter((race) => race.status === 'OPEN').map((race) => `${race.raceId}-WIN`);
}

function sentence(r: Report): string {
  const statuses = Object.entries(r.byStatus)
    .map(([status, n]) => `${status}: ${n}`)
    .join(', ');
  return `offered ${r.offered}, accepted ${r.accepted} (${r.acceptedPerSecond}/s); p50 ${r.p50} ms, p99 ${r.p99} ms, p99.9 ${r.p999} ms, max ${r.max} ms; ${statuses}`;
}

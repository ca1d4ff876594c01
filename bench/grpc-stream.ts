/**
 * Accepted bets a second over the gRPC stream of hosts, generator and embedded system on one machine: some hosts with their accounts,
 * two streams each, one ticket of one win bet a request, open loop at rising rates, latency from the intended send time.
 *
 * `npm run bench -- grpc-stream [--seconds=4] [--small]`, after a build.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { freePort } from '../infra/native/index.mjs';
import { nodeFlags } from '../infra/workspace.mjs';
import { Tally } from '../loadtests/tally.js';
import { castOf, Officials } from '../test/trust/officials.js';
import { QUIET, RunningSystem } from '../test/trust/running-system.js';
import { hostToken, type StreamAnswer, streamsTo } from './support/hosts.js';

interface Waiting {
  readonly intended: number;
}

const small = process.argv.includes('--small');
const seconds = Number(process.argv.find((word) => word.startsWith('--seconds='))?.slice(10) ?? (small ? 1 : 4));
const WARMUP_S = small ? 1 : 2;
const RATES = small ? [500] : [1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 15_000];
const KEPT_UP = 0.97;
const ACCOUNTS = 1_000;
const HOSTS = 5;
const STREAMS_OF_HOST = 2;
const SLICE_MS = 2;
const LAST_ANSWERS_MS = 60_000;
const RUNNERS = 8;

const data = mkdtempSync(join(tmpdir(), 'mutuel-bench-grpc-'));
const tokenKey = randomBytes(32).toString('hex');
const port = await freePort();
const system = await RunningSystem.start({
  args: ['--port', '0', '--grpc-port', String(port), '--data', data, '--accounts', String(ACCOUNTS), ...QUIET],
  env: { TOKEN_KEY: tokenKey, LIMIT_PARTNER: '1000000' },
  nodeFlags,
});
try {
  const cast = await castOf(system.url);
  const officials = new Officials(system.url, cast.operators);
  const races = await officials.openMeeting('streams');
  await officials.close();
  const all = cast.accounts.map(({ accountId }) => accountId);
  const hosts = Array.from({ length: HOSTS }, (_, i) => hostOf(i, all));
  const streams = hosts.flatMap(({ token, accounts }) =>
    Array.from({ length: STREAMS_OF_HOST }, () => ({
      ...{ stream: streamsTo(port)(token), accounts, waiting: new Map<number, Waiting>() },
    })),
  );
  const ask = (id: number, accountId: string): object => ({
    id,
    place: {
      ...{ ticketRef: v7(), accountId, currency: 'EUR' },
      bets: [
        {
          ...{ betRef: 'a', poolId: `${races[id % races.length]}-WIN`, form: 'STRAIGHT', unitStake: 100, stake: 100 },
          columns: [{ runners: [String((id % RUNNERS) + 1)] }],
        },
      ],
    },
  });
  let id = 0;
  let began = 0;
  let counts = new Tally();
  for (const { stream, waiting } of streams) {
    // Cancelled at the end by ourselves; a stream that breaks before leaves its tickets unanswered, which the table shows.
    stream.on('error', () => undefined);
    stream.on('data', ({ id: answered, ticket, problem }: StreamAnswer) => {
      const known = waiting.get(answered);
      if (known === undefined) return;
      waiting.delete(answered);
      const status = problem === undefined ? (ticket?.status === 'PENDING' ? 202 : 201) : 422;
      counts.note(known.intended, status, problem?.code, performance.now() - began - known.intended);
    });
  }
  /** All that is due on each stream; the transport holds back what is not taken. */
  const offer = async (rate: number): Promise<void> => {
    began = performance.now();
    counts = new Tally();
    const total = Math.round(rate * (WARMUP_S + seconds));
    for (let sent = 0; sent < total; ) {
      const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * rate));
      for (; sent < due; sent++) {
        const { stream, accounts, waiting } = streams[sent % streams.length] as (typeof streams)[number];
        waiting.set(++id, { intended: (sent / rate) * 1_000 });
        stream.write(ask(id, accounts[id % accounts.length] ?? ''));
      }
      await pause(SLICE_MS);
    }
    const until = performance.now() + LAST_ANSWERS_MS;
    while (streams.some(({ waiting }) => waiting.size > 0) && performance.now() < until) await pause(SLICE_MS);
  };
  let top = 0;
  for (const rate of RATES) {
    await offer(rate);
    const report = counts.report(WARMUP_S * 1_000, (WARMUP_S + seconds) * 1_000, rate);
    const { acceptedPerSecond, byStatus, p50, p99, p999 } = report;
    top = Math.max(top, acceptedPerSecond);
    const answers = Object.entries(byStatus).map(([status, count]) => `${status}: ${count}`);
    console.log(
      `stream, ${rate}/s offered: ${acceptedPerSecond}/s accepted; p50 ${p50} ms, p99 ${p99} ms, p99.9 ${p999} ms (${answers.join(', ')})`,
    );
    if (acceptedPerSecond < rate * KEPT_UP) break;
  }
  console.log(`top: ${top}/s over ${streams.length} streams`);
  for (const { stream } of streams) stream.cancel();
} finally {
  await system.kill();
  rmSync(data, { recursive: true, force: true });
}
process.exit(0);

function hostOf(index: number, all: readonly string[]) {
  const accounts = all.filter((_, i) => i % HOSTS === index);
  const token = hostToken(tokenKey, `host-${index}`, accounts);
  return { token, accounts };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

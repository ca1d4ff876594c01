/**
 * The end of a race with 500,000 bets on the whole embedded system, as `npm start` runs it, while bets on another race go on at 100 a
 * second over REST: from the last bet to the published seal, from the entered result to the preview, from the confirmation to the last
 * payment and to the read models that show it; and how long a bet waits meanwhile, beside before. Processor time is the
 * system's own, all threads. The bets come from 100,000 accounts over gRPC streams, five a ticket; nearly a fifth of them win.
 *
 * `npm run bench -- settlement [--small] [--bets=500000] [--accounts=100000]`, after a build.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { ApiClient } from '#mutuel/demo';
import { freePort } from '../infra/native/index.mjs';
import { nodeFlags } from '../infra/workspace.mjs';
import { Officials } from '../test/trust/officials.js';
import { QUIET, RunningSystem } from '../test/trust/running-system.js';
import { hostToken, operatorToken, streamsTo } from './support/hosts.js';
import { must, pause } from './support/house.js';
import { processorSeconds } from './support/processor-time.js';
import { SteadyBets } from './support/steady-bets.js';

const small = process.argv.includes('--small');
const option = (name: string): string | undefined =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const BETS = Number(option('bets') ?? (small ? 2_000 : 500_000));
const ACCOUNTS = Number(option('accounts') ?? (small ? 200 : 100_000));
const RATE = small ? 20 : 100;
const BEFORE_MS = small ? 1_000 : 10_000;
const BETS_A_TICKET = 5;
const RUNNERS = 10;
/** As many as fit into a token. */
const ACCOUNTS_A_HOST = 200;
const CONNECTIONS = 8;
/** Tickets on their way, all streams together: what the gateway takes at any pace. */
const AT_ONCE = 300;
const LOOK_AGAIN_MS = 20;
const WITHIN_MS = 600_000;
const FINISH = [['4'], ['7'], ['1']];

const data = mkdtempSync(join(tmpdir(), 'mutuel-bench-settlement-'));
const tokenKey = randomBytes(32).toString('hex');
const grpcPort = await freePort();
const system = await RunningSystem.start({
  args: ['--port', '0', '--grpc-port', String(grpcPort), '--data', data, '--accounts', String(ACCOUNTS), ...QUIET],
  env: { TOKEN_KEY: tokenKey, LIMIT_PARTNER: '0' },
  nodeFlags,
});
const client = new ApiClient(system.url, 64);
const accounts = Array.from({ length: ACCOUNTS }, (_, i) => `acc-${1001 + i}`);
const person = (name: string, role: Parameters<typeof operatorToken>[2]): Person => ({
  token: operatorToken(tokenKey, name, role),
  roles: [role],
});
const tote = person('tote', 'TOTE_OPERATOR');
const first = person('first', 'STEWARD');
const second = person('second', 'STEWARD');
interface Person {
  readonly token: string;
  readonly roles: readonly string[];
}

try {
  await measure();
} finally {
  await client.close();
  await system.kill();
  rmSync(data, { recursive: true, force: true });
}
process.exit(0);

async function measure(): Promise<void> {
  const officials = new Officials(system.url, [tote, first, second]);
  const runners = Array.from({ length: RUNNERS }, (_, i) => String(i + 1));
  const card = { runners, types: ['WIN', 'PLACE'], races: 2, postInMs: 4 * 3_600_000 };
  const [race = '', other = ''] = await officials.openMeeting('end', card);
  await officials.close();
  const loading = performance.now();
  const tickets = await load(race);
  const loaded = (performance.now() - loading) / 1_000;
  tell('bets taken over gRPC', `${(BETS / loaded).toFixed(0)}/s, ${loaded.toFixed(1)} s`);
  const stream = new SteadyBets({ client, tokenKey, accounts, race: other, rate: RATE });
  stream.start();
  await projected(stream);
  await phase(stream, 'before', () => pause(BEFORE_MS));
  // The last bet: the race closes upon its answer.
  must(await stream.place(race), 'the last bet');
  await phase(stream, 'last bet to both seals published', async () => {
    await act(first, race, 'close', { reason: 'they are off' });
    await until('the seals', `/v1/seals?raceId=${race}`, undefined, ({ seals }) => (seals as unknown[]).length === 2);
  });
  let previewHash: unknown;
  await phase(stream, 'result entered to preview', async () => {
    await act(first, race, 'result', { finish: FINISH, disqualified: [] });
    const there = await until(
      'the preview',
      `/v1/operator/races/${race}/settlement`,
      second,
      (body) => body['previewHash'] !== null,
    );
    previewHash = there['previewHash'];
  });
  await phase(stream, 'confirmed to last payment decided', async () => {
    await act(second, race, 'confirm', { previewHash });
    await until('the payment', `/v1/races/${race}`, undefined, ({ status }) => status === 'SETTLED');
  });
  await phase(stream, 'from there to the read models', () => projected(stream));
  await phase(stream, 'after', () => pause(BEFORE_MS));
  await stream.stop();
  await checkPaid(tickets);
}

/** Runs it and prints how long it took, what the system spent and how long the others' bets waited meanwhile. */
async function phase(others: SteadyBets, name: string, work: () => Promise<unknown>): Promise<void> {
  const [began, used] = [performance.now(), processorSeconds(system.pid)];
  await work();
  const ended = performance.now();
  const spent = processorSeconds(system.pid) - used;
  // Those sent meanwhile may still be on their way.
  await others.answeredUntil(ended);
  tell(
    name,
    `${(ended - began).toFixed(0)} ms, ${spent.toFixed(2)} s of processor time; ${others.between(began, ended)}`,
  );
}

function tell(what: string, figures: string): void {
  console.log(`${what.padEnd(40)}${figures}`);
}

// Loading.

/** All bets but the last over the streams, each stream sending as it is answered. Resolves to some of the tickets and what they bet on. */
async function load(race: string): Promise<readonly Placed[]> {
  const clients = Array.from({ length: CONNECTIONS }, () => streamsTo(grpcPort));
  const hosts = Array.from({ length: Math.ceil(ACCOUNTS / ACCOUNTS_A_HOST) }, (_, i) =>
    accounts.slice(i * ACCOUNTS_A_HOST, (i + 1) * ACCOUNTS_A_HOST),
  );
  const total = BETS / BETS_A_TICKET;
  const kept: Placed[] = [];
  let sent = 0;
  const worker = async (no: number): Promise<void> => {
    for (let h = no; h < hosts.length; h += Math.min(AT_ONCE, hosts.length)) {
      const own = hosts[h] as string[];
      const token = hostToken(tokenKey, `host-${h}`, own);
      const stream = (clients[h % CONNECTIONS] as (typeof clients)[number])(token);
      const answers = new Map<number, (answer: { ticketId?: string; code?: string }) => void>();
      stream.on('error', () => undefined);
      stream.on('data', ({ id, ticket, problem }) => {
        answers.get(Number(id))?.(ticket ?? { code: problem?.code ?? 'NO_ANSWER' });
        answers.delete(Number(id));
      });
      const share = Math.floor(((h + 1) * total) / hosts.length) - Math.floor((h * total) / hosts.length);
      for (let i = 0; i < share; i++) {
        const seed = sent++;
        const accountId = own[i % own.length] as string;
        const ticket = ticketOf(race, accountId, seed);
        for (;;) {
          const answer = await new Promise<{ ticketId?: string; code?: string }>((resolve) => {
            answers.set(i, resolve);
            stream.write({ id: i, place: ticket.message });
          });
          if (answer.ticketId !== undefined) {
            if (seed % 97 === 0) kept.push({ ticketId: answer.ticketId, accountId, wins: ticket.wins });
            break;
          }
          if (answer.code !== 'SERVICE_UNAVAILABLE') throw new Error(`a bet was refused: ${answer.code}`);
          await pause(LOOK_AGAIN_MS);
        }
      }
      stream.cancel();
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, hosts.length) }, (_, no) => worker(no)));
  return kept;
}

interface Placed {
  readonly ticketId: string;
  readonly accountId: string;
  readonly wins: number;
}

/** Three runners to win and two to be placed. */
function ticketOf(race: string, accountId: string, seed: number) {
  const start = Math.imul(seed, 7_919) >>> 3;
  const runner = (add: number): string => String(((start + add) % RUNNERS) + 1);
  const picks = [0, 3, 6].map((add) => ['WIN', runner(add)] as const);
  const all = [...picks, ...[1, 5].map((add) => ['PLACE', runner(add)] as const)];
  const placed = FINISH.flat();
  const bets = all.map(([type, no], i) => ({
    ...{ betRef: `b${i}`, poolId: `${race}-${type}`, form: 'STRAIGHT', unitStake: 200, stake: 200 },
    columns: [{ runners: [no] }],
  }));
  const wins = all.filter(([type, no]) => (type === 'WIN' ? no === placed[0] : placed.includes(no))).length;
  return { message: { ticketRef: v7(), accountId, currency: 'EUR', bets }, wins };
}

// Acts and what comes of them.

async function act(who: Person, race: string, what: string, body: object): Promise<void> {
  must(await client.post(`/v1/operator/races/${race}/${what}`, body, who.token), what);
}

async function until(
  what: string,
  path: string,
  who: Person | undefined,
  isThere: (body: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  const patience = performance.now() + WITHIN_MS;
  let last = '';
  while (performance.now() < patience) {
    const { status, body } = await client.get(path, who?.token);
    if (status === 200 && isThere(body)) return body;
    last = `${status} ${JSON.stringify(body).slice(0, 500)}`;
    await pause(LOOK_AGAIN_MS);
  }
  throw new Error(`${what} did not come: ${last}`);
}

/** Resolves when the read models hold what every shard has decided until now: bets accepted from now on stand behind it. */
async function projected(others: SteadyBets): Promise<void> {
  const since = performance.now();
  const behind = new Map<number, number>();
  while (behind.size < 2) {
    await pause(LOOK_AGAIN_MS);
    for (const { shard, seq, at } of others.accepted) if (at >= since && !behind.has(shard)) behind.set(shard, seq);
  }
  const isThere = ({ shards }: Record<string, unknown>): boolean =>
    (shards as { shard: number; seq: number }[]).every(({ shard, seq }) => seq >= (behind.get(shard) ?? 0));
  await until('the read models', '/v1/operator/overview', tote, isThere);
}

/** As many bets of each kept ticket are shown as paid as have won. */
async function checkPaid(tickets: readonly Placed[]): Promise<void> {
  let paid = 0;
  for (const { ticketId, wins } of tickets) {
    const { body } = must(await client.get(`/v1/tickets/${ticketId}`, tote.token), ticketId);
    const won = (body['bets'] as { payout: number | null }[]).filter(({ payout }) => (payout ?? 0) > 0).length;
    if (won !== wins) throw new Error(`${ticketId}: ${won} bets are paid, ${wins} have won: ${JSON.stringify(body)}`);
    paid += won;
  }
  tell('looked up afterwards', `${tickets.length} tickets, ${paid} bets of them won and are shown as paid`);
}

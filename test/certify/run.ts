/**
 * `npm run certify`: a system under the load of the last minutes, struck by faults at moments drawn from a seed, for so many minutes;
 * then everything it left is judged, and one page says what was found. Ends with 1 when anything was.
 *
 *   npm run certify [-- --minutes 2] [--seed N] [--top 200] [--accounts 200] [--distributed] [--store]
 *
 * `--store` signs the page and keeps it under certificates/, with the key of SEAL_KEY_FILE (SEAL_SIGN_COMMAND), else one made there once.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '#mutuel/adapters';
import { sealSigner } from '#mutuel/platform';
import { hasPassed, type PublishedKey, trustedKeys, verifyReceipt } from '#mutuel/verify';
import { above0, script, wholeFrom } from '../flags.js';
import { JournalClient } from '../trust/journal-client.js';
import { castOf, Officials } from '../trust/officials.js';
import { DistributedTarget } from './distributed.js';
import { EmbeddedTarget } from './embedded.js';
import { LastMinutes } from './last-minutes.js';
import { packOf } from './pack.js';
import { certificateOf, type Run, type Struck } from './page.js';
import { proofOf } from './proof.js';
import { type Fault, pause, type Target } from './target.js';

const FOLDER = 'certificates';
const WARM_MS = 3_000;
/** Between the end of one fault and the next, ms: time to recover, and then some. */
const CALM_MS = 3_000;
const CALM_SPREAD_MS = 6_000;
/** One fault in three strikes around an off. */
const AT_THE_OFF = 1 / 3;
const AROUND_THE_OFF_MS = 1_500;
/** To ask for a checkpoint and have it in the command logs: what is there is decided before the system stops. */
const CHECKPOINT_MS = 30_000;
/** The page says how long it took; this only ends what would wait for ever. */
const AGAIN_WITHIN_MS = 300_000;
const RECEIPTS = 50;
const CYCLE_MS = 15_000;
const SEED_SPAN = 1_000_000;

interface Flags {
  readonly minutes: number;
  readonly seed?: number;
  readonly top: number;
  readonly accounts: number;
  readonly port: number;
  readonly distributed: boolean;
  readonly store: boolean;
}

const flags = script('npm run certify --', 'Load and faults for so many minutes, and one page of what was found.')
  .option('--minutes <n>', 'how long', above0, 2)
  .option('--seed <n>', 'of the faults and the bets (default: another each time)', wholeFrom(0))
  .option('--top <n>', 'tickets a second at the off', above0, 200)
  .option('--accounts <n>', 'that bet', wholeFrom(1), 200)
  .option('--port <n>', 'of the embedded system; 0 is any', wholeFrom(0), 0)
  .option('--distributed', 'the roles on Kafka, PostgreSQL and Redis', false)
  .option('--store', `sign the page and keep it under ${FOLDER}/`, false)
  .parse()
  .opts<Flags>();
const { minutes, top, accounts, port, seed = Math.floor(Math.random() * SEED_SPAN) } = flags;
const commit = commitOf();
console.error(`certify: ${minutes} min, seed ${seed}, commit ${commit}`);
const random = seededRandom(seed);
const target: Target = flags.distributed
  ? new DistributedTarget({ accounts, random: seededRandom(seed + 2) })
  : new EmbeddedTarget({ accounts, minutes, port });
let run: Run;
try {
  run = await certify();
} finally {
  await target.end();
}
const statement = certificateOf(run);
console.log(statement.page);
console.log(
  `again: npm run certify -- --minutes ${minutes} --seed ${seed}${flags.distributed ? ' --distributed' : ''}`,
);
if (flags.store) await store();
process.exit(hasPassed(statement) ? 0 : 1);

async function certify(): Promise<Run> {
  await target.start();
  const startedAt = Date.now();
  const began = performance.now();
  const cast = await castOf(target.betUrl);
  const client = new JournalClient(cast.accounts, seededRandom(seed + 1));
  const officials = new Officials(target.officeUrl, cast.operators);
  const minutesOf = new LastMinutes(officials, { everyMs: CYCLE_MS, top, random, name: `certify-${seed}` });
  const until = began + minutes * 60_000;
  const stop = new AbortController();
  const selling = client.sell(target.betUrl, minutesOf.selling, () => minutesOf.rate, stop.signal);
  const findings: string[] = [];
  // Races go on selling until the last fault is recovered from: without a bet nobody could tell.
  const striking = strike(client, minutesOf, { began, until, findings });
  await minutesOf.run(striking);
  const { drawn, struck } = await striking;
  stop.abort();
  await selling;
  console.error('certify: the races are home; outcomes that are unknown are resolved');
  await client.resolve(target.betUrl).catch((fault: Error) => findings.push(`unresolved: ${fault.message}`));
  findings.push(...client.contradictions);
  const receipts = await checkReceipts(client, findings);
  await officials.close();
  // Where none comes, the proof says so.
  await Promise.race([target.askCheckpoints(), pause(CHECKPOINT_MS)]);
  await target.stop();
  console.error('certify: the log and the read models are judged');
  const proof = await target.read((log, db) => proofOf(log, db, client.journal, target.isLive));
  return {
    ...{ title: target.title, commit, seed, minutes, startedAt, top, drawn, struck, receipts },
    machine: `Node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}`,
    ...{ sent: client.sent, accepted: client.count(201), refusals: client.refusals, unknown: client.wereUnknown },
    ...{ races: minutesOf.races.length, faults: target.faults, notInjected: target.notInjected },
    proof: { ...proof, findings: [...findings, ...target.incidents, ...proof.findings] },
  };
}

/** One fault after the other, each at a moment of its own; a pack of all of them is used up before it is drawn again. */
async function strike(
  client: JournalClient,
  load: LastMinutes,
  { began, until, findings }: { began: number; until: number; findings: string[] },
): Promise<{ drawn: number; struck: Struck[] }> {
  const struck: Struck[] = [];
  let drawn = 0;
  let pack: Fault[] = [];
  await pause(WARM_MS);
  for (;;) {
    const next = performance.now() + CALM_MS + random() * CALM_SPREAD_MS;
    const isAtOff = random() < AT_THE_OFF && load.nextOff > next;
    const moment = isAtOff ? load.nextOff + random() * AROUND_THE_OFF_MS : next;
    if (moment > until) {
      await pause(Math.max(0, until - performance.now()));
      return { drawn, struck };
    }
    await pause(moment - performance.now());
    if (pack.length === 0) pack = packOf(target.faults, random);
    const fault = pack.shift() as Fault;
    drawn += 1;
    const at = Math.round(performance.now() - began);
    const againMs = await recovery(fault, client);
    struck.push({ name: fault.name, at, againMs });
    console.error(
      `certify: ${(at / 1_000).toFixed(1)} s ${fault.name}: sells again after ${againMs ?? `> ${AGAIN_WITHIN_MS.toLocaleString('en')}`} ms`,
    );
    if (againMs === undefined) findings.push(`it does not sell again after ${fault.name} at ${at} ms`);
  }
}

async function recovery(fault: Fault, client: JournalClient): Promise<number | undefined> {
  let overAt = Number.POSITIVE_INFINITY;
  let again: number | undefined;
  client.onAnswer = (status, sentAt) => {
    if (status === 201 && sentAt >= overAt) again ??= performance.now();
  };
  await fault.inject(random);
  overAt = performance.now();
  while (again === undefined && performance.now() - overAt < AGAIN_WITHIN_MS) await pause(10);
  return again === undefined ? undefined : Math.round(again - overAt);
}

/** Receipts of accepted tickets from all over the run: signed, and their bets in the seals. */
async function checkReceipts(client: JournalClient, findings: string[]): Promise<number> {
  const { keys } = (await (await fetch(`${target.officeUrl}/v1/seal-keys`)).json()) as { keys: PublishedKey[] };
  const trusted = trustedKeys(keys);
  let holding = 0;
  for (const { ticketId, token } of client.someAccepted(RECEIPTS)) {
    const answer = await fetch(`${target.betUrl}/v1/tickets/${ticketId}/receipt`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { faults, missing } = verifyReceipt(await answer.json(), trusted);
    const said = [...faults, ...missing];
    if (said.length === 0) holding += 1;
    else findings.push(`receipt of ${ticketId}: ${said.join('; ')}`);
  }
  return holding;
}

async function store(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const { SEAL_KEY_FILE: sealKeyFile, SEAL_SIGN_COMMAND: sealSignCommand } = process.env;
  const signer = sealSigner({ data: FOLDER, sealKeyFile, sealSignCommand });
  const signed = await signer.sign(JSON.stringify(statement));
  const name = `${new Date(run.startedAt).toISOString().replace(/[:.]/g, '-')}-${seed}`;
  writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(signed, null, 1)}\n`);
  writeFileSync(join(FOLDER, 'keys.json'), `${JSON.stringify({ keys: [await signer.published()] }, null, 1)}\n`);
  console.log(`signed: ${join(FOLDER, `${name}.json`)} (mutuel verify certificate FILE --keys ${FOLDER}/keys.json)`);
}

/** Of this source; what stands beside the last commit is said. */
function commitOf(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '-uno') === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}

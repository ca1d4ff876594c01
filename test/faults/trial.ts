/**
 * One system through any number of faults, under load all the time: after each, everybody's answer is resolved, the races are brought
 * home, and a checker that shares no code with the engine holds the log against what the client was told.
 */
import { openDatabase, openKafkaLog, seededRandom } from '#mutuel/adapters';
import type { EventLog } from '#mutuel/runtime';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs, type Verdict } from '../trust/log-checker.js';
import { castOf, Officials } from '../trust/officials.js';
import { readDecisionLogs } from '../trust/read-log.js';
import { becomeProjected, projected, rebuildReadModels, tableDigests } from '../trust/retold.js';
import { Cluster, pause } from './cluster.js';
import type { Pace, Scenario } from './scenarios.js';
import { Strikes } from './strikes.js';

export interface TrialOptions {
  readonly instance: string;
  readonly brokers: 1 | 3;
  /** Tickets a second. */
  readonly rate: number;
  readonly seed: number;
  readonly pace: Pace;
  /** Some of the faults fill a disk. */
  readonly disks?: boolean;
}

export interface Outcome {
  readonly name: string;
  readonly seed: number;
  readonly accepted: number;
  /** Business refusals: a closed pool, a lease that is over. */
  readonly refused: number;
  /** Why, with how many each. */
  readonly codes: readonly string[];
  /** 503: nothing was appended. */
  readonly turnedAway: number;
  /** 202, or no answer at all. */
  readonly unknown: number;
  /** Of those, the ones whose outcome was found out afterwards. */
  readonly resolved: number;
  /** Answers that took longer than a second. */
  readonly delayed: number;
  /** From the strike to the first acceptance of a ticket that was sent after it, ms; of several strikes the longest. */
  readonly againMs: number | undefined;
  /** The longest time from the first strike on in which nothing was accepted, ms. */
  readonly gapMs: number;
  readonly findings: readonly string[];
}

const ACCOUNTS = 300;
const SLOW_MS = 1_000;
const WARM_BETS = 30;
const AFTER_BETS = 20;
const SELL_AGAIN_MS = 180_000;
const HOME_ATTEMPTS = 5;
const onWarning = (): void => undefined;

export class Trial {
  readonly cluster: Cluster;
  readonly #o: TrialOptions;
  readonly #races: string[] = [];
  #client: JournalClient | undefined;
  #cast: Awaited<ReturnType<typeof castOf>> | undefined;
  #log: EventLog | undefined;

  constructor(options: TrialOptions) {
    this.#o = options;
    const { instance, brokers, seed, disks = false } = options;
    this.cluster = new Cluster({ instance, brokers, accounts: ACCOUNTS, random: seededRandom(seed), disks });
  }

  async start(): Promise<void> {
    await this.cluster.start();
    this.#cast = await castOf(this.cluster.url('bet-api'));
    this.#client = new JournalClient(this.#cast.accounts, seededRandom(this.#o.seed + 1));
    const { brokers } = this.cluster.stores;
    this.#log = await openKafkaLog({ brokers, clientId: 'checker', onWarning });
  }

  async run(scenario: Scenario, number: number): Promise<Outcome> {
    const { cluster } = this;
    const { pace, seed } = this.#o;
    const rate = scenario.rate?.(pace) ?? this.#o.rate;
    const client = this.#client as JournalClient;
    const findings: string[] = [];
    const before = counts(client);
    const codes = client.refusals;
    const incidents = cluster.incidents.length;
    const officials = new Officials(cluster.url('back-office'), this.#cast?.operators ?? []);
    const races = await officials.openMeeting(`fault-${number}`);
    this.#races.push(...races);
    const strikes = new Strikes();
    let afterwards = 0;
    let delayed = 0;
    let overAt = Number.POSITIVE_INFINITY;
    client.onAnswer = (status, sentAt) => {
      const now = performance.now();
      if (now - sentAt > SLOW_MS) delayed++;
      if (status !== 201) return;
      strikes.accepted(sentAt, now);
      if (sentAt > overAt) afterwards++;
    };
    const stop = new AbortController();
    const selling = client.sell(cluster.url('bet-api'), races, rate, stop.signal);
    const accepted = (): number => client.count(201) - before.accepted;
    if (!(await becomes(() => accepted() >= WARM_BETS))) findings.push('nothing was sold before the fault');
    // A moment of its own within a second, from the seed.
    await pause(Math.floor(seededRandom(seed + number)() * 1_000));
    const struck = (): void => strikes.struck(performance.now());
    const pressStop = (): Promise<unknown> => officials.press(races[0] ?? '');
    await scenario
      .run({
        ...{ cluster, pace, struck, accepted, pressStop, find: (finding) => findings.push(finding) },
        ...{ raiseFormat: () => officials.raiseFormat(), newestFormats: () => this.#newestFormats() },
      })
      .catch((fault: Error) => findings.push(`the scenario broke: ${fault.message}`));
    if (strikes.count === 0) findings.push('nothing was broken');
    overAt = performance.now();
    if (!(await becomes(() => afterwards >= AFTER_BETS))) findings.push('it does not sell again');
    stop.abort();
    await selling;
    for (const race of races) if (!(await home(officials, race))) findings.push(`${race} does not come home`);
    await officials.close();
    await client.resolve(cluster.url('bet-api')).catch((fault: Error) => findings.push(fault.message));
    findings.push(...(await this.#verdict()).findings, ...client.contradictions);
    findings.push(...cluster.incidents.slice(incidents).filter((incident) => /stopped with/.test(incident)));
    const after = counts(client);
    return {
      name: scenario.name,
      seed: seed + number,
      accepted: after.accepted - before.accepted,
      refused: after.refused - before.refused,
      codes: [...client.refusals].flatMap(([code, count]) => {
        const fresh = count - (codes.get(code) ?? 0);
        return fresh > 0 ? [`${code} ${fresh}`] : [];
      }),
      turnedAway: after.turnedAway - before.turnedAway,
      unknown: after.unknown - before.unknown,
      resolved: after.unknown - before.unknown - client.unknown,
      delayed,
      againMs: strikes.againMs === undefined ? undefined : Math.round(strikes.againMs),
      gapMs: Math.round(strikes.gapMs),
      findings,
    };
  }

  /** Everything stopped, all money counted: the log's balances, the read models, the read models made anew. */
  async settle(): Promise<readonly string[]> {
    const findings: string[] = [];
    const db = await openDatabase({ url: this.cluster.stores.database, max: 4, onWarning });
    await this.cluster.stopRoles(async () => {
      const { decisions } = await this.#verdict();
      if (!(await becomeProjected(db, decisions)))
        findings.push(`of ${decisions} decisions ${await projected(db)} are projected`);
    });
    const verdict = await this.#verdict();
    const rows = await db.query<{ account: string; balance: number }>('select account, balance from accounts');
    for (const { account, balance } of rows)
      if (verdict.balances.get(account) !== balance)
        findings.push(`adrift: ${account} has ${balance}, its postings sum to ${verdict.balances.get(account)}`);
    for (const race of this.#races)
      for (const pool of ['WIN', 'EXACTA'])
        if ((verdict.clearing.get(`${race}-${pool}`) ?? 0) !== 0)
          findings.push(`adrift: ${race}-${pool} is not cleared`);
    const live = await tableDigests(db);
    await rebuildReadModels(db, this.#log as EventLog, true);
    const anew = await tableDigests(db);
    for (const [table, digest] of Object.entries(anew))
      if (live[table] !== digest) findings.push(`${table} is ${live[table]}, made anew ${digest}`);
    await db.close();
    return findings;
  }

  async end(): Promise<void> {
    await this.#log?.close();
    await this.cluster.end();
  }

  async #newestFormats(): Promise<readonly number[]> {
    const { shards } = await readDecisionLogs(this.#log as EventLog);
    const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');
    return shards.map((records) => (JSON.parse(text(records.at(-1)?.value)) as { v: number }).v);
  }

  async #verdict(): Promise<Verdict> {
    const { shards, market } = await readDecisionLogs(this.#log as EventLog);
    return checkLogs(shards, market, (this.#client as JournalClient).journal);
  }
}

function counts(client: JournalClient) {
  return {
    accepted: client.count(201),
    refused: client.count(422),
    turnedAway: client.count(503),
    unknown: client.wereUnknown,
  };
}

async function home(officials: Officials, race: string): Promise<boolean> {
  for (let attempt = 0; attempt < HOME_ATTEMPTS; attempt++) {
    if (await officials.bringHome(race).catch(() => false)) return true;
    await pause(200);
  }
  return false;
}

/** Decisions that the read models are made of. */
async function becomes(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const until = performance.now() + SELL_AGAIN_MS; performance.now() < until; await pause(20))
    if (await condition()) return true;
  return false;
}

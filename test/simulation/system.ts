/**
 * The system under test: the real engine hosts, gateways, calculators, projection driver and odds service, each in a process of its
 * own that can die, freeze and start again on the simulated log. It must never help them: what they know they read from their ports.
 */
import { openMemoryCache } from '#mutuel/adapters';
import { stateHash, TOPICS } from '#mutuel/contracts';
import { type LegOutcome, marketDecider, type PoolCard, PROPOSAL_SOURCES, shardDecider, termsOf } from '#mutuel/engine';
import {
  directTails,
  EngineHost,
  type EventLog,
  foldDecisions,
  type LogRecord,
  MARKET_SOURCE,
  ProjectionDriver,
  shardSource,
  TailHub,
  type TailSource,
  type TopicPartition,
} from '#mutuel/runtime';
import { allSources, auditCalculator, Calculator, engineCalculator, OddsService } from '#mutuel/services';
import {
  isRefusal,
  legKeys,
  legResult,
  lineCounter,
  linesMatching,
  priceLegs,
  pricePool,
  ratio,
  readSelection,
  refundedLegRunners,
  resultKeys,
} from '#mutuel/tote';
import { Api } from './api.js';
import type { Crashes } from './crashes.js';
import { type Kernel, SimProcess } from './kernel.js';
import type { Plan } from './plan.js';
import { withPoison } from './poison.js';
import type { Random } from './random.js';
import { readingNewer } from './releases.js';
import { SimElection } from './sim-election.js';
import type { SimLog } from './sim-log.js';
import { SimSnapshots } from './sim-snapshots.js';
import { Store, type StoredPool } from './store.js';
import type { Strikes } from './strikes.js';

export const EPOCH = 1;
export const SERVICE_KEY = new Uint8Array(32).fill(7);

/** What every role gets from its process. */
export interface Ports {
  readonly process: SimProcess;
  readonly log: EventLog;
  readonly tails: TailSource;
}

export interface Running<T> {
  readonly process: SimProcess;
  readonly part: T;
}

type Parts = {
  engine: EngineHost;
  api: Api;
  calculators: { stop(): Promise<void> };
  projector: ProjectionDriver;
  odds: OddsService;
};
export type Role = keyof Parts;

export class System {
  readonly store = new Store();
  readonly running: { [R in Role]: (Running<Parts[R]> | undefined)[] };
  /** A part stopped for good, or threw where nobody catches: the process would have ended. */
  onFatal: (what: string) => void = () => undefined;
  /** What stopped for good, and with what words. */
  readonly ended: string[] = [];
  readonly #snapshots: SimSnapshots;
  readonly #election: SimElection;
  readonly #poison = new Map<string, number>();
  #births = 0;
  /** How far the clients' clocks are ahead. */
  clientClock = 0;
  /** Engine hosts started from now on are of the release that reads the newer format. */
  #isInstalled = false;

  constructor(
    readonly kernel: Kernel,
    readonly plan: Plan,
    readonly log: SimLog,
    private readonly random: Random,
    readonly strikes: Strikes,
    private readonly crashes: Crashes,
  ) {
    this.#election = new SimElection(strikes);
    this.#snapshots = new SimSnapshots(plan.shards, random, strikes, crashes);
    this.running = { engine: [], api: [], calculators: [], projector: [], odds: [] };
  }

  startAll(): void {
    for (let i = 0; i < this.plan.hosts; i++) this.start('engine', i);
    this.start('api', 0);
    this.start('calculators', 0);
    this.start('projector', 0);
    this.start('odds', 0);
    if (this.strikes.happens('two-odds')) this.start('odds', 1);
  }

  start(role: Role, index: number, campaign: 'AT_ONCE' | 'WHEN_QUIET' = index === 0 ? 'AT_ONCE' : 'WHEN_QUIET'): void {
    const process = new SimProcess(`${role}-${index}.${++this.#births}`, this.kernel, this.random);
    const log = this.log.seenBy(process);
    const tails = this.plan.hub ? new TailHub(log, process.clock) : directTails(log);
    const ports = { process, log, tails };
    const part = this.#make(role, ports, campaign);
    (this.running[role] as (Running<unknown> | undefined)[])[index] = { process, part };
  }

  #make(role: Role, ports: Ports, campaign: 'AT_ONCE' | 'WHEN_QUIET'): Parts[Role] {
    switch (role) {
      case 'engine':
        return this.#engine(ports, campaign);
      case 'api':
        return new Api(ports, this, (what) => this.#stopped(ports.process, what));
      case 'calculators':
        return this.#calculators(ports);
      case 'projector':
        return this.#projector(ports);
      case 'odds':
        return this.#odds(ports);
      default:
        return role satisfies never;
    }
  }

  /** It was handed a record that has rotted: it may stop for good, and is replaced once the record was restored. */
  damaged(process: SimProcess): void {
    if (process.mayStop) return;
    process.mayStop = true;
    this.kernel.after(this.random.between(200, 4_000), () => this.#replace(process));
  }

  #replace(process: SimProcess): void {
    for (const role of Object.keys(this.running) as Role[])
      this.running[role].forEach((one, index) => {
        if (one?.process !== process) return;
        this.kill(role, index);
        this.start(role, index);
      });
  }

  #stopped(process: SimProcess, what: string): void {
    if (process.state !== 'DEAD') this.ended.push(`${process.name}${what}`);
    if (process.state !== 'DEAD' && !process.mayStop) this.onFatal(`${process.name}${what}`);
  }

  kill(role: Role, index: number): void {
    this.running[role][index]?.process.kill();
    this.running[role][index] = undefined;
  }

  /** Who reads the decisions of a source and has not stopped for good. */
  readersOf(source: number | 'market'): string[] {
    const { engine, api, calculators, projector, odds } = this.running;
    const said = (process: SimProcess): number =>
      this.ended.filter((words) => words.startsWith(`${process.name} `)).length;
    const up = <T>(role: readonly (Running<T> | undefined)[], reads: (one: Running<T>) => boolean): string[] =>
      role.flatMap((one) => (one !== undefined && reads(one) ? [one.process.name] : []));
    return [
      ...up(engine, ({ part }) => (source === 'market' ? part.market : part.shards.get(source))?.status !== 'HALTED'),
      ...up(api, ({ part }) => (source === 'market' ? part.market : part.shards).fault === undefined),
      // Of the three calculators one reads the shards, and all read the market.
      ...up(calculators, ({ process }) => said(process) < (source === 'market' ? PROPOSAL_SOURCES.length : 1)),
      ...up(projector, ({ part }) => part.fault === undefined),
      ...up(odds, ({ process }) => said(process) === 0),
    ];
  }

  /** Whether everything in the command logs is decided and no job is left. */
  isDecided(): boolean {
    const sources = [...Array.from({ length: this.plan.shards }, (_, shard) => shard), 'market' as const];
    return sources.every((source) => {
      const runner = this.leader(source);
      if (!runner?.position || !runner.state) return false;
      const commands = source === 'market' ? TOPICS.marketCommands : TOPICS.shardCommands;
      const partition = source === 'market' ? 0 : source;
      const jobs = 'jobs' in runner.state ? runner.state.jobs.length : 0;
      return jobs === 0 && runner.position.seq >= this.log.durable({ topic: commands, partition }).length;
    });
  }

  leader(source: number | 'market') {
    for (const host of this.running.engine) {
      if (host?.process.state !== 'UP') continue;
      const runner = source === 'market' ? host.part.market : host.part.shards.get(source);
      if (runner?.status === 'LEADING') return runner;
    }
    return undefined;
  }

  /** Folds each decision log afresh; the hash of each state, beside that of the state its leader lives in. */
  async hashes(hashOf: (text: string) => string): Promise<{ source: string; live: string; folded: string }[]> {
    const log = this.log.seenByObserver();
    const found: { source: string; live: string; folded: string }[] = [];
    for (const source of [...Array.from({ length: this.plan.shards }, (_, shard) => shard), 'market' as const]) {
      const runner = this.leader(source);
      if (!runner?.state) continue;
      const { shards } = this.plan;
      if (source === 'market') {
        const decider = marketDecider({ shards, hash: hashOf });
        const { stateHash: folded } = await foldDecisions(log, MARKET_SOURCE, decider);
        found.push({ source, live: stateHash(decider.image(runner.state as never)), folded });
      } else {
        const decider = shardDecider({ shard: source, shards, hash: hashOf });
        const { stateHash: folded } = await foldDecisions(log, shardSource(source), decider);
        found.push({
          source: `shard-${source}`,
          live: stateHash(decider.image(runner.state as never)),
          folded,
        });
      }
    }
    return found;
  }

  poison(at: TopicPartition, offset: number): void {
    this.#poison.set(`${at.topic}/${at.partition}/${offset}`, 0);
  }

  isPoison(at: TopicPartition, record: Pick<LogRecord, 'offset'>): boolean {
    return this.#poison.size > 0 && this.#poison.has(`${at.topic}/${at.partition}/${record.offset}`);
  }

  // ── Roles ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #engine({ process, log, tails }: Ports, campaign: 'AT_ONCE' | 'WHEN_QUIET'): EngineHost {
    const { shards, leaseTtlMs } = this.plan;
    const isNew = this.#isInstalled || this.random.chance(0.5);
    const read = this.plan.faults.has('newer-format') && isNew ? readingNewer(tails) : tails;
    const host = new EngineHost({
      ...{ log, clock: process.clock, entropy: process.entropy, shards, epoch: EPOCH, serviceKey: SERVICE_KEY },
      ...{ leaseTtlMs, campaign },
      ...(this.plan.features.has('checkpoints') ? { checkpointHour: 0 } : {}),
      ...(this.plan.features.has('elections') ? { election: this.#election.seenBy(process) } : {}),
      ...(this.plan.features.has('snapshots')
        ? {
            snapshots: this.#snapshots.seenBy(process),
            takeElsewhere: this.#snapshots.takenFrom(process, log),
            snapshotEvery: { decisions: 100, ms: 3_000 },
          }
        : {}),
      tails: this.plan.faults.has('poison') ? withPoison(read, (at, record) => this.isPoison(at, record)) : read,
      onAlarm: (code, detail) => this.strikes.recent.push(`${this.kernel.step} ${process.name} ${code}: ${detail}`),
      onHalted: (fault) => this.#halted(process, isNew, fault),
    });
    host.start();
    return host;
  }

  /**
   * A release that meets a format it does not know stops, rightly: the one that wrote it is installed. So does one that could write
   * nothing for minutes, where a shard's log is away: its supervisor starts it again.
   */
  #halted(process: SimProcess, isNew: boolean, { message }: Error): void {
    if (this.strikes.isOn && message.includes('in a row wrote nothing')) {
      process.mayStop = true;
      this.kernel.after(this.random.between(200, 2_000), () => this.#replace(process));
      return;
    }
    const isNewer = message.includes('newer than this release');
    if (isNew || !isNewer) {
      this.#stopped(process, ` halted: ${message}`);
      return;
    }
    this.#isInstalled = true;
    process.mayStop = true;
    this.kernel.after(this.random.between(200, 2_000), () => this.#replace(process));
  }

  #projector({ process, log, tails }: Ports): ProjectionDriver {
    const driver = new ProjectionDriver({
      ...{ log, tails, clock: process.clock, sources: allSources(this.plan.shards) },
      projection: this.store.seenBy(process, this.strikes, this.crashes),
      onAlarm: (code, detail) => this.strikes.recent.push(`${this.kernel.step} ${process.name} ${code}: ${detail}`),
    });
    driver.start();
    return driver;
  }

  #odds({ process, log, tails }: Ports): OddsService {
    const service = new OddsService({
      ...{ log, tails, clock: process.clock, entropy: process.entropy, shards: this.plan.shards },
      cache: openMemoryCache(),
      onAlarm: (code, detail) => {
        if (code === 'ODDS_STOPPED') this.#stopped(process, ` ${code}: ${detail}`);
      },
    });
    this.#starting(process, service.start());
    return service;
  }

  #calculators({ process, log, tails }: Ports): { stop(): Promise<void> } {
    const { shards } = this.plan;
    const options = {
      ...{ log, tails, clock: process.clock, entropy: process.entropy, shards, serviceKey: SERVICE_KEY },
      onAlarm: (code: string, detail: string) => {
        this.strikes.recent.push(`${this.kernel.step} ${process.name} ${code}: ${detail}`);
        if (code === 'CALCULATOR_STOPPED') this.#stopped(process, ` ${code}: ${detail}`);
      },
    };
    const all = [engineCalculator(options), auditCalculator(options), this.#projectorCalculator(options)];
    for (const calculator of all) this.#starting(process, calculator.start());
    return { stop: async () => void (await Promise.all(all.map((calculator) => calculator.stop()))) };
  }

  /** Prices from the store, as the one of production does from its tables. */
  #projectorCalculator(options: ConstructorParameters<typeof Calculator>[0]): Calculator {
    return new Calculator(options, 'PROJECTOR', async ({ pool: { poolId }, version, field, finish, voided, legs }) => {
      const pool = this.store.pools.get(poolId);
      const counts = [...(pool?.counted.values() ?? [])];
      if (!pool || counts.filter((counted) => counted === version).length < options.shards) return undefined;
      const { ruleSet, carryInMinor } = pool.card;
      const terms = termsOf(pool.card);
      if (legs) return { ...pricedLegs(pool, legs), settledMinor: pool.settled };
      if (voided) return { ...givenBack(pool.gross, pool.card), settledMinor: pool.settled };
      const keys = new Set(resultKeys(ruleSet, field, finish).flatMap((rung) => rung.keys.map((key) => key.c)));
      const stakes = new Map([...keys].map((key) => [key, 0]));
      for (const { sel, unit, left } of pool.bets.values()) {
        if (left === 0) continue;
        const read = readSelection(pool.card.type, sel, { ...field, scratched: [] }, ruleSet);
        if (isRefusal(read)) throw new Error(`an accepted selection does not read: ${sel}`);
        for (const key of keys)
          stakes.set(key, (stakes.get(key) ?? 0) + unit * linesMatching(read, key, field.scratched ?? []));
      }
      const money = { grossMinor: pool.gross, refundsMinor: 0, carryInMinor, ...terms };
      const sheet = pricePool({ ruleSet, field, finish, ...money, stakeOn: (c) => stakes.get(c) ?? 0 });
      return { sheet, steps: sheet.steps, settledMinor: pool.settled };
    });
  }

  /** A role that fails while it starts, because the log is away, is started again as a supervisor would. */
  #starting(process: SimProcess, started: Promise<unknown>): void {
    started.catch((fault: Error) => {
      if (process.state === 'DEAD') return;
      this.strikes.recent.push(`${this.kernel.step} ${process.name} did not start: ${fault.message}`);
      for (const role of Object.keys(this.running) as Role[])
        this.running[role].forEach((one, index) => {
          if (one?.process !== process) return;
          this.kill(role, index);
          this.kernel.after(1_000, () => {
            if (!this.running[role][index]) this.start(role, index);
          });
        });
    });
  }
}

/** A pool over several races, from the bets that the store holds. */
function pricedLegs({ card, bets, gross }: StoredPool, legs: readonly LegOutcome[]) {
  const { type, ruleSet, carryInMinor } = card;
  const out = refundedLegRunners(ruleSet, legs);
  const counters = legKeys(ruleSet, legs).map((key) => [key, lineCounter(type, key, out)] as const);
  const stakes = new Map<string, number>();
  const field = { declared: [], legs: legs.map(({ declared, entries }) => ({ declared, entries })) };
  for (const { sel, unit, left } of bets.values()) {
    const read = left === 0 ? undefined : readSelection(type, sel, field, ruleSet);
    if (read === undefined) continue;
    if (isRefusal(read)) throw new Error(`an accepted selection does not read: ${sel}`);
    for (const [key, count] of counters) stakes.set(key, (stakes.get(key) ?? 0) + unit * count(read));
  }
  const money = { grossMinor: gross, refundsMinor: 0, carryInMinor, ...termsOf(card) };
  const stakeOf = (c: string) => ratio(stakes.get(c) ?? 0);
  const sheet = priceLegs({ ruleSet, result: legResult(ruleSet, legs), ...money, stakeOf });
  return { sheet, steps: sheet.steps };
}

/** A race made void after it was official. */
function givenBack(grossMinor: number, { carryInMinor, jackpotInMinor = 0 }: PoolCard) {
  const nothing = { takeoutMinor: 0, netMinor: 0, paidMinor: 0, breakageMinor: 0, topUpMinor: 0 };
  const goesOn = { carryInMinor, carryOutMinor: carryInMinor, jackpotInMinor, jackpotMinor: jackpotInMinor };
  const amounts = { grossMinor, refundedMinor: grossMinor, ...goesOn, ...nothing };
  return { sheet: { outcome: 'REFUND' as const, ...amounts, dividends: [] }, steps: [] };
}

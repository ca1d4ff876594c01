/**
 * One seed from the first card to rest: builds the world, lets the day and the faults happen, stops the faults, and demands that
 * everything comes to rest within a bound. A broken rule, an exception nobody caught, a process that halted: each ends the run red.
 */
import { createHash } from 'node:crypto';
import { sha256, TOPICS, topicsOf } from '#mutuel/contracts';
import type { LogRecord, TopicPartition } from '#mutuel/runtime';
import { Auditor } from './auditor/auditor.js';
import { Finding } from './auditor/finding.js';
import { Chaos } from './chaos.js';
import { Crashes } from './crashes.js';
import { Day, type RacePlan } from './day.js';
import { Kernel, turn } from './kernel.js';
import { Network } from './network.js';
import type { Plan } from './plan.js';
import { Random } from './random.js';
import { SimLog } from './sim-log.js';
import { Strikes } from './strikes.js';
import { SERVICE_KEY, System } from './system.js';

export interface Outcome {
  readonly seed: number;
  readonly commands: number;
  readonly decisions: number;
  readonly dropped: number;
  readonly accepted: number;
  readonly settled: number;
  readonly ticks: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly hits: ReadonlyMap<string, number>;
  /** Hash over all durable records in their order: the same for the same seed. */
  readonly trace: string;
  readonly failure: Failure | undefined;
}

export interface Failure {
  /** `G1` … `G7`, `LIVE`, or `CRASH`. */
  readonly rule: string;
  readonly message: string;
  readonly step: number;
  readonly simulatedMs: number;
  readonly strikes: readonly string[];
  readonly log: readonly string[];
}

const START = Date.UTC(2026, 10, 22, 12);
/** A day that takes longer than this is stuck, faults or not. */
const DAY_MS = 400_000;
/** Once the faults have stopped, everything is at rest within this. */
const REST_MS = 60_000;
/** Within this everybody has read that a log has forked. */
const FORK_MS = 10_000;
/** Nights after which what was over the evening before has left the state; each has eighteen thousand odds cycles to be made up for. */
const LONG_NIGHTS = 0.06;
const POISONED_TOPIC = TOPICS.shardCommands;
/** Each costs three lives of its decider, and who waits meanwhile asks again: without a bound a backlog only grows. */
const MOST_POISONED = 20;
const TRACE_BYTES = 65_536;

/** One rule more than the auditor's: throws a `Finding` where a durable record breaks it. */
type MoreRules = (at: TopicPartition, record: LogRecord) => void;

export async function runSeed(plan: Plan, moreRules: MoreRules = () => undefined): Promise<Outcome> {
  const world = new World(plan, moreRules);
  return world.run();
}

class World {
  readonly kernel = new Kernel(START);
  readonly strikes: Strikes;
  readonly auditor: Auditor;
  readonly log: SimLog;
  readonly system: System;
  readonly network: Network;
  readonly chaos: Chaos;
  #failure: Failure | undefined;
  readonly #trace = new Trace();
  /** What of the day is not over waits for the next one. */
  #hasInquiry = false;
  #day: Day | undefined;
  #awaitsCrowd: boolean;
  #poison: Random;
  #poisoned = 0;

  constructor(
    readonly plan: Plan,
    moreRules: MoreRules,
  ) {
    const { seed, shards } = plan;
    this.#awaitsCrowd = plan.crowd > 0;
    const stream = (name: string): Random => Random.stream(seed, name);
    this.strikes = new Strikes(plan, stream('strikes'), () => `${this.kernel.step}`);
    const crashes = new Crashes(plan, stream('crashes'), this.strikes);
    const clocks = ['broker-clock', 'process-clock'] as const;
    this.auditor = new Auditor({
      ...{ shards, serviceKey: SERVICE_KEY },
      isExact: clocks.every((fault) => !plan.faults.has(fault)),
      isPoison: (at, offset) => this.system.isPoison(at, { offset }),
    });
    this.#poison = stream('poison');
    this.log = new SimLog(this.kernel, plan, stream('log'), this.strikes, crashes, topicsOf(shards), (at, record) => {
      this.#trace.add(`${at.topic}${at.partition}/${record.time}/`, record.value);
      if (at.topic === POISONED_TOPIC && this.strikes.has('poison')) this.#mayPoison(at, record.offset, record.value);
      this.#guard(() => this.auditor.heard(at, record));
      if (this.#awaitsCrowd && at.topic === TOPICS.marketCommands) this.#mayCrowd(record.value);
      this.#guard(() => moreRules(at, record));
    });
    this.system = new System(this.kernel, plan, this.log, stream('system'), this.strikes, crashes);
    this.network = new Network(this.system, plan, stream('network'), this.strikes, this.auditor);
    this.chaos = new Chaos(this.system, this.log, stream('chaos'), this.strikes, crashes);
    crashes.kill = (process) => this.chaos.kill(process);
    crashes.cutPower = () => this.chaos.powerCut();
    this.strikes.phases = () => this.auditor.phases();
    this.auditor.onFact = (kind) => this.chaos.atFact(kind);
    this.auditor.market.onAct = (act, phase) => this.strikes.met(act, phase);
    this.log.onRot = (process) => this.system.damaged(process);
    this.system.onFatal = (what) => this.#fail('CRASH', what);
  }

  async run(): Promise<Outcome> {
    const uncaught = (fault: unknown): void => this.#caught(fault);
    process.on('unhandledRejection', uncaught);
    process.on('uncaughtException', uncaught);
    try {
      await this.#live();
    } catch (fault) {
      this.#caught(fault);
    } finally {
      await turn();
      process.off('unhandledRejection', uncaught);
      process.off('uncaughtException', uncaught);
    }
    return this.#outcome();
  }

  async #live(): Promise<void> {
    this.system.startAll();
    this.chaos.start();
    const first = new Day(this.system, this.network, this.plan, Random.stream(this.plan.seed, 'day'), 1, undefined);
    await this.#pass(first);
    if (this.#failure || !this.plan.faults.has('night')) return;
    const inquiries = this.#underInquiry(first);
    await this.#night();
    if (this.#failure) return;
    const races = this.plan.features.has('legs') ? Math.min(this.plan.races, 2) : 1;
    const second = { ...this.plan, commands: Math.ceil(this.plan.commands / 4), races };
    const next = new Day(this.system, this.network, second, Random.stream(this.plan.seed, 'day 2'), 2, first.bettors);
    next.inquiries = inquiries;
    await this.#pass(next);
  }

  /** Some inquiries go on through the night; the next card is published meanwhile. */
  async #inquire(day: Day): Promise<void> {
    const random = Random.stream(this.plan.seed, 'inquiry');
    const { faults, features } = this.plan;
    if (day.number === 2 || !faults.has('night') || !features.has('corrections') || random.chance(0.3)) return;
    this.#hasInquiry = true;
    let isAsked = false;
    const asked = day.officials.inquire(random.pick(day.races));
    asked.then(
      () => {
        isAsked = true;
      },
      (fault: unknown) => this.#caught(fault),
    );
    await this.kernel.run(() => this.#failure !== undefined || isAsked, this.kernel.now + REST_MS);
    await this.kernel.run(() => this.#failure !== undefined, this.kernel.now + 5_000);
  }

  /** The races of a day that are not over, with all that they share a pool with. */
  #underInquiry({ races }: Day): readonly RacePlan[] {
    this.#hasInquiry = false;
    const open = races.filter(({ id }) => this.auditor.market.races.get(id)?.endedAt === undefined);
    const shared = races.flatMap(({ pools }) => pools.flatMap(({ legs = [] }) => legs));
    return races.filter(
      (race) => open.includes(race) || (shared.includes(race.id) && open.some(({ id }) => shared.includes(id))),
    );
  }

  /** A day and what comes after it: faults, then none, then rest. */
  async #pass(day: Day): Promise<void> {
    this.#day = day;
    const running = day.run();
    let isRun = false;
    running.then(
      () => {
        isRun = true;
      },
      (fault: unknown) => this.#caught(fault),
    );
    const races = day.races.at(-1)?.stops ?? 0;
    await this.kernel.run(() => this.#failure !== undefined || isRun, Math.max(races, this.kernel.now) + DAY_MS / 8);
    await this.kernel.run(() => this.#failure !== undefined, this.chaos.busyUntil);
    this.#check(day);
    this.chaos.heal();
    const until = this.kernel.now + REST_MS;
    const isAtRest = await this.kernel.run(
      () => this.#failure !== undefined || (isRun && day.isOver && this.system.isDecided()),
      until,
    );
    this.#check(day);
    if (this.#failure) return;
    if (!isAtRest) return this.#fail('LIVE', this.#stuck(day, isRun));
    await this.#inquire(day);
    await this.#rest(day.number === 2 || !this.plan.faults.has('night'));
  }

  /** No lease is renewed while the last decisions are read: otherwise rest never comes. */
  async #rest(isLast: boolean): Promise<void> {
    const hosts = this.system.running.engine.filter((one) => one !== undefined);
    await this.kernel.run(() => this.#failure !== undefined || this.system.isDecided(), this.kernel.now + 5_000);
    if (this.#failure) return;
    this.#guard(() => this.auditor.atRest(this.#hasInquiry));
    for (const { source, live, folded } of await this.system.hashes(sha256))
      if (live !== folded)
        this.#fail('G4', `${source} lives in state ${live.slice(0, 8)}, its log folds to ${folded.slice(0, 8)}`);
    if (isLast && Random.stream(this.plan.seed, 'fork').chance(this.plan.faults.get('log-forked') ?? 0))
      await this.#fork();
    if (this.#failure) return;
    let stopped = 0;
    for (const { part } of hosts)
      void part.stop().then(() => {
        stopped++;
      });
    const isStopped = await this.kernel.run(
      () => this.#failure !== undefined || stopped === hosts.length,
      this.kernel.now + 20_000,
    );
    if (this.#failure) return;
    if (!isStopped) return this.#fail('LIVE', 'an engine host that was told to stop never did');
  }

  /** The log breaks its word once all is done. Whoever reads it stops for good, and nothing else would be right. */
  async #fork(): Promise<void> {
    this.system.onFatal = () => undefined;
    const at = this.chaos.fork();
    const source = at.topic === TOPICS.marketDecisions ? 'market' : at.partition;
    const readers = (): string[] => this.system.readersOf(source);
    await this.kernel.run(() => this.#failure !== undefined || readers().length === 0, this.kernel.now + FORK_MS);
    this.#guard(() => this.auditor.atFork(at, readers()));
  }

  async #night(): Promise<void> {
    for (const role of ['engine', 'api', 'calculators', 'projector', 'odds'] as const)
      this.system.running[role].forEach((one, index) => {
        if (one) this.system.kill(role, index);
      });
    this.kernel.skip(Random.stream(this.plan.seed, 'night').chance(LONG_NIGHTS) ? 90_000_000 : 7_500_000);
    this.strikes.isOn = true;
    this.strikes.note('night');
    this.system.startAll();
    this.chaos.start();
  }

  #mayPoison(at: { topic: string; partition: number }, offset: number, value: Uint8Array): void {
    if (!this.strikes.isOn || this.#poisoned >= MOST_POISONED) return;
    if (!this.#poison.chance(this.plan.faults.get('poison') ?? 0)) return;
    // A client's only: what the house signs may not be skipped.
    if (!Buffer.from(value).includes('"cmd"')) return;
    this.#poisoned++;
    this.strikes.note('poison', `offset ${offset}`);
    this.system.poison(at, offset);
  }

  /** The stop is ordered and not decided: now they come. */
  #mayCrowd(order: Uint8Array): void {
    const bytes = Buffer.from(order);
    if (!this.strikes.isOn || !bytes.includes('StopBetting') || !bytes.includes('TOTE_OPERATOR')) return;
    const race = this.#day?.races.find(({ id }) => bytes.includes(id));
    if (!race) return;
    this.#awaitsCrowd = false;
    this.strikes.note('rush-at-stop', `${this.plan.crowd} in the log`);
    this.#day?.bettors.crowdInto(race);
  }

  #stuck(day: Day, isRun: boolean): string {
    const api = this.system.running.api[0]?.part;
    const races = day.races.map(({ id }) => {
      const view = api?.race(id);
      return `${id} ${view?.status} (${view?.waits.slice(0, 3).join('; ')})`;
    });
    const sources = [...Array.from({ length: this.plan.shards }, (_, shard) => shard), 'market' as const];
    const leaders = sources.map((source) => `${source}: ${this.system.leader(source)?.position?.seq ?? 'no leader'}`);
    return `not at rest ${REST_MS / 1_000} s after the faults stopped: officials ${isRun ? 'done' : 'waiting'}, ${day.bettors.open} outcomes open, ${races.join(', ')}; ${leaders.join(', ')}`;
  }

  #check({ bettors }: Day): void {
    if (bettors.fault !== undefined) this.#caught(bettors.fault);
  }

  #guard(check: () => void): void {
    if (this.#failure) return;
    try {
      check();
    } catch (fault) {
      this.#caught(fault);
    }
  }

  #caught(fault: unknown): void {
    if (fault instanceof Finding) this.#fail(fault.rule, fault.message);
    else this.#fail('CRASH', fault instanceof Error ? (fault.stack ?? fault.message) : String(fault));
  }

  #fail(rule: string, message: string): void {
    this.#failure ??= {
      ...{ rule, message, step: this.kernel.step, simulatedMs: this.kernel.now - START },
      strikes: this.strikes.recent.slice(-12),
      log: this.auditor.recent(),
    };
  }

  #outcome(): Outcome {
    const { auditor, kernel, network, plan } = this;
    return {
      ...{ seed: plan.seed, commands: network.calls, decisions: auditor.decisions, dropped: auditor.dropped },
      ...{
        accepted: auditor.told.accepted,
        settled: auditor.market.settled,
        ticks: auditor.odds.ticks,
        steps: kernel.step,
      },
      ...{
        simulatedMs: kernel.now - START,
        hits: this.strikes.hits,
        trace: this.#trace.digest(),
        failure: this.#failure,
      },
    };
  }
}

/** A hash over everything durable, fed in pieces that are worth a call. */
class Trace {
  readonly #hash = createHash('sha256');
  readonly #gathered = Buffer.allocUnsafe(TRACE_BYTES);
  #length = 0;

  add(place: string, value: Uint8Array): void {
    if (this.#length + place.length + value.byteLength > TRACE_BYTES) this.#pour();
    this.#length += this.#gathered.write(place, this.#length, 'latin1');
    if (this.#length + value.byteLength > TRACE_BYTES) {
      this.#pour();
      this.#hash.update(value);
      return;
    }
    this.#gathered.set(value, this.#length);
    this.#length += value.byteLength;
  }

  digest(): string {
    this.#pour();
    return this.#hash.digest('hex');
  }

  #pour(): void {
    this.#hash.update(this.#gathered.subarray(0, this.#length));
    this.#length = 0;
  }
}

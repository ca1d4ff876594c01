/**
 * The distributed system as somebody runs it: each role a process that is started again when it ends, on servers of its own, with a
 * proxy before the brokers. It breaks what it is told to break; it must never mend anything that a supervisor would not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { TOPICS } from '#mutuel/contracts';
import { down, proxies, status, up, wipe } from '../../infra/native/index.mjs';
import { SteppedClock } from '../certify/stepped-clock.js';
import { RunningSystem } from '../trust/running-system.js';
import { CuttingProxy } from './cutting-proxy.js';
import { SmallDisks } from './small-disks.js';
import { standStill } from './standing.js';

export const ROLES = ['market', 'shards', 'projector', 'odds', 'back-office', 'bet-api'] as const;
export type Role = (typeof ROLES)[number];
/** `kafka` is the leader of the busiest partition. */
export type ServerName = 'kafka' | 'postgres' | 'redis';
/** What has a disk of its own: the read models, the broker that leads the busiest partition, snapshots and notes. */
export type DiskName = 'postgres' | 'kafka' | 'data';

export interface ClusterOptions {
  readonly instance: string;
  readonly brokers: 1 | 3;
  readonly accounts: number;
  readonly random: () => number;
  /** Disks that can be filled; only for who may mount. */
  readonly disks?: boolean;
  /** Clocks of the roles that can be moved. */
  readonly clocks?: boolean;
}

interface Slot {
  readonly program: string;
  readonly flags: readonly string[];
  /** Variables of its own, from its next start on. */
  env: Readonly<Record<string, string>>;
  readonly clock: SteppedClock | undefined;
  port: string;
  system: RunningSystem | undefined;
  /** Its end is our doing. */
  expected: boolean;
  /** Stays down for as long as this is pending. */
  held: Promise<void> | undefined;
  keeping: Promise<void> | undefined;
}

const AGAIN_MS = 200;
const UP_WITHIN_MS = 180_000;
/** All of them at once, on a machine that has just started the servers. */
const START_WITHIN_MS = 300_000;
const DISK_MB: Readonly<Record<DiskName, number>> = { postgres: 1_500, kafka: 1_000, data: 100 };

export class Cluster {
  /** What ended without having been asked to, and what did not stop as it should. */
  readonly incidents: string[] = [];
  readonly proxy: CuttingProxy;
  readonly #o: ClusterOptions;
  readonly #data = mkdtempSync(join(tmpdir(), 'mutuel-faults-'));
  readonly #clocks = mkdtempSync(join(tmpdir(), 'mutuel-clocks-'));
  readonly #slots = new Map<string, Slot>();
  readonly #disks = new SmallDisks();
  /** What wakes the servers that stand still. */
  readonly #standing = new Set<() => void>();
  #servers: Record<string, string> = {};
  #direct = { brokers: '', database: '' };
  #closing = false;

  constructor(options: ClusterOptions) {
    this.#o = options;
    this.proxy = new CuttingProxy(options.random);
  }

  async start(): Promise<void> {
    const { instance, brokers, accounts } = this.#o;
    const { folder } = status({ instance });
    await down({ instance });
    SmallDisks.release(folder);
    await wipe({ instance });
    if (this.#o.disks) {
      this.#disks.add(join(folder, 'postgres'), DISK_MB.postgres);
      for (let node = 1; node <= brokers; node++) this.#disks.add(this.#brokerDisk(node), DISK_MB.kafka);
      this.#disks.add(this.#data, DISK_MB.data);
    }
    const addresses = await up({ instance, brokers, proxied: true });
    this.#direct = { brokers: addresses.KAFKA_BROKERS, database: addresses.DATABASE_URL };
    const places = proxies({ instance });
    await this.proxy.open(places);
    this.#servers = { ...addresses, KAFKA_BROKERS: places.map(({ port }) => `127.0.0.1:${port}`).join(',') };
    const demo = ['--demo', '--no-crowd', '--accounts', String(accounts)];
    const deciders: Readonly<Record<string, string>> = { market: 'market', shards: 'shards' };
    for (const role of ROLES) {
      const decide = deciders[role];
      const flags =
        decide === undefined ? (role === 'bet-api' || role === 'back-office' ? demo : []) : ['--decide', decide];
      this.add(role, decide === undefined ? role : 'engine', flags);
    }
    await Promise.all(ROLES.map((role) => this.ready(role, START_WITHIN_MS)));
  }

  /** One more process, kept running like the others. */
  add(name: string, app: string, flags: readonly string[], env: Readonly<Record<string, string>> = {}): void {
    const program = `dist/apps/${app}/src/main.js`;
    const slot: Slot = {
      program,
      flags,
      env,
      clock: this.#o.clocks ? new SteppedClock(join(this.#clocks, name)) : undefined,
      port: '0',
      system: undefined,
      expected: false,
      held: undefined,
      keeping: undefined,
    };
    this.#slots.set(name, slot);
    slot.keeping = this.#keep(name, slot);
  }

  async remove(name: string): Promise<void> {
    const slot = this.#slot(name);
    this.#slots.delete(name);
    slot.expected = true;
    await slot.system?.kill();
    await slot.keeping;
  }

  url(role: Role): string {
    return `http://127.0.0.1:${this.#slot(role).port}`;
  }

  /** Where the log and the read models are, past the proxy. */
  get stores(): { readonly brokers: readonly string[]; readonly database: string } {
    return { brokers: this.#direct.brokers.split(','), database: this.#direct.database };
  }

  // ── Roles ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async ready(role: string, withinMs = UP_WITHIN_MS): Promise<void> {
    const until = Date.now() + withinMs;
    while (this.#slot(role).system === undefined) {
      if (Date.now() > until) throw new Error(`${role} does not come back: ${this.incidents.at(-1) ?? ''}`);
      await pause(AGAIN_MS);
    }
  }

  async kill(role: string): Promise<void> {
    const slot = this.#slot(role);
    slot.expected = true;
    const { system } = slot;
    slot.system = undefined;
    await system?.kill();
  }

  /** Down until the answer is called. */
  async keepDown(role: string): Promise<() => void> {
    let release: () => void = () => undefined;
    this.#slot(role).held = new Promise((resolve) => {
      release = resolve;
    });
    await this.kill(role);
    return release;
  }

  /** Every decider of the role writes the hash of its state to its log. */
  async askCheckpoints(role: string): Promise<void> {
    await this.#slot(role).system?.askCheckpoints();
  }

  suspend(role: string): void {
    this.#slot(role).system?.pause();
  }

  resume(role: string): void {
    this.#slot(role).system?.resume();
  }

  /** The clock that the role reads goes so far from the machine's, ms. */
  async stepClock(role: string, offset: number): Promise<void> {
    if (!(await this.#slot(role).clock?.stepTo(offset)))
      this.incidents.push(`the clock of ${role} did not step by ${offset} ms`);
  }

  /** Replaced by a process with these variables, as a release does it. */
  async replace(role: string, env: Readonly<Record<string, string>>): Promise<void> {
    this.#slot(role).env = env;
    await this.stop(role);
    await this.ready(role);
  }

  /** As a release does it: asked to stop, code 0 within ten seconds, started again. */
  async stop(role: string): Promise<void> {
    const slot = this.#slot(role);
    slot.expected = true;
    const { system } = slot;
    slot.system = undefined;
    const code = await system?.stop().catch((fault: Error) => fault.message.split('\n')[0]);
    if (code !== 0) this.incidents.push(`${role} stopped with ${String(code)}`);
  }

  // ── Servers ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Its process; of the brokers the one that leads the longest decision log. */
  async pidOf(server: ServerName): Promise<number> {
    return server === 'kafka' ? (await this.leadingBroker()).pid : this.#pidOf(server);
  }

  /** The broker that leads the longest decision log, and the port at which the proxy reaches it. */
  async leadingBroker(): Promise<{ readonly pid: number; readonly target: number }> {
    const node = await this.#leader();
    const place = proxies({ instance: this.#o.instance })[node - 1];
    if (place === undefined) throw new Error(`no proxy stands before kafka-${node}`);
    return { pid: this.#pidOf(`kafka-${node}`), target: place.target };
  }

  /** The server and all its processes stand still until the answer is called. */
  async standStill(pid: number): Promise<() => void> {
    const wake = await standStill(pid);
    this.#standing.add(wake);
    return () => {
      this.#standing.delete(wake);
      wake();
    };
  }

  #pidOf(name: string): number {
    const found = status({ instance: this.#o.instance }).servers.find((one) => one.name === name);
    if (found === undefined) throw new Error(`${name} is not running`);
    return found.pid;
  }

  /** Over once the server is gone: one that still stops counts as running, and would not be started again. */
  async endServer(pid: number, signal: NodeJS.Signals): Promise<void> {
    process.kill(pid, signal);
    const until = Date.now() + UP_WITHIN_MS;
    while (this.#isAlive(pid)) {
      if (Date.now() > until) throw new Error(`the server of pid ${pid} is there ${UP_WITHIN_MS} ms after ${signal}`);
      await pause(AGAIN_MS);
    }
  }

  #isAlive(pid: number): boolean {
    return status({ instance: this.#o.instance }).servers.some((one) => one.pid === pid && one.alive);
  }

  async revive(): Promise<void> {
    await up({ instance: this.#o.instance });
  }

  /** Full until the answer is called; `struck` hears of it when nothing is left to do but to fill it. */
  async fill(disk: DiskName, struck: () => void = () => undefined): Promise<() => void> {
    const place = await this.#placeOf(disk);
    struck();
    return this.#disks.fill(place);
  }

  async #placeOf(disk: DiskName): Promise<string> {
    if (disk === 'data') return this.#data;
    if (disk === 'kafka') return this.#brokerDisk(await this.#leader());
    return join(status({ instance: this.#o.instance }).folder, 'postgres');
  }

  #brokerDisk(node: number): string {
    const { instance, brokers } = this.#o;
    return join(status({ instance }).folder, 'kafka', `of-${brokers}`, `node-${node}`);
  }

  /**
   * Every server once, one after the other, as a release of theirs does it: asked to stop, started again, in sync again. `struck` hears of
   * each before it is asked.
   */
  async rollServers(struck: () => void): Promise<void> {
    for (const { pid, stopSignal } of status({ instance: this.#o.instance }).servers) {
      struck();
      await this.endServer(pid, stopSignal as NodeJS.Signals);
      await this.revive();
      await this.#inSync();
    }
  }

  /** Every replica has everything: the next broker may go. */
  async #inSync(): Promise<void> {
    const until = Date.now() + UP_WITHIN_MS;
    while (Date.now() < until) {
      const behind = await this.#asAdmin(async (admin) => {
        const { topics } = await admin.fetchTopicMetadata({ topics: Object.values(TOPICS) });
        return topics.flatMap((topic) => topic.partitions).filter(({ isr, replicas }) => isr.length < replicas.length);
      }).catch(() => [undefined]);
      if (behind.length === 0) return;
      await pause(AGAIN_MS);
    }
  }

  async #leader(): Promise<number> {
    return this.#asAdmin(async (admin) => {
      const offsets = await admin.fetchTopicOffsets(TOPICS.shardDecisions);
      const busiest = offsets.reduce((most, one) => (Number(one.high) > Number(most.high) ? one : most));
      const { topics } = await admin.fetchTopicMetadata({ topics: [TOPICS.shardDecisions] });
      const found = topics[0]?.partitions.find(({ partitionId }) => partitionId === busiest.partition);
      return found?.leader ?? 1;
    });
  }

  async #asAdmin<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
    const admin = new kafkajs.Kafka({ brokers: [...this.stores.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  // ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** All roles, doors first; the projector once it is told to: it is to have read what the others wrote. The servers stay. */
  async stopRoles(untilProjected: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    this.#closing = true;
    for (const role of [...ROLES].reverse()) if (role !== 'projector') await this.stop(role);
    await untilProjected();
    await this.stop('projector');
    await Promise.all([...this.#slots.values()].map((slot) => slot.keeping));
  }

  async end(): Promise<void> {
    this.#closing = true;
    for (const wake of this.#standing) wake();
    for (const slot of this.#slots.values()) {
      slot.expected = true;
      slot.system?.resume();
      await slot.system?.kill();
    }
    await Promise.all([...this.#slots.values()].map((slot) => slot.keeping));
    this.proxy.close();
    const { instance } = this.#o;
    await down({ instance });
    SmallDisks.release(status({ instance }).folder);
    SmallDisks.release(this.#data);
    await wipe({ instance });
    for (const folder of [this.#data, this.#clocks]) rmSync(folder, { recursive: true, force: true });
  }

  #slot(name: string): Slot {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new Error(`there is no ${name}`);
    return slot;
  }

  async #keep(name: string, slot: Slot): Promise<void> {
    while (!this.#closing && this.#slots.get(name) === slot) {
      await slot.held;
      slot.held = undefined;
      const args = ['--port', slot.port, '--data', this.#data, ...slot.flags];
      const env = { ...this.#servers, ...slot.clock?.env, ...slot.env };
      const nodeFlags = slot.clock?.nodeFlags ?? [];
      const system = await RunningSystem.start({ program: slot.program, args, env, nodeFlags }).catch(
        (fault: Error) => {
          if (!this.#closing)
            this.incidents.push(`${name} did not start: ${fault.message.split('\n').slice(0, 2).join(' ')}`);
          return undefined;
        },
      );
      if (system === undefined) {
        await pause(AGAIN_MS);
        continue;
      }
      slot.port = new URL(system.url).port;
      slot.expected = false;
      slot.system = system;
      if (this.#closing) slot.expected = true;
      const code = await system.ended;
      if (!slot.expected) this.incidents.push(`${name} ended by itself (${code}): ${system.said.split('\n').at(-1)}`);
      if (slot.system === system) slot.system = undefined;
    }
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

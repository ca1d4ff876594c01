/**
 * The distributed system of a load test: servers of its own, every role a process, a card on sale, and what each of them has cost so
 * far. It must never be taken for an installation: its data is wiped before and after.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processorSeconds } from '../bench/support/processor-time.js';
import { lowerPostgres, status, up, wipe } from '../infra/native/index.mjs';
import { nodeFlags } from '../infra/workspace.mjs';
import { castOf, Officials, untilSelling } from '../test/trust/officials.js';
import { RunningSystem } from '../test/trust/running-system.js';
import type { RaceOnSale } from './mix.js';
import type { Watched } from './slopes.js';

export interface SystemOptions {
  readonly instance: string;
  readonly accounts: number;
  readonly engines: number;
  readonly betApis: number;
  /** Where a processor profile of each process is left when it stops. */
  readonly profiles?: string | undefined;
}

export interface Cast {
  readonly accounts: readonly { readonly accountId: string; readonly token: string }[];
  readonly races: readonly RaceOnSale[];
}

const RUNNERS = Array.from({ length: 14 }, (_, i) => String(i + 1));
const TYPES = ['WIN', 'PLACE', 'QUINELLA', 'EXACTA', 'TRIFECTA'];
const RACES = 8;
/** Longer than any run: no race closes under the load. */
const POST_IN_MS = 6 * 3_600_000;

export class LoadedSystem {
  readonly #o: SystemOptions;
  readonly #data = mkdtempSync(join(tmpdir(), 'mutuel-load-'));
  readonly #roles = new Map<string, RunningSystem>();
  #officials: ChildProcess | undefined;
  #servers = { KAFKA_BROKERS: '', DATABASE_URL: '', REDIS_URL: '' };

  constructor(options: SystemOptions) {
    this.#o = options;
  }

  async start(): Promise<void> {
    const { instance, engines, betApis } = this.#o;
    await wipe({ instance });
    this.#servers = await up({ instance });
    const many = (role: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => (i === 0 ? role : `${role}-${i + 1}`));
    // The first makes the topics; the others find them.
    const [first = '', ...others] = many('engine', engines);
    await this.#role(first);
    const rest = [...others, 'projector', 'odds', 'back-office', ...many('bet-api', betApis)];
    await Promise.all(rest.map((name) => this.#role(name)));
  }

  /** Where bets are taken, by process. */
  get urls(): string[] {
    return [...this.#roles].filter(([name]) => name.startsWith('bet-api')).map(([, { url }]) => url);
  }

  get brokers(): string[] {
    return this.#servers.KAFKA_BROKERS.split(',');
  }

  get instance(): string {
    return this.#o.instance;
  }

  /** Names of the processes that are up. */
  get roles(): string[] {
    return [...this.#roles.keys()];
  }

  get database(): string {
    return this.#servers.DATABASE_URL;
  }

  url(name: string): string {
    return this.#roles.get(name)?.url ?? '';
  }

  /** Publishes and opens a card in the name of the demo's officials; resolves to what a generator must know. */
  async openCard(): Promise<Cast> {
    const [url = ''] = this.urls;
    const cast = await castOf(url);
    const officials = new Officials(url, cast.operators);
    const card = { runners: RUNNERS, types: TYPES, races: RACES, postInMs: POST_IN_MS };
    const ids = await officials.openMeeting('load', card);
    await officials.close();
    const pools = (raceId: string) => TYPES.map((type) => ({ poolId: `${raceId}-${type}`, type, minStake: 0 }));
    return { accounts: cast.accounts, races: ids.map((raceId) => ({ runners: RUNNERS, pools: pools(raceId) })) };
  }

  async accounts(): Promise<Cast['accounts']> {
    return (await castOf(this.urls[0] ?? '')).accounts;
  }

  /** Races that open, close and are paid while the run lasts: the demo's card and officials, with hardly a crowd. */
  async runRaces(everySeconds: number): Promise<void> {
    const [url = ''] = this.urls;
    const flags = ['--url', url, '--rate', '1', '--every', String(everySeconds), '--countries', 'FR'];
    this.#officials = spawn(process.execPath, ['dist/apps/demo/src/main.js', ...flags], { stdio: 'ignore' });
    await untilSelling(url);
  }

  /** As `npm run start:distributed` does it again and again; to be called when the roles have their connections. */
  settle(): void {
    lowerPostgres({ instance: this.#o.instance });
  }

  /** Every process of it, the servers last. */
  get processes(): Watched[] {
    const roles = [...this.#roles].map(([name, { pid }]) => ({ name, pid, metrics: () => this.metrics(name) }));
    return [...roles, ...status({ instance: this.#o.instance }).servers.map(({ name, pid }) => ({ name, pid }))];
  }

  /** Processor seconds so far, by process. */
  processors(): Map<string, number> {
    return new Map(this.processes.map(({ name, pid }) => [name, processorSeconds(pid)]));
  }

  /** The figures of one process as Prometheus would read them. */
  async metrics(name: string): Promise<string> {
    return (await fetch(`${this.url(name)}/metrics`)).text();
  }

  /** Doors first, deciders last; the servers stay. */
  async stopRoles(): Promise<void> {
    this.#officials?.kill();
    const names = [...this.#roles.keys()].reverse();
    for (const name of names) await this.#roles.get(name)?.stop();
    this.#roles.clear();
  }

  async end(): Promise<void> {
    this.#officials?.kill();
    for (const role of this.#roles.values()) await role.kill();
    await wipe({ instance: this.#o.instance });
    rmSync(this.#data, { recursive: true, force: true });
  }

  async #role(name: string): Promise<void> {
    const { accounts, profiles } = this.#o;
    const app = name.replace(/-\d+$/, '');
    const isDoor = app === 'bet-api' || app === 'back-office';
    const flags = isDoor ? ['--demo', '--no-crowd', '--accounts', String(accounts)] : [];
    if (profiles !== undefined) mkdirSync(profiles, { recursive: true });
    const profiling =
      profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}.cpuprofile`];
    const system = await RunningSystem.start({
      program: `dist/apps/${app}/src/main.js`,
      args: ['--port', '0', '--data', this.#data, ...flags],
      env: this.#servers,
      nodeFlags: [...nodeFlags, ...profiling],
      ownSession: true,
    });
    this.#roles.set(name, system);
  }
}

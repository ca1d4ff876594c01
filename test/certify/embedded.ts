/**
 * The embedded system as a process that somebody starts again whenever it dies, on a small disk of its own where this user may mount
 * one, with a clock that can be moved. It breaks what it is told to break and mends nothing else.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog, SqlDatabase } from '#mutuel/runtime';
import { openEmbeddedLog } from '../trust/read-log.js';
import { withReadModels } from '../trust/retold.js';
import { QUIET, RunningSystem } from '../trust/running-system.js';
import { SteppedClock } from './stepped-clock.js';
import { type Fault, pause, type Target } from './target.js';

/** Room for the log and the read models of so many minutes, and what is kept in reserve of it, MB. */
const DISK_MB = 500;
const DISK_MB_PER_MINUTE = 60;
const RESERVE_MB = 100;
const BALLAST_STEP = 8_000_000;
const STEP_MS = 5_000;

export interface EmbeddedOptions {
  readonly accounts: number;
  readonly minutes: number;
  readonly port: number;
}

export class EmbeddedTarget implements Target {
  readonly title = 'embedded: one process, LMDB log, PGlite read models';
  readonly incidents: string[] = [];
  readonly isLive = false;
  readonly notInjected = [
    'a power cut: what a dead machine forgets of its own caches is the matter of the disk and its flush',
  ];
  readonly #folder = mkdtempSync(join(tmpdir(), 'mutuel-certify-'));
  readonly #disk = join(this.#folder, 'disk');
  readonly #clock = new SteppedClock(join(this.#folder, 'clock'));
  readonly #isMounted: boolean;
  readonly #reserveMb: number;
  #system: RunningSystem | undefined;
  #port: string;

  constructor(private readonly o: EmbeddedOptions) {
    this.#port = String(o.port);
    mkdirSync(this.#disk);
    const megabytes = DISK_MB + Math.ceil(DISK_MB_PER_MINUTE * o.minutes);
    this.#isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', this.#disk]).status === 0;
    this.#reserveMb = this.#isMounted ? RESERVE_MB : this.#freeMb() - megabytes;
  }

  get betUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get officeUrl(): string {
    return this.betUrl;
  }

  get faults(): readonly Fault[] {
    const disk = this.#isMounted ? 'a file system of its own is filled' : 'the disk is filled down to the reserve';
    return [
      {
        kind: 'KILL',
        name: 'kill -9',
        how: 'SIGKILL, started again at once',
        weight: 3,
        inject: () => this.#killed(),
      },
      {
        kind: 'PAUSE',
        name: 'pause',
        how: 'SIGSTOP for 0.3 to 2 s, SIGCONT',
        weight: 2,
        inject: (random) => this.#paused(300 + random() * 1_700),
      },
      {
        kind: 'PAUSE',
        name: 'pause beyond the lease',
        how: 'SIGSTOP for 7 to 9 s, SIGCONT',
        weight: 1,
        inject: (random) => this.#paused(7_000 + random() * 2_000),
      },
      {
        kind: 'DISK',
        name: 'disk full',
        how: `${disk} for 2 to 4 s`,
        weight: 1,
        inject: (random) => this.#filled(2_000 + random() * 2_000),
      },
      ...[STEP_MS, -STEP_MS].map(
        (step): Fault => ({
          kind: 'CLOCK',
          name: `clock ${step > 0 ? '+' : '−'}5 s and back`,
          how: 'the clock that the process reads, not that of the machine, for 2 to 4 s',
          weight: 1,
          inject: (random) => this.#stepped(step, 2_000 + random() * 2_000),
        }),
      ),
    ];
  }

  async start(): Promise<void> {
    const data = ['--data', join(this.#disk, 'data'), '--reserve-mb', String(this.#reserveMb)];
    this.#system = await RunningSystem.start({
      args: ['--port', this.#port, '--accounts', String(this.o.accounts), ...data, ...QUIET],
      nodeFlags: this.#clock.nodeFlags,
      env: this.#clock.env,
    });
    this.#port = new URL(this.#system.url).port;
  }

  askCheckpoints(): Promise<void> {
    return this.#running.askCheckpoints();
  }

  async stop(): Promise<void> {
    const code = await this.#running.stop();
    if (code !== 0) this.incidents.push(`it stopped with code ${code}`);
  }

  async read<T>(work: (log: EventLog, db: SqlDatabase) => Promise<T>): Promise<T> {
    const data = join(this.#disk, 'data');
    const log = await openEmbeddedLog(data);
    try {
      return await withReadModels(data, (db) => work(log, db));
    } finally {
      await log.close();
    }
  }

  async end(): Promise<void> {
    await this.#system?.kill();
    if (this.#isMounted) spawnSync('umount', ['-l', this.#disk]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #running(): RunningSystem {
    if (!this.#system) throw new Error('the system was not started');
    return this.#system;
  }

  async #killed(): Promise<void> {
    await this.#running.kill();
    // Being started is part of recovering: whoever waits for the first bet sees how long it takes.
    void this.start().catch((fault: Error) => this.incidents.push(`it did not start again: ${fault.message}`));
  }

  async #paused(ms: number): Promise<void> {
    const system = this.#running;
    system.pause();
    await pause(ms);
    system.resume();
  }

  async #filled(ms: number): Promise<void> {
    const ballast = join(this.#disk, 'ballast');
    const chunk = Buffer.alloc(BALLAST_STEP);
    try {
      while (this.#freeMb() > this.#reserveMb - 5) writeFileSync(ballast, chunk, { flag: 'a' });
      await pause(ms);
    } finally {
      rmSync(ballast, { force: true });
    }
  }

  async #stepped(by: number, ms: number): Promise<void> {
    await this.#stepTo(by);
    await pause(ms);
    await this.#stepTo(0);
  }

  async #stepTo(offset: number): Promise<void> {
    if (!(await this.#clock.stepTo(offset))) this.incidents.push(`its clock did not step by ${offset} ms`);
  }

  #freeMb(): number {
    const { bavail, bsize } = statfsSync(this.#disk);
    return Math.floor((bavail * bsize) / 1_000_000);
  }
}

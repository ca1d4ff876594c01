/** The distributed system on servers of its own: every role and every server can die or stand still while the others go on. */
import { openDatabase, openKafkaLog } from '#mutuel/adapters';
import type { EventLog, SqlDatabase } from '#mutuel/runtime';
import { Cluster, type DiskName, ROLES, type Role, type ServerName } from '../faults/cluster.js';
import { SmallDisks } from '../faults/small-disks.js';
import { checkLogs } from '../trust/log-checker.js';
import { readDecisionLogs } from '../trust/read-log.js';
import { becomeProjected, projected } from '../trust/retold.js';
import { type Fault, pause, type Target } from './target.js';

const SERVERS: readonly ServerName[] = ['kafka', 'postgres', 'redis'];
const DISKS: readonly DiskName[] = ['kafka', 'postgres', 'data'];
/** Whose clocks are moved: those that stamp or judge a time of their own. */
const CLOCKED: readonly Role[] = ['market', 'shards', 'bet-api'];
const DOWN_MS = 1_000;
const STEP_MS = 5_000;
const onWarning = (): void => undefined;

export interface DistributedOptions {
  readonly accounts: number;
  readonly random: () => number;
}

export class DistributedTarget implements Target {
  readonly title = 'distributed: a process for each role, three Kafka brokers, PostgreSQL, Redis';
  readonly isLive = true;
  readonly notInjected: readonly string[];
  readonly #cluster: Cluster;
  readonly #hasDisks = SmallDisks.possible();
  /** What the read models lacked when all had stopped. */
  readonly #late: string[] = [];

  constructor({ accounts, random }: DistributedOptions) {
    this.#cluster = new Cluster({
      ...{ instance: 'certify', brokers: 3, accounts, random },
      ...{ disks: this.#hasDisks, clocks: true },
    });
    this.notInjected = [
      ...(this.#hasDisks ? [] : ['full disks: this user may not mount small ones']),
      'steps of the clocks of brokers and database: they read the clock of the machine',
      'a power cut of all replicas at once: outside the failure model',
    ];
  }

  get incidents(): readonly string[] {
    return [
      ...this.#cluster.incidents.filter((incident) => /stopped with|did not start/.test(incident)),
      ...this.#late,
    ];
  }

  get betUrl(): string {
    return this.#cluster.url('bet-api');
  }

  get officeUrl(): string {
    return this.#cluster.url('back-office');
  }

  get faults(): readonly Fault[] {
    const cluster = this.#cluster;
    return [
      ...ROLES.flatMap((role): Fault[] => [
        {
          kind: 'KILL',
          name: `kill -9 ${role}`,
          how: 'SIGKILL, started again',
          weight: 2,
          inject: () => cluster.kill(role),
        },
        {
          kind: 'PAUSE',
          name: `pause ${role}`,
          how: 'SIGSTOP for 1 to 4 s, SIGCONT',
          weight: 1,
          inject: async (random) => {
            cluster.suspend(role);
            await pause(1_000 + random() * 3_000);
            cluster.resume(role);
          },
        },
      ]),
      ...SERVERS.flatMap((server): Fault[] => [
        {
          kind: 'KILL',
          name: `kill -9 ${server}`,
          how: 'SIGKILL, started again after 1 s',
          weight: 1,
          inject: async () => {
            process.kill(await cluster.pidOf(server), 'SIGKILL');
            await pause(DOWN_MS);
            await cluster.revive();
          },
        },
        {
          kind: 'PAUSE',
          name: `pause ${server}`,
          how: 'SIGSTOP of all its processes for 1 to 3 s, SIGCONT',
          weight: 1,
          inject: async (random) => {
            const wake = await cluster.standStill(await cluster.pidOf(server));
            await pause(1_000 + random() * 2_000);
            wake();
          },
        },
      ]),
      ...(this.#hasDisks ? DISKS : []).map(
        (disk): Fault => ({
          kind: 'DISK',
          name: `disk full, ${disk}`,
          how: 'a file system of its own is filled for 2 to 4 s; what died of it is started again',
          weight: 1,
          inject: async (random) => {
            const release = await cluster.fill(disk);
            await pause(2_000 + random() * 2_000);
            release();
            await cluster.revive();
          },
        }),
      ),
      ...CLOCKED.flatMap((role) =>
        [STEP_MS, -STEP_MS].map(
          (step): Fault => ({
            kind: 'CLOCK',
            name: `clock of ${role} ${step > 0 ? '+' : '−'}5 s and back`,
            how: 'the clock that the process reads, for 2 to 4 s',
            weight: 1,
            inject: async (random) => {
              await cluster.stepClock(role, step);
              await pause(2_000 + random() * 2_000);
              await cluster.stepClock(role, 0);
            },
          }),
        ),
      ),
    ];
  }

  start(): Promise<void> {
    return this.#cluster.start();
  }

  async askCheckpoints(): Promise<void> {
    await Promise.all(['shards', 'market'].map((role) => this.#cluster.askCheckpoints(role)));
  }

  stop(): Promise<void> {
    return this.#cluster.stopRoles(() =>
      this.read(async (log, db) => {
        const { shards, market } = await readDecisionLogs(log);
        const { decisions } = checkLogs(shards, market, []);
        if (!(await becomeProjected(db, decisions)))
          this.#late.push(`of ${decisions} decisions ${await projected(db)} are projected`);
      }),
    );
  }

  async read<T>(work: (log: EventLog, db: SqlDatabase) => Promise<T>): Promise<T> {
    const { brokers, database } = this.#cluster.stores;
    const log = await openKafkaLog({ brokers, clientId: 'certify', onWarning });
    const db = await openDatabase({ url: database, max: 4, onWarning });
    try {
      return await work(log, db);
    } finally {
      await db.close();
      await log.close();
    }
  }

  end(): Promise<void> {
    return this.#cluster.end();
  }
}

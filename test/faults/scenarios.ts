/** What can happen to the system while it sells, each as a few steps. A scenario breaks and waits; what came of it others judge. */
import { type Cluster, type DiskName, pause, ROLES, type Role, type ServerName } from './cluster.js';

/** How long things stay broken, ms: `short` for every day, `full` before a release. */
export interface Pace {
  /** A process that does not run and does not know it. */
  readonly suspended: number;
  readonly databaseAway: number;
  /** More than the selling lease lives. */
  readonly marketDead: number;
  readonly diskFull: number;
  /** Tickets a second while everything is replaced, one after the other. */
  readonly rollingRate: number;
}

export const PACES: Readonly<Record<'short' | 'full', Pace>> = {
  short: { suspended: 4_000, databaseAway: 6_000, marketDead: 9_000, diskFull: 4_000, rollingRate: 100 },
  full: { suspended: 30_000, databaseAway: 120_000, marketDead: 60_000, diskFull: 20_000, rollingRate: 1_000 },
};

export interface Stage {
  readonly cluster: Cluster;
  readonly pace: Pace;
  /** Told right before something is broken: what is felt of it counts from here. */
  readonly struck: () => void;
  /** Accepted so far, by the client's journal. */
  readonly accepted: () => number;
  /** Two steps of the first race towards its end: the stop is pressed, whatever becomes of it. */
  readonly pressStop: () => Promise<unknown>;
  /** Two people switch the newer record format on. */
  readonly raiseFormat: () => Promise<void>;
  /** The formats of the newest decisions of the shards. */
  readonly newestFormats: () => Promise<readonly number[]>;
  /** Something that should not be. */
  readonly find: (finding: string) => void;
}

export interface Scenario {
  readonly name: string;
  /** Tickets a second, where it is not the trial's own. */
  readonly rate?: (pace: Pace) => number;
  /** Needs disks that can be filled. */
  readonly fills?: true;
  readonly run: (stage: Stage) => Promise<void>;
}

const SERVERS: readonly ServerName[] = ['kafka', 'postgres', 'redis'];
/** What shows that somebody decides, and how long that may take. */
const SOLD = 60;
const SELLS_ON_MS = 20_000;
/** Between the death of a server and somebody starting it again. */
const DOWN_MS = 1_000;
/** One answer in so many appends is lost, for so long. */
const LOST_SHARE = 0.15;
const LOSING_MS = 4_000;
const STANDBY_LEADS_MS = 5_000;
/** Every broker leads something, and something is appended all the time. */
const APPEND_WITHIN_MS = 20_000;
/** Longer than an engine waits before it takes the silence of its lock for its loss. */
const LOCKLESS_MS = 5_000;
const DISK_NAMES: Readonly<Record<DiskName, string>> = {
  postgres: 'the read models',
  kafka: 'a broker',
  data: 'snapshots and notes',
};

export const SCENARIOS: readonly Scenario[] = [
  ...ROLES.flatMap((role): Scenario[] => [
    {
      name: `kill -9 ${role}`,
      run: async ({ cluster, struck }) => {
        struck();
        await cluster.kill(role);
        await cluster.ready(role);
      },
    },
    {
      name: `suspend ${role}`,
      run: async ({ cluster, pace, struck }) => {
        struck();
        cluster.suspend(role);
        await pause(pace.suspended);
        cluster.resume(role);
      },
    },
    {
      name: `stop ${role}`,
      run: async ({ cluster, struck }) => {
        struck();
        await cluster.stop(role);
        await cluster.ready(role);
      },
    },
  ]),
  ...SERVERS.flatMap((server): Scenario[] => [
    { name: `kill -9 ${server}`, run: (stage) => endServer(stage, server, 'SIGKILL', DOWN_MS) },
    {
      name: `suspend ${server}`,
      run: async ({ cluster, pace, struck }) => {
        const pid = await cluster.pidOf(server);
        struck();
        const wake = await cluster.standStill(pid);
        await pause(pace.suspended);
        wake();
      },
    },
    {
      name: `stop ${server}`,
      run: (stage) => endServer(stage, server, server === 'postgres' ? 'SIGINT' : 'SIGTERM', DOWN_MS),
    },
  ]),
  {
    name: 'answers of appends lost',
    run: async ({ cluster, struck, find }) => {
      struck();
      cluster.proxy.lose = LOST_SHARE;
      await pause(LOSING_MS);
      cluster.proxy.lose = 0;
      if (cluster.proxy.lost === 0) find('no answer of an append was lost');
    },
  },
  {
    name: 'broker suspended at an append',
    run: async ({ cluster, pace, struck }) => {
      const { pid, target } = await cluster.leadingBroker();
      await cluster.proxy.appendTo(target, APPEND_WITHIN_MS);
      struck();
      const wake = await cluster.standStill(pid);
      await pause(pace.suspended);
      wake();
    },
  },
  {
    name: 'two engines, one suspended and woken',
    run: async ({ cluster, pace, struck }) => {
      await withSecond(cluster, 'shards', async () => {
        struck();
        cluster.suspend('shards');
        await pause(pace.suspended);
        // The first one wakes up as a leader that has been replaced.
        cluster.resume('shards');
      });
    },
  },
  ...(['shards', 'market'] as const).map(
    (role): Scenario => ({
      name: `kill -9 ${role}, a standby is warm`,
      run: async ({ cluster, struck }) => {
        await withSecond(cluster, role, async () => {
          struck();
          const release = await cluster.keepDown(role);
          // The standby has it alone for a while, and keeps it when the first one is back.
          await pause(STANDBY_LEADS_MS);
          release();
          await cluster.ready(role);
        });
      },
    }),
  ),
  {
    name: 'two engines, their lock lost',
    run: async (stage) => {
      await withSecond(stage.cluster, 'shards', () => endServer(stage, 'postgres', 'SIGKILL', LOCKLESS_MS));
    },
  },
  ...(['postgres', 'kafka', 'data'] as const).map(
    (disk): Scenario => ({
      name: `full disk of ${DISK_NAMES[disk]}`,
      fills: true,
      run: async ({ cluster, pace, struck }) => {
        const release = await cluster.fill(disk, struck);
        await pause(pace.diskFull);
        release();
        await pause(DOWN_MS);
        await cluster.revive();
      },
    }),
  ),
  { name: 'PostgreSQL away', run: (stage) => endServer(stage, 'postgres', 'SIGKILL', stage.pace.databaseAway) },
  {
    name: 'market dead while a race sells',
    run: async ({ cluster, pace, struck, accepted, find }) => {
      struck();
      const release = await cluster.keepDown('market');
      await pause(pace.marketDead);
      const before = accepted();
      await pause(DOWN_MS);
      if (accepted() > before) find(`${accepted() - before} bets were accepted though the lease was over`);
      release();
      await cluster.ready('market');
    },
  },
  {
    name: 'stop pressed while a shard is down',
    run: async ({ cluster, struck, pressStop }) => {
      struck();
      const release = await cluster.keepDown('shards');
      await pressStop();
      await pause(DOWN_MS);
      release();
      await cluster.ready('shards');
    },
  },
  {
    name: 'rolling restart of everything',
    rate: (pace) => pace.rollingRate,
    run: async ({ cluster, struck }) => {
      await cluster.rollServers(struck);
      for (const role of ROLES) {
        struck();
        await cluster.stop(role);
        await cluster.ready(role);
      }
    },
  },
  {
    // The release before is the same program that is held to the older record format: it reads the newer one and never writes it.
    name: 'release beside the one before it',
    run: async (stage) => {
      const { raiseFormat } = stage;
      for (const role of ['market', 'shards'] as const) await replace(stage, role, RELEASE_BEFORE);
      await inTurn(stage, {}, 1);
      // Everything on the new release, and both formats in the log from here on.
      for (const role of ['shards', 'market'] as const) await replace(stage, role, {});
      await raiseFormat();
      await inTurn(stage, RELEASE_BEFORE, 2);
    },
  },
];

const RELEASE_BEFORE = { RECORD_FORMAT: '1' };

async function replace({ cluster, struck }: Stage, role: Role, env: Readonly<Record<string, string>>): Promise<void> {
  struck();
  await cluster.replace(role, env);
}

/** An engine of another release folds what the shards' own writes, leads when that dies, and is followed by it again. */
async function inTurn(
  { cluster, struck, accepted, newestFormats, find }: Stage,
  env: Readonly<Record<string, string>>,
  format: number,
): Promise<void> {
  cluster.add('second', 'engine', ['--decide', 'shards'], env);
  try {
    await cluster.ready('second');
    struck();
    const release = await cluster.keepDown('shards');
    await sellsOn(accepted, find);
    release();
    await cluster.ready('shards');
    await pause(DOWN_MS);
  } finally {
    await cluster.remove('second');
  }
  await sellsOn(accepted, find);
  const formats = await newestFormats();
  if (formats.some((one) => one !== format)) find(`the shards write formats ${formats.join(', ')}, not ${format}`);
}

async function sellsOn(accepted: () => number, find: (finding: string) => void): Promise<void> {
  const before = accepted();
  for (let waited = 0; waited < SELLS_ON_MS && accepted() < before + SOLD; waited += DOWN_MS) await pause(DOWN_MS);
  if (accepted() < before + SOLD) find('nothing is sold under the other release');
}

/** Another engine that was told to decide the same, up before and gone after. */
async function withSecond(cluster: Cluster, role: Role, work: () => Promise<void>): Promise<void> {
  cluster.add('second', 'engine', ['--decide', role]);
  try {
    await cluster.ready('second');
    await work();
    // Both may try to lead by now.
    await pause(DOWN_MS);
  } finally {
    await cluster.remove('second');
  }
}

async function endServer(
  { cluster, struck }: Stage,
  server: ServerName,
  signal: NodeJS.Signals,
  downMs: number,
): Promise<void> {
  const pid = await cluster.pidOf(server);
  struck();
  await Promise.all([cluster.endServer(pid, signal), pause(downMs)]);
  await cluster.revive();
}

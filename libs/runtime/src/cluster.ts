/**
 * What a log was founded with, kept in the log itself: its epoch and its number of shards, and beside it the clock of everybody who
 * starts on it. Each process says that it starts here before it does anything else; it must never go on where these do not fit.
 */
import { NEWEST_RECORD_FORMAT, TOPICS } from '#mutuel/contracts';
import { AppendFault, type Clock, type EventLog, LogFault } from './ports.js';

export interface ClusterFacts {
  /** The epoch of the shards' command logs; maintenance alone begins another. */
  readonly epoch: number;
  readonly shards: number;
}

/** `EPOCH`, `PARTITIONS`: founded with others. `CLOCK`: this machine's and the log's differ too much. */
export class ClusterFault extends Error {
  override readonly name = 'ClusterFault';
  readonly retriable = false;
  constructor(
    readonly kind: 'EPOCH' | 'PARTITIONS' | 'CLOCK',
    message: string,
  ) {
    super(message);
  }
}

/** Leases, stops and staleness are judged to a second or so; beyond it clocks are wrong, not slow. */
export const MAX_SKEW_MS = 1_000;
const AT = { topic: TOPICS.cluster, partition: 0 } as const;
const FORMAT = 1;

interface Entry extends ClusterFacts {
  readonly v: typeof FORMAT;
  /** The first `FOUNDED` of an epoch counts; who comes later only says that he came. */
  readonly kind: 'FOUNDED' | 'JOINED';
  readonly role: string;
  /** The writer's own clock, milliseconds UTC. */
  readonly at: number;
  /** What starts, and the newest record format that it reads: asked before people switch a newer one on. */
  readonly release?: string;
  readonly reads?: number;
}

export interface Joining extends ClusterFacts {
  readonly log: EventLog;
  readonly clock: Pick<Clock, 'now'>;
  /** Who starts, for people who read the log. */
  readonly role: string;
  readonly release?: string;
}

/** Founds an empty log or joins it; throws `ClusterFault` with one sentence when it must not be started on. */
export async function joinCluster({ log, clock, role, epoch, shards, release }: Joining): Promise<void> {
  const { end } = await log.bounds(AT);
  const own = release === undefined ? {} : { release, reads: NEWEST_RECORD_FORMAT };
  const kind = end === 0 ? 'FOUNDED' : 'JOINED';
  const entry: Entry = { v: FORMAT, kind, epoch, shards, role, at: clock.now(), ...own };
  const appender = await log.appender();
  let base: number;
  try {
    ({ base } = await appender.append(AT, [new TextEncoder().encode(JSON.stringify(entry))]));
  } finally {
    await appender.close();
  }
  const now = clock.now();
  const records = await log.read({ ...AT, from: 0 }, base + 1);
  const back = records.at(-1);
  if (back?.offset !== base) throw new AppendFault(`The log does not give back its record ${base}`, 'UNKNOWN');
  checkClock(entry.at, now, back.time);
  checkFacts({ epoch, shards }, founded(records.map(({ value }) => read(value))));
}

function checkClock(before: number, after: number, appended: number): void {
  const ahead = before - appended;
  const behind = appended - after;
  const skew = Math.max(ahead, behind);
  if (skew <= MAX_SKEW_MS) return;
  const way = ahead > behind ? 'ahead of' : 'behind';
  throw new ClusterFault(
    'CLOCK',
    `The clock of this machine is ${(skew / 1_000).toFixed(1)} s ${way} the log's: set both by NTP and start again.`,
  );
}

function checkFacts(ours: ClusterFacts, theirs: ClusterFacts): void {
  if (theirs.epoch !== ours.epoch)
    throw new ClusterFault(
      'EPOCH',
      `The log is in cluster epoch ${theirs.epoch}, this process was told ${ours.epoch}: set CLUSTER_EPOCH to ${theirs.epoch}, or name the brokers of the other cluster.`,
    );
  if (theirs.shards !== ours.shards)
    throw new ClusterFault(
      'PARTITIONS',
      `The log was founded with ${theirs.shards} shards and now has ${ours.shards}: accounts would be looked for in other shards; restore topics of ${theirs.shards} partitions.`,
    );
}

/** The newest epoch's founder; two who founded it together are told apart by the log's order. */
function founded(entries: readonly Entry[]): ClusterFacts {
  const founders = entries.filter(({ kind }) => kind === 'FOUNDED');
  const epoch = Math.max(...founders.map((entry) => entry.epoch));
  const first = founders.find((entry) => entry.epoch === epoch);
  if (first === undefined) throw new LogFault(`${AT.topic} says nowhere what the log was founded with`);
  return first;
}

function read(value: Uint8Array): Entry {
  try {
    const entry = JSON.parse(new TextDecoder().decode(value)) as Entry;
    if (entry.v === FORMAT) return entry;
  } catch {
    // Told below.
  }
  throw new LogFault(`${AT.topic} holds a record that this release cannot read: start the newer release`);
}

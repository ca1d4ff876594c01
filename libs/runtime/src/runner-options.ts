/** What a decider's runner is given and what it tells: settings, counters, alarms. Plain data, so that any exporter can read it. */
import type { RecordFormat, ServiceKey } from '#mutuel/contracts';
import type { Decider, TwoPeoplesWord } from '#mutuel/engine';
import type { Deaths } from './deaths.js';
import type { Clock, Entropy, EventLog, TopicPartition } from './ports.js';
import type { RenewingAppender } from './renewing-appender.js';
import type { SnapshotStore } from './snapshot-store.js';
import type { TailSource } from './tail-source.js';
import type { DropReason, ValidDecision } from './valid-records.js';

/** What every part of a process shares. */
export interface Seams {
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** A hint who should try to lead; where it has no answer, silence of the decision log is the sign. */
export interface Election {
  /** Whether this process is the one that should lead; once it is, it stays so until it resigns or its connection is lost. */
  tryLead(src: string): Promise<boolean>;
  /** Lets another one try. */
  resign(src: string): Promise<void>;
  /** Why it has had no answer for a while, where it knows. */
  trouble?(): string | undefined;
  close(): Promise<void>;
}

export interface DeciderSettings<S, C, E> {
  readonly decider: Decider<S, C, E>;
  /**
   * Turns the JSON of a command into a command; what a client got wrong becomes the decider's own `Malformed`
   * (`{ type: 'Malformed', cause }` must read as itself). It throws only on what a service signed and this release does not know.
   */
  readonly readCommand: (value: unknown, trusted: boolean) => C;
  /** `shard-3` or `market`. */
  readonly src: string;
  /** The cluster epoch of the topics. */
  readonly epoch: number;
  readonly commands: TopicPartition;
  readonly decisions: TopicPartition;
  readonly serviceKey: ServiceKey;
  /** Appends the steps that the state asks for; may be shared by the runners of a process. */
  readonly work: RenewingAppender;
  /** The newest record format that may be written here, whatever the log's fact allows; default: the newest this release knows. */
  readonly newestFormat?: RecordFormat | undefined;
  /** What runs here, as it stands in the records of starts. */
  readonly release?: string | undefined;
  /** What two people have said about commands that cannot be decided. */
  readonly skips?: SkipReader | undefined;
  /** Where folding starts from; without it, at the log's beginning. */
  readonly snapshots?: SnapshotStore | undefined;
}

/** A command that two people want set aside; both are asked for again at each start of a decider. */
export interface Skip extends TwoPeoplesWord {
  readonly src: string;
  readonly epoch: number;
  readonly offset: number;
}

export type SkipReader = () => Promise<readonly Skip[]>;

export type AlarmCode =
  | 'STATE_DIFFERS'
  | 'INCARNATION_KILLED'
  | 'INCARNATION_ENDED'
  | 'JOB_STUCK'
  | 'RUNNER_HALTED'
  | 'RELAY_GAP'
  | 'RELAY_STOPPED'
  | 'APPEND_FAILED'
  | 'PROJECTION_FAILED'
  | 'SNAPSHOT_IGNORED'
  | 'SNAPSHOT_FAILED'
  | 'NOTES_FAILED';

/** For people and dashboards; nothing may be decided by it. */
export type OnAlarm = (code: AlarmCode, detail: string) => void;

export interface RunnerMetrics {
  /** Valid decisions read. */
  decisions: number;
  refused: number;
  incarnations: number;
  readonly dropped: Record<DropReason, number>;
  appends: number;
  appended: number;
  /** Summed over all appends. */
  appendMs: number;
  stepsAsked: number;
  /** Commands handed over and not decided yet, and the age of the oldest by the log's time. */
  undecided: number;
  oldestUndecidedMs: number;
}

export const blankMetrics = (): RunnerMetrics => ({
  decisions: 0,
  refused: 0,
  incarnations: 0,
  dropped: { ZOMBIE: 0, DUPLICATE: 0, DEAD: 0, REPEATED_START: 0, KILLED: 0 },
  appends: 0,
  appended: 0,
  appendMs: 0,
  stepsAsked: 0,
  undecided: 0,
  oldestUndecidedMs: 0,
});

/** What one life needs beyond its decider's settings. */
export interface LifeOptions<S, C, E> extends Seams, DeciderSettings<S, C, E> {
  readonly deaths: Deaths;
  readonly metrics: RunnerMetrics;
  readonly onAlarm: OnAlarm;
  readonly onValid: (decision: ValidDecision<E>) => void;
  readonly onStarted: () => void;
  readonly onDropped: (reason: DropReason, inc: string) => void;
}

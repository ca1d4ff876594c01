/** What is certified: a system that can be bet at, broken and read afterwards, embedded or distributed. */
import type { EventLog, SqlDatabase } from '#mutuel/runtime';

export type FaultKind = 'KILL' | 'PAUSE' | 'DISK' | 'CLOCK';

export interface Fault {
  readonly kind: FaultKind;
  readonly name: string;
  /** What exactly is done, for the page. */
  readonly how: string;
  /** How often it is drawn, relative to the others. */
  readonly weight: number;
  /** Resolves when the cause is over, not when the system has recovered. */
  inject(random: () => number): Promise<void>;
}

export interface Target {
  readonly title: string;
  readonly faults: readonly Fault[];
  /** What this kind of system is not put through here, and why. */
  readonly notInjected: readonly string[];
  /** What went wrong with the running of it, as sentences. */
  readonly incidents: readonly string[];
  start(): Promise<void>;
  readonly betUrl: string;
  readonly officeUrl: string;
  /** Asks every decider for the hash of the state it leads with; resolves once they are in the log, which may be never. */
  askCheckpoints(): Promise<void>;
  /** Asks everything to stop. */
  stop(): Promise<void>;
  /** After `stop`: the log and the read models as they were left. */
  read<T>(work: (log: EventLog, db: SqlDatabase) => Promise<T>): Promise<T>;
  /** Whether the read models are made anew beside those that are there. */
  readonly isLive: boolean;
  end(): Promise<void>;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

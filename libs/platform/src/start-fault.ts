/**
 * Why a process does not start, or ends, in lines for a person and one exit code for a script: docs/OPERATIONS.md has the table. It
 * must never show a secret, nor more than one line for one fault.
 */
import { DatabaseFault, ServerLost, SetupFault } from '#mutuel/adapters';
import { ClusterFault, DeciderHalted, LogFault, StateDiffers } from '#mutuel/runtime';
import { CheckpointAhead } from '#mutuel/services';

export const EXIT = {
  /** Anything that has no code of its own. */
  FAULT: 1,
  /** A flag or a variable. */
  SETTING: 2,
  PORT: 3,
  /** Kafka or PostgreSQL does not answer. */
  SERVER: 4,
  VERSION: 5,
  /** Unsafe for what is asked of them. */
  TOPICS: 6,
  PARTITIONS: 7,
  EPOCH: 8,
  CHECKPOINT: 9,
  SCHEMA: 10,
  CLOCK: 11,
  FOLDER: 12,
  /** A damaged, holed or forked log. */
  LOG: 13,
  /** A decider stands at a command that only people can resolve, or does not fold to its own checkpoint. */
  HALTED: 14,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export class StartFault extends Error {
  override readonly name = 'StartFault';
  constructor(
    readonly lines: readonly string[],
    readonly exitCode: ExitCode,
    options?: ErrorOptions,
  ) {
    super(lines.join('\n'), options);
  }
}

export function exitCodeOf(fault: unknown): ExitCode {
  if (fault instanceof StartFault) return fault.exitCode;
  if (fault instanceof SetupFault || fault instanceof ClusterFault) return EXIT[fault.kind];
  if (fault instanceof CheckpointAhead) return EXIT.CHECKPOINT;
  if (fault instanceof ServerLost) return EXIT.SERVER;
  if (fault instanceof DatabaseFault && fault.retriable) return EXIT.SERVER;
  if (fault instanceof LogFault) return fault.laterRelease ? EXIT.SCHEMA : EXIT.LOG;
  if (fault instanceof DeciderHalted || fault instanceof StateDiffers) return EXIT.HALTED;
  return EXIT.FAULT;
}

/** Whatever hinders a start as its one line. */
export function asStartFault(fault: unknown): never {
  if (fault instanceof StartFault) throw fault;
  const line = fault instanceof Error ? fault.message.split('\n')[0] : String(fault);
  throw new StartFault([line ?? 'unknown fault'], exitCodeOf(fault), { cause: fault });
}

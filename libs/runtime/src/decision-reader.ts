/**
 * Hands on the valid decisions of one source from a checkpoint on. It must never skip or repeat a decision, and never go on when its
 * owner could not take what it was given.
 */
import { type FollowedLog, LogFollower } from './log-follower.js';
import { LogFault, type LogRecord, type TopicPartition } from './ports.js';
import { type DropReason, type ValidDecision, type ValidRecords, validRecords } from './valid-records.js';

export interface DecisionSource {
  /** `shard-3` or `market`. */
  readonly src: string;
  readonly at: TopicPartition;
}

export interface ReaderOptions<E> extends DecisionSource, FollowedLog {
  readonly checkpoint?: string;
  /** Gets what is valid of a batch, perhaps nothing; the next batch waits for the promise. A throw is final. */
  readonly onDecisions: (decisions: readonly ValidDecision<E>[]) => void | Promise<void>;
}

export class DecisionReader<E> extends LogFollower {
  readonly valid: ValidRecords<E>;
  readonly dropped: Record<DropReason, number> = { ZOMBIE: 0, DUPLICATE: 0, DEAD: 0, REPEATED_START: 0, KILLED: 0 };

  constructor(private readonly options: ReaderOptions<E>) {
    super(options);
    this.valid = validRecords<E>(options.src, options.at, options.checkpoint);
  }

  protected get next(): number {
    return this.valid.next;
  }

  protected async take(records: readonly LogRecord[]): Promise<void> {
    const decisions: ValidDecision<E>[] = [];
    for (const record of records) {
      const accepted = this.valid.accept(record);
      if (accepted.kind === 'valid') decisions.push(accepted);
      else if (accepted.kind === 'dropped') this.dropped[accepted.reason]++;
    }
    const { src, onDecisions } = this.options;
    try {
      await onDecisions(decisions);
    } catch (cause) {
      throw new LogFault(`${src}: what was read could not be taken: ${(cause as Error).message}`, { cause });
    }
  }
}

/**
 * Follows one decision log for the second calculator, by that calculator's own reader and not by the runtime's. It reads from the
 * beginning, or from where that reader wrote down what it remembered, and must never go on once the log cannot be audited.
 */
import { AuditLogReader, type LoggedDecision } from '#mutuel/audit';
import {
  type DecisionSource,
  type EventLog,
  type FollowedLog,
  LogFault,
  LogFollower,
  type LogRecord,
} from '#mutuel/runtime';

export interface FollowerOptions extends DecisionSource, FollowedLog {
  /** Of another follower of this log; without it, the log's beginning. */
  readonly memory?: string | undefined;
  readonly onDecisions: (decisions: readonly LoggedDecision[]) => void;
}

/** How far back the last decision of a memory is looked for. */
const LOOK_BACK = 512;

export class AuditFollower extends LogFollower {
  readonly #reader: AuditLogReader;

  constructor(private readonly options: FollowerOptions) {
    super(options);
    this.#reader = new AuditLogReader(options.src, options.memory);
  }

  /** What another follower needs to go on from here. */
  get place(): string {
    return this.#reader.memory;
  }

  protected get next(): number {
    return this.#reader.nextOffset;
  }

  protected take(records: readonly LogRecord[]): void {
    const { src, onDecisions } = this.options;
    try {
      onDecisions(records.flatMap((record) => this.#reader.take(record) ?? []));
    } catch (cause) {
      throw new LogFault(`${src}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Throws unless the log holds what the memory was made of, as far as its last records tell; what is gone by retention tells nothing. */
export async function checkMemory(
  log: Pick<EventLog, 'bounds' | 'read'>,
  { src, at }: DecisionSource,
  memory: string,
): Promise<void> {
  const reader = new AuditLogReader(src, memory);
  const { nextOffset } = reader;
  const { start, end } = await log.bounds(at);
  if (nextOffset > end) throw new Error(`${src} was read up to offset ${nextOffset} and ends at ${end}`);
  const from = Math.max(start, nextOffset - LOOK_BACK);
  if (from >= nextOffset) return;
  if (!reader.agreesWith(await log.read({ ...at, from }, nextOffset - from)))
    throw new Error(`${src} has another decision before offset ${nextOffset}`);
}

/**
 * Which records of a decision log count. Every reader (deciders, relays, projector, odds, command line) goes through this one
 * function, and its whole memory is in the checkpoint, so all of them see the same sequence wherever they start. It must never
 * guess: what cannot be explained as a zombie's or a duplicate stops the reader or kills the incarnation.
 */
import {
  type DecisionRecord,
  type Decoded,
  decodeRecord,
  GENESIS,
  MAX_APPEND_RECORDS,
  NewerRecord,
  type Position,
  type StartedRecord,
  UnreadableRecord,
} from '#mutuel/contracts';
import { LogFault, type LogRecord, type TopicPartition } from './ports.js';

/**
 * `ZOMBIE`: of an incarnation that is not (or no longer) the current one. `DUPLICATE`: the same bytes again. `REPEATED_START`: a
 * start seen before. `KILLED`: the current incarnation contradicted itself or its input, an alarm. `DEAD`: what it wrote after that.
 */
export type DropReason = 'ZOMBIE' | 'DUPLICATE' | 'DEAD' | 'REPEATED_START' | 'KILLED';

/** A valid decision with its place in the decision log; `time` is the append time that cuts are made by. */
export interface ValidDecision<E = unknown> {
  readonly kind: 'valid';
  readonly decision: DecisionRecord<E>;
  /** SHA-256 of the record's bytes, hex. */
  readonly hash: string;
  /** The record as the log holds it. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly time: number;
}

export type Accepted<E = unknown> =
  | ValidDecision<E>
  | { readonly kind: 'started'; readonly inc: string }
  | { readonly kind: 'dropped'; readonly reason: DropReason; readonly inc: string };

/**
 * How many incarnations a reader remembers to recognise a repeated start. A function of the log alone, so all readers agree; an
 * append older than this many takeovers cannot still be on its way.
 */
const REMEMBERED_STARTS = 256;
/** Hex digits kept of each hash of the duplicate window: enough to tell an honest duplicate, short enough to store often. */
const WINDOW_DIGITS = 16;
const CHECKPOINT_FORMAT = 1;

/** Everything a reader remembers, as it stands in a checkpoint. */
interface Memory {
  v: typeof CHECKPOINT_FORMAT;
  src: string;
  /** The offset expected next. */
  next: number;
  /** The last valid decision; 0 and the genesis hash before the first. */
  seq: number;
  head: string;
  in: Position | null;
  epoch: number;
  inc: string | null;
  /** No record of the current incarnation seen yet: its first one must extend the head. */
  fresh: boolean;
  dead: boolean;
  starts: string[];
  /** Shortened hashes of the last valid decisions, oldest first, up to `seq`. */
  window: string[];
}

export class ValidRecords<E = unknown> {
  readonly #at: TopicPartition;
  readonly #m: Memory;
  readonly #starts: Set<string>;
  /** Ring of shortened hashes by sequence number. */
  readonly #ring: (string | undefined)[] = new Array(MAX_APPEND_RECORDS);
  /** The checkpoint as it was last written, until the next record. */
  #written: string | undefined;

  constructor(at: TopicPartition, memory: Memory) {
    this.#at = at;
    this.#m = memory;
    this.#starts = new Set(memory.starts);
    memory.window.forEach((hash, i) => {
      this.#ring[(memory.seq - memory.window.length + 1 + i) % MAX_APPEND_RECORDS] = hash;
    });
  }

  get src(): string {
    return this.#m.src;
  }
  /** The offset of the record to accept next. */
  get next(): number {
    return this.#m.next;
  }
  get seq(): number {
    return this.#m.seq;
  }
  get head(): string {
    return this.#m.head;
  }
  /** The command of the last valid decision. */
  get lastIn(): Position | null {
    return this.#m.in;
  }
  get incarnation(): string | null {
    return this.#m.inc;
  }

  /** Takes the record at `next`. Throws `LogFault` on a hole, an unreadable or foreign record, or a fork; then nothing changed. */
  accept(record: LogRecord): Accepted<E> {
    if (record.offset !== this.#m.next) throw this.#hole(record);
    const decoded = this.#decode(record);
    const { src } = decoded.record;
    if (src !== this.#m.src) throw this.#fault(record, `it was written by ${src}, this is the log of ${this.#m.src}`);
    const accepted =
      decoded.record.kind === 'started'
        ? this.#start(decoded.record)
        : this.#judge(record, decoded.record, decoded.hash);
    this.#m.next++;
    this.#written = undefined;
    return accepted;
  }

  toCheckpoint(): string {
    this.#written ??= this.#write();
    return this.#written;
  }

  #write(): string {
    const { seq } = this.#m;
    const kept = Math.min(seq, MAX_APPEND_RECORDS);
    const window = Array.from({ length: kept }, (_, i) => this.#ring[(seq - kept + 1 + i) % MAX_APPEND_RECORDS] ?? '');
    return JSON.stringify({ ...this.#m, starts: [...this.#starts], window });
  }

  #start({ inc, epoch }: StartedRecord): Accepted<E> {
    if (this.#starts.has(inc)) return { kind: 'dropped', reason: 'REPEATED_START', inc };
    // A cluster epoch that is over starts nothing any more.
    if (epoch < this.#m.epoch) return { kind: 'dropped', reason: 'ZOMBIE', inc };
    this.#starts.add(inc);
    if (this.#starts.size > REMEMBERED_STARTS) this.#starts.delete(this.#starts.values().next().value as string);
    Object.assign(this.#m, { inc, epoch, fresh: true, dead: false });
    return { kind: 'started', inc };
  }

  #judge(record: LogRecord, decision: DecisionRecord, hash: string): Accepted<E> {
    const m = this.#m;
    const { inc } = decision;
    if (inc !== m.inc) return { kind: 'dropped', reason: 'ZOMBIE', inc };
    if (m.dead) return { kind: 'dropped', reason: 'DEAD', inc };
    const extends_ = decision.seq === m.seq + 1 && decision.prev === m.head;
    if (m.fresh && !extends_) throw this.#fork(record, decision);
    m.fresh = false;
    if (extends_ && decision.epoch === m.epoch && follows(decision.in, m.in, m.epoch)) {
      return this.#advance(record, decision as DecisionRecord<E>, hash);
    }
    if (this.#isDuplicate(decision.seq, hash)) return { kind: 'dropped', reason: 'DUPLICATE', inc };
    m.dead = true;
    return { kind: 'dropped', reason: 'KILLED', inc };
  }

  #advance(record: LogRecord, decision: DecisionRecord<E>, hash: string): ValidDecision<E> {
    const m = this.#m;
    m.seq = decision.seq;
    m.head = hash;
    m.in = decision.in;
    this.#ring[decision.seq % MAX_APPEND_RECORDS] = hash.slice(0, WINDOW_DIGITS);
    return { kind: 'valid', decision, hash, bytes: record.value, offset: record.offset, time: record.time };
  }

  #isDuplicate(seq: number, hash: string): boolean {
    const inWindow = seq >= 1 && seq <= this.#m.seq && seq > this.#m.seq - MAX_APPEND_RECORDS;
    return inWindow && this.#ring[seq % MAX_APPEND_RECORDS] === hash.slice(0, WINDOW_DIGITS);
  }

  #decode(record: LogRecord): Decoded {
    try {
      return decodeRecord(record.value);
    } catch (cause) {
      if (cause instanceof NewerRecord) throw this.#newer(record, cause);
      if (!(cause instanceof UnreadableRecord)) throw cause;
      throw this.#fault(record, cause.message, { cause });
    }
  }

  #hole(record: LogRecord): LogFault {
    const { topic, partition } = this.#at;
    return new LogFault(
      `${topic}[${partition}] has a hole: offset ${this.#m.next} was expected, ${record.offset} came; ` +
        'restore the missing records from the archive or a replica',
    );
  }

  #newer({ offset }: LogRecord, cause: NewerRecord): LogFault {
    const { topic, partition } = this.#at;
    const fault = new LogFault(`${topic}[${partition}] offset ${offset}: ${cause.message}. Start the later release`, {
      cause,
    });
    fault.laterRelease = true;
    return fault;
  }

  #fork(record: LogRecord, { seq, prev, inc }: DecisionRecord): LogFault {
    return this.#fault(
      record,
      `incarnation ${inc} continues from seq ${seq - 1} (${prev.slice(0, 8)}…), but this reader has already read ` +
        `seq ${this.#m.seq} (${this.#m.head.slice(0, 8)}…): acknowledged decisions were lost`,
    );
  }

  #fault(record: LogRecord, what: string, options?: ErrorOptions): LogFault {
    const { topic, partition } = this.#at;
    return new LogFault(
      `${topic}[${partition}] offset ${record.offset}: ${what}. ` +
        'Stop every writer of this partition and restore the log from the archive or a replica; do not skip the record',
      options,
    );
  }
}

/** A reader's judgement from the log's beginning, or from where a checkpoint left it. */
export function validRecords<E = unknown>(src: string, at: TopicPartition, checkpoint?: string): ValidRecords<E> {
  return new ValidRecords<E>(at, checkpoint === undefined ? blank(src) : fromCheckpoint(src, checkpoint));
}

function blank(src: string): Memory {
  return {
    v: CHECKPOINT_FORMAT,
    src,
    next: 0,
    seq: 0,
    head: GENESIS,
    in: null,
    epoch: 0,
    inc: null,
    fresh: false,
    dead: false,
    starts: [],
    window: [],
  };
}

function fromCheckpoint(src: string, text: string): Memory {
  const memory = JSON.parse(text) as Memory;
  if (memory.v !== CHECKPOINT_FORMAT || memory.src !== src) {
    throw new LogFault(
      `the checkpoint is of format ${String(memory.v)} for ${memory.src}, wanted format ${CHECKPOINT_FORMAT} for ${src}; ` +
        'delete the output it belongs to and rebuild it from the log',
    );
  }
  return memory;
}

/**
 * Commands are decided one by one: within an epoch the next offset, index 0 (one command per log record); a new epoch is a new
 * command log and begins at its own offset 0.
 */
function follows(position: Position, last: Position | null, epoch: number): boolean {
  const [inEpoch, offset, index] = position;
  if (inEpoch !== epoch || index !== 0) return false;
  return offset === (last !== null && last[0] === inEpoch ? last[1] + 1 : 0);
}

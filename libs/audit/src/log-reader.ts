/**
 * The second calculator's own judgement of which decisions of a log count, written from the rules of the log alone. It shares no
 * line with the reader that serves the deciders, so a fault of that one cannot hide here. It must never skip what it cannot
 * explain: it stops.
 */
import { hash as digest } from 'node:crypto';

/** A record as the log holds it: its place and its bytes (UTF-8 JSON). */
export interface RawRecord {
  readonly offset: number;
  readonly value: Uint8Array;
  /** SHA-256 of the bytes, hex, where whoever read them has taken it. */
  readonly hash?: string;
}

/** What the reader needs of a decision; the rest of the record goes along untouched. */
export interface LoggedDecision {
  readonly src: string;
  readonly epoch: number;
  readonly seq: number;
  /** Cluster epoch, offset of the command, and its index in an envelope. */
  readonly in: readonly [number, number, number];
  readonly inc: string;
  readonly prev: string;
  readonly events: readonly { readonly t: string }[];
  readonly posts?: readonly (readonly [account: string, amount: number])[];
}

/** The log cannot be followed: a hole, a foreign or unreadable record, or a fork. Trying again is no use. */
export class AuditLogBroken extends Error {
  override readonly name = 'AuditLogBroken';
  readonly retriable = false;
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
/** One append holds at most this many records, so that an older repetition is no append that came twice. */
const LONGEST_APPEND = 128;
/** Starts remembered: an append older than this many takeovers cannot still be on its way. */
const REMEMBERED_STARTS = 256;

/** What a reader remembers, as it stands in a note of where to go on. */
interface Memory {
  readonly v: typeof MEMORY_FORMAT;
  readonly src: string;
  readonly nextOffset: number;
  readonly epoch: number;
  readonly writer: string;
  readonly writerIsDead: boolean;
  readonly writerHasSpoken: boolean;
  readonly last: Pick<LoggedDecision, 'seq' | 'in'> | null;
  readonly lastHash: string;
  readonly recent: readonly string[];
  readonly starts: readonly string[];
}

const MEMORY_FORMAT = 1;

export class AuditLogReader {
  #nextOffset = 0;
  #epoch = 0;
  #writer = '';
  /** The writer contradicted itself: nothing it says counts any more. */
  #writerIsDead = false;
  #writerHasSpoken = false;
  #last: Pick<LoggedDecision, 'seq' | 'in'> | undefined;
  #lastHash = '0'.repeat(64);
  /** `seq hash` of the last valid decisions. */
  readonly #recent: string[] = [];
  readonly #starts: string[] = [];

  /** `src` names whose log it is: `shard-3`, `market`. `memory` is what another reader of it wrote down; without one it begins at the beginning. */
  constructor(
    private readonly src: string,
    memory?: string,
  ) {
    if (memory !== undefined) this.#remember(JSON.parse(memory) as Memory);
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** What a reader needs to go on from here as this one would: the same decisions count for it. */
  get memory(): string {
    const { seq, in: position } = this.#last ?? {};
    const memory: Memory = {
      ...{ v: MEMORY_FORMAT, src: this.src, nextOffset: this.#nextOffset, epoch: this.#epoch, writer: this.#writer },
      ...{ writerIsDead: this.#writerIsDead, writerHasSpoken: this.#writerHasSpoken },
      last: seq === undefined || position === undefined ? null : { seq, in: position },
      ...{ lastHash: this.#lastHash, recent: this.#recent, starts: this.#starts },
    };
    return JSON.stringify(memory);
  }

  /** The last decision that counted is among these records, as this reader remembers it, or none of them tells. */
  agreesWith(records: Iterable<RawRecord>): boolean {
    let isTold = false;
    for (const record of records) {
      if (record.offset >= this.#nextOffset) break;
      const said = this.#parse(record);
      if (said.kind !== 'decision' || said.seq !== this.#last?.seq) continue;
      if (digest('sha256', record.value) === this.#lastHash) return true;
      isTold = true;
    }
    return !isTold;
  }

  /** The writer has contradicted itself: until the next start nothing counts. */
  get isWriterDead(): boolean {
    return this.#writerIsDead;
  }

  /** The decision in this record if it counts, undefined if it does not. Throws `AuditLogBroken` where reading must end. */
  take(record: RawRecord): LoggedDecision | undefined {
    if (record.offset !== this.#nextOffset) throw this.#broken(record, `${this.#nextOffset} was to come`);
    const said = this.#parse(record);
    const counts = said.kind === 'started' ? this.#start(said) : this.#counts(said, record);
    this.#nextOffset += 1;
    return counts ? said : undefined;
  }

  #remember(memory: Memory): void {
    if (memory.v !== MEMORY_FORMAT || memory.src !== this.src)
      throw new Error(`it is of format ${String(memory.v)} for ${memory.src}, not ${MEMORY_FORMAT} for ${this.src}`);
    this.#nextOffset = memory.nextOffset;
    this.#epoch = memory.epoch;
    this.#writer = memory.writer;
    this.#writerIsDead = memory.writerIsDead;
    this.#writerHasSpoken = memory.writerHasSpoken;
    this.#last = memory.last ?? undefined;
    this.#lastHash = memory.lastHash;
    this.#recent.push(...memory.recent);
    this.#starts.push(...memory.starts);
  }

  #start({ inc, epoch }: LoggedDecision): false {
    if (this.#starts.includes(inc) || epoch < this.#epoch) return false;
    keepLast(this.#starts, inc, REMEMBERED_STARTS);
    this.#writer = inc;
    this.#epoch = epoch;
    this.#writerIsDead = false;
    this.#writerHasSpoken = false;
    return false;
  }

  #counts(said: LoggedDecision, record: RawRecord): boolean {
    if (said.inc !== this.#writer || this.#writerIsDead) return false;
    const hash = record.hash ?? digest('sha256', record.value);
    const goesOn = said.seq === (this.#last?.seq ?? 0) + 1 && said.prev === this.#lastHash;
    if (!goesOn && !this.#writerHasSpoken) throw this.#broken(record, 'a new writer does not continue what was read');
    this.#writerHasSpoken = true;
    if (goesOn && !Array.isArray(said.in))
      throw this.#broken(record, 'it does not say which command it decides (`in`)');
    if (goesOn && said.epoch === this.#epoch && this.#decidesTheNextCommand(said)) {
      this.#last = said;
      this.#lastHash = hash;
      keepLast(this.#recent, `${said.seq} ${hash}`, LONGEST_APPEND);
      return true;
    }
    if (!this.#recent.includes(`${said.seq} ${hash}`)) this.#writerIsDead = true;
    return false;
  }

  /** The next offset of the same command log, or the first of a new cluster epoch's. */
  #decidesTheNextCommand({ in: [epoch, offset, index] }: LoggedDecision): boolean {
    const last = this.#last?.in;
    const expected = last && last[0] === epoch ? last[1] + 1 : 0;
    return epoch === this.#epoch && offset === expected && index === 0;
  }

  #parse(record: RawRecord): LoggedDecision & { readonly kind: string } {
    let said: LoggedDecision & { readonly v: number; readonly kind: string };
    try {
      said = JSON.parse(UTF_8.decode(record.value));
    } catch {
      throw this.#broken(record, 'it is not UTF-8 JSON');
    }
    if (said?.v !== 1 && said?.v !== 2)
      throw this.#broken(record, `format ${String(said?.v)} is not known to the second calculator`);
    if (said.src !== this.src) throw this.#broken(record, `it was written by ${said.src}`);
    if (said.kind !== 'started' && said.kind !== 'decision')
      throw this.#broken(record, `a record of kind ${said.kind}`);
    // Format 2 leaves out what is empty.
    return said.v === 1 ? said : { ...said, events: said.events ?? [], posts: said.posts ?? [] };
  }

  #broken({ offset }: RawRecord, what: string): AuditLogBroken {
    return new AuditLogBroken(`the log of ${this.src} cannot be audited at offset ${offset}: ${what}`);
  }
}

function keepLast(list: string[], item: string, many: number): void {
  list.push(item);
  if (list.length > many) list.shift();
}

/** The decisions of a log that count, in order. */
export function* decisionsThatCount(src: string, records: Iterable<RawRecord>): Generator<LoggedDecision> {
  const reader = new AuditLogReader(src);
  for (const record of records) {
    const decision = reader.take(record);
    if (decision) yield decision;
  }
}

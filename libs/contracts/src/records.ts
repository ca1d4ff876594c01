/**
 * The bytes of the log. A decision record is UTF-8 JSON and its hash is SHA-256 of exactly those bytes, so that the chain can
 * be checked by anyone with a JSON parser and nothing of ours. This file must never re-serialise a record to hash it.
 */
import { hash as digest } from 'node:crypto';

/** Written until the market's fact switches a newer format on. */
export const RECORD_FORMAT = 1;
/** Read by this release, and written from the fact `RecordFormatRaised` on. A release reads a format before any release writes it. */
export const NEWEST_RECORD_FORMAT = 2;
export type RecordFormat = typeof RECORD_FORMAT | typeof NEWEST_RECORD_FORMAT;
/** The hash before the first decision of a chain. */
export const GENESIS = '0'.repeat(64);
/** One append never exceeds these: readers keep this many hashes to tell a duplicated append from an equivocation. */
export const MAX_APPEND_RECORDS = 128;
/** Below Kafka's default message limit, with room for framing; checked before the append. */
export const MAX_RECORD_BYTES = 900_000;

/** `[account, signed amount in minor units]`; the amounts of one decision sum to zero. */
export type Posting = readonly [account: string, amountMinor: number];

/** Where a command stands: cluster epoch, log offset, and its index inside an envelope (0: one command per log record). */
export type Position = readonly [epoch: number, offset: number, index: number];

/** One command's whole effect: the unit of atomicity. A refusal carries its `code` and only events that take note of it. */
export interface DecisionRecord<E = unknown> {
  readonly v: RecordFormat;
  readonly kind: 'decision';
  /** `shard-3` or `market`. */
  readonly src: string;
  readonly epoch: number;
  readonly seq: number;
  readonly in: Position;
  readonly cid: string;
  readonly inc: string;
  readonly prev: string;
  /** The command's append time, milliseconds UTC: the only time that decides. */
  readonly at: number;
  /** The decider's clock when it decided (judges `STALE` alone). */
  readonly time: number;
  readonly code?: string;
  /** A sentence for a person; with a pointer where a field was wrong. */
  readonly detail?: string;
  readonly pointer?: string;
  /** With code `REPLAY`: the sequence number of the decision that already answered this reference. */
  readonly of?: number;
  /** From format 2 on absent where there are none. */
  readonly events: readonly E[];
  /** From format 2 on absent where there are none. */
  readonly posts: readonly Posting[];
}

/**
 * Claims the decision log for one incarnation (128 random bits in hex); stands outside the chain. One of the last 256 starts that
 * comes again claims nothing.
 */
export interface StartedRecord {
  readonly v: RecordFormat;
  readonly kind: 'started';
  readonly src: string;
  readonly epoch: number;
  readonly inc: string;
  /** From format 2 on: the release that claims the log. */
  readonly release?: string;
}

export type LogEntry<E = unknown> = DecisionRecord<E> | StartedRecord;

export interface Decoded<E = unknown> {
  readonly record: LogEntry<E>;
  /** SHA-256 of the record's bytes, hex. */
  readonly hash: string;
}

/** A record that cannot be read: `reason` says what is wrong in a sentence; the reader adds the position. */
export class UnreadableRecord extends Error {
  readonly retriable = false;
  override readonly name = 'UnreadableRecord';
}

/** Of a format that only a later release reads; the log itself is sound. */
export class NewerRecord extends UnreadableRecord {}

const decoder = new TextDecoder('utf-8', { fatal: true });
/**
 * What was decoded stands on the bytes themselves. In a `WeakMap` every one of them would be carried into the old heap: once the map's
 * table is old, V8 takes its values for alive until the whole heap is collected, whether their keys are or not.
 */
const DECODED = Symbol('decoded');
type Decodable = Uint8Array & { [DECODED]?: Decoded };

export const sha256 = (bytes: Uint8Array | string): string => digest('sha256', bytes, 'hex');

/** As a slice of a shared slab, which costs half of what memory of its own does: records are encoded by the thousand. */
export const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** In the format that the record names. */
export function encodeRecord(record: LogEntry): Uint8Array {
  return utf8(JSON.stringify(record.v === RECORD_FORMAT ? record : shortened(record)));
}

/** Format 2 leaves out what is empty. */
function shortened(record: LogEntry): object {
  if (record.kind === 'started') return record;
  const { events, posts, ...rest } = record;
  return { ...rest, ...(events.length > 0 && { events }), ...(posts.length > 0 && { posts }) };
}

/** Decodes and hashes a decision-log record; readers of one process that are handed the same bytes share the work. */
export function decodeRecord<E = unknown>(bytes: Decodable): Decoded<E> {
  const known = bytes[DECODED];
  if (known) return known as Decoded<E>;
  const record = upcast(parseJson(bytes) as Said);
  if (isNewer(record)) throw new NewerRecord(newerOf(record.v));
  const fault = faultOf(record);
  if (fault) throw new UnreadableRecord(fault);
  const result = { record: record as LogEntry, hash: sha256(bytes) };
  bytes[DECODED] = result;
  return result as Decoded<E>;
}

type Said = Partial<DecisionRecord> & { kind?: unknown };

/** How each format that may stand in a log is read: every one becomes the shape declared above. The bytes, and so the hash, stay as they are. */
const UPCASTERS: Readonly<Record<RecordFormat, (said: Said) => Said>> = {
  1: (said) => said,
  2: (said) => (said.kind === 'decision' ? { ...said, events: said.events ?? [], posts: said.posts ?? [] } : said),
};

function upcast(said: Said): Said {
  return isKnown(said?.v) ? UPCASTERS[said.v](said) : said;
}

const isNewer = (said: Said | null): said is Said & { v: number } => isCount(said?.v) && said.v > NEWEST_RECORD_FORMAT;

const newerOf = (v: number): string =>
  `its format ${v} is newer than this release, which reads record formats ${RECORD_FORMAT} to ${NEWEST_RECORD_FORMAT}`;

const isKnown = (v: unknown): v is RecordFormat => typeof v === 'number' && Object.hasOwn(UPCASTERS, v);

export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new UnreadableRecord('the record is not valid UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableRecord('the record is not valid JSON');
  }
}

function faultOf(r: Partial<DecisionRecord> | null): string | undefined {
  if (typeof r !== 'object' || r === null) return 'the record is not an object';
  if (!isKnown(r.v)) return `record format ${String(r.v)} is none that ever was`;
  if (typeof r.src !== 'string' || typeof r.inc !== 'string' || !isCount(r.epoch))
    return 'src, inc or epoch is missing';
  if ((r.kind as string) === 'started') return undefined;
  if (r.kind !== 'decision') return `unknown record kind ${String(r.kind)}`;
  if (!isCount(r.seq) || typeof r.prev !== 'string' || typeof r.cid !== 'string') return 'seq, prev or cid is missing';
  if (!Array.isArray(r.in) || r.in.length !== 3 || !r.in.every(isCount)) return 'in is not [epoch, offset, index]';
  if (!isCount(r.at) || !isCount(r.time)) return 'at or time is missing';
  if (!Array.isArray(r.events) || !Array.isArray(r.posts)) return 'events or posts is missing';
  return undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

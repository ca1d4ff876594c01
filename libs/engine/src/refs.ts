/**
 * Ticket references already answered, in packed tables: a reference is a UUIDv7, its own time files it into a ten-minute bucket,
 * and whole buckets are dropped once they lie below the horizon. It must never forget a reference above the horizon.
 */

/** `refHorizon = max(refHorizon, append time − 2 h)`: older references are an unknown outcome, answered from the permanent row. */
export const REF_WINDOW_MS = 2 * 60 * 60 * 1000;
/** A reference may be this far ahead of the append time, for clients whose clock is fast. */
export const REF_AHEAD_MS = 2 * 60 * 1000;
const BUCKET_MS = 10 * 60 * 1000;
const FIRST_SLOTS = 256;

export interface Ref {
  /** Milliseconds UTC from the UUIDv7's first 48 bits. */
  readonly time: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

export interface TakenRef {
  readonly seq: number;
  /** First 52 bits of the body's hash; 0 where the reference was burnt. */
  readonly body: number;
}

interface Bucket {
  size: number;
  keys: Uint32Array;
  account: Uint32Array;
  /** Decision sequence number; 0 marks a free slot, since sequences start at 1. */
  seq: Float64Array;
  body: Float64Array;
}

export interface RefTable {
  horizon: number;
  readonly buckets: Map<number, Bucket>;
}

export const emptyRefs = (): RefTable => ({ horizon: 0, buckets: new Map() });

/** Reads a lower-case UUIDv7, or undefined. By character codes: this runs twice for every ticket. */
export function readRef(text: string): Ref | undefined {
  if (text.length !== 36 || text.charCodeAt(14) !== SEVEN) return undefined;
  for (const dash of DASHES) if (text.charCodeAt(dash) !== DASH) return undefined;
  const a = hexNumber(text, 0, 8);
  const b = hexNumber(text, 9, 13) * 0x10000 + hexNumber(text, 14, 18);
  const c = hexNumber(text, 19, 23) * 0x10000 + hexNumber(text, 24, 28);
  const d = hexNumber(text, 28, 36);
  // The variant: the top two bits of c are 10.
  if (Number.isNaN(a + b + c + d) || c >>> 30 !== 2) return undefined;
  return { time: a * 0x10000 + Math.floor(b / 0x10000), a, b, c, d };
}

const DASHES = [8, 13, 18, 23];
const DASH = 45;
const SEVEN = 55;

/** The number that lower-case hex digits spell (13 at the most, to stay exact); NaN where there is anything else. */
export function hexNumber(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) value = value * 16 + code - 48;
    else if (code >= 97 && code <= 102) value = value * 16 + code - 87;
    else return Number.NaN;
  }
  return value;
}

/** The body hash's first 13 hex digits as an integer, never 0: a different body shares it once in 2^52. */
export const bodyNumber = (hex: string): number => hexNumber(hex, 0, 13) || 1;

export function findRef(table: RefTable, account: number, ref: Ref): TakenRef | undefined {
  const bucket = table.buckets.get(Math.floor(ref.time / BUCKET_MS));
  if (!bucket) return undefined;
  const slot = slotFor(bucket, account, ref);
  const seq = bucket.seq[slot] as number;
  return seq === 0 ? undefined : { seq, body: bucket.body[slot] as number };
}

export function takeRef(table: RefTable, account: number, ref: Ref, taken: TakenRef): void {
  const number = Math.floor(ref.time / BUCKET_MS);
  let bucket = table.buckets.get(number);
  if (!bucket) {
    bucket = newBucket(FIRST_SLOTS);
    table.buckets.set(number, bucket);
  }
  if (bucket.size * 2 >= bucket.seq.length) {
    bucket = rehash(bucket);
    table.buckets.set(number, bucket);
  }
  put(bucket, slotFor(bucket, account, ref), account, ref, taken);
}

/** Moves the horizon up with the append time (never down) and drops the buckets that lie wholly below it. */
export function advanceHorizon(table: RefTable, at: number): void {
  const horizon = at - REF_WINDOW_MS;
  if (horizon <= table.horizon) return;
  const before = Math.floor(table.horizon / BUCKET_MS);
  table.horizon = horizon;
  const first = Math.floor(horizon / BUCKET_MS);
  if (first === before) return;
  for (const number of table.buckets.keys()) if (number < first) table.buckets.delete(number);
}

/** All references in a canonical order: table layout must not show in a state hash. */
export function describeRefs(table: RefTable): unknown {
  const rows: string[] = [];
  for (const bucket of table.buckets.values()) {
    for (let i = 0; i < bucket.seq.length; i++) {
      if (bucket.seq[i] === 0) continue;
      rows.push(
        [bucket.account[i], ...bucket.keys.subarray(i * 4, i * 4 + 4), bucket.seq[i], bucket.body[i]].join(':'),
      );
    }
  }
  return { horizon: table.horizon, rows: rows.sort() };
}

function newBucket(slots: number): Bucket {
  return {
    size: 0,
    keys: new Uint32Array(slots * 4),
    account: new Uint32Array(slots),
    seq: new Float64Array(slots),
    body: new Float64Array(slots),
  };
}

/** The slot that holds the reference, or the free one where it belongs (linear probing, half full at most). */
function slotFor(bucket: Bucket, account: number, ref: Ref): number {
  const mask = bucket.seq.length - 1;
  let slot = (Math.imul(ref.d ^ ref.c, 0x9e3779b1) ^ Math.imul(ref.b ^ account, 0x85ebca6b)) & mask;
  for (;;) {
    if (bucket.seq[slot] === 0) return slot;
    const k = slot * 4;
    if (
      bucket.keys[k + 3] === ref.d &&
      bucket.keys[k + 2] === ref.c &&
      bucket.keys[k + 1] === ref.b &&
      bucket.keys[k] === ref.a &&
      bucket.account[slot] === account
    )
      return slot;
    slot = (slot + 1) & mask;
  }
}

function put(bucket: Bucket, slot: number, account: number, ref: Ref, taken: TakenRef): void {
  if (bucket.seq[slot] === 0) bucket.size++;
  const k = slot * 4;
  bucket.keys[k] = ref.a;
  bucket.keys[k + 1] = ref.b;
  bucket.keys[k + 2] = ref.c;
  bucket.keys[k + 3] = ref.d;
  bucket.account[slot] = account;
  bucket.seq[slot] = taken.seq;
  bucket.body[slot] = taken.body;
}

function rehash(old: Bucket): Bucket {
  const next = newBucket(old.seq.length * 2);
  for (let i = 0; i < old.seq.length; i++) {
    const seq = old.seq[i] as number;
    if (seq === 0) continue;
    const key = (n: number): number => old.keys[i * 4 + n] as number;
    const account = old.account[i] as number;
    const ref = { time: 0, a: key(0), b: key(1), c: key(2), d: key(3) };
    put(next, slotFor(next, account, ref), account, ref, { seq, body: old.body[i] as number });
  }
  return next;
}

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
/** One row: four words of the reference, the account, a word unused, then sequence number (0: a free slot) and body. */
const ROW_WORDS = 10;
const ROW_DOUBLES = 5;
const ACCOUNT = 4;
const SEQ = 3;
const BODY = 4;

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
  /** The rows, seen as doubles and as 32-bit integers over the same memory: 40 bytes a slot. */
  doubles: Float64Array;
  words: Uint32Array;
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
  const seq = seqAt(bucket, slot);
  return seq === 0 ? undefined : { seq, body: bucket.doubles[slot * ROW_DOUBLES + BODY] as number };
}

export function takeRef(table: RefTable, account: number, ref: Ref, taken: TakenRef): void {
  const number = Math.floor(ref.time / BUCKET_MS);
  let bucket = table.buckets.get(number);
  if (!bucket) {
    bucket = newBucket(FIRST_SLOTS);
    table.buckets.set(number, bucket);
  }
  if (bucket.size * 2 >= slotsOf(bucket)) {
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

/** What an image keeps of the table beside its rows: the horizon, and number and size of each bucket. */
export interface RefsImage {
  readonly horizon: number;
  readonly buckets: readonly (readonly [number: number, size: number])[];
}

/** The rows as they lie: which slot holds a reference follows from the order of arrival alone, so it is the same everywhere. */
export function refsImage(table: RefTable): { readonly small: RefsImage; readonly rows: readonly Uint8Array[] } {
  const buckets = [...table.buckets].map(([number, { size }]) => [number, size] as const);
  const rows = [...table.buckets.values()].map(({ doubles }) => new Uint8Array(doubles.slice().buffer));
  return { small: { horizon: table.horizon, buckets }, rows };
}

export function restoreRefs(small: RefsImage, rows: readonly Uint8Array[]): RefTable {
  const buckets = small.buckets.map(([number, size], i): [number, Bucket] => {
    const bytes = rows[i] as Uint8Array;
    const bucket = newBucket(bytes.byteLength / (ROW_WORDS * 4));
    new Uint8Array(bucket.doubles.buffer).set(bytes);
    bucket.size = size;
    return [number, bucket];
  });
  return { horizon: small.horizon, buckets: new Map(buckets) };
}

const slotsOf = (bucket: Bucket): number => bucket.doubles.length / ROW_DOUBLES;

const seqAt = (bucket: Bucket, slot: number): number => bucket.doubles[slot * ROW_DOUBLES + SEQ] as number;

function newBucket(slots: number): Bucket {
  const doubles = new Float64Array(slots * ROW_DOUBLES);
  return { size: 0, doubles, words: new Uint32Array(doubles.buffer) };
}

/** The slot that holds the reference, or the free one where it belongs (linear probing, half full at most). */
function slotFor(bucket: Bucket, account: number, ref: Ref): number {
  const mask = slotsOf(bucket) - 1;
  const { words } = bucket;
  let slot = (Math.imul(ref.d ^ ref.c, 0x9e3779b1) ^ Math.imul(ref.b ^ account, 0x85ebca6b)) & mask;
  for (;;) {
    if (seqAt(bucket, slot) === 0) return slot;
    const w = slot * ROW_WORDS;
    if (
      words[w + 3] === ref.d &&
      words[w + 2] === ref.c &&
      words[w + 1] === ref.b &&
      words[w] === ref.a &&
      words[w + ACCOUNT] === account
    )
      return slot;
    slot = (slot + 1) & mask;
  }
}

function put(bucket: Bucket, slot: number, account: number, ref: Ref, taken: TakenRef): void {
  const { words, doubles } = bucket;
  if (seqAt(bucket, slot) === 0) bucket.size++;
  const w = slot * ROW_WORDS;
  words[w] = ref.a;
  words[w + 1] = ref.b;
  words[w + 2] = ref.c;
  words[w + 3] = ref.d;
  words[w + ACCOUNT] = account;
  const d = slot * ROW_DOUBLES;
  doubles[d + SEQ] = taken.seq;
  doubles[d + BODY] = taken.body;
}

function rehash(old: Bucket): Bucket {
  const next = newBucket(slotsOf(old) * 2);
  for (let i = 0; i < slotsOf(old); i++) {
    const seq = seqAt(old, i);
    if (seq === 0) continue;
    const word = (n: number): number => old.words[i * ROW_WORDS + n] as number;
    const account = word(ACCOUNT);
    const ref = { time: 0, a: word(0), b: word(1), c: word(2), d: word(3) };
    put(next, slotFor(next, account, ref), account, ref, { seq, body: old.doubles[i * ROW_DOUBLES + BODY] as number });
  }
  return next;
}

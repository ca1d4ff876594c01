/**
 * The bytes of a snapshot: a state at rest with the place in the decision log that it was taken at. Three hashes stand in it, so
 * that damage anywhere is found; what cannot be read whole must never be used in part.
 */
import { createHash } from 'node:crypto';
import { sha256, utf8 } from './records.js';

/** A state as JSON text and packed memory. */
export interface StateBytes {
  readonly text: string;
  readonly parts: readonly Uint8Array[];
}

export interface SnapshotHead {
  /** Whose state: `shard-3`, `market`. */
  readonly src: string;
  /** Of the state's layout; another release may have another. */
  readonly schema: number;
  /** Sequence number of the last decision in the state. */
  readonly seq: number;
  /** Offset, sequence, head, incarnation and dead flag of the reader that folded the state. */
  readonly checkpoint: string;
  /** The offset read next, as it stands in the checkpoint. */
  readonly next: number;
  /** How many numbered messages the source had sent. */
  readonly sent: number;
  /** When it was taken, milliseconds UTC. */
  readonly at: number;
  readonly stateHash: string;
}

export interface Snapshot extends SnapshotHead {
  readonly state: StateBytes;
}

/** Not to be used: damaged, of an unknown format, or of somebody else. The message is a sentence. */
export class UnusableSnapshot extends Error {
  override readonly name = 'UnusableSnapshot';
  readonly retriable = false;
}

interface Header extends SnapshotHead {
  readonly lengths: readonly number[];
}

const MAGIC = 'mutuel-snapshot 1';
const MAX_HEADER_BYTES = 4_000_000;

/** SHA-256, in hex, over the lengths and bytes of a state: equal states have equal hashes on every machine. */
export function stateHash({ text, parts }: StateBytes): string {
  return hashOf([utf8(text), ...parts]);
}

/** The pieces of the file, in order. */
export function encodeSnapshot(head: Omit<SnapshotHead, 'stateHash'>, state: StateBytes): readonly Uint8Array[] {
  const pieces = [utf8(state.text), ...state.parts];
  const lengths = pieces.map(({ byteLength }) => byteLength);
  const header: Header = { ...head, stateHash: hashOf(pieces), lengths };
  const text = JSON.stringify(header);
  return [utf8(`${MAGIC} ${sha256(text)}\n${text}\n`), ...pieces];
}

/** Reads and checks the whole of it. The state's parts lie in `bytes`. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const { header, end } = readHeader(bytes);
  const { lengths, ...head } = header;
  const pieces: Uint8Array[] = [];
  let from = end;
  for (const length of lengths) {
    pieces.push(bytes.subarray(from, from + length));
    from += length;
  }
  if (from !== bytes.byteLength)
    throw new UnusableSnapshot(`it has ${bytes.byteLength} bytes where ${from} were written`);
  if (hashOf(pieces) !== head.stateHash) throw new UnusableSnapshot('its state does not fit its hash: it is damaged');
  const [text = new Uint8Array(), ...parts] = pieces;
  return {
    ...head,
    state: { text: Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8'), parts },
  };
}

/** The head alone, checked; needs the beginning of the file only. */
export function decodeSnapshotHead(bytes: Uint8Array): SnapshotHead {
  const { lengths: _, ...head } = readHeader(bytes).header;
  return head;
}

function readHeader(bytes: Uint8Array): { readonly header: Header; readonly end: number } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, MAX_HEADER_BYTES));
  const first = buffer.indexOf(10);
  const second = buffer.indexOf(10, first + 1);
  if (first < 0 || second < 0) throw new UnusableSnapshot('it has no header');
  const [magic, hash] = splitLast(buffer.toString('utf8', 0, first));
  if (magic !== MAGIC) throw new UnusableSnapshot('it is no snapshot of a format that this release reads');
  const text = buffer.toString('utf8', first + 1, second);
  if (sha256(text) !== hash) throw new UnusableSnapshot('its header does not fit its hash: it is damaged');
  return { header: JSON.parse(text) as Header, end: second + 1 };
}

function splitLast(line: string): [string, string] {
  const at = line.lastIndexOf(' ');
  return [line.slice(0, at), line.slice(at + 1)];
}

function hashOf(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(`${piece.byteLength}:`).update(piece);
  return hash.digest('hex');
}

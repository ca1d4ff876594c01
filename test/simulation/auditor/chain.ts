/**
 * The auditor's own notion of which records of a decision log count: the sentences of the rule, one after the other. A record counts
 * when it is of the current incarnation, next in sequence, extends the head and takes the next command; the same bytes again are a
 * duplicate; anything else from the current incarnation ends it until the next start that was never seen before.
 */
import { hash as digest } from 'node:crypto';
import { must } from './finding.js';

export interface RawRecord {
  readonly offset: number;
  readonly time: number;
  readonly value: Uint8Array;
}

export interface Decision {
  readonly v: number;
  readonly kind: 'decision';
  readonly src: string;
  readonly seq: number;
  readonly in: readonly [number, number, number];
  readonly cid: string;
  readonly inc: string;
  readonly prev: string;
  readonly at: number;
  readonly time: number;
  readonly code?: string;
  readonly of?: number;
  readonly events: readonly Fields[];
  readonly posts: readonly (readonly [string, number])[];
}

export type Fields = Readonly<Record<string, unknown>>;

export const sha256 = (bytes: Uint8Array | string): string => digest('sha256', bytes, 'hex');

/** The bytes as text, without a copy of them. */
export const textOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('utf8');

/** So far back a duplicate is told from a contradiction: the longest append. */
const WINDOW = 128;

export class Chain {
  seq = 0;
  head = '0'.repeat(64);
  dropped = 0;
  /** A new incarnation began with something else than the next decision: what was acknowledged is lost, and no reader may go on. */
  isForked = false;
  /** Of every decision that counts, by sequence number. */
  readonly hashes: string[] = [''];
  #next = 0;
  #offset = 0;
  #current = '';
  #isDead = false;
  #isFresh = false;
  readonly #starts = new Set<string>();

  constructor(readonly name: string) {}

  /** The decision, if the record counts. */
  accept({ offset, value }: RawRecord): Decision | undefined {
    must(offset === this.#offset++, 'G1', () => `${this.name} has a hole before offset ${offset}`);
    const said = JSON.parse(textOf(value)) as Decision | { kind: 'started'; inc: string };
    // From format 2 on what is empty is left out.
    const record =
      said.kind === 'started' || (said.events && said.posts)
        ? said
        : { ...said, events: said.events ?? [], posts: said.posts ?? [] };
    if (record.kind === 'started') {
      if (!this.#starts.has(record.inc)) {
        this.#current = record.inc;
        this.#isDead = false;
        this.#isFresh = true;
      }
      this.#starts.add(record.inc);
      return undefined;
    }
    if (record.inc !== this.#current || this.#isDead) return this.#drop();
    const hash = sha256(value);
    const isNext = record.seq === this.seq + 1 && record.prev === this.head && record.in[1] === this.#next;
    this.isForked ||= this.#isFresh && !(record.seq === this.seq + 1 && record.prev === this.head);
    this.#isFresh = false;
    if (!isNext) {
      const isDuplicate = record.seq > this.seq - WINDOW && this.hashes[record.seq] === hash;
      if (!isDuplicate) this.#isDead = true;
      return this.#drop();
    }
    this.seq = record.seq;
    this.head = hash;
    this.#next = record.in[1] + 1;
    this.hashes.push(hash);
    return record;
  }

  #drop(): undefined {
    this.dropped++;
    return undefined;
  }
}

/**
 * The export file: a log as text that a laptop can read without us. A head line, one line a record, an end line with the count and
 * the SHA-256 of everything before it. It must never pass over a line it does not understand: a file that is cut short, reordered,
 * foreign or of a later version is refused with the line's number and what is wrong with it.
 *
 *     mutuel-log-export 1 {"shards":2,"topics":{"market.decisions":1,…}}
 *     market.decisions 0 17 1795334400000 {"v":1,…}          topic, partition, offset, append time (ms UTC), the record's bytes
 *     shard.commands 1 4 1795334400123 base64:AAEC           bytes that are no single line of text
 *     end 2 3f0c…                                            records, SHA-256 (hex) of all lines before this one
 */
import { createHash, type Hash } from 'node:crypto';
import { faultOfFile } from './shapes.js';

export const EXPORT_VERSION = 1;
const MAGIC = 'mutuel-log-export';
const NEWLINE = 0x0a;
const SPACE = 0x20;
const BASE64 = 'base64:';
const ZERO = 0x30;
/** Fifteen digits are below what a number holds exactly. */
const MAX_DIGITS = 15;

export interface ExportHead {
  readonly shards: number;
  /** Topic → partitions. */
  readonly topics: Readonly<Record<string, number>>;
}

export interface ExportedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Append time, milliseconds UTC. */
  readonly time: number;
  /** The record's bytes, exactly as the log holds them. */
  readonly value: Uint8Array;
  /** Where these bytes begin in the file they were read from. */
  readonly byte?: number;
  /** SHA-256 of the bytes, hex, where whoever read them has taken it. */
  readonly hash?: string;
}

/** The file is not what it should be; `line` counts from 1, `byte` is where that line begins, from 0. */
export class ExportRefused extends Error {
  override readonly name = 'ExportRefused';
  readonly retriable = false;

  constructor(
    readonly line: number,
    readonly byte: number,
    what: string,
  ) {
    super(`line ${line}: ${what}`);
  }
}

/** Order of the topics in a file: what shards are checked against comes before the shards. Others follow by name. */
const ORDER = ['cluster', 'market.commands', 'market.decisions', 'odds', 'shard.commands', 'shard.decisions'];

/** Topics and partitions in the order in which a file holds them: of the shards, each one's commands before its decisions. */
export function exportOrder({ topics }: ExportHead): readonly (readonly [topic: string, partition: number])[] {
  const rank = (topic: string): number => (ORDER.includes(topic) ? ORDER.indexOf(topic) : ORDER.length);
  const isOfShards = (topic: string): boolean => topic.startsWith('shard.');
  return Object.entries(topics)
    .flatMap(([topic, partitions]) => Array.from({ length: partitions }, (_, partition) => [topic, partition] as const))
    .sort(([a, p], [b, q]) =>
      isOfShards(a) && isOfShards(b) ? p - q || rank(a) - rank(b) : rank(a) - rank(b) || a.localeCompare(b) || p - q,
    );
}

/** Writes a file, chunk by chunk: `head` once, `record` in the order of `exportOrder`, `end` once. */
export class ExportWriter {
  readonly #digest: Hash = createHash('sha256');
  #records = 0;

  head(head: ExportHead): Buffer {
    return this.#line(Buffer.from(`${MAGIC} ${EXPORT_VERSION} ${JSON.stringify(head)}`));
  }

  record({ topic, partition, offset, time, value }: ExportedRecord): Buffer {
    this.#records += 1;
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const isLine = bytes.length > 0 && bytes[0] === 0x7b && !bytes.includes(NEWLINE);
    const text = isLine ? bytes : Buffer.from(BASE64 + bytes.toString('base64'));
    return this.#line(Buffer.concat([Buffer.from(`${topic} ${partition} ${offset} ${time} `), text]));
  }

  end(): Buffer {
    return Buffer.from(`end ${this.#records} ${this.#digest.digest('hex')}\n`);
  }

  #line(content: Buffer): Buffer {
    const line = Buffer.concat([content, Buffer.from('\n')]);
    this.#digest.update(line);
    return line;
  }
}

/** Reads a file from its chunks, a batch of records at a time. Throws `ExportRefused`; the last batch comes only after the end line held. */
export class ExportReader {
  head: ExportHead | undefined;
  #line = 0;
  #records = 0;
  #ended = false;
  #rest: Buffer = Buffer.alloc(0);
  readonly #digest: Hash = createHash('sha256');
  #place = -1;
  #order: readonly (readonly [string, number])[] = [];
  #nextOffset = 0;

  get line(): number {
    return this.#line;
  }

  /** The records that this chunk completes. */
  take(chunk: Buffer): ExportedRecord[] {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const records: ExportedRecord[] = [];
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      const record = this.#take(bytes.subarray(from, at));
      if (record) records.push(record);
      from = at + 1;
    }
    this.#rest = bytes.subarray(from);
    if (from > 0) {
      const end = this.#endStart ?? from;
      if (end > 0) this.#digest.update(bytes.subarray(0, Math.min(end, from)));
      this.#judgeEnd();
    }
    this.#base += from;
    this.#consumed = 0;
    return records;
  }

  /** To be called after the last chunk. */
  finish(): void {
    this.#lineStart = 0;
    if (this.#rest.length > 0) throw this.#refused('the file ends in the middle of a line: it is truncated', 1);
    if (this.head === undefined) throw this.#refused('the file is empty', 1);
    if (!this.#ended) throw this.#refused('the file has no end line: it is truncated', 1);
  }

  /** Where the end line begins in the chunk at hand, and what it says. */
  #endStart: number | undefined;
  #endText = '';
  #consumed = 0;
  #lineStart = 0;
  /** Where the chunk at hand (with what was left of the one before) begins in the file. */
  #base = 0;

  #take(line: Buffer): ExportedRecord | undefined {
    this.#line += 1;
    const start = this.#consumed;
    this.#lineStart = start;
    this.#consumed += line.length + 1;
    if (this.#ended) throw this.#refused('there are lines after the end line');
    if (this.#line === 1) {
      this.#readHead(line.toString('utf8'));
      return undefined;
    }
    if (line.length > 4 && line.toString('latin1', 0, 4) === 'end ') {
      this.#ended = true;
      this.#endStart = start;
      this.#endText = line.toString('latin1');
      return undefined;
    }
    return this.#readRecord(line, this.#base + start);
  }

  #judgeEnd(): void {
    if (!this.#ended || this.#endText === '') return;
    const [, records, digest] = this.#endText.split(' ');
    this.#endText = '';
    if (Number(records) !== this.#records)
      throw this.#refused(`the end line counts ${records} records, the file holds ${this.#records}: lines are missing`);
    if (digest !== this.#digest.digest('hex'))
      throw this.#refused('the digest of the end line does not fit the lines: the file was altered after the export');
  }

  #readHead(text: string): void {
    const [magic, version, ...rest] = text.split(' ');
    if (magic !== MAGIC) throw this.#refused(`it does not begin with ${MAGIC}: this is no export of a log`);
    if (version !== String(EXPORT_VERSION))
      throw this.#refused(`version ${version} of the format is not one that this release reads (${EXPORT_VERSION})`);
    let head: unknown;
    try {
      head = JSON.parse(rest.join(' '));
    } catch {
      throw this.#refused('the head is not readable JSON');
    }
    const fault = faultOfFile('head', head);
    if (fault !== undefined) throw this.#refused(`the head is not of its form: ${fault}`);
    this.head = head as ExportHead;
    this.#order = exportOrder(this.head);
  }

  #readRecord(line: Buffer, byte: number): ExportedRecord {
    const a = line.indexOf(SPACE);
    const b = line.indexOf(SPACE, a + 1);
    const c = line.indexOf(SPACE, b + 1);
    const d = line.indexOf(SPACE, c + 1);
    if (a < 0 || b < 0 || c < 0 || d < 0)
      throw this.#refused('a record needs topic, partition, offset, time and bytes');
    const [partition, offset, time] = [
      wholeNumber(line, a + 1, b),
      wholeNumber(line, b + 1, c),
      wholeNumber(line, c + 1, d),
    ];
    if (partition === undefined || offset === undefined || time === undefined)
      throw this.#refused('partition, offset and time are whole numbers');
    const topic = line.toString('latin1', 0, a);
    this.#inOrder(topic, partition, offset);
    this.#records += 1;
    const bytes = line.subarray(d + 1);
    const isText = bytes[0] === 0x7b;
    const value = isText ? bytes : Buffer.from(bytes.toString('latin1', BASE64.length), 'base64');
    return { topic, partition, offset, time, value, byte: byte + d + 1 };
  }

  /** Each partition once, in the order of the head, its offsets one after the other. */
  #inOrder(topic: string, partition: number, offset: number): void {
    const [nowTopic, nowPartition] = this.#order[this.#place] ?? [];
    if (topic !== nowTopic || partition !== nowPartition) {
      const place = this.#order.findIndex(([name, number]) => name === topic && number === partition);
      if (place < 0) throw this.#refused(`the head names no ${topic}/${partition}: a foreign record`);
      if (place < this.#place) throw this.#refused(`${topic}/${partition} comes again: the file is reordered`);
      this.#place = place;
      this.#nextOffset = offset;
    }
    if (offset !== this.#nextOffset)
      throw this.#refused(`${topic}/${partition}: offset ${this.#nextOffset} was to come, this is ${offset}`);
    this.#nextOffset = offset + 1;
  }

  #refused(what: string, further = 0): ExportRefused {
    return new ExportRefused(this.#line + further, this.#base + this.#lineStart, what);
  }
}

/** The number written in these bytes of a line; undefined where it is none that counts exactly. */
function wholeNumber(line: Buffer, from: number, to: number): number | undefined {
  if (to - from < 1 || to - from > MAX_DIGITS) return undefined;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = (line[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number;
}

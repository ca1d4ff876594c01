/**
 * The embedded log's disk: one LMDB database per partition, one entry per append, with a checksum. It must never report a write
 * as done before LMDB says it is flushed, and never reach LMDB with a full disk, since its native code does not survive that.
 */
import { statfs } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { open, type RangeOptions } from 'lmdb';
import { LogFault, type LogRecord, type TopicPartition } from '#mutuel/runtime';
import { type LogStore, nameOf, type StoredAppend, type StoredEnd } from './log-store.js';

/** What the store uses of LMDB; a test puts a disk that forgets unflushed writes behind it. */
export interface LmdbEnvironment {
  openDB(name: string, options: { encoding: 'binary' }): LmdbTable;
  /** Runs the puts of the callback in one transaction. */
  batch(puts: () => void): PromiseLike<unknown>;
  /** Resolves when everything committed so far is on the disk. */
  readonly flushed: PromiseLike<unknown>;
  close(): Promise<void>;
}
export interface LmdbTable {
  /** False when the key is not the highest. */
  put(key: number, value: Buffer, options?: { readonly append: true }): Promise<boolean>;
  get(key: number): Buffer | undefined;
  getRange(options: RangeOptions): Iterable<{ readonly key: number; readonly value: Buffer }>;
}

export function openLmdbEnvironment(dir: string, tables: number): LmdbEnvironment {
  const environment = open<Buffer, number>({
    path: dir,
    encoding: 'binary',
    // Room for topics added later, and the settings.
    maxDbs: tables + 64,
    // The classic commit, as fast in our use (measured): a failed fsync fails the commit instead of leaving it half known.
    overlappingSync: false,
    // Our own group commit; the library's queue also leaves a rejected promise that nobody can catch.
    eventTurnBatching: false,
    commitDelay: 0,
  });
  // The published types lack the options of `put`.
  return environment as unknown as LmdbEnvironment;
}

/** Below this the log refuses appends: room for the flush under way, the read models beside it, and a person who cleans up. */
export const DEFAULT_RESERVE_BYTES = 64_000_000;
/** The free space is asked for again after this many bytes. */
const SPACE_CHECK_BYTES = 4_000_000;
const SPACE_CHECK_WRITES = 64;
const HEADER_BYTES = 16;
/** About 1 MB of typical records: what one read may take before others get their turn. */
const MAX_READ_BYTES = 1_000_000;

export interface LmdbStoreOptions {
  readonly dir: string;
  readonly topics: ReadonlyMap<string, number>;
  readonly environment: LmdbEnvironment;
  readonly reserveBytes: number;
  readonly freeBytes: (dir: string) => Promise<number>;
  readonly onClosed: () => void;
}

export class LmdbStore implements LogStore {
  readonly topics: ReadonlyMap<string, number>;
  private readonly tables = new Map<string, LmdbTable>();
  private bytesUnchecked = Number.POSITIVE_INFINITY;
  private writesUnchecked = 0;

  constructor(private readonly options: LmdbStoreOptions) {
    this.topics = options.topics;
    for (const [topic, count] of options.topics) {
      for (let partition = 0; partition < count; partition++) {
        const name = nameOf({ topic, partition });
        this.tables.set(name, options.environment.openDB(name, { encoding: 'binary' }));
      }
    }
  }

  /** One turn of the event loop: what the same moment appends shares a flush. */
  gather(): Promise<void> {
    return nextTurn();
  }

  async write(appends: readonly StoredAppend[]): Promise<void> {
    const entries = appends.map((append) => ({
      table: this.table(append.at),
      base: append.base,
      bytes: encode(append),
    }));
    await this.checkSpace(entries.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
    const puts: Promise<boolean>[] = [];
    const batch = this.options.environment.batch(() => {
      // `append` makes LMDB refuse a key that is not the highest: nothing can be overwritten.
      for (const { table, base, bytes } of entries) puts.push(table.put(base, bytes, { append: true }));
    });
    const outcomes = await Promise.allSettled([batch, ...puts]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw await commitError(outcome.reason);
      if (outcome.value === false) throw new Error('the files hold records that this process did not write');
    }
    await this.options.environment.flushed;
  }

  async read(at: TopicPartition, from: number, limit: number): Promise<readonly LogRecord[]> {
    await nextTurn();
    const table = this.table(at);
    const records: LogRecord[] = [];
    let bytes = 0;
    const [first] = table.getRange({ start: from, reverse: true, limit: 1 });
    for (const { key, value } of table.getRange({ start: first?.key ?? from })) {
      for (const record of decode(at, key, value)) if (record.offset >= from) records.push(record);
      bytes += value.byteLength;
      if (records.length >= limit || bytes >= MAX_READ_BYTES) break;
    }
    return records;
  }

  end(at: TopicPartition): StoredEnd {
    const [last] = this.table(at).getRange({ reverse: true, limit: 1 });
    if (!last) return { end: 0, time: 0 };
    const records = decode(at, last.key, last.value);
    return { end: last.key + records.length, time: records[0]?.time ?? 0 };
  }

  async close(): Promise<void> {
    await this.options.environment.close();
    this.options.onClosed();
  }

  private async checkSpace(bytes: number): Promise<void> {
    this.bytesUnchecked += bytes;
    this.writesUnchecked++;
    if (this.bytesUnchecked < SPACE_CHECK_BYTES && this.writesUnchecked < SPACE_CHECK_WRITES) return;
    const { dir, reserveBytes, freeBytes } = this.options;
    const free = await freeBytes(dir);
    if (free - bytes < reserveBytes) {
      this.bytesUnchecked = Number.POSITIVE_INFINITY;
      throw new Error(
        `the disk of ${dir} is full: ${mega(free)} MB are free, ${mega(reserveBytes)} MB are kept in reserve`,
      );
    }
    this.bytesUnchecked = 0;
    this.writesUnchecked = 0;
  }

  private table(at: TopicPartition): LmdbTable {
    const table = this.tables.get(nameOf(at));
    if (!table) throw new LogFault(`The log has no partition ${nameOf(at)}`);
    return table;
  }
}

export async function freeBytesOf(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** Time, count, checksum of what follows, the lengths, the bytes. */
function encode({ time, values }: StoredAppend): Buffer {
  const lengths = values.length * 4;
  const bytes = Buffer.allocUnsafe(
    HEADER_BYTES + lengths + values.reduce((sum, { byteLength }) => sum + byteLength, 0),
  );
  bytes.writeBigUInt64LE(BigInt(time), 0);
  bytes.writeUInt32LE(values.length, 8);
  let position = HEADER_BYTES + lengths;
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value.byteLength, HEADER_BYTES + i * 4);
    bytes.set(value, position);
    position += value.byteLength;
  });
  bytes.writeUInt32LE(checksum(bytes), 12);
  return bytes;
}

function decode(at: TopicPartition, base: number, bytes: Buffer): LogRecord[] {
  if (bytes.byteLength < HEADER_BYTES || checksum(bytes) !== bytes.readUInt32LE(12)) {
    throw new LogFault(
      `${nameOf(at)} is damaged at offset ${base}: the checksum does not fit; restore the data folder from a copy`,
    );
  }
  const time = Number(bytes.readBigUInt64LE(0));
  const count = bytes.readUInt32LE(8);
  let position = HEADER_BYTES + count * 4;
  return Array.from({ length: count }, (_, i) => {
    const length = bytes.readUInt32LE(HEADER_BYTES + i * 4);
    const value = bytes.subarray(position, position + length);
    position += length;
    return { offset: base + i, time, value };
  });
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, 12)));
}

async function commitError(reason: unknown): Promise<Error> {
  const cause = (reason as { commitError?: Promise<never> }).commitError;
  const detail = await Promise.resolve(cause).catch((error: unknown) => error);
  return detail instanceof Error ? detail : reason instanceof Error ? reason : new Error(String(reason));
}

const mega = (bytes: number): number => Math.floor(bytes / 1_000_000);

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * The log as files, and files as a log again. A backup ends at one moment, so that no effect is kept without its cause. It is taken
 * beside a running system and goes on where the last one ended; a file is never changed once it is named in the manifest. A restore
 * writes only into an empty place, and only what is whole. Odds may expire, so that they may begin later, and go on later than the
 * last backup ended: offsets stay what they were. What decides never may: a hole in it is a fault, and nothing is archived.
 */
import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type LogReader,
  type LogRestorer,
  makeDataFolder,
  openKafkaRestorer,
  openLmdbRestorer,
  type RestoredRecord,
  SetupFault,
} from '#mutuel/adapters';
import { sha256, TOPICS } from '#mutuel/contracts';
import { LogFault, type TopicPartition } from '#mutuel/runtime';
import type { Config } from './config.js';
import { kafkaOf } from './kafka-connection.js';
import { endsOfMoment, openLogReader } from './log-reader.js';
import { asStartFault, EXIT, StartFault } from './start-fault.js';

const FORMAT = 1;
const MANIFEST = 'manifest.json';
const SNAPSHOTS = 'snapshots';
/** Records read, and at most so many bytes kept in memory, before they become a file. */
const READ_AT_ONCE = 20_000;
const SEGMENT_BYTES = 32_000_000;
const FRAME_BYTES = 12;

interface Segment extends TopicPartition {
  readonly file: string;
  /** Offsets, `to` not included. */
  readonly from: number;
  readonly to: number;
  /** Of the file as it lies there. */
  readonly sha256: string;
}

interface Manifest {
  readonly format: typeof FORMAT;
  /** Milliseconds UTC, by the clock of who made it: what was appended before. */
  readonly cut: number;
  /** Topic → partitions. */
  readonly topics: Readonly<Record<string, number>>;
  readonly segments: readonly Segment[];
}

export interface ArchiveReport {
  readonly records: number;
  readonly bytes: number;
  readonly cut: number;
}

/** Adds what the log has gained since the last backup into this folder; a new folder gets all of it. */
export async function backup(
  config: Config,
  folder: string,
  onWarning: (line: string) => void,
): Promise<ArchiveReport> {
  makeDataFolder(folder);
  const before = existsSync(join(folder, MANIFEST)) ? readManifest(folder) : undefined;
  const reader = await openLogReader(config, onWarning);
  try {
    const cut = Date.now();
    const ends = await endsOfMoment(reader);
    const segments = [...(before?.segments ?? [])];
    let records = 0;
    let bytes = 0;
    for (const [topic, partitions] of reader.topics)
      for (let partition = 0; partition < partitions; partition++) {
        const at = { topic, partition };
        const end = ends.of(at);
        const from = await beginning(reader, at, { archived: endOf(segments, at), end, onWarning });
        for await (const { values, next, first } of pieces(reader, at, from, end)) {
          const file = `${topic}-${partition}-${String(first).padStart(15, '0')}.gz`;
          writeWhole(join(folder, file), values);
          segments.push({ ...at, file, from: first, to: next, sha256: sha256(values) });
          records += next - first;
          bytes += values.byteLength;
        }
      }
    const snapshots = join(config.data, SNAPSHOTS);
    if (existsSync(snapshots)) cpSync(snapshots, join(folder, SNAPSHOTS), { recursive: true });
    const manifest: Manifest = { format: FORMAT, cut, topics: Object.fromEntries(reader.topics), segments };
    writeWhole(join(folder, MANIFEST), Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`));
    return { records, bytes, cut };
  } finally {
    await reader.close();
  }
}

/** Checks every file first; then writes them into an embedded data folder or into topics that do not exist yet. */
export async function restore(
  config: Config,
  folder: string,
  onWarning: (line: string) => void,
): Promise<ArchiveReport> {
  if (!existsSync(join(folder, MANIFEST)))
    throw new StartFault([`${folder} is no archive: it has no ${MANIFEST}.`], EXIT.FOLDER);
  const { cut, topics, segments } = readManifest(folder);
  const target = await verified(folder, segments)
    .then(() => openTarget(config, topics, onWarning))
    .catch(asStartFault);
  let records = 0;
  let bytes = 0;
  try {
    const starts = startsOf(segments);
    const whole = segments.filter((one) => one.from >= (starts.get(nameOf(one)) ?? 0));
    // Before anything is written: not every log can begin late.
    for (const one of whole)
      if (one.from > 0 && one.from === starts.get(nameOf(one))) await target.begin(one, one.from);
    for (const segment of whole) {
      const packed = readFileSync(join(folder, segment.file));
      await target.write(segment, unpack(packed, segment.from));
      records += segment.to - segment.from;
      bytes += packed.byteLength;
    }
    await target.finish();
  } catch (fault) {
    asStartFault(fault);
  } finally {
    await target.close();
  }
  const snapshots = join(folder, SNAPSHOTS);
  if (existsSync(snapshots)) cpSync(snapshots, join(config.data, SNAPSHOTS), { recursive: true });
  return { records, bytes, cut };
}

/** The archive as a log to read, whole and checked as a restore would check it. */
export async function openArchive(folder: string): Promise<Pick<LogReader, 'topics' | 'read' | 'bounds'>> {
  if (!existsSync(join(folder, MANIFEST)))
    throw new StartFault([`${folder} is no archive: it has no ${MANIFEST}.`], EXIT.FOLDER);
  const { topics, segments } = readManifest(folder);
  await verified(folder, segments).catch(asStartFault);
  const starts = startsOf(segments);
  /** Readers go from one end to the other: one file at a time is enough. */
  let open: { readonly file: string; readonly records: readonly RestoredRecord[] } | undefined;
  return {
    topics: new Map(Object.entries(topics)) as LogReader['topics'],
    bounds: async (at) => ({ start: starts.get(nameOf(at)) ?? 0, end: endOf(segments, at) }),
    async read({ from, ...at }, limit) {
      const segment = segments.find((one) => isAt(one, at) && one.from <= from && from < one.to);
      if (!segment) return [];
      if (open?.file !== segment.file)
        open = { file: segment.file, records: unpack(readFileSync(join(folder, segment.file)), segment.from) };
      return open.records.slice(from - segment.from, from - segment.from + limit);
    },
  };
}

function openTarget(
  config: Config,
  topics: Manifest['topics'],
  onWarning: (line: string) => void,
): Promise<LogRestorer> {
  const kafka = kafkaOf(config, 'mutuel-restore', onWarning);
  if (kafka === undefined) return openLmdbRestorer({ dir: config.data, topics });
  const replication = config.replication ?? Math.min(3, kafka.brokers.length);
  return openKafkaRestorer({ ...kafka, topics, replication });
}

/** Every file is the one that was written, and they follow each other without a hole; odds may have expired between two. */
async function verified(folder: string, segments: readonly Segment[]): Promise<void> {
  const next = new Map<string, number>();
  for (const segment of segments) {
    const path = join(folder, segment.file);
    const fault = (what: string): never => {
      throw new SetupFault('FOLDER', `${path} ${what}: take another copy of the archive. Nothing was restored.`);
    };
    if (!existsSync(path)) fault('is missing');
    if (sha256(readFileSync(path)) !== segment.sha256) fault('is not what was written');
    const place = nameOf(segment);
    const due = next.get(place) ?? 0;
    if (segment.from < due || (segment.from > due && !mayExpire(segment))) fault('does not follow the file before it');
    next.set(place, segment.to);
  }
}

interface Piece {
  readonly values: Uint8Array;
  readonly first: number;
  readonly next: number;
}

/** Ticks are made from decisions: an installation may let old ones go. Everything else is the truth, or what people said of it. */
const mayExpire = ({ topic }: TopicPartition): boolean => topic === TOPICS.odds;

/** By partition, from where on the archive holds everything: the newest files that follow each other. */
function startsOf(segments: readonly Segment[]): ReadonlyMap<string, number> {
  const starts = new Map<string, number>();
  const next = new Map<string, number>();
  for (const segment of segments) {
    const name = nameOf(segment);
    if (segment.from !== (next.get(name) ?? 0)) starts.set(name, segment.from);
    next.set(name, segment.to);
  }
  return starts;
}

interface Beginning {
  /** Where the archive of the partition ends so far. */
  readonly archived: number;
  readonly end: number;
  readonly onWarning: (line: string) => void;
}

/** Where the log is read from. Throws where it is another log, or not all of it is there that has to be. */
async function beginning(
  reader: LogReader,
  at: TopicPartition,
  { archived: from, end, onWarning }: Beginning,
): Promise<number> {
  const { start } = await reader.bounds(at);
  const name = nameOf(at);
  if (from > end)
    throw new StartFault(
      [`${name} ends at offset ${end}, the archive goes on at ${from}: it is of another log.`],
      EXIT.CHECKPOINT,
    );
  if (from >= start) return from;
  if (!mayExpire(at))
    throw new StartFault(
      [
        `${name} begins at offset ${start}, the archive goes on at ${from}: what is between is lost, or the archive is of another log.`,
      ],
      EXIT.LOG,
    );
  onWarning(
    from === 0
      ? `${name} begins at offset ${start}, and so does the archive: what was before has expired.`
      : `${name} begins at offset ${start}: ${from} to ${start - 1} expired before they were archived, and a restore will begin after them.`,
  );
  return start;
}

async function* pieces(reader: LogReader, at: TopicPartition, from: number, end: number): AsyncGenerator<Piece> {
  let first = from;
  let frames: Buffer[] = [];
  let size = 0;
  for (let next = from; next < end; ) {
    const records = await reader.read({ ...at, from: next }, Math.min(READ_AT_ONCE, end - next));
    for (const { offset, time, value } of records) {
      // The embedded files may give some more than they are asked for.
      if (next === end) break;
      if (offset !== next) throw hole(at, next, offset, end);
      const head = Buffer.alloc(FRAME_BYTES);
      head.writeBigUInt64LE(BigInt(time), 0);
      head.writeUInt32LE(value.byteLength, 8);
      frames.push(head, Buffer.from(value));
      size += value.byteLength;
      next++;
      if (size < SEGMENT_BYTES) continue;
      yield { values: gzipSync(Buffer.concat(frames)), first, next };
      first = next;
      frames = [];
      size = 0;
    }
    if (records.length === 0) throw hole(at, next, end, end);
    if (next >= end && frames.length > 0) yield { values: gzipSync(Buffer.concat(frames)), first, next };
  }
}

/** As every reader of the log calls it; its last words for a person. */
const hole = (at: TopicPartition, missing: number, there: number, end: number): LogFault =>
  new LogFault(
    `${nameOf(at)} has a hole: ${missing} to ${there - 1} are missing, the log ends at ${end}. Nothing was added to the archive.`,
  );

function unpack(packed: Uint8Array, from: number): RestoredRecord[] {
  const bytes = gunzipSync(packed);
  const records: RestoredRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const time = Number(bytes.readBigUInt64LE(at));
    const length = bytes.readUInt32LE(at + 8);
    const value = bytes.subarray(at + FRAME_BYTES, at + FRAME_BYTES + length);
    records.push({ offset: from + records.length, time, value });
    at += FRAME_BYTES + length;
  }
  return records;
}

function readManifest(folder: string): Manifest {
  const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest;
  if (manifest.format === FORMAT) return manifest;
  throw new StartFault([`${folder} has archive format ${manifest.format}, this release reads ${FORMAT}.`], EXIT.FOLDER);
}

/** A file of this name is whole or is not there. */
function writeWhole(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.part`, bytes, { flush: true });
  renameSync(`${path}.part`, path);
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}[${partition}]`;

const endOf = (segments: readonly Segment[], at: TopicPartition): number =>
  segments.findLast((one) => isAt(one, at))?.to ?? 0;

const isAt = (one: TopicPartition, { topic, partition }: TopicPartition): boolean =>
  one.topic === topic && one.partition === partition;

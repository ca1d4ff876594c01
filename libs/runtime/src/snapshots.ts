/**
 * Where readers start instead of at the log's beginning: snapshots of a state with its place in the decision log. One that is damaged
 * or of another layout is passed over with an alarm; one that is ahead of its log, or of another log, must never be started from,
 * and neither must an older one then: the log itself has lost something.
 */
import {
  type Decoded,
  decodeRecord,
  decodeSnapshot,
  decodeSnapshotHead,
  encodeSnapshot,
  type Snapshot,
  type SnapshotHead,
  UnusableSnapshot,
} from '#mutuel/contracts';
import type { Decider } from '#mutuel/engine';
import { checkState } from './checkpoints.js';
import type { DecisionSource } from './decision-reader.js';
import { type EventLog, LogFault } from './ports.js';
import type { OnAlarm } from './runner-options.js';
import type { SnapshotStore } from './snapshot-store.js';
import { type ValidRecords, validRecords } from './valid-records.js';

/** A header holds the reader's memory of the last hundred records or so: some ten kilobytes. */
const HEAD_BYTES = 262_144;
/** How far back the last decision of a snapshot is looked for: a few appends of zombies may stand after it. */
const LOOK_BACK = 512;
const READ_AT_ONCE = 10_000;

/** The newest snapshot of this layout that is whole, or undefined. */
export async function loadSnapshot(
  store: SnapshotStore,
  src: string,
  schema: number,
  onAlarm: OnAlarm,
): Promise<Snapshot | undefined> {
  const seqs = await store.list(src).catch((fault: Error) => {
    onAlarm('SNAPSHOT_IGNORED', `${src}: they cannot be listed: ${fault.message}; the log is used`);
    return [];
  });
  for (const seq of seqs) {
    try {
      const snapshot = decodeSnapshot(await store.read(src, seq));
      if (snapshot.src !== src) throw new UnusableSnapshot(`it is one of ${snapshot.src}`);
      if (snapshot.schema !== schema)
        throw new UnusableSnapshot(`its layout is number ${snapshot.schema}, this release has ${schema}`);
      return snapshot;
    } catch (fault) {
      const why = (fault as Error).message;
      onAlarm('SNAPSHOT_IGNORED', `${src} at seq ${seq}: ${why}; an older one or the log is used`);
    }
  }
  return undefined;
}

/** The heads of a source's snapshots that can be read, newest first. */
export async function snapshotHeads(store: SnapshotStore, src: string): Promise<readonly SnapshotHead[]> {
  const heads: SnapshotHead[] = [];
  for (const seq of await store.list(src).catch(() => [])) {
    try {
      heads.push(decodeSnapshotHead(await store.read(src, seq, HEAD_BYTES)));
    } catch {
      // Whoever needs the state says so with an alarm; here an older one will do.
    }
  }
  return heads;
}

/** Throws `LogFault` unless the log holds what the snapshot says it was taken of. */
export async function checkAgainstLog(
  log: Pick<EventLog, 'bounds' | 'read'>,
  { at }: DecisionSource,
  { src, seq, next, checkpoint }: Pick<SnapshotHead, 'src' | 'seq' | 'next' | 'checkpoint'>,
): Promise<void> {
  const name = `${at.topic}[${at.partition}]`;
  const { start, end } = await log.bounds(at);
  const advice =
    'restore the log from the archive or a replica; if the snapshots are of another log, move their folder away';
  if (next > end)
    throw new LogFault(
      `the snapshot of ${src} at seq ${seq} was taken at offset ${next} of ${name}, which ends at ${end}: ` +
        `acknowledged decisions are missing, or the log is another one; ${advice}`,
    );
  const { head } = validRecords(src, at, checkpoint);
  const from = Math.max(start, next - LOOK_BACK);
  if (seq === 0 || from >= next) return;
  const records = await log.read({ ...at, from }, next - from);
  const decoded = records.filter(({ offset }) => offset < next).map(({ value }) => readRecord(name, value));
  const same = decoded.filter(({ record }) => record.kind === 'decision' && record.seq === seq);
  if (same.length > 0 && !same.some(({ hash }) => hash === head))
    throw new LogFault(
      `the snapshot of ${src} at seq ${seq} does not fit ${name}, which has another decision there; ${advice}`,
    );
}

function readRecord(name: string, value: Uint8Array): Decoded {
  try {
    return decodeRecord(value);
  } catch (cause) {
    throw new LogFault(`${name} has an unreadable record where a snapshot was taken: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Writes what the state is now; it must have been folded by `valid` alone, from durable records. */
export async function saveSnapshot<S>(
  store: SnapshotStore,
  decider: Pick<Decider<S, never, never>, 'schema' | 'image' | 'sent'>,
  { state, valid, at }: { readonly state: S; readonly valid: ValidRecords; readonly at: number },
): Promise<SnapshotHead> {
  const { src, seq, next } = valid;
  const head = {
    src,
    schema: decider.schema,
    seq,
    next,
    checkpoint: valid.toCheckpoint(),
    sent: decider.sent(state),
    at,
  };
  // Before anything is awaited: the state goes on changing.
  const pieces = encodeSnapshot(head, decider.image(state));
  await store.write(src, seq, pieces);
  return decodeSnapshotHead(pieces[0] as Uint8Array);
}

export interface Taking<S, C, E> {
  readonly log: Pick<EventLog, 'bounds' | 'read'>;
  readonly store: SnapshotStore;
  readonly source: DecisionSource;
  readonly decider: Decider<S, C, E>;
  /** The offset to stop before: what the owner of the log knows to be durable. */
  readonly end: number;
  readonly now: () => number;
  readonly onAlarm: OnAlarm;
}

/** Folds on from the newest snapshot and writes one more; undefined when nothing was decided since. */
export async function takeSnapshot<S, C, E>(options: Taking<S, C, E>): Promise<SnapshotHead | undefined> {
  const { log, store, source, decider, end, now, onAlarm } = options;
  const last = await loadSnapshot(store, source.src, decider.schema, onAlarm);
  if (last) await checkAgainstLog(log, source, last);
  const state = last ? decider.restore(last.state) : decider.initialState();
  const valid = await foldRecords({ log, source, decider, state, end, checkpoint: last?.checkpoint });
  if (valid.seq === (last?.seq ?? 0)) return undefined;
  return saveSnapshot(store, decider, { state, valid, at: now() });
}

export interface Folding<S, E> {
  readonly log: Pick<EventLog, 'read'>;
  readonly source: DecisionSource;
  readonly decider: Pick<Decider<S, never, E>, 'evolve' | 'schema' | 'image'>;
  /** Of the checkpoint; of the log's beginning without one. */
  readonly state: S;
  readonly checkpoint?: string | undefined;
  /** The offset to stop before. */
  readonly end: number;
}

/** Evolves the state by every valid decision before the end; throws `StateDiffers` where it comes out otherwise than a checkpoint says. */
export async function foldRecords<S, E>(options: Folding<S, E>): Promise<ValidRecords<E>> {
  const { log, source, decider, state, checkpoint, end } = options;
  const valid = validRecords<E>(source.src, source.at, checkpoint);
  while (valid.next < end) {
    const records = await log.read({ ...source.at, from: valid.next }, Math.min(READ_AT_ONCE, end - valid.next));
    if (records.length === 0) break;
    for (const record of records) {
      if (valid.next >= end) break;
      const accepted = valid.accept(record);
      if (accepted.kind !== 'valid') continue;
      checkState(decider, state, accepted.decision);
      decider.evolve(state, accepted.decision);
    }
  }
  return valid;
}

/**
 * An archived day folded once more: from the state it opened with to the next checkpoint in the log, which says what must come out.
 * Openings are kept beside the archive as they are passed, so that any day can be replayed without the days before it. It reads
 * nothing but the archive, and must never go on past a state that differs.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type LogReader, openSnapshotFiles } from '#mutuel/adapters';
import type { DecisionRecord } from '#mutuel/contracts';
import {
  checkpointIn,
  checkState,
  loadSnapshot,
  type SnapshotStore,
  saveSnapshot,
  type ValidRecords,
  validRecords,
} from '#mutuel/runtime';
import { openArchive } from './archive.js';
import { type SnapshotSource, sourcesOf } from './snapshots.js';

/** What came of one day of one source. */
export interface ReplayedDay {
  readonly src: string;
  /** `YYYY-MM-DD`; undefined from the log's beginning to its first checkpoint. */
  readonly day: string | undefined;
  readonly decisions: number;
  /** The day of the checkpoint that the fold was compared with; undefined where the archive ends before it. */
  readonly comparedWith: string | undefined;
}

const OPENINGS = 'openings';
const READ_AT_ONCE = 10_000;

/** Every day that has no opening yet, or only the one given. Throws `StateDiffers`, which names the day. */
export async function replayArchive(
  folder: string,
  day: string | undefined,
  onLine: (line: string) => void,
): Promise<ReplayedDay[]> {
  const log = await openArchive(folder);
  const replayed: ReplayedDay[] = [];
  for (const source of sourcesOf(log)) replayed.push(...(await replaySource({ log, folder, source, day, onLine })));
  return replayed;
}

interface Replaying {
  readonly log: Pick<LogReader, 'read' | 'bounds'>;
  readonly folder: string;
  readonly source: SnapshotSource;
  readonly day: string | undefined;
  readonly onLine: (line: string) => void;
}

async function replaySource({ log, folder, source, day, onLine }: Replaying): Promise<ReplayedDay[]> {
  const { src, at, decider } = source;
  const opening = await openingOf(folder, source, day, onLine);
  const state = opening ? decider.restore(opening.state) : decider.initialState();
  const valid = validRecords(src, at, opening?.checkpoint);
  const days: ReplayedDay[] = [];
  let open = opening?.day;
  let from = valid.seq;
  const note = (comparedWith: string | undefined): void => {
    if (day === undefined || open === day) days.push({ src, day: open, decisions: valid.seq - from, comparedWith });
  };
  for await (const decision of decisionsOf(log, valid, source)) {
    const checkpoint = checkpointIn(decision);
    if (checkpoint) {
      const compared = checkState(decider, state, decision);
      note(compared ? checkpoint.day : undefined);
      if (day !== undefined && checkpoint.day > day) return days;
    }
    decider.evolve(state, decision);
    if (!checkpoint) continue;
    open = checkpoint.day;
    from = valid.seq;
    await saveSnapshot(storeOf(folder, open), decider, { state, valid, at: decision.at });
  }
  if (valid.seq > from) note(undefined);
  return days;
}

async function* decisionsOf(
  log: Pick<LogReader, 'read' | 'bounds'>,
  valid: ValidRecords,
  { at }: SnapshotSource,
): AsyncGenerator<DecisionRecord> {
  const { end } = await log.bounds(at);
  while (valid.next < end)
    for (const record of await log.read({ ...at, from: valid.next }, READ_AT_ONCE)) {
      const accepted = valid.accept(record);
      if (accepted.kind === 'valid') yield accepted.decision;
    }
}

/** The newest opening, not after the day, that this release can use. */
async function openingOf(
  folder: string,
  { src, decider }: SnapshotSource,
  day: string | undefined,
  onLine: (line: string) => void,
) {
  const openings = join(folder, OPENINGS);
  const days = existsSync(openings) ? readdirSync(openings).sort().reverse() : [];
  for (const one of days) {
    if (day !== undefined && one > day) continue;
    const onAlarm = (_: string, detail: string): void => onLine(`opening of ${one}: ${detail}`);
    const found = await loadSnapshot(storeOf(folder, one), src, decider.schema, onAlarm);
    if (found) return { ...found, day: one };
  }
  return undefined;
}

const storeOf = (folder: string, day: string): SnapshotStore => openSnapshotFiles({ dir: join(folder, OPENINGS, day) });

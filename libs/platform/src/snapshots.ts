/**
 * Snapshots seen from outside an engine: taken in a process of their own, listed, and proved. Taking folds the log from the last
 * snapshot on, at the lowest priority, so that no decider waits for it.
 */
import { fork, type StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type LogReader, openSnapshotFiles } from '#mutuel/adapters';
import { decodeSnapshot, type SnapshotHead, sha256, stateHash, TOPICS } from '#mutuel/contracts';
import { type Decider, marketDecider, shardDecider } from '#mutuel/engine';
import {
  checkAgainstLog,
  type DecisionSource,
  foldRecords,
  MARKET_SOURCE,
  type SnapshotStore,
  shardSource,
  type TakeElsewhere,
  takeSnapshot,
  type WantedSnapshot,
} from '#mutuel/runtime';
import type { Config } from './config.js';
import { openLogReader } from './log-reader.js';

export interface SnapshotSource extends DecisionSource {
  readonly decider: Decider<unknown, unknown, unknown>;
}

export interface SnapshotReport {
  readonly src: string;
  readonly seq: number;
  readonly head: SnapshotHead | undefined;
  /** Why it cannot be used. */
  readonly fault: string | undefined;
}

export type OnLine = (line: string) => void;

/** Every snapshot, newest first per source, checked by its hashes and against the log; `replay` folds the log anew to compare. */
export async function verifySnapshots(
  config: Config,
  options: { readonly replay: boolean },
  onLine: OnLine,
): Promise<SnapshotReport[]> {
  const store = openSnapshotFiles({ dir: config.data });
  const log = await openLogReader(config, onLine);
  try {
    const reports: SnapshotReport[] = [];
    for (const source of sourcesOf(log)) {
      for (const seq of await store.list(source.src))
        reports.push(await verify({ store, log, source, seq, ...options }));
    }
    return reports;
  } finally {
    await log.close();
  }
}

/** One snapshot of each source that is wanted (all, without a list), up to the offset given or the log's end. */
export async function takeSnapshots(
  config: Config,
  wanted: readonly WantedSnapshot[] | undefined,
  onLine: OnLine,
): Promise<SnapshotHead[]> {
  const store = openSnapshotFiles({ dir: config.data });
  const log = await openLogReader(config, onLine);
  const onAlarm = (code: string, detail: string): void => onLine(`${code}: ${detail}`);
  try {
    const taken: SnapshotHead[] = [];
    for (const source of sourcesOf(log)) {
      const asked = wanted?.find(({ src }) => src === source.src);
      if (wanted && !asked) continue;
      const end = Math.min(asked?.end ?? Number.POSITIVE_INFINITY, (await log.bounds(source.at)).end);
      const { decider } = source;
      const head = await takeSnapshot({ log, store, source, decider, end, now: () => Date.now(), onAlarm });
      if (head) taken.push(head);
    }
    return taken;
  } finally {
    await log.close();
  }
}

/** A process of its own, with this one's servers and data folder, at the lowest priority. */
export function takeInProcess({ data }: Pick<Config, 'data'>): TakeElsewhere {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = fileURLToPath(new URL(`../../../apps/cli/src/main.${suffix}`, import.meta.url));
  return (wanted, signal) =>
    new Promise((resolve, reject) => {
      const places = wanted.map(({ src, end }) => `${src}@${end}`);
      const args = ['snapshot', 'take', '--quiet', '--data', data, ...places];
      const stdio: StdioOptions = ['ignore', 'ignore', 'inherit', 'ipc'];
      const child = fork(program, args, { stdio, signal, killSignal: 'SIGKILL' });
      child.once('error', reject);
      child.once('exit', (code, ended) => {
        if (code === 0) resolve();
        else reject(new Error(`the process that takes snapshots ended with ${code ?? ended}`));
      });
    });
}

export function sourcesOf({ topics }: Pick<LogReader, 'topics'>): SnapshotSource[] {
  const shards = topics.get(TOPICS.shardDecisions) ?? 0;
  const market = { ...MARKET_SOURCE, decider: marketDecider({ shards, hash: sha256 }) as SnapshotSource['decider'] };
  const all = Array.from({ length: shards }, (_, shard): SnapshotSource => {
    const decider = shardDecider({ shard, shards, hash: sha256 }) as SnapshotSource['decider'];
    return { ...shardSource(shard), decider };
  });
  return [...all, market];
}

interface Verifying {
  readonly store: SnapshotStore;
  readonly log: LogReader;
  readonly source: SnapshotSource;
  readonly seq: number;
  readonly replay: boolean;
}

async function verify({ store, log, source, seq, replay }: Verifying): Promise<SnapshotReport> {
  const { src, decider } = source;
  try {
    const { state, ...head } = decodeSnapshot(await store.read(src, seq));
    const fault = (why: string): SnapshotReport => ({ src, seq, head, fault: why });
    if (head.schema !== decider.schema)
      return fault(`its layout is number ${head.schema}, this release has ${decider.schema}`);
    await checkAgainstLog(log, source, head);
    if (stateHash(decider.image(decider.restore(state))) !== head.stateHash)
      return fault('what is restored from it is not what was written');
    if (!replay) return { src, seq, head, fault: undefined };
    const folded = decider.initialState();
    await foldRecords({ log, source, decider, state: folded, end: head.next });
    return stateHash(decider.image(folded)) === head.stateHash
      ? { src, seq, head, fault: undefined }
      : fault('the log folds to another state');
  } catch (fault) {
    return { src, seq, head: undefined, fault: (fault as Error).message };
  }
}

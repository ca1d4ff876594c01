/** Puts an archive back into the files of an embedded log that is empty. */
import { join } from 'node:path';
import type { LogRecord } from '#mutuel/runtime';
import type { LogRestorer } from '../log-restorer.js';
import { SetupFault } from '../setup-fault.js';
import { lockFolder } from './folder-lock.js';
import { settleTopics } from './lmdb-log.js';
import { DEFAULT_RESERVE_BYTES, freeBytesOf, LmdbStore, openLmdbEnvironment } from './lmdb-store.js';
import { nameOf, type StoredAppend } from './log-store.js';

export interface LmdbRestorerOptions {
  /** The data folder; the log keeps to its sub-folder `log`. */
  readonly dir: string;
  /** Topic → partitions. */
  readonly topics: Readonly<Record<string, number>>;
}

/** As many as one append may hold, so that a restored log reads like the one it was. */
const APPEND_RECORDS = 128;
/** Appends of one flush. */
const FLUSH_APPENDS = 2_000;

export async function openLmdbRestorer(options: LmdbRestorerOptions): Promise<LogRestorer> {
  const dir = join(options.dir, 'log');
  const lock = lockFolder(dir);
  const partitions = Object.values(options.topics).reduce((total, one) => total + one, 0);
  const environment = openLmdbEnvironment(dir, partitions);
  const topics = await settleTopics(environment, dir, options.topics);
  const store = new LmdbStore({
    ...{ dir, topics, environment, reserveBytes: DEFAULT_RESERVE_BYTES, freeBytes: freeBytesOf },
    onClosed: () => lock.release(),
  });
  for (const [topic, count] of topics)
    for (let partition = 0; partition < count; partition++) {
      if (store.end({ topic, partition }).end === 0) continue;
      await store.close();
      throw new SetupFault('FOLDER', `The log in ${dir} is not empty: restore into a new folder.`);
    }
  return {
    async begin(at, first) {
      const text = `${nameOf(at)} begins at offset ${first} in the archive, an embedded log begins at 0: restore into Kafka.`;
      throw new SetupFault('FOLDER', text);
    },
    async write({ topic, partition }, records) {
      const at = { topic, partition };
      const { end } = store.end(at);
      if (records[0]?.offset !== end) throw new Error(`${nameOf(at)} goes on at ${end}, not at ${records[0]?.offset}`);
      const appends = appendsOf(at, records);
      while (appends.length > 0) await store.write(appends.splice(0, FLUSH_APPENDS));
    },
    finish: async () => undefined,
    close: () => store.close(),
  };
}

/** Neighbours of the same moment share an append. */
function appendsOf(at: StoredAppend['at'], records: readonly LogRecord[]): StoredAppend[] {
  const appends: { at: StoredAppend['at']; base: number; time: number; values: Uint8Array[] }[] = [];
  for (const { offset, time, value } of records) {
    const last = appends.at(-1);
    if (last && last.time === time && last.values.length < APPEND_RECORDS) last.values.push(value);
    else appends.push({ at, base: offset, time, values: [value] });
  }
  return appends;
}

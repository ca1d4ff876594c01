/** An archive of the embedded log: what it says where records are missing. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLmdbLog } from '#mutuel/adapters';
import { TOPICS, topicsOf } from '#mutuel/contracts';
import { backup, EXIT, exitCodeOf, readConfig } from '#mutuel/platform';

const SHARDS = 2;
const AT = { topic: TOPICS.shardDecisions, partition: 1 };

let data: string;
let archive: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'mutuel-log-'));
  archive = mkdtempSync(join(tmpdir(), 'mutuel-archive-'));
});
afterEach(() => {
  for (const folder of [data, archive]) rmSync(folder, { recursive: true });
});

const warnings: string[] = [];
const onWarning = (line: string): void => void warnings.push(line);
const archived = (): ReturnType<typeof backup> =>
  backup(readConfig({ args: ['--data', data], env: {}, demoByDefault: true }), archive, onWarning);

/** Each record an append of its own. */
async function append(...texts: string[]): Promise<void> {
  const log = await openLmdbLog({ dir: data, topics: topicsOf(SHARDS), clock: Date, onWarning });
  const appender = await log.appender();
  for (const text of texts) await appender.append(AT, [Buffer.from(text)]);
  await log.close();
}

async function lose(...offsets: number[]): Promise<void> {
  const environment = open({ path: join(data, 'log'), encoding: 'binary', maxDbs: 256 });
  const table = environment.openDB(`${AT.topic}/${AT.partition}`, { encoding: 'binary' });
  for (const offset of offsets) await table.remove(offset);
  await environment.close();
}

it('archives what a whole log has gained, and nothing where it has gained nothing', async () => {
  await append('0', '1');
  expect(await archived()).toMatchObject({ records: 2 });
  expect(await archived()).toMatchObject({ records: 0 });
  await append('2');
  expect(await archived()).toMatchObject({ records: 1 });
  expect(warnings).toEqual([]);
});

it.each([
  ['in the middle', [2, 3], 'shard.decisions[1] has a hole: 2 to 3 are missing, the log ends at 5'],
  ['at the beginning', [0], 'shard.decisions[1] has a hole: 0 to 0 are missing, the log ends at 5'],
])(
  'names the offsets of a hole %s, ends as for a damaged log, and keeps the archive as it was',
  async (_, offsets, what) => {
    await append('0', '1', '2', '3', '4');
    await lose(...offsets);
    const fault = await archived().then(
      () => undefined,
      (one: Error) => one,
    );
    expect(fault?.message).toBe(`${what}. Nothing was added to the archive.`);
    expect(exitCodeOf(fault)).toBe(EXIT.LOG);
    expect(readdirSync(archive)).not.toContain('manifest.json');
  },
);

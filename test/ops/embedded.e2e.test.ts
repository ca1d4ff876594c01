/**
 * What an operator does to an embedded system: stops it in the middle of selling, makes its read models anew, and brings it back on
 * another disk from its archive.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#mutuel/adapters';
import { sha256 } from '#mutuel/contracts';
import { EXIT } from '#mutuel/platform';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs } from '../trust/log-checker.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { readLogFolder } from '../trust/read-log.js';
import { tableDigests, withReadModels } from '../trust/retold.js';
import { QUIET, RunningSystem, runToEnd } from '../trust/running-system.js';

const CLI = 'dist/apps/cli/src/main.js';
const RATE = 150;
const SEED = 9;
/** A stop that takes longer is ended by the process itself, with a word about who was waited for. */
const STOP_MS = 10_000;

describe('an embedded system', () => {
  const data = mkdtempSync(join(tmpdir(), 'mutuel-ops-'));
  const settled: string[] = [];
  let client: JournalClient;
  let cast: Cast;
  let running: RunningSystem | undefined;

  const start = async (folder = data): Promise<RunningSystem> => {
    running = await RunningSystem.start({ args: ['--port', '0', '--data', folder, '--accounts', '20', ...QUIET] });
    return running;
  };

  beforeAll(async () => {
    const system = await start();
    cast = await castOf(system.url);
    client = new JournalClient(cast.accounts, seededRandom(SEED));
  });
  afterAll(async () => {
    await running?.kill();
    rmSync(data, { recursive: true, force: true });
  });

  it('stops under load within ten seconds, with code 0, and keeps every bet it has acknowledged', async () => {
    const system = running as RunningSystem;
    const officials = new Officials(system.url, cast.operators);
    const races = await officials.openMeeting('stopped');
    settled.push(...races);
    const stop = new AbortController();
    const selling = client.sell(system.url, races, RATE, stop.signal);
    await expect.poll(() => client.count(201), { timeout: 20_000 }).toBeGreaterThan(100);
    expect(await system.stop(STOP_MS)).toBe(0);
    stop.abort();
    await selling;
    await officials.close();
    expect(system.said).not.toMatch(/Not stopped after|did not stop cleanly/);
    const { shards, market } = await readLogFolder(data);
    const { findings } = checkLogs(shards, market, client.journal);
    expect(findings.filter((finding) => !finding.startsWith('unresolved'))).toEqual([]);
  });

  it('goes on where it was, and settles', async () => {
    const system = await start();
    await client.resolve(system.url);
    const officials = new Officials(system.url, cast.operators);
    for (const race of settled) expect(await officials.bringHome(race)).toBe(true);
    await officials.close();
    expect(await system.stop(STOP_MS)).toBe(0);
    const { shards, market } = await readLogFolder(data);
    expect(checkLogs(shards, market, client.journal).findings).toEqual([]);
    expect(client.contradictions).toEqual([]);
  });

  it('gets equal read models from its log by one command, which tells how far it is', async () => {
    const before = await withReadModels(data, tableDigests);
    await withReadModels(data, (db) => db.query('update accounts set balance = 1; delete from bets'));
    const { code, lines } = await runToEnd({ program: CLI, args: ['rebuild', '--data', data] });
    expect(lines.at(-2)).toMatch(/^100 %: ([\d,]+) of \1 records, [\d,]+ a second, 0 s left$/);
    expect(lines.at(-1)).toMatch(/^Rebuilt from [\d,]+ records\.$/);
    expect(code).toBe(0);
    expect(await withReadModels(data, tableDigests)).toEqual(before);
  });

  it('is archived beside its selling, piece by piece, and comes back from the archive to the cut', async () => {
    const archive = mkdtempSync(join(tmpdir(), 'mutuel-archive-'));
    const other = mkdtempSync(join(tmpdir(), 'mutuel-restored-'));
    const cli = (...args: string[]) => runToEnd({ program: CLI, args });
    const system = await start();
    const officials = new Officials(system.url, cast.operators);
    const races = await officials.openMeeting('archived');
    const stop = new AbortController();
    const selling = client.sell(system.url, races, RATE, stop.signal);
    const sold = client.count(201);
    await expect.poll(() => client.count(201), { timeout: 20_000 }).toBeGreaterThan(sold + 100);
    expect((await cli('backup', archive, '--data', data)).lines).toEqual([
      expect.stringMatching(/^Archived \d{3,} records/),
    ]);
    for (const race of races) expect(await officials.bringHome(race)).toBe(true);
    stop.abort();
    await selling;
    await officials.close();
    const lag = await cli('lag', '--data', data, '--fail-above', '500');
    expect(lag.lines.map((line) => line.split(' ')[0])).toEqual(['shard-0', 'shard-1', 'market', 'odds']);
    expect(lag.code).toBe(0);
    expect(await system.stop(STOP_MS)).toBe(0);
    // The cut lies a second back.
    await new Promise((wake) => setTimeout(wake, 1_100));
    expect((await cli('backup', archive, '--data', data)).lines).toEqual([
      expect.stringMatching(/^Archived \d+ records/),
    ]);

    expect(await cli('restore', archive, '--data', data)).toMatchObject({ code: EXIT.FOLDER });
    expect((await cli('restore', archive, '--data', other)).lines[0]).toMatch(/^Restored \d+ records/);
    expect(await recordsOf(other)).toEqual(await recordsOf(data));
    const digests = await withReadModels(data, tableDigests);
    // The keys are secrets and no part of an archive.
    cpSync(join(data, 'keys.json'), join(other, 'keys.json'));
    const restored = await start(other);
    await client.resolve(restored.url);
    expect(client.contradictions).toEqual([]);
    const again = new Officials(restored.url, cast.operators);
    expect(await again.openMeeting('after-the-restore')).toHaveLength(2);
    await again.close();
    expect(await restored.stop(STOP_MS)).toBe(0);
    expect((await cli('rebuild', '--data', other)).code).toBe(0);
    const { accounts, movements, bets } = await withReadModels(other, tableDigests);
    expect({ accounts, movements, bets }).toEqual({
      accounts: digests['accounts'],
      movements: digests['movements'],
      bets: digests['bets'],
    });

    const [file = ''] = readdirSync(archive).filter((name) => name.startsWith('shard.decisions-0'));
    const bytes = readFileSync(join(archive, file));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(join(archive, file), bytes);
    const damaged = await cli('restore', archive, '--data', join(other, 'third'));
    expect(damaged.lines).toEqual([expect.stringMatching(/is not what was written: take another copy of the archive/)]);
    expect(damaged.code).toBe(EXIT.FOLDER);
    for (const folder of [archive, other]) rmSync(folder, { recursive: true, force: true });
  });
});

/** Every decision with its place, its time and the hash of its bytes. */
async function recordsOf(folder: string): Promise<string[]> {
  const { shards, market } = await readLogFolder(folder);
  return [...shards, market].flatMap((records, log) =>
    records.map(({ offset, time, value }) => `${log} ${offset} ${time} ${sha256(value)}`),
  );
}

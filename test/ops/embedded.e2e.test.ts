/**
 * What an operator does to an embedded system: stops it in the middle of selling, makes its read models anew, and brings it back on
 * another disk from its archive.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#mutuel/adapters';
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
});

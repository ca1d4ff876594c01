/**
 * What an operator does to an embedded system: stops it in the middle of selling, makes its read models anew, and brings it back on
 * another disk from its archive.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLmdbReader, seededRandom } from '#mutuel/adapters';
import { sha256, TOPICS } from '#mutuel/contracts';
import { EXIT } from '#mutuel/platform';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs } from '../trust/log-checker.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { readLogFolder } from '../trust/read-log.js';
import { tableDigests, withReadModels } from '../trust/retold.js';
import { type Ending, QUIET, RunningSystem, runToEnd } from '../trust/running-system.js';

const CLI = 'dist/apps/cli/src/main.js';
const RATE = 150;
const SEED = 9;

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

  it('stops under load within ten seconds, with code 0, answers what was sent before and keeps what it has acknowledged', async () => {
    const system = running as RunningSystem;
    const unanswered: number[] = [];
    client.onAnswer = (status, sentAt) => status === 0 && unanswered.push(sentAt);
    const officials = new Officials(system.url, cast.operators);
    const races = await officials.openMeeting('stopped');
    settled.push(...races);
    const stop = new AbortController();
    const selling = client.sell(system.url, races, RATE, stop.signal);
    await expect.poll(() => client.count(201)).toBeGreaterThan(100);
    const stoppedAt = performance.now();
    expect(await system.stop()).toBe(0);
    stop.abort();
    await selling;
    expect(unanswered.filter((sentAt) => sentAt < stoppedAt)).toEqual([]);
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
    expect(await system.stop()).toBe(0);
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
    await expect.poll(() => client.count(201)).toBeGreaterThan(sold + 100);
    await snapshotsTaken(data, cli);
    expect((await cli('backup', archive, '--data', data)).lines).toEqual([
      expect.stringMatching(/^Archived \d{3,} records/),
    ]);
    const log = join(archive, 'export.log');
    const exported = /^([\d,]+) records, all that there was at \S+Z, written to /.exec(
      (await cli('log', 'export', log, '--data', data)).lines.at(-1) ?? '',
    );
    // A disk without room.
    const full = join(archive, 'full.log');
    symlinkSync('/dev/full', `${full}.partial`);
    expect(await cli('log', 'export', full, '--data', data)).toMatchObject({
      ...{
        code: EXIT.FOLDER,
        lines: [expect.stringMatching(/cannot be written to .*full\.log\.partial.*no space left/)],
      },
    });
    expect(readdirSync(archive).filter((name) => name.startsWith('full'))).toEqual([]);
    for (const race of races) expect(await officials.bringHome(race)).toBe(true);
    stop.abort();
    await selling;
    await officials.close();
    await evidenceGiven(system.url, archive);
    const lag = await cli('lag', '--data', data, '--fail-above', '500');
    expect(lag.lines.map((line) => line.split(' ')[0])).toEqual(['shard-0', 'shard-1', 'market', 'odds']);
    expect(lag.code).toBe(0);
    expect(await system.stop()).toBe(0);
    expect((await cli('backup', archive, '--data', data)).lines).toEqual([
      expect.stringMatching(/^Archived \d+ records/),
    ]);

    expect(await cli('restore', archive, '--data', data)).toMatchObject({ code: EXIT.FOLDER });
    expect((await cli('restore', archive, '--data', other)).lines[0]).toMatch(/^Restored \d+ records/);
    expect(await recordsOf(other)).toEqual(await recordsOf(data));
    // Of one moment of the selling, on whatever machine it is looked at.
    const { code: verdict, lines: report } = await cli('verify', 'log', log, '--json');
    const records = Number(exported?.[1]?.replaceAll(',', ''));
    expect([JSON.parse(report.at(-1) ?? '{}'), verdict]).toMatchObject([{ records, findings: [] }, 0]);
    expect(readdirSync(archive).filter((name) => name.endsWith('.partial'))).toEqual([]);

    const [snapshots, ours, sound] = await Promise.all([
      cli('snapshot', 'list', '--data', other),
      cli('snapshot', 'list', '--data', data),
      cli('snapshot', 'verify', '--data', other),
    ]);
    expect([snapshots, sound.code]).toEqual([ours, 0]);
    expect(new Set(snapshots.lines.map((line) => line.split(' ')[0]))).toEqual(
      new Set(['shard-0', 'shard-1', 'market']),
    );
    damage(join(other, 'snapshots', 'market'));
    expect(await cli('snapshot', 'list', '--data', other)).toMatchObject({
      code: 1,
      lines: expect.arrayContaining([expect.stringMatching(/^market seq \d+ NOT USABLE: /)]) as string[],
    });
    const digests = await withReadModels(data, tableDigests);
    // The keys are secrets and no part of an archive.
    cpSync(join(data, 'keys.json'), join(other, 'keys.json'));
    const restored = await start(other);
    // It starts from what the archive had, and says where that could not be.
    expect(restored.said).toMatch(/SNAPSHOT_IGNORED: market at seq \d+/);
    expect(restored.said).not.toMatch(/SNAPSHOT_IGNORED: shard/);
    await client.resolve(restored.url);
    expect(client.contradictions).toEqual([]);
    const again = new Officials(restored.url, cast.operators);
    expect(await again.openMeeting('after-the-restore')).toHaveLength(2);
    await again.close();
    expect(await restored.stop()).toBe(0);
    expect((await cli('rebuild', '--data', other)).code).toBe(0);
    const { accounts, movements, bets } = await withReadModels(other, tableDigests);
    expect({ accounts, movements, bets }).toEqual({
      accounts: digests['accounts'],
      movements: digests['movements'],
      bets: digests['bets'],
    });

    damage(archive, 'shard.decisions-0');
    const damaged = await cli('restore', archive, '--data', join(other, 'third'));
    expect(damaged.lines).toEqual([expect.stringMatching(/is not what was written: take another copy of the archive/)]);
    expect(damaged.code).toBe(EXIT.FOLDER);
    for (const folder of [archive, other]) rmSync(folder, { recursive: true, force: true });
  });

  /** By another process, as an engine has it done for what it leads, and by the command; each is what the log says. */
  async function snapshotsTaken(folder: string, cli: (...args: string[]) => Promise<Ending>): Promise<void> {
    const program = join(folder, 'take.mjs');
    const module = join(process.cwd(), 'dist/libs/platform/src/snapshots.js');
    writeFileSync(
      program,
      `import { takeInProcess } from ${JSON.stringify(module)};
       const [data, end, ms] = process.argv.slice(2);
       await takeInProcess({ data })([{ src: 'shard-0', end: Number(end) }], AbortSignal.timeout(Number(ms)));`,
    );
    const end = await endOf(folder, TOPICS.shardDecisions);
    const take = (from: string, ms = 60_000): Promise<Ending> =>
      runToEnd({ program, args: [from, String(end), String(ms)] });
    expect(await take(folder)).toMatchObject({ code: 0 });
    expect((await cli('snapshot', 'list', '--data', folder)).lines).toEqual([
      expect.stringMatching(new RegExp(`^shard-0 seq \\d+ next ${end} taken .* sound$`)),
    ]);
    // One that cannot be taken is told, and one that nobody waits for any more is ended.
    const [nothing, late] = await Promise.all([take(join(folder, 'keys.json')), take(folder, 1)]);
    expect([nothing.code, nothing.lines.join(' ')]).toEqual([
      1,
      expect.stringMatching(/There is no log in .* process that takes snapshots ended with 1/),
    ]);
    expect([late.code, late.lines.join(' ')]).toEqual([1, expect.stringMatching(/aborted/)]);
    const taken = await cli('snapshot', 'take', '--data', folder);
    expect(taken.lines.map((line) => line.split(' ')[0])).toEqual(['shard-0', 'shard-1', 'market']);
    const verified = await cli('snapshot', 'verify', '--data', folder);
    expect(verified.lines.filter((line) => line.endsWith(' sound'))).toHaveLength(4);
    expect(verified.code).toBe(0);
  }

  /** A pack for somebody who trusts nobody here, checked with nothing but the public keys. */
  async function evidenceGiven(url: string, folder: string): Promise<void> {
    const [file, keys] = [join(folder, 'evidence.json'), join(folder, 'keys.json')];
    const { token = '' } = cast.operators[0] ?? {};
    const [{ ticketId } = { ticketId: '' }] = client.someAccepted(1);
    const evidence = (id: string, MUTUEL_TOKEN: string, at = url): Promise<Ending> =>
      runToEnd({ program: CLI, args: ['evidence', id, '--url', at, '--out', file], env: { MUTUEL_TOKEN } });
    const refused = await Promise.all([evidence(ticketId, 'nobody'), evidence(ticketId, token, 'http://127.0.0.1:1')]);
    expect(refused).toEqual([
      { code: 1, lines: [expect.stringMatching(/^NOT_AUTHENTICATED: /)] },
      { code: 1, lines: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 does not answer: /)] },
    ]);
    expect(existsSync(file)).toBe(false);
    expect(await evidence(ticketId, token)).toEqual({ code: 0, lines: [file] });
    writeFileSync(keys, await (await fetch(`${url}/v1/seal-keys`)).text());
    const checked = await runToEnd({ program: CLI, args: ['verify', 'evidence', file, '--keys', keys] });
    expect(checked).toMatchObject({ code: 0, lines: expect.arrayContaining(['The evidence holds.']) as string[] });
  }
});

/** One bit of every file whose name begins so. */
function damage(folder: string, name = ''): void {
  for (const file of readdirSync(folder).filter((one) => one.startsWith(name))) {
    const bytes = readFileSync(join(folder, file));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(join(folder, file), bytes);
  }
}

async function endOf(folder: string, topic: string): Promise<number> {
  const reader = openLmdbReader(folder);
  const { end } = await reader.bounds({ topic, partition: 0 });
  await reader.close();
  return end;
}

/** Every decision with its place, its time and the hash of its bytes. */
async function recordsOf(folder: string): Promise<string[]> {
  const { shards, market } = await readLogFolder(folder);
  return [...shards, market].flatMap((records, log) =>
    records.map(({ offset, time, value }) => `${log} ${offset} ${time} ${sha256(value)}`),
  );
}

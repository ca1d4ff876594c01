/**
 * What operators do to a system's own log: switch a newer record format on, replay an archived day, have a command set aside, two of them,
 * that nobody can decide, and move all accounts into a new epoch on another number of shards. On the built programs and real files.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLmdbLog, seededRandom } from '#mutuel/adapters';
import { signCommand, TOPICS, topicsOf } from '#mutuel/contracts';
import { ApiClient } from '#mutuel/demo';
import { EXIT } from '#mutuel/platform';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs } from '../trust/log-checker.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { readLogFolder } from '../trust/read-log.js';
import { QUIET, RunningSystem, runToEnd } from '../trust/running-system.js';

const CLI = 'dist/apps/cli/src/main.js';
const SHARDS = 2;
const SHARD = 1;
const onWarning = (line: string): void => console.warn(line);

describe('an embedded system', () => {
  const data = mkdtempSync(join(tmpdir(), 'mutuel-upkeep-'));
  const archive = mkdtempSync(join(tmpdir(), 'mutuel-days-'));
  const args = ['--port', '0', '--data', data, '--accounts', '20', ...QUIET];
  const env = { CHECKPOINT_HOUR: '0' };
  let cast: Cast;
  let client: JournalClient;
  let running: RunningSystem | undefined;

  const start = async (): Promise<RunningSystem> => {
    running = await RunningSystem.start({ args, env });
    return running;
  };
  const cli = (token: string, ...words: string[]) =>
    runToEnd({ program: CLI, args: [...words, '--data', data], env: { MUTUEL_TOKEN: token } });
  const operator = (role: string): string => cast.operators.find(({ roles }) => roles.includes(role))?.token ?? '';

  beforeAll(async () => {
    const { url } = await start();
    cast = await castOf(url);
    client = new JournalClient(cast.accounts, seededRandom(4));
  });
  afterAll(async () => {
    await running?.kill();
    for (const folder of [data, archive]) rmSync(folder, { recursive: true, force: true });
  });

  it('writes the newer record format once a second person has confirmed it, and loses nothing on the way', async () => {
    const { url } = running as RunningSystem;
    const officials = new Officials(url, cast.operators);
    const races = await officials.openMeeting('formats');
    const stop = new AbortController();
    const selling = client.sell(url, races, 100, stop.signal);
    await expect.poll(() => client.count(201)).toBeGreaterThan(50);
    const api = new ApiClient(url, 2);
    const post = (path: string, body: object, token: string) =>
      api.post(`/v1/operator/record-format${path}`, body, token) as Promise<{
        status: number;
        body: { code?: string };
      }>;
    const [tote, steward] = [operator('TOTE_OPERATOR'), operator('STEWARD')];
    expect(await post('', { format: 2, reason: 'the new release runs everywhere' }, tote)).toMatchObject({
      status: 202,
    });
    expect((await post('/confirm', { format: 2 }, tote)).body.code).toBe('SAME_PERSON');
    expect(await post('/confirm', { format: 2 }, steward)).toMatchObject({ status: 202 });
    const sold = client.count(201);
    await expect.poll(() => client.count(201)).toBeGreaterThan(sold + 50);
    stop.abort();
    await selling;
    await client.resolve(url);
    for (const race of races) expect(await officials.bringHome(race)).toBe(true);
    await Promise.all([officials.close(), api.close()]);
    expect(await running?.stop()).toBe(0);
    const { shards, market } = await readLogFolder(data);
    for (const records of [...shards, market]) {
      const formats = records.map(({ value }) => (JSON.parse(Buffer.from(value).toString('utf8')) as { v: number }).v);
      expect([formats[0], formats.at(-1)]).toEqual([1, 2]);
    }
    expect(checkLogs(shards, market, client.journal).findings).toEqual([]);
  });

  it('has its days replayed from an archive, each from its opening state', async () => {
    await new Promise((wake) => setTimeout(wake, 1_100));
    const run = (...words: string[]) => runToEnd({ program: CLI, args: words });
    expect((await run('backup', archive, '--data', data)).code).toBe(0);
    const { code, lines } = await run('replay', archive);
    const day = new Date().toISOString().slice(0, 10);
    expect(lines.filter((line) => line.includes('from the beginning'))).toHaveLength(SHARDS + 1);
    for (const line of lines.filter((one) => one.includes('from the beginning')))
      expect(line).toContain(`as at ${day}`);
    expect(code).toBe(0);
    const again = await run('replay', archive, '--day', day);
    expect(again.lines.map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['shard-0', day],
      ['shard-1', day],
      ['market', day],
    ]);
  });

  it('stops at a fact that it cannot decide, and goes on when two people have it set aside', async () => {
    const { service } = JSON.parse(readFileSync(join(data, 'keys.json'), 'utf8')) as { service: string };
    const fact = { type: 'MarketFact', n: 1_000_000, fact: { t: 'FromALaterRelease' } };
    const log = await openLmdbLog({ dir: data, topics: topicsOf(SHARDS), clock: Date, onWarning });
    const appender = await log.appender();
    const at = { topic: TOPICS.shardCommands, partition: SHARD };
    const { base } = await appender.append(at, [signCommand('ab'.repeat(16), fact, Buffer.from(service, 'hex'))]);
    await appender.close();
    await log.close();
    const lag = await cli('', 'lag', '--fail-above', '0');
    expect(lag.lines).toContainEqual(expect.stringMatching(/^shard-1 undecided=1 unprojected=- last=\d{4}-/));
    expect(lag.code).toBe(EXIT.FAULT);
    expect((await cli('', 'lag', '--fail-above', '1')).code).toBe(0);

    const stopped = await runToEnd({ args, env });
    expect(stopped.lines.join('\n')).toMatch(
      new RegExp(`shard-1 stops at shard\\.commands\\[1\\] offset ${base}: .*FromALaterRelease is not known`),
    );
    expect(stopped.code).toBe(EXIT.HALTED);

    const place = [`shard-${SHARD}`, String(base)];
    const [tote, steward] = [operator('TOTE_OPERATOR'), operator('STEWARD')];
    expect(await cli(tote, 'quarantine', 'agree', ...place)).toMatchObject({ code: EXIT.SETTING });
    expect((await cli('no token', 'quarantine', 'skip', ...place, '--reason', 'x')).code).toBe(EXIT.SETTING);
    expect((await cli(cast.accounts[0]?.token ?? '', 'quarantine', 'skip', ...place, '--reason', 'x')).code).toBe(
      EXIT.SETTING,
    );
    const elsewhere = await cli(tote, 'quarantine', 'skip', 'shard-1', '3', '--reason', 'x');
    expect(elsewhere.lines).toEqual([
      expect.stringMatching(`shard-1 does not stand at offset 3: it decides ${base} next`),
    ]);
    const asked = await cli(tote, 'quarantine', 'skip', ...place, '--reason', 'sent by a test');
    expect(asked.lines[0]).toContain('FromALaterRelease');
    const alone = await cli(tote, 'quarantine', 'agree', ...place);
    expect(alone.lines).toEqual([expect.stringMatching(/^SAME_PERSON/)]);
    expect((await runToEnd({ args, env })).code).toBe(EXIT.HALTED);
    expect((await cli(steward, 'quarantine', 'agree', ...place)).code).toBe(0);

    const { url } = await start();
    const officials = new Officials(url, cast.operators);
    const races = await officials.openMeeting('set-aside');
    for (const race of races) expect(await officials.bringHome(race)).toBe(true);
    await officials.close();
    expect(await running?.stop()).toBe(0);
    const listed = await cli('', 'quarantine', 'list');
    expect(listed.lines).toEqual([expect.stringMatching(/^shard-1 seq \d+ .*Set aside by .+ and .+: sent by a test$/)]);
  });

  it('moves its accounts into a new epoch on five shards, and the books are equal before and after', async () => {
    const moved = mkdtempSync(join(tmpdir(), 'mutuel-moved-'));
    const next = { ...env, CLUSTER_EPOCH: '2' };
    const run = (...words: string[]) => runToEnd({ program: CLI, args: words, env: next });
    await new Promise((wake) => setTimeout(wake, 1_100));
    expect((await run('backup', archive, '--data', data)).code).toBe(0);
    cpSync(join(data, 'keys.json'), join(moved, 'keys.json'));
    const written = await run('remap', 'write', archive, '--data', moved, '--shards', '5');
    const books = /^2 shards, 20 accounts, (EUR \d+, owed 0, books [0-9a-f]{64})$/.exec(
      written.lines.at(-1) ?? '',
    )?.[1];
    expect([written.lines, books]).toEqual([expect.anything(), expect.any(String)]);
    const again = await run('remap', 'write', archive, '--data', moved, '--shards', '5');
    expect(again).toMatchObject({ code: EXIT.FOLDER });
    // Nothing is decided yet: books that lack every account are not equal.
    expect((await run('remap', 'check', archive, '--data', moved)).code).toBe(EXIT.FAULT);

    // The demo opens and funds its accounts at every start: each is refused or answered as the one before.
    const more = ['--port', '0', '--data', moved, '--accounts', '20', '--shards', '5', ...QUIET];
    running = await RunningSystem.start({ args: more, env: next });
    const { url } = running;
    const compared = await run('remap', 'check', archive, '--data', moved);
    expect(compared.lines.map((line) => line.replace(/^\d shards, 20 accounts, /, ''))).toEqual([
      books,
      books,
      'The books are equal.',
    ]);
    expect(compared.code).toBe(0);

    const fresh = new JournalClient(cast.accounts, seededRandom(5));
    const officials = new Officials(url, cast.operators);
    const races = await officials.openMeeting('moved');
    const stop = new AbortController();
    const selling = fresh.sell(url, races, 100, stop.signal);
    await expect.poll(() => fresh.count(201)).toBeGreaterThan(50);
    stop.abort();
    await selling;
    await fresh.resolve(url);
    for (const race of races) expect(await officials.bringHome(race)).toBe(true);
    await officials.close();
    expect(await running.stop()).toBe(0);
    const { shards, market } = await readLogFolder(moved);
    expect(shards).toHaveLength(5);
    expect(checkLogs(shards, market, fresh.journal).findings).toEqual([]);
    rmSync(moved, { recursive: true, force: true });
  });
});

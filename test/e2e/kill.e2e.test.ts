/**
 * The embedded system killed again and again: every life in the same folder, under load, ended by SIGKILL at a moment drawn from a
 * seed. After each death the log is held against what the client was told; after the last, a graceful stop, every balance and pool
 * is worked out anew in three ways that must agree.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#mutuel/adapters';
import { JournalClient } from '../trust/journal-client.js';
import { checkLogs } from '../trust/log-checker.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { openEmbeddedLog, readLogFolder } from '../trust/read-log.js';
import { rebuildReadModels, retold, tableDigests, withReadModels } from '../trust/retold.js';
import { QUIET, RunningSystem } from '../trust/running-system.js';

const SEEDS = [11, 23, 37, 41, 59, 67, 73, 83, 97, 101];
const ACCOUNTS = '40';
const RATE = 150;
/** A life ends somewhere in here after its races opened: while they sell, close, are counted, priced or paid. */
const SHORTEST_LIFE_MS = 250;
const LIFE_SPREAD_MS = 1_500;
/** Into a life, the first race goes off. */
const OFF_AFTER_MS = 200;
const OPENING_MINOR = 1_000_000;

describe('the embedded system, killed under load', () => {
  const data = mkdtempSync(join(tmpdir(), 'mutuel-kill-'));
  const random = seededRandom(SEEDS[0] ?? 1);
  const unsettled: string[] = [];
  let system: RunningSystem;
  let cast: Cast;
  let client: JournalClient;

  const start = async (): Promise<void> => {
    system = await RunningSystem.start({ args: ['--port', '0', '--data', data, '--accounts', ACCOUNTS, ...QUIET] });
  };

  beforeAll(async () => {
    await start();
    cast = await castOf(system.url);
    client = new JournalClient(cast.accounts, random);
  });

  afterAll(async () => {
    await system?.kill();
    rmSync(data, { recursive: true, force: true });
  });

  it.each(SEEDS)('loses and doubles nothing when it dies at a moment of seed %i', async (seed) => {
    const moment = SHORTEST_LIFE_MS + Math.floor(seededRandom(seed)() * LIFE_SPREAD_MS);
    const officials = new Officials(system.url, cast.operators);
    const [first = '', second = ''] = await officials.openMeeting(`kill-${seed}`);
    unsettled.push(first, second);
    const stop = new AbortController();
    const selling = client.sell(system.url, [first, second], RATE, stop.signal);
    const running = pause(OFF_AFTER_MS).then(() => officials.bringHome(first));
    await pause(moment);
    await system.kill();
    stop.abort();
    await Promise.all([selling, running]);
    await officials.close();

    const { shards, market } = await readLogFolder(data);
    expect(
      checkLogs(shards, market, client.journal).findings.filter((finding) => !/^unresolved/.test(finding)),
    ).toEqual([]);

    await start();
    await client.resolve(system.url);
    expect(client.contradictions).toEqual([]);
    expect(client.unknown).toBe(0);
  });

  it('brings every race home afterwards, and balances, pools and read models agree to the cent', async () => {
    const officials = new Officials(system.url, cast.operators);
    const [open = ''] = await officials.openMeeting('kill-last');
    const stop = new AbortController();
    const selling = client.sell(system.url, [open], RATE, stop.signal);
    for (const race of unsettled) expect(await officials.bringHome(race)).toBe(true);
    stop.abort();
    await selling;
    await client.resolve(system.url);
    await officials.close();
    await system.askCheckpoints();
    expect(await system.stop()).toBe(0);

    const { shards, market } = await readLogFolder(data);
    const verdict = checkLogs(shards, market, client.journal);
    expect(verdict.findings).toEqual([]);
    expect(verdict.accepted).toBe(client.count(201));
    expect(verdict.accepted).toBeGreaterThan(SEEDS.length * 20);
    for (const race of unsettled)
      for (const pool of ['WIN', 'EXACTA']) expect(verdict.clearing.get(`${race}-${pool}`) ?? 0).toBe(0);

    const log = await openEmbeddedLog(data);
    for (const { src, said, made, after } of await retold(log))
      expect({ src, made, after }).toEqual({ src, made: said ?? 'a state', after: 0 });
    await withReadModels(data, async (db) => {
      const rows = await db.query<{ account: string; balance: number }>('select account, balance from accounts');
      expect(rows).toHaveLength(cast.accounts.length);
      for (const { account, balance } of rows)
        expect(`${account} ${verdict.balances.get(account)}`).toBe(`${account} ${balance}`);
      const held = rows.reduce((sum, { balance }) => sum + balance, 0);
      expect(held).toBeLessThan(rows.length * OPENING_MINOR);
      const [total] = await db.query<{ gross: number }>('select gross from pool_totals where pool_id = $1', [
        `${open}-WIN`,
      ]);
      expect(total?.gross).toBe(verdict.clearing.get(`${open}-WIN`));
      const live = await tableDigests(db);
      await rebuildReadModels(db, log, false);
      expect(await tableDigests(db)).toEqual(live);
    });
    await log.close();
  });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

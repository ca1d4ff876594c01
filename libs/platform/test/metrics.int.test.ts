/** Every metric by its name: in the catalogue, in the document made of it, and in what a living process answers. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CATALOGUE, metricsDocument, RUNTIME_METRICS } from '../src/index.js';
import { Metrics } from '../src/telemetry/metrics.js';
import { startTestSystem, type TestSystem, until } from './support/system.js';

const root = new URL('../../../', import.meta.url);

let t: TestSystem;
beforeAll(async () => {
  t = await startTestSystem();
});
afterAll(() => t.stop());

const scrape = async (): Promise<string> => (await t.get('/metrics')).text;

/** The value of the first sample whose line begins so. */
const sampleOf = (text: string, begin: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(begin));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
};

describe('metrics', () => {
  test('docs/METRICS.md is what the catalogue says', () => {
    expect(readFileSync(new URL('docs/METRICS.md', root), 'utf8')).toBe(metricsDocument());
  });

  test('a scrape of all roles shows the catalogue, the runtime’s figures and no name of ours that is not in it', async () => {
    await t.openRace();
    await until(async () => (sampleOf(await scrape(), 'mutuel_odds_ticks_total') ?? 0) > 0);
    const shown = new Set([...(await scrape()).matchAll(/^# TYPE (\S+)/gm)].map((match) => String(match[1])));
    // An append that fails, an alarm and a ticket held back may never have been; a gRPC call was not made here.
    const rare = new Set([
      'mutuel_log_append_failures_total',
      'mutuel_alarms_total',
      'mutuel_tickets_held_total',
      'rpc_server_call_duration_seconds',
    ]);
    const known = [...Object.keys(CATALOGUE), ...Object.keys(RUNTIME_METRICS)];
    expect(known.filter((name) => !shown.has(name) && !rare.has(name))).toEqual([]);
    expect([...shown].filter((name) => name.startsWith('mutuel_') && !(name in CATALOGUE))).toEqual([]);
  });

  test('a bet is counted once by the shard that decided it, and its request by route, method and status', async () => {
    await t.openRace();
    const text = await scrape();
    const accepted = [...text.matchAll(/^mutuel_bets_accepted_total\{.*\} (\d+)$/gm)].reduce(
      (n, m) => n + Number(m[1]),
      0,
    );
    const answered = sampleOf(
      text,
      'http_server_request_duration_seconds_count{http_request_method="POST",http_route="/v1/tickets",http_response_status_code="201"}',
    );
    expect(accepted).toBe(answered);
    expect(accepted).toBeGreaterThan(0);
  });

  test('the selling lease has time left in every source, and readers at rest are not behind', async () => {
    const text = await scrape();
    for (const source of ['shard-0', 'shard-1', 'market']) {
      expect(sampleOf(text, `mutuel_selling_lease_remaining_seconds{source="${source}"}`)).toBeGreaterThan(0);
      expect(sampleOf(text, `mutuel_decider_leading{source="${source}"}`)).toBe(1);
    }
    await until(async () => {
      const lags = [...(await scrape()).matchAll(/^mutuel_reader_lag_records\{.*\} (\d+)$/gm)].map((m) => Number(m[1]));
      return lags.length > 10 && lags.every((lag) => lag <= 2);
    });
  });

  test('a race that is sold past its post time is told by how long, until it is stopped', async () => {
    await t.openRace();
    const past = async () => sampleOf(await scrape(), 'mutuel_selling_past_post_seconds') ?? Number.NaN;
    // Its card says 15:00 on a day that is over.
    expect(await past()).toBeGreaterThan((Date.now() - Date.parse('2026-11-22T15:00:00Z')) / 1_000 - 60);
    const open = (await t.get('/v1/meetings?date=2026-11-22')).body['meetings'] as { meetingId: string }[];
    for (const { meetingId } of open)
      await t.post(`/v1/operator/races/${meetingId}-C1/close`, { reason: 'off' }, t.operators.get('steward-anna'));
    await until(async () => (await past()) === 0);
  });

  test('no label holds an account or a reference', async () => {
    const text = await scrape();
    expect(t.accounts.filter(({ accountId }) => text.includes(accountId))).toEqual([]);
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });
});

describe('a figure that cannot be had', () => {
  test('is left out, and the others are there', async () => {
    const metrics = new Metrics();
    metrics.read('mutuel_commands_in_flight', () => [[{ topic: 'a' }, 3]]);
    metrics.read('mutuel_commands_in_flight', () => Promise.reject(new Error('the log is away')));
    expect(await metrics.text()).toContain('mutuel_commands_in_flight{topic="a"} 3');
  });

  test('and a name of another kind is a bug', () => {
    expect(() => new Metrics().counter('mutuel_commands_in_flight')).toThrow('is a gauge');
  });
});

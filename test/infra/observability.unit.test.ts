/**
 * Dashboards and alert rules ask for what there is: every expression parses, every metric is in the catalogue (which is compared with a
 * live scrape elsewhere), every label belongs to one of its metrics, every alert and every alarm code has its place in a runbook. Rules
 * that are to hear of a thing when it happens once are evaluated on a series that begins with it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CATALOGUE, type MetricFacts, RUNTIME_METRICS } from '#mutuel/platform';
import { DASHBOARDS, fileOf } from '../../infra/observability/dashboards.js';
import { familyOf, namesIn } from './promql.js';
import { evaluate, firstFiring, type Series, secondsOf } from './promql-evaluation.js';

const root = new URL('../../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}
const { groups } = parse(textOf('infra/observability/alerts.yaml')) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const panels = Object.values(DASHBOARDS).flatMap(({ title, rows }) =>
  Object.values(rows)
    .flat()
    .flatMap((panel) =>
      Object.entries(panel.series).map(([legend, expr]) => ({ name: `${title}: ${panel.title}`, legend, expr })),
    ),
);

const catalogue: Readonly<Record<string, MetricFacts>> = CATALOGUE;
const isHistogram = (name: string): boolean =>
  catalogue[name]?.kind === 'histogram' || name === 'nodejs_gc_duration_seconds';
/** From Prometheus itself, of every target; and what a scrape adds to every series. */
const OF_PROMETHEUS = ['up'];
const OF_TARGETS = ['instance', 'job', 'role', 'le', 'kind'];

function unknownIn(expr: string): { metrics: string[]; labels: string[] } {
  const { metrics, labels } = namesIn(expr);
  const families = metrics.map((metric) => familyOf(metric, isHistogram));
  const known = new Set([...OF_TARGETS, ...families.flatMap((family) => catalogue[family]?.labels ?? [])]);
  return {
    metrics: families.filter((name) => !(name in catalogue || name in RUNTIME_METRICS || OF_PROMETHEUS.includes(name))),
    labels: labels.filter((label) => !known.has(label)),
  };
}

describe('dashboards', () => {
  test.each(Object.keys(DASHBOARDS))('the file of %s is what the code makes', (name) => {
    const file = textOf(`infra/observability/grafana/dashboards/${name}.json`);
    expect(file).toBe(fileOf(DASHBOARDS[name] as (typeof DASHBOARDS)[string]));
  });

  test('there are three, and no file beside them', () => {
    const files = readdirSync(new URL('infra/observability/grafana/dashboards', root)).sort();
    expect(files).toEqual(['last-minute.json', 'machines.json', 'money.json']);
  });

  test.each(panels)('$name ($legend) asks for metrics and labels that there are', ({ expr, legend }) => {
    expect(unknownIn(expr)).toEqual({ metrics: [], labels: [] });
    // What a legend shows must be left by the aggregation.
    const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map((match) => String(match[1]));
    expect(shown.filter((label) => label !== 'instance' && !namesIn(expr).labels.includes(label))).toEqual([]);
  });

  test('every metric of ours is on a dashboard or in an alert', () => {
    const used = new Set(
      [...panels, ...rules].flatMap(({ expr }) => namesIn(expr).metrics.map((metric) => familyOf(metric, isHistogram))),
    );
    const spare = ['mutuel_undecided_commands', 'mutuel_selling_lease_age_seconds', 'mutuel_leases_renewed_total'];
    expect(Object.keys(catalogue).filter((name) => !used.has(name) && !spare.includes(name))).toEqual([]);
  });
});

describe('alert rules', () => {
  test.each(rules)('$alert asks for metrics and labels that there are', ({ expr }) => {
    expect(unknownIn(expr)).toEqual({ metrics: [], labels: [] });
  });

  test.each(rules)('$alert has a severity, a sentence and a section of a runbook', (rule) => {
    expect(['page', 'ticket']).toContain(rule.labels.severity);
    expect(rule.annotations.summary).toMatch(/^[^\s].*\.$/);
    const [file, anchor] = rule.annotations.runbook.split('#');
    expect(anchor).toBe(rule.alert.toLowerCase());
    expect(textOf(String(file))).toContain(`\n### ${rule.alert}\n`);
  });

  test('every section of a runbook belongs to a rule', () => {
    const sections = readdirSync(new URL('docs/runbooks', root)).flatMap((file) =>
      [...textOf(`docs/runbooks/${file}`).matchAll(/^### (\w+)$/gm)].map((match) => String(match[1])),
    );
    expect(sections.sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  test('every alarm code that the program raises is in the runbook of alarms', () => {
    const codes = new Set(
      ['libs/runtime/src', 'libs/services/src', 'libs/platform/src'].flatMap((folder) =>
        readdirSync(new URL(folder, root), { recursive: true })
          .filter((name) => String(name).endsWith('.ts'))
          .flatMap((name) => [...textOf(`${folder}/${String(name)}`).matchAll(/[oO]nAlarm\??\.?\(\s*'([A-Z_]+)'/g)])
          .map((match) => String(match[1])),
      ),
    );
    expect(codes.size).toBeGreaterThan(10);
    const runbook = textOf('docs/runbooks/log.md');
    expect([...codes].filter((code) => !runbook.includes(`\`${code}\``))).toEqual([]);
  });
});

describe('an alert fires', () => {
  const { global } = parse(textOf('infra/observability/prometheus.yaml')) as { global: Record<string, string> };
  const scrape = secondsOf(String(global['scrape_interval']));
  const every = secondsOf(String(global['evaluation_interval']));
  const ruleOf = (name: string): Rule => rules.find(({ alert }) => alert === name) as Rule;
  const HOUR = 3_600;
  /** Scraped from one second to another; nothing where the value is not there. */
  const scraped = (from: number, until: number, valueAt: (second: number) => number | undefined): Series['samples'] =>
    Array.from({ length: Math.floor((until - from) / scrape) + 1 }, (_, i) => from + i * scrape).map((second) => [
      second,
      valueAt(second),
    ]);
  const once = (metric: string, labels: Record<string, string>) => ({
    [metric]: [{ labels, samples: scraped(HOUR, 2 * HOUR, () => 1) }],
  });
  const rpc = 'rpc_server_call_duration_seconds_count';
  const http = 'http_server_request_duration_seconds_count';

  test.each([
    ['RequestsFail', once(http, { http_response_status_code: '500' })],
    ['RequestsFail', once(rpc, { rpc_response_status_code: 'INTERNAL' })],
    ['CalculatorsDiffer', once('mutuel_proposals_total', { outcome: 'DIFFER' })],
    ['CommandsAreSetAside', once('mutuel_decisions_total', { source: 'shard-0', code: 'QUARANTINED' })],
    ['Alarm', once('mutuel_alarms_total', { code: 'STATE_DIFFERS' })],
  ])('%s the first time that it happens, and not for ever', (name, store) => {
    expect(firstFiring(ruleOf(name), store, { from: HOUR - 60, until: HOUR + every, every })).toBe(HOUR);
    expect(evaluate(ruleOf(name).expr, store, HOUR + 600)).toEqual([]);
  });

  test.each([
    ['RequestsFail', http, { http_response_status_code: '500' }],
    ['CalculatorsDiffer', 'mutuel_proposals_total', { outcome: 'DIFFER' }],
    ['CommandsAreSetAside', 'mutuel_decisions_total', { source: 'shard-0', code: 'MALFORMED' }],
    ['Alarm', 'mutuel_alarms_total', { code: 'RUNNER_HALTED' }],
  ])('%s the second time, and after a restart that counts anew', (name, metric, labels) => {
    const around = { from: HOUR - 60, until: HOUR + 60, every };
    const counts = (then: number) => ({
      [metric]: [{ labels, samples: scraped(0, 2 * HOUR, (second) => (second < HOUR ? 1 : then)) }],
    });
    expect(firstFiring(ruleOf(name), counts(2), around)).toBe(HOUR);
    const restarted = {
      [metric]: [{ labels, samples: scraped(0, HOUR, (second) => (second < HOUR ? 2 : 1)) }],
    };
    expect(firstFiring(ruleOf(name), restarted, around)).toBe(HOUR);
    expect(firstFiring(ruleOf(name), counts(1), around)).toBeUndefined();
  });

  test('for a process that is gone, or answers nobody, within ten seconds', () => {
    const rule = ruleOf('ProcessGone');
    const timeout = secondsOf(String(global['scrape_timeout']));
    expect(scrape + timeout + every + secondsOf(rule.for ?? '0s')).toBeLessThanOrEqual(10);
    // It dies right after a scrape; the next one waits for its answer.
    const samples = scraped(0, 60, () => 1).concat([[60 + scrape + timeout, 0]]);
    const store = { up: [{ labels: { job: 'mutuel', role: 'odds' }, samples }] };
    expect(firstFiring(rule, store, { until: 120, every })).toBeLessThanOrEqual(70);
  });

  test('when nobody decides: nobody leads, or nobody is there', () => {
    const rule = ruleOf('NobodyDecides');
    const engine = (instance: string, values: Series['samples']) => ({
      labels: { source: 'market', instance },
      samples: values,
    });
    const leads = (isOn: (second: number) => number | undefined) => ({
      mutuel_decider_leading: [
        engine('a', scraped(0, 120, isOn)),
        engine(
          'b',
          scraped(0, 120, () => 0),
        ),
      ],
    });
    const until = { until: 120, every };
    expect(
      firstFiring(
        rule,
        leads(() => 1),
        until,
      ),
    ).toBeUndefined();
    expect(
      firstFiring(
        rule,
        leads((second) => (second < 60 ? 1 : undefined)),
        until,
      ),
    ).toBeLessThanOrEqual(70);
    const alone = {
      mutuel_decider_leading: [
        engine(
          'a',
          scraped(0, 120, (second) => (second < 60 ? 1 : undefined)),
        ),
      ],
    };
    expect(firstFiring(rule, alone, until)).toBeLessThanOrEqual(70);
  });

  test('when memory grows, other than an engine’s by what was bet', () => {
    const rule = ruleOf('MemoryGrows');
    const grows = (role: string, bytesPerSecond: number, betsPerSecond: number) => ({
      process_resident_memory_bytes: [
        { labels: { job: 'mutuel', role }, samples: scraped(0, 3 * HOUR, (second) => 4e8 + second * bytesPerSecond) },
      ],
      mutuel_bets_accepted_total: [
        { labels: { source: 'shard-0' }, samples: scraped(0, 3 * HOUR, (second) => second * betsPerSecond) },
      ],
    });
    const fires = (role: string, bytes: number, bets: number): boolean =>
      firstFiring(rule, grows(role, bytes, bets), { from: HOUR, until: 3 * HOUR, every: 300 }) !== undefined;
    // What an hour at 453 bets a second was measured to be (docs/PERFORMANCE.md), and a national peak.
    expect(fires('engine', 7_800_000 / 60, 453)).toBe(false);
    expect(fires('engine', 2_000 * 290, 2_000)).toBe(false);
    expect(fires('engine', 7_800_000 / 60, 0)).toBe(true);
    expect(fires('odds', 1_300_000 / 60, 453)).toBe(false);
    expect(fires('bet-api', 7_800_000 / 60, 453)).toBe(true);
  });
});

describe('the check itself', () => {
  test('finds a metric that nobody shows, a label that it lacks, and an expression that is none', () => {
    expect(unknownIn('sum(rate(mutuel_bets_taken_total[1m]))').metrics).toEqual(['mutuel_bets_taken_total']);
    expect(unknownIn('sum by (account) (mutuel_commands_in_flight)').labels).toEqual(['account']);
    expect(() => unknownIn('sum(rate(up[1m])')).toThrow(SyntaxError);
  });
});

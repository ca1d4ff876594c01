/**
 * Dashboards and alert rules ask for what there is: every expression parses, every metric is in the catalogue (which is compared with a
 * live scrape elsewhere), every label belongs to one of its metrics, every alert and every alarm code has its place in a runbook.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CATALOGUE, type MetricFacts, RUNTIME_METRICS } from '#mutuel/platform';
import { DASHBOARDS, fileOf } from '../../infra/observability/dashboards.js';
import { familyOf, namesIn } from './promql.js';

const root = new URL('../../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
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

describe('the check itself', () => {
  test('finds a metric that nobody shows, a label that it lacks, and an expression that is none', () => {
    expect(unknownIn('sum(rate(mutuel_bets_taken_total[1m]))').metrics).toEqual(['mutuel_bets_taken_total']);
    expect(unknownIn('sum by (account) (mutuel_commands_in_flight)').labels).toEqual(['account']);
    expect(() => unknownIn('sum(rate(up[1m])')).toThrow(SyntaxError);
  });
});

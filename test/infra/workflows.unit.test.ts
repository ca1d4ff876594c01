/** The hosted runs, without a host: they parse, ask for programs that there are, and have what those need and the time that they take. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Job {
  readonly 'runs-on': string;
  readonly 'timeout-minutes': number;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly (string | number)[]>> };
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
}
interface Workflow {
  readonly on: { readonly schedule?: readonly { readonly cron: string }[] };
  readonly jobs: Readonly<Record<string, Job>>;
}

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const read = (name: string): Workflow => parse(textOf(`.github/workflows/${name}.yml`), { strict: true }) as Workflow;
const ci = read('ci');
const nightly = read('nightly');
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** What a job runs, with each value of its matrix in turn. */
function commandsOf({ strategy, steps }: Job): string[] {
  const lines = steps.flatMap(({ run }) => (run === undefined ? [] : [run]));
  const variants = Object.entries(strategy?.matrix ?? {}).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  if (variants.length === 0) return lines;
  return variants.flatMap(([name, value]) =>
    lines.map((line) => line.replaceAll(`\${{ matrix.${name} }}`, String(value))),
  );
}
const jobs = [...Object.entries(ci.jobs), ...Object.entries(nightly.jobs)];
const scriptsIn = (command: string): string[] =>
  [...command.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => `${name}`);

test.each(jobs)('%s names a machine, a time and nothing that there is not', (_, job) => {
  expect(job['runs-on']).toBe('ubuntu-latest');
  expect(job['timeout-minutes']).toBeGreaterThan(0);
  for (const { uses, run } of job.steps) expect([uses, run].filter((one) => one !== undefined)).toHaveLength(1);
  for (const { uses = 'x/y@v1' } of job.steps) expect(uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
  const commands = commandsOf(job);
  expect(commands.flatMap(scriptsIn).filter((name) => !(name in scripts))).toEqual([]);
  expect(commands.filter((command) => command.includes('matrix.'))).toEqual([]);
});

describe('the run of every change', () => {
  const commands = commandsOf(ci.jobs['all'] as Job);

  test('is .ci/run, in time that it does not need', () => {
    expect(commands.at(-1)).toBe('.ci/run');
    // Some twenty minutes on two cores.
    expect(ci.jobs['all']?.['timeout-minutes']).toBeGreaterThanOrEqual(30);
  });

  test('has every package that would be installed where it may', () => {
    const wanted = [...textOf('infra/provision.mjs').matchAll(/package: '([\w.-]+)'/g)].map(([, name]) => String(name));
    expect(wanted.length).toBeGreaterThan(5);
    // Go is on the machine; Ubuntu has Chromium under another name.
    const there = ['golang-go'];
    const names: Readonly<Record<string, string>> = { chromium: 'chromium-browser' };
    const installed = commands.find((command) => command.includes('apt-get install'))?.split(' ') ?? [];
    expect(wanted.filter((name) => !there.includes(name) && !installed.includes(names[name] ?? name))).toEqual([]);
  });
});

describe('the nights', () => {
  const commands = Object.values(nightly.jobs).flatMap(commandsOf);
  const matching = (what: RegExp): string[] => commands.filter((command) => what.test(command));

  test('come by themselves', () => {
    expect(nightly.on.schedule?.[0]?.cron).toMatch(/^\d+ \d+ \* \* \*$/);
  });

  test('run ten thousand seeds, each part enough to have met everything', () => {
    const seeds = matching(/npm run simulate -- .*--coverage/).map((command) =>
      Number(/--seeds (\d+)/.exec(command)?.[1]),
    );
    expect(Math.min(...seeds)).toBeGreaterThanOrEqual(1_000);
    expect(seeds.reduce((sum, count) => sum + count, 0)).toBe(10_000);
  });

  test('apply every mutant, break everything, and load for an hour', () => {
    for (const what of [/npm run simulate:mutants/, /npm run mutants:tote/, /npm run faults/, /npm run load -- soak/])
      expect(matching(what)).toHaveLength(1);
  });
});

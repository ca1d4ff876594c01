/**
 * Proves that every boundary rule fires: a small project under fixtures/boundaries breaks each rule once, in a file named after it,
 * and also does what is allowed. It must never grow a file that breaks a rule without carrying its name.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { root } from './files.js';

interface Report {
  summary: {
    violations: { rule: { name: string }; from: string; to: string }[];
    ruleSetUsed: { forbidden: { name: string }[] };
  };
}

const tool = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const rules = join(root, '.dependency-cruiser.mjs');
const ruleNames = [...readFileSync(rules, 'utf8').matchAll(/^ {6}name: '([a-z-]+)'/gm)].map((match) =>
  String(match[1]),
);

describe('the boundary rules', () => {
  let report: Report;

  beforeAll(() => {
    const cwd = join(root, 'test/repository/fixtures/boundaries');
    const args = [tool, '--config', rules, '--output-type', 'json', 'libs', 'apps'];
    const run = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', maxBuffer: 32 * 1024 * 1024 });
    expect(run.stderr).toBe('');
    report = JSON.parse(run.stdout) as Report;
  });

  test('are all known to this test', () => {
    expect(report.summary.ruleSetUsed.forbidden.map((rule) => rule.name)).toEqual(ruleNames);
  });

  test.each(ruleNames)('%s fires on the file of its name', (name) => {
    const files = report.summary.violations
      .filter((each) => each.rule.name === name)
      .map((each) => basename(each.from));
    expect(files).toContain(`${name}.ts`);
  });

  test('leave alone what is allowed', () => {
    const offenders = report.summary.violations.filter((each) => !ruleNames.includes(basename(each.from, '.ts')));
    // The neighbour through which the second calculator reaches the first one is an offender too, rightly.
    expect(offenders.map((each) => each.from)).toEqual(['libs/audit/src/through-a-neighbour.ts']);
  });
});

/** The project's text: no muted checks, unfinished work, machine paths or second names, and every rule proved to find its case. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isCode, projectFiles, root, textOf } from './files.js';
import { breaches, textRules } from './rules.js';

const files = projectFiles();

/** The rules' own text and the cases below name what they forbid. */
const exempt = new Set(['test/repository/rules.ts', 'test/repository/text.unit.test.ts']);
const texts = files.filter(
  (path) =>
    !exempt.has(path) &&
    /\.(ts|tsx|mts|mjs|js|cjs|json|jsonc|md|yml|yaml|sql|proto|html|css|xml|sh)$|^\.ci\//.test(path),
);

const samples: Record<string, { bad: string[]; good: string[] }> = {
  'focused or muted test': {
    bad: ["it.only('x')", "describe.skip('x')", "test.concurrent.skip('x')", "fit('x')"],
    good: ["it('only')", 'fits(1)'],
  },
  'muted checker': {
    bad: ['// @ts-ignore', '// biome-ignore lint', '/* eslint-disable */'],
    good: ['// ignored by git'],
  },
  'unfinished work': { bad: ['// TODO later', "throw new Error('not implemented')"], good: ['todos'] },
  'path of a machine': { bad: ["'/work/main/x'", 'cd /root/x', '"/home/ann/x"'], good: ["'/v1/work/'", 'libs/work/x'] },
  'registry host': {
    bad: ['https://registry.example.org/x', '"resolved": "https://x"'],
    good: ['https://example.org/registry'],
  },
  'debugging left over': { bad: ['  debugger;', 'console.debug(1)'], good: ['// the debugger shows'] },
  'second name of a thing': { bad: ['Wagered', 'the rollover'], good: ['carryOver'] },
};

describe('text rules', () => {
  test.each(textRules)('$name: finds its cases and nothing else', (rule) => {
    const { bad, good } = samples[rule.name] ?? { bad: [], good: [] };
    expect(bad.length).toBeGreaterThan(0);
    for (const line of bad) expect(breaches(rule, line), line).toHaveLength(1);
    for (const line of good) expect(breaches(rule, line), line).toEqual([]);
  });

  test.each(textRules)('$name: stands nowhere ($reason)', (rule) => {
    const found = texts
      .filter((path) => rule.files?.test(path) ?? true)
      .flatMap((path) => breaches(rule, textOf(path)).map((breach) => `${path}:${breach}`));
    expect(found).toEqual([]);
  });
});

describe('files', () => {
  test('are at most 1 MiB', () => {
    const large = files.filter((path) => statSync(join(root, path)).size > 1024 * 1024);
    expect(large).toEqual([]);
  });

  test('name no path that leaves the project', () => {
    const leaving = texts.flatMap((path) =>
      [...textOf(path).matchAll(/['"`(](\.\.\/[\w./-]*)/g)]
        .filter(([, target]) => join(dirname(path), String(target)).startsWith('..'))
        .map(([, target]) => `${path}: ${target}`),
    );
    expect(leaving).toEqual([]);
  });

  test('have kebab-case names', () => {
    const odd = files.filter((path) => isCode(path) && !/^(.*\/)?\.?[a-z0-9]+([-.][a-z0-9]+)*$/.test(path));
    expect(odd).toEqual([]);
  });

  test('of source code open with a paragraph that says what they are', () => {
    const sources = files.filter(
      (path) => /^(libs|apps)\/[^/]+\/src\/|^infra\//.test(path) && !path.endsWith('/index.ts'),
    );
    const silent = sources.filter((path) => isCode(path) && !/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(textOf(path)));
    expect(silent).toEqual([]);
  });

  test('of tests end in the machine they need', () => {
    const nameless = files.filter((path) => /\.test\.tsx?$/.test(path) && !/\.(unit|int|e2e)\.test\.tsx?$/.test(path));
    expect(nameless).toEqual([]);
  });
});

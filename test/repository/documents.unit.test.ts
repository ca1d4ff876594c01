/** The documents speak of what is there: every file, link and command they name exists. */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectFiles, root, textOf } from './files.js';

const documents = projectFiles().filter((path) => path.endsWith('.md'));
const manifest = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** What npm runs without "run". */
const npmCommands = new Set(['start', 'test', 'install', 'ci']);

describe('documents', () => {
  test.each(documents)('%s links to what is there', (path) => {
    const targets = [...textOf(path).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map((match) => String(match[1]));
    const broken = targets.filter(
      (target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(path), target)),
    );
    expect(broken).toEqual([]);
  });

  test.each(documents)('%s names files that are there', (path) => {
    expect(namedFiles(textOf(path)).filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test.each(documents)('%s names commands that are there', (path) => {
    const code = (textOf(path).match(/```[\s\S]*?```|`[^`]*`/g) ?? []).join('\n');
    const named = [...code.matchAll(/\bnpm (run )?([a-z][a-z:-]*)/g)];
    const unknown = named.filter(
      ([, run, name]) => !(run ? String(name) in manifest.scripts : npmCommands.has(String(name))),
    );
    expect(unknown.map(([text]) => text)).toEqual([]);
  });

  test('are read as meant: a file is a path in code marks, with or without a name pattern', () => {
    const text = 'See `libs/x/src/a.ts`, `test/b.unit.test.ts:12`, `libs/<name>/src`, `bench/*.ts` and `a/b`.';
    expect(namedFiles(text)).toEqual(['libs/x/src/a.ts', 'test/b.unit.test.ts']);
  });
});

/** Paths from the root in code marks; patterns and places to fill in name no file. */
function namedFiles(text: string): string[] {
  const named = [...text.matchAll(/`((?:\.ci|apps|bench|docs|infra|libs|loadtests|test)\/[^`\s]*)`/g)].map((match) =>
    String(match[1]),
  );
  return named
    .filter((path) => !/[*<{…]/.test(path))
    .map((path) => normalize(path.replace(/(:\d+)+$/, '').replace(/\/$/, '')));
}

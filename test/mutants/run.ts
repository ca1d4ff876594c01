/**
 * Shows that a wrong dividend is seen: each mutant of the first calculator is applied to a copy of the sources outside the
 * tree, and must be found by the second calculator (agreement on generated races) or by the tests of it and of the pricing commands. Exits 1
 * when fewer than 48 of 50 are. `npm run mutants:tote [-- --only='text|other text']`; never touches the tree that it runs from.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Mutant, mutants } from './tote-mutants.js';

const LEAST_KILLED = 48;
const LONGEST_MS = 300_000;
const only = (process.argv.find((word) => word.startsWith('--only='))?.slice('--only='.length) ?? '').split('|');
const tree = resolve(import.meta.dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'mutuel-mutants-'));

/** What does not end says nothing about a mutant: it ends the run, so that slowness is not taken for sight. */
function node(...args: readonly string[]): boolean {
  const { status, error } = spawnSync(process.execPath, args, { cwd: copy, stdio: 'ignore', timeout: LONGEST_MS });
  if (error) throw error;
  return status === 0;
}

const agreement = (races: number, seed: number): boolean =>
  node('--import', 'tsx', '--conditions=src', 'bench/agreement.ts', `--races=${races}`, `--seed=${seed}`, '--first');
const unitTests = (): boolean =>
  node(
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'unit',
    '--bail=1',
    '--testTimeout=60000',
    'libs/tote/test',
    'libs/pricing/test',
  );

/** What sees it, in the order tried: few races, the tests, many races. */
const judges: readonly (readonly [name: string, passes: () => boolean])[] = [
  ['the second calculator', () => agreement(650, 1)],
  ['the tests', unitTests],
  ['the second calculator, on many races', () => agreement(2_600, 2)],
];

function killer({ file, find, replace }: Mutant): string | undefined {
  const path = join(copy, 'libs/tote/src', file);
  const source = readFileSync(path, 'utf8');
  if (source.split(find).length !== 2) return `nothing: "${find}" does not stand exactly once in ${file}`;
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  try {
    return judges.find(([, passes]) => !passes())?.[0];
  } finally {
    writeFileSync(path, source);
  }
}

function main(): void {
  for (const part of ['libs', 'bench', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
    cpSync(join(tree, part), join(copy, part), { recursive: true });
  symlinkSync(join(tree, 'node_modules'), join(copy, 'node_modules'));
  const sick = judges.find(([, passes]) => !passes());
  if (sick) throw new Error(`the sources as they are fail ${sick[0]}: no mutant would prove anything`);
  const chosen = mutants.filter(({ rule, file }) => only.some((text) => `${file} ${rule}`.includes(text)));
  let killed = 0;
  for (const mutant of chosen) {
    const by = killer(mutant);
    const isKilled = by !== undefined && !by.startsWith('nothing');
    if (isKilled) killed += 1;
    console.log(`${isKilled ? 'seen' : 'MISSED'}  ${mutant.file}: ${mutant.rule}${by ? ` (by ${by})` : ''}`);
  }
  console.log(`${killed} of ${chosen.length} mutants seen`);
  if (killed < Math.min(chosen.length, LEAST_KILLED)) process.exitCode = 1;
}

try {
  main();
} finally {
  rmSync(copy, { recursive: true, force: true });
}

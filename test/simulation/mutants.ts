/**
 * Shows that the simulation sees: silent wrong behaviours, one for each rule, applied one at a time to a copy of the sources outside the
 * tree; each must turn seeds red. Survivors are named. It must never touch the tree itself.
 *
 *   npm run simulate:mutants -- [--seeds N] [--commands M] [--only text]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { script, wholeFrom } from '../flags.js';
import { type Mutant, mutants } from './mutant-list.js';

/** How many may survive: one, named with its reason. */
const MAY_SURVIVE = 1;
const SEED = 1;
/** So many seeds of the sources as they are must be green first: what is broken anyway kills every mutant. */
const SOUND_SEEDS = 10;

const values = script('npm run simulate:mutants --', 'Whether the simulation sees each of a list of wrong behaviours.')
  .option('--seeds <n>', 'through each, at most', wholeFrom(1), 1_000)
  .option('--commands <n>', 'of each seed', wholeFrom(1), 700)
  .option('--only <text>', 'mutants whose name holds it', '')
  .parse()
  .opts<{ readonly seeds: number; readonly commands: number; readonly only: string }>();

const root = resolve(import.meta.dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'mutuel-mutants-'));
process.exitCode = 1;
try {
  process.exitCode = main();
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function main(): number {
  for (const name of ['libs', 'test/simulation', 'test/flags.ts', 'package.json', 'tsconfig.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const chosen = mutants.filter(({ name }) => name.includes(values.only));
  const found = finding(SOUND_SEEDS);
  if (found !== undefined)
    throw new Error(`the sources as they are turn red, no mutant would prove anything: ${found}`);
  const survivors: Mutant[] = [];
  for (const mutant of chosen) {
    const began = performance.now();
    const finding = findingOf(mutant);
    const seconds = ((performance.now() - began) / 1_000).toFixed(0);
    console.log(
      `${finding === undefined ? 'SURVIVED' : 'killed  '} ${mutant.name} (${seconds} s)${finding === undefined ? '' : `: ${finding}`}`,
    );
    if (finding === undefined) survivors.push(mutant);
  }
  console.log(`${chosen.length - survivors.length} of ${chosen.length} killed`);
  for (const { name, why } of survivors) console.log(`survived: ${name}${why === undefined ? '' : `: ${why}`}`);
  return survivors.length <= MAY_SURVIVE ? 0 : 1;
}

/** The first broken rule that the simulation names, or undefined where every seed stays green. */
function findingOf({ name, file, from, to }: Mutant): string | undefined {
  const path = join(copy, 'libs', file);
  const text = readFileSync(path, 'utf8');
  if (text.split(from).length !== 2) throw new Error(`${name}: ${file} does not hold exactly once: ${from}`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  try {
    return finding(values.seeds);
  } finally {
    writeFileSync(path, text);
  }
}

function finding(seeds: number): string | undefined {
  const args = ['--import', 'tsx', '--conditions=src', 'test/simulation/main.ts', '--stop-at', '1', '--jobs', '1'];
  const more = ['--seed', String(SEED), '--seeds', String(seeds), '--commands', String(values.commands)];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...args, ...more], { cwd: copy, encoding: 'utf8' });
  if (status === 0) return undefined;
  const at = stdout.indexOf('FAILED seed');
  if (at < 0) throw new Error(`the simulation did not run: ${stderr.slice(0, 2_000)}`);
  const [where = '', what = ''] = stdout.slice(at).split('\n');
  return `${what.trim().slice(0, 160)} (${/seed \d+/.exec(where)?.[0]})`;
}

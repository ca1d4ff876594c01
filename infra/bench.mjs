/**
 * `npm run bench`: the benchmarks under bench/, one after the other and alone on the machine as far as we can see to it, or only
 * those named. Each prints its own table; flags after the names go to each of them.
 *
 *   npm run bench [-- log engine] [--flags]
 */
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run } from './workspace.mjs';

const all = readdirSync(join(root, 'bench'))
  .filter((file) => /^[a-z0-9-]+\.(ts|mjs)$/.test(file))
  .sort();
const names = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const flags = process.argv.slice(2).filter((word) => word.startsWith('-'));
const nameOf = (file) => file.replace(/\.(ts|mjs)$/, '');
const unknown = names.find((name) => !all.some((file) => nameOf(file) === name));

if (unknown !== undefined) {
  console.error(`"${unknown}" is no benchmark; there are ${all.map(nameOf).join(', ')}.`);
  process.exitCode = 2;
} else {
  await runAll(all.filter((file) => names.length === 0 || names.includes(nameOf(file))));
}

async function runAll(files) {
  await ensureInstalled();
  await ensureBuilt();
  const memory = Math.round(totalmem() / 2 ** 30);
  console.log(
    `Node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, ${memory} GiB`,
  );
  for (const file of files) {
    console.log(`\n== ${nameOf(file)}`);
    const args = ['--import', 'tsx', '--conditions=src', join('bench', file), ...flags];
    const { code } = await run(process.execPath, args, { stdout: 1 });
    if (code === 0) continue;
    console.error(`${file} ended with code ${code}`);
    process.exitCode = 1;
  }
}

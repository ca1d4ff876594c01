/**
 * `npm run bench`: the benchmarks under bench/, one after the other and alone on the machine as far as we can see to it, or only
 * those named. Each prints its own table; flags after the names go to each of them.
 *
 *   npm run bench [-- log engine] [--flags]
 */
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { command, ensureInstalled, root, run, StepError } from './workspace.mjs';

await command(async () => {
  const all = readdirSync(join(root, 'bench'))
    .filter((file) => /^[a-z0-9-]+\.(ts|mjs)$/.test(file))
    .sort();
  const words = process.argv.slice(2);
  const names = words.filter((word) => !word.startsWith('-'));
  const unknown = names.find((name) => !all.some((file) => nameOf(file) === name));
  if (unknown !== undefined)
    throw new StepError(`"${unknown}" is no benchmark; there are ${all.map(nameOf).join(', ')}.`);
  await ensureInstalled();
  const memory = Math.round(totalmem() / 2 ** 30);
  console.log(
    `Node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, ${memory} GiB`,
  );
  const chosen = all.filter((file) => names.length === 0 || names.includes(nameOf(file)));
  for (const file of chosen)
    await runOne(
      file,
      words.filter((word) => word.startsWith('-')),
    );
});

async function runOne(file, flags) {
  console.log(`\n== ${nameOf(file)}`);
  const args = ['--import', 'tsx', '--conditions=src', join('bench', file), ...flags];
  const { code } = await run(process.execPath, args, { stdout: 1 });
  if (code === 0) return;
  console.error(`${file} ended with code ${code}`);
  process.exitCode = 1;
}

function nameOf(file) {
  return file.replace(/\.(ts|mjs)$/, '');
}

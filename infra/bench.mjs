/**
 * `npm run bench`: the benchmarks under bench/, one after the other and alone on the machine as far as we can see to it, or only
 * those named. Each prints its own table; flags after the names go to each of them.
 *
 *   npm run bench [-- log engine] [--flags]
 *   npm run bench -- --small        each in its small mode, on native servers of its own: that none rots, not how fast they are
 *   npm run bench -- --minutes 30   begins nothing after them, and says what it did not run
 */
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { up, wipe } from './native/index.mjs';
import { command, ensureBuilt, ensureInstalled, root, run, StepError } from './workspace.mjs';

/** These replay real lists of races, which are no part of the project: only by name, with the file. */
const withFiles = ['french-cards', 'french-race', 'hong-kong', 'swedish-games', 'us-races'];
/** What these measure stands on servers that the environment names. */
const onServers = ['kafka-path', 'log', 'projector', 'takeover'];
const instance = 'bench-small';

await command(async () => {
  const all = readdirSync(join(root, 'bench'))
    .filter((file) => /^[a-z0-9-]+\.(ts|mjs)$/.test(file))
    .sort();
  const {
    positionals: names,
    values,
    tokens,
  } = parseArgs({
    ...{ strict: false, allowPositionals: true, tokens: true },
    options: { minutes: { type: 'string' } },
  });
  const unknown = names.find((name) => !all.some((file) => nameOf(file) === name));
  if (unknown !== undefined)
    throw new StepError(`"${unknown}" is no benchmark; there are ${all.map(nameOf).join(', ')}.`);
  await ensureInstalled();
  const memory = Math.round(totalmem() / 2 ** 30);
  console.log(
    `Node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, ${memory} GiB`,
  );
  const chosen = all.filter((file) =>
    names.length === 0 ? !withFiles.includes(nameOf(file)) : names.includes(nameOf(file)),
  );
  const minutes = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(String(values.minutes));
  if (!(minutes > 0)) throw new StepError(`--minutes takes a number, not "${values.minutes}".`);
  const began = performance.now();
  const notRun = [];
  const flags = tokens
    .filter(({ kind, name }) => kind === 'option' && name !== 'minutes')
    .map(({ rawName, value }) => (value === undefined ? rawName : `${rawName}=${value}`));
  const isSmall = flags.includes('--small');
  await ensureBuilt();
  try {
    // Each on brokers of its own where it makes the topics of the real thing: partitions of another would not fit.
    for (const file of chosen) {
      if (performance.now() - began > minutes * 60_000) {
        notRun.push(nameOf(file));
        continue;
      }
      const servers = isSmall && onServers.includes(nameOf(file)) ? freshServers : () => ({});
      await runOne(file, flags, servers).catch((fault) => {
        console.error(`${file} ended: ${fault.message}`);
        process.exitCode = 1;
      });
    }
    if (notRun.length > 0) console.log(`The ${minutes} minutes are over; not run: ${notRun.join(', ')}`);
  } finally {
    if (isSmall) await wipe({ instance });
  }
});

async function freshServers() {
  await wipe({ instance });
  return up({ instance });
}

async function runOne(file, flags, servers) {
  console.log(`\n== ${nameOf(file)}`);
  const env = await servers();
  const args = ['--import', 'tsx', '--conditions=src', join('bench', file), ...flags];
  const { code } = await run(process.execPath, args, { env, stdout: 1 });
  if (code === 0) return;
  console.error(`${file} ended with code ${code}`);
  process.exitCode = 1;
}

function nameOf(file) {
  return file.replace(/\.(ts|mjs)$/, '');
}

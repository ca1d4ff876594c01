/**
 * `log export`: the log of a moment as one file that can be checked elsewhere (`verify log`): nothing in it rests on something that is
 * not, whatever the clocks say that stamped it. The file comes into its place only when it is whole.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import {
  EXIT,
  endsOfMoment,
  type LogEnds,
  type LogReader,
  openLogReader,
  readConfig,
  StartFault,
} from '#mutuel/platform';
import { type ExportHead, ExportWriter, exportOrder } from '#mutuel/verify';

const READ_AT_ONCE = 2_000;
const TELL_EVERY_MS = 2_000;

export function addExport(log: Command): void {
  log
    .command('export')
    .description('write the log of this moment into one file, for `mutuel verify log`')
    .argument('<file>', 'where to')
    // `--data` is an option of `log` itself.
    .action(async (file: string, _: object, self: Command) =>
      exportLog(file, self.optsWithGlobals<{ data: string }>().data),
    );
}

async function exportLog(file: string, data: string): Promise<void> {
  const config = readConfig({ args: ['--data', data], env: process.env, demoByDefault: false });
  const reader = await openLogReader(config, (line) => console.error(line));
  const partial = `${file}.partial`;
  try {
    const moment = new Date();
    const ends = await endsOfMoment(reader);
    const written = { records: 0 };
    const out = createWriteStream(partial);
    await pipeline(exported(reader, ends, written), out).catch((fault: Error) => {
      if (out.errored !== fault) throw fault;
      const line = `The export cannot be written to ${partial}, and nothing is left of it: ${fault.message}`;
      throw new StartFault([line], EXIT.FOLDER, { cause: fault });
    });
    await rename(partial, file);
    console.error(
      `${written.records.toLocaleString('en')} records, all that there was at ${moment.toISOString()}, written to ${file}`,
    );
  } finally {
    await rm(partial, { force: true });
    await reader.close();
  }
}

/** The bytes of the file, piece by piece; counts the records in them. */
async function* exported(reader: LogReader, ends: LogEnds, written: { records: number }): AsyncGenerator<Buffer> {
  const head: ExportHead = {
    shards: reader.topics.get('shard.decisions') ?? 0,
    topics: Object.fromEntries(reader.topics),
  };
  const writer = new ExportWriter();
  yield writer.head(head);
  let told = Date.now();
  for (const [topic, partition] of exportOrder(head)) {
    const place = { topic, partition };
    let from = (await reader.bounds(place)).start;
    for (const end = ends.of(place); from < end; ) {
      const batch = await reader.read({ ...place, from }, Math.min(READ_AT_ONCE, end - from));
      // The embedded files may give some more than they are asked for.
      const wanted = batch.filter(({ offset }) => offset < end);
      if (wanted.length === 0)
        throw new StartFault(
          [`${topic}[${partition}] held records up to ${end} and gives none from ${from} on.`],
          EXIT.LOG,
        );
      yield Buffer.concat(wanted.map(({ offset, time, value }) => writer.record({ ...place, offset, time, value })));
      from += wanted.length;
      written.records += wanted.length;
      if (Date.now() - told < TELL_EVERY_MS) continue;
      told = Date.now();
      console.error(`${topic}/${partition}: ${written.records.toLocaleString('en')} records so far`);
    }
  }
  yield writer.end();
}

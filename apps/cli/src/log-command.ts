/** `log`: any record of any topic in human form, from the embedded files beside a running system or from Kafka; filtered, followed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { TOPICS } from '#mutuel/contracts';
import { openLogReader, readConfig } from '#mutuel/platform';
import { dataOption } from './data-option.js';
import { type LogFilter, lineOf, matches, readEntry } from './log-entry.js';

interface LogFlags extends LogFilter {
  readonly data: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly from: number;
  readonly limit?: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const NAMES: Readonly<Record<string, string>> = {
  commands: TOPICS.shardCommands,
  decisions: TOPICS.shardDecisions,
  'market-commands': TOPICS.marketCommands,
  market: TOPICS.marketDecisions,
  odds: TOPICS.odds,
  cluster: TOPICS.cluster,
};
const POLL_MS = 250;
const READ_AT_ONCE = 500;

const KNOWN = [...new Set([...Object.keys(NAMES), ...Object.values(TOPICS)])];

export function addLog(program: Command): Command {
  return program
    .command('log')
    .description('records of the log in human form')
    .addOption(dataOption())
    .addArgument(new Argument('[topic]', 'only this topic, as by --topic').choices(KNOWN))
    .addOption(new Option('--topic <name>', 'only this topic').choices(KNOWN))
    .option('--partition <number>', 'only this partition', count)
    .option('--from <offset>', 'first offset', count, 0)
    .option('--limit <number>', 'at most so many records', count)
    .option('--account <id>', 'only records that touch this account')
    .option('--race <id>', 'only records that touch this race')
    .option('--ticket <id>', 'only records that touch this ticket, by id or reference')
    .option('--follow', 'go on with what is appended')
    .option('--json', 'the records as they are, one a line')
    .action(async (topic: string | undefined, flags: LogFlags) =>
      show(topic === undefined ? flags : { ...flags, topic }),
    );
}

async function show(flags: LogFlags): Promise<void> {
  const config = readConfig({ args: ['--data', flags.data], env: process.env, demoByDefault: false });
  const reader = await openLogReader(config, (line) => console.error(line));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  process.stdout.on('error', () => stop.abort());
  try {
    const wanted = flags.topic === undefined ? undefined : (NAMES[flags.topic] ?? flags.topic);
    const places = [...reader.topics]
      .filter(([topic]) => wanted === undefined || topic === wanted)
      .flatMap(([topic, partitions]) =>
        Array.from({ length: partitions }, (_, partition) => ({ topic, partition, next: flags.from })),
      )
      .filter(({ partition }) => flags.partition === undefined || partition === flags.partition);
    let left = flags.limit ?? Number.POSITIVE_INFINITY;
    while (!stop.signal.aborted && left > 0) {
      let read = 0;
      for (const place of places) {
        const records = left > 0 ? await reader.read({ ...place, from: place.next }, READ_AT_ONCE) : [];
        for (const record of records) {
          place.next = record.offset + 1;
          read++;
          const entry = readEntry(record.value);
          if (left <= 0 || !matches(entry, flags)) continue;
          left--;
          process.stdout.write(
            `${flags.json ? Buffer.from(record.value).toString('utf8') : lineOf(place, record, entry)}\n`,
          );
        }
      }
      if (read > 0) continue;
      if (!flags.follow) return;
      await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    await reader.close();
  }
}

function count(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 0 on.');
}

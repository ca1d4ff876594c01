/** `topics`, `lag`, `backup`, `replay`, `remap` and `restore`: what somebody who runs the servers asks for. Answers on standard output, one line each. */
import { type Command, InvalidArgumentError } from 'commander';
import {
  asStartFault,
  type Books,
  backup,
  type Config,
  checkTopics,
  compareBooks,
  createTopics,
  EXIT,
  exitCodeOf,
  lagOf,
  readConfig,
  remap,
  replayArchive,
  restore,
} from '#mutuel/platform';
import { dataOption } from './data-option.js';

const warn = (line: string): void => console.error(line);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

export function addOperations(program: Command): void {
  const topics = program.command('topics').description('the topics of the log on Kafka');
  topics
    .command('create')
    .description('make those that are missing, with the settings the log relies on (SHARDS, KAFKA_REPLICATION)')
    .action(async () => told(await createTopics(configOf(), warn)));
  topics
    .command('check')
    .description('a line for everything that makes them unsafe; exit code 6 when there is one')
    .action(async () => told(await checkTopics(configOf(), warn)));
  program
    .command('lag')
    .description('how far deciders and read models are behind the log')
    .addOption(dataOption())
    .option('--fail-above <records>', 'exit code 1 when more wait anywhere', wholeNumber)
    .action(async ({ data, failAbove }: { data: string; failAbove?: number }) => showLag(configOf(data), failAbove));
  program
    .command('backup')
    .description('add what the log has gained to an archive of files, beside a running system')
    .argument('<folder>', 'the archive; made if needed')
    .addOption(dataOption())
    .action(async (folder: string, { data }: { data: string }) => {
      const { records, bytes, cut } = await backup(configOf(data), folder, warn);
      say(`Archived ${records} records in ${bytes} bytes, up to ${new Date(cut).toISOString()}.`);
    });
  program
    .command('replay')
    .description(
      'fold archived days once more, each from its opening state, and compare with the checkpoints in the log',
    )
    .argument('<folder>', 'the archive; openings are kept in it')
    .option('--day <date>', 'this day alone, YYYY-MM-DD')
    .action(async (folder: string, { day }: { day?: string }) => replay(folder, day));
  const map = program
    .command('remap')
    .description('another number of shards, in maintenance, into a new cluster epoch');
  map
    .command('write')
    .description('open the accounts of an archive in an empty log (--data, --shards and CLUSTER_EPOCH of the new one)')
    .argument('<folder>', 'the archive of the old log, with nothing standing in it')
    .addOption(dataOption())
    .requiredOption('--shards <count>', 'of the new log')
    .action(async (folder: string, { data, shards }: { data: string; shards: string }) => {
      say(booksText(await remap(configOf(data, '--shards', shards), folder, warn)));
    });
  map
    .command('check')
    .description('the books of the archive and of the new log once its engine has run; exit code 1 when they differ')
    .argument('<folder>', 'the archive of the old log')
    .addOption(dataOption())
    .action(async (folder: string, { data }: { data: string }) => {
      const { before, after } = await compareBooks(configOf(data), folder, warn);
      for (const books of [before, after]) say(booksText(books));
      say(before.hash === after.hash ? 'The books are equal.' : 'THE BOOKS DIFFER: sell nothing.');
      if (before.hash !== after.hash) process.exitCode = EXIT.FAULT;
    });
  program
    .command('restore')
    .description('write an archive into a new data folder, or into topics that do not exist yet')
    .argument('<folder>', 'the archive')
    .addOption(dataOption())
    .action(async (folder: string, { data }: { data: string }) => {
      const { records, cut } = await restore(configOf(data), folder, warn);
      say(
        `Restored ${records} records, up to ${new Date(cut).toISOString()}. Make the read models: npx mutuel rebuild`,
      );
    });
}

async function replay(folder: string, day: string | undefined): Promise<void> {
  try {
    for (const { src, day: one, decisions, comparedWith } of await replayArchive(folder, day, warn)) {
      const outcome =
        comparedWith === undefined ? 'not compared: no checkpoint of this layout follows' : `as at ${comparedWith}`;
      say(`${src} ${one ?? 'from the beginning'} ${decisions} decisions ${outcome}`);
    }
  } catch (fault) {
    if (fault instanceof Error && exitCodeOf(fault) === EXIT.HALTED) asStartFault(fault);
    throw fault;
  }
}

function booksText({ shards, accounts, balances, owed, hash }: Books): string {
  const sums = Object.entries(balances).map(([currency, sum]) => `${currency} ${sum}`);
  return `${shards} shards, ${accounts} accounts, ${[...sums, `owed ${owed}`].join(', ')}, books ${hash}`;
}

function configOf(data?: string, ...more: string[]): Config {
  return readConfig({
    args: [...(data === undefined ? [] : ['--data', data]), ...more],
    env: process.env,
    demoByDefault: false,
  });
}

function told(faults: readonly { readonly kind: string; readonly sentence: string }[]): void {
  for (const { kind, sentence } of faults) say(`${kind} ${sentence}`);
  if (faults.length === 0) say('The topics are safe.');
  else process.exitCode = EXIT.TOPICS;
}

async function showLag(config: Config, failAbove = Number.POSITIVE_INFINITY): Promise<void> {
  let worst = 0;
  for (const { source, undecided, unprojected, lastAt } of await lagOf(config, warn)) {
    worst = Math.max(worst, undecided ?? 0, unprojected ?? 0);
    const last = lastAt === 0 ? 'never' : new Date(lastAt).toISOString();
    say(`${source} undecided=${undecided ?? '-'} unprojected=${unprojected ?? '-'} last=${last}`);
  }
  if (worst > failAbove) process.exitCode = EXIT.FAULT;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 0 on.');
}

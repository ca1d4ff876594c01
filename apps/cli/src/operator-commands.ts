/** `topics`, `lag`, `backup` and `restore`: what somebody who runs the servers asks for. Answers on standard output, one line each. */
import { type Command, InvalidArgumentError } from 'commander';
import { backup, type Config, checkTopics, createTopics, EXIT, lagOf, readConfig, restore } from '#mutuel/platform';

const DATA = ['--data <folder>', 'data folder of an embedded system', 'var/data'] as const;
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
    .option(...DATA)
    .option('--fail-above <records>', 'exit code 1 when more wait anywhere', wholeNumber)
    .action(async ({ data, failAbove }: { data: string; failAbove?: number }) => showLag(configOf(data), failAbove));
  program
    .command('backup')
    .description('add what the log has gained to an archive of files, beside a running system')
    .argument('<folder>', 'the archive; made if needed')
    .option(...DATA)
    .action(async (folder: string, { data }: { data: string }) => {
      const { records, bytes, cut } = await backup(configOf(data), folder, warn);
      say(`Archived ${records} records in ${bytes} bytes, up to ${new Date(cut).toISOString()}.`);
    });
  program
    .command('restore')
    .description('write an archive into a new data folder, or into topics that do not exist yet')
    .argument('<folder>', 'the archive')
    .option(...DATA)
    .action(async (folder: string, { data }: { data: string }) => {
      const { records, cut } = await restore(configOf(data), folder, warn);
      say(
        `Restored ${records} records, up to ${new Date(cut).toISOString()}. Make the read models: npx mutuel rebuild`,
      );
    });
}

function configOf(data = 'var/data'): Config {
  return readConfig({ args: ['--data', data], env: process.env, demoByDefault: false });
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

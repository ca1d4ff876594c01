/**
 * `quarantine`: commands that were set aside unread (`list`), and the word of two people on one that stops its decider (`skip`, `agree`):
 * a market fact, a shard's report, whatever the house has signed and no release at hand can decide.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { TOPICS } from '#mutuel/contracts';
import { EXIT, openLogReader, readConfig, StartFault, speakOnSkip } from '#mutuel/platform';
import { MARKET_SOURCE, shardSource, validRecords } from '#mutuel/runtime';
import { dataOption } from './data-option.js';

const READ_AT_ONCE = 10_000;
const tell = (line: string): void => console.error(line);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

export function addQuarantine(program: Command): void {
  const quarantine = program.command('quarantine').description('commands that were set aside, and those to set aside');
  quarantine
    .command('list')
    .description('each with its place in the command log, its id and when it was set aside; of the whole log')
    .addOption(dataOption())
    .action(({ data }: { data: string }) => list(data));
  quarantine
    .command('skip')
    .description(
      'ask for the command that a stopped decider stands at to be set aside; who asks is who MUTUEL_TOKEN names',
    )
    .argument('<source>', 'market or shard-N, as its last line named it')
    .argument('<offset>', 'of the command, as its last line named it', wholeNumber)
    .requiredOption('--reason <text>', 'why; it stands in the decision')
    .addOption(dataOption())
    .action(async (src: string, offset: number, { reason, data }: { reason: string; data: string }) => {
      const said = await speakOnSkip(configOf(data), { src, offset, reason, token: token() }, tell);
      if ('asked' in said) say(`Asked for: ${said.asked}`);
      say(`Another person agrees with: mutuel quarantine agree ${src} ${offset}`);
    });
  quarantine
    .command('agree')
    .description(
      'agree, as a second person, with what was asked for; the decider sets the command aside at its next start',
    )
    .argument('<source>', 'market or shard-N')
    .argument('<offset>', 'of the command', wholeNumber)
    .addOption(dataOption())
    .action(async (src: string, offset: number, { data }: { data: string }) => {
      const said = await speakOnSkip(configOf(data), { src, offset, token: token() }, tell);
      if ('by' in said) say(`Agreed by ${said.by[0]} and ${said.by[1]}: ${said.reason}. Start the engine.`);
    });
}

function configOf(data: string) {
  return readConfig({ args: ['--data', data], env: process.env, demoByDefault: false });
}

/** In the environment, since everybody on a machine sees the arguments of its processes. */
function token(): string {
  const given = process.env['MUTUEL_TOKEN'];
  if (given) return given;
  throw new StartFault(['MUTUEL_TOKEN must be set: the bearer token of an operator.'], EXIT.SETTING);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 0 on.');
}

async function list(data: string): Promise<void> {
  const reader = await openLogReader(configOf(data), tell);
  try {
    const shards = reader.topics.get(TOPICS.shardDecisions) ?? 0;
    let found = 0;
    for (const { src, at } of [...Array.from({ length: shards }, (_, shard) => shardSource(shard)), MARKET_SOURCE]) {
      const valid = validRecords(src, at);
      const { end } = await reader.bounds(at);
      const commands = src === MARKET_SOURCE.src ? TOPICS.marketCommands : TOPICS.shardCommands;
      while (valid.next < end) {
        for (const record of await reader.read({ ...at, from: valid.next }, READ_AT_ONCE)) {
          const accepted = valid.accept(record);
          if (accepted.kind !== 'valid' || accepted.decision.code !== 'QUARANTINED') continue;
          const { seq, in: place, cid, at: time, detail } = accepted.decision;
          const where = `${commands}[${at.partition}] offset ${place[1]}`;
          say(`${src} seq ${seq} ${where} command ${cid} appended ${new Date(time).toISOString()}: ${detail ?? ''}`);
          found++;
        }
      }
    }
    if (found === 0) tell('Nothing was set aside.');
  } finally {
    await reader.close();
  }
}

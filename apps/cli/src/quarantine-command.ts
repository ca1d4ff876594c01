/** `quarantine list`: client commands that were set aside unread, because deciding them had ended three incarnations. */
import type { Command } from 'commander';
import { TOPICS } from '#mutuel/contracts';
import { openLogReader, readConfig } from '#mutuel/platform';
import { MARKET_SOURCE, shardSource, validRecords } from '#mutuel/runtime';

const READ_AT_ONCE = 10_000;

export function addQuarantine(program: Command): void {
  const quarantine = program.command('quarantine').description('client commands that were set aside unread');
  quarantine
    .command('list')
    .description('each with its place in the command log, its id and when it was set aside; of the whole log')
    .option('--data <folder>', 'data folder of an embedded system', 'var/data')
    .action(({ data }: { data: string }) => list(data));
}

async function list(data: string): Promise<void> {
  const config = readConfig({ args: ['--data', data], env: process.env, demoByDefault: false });
  const reader = await openLogReader(config, (line) => console.error(line));
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
          const { seq, in: place, cid, at: time } = accepted.decision;
          const where = `${commands}[${at.partition}] offset ${place[1]}`;
          process.stdout.write(`${src} seq ${seq} ${where} command ${cid} appended ${new Date(time).toISOString()}\n`);
          found++;
        }
      }
    }
    if (found === 0) console.error('Nothing was set aside.');
  } finally {
    await reader.close();
  }
}

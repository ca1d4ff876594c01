/** `snapshot`: what the deciders would start from, whether it can be trusted, and one more of them. */
import { setPriority } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { readConfig, type SnapshotReport, takeSnapshots, verifySnapshots } from '#mutuel/platform';
import { dataOption } from './data-option.js';

interface Place {
  readonly src: string;
  readonly end: number;
}

const LOWEST_PRIORITY = 19;

export function addSnapshot(program: Command): void {
  const snapshot = program.command('snapshot').description('snapshots of the deciders’ states in the data folder');
  const tell = (line: string): void => console.error(line);
  const config = (data: string) => readConfig({ args: ['--data', data], env: process.env, demoByDefault: false });
  const show = async (data: string, replay: boolean): Promise<void> => {
    const reports = await verifySnapshots(config(data), { replay }, tell);
    for (const report of reports) process.stdout.write(`${lineOf(report)}\n`);
    if (reports.length === 0) tell('There are no snapshots: deciders start at the beginning of the log.');
    if (reports.some(({ fault }) => fault !== undefined)) process.exitCode = 1;
  };
  snapshot
    .command('list')
    .description('every snapshot with its place, age and size of state, checked by its hashes and against the log')
    .addOption(dataOption('the engine'))
    .action(({ data }: { data: string }) => show(data, false));
  snapshot
    .command('verify')
    .description('the same, and the log folded anew from its beginning to compare the states')
    .addOption(dataOption('the engine'))
    .action(({ data }: { data: string }) => show(data, true));
  snapshot
    .command('take')
    .description('fold the log into new snapshots, as a running engine has it done by itself')
    .addOption(dataOption('the engine'))
    .option('--quiet', 'no lines for what was taken')
    .argument('[source@offset...]', 'only these, up to these offsets', places)
    .action(async (only: Place[] | undefined, { data, quiet }: { data: string; quiet?: boolean }) => {
      setPriority(LOWEST_PRIORITY);
      const taken = await takeSnapshots(config(data), only?.length ? only : undefined, tell);
      if (quiet) return;
      for (const head of taken)
        process.stdout.write(`${lineOf({ src: head.src, seq: head.seq, head, fault: undefined })}\n`);
    });
}

function lineOf({ src, seq, head, fault }: SnapshotReport): string {
  const taken = head ? ` next ${head.next} taken ${new Date(head.at).toISOString()} state ${head.stateHash}` : '';
  return `${src} seq ${seq}${taken} ${fault === undefined ? 'sound' : `NOT USABLE: ${fault}`}`;
}

function places(text: string, before: Place[] | undefined): Place[] {
  const [, src, end] = /^([a-z0-9-]+)@(\d+)$/.exec(text) ?? [];
  if (src === undefined || end === undefined)
    throw new InvalidArgumentError('It must be a source and an offset: shard-0@1234.');
  return [...(before ?? []), { src, end: Number(end) }];
}

/** The commands that have to do with a system: start it, look at it, keep it. */
import type { Command } from 'commander';
import { ROLES, run } from '#mutuel/platform';
import { addEvidence } from './evidence-command.js';
import { addExport } from './export-command.js';
import { addLog } from './log-command.js';
import { addOperations } from './operator-commands.js';
import { addQuarantine } from './quarantine-command.js';
import { addRebuild } from './rebuild-command.js';
import { addSnapshot } from './snapshot-command.js';

export function addSystem(program: Command): void {
  program
    .command('start')
    .description('run the whole system in this process, with its demo unless --no-demo is given')
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[flags...]', '--port --data --rate --no-demo --card FILE and more, checked by the system')
    .action((flags: string[]) => run({ roles: ROLES, demoByDefault: true, args: flags }));
  addRebuild(program);
  addSnapshot(program);
  addQuarantine(program);
  addExport(addLog(program));
  addEvidence(program);
  addOperations(program);
}

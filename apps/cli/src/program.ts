/** Every command of `npx mutuel`, put together and not yet asked for anything: it must open nothing before one is. */
import { Command } from 'commander';
import { ROLES, run } from '#mutuel/platform';
import { addEvidence } from './evidence-command.js';
import { addExport } from './export-command.js';
import { addLog } from './log-command.js';
import { addOperations } from './operator-commands.js';
import { addPricing } from './pricing-commands.js';
import { addQuarantine } from './quarantine-command.js';
import { addRebuild } from './rebuild-command.js';
import { addRules } from './rules-commands.js';
import { addSnapshot } from './snapshot-command.js';
import { addVerify } from './verify-command.js';

export function mutuelProgram(): Command {
  const program = new Command('mutuel')
    .description('A pari-mutuel operator: bets, pools, odds, dividends, payment.')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .showSuggestionAfterError();

  program
    .command('start')
    .description('run the whole system in this process, with its demo unless --no-demo is given')
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[flags...]', '--port --data --rate --no-demo --card FILE and more, checked by the system')
    .action((flags: string[]) => run({ roles: ROLES, demoByDefault: true, args: flags }));
  addPricing(program);
  addRules(program);
  addRebuild(program);
  addSnapshot(program);
  addQuarantine(program);
  addExport(addLog(program));
  addVerify(program);
  addEvidence(program);
  addOperations(program);
  return program;
}

/**
 * Every command of `npx mutuel`, put together and not yet asked for anything: it must open nothing before one is. What needs no more than
 * files comes without the platform, whose loading takes longer than most of those commands.
 */
import { Command } from 'commander';
import { addPricing } from './pricing-commands.js';
import { addRules } from './rules-commands.js';
import { addVerify } from './verify-command.js';

/** The program for these arguments (without those of Node): the commands of files alone where they ask for one of them. */
export async function mutuelProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('mutuel')
    .description('A pari-mutuel operator: bets, pools, odds, dividends, payment.')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .showSuggestionAfterError();
  addPricing(program);
  addRules(program);
  addVerify(program);
  if (program.commands.some((command) => command.name() === args[0])) return program;
  const { addSystem } = await import('./system-commands.js');
  addSystem(program);
  return program;
}

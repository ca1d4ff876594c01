/** `price`, `count`, `probables` and `schema`: the pricing door for outsiders, line by line, without any server. */
import { Argument, type Command } from 'commander';
import { type PricingCommand, runPricing, schemaOf } from '#mutuel/pricing';
import { textOf } from './files.js';

const COMMANDS: Readonly<Record<PricingCommand, string>> = {
  price: 'a pool to its dividends',
  count: 'a formula to its lines and cost',
  probables: 'stakes to indicative odds',
};

export function addPricing(program: Command): void {
  for (const [name, what] of Object.entries(COMMANDS) as [PricingCommand, string][]) {
    program
      .command(name)
      .description(`${what}: one JSON object a line in, one out; exit code 2 when a line was refused`)
      .argument('<file>', 'a file, or - for standard input')
      .action((file: string) => {
        process.exitCode = runPricing(name, textOf(file), (line) => process.stdout.write(`${line}\n`));
      });
  }
  program
    .command('schema')
    .description('the JSON Schema of a command’s input, output and refusals')
    .addArgument(new Argument('<command>').choices(Object.keys(COMMANDS)))
    .action((name: PricingCommand) => {
      process.stdout.write(`${JSON.stringify(schemaOf(name), null, 2)}\n`);
    });
}

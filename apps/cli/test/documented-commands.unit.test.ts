/** Every `mutuel` command that README and documents print is one that the program takes: names, arguments and flags. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { expect, it } from 'vitest';
import { mutuelProgram } from '../src/program.js';

const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...inFolder('docs'), ...inFolder('docs/runbooks')];

function inFolder(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

/** In backquotes, or on an indented line of its own; what is before (`npx`, a variable, a pipe) and after (another command) is the shell's. */
const PRINTED = /(?:`|^ {4}|[|;] *)(?:[A-Z_]+=\S+ )*(?:npx )?mutuel ([a-z][^`|;\n]*)/gm;

const printed = documents.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(PRINTED)].map(([, text = '']) => [file, text.trim()] as const),
);

/** A command's name alone is a mention of it and lacks what it needs; an example lacks nothing that it should not have. */
const LACKING = new Set(['commander.missingArgument', 'commander.missingMandatoryOptionValue', 'commander.help']);

/** Placeholders as values of their kind; what stands in brackets may be given. */
const wordsOf = (text: string): string[] =>
  text
    .replaceAll(/ {2,}.*$/g, '')
    .replaceAll(/[[\]]/g, '')
    .replaceAll('YYYY-MM-DD', '2026-11-22')
    .replaceAll(/\bN\b/g, '5')
    .replaceAll(/"[^"]*"/g, 'text')
    .split(' ')
    .filter((word) => word !== '' && word !== '…');

/** Nothing is done: each command only says that it was taken. */
function silenced(command: Command): Command {
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  for (const inner of command.commands) silenced(inner);
  if (command.commands.length === 0 || command.registeredArguments.length > 0) command.action(() => undefined);
  return command;
}

it('there are some to look at', () => {
  expect(printed.length).toBeGreaterThan(25);
});

it.each(printed)('%s: mutuel %s', async (_file, text) => {
  const words = wordsOf(text);
  const parsed = silenced(await mutuelProgram(words)).parseAsync(['node', 'mutuel', ...words]);
  const fault: unknown = await parsed.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (fault instanceof CommanderError && LACKING.has(fault.code)) return;
  expect(fault).toBeUndefined();
});

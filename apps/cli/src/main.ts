/**
 * `npx mutuel`: the door for people with a shell. Answers go to standard output alone, everything else to standard error; a wrong
 * flag is one clear line and exit code 2.
 */
import { CommanderError } from 'commander';
import { StartFault } from '#mutuel/platform';
import { mutuelProgram } from './program.js';

try {
  await mutuelProgram().parseAsync();
} catch (fault) {
  if (fault instanceof CommanderError) process.exitCode = fault.exitCode === 0 ? 0 : 2;
  else if (fault instanceof StartFault) {
    for (const line of fault.lines) console.error(line);
    process.exitCode = fault.exitCode;
  } else throw fault;
}

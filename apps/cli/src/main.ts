/**
 * `npx mutuel`: the door for people with a shell. Answers go to standard output alone, everything else to standard error; a wrong
 * flag is one clear line and exit code 2.
 */
import { CommanderError } from 'commander';
import { mutuelProgram } from './program.js';

try {
  const program = await mutuelProgram(process.argv.slice(2));
  await program.parseAsync();
} catch (fault) {
  if (fault instanceof CommanderError) process.exitCode = fault.exitCode === 0 ? 0 : 2;
  else if (isToldInLines(fault)) {
    for (const line of fault.lines) console.error(line);
    process.exitCode = fault.exitCode;
  } else throw fault;
}

/** A fault that already is what a person is told: of a start, or of what was given. By its shape, so that files need no platform. */
function isToldInLines(fault: unknown): fault is { readonly lines: readonly string[]; readonly exitCode: number } {
  return fault instanceof Error && 'lines' in fault && Array.isArray(fault.lines) && 'exitCode' in fault;
}

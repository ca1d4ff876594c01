/**
 * The flags of the project's own scripts (loads, faults, certificates, simulation, benchmarks): `--help` lists them, and what cannot be
 * read is a sentence on standard error and exit code 2, before anything is started.
 */
import { Command, InvalidArgumentError } from 'commander';

/** A command as one types it, `npm run certify --`. */
export function script(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

export function above0(text: string): number {
  const number = numberOf(text);
  if (number > 0) return number;
  throw new InvalidArgumentError('It must be a number above zero.');
}

export function from0(text: string): number {
  const number = numberOf(text);
  if (number >= 0) return number;
  throw new InvalidArgumentError('It must be a number from zero on.');
}

/** A whole number that is at least so much. */
export function wholeFrom(least: number): (text: string) => number {
  return (text) => {
    const number = numberOf(text);
    if (Number.isSafeInteger(number) && number >= least) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
  };
}

/** Not a number, which is above and below nothing, for whatever says none. */
function numberOf(text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : Number.NaN;
}

/** What commands read: a file or standard input, refused in one line where it is not what it should be. It must never open anything else. */
import { readFileSync } from 'node:fs';

/** What was given cannot be used: what a person is told, and the exit code for a script. */
export class InputRefused extends Error {
  override readonly name = 'InputRefused';
  readonly lines: readonly string[];
  readonly exitCode = 2;

  constructor(line: string, options?: ErrorOptions) {
    super(line, options);
    this.lines = [line];
  }
}

/** The text of a file, of standard input where it is called -. */
export function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (fault) {
    throw new InputRefused(`${file} cannot be read: ${(fault as Error).message}`, { cause: fault });
  }
}

export function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (fault) {
    throw new InputRefused(`${file} is not JSON: ${(fault as Error).message}`, { cause: fault });
  }
}

/** The clock that a process reads, moved from outside while it runs. It never moves the clock of the machine. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const PRELOAD = pathToFileURL(resolve('test/certify/clock-step.mjs')).href;
const SEEN_WITHIN_MS = 2_000;
const LOOK_MS = 20;

export class SteppedClock {
  /** For the process's start. */
  readonly nodeFlags = ['--import', PRELOAD];
  readonly env: Readonly<Record<string, string>>;

  /** `file` need not be there yet; another one beside it says what the process goes by. */
  constructor(private readonly file: string) {
    this.env = { CLOCK_OFFSET_FILE: file };
    writeFileSync(file, '0');
  }

  /** So far from the machine's clock, ms; false where the process did not follow. */
  async stepTo(offset: number): Promise<boolean> {
    writeFileSync(this.file, String(offset));
    const seen = `${this.file}.seen`;
    for (let waited = 0; waited < SEEN_WITHIN_MS; waited += LOOK_MS) {
      if (existsSync(seen) && readFileSync(seen, 'utf8') === String(offset)) return true;
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
    }
    return false;
  }
}

/** What runs here, as records and people name it: the version in the package's own description. */
import { existsSync, readFileSync } from 'node:fs';

/** From the source as from `dist/`: the first description on the way up. */
function read(): string {
  for (let folder = new URL('./', import.meta.url); folder.pathname !== '/'; folder = new URL('../', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  return 'unknown';
}

export const RELEASE = read();

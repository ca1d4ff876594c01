#!/usr/bin/env node
/** `npx mutuel`: the command line tool, compiled first where a source is newer. Its answers alone go to standard output. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command, ensureBuilt, ensureInstalled, root } from '../infra/workspace.mjs';

await command(async () => {
  if (existsSync(join(root, 'tsconfig.build.json'))) {
    await ensureInstalled();
    await ensureBuilt();
  }
  await import(join(root, 'dist', 'apps', 'cli', 'src', 'main.js'));
});

/** Which data folder a command of `mutuel` means. */
import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { dataOption } from '../src/data-option.js';

afterEach(() => vi.unstubAllEnvs());

it.each([
  ['the flag', ['--data', 'told'], '/data', 'told'],
  ['DATA_DIR, as a process does', [], '/data', '/data'],
  ['the folder of a start without settings', [], undefined, 'var/data'],
])('is that of %s', (_, args, variable, folder) => {
  vi.stubEnv('DATA_DIR', variable);
  expect(new Command().addOption(dataOption()).parse(args, { from: 'user' }).opts()).toEqual({ data: folder });
});

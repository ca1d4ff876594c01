/** The project's own scripts say what is wrong with a flag, and start nothing. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { above0, from0, wholeFrom } from './flags.js';

describe('a flag that cannot be read', () => {
  it.each([
    [['--url', 'http://203.0.113.7:3000'], '"http://203.0.113.7:3000" is not on this machine'],
    [['--steps', '500x10,5000'], 'It must be a number from zero on.'],
    [['--secnods', '2'], "unknown option '--secnods'"],
  ])('ends the light generator with %j with code 2 and a sentence', (flags, sentence) => {
    const args = ['--conditions=src', '--import', 'tsx', 'loadtests/light.ts', ...flags];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(2);
  });

  it.each([
    ['above0', above0, ['0', '-1', '', ' ', 'x', 'Infinity', '1e999']],
    ['from0', from0, ['-0.1', '', 'NaN', 'ten']],
    ['wholeFrom(1)', wholeFrom(1), ['0', '1.5', '', '9007199254740993']],
  ])('%s takes none of %j', (_, read, texts) => {
    for (const text of texts) expect(() => read(text), text).toThrow(/It must be/);
  });
});

it('a flag that can be read is the number it says', () => {
  expect([above0('0.5'), from0('0'), wholeFrom(0)('42')]).toEqual([0.5, 0, 42]);
});

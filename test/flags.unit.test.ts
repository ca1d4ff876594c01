/** The project's own scripts say what is wrong with a flag, and start nothing. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { above0, from0, wholeFrom } from './flags.js';

describe('a flag that cannot be read', () => {
  it.each([
    ['loadtests/light.ts', ['--url', 'http://203.0.113.7:3000'], '"http://203.0.113.7:3000" is not on this machine'],
    ['loadtests/light.ts', ['--steps', '500x10,5000'], 'It must be a number from zero on.'],
    ['loadtests/light.ts', ['--secnods', '2'], "unknown option '--secnods'"],
    ['test/simulation/main.ts', ['--seeds', 'x'], 'It must be a whole number from 1 on.'],
    ['test/simulation/main.ts', ['--without', 'power-cut,rain'], '"rain" is neither a fault nor a feature; there are '],
    ['test/simulation/mutants.ts', ['--onyl', 'money'], "unknown option '--onyl'"],
    ['bench/hashing.ts', ['--rate=much'], 'It must be a number above zero.'],
  ])('ends %s with %j with code 2 and a sentence, and starts nothing', (program, flags, sentence) => {
    const args = ['--conditions=src', '--import', 'tsx', program, ...flags];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(2);
  });

  it.each([
    ['a number above zero', above0, ['0', '-1', '', ' ', 'x', 'Infinity', '1e999']],
    ['a number from zero on', from0, ['-0.1', '', 'NaN', 'ten']],
    ['a whole number from 1 on', wholeFrom(1), ['0', '1.5', '', '9007199254740993']],
  ])('that takes %s takes no other', (kind, read, texts) => {
    for (const text of texts) expect(() => read(text), text).toThrow(`It must be ${kind}.`);
  });
});

it('a flag that can be read is the number it says', () => {
  expect([above0('0.5'), from0('0'), wholeFrom(0)('42')]).toEqual([0.5, 0, 42]);
});

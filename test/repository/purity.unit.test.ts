/** The mathematics and the deciders are pure: same input, same answer, on any machine, any day. */
import { describe, expect, test } from 'vitest';
import { projectFiles, textOf } from './files.js';
import { findImpurities } from './purity.js';

const pureSources = projectFiles().filter((path) => /^libs\/(tote|engine)\/src\/.*\.ts$/.test(path));

describe('pure code', () => {
  test('is looked at: both libs have sources', () => {
    for (const lib of ['tote', 'engine'])
      expect(pureSources.some((path) => path.startsWith(`libs/${lib}/src/`))).toBe(true);
  });

  test.each(pureSources)('%s has no clock, randomness, I/O, promise or fraction', (path) => {
    expect(findImpurities(path, textOf(path))).toEqual([]);
  });
});

describe('the purity rule', () => {
  test('finds each kind of impurity at its line', () => {
    const path = 'test/repository/fixtures/purity/impure.txt';
    expect(findImpurities('impure.ts', textOf(path)).map(({ line, what }) => `${line} ${what}`)).toEqual([
      '1 Date',
      '2 Math.random',
      '3 async',
      '4 await',
      '4 Promise',
      '6 the fraction 0.5',
      '7 the fraction 5e-1',
      '8 setTimeout',
      '8 console',
      '9 process',
      '10 .localeCompare',
      '11 .toFixed',
      '12 Math.sqrt',
      '13 Date',
      '14 Number.parseFloat',
    ]);
  });

  test('leaves pure code alone', () => {
    expect(findImpurities('pure.ts', textOf('test/repository/fixtures/purity/pure.txt'))).toEqual([]);
  });
});

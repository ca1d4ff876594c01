import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical } from '../src/canonical.js';

describe('canonical JSON', () => {
  test.each([
    [{ b: 1, a: [true, null, 'ä"\n'], c: {} }, '{"a":[true,null,"ä\\"\\n"],"b":1,"c":{}}'],
    [{ left: undefined, kept: null, '': -0 }, '{"":0,"kept":null}'],
    [[undefined, [], '', {}], '[null,[],"",{}]'],
    [undefined, 'null'],
    [-12, '-12'],
    ['', '""'],
  ])('%j is %s', (value, text) => {
    expect(canonical(value)).toBe(text);
  });

  test('reads back as what it was written of, in one text for any order of keys (seed 20261122)', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = canonical(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonical(turned(value))).toBe(text);
      }),
      { seed: 20_261_122, numRuns: 30 },
    );
  });
});

/** The same with the keys of every object the other way round. */
function turned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(turned);
  const entries = Object.entries(value).map(([key, one]) => [key, turned(one)] as const);
  return Object.fromEntries(entries.reverse());
}

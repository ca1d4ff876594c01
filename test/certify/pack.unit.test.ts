/** The order of the faults: by the seed alone, each as often as it should, and no kind that a short run would miss. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '#mutuel/adapters';
import { packOf } from './pack.js';
import type { Fault, FaultKind } from './target.js';

const fault = (kind: FaultKind, name: string, weight: number): Fault => ({
  ...{ kind, name, weight, how: name },
  inject: async () => undefined,
});
/** As of the distributed system: one full disk beside a dozen kills. */
const FAULTS = [
  ...Array.from({ length: 6 }, (_, i) => fault('KILL', `kill ${i}`, 2)),
  ...Array.from({ length: 9 }, (_, i) => fault('PAUSE', `pause ${i}`, 1)),
  fault('DISK', 'disk', 1),
  fault('CLOCK', 'clock', 2),
];
const namesOf = (seed: number): readonly string[] => packOf(FAULTS, seededRandom(seed)).map(({ name }) => name);

describe('the pack of faults', () => {
  it('begins with one of every kind, whatever the seed', () => {
    for (let seed = 0; seed < 200; seed++) {
      const top = packOf(FAULTS, seededRandom(seed)).slice(0, 4);
      expect(new Set(top.map(({ kind }) => kind)).size).toBe(4);
    }
  });

  it('holds each fault as often as its weight says', () => {
    const expected = FAULTS.flatMap(({ name, weight }) => Array<string>(weight).fill(name));
    expect([...namesOf(7)].sort()).toEqual(expected.sort());
  });

  it('is the same for the same seed and another for another', () => {
    expect(namesOf(7)).toEqual(namesOf(7));
    expect(namesOf(7)).not.toEqual(namesOf(8));
  });
});

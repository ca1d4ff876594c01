/** What is kept is given back byte for byte, what was written over is not given at all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecentRecords } from '../src/recent-records.js';

const record = (number: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (number * 31 + i) & 0xff);

describe('recent records', () => {
  test('are the newest by number, and no others', () => {
    const recent = new RecentRecords(4, 1_000_000);
    for (let number = 1; number <= 10; number++) recent.keep(number, record(number, 100));
    expect(recent.get(6)).toBeUndefined();
    expect(recent.get(7)).toEqual(record(7, 100));
    expect(recent.get(10)).toEqual(record(10, 100));
    expect(recent.get(11)).toBeUndefined();
  });

  test('are fewer where their bytes are many, and one longer than all room is none of them', () => {
    const recent = new RecentRecords(1_000, 100_000);
    for (let number = 0; number < 10; number++) recent.keep(number, record(number, 30_000));
    const kept = Array.from({ length: 10 }, (_, number) => number).filter((number) => recent.get(number) !== undefined);
    expect(kept).toEqual([7, 8, 9]);
    recent.keep(10, record(10, 100_001));
    expect(recent.get(10)).toBeUndefined();
    expect(recent.get(9)).toEqual(record(9, 30_000));
  });

  test('have all room that there may be, even where the first of it was filled to the last byte', () => {
    const recent = new RecentRecords(1_000, 1_000_000);
    for (let number = 0; number < 14; number++) recent.keep(number, record(number, 65_536));
    expect(Array.from({ length: 14 }, (_, number) => recent.get(number)?.length)).toEqual(Array(14).fill(65_536));
  });

  test('are given back as they were, whatever their lengths, and the last one always', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (lengths, records) => {
          const recent = new RecentRecords(records, 200_000);
          const kept = lengths.map((length, number) => record(number, length));
          for (const [number, bytes] of kept.entries()) {
            recent.keep(number, bytes);
            expect(recent.get(number)).toHaveLength(bytes.length);
            for (let earlier = 0; earlier <= number; earlier++) {
              const found = recent.get(earlier);
              if (found) expect(Buffer.compare(found, kept[earlier] as Uint8Array)).toBe(0);
            }
          }
        },
      ),
      { seed: 20261123, numRuns: 40 },
    );
  });
});

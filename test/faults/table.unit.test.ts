/** The table of faults and its verdict: what is found stands in a column, and a takeover that comes too late is found. */
import { describe, expect, test } from 'vitest';
import { headOfTable, judged, rowOf } from './table.js';
import type { Outcome } from './trial.js';

const outcome: Outcome = {
  ...{ name: 'kill -9 shards, a standby is warm', seed: 31, accepted: 10, refused: 2, codes: [], turnedAway: 1 },
  ...{ unknown: 4, resolved: 4, delayed: 3, againMs: 70, gapMs: 60, findings: [] },
};
const cells = (row: string): string[] =>
  row
    .split('|')
    .map((cell) => cell.trim())
    .slice(1, -1);
const column = (row: string, heading: string): string | undefined =>
  cells(row)[cells(headOfTable().split('\n')[0] ?? '').indexOf(heading)];

describe('the table', () => {
  test.each([
    ['lost', 'lost: acc-1 r-1 was acknowledged'],
    ['doubled', 'doubled: r-1'],
    ['standing', 'b-1 stands at the seal of WIN'],
    ['adrift', 'adrift: acc-1 has 3'],
    ['seal ≠ fold', 'the seal of WIN says 4'],
    ['else', 'race 1 does not come home'],
  ])('counts under "%s": %s', (heading, finding) => {
    const row = rowOf({ ...outcome, findings: [finding] });
    const found = ['lost', 'doubled', 'standing', 'adrift', 'seal ≠ fold', 'else'].filter(
      (one) => column(row, one) !== '0',
    );
    expect(found).toEqual([heading]);
  });
});

describe('a takeover by a warm standby', () => {
  test.each([
    [70, 60, 0],
    [2_000, 2_000, 0],
    [2_001, 60, 1],
    [undefined, 0, 1],
    // One ticket slipped through before the silence.
    [70, 3_500, 1],
  ])('that sells again after %s ms with a gap of %i ms has %i findings', (againMs, gapMs, count) => {
    const { findings } = judged({ ...outcome, againMs, gapMs });
    expect(findings).toHaveLength(count);
    expect(column(rowOf(judged({ ...outcome, againMs, gapMs })), 'else')).toBe(String(count));
  });

  test('is asked of no fault without one', () => {
    expect(judged({ ...outcome, name: 'kill -9 shards', againMs: 4_000, gapMs: 4_000 }).findings).toEqual([]);
  });
});

/** What every counter of uses must do: run in process and on Redis. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UseCounter } from '#mutuel/runtime';
import { until } from './support/log-helpers.js';

export interface CounterFixture {
  /** Two processes that share one count; the same object where there is one process. */
  readonly counter: UseCounter;
  readonly other: UseCounter;
  dispose(): Promise<void>;
}

export function describeUseCounter(name: string, open: (windowS: number) => Promise<CounterFixture>): void {
  describe(`${name} as a counter of uses`, () => {
    let fixture: CounterFixture;
    let counter: UseCounter;
    let other: UseCounter;
    beforeEach(async () => {
      fixture = await open(1);
      ({ counter, other } = fixture);
    });
    afterEach(() => fixture.dispose());

    it('adds up what all processes use, each key for itself', async () => {
      expect((await counter.add('partner:p-1', 3)).used).toBe(3);
      expect((await other.add('partner:p-1', 4)).used).toBe(7);
      expect((await other.add('partner:p-2', 1)).used).toBe(1);
      const { used, windowEndsInMs } = await counter.add('partner:p-1', 1);
      expect(used).toBe(8);
      expect(windowEndsInMs).toBeGreaterThan(0);
      expect(windowEndsInMs).toBeLessThanOrEqual(1_000);
    });

    it('loses nothing when many ask at once', async () => {
      const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 ? counter : other).add('k', 1)));
      expect(answers.map(({ used }) => used).sort((a, b) => a - b)).toEqual(answers.map((_, i) => i + 1));
    });

    it('begins anew when the window is over', async () => {
      await counter.add('k', 5);
      await until(async () => (await other.add('k', 1)).used === 1);
    });
  });
}
